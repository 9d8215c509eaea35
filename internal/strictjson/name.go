// SPDX-License-Identifier: Apache-2.0

package strictjson

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
)

// nameTable holds the names of the members of all open objects, innermost
// last: for refusing the second of a kind, and for paths.
type nameTable struct {
	refs  []nameRef
	arena []byte // the names, decoded, one behind the other
	index map[int]map[uint64]int
	seed  maphash.Seed
}

type nameRef struct {
	begin int // in the arena; the name ends where the next one begins
	end   int
	hash  uint32
}

// linear is the number of members up to which an object's names are compared
// one by one; beyond it they are found through a seeded hash, so that no
// document makes the comparison quadratic.
const linear = 32

func (t *nameTable) reset() {
	t.refs, t.arena = t.refs[:0], t.arena[:0]
	clear(t.index)
}

// add enters a name of the object f and reports false when it is there already.
func (t *nameTable) add(f *frame, name []byte) bool {
	h := hash(name)
	begin := len(t.arena)
	own := t.refs[f.first:]
	if len(own) >= linear {
		if !t.unique(f, name) {
			return false
		}
	} else if bit := uint64(1) << (h & 63); f.bloom&bit == 0 {
		f.bloom |= bit
	} else if t.among(own, name, h) {
		return false
	}
	t.arena = append(t.arena, name...)
	t.refs = append(t.refs, nameRef{begin: begin, end: len(t.arena), hash: h})
	return true
}

func (t *nameTable) among(refs []nameRef, name []byte, h uint32) bool {
	for i := range refs {
		r := &refs[i]
		if r.hash == h && r.end-r.begin == len(name) && bytes.Equal(t.arena[r.begin:r.end], name) {
			return true
		}
	}
	return false
}

// unique looks the name up in the object's index, made when it is first asked
// for, and enters it.
func (t *nameTable) unique(f *frame, name []byte) bool {
	index := t.index[f.first]
	if index == nil {
		if t.index == nil {
			t.index, t.seed = make(map[int]map[uint64]int), maphash.MakeSeed()
		}
		index = make(map[uint64]int, 2*linear)
		for i := f.first; i < len(t.refs); i++ {
			index[maphash.Bytes(t.seed, t.name(i))] = i
		}
		t.index[f.first] = index
	}
	h := maphash.Bytes(t.seed, name)
	at, met := index[h]
	if !met {
		index[h] = len(t.refs)
		return true
	}
	if bytes.Equal(t.name(at), name) {
		return false
	}
	// Two names with one 64-bit hash: compare with all.
	return !t.among(t.refs[f.first:], name, hash(name))
}

func (t *nameTable) name(i int) []byte { return t.arena[t.refs[i].begin:t.refs[i].end] }

// drop forgets the names of an object that is closed.
func (t *nameTable) drop(f *frame) {
	if len(t.refs)-f.first > linear {
		delete(t.index, f.first)
	}
	t.refs, t.arena = t.refs[:f.first], t.arena[:f.arena]
}

// hash is a cheap digest of a name: its length and its first and last eight
// bytes. Only the index, which has a good one, has to withstand collisions.
func hash(name []byte) uint32 {
	var a, b uint64
	switch n := len(name); {
	case n >= 8:
		a = binary.LittleEndian.Uint64(name)
		b = binary.LittleEndian.Uint64(name[n-8:])
	case n >= 4:
		a = uint64(binary.LittleEndian.Uint32(name))
		b = uint64(binary.LittleEndian.Uint32(name[n-4:]))
	case n > 0:
		a = uint64(name[0])<<16 | uint64(name[n/2])<<8 | uint64(name[n-1])
	}
	x := (a ^ b<<1 ^ b>>31 ^ uint64(len(name))) * 0x9e3779b97f4a7c15
	return uint32(x >> 32)
}
