// SPDX-License-Identifier: Apache-2.0

package gatewayclients

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/interop"
)

func (w *world) minio(t *testing.T, u user) *minio.Client {
	t.Helper()
	c, err := minio.New(w.URL[strings.LastIndex(w.URL, "/")+1:], &minio.Options{
		Creds: credentials.NewStaticV4(u.id, u.secret, u.token), Secure: w.scheme == "https", Transport: w.Client.Transport, MaxRetries: 1, TrailingHeaders: true,
	})
	require.NoError(t, err)
	return c
}

func testMinioGo(t *testing.T, w *world) string {
	c, ctx := w.minio(t, w.root()), t.Context()
	bucket := "minio-" + w.scheme
	require.NoError(t, c.MakeBucket(ctx, bucket, minio.MakeBucketOptions{Region: w.Region}))
	body := randomBytes(12<<20 + 5)
	for name, options := range map[string]minio.PutObjectOptions{
		"one":       {DisableMultipart: true},
		"parts":     {PartSize: 5 << 20},
		"crc32c":    {PartSize: 5 << 20, Checksum: minio.ChecksumCRC32C},
		"sum/one":   {DisableMultipart: true, Checksum: minio.ChecksumSHA256},
		"unsigned":  {DisableMultipart: true, DisableContentSha256: true},
		"meta (1)+": {UserMetadata: map[string]string{"Colour": "blue"}, ContentType: "text/x"},
	} {
		_, err := c.PutObject(ctx, bucket, name, bytes.NewReader(body), int64(len(body)), options)
		require.NoError(t, err, name)
		requireObject(t, w, c, bucket, name, body)
	}
	_, err := c.PutObject(ctx, bucket, "unknown length", struct{ io.Reader }{bytes.NewReader(body)}, -1, minio.PutObjectOptions{PartSize: 5 << 20})
	require.NoError(t, err)
	requireObject(t, w, c, bucket, "unknown length", body)
	_, err = c.PutObject(ctx, bucket, "empty", bytes.NewReader(nil), 0, minio.PutObjectOptions{})
	require.NoError(t, err)
	requireObject(t, w, c, bucket, "empty", nil)
	info, err := c.StatObject(ctx, bucket, "meta (1)+", minio.StatObjectOptions{})
	require.NoError(t, err)
	require.Equal(t, "blue", info.UserMetadata["Colour"])
	require.Equal(t, "text/x", info.ContentType)

	_, err = c.CopyObject(ctx, minio.CopyDestOptions{Bucket: bucket, Object: "copied"}, minio.CopySrcOptions{Bucket: bucket, Object: "meta (1)+"})
	require.NoError(t, err)
	_, err = c.ComposeObject(ctx, minio.CopyDestOptions{Bucket: bucket, Object: "composed"},
		minio.CopySrcOptions{Bucket: bucket, Object: "one"}, minio.CopySrcOptions{Bucket: bucket, Object: "one"})
	require.NoError(t, err)
	requireObject(t, w, c, bucket, "composed", append(body[:len(body):len(body)], body...))
	url, err := c.PresignedGetObject(ctx, bucket, "one", time.Minute, nil)
	require.NoError(t, err)
	resp, err := w.Client.Get(url.String())
	require.NoError(t, err)
	got, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	_ = resp.Body.Close()
	require.True(t, bytes.Equal(body, got))
	w.cases += 6

	for _, u := range w.strangers() {
		_, err := w.minio(t, u).PutObject(ctx, bucket, "x", strings.NewReader("x"), 1, minio.PutObjectOptions{})
		require.Equal(t, u.code, minio.ToErrorResponse(err).Code, "%v", err)
		w.cases++
	}
	_, err = w.minio(t, w.temporary()).PutObject(ctx, bucket, "x", strings.NewReader("x"), 1, minio.PutObjectOptions{})
	require.NoError(t, err)
	testMinioListing(t, w, c, bucket)
	return "minio-go " + interop.ModuleVersion(t, "github.com/minio/minio-go/v7")
}

func requireObject(t *testing.T, w *world, c *minio.Client, bucket, key string, want []byte) {
	t.Helper()
	o, err := c.GetObject(t.Context(), bucket, key, minio.GetObjectOptions{})
	require.NoError(t, err, key)
	got, err := io.ReadAll(o)
	require.NoError(t, err, key)
	require.True(t, bytes.Equal(want, got), key)
	w.cases += 2
}

// testMinioListing lists by both versions, then removes all there is.
func testMinioListing(t *testing.T, w *world, c *minio.Client, bucket string) {
	t.Helper()
	count := func(v1 bool) int {
		n := 0
		for o := range c.ListObjects(t.Context(), bucket, minio.ListObjectsOptions{Recursive: true, MaxKeys: 3, UseV1: v1}) {
			require.NoError(t, o.Err)
			n++
		}
		return n
	}
	require.Equal(t, 11, count(false))
	require.Equal(t, 11, count(true))
	objects := c.ListObjects(t.Context(), bucket, minio.ListObjectsOptions{Recursive: true})
	for e := range c.RemoveObjects(t.Context(), bucket, objects, minio.RemoveObjectsOptions{}) {
		require.NoError(t, e.Err)
	}
	require.NoError(t, c.RemoveBucket(t.Context(), bucket))
	w.cases += 4
}
