// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/sigv4"
)

// caller signs requests to one server with a Transport.
type caller struct {
	t      *testing.T
	server *interop.Server
	client *http.Client
	signer *sigv4.Signer
	cases  int
}

func newCaller(t *testing.T, s *interop.Server) *caller {
	t.Helper()
	c := &caller{t: t, server: s, signer: &sigv4.Signer{Region: s.Region, Profile: sigv4.ProfileFor("s3")}}
	c.client = &http.Client{Transport: &sigv4.Transport{
		Signer:      c.signer,
		Credentials: func(context.Context) (sigv4.Credentials, error) { return c.credentials(), nil },
	}}
	return c
}

func (c *caller) credentials() sigv4.Credentials {
	return sigv4.Credentials{AccessKeyID: c.server.AccessKeyID, SecretAccessKey: c.server.SecretAccessKey}
}

// request makes a request whose target goes onto the wire as it is written.
func (c *caller) request(method, target, body string, header ...string) *http.Request {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.server.URL, strings.NewReader(body))
	require.NoError(c.t, err)
	path, query, _ := strings.Cut(target, "?")
	r.URL.Opaque, r.URL.RawQuery = "//"+r.URL.Host+path, query
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// do sends a request that has to succeed, and returns headers and body.
func (c *caller) do(method, target, body string, header ...string) (http.Header, string) {
	c.t.Helper()
	resp, err := c.client.Do(c.request(method, target, body, header...))
	require.NoError(c.t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(c.t, err)
	require.Less(c.t, resp.StatusCode, 300, "%s %s: %s", method, target, text)
	c.cases++
	return resp.Header, string(text)
}

// keys are as they go onto the wire. Servers may refuse some by naming policy,
// never by a signature error.
var keys = []string{
	"plain", "a%20b", "a+b", "a%2Bb", "dir/sub/k", "a%2Fb", "(1)", "%281%29", "%C3%BC/%E6%97%A5%E6%9C%AC", "%c3%bc.txt", "*'!~", "%7E", "a%25b", "a=b&c;d:@,$", "d//e", "d/../e", "./f",
}

func TestServers(t *testing.T) {
	interop.Require(t)
	for name, start := range map[string]func(testing.TB) *interop.Server{"versitygw": interop.Versitygw, "minio": interop.Minio} {
		t.Run(name, func(t *testing.T) {
			c := newCaller(t, start(t))
			c.do(http.MethodPut, "/bucket", "")
			c.odd()
			c.objects()
			c.multipart()
			c.presigned()
			c.strangers()
			testkit.Report(t, "interop", "servers/"+name, c.server.Version, c.cases)
		})
	}
}

// odd puts and gets keys that signers get wrong.
func (c *caller) odd() {
	for _, key := range keys {
		resp, err := c.client.Do(c.request(http.MethodPut, "/bucket/"+key, "body of "+key))
		require.NoError(c.t, err)
		text, err := io.ReadAll(resp.Body)
		require.NoError(c.t, err)
		_ = resp.Body.Close()
		require.NotContains(c.t, string(text), "Signature", key)
		c.cases++
		if resp.StatusCode >= 300 {
			require.Contains(c.t, []string{"d//e", "d/../e", "./f", "a%2Fb"}, key, "%d %s", resp.StatusCode, text)
			continue
		}
		_, got := c.do(http.MethodGet, "/bucket/"+key, "")
		require.True(c.t, strings.HasPrefix(got, "body of "), key)
		c.do(http.MethodHead, "/bucket/"+key, "")
	}
}

func (c *caller) objects() {
	c.do(http.MethodPut, "/bucket/o", "0123456789", "x-amz-meta-colour", "deep  blue", "Content-Type", "text/x")
	h, body := c.do(http.MethodGet, "/bucket/o", "", "Range", "bytes=2-4")
	require.Equal(c.t, "234", body)
	require.Equal(c.t, "text/x", h.Get("Content-Type"))
	c.do(http.MethodPut, "/bucket/copied", "", "x-amz-copy-source", "/bucket/o")
	_, body = c.do(http.MethodGet, "/bucket/copied", "")
	require.Equal(c.t, "0123456789", body)
	_, body = c.do(http.MethodGet, "/bucket?list-type=2&prefix=copi&max-keys=10&delimiter=%2F&encoding-type=url", "")
	require.Contains(c.t, body, "<Key>copied</Key>")
	_, body = c.do(http.MethodGet, "/?list-type=2&prefix=&prefix=", "")
	require.Contains(c.t, body, "<Name>bucket</Name>")
	_, body = c.do(http.MethodGet, "/bucket?location", "")
	require.Contains(c.t, body, "LocationConstraint")
	c.do(http.MethodDelete, "/bucket/copied", "")
}

func (c *caller) multipart() {
	var begun struct {
		UploadID string `xml:"UploadId"`
	}
	_, body := c.do(http.MethodPost, "/bucket/parts%20(1)?uploads", "")
	require.NoError(c.t, xml.Unmarshal([]byte(body), &begun))
	id := url.QueryEscape(begun.UploadID)
	big := strings.Repeat("x", 5<<20)
	one, _ := c.do(http.MethodPut, "/bucket/parts%20(1)?partNumber=1&uploadId="+id, big)
	two, _ := c.do(http.MethodPut, "/bucket/parts%20(1)?uploadId="+id+"&partNumber=2", "end")
	_, body = c.do(http.MethodGet, "/bucket/parts%20(1)?uploadId="+id, "")
	require.Contains(c.t, body, "<PartNumber>2</PartNumber>")
	c.do(http.MethodPost, "/bucket/parts%20(1)?uploadId="+id, fmt.Sprintf("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s</ETag></Part>"+
		"<Part><PartNumber>2</PartNumber><ETag>%s</ETag></Part></CompleteMultipartUpload>", one.Get("ETag"), two.Get("ETag")))
	_, body = c.do(http.MethodGet, "/bucket/parts%20(1)", "")
	require.True(c.t, body == big+"end")
}

// presigned fetches with net/http what Presign made.
func (c *caller) presigned() {
	for _, key := range []string{"o", "a%20b", "a+b", "(1)", "%C3%BC/%E6%97%A5%E6%9C%AC"} {
		p, err := c.signer.Presign(c.request(http.MethodGet, "/bucket/"+key+"?response-content-type=text%2Fy", ""), c.credentials(), sigv4.Payload{}, time.Minute)
		require.NoError(c.t, err)
		resp, err := http.Get(p.URL)
		require.NoError(c.t, err)
		text, err := io.ReadAll(resp.Body)
		require.NoError(c.t, err)
		_ = resp.Body.Close()
		require.Equal(c.t, http.StatusOK, resp.StatusCode, "%s: %s", p.URL, text)
		require.Equal(c.t, "text/y", resp.Header.Get("Content-Type"))
		broken, err := http.Get(strings.Replace(p.URL, "text%2Fy", "text%2Fz", 1))
		require.NoError(c.t, err)
		_ = broken.Body.Close()
		require.Equal(c.t, http.StatusForbidden, broken.StatusCode)
		c.cases += 2
	}
}

// strangers are refused: the servers do look at our signatures.
func (c *caller) strangers() {
	for code, keys := range map[string]sigv4.Credentials{
		"SignatureDoesNotMatch": {AccessKeyID: c.server.AccessKeyID, SecretAccessKey: "another secret, long enough"},
		"InvalidAccessKeyId":    {AccessKeyID: "AKIANOBODYNOBODYNOBO", SecretAccessKey: c.server.SecretAccessKey},
	} {
		r := c.request(http.MethodGet, "/bucket/o", "")
		_, err := c.signer.Sign(r, keys, sigv4.Payload{})
		require.NoError(c.t, err)
		resp, err := http.DefaultClient.Do(r)
		require.NoError(c.t, err)
		text, err := io.ReadAll(resp.Body)
		require.NoError(c.t, err)
		_ = resp.Body.Close()
		require.Equal(c.t, http.StatusForbidden, resp.StatusCode)
		require.True(c.t, bytes.Contains(text, []byte(code)), "%s", text)
		c.cases++
	}
}
