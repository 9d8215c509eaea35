// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
)

// RSAPadding is how a [RawRSA] keyring pads. The zero value is none.
type RSAPadding uint8

// The paddings. The OAEP ones use the hash for MGF1 too and an empty label.
// PKCS1v15 is for old messages only.
const (
	PKCS1v15 RSAPadding = iota + 1
	OAEPSHA1
	OAEPSHA256
	OAEPSHA384
	OAEPSHA512
)

var paddingNames = [...]string{"", "pkcs1", "oaep-sha1", "oaep-sha256", "oaep-sha384", "oaep-sha512"}

// MarshalText writes "pkcs1", "oaep-sha1", "oaep-sha256", "oaep-sha384" or
// "oaep-sha512".
func (p RSAPadding) MarshalText() ([]byte, error) {
	if p == 0 || int(p) >= len(paddingNames) {
		return nil, fail(ErrConfig, "unknown RSA padding")
	}
	return []byte(paddingNames[p]), nil
}

// UnmarshalText reads what MarshalText writes.
func (p *RSAPadding) UnmarshalText(text []byte) error {
	for i, name := range paddingNames {
		if i > 0 && name == string(text) {
			*p = RSAPadding(i)
			return nil
		}
	}
	return fail(ErrConfig, "unknown RSA padding")
}

func (p RSAPadding) hash() hash.Hash {
	switch p {
	case OAEPSHA1:
		return sha1.New()
	case OAEPSHA256:
		return sha256.New()
	case OAEPSHA384:
		return sha512.New384()
	case OAEPSHA512:
		return sha512.New()
	default:
		return nil
	}
}

// RawRSA is a keyring over an RSA key pair that the caller keeps: with the
// public key alone it only encrypts, with the private key alone it only
// decrypts. The wrapped key does not bind the encryption context; the header's
// tag does. It is immutable and safe for concurrent use.
//
// With [PKCS1v15] a wrapped key that is not valid unwraps to a random key, so
// that nobody can learn from errors or timing whether a padding was good: the
// failure shows as [ErrCommitment] or [ErrHeaderAuth]. The first wrapping that
// carries the keyring's names therefore ends the search; see Config.PKCS1Retry.
//
// https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/use-raw-rsa-keyring.html
type RawRSA struct{ cfg RawRSAConfig }

// RawRSAConfig is what a [RawRSA] keyring is made of.
type RawRSAConfig struct {
	Namespace, Name string // tell the key pair from others; they stand in every message
	Padding         RSAPadding
	Public          *rsa.PublicKey  // to encrypt; never derived from Private
	Private         *rsa.PrivateKey // to decrypt
	AllowWeakRSA    bool            // accept a modulus under 2048 bits
}

// NewRawRSA returns the keyring.
func NewRawRSA(cfg RawRSAConfig) (*RawRSA, error) {
	if err := checkNamespace(cfg.Namespace, cfg.Name); err != nil {
		return nil, err
	}
	if _, err := cfg.Padding.MarshalText(); err != nil {
		return nil, err
	}
	if cfg.Public == nil && cfg.Private == nil {
		return nil, fail(ErrConfig, "an RSA keyring needs a public or a private key")
	}
	if weakRSA(cfg.Public, cfg.AllowWeakRSA) || cfg.Private != nil && weakRSA(&cfg.Private.PublicKey, cfg.AllowWeakRSA) {
		return nil, fail(ErrConfig, "an RSA key needs 2048 bits")
	}
	return &RawRSA{cfg}, nil
}

func weakRSA(key *rsa.PublicKey, allowed bool) bool {
	return key != nil && (key.N == nil || key.N.BitLen() < 2048 && !allowed)
}

// OnEncrypt implements [Keyring] (ENV-71).
func (k *RawRSA) OnEncrypt(_ context.Context, m *EncryptionMaterials) error {
	if k.cfg.Public == nil {
		return fail(ErrKeyring, "an RSA keyring without public key cannot encrypt")
	}
	return m.wrapWith(func(dataKey []byte) (EncryptedDataKey, error) {
		var wrapped []byte
		var err error
		if k.cfg.Padding == PKCS1v15 {
			//lint:ignore SA1019 the format has this padding; its documentation warns of it
			wrapped, err = rsa.EncryptPKCS1v15(rand.Reader, k.cfg.Public, dataKey)
		} else {
			wrapped, err = rsa.EncryptOAEP(k.cfg.Padding.hash(), rand.Reader, k.cfg.Public, dataKey, nil)
		}
		if err != nil {
			return EncryptedDataKey{}, failCause(ErrKeyring, "RSA", err)
		}
		return EncryptedDataKey{k.cfg.Namespace, []byte(k.cfg.Name), wrapped}, nil
	})
}

// OnDecrypt implements [Keyring].
func (k *RawRSA) OnDecrypt(ctx context.Context, m *DecryptionMaterials, keys []EncryptedDataKey) error {
	if k.cfg.Private == nil {
		return fail(ErrNoMatchingKey, "an RSA keyring without private key cannot decrypt")
	}
	return m.unwrapFirst(ctx, keys, func(i int, edk *EncryptedDataKey) ([]byte, error) {
		if !k.matches(edk) {
			return nil, nil
		}
		if len(edk.Ciphertext) != k.cfg.Private.Size() {
			return nil, errUnwrap
		}
		if k.cfg.Padding == PKCS1v15 {
			m.tentative = i + 1
			return k.unwrapPKCS1(edk.Ciphertext, m.Suite.DataKeyLen())
		}
		key, err := rsa.DecryptOAEP(k.cfg.Padding.hash(), nil, k.cfg.Private, edk.Ciphertext, nil)
		if err != nil {
			return nil, errUnwrap
		}
		return key, nil
	})
}

// matches holds both names to be exactly the keyring's.
func (k *RawRSA) matches(edk *EncryptedDataKey) bool {
	return edk.ProviderID == k.cfg.Namespace && string(edk.ProviderInfo) == k.cfg.Name
}

// unwrapPKCS1 returns the data key, or a random one when the padding is bad,
// without a way to tell (ENV-72).
func (k *RawRSA) unwrapPKCS1(ciphertext []byte, length int) ([]byte, error) {
	key := make([]byte, length)
	if _, err := rand.Read(key); err != nil {
		return nil, errUnwrap
	}
	//lint:ignore SA1019 the format has this padding; a bad one cannot be told from a wrong key
	if err := rsa.DecryptPKCS1v15SessionKey(nil, k.cfg.Private, ciphertext, key); err != nil {
		clear(key)
		return nil, errUnwrap
	}
	return key, nil
}
