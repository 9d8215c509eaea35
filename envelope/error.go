// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"errors"
	"strconv"
	"strings"
)

// The contracts of the package, for [errors.Is]. Every error that comes from a
// message, a keyring or a configuration is an [*Error] of one of these kinds.
var (
	ErrFormat            = errors.New("envelope: malformed message")
	ErrUnsupportedSuite  = errors.New("envelope: unsupported algorithm suite")
	ErrLooksBase64       = errors.New("envelope: message looks like base64")
	ErrCommitmentPolicy  = errors.New("envelope: suite refused by the commitment policy")
	ErrSignedSuite       = errors.New("envelope: signed message refused")
	ErrLimit             = errors.New("envelope: limit exceeded")
	ErrEncryptionContext = errors.New("envelope: encryption context refused")
	ErrNoMatchingKey     = errors.New("envelope: no encrypted data key could be unwrapped")
	ErrMaterials         = errors.New("envelope: invalid cryptographic materials")
	ErrCommitment        = errors.New("envelope: key commitment does not match")
	ErrHeaderAuth        = errors.New("envelope: header authentication failed")
	ErrFrameAuth         = errors.New("envelope: frame authentication failed")
	ErrTruncated         = errors.New("envelope: message ends early")
	ErrSignature         = errors.New("envelope: signature refused")
	ErrTrailingData      = errors.New("envelope: data after the end of the message")
	ErrUnsupported       = errors.New("envelope: unsupported operation")
	ErrFIPS              = errors.New("envelope: not allowed in FIPS 140-only mode")
	ErrRewrapUnsafe      = errors.New("envelope: new wrapping keys refused")
	ErrKeyring           = errors.New("envelope: keyring could not provide a data key")
	ErrConfig            = errors.New("envelope: invalid configuration")
)

// Error says what was refused and where. It never carries key material,
// plaintext or a value of the encryption context.
type Error struct {
	Kind   error  // one of the package's sentinels
	Detail string // what was wrong, in a few words
	Frame  uint32 // the frame it happened in, from 1; 0 outside the body
	Offset int64  // the byte of the message it happened at; -1 when that says nothing
	Cause  error  // the error underneath, if any
}

// Error returns one line: the kind, the detail and the place.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Kind.Error())
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	if e.Frame != 0 {
		b.WriteString(" (frame " + strconv.FormatUint(uint64(e.Frame), 10) + ")")
	}
	if e.Offset >= 0 {
		b.WriteString(" (offset " + strconv.FormatInt(e.Offset, 10) + ")")
	}
	if e.Cause != nil {
		b.WriteString(": " + e.Cause.Error())
	}
	return b.String()
}

// Unwrap returns the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Cause}
}

// Hint returns one sentence on what to change.
func (e *Error) Hint() string {
	for _, h := range hints {
		if h.kind == e.Kind {
			return h.text
		}
	}
	return "See the error text."
}

var hints = [...]struct {
	kind error
	text string
}{
	{ErrFormat, "The bytes are not a message of the AWS Encryption SDK, or were changed; fetch them again from their source."},
	{ErrUnsupportedSuite, "The suite id is none of the eleven this format has; the message is damaged or of a newer format."},
	{ErrLooksBase64, "Decode the base64 text first, then decrypt the bytes."},
	{ErrCommitmentPolicy, "Set Config.Commitment to RequireEncryptAllowDecrypt to read older messages, or choose a suite that the policy allows."},
	{ErrSignedSuite, "Config.FailOnSigned refuses signed messages; clear it or have the writer use suite 0478."},
	{ErrLimit, "Raise the limit in Config if messages of this size are expected."},
	{ErrEncryptionContext, "Pass the context the message was encrypted with, without keys that start with aws-crypto-."},
	{ErrNoMatchingKey, "Configure the keyring that holds one of the message's wrapping keys, and pass the same encryption context."},
	{ErrMaterials, "The materials manager or keyring returned keys that do not fit the suite; mend the implementation."},
	{ErrCommitment, "The key is not the one the message was encrypted with; do not use the message."},
	{ErrHeaderAuth, "The header was changed, or the reproduced encryption context differs from the original; do not use the message."},
	{ErrFrameAuth, "The frame was changed; do not use the message."},
	{ErrTruncated, "The message is incomplete; fetch it again."},
	{ErrSignature, "The signature does not belong to the message; do not use what was read from it."},
	{ErrTrailingData, "Something follows the message; pass exactly one message."},
	{ErrUnsupported, "The operation is not defined for this kind of message; see its documentation."},
	{ErrFIPS, "Run with GODEBUG=fips140=on, or wrap the calls in fips140.WithoutEnforcement."},
	{ErrRewrapUnsafe, "Call Client.Reencrypt, which writes the plaintext as a new message under a new data key."},
	{ErrKeyring, "See the cause: the key service or wrapping key refused."},
	{ErrConfig, "Correct the field that the error names."},
}

// fail makes an error that has no place in the message.
func fail(kind error, detail string) error {
	return &Error{Kind: kind, Detail: detail, Offset: -1}
}

// failAt makes an error at a byte of the message.
func failAt(kind error, offset int64, detail string) error {
	return &Error{Kind: kind, Detail: detail, Offset: offset}
}

// failFrame makes an error in a frame.
func failFrame(kind error, seq uint32, detail string) error {
	return &Error{Kind: kind, Detail: detail, Frame: seq, Offset: -1}
}

// failCause makes an error that has another underneath.
func failCause(kind error, detail string, cause error) error {
	return &Error{Kind: kind, Detail: detail, Offset: -1, Cause: cause}
}

// asKind returns err itself when it already belongs to the package, else an
// error of the kind around it.
func asKind(kind error, detail string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	return failCause(kind, detail, err)
}
