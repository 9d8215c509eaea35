// SPDX-License-Identifier: Apache-2.0

package gatewayclients

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/interop"
)

func (w *world) sdk(u user, change ...func(*s3.Options)) *s3.Client {
	o := s3.Options{
		BaseEndpoint: aws.String(w.URL), Region: w.Region, UsePathStyle: true, HTTPClient: w.Client, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(u.id, u.secret, u.token),
		// what config.LoadDefaultConfig sets
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	}
	return s3.New(o, change...)
}

func requireCode(t *testing.T, err error, code string) {
	t.Helper()
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, code, api.ErrorCode(), err.Error())
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

func testSDK(t *testing.T, w *world) string {
	c := w.sdk(w.root())
	bucket := aws.String("sdk-" + w.scheme)
	_, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket})
	require.NoError(t, err)
	t.Run("objects", func(t *testing.T) { testSDKObjects(t, w, c, bucket) })
	t.Run("access", func(t *testing.T) { testSDKAccess(t, w, c, bucket) })
	t.Run("transfer manager", func(t *testing.T) { testSDKTransfer(t, w, c, bucket) })
	t.Run("virtual host", func(t *testing.T) { testSDKVirtualHost(t, w, bucket) })
	t.Run("users", func(t *testing.T) {
		_, err := w.sdk(w.temporary()).HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: bucket})
		require.NoError(t, err)
		for _, u := range w.strangers() {
			_, err := w.sdk(u).PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: aws.String("x"), Body: strings.NewReader("x")})
			requireCode(t, err, u.code)
		}
		w.cases += 1 + len(w.strangers())
	})
	pages := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		var ids []types.ObjectIdentifier
		for _, o := range page.Contents {
			ids = append(ids, types.ObjectIdentifier{Key: o.Key})
		}
		_, err = c.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Objects: ids}})
		require.NoError(t, err)
	}
	_, err = c.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: bucket})
	require.NoError(t, err)
	return "aws-sdk-go-v2 " + interop.ModuleVersion(t, "github.com/aws/aws-sdk-go-v2")
}

func testSDKObjects(t *testing.T, w *world, c *s3.Client, bucket *string) {
	ctx := t.Context()
	keys := []string{"a", "a b", "a+b", "(1)", "a%2Fb", "ü/日本", "d//e", "d/../e", "end/"}
	for i, key := range keys {
		body := randomBytes(i * 1000)
		_, err := c.PutObject(ctx, &s3.PutObjectInput{
			Bucket: bucket, Key: &key, Body: bytes.NewReader(body), Metadata: map[string]string{"n": fmt.Sprint(i)},
			CacheControl: aws.String("no-cache"), ContentEncoding: aws.String("gzip"),
		})
		require.NoError(t, err, key)
		out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: &key})
		require.NoError(t, err, key)
		got, err := io.ReadAll(out.Body)
		require.NoError(t, err)
		require.True(t, bytes.Equal(body, got), key)
		require.Equal(t, "gzip", aws.ToString(out.ContentEncoding))
		require.Equal(t, "no-cache", aws.ToString(out.CacheControl))
		require.Equal(t, fmt.Sprint(i), out.Metadata["n"])
		w.cases++
	}
	for _, algorithm := range []types.ChecksumAlgorithm{"CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"} {
		_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("sum"), Body: strings.NewReader("sum"), ChecksumAlgorithm: algorithm})
		require.NoError(t, err, algorithm)
		out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("sum"), ChecksumMode: types.ChecksumModeEnabled})
		require.NoError(t, err, algorithm)
		_, err = io.ReadAll(out.Body) // the SDK compares the checksum here
		require.NoError(t, err, algorithm)
		w.cases++
	}
	_, err := c.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: aws.String("copy"), CopySource: aws.String(*bucket + "/a%2Bb")})
	require.NoError(t, err)
	listed, err := c.ListObjects(ctx, &s3.ListObjectsInput{Bucket: bucket, Delimiter: aws.String("/")})
	require.NoError(t, err)
	require.Len(t, listed.CommonPrefixes, 3)
	w.cases += 2
}

func testSDKTransfer(t *testing.T, w *world, c *s3.Client, bucket *string) {
	tm := transfermanager.New(c)
	body := randomBytes(20<<20 + 17)
	for name, reader := range map[string]io.Reader{
		"known length":   bytes.NewReader(body),
		"unknown length": struct{ io.Reader }{bytes.NewReader(body)},
	} {
		_, err := tm.UploadObject(t.Context(), &transfermanager.UploadObjectInput{Bucket: bucket, Key: &name, Body: reader})
		require.NoError(t, err, name)
		got := &buffer{}
		_, err = tm.DownloadObject(t.Context(), &transfermanager.DownloadObjectInput{Bucket: bucket, Key: &name, WriterAt: got})
		require.NoError(t, err, name)
		require.True(t, bytes.Equal(body, got.b), name)
		w.cases += 2
	}
	if w.scheme == "https" { // over http the client refuses by itself
		_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: aws.String("stream"), Body: struct{ io.Reader }{bytes.NewReader(body)}})
		require.NoError(t, err)
		out, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("stream")})
		require.NoError(t, err)
		require.EqualValues(t, len(body), *out.ContentLength)
		w.cases++
	}
}

// testSDKVirtualHost addresses the bucket by host name, which only this test's
// dialer resolves.
func testSDKVirtualHost(t *testing.T, w *world, bucket *string) {
	address := w.URL[strings.LastIndex(w.URL, "/")+1:]
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	transport := &http.Transport{ForceAttemptHTTP2: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	if base, ok := w.Client.Transport.(*http.Transport); ok {
		transport.TLSClientConfig = base.TLSClientConfig.Clone()
	}
	defer transport.CloseIdleConnections()
	c := w.sdk(w.root(), func(o *s3.Options) {
		o.UsePathStyle, o.BaseEndpoint, o.HTTPClient = false, aws.String(w.scheme+"://"+w.Domain+":"+port), &http.Client{Transport: transport}
	})
	_, err = c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: aws.String("by host/x y"), Body: strings.NewReader("by host")})
	require.NoError(t, err)
	out, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: bucket, Prefix: aws.String("by host/")})
	require.NoError(t, err)
	require.Equal(t, "by host/x y", *out.Contents[0].Key)
	w.cases += 2
}

// buffer is an io.WriterAt in memory, written to from several goroutines at
// different places.
type buffer struct {
	mu sync.Mutex
	b  []byte
}

func (b *buffer) WriteAt(p []byte, at int64) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if need := int(at) + len(p); need > len(b.b) {
		b.b = append(b.b, make([]byte, need-len(b.b))...)
	}
	return copy(b.b[at:], p), nil
}
