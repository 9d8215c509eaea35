// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"errors"
	"fmt"
)

// The contracts, for errors.Is. Those of a Signer come plain or wrapped; those
// of a Verifier are the Kind of an [*Error].
var (
	// ErrConfig is a field of a Signer, Verifier or Transport that is missing
	// or makes no sense; the text names it.
	ErrConfig = errors.New("sigv4: configuration")
	// ErrCredentials are credentials that cannot sign: empty, or with a byte
	// that no header can carry.
	ErrCredentials = errors.New("sigv4: unusable credentials")
	// ErrFIPS is what FIPS 140-only mode forbids: an HMAC key under 112 bits.
	ErrFIPS = errors.New("sigv4: not allowed in FIPS 140-only mode")
	// ErrInvalidURL is a malformed escape in path or query, or a path that
	// does not start with a slash.
	ErrInvalidURL = errors.New("sigv4: invalid URL")
	// ErrPayload is a payload that cannot be hashed or announced, and on
	// arrival an x-amz-content-sha256 that is missing or unknown.
	ErrPayload = errors.New("sigv4: unusable payload")
	// ErrExpiry is a lifetime of a presigned URL that is no whole number of
	// seconds from 1 to 604800.
	ErrExpiry = errors.New("sigv4: unusable expiry")
	// ErrAlreadySigned is a request that carries a signature, refused by a
	// Signer with StrictInput.
	ErrAlreadySigned = errors.New("sigv4: request is signed already")

	// ErrMissingAuth is a request without any signature.
	ErrMissingAuth = errors.New("sigv4: no authentication")
	// ErrMalformed is authentication that cannot be read, or read in two ways.
	ErrMalformed = errors.New("sigv4: malformed authentication")
	// ErrModeNotAllowed is a way of signing that the Verifier's Modes leave
	// out.
	ErrModeNotAllowed = errors.New("sigv4: mode not allowed")
	// ErrScope is a credential scope that is malformed, or not for this
	// region, service or date.
	ErrScope = errors.New("sigv4: wrong credential scope")
	// ErrDate is a request without a usable date.
	ErrDate = errors.New("sigv4: no usable date")
	// ErrSkew is a request whose date is too far from the Verifier's clock.
	ErrSkew = errors.New("sigv4: clock skew")
	// ErrExpired is a presigned URL after its end, or before its date.
	ErrExpired = errors.New("sigv4: outside the URL's lifetime")
	// ErrUnsignedHeader is an arriving x-amz-* header that is not signed.
	ErrUnsignedHeader = errors.New("sigv4: unsigned header")
	// ErrUnknownKey is an access key id that names no key. A KeyLookup wraps
	// or returns it to say so.
	ErrUnknownKey = errors.New("sigv4: unknown access key id")
	// ErrToken is a session token that is not the credential's, or missing,
	// or not called for.
	ErrToken = errors.New("sigv4: wrong session token")
	// ErrTokenExpired are temporary credentials past their end.
	ErrTokenExpired = errors.New("sigv4: credentials expired")
	// ErrSignatureMismatch is a signature that is not the request's.
	ErrSignatureMismatch = errors.New("sigv4: signature mismatch")
	// ErrBody is a body that is not the signed one, or ends early or late, or
	// is too large to hash.
	ErrBody = errors.New("sigv4: body is not the signed one")
	// ErrReplayed is a request that a ReplayGuard has let through before.
	ErrReplayed = errors.New("sigv4: request was accepted before")
	// ErrEvent is an event message that cannot be encoded, or is none.
	ErrEvent = errors.New("sigv4: no event message")
	// ErrServerReport is an error body that ParseSignatureError cannot read.
	ErrServerReport = errors.New("sigv4: unreadable error body")
	// ErrKeyLookup is a key lookup that failed, or answered with no key.
	ErrKeyLookup = errors.New("sigv4: key lookup failed")
)

// Error is a refusal, or a fault of the body found at Read. Everything in it
// may be logged: session tokens, signatures and customer keys are withheld.
// The response writers decide how much of it a client sees. A server may fill in
// an Error of its own, to have it written in the same form.
type Error struct {
	// Kind is the sentinel: errors.Is(err, e.Kind).
	Kind error
	// Code is the service's error code, such as "SignatureDoesNotMatch": S3's
	// for S3 profiles, else the query protocol's.
	Code string
	// HTTPStatus is the status to answer with.
	HTTPStatus int
	// Message says in one sentence what was wrong.
	Message string
	// RequestID is set by [Verifier.Handler], the same for OnReject and the
	// response.
	RequestID string
	// Fields are the further elements of S3's error body, safe to send.
	Fields []ErrorField
	// CanonicalRequest is what the Verifier computed, for a signature
	// mismatch, with secret values replaced by REDACTED.
	CanonicalRequest string
	// StringToSign is what the Verifier computed, for a signature mismatch.
	StringToSign string

	provided string // the signature that came
	fault    fault
	disclose bool // send CanonicalRequest and StringToSign
	replaced bool // Code and HTTPStatus are the Verifier's own choice
	cause    error
}

// ErrorField is one named detail of an [Error].
type ErrorField struct {
	// Name is S3's name of the element, such as "Region".
	Name string
	// Value is its text.
	Value string
}

// Error returns one line without secrets.
func (e *Error) Error() string {
	text := "sigv4: " + e.Code
	if e.Kind != nil {
		text = e.Kind.Error()
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap returns the kind, and the cause where there is one.
func (e *Error) Unwrap() []error {
	out := make([]error, 0, 2)
	for _, err := range []error{e.Kind, e.cause} {
		if err != nil {
			out = append(out, err)
		}
	}
	return out
}

// Hint says in one sentence what to change.
func (e *Error) Hint() string { return faults[e.fault].hint }

// ErrorCode is a code and status to answer with in place of the usual ones.
type ErrorCode struct {
	// Code is the service's error code.
	Code string
	// HTTPStatus is the status.
	HTTPStatus int
}

func newError(f fault, format string, args ...any) *Error {
	row := &faults[f]
	return &Error{
		Kind: row.kind, Code: row.s3.Code, HTTPStatus: row.s3.HTTPStatus,
		Message: fmt.Sprintf(format, args...), fault: f,
	}
}

// with adds a field.
func (e *Error) with(name, value string) *Error {
	e.Fields = append(e.Fields, ErrorField{name, value})
	return e
}

func (e *Error) because(err error) *Error {
	e.cause = err
	return e
}
