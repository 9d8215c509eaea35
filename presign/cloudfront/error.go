// SPDX-License-Identifier: Apache-2.0

package cloudfront

import "errors"

// What can be wrong, for errors.Is. Every error of this package is an *Error
// that wraps one of them.
var (
	// ErrConfig is a Signer or Verifier that cannot work: the text names the field.
	ErrConfig = errors.New("cloudfront: invalid configuration")
	// ErrInput is a URL or Policy that cannot be signed.
	ErrInput = errors.New("cloudfront: cannot be signed")
	// ErrKey is a key that is neither RSA of 2,048 bits nor ECDSA on P-256, or
	// that failed to sign.
	ErrKey = errors.New("cloudfront: unusable key")
	// ErrFIPS is SHA-1 asked for under GODEBUG=fips140=only.
	ErrFIPS = errors.New("cloudfront: SHA-1 is not allowed in FIPS 140-only mode")
	// ErrMissing is a request with neither signed URL nor signed cookies.
	ErrMissing = errors.New("cloudfront: no signed URL or cookies")
	// ErrMalformed is a signed URL, cookie or policy that is not one.
	ErrMalformed = errors.New("cloudfront: malformed")
	// ErrUnknownKey is a key pair id that Verifier.Keys does not know.
	ErrUnknownKey = errors.New("cloudfront: unknown key pair id")
	// ErrSignature is a signature that is not of this key over this policy.
	ErrSignature = errors.New("cloudfront: signature does not match")
	// ErrExpired is a policy whose DateLessThan has come.
	ErrExpired = errors.New("cloudfront: expired")
	// ErrNotYetValid is a policy whose DateGreaterThan has not passed.
	ErrNotYetValid = errors.New("cloudfront: not yet valid")
	// ErrResource is a policy for something other than the URL requested.
	ErrResource = errors.New("cloudfront: the policy does not cover this URL")
	// ErrIP is a policy for other client addresses.
	ErrIP = errors.New("cloudfront: the policy does not cover this client address")
)

// Error says what is wrong in detail. It holds nothing that was signed with:
// no signature, no policy text. It is for the server's own eyes; a client gets
// the same 403 for every cause.
type Error struct {
	// Err is one of the sentinels above.
	Err error
	// Reason is the detail, without the sentinel's text; it may be empty.
	Reason string
}

// Error returns the sentinel's text and the reason.
func (e *Error) Error() string {
	if e.Reason == "" {
		return e.Err.Error()
	}
	return e.Err.Error() + ": " + e.Reason
}

// Unwrap returns the sentinel.
func (e *Error) Unwrap() error { return e.Err }

// Hint returns one sentence on what to change.
func (e *Error) Hint() string {
	switch e.Err {
	case ErrConfig:
		return "Set the field that the message names."
	case ErrInput:
		return "Give an absolute http or https URL in ASCII without fragment and CloudFront parameters, and a policy with an expiry."
	case ErrKey:
		return "Use an RSA key of 2,048 bits or an ECDSA key on P-256."
	case ErrFIPS:
		return "Sign with SHA-256 and set SHA256Only on the verifier."
	case ErrMissing:
		return "Send the client to where it gets a signed URL or signed cookies."
	case ErrMalformed:
		return "Sign anew; check that nothing on the way rewrites the query or the cookies."
	case ErrUnknownKey:
		return "Add the public key of this key pair id to Verifier.Keys."
	case ErrSignature:
		return "Check that scheme and host are those of Verifier.BaseURL, that the query was not changed, and that the hash of both sides is the same."
	case ErrExpired:
		return "Sign a new URL or new cookies."
	case ErrNotYetValid:
		return "Wait, or check the clocks of both sides."
	case ErrResource:
		return "Sign a policy whose Resource covers this URL; a * acts only inside its own part of the URL."
	case ErrIP:
		return "Check the policy's address range and Verifier.ClientIP."
	}
	return "See the message."
}

func fault(sentinel error, reason string) error { return &Error{Err: sentinel, Reason: reason} }
