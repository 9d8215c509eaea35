// SPDX-License-Identifier: Apache-2.0

package s3source

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// NewDirect returns a source that reads as New's does, with less work for each
// object: it makes GET requests itself, with the client's own endpoint, HTTP
// client, credentials and signer, and hands to the client whatever is not
// answered with 200. So retries, redirects and errors are the client's. Its
// middleware (APIOptions) sees listings and those requests alone.
func NewDirect(client *s3.Client) *Source { return New(&direct{Client: client}) }

// direct is a Client. An aws-sdk-go-v2 GetObject builds some forty middlewares
// for each call: 150 µs of processor and 480 allocations, where the request
// alone takes 61 µs and 73. Beside 0.5 ms for the content of a log file of 450 KB
// that was a seventh of a validation.
type direct struct {
	*s3.Client
	endpoints sync.Map // url.URL by bucket
}

// GetObject reads the whole current object; what else is asked for, the client
// does.
func (d *direct) GetObject(ctx context.Context, in *s3.GetObjectInput, opts ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	if len(opts) > 0 || in.VersionId != nil {
		return d.Client.GetObject(ctx, in, opts...)
	}
	resp := d.get(ctx, *in.Bucket, *in.Key)
	if resp == nil {
		return d.Client.GetObject(ctx, in)
	}
	out := &s3.GetObjectOutput{Body: resp.Body, Metadata: map[string]string{}}
	if resp.ContentLength >= 0 {
		out.ContentLength = &resp.ContentLength
	}
	for name, values := range resp.Header {
		if name, ok := strings.CutPrefix(strings.ToLower(name), "x-amz-meta-"); ok {
			out.Metadata[name] = values[0]
		}
	}
	return out, nil
}

// get makes the request; nil means that the client has to.
func (d *direct) get(ctx context.Context, bucket, key string) *http.Response {
	o := d.Options()
	base, ok := d.endpoint(ctx, &o, bucket)
	if !ok || o.HTTPClient == nil || o.HTTPSignerV4 == nil {
		return nil
	}
	base.RawPath = base.EscapedPath() + "/" + escapeKey(key)
	base.Path += "/" + key
	req := (&http.Request{
		Method: http.MethodGet, URL: &base, Host: base.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Accept-Encoding": {"identity"}, "User-Agent": {"sallyport"}},
	}).WithContext(ctx)
	if !sign(ctx, &o, req) {
		return nil
	}
	resp, err := o.HTTPClient.Do(req)
	if err != nil {
		return nil
	}
	if resp.StatusCode != http.StatusOK {
		_, _ = io.CopyN(io.Discard, resp.Body, 16<<10) // so that the connection can be used again
		_ = resp.Body.Close()
		return nil
	}
	return resp
}

// endpoint resolves where a bucket is, once.
func (d *direct) endpoint(ctx context.Context, o *s3.Options, bucket string) (url.URL, bool) {
	if u, ok := d.endpoints.Load(bucket); ok {
		return u.(url.URL), true
	}
	if o.EndpointResolverV2 == nil {
		return url.URL{}, false
	}
	e, err := o.EndpointResolverV2.ResolveEndpoint(ctx, s3.EndpointParameters{
		Bucket: &bucket, Region: &o.Region, Endpoint: o.BaseEndpoint, ForcePathStyle: &o.UsePathStyle,
		UseFIPS:      aws.Bool(o.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
		UseDualStack: aws.Bool(o.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
	}.WithDefaults())
	if err != nil || len(e.Headers) > 0 {
		return url.URL{}, false
	}
	d.endpoints.Store(bucket, e.URI)
	return e.URI, true
}

// emptyHash is the SHA-256 of no body.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// sign signs the request when the client has credentials.
func sign(ctx context.Context, o *s3.Options, req *http.Request) bool {
	if o.Credentials == nil || aws.IsCredentialsProvider(o.Credentials, aws.AnonymousCredentials{}) {
		return true
	}
	c, err := o.Credentials.Retrieve(ctx)
	if err != nil {
		return false
	}
	req.Header.Set("X-Amz-Content-Sha256", emptyHash)
	return o.HTTPSignerV4.SignHTTP(ctx, c, req, emptyHash, "s3", o.Region, time.Now(), func(o *v4.SignerOptions) {
		o.DisableURIPathEscaping = true
	}) == nil
}

// escapeKey percent-encodes all of a key but unreserved characters and slashes.
func escapeKey(key string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(key) {
		c := key[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.~/", c) >= 0:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
		}
	}
	return b.String()
}
