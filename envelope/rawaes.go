// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"context"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
)

// RawAES is a keyring over an AES key that the caller keeps. It wraps with
// AES-GCM under a random IV and binds the encryption context. One wrapping key
// serves at most 2^32 messages. It is immutable and safe for concurrent use.
//
// https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/use-raw-aes-keyring.html
type RawAES struct {
	namespace, name string
	info            []byte // name, tag bits, IV length: what a key info starts with
	aead            cipher.AEAD
}

// rawAESInfo is what the key info has besides the name.
const rawAESInfo = 4 + 4 + ivLen

// NewRawAES returns the keyring. Namespace and name tell the wrapping key from
// others and stand in every message; the key is 16, 24 or 32 bytes and is
// copied.
func NewRawAES(namespace, name string, wrappingKey []byte) (*RawAES, error) {
	if err := checkNamespace(namespace, name); err != nil {
		return nil, err
	}
	switch len(wrappingKey) {
	case 16, 24, 32:
	default:
		return nil, fail(ErrConfig, "an AES wrapping key has 16, 24 or 32 bytes")
	}
	aead, err := newGCM(wrappingKey)
	if err != nil {
		return nil, err
	}
	info := append([]byte(name), 0, 0, 0, tagLen*8, 0, 0, 0, ivLen)
	return &RawAES{namespace: namespace, name: name, info: info, aead: aead}, nil
}

// OnEncrypt implements [Keyring] (ENV-67).
func (k *RawAES) OnEncrypt(_ context.Context, m *EncryptionMaterials) error {
	return m.wrapWith(func(dataKey []byte) (EncryptedDataKey, error) {
		// One block of memory holds the key info and the wrapped key.
		n := len(k.info) + ivLen
		block := take(&m.room, n+len(dataKey)+tagLen)[:n]
		copy(block, k.info)
		iv := block[len(k.info):]
		if _, err := rand.Read(iv); err != nil {
			return EncryptedDataKey{}, failCause(ErrKeyring, "no randomness", err)
		}
		all := k.aead.Seal(block, iv, dataKey, appendContext(m.room[:0], m.Context, nil))
		return EncryptedDataKey{k.namespace, all[:len(block):len(block)], all[len(block):]}, nil
	})
}

// OnDecrypt implements [Keyring] (ENV-68).
func (k *RawAES) OnDecrypt(ctx context.Context, m *DecryptionMaterials, keys []EncryptedDataKey) error {
	var aad []byte // made once: a message may have many keys, and a long context
	made := false
	return m.unwrapFirst(ctx, keys, func(_ int, edk *EncryptedDataKey) ([]byte, error) {
		if edk.ProviderID != k.namespace || !k.matches(edk.ProviderInfo) {
			return nil, nil
		}
		if len(edk.Ciphertext) < tagLen {
			return nil, errUnwrap
		}
		if !made {
			aad, made = appendContext(m.room[:0], m.Context, nil), true
			if len(aad) <= len(m.room) {
				m.room = m.room[len(aad):] // it is in there
			}
		}
		room := m.room
		key := take(&room, len(edk.Ciphertext)-tagLen)[:0]
		key, err := k.aead.Open(key, edk.ProviderInfo[len(k.info):], edk.Ciphertext, aad)
		if err != nil {
			return nil, errUnwrap
		}
		m.room = room
		return key, nil
	})
}

// matches holds name, tag length and IV length to be exactly the keyring's.
func (k *RawAES) matches(info []byte) bool {
	return len(info) == len(k.name)+rawAESInfo && bytes.HasPrefix(info, k.info)
}

// rawAESName takes a key info apart for Inspect; ok is false when it is none.
func rawAESName(info []byte) (name string, iv []byte, ok bool) {
	n := len(info) - rawAESInfo
	if n <= 0 || binary.BigEndian.Uint32(info[n:]) != tagLen*8 || binary.BigEndian.Uint32(info[n+4:]) != ivLen {
		return "", nil, false
	}
	return string(info[:n]), bytes.Clone(info[n+8:]), true
}
