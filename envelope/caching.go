// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// CachingConfig is what a [CachingManager] is made of. Lower limits are safer
// and ask the keyring more often: nobody has a key cached for longer, or for
// more, than they say.
type CachingConfig struct {
	Keyring Keyring          // makes what is missing; or
	Manager MaterialsManager // does; exactly one of the two

	Cache  *MaterialsCache // where materials are kept
	MaxAge time.Duration   // how long an entry may be used; needed

	// MaxMessages is how many messages may be encrypted under one data key, 1
	// to 2^32; 0 means 2^32. With 1 nothing is kept for encryption.
	MaxMessages int64

	// MaxBytes is how many bytes of plaintext may be encrypted under one data
	// key; 0 means no limit. Where there is one, messages of unknown length
	// get data keys of their own: streams without Config.PlaintextBound.
	MaxBytes int64

	// RefreshBefore, when positive and below MaxAge, is how long before its
	// end an entry is fetched anew: by one request, while the others go on
	// with what there is. A failure then is nobody's; it is tried again
	// after a quarter of this.
	RefreshBefore time.Duration

	// Partition keeps managers that share a Cache apart. Managers of one
	// partition use each other's entries, whatever keyring made them; leave
	// it empty for a partition of the manager's own.
	Partition string
}

// CachingManager is a [MaterialsManager] that uses data keys again, so that
// not every message asks the keyring: for as many messages, bytes and for as
// long as its configuration says, and only for the same suite, policy,
// encryption context and required keys. A message is decrypted with a kept key
// only if its wrapped keys and both its contexts are the same too. Requests
// that miss the same materials at the same time share one call.
//
// With a signing suite the messages under one data key are signed with one
// key pair. Suites without key derivation are never cached: their data key
// encrypts directly, under counter IVs. What a [RawRSA] keyring unwrapped with
// [PKCS1v15] is not kept either, as it is not proven.
//
// It is immutable and safe for concurrent use. The encrypted data keys of its
// materials are read only.
//
// https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/data-key-caching.html
type CachingManager struct {
	next        MaterialsManager
	cache       *MaterialsCache
	partition   string
	maxAge      time.Duration
	refresh     time.Duration
	maxMessages int64
	maxBytes    int64
}

const (
	maxDataKey         = 32
	defaultMaxMessages = 1 << 32
	defaultMaxBytes    = math.MaxInt64
)

// NewCachingManager checks the configuration and returns the manager. Errors
// are [ErrConfig].
func NewCachingManager(cfg CachingConfig) (*CachingManager, error) {
	switch {
	case (cfg.Keyring == nil) == (cfg.Manager == nil):
		return nil, fail(ErrConfig, "exactly one of Keyring and Manager is needed")
	case cfg.Cache == nil:
		return nil, fail(ErrConfig, "Cache is needed")
	case cfg.MaxAge <= 0:
		return nil, fail(ErrConfig, "MaxAge is not positive")
	case cfg.MaxMessages < 0 || cfg.MaxMessages > defaultMaxMessages:
		return nil, fail(ErrConfig, "MaxMessages is not 1 to 2^32")
	case cfg.MaxBytes < 0:
		return nil, fail(ErrConfig, "MaxBytes is negative")
	case cfg.RefreshBefore < 0 || cfg.RefreshBefore >= cfg.MaxAge:
		return nil, fail(ErrConfig, "RefreshBefore is not below MaxAge")
	case strings.Contains(cfg.Partition, "\x00"):
		return nil, fail(ErrConfig, "Partition holds a zero byte")
	}
	m := &CachingManager{
		next: cfg.Manager, cache: cfg.Cache, partition: cfg.Partition, maxAge: cfg.MaxAge, refresh: cfg.RefreshBefore,
		maxMessages: orDefault(cfg.MaxMessages, defaultMaxMessages), maxBytes: orDefault(cfg.MaxBytes, defaultMaxBytes),
	}
	if m.next == nil {
		m.next = NewMaterialsManager(cfg.Keyring)
	}
	if m.partition == "" {
		var err error
		if m.partition, err = newUUID(); err != nil {
			return nil, failCause(ErrConfig, "no randomness", err)
		}
	}
	return m, nil
}

// newUUID returns a random UUID, version 4.
func newUUID() (string, error) {
	var u [16]byte
	if _, err := rand.Read(u[:]); err != nil {
		return "", err
	}
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:]), nil
}

// derives reports whether messages of the suite have keys of their own under a
// shared data key.
func (s Suite) derives() bool {
	spec := s.spec()
	return spec != nil && spec.kdf != kdfNone
}

// EncryptionMaterials implements [MaterialsManager].
func (m *CachingManager) EncryptionMaterials(ctx context.Context, r *EncryptionRequest) (*EncryptionMaterials, error) {
	size := max(0, r.PlaintextLength)
	switch {
	case !r.Suite.derives(), r.PlaintextLength < 0 && m.maxBytes < defaultMaxBytes: // ENV-57
		return m.next.EncryptionMaterials(ctx, r)
	case m.cache.capacity == 0, m.maxMessages == 1, !r.cacheable(): // there would be no second use
		return m.next.EncryptionMaterials(ctx, r)
	}
	id := encryptID(m.partition, r)
	var room [maxDataKey]byte
	e, due := m.use(&id, size, &room)
	if e == nil || due {
		var err error
		if e, err = m.fetch(ctx, &id, size, &room, e, func() (*cached, error) { return m.fetchEncryption(ctx, r) }); err != nil {
			return nil, err
		}
	}
	return e.encryption(r, &room), nil
}

// DecryptionMaterials implements [MaterialsManager].
func (m *CachingManager) DecryptionMaterials(ctx context.Context, r *DecryptionRequest) (*DecryptionMaterials, error) {
	if !r.Suite.derives() || m.cache.capacity == 0 || !r.cacheable() {
		return m.next.DecryptionMaterials(ctx, r)
	}
	id := decryptID(m.partition, r)
	var room [maxDataKey]byte
	e, due := m.use(&id, 0, &room)
	if e == nil || due {
		var err error
		if e, err = m.fetch(ctx, &id, 0, &room, e, func() (*cached, error) { return m.fetchDecryption(ctx, r) }); err != nil {
			return nil, err
		}
	}
	return e.decryption(r, &room), nil
}

// use returns the entry, and its data key in room, if it may serve a message
// of so many bytes: the message is counted first, so that the limits hold
// however many requests come at once (ENV-60). An entry that may not is
// evicted. due tells the one request that is to fetch it anew.
func (m *CachingManager) use(id *cacheID, size int64, room *[maxDataKey]byte) (e *cached, due bool) {
	if e = m.cache.read(id, room); e == nil {
		return nil, false
	}
	age := time.Since(e.created)
	if age > min(m.maxAge, e.maxAge) || e.encrypt != nil && !e.count(size, m.maxMessages, m.maxBytes) {
		m.cache.evict(e)
		clear(room[:])
		return nil, false
	}
	renew := e.renew.Load()
	return e, int64(age) > renew && e.renew.CompareAndSwap(renew, int64(age+m.refresh/4))
}

// count adds one message and reports whether the limits allow it.
func (e *cached) count(size, maxMessages, maxBytes int64) bool {
	if e.messages.Add(1) > maxMessages {
		return false
	}
	for size > 0 {
		old := e.bytes.Load()
		if size > maxBytes-old {
			return false
		}
		if e.bytes.CompareAndSwap(old, old+size) {
			break
		}
	}
	return true
}

// fetch gets new materials, or waits for those that somebody else is getting.
// old, whose key is in room, is used on when it is not the time to wait or the
// call fails.
func (m *CachingManager) fetch(ctx context.Context, id *cacheID, size int64, room *[maxDataKey]byte, old *cached, call func() (*cached, error)) (*cached, error) {
	if size > m.maxBytes { // nobody else can use them
		return m.alone(room, call)
	}
	for {
		f, first := m.cache.begin(id, old)
		switch {
		case first:
			e, err := m.fly(ctx, id, size, room, f, call)
			if err != nil && old != nil && time.Since(old.created) <= min(m.maxAge, old.maxAge) {
				return old, nil
			}
			return e, err
		case old != nil:
			return old, nil
		case f != nil:
			select {
			case <-f.done:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			switch {
			case f.unkept:
				return m.alone(room, call)
			case f.err != nil && !f.abandoned:
				return nil, f.err
			}
		}
		if e, _ := m.use(id, size, room); e != nil {
			return e, nil
		}
	}
}

// alone makes a call whose materials are not kept.
func (m *CachingManager) alone(room *[maxDataKey]byte, call func() (*cached, error)) (*cached, error) {
	e, err := call()
	if err != nil {
		return nil, err
	}
	copy(room[:], e.dataKey)
	e.wipe()
	return e, nil
}

// fly makes the call that others wait for. Whatever happens in it, even a
// panic, they wait no longer.
func (m *CachingManager) fly(ctx context.Context, id *cacheID, size int64, room *[maxDataKey]byte, f *flight, call func() (*cached, error)) (*cached, error) {
	var keep *cached
	defer func() { m.cache.land(id, f, keep) }()
	e, err := call()
	if err != nil {
		f.err, f.abandoned = err, ctx.Err() != nil
		return nil, err
	}
	f.abandoned = false
	copy(room[:], e.dataKey)
	if e.decrypt != nil && e.decrypt.tentative > 0 {
		f.unkept = true
		e.wipe()
		return e, nil
	}
	e.id, e.created, e.maxAge = *id, time.Now(), m.maxAge
	e.messages.Store(1) // the first use is not held to the limits, and counts
	e.bytes.Store(size)
	e.renew.Store(math.MaxInt64)
	if m.refresh > 0 {
		e.renew.Store(int64(m.maxAge - m.refresh))
	}
	keep = e
	return e, nil
}

// fetchEncryption makes an entry of new materials, with copies of what the
// caller or the manager underneath may change.
func (m *CachingManager) fetchEncryption(ctx context.Context, r *EncryptionRequest) (*cached, error) {
	got, err := m.next.EncryptionMaterials(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := got.check(r); err != nil {
		got.wipe()
		return nil, err
	}
	keys := make([]EncryptedDataKey, len(got.EncryptedDataKeys))
	for i, k := range got.EncryptedDataKeys {
		keys[i] = EncryptedDataKey{k.ProviderID, bytes.Clone(k.ProviderInfo), bytes.Clone(k.Ciphertext)}
	}
	return &cached{dataKey: got.DataKey, encrypt: &EncryptionMaterials{
		Suite: got.Suite, Context: maps.Clone(got.Context), RequiredKeys: slices.Clip(slices.Clone(got.RequiredKeys)),
		EncryptedDataKeys: keys, SigningKey: got.SigningKey,
	}}, nil
}

// encryption is the entry as one message's materials.
func (e *cached) encryption(r *EncryptionRequest, room *[maxDataKey]byte) *EncryptionMaterials {
	var with struct {
		EncryptionMaterials
		key [maxDataKey]byte
	}
	out := &with
	out.EncryptionMaterials = *e.encrypt
	if len(out.Context) == len(r.Context) {
		out.Context = r.Context // the same pairs: the id says so, and what was added would be more
	} else {
		out.Context = maps.Clone(out.Context)
	}
	out.key = *room
	clear(room[:])
	out.DataKey = out.key[:out.Suite.DataKeyLen():out.Suite.DataKeyLen()]
	return &out.EncryptionMaterials
}

func (m *CachingManager) fetchDecryption(ctx context.Context, r *DecryptionRequest) (*cached, error) {
	got, err := m.next.DecryptionMaterials(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := got.check(r); err != nil {
		got.wipe()
		return nil, err
	}
	kept := *got
	kept.DataKey, kept.room, kept.Context, kept.RequiredKeys = nil, nil, maps.Clone(got.Context), slices.Clone(got.RequiredKeys)
	return &cached{dataKey: got.DataKey, decrypt: &kept}, nil
}

// decryption is the entry as one message's materials, whose context becomes
// the caller's own.
func (e *cached) decryption(r *DecryptionRequest, room *[maxDataKey]byte) *DecryptionMaterials {
	var with struct {
		DecryptionMaterials
		key [maxDataKey]byte
	}
	out := &with
	out.DecryptionMaterials = *e.decrypt
	if len(out.RequiredKeys) == 0 {
		out.Context = r.Context // the same pairs, as nothing was added to them
	} else {
		out.Context, out.RequiredKeys = maps.Clone(out.Context), slices.Clone(out.RequiredKeys)
	}
	out.key = *room
	clear(room[:])
	out.DataKey = out.key[:out.Suite.DataKeyLen():out.Suite.DataKeyLen()]
	return &out.DecryptionMaterials
}
