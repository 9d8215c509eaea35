// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/ecdsa"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/presign"
	"github.com/sallyport-go/sallyport/presign/cloudfront"
	"github.com/sallyport-go/sallyport/sigv4"
)

func (b *bench) keys(user int) sigv4.Credentials {
	u := b.config.Users[user]
	return sigv4.Credentials{AccessKeyID: u.AccessKeyID, SecretAccessKey: u.SecretAccessKey}
}

func (b *bench) presign() *presign.S3 {
	return &presign.S3{Region: b.config.Region, Endpoint: presign.Endpoint{URL: b.url, PathStyle: true}}
}

// plain sends a request as it is.
func (b *bench) plain(method, url, body string, header http.Header) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, url, strings.NewReader(body))
	require.NoError(b.t, err)
	for name, values := range header {
		r.Header[name] = values
	}
	return b.do(r)
}

func TestPresignedRequests(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	put, err := b.presign().Put(b.keys(0), "bucket", "dir/a b+ü", nil)
	require.NoError(t, err)
	require.Equal(t, 200, b.plain("PUT", put.URL, "body", put.Header).status)
	get, err := b.presign().Get(b.keys(0), "bucket", "dir/a b+ü", nil)
	require.NoError(t, err)
	require.Equal(t, "body", b.plain("GET", get.URL, "", nil).body)

	require.Equal(t, 403, b.plain("HEAD", get.URL, "", nil).status, "another method")
	require.Equal(t, "SignatureDoesNotMatch", b.plain("GET", get.URL+"&response-content-type=text/html", "", nil).code)
	for name, header := range map[string]http.Header{ // CVE-2026-54330 and its like: headers that nobody signed
		"a copy": {"X-Amz-Copy-Source": {"bucket/dir/a b+ü"}}, "an ACL": {"X-Amz-Acl": {"private"}}, "metadata": {"X-Amz-Meta-A": {"b"}}, "tags": {"X-Amz-Tagging": {"a=b"}},
	} {
		require.Equal(t, "AccessDenied", b.plain("PUT", put.URL, "", header).code, name)
	}
	require.Equal(t, "body", b.plain("GET", get.URL, "", nil).body, "nothing of it had an effect")

	only := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/guest"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*",
		"Condition":{"StringEquals":{"s3:authType":"REST-QUERY-STRING"},"NumericLessThan":{"s3:signatureAge":"60000"}}}}`
	b.ok(request{method: "PUT", target: "/bucket?policy", body: only})
	guests, err := b.presign().Get(b.keys(1), "bucket", "dir/a b+ü", nil)
	require.NoError(t, err)
	require.Equal(t, "body", b.plain("GET", guests.URL, "", nil).body)
	require.Equal(t, "AccessDenied", b.send(request{method: "GET", target: "/bucket/dir/a%20b+%C3%BC", as: "guest"}).code)
	b.ok(request{method: "PUT", target: "/bucket?policy", body: strings.Replace(only, `"60000"`, `"0"`, 1)})
	require.Equal(t, "AccessDenied", b.plain("GET", guests.URL, "", nil).code, "too old a signature")
}

func TestExpectedOwner(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	b.ok(request{method: "GET", target: "/bucket", header: map[string]string{"x-amz-expected-bucket-owner": "123456789012"}})
	b.refuse([]refusal{
		{"another owner", get("/bucket", "x-amz-expected-bucket-owner", "210987654321"), "AccessDenied", 403},
		{"by the query", get("/bucket?x-amz-expected-bucket-owner=210987654321"), "AccessDenied", 403},
		{"of the source", put("/bucket/k", "", "x-amz-copy-source", "bucket/k", "x-amz-source-expected-bucket-owner", "210987654321"), "AccessDenied", 403},
	})
}

func TestOversizedParts(t *testing.T) {
	b := newBench(t, func(c *Config) { c.MaxObjectBytes = 1000 })
	b.bucket("bucket")
	id := b.begin("/bucket/k")
	b.refuse([]refusal{{"1001 bytes", put("/bucket/k?partNumber=1&uploadId="+id, strings.Repeat("x", 1001)), "EntityTooLarge", 400}})
	require.NotContains(t, b.ok(get("/bucket/k?uploadId="+id)).body, "<Part>")
}

func TestCDN(t *testing.T) {
	var key *ecdsa.PrivateKey
	b := newBench(t, func(c *Config) {
		var err error
		key, err = demoCDNKey(filepath.Join(c.dir, "cdn.pem"))
		require.NoError(t, err)
		c.CDN.Keys = []CDNKey{{ID: "K1", File: "cdn.pem"}}
	})
	b.bucket("bucket")
	b.put("/bucket/open/k", "body")
	b.put("/bucket/closed/k", "body")
	b.ok(request{method: "PUT", target: "/bucket?policy", body: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"cloudfront.amazonaws.com"},
		"Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/open/*","Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"}}}}`})
	signer := cloudfront.Signer{KeyPairID: "K1", Key: key}
	until := time.Now().Add(time.Minute)
	link := func(path string) string {
		url, err := signer.SignURL(b.url+cdnPath+path, cloudfront.Policy{Expires: until})
		require.NoError(t, err)
		return url
	}
	require.Equal(t, "body", b.plain("GET", link("bucket/open/k"), "", nil).body)
	require.Equal(t, "AccessDenied", b.plain("GET", link("bucket/closed/k"), "", nil).code, "the bucket's policy")
	require.Equal(t, "MethodNotAllowed", b.plain("PUT", link("bucket/open/k"), "x", nil).code)
	require.Equal(t, "AccessDenied", b.plain("GET", strings.Replace(link("bucket/open/k"), "/open/", "/open//", 1), "", nil).code)
	require.Equal(t, "AccessDenied", b.plain("GET", b.url+cdnPath+"bucket/open/k", "", nil).code)

	cookies, err := signer.SignCookies(cloudfront.Policy{Resource: b.url + cdnPath + "bucket/open/*", Expires: until})
	require.NoError(t, err)
	header := http.Header{}
	for _, c := range cookies {
		header.Add("Cookie", c.Name+"="+c.Value)
	}
	require.Equal(t, "body", b.plain("GET", b.url+cdnPath+"bucket/open/k", "", header).body)
	require.Equal(t, "AccessDenied", b.plain("GET", b.url+cdnPath+"bucket/closed/k", "", header).code)
	require.Equal(t, "AccessDenied", b.plain("GET", b.url+"/bucket/open/k", "", header).code, "cookies open that path alone")

	b.ok(request{method: "PUT", target: "/bucket?policy", body: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"cloudfront.amazonaws.com"},
		"Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}}`})
	require.Equal(t, "AccessDenied", b.plain("GET", b.url+cdnPath+"bucket/open/k", "", nil).code, "no signature is nobody, whatever the policy asks")
	require.Equal(t, "AccessDenied", b.plain("GET", link("bucket/open/k")+"0", "", nil).code, "nor is a changed one")
}

func TestForms(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	form, err := b.presign().Post(b.keys(0), &presign.PostPolicy{
		Bucket: "bucket", KeyPrefix: "in/", MaxSize: 10, Fields: map[string]string{"x-amz-meta-colour": "blue"},
		Prefixes: map[string]string{"success_action_redirect": "http://127.0.0.1/"},
	})
	require.NoError(t, err)
	send := func(header http.Header, name, content string, change map[string]string) answer {
		var s strings.Builder
		for _, f := range form.Fields {
			value := f.Value
			if v, ok := change[f.Name]; ok {
				value = v
			}
			if f.Name == "success_action_redirect" && change[f.Name] == "" {
				value = "http://127.0.0.1/done?x=1"
			}
			s.WriteString("--b\r\nContent-Disposition: form-data; name=\"" + f.Name + "\"\r\n\r\n" + value + "\r\n")
		}
		s.WriteString("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + name + "\"\r\n\r\n" + content + "\r\n--b--\r\n")
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/bucket", strings.NewReader(s.String()))
		require.NoError(t, err)
		r.Header = header.Clone()
		r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		resp, err := http.DefaultTransport.RoundTrip(r)
		require.NoError(t, err)
		defer func() { _ = resp.Body.Close() }()
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return answer{status: resp.StatusCode, header: resp.Header, body: string(text)}
	}
	a := send(http.Header{"X-Amz-Meta-Evil": {"1"}, "X-Amz-Tagging": {"a=b"}}, "f", "0123456789", nil)
	require.Equal(t, http.StatusSeeOther, a.status, a.body)
	require.Contains(t, a.header.Get("Location"), "http://127.0.0.1/done?bucket=bucket&etag=")
	stored := b.ok(get("/bucket/in/f"))
	require.Equal(t, "0123456789", stored.body)
	require.Equal(t, "blue", stored.header.Get("x-amz-meta-colour"))
	require.Empty(t, stored.header.Get("x-amz-meta-evil"), "headers beside a form are nobody's word")
	require.Empty(t, stored.header.Get("x-amz-tagging-count"))
	for name, c := range map[string]struct {
		content string
		change  map[string]string
		code    string
	}{
		"too large":        {"01234567890", nil, "EntityTooLarge"},
		"another key":      {"x", map[string]string{"key": "out/f"}, "AccessDenied"},
		"another metadata": {"x", map[string]string{"x-amz-meta-colour": "red"}, "AccessDenied"},
		"another redirect": {"x", map[string]string{"success_action_redirect": "https://evil.example/"}, "AccessDenied"},
	} {
		a := send(http.Header{}, "bad", c.content, c.change)
		require.Contains(t, a.body, "<Code>"+c.code+"</Code>", name)
	}
	require.Equal(t, 404, b.send(get("/bucket/in/bad")).status)
	b.ok(request{method: "PUT", target: "/bucket?policy", body: `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"*","Condition":{"StringEquals":{"s3:authType":"POST"}}}}`})
	require.Contains(t, send(http.Header{}, "late", "x", nil).body, "AccessDenied")
	b.ok(request{method: "DELETE", target: "/bucket?policy"})
	form, err = b.presign().Post(b.keys(0), &presign.PostPolicy{Bucket: "bucket", KeyPrefix: "in/", MaxSize: 10, Fields: map[string]string{"tagging": tagsOf("secret"), "success_action_status": "201"}})
	require.NoError(t, err)
	require.Contains(t, send(http.Header{}, "tagged", "x", nil).body, "<Location>"+b.url+"/bucket/in/tagged</Location>")
	for _, action := range []string{"s3:PutObject", "s3:PutObjectTagging"} { // the first is asked with the tags as well
		b.ok(request{method: "PUT", target: "/bucket?policy", body: `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"` + action + `","Resource":"*","Condition":{"StringEquals":{"s3:RequestObjectTag/class":"secret"}}}}`})
		require.Contains(t, send(http.Header{}, "tagged", "x", nil).body, "AccessDenied", action)
	}
	require.Contains(t, b.send(request{method: "POST", target: "/bucket", body: "x", anonymous: true}).body, "<Code>")
}

func TestUploadPageIsStatic(t *testing.T) {
	b := newBench(t)
	a := b.plain("GET", b.url+uploadPath, "", nil)
	require.Equal(t, 200, a.status)
	require.Contains(t, a.header.Get("Content-Security-Policy"), "script-src 'sha256-")
	require.NotContains(t, a.header.Get("Content-Security-Policy"), "unsafe")
	require.Contains(t, a.body, "Upload a file")
	head := b.plain("HEAD", b.url+uploadPath, "", nil)
	require.Equal(t, 200, head.status, "as whoever shows a preview of the link asks")
	require.Equal(t, a.header.Get("Content-Security-Policy"), head.header.Get("Content-Security-Policy"))
}
