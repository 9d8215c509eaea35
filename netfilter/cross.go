// SPDX-License-Identifier: Apache-2.0

package netfilter

import "math/bits"

// crossForm decides with one load: the class of the address and the class of
// the transport key meet in a table of all combinations.
type crossForm struct {
	line  line // IPv6
	trie  trie // IPv4
	keys  keyTable
	width int // key classes
	// cells holds rank+1 for class*width+key class; 0 is no rule.
	cells []uint16
}

// maxCellRank is the highest rank a cell can hold.
const maxCellRank = 1<<16 - 2

// maxKeyClasses keeps key classes and the pages of their table within 16 bits.
const maxKeyClasses = 1 << 15

// newCross builds the cross form unless its table and its indexes could take
// more than limit bytes, or a rank does not fit a cell; then it returns nil.
// Everything is counted before it is allocated.
func newCross(s *space, bundles [][]ranked, ranks, limit int) *crossForm {
	used := s.usedBundles(bundles)
	cuts := cutKeys(used...)
	if ranks > maxCellRank || len(cuts) > maxKeyClasses || limit < crossCost(s, len(cuts)) {
		return nil
	}
	f := &crossForm{width: len(cuts), cells: make([]uint16, len(s.classes)*len(cuts))}
	for c, cl := range s.classes {
		row := f.cells[c*f.width:][:f.width]
		if cl.parent >= 0 {
			copy(row, f.cells[int(cl.parent)*f.width:][:f.width])
		}
		for _, b := range cl.bundles {
			lower(row, cuts, bundles[b])
		}
	}
	f.keys = newKeyTable(cuts)
	if s.v6 {
		f.line = newLine(s)
	} else {
		f.trie = newTrie(s)
	}
	return f
}

// lower puts the ranks of the list into the cells they improve.
func lower(row []uint16, cuts []uint32, list []ranked) {
	for _, r := range list {
		cell := uint16(r.rank + 1)
		i := cutIndex(cuts, r.lo)
		for ; i < len(cuts) && cuts[i] <= r.hi; i++ {
			if row[i] == 0 || row[i] > cell {
				row[i] = cell
			}
		}
	}
}

// crossCost bounds the bytes of the cross form from above.
func crossCost(s *space, keyClasses int) int {
	index := 24 * len(s.starts)
	if !s.v6 {
		index = trieCost(len(s.starts))
	}
	return 2*len(s.classes)*keyClasses + index + keyTableCost(keyClasses)
}

// usedBundles returns the bundles of this family.
func (s *space) usedBundles(bundles [][]ranked) [][]ranked {
	seen := make([]bool, len(bundles))
	var used [][]ranked
	for _, c := range s.classes {
		for _, b := range c.bundles {
			if !seen[b] {
				seen[b] = true
				used = append(used, bundles[b])
			}
		}
	}
	return used
}

func (f *crossForm) rank4(addr, key uint32) int32 {
	return int32(f.cells[int(f.trie.class(addr))*f.width+int(f.keys.class(key))]) - 1
}

func (f *crossForm) rank6(w wide, key uint32) int32 {
	return int32(f.cells[int(f.line.class6(w))*f.width+int(f.keys.class(key))]) - 1
}

func (f *crossForm) size() int {
	return f.line.size() + f.trie.size() + f.keys.size() + 2*len(f.cells)
}

// keyTable finds the class of a transport key: the range of cuts it lies in.
// A protocol without keys of its own in the rules has one page entry.
type keyTable struct {
	// page leads, for the protocol and the upper byte of its key, to 256 classes
	// in classes. Equal pages are one.
	page    [256]uint16 // by protocol: index of its 256 entries in pages
	pages   []uint16
	classes []uint16
}

// keyTableCost bounds the table: pages differ at the cuts only.
func keyTableCost(cuts int) int {
	protocols := min(256, cuts+1) + 1
	return 512 + 512*protocols + 512*(min(cuts, 65536)+protocols)
}

func newKeyTable(cuts []uint32) keyTable {
	var t keyTable
	b := keyTableBuilder{table: &t, cuts: cuts, leaves: map[[256]uint16]uint16{}, tops: map[[256]uint16]uint16{}}
	for p := range uint32(256) {
		t.page[p] = b.top(p << 16)
	}
	return t
}

type keyTableBuilder struct {
	table  *keyTable
	cuts   []uint32
	i      int // the range that holds the last key seen
	leaves map[[256]uint16]uint16
	tops   map[[256]uint16]uint16
}

// at returns the class of key. Requires keys in ascending order.
func (b *keyTableBuilder) at(key uint32) uint16 {
	for b.i+1 < len(b.cuts) && b.cuts[b.i+1] <= key {
		b.i++
	}
	return uint16(b.i)
}

// uniform reports whether all keys from first to last are of one class.
func (b *keyTableBuilder) uniform(first, last uint32) bool {
	b.at(first)
	return b.i+1 == len(b.cuts) || b.cuts[b.i+1] > last
}

func (b *keyTableBuilder) top(base uint32) uint16 {
	var entries [256]uint16
	if b.uniform(base, base|0xffff) {
		leaf := b.leaf(base)
		for i := range entries {
			entries[i] = leaf
		}
	} else {
		for i := range entries {
			entries[i] = b.leaf(base | uint32(i)<<8)
		}
	}
	id, ok := b.tops[entries]
	if !ok {
		id = uint16(len(b.table.pages) >> 8)
		b.tops[entries] = id
		b.table.pages = append(b.table.pages, entries[:]...)
	}
	return id
}

func (b *keyTableBuilder) leaf(base uint32) uint16 {
	var entries [256]uint16
	first := b.at(base)
	same := b.uniform(base, base|0xff)
	for i := range entries {
		entries[i] = first
		if !same {
			entries[i] = b.at(base | uint32(i))
		}
	}
	id, ok := b.leaves[entries]
	if !ok {
		id = uint16(len(b.table.classes) >> 8)
		b.leaves[entries] = id
		b.table.classes = append(b.table.classes, entries[:]...)
	}
	return id
}

func (t *keyTable) class(key uint32) uint16 {
	leaf := t.pages[uint32(t.page[key>>16&0xff])<<8|key>>8&0xff]
	return t.classes[uint32(leaf)<<8|key&0xff]
}

func (t *keyTable) size() int { return 512 + 2*len(t.pages) + 2*len(t.classes) }

// trie finds the class of an IPv4 address: the upper 16 bits index the root,
// and two levels of 8 bits below it store only where the class changes. A
// table of 256 entries a node would save one load, but takes ten times the
// memory, and misses the cache where a bitmap does not.
type trie struct {
	root   []uint32 // nil when there is one class
	nodes  []trieNode
	values []uint32
}

// trieNode marks, for the 256 values of a byte, where a new value begins, and
// holds where the values of each quarter begin in values.
type trieNode struct {
	begins [4]uint64
	base   [4]uint32
}

// inner marks a value that is the index of a node, not a class.
const inner = 1 << 31

// trieCost bounds the trie over n intervals: each start splits at most one
// node of each level.
func trieCost(n int) int {
	if n == 1 {
		return 0
	}
	nodes := min(n, 1<<16) + min(n, 1<<24)
	return 4<<16 + nodes*(48+4) + 2*4*n
}

func newTrie(s *space) trie {
	var t trie
	if len(s.starts) == 1 {
		return t
	}
	b := trieBuilder{trie: &t, space: s}
	t.root = make([]uint32, 1<<16)
	for i := range t.root {
		t.root[i] = b.entry(uint64(i)<<16, 16)
	}
	return t
}

type trieBuilder struct {
	trie  *trie
	space *space
	i     int // the interval that holds the last address seen
}

// entry returns the value of the block of 2^width addresses at addr. Requires
// blocks in ascending order.
func (b *trieBuilder) entry(addr uint64, width int) uint32 {
	starts := b.space.starts
	for b.i+1 < len(starts) && starts[b.i+1].hi>>32 <= addr {
		b.i++
	}
	if b.i+1 == len(starts) || starts[b.i+1].hi>>32 >= addr+1<<width {
		return uint32(b.space.at[b.i])
	}
	return inner | b.node(addr, width-8)
}

// node adds the node whose children are blocks of 2^width addresses from addr.
func (b *trieBuilder) node(addr uint64, width int) uint32 {
	id := uint32(len(b.trie.nodes))
	b.trie.nodes = append(b.trie.nodes, trieNode{})
	var n trieNode
	var values []uint32
	for i := range uint64(256) {
		v := b.entry(addr+i<<width, width)
		if i&63 == 0 {
			n.base[i>>6] = uint32(len(values))
		}
		if len(values) == 0 || i&63 == 0 || v != values[len(values)-1] {
			values = append(values, v)
			n.begins[i>>6] |= 1 << (i & 63)
		}
	}
	for i := range n.base {
		// class counts the values that begin at or before the byte, from 1.
		n.base[i] += uint32(len(b.trie.values)) - 1
	}
	b.trie.values = append(b.trie.values, values...)
	b.trie.nodes[id] = n
	return id
}

func (t *trie) class(addr uint32) uint32 {
	if t.root == nil {
		return 0
	}
	v := t.root[addr>>16]
	if v < inner {
		return v
	}
	if v = t.child(v, addr>>8); v < inner {
		return v
	}
	return t.child(v, addr)
}

func (t *trie) child(v, octet uint32) uint32 {
	n := &t.nodes[v&^inner]
	quarter := octet >> 6 & 3
	return t.values[n.base[quarter]+uint32(bits.OnesCount64(n.begins[quarter]<<(63-octet&63)))]
}

func (t *trie) size() int { return 4*len(t.root) + 48*len(t.nodes) + 4*len(t.values) }
