// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// benchTrail is a day with four log files an hour of about a megabyte each,
// written to disk. The log files have eight different contents.
var benchTrail = sync.OnceValues(func() (dir string, inflated int64) {
	dir, err := os.MkdirTemp("", "trail")
	if err != nil {
		panic(err)
	}
	trail := testkit.NewTrail()
	trail.AddKey("us-east-1", testkit.TrailKeys[0]())
	c := trail.Chain()
	random := rand.New(rand.NewPCG(1, 2))
	var bodies, texts [][]byte
	for range 8 {
		text := benchLog(random, 700)
		texts, bodies = append(texts, text), append(bodies, testkit.Gzip(text))
	}
	for h := range 24 {
		var entries []any
		for i := range 4 {
			at := c.Start.Add(time.Duration(i+1) * 10 * time.Minute)
			key := c.LogKey(at, fmt.Sprintf("%016d", h*10+i))
			n := (h + i) % len(texts)
			trail.Objects[c.Bucket+"/"+key] = bodies[n]
			entries = append(entries, testkit.LogEntry(c.Bucket, key, texts[n], at))
			inflated += int64(len(texts[n]))
		}
		end := c.Start.Add(time.Hour)
		c.Digest(end, entries)
		c.Start = end
	}
	if err := trail.WriteTo(dir); err != nil {
		panic(err)
	}
	return dir, inflated
})

// benchLog is a log file with about 1.5 KB an event, which compresses about as
// well as real ones do.
func benchLog(random *rand.Rand, events int) []byte {
	var b strings.Builder
	b.WriteString(`{"Records":[`)
	for i := range events {
		if i > 0 {
			b.WriteByte(',')
		}
		var id [40]byte
		for j := range id {
			id[j] = byte(random.Uint32())
		}
		h := hex.EncodeToString(id[:])
		fmt.Fprintf(&b, `{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROA%s:session-%d","arn":"arn:aws:sts::111122223333:assumed-role/service-role/session-%d","accountId":"111122223333","accessKeyId":"ASIA%s","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROA%s","arn":"arn:aws:iam::111122223333:role/service-role","accountId":"111122223333","userName":"service-role"},"attributes":{"creationDate":"2026-03-01T00:%02d:00Z","mfaAuthenticated":"false"}}},`+
			`"eventTime":"2026-03-01T00:%02d:%02dZ","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.%d","userAgent":"[aws-sdk-go-v2/1.45.1 os/linux lang/go#1.26.8 md/GOOS#linux md/GOARCH#amd64 api/s3#1.109.1]","requestParameters":{"bucketName":"data-%d","key":"reports/2026/03/%s.parquet","Host":"data-%d.s3.us-east-1.amazonaws.com"},"responseElements":null,"additionalEventData":{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"%s","bytesTransferredOut":%d},`+
			`"requestID":"%s","eventID":"%s-%s-%s","readOnly":true,"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::data-%d/reports/2026/03/%s.parquet"},{"accountId":"111122223333","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::data-%d"}],"eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":"111122223333","eventCategory":"Data","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"data-%d.s3.us-east-1.amazonaws.com"}}`,
			h[:16], i%50, i%50, h[:16], h[:16], i%60, i%60, i%60, i%250, i%9, h[16:32], i%9, h, i*37, h[32:48], h[48:56], h[56:60], h[60:72], i%9, h[16:32], i%9, i%9)
	}
	b.WriteString("]}")
	return []byte(b.String())
}

// BenchmarkRun is CT-66, CT-67 and CT-68: it validates the day, and in turn with
// that inflates and hashes the same files with as many goroutines, doing nothing
// else: the floor. Its metric %floor is the share of the floor's speed that a
// whole validation reaches.
func BenchmarkRun(b *testing.B) {
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) { benchRun(b, workers) })
	}
}

func benchRun(b *testing.B, workers int) {
	dir, inflated := benchTrail()
	root, err := os.OpenRoot(dir)
	require.NoError(b, err)
	defer root.Close()
	names := benchLogs(b, root)
	v := validatorOf(b, root.FS())
	v.Workers = workers
	var run, floor []time.Duration
	b.SetBytes(inflated)
	b.ReportAllocs()
	for b.Loop() {
		begin := time.Now()
		rep, err := v.Run(b.Context())
		run = append(run, time.Since(begin))
		if err != nil || rep.Verdict != cloudtrail.Valid || rep.Counts.Bytes != inflated {
			b.Fatal(err, rep.Verdict)
		}
		b.StopTimer()
		begin = time.Now()
		benchFloor(b, root, names, workers)
		floor = append(floor, time.Since(begin))
		b.StartTimer()
	}
	slices.Sort(run)
	slices.Sort(floor)
	b.ReportMetric(100*float64(floor[len(floor)/2])/float64(run[len(run)/2]), "%floor")
	b.ReportMetric(float64(inflated)/1e6/floor[len(floor)/2].Seconds(), "floor-MB/s")
}

func benchLogs(b *testing.B, root *os.Root) (names []string) {
	for key, err := range (cloudtrail.Directory{FS: root.FS()}).List(b.Context(), "trail-logs", "", "") {
		require.NoError(b, err)
		if !strings.Contains(key, "Digest") {
			names = append(names, "trail-logs/"+key)
		}
	}
	return names
}

func benchFloor(b *testing.B, root *os.Root, names []string, workers int) {
	work := make(chan string)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			var z gzip.Reader
			in := bufio.NewReaderSize(nil, 32<<10)
			sum := sha256.New()
			buf := make([]byte, 64<<10)
			for name := range work {
				f, err := root.Open(name)
				if err != nil {
					b.Error(err)
					continue
				}
				in.Reset(f)
				if err := z.Reset(in); err != nil {
					b.Error(err)
				}
				sum.Reset()
				if _, err := io.CopyBuffer(sum, struct{ io.Reader }{&z}, buf); err != nil {
					b.Error(err)
				}
				sum.Sum(buf[:0])
				_ = f.Close()
			}
		})
	}
	for _, name := range names {
		work <- name
	}
	close(work)
	wg.Wait()
}

// BenchmarkDigest is CT-66: it reads and checks a digest of 12 log files, signature included.
func BenchmarkDigest(b *testing.B) {
	trail := testkit.NewTrail()
	trail.AddKey("us-east-1", testkit.TrailKeys[0]())
	c := trail.Chain()
	c.Hour(12)
	text := testkit.Gunzip(trail.Objects[c.Digests[0]])
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := cloudtrail.ParseDigest(text, cloudtrail.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSign builds and signs a digest.
func BenchmarkSign(b *testing.B) {
	s := testSigner()
	_, entry, err := s.Log(testkit.TrailStart, []json.RawMessage{[]byte("{}")})
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := s.Digest(cloudtrail.DigestInput{Start: testkit.TrailStart, End: testkit.TrailStart.Add(time.Hour), Logs: []cloudtrail.LogFile{entry}}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSignerLog builds a log file of 10,000 records of 900 bytes.
func BenchmarkSignerLog(b *testing.B) {
	s := testSigner()
	var records []json.RawMessage
	for i := range 10_000 {
		records = append(records, fmt.Appendf(nil, `{"eventTime":"2026-01-01T00:00:00Z","eventName":"GetObject","requestID":"%016X","more":%q}`,
			uint64(i)*0x9e3779b97f4a7c15, strings.Repeat("arn:aws:s3:::bucket/key ", 33)))
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(records) * len(records[0])))
	for b.Loop() {
		if _, _, err := s.Log(testkit.TrailStart, records); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseDigestName takes a key apart.
func BenchmarkParseDigestName(b *testing.B) {
	key := digestNames[0].key
	b.SetBytes(int64(len(key)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := cloudtrail.ParseDigestName(key); err != nil {
			b.Fatal(err)
		}
	}
}
