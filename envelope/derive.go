// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
)

const (
	deriveLabel = "DERIVEKEY"
	commitLabel = "COMMITKEY"
)

// derived is what a message's data key becomes.
type derived struct {
	key    [32]byte // the first keyLen bytes are the encryption key
	commit [commitKeyLen]byte
}

// derive makes the encryption key, and for committing suites the commit key,
// of one message (ENV-27 to ENV-29). The data key has the suite's length.
func (d *derived) derive(spec *suiteSpec, dataKey, messageID []byte) error {
	id := []byte{byte(spec.id >> 8), byte(spec.id)}
	var key []byte
	var err error
	switch spec.kdf {
	case kdfNone:
		key = dataKey
	case kdfSHA256:
		key, err = hkdf.Key(sha256.New, dataKey, nil, string(id)+string(messageID), spec.keyLen)
	case kdfSHA384:
		key, err = hkdf.Key(sha512.New384, dataKey, nil, string(id)+string(messageID), spec.keyLen)
	case kdfSHA512:
		return d.deriveCommitting(spec, dataKey, messageID)
	default:
		return fail(ErrUnsupportedSuite, "id "+spec.id.hex())
	}
	copy(d.key[:], key)
	if spec.kdf != kdfNone {
		clear(key)
	}
	return wrapFIPS(err)
}

// deriveCommitting extracts once and expands twice. It is 26 of the
// allocations of a message, and 1.2 us more than HMAC composed on the stack
// from sha512.Sum512; the standard library's own HKDF is worth both.
func (d *derived) deriveCommitting(spec *suiteSpec, dataKey, messageID []byte) error {
	prk, err := hkdf.Extract(sha512.New, dataKey, messageID)
	if err != nil {
		return wrapFIPS(err)
	}
	defer clear(prk)
	id := string([]byte{byte(spec.id >> 8), byte(spec.id)})
	key, err := hkdf.Expand(sha512.New, prk, id+deriveLabel, len(d.key))
	if err != nil {
		return wrapFIPS(err)
	}
	copy(d.key[:], key)
	clear(key)
	commit, err := hkdf.Expand(sha512.New, prk, commitLabel, len(d.commit))
	copy(d.commit[:], commit)
	return wrapFIPS(err)
}

// checkCommitment compares the derived commit key with the header's.
func (d *derived) checkCommitment(spec *suiteSpec, stored []byte) error {
	if spec.committing && subtle.ConstantTimeCompare(d.commit[:], stored) != 1 {
		return fail(ErrCommitment, "")
	}
	return nil
}

func (d *derived) aead(spec *suiteSpec) (cipher.AEAD, error) {
	return newGCM(d.key[:spec.keyLen])
}

// newGCM is AES-GCM with IVs of the format's choosing, which FIPS 140-only
// mode does not allow.
func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fail(ErrMaterials, "AES key length")
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, wrapFIPS(err)
	}
	return aead, nil
}

// wrapFIPS marks what the standard library refuses in FIPS 140-only mode, the
// only reason for its primitives to fail with the arguments they get here.
func wrapFIPS(err error) error {
	if err == nil {
		return nil
	}
	return failCause(ErrFIPS, "", err)
}
