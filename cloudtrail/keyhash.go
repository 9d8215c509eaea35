// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"hash/maphash"
	"strings"
)

// keyHash stands for the location of an object.
type keyHash [3]uint32

// keyHashes is a set of object locations that holds 16 bytes for each. The
// hash is keyed with randomness of the process, so that nobody can make a name
// that is taken for another.
type keyHashes struct {
	seeds [2]maphash.Seed
	sums  map[keyHash]uint32
}

func newKeyHashes() *keyHashes {
	return &keyHashes{[2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, map[keyHash]uint32{}}
}

func (k *keyHashes) hash(bucket, key string) keyHash {
	var h [2]uint64
	for i, seed := range k.seeds {
		var m maphash.Hash
		m.SetSeed(seed)
		_, _ = m.WriteString(bucket) // it cannot fail
		_ = m.WriteByte(0)
		_, _ = m.WriteString(key)
		h[i] = m.Sum64()
	}
	return keyHash{uint32(h[0] >> 32), uint32(h[0]), uint32(h[1])}
}

// add enters an object.
func (k *keyHashes) add(bucket, key string) {
	h := k.hash(bucket, key)
	k.sums[h] |= 0
}

// take enters an object that is to have a hash, and reports whether it has not
// been taken with that hash before.
//
// Of the hash 31 bits are kept, keyed too. Two that are taken for one leave a
// statement unchecked only where two digests, both signed, contradict each other
// about one object, and its bytes agree with the first: whoever can sign that
// needs no collision, and nobody can look for one.
func (k *keyHashes) take(bucket, key, sum string) bool {
	h := k.hash(bucket, key)
	want := uint32(maphash.String(k.seeds[0], strings.ToLower(sum))) | 1 // 0 is one that was only added
	first := k.sums[h] != want
	k.sums[h] = want
	return first
}

func (k *keyHashes) has(bucket, key string) bool {
	_, found := k.sums[k.hash(bucket, key)]
	return found
}
