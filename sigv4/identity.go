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
	// ModeChunked, beside ModeHeader, is a body in signed chunks, with a signed
	// trailer or without.
	ModeChunked
	// ModeUnsignedTrailer, beside ModeHeader, is a body in chunks without
	// signatures, with a checksum trailer.
	ModeUnsignedTrailer
	// ModeV4A, beside ModeHeader or ModeQuery, is AlgorithmV4A; without
	// ModeV4A those mean AlgorithmV4 alone.
	ModeV4A
	// ModeEvents, beside ModeHeader, is a stream of signed event frames.
	ModeEvents
)

// defaultModes is what a Verifier with no Modes accepts.
const defaultModes = ModeHeader | ModeQuery

// Identity is who signed a request, and how. Every field has been verified. It
// must not be changed; it is then safe for concurrent use.
type Identity struct {
	// AccessKeyID is the key that signed.
	AccessKeyID string
	// Scope is the credential scope. With AlgorithmV4A its Region is empty.
	Scope Scope
	// RegionSet is the regions, or patterns, that an AlgorithmV4A signature is
	// good for; the Verifier's region matches one. Nil otherwise.
	RegionSet []string
	// Algorithm is how the request is signed.
	Algorithm Algorithm
	// Mode is where the signature was: ModeHeader or ModeQuery.
	Mode Mode
	// SignedHeaders is the signed names, lowercase and sorted, joined with
	// semicolons.
	SignedHeaders string
	// Payload says what holds of the body. With PayloadUnsigned nothing does;
	// with the others, PayloadBody excepted, only when Read has returned io.EOF.
	// In the modes with trailers r.Trailer holds them from then on.
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
