// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/subtle"
	"slices"
)

const kmsRSAProvider = "aws-kms-rsa"

// KMSRSAConfig is what a [KMSRSAKeyring] is made of.
type KMSRSAConfig struct {
	KeyID       string         // ARN of the key, which may be a multi-Region one: what names a replica unwraps too
	Padding     RSAPadding     // OAEPSHA1 or OAEPSHA256, which are KMS's
	Public      *rsa.PublicKey // to encrypt, without any call of KMS: the key's, as its GetPublicKey says
	Client      KMS            // to decrypt: of the key's Region
	GrantTokens []string       // sent with every call
}

// KMSRSAKeyring wraps data keys under the public half of an asymmetric KMS
// key, at hand, and has KMS unwrap them with the private half. Who writes
// messages needs no access to KMS. Since KMS binds no encryption context for
// such keys, a digest of it is wrapped together with the data key.
//
// It takes no suites that sign: anybody with the public key can write a
// message, and its signature would say nothing. It is immutable and safe for
// concurrent use.
//
// https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/use-kms-keyring.html
type KMSRSAKeyring struct{ cfg KMSRSAConfig }

// NewKMSRSA returns the keyring. Public or Client may be missing, not both.
// Errors are [ErrConfig].
func NewKMSRSA(cfg KMSRSAConfig) (*KMSRSAKeyring, error) {
	_, isKey := parseKeyARN(cfg.KeyID)
	switch {
	case !isKey:
		return nil, fail(ErrConfig, "a KMS RSA keyring needs the ARN of a key")
	case cfg.Padding != OAEPSHA1 && cfg.Padding != OAEPSHA256:
		return nil, fail(ErrConfig, "KMS has RSA with OAEP and SHA-1 or SHA-256 only")
	case cfg.Public == nil && cfg.Client == nil:
		return nil, fail(ErrConfig, "a KMS RSA keyring needs a public key or a client")
	case weakRSA(cfg.Public, false):
		return nil, fail(ErrConfig, "an RSA key needs 2048 bits")
	}
	cfg.GrantTokens = slices.Clone(cfg.GrantTokens)
	return &KMSRSAKeyring{cfg}, nil
}

// algorithm is the padding in KMS's words.
func (k *KMSRSAKeyring) algorithm() string {
	if k.cfg.Padding == OAEPSHA1 {
		return "RSAES_OAEP_SHA_1"
	}
	return "RSAES_OAEP_SHA_256"
}

// OnEncrypt implements [Keyring] (ENV-84).
func (k *KMSRSAKeyring) OnEncrypt(_ context.Context, m *EncryptionMaterials) error {
	switch {
	case k.cfg.Public == nil:
		return fail(ErrKeyring, "a KMS RSA keyring without public key cannot encrypt")
	case m.Suite.Signing():
		return fail(ErrKeyring, "a KMS RSA keyring takes no suites that sign")
	}
	return m.wrapWith(func(dataKey []byte) (EncryptedDataKey, error) {
		digest := contextDigest(m.Context)
		secret := append(digest[:], dataKey...)
		defer clear(secret)
		wrapped, err := rsa.EncryptOAEP(k.cfg.Padding.hash(), rand.Reader, k.cfg.Public, secret, nil)
		if err != nil {
			return EncryptedDataKey{}, failCause(ErrKeyring, "RSA", err)
		}
		return EncryptedDataKey{kmsRSAProvider, []byte(k.cfg.KeyID), wrapped}, nil
	})
}

// contextDigest is what binds the context to the wrapped key.
func contextDigest(ec EncryptionContext) [sha512.Size384]byte {
	return sha512.Sum384(appendContext(nil, ec, nil))
}

// OnDecrypt implements [Keyring] (ENV-84).
func (k *KMSRSAKeyring) OnDecrypt(ctx context.Context, m *DecryptionMaterials, keys []EncryptedDataKey) error {
	switch {
	case k.cfg.Client == nil:
		return fail(ErrNoMatchingKey, "a KMS RSA keyring without client cannot decrypt")
	case m.Suite.Signing():
		return fail(ErrNoMatchingKey, "a KMS RSA keyring takes no suites that sign")
	}
	if err := checkInfos(keys, kmsRSAProvider); err != nil {
		return err
	}
	var other error // another context was wrapped: the message is not to be tried further
	err := m.unwrapFirst(ctx, keys, func(_ int, edk *EncryptedDataKey) ([]byte, error) {
		if other != nil || edk.ProviderID != kmsRSAProvider || !mrkMatch(string(edk.ProviderInfo), k.cfg.KeyID) {
			return nil, nil
		}
		secret, err := callDecrypt(ctx, k.cfg.Client, &KMSRequest{
			KeyID: k.cfg.KeyID, GrantTokens: k.cfg.GrantTokens, CiphertextBlob: edk.Ciphertext, EncryptionAlgorithm: k.algorithm(),
		})
		if err != nil {
			return nil, err
		}
		digest := contextDigest(m.Context)
		if len(secret) < len(digest) || subtle.ConstantTimeCompare(secret[:len(digest)], digest[:]) != 1 {
			clear(secret)
			other = fail(ErrNoMatchingKey, "the key was wrapped with another encryption context")
			return nil, nil
		}
		return secret[len(digest):], nil
	})
	if other != nil {
		return other
	}
	return err
}
