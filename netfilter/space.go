// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// A space is the address line of one family cut by the blocks of a rule set,
// the ground on which policies are compiled, compared and linted.
//
// Rules with the same peer form a bundle: expanding a group reference to its
// members costs one block a member, however many rules name the group. Blocks
// are nested or disjoint, so the bundles that cover an address are those on a
// path of a tree. A class stands for one such path: addresses of one class see
// the same rules. Classes are interned, so their number follows the distinct
// sets of rules, not the number of addresses. A parent's index is lower than
// its children's; class 0 is the root.
type space struct {
	v6      bool
	classes []class
	// starts and at say which class each interval of the line has, from its
	// first address to the next start. starts[0] is address 0.
	starts []wide
	at     []int32
}

// class is the set of rules that addresses see: its parent's and its bundles'.
type class struct {
	parent  int32 // -1 for the root
	bundles []int32
	// owned says that some address is of exactly this class.
	owned bool
}

// block is a CIDR block of one bundle.
type block struct {
	addr   wide
	bits   uint8
	bundle int32
}

// newSpace cuts the line of one family. It sorts blocks.
func newSpace(v6 bool, blocks []block) *space {
	slices.SortFunc(blocks, func(a, b block) int {
		if c := a.addr.compare(b.addr); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(a.bits, b.bits), cmp.Compare(a.bundle, b.bundle))
	})
	blocks = slices.Compact(blocks)
	b := spaceBuilder{space: &space{v6: v6}, index: map[string]int32{}}
	i := len(takeBlock(blocks, wide{}, 0))
	b.push(blocks[:i], wide{}, 0)
	for i < len(blocks) {
		first := blocks[i]
		same := takeBlock(blocks[i:], first.addr, first.bits)
		b.closeBefore(first.addr)
		b.push(same, first.addr, first.bits)
		i += len(same)
	}
	b.closeBefore(maxWide)
	for _, c := range b.space.at {
		b.space.classes[c].owned = true
	}
	return b.space
}

// takeBlock returns the leading blocks that are exactly addr/bits.
func takeBlock(blocks []block, addr wide, bits uint8) []block {
	n := 0
	for n < len(blocks) && blocks[n].addr == addr && blocks[n].bits == bits {
		n++
	}
	return blocks[:n]
}

type spaceBuilder struct {
	space *space
	stack []openBlock
	index map[string]int32
	key   []byte
}

type openBlock struct {
	last  wide
	class int32
}

// push opens a block inside the innermost open one and starts an interval.
func (b *spaceBuilder) push(same []block, addr wide, bits uint8) {
	parent := int32(-1)
	if len(b.stack) > 0 {
		parent = b.stack[len(b.stack)-1].class
	}
	c := b.class(parent, same)
	b.stack = append(b.stack, openBlock{addr.last(int(bits)), c})
	b.start(addr, c)
}

// class interns the class of the parent with these bundles.
func (b *spaceBuilder) class(parent int32, same []block) int32 {
	b.key = binary.LittleEndian.AppendUint32(b.key[:0], uint32(parent))
	for _, s := range same {
		b.key = binary.LittleEndian.AppendUint32(b.key, uint32(s.bundle))
	}
	if c, ok := b.index[string(b.key)]; ok {
		return c
	}
	c := int32(len(b.space.classes))
	bundles := make([]int32, len(same))
	for i, s := range same {
		bundles[i] = s.bundle
	}
	b.space.classes = append(b.space.classes, class{parent: parent, bundles: bundles})
	b.index[string(b.key)] = c
	return c
}

// closeBefore closes the blocks that end before addr.
func (b *spaceBuilder) closeBefore(addr wide) {
	for len(b.stack) > 1 && b.stack[len(b.stack)-1].last.compare(addr) < 0 {
		ended := b.stack[len(b.stack)-1].last
		b.stack = b.stack[:len(b.stack)-1]
		after, _ := ended.next()
		b.start(after, b.stack[len(b.stack)-1].class)
	}
}

// start begins an interval, in place of one that would be empty, joined to one
// that would be equal.
func (b *spaceBuilder) start(addr wide, c int32) {
	s := b.space
	n := len(s.starts)
	if n > 0 && s.starts[n-1] == addr {
		s.starts, s.at = s.starts[:n-1], s.at[:n-1]
		n--
	}
	if n > 0 && s.at[n-1] == c {
		return
	}
	s.starts, s.at = append(s.starts, addr), append(s.at, c)
}

// end returns the last address of interval i.
func (s *space) end(i int) wide {
	if i+1 < len(s.starts) {
		return s.starts[i+1].prev()
	}
	return maxWide
}
