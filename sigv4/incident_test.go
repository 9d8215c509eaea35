// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/sigv4"
)

// The incidents of SIG-87 to SIG-107 that concern headers, queries and bodies
// of one piece. Each sends what the incident sent and demands a refusal without
// any effect of the handler.

const testKey = "AKIAIOSFODNN7EXAMPLE"

// testNow is the clock of signer and verifier in these tests.
func testNow() time.Time { return time.Date(2013, 5, 24, 12, 0, 0, 0, time.UTC) }

func testSigner() *sigv4.Signer {
	return &sigv4.Signer{Region: "us-east-1", Profile: profileS3, Now: testNow}
}

func testVerifier() *sigv4.Verifier {
	return &sigv4.Verifier{
		Keys: sigv4.StaticKeys{testKey: {Secret: secretS}}, Region: "us-east-1", Profile: profileS3, Now: testNow,
	}
}

func testCredentials() sigv4.Credentials {
	return sigv4.Credentials{AccessKeyID: testKey, SecretAccessKey: secretS}
}

// incoming is a request as net/http's server hands it on.
func incoming(method, target, body string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "examplebucket.s3.amazonaws.com"
	if body == "" {
		r.Body = http.NoBody
	}
	return r
}

// signAt signs r in the header, with the clock at now.
func signAt(t *testing.T, r *http.Request, now time.Time) *http.Request {
	t.Helper()
	s := testSigner()
	s.Now = func() time.Time { return now }
	p := sigv4.Payload{}
	if r.Body != nil && r.Body != http.NoBody {
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		r.Body = io.NopCloser(bytes.NewReader(body))
		p = sigv4.Payload{Mode: sigv4.PayloadSHA256, SHA256: sha256.Sum256(body)}
	}
	_, err := s.Sign(r, testCredentials(), p)
	require.NoError(t, err)
	return r
}

func signed(t *testing.T, method, target, body string) *http.Request {
	t.Helper()
	return signAt(t, incoming(method, target, body), testNow())
}

// presigned is an arriving request for a presigned URL.
func presigned(t *testing.T, method, target string, header http.Header) *http.Request {
	t.Helper()
	r := incoming(method, target, "")
	r.Header = header.Clone()
	p, err := testSigner().Presign(r, testCredentials(), sigv4.Payload{}, time.Hour)
	require.NoError(t, err)
	out := incoming(method, strings.TrimPrefix(p.URL, "https://examplebucket.s3.amazonaws.com"), "")
	out.Header = p.Header.Clone()
	if out.Header == nil {
		out.Header = http.Header{}
	}
	return out
}

// refuse demands a refusal of a kind and code, through Verify and through the
// handler, which must not be reached; and that the request is left alone.
func refuse(t *testing.T, v *sigv4.Verifier, r *http.Request, kind error, code string, status int) *sigv4.Error {
	t.Helper()
	header, url, body := r.Header.Clone(), *r.URL, r.Body
	id, err := v.Verify(r)
	require.Nil(t, id)
	var e *sigv4.Error
	require.ErrorAs(t, err, &e)
	require.ErrorIs(t, err, kind)
	require.Equal(t, code, e.Code, e.Error())
	require.Equal(t, status, e.HTTPStatus)
	require.NotEmpty(t, e.Hint())
	require.Equal(t, header, r.Header, "Verify is read-only on a refused request")
	require.Equal(t, url, *r.URL)
	require.Equal(t, body, r.Body)

	w := httptest.NewRecorder()
	v.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the handler was reached")
	})).ServeHTTP(w, r)
	require.Equal(t, status, w.Code)
	require.Contains(t, w.Body.String(), "<Code>"+code+"</Code>")
	require.NotContains(t, w.Body.String(), secretS)
	return e
}

func accept(t *testing.T, v *sigv4.Verifier, r *http.Request) *sigv4.Identity {
	t.Helper()
	id, err := v.Verify(r)
	require.NoError(t, err)
	require.Equal(t, testKey, id.AccessKeyID)
	_, err = io.ReadAll(r.Body)
	require.NoError(t, err)
	return id
}

const (
	headerMalformed = "AuthorizationHeaderMalformed"
	queryMalformed  = "AuthorizationQueryParametersError"
)

// setQuery replaces a query parameter's raw value, keeping the rest of the wire
// text.
func setQuery(r *http.Request, name, value string) {
	pieces := strings.Split(r.URL.RawQuery, "&")
	for i, piece := range pieces {
		if strings.HasPrefix(piece, name+"=") {
			pieces[i] = name + "=" + value
		}
	}
	r.URL.RawQuery = strings.Join(pieces, "&")
}

// SIG-88: credential from the query with the check gated on the header (MinIO
// CVE-2026-41145).
func TestSIG88CredentialFromTheQuery(t *testing.T) {
	r := incoming("PUT", "/k?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request", "")
	r.Header.Set("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
	refuse(t, testVerifier(), r, sigv4.ErrMalformed, queryMalformed, 400)

	for _, extra := range []string{"X-Amz-Credential=OTHER%2F20130524%2Fus-east-1%2Fs3%2Faws4_request", "X-Amz-Algorithm", "X-Amz-Signature=", "X-Amz-Date=1", "X-Amz-Expires=1", "X-Amz-SignedHeaders=host", "X-Amz-Security-Token=t", "X%2DAmz-Signature=1"} {
		r = signAt(t, incoming("GET", "/k?a=1", ""), testNow())
		r.URL.RawQuery += "&" + extra
		refuse(t, testVerifier(), r, sigv4.ErrMalformed, "InvalidArgument", 400)
	}
	// A hoisted header is no source, whatever it is named like.
	for _, extra := range []string{"x-amz-acl=private", "X-Amz-Content-Sha256=x", "x-amz-signature=1"} {
		accept(t, testVerifier(), signed(t, "GET", "/k?"+extra, ""))
	}
}

// SIG-89: an unhandled mode falls through to allow (MinIO CVE-2026-40344).
func TestSIG89UnknownModes(t *testing.T) {
	v := testVerifier()
	for _, value := range []string{
		"unsigned-payload", "UNSIGNED-PAYLOAD ", "UNSIGNED", "", "STREAMING", "STREAMING-AWS4-HMAC-SHA512-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD",
		strings.Repeat("A", 64), strings.Repeat("0", 63), strings.Repeat("0", 65), strings.Repeat("g", 64),
	} {
		r := signed(t, "PUT", "/k", "body")
		r.Header.Set("X-Amz-Content-Sha256", value)
		refuse(t, v, r, sigv4.ErrPayload, "InvalidRequest", 400)
	}
	for _, algorithm := range []string{"AWS4-HMAC-SHA1", "AWS4-HMAC-SHA512", "AWS4-", "AWS4-HMAC-SHA256x", "AWS4-hmac-sha256"} {
		r := signed(t, "GET", "/k", "")
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256", algorithm, 1))
		refuse(t, v, r, sigv4.ErrMalformed, headerMalformed, 400)
		r = presigned(t, "GET", "/k", nil)
		setQuery(r, "X-Amz-Algorithm", algorithm)
		refuse(t, v, r, sigv4.ErrMalformed, queryMalformed, 400)
	}
	for _, scheme := range []string{"Basic dXNlcjpzZWNyZXQ=", "Bearer x", "x", "aws4-hmac-sha256 x"} {
		r := incoming("GET", "/k", "")
		r.Header.Set("Authorization", scheme)
		e := refuse(t, v, r, sigv4.ErrMalformed, "InvalidArgument", 400)
		require.NotContains(t, e.Error(), "dXNlcjpzZWNyZXQ", "the value may hold a secret")
	}
	for _, c := range []struct{ target, authorization string }{
		{"/k?AWSAccessKeyId=a&Expires=1&Signature=s", ""}, {"/k", "AWS AKID:sig"},
	} {
		r := incoming("GET", c.target, "")
		if c.authorization != "" {
			r.Header.Set("Authorization", c.authorization)
		}
		refuse(t, v, r, sigv4.ErrMalformed, "InvalidRequest", 400)
	}
	refuse(t, v, incoming("GET", "/k", ""), sigv4.ErrMissingAuth, "AccessDenied", 403)
	form := incoming("POST", "/", "x")
	form.Header.Set("Content-Type", "Multipart/Form-Data; boundary=b")
	refuse(t, v, form, sigv4.ErrModeNotAllowed, "AccessDenied", 403)
}

// SIG-90: an unsigned x-amz header is honoured (CVE-2026-54330 class: Ceph RGW,
// RustFS, s3s #818, s3proxy and others).
func TestSIG90UnsignedAmzHeaders(t *testing.T) {
	for _, name := range []string{"X-Amz-Copy-Source", "X-Amz-Acl", "X-Amz-Meta-Owner", "X-Amz-Tagging", "X-Amz-Security-Token", "X-Amz-Request-Payer"} {
		for _, r := range []*http.Request{presigned(t, "PUT", "/k", nil), signed(t, "PUT", "/k", "")} {
			if name == "X-Amz-Security-Token" && r.URL.RawQuery != "" {
				continue // SIG-106
			}
			r.Header.Set(name, "x")
			e := refuse(t, testVerifier(), r, sigv4.ErrUnsignedHeader, "AccessDenied", 403)
			require.Contains(t, e.Fields, sigv4.ErrorField{Name: "HeadersNotSigned", Value: strings.ToLower(name)})
		}
	}
	// Spelled in a way that the signed name would not find.
	r := presigned(t, "PUT", "/k", nil)
	r.Header["x-amz-acl"] = []string{"public-read"}
	refuse(t, testVerifier(), r, sigv4.ErrUnsignedHeader, "AccessDenied", 403)
	r = presigned(t, "PUT", "/k", http.Header{"X-Amz-Acl": {"private"}})
	accept(t, testVerifier(), r)
	r.Header["x-amz-acl"] = []string{"public-read"} // beside the signed one
	refuse(t, testVerifier(), r, sigv4.ErrUnsignedHeader, "AccessDenied", 403)
	// A signed header that is named by the prefix alone does not stand for
	// another, unsigned one.
	r = presigned(t, "PUT", "/k", http.Header{"X-Amz-": {"x"}})
	accept(t, testVerifier(), r)
	r.Header.Set("X-Amz-Acl", "public-read")
	refuse(t, testVerifier(), r, sigv4.ErrUnsignedHeader, "AccessDenied", 403)
	// Nothing is tolerated beside a presigned URL, not even these two.
	for name, value := range map[string]string{"X-Amz-Date": "20130524T120000Z", "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD"} {
		r = presigned(t, "GET", "/k", nil)
		r.Header.Set(name, value)
		refuse(t, testVerifier(), r, sigv4.ErrUnsignedHeader, "AccessDenied", 403)
	}
	// x-amzn- is another prefix (SIG-24).
	r = signed(t, "GET", "/k", "")
	r.Header.Set("X-Amzn-Trace-Id", "Root=1")
	accept(t, testVerifier(), r)
}

// TestCoverageOptions covers the choices of SIG-72.
func TestCoverageOptions(t *testing.T) {
	unsignedTwo := func() *http.Request { // as clients that leave both out of SignedHeaders
		r := incoming("GET", "/k", "")
		r.Header.Set("X-Amz-Date", "20130524T120000Z")
		r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
		canonical := "GET\n/k\n\nhost:examplebucket.s3.amazonaws.com\n\nhost\nUNSIGNED-PAYLOAD"
		signature := refSignature(secretS, "20130524T120000Z", "us-east-1", "s3", canonical)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+testKey+"/20130524/us-east-1/s3/aws4_request, SignedHeaders=host, Signature="+signature)
		return r
	}
	accept(t, testVerifier(), unsignedTwo())
	strict := testVerifier()
	strict.Strict = true
	e := refuse(t, strict, unsignedTwo(), sigv4.ErrUnsignedHeader, "AccessDenied", 403)
	require.Contains(t, e.Fields, sigv4.ErrorField{Name: "HeadersNotSigned", Value: "x-amz-content-sha256, x-amz-date"})
	accept(t, strict, signed(t, "GET", "/k", ""))

	tolerant := testVerifier()
	tolerant.Tolerate = func(name string) bool { return name == "x-amz-cf-id" }
	r := signed(t, "GET", "/k", "")
	r.Header.Set("X-Amz-Cf-Id", "from the proxy")
	accept(t, tolerant, r)
	r.Header.Set("X-Amz-Acl", "private")
	refuse(t, tolerant, r, sigv4.ErrUnsignedHeader, "AccessDenied", 403)

	content := testVerifier()
	content.RequireContentHeaders = true
	accept(t, content, signed(t, "GET", "/k", ""))
	for _, name := range []string{"Content-Type", "Content-Md5"} {
		r = signed(t, "GET", "/k", "")
		r.Header.Set(name, "x")
		accept(t, testVerifier(), r)
		refuse(t, content, r, sigv4.ErrUnsignedHeader, "AccessDenied", 403)
	}
}

// SIG-92: no skew check on header authentication (s3s #616, #646, #659) (SIG-71).
func TestSIG92Skew(t *testing.T) {
	for _, c := range []struct {
		at time.Time
		ok bool
	}{
		{testNow().Add(-15 * time.Minute), true},
		{testNow().Add(15 * time.Minute), true},
		{testNow().Add(-15*time.Minute - time.Second), false},
		{testNow().Add(15*time.Minute + time.Second), false},
		{testNow().Add(-16 * time.Minute), false},
		{testNow().Add(16 * time.Minute), false},
		{time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), false},
		{time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), false},
	} {
		r := signAt(t, incoming("GET", "/k", ""), c.at)
		if c.ok {
			accept(t, testVerifier(), r)
			continue
		}
		e := refuse(t, testVerifier(), r, sigv4.ErrSkew, "RequestTimeTooSkewed", 403)
		require.Contains(t, e.Fields, sigv4.ErrorField{Name: "MaxAllowedSkewMilliseconds", Value: "900000"})
		require.Contains(t, e.Fields, sigv4.ErrorField{Name: "RequestTime", Value: sigv4.FormatDate(c.at)})
		require.Contains(t, e.Fields, sigv4.ErrorField{Name: "ServerTime", Value: "2013-05-24T12:00:00Z"})
	}
	v := testVerifier()
	v.Skew = time.Second
	refuse(t, v, signAt(t, incoming("GET", "/k", ""), testNow().Add(2*time.Second)), sigv4.ErrSkew, "RequestTimeTooSkewed", 403)
	// The messages of SIG-80.
	v = testVerifier()
	v.Profile = profileDefault
	s := testSigner()
	s.Profile = profileDefault
	for at, want := range map[time.Time]string{testNow().Add(-time.Hour): "Signature expired: 2013", testNow().Add(time.Hour): "Signature not yet current: 2013"} {
		s.Now = func() time.Time { return at }
		r := incoming("GET", "/k", "")
		_, err := s.Sign(r, testCredentials(), sigv4.Payload{})
		require.NoError(t, err)
		e := refuse(t, v, r, sigv4.ErrSkew, "SignatureDoesNotMatch", 403)
		require.True(t, strings.HasPrefix(e.Message, want), e.Message)
	}
}

// SIG-93: a way of signing accepted on the wrong route (MinIO #5411).
func TestSIG93WrongRoute(t *testing.T) {
	headerOnly, queryOnly := testVerifier(), testVerifier()
	headerOnly.Modes, queryOnly.Modes = sigv4.ModeHeader, sigv4.ModeQuery
	refuse(t, headerOnly, presigned(t, "GET", "/k", nil), sigv4.ErrModeNotAllowed, "AccessDenied", 403)
	refuse(t, queryOnly, signed(t, "GET", "/k", ""), sigv4.ErrModeNotAllowed, "AccessDenied", 403)
	accept(t, headerOnly, signed(t, "GET", "/k", ""))
	accept(t, queryOnly, presigned(t, "GET", "/k", nil))
	// The signature of a POST form, of the policy's text, as a query.
	policy, err := testCredentials().Sign(sigv4.NewScope(testNow(), "us-east-1", "s3"), []byte("cG9saWN5"))
	require.NoError(t, err)
	r := presigned(t, "POST", "/", nil)
	setQuery(r, "X-Amz-Signature", policy)
	refuse(t, testVerifier(), r, sigv4.ErrSignatureMismatch, "SignatureDoesNotMatch", 403)
}

// SIG-95: presence treated as proof (ministack #1232, floci #1841).
func TestSIG95PresenceIsNoProof(t *testing.T) {
	for _, target := range []string{"/k?X-Amz-Signature", "/k?X-Amz-Signature=", "/k?X-Amz-Signature=" + strings.Repeat("0", 64), "/k?X-Amz-Algorithm=AWS4-HMAC-SHA256"} {
		refuse(t, testVerifier(), incoming("GET", target, ""), sigv4.ErrMalformed, queryMalformed, 400)
	}
	r := presigned(t, "GET", "/k", nil)
	setQuery(r, "X-Amz-Signature", strings.Repeat("0", 64))
	refuse(t, testVerifier(), r, sigv4.ErrSignatureMismatch, "SignatureDoesNotMatch", 403)
	for _, signature := range []string{"", "0", strings.Repeat("0", 63), strings.Repeat("0", 65), strings.Repeat("G", 64)} {
		r = presigned(t, "GET", "/k", nil)
		setQuery(r, "X-Amz-Signature", signature)
		refuse(t, testVerifier(), r, sigv4.ErrMalformed, queryMalformed, 400)
	}
	r = presigned(t, "GET", "/k", nil) // upper case hex of the right signature (SIG-38)
	_, signature, _ := strings.Cut(r.URL.RawQuery, "X-Amz-Signature=")
	setQuery(r, "X-Amz-Signature", strings.ToUpper(signature))
	refuse(t, testVerifier(), r, sigv4.ErrMalformed, queryMalformed, 400)
}

// SIG-96: scope date not tied to the request's date; each request is signed
// correctly for what it says.
func TestSIG96ScopeDate(t *testing.T) {
	for _, c := range []struct{ amzDate, scopeDate string }{
		{"20130524T120000Z", "20130523"}, {"20130524T120000Z", "20130525"},
	} {
		r := incoming("GET", "/k", "")
		r.Header.Set("X-Amz-Date", c.amzDate)
		r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
		canonical := "GET\n/k\n\nhost:examplebucket.s3.amazonaws.com\nx-amz-content-sha256:UNSIGNED-PAYLOAD\nx-amz-date:" + c.amzDate +
			"\n\nhost;x-amz-content-sha256;x-amz-date\nUNSIGNED-PAYLOAD"
		sum := sha256.Sum256([]byte(canonical))
		scope := sigv4.Scope{Date: c.scopeDate, Region: "us-east-1", Service: "s3"}
		signature, err := testCredentials().Sign(scope, []byte("AWS4-HMAC-SHA256\n"+c.amzDate+"\n"+scope.String()+"\n"+hex.EncodeToString(sum[:])))
		require.NoError(t, err)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+testKey+"/"+scope.String()+", SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature="+signature)
		refuse(t, testVerifier(), r, sigv4.ErrScope, headerMalformed, 400)
	}
}

// forge signs a header request whose SignedHeaders is given as text, with the
// canonical request made from it word for word.
func forge(t *testing.T, r *http.Request, signedHeaders string) *http.Request {
	t.Helper()
	const date = "20130524T120000Z"
	r.Header.Set("X-Amz-Date", date)
	r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	block := ""
	for _, name := range strings.Split(signedHeaders, ";") {
		value := r.Header.Get(name)
		if strings.EqualFold(name, "host") {
			value = r.Host
		}
		block += name + ":" + value + "\n"
	}
	canonical := "GET\n" + r.URL.EscapedPath() + "\n" + r.URL.RawQuery + "\n" + block + "\n" + signedHeaders + "\nUNSIGNED-PAYLOAD"
	signature := refSignature(secretS, date, "us-east-1", "s3", canonical)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+testKey+"/20130524/us-east-1/s3/aws4_request, SignedHeaders="+signedHeaders+", Signature="+signature)
	return r
}

// SIG-97: tricks with SignedHeaders, each signed as it says (SIG-70).
func TestSIG97SignedHeaders(t *testing.T) {
	const rest = ";x-amz-content-sha256;x-amz-date"
	accept(t, testVerifier(), forge(t, incoming("GET", "/k", ""), "host"+rest))
	for name, list := range map[string]string{
		"missing host":       rest[1:],
		"unsorted":           "x-amz-date;host;x-amz-content-sha256",
		"duplicate":          "host;host" + rest,
		"uppercase":          "Host" + rest,
		"listed but absent":  "host;range" + rest,
		"empty name":         "host;" + rest,
		"trailing semicolon": "host" + rest + ";",
		"a space":            "host;my header" + rest,
		"a colon":            "host;my:header" + rest,
		"64 KiB":             "host;" + strings.Repeat("x", 64<<10),
		"too many":           "host" + strings.Repeat(";i", 2000),
	} {
		t.Run(name, func(t *testing.T) {
			refuse(t, testVerifier(), forge(t, incoming("GET", "/k", ""), list), sigv4.ErrMalformed, headerMalformed, 400)
		})
	}
	t.Run("absent but a query parameter", func(t *testing.T) {
		r := forge(t, incoming("GET", "/k?range=bytes", ""), "host;range"+rest)
		refuse(t, testVerifier(), r, sigv4.ErrMalformed, headerMalformed, 400)
	})
	t.Run("a thousand names and one more", func(t *testing.T) {
		r, list := incoming("GET", "/k", ""), "host"
		for i := range 997 { // with host and the two of rest, a thousand
			name := fmt.Sprintf("my-%04d", i)
			r.Header.Set(name, "v")
			list += ";" + name
		}
		accept(t, testVerifier(), forge(t, r, list+rest))
		r.Header.Set("n", "v")
		refuse(t, testVerifier(), forge(t, r, list+";n"+rest), sigv4.ErrMalformed, headerMalformed, 400)
	})
	t.Run("presigned without host", func(t *testing.T) {
		r := presigned(t, "GET", "/k", http.Header{"A": {"1"}})
		setQuery(r, "X-Amz-SignedHeaders", "a")
		refuse(t, testVerifier(), r, sigv4.ErrMalformed, queryMalformed, 400)
	})
}

// SIG-98: what must come once comes twice (SIG-68).
func TestSIG98Duplicates(t *testing.T) {
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"} {
		r := presigned(t, "GET", "/k", nil)
		for piece := range strings.SplitSeq(r.URL.RawQuery, "&") {
			if strings.HasPrefix(piece, name+"=") {
				r.URL.RawQuery += "&" + piece
			}
		}
		refuse(t, testVerifier(), r, sigv4.ErrMalformed, queryMalformed, 400)
	}
	r := presigned(t, "GET", "/k", nil)
	r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "X-Amz-Expires=3600", "X-Amz-Expires=60&X-Amz-Expires=604800", 1)
	refuse(t, testVerifier(), r, sigv4.ErrMalformed, queryMalformed, 400)

	for name, want := range map[string]struct {
		kind   error
		code   string
		status int
	}{
		"X-Amz-Date":                   {sigv4.ErrDate, "AccessDenied", 403},
		"Authorization":                {sigv4.ErrMalformed, headerMalformed, 400},
		"X-Amz-Content-Sha256":         {sigv4.ErrPayload, "InvalidRequest", 400},
		"X-Amz-Security-Token":         {sigv4.ErrMalformed, headerMalformed, 400},
		"X-Amz-Region-Set":             {sigv4.ErrMalformed, headerMalformed, 400},
		"X-Amz-Decoded-Content-Length": {sigv4.ErrMalformed, headerMalformed, 400},
		"Host":                         {sigv4.ErrMalformed, headerMalformed, 400},
	} {
		r := signed(t, "GET", "/k", "")
		value := r.Header.Get(name)
		r.Header[name] = []string{value, value}
		refuse(t, testVerifier(), r, want.kind, want.code, want.status)
	}
	r = signed(t, "GET", "/k", "")
	r.Header["Host"] = []string{"another"}
	refuse(t, testVerifier(), r, sigv4.ErrMalformed, headerMalformed, 400)
	// The items of Authorization.
	for _, item := range []string{"Credential", "SignedHeaders", "Signature"} {
		r := signed(t, "GET", "/k", "")
		value := r.Header.Get("Authorization")
		at := strings.Index(value, item)
		text, _, _ := strings.Cut(value[at:], ",")
		r.Header.Set("Authorization", value+", "+text)
		refuse(t, testVerifier(), r, sigv4.ErrMalformed, headerMalformed, 400)
	}
}

// SIG-99: what an earlier verifier got wrong, signed correctly, is accepted.
func TestSIG99CanonicalizationGaps(t *testing.T) {
	accept(t, testVerifier(), signed(t, "GET", "/k?a=1&a=2", ""))
	accept(t, testVerifier(), signed(t, "GET", "/k?a=2&a=1&b", ""))
	r := incoming("GET", "/k", "")
	r.Header["My-Header"] = []string{"b", "a   c", "  d"}
	accept(t, testVerifier(), signAt(t, r, testNow()))
	r = incoming("GET", "/k", "")
	r.Header.Set("X-Amz-Meta-A", `"a   b   c"`)
	accept(t, testVerifier(), signAt(t, r, testNow()))
}

// SIG-103: bounded work, whatever comes.
func TestSIG103ResourceUse(t *testing.T) {
	r := presigned(t, "GET", "/k", nil)
	r.URL.RawQuery += strings.Repeat("&a", 1_000_000)
	refuse(t, testVerifier(), r, sigv4.ErrInvalidURL, "InvalidURI", 400)
	r = signed(t, "GET", "/k", "")
	r.Header.Set("Authorization", r.Header.Get("Authorization")+strings.Repeat(" ", 64<<10))
	refuse(t, testVerifier(), r, sigv4.ErrMalformed, headerMalformed, 400)

	// A reader that fails for ever is asked once.
	r = signed(t, "PUT", "/k", "body")
	broken := &brokenBody{}
	r.Body = broken
	_, err := testVerifier().Verify(r)
	require.NoError(t, err)
	for range 3 {
		_, err = r.Body.Read(make([]byte, 8))
		require.ErrorIs(t, err, errBroken)
	}
	require.Equal(t, 1, broken.reads)
}

var errBroken = errors.New("broken")

type brokenBody struct{ reads int }

func (b *brokenBody) Read([]byte) (int, error) { b.reads++; return 0, errBroken }
func (b *brokenBody) Close() error             { return nil }

// SIG-104: a rotated secret under the same id signs anew, and verifies anew.
func TestSIG104RotatedSecret(t *testing.T) {
	s, v := testSigner(), testVerifier()
	keys := sigv4.StaticKeys{testKey: {Secret: secretS}}
	v.Keys = keys
	sign := func(secret string) *http.Request {
		r := incoming("GET", "/k", "")
		_, err := s.Sign(r, sigv4.Credentials{AccessKeyID: testKey, SecretAccessKey: secret}, sigv4.Payload{})
		require.NoError(t, err)
		return r
	}
	before, after := sign(secretS), sign(secretP)
	require.NotEqual(t, before.Header.Get("Authorization"), after.Header.Get("Authorization"))
	accept(t, v, before)
	refuse(t, v, after, sigv4.ErrSignatureMismatch, "SignatureDoesNotMatch", 403)
	keys[testKey] = sigv4.Key{Secret: secretP}
	accept(t, v, after)
	refuse(t, v, before, sigv4.ErrSignatureMismatch, "SignatureDoesNotMatch", 403)
}

// SIG-106: the session token added, removed, swapped, unsigned, in the other
// source (SIG-39).
func TestSIG106Token(t *testing.T) {
	withToken := testVerifier()
	withToken.Keys = sigv4.StaticKeys{testKey: {Secret: secretS, SessionToken: "TOKEN"}}
	credentials := testCredentials()
	credentials.SessionToken = "TOKEN"
	header := func(token string) *http.Request {
		r, c := incoming("GET", "/k", ""), testCredentials()
		c.SessionToken = token
		_, err := testSigner().Sign(r, c, sigv4.Payload{})
		require.NoError(t, err)
		return r
	}
	query := func(token string) *http.Request {
		r, c := incoming("GET", "/k", ""), testCredentials()
		c.SessionToken = token
		p, err := testSigner().Presign(r, c, sigv4.Payload{}, time.Hour)
		require.NoError(t, err)
		_, query, _ := strings.Cut(p.URL, "?")
		return incoming("GET", "/k?"+query, "")
	}
	for _, request := range []func(string) *http.Request{header, query} {
		require.True(t, accept(t, withToken, request("TOKEN")).SessionToken)
		require.False(t, accept(t, testVerifier(), request("")).SessionToken)
		refuse(t, withToken, request(""), sigv4.ErrToken, "InvalidToken", 400)
		refuse(t, withToken, request("OTHER"), sigv4.ErrToken, "InvalidToken", 400)
		refuse(t, withToken, request("TOKENX"), sigv4.ErrToken, "InvalidToken", 400)
		refuse(t, testVerifier(), request("TOKEN"), sigv4.ErrToken, "InvalidToken", 400)
	}
	r := header("TOKEN") // removed on the way
	r.Header.Del("X-Amz-Security-Token")
	refuse(t, withToken, r, sigv4.ErrMalformed, headerMalformed, 400)
	r = header("TOKEN") // swapped on the way
	r.Header.Set("X-Amz-Security-Token", "OTHER")
	refuse(t, withToken, r, sigv4.ErrToken, "InvalidToken", 400)
	r = header("") // unsigned
	r.Header.Set("X-Amz-Security-Token", "TOKEN")
	refuse(t, withToken, r, sigv4.ErrUnsignedHeader, "AccessDenied", 403)
	r = query("") // in the other source, signed or not
	r.Header.Set("X-Amz-Security-Token", "TOKEN")
	refuse(t, withToken, r, sigv4.ErrToken, "InvalidToken", 400)
	r = query("TOKEN")
	setQuery(r, "X-Amz-Security-Token", "OTHER")
	refuse(t, withToken, r, sigv4.ErrToken, "InvalidToken", 400)
	setQuery(r, "X-Amz-Security-Token", "")
	refuse(t, withToken, r, sigv4.ErrMalformed, queryMalformed, 400)

	expired := testVerifier()
	expired.Keys = sigv4.StaticKeys{testKey: {Secret: secretS, Expires: testNow().Add(-time.Second)}}
	refuse(t, expired, header(""), sigv4.ErrTokenExpired, "ExpiredToken", 400)
	expired.Keys = sigv4.StaticKeys{testKey: {Secret: secretS, Expires: testNow()}}
	accept(t, expired, header(""))
}

// SIG-107: the host is the one that was signed, as SIG-19 says.
func TestSIG107Host(t *testing.T) {
	r := signed(t, "GET", "/k", "")
	r.Header.Set("X-Forwarded-Host", "other")
	accept(t, testVerifier(), r) // never read
	r.Header.Set("X-Forwarded-Host", r.Host)
	r.Host = "proxy.internal"
	refuse(t, testVerifier(), r, sigv4.ErrSignatureMismatch, "SignatureDoesNotMatch", 403)

	alias := testVerifier()
	alias.HostAliases = []string{"nothing", "examplebucket.s3.amazonaws.com"}
	accept(t, alias, r)
	alias.HostAliases = []string{"nothing"}
	refuse(t, alias, r, sigv4.ErrSignatureMismatch, "SignatureDoesNotMatch", 403)

	hook := testVerifier()
	hook.Host = func(r *http.Request) string { return r.Header.Get("X-Forwarded-Host") }
	accept(t, hook, r)

	// An absolute-form target: net/http has put its host into r.Host.
	absolute := httptest.NewRequest("GET", "http://examplebucket.s3.amazonaws.com/k", nil)
	_, err := testSigner().Sign(absolute, testCredentials(), sigv4.Payload{})
	require.NoError(t, err)
	accept(t, testVerifier(), absolute)
	absolute.Host = "examplebucket.s3.amazonaws.com:80" // as received, port and all
	refuse(t, testVerifier(), absolute, sigv4.ErrSignatureMismatch, "SignatureDoesNotMatch", 403)
	absolute.Host = ""
	refuse(t, testVerifier(), absolute, sigv4.ErrMalformed, headerMalformed, 400)
}

// lookup is a KeyLookup from a function.
type lookup func(context.Context, sigv4.KeyQuery) (sigv4.Key, error)

func (f lookup) LookupKey(ctx context.Context, q sigv4.KeyQuery) (sigv4.Key, error) { return f(ctx, q) }
