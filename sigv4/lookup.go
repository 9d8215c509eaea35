// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"time"
)

// KeyLookup finds the key that a request claims to be signed with. It must be
// safe for concurrent use.
type KeyLookup interface {
	// LookupKey returns the key of q.AccessKeyID. For an id that names no key
	// it returns an error that wraps ErrUnknownKey; any other error refuses
	// the request with status 500. The answer must not depend on anything but
	// the query: nothing in it has been verified yet.
	LookupKey(ctx context.Context, q KeyQuery) (Key, error)
}

// KeyQuery is what a request claims. It has not been verified.
type KeyQuery struct {
	// AccessKeyID is the id in the credential.
	AccessKeyID string
	// SessionToken is the token that arrived, empty for none.
	SessionToken string
	// Scope is the credential scope: a derived key must be of this scope.
	Scope Scope
	// Algorithm is how the request is signed.
	Algorithm Algorithm
}

// Key is what verifies a request: a secret, a signing key derived for the
// query's scope, or a public key, one of the three. Printing it shows none.
type Key struct {
	// Secret is the secret access key.
	Secret string
	// Derived is a signing key of 32 bytes, as DeriveKey returns it, for the
	// scope of the query.
	Derived []byte
	// PublicKey verifies AlgorithmV4A, and nothing else: a server that holds
	// no more cannot leak what signs. See [Credentials.V4APublicKey].
	PublicKey *ecdsa.PublicKey
	// SessionToken is the token that must come with this key, empty for none.
	// The Verifier compares it in constant time.
	SessionToken string
	// Expires is when the key ends; zero for never.
	Expires time.Time
}

// String hides what the key is.
func (k Key) String() string { return "sigv4.Key(REDACTED)" }

// GoString hides what the key is.
func (k Key) GoString() string { return k.String() }

// LogValue hides what the key is.
func (k Key) LogValue() slog.Value { return slog.StringValue("REDACTED") }

// signingKey returns the key to compute with.
func (k *Key) signingKey(cache *keyCache, accessKeyID string, a Algorithm, s *Scope, size int) (*signingKey, error) {
	if a == AlgorithmV4A {
		return k.v4aKey(cache, accessKeyID, size)
	}
	switch {
	case k.PublicKey != nil:
		return nil, errWrongKind
	case k.Secret != "" && k.Derived == nil:
		return cache.get(k.Secret, s, size)
	case k.Secret == "" && len(k.Derived) == sha256.Size:
		return &signingKey{key: [sha256.Size]byte(k.Derived)}, nil
	default:
		return nil, fmt.Errorf("%w: a Key holds a Secret, or a Derived key of %d bytes", ErrKeyLookup, sha256.Size)
	}
}

// errWrongKind is a key that cannot verify the algorithm of the request.
var errWrongKind = fmt.Errorf("%w: the key is for another algorithm", ErrKeyLookup)

// v4aKey is signingKey for AlgorithmV4A.
func (k *Key) v4aKey(cache *keyCache, accessKeyID string, size int) (*signingKey, error) {
	switch {
	case k.PublicKey != nil && k.Secret == "" && k.Derived == nil:
		if k.PublicKey.Curve != elliptic.P256() {
			return nil, fmt.Errorf("%w: a PublicKey is on the curve P-256", ErrKeyLookup)
		}
		return &signingKey{pub: k.PublicKey}, nil
	case k.Secret != "" && k.PublicKey == nil && k.Derived == nil:
		return cache.getV4A(accessKeyID, k.Secret, size)
	case k.Derived != nil && k.Secret == "" && k.PublicKey == nil:
		return nil, errWrongKind
	default:
		return nil, fmt.Errorf("%w: a Key holds a Secret or a PublicKey", ErrKeyLookup)
	}
}

// StaticKeys is a KeyLookup over a fixed map from access key id to key. It is
// safe for concurrent use as long as nobody changes the map.
type StaticKeys map[string]Key

// LookupKey returns the key of q.AccessKeyID, or ErrUnknownKey.
func (s StaticKeys) LookupKey(_ context.Context, q KeyQuery) (Key, error) {
	key, ok := s[q.AccessKeyID]
	if !ok {
		return Key{}, ErrUnknownKey
	}
	return key, nil
}
