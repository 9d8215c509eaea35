// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"hash"
	"strings"
	"sync"
	"sync/atomic"
)

// DeriveKey returns the signing key of a secret for one scope. A server that
// holds derived keys, one per day, verifies without ever holding the secret:
// see [Key]. It returns ErrCredentials for an empty secret, ErrScope and
// ErrFIPS.
func DeriveKey(secret string, s Scope) ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	key, err := deriveKey(secret, s)
	if err != nil {
		return nil, err
	}
	return key[:], nil
}

func deriveKey(secret string, s Scope) (key [sha256.Size]byte, err error) {
	if secret == "" {
		return key, fmt.Errorf("%w: the secret is empty", ErrCredentials)
	}
	if err := checkFIPS(secret); err != nil {
		return key, err
	}
	seed := append([]byte("AWS4"), secret...)
	step(&key, seed, s.Date)
	clear(seed)
	step(&key, key[:], s.Region)
	step(&key, key[:], s.Service)
	step(&key, key[:], terminator)
	return key, nil
}

func step(out *[sha256.Size]byte, key []byte, data string) {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(data))
	mac.Sum(out[:0])
}

// signingKey is a derived key with keyed HMAC states at hand: a state that is
// reset restores its midstate, which is half the cost of keying a new one.
type signingKey struct {
	key  [sha256.Size]byte
	macs sync.Pool // of *keyedMAC

	priv *ecdsa.PrivateKey // AlgorithmV4A, from a secret
	pub  *ecdsa.PublicKey  // AlgorithmV4A; nil otherwise
}

type keyedMAC struct {
	hash.Hash
	out [sha256.Size]byte
}

func newSigningKey(secret string, s Scope) (*signingKey, error) {
	key, err := deriveKey(secret, s)
	if err != nil {
		return nil, err
	}
	return &signingKey{key: key}, nil
}

// sum returns the HMAC-SHA256 of text.
func (k *signingKey) sum(text []byte) [sha256.Size]byte {
	m, _ := k.macs.Get().(*keyedMAC)
	if m == nil {
		m = &keyedMAC{Hash: hmac.New(sha256.New, k.key[:])}
	}
	m.Reset()
	m.Write(text)
	m.Sum(m.out[:0])
	out := m.out
	k.macs.Put(m)
	return out
}

// defaultKeyCache is the number of derived keys a Signer or Verifier keeps.
const defaultKeyCache = 256

// cacheKey names a derived key. The secret is part of it: a cache keyed by the
// access key id answers with the old key after the secret has been rotated
// under the same id (SIG-31).
type cacheKey struct {
	secret      string
	scope       Scope  // zero for AlgorithmV4A, whose keys do not change daily
	accessKeyID string // AlgorithmV4A only
}

// keyCache keeps derived keys, the oldest making room for the newest. The zero
// value is ready; it is safe for concurrent use.
type keyCache struct {
	last atomic.Pointer[cacheEntry] // the one found last: most callers have one key

	mu     sync.RWMutex
	keys   map[cacheKey]*cacheEntry
	order  []cacheKey // a ring, oldest at next once it is full
	next   int
	newest string // the latest day seen
}

// get returns the key of a secret and scope, deriving it where it is not kept.
// size is the capacity: 0 the default, negative none.
func (c *keyCache) get(secret string, s *Scope, size int) (*signingKey, error) {
	if size < 0 {
		return newSigningKey(secret, *s)
	}
	id := cacheKey{secret: secret, scope: *s}
	if k := c.find(&id); k != nil {
		return k, nil
	}
	k, err := newSigningKey(secret, *s)
	if err != nil {
		return nil, err
	}
	c.put(id, k, size)
	return k, nil
}

// getV4A is get for the key pair of an access key id and its secret.
func (c *keyCache) getV4A(accessKeyID, secret string, size int) (*signingKey, error) {
	id := cacheKey{secret: secret, accessKeyID: accessKeyID}
	if size >= 0 {
		if k := c.find(&id); k != nil {
			return k, nil
		}
	}
	priv, err := newV4AKey(accessKeyID, secret)
	if err != nil {
		return nil, err
	}
	k := &signingKey{priv: priv, pub: &priv.PublicKey}
	if size >= 0 {
		c.put(id, k, size)
	}
	return k, nil
}

type cacheEntry struct {
	id  cacheKey
	key *signingKey
}

func (c *keyCache) find(id *cacheKey) *signingKey {
	if e := c.last.Load(); e != nil && e.id == *id {
		return e.key
	}
	c.mu.RLock()
	e := c.keys[*id]
	c.mu.RUnlock()
	if e == nil {
		return nil
	}
	c.last.Store(e)
	return e.key
}

// put adds a key. A day later than all before it drops what is kept: keys of a
// past day are rarely asked for again.
func (c *keyCache) put(id cacheKey, k *signingKey, size int) {
	if size == 0 {
		size = defaultKeyCache
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if id.scope.Date > c.newest || c.keys == nil {
		c.newest = max(c.newest, id.scope.Date)
		c.keys, c.order, c.next = make(map[cacheKey]*cacheEntry), nil, 0
	}
	if _, ok := c.keys[id]; ok {
		return
	}
	// The caller's strings may be slices of a whole request header.
	id = cacheKey{id.secret, Scope{strings.Clone(id.scope.Date), strings.Clone(id.scope.Region), strings.Clone(id.scope.Service)}, strings.Clone(id.accessKeyID)}
	if len(c.order) < size {
		c.order = append(c.order, id)
	} else {
		delete(c.keys, c.order[c.next])
		c.order[c.next] = id
		c.next = (c.next + 1) % size
	}
	c.keys[id] = &cacheEntry{id, k}
}
