// SPDX-License-Identifier: Apache-2.0

package presign

import (
	"errors"
	"fmt"

	"github.com/sallyport-go/sallyport/sigv4"
)

// What can be wrong, for errors.Is. Every error of this package is an *Error
// that wraps one of them or, where a signature or a key is at fault, one of
// package sigv4's.
var (
	// ErrConfig is a field of an S3 or PostVerifier that is missing or makes
	// no sense; the text names it.
	ErrConfig = errors.New("presign: configuration")
	// ErrInput is a bucket, key, header or option that cannot be presigned.
	ErrInput = errors.New("presign: cannot be presigned")
	// ErrEndpoint is a combination of endpoint options, region and bucket that
	// S3 does not offer.
	ErrEndpoint = errors.New("presign: no such endpoint")
	// ErrExpiry is a lifetime that is no whole number of seconds from 1 to
	// 604800, or one that the credentials do not outlast where that is refused.
	ErrExpiry = errors.New("presign: unusable expiry")
	// ErrCredentials are credentials that this endpoint does not take.
	ErrCredentials = errors.New("presign: unusable credentials")
	// ErrFIPS is what FIPS 140-only mode forbids: the MD5 that customer keys
	// travel with.
	ErrFIPS = errors.New("presign: not allowed in FIPS 140-only mode")
	// ErrURL is a URL that is not presigned.
	ErrURL = errors.New("presign: not a presigned URL")

	// ErrNoAuth is a form without any of the fields that sign it.
	ErrNoAuth = errors.New("presign: the form is not signed")
	// ErrForm is a request that is no form upload, or a form that is malformed
	// or lacks a field.
	ErrForm = errors.New("presign: malformed form")
	// ErrPolicy is a POST policy that is not one.
	ErrPolicy = errors.New("presign: malformed policy")
	// ErrPolicyExpired is a POST policy past its expiration.
	ErrPolicyExpired = errors.New("presign: policy expired")
	// ErrCondition is a form that its policy does not allow.
	ErrCondition = errors.New("presign: the policy does not allow this form")
	// ErrSize is a file outside the policy's content-length-range.
	ErrSize = errors.New("presign: file size outside the policy's range")
)

// Error says what is wrong. Everything in it may be logged: signatures, tokens
// and keys are withheld.
type Error struct {
	// Kind is the sentinel: errors.Is(err, e.Kind).
	Kind error
	// Message says in one sentence what was wrong. For a refused form it is
	// the text to answer with.
	Message string
	// Code is S3's error code for a refused form, such as "AccessDenied", and
	// empty for everything else.
	Code string
	// HTTPStatus is the status to answer a refused form with, else 0.
	HTTPStatus int
	// Fields are the further elements of S3's error body, safe to send.
	Fields []sigv4.ErrorField

	cause error
}

// Error returns one line without secrets.
func (e *Error) Error() string {
	text := e.Kind.Error()
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
	if e.cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.cause}
}

// Hint returns one sentence on what to change.
func (e *Error) Hint() string {
	for _, h := range hints {
		if h.kind == e.Kind {
			return h.text
		}
	}
	return "See the message; package sigv4 documents the kind."
}

var hints = [...]struct {
	kind error
	text string
}{
	{ErrConfig, "Set the field that the message names."},
	{ErrInput, "Give a bucket, a key of 1 to 1024 bytes of UTF-8, and header values without control characters."},
	{ErrEndpoint, "Drop one of the options that the message names."},
	{ErrExpiry, "Ask for whole seconds, at most seven days and no longer than the credentials live."},
	{ErrCredentials, "Get credentials from CreateSession for an S3 Express bucket, and ordinary ones for every other."},
	{ErrFIPS, "Use SSE-S3 or SSE-KMS in place of a customer key."},
	{ErrURL, "Give the whole URL, query included, as the signer returned it."},
	{ErrNoAuth, "Sign a policy and send its fields with the form."},
	{ErrForm, "Send multipart/form-data with the fields first and the file last."},
	{ErrPolicy, "Build the policy with PostPolicy; a policy is an object of expiration and conditions."},
	{ErrPolicyExpired, "Load the page anew to get a form with a new policy."},
	{ErrCondition, "Send every field as the policy has it, and none that it does not name."},
	{ErrSize, "Send a file within the policy's content-length-range."},
	{sigv4.ErrUnknownKey, "Sign with an access key id that the server knows."},
	{sigv4.ErrSignatureMismatch, "Check the secret key, and that the policy is sent byte for byte as it was signed."},
	{sigv4.ErrScope, "Sign for the region and service of the server, and for the day of x-amz-date."},
	{sigv4.ErrToken, "Send the session token that belongs to the access key id, and only that."},
	{sigv4.ErrTokenExpired, "Sign with credentials that have not expired."},
	{sigv4.ErrDate, "Send x-amz-date as YYYYMMDDTHHMMSSZ."},
	{sigv4.ErrSkew, "Set the clock of the machine that signs."},
	{sigv4.ErrMalformed, "Send x-amz-algorithm, x-amz-credential and x-amz-signature as they were signed."},
	{sigv4.ErrKeyLookup, "Look at the key lookup: it failed or returned no usable key."},
}

func fault(kind error, format string, args ...any) error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}
