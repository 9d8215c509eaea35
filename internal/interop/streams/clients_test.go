// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/minio/minio-go/v7"
	miniocredentials "github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/sigv4"
)

const (
	keyID  = "AKIASTREAMSSTREAMSST"
	secret = "streams/secret+streams/secret+streams/00"
	region = "us-east-1"
)

const every = sigv4.ModeHeader | sigv4.ModeQuery | sigv4.ModeChunked | sigv4.ModeUnsignedTrailer | sigv4.ModeV4A

// store is a bucket in memory behind our Verifier; it remembers how each upload
// was sent.
type store struct {
	*httptest.Server
	mu      sync.Mutex
	objects map[string][]byte
	seen    map[string]*sigv4.Identity
}

func newStore(t testing.TB, useTLS bool) *store {
	t.Helper()
	s := &store{objects: map[string][]byte{}, seen: map[string]*sigv4.Identity{}}
	v := &sigv4.Verifier{
		Keys: sigv4.StaticKeys{keyID: {Secret: secret}}, Region: region, Profile: sigv4.ProfileFor("s3"),
		Modes: every, AllowUnknownLength: true,
	}
	v.OnReject = func(r *http.Request, e *sigv4.Error) { t.Logf("%s %s: %v", r.Method, r.URL, e) }
	s.Server = httptest.NewUnstartedServer(v.Handler(http.HandlerFunc(s.serve)))
	if useTLS {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func (s *store) serve(w http.ResponseWriter, r *http.Request) {
	id, _ := sigv4.FromContext(r.Context())
	body, err := io.ReadAll(r.Body)
	if err != nil {
		var e *sigv4.Error
		if errors.As(err, &e) {
			sigv4.S3XML(w, r, e)
			return
		}
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if r.Method == http.MethodGet && r.URL.Query().Has("location") {
		_ = xml.NewEncoder(w).Encode(struct {
			XMLName xml.Name `xml:"LocationConstraint"`
		}{})
		return
	}
	if r.Method == http.MethodPut {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.objects[id.Path], s.seen[id.Path] = body, id
		w.Header().Set("ETag", `"0"`)
		for name, value := range r.Trailer {
			w.Header()[name] = value
		}
		if r.Header.Get("Content-Encoding") != "" {
			w.Header().Set("X-Seen-Encoding", r.Header.Get("Content-Encoding"))
		}
	}
}

func (s *store) requireObject(t *testing.T, path string, want []byte, mode sigv4.PayloadMode) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.True(t, bytes.Equal(want, s.objects[path]), path)
	require.Equal(t, mode.String(), s.seen[path].Payload.String(), path)
}

// trusting accepts the throwaway certificate of the test server.
func trusting() *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // the server is our own
}

var sizes = []int{0, 1, 8192, 65536, 65537, 5<<20 + 1}

// SIG-122: minio-go, plain and over TLS, with and without a checksum.
func TestMinioGo(t *testing.T) {
	cases := 0
	for _, useTLS := range []bool{false, true} {
		s := newStore(t, useTLS)
		client, err := minio.New(strings.SplitN(s.URL, "//", 2)[1], &minio.Options{
			Creds: miniocredentials.NewStaticV4(keyID, secret, ""), Secure: useTLS, Region: region, Transport: trusting(), TrailingHeaders: true,
		})
		require.NoError(t, err)
		for _, sum := range []minio.ChecksumType{minio.ChecksumNone, minio.ChecksumCRC32, minio.ChecksumCRC32C, minio.ChecksumSHA1, minio.ChecksumSHA256, minio.ChecksumCRC64NVME} {
			for _, n := range sizes {
				body := bytes.Repeat([]byte("m"), n)
				key := fmt.Sprintf("%s-%d", sum, n)
				_, err := client.PutObject(context.Background(), "bucket", key, struct{ io.Reader }{bytes.NewReader(body)}, int64(n), minio.PutObjectOptions{
					Checksum: sum, DisableMultipart: true, AutoChecksum: minio.ChecksumNone,
				})
				require.NoError(t, err, key)
				s.mu.Lock()
				t.Logf("tls=%v %s: %s", useTLS, key, s.seen["/bucket/"+key].Payload)
				require.True(t, bytes.Equal(body, s.objects["/bucket/"+key]))
				if n > 0 && sum.IsSet() {
					require.Equal(t, !useTLS, s.seen["/bucket/"+key].Payload == sigv4.PayloadChunkedTrailer)
				}
				s.mu.Unlock()
				cases++
			}
		}
	}
	testkit.Report(t, "interop", "streams/minio-go", interop.ModuleVersion(t, "github.com/minio/minio-go/v7"), cases)
}

// SIG-122: aws-sdk-go-v2 over TLS, with each checksum, seekable and not, with
// the length known and not.
func TestSDK(t *testing.T) {
	s := newStore(t, true)
	client := s3.New(s3.Options{
		Region: region, BaseEndpoint: aws.String(s.URL), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(keyID, secret, ""), HTTPClient: &http.Client{Transport: trusting()},
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
	})
	cases := 0
	for _, sum := range []types.ChecksumAlgorithm{"", types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmCrc32c, types.ChecksumAlgorithmCrc64nvme, types.ChecksumAlgorithmSha1, types.ChecksumAlgorithmSha256} {
		for _, n := range sizes {
			for _, how := range []string{"seekable", "stream", "unknown"} {
				body := bytes.Repeat([]byte("s"), n)
				in := &s3.PutObjectInput{
					Bucket: aws.String("bucket"), Key: aws.String(fmt.Sprintf("%s-%d-%s", sum, n, how)), ChecksumAlgorithm: sum,
					Body: bytes.NewReader(body), ContentEncoding: aws.String("gzip"),
				}
				if how != "seekable" {
					in.Body = struct{ io.Reader }{bytes.NewReader(body)}
				}
				if how == "stream" {
					in.ContentLength = aws.Int64(int64(n))
				}
				_, err := client.PutObject(context.Background(), in)
				require.NoError(t, err, *in.Key)
				if n > 0 {
					s.requireObject(t, "/bucket/"+*in.Key, body, sigv4.PayloadUnsignedTrailer)
				}
				cases++
			}
		}
	}
	testkit.Report(t, "interop", "streams/aws-sdk-go-v2", interop.ModuleVersion(t, "github.com/aws/aws-sdk-go-v2/service/s3"), cases)
}

// The SDK signs requests to a multi-region access point with SigV4A; our
// Verifier accepts them by the public key alone.
func TestSDKMultiRegionAccessPoint(t *testing.T) {
	pub, err := sigv4.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}.V4APublicKey()
	require.NoError(t, err)
	v := &sigv4.Verifier{
		Keys: sigv4.StaticKeys{keyID: {PublicKey: pub}}, Region: region, Profile: sigv4.ProfileFor("s3"), Modes: every,
	}
	var got []*sigv4.Identity
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		in := r.Clone(r.Context())
		in.Host = r.URL.Host
		if in.Body == nil {
			in.Body = http.NoBody
		}
		id, err := v.Verify(in)
		if err != nil {
			return nil, err
		}
		if _, err := io.Copy(io.Discard, in.Body); err != nil {
			return nil, err
		}
		got = append(got, id)
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r, ProtoMajor: 1}, nil
	})
	client := s3.New(s3.Options{
		Region: region, Credentials: credentials.NewStaticCredentialsProvider(keyID, secret, ""), HTTPClient: &http.Client{Transport: transport},
		RetryMaxAttempts: 1,
	})
	bucket := aws.String("arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap")
	cases := 0
	for _, key := range []string{"plain", "with space", "a//b", "plus+and%percent", "ünïcode"} {
		_, err = client.GetObject(context.Background(), &s3.GetObjectInput{Bucket: bucket, Key: aws.String(key)})
		require.NoError(t, err, key)
		_, err = client.PutObject(context.Background(), &s3.PutObjectInput{Bucket: bucket, Key: aws.String(key), Body: strings.NewReader("hello")})
		require.NoError(t, err, key)
		cases += 2
	}
	for _, id := range got {
		require.Equal(t, sigv4.AlgorithmV4A, id.Algorithm)
		require.Equal(t, []string{"*"}, id.RegionSet)
	}
	require.Len(t, got, cases)
	testkit.Report(t, "interop", "streams/sdk-sigv4a", interop.ModuleVersion(t, "github.com/aws/aws-sdk-go-v2/service/s3"), cases)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
