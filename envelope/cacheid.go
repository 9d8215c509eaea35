// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"crypto/sha512"
	"encoding/binary"
	"slices"
)

// cacheID names what an entry may be used for. The sum is that of AWS's
// caching materials manager, over fields that it joins with zero bytes: the
// length of the last, the context, makes them one reading (the other fields
// have a length of their own, or hold no zero byte).
type cacheID struct {
	sum     [sha512.Size384]byte
	context uint32 // bytes of the serialized context
}

const (
	cacheEncrypt = 1
	cacheDecrypt = 2
)

// encryptID is the id of materials to encrypt with (ENV-58).
func encryptID(partition string, r *EncryptionRequest) cacheID {
	var room [512]byte
	b := append(room[:0], 1, 0, cacheEncrypt, 0)
	b = append(b, partition...)
	b = append(b, 0, 1, 0, byte(r.Suite>>8), byte(r.Suite), 0)
	fixed := len(b)
	b = appendContext(b, r.Context, nil)
	return newCacheID(b, len(b)-fixed, r.Commitment, r.RequiredKeys, nil)
}

// decryptID is the id of materials to decrypt with.
func decryptID(partition string, r *DecryptionRequest) cacheID {
	var room [1024]byte
	b := append(room[:0], 1, 0, cacheDecrypt, 0)
	b = append(b, partition...)
	b = append(b, 0, byte(r.Suite>>8), byte(r.Suite), 0)
	b = appendSorted(b, r.EncryptedDataKeys)
	b = append(b, 0)
	fixed := len(b)
	b = appendContext(b, r.Context, nil)
	return newCacheID(b, len(b)-fixed, r.Commitment, nil, r.Reproduced)
}

// newCacheID is ENV-59: the published id says nothing of policy, required keys
// and reproduced context, so where these are not the default they go into
// another one.
func newCacheID(published []byte, context int, p CommitmentPolicy, required []string, reproduced EncryptionContext) cacheID {
	id := cacheID{sha512.Sum384(published), uint32(context)}
	if p == RequireEncryptRequireDecrypt && len(required) == 0 && len(reproduced) == 0 {
		return id
	}
	var room [512]byte
	b := append(room[:0], 0xff)
	b = append(b, id.sum[:]...)
	b = append(b, byte(p))
	b = binary.BigEndian.AppendUint16(b, uint16(len(required)))
	for _, k := range slices.Sorted(slices.Values(required)) {
		b = appendField(b, k)
	}
	b = appendContext(b, reproduced, nil)
	id.sum = sha512.Sum384(b)
	return id
}

// appendSorted appends the serialized keys in the order of their bytes.
func appendSorted(dst []byte, keys []EncryptedDataKey) []byte {
	if len(keys) == 1 { // as nearly always
		return appendKey(dst, &keys[0])
	}
	all := make([][]byte, len(keys))
	for i := range keys {
		all[i] = appendKey(nil, &keys[i])
	}
	slices.SortFunc(all, bytes.Compare)
	return append(dst, bytes.Join(all, nil)...)
}

// appendKey appends the serialization of an encrypted data key (ENV-20).
func appendKey(dst []byte, k *EncryptedDataKey) []byte {
	dst = appendField(dst, k.ProviderID)
	dst = appendField(dst, k.ProviderInfo)
	return appendField(dst, k.Ciphertext)
}

// cacheable reports whether the request can be serialized: what cannot is no
// message's.
func (r *EncryptionRequest) cacheable() bool {
	if len(r.RequiredKeys) > maxField {
		return false
	}
	for _, k := range r.RequiredKeys {
		if len(k) > maxField {
			return false
		}
	}
	return r.Context.check(maxField) == nil
}

func (r *DecryptionRequest) cacheable() bool {
	for i := range r.EncryptedDataKeys {
		k := &r.EncryptedDataKeys[i]
		if max(len(k.ProviderID), len(k.ProviderInfo), len(k.Ciphertext)) > maxField {
			return false
		}
	}
	return r.Context.check(maxField) == nil && r.Reproduced.check(maxField) == nil
}
