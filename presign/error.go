// SPDX-License-Identifier: Apache-2.0

package presign

import (
	"errors"
	"fmt"

	"github.com/sallyport-go/sallyport/sigv4"
)

// What can be wrong, for errors.Is. Every error is an [*Error] that wraps one
// of them or one of package sigv4's, but for those of a PostVerifier, which are
// [*sigv4.Error] with one of them, or of package sigv4's, as Kind.
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
// and keys are withheld. A refused form is a *sigv4.Error instead, which holds
// what to answer.
type Error struct {
	// Kind is the sentinel, or an error of package sigv4 that wraps its own.
	Kind error
	// Message says in one sentence what was wrong; it may be empty.
	Message string
}

// Error returns one line without secrets.
func (e *Error) Error() string {
	if e.Message == "" {
		return e.Kind.Error()
	}
	return e.Kind.Error() + ": " + e.Message
}

// Unwrap returns the kind.
func (e *Error) Unwrap() error { return e.Kind }

// Hint returns one sentence on what to change.
func (e *Error) Hint() string {
	for _, h := range hints {
		if errors.Is(e.Kind, h.kind) {
			return h.text
		}
	}
	return "See the message."
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
	{ErrPolicy, "Give the policy a bucket, an expiration within seven days, and a size range or AnySize."},
	{sigv4.ErrCredentials, "Give an access key id and a secret."},
	{sigv4.ErrConfig, "Set S3.Region, and S3.Now to a clock of this age."},
	{sigv4.ErrPayload, "Give x-amz-content-sha256 a hash or UNSIGNED-PAYLOAD."},
	{sigv4.ErrFIPS, "Use a secret of at least 14 bytes."},
}

func fault(kind error, format string, args ...any) error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}
