// SPDX-License-Identifier: Apache-2.0

package awstrail

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// longTrail is a trail of days with twelve log files an hour. The log files
// have 24 different contents of about size bytes, so that a long trail costs
// the test little memory.
func longTrail(days, size int) (trail *testkit.Trail, end time.Time, inflated int64) {
	trail = testkit.NewTrail()
	trail.AddKey("us-east-1", testkit.TrailKeys[0]())
	trail.Keys["us-east-1"][0].NotAfter = testkit.TrailStart.AddDate(1, 0, 0)
	c := trail.Chain()
	random := rand.New(rand.NewPCG(3, 4))
	var bodies, texts [][]byte
	for range 24 {
		text := logText(random, size)
		texts, bodies = append(texts, text), append(bodies, testkit.Gzip(text))
	}
	for h := range 24 * days {
		var entries []any
		for i := range 12 {
			at := c.Start.Add(time.Duration(i*5) * time.Minute)
			key := c.LogKey(at, fmt.Sprintf("%016d", h*100+i))
			n := (h + i) % len(texts)
			trail.Objects[c.Bucket+"/"+key] = bodies[n]
			entries = append(entries, testkit.LogEntry(c.Bucket, key, texts[n], at))
			inflated += int64(len(texts[n]))
		}
		end = c.Start.Add(time.Hour)
		c.Digest(end, entries)
		c.Start = end
	}
	return trail, end, inflated
}

func logText(random *rand.Rand, size int) []byte {
	var b strings.Builder
	b.WriteString(`{"Records":[`)
	for i := 0; b.Len() < size; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		var id [48]byte
		for j := range id {
			id[j] = byte(random.Uint32())
		}
		h := hex.EncodeToString(id[:])
		fmt.Fprintf(&b, `{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROA%s:session","arn":"arn:aws:sts::111122223333:assumed-role/service-role/session-%d","accountId":"111122223333","accessKeyId":"ASIA%s"},"eventTime":"2026-03-01T00:%02d:%02dZ","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.%d","userAgent":"[aws-sdk-go-v2/1.45.1 os/linux lang/go#1.26.8]","requestParameters":{"bucketName":"data-%d","key":"reports/2026/03/%s.parquet"},"responseElements":null,"additionalEventData":{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","AuthenticationMethod":"AuthHeader","x-amz-id-2":"%s"},"requestID":"%s","eventID":"%s-%s","readOnly":true,"eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":"111122223333","eventCategory":"Data"}`,
			h[:16], i%50, h[16:32], i%60, i%60, i%250, i%9, h[32:48], h, h[48:64], h[64:80], h[80:])
	}
	b.WriteString("]}")
	return []byte(b.String())
}

// measured is one run of a program: time, CPU, and the most memory it held.
type measured struct {
	answer
	kilobytes int
}

// measure runs a program under a small one that says how much time and memory
// it took, which are not counted with it.
func measure(t *testing.T, env []string, name string, args ...string) measured {
	t.Helper()
	python := interop.Program(t, "python3")
	const code = `import resource,subprocess,sys,time
t=time.monotonic()
r=subprocess.call(sys.argv[1:])
t=time.monotonic()-t
u=resource.getrusage(resource.RUSAGE_CHILDREN)
print("MEASURED",u.ru_maxrss,t,u.ru_utime+u.ru_stime,file=sys.stderr)
sys.exit(r)`
	a := run(t, env, python, append([]string{"-S", "-c", code, name}, args...)...)
	_, line, ok := strings.Cut(a.stderr, "MEASURED ")
	require.True(t, ok, a.stderr)
	var kb int
	var wall, cpu float64
	_, err := fmt.Sscan(line, &kb, &wall, &cpu)
	require.NoError(t, err)
	a.wall, a.cpu = time.Duration(wall*1e9), time.Duration(cpu*1e9)
	return measured{a, kb}
}

func full() bool { return os.Getenv("SALLYPORT_FULL") != "" }

// TestSpeed runs the AWS CLI and trailcheck over the same served trail, in
// turns, and logs the ratios. The bounded form has a day of small log files and
// asserts nothing about time; memory is asserted, which does not depend on the
// machine's load.
func TestSpeed(t *testing.T) {
	interop.Require(t)
	bin, err := trailcheck()
	require.NoError(t, err)
	days, size, rounds := 1, 100_000, 1
	if full() {
		days, size, rounds = 7, 450_000, 3
	}
	trail, end, inflated := longTrail(days, size)
	c := serve(t, trail)
	objects := len(trail.Objects)
	for _, latency := range []time.Duration{0, 30 * time.Millisecond} {
		if latency > 0 && days > 1 {
			// A day is enough to see what waiting costs.
			trail, end, inflated = longTrail(1, size)
			c, objects = serve(t, trail), len(trail.Objects)
		}
		c.latency = latency
		workers := 16
		if latency > 0 {
			workers = 64
		}
		for round := range rounds {
			theirs := measure(t, awsEnv(c.URL), interop.Program(t, "aws"), "cloudtrail", "validate-logs", "--trail-arn", "arn:aws:cloudtrail:us-east-1:111122223333:trail/main",
				"--start-time", testkit.TrailStart.Format(time.RFC3339), "--end-time", end.Format(time.RFC3339))
			require.Zero(t, theirs.exit, theirs.stderr)
			ours := measure(t, awsEnv(c.URL), bin, "-bucket", "trail-logs", "-endpoint", c.URL, "-workers", strconv.Itoa(workers),
				"-start", testkit.TrailStart.Format(time.RFC3339), "-end", end.Format(time.RFC3339))
			require.Zero(t, ours.exit, ours.stdout)
			digests := len(trail.Meta)
			require.Contains(t, theirs.stdout, fmt.Sprintf("%d/%d log files valid", objects-digests, objects-digests))
			require.Contains(t, ours.stdout, fmt.Sprintf("logs: %d/%d valid, %d bytes", objects-digests, objects-digests, inflated))
			t.Logf("%d objects, %d MB inflated, %v a request, round %d: aws %.2f s wall %.2f s cpu %d MB; trailcheck, %d workers, %.2f s wall %.2f s cpu %d MB: %.1f times, cpu %.2f",
				objects, inflated>>20, latency, round, theirs.wall.Seconds(), theirs.cpu.Seconds(), theirs.kilobytes>>10, workers,
				ours.wall.Seconds(), ours.cpu.Seconds(), ours.kilobytes>>10, theirs.wall.Seconds()/ours.wall.Seconds(), ours.cpu.Seconds()/theirs.cpu.Seconds())
			limit := 32
			if latency > 0 {
				limit = 48
			}
			require.LessOrEqual(t, ours.kilobytes>>10, limit, "peak memory in MB")
		}
	}
	testkit.Report(t, "interop", "awstrail/speed", "-", 2*rounds)
}

// TestMemory: peak memory does not grow with the trail. The full form has 7 and
// 70 days.
func TestMemory(t *testing.T) {
	interop.Require(t)
	bin, err := trailcheck()
	require.NoError(t, err)
	lengths := []int{1, 4}
	if full() {
		lengths = []int{7, 70}
	}
	for _, days := range lengths {
		trail, end, inflated := longTrail(days, 100_000)
		c := serve(t, trail)
		m := measure(t, awsEnv(c.URL), bin, "-bucket", "trail-logs", "-endpoint", c.URL, "-end", end.Format(time.RFC3339))
		require.Zero(t, m.exit, m.stdout)
		t.Logf("%d days, %d objects, %d MB inflated: %.2f s wall, %.2f s cpu, peak %d KB", days, len(trail.Objects), inflated>>20, m.wall.Seconds(), m.cpu.Seconds(), m.kilobytes)
		require.LessOrEqual(t, m.kilobytes, 32<<10)
		c.Close()
	}
	testkit.Report(t, "interop", "awstrail/memory", "-", len(lengths))
}
