// SPDX-License-Identifier: Apache-2.0

package netfilter

import "math/bits"

// finder finds the last of sorted numbers that is at most x, in a few steps
// where the numbers lie evenly, or in evenly filled clusters as address plans
// make them. A node divides the span of its numbers into about twice as many
// buckets of equal width; a bucket with more than a few numbers has a node of
// its own, and from the third level on is searched. For 1,000 IPv6 blocks that
// takes 8 ns where a binary search takes 27.
type finder struct {
	nodes   []finderNode
	buckets []finderBucket
}

type finderNode struct {
	base  uint64 // the first number
	first uint32 // its position
	off   uint32 // the first bucket
	last  uint32 // number of buckets less one
	shift uint8  // log2 of a bucket's width
}

// finderBucket holds n numbers from a position on, or leads to a node.
type finderBucket struct{ first, n uint32 }

const (
	finderLeaf  = 4
	finderDepth = 3
	finderChild = 1 << 31
)

// newFinder indexes the keys. Requires keys sorted and distinct, the first 0.
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
	width := max(3, bits.Len(uint(2*(j-i)))) // log2 of the number of buckets
	n := finderNode{base: keys[i].hi, first: uint32(i), off: uint32(len(f.buckets)), shift: uint8(max(0, bits.Len64(span)-width))}
	n.last = uint32(span >> n.shift)
	id := uint32(len(f.nodes))
	f.nodes = append(f.nodes, n)
	f.buckets = append(f.buckets, make([]finderBucket, n.last+1)...)
	p := i
	for k := range n.last + 1 {
		first := p
		for p < j && (keys[p].hi-n.base)>>n.shift == uint64(k) {
			p++
		}
		b := finderBucket{uint32(first), uint32(p - first)}
		if b.n > finderLeaf && depth < finderDepth {
			b = finderBucket{f.add(keys, first, p, depth+1), finderChild}
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
		switch {
		case b.n == finderChild:
			n = &f.nodes[b.first]
		case b.n > finderLeaf: // the key before the bucket is below x
			return int(b.first) - 1 + floorUpper(keys[b.first-1:b.first+b.n], x)
		default:
			p := int(b.first)
			for end := p + int(b.n); p < end && keys[p].hi <= x; p++ {
			}
			return p - 1
		}
	}
}

func (f *finder) size() int { return 24*len(f.nodes) + 8*len(f.buckets) }
