// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"testing"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/stretchr/testify/require"
)

// rsaWorld is a KMS with an RSA key in two Regions.
type rsaWorld struct {
	kms  *testkit.KMS
	key  *rsa.PrivateKey
	arns []string
}

func newRSAWorld(t testing.TB) *rsaWorld {
	t.Helper()
	w := &rsaWorld{kms: testkit.NewKMS(), key: must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 2048))}
	w.arns = w.kms.AddRSA(w.key, testAccount, "eu-west-1", "us-east-1")
	return w
}

func (w *rsaWorld) ring(t testing.TB, replica int, edit ...func(*KMSRSAConfig)) *KMSRSAKeyring {
	t.Helper()
	cfg := KMSRSAConfig{
		KeyID: w.arns[replica], Padding: OAEPSHA256, Public: &w.key.PublicKey, GrantTokens: []string{"grant"},
		Client: regionalKMS{w.kms, []string{"eu-west-1", "us-east-1"}[replica]},
	}
	for _, f := range edit {
		f(&cfg)
	}
	return must[*KMSRSAKeyring](t)(NewKMSRSA(cfg))
}

// ENV-84: what is written without KMS opens with it, by every replica, with
// the same encryption context alone.
func TestKMSRSA(t *testing.T) {
	w := newRSAWorld(t)
	ec := EncryptionContext{"tenant": "7"}
	for _, padding := range []RSAPadding{OAEPSHA1, OAEPSHA256} {
		pad := func(c *KMSRSAConfig) { c.Padding = padding }
		offline := w.ring(t, 0, pad, func(c *KMSRSAConfig) { c.Client = nil })
		message := must[[]byte](t)(clientOf(t, offline).Encrypt(t.Context(), nil, pattern(100), ec))
		require.Empty(t, w.kms.Calls())
		for replica := range 2 {
			reader := w.ring(t, replica, pad, func(c *KMSRSAConfig) { c.Public = nil })
			got, h, err := clientOf(t, reader).Decrypt(t.Context(), nil, message, ec)
			require.NoError(t, err)
			require.Equal(t, pattern(100), got)
			require.Equal(t, "aws-kms-rsa", h.EncryptedDataKeys[0].ProviderID)
			require.Equal(t, w.arns[0], string(h.EncryptedDataKeys[0].ProviderInfo))
			calls := w.kms.Calls()
			last := calls[len(calls)-1].Request
			require.Equal(t, testkit.KMSRequest{
				KeyID: w.arns[replica], GrantTokens: []string{"grant"}, CiphertextBlob: h.EncryptedDataKeys[0].Ciphertext,
				Algorithm: map[RSAPadding]string{OAEPSHA1: "RSAES_OAEP_SHA_1", OAEPSHA256: "RSAES_OAEP_SHA_256"}[padding],
			}, last)
			_, err = clientOf(t, reader).Encrypt(t.Context(), nil, nil, nil)
			require.ErrorIs(t, err, ErrKeyring)
		}
		_, _, err := clientOf(t, offline).Decrypt(t.Context(), nil, message, ec)
		require.ErrorIs(t, err, ErrNoMatchingKey)
		w.kms = testkit.NewKMS()
		w.arns = w.kms.AddRSA(w.key, testAccount, "eu-west-1", "us-east-1")
	}
}

// What is wrapped is the digest of the serialized context and the data key.
func TestKMSRSAWire(t *testing.T) {
	w := newRSAWorld(t)
	m := &EncryptionMaterials{Suite: Suite0478, Context: EncryptionContext{"a": "b"}, DataKey: counting(1, 32)}
	require.NoError(t, w.ring(t, 0).OnEncrypt(t.Context(), m))
	secret, err := rsa.DecryptOAEP(sha256.New(), nil, w.key, m.EncryptedDataKeys[0].Ciphertext, nil)
	require.NoError(t, err)
	digest := sha512.Sum384([]byte("\x00\x01\x00\x01a\x00\x01b"))
	require.Equal(t, append(digest[:], counting(1, 32)...), secret)
	require.Equal(t, counting(1, 32), m.DataKey)
	m = &EncryptionMaterials{Suite: Suite0178}
	require.NoError(t, w.ring(t, 0).OnEncrypt(t.Context(), m))
	require.Len(t, m.DataKey, 32)
	secret, err = rsa.DecryptOAEP(sha256.New(), nil, w.key, m.EncryptedDataKeys[0].Ciphertext, nil)
	require.NoError(t, err)
	digest = sha512.Sum384(nil)
	require.Equal(t, append(digest[:], m.DataKey...), secret)
}

func TestKMSRSARefuses(t *testing.T) {
	w := newRSAWorld(t)
	ring := w.ring(t, 0)
	wrap := func(secret []byte, info string) EncryptedDataKey {
		blob, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, &w.key.PublicKey, secret, nil)
		require.NoError(t, err)
		return EncryptedDataKey{"aws-kms-rsa", []byte(info), blob}
	}
	ec := EncryptionContext{"a": "b"}
	digest, other := contextDigest(ec), contextDigest(nil)
	key := counting(1, 32)
	good := wrap(append(digest[:], key...), w.arns[0])
	open := func(k Keyring, s Suite, keys ...EncryptedDataKey) ([]byte, error) {
		m := &DecryptionMaterials{Suite: s, Context: ec}
		err := k.OnDecrypt(t.Context(), m, keys)
		if err != nil {
			require.ErrorIs(t, err, ErrNoMatchingKey)
			require.Nil(t, m.DataKey)
		}
		return m.DataKey, err
	}
	got, err := open(ring, Suite0478, wrap(digest[:], w.arns[0]), wrap(append(digest[:], key[:31]...), w.arns[0]), good)
	require.NoError(t, err, "keys of another length are passed over")
	require.Equal(t, key, got)

	foreign := wrap(append(other[:], key...), w.arns[0])
	before := len(w.kms.Calls())
	_, err = open(ring, Suite0478, foreign, good)
	require.ErrorContains(t, err, "another encryption context")
	require.Len(t, w.kms.Calls(), before+1, "the whole call fails")
	_, err = open(ring, Suite0478, wrap(digest[:47], w.arns[0]), good)
	require.ErrorContains(t, err, "another encryption context")

	alias := w.kms.AddAlias("alias/app", w.arns[0])
	for _, info := range []string{"", "key", alias, "arn:aws:kms:eu-west-1:111122223333:key/"} {
		before := len(w.kms.Calls())
		_, err = open(ring, Suite0478, good, wrap(append(digest[:], key...), info))
		require.ErrorContains(t, err, "not the ARN of a key", info)
		require.Len(t, w.kms.Calls(), before)
	}
	_, err = open(ring, Suite0478, EncryptedDataKey{"aws-kms", good.ProviderInfo, good.Ciphertext}, wrap(append(digest[:], key...), w.arns[0]+"0"))
	require.ErrorContains(t, err, "none is this keyring's")
	_, err = open(ring, Suite0578, good)
	require.ErrorContains(t, err, "takes no suites that sign")
	require.ErrorIs(t, ring.OnEncrypt(t.Context(), &EncryptionMaterials{Suite: Suite0578}), ErrKeyring)
	require.ErrorIs(t, ring.OnDecrypt(t.Context(), &DecryptionMaterials{Suite: Suite0478, DataKey: key}, nil), ErrMaterials)
	_, err = open(w.ring(t, 0, func(c *KMSRSAConfig) { c.Padding = OAEPSHA1 }), Suite0478, good)
	require.ErrorContains(t, err, "InvalidCiphertextException")

	w.kms.Fault = func(_ *testkit.KMSCall, r *testkit.KMSResponse) error { r.KeyID = w.arns[1]; return nil }
	_, err = open(ring, Suite0478, good)
	require.ErrorContains(t, err, "another key than it was asked to")
}

func TestKMSRSAConfigurations(t *testing.T) {
	w := newRSAWorld(t)
	weak := must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 1024))
	for name, edit := range map[string]func(*KMSRSAConfig){
		"no key":       func(c *KMSRSAConfig) { c.KeyID = "" },
		"alias":        func(c *KMSRSAConfig) { c.KeyID = "alias/app" },
		"alias ARN":    func(c *KMSRSAConfig) { c.KeyID = "arn:aws:kms:eu-west-1:111122223333:alias/app" },
		"bare id":      func(c *KMSRSAConfig) { c.KeyID = "1234abcd-12ab-34cd-56ef-1234567890ab" },
		"no padding":   func(c *KMSRSAConfig) { c.Padding = 0 },
		"PKCS #1":      func(c *KMSRSAConfig) { c.Padding = PKCS1v15 },
		"SHA-384":      func(c *KMSRSAConfig) { c.Padding = OAEPSHA384 },
		"neither half": func(c *KMSRSAConfig) { c.Public, c.Client = nil, nil },
		"weak":         func(c *KMSRSAConfig) { c.Public = &weak.PublicKey },
	} {
		cfg := KMSRSAConfig{KeyID: w.arns[0], Padding: OAEPSHA256, Public: &w.key.PublicKey, Client: regionalKMS{w.kms, "eu-west-1"}}
		edit(&cfg)
		_, err := NewKMSRSA(cfg)
		require.ErrorIs(t, err, ErrConfig, name)
	}
}

// The two kinds of KMS keyrings go past each other's keys.
func TestKMSRSABesideKMS(t *testing.T) {
	w := newRSAWorld(t)
	plain := must[*KMSKeyring](t)(NewKMS(KMSConfig{Client: regionalKMS{w.kms, "eu-west-1"}, KeyID: w.kms.AddKey("eu-west-1", testAccount)}))
	both := must[*Multi](t)(NewMulti(plain, w.ring(t, 0)))
	message := must[[]byte](t)(clientOf(t, both).Encrypt(t.Context(), nil, pattern(9), nil))
	for _, k := range []Keyring{plain, w.ring(t, 1), both} {
		got, h, err := clientOf(t, k).Decrypt(t.Context(), nil, message, nil)
		require.NoError(t, err)
		require.True(t, bytes.Equal(pattern(9), got))
		require.Len(t, h.EncryptedDataKeys, 2)
	}
}
