// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"context"
	"time"
)

// Mode is a set of ways in which a request may be signed.
type Mode uint16

const (
	// ModeHeader is the Authorization header.
	ModeHeader Mode = 1 << iota
	// ModeQuery is a presigned URL.
	ModeQuery
)

// defaultModes is what a Verifier with no Modes accepts.
const defaultModes = ModeHeader | ModeQuery

// Identity is who signed a request, and how. Every field has been verified. It
// must not be changed; it is then safe for concurrent use.
type Identity struct {
	// AccessKeyID is the key that signed.
	AccessKeyID string
	// Scope is the credential scope.
	Scope Scope
	// Algorithm is how the request is signed.
	Algorithm Algorithm
	// Mode is where the signature was: one of the Mode bits.
	Mode Mode
	// SignedHeaders is the signed names, lowercase and sorted.
	SignedHeaders []string
	// Payload says what holds of the body. With PayloadUnsigned nothing does;
	// with PayloadSHA256 only when Read has returned io.EOF.
	Payload PayloadMode
	// SignedAt is the date of the request.
	SignedAt time.Time
	// ExpiresAt is when a presigned URL ends; zero for a header signature.
	ExpiresAt time.Time
	// Path is the decoded path that the signature covers. Route on it: another
	// decoding of the URL may name another object.
	Path string
	// SessionToken says whether a session token came, and matched.
	SessionToken bool
}

type identityKey struct{}

func newContext(ctx context.Context, id *Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, id)
}

// FromContext returns the identity that [Verifier.Handler] verified. It
// reports false where no Verifier has passed the request.
func FromContext(ctx context.Context) (*Identity, bool) {
	id, ok := ctx.Value(identityKey{}).(*Identity)
	return id, ok && id != nil
}
