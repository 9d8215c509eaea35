// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/sigv4"
)

// TestAuthorizationSyntax: exactly three items, in any order (SIG-36).
func TestAuthorizationSyntax(t *testing.T) {
	good := signed(t, "GET", "/k", "").Header.Get("Authorization")
	credential, rest, _ := strings.Cut(strings.TrimPrefix(good, "AWS4-HMAC-SHA256 "), ", ")
	headers, signature, _ := strings.Cut(rest, ", ")
	with := func(value string) *http.Request {
		r := signed(t, "GET", "/k", "")
		r.Header.Set("Authorization", value)
		return r
	}
	join := func(items ...string) *http.Request { return with("AWS4-HMAC-SHA256 " + strings.Join(items, ",")) }
	for _, r := range []*http.Request{
		with(good), join(credential, headers, signature), join(signature, credential, headers),
		join(" "+credential, "  "+headers+" ", "\t"+signature), with(strings.ReplaceAll(good, ", ", " , ")),
	} {
		accept(t, testVerifier(), r)
	}
	for name, r := range map[string]*http.Request{
		"nothing":            with("AWS4-HMAC-SHA256"),
		"nothing but space":  with("AWS4-HMAC-SHA256 "),
		"no signature":       join(credential, headers),
		"no credential":      join(headers, signature),
		"no headers":         join(credential, signature),
		"a fourth":           join(credential, headers, signature, "Extra=1"),
		"empty item":         join(credential, "", headers, signature),
		"trailing comma":     with(good + ","),
		"other case":         join(strings.ToLower(credential), headers, signature),
		"no equals sign":     join(credential, headers, strings.Replace(signature, "=", " ", 1)),
		"empty credential":   join("Credential=", headers, signature),
		"empty headers":      join(credential, "SignedHeaders=", signature),
		"a tab for a space":  with(strings.Replace(good, " ", "\t", 1)),
		"no space":           with(strings.Replace(good, " ", "", 1)),
		"space before equal": join(strings.Replace(credential, "=", " =", 1), headers, signature),
	} {
		t.Run(name, func(t *testing.T) {
			code := headerMalformed
			if name == "a tab for a space" || name == "no space" {
				// Another scheme altogether, but one of ours.
				require.True(t, strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-"))
			}
			refuse(t, testVerifier(), r, sigv4.ErrMalformed, code, 400)
		})
	}
}

// TestCredentialSIG37 reads the scope from the right (SIG-27).
func TestCredentialSIG37(t *testing.T) {
	id, scope, err := sigv4.ParseCredential("a/b/c/20130524/us-east-1/s3/aws4_request")
	require.NoError(t, err)
	require.Equal(t, "a/b/c", id)
	require.Equal(t, sigv4.Scope{Date: "20130524", Region: "us-east-1", Service: "s3"}, scope)
	require.Equal(t, "20130524/us-east-1/s3/aws4_request", scope.String())
	for _, bad := range []string{
		"", "aws4_request", "/aws4_request", "20130524/us-east-1/s3/aws4_request", "/20130524/us-east-1/s3/aws4_request",
		"a/20130524/us-east-1/s3/aws4_requesT", "a/20130524/us-east-1/s3", "a/20130524/us-east-1/s3/aws4_request/",
		"a/2013052/us-east-1/s3/aws4_request", "a/20130230/us-east-1/s3/aws4_request", "a/20131301/us-east-1/s3/aws4_request",
		"a/00000101/us-east-1/s3/aws4_request", "a/2013O524/us-east-1/s3/aws4_request", "a/20130524//s3/aws4_request",
		"a/20130524/us-east-1//aws4_request", "a/20130524/us east-1/s3/aws4_request", "a/20130524/us-east-1/s\x003/aws4_request",
		"a/20130524/s3/aws4_request",
	} {
		_, _, err := sigv4.ParseCredential(bad)
		require.ErrorIs(t, err, sigv4.ErrScope, bad)
	}
	keys := sigv4.StaticKeys{"team/key": {Secret: secretS}}
	s, v := testSigner(), testVerifier()
	v.Keys = keys
	r := incoming("GET", "/k", "")
	_, err = s.Sign(r, sigv4.Credentials{AccessKeyID: "team/key", SecretAccessKey: secretS}, sigv4.Payload{})
	require.NoError(t, err)
	got, err := v.Verify(r)
	require.NoError(t, err)
	require.Equal(t, "team/key", got.AccessKeyID)
}

// TestDateSIG40 covers the source and the forms of the date.
func TestDateSIG40(t *testing.T) {
	forms := map[string]string{
		"RFC 1123": "Fri, 24 May 2013 12:00:00 GMT", "RFC 1123 with a zone": "Fri, 24 May 2013 14:00:00 +0200",
		"RFC 850": "Friday, 24-May-13 12:00:00 GMT", "asctime": "Fri May 24 12:00:00 2013", "ISO basic": "20130524T120000Z",
	}
	sign := func(date string) *http.Request {
		r := incoming("GET", "/k", "")
		r.Header.Set("Date", date)
		r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
		canonical := "GET\n/k\n\nhost:" + r.Host + "\n\nhost\nUNSIGNED-PAYLOAD"
		signature := refSignature(secretS, "20130524T120000Z", "us-east-1", "s3", canonical)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+testKey+"/20130524/us-east-1/s3/aws4_request,SignedHeaders=host,Signature="+signature)
		return r
	}
	for name, date := range forms {
		require.Equal(t, testNow(), accept(t, testVerifier(), sign(date)).SignedAt, name)
	}
	for _, bad := range []string{"", "yesterday", "2013-05-24T12:00:00Z", "20130524T120000.5Z", "20130524T120000", "20130524T250000Z", "Friday, 24-May-13 12:00:00 EST", "Friday, 24-May-13 12:00:00 GMT+2"} {
		refuse(t, testVerifier(), sign(bad), sigv4.ErrDate, "AccessDenied", 403)
	}
	r := sign(forms["RFC 1123"])
	r.Header.Del("Date")
	refuse(t, testVerifier(), r, sigv4.ErrDate, "AccessDenied", 403)
	r = sign(forms["RFC 1123"])
	r.Header["Date"] = append(r.Header["Date"], r.Header["Date"][0])
	refuse(t, testVerifier(), r, sigv4.ErrDate, "AccessDenied", 403)
	// A malformed X-Amz-Date never falls back.
	for _, bad := range []string{"", "x", "20130524T120000z", "20130524t120000Z", "20130524T1200000Z", "20130524T126000Z", "20130524T120060Z", "20130229T120000Z", "+0130524T120000Z", "２０130524T120000Z"} {
		r = sign(forms["RFC 1123"])
		r.Header["X-Amz-Date"] = []string{bad}
		refuse(t, testVerifier(), r, sigv4.ErrDate, "AccessDenied", 403)
		_, err := sigv4.ParseDate(bad)
		require.ErrorIs(t, err, sigv4.ErrDate)
	}
}

// TestDatesAgreeWithTheLibrary compares the hand-written dates with package
// time, over the days of 800 years and beyond the calendar (SIG-30).
func TestDatesAgreeWithTheLibrary(t *testing.T) {
	at := time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC)
	days := 800 * 366
	if testing.Short() {
		days /= 10
	}
	for range days {
		text := at.Format("20060102T150405Z")
		if got, err := sigv4.ParseDate(text); sigv4.FormatDate(at) != text || err != nil || !got.Equal(at) {
			t.Fatal(text, sigv4.FormatDate(at), got, err)
		}
		at = at.Add(24*time.Hour + 61*time.Second)
	}
	for _, year := range []string{"1900", "2000", "2023", "2024"} {
		for month := 0; month <= 13; month++ {
			for day := 0; day <= 32; day++ {
				text := year + string([]byte{byte('0' + month/10), byte('0' + month%10), byte('0' + day/10), byte('0' + day%10)}) + "T000000Z"
				_, wantErr := time.Parse("20060102T150405Z", text)
				_, err := sigv4.ParseDate(text)
				require.Equal(t, wantErr == nil, err == nil, text)
			}
		}
	}
}

// TestScope covers SIG-69.
func TestScope(t *testing.T) {
	for _, c := range []struct{ region, service string }{{"eu-west-1", "s3"}, {"us-east-1", "iam"}, {"US-EAST-1", "s3"}} {
		s := testSigner()
		s.Region, s.Profile.Service = c.region, c.service
		r := incoming("GET", "/k", "")
		_, err := s.Sign(r, testCredentials(), sigv4.Payload{})
		require.NoError(t, err)
		e := refuse(t, testVerifier(), r, sigv4.ErrScope, headerMalformed, 400)
		if c.service == "s3" {
			require.Contains(t, e.Fields, sigv4.ErrorField{Name: "Region", Value: "us-east-1"})
		}
		p, err := s.Presign(incoming("GET", "/k", ""), testCredentials(), sigv4.Payload{}, time.Hour)
		require.NoError(t, err)
		_, query, _ := strings.Cut(p.URL, "?")
		refuse(t, testVerifier(), incoming("GET", "/k?"+query, ""), sigv4.ErrScope, queryMalformed, 400)
	}
	s, v := testSigner(), testVerifier()
	s.Region = "eu-west-1"
	v.AnyRegion = func(r *http.Request) bool { return r.URL.Query().Has("location") }
	for target, ok := range map[string]bool{"/b?location": true, "/b": false} {
		r := incoming("GET", target, "")
		_, err := s.Sign(r, testCredentials(), sigv4.Payload{})
		require.NoError(t, err)
		if ok {
			require.Equal(t, "eu-west-1", accept(t, v, r).Scope.Region)
			r.URL.Path = "/c" // the signature counts all the same
			refuse(t, v, r, sigv4.ErrSignatureMismatch, "SignatureDoesNotMatch", 403)
		} else {
			refuse(t, v, r, sigv4.ErrScope, headerMalformed, 400)
		}
	}
}

// TestPresignedParameters covers PRE-24: each parameter required, each in its
// one form.
func TestPresignedParameters(t *testing.T) {
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"} {
		r := presigned(t, "GET", "/k", nil)
		setQuery(r, name, "")
		refuse(t, testVerifier(), r, sigv4.ErrMalformed, queryMalformed, 400)
		r.URL.RawQuery = strings.Replace(r.URL.RawQuery, name+"=", "x=", 1)
		refuse(t, testVerifier(), r, sigv4.ErrMalformed, queryMalformed, 400)
	}
	for _, expires := range []string{"-1", "%2B1", "1h1", "1e3", "0x1", "3600s", "%2060", "604801", "9999999999999999999999", "3600.0"} {
		r := presigned(t, "GET", "/k", nil)
		setQuery(r, "X-Amz-Expires", expires)
		refuse(t, testVerifier(), r, sigv4.ErrMalformed, queryMalformed, 400)
	}
	for name, values := range map[string][]string{
		"X-Amz-Date":       {"x", "20130524T120000", "20130524"},
		"X-Amz-Credential": {"x", testKey, testKey + "%2F20130524%2Fus-east-1%2Fs3%2Faws5_request"},
	} {
		for _, value := range values {
			r := presigned(t, "GET", "/k", nil)
			setQuery(r, name, value)
			refuse(t, testVerifier(), r, sigv4.ErrMalformed, queryMalformed, 400)
		}
	}
	// SIG-35: any order of arrival; + is a space and so no part of an escaped value.
	r := presigned(t, "GET", "/k?b=1&a=2", nil)
	pieces := strings.Split(r.URL.RawQuery, "&")
	for i, j := 0, len(pieces)-1; i < j; i, j = i+1, j-1 {
		pieces[i], pieces[j] = pieces[j], pieces[i]
	}
	r.URL.RawQuery = strings.Join(pieces, "&")
	accept(t, testVerifier(), r)
}

// TestLifetimePRE25 covers the bounds of a presigned URL.
func TestLifetimePRE25(t *testing.T) {
	at := func(now time.Time) *sigv4.Verifier {
		v := testVerifier()
		v.Now = func() time.Time { return now }
		return v
	}
	r := func() *http.Request { return presigned(t, "GET", "/k", nil) }
	id := accept(t, at(testNow()), r())
	require.Equal(t, testNow().Add(time.Hour), id.ExpiresAt)
	require.Equal(t, sigv4.ModeQuery, id.Mode)
	accept(t, at(testNow().Add(time.Hour)), r())
	accept(t, at(testNow().Add(-15*time.Minute)), r())
	e := refuse(t, at(testNow().Add(time.Hour+time.Second)), r(), sigv4.ErrExpired, "AccessDenied", 403)
	require.Equal(t, "Request has expired", e.Message)
	require.Equal(t, []sigv4.ErrorField{
		{Name: "X-Amz-Expires", Value: "3600"}, {Name: "Expires", Value: "2013-05-24T13:00:00Z"}, {Name: "ServerTime", Value: "2013-05-24T13:00:01Z"},
	}, e.Fields)
	e = refuse(t, at(testNow().Add(-15*time.Minute-time.Second)), r(), sigv4.ErrExpired, "AccessDenied", 403)
	require.Equal(t, "Request is not yet valid", e.Message)
	zero := r()
	setQuery(zero, "X-Amz-Expires", "0")
	refuse(t, at(testNow()), zero, sigv4.ErrExpired, "AccessDenied", 403)
	// The signature covers the life it gives itself.
	longer := r()
	setQuery(longer, "X-Amz-Expires", "604800")
	refuse(t, at(testNow().Add(2*time.Hour)), longer, sigv4.ErrSignatureMismatch, "SignatureDoesNotMatch", 403)
	capped := testVerifier()
	capped.MaxExpires = time.Hour - time.Second
	refuse(t, capped, r(), sigv4.ErrMalformed, queryMalformed, 400)
	capped.MaxExpires = time.Hour
	accept(t, capped, r())
}

// TestOptionalExpiresPRE28: other services than S3 may leave X-Amz-Expires out.
func TestOptionalExpiresPRE28(t *testing.T) {
	query := "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + testKey + "%2F20130524%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-Date=20130524T120000Z&X-Amz-SignedHeaders=host"
	r := incoming("GET", "/", "")
	canonical := "GET\n/\n" + query + "\nhost:" + r.Host + "\n\nhost\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	r.URL.RawQuery = query + "&X-Amz-Signature=" + refSignature(secretS, "20130524T120000Z", "us-east-1", "sts", canonical)
	v := testVerifier()
	v.Profile = sigv4.ProfileFor("sts")
	accept(t, v, r)
	v.Now = func() time.Time { return testNow().Add(15*time.Minute + time.Second) }
	refuse(t, v, r, sigv4.ErrExpired, "SignatureDoesNotMatch", 403)
}

// TestPresignedPayloadPRE26 covers where the payload hash of a URL comes from.
func TestPresignedPayloadPRE26(t *testing.T) {
	sum := sha256.Sum256([]byte("body"))
	s := testSigner()
	pinned := func(body string) *http.Request {
		p, err := s.Presign(incoming("PUT", "/k", ""), testCredentials(), sigv4.Payload{Mode: sigv4.PayloadSHA256, SHA256: sum}, time.Hour)
		require.NoError(t, err)
		require.Len(t, p.Header, 1)
		_, query, _ := strings.Cut(p.URL, "?")
		r := incoming("PUT", "/k?"+query, body)
		r.Header = p.Header.Clone()
		return r
	}
	require.Equal(t, sigv4.PayloadSHA256, accept(t, testVerifier(), pinned("body")).Payload)
	r := pinned("bodY")
	_, err := testVerifier().Verify(r)
	require.NoError(t, err)
	_, err = io.ReadAll(r.Body)
	require.ErrorIs(t, err, sigv4.ErrBody)

	unsigned := presigned(t, "PUT", "/k?X-Amz-Content-Sha256=UNSIGNED-PAYLOAD", nil) // as aws-sdk-js v3 sends it
	require.Equal(t, sigv4.PayloadUnsigned, accept(t, testVerifier(), unsigned).Payload)
	for _, value := range []string{"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x"} {
		r := presigned(t, "PUT", "/k", http.Header{"X-Amz-Content-Sha256": {"UNSIGNED-PAYLOAD"}})
		r.Header.Set("X-Amz-Content-Sha256", value)
		_, err := testVerifier().Verify(r)
		require.Error(t, err, value)
		require.NotErrorIs(t, err, sigv4.ErrSignatureMismatch)
	}
	// The header and the parameter disagree.
	r = presigned(t, "PUT", "/k?X-Amz-Content-Sha256=UNSIGNED-PAYLOAD", http.Header{"X-Amz-Content-Sha256": {"UNSIGNED-PAYLOAD"}})
	accept(t, testVerifier(), r)
	r.Header.Set("X-Amz-Content-Sha256", strings.Repeat("0", 64))
	refuse(t, testVerifier(), r, sigv4.ErrPayload, "InvalidRequest", 400)
}

// TestKeyLookup covers SIG-73.
func TestKeyLookup(t *testing.T) {
	unknown := testVerifier()
	unknown.Keys = sigv4.StaticKeys{}
	e := refuse(t, unknown, signed(t, "GET", "/k", ""), sigv4.ErrUnknownKey, "InvalidAccessKeyId", 403)
	require.Contains(t, e.Fields, sigv4.ErrorField{Name: "AWSAccessKeyId", Value: testKey})
	unknown.Keys = lookup(func(context.Context, sigv4.KeyQuery) (sigv4.Key, error) {
		return sigv4.Key{Secret: secretS}, errors.Join(errors.New("no such row"), sigv4.ErrUnknownKey)
	})
	refuse(t, unknown, signed(t, "GET", "/k", ""), sigv4.ErrUnknownKey, "InvalidAccessKeyId", 403)
	flat := testVerifier()
	flat.Keys, flat.FlattenErrors = sigv4.StaticKeys{}, true
	e = refuse(t, flat, signed(t, "GET", "/k", ""), sigv4.ErrSignatureMismatch, "SignatureDoesNotMatch", 403)
	require.NotErrorIs(t, e, sigv4.ErrUnknownKey)
	flat.Keys = sigv4.StaticKeys{testKey: {Secret: secretS, SessionToken: "T"}}
	refuse(t, flat, signed(t, "GET", "/k", ""), sigv4.ErrSignatureMismatch, "SignatureDoesNotMatch", 403)

	down := errors.New("the database is down")
	for name, key := range map[string]struct {
		sigv4.Key
		err error
	}{
		"failure": {sigv4.Key{Secret: secretS}, down}, "no key": {sigv4.Key{}, nil},
		"two keys": {sigv4.Key{Secret: secretS, Derived: make([]byte, 32)}, nil}, "short derived key": {sigv4.Key{Derived: make([]byte, 31)}, nil},
	} {
		v := testVerifier()
		v.Keys = lookup(func(context.Context, sigv4.KeyQuery) (sigv4.Key, error) { return key.Key, key.err })
		e := refuse(t, v, signed(t, "GET", "/k", ""), sigv4.ErrKeyLookup, "InternalError", 500)
		if key.err != nil {
			require.ErrorIs(t, e, down, name)
		}
	}
	// What the lookup is asked, and with which context.
	type ctxKey struct{}
	v := testVerifier()
	v.Keys = lookup(func(ctx context.Context, q sigv4.KeyQuery) (sigv4.Key, error) {
		require.Equal(t, "here", ctx.Value(ctxKey{}))
		require.Equal(t, sigv4.KeyQuery{AccessKeyID: testKey, Scope: sigv4.Scope{Date: "20130524", Region: "us-east-1", Service: "s3"}}, q)
		return sigv4.Key{Secret: secretS}, nil
	})
	accept(t, v, signed(t, "GET", "/k", "").WithContext(context.WithValue(t.Context(), ctxKey{}, "here")))
}

// TestDerivedKey verifies without the secret.
func TestDerivedKey(t *testing.T) {
	v := testVerifier()
	v.Keys = lookup(func(_ context.Context, q sigv4.KeyQuery) (sigv4.Key, error) {
		derived, err := sigv4.DeriveKey(secretS, q.Scope)
		return sigv4.Key{Derived: derived}, err
	})
	accept(t, v, signed(t, "GET", "/k", ""))
	v.Keys = lookup(func(_ context.Context, q sigv4.KeyQuery) (sigv4.Key, error) {
		q.Scope.Date = "20130525"
		derived, err := sigv4.DeriveKey(secretS, q.Scope)
		return sigv4.Key{Derived: derived}, err
	})
	refuse(t, v, signed(t, "GET", "/k", ""), sigv4.ErrSignatureMismatch, "SignatureDoesNotMatch", 403)
	for _, c := range []struct {
		secret string
		scope  sigv4.Scope
		want   error
	}{
		{"", sigv4.NewScope(testNow(), "r", "s"), sigv4.ErrCredentials},
		{secretS, sigv4.Scope{}, sigv4.ErrScope},
		{secretS, sigv4.Scope{Date: "20130524", Region: "r"}, sigv4.ErrScope},
	} {
		_, err := sigv4.DeriveKey(c.secret, c.scope)
		require.ErrorIs(t, err, c.want)
	}
}

// TestUnknownKeyCostsNoBody: SIG-74 reads the body after the lookup.
func TestUnknownKeyCostsNoBody(t *testing.T) {
	v := testVerifier()
	v.Profile, v.Keys = profileDefault, sigv4.StaticKeys{}
	s := testSigner()
	s.Profile = profileDefault
	r := incoming("POST", "/", "")
	_, err := s.Sign(r, testCredentials(), sigv4.Payload{Mode: sigv4.PayloadSHA256, SHA256: sha256.Sum256([]byte("body"))})
	require.NoError(t, err)
	broken := &brokenBody{}
	r.Body = broken
	_, err = v.Verify(r)
	require.ErrorIs(t, err, sigv4.ErrUnknownKey)
	require.Zero(t, broken.reads)
}

// TestBodyInMemory covers step 9: nothing but the body itself states its hash.
func TestBodyInMemory(t *testing.T) {
	s, v := testSigner(), testVerifier()
	s.Profile, v.Profile = profileDefault, profileDefault
	v.MaxBody = 8
	sign := func(signedBody, sentBody string) *http.Request {
		r := incoming("POST", "/", sentBody)
		_, err := s.Sign(r, testCredentials(), sigv4.Payload{Mode: sigv4.PayloadSHA256, SHA256: sha256.Sum256([]byte(signedBody))})
		require.NoError(t, err)
		require.NotContains(t, r.Header, "X-Amz-Content-Sha256")
		return r
	}
	for _, body := range []string{"", "12345678"} {
		r := sign(body, body)
		require.Equal(t, sigv4.PayloadBody, accept(t, v, r).Payload)
		r = sign(body, body)
		_, err := v.Verify(r)
		require.NoError(t, err)
		got, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.Equal(t, body, string(got))
		require.NoError(t, r.Body.Close())
	}
	refuseBody := func(r *http.Request, kind error, code string, status int) {
		t.Helper()
		_, err := v.Verify(r)
		var e *sigv4.Error
		require.ErrorAs(t, err, &e)
		require.ErrorIs(t, err, kind)
		require.Equal(t, code, e.Code)
		require.Equal(t, status, e.HTTPStatus)
	}
	v.MaxBody = math.MaxInt64 // as good as none
	accept(t, v, sign("12345678", "12345678"))
	v.MaxBody = 8
	refuseBody(sign("12345678", "12345679"), sigv4.ErrSignatureMismatch, "SignatureDoesNotMatch", 403)
	refuseBody(sign("123456789", "123456789"), sigv4.ErrBody, "RequestEntityTooLarge", 413)
	chunked := sign("123456789", "123456789")
	chunked.ContentLength = -1
	refuseBody(chunked, sigv4.ErrBody, "RequestEntityTooLarge", 413)
	short := sign("1234", "123")
	short.ContentLength = 4
	refuseBody(short, sigv4.ErrBody, "IncompleteBody", 400)
	broken := sign("1234", "1234")
	broken.Body = &brokenBody{}
	refuseBody(broken, errBroken, "IncompleteBody", 400)
	// With the header the body streams, whatever its size, in this profile too.
	r := incoming("POST", "/", "123456789")
	r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	_, err := s.Sign(r, testCredentials(), sigv4.Payload{})
	require.NoError(t, err)
	require.Equal(t, sigv4.PayloadUnsigned, accept(t, v, r).Payload)
}

// TestHashRequiredSIG76: S3 wants x-amz-content-sha256.
func TestHashRequiredSIG76(t *testing.T) {
	r := signed(t, "GET", "/k", "")
	r.Header.Del("X-Amz-Content-Sha256")
	refuse(t, testVerifier(), r, sigv4.ErrPayload, "InvalidRequest", 400)
}

// TestBodyFaultsSurfaceAtRead covers SIG-75 in hash mode.
func TestBodyFaultsSurfaceAtRead(t *testing.T) {
	const body = "Welcome to Amazon S3."
	verified := func(sent io.Reader, length int64) *http.Request {
		r := signed(t, "PUT", "/k", body)
		r.Body, r.ContentLength = io.NopCloser(sent), length
		id, err := testVerifier().Verify(r)
		require.NoError(t, err)
		require.Equal(t, sigv4.PayloadSHA256, id.Payload)
		return r
	}
	good := func(length int64) {
		r := verified(strings.NewReader(body), length)
		got, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.Equal(t, body, string(got))
		_, err = r.Body.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err)
	}
	good(int64(len(body)))
	good(-1)
	wrong := strings.Replace(body, "W", "w", 1)
	for name, c := range map[string]struct {
		body   string
		length int64
		code   string
	}{
		"changed":               {wrong, int64(len(body)), "XAmzContentSHA256Mismatch"},
		"changed, no length":    {wrong, -1, "XAmzContentSHA256Mismatch"},
		"cut, no length":        {body[:5], -1, "XAmzContentSHA256Mismatch"},
		"extended, no length":   {body + "x", -1, "XAmzContentSHA256Mismatch"},
		"cut":                   {body[:5], int64(len(body)), "IncompleteBody"},
		"extended":              {body + "x", int64(len(body)), "IncompleteBody"},
		"empty":                 {"", int64(len(body)), "IncompleteBody"},
		"empty, no length":      {"", -1, "XAmzContentSHA256Mismatch"},
		"length of another one": {body, 5, ""}, // found by the hash or by the length, as the reads fall
	} {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{1, 5, 512} {
				r := verified(strings.NewReader(c.body), c.length)
				var e *sigv4.Error
				buf, err := make([]byte, size), error(nil)
				for err == nil {
					_, err = r.Body.Read(buf)
				}
				require.ErrorAs(t, err, &e)
				require.ErrorIs(t, err, sigv4.ErrBody)
				if c.code != "" {
					require.Equal(t, c.code, e.Code)
				}
				n, again := r.Body.Read(buf)
				require.Zero(t, n)
				require.Equal(t, err, again, "the fault stays")
				require.NotContains(t, e.Error(), body[:5])
			}
		})
	}
	t.Run("a caller that reads no further than the length", func(t *testing.T) {
		r := verified(strings.NewReader(wrong), int64(len(body)))
		buf := make([]byte, len(body))
		_, err := io.ReadFull(r.Body, buf)
		require.ErrorIs(t, err, sigv4.ErrBody)
		require.Equal(t, make([]byte, len(body)), buf, "the bytes are withheld")
	})
	t.Run("an error of the connection", func(t *testing.T) {
		r := verified(io.MultiReader(strings.NewReader(body[:5]), &brokenBody{}), int64(len(body)))
		_, err := io.ReadAll(r.Body)
		require.ErrorIs(t, err, errBroken)
	})
	t.Run("no body at all", func(t *testing.T) {
		r := signed(t, "PUT", "/k", body)
		for _, none := range []io.ReadCloser{nil, http.NoBody} {
			r.Body, r.ContentLength = none, 0
			_, err := testVerifier().Verify(r)
			var e *sigv4.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, "XAmzContentSHA256Mismatch", e.Code)
		}
	})
}

// TestOriginalURI covers SIG-20: a router has rewritten r.URL.
func TestOriginalURI(t *testing.T) {
	v := testVerifier()
	v.OriginalURI = true
	r := signed(t, "GET", "/prefix/a%2Fb%20c?x=1", "")
	r.RequestURI = r.URL.RequestURI()
	var id *sigv4.Identity
	http.StripPrefix("/prefix", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		refuse(t, testVerifier(), r, sigv4.ErrSignatureMismatch, "SignatureDoesNotMatch", 403)
		id = accept(t, v, r)
	})).ServeHTTP(httptest.NewRecorder(), r)
	require.Equal(t, "/prefix/a/b c", id.Path)
	for target, ok := range map[string]bool{
		"http://host/prefix/a%2Fb%20c?x=1": true, "*": false, "host:443": false, "/prefix/a%2": false, "/other": false,
	} {
		r := signed(t, "GET", "/prefix/a%2Fb%20c?x=1", "")
		r.RequestURI = target
		_, err := v.Verify(r)
		require.Equal(t, ok, err == nil, target)
	}
	r.RequestURI = "http://host"
	_, err := v.Verify(r)
	require.ErrorIs(t, err, sigv4.ErrSignatureMismatch)
}

// TestIdentityPathSIG9 is the decoded path that was verified.
func TestIdentityPathSIG9(t *testing.T) {
	for target, want := range map[string]string{
		"/": "/", "/a%20b": "/a b", "/a%2Fb": "/a/b", "//a/./b/..": "//a/./b/..", "/%C3%A9": "/\u00e9", "/a+b": "/a+b",
	} {
		require.Equal(t, want, accept(t, testVerifier(), signed(t, "GET", target, "")).Path)
	}
}

// TestMisconfiguredVerifier names the field.
func TestMisconfiguredVerifier(t *testing.T) {
	for field, change := range map[string]func(*sigv4.Verifier){
		"Keys":            func(v *sigv4.Verifier) { v.Keys = nil },
		"Region":          func(v *sigv4.Verifier) { v.Region = "" },
		"Profile.Service": func(v *sigv4.Verifier) { v.Profile = sigv4.Profile{} },
		"Skew":            func(v *sigv4.Verifier) { v.Skew = -1 },
		"MaxExpires":      func(v *sigv4.Verifier) { v.MaxExpires = -1 },
		"MaxBody":         func(v *sigv4.Verifier) { v.MaxBody = -1 },
	} {
		v := testVerifier()
		change(v)
		_, err := v.Verify(signed(t, "GET", "/k", ""))
		require.ErrorIs(t, err, sigv4.ErrConfig)
		require.ErrorContains(t, err, field)
		err = v.VerifyText(t.Context(), sigv4.KeyQuery{}, nil, sigv4.Signature{})
		require.ErrorIs(t, err, sigv4.ErrConfig)
	}
	_, err := new(sigv4.Verifier).Verify(&http.Request{})
	require.ErrorIs(t, err, sigv4.ErrConfig)
	_, err = testVerifier().Verify(&http.Request{})
	require.ErrorIs(t, err, sigv4.ErrInvalidURL)
}

// TestVerifyText covers signatures over any text.
func TestVerifyText(t *testing.T) {
	scope := sigv4.NewScope(testNow(), "us-east-1", "s3")
	text := []byte("cG9saWN5")
	digits, err := testCredentials().Sign(scope, text)
	require.NoError(t, err)
	signature, err := sigv4.ParseSignature(digits)
	require.NoError(t, err)
	check := func(q sigv4.KeyQuery, text []byte, s sigv4.Signature) error {
		return testVerifier().VerifyText(t.Context(), q, text, s)
	}
	q := sigv4.KeyQuery{AccessKeyID: testKey, Scope: scope}
	require.NoError(t, check(q, text, signature))
	require.ErrorIs(t, check(q, []byte("cG9saWN6"), signature), sigv4.ErrSignatureMismatch)
	require.ErrorIs(t, check(q, text, sigv4.Signature{}), sigv4.ErrSignatureMismatch)
	for want, change := range map[error]func(*sigv4.KeyQuery){
		sigv4.ErrUnknownKey:        func(q *sigv4.KeyQuery) { q.AccessKeyID = "other" },
		sigv4.ErrToken:             func(q *sigv4.KeyQuery) { q.SessionToken = "T" },
		sigv4.ErrScope:             func(q *sigv4.KeyQuery) { q.Scope.Region = "eu-west-1" },
		sigv4.ErrMalformed:         func(q *sigv4.KeyQuery) { q.Algorithm = 99 },
		sigv4.ErrSignatureMismatch: func(q *sigv4.KeyQuery) { q.Scope.Date = "20130525" },
	} {
		q := q
		change(&q)
		require.ErrorIs(t, check(q, text, signature), want)
	}
	q.Scope.Date = "2013"
	require.ErrorIs(t, check(q, text, signature), sigv4.ErrScope)
	for _, c := range []sigv4.Credentials{{}, {AccessKeyID: "a"}} {
		_, err = c.Sign(scope, text)
		require.ErrorIs(t, err, sigv4.ErrCredentials)
	}
	_, err = testCredentials().Sign(sigv4.Scope{}, text)
	require.ErrorIs(t, err, sigv4.ErrScope)
}

// TestS3ExpressToken covers the token of S3 Express sessions.
func TestS3ExpressToken(t *testing.T) {
	s, v := testSigner(), testVerifier()
	s.Profile, v.Profile = sigv4.ProfileFor("s3express"), sigv4.ProfileFor("s3express")
	v.Keys = sigv4.StaticKeys{testKey: {Secret: secretS, SessionToken: "SESSION"}}
	c := testCredentials()
	c.SessionToken = "SESSION"
	r := incoming("GET", "/k", "")
	_, err := s.Sign(r, c, sigv4.Payload{})
	require.NoError(t, err)
	require.Equal(t, "SESSION", r.Header.Get("X-Amz-S3session-Token"))
	require.Empty(t, r.Header.Get("X-Amz-Security-Token"))
	accept(t, v, r)
	r.Header.Set("X-Amz-Security-Token", "SESSION")
	refuse(t, v, r, sigv4.ErrToken, "InvalidToken", 400)
	p, err := s.Presign(incoming("GET", "/k", ""), c, sigv4.Payload{}, time.Minute)
	require.NoError(t, err)
	_, query, _ := strings.Cut(p.URL, "?")
	require.Contains(t, query, "X-Amz-S3session-Token=SESSION")
	accept(t, v, incoming("GET", "/k?"+query, ""))
	refuse(t, v, incoming("GET", "/k?"+query+"&X-Amz-Security-Token=SESSION", ""), sigv4.ErrToken, "InvalidToken", 400)
	refuse(t, v, incoming("GET", "/k?"+query+"&X-Amz-S3session-Token=SESSION", ""), sigv4.ErrMalformed, queryMalformed, 400)
}

// TestOmittedToken covers the profile that does not sign the token.
func TestOmittedToken(t *testing.T) {
	s, v := testSigner(), testVerifier()
	s.Profile, v.Profile = sigv4.ProfileFor("iotdevicegateway"), sigv4.ProfileFor("iotdevicegateway")
	v.Keys = sigv4.StaticKeys{testKey: {Secret: secretS, SessionToken: "TOKEN"}}
	c := testCredentials()
	c.SessionToken = "TOKEN"
	r := incoming("GET", "/mqtt", "")
	got, err := s.Sign(r, c, sigv4.Payload{})
	require.NoError(t, err)
	require.NotContains(t, got.SignedHeaders, "token")
	accept(t, v, r)
	p, err := s.Presign(incoming("GET", "/mqtt", ""), c, sigv4.Payload{}, time.Minute)
	require.NoError(t, err)
	_, query, _ := strings.Cut(p.URL, "?")
	accept(t, v, incoming("GET", "/mqtt?"+query, ""))
	r.Header.Set("X-Amz-Security-Token", "OTHER") // not signed, and still the wrong one
	_, err = v.Verify(r)
	require.ErrorIs(t, err, sigv4.ErrToken)
}

// TestVerifyLeavesTheBodyOfUnsignedPayloads: there is nothing to check.
func TestVerifyLeavesTheBodyOfUnsignedPayloads(t *testing.T) {
	r := incoming("PUT", "/k", "body")
	_, err := testSigner().Sign(r, testCredentials(), sigv4.Payload{Mode: sigv4.PayloadUnsigned})
	require.NoError(t, err)
	body := io.NopCloser(bytes.NewReader([]byte("anything")))
	r.Body = body
	id, err := testVerifier().Verify(r)
	require.NoError(t, err)
	require.Equal(t, sigv4.PayloadUnsigned, id.Payload)
	require.Equal(t, body, r.Body)
}
