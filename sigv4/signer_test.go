// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"context"
	"crypto/fips140"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/sigv4"
)

// TestSignReplacesSIG22: a signature that is there already makes way.
func TestSignReplacesSIG22(t *testing.T) {
	r := incoming("GET", "/k?a=1&X-Amz-Signature=old&X%2DAmz-Credential=x&b=%20&X-Amz-Region-Set=*", "")
	for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Region-Set"} {
		r.Header.Set(name, "old")
	}
	r.Header["x-amz-date"] = []string{"another spelling"}
	strict := testSigner()
	strict.StrictInput = true
	header, query := r.Header.Clone(), r.URL.RawQuery
	_, err := strict.Sign(r, testCredentials(), sigv4.Payload{})
	require.ErrorIs(t, err, sigv4.ErrAlreadySigned)
	_, err = strict.Presign(r, testCredentials(), sigv4.Payload{}, time.Hour)
	require.ErrorIs(t, err, sigv4.ErrAlreadySigned)
	require.Equal(t, header, r.Header, "nothing changes on an error")
	require.Equal(t, query, r.URL.RawQuery)

	p, err := testSigner().Presign(r, testCredentials(), sigv4.Payload{}, time.Hour)
	require.NoError(t, err)
	require.Empty(t, p.Header)
	require.Equal(t, header, r.Header)
	_, signedQuery, _ := strings.Cut(p.URL, "?")
	accept(t, testVerifier(), incoming("GET", "/k?"+signedQuery, ""))

	_, err = testSigner().Sign(r, testCredentials(), sigv4.Payload{})
	require.NoError(t, err)
	require.Equal(t, "a=1&b=%20", r.URL.RawQuery)
	require.ElementsMatch(t, []string{"Authorization", "X-Amz-Date", "X-Amz-Content-Sha256"}, keys(r.Header))
	accept(t, testVerifier(), r)
	first := r.Header.Get("Authorization")
	_, err = testSigner().Sign(r, testCredentials(), sigv4.Payload{})
	require.NoError(t, err)
	require.Equal(t, first, r.Header.Get("Authorization"), "signing twice is signing once")
	clean := incoming("GET", "/k?a=1", "")
	clean.Header.Set("My-Header", "v")
	_, err = strict.Sign(clean, testCredentials(), sigv4.Payload{})
	require.NoError(t, err)
}

func keys(h http.Header) (out []string) {
	for key := range h {
		out = append(out, key)
	}
	return out
}

// TestSignedHeaderRuleSIG23 lists what is signed by default and on demand.
func TestSignedHeaderRuleSIG23(t *testing.T) {
	r := incoming("PUT", "/k", "body")
	for _, name := range []string{
		"Authorization", "User-Agent", "X-Amzn-Trace-Id", "Expect", "Connection", "Transfer-Encoding", "Accept-Encoding", "Te", "Trailer",
		"Upgrade", "Keep-Alive", "Proxy-Authorization", "Sec-Fetch-Mode", "X-Forwarded-For", "Cookie",
		"Content-Type", "Content-Md5", "Range", "X-Amz-Acl", "Amz-Sdk-Request", "X-Amz", "Date",
	} {
		r.Header.Set(name, "v")
	}
	hash := sigv4.Payload{Mode: sigv4.PayloadUnsigned}
	got, err := testSigner().Sign(r, testCredentials(), hash)
	require.NoError(t, err)
	require.Equal(t, "amz-sdk-request;content-md5;content-type;date;host;range;x-amz;x-amz-acl;x-amz-content-sha256;x-amz-date", got.SignedHeaders)
	s := testSigner()
	s.SignHeader = func(name string) bool {
		require.Equal(t, strings.ToLower(name), name)
		return name == "user-agent" || name == "accept-encoding" || name == "content-length" || name == "authorization" || name == "host"
	}
	got, err = s.Sign(r, testCredentials(), hash)
	require.NoError(t, err)
	require.Equal(t, "accept-encoding;content-length;host;user-agent;x-amz-acl;x-amz-content-sha256;x-amz-date", got.SignedHeaders)
	accept(t, testVerifier(), r) // SIG-26: a verifier honours whatever is signed
	r.Header.Set("User-Agent", "another")
	refuse(t, testVerifier(), r, sigv4.ErrSignatureMismatch, "SignatureDoesNotMatch", 403)
	// SIG-25: content-length where the header map asks for it, with the value
	// that net/http will send.
	r = incoming("PUT", "/k", "body")
	r.Header.Set("Content-Length", "7")
	s = testSigner()
	s.Debug = true
	got, err = s.Sign(r, testCredentials(), hash)
	require.NoError(t, err)
	require.Contains(t, got.Canonical.Headers, "content-length:4\n")
}

// TestSignHostSIG19 drops the default port and stores what is signed.
func TestSignHostSIG19(t *testing.T) {
	for _, c := range []struct{ url, host, want string }{
		{"https://h:443/", "", "h"},
		{"http://h:80/", "", "h"},
		{"https://h:80/", "", "h:80"},
		{"http://h:443/", "", "h:443"},
		{"https://h:8443/", "", "h:8443"},
		{"https://h/", "other:443", "other"},
		{"https://[::1]:443/", "", "[::1]"},
	} {
		r, err := http.NewRequest("GET", c.url, nil)
		require.NoError(t, err)
		if r.Host = c.host; c.host == "" {
			r.Host = r.URL.Host
		}
		_, err = testSigner().Sign(r, testCredentials(), sigv4.Payload{})
		require.NoError(t, err)
		require.Equal(t, c.want, r.Host)
		p, err := testSigner().Presign(r, testCredentials(), sigv4.Payload{}, time.Minute)
		require.NoError(t, err)
		u, err := url.Parse(p.URL)
		require.NoError(t, err)
		require.Equal(t, c.want, u.Host)
	}
	r, err := http.NewRequest("GET", "/k", nil)
	require.NoError(t, err)
	_, err = testSigner().Sign(r, testCredentials(), sigv4.Payload{})
	require.ErrorIs(t, err, sigv4.ErrInvalidURL)
}

// TestSignRefusals: each error of Sign and Presign, and that r stays as it was.
func TestSignRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		change func(s *sigv4.Signer, r *http.Request, c *sigv4.Credentials, p *sigv4.Payload)
		want   error
	}{
		"no region":     {func(s *sigv4.Signer, _ *http.Request, _ *sigv4.Credentials, _ *sigv4.Payload) { s.Region = "" }, sigv4.ErrConfig},
		"no service":    {func(s *sigv4.Signer, _ *http.Request, _ *sigv4.Credentials, _ *sigv4.Payload) { s.Profile.Service = "" }, sigv4.ErrConfig},
		"region of two": {func(s *sigv4.Signer, _ *http.Request, _ *sigv4.Credentials, _ *sigv4.Payload) { s.Region = "a/b" }, sigv4.ErrConfig},
		"algorithm":     {func(s *sigv4.Signer, _ *http.Request, _ *sigv4.Credentials, _ *sigv4.Payload) { s.Algorithm = 99 }, sigv4.ErrConfig},
		"year 10000": {func(s *sigv4.Signer, _ *http.Request, _ *sigv4.Credentials, _ *sigv4.Payload) {
			s.Now = func() time.Time { return time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }
		}, sigv4.ErrConfig},
		"no key id": {func(_ *sigv4.Signer, _ *http.Request, c *sigv4.Credentials, _ *sigv4.Payload) { c.AccessKeyID = "" }, sigv4.ErrCredentials},
		"key id of lines": {func(_ *sigv4.Signer, _ *http.Request, c *sigv4.Credentials, _ *sigv4.Payload) {
			c.AccessKeyID = "a\r\nb: c"
		}, sigv4.ErrCredentials},
		"key id of commas": {func(_ *sigv4.Signer, _ *http.Request, c *sigv4.Credentials, _ *sigv4.Payload) { c.AccessKeyID = "a,b" }, sigv4.ErrCredentials},
		"no secret":        {func(_ *sigv4.Signer, _ *http.Request, c *sigv4.Credentials, _ *sigv4.Payload) { c.SecretAccessKey = "" }, sigv4.ErrCredentials},
		"token of lines": {func(_ *sigv4.Signer, _ *http.Request, c *sigv4.Credentials, _ *sigv4.Payload) {
			c.SessionToken = "a\nb"
		}, sigv4.ErrCredentials},
		"no URL":        {func(_ *sigv4.Signer, r *http.Request, _ *sigv4.Credentials, _ *sigv4.Payload) { r.URL = nil }, sigv4.ErrInvalidURL},
		"bad path":      {func(_ *sigv4.Signer, r *http.Request, _ *sigv4.Credentials, _ *sigv4.Payload) { r.URL.Opaque = "//h/%" }, sigv4.ErrInvalidURL},
		"relative path": {func(_ *sigv4.Signer, r *http.Request, _ *sigv4.Credentials, _ *sigv4.Payload) { r.URL.Opaque = "k" }, sigv4.ErrInvalidURL},
		"bad query":     {func(_ *sigv4.Signer, r *http.Request, _ *sigv4.Credentials, _ *sigv4.Payload) { r.URL.RawQuery = "%" }, sigv4.ErrInvalidURL},
		"payload mode":  {func(_ *sigv4.Signer, _ *http.Request, _ *sigv4.Credentials, p *sigv4.Payload) { p.Mode = 99 }, sigv4.ErrPayload},
		"unknown literal": {func(_ *sigv4.Signer, r *http.Request, _ *sigv4.Credentials, _ *sigv4.Payload) {
			r.Header.Set("X-Amz-Content-Sha256", "x")
		}, sigv4.ErrPayload},
		"odd spelling": {func(_ *sigv4.Signer, r *http.Request, _ *sigv4.Credentials, _ *sigv4.Payload) {
			r.Header["x-amz-content-sha256"] = []string{"x"}
		}, sigv4.ErrPayload},
	} {
		t.Run(name, func(t *testing.T) {
			for _, presign := range []bool{false, true} {
				s, r, cred, p := testSigner(), incoming("GET", "/k", ""), testCredentials(), sigv4.Payload{}
				c.change(s, r, &cred, &p)
				header := r.Header.Clone()
				var err error
				if presign {
					_, err = s.Presign(r, cred, p, time.Hour)
				} else {
					_, err = s.Sign(r, cred, p)
				}
				require.ErrorIs(t, err, c.want)
				require.Equal(t, header, r.Header)
				require.NotContains(t, err.Error(), secretS)
			}
		})
	}
	for _, expires := range []time.Duration{0, -time.Second, time.Second / 2, time.Second + 1, 7*24*time.Hour + time.Second} {
		_, err := testSigner().Presign(incoming("GET", "/k", ""), testCredentials(), sigv4.Payload{}, expires)
		require.ErrorIs(t, err, sigv4.ErrExpiry)
	}
	for _, expires := range []time.Duration{time.Second, 7 * 24 * time.Hour} {
		_, err := testSigner().Presign(incoming("GET", "/k", ""), testCredentials(), sigv4.Payload{}, expires)
		require.NoError(t, err)
	}
}

// TestSigningTimes: years 1 to 9999, in whatever zone the clock says it.
func TestSigningTimes(t *testing.T) {
	west := time.FixedZone("", -3600)
	for at, ok := range map[time.Time]bool{
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC): true, time.Date(1, 1, 1, 0, 0, 0, -1, time.UTC): false,
		time.Date(9999, 12, 31, 23, 59, 59, 999, time.UTC): true, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC): false,
		time.Date(9999, 12, 31, 23, 0, 0, 0, west): false, time.Date(0, 12, 31, 23, 0, 0, 0, west): true,
	} {
		s := testSigner()
		s.Now = func() time.Time { return at }
		signed, err := s.Sign(incoming("GET", "/k", ""), testCredentials(), sigv4.Payload{})
		require.Equal(t, ok, err == nil, at)
		if ok {
			require.Equal(t, at.UTC().Format("20060102T150405Z"), signed.Date)
		} else {
			require.ErrorIs(t, err, sigv4.ErrConfig)
		}
	}
}

// TestSignPayload covers where the last line comes from (SIG-16).
func TestSignPayload(t *testing.T) {
	const hash = "230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5" // of "body"
	newRequest := func(body io.Reader) *http.Request {
		r, err := http.NewRequest("PUT", "https://h/k", body)
		require.NoError(t, err)
		return r
	}
	r := newRequest(strings.NewReader("body"))
	_, err := testSigner().Sign(r, testCredentials(), sigv4.Payload{})
	require.NoError(t, err)
	require.Equal(t, hash, r.Header.Get("X-Amz-Content-Sha256"))
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.Equal(t, "body", string(body), "the body is still there")

	_, err = testSigner().Sign(newRequest(io.MultiReader()), testCredentials(), sigv4.Payload{})
	require.ErrorIs(t, err, sigv4.ErrPayload, "a body that can be read once only")
	r = newRequest(strings.NewReader("body"))
	r.GetBody = func() (io.ReadCloser, error) { return nil, errBroken }
	_, err = testSigner().Sign(r, testCredentials(), sigv4.Payload{})
	require.ErrorIs(t, err, errBroken)
	r.GetBody = func() (io.ReadCloser, error) { return &brokenBody{}, nil }
	_, err = testSigner().Sign(r, testCredentials(), sigv4.Payload{})
	require.ErrorIs(t, err, errBroken)

	s := testSigner()
	s.Profile, s.Debug = profileDefault, true
	r = newRequest(strings.NewReader("body"))
	got, err := s.Sign(r, testCredentials(), sigv4.Payload{})
	require.NoError(t, err)
	require.Equal(t, hash, got.Canonical.PayloadHash)
	require.Empty(t, r.Header.Get("X-Amz-Content-Sha256"), "not sent by the default profile")
	got, err = s.Sign(r, testCredentials(), sigv4.Payload{Mode: sigv4.PayloadUnsigned})
	require.NoError(t, err)
	require.Equal(t, "UNSIGNED-PAYLOAD", got.Canonical.PayloadHash)
	require.Equal(t, "UNSIGNED-PAYLOAD", r.Header.Get("X-Amz-Content-Sha256"), "but for a value that nobody can guess")
	got, err = s.Sign(r, testCredentials(), sigv4.Payload{})
	require.NoError(t, err)
	require.Equal(t, "UNSIGNED-PAYLOAD", got.Canonical.PayloadHash, "the header that is there counts")
}

// TestKeyDaySIG32: the key is that of the day of signing.
func TestKeyDaySIG32(t *testing.T) {
	midnight := time.Date(2013, 5, 25, 0, 0, 0, 0, time.UTC)
	s, v := testSigner(), testVerifier()
	v.Now = func() time.Time { return midnight }
	for _, at := range []time.Time{midnight.Add(-time.Second), midnight, midnight.Add(-time.Second)} {
		s.Now = func() time.Time { return at }
		r := incoming("GET", "/k", "")
		got, err := s.Sign(r, testCredentials(), sigv4.Payload{})
		require.NoError(t, err)
		require.Equal(t, at.Format("20060102"), got.Scope.Date)
		accept(t, v, r)
	}
}

// TestKeyCacheOff works without one.
func TestKeyCacheOff(t *testing.T) {
	s, v := testSigner(), testVerifier()
	s.KeyCache, v.KeyCache = -1, -1
	r := incoming("GET", "/k", "")
	_, err := s.Sign(r, testCredentials(), sigv4.Payload{})
	require.NoError(t, err)
	accept(t, v, r)
}

// TestFIPS signs and verifies; in FIPS 140-only mode a secret too short for an
// HMAC key is an error and not a panic.
func TestFIPS(t *testing.T) {
	accept(t, testVerifier(), signed(t, "GET", "/k", ""))
	accept(t, testVerifier(), presigned(t, "GET", "/k", nil))
	short := testCredentials()
	short.SecretAccessKey = "short"
	_, err := testSigner().Sign(incoming("GET", "/k", ""), short, sigv4.Payload{})
	v := testVerifier()
	v.Keys = sigv4.StaticKeys{testKey: {Secret: "short"}}
	_, verr := v.Verify(signed(t, "GET", "/k", ""))
	if fips140.Enforced() {
		require.ErrorIs(t, err, sigv4.ErrFIPS)
		require.ErrorIs(t, verr, sigv4.ErrFIPS)
	} else {
		require.NoError(t, err)
		require.ErrorIs(t, verr, sigv4.ErrSignatureMismatch)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type closeRecorder struct {
	io.Reader
	closed bool
}

func (c *closeRecorder) Close() error { c.closed = true; return nil }

// TestTransport signs a copy, passes errors on, and closes the body whatever
// happens.
func TestTransport(t *testing.T) {
	good := func(context.Context) (sigv4.Credentials, error) { return testCredentials(), nil }
	var sent *http.Request
	base := roundTripper(func(r *http.Request) (*http.Response, error) {
		sent = r
		return httptest.NewRecorder().Result(), nil
	})
	tr := &sigv4.Transport{Signer: testSigner(), Credentials: good, Base: base}
	r, err := http.NewRequest("GET", "https://examplebucket.s3.amazonaws.com/k", nil)
	require.NoError(t, err)
	resp, err := tr.RoundTrip(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Empty(t, r.Header, "the caller's request stays")
	sent.Body = http.NoBody
	accept(t, testVerifier(), sent)

	for want, tr := range map[error]*sigv4.Transport{
		sigv4.ErrConfig:      {Credentials: good, Base: base},
		errBroken:            {Signer: testSigner(), Base: base, Credentials: func(context.Context) (sigv4.Credentials, error) { return sigv4.Credentials{}, errBroken }},
		sigv4.ErrCredentials: {Signer: testSigner(), Base: base, Credentials: func(context.Context) (sigv4.Credentials, error) { return sigv4.Credentials{}, nil }},
		io.ErrNoProgress:     {Signer: testSigner(), Base: base, Credentials: good, Payload: func(*http.Request) (sigv4.Payload, error) { return sigv4.Payload{}, io.ErrNoProgress }},
		sigv4.ErrPayload:     {Signer: testSigner(), Base: base, Credentials: good},
	} {
		body := &closeRecorder{Reader: strings.NewReader("x")}
		r, err := http.NewRequest("PUT", "https://h/k", body)
		require.NoError(t, err)
		_, err = tr.RoundTrip(r) //nolint:bodyclose // there is none
		require.ErrorIs(t, err, want)
		require.True(t, body.closed)
	}
	_, err = (&sigv4.Transport{Signer: testSigner()}).RoundTrip(r) //nolint:bodyclose // there is none
	require.ErrorIs(t, err, sigv4.ErrConfig)
	require.False(t, errors.Is(err, sigv4.ErrCredentials))
}

// TestEnumsAsText round-trips the names.
func TestEnumsAsText(t *testing.T) {
	for _, a := range []sigv4.Algorithm{sigv4.AlgorithmV4} {
		text, err := a.MarshalText()
		require.NoError(t, err)
		var got sigv4.Algorithm = 77
		require.NoError(t, got.UnmarshalText(text))
		require.Equal(t, a, got)
		require.ErrorIs(t, got.UnmarshalText([]byte("AWS4-HMAC-MD5")), sigv4.ErrConfig)
	}
	_, err := sigv4.Algorithm(77).MarshalText()
	require.ErrorIs(t, err, sigv4.ErrConfig)
	for mode, want := range map[sigv4.PayloadMode]string{sigv4.PayloadBody: "body", sigv4.PayloadSHA256: "sha256", sigv4.PayloadUnsigned: "unsigned", 77: "PayloadMode(77)"} {
		require.Equal(t, want, mode.String())
	}
}
