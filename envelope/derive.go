// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"crypto/aes"
	"crypto/cipher"
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
func (d *derived) derive(p *derivers, spec *suiteSpec, dataKey, messageID []byte) error {
	if spec.kdf == kdfNone {
		copy(d.key[:], dataKey)
		return nil
	}
	k := p.get(spec.kdf)
	if k == nil {
		return fail(ErrUnsupportedSuite, "id "+spec.id.hex())
	}
	defer p.put(spec.kdf, k)
	id := [...]byte{byte(spec.id >> 8), byte(spec.id)}
	if !spec.committing {
		k.extract(noSalt[:], dataKey)
		k.expand(d.key[:spec.keyLen], id[:], messageID)
		return nil
	}
	k.extract(messageID, dataKey)
	k.expand(d.key[:], id[:], []byte(deriveLabel))
	k.expand(d.commit[:], []byte(commitLabel), nil)
	return nil
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
