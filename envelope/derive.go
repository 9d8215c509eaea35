// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
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

// deriveCommitting extracts once and expands twice. In FIPS mode that is
// crypto/hkdf, the module's own. Outside it, HMAC over inputs this short is
// two calls of sha512.Sum512 with everything on the stack: 26 allocations and
// 2.8 us become 0 and 1.6 us, most of what a 1 KiB message allocates. A test
// holds both forms equal.
func (d *derived) deriveCommitting(spec *suiteSpec, dataKey, messageID []byte) error {
	if fips140.Enabled() {
		return d.deriveCommittingFIPS(spec, dataKey, messageID)
	}
	var prk, out [sha512.Size]byte
	hmacSHA512(&prk, messageID, dataKey)
	hmacSHA512(&out, prk[:], []byte{byte(spec.id >> 8), byte(spec.id), 'D', 'E', 'R', 'I', 'V', 'E', 'K', 'E', 'Y', 1})
	copy(d.key[:], out[:])
	hmacSHA512(&out, prk[:], []byte{'C', 'O', 'M', 'M', 'I', 'T', 'K', 'E', 'Y', 1})
	copy(d.commit[:], out[:])
	clear(prk[:])
	clear(out[:])
	return nil
}

func (d *derived) deriveCommittingFIPS(spec *suiteSpec, dataKey, messageID []byte) error {
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

// hmacSHA512 is RFC 2104 for keys of at most a block and messages of at most
// half a block.
func hmacSHA512(out *[sha512.Size]byte, key, message []byte) {
	var inner [sha512.BlockSize + sha512.BlockSize/2]byte
	var outer [sha512.BlockSize + sha512.Size]byte
	copy(inner[:sha512.BlockSize], key)
	copy(outer[:sha512.BlockSize], key)
	for i := range sha512.BlockSize {
		inner[i] ^= 0x36
		outer[i] ^= 0x5c
	}
	n := sha512.BlockSize + copy(inner[sha512.BlockSize:], message)
	digest := sha512.Sum512(inner[:n])
	copy(outer[sha512.BlockSize:], digest[:])
	*out = sha512.Sum512(outer[:])
	clear(inner[:])
	clear(outer[:])
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
