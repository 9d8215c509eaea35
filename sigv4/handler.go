// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
)

// Handler returns a handler that verifies each request and calls next with the
// identity in its context, where FromContext finds it. A refused request never
// reaches next: OnReject is told, and WriteError answers.
//
// Put it outside of any mux: http.ServeMux redirects paths that S3 keys may
// have.
func (v *Verifier) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The server looks at the Body of its own request when the handler is
		// done (a client that waits for 100 Continue depends on it): Verify
		// gets a copy to replace the Body of.
		checked := r.WithContext(r.Context())
		id, err := v.Verify(checked)
		if err == nil {
			next.ServeHTTP(w, checked.WithContext(newContext(r.Context(), id)))
			return
		}
		var e *Error
		if !errors.As(err, &e) {
			e = newError(faultInternal, "")
		}
		e.RequestID = rand.Text()[:16]
		if v.OnReject != nil {
			v.OnReject(r, e)
		}
		v.errorWriter()(w, r, e)
	})
}

func (v *Verifier) errorWriter() func(http.ResponseWriter, *http.Request, *Error) {
	switch {
	case v.WriteError != nil:
		return v.WriteError
	case v.Profile.isS3():
		return S3XML
	default:
		return QueryXML
	}
}

// redacted stands where a secret was.
const redacted = "REDACTED"

// isSecretHeader says whether the values of a signed header stay out of
// errors (SIG-82).
func isSecretHeader(name string) bool {
	switch name {
	case "x-amz-security-token", "x-amz-s3session-token", "authorization", "cookie":
		return true
	default:
		return strings.HasSuffix(name, "-customer-key")
	}
}

// redactCanonical returns the text of a canonical request without secrets.
func redactCanonical(c *Canonical) string {
	var headers strings.Builder
	for line := range strings.Lines(c.Headers) {
		name, _, _ := strings.Cut(line, ":")
		if isSecretHeader(name) {
			line = name + ":" + redacted + "\n"
		}
		headers.WriteString(line)
	}
	clean := *c
	clean.Headers, clean.Query = headers.String(), redactQuery(c.Query)
	return clean.String()
}

// redactQuery replaces the values of session tokens and signatures.
func redactQuery(query string) string {
	pieces := strings.Split(query, "&")
	for i, piece := range pieces {
		name, _, ok := strings.Cut(piece, "=")
		if !ok {
			continue
		}
		switch authParamOf([]byte(name)) {
		case paramToken, paramS3Token, paramSignature:
			pieces[i] = name + "=" + redacted
		default:
			if isSecretHeader(strings.ToLower(name)) {
				pieces[i] = name + "=" + redacted
			}
		}
	}
	return strings.Join(pieces, "&")
}
