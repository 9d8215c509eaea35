// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/sigv4"
)

// answer runs a request through a verifier's handler.
func answer(v *sigv4.Verifier, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	v.Handler(http.NotFoundHandler()).ServeHTTP(w, r)
	return w
}

func TestWriters(t *testing.T) {
	mismatch := func(profile sigv4.Profile) *http.Request {
		s := testSigner()
		s.Profile = profile
		r := incoming("GET", "/<k>&", "")
		_, err := s.Sign(r, testCredentials(), sigv4.Payload{})
		require.NoError(t, err)
		r.Method = "PUT"
		return r
	}
	t.Run("S3", func(t *testing.T) {
		var told *sigv4.Error
		v := testVerifier()
		v.OnReject = func(_ *http.Request, e *sigv4.Error) { told = e }
		w := answer(v, mismatch(profileS3))
		require.Equal(t, 403, w.Code)
		require.Equal(t, "application/xml", w.Header().Get("Content-Type"))
		var body struct {
			XMLName                        xml.Name `xml:"Error"`
			Code, Message, RequestId       string   //nolint:revive,stylecheck // S3's own names
			AWSAccessKeyId                 string   //nolint:revive,stylecheck
			CanonicalRequest, StringToSign string
			CanonicalRequestBytes          string
			SignatureProvided              string
		}
		require.NoError(t, xml.Unmarshal(w.Body.Bytes(), &body))
		require.Equal(t, "SignatureDoesNotMatch", body.Code)
		require.Equal(t, testKey, body.AWSAccessKeyId)
		require.Equal(t, told.RequestID, body.RequestId)
		require.Len(t, told.RequestID, 16)
		require.Empty(t, body.CanonicalRequest, "not without Disclose")
		require.Contains(t, told.CanonicalRequest, "PUT\n/%3Ck%3E%26\n")
		require.True(t, strings.HasPrefix(told.StringToSign, "AWS4-HMAC-SHA256\n20130524T120000Z\n20130524/us-east-1/s3/aws4_request\n"))

		v.Disclose = true
		w = answer(v, mismatch(profileS3))
		require.NoError(t, xml.Unmarshal(w.Body.Bytes(), &body))
		require.Equal(t, told.CanonicalRequest, body.CanonicalRequest)
		require.Equal(t, told.StringToSign, body.StringToSign)
		require.Len(t, body.SignatureProvided, 64)
		require.True(t, strings.HasPrefix(body.CanonicalRequestBytes, "50 55 54 0a 2f "), "SIG-82")
	})
	t.Run("query", func(t *testing.T) {
		v := testVerifier()
		v.Profile = profileDefault
		w := answer(v, mismatch(profileDefault))
		require.Equal(t, 403, w.Code)
		require.Regexp(t, `^<ErrorResponse><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code><Message>[^<]+</Message></Error><RequestId>\w{16}</RequestId></ErrorResponse>$`, w.Body.String())
		v.Keys = sigv4.StaticKeys{testKey: {}}
		w = answer(v, mismatch(profileDefault))
		require.Equal(t, 500, w.Code)
		require.Contains(t, w.Body.String(), "<Type>Receiver</Type><Code>InternalFailure</Code><Message>We encountered")
	})
	t.Run("JSON", func(t *testing.T) {
		v := testVerifier()
		v.Profile, v.WriteError = profileDefault, sigv4.JSON
		w := answer(v, mismatch(profileDefault))
		require.Equal(t, 400, w.Code)
		require.Equal(t, "application/x-amz-json-1.1", w.Header().Get("Content-Type"))
		var body struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
		require.Equal(t, "InvalidSignatureException", body.Type)
		for code, change := range map[string]func(*sigv4.Verifier){
			"UnrecognizedClientException": func(v *sigv4.Verifier) { v.Keys = sigv4.StaticKeys{} },
			"ExpiredTokenException": func(v *sigv4.Verifier) {
				v.Keys = sigv4.StaticKeys{testKey: {Secret: secretS, Expires: time.Unix(0, 0)}}
			},
			"InternalFailure": func(v *sigv4.Verifier) { v.Region = "" },
		} {
			v := testVerifier()
			v.Profile, v.WriteError = profileDefault, sigv4.JSON
			change(v)
			w := answer(v, mismatch(profileDefault))
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
			require.Equal(t, code, body.Type)
		}
	})
	t.Run("own codes", func(t *testing.T) {
		v := testVerifier()
		v.Codes = map[error]sigv4.ErrorCode{sigv4.ErrSignatureMismatch: {Code: "Nope", HTTPStatus: 418}}
		for _, write := range []func(http.ResponseWriter, *http.Request, *sigv4.Error){sigv4.S3XML, sigv4.QueryXML, sigv4.JSON} {
			v.WriteError = write
			w := answer(v, mismatch(profileS3))
			require.Equal(t, 418, w.Code)
			require.Contains(t, w.Body.String(), "Nope")
		}
	})
	t.Run("an Error of another package", func(t *testing.T) {
		w := httptest.NewRecorder()
		e := &sigv4.Error{Code: "EntityTooLarge", HTTPStatus: 400, Message: "too <large>", Fields: []sigv4.ErrorField{{Name: "MaxSizeAllowed", Value: "5"}}}
		sigv4.S3XML(w, nil, e)
		require.Equal(t, 400, w.Code)
		require.Contains(t, w.Body.String(), "<Code>EntityTooLarge</Code><Message>too &lt;large&gt;</Message><MaxSizeAllowed>5</MaxSizeAllowed>")
		require.Equal(t, "sigv4: EntityTooLarge: too <large>", e.Error())
		require.Empty(t, e.Unwrap())
	})
}

// TestRedactionSIG82: no secret reaches an error, a response or a log (SIG-33).
func TestRedactionSIG82(t *testing.T) {
	const secret = "this-must-not-leak"
	c := testCredentials()
	c.SessionToken = secret
	v := testVerifier()
	v.Disclose = true
	v.Keys = sigv4.StaticKeys{testKey: {Secret: secretS, SessionToken: secret}}
	var told []*sigv4.Error
	v.OnReject = func(_ *http.Request, e *sigv4.Error) { told = append(told, e) }

	r := incoming("GET", "/k", "")
	r.Header.Set("X-Amz-Server-Side-Encryption-Customer-Key", secret)
	r.Header.Set("Cookie", secret)
	s := testSigner()
	s.SignHeader = func(string) bool { return true }
	_, err := s.Sign(r, c, sigv4.Payload{})
	require.NoError(t, err)
	r.Method = "PUT"
	bodies := answer(v, r).Body.String()
	p, err := s.Presign(incoming("GET", "/k", ""), c, sigv4.Payload{}, time.Hour)
	require.NoError(t, err)
	_, query, _ := strings.Cut(p.URL, "?")
	bodies += answer(v, incoming("PUT", "/k?"+query, "")).Body.String()
	require.Len(t, told, 2)
	for _, e := range told {
		require.Equal(t, "SignatureDoesNotMatch", e.Code)
		bodies += e.Error() + e.CanonicalRequest + e.StringToSign + fmt.Sprintf("%+v", e.Fields)
	}
	require.Equal(t, 8, strings.Count(bodies, "REDACTED"), "four values, told and answered: %s", bodies)
	answered := len(bodies)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "credentials", c, "key", sigv4.Key{Secret: secret}, "url", p)
	bodies += log.String() + fmt.Sprintf("%v %+v %#v %s", c, c, c, c) + fmt.Sprintf("%v %+v %#v", sigv4.Key{Secret: secret, SessionToken: secret}, sigv4.Key{Secret: secret}, sigv4.Key{Derived: []byte(secret)}) + p.String()
	require.NotContains(t, bodies, secret)
	require.NotContains(t, bodies, secretS)
	// S3's error repeats the signature that its client sent; nothing else does.
	require.NotContains(t, bodies[answered:], p.Signature)
	for _, e := range told {
		require.NotContains(t, fmt.Sprintf("%s %+v %s", e, e.Fields, e.CanonicalRequest), p.Signature)
	}
	// The value of an unsupported Authorization may be a password.
	r = incoming("GET", "/k", "")
	r.Header.Set("Authorization", "Basic "+secret)
	require.NotContains(t, answer(v, r).Body.String(), secret)
}

// TestErrorsAreWhole: every sentinel that a Verifier gives comes with a code,
// a status and a hint; its text is one line.
func TestErrorsAreWhole(t *testing.T) {
	_, err := testVerifier().Verify(incoming("GET", "/k", ""))
	var e *sigv4.Error
	require.True(t, errors.As(err, &e))
	require.Equal(t, "sigv4: no authentication: the request is not signed", e.Error())
	require.Equal(t, sigv4.ErrMissingAuth, e.Kind)
	require.NotContains(t, e.Error(), "\n")
}
