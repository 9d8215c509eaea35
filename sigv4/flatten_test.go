// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/sigv4"
)

// keySituations are what a request with a wrong signature may meet at the
// lookup.
func keySituations(t *testing.T) map[string]sigv4.StaticKeys {
	t.Helper()
	pub, err := testCredentials().V4APublicKey()
	require.NoError(t, err)
	return map[string]sigv4.StaticKeys{
		"known":     {testKey: {Secret: secretP}},
		"unknown":   {},
		"token":     {testKey: {Secret: secretP, SessionToken: "T"}},
		"expired":   {testKey: {Secret: secretP, Expires: testNow().Add(-time.Hour)}},
		"algorithm": {testKey: {PublicKey: pub}},
	}
}

// SIG-73: with FlattenErrors nobody who cannot sign learns whether an access key
// id exists, from no byte of the answer and not from what is read of the body.
func TestFlattenedAnswersAreAlike(t *testing.T) {
	requestID := regexp.MustCompile(`<RequestId>\w{16}</RequestId>`)
	for _, write := range []func(http.ResponseWriter, *http.Request, *sigv4.Error){sigv4.S3XML, sigv4.QueryXML, sigv4.JSON} {
		for _, profile := range []sigv4.Profile{profileS3, profileDefault} {
			ask := func(keys sigv4.StaticKeys) string {
				v, s := testVerifier(), testSigner()
				v.Profile, v.Keys, v.FlattenErrors, v.Disclose, v.WriteError = profile, keys, true, true, write
				s.Profile = profile
				r := incoming("POST", "/k", "body")
				_, err := s.Sign(r, testCredentials(), sigv4.Payload{Mode: sigv4.PayloadSHA256, SHA256: sha256.Sum256([]byte("body"))})
				require.NoError(t, err)
				body := &countedBody{rest: "body"}
				r.Body = body
				w := answer(v, r)
				w.Header().Del("X-Amz-Request-Id")
				w.Header().Del("X-Amzn-Requestid")
				text := requestID.ReplaceAllString(w.Body.String(), "")
				require.Contains(t, text, "ignature") // SignatureDoesNotMatch, InvalidSignatureException
				return fmt.Sprint(w.Code, w.Header(), text, body.reads)
			}
			situations := keySituations(t)
			for name, keys := range situations {
				require.Equal(t, ask(situations["known"]), ask(keys), "%s, %s", name, profile.Service)
			}
		}
	}
}

// countedBody counts how often it is read.
type countedBody struct {
	rest  string
	reads int
}

func (c *countedBody) Read(p []byte) (int, error) {
	c.reads++
	n := copy(p, c.rest)
	if c.rest = c.rest[n:]; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (c *countedBody) Close() error { return nil }

// SIG-73: who has signed is told that the credentials have expired; the secret
// of the dummy key, which anybody can read, opens nothing.
func TestFlattenedAnswersToTheOwner(t *testing.T) {
	v := testVerifier()
	v.FlattenErrors = true
	v.Keys = sigv4.StaticKeys{testKey: {Secret: secretS, Expires: testNow().Add(-time.Hour)}}
	refuse(t, v, signed(t, "GET", "/k", ""), sigv4.ErrTokenExpired, "ExpiredToken", 400)

	dummy := sigv4.Credentials{AccessKeyID: "AKIDNOBODY", SecretAccessKey: "no access key has this secret"}
	for _, flatten := range []bool{false, true} {
		v.FlattenErrors = flatten
		r := incoming("GET", "/k", "")
		_, err := testSigner().Sign(r, dummy, sigv4.Payload{})
		require.NoError(t, err)
		_, err = v.Verify(r)
		require.Error(t, err)
		scope := sigv4.NewScope(testNow(), "us-east-1", "s3")
		digits, err := dummy.Sign(scope, []byte("policy"))
		require.NoError(t, err)
		signature, err := sigv4.ParseSignature(digits)
		require.NoError(t, err)
		require.Error(t, v.VerifyText(t.Context(), sigv4.KeyQuery{AccessKeyID: "AKIDNOBODY", Scope: scope}, []byte("policy"), signature))
	}
}

// SIG-73: so for signatures over text.
func TestFlattenedTextIsAlike(t *testing.T) {
	q := sigv4.KeyQuery{AccessKeyID: testKey, Scope: sigv4.NewScope(testNow(), "us-east-1", "s3")}
	ask := func(keys sigv4.StaticKeys) error {
		v := testVerifier()
		v.Keys, v.FlattenErrors = keys, true
		return v.VerifyText(t.Context(), q, []byte("policy"), sigv4.Signature{})
	}
	situations := keySituations(t)
	for name, keys := range situations {
		err := ask(keys)
		require.ErrorIs(t, err, sigv4.ErrSignatureMismatch)
		require.Equal(t, ask(situations["known"]), err, name)
	}
}
