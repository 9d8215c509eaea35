// SPDX-License-Identifier: Apache-2.0

package presignpeers

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/presign"
	"github.com/sallyport-go/sallyport/sigv4"
	"github.com/stretchr/testify/require"
)

// servers are those that take our URLs.
var servers = map[string]func(testing.TB) *interop.Server{
	"versitygw": interop.Versitygw,
	"minio":     interop.Minio,
	"gateway":   func(tb testing.TB) *interop.Server { return interop.Gateway(tb, interop.GatewayConfig{}).Server },
}

const bucket = "presigned"

// client is a signer for a server.
type client struct {
	*presign.S3
	keys sigv4.Credentials
	send sender
	hash bool // the server heeds a signed x-amz-content-sha256; versitygw always takes UNSIGNED-PAYLOAD
	n    int  // cases
}

func newClient(s *interop.Server, send sender, hash bool) *client {
	return &client{
		S3:   &presign.S3{Region: s.Region, Endpoint: presign.Endpoint{URL: s.URL, PathStyle: true}},
		keys: sigv4.Credentials{AccessKeyID: s.AccessKeyID, SecretAccessKey: s.SecretAccessKey}, send: send,
		hash: hash,
	}
}

// want sends a URL and requires the status.
func (c *client) want(t testing.TB, status int, body string) func(*presign.URL, error) answer {
	return func(u *presign.URL, err error) answer {
		t.Helper()
		require.NoError(t, err)
		a := c.send(t, u, body)
		require.Equal(t, status, a.status, "%v\n%s", u, a.body)
		c.n++
		return a
	}
}

// createBucket creates the bucket; minio answers before it is ready, with 503.
func (c *client) createBucket(t testing.TB) {
	t.Helper()
	u, err := c.CreateBucket(c.keys, bucket, nil)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return c.send(t, u, "").status != 503 }, 30*time.Second, 50*time.Millisecond)
	c.want(t, 200, "")(c.HeadBucket(c.keys, bucket, nil))
}

// TestOurURLs fetches what we presign from live servers, with the standard
// library's client and with curl.
func TestOurURLs(t *testing.T) {
	interop.Require(t)
	interop.Program(t, "curl")
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			first := newClient(server, viaNetHTTP, name != "versitygw")
			first.createBucket(t)
			first.want(t, 200, "")(first.ListBuckets(first.keys, nil))
			cases := first.n
			for via, send := range map[string]sender{"net-http": viaNetHTTP, "curl": viaCurl} {
				c := newClient(server, send, name != "versitygw")
				for _, key := range []string{"plain.txt", "a b/c+d é.txt", "q&=;,'()!*@:$~.x", "100%25/日本"} {
					c.object(t, via+"/"+key)
				}
				c.multipart(t, via+"/parts")
				c.refusals(t, via+"/refused")
				cases += c.n
			}
			testkit.Report(t, "interop", "presignpeers/our-urls/"+name, server.Version, cases)
		})
	}
}

// object takes an object through its life.
func (c *client) object(t testing.TB, key string) {
	const body = "hello, world"
	sum := []byte("\x09\xca\x7e\x4e\xaa\x6e\x8a\xe9\xc7\xd2\x61\x16\x71\x29\x18\x48\x83\x64\x4d\x07\xdf\xba\x7c\xbf\xbc\x4c\x8a\x2e\x08\x36\x0d\x5b")
	c.want(t, 200, body)(c.Put(c.keys, bucket, key, nil))
	o := &presign.Options{ContentType: "text/x-test", ContentLength: int64(len(body)), Metadata: map[string]string{"colour": "blue  green"}}
	if c.hash {
		o.SHA256 = sum
	}
	c.want(t, 200, body)(c.Put(c.keys, bucket, key, o))
	head := c.want(t, 200, "")(c.Head(c.keys, bucket, key, nil))
	require.Equal(t, "text/x-test", head.header.Get("Content-Type"))
	require.Contains(t, head.header.Get("X-Amz-Meta-Colour"), "blue")
	require.Equal(t, body, c.want(t, 200, "")(c.Get(c.keys, bucket, key, nil)).body)
	got := c.want(t, 200, "")(c.Get(c.keys, bucket, key, &presign.Options{
		Response: presign.Overrides{ContentDisposition: `attachment; filename="x y.txt"`, ContentType: "a/b"},
	}))
	require.Equal(t, `attachment; filename="x y.txt"`, got.header.Get("Content-Disposition"))
	require.Equal(t, "a/b", got.header.Get("Content-Type"))
	part := c.want(t, 206, "")(c.Get(c.keys, bucket, key, &presign.Options{Header: map[string][]string{"Range": {"bytes=7-11"}}}))
	require.Equal(t, "world", part.body)
	c.want(t, 200, "")(c.Copy(c.keys, bucket, key+".copy", presign.Source{Bucket: bucket, Key: key}, nil))
	require.Equal(t, body, c.want(t, 200, "")(c.Get(c.keys, bucket, key+".copy", nil)).body)
	list := c.want(t, 200, "")(c.ListObjects(c.keys, bucket, &presign.Options{Query: url.Values{"prefix": {key}, "encoding-type": {"url"}}}))
	require.Equal(t, 2, strings.Count(list.body, "<Key>"), list.body)
	c.want(t, 204, "")(c.Delete(c.keys, bucket, key+".copy", nil))
	c.want(t, 204, "")(c.Delete(c.keys, bucket, key, nil))
	c.want(t, 404, "")(c.Get(c.keys, bucket, key, nil))
}

var uploadID = regexp.MustCompile(`<UploadId>([^<]+)</UploadId>`)

func (c *client) multipart(t testing.TB, key string) {
	created := c.want(t, 200, "")(c.CreateMultipartUpload(c.keys, bucket, key, nil))
	match := uploadID.FindStringSubmatch(created.body)
	require.NotNil(t, match, created.body)
	part := c.want(t, 200, "the only part")(c.UploadPart(c.keys, bucket, key, match[1], 1, nil))
	etag := part.header.Get("ETag")
	require.NotEmpty(t, etag)
	require.Contains(t, c.want(t, 200, "")(c.ListParts(c.keys, bucket, key, match[1], nil)).body, "<PartNumber>1</PartNumber>")
	c.want(t, 200, "")(c.ListMultipartUploads(c.keys, bucket, nil))
	c.want(t, 200, `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>`+etag+`</ETag></Part></CompleteMultipartUpload>`)(
		c.CompleteMultipartUpload(c.keys, bucket, key, match[1], nil))
	require.Equal(t, "the only part", c.want(t, 200, "")(c.Get(c.keys, bucket, key, nil)).body)
	match = uploadID.FindStringSubmatch(c.want(t, 200, "")(c.CreateMultipartUpload(c.keys, bucket, key, nil)).body)
	c.want(t, 204, "")(c.AbortMultipartUpload(c.keys, bucket, key, match[1], nil))
}

// refusals changes URLs and headers: the server must say no.
func (c *client) refusals(t testing.TB, key string) {
	c.want(t, 200, "secret")(c.Put(c.keys, bucket, key, nil))
	changed := func(o *presign.Options, change func(*presign.URL)) (*presign.URL, error) {
		u, err := c.Put(c.keys, bucket, key, o)
		if err == nil {
			change(u)
		}
		return u, err
	}
	pinned := &presign.Options{ContentType: "text/plain", Metadata: map[string]string{"a": "1"}}
	c.want(t, 403, "x")(changed(pinned, func(u *presign.URL) { u.Header.Set("Content-Type", "text/html") }))
	c.want(t, 403, "x")(changed(pinned, func(u *presign.URL) { u.Header.Set("X-Amz-Meta-A", "2") }))
	c.want(t, 403, "x")(changed(pinned, func(u *presign.URL) { u.URL = strings.Replace(u.URL, key, key+"2", 1) }))
	c.want(t, 403, "x")(changed(pinned, func(u *presign.URL) { u.URL += "&x-more=1" }))
	u, err := c.Get(c.keys, bucket, key, nil)
	require.NoError(t, err)
	u.Method = "HEAD"
	c.want(t, 403, "")(u, err)
	expired := newClient(&interop.Server{}, c.send, c.hash)
	expired.S3, expired.keys = &presign.S3{Region: c.Region, Endpoint: c.Endpoint, Now: past}, c.keys
	c.want(t, 403, "")(expired.Get(c.keys, bucket, key, nil))
}

func past() time.Time { return time.Now().Add(-time.Hour) }
