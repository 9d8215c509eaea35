// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import "errors"

// The contracts of this package's errors. What is wrong with a trail is no
// error but a Finding of the Report.
var (
	// ErrName: an object key is not that of a digest or log file.
	ErrName = errors.New("cloudtrail: not a CloudTrail object key")
	// ErrDigest: bytes are not a digest: malformed, ambiguous or incomplete.
	ErrDigest = errors.New("cloudtrail: malformed digest")
	// ErrKeys: bytes are not a list of public keys.
	ErrKeys = errors.New("cloudtrail: malformed public key list")
	// ErrCheckpoint: bytes are not a checkpoint.
	ErrCheckpoint = errors.New("cloudtrail: malformed checkpoint")
	// ErrBundle: bytes are not a proof bundle. That a bundle proves nothing is no
	// error but a finding.
	ErrBundle = errors.New("cloudtrail: malformed proof bundle")
	// ErrLimit: input is over one of the Limits.
	ErrLimit = errors.New("cloudtrail: over a limit")
	// ErrConfig: a field of a Validator, Signer or Writer is missing or
	// contradicts another.
	ErrConfig = errors.New("cloudtrail: configuration")
	// ErrArchived is what a Source returns from Open for an object that an
	// archive storage class holds and nobody restored.
	ErrArchived = errors.New("cloudtrail: object is archived")
	// ErrTransient is what a Source wraps around a failure that may be gone at
	// the next try: a broken connection, a server that is busy.
	ErrTransient = errors.New("cloudtrail: transient failure")
	// ErrListing: a source refused to list its objects.
	ErrListing = errors.New("cloudtrail: listing")
	// ErrSigner: a Signer's key, or what it is given to sign, is not usable.
	ErrSigner = errors.New("cloudtrail: signing")
	// ErrEvent: a log file or event is not what CloudTrail writes: malformed,
	// ambiguous, over a limit, or of a version that is not known.
	ErrEvent = errors.New("cloudtrail: malformed event")
)

// Error carries the object or field an error is about. Errors of this package
// that concern one are of this type and wrap one of the sentinels.
type Error struct {
	Subject string // s3://bucket/key of an object, or the name of a field
	Err     error
}

// Error returns the cause and what it is about.
func (e *Error) Error() string { return e.Err.Error() + ": " + e.Subject }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint says in one sentence what to change.
func (e *Error) Hint() string {
	switch {
	case errors.Is(e.Err, ErrName):
		return "Give the whole object key, from the prefix or AWSLogs/ to .json.gz."
	case errors.Is(e.Err, ErrDigest):
		return "Fetch the object again as it is stored, with Accept-Encoding: identity."
	case errors.Is(e.Err, ErrKeys):
		return "Give the output of aws cloudtrail list-public-keys for the region and time."
	case errors.Is(e.Err, ErrCheckpoint):
		return "Give a checkpoint file as an earlier valid run wrote it, or none to begin anew."
	case errors.Is(e.Err, ErrBundle):
		return "Give a bundle as trailcheck prove or Validator.Prove makes it."
	case errors.Is(e.Err, ErrEvent) && !errors.Is(e.Err, ErrLimit):
		return "Look at the log file itself: its hash is right, so it was delivered as it is."
	case errors.Is(e.Err, ErrLimit):
		return "Raise the limit if the object is known to be honest."
	case errors.Is(e.Err, ErrListing):
		return "Check that bucket and prefix exist and that the caller may list them."
	case errors.Is(e.Err, ErrArchived):
		return "Restore the object from its archive class and run again."
	case errors.Is(e.Err, ErrTransient):
		return "Run again."
	case errors.Is(e.Err, ErrSigner):
		return "Use an RSA key of 2048 to 8192 bits and digests that follow each other in time."
	}
	return "Set the field to a value its documentation allows."
}
