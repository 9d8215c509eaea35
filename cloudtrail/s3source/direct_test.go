// SPDX-License-Identifier: Apache-2.0

package s3source_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/cloudtrail/s3source"
	"github.com/sallyport-go/sallyport/sigv4"
)

// store is an S3 of one bucket that verifies signatures and counts requests.
type store struct {
	*httptest.Server
	gets  atomic.Int64
	fault func(w http.ResponseWriter, try int64) bool
}

const oddKey = "a b/ü+%2F/'(x)~*.json.gz"

func serve(t *testing.T) *store {
	s := &store{}
	keys := sigv4.StaticKeys{"AKIDEXAMPLE": {Secret: "secret"}}
	v := &sigv4.Verifier{Keys: keys, Profile: sigv4.ProfileFor("s3"), Region: "us-east-1"}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := v.Verify(r); err != nil && r.Header.Get("Authorization") != "" {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		if s.fault != nil && s.fault(w, s.gets.Add(1)) {
			return
		}
		if r.URL.Path != "/bucket/"+oddKey {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, "<Error><Code>NoSuchKey</Code></Error>")
			return
		}
		if r.Header.Get("Accept-Encoding") != "identity" {
			http.Error(w, "not as stored", http.StatusTeapot)
			return
		}
		w.Header()["x-amz-meta-signature-Algorithm"] = []string{"SHA256withRSA"}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, "text")
		_ = z.Close()
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *store) client(signed bool) *s3.Client {
	o := s3.Options{
		Region: "us-east-1", BaseEndpoint: &s.URL, UsePathStyle: true, Credentials: aws.AnonymousCredentials{},
		RetryMaxAttempts: 3, ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	}
	if signed {
		o.Credentials = credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")
	}
	return s3.New(o)
}

// TestDirect is CT-2, too: the direct source reads what the client's reads, as it
// is stored, signed and not, whatever the key holds.
func TestDirect(t *testing.T) {
	s := serve(t)
	for _, signed := range []bool{true, false} {
		client := s.client(signed)
		for _, source := range []*s3source.Source{s3source.New(client), s3source.NewDirect(client)} {
			o, err := source.Open(t.Context(), "bucket", oddKey)
			require.NoError(t, err)
			body, err := io.ReadAll(o.Body)
			require.NoError(t, err)
			require.NoError(t, o.Body.Close())
			require.True(t, strings.HasPrefix(string(body), "\x1f\x8b"), "as it is stored")
			require.Equal(t, int64(len(body)), o.Size)
			require.Equal(t, map[string]string{"signature-algorithm": "SHA256withRSA"}, o.Metadata)
			_, err = source.Open(t.Context(), "bucket", "none")
			require.ErrorIs(t, err, fs.ErrNotExist)
		}
	}
}

// TestDirectFaults is CT-47: what the direct request meets is retried and sorted
// by the client.
func TestDirectFaults(t *testing.T) {
	answer := func(status int, code string) func(http.ResponseWriter, int64) bool {
		return func(w http.ResponseWriter, _ int64) bool {
			w.WriteHeader(status)
			fmt.Fprintf(w, "<Error><Code>%s</Code></Error>", code)
			return true
		}
	}
	first := func(n int64, f func(http.ResponseWriter, int64) bool) func(http.ResponseWriter, int64) bool {
		return func(w http.ResponseWriter, try int64) bool { return try <= n && f(w, try) }
	}
	abort := func(http.ResponseWriter, int64) bool { panic(http.ErrAbortHandler) }
	for _, tc := range []struct {
		name  string
		fault func(http.ResponseWriter, int64) bool
		want  error
		gets  int64
	}{
		{"busy once", first(1, answer(503, "SlowDown")), nil, 2},
		{"reset twice", first(2, abort), nil, 3},
		{"archived", answer(403, "InvalidObjectState"), cloudtrail.ErrArchived, 2},
		{"refused", answer(403, "AccessDenied"), s3source.ErrRefused, 2},
		{"busy always", answer(503, "SlowDown"), s3source.ErrRefused, 4},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			s.fault = tc.fault
			o, err := s3source.NewDirect(s.client(true)).Open(t.Context(), "bucket", oddKey)
			require.ErrorIs(t, err, tc.want)
			if err == nil {
				require.NoError(t, o.Body.Close())
			}
			require.GreaterOrEqual(t, s.gets.Load(), tc.gets)
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := serve(t)
	_, err := s3source.NewDirect(s.client(true)).Open(ctx, "bucket", oddKey)
	require.ErrorIs(t, err, context.Canceled)
}

// A trail in S3 with fewer allocations for each object.
func ExampleNewDirect() {
	client := s3.New(s3.Options{Region: "eu-west-1"})
	v := cloudtrail.Validator{Source: s3source.NewDirect(client), Buckets: []string{"my-logs"}}
	fmt.Println(v.Source != nil)
	// Output: true
}
