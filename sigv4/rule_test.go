// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
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

// SIG-3: Signer, presigner, Verifier and Canonicalize make one text of a
// request.
func TestOneCanonicalizerSIG3(t *testing.T) {
	for _, profile := range []sigv4.Profile{profileS3, profileDefault, profileSuite} {
		s, v := testSigner(), testVerifier()
		s.Profile, s.Debug, v.Profile = profile, true, profile
		v.Keys = sigv4.StaticKeys{testKey: {Secret: secretP}} // a mismatch shows the Verifier's text
		told := func(r *http.Request) string {
			_, err := v.Verify(r)
			var e *sigv4.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, "SignatureDoesNotMatch", e.Code)
			return e.CanonicalRequest
		}
		odd := func() *http.Request {
			r := incoming("GET", "/a/./b//%2F(c)?b=%2B+&a&b=&~=%7e", "")
			r.Header["X-Amz-Meta-A"] = []string{" a   b", "", "\tc"}
			return r
		}
		r := odd()
		signed, err := s.Sign(r, testCredentials(), sigv4.Payload{})
		require.NoError(t, err)
		again, err := sigv4.Canonicalize(r, profile, strings.Split(signed.SignedHeaders, ";"), signed.Canonical.PayloadHash)
		require.NoError(t, err)
		require.Equal(t, signed.Canonical.String(), again.String())
		require.Equal(t, signed.Canonical.String(), told(r))

		p, err := s.Presign(odd(), testCredentials(), sigv4.Payload{}, time.Hour)
		require.NoError(t, err)
		r = incoming("GET", strings.TrimPrefix(p.URL, "https://examplebucket.s3.amazonaws.com"), "")
		r.Header = p.Header.Clone()
		redacted := told(r)
		require.Equal(t, p.Canonical.String(), redacted)
	}
}

// SIG-21: the predefined profiles, whole.
func TestProfilesSIG21(t *testing.T) {
	s3 := func(service string) sigv4.Profile {
		return sigv4.Profile{Service: service, SingleEncode: true, RawPath: true, ContentSHA256: true}
	}
	express := s3("s3express")
	express.Token = sigv4.TokenS3Session
	for service, want := range map[string]sigv4.Profile{
		"s3": s3("s3"), "s3-outposts": s3("s3-outposts"), "s3-object-lambda": s3("s3-object-lambda"), "s3express": express,
		"iotdevicegateway": {Service: "iotdevicegateway", Token: sigv4.TokenOmitted},
		"execute-api":      {Service: "execute-api"}, "S3": {Service: "S3"}, "": {},
	} {
		require.Equal(t, want, sigv4.ProfileFor(service))
	}
}

// SIG-34 and SIG-35: the two forms to the letter, for the documented GET of
// SIG-112.
func TestFormsSIG34(t *testing.T) {
	s := testSigner()
	s.Now = func() time.Time { return time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC) }
	r := incoming("GET", "/test.txt", "")
	r.Header.Set("Range", "bytes=0-9")
	_, err := s.Sign(r, testCredentials(), sigv4.Payload{})
	require.NoError(t, err)
	require.Equal(t, "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "+
		"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
		r.Header.Get("Authorization"))
	c := testCredentials()
	c.SessionToken = "a+b/c="
	p, err := s.Presign(incoming("GET", "/test.txt?z=1&A=2", ""), c, sigv4.Payload{}, 24*time.Hour)
	require.NoError(t, err)
	_, query, _ := strings.Cut(p.URL, "?")
	require.Equal(t, "A=2&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&"+
		"X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-Security-Token=a%2Bb%2Fc%3D&X-Amz-SignedHeaders=host&z=1&X-Amz-Signature="+p.Signature, query)
}

// SIG-78: all that an Identity says, and that nothing but the Verifier's handler
// puts one into a context.
func TestIdentitySIG78(t *testing.T) {
	scope := sigv4.Scope{Date: "20130524", Region: "us-east-1", Service: "s3"}
	r := signed(t, "PUT", "/k", "body")
	require.Equal(t, &sigv4.Identity{
		AccessKeyID: testKey, Scope: scope, Mode: sigv4.ModeHeader, SignedHeaders: "host;x-amz-content-sha256;x-amz-date",
		Payload: sigv4.PayloadSHA256, SignedAt: testNow(), Path: "/k",
	}, accept(t, testVerifier(), r))
	require.Equal(t, &sigv4.Identity{
		AccessKeyID: testKey, Scope: scope, Mode: sigv4.ModeQuery, SignedHeaders: "host",
		Payload: sigv4.PayloadUnsigned, SignedAt: testNow(), ExpiresAt: testNow().Add(time.Hour), Path: "/k",
	}, accept(t, testVerifier(), presigned(t, "GET", "/k", nil)))

	_, ok := sigv4.FromContext(t.Context())
	require.False(t, ok)
	_, ok = sigv4.FromContext(r.Context())
	require.False(t, ok, "Verify alone marks nothing")
	var id *sigv4.Identity
	testVerifier().Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		id, ok = sigv4.FromContext(r.Context())
	})).ServeHTTP(httptest.NewRecorder(), signed(t, "GET", "/k", ""))
	require.True(t, ok)
	require.Equal(t, testKey, id.AccessKeyID)
}

// refusal is a request that is refused, with the answer of S3 (SIG-79) and of
// the query and JSON protocols (SIG-80): code and status each.
type refusal struct {
	name            string
	v               *sigv4.Verifier
	r               *http.Request
	s3, query, json string
}

func refusals(t *testing.T, p sigv4.Profile) []refusal {
	t.Helper()
	good := func() *http.Request {
		s := testSigner()
		s.Profile = p
		r := incoming("GET", "/k", "")
		_, err := s.Sign(r, testCredentials(), sigv4.Payload{})
		require.NoError(t, err)
		return r
	}
	with := func(name, value string) *http.Request {
		r := good()
		r.Header.Set(name, value)
		return r
	}
	changed := func(old, text string) *http.Request {
		r := good()
		before := r.Header.Get("Authorization")
		r.Header.Set("Authorization", strings.Replace(before, old, text, 1))
		require.NotEqual(t, before, r.Header.Get("Authorization"))
		return r
	}
	bare := func(target string) *http.Request { return incoming("GET", target, "") }
	v := func(change func(*sigv4.Verifier)) *sigv4.Verifier {
		v := testVerifier()
		v.Profile = p
		if change != nil {
			change(v)
		}
		return v
	}
	keys := func(k sigv4.StaticKeys) *sigv4.Verifier { return v(func(v *sigv4.Verifier) { v.Keys = k }) }
	late := v(func(v *sigv4.Verifier) { v.Now = func() time.Time { return testNow().Add(16 * time.Minute) } })
	other := good()
	other.Method = "PUT"
	return []refusal{
		{"no authentication", v(nil), bare("/k"), "AccessDenied 403", "MissingAuthenticationToken 403", "MissingAuthenticationTokenException 400"},
		{"two sources", v(nil), func() *http.Request { r := good(); r.URL.RawQuery = "X-Amz-Signature=1"; return r }(), "InvalidArgument 400", "IncompleteSignature 400", "IncompleteSignatureException 400"},
		{"scheme", v(nil), with("Authorization", "Basic abc"), "InvalidArgument 400", "IncompleteSignature 400", "IncompleteSignatureException 400"},
		{"legacy", v(nil), with("Authorization", "AWS a:b"), "InvalidRequest 400", "IncompleteSignature 400", "IncompleteSignatureException 400"},
		{"syntax", v(nil), changed("Signature=", "Signature=x"), "AuthorizationHeaderMalformed 400", "IncompleteSignature 400", "IncompleteSignatureException 400"},
		{"region", v(nil), changed("us-east-1", "eu-west-1"), "AuthorizationHeaderMalformed 400", "SignatureDoesNotMatch 403", "InvalidSignatureException 400"},
		{"date of the scope", v(nil), changed("20130524", "20130523"), "AuthorizationHeaderMalformed 400", "SignatureDoesNotMatch 403", "InvalidSignatureException 400"},
		{"presigned parameter", v(nil), bare("/k?X-Amz-Signature=1"), "AuthorizationQueryParametersError 400", "IncompleteSignature 400", "IncompleteSignatureException 400"},
		{"unknown key", keys(sigv4.StaticKeys{}), good(), "InvalidAccessKeyId 403", "InvalidClientTokenId 403", "UnrecognizedClientException 400"},
		{"mismatch", v(nil), other, "SignatureDoesNotMatch 403", "SignatureDoesNotMatch 403", "InvalidSignatureException 400"},
		{"skew", late, good(), "RequestTimeTooSkewed 403", "SignatureDoesNotMatch 403", "InvalidSignatureException 400"},
		{"no date", v(nil), with("X-Amz-Date", "yesterday"), "AccessDenied 403", "IncompleteSignature 400", "IncompleteSignatureException 400"},
		{"unsigned header", v(nil), with("X-Amz-Acl", "private"), "AccessDenied 403", "AccessDenied 403", "AccessDeniedException 400"},
		{"unknown payload", v(nil), with("X-Amz-Content-Sha256", "x"), "InvalidRequest 400", "InvalidRequest 400", "InvalidRequestException 400"},
		{"token", keys(sigv4.StaticKeys{testKey: {Secret: secretS, SessionToken: "T"}}), good(), "InvalidToken 400", "InvalidToken 400", "UnrecognizedClientException 400"},
		{"expired key", keys(sigv4.StaticKeys{testKey: {Secret: secretS, Expires: testNow().Add(-1)}}), good(), "ExpiredToken 400", "ExpiredToken 403", "ExpiredTokenException 400"},
		{"lookup", keys(sigv4.StaticKeys{testKey: {}}), good(), "InternalError 500", "InternalFailure 500", "InternalFailure 500"},
	}
}

// SIG-79, SIG-80 and SIG-81: what each refusal is answered with in each
// protocol.
func TestErrorTableSIG79(t *testing.T) {
	for _, profile := range []sigv4.Profile{profileS3, {Service: "execute-api", SingleEncode: true, RawPath: true}} {
		for _, c := range refusals(t, profile) {
			for i, write := range []func(http.ResponseWriter, *http.Request, *sigv4.Error){sigv4.S3XML, sigv4.QueryXML, sigv4.JSON} {
				want := [...]string{c.s3, c.query, c.json}[i]
				code, status, _ := strings.Cut(want, " ")
				c.v.WriteError = write
				w := answer(c.v, c.r)
				require.Equal(t, status, fmt.Sprint(w.Code), "%s, %s: %s", c.name, profile.Service, w.Body)
				around := [...]string{"<Code>%s</Code>", "<Code>%s</Code>", `{"__type":%q,`}[i]
				require.Contains(t, w.Body.String(), fmt.Sprintf(around, code), "%s, %s", c.name, profile.Service)
			}
		}
	}
}

// SIG-123: no rule asks for TLS. Bodies without a signature pass over plain HTTP
// where their mode is allowed, and a server that wants otherwise has SIG-67.
func TestPlainHTTPSIG123(t *testing.T) {
	put := func(v *sigv4.Verifier, p sigv4.Payload) string {
		server := httptest.NewServer(v.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %v", body, err)
		})))
		defer server.Close()
		r, err := http.NewRequestWithContext(t.Context(), "PUT", server.URL+"/k", strings.NewReader("hello"))
		require.NoError(t, err)
		return ask(t, client(server, liveSigner(profileS3), func(*http.Request) (sigv4.Payload, error) { return p, nil }), r)
	}
	strict, wide := liveVerifier(profileS3), liveVerifier(profileS3)
	wide.Modes = sigv4.ModeHeader | sigv4.ModeUnsignedTrailer
	trailer := sigv4.Payload{Mode: sigv4.PayloadUnsignedTrailer, Checksum: "crc32"}
	require.Equal(t, "hello <nil>", put(strict, sigv4.Payload{Mode: sigv4.PayloadUnsigned}))
	require.Equal(t, "hello <nil>", put(wide, trailer))
	require.Contains(t, put(strict, trailer), "<Code>AccessDenied</Code>")
}
