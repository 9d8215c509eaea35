// SPDX-License-Identifier: Apache-2.0

package netfilter

import "net/netip"

// overlay lays the rules of several sides over one line of addresses and one
// line of transport keys, so that their verdicts can be compared on every
// packet there is: each class of addresses meets each range of keys once.
type overlay struct {
	*space
	cuts    []uint32
	sides   []*side
	bundles []overlayBundle
	kids    [][]int32
}

// overlayBundle holds the ranges of a bundle as inclusive indexes into cuts.
type overlayBundle struct {
	side   int
	ranges []cellRange
}

type cellRange struct{ lo, hi, rank int32 }

func newOverlay(v6 bool, sides ...*side) *overlay {
	return layOver(v6, sides, make([]netip.Addr, len(sides)), disjoint)
}

// layOver is newOverlay for sides some of which see a peer of their own: what
// covers it covers the whole line. ranges says which of a bundle's are laid: those
// of the lowest ranks, or all of them.
func layOver(v6 bool, sides []*side, peers []netip.Addr, ranges func([]ranked) []ranked) *overlay {
	o := &overlay{sides: sides}
	var blocks []block
	var lists [][]ranked
	var owner []int
	for i, s := range sides {
		g := s.ground()
		family := g.blocks[0]
		if v6 {
			family = g.blocks[1]
		}
		if peers[i].IsValid() {
			family = covering(family, wideOf(peers[i]))
		}
		for _, b := range family {
			b.bundle += int32(len(lists))
			blocks = append(blocks, b)
		}
		for _, list := range g.bundles {
			lists, owner = append(lists, list), append(owner, i)
		}
	}
	o.space = newSpace(v6, blocks)
	o.cuts = cutKeys(lists...)
	o.bundles = make([]overlayBundle, len(lists))
	for i, list := range lists {
		list = ranges(list)
		b := overlayBundle{side: owner[i], ranges: make([]cellRange, len(list))}
		for j, r := range list {
			b.ranges[j] = cellRange{int32(cutIndex(o.cuts, r.lo)), int32(cutIndex(o.cuts, r.hi)), r.rank}
		}
		o.bundles[i] = b
	}
	o.kids = make([][]int32, len(o.classes))
	for c, cl := range o.classes {
		if cl.parent >= 0 {
			o.kids[cl.parent] = append(o.kids[cl.parent], int32(c))
		}
	}
	return o
}

// covering returns the bundles whose blocks cover the address, each as a block of
// all addresses.
func covering(family []block, peer wide) []block {
	var out []block
	for _, b := range family {
		if b.addr.compare(peer) <= 0 && peer.compare(b.addr.last(int(b.bits))) <= 0 {
			out = append(out, block{bundle: b.bundle})
		}
	}
	return out
}

// visitor sees the classes of an overlay from the root down. Between enter and
// leave of a class come its children.
type visitor interface {
	// enter adds the rules of a class to those of its parent, and is told whether
	// any address is of exactly this class.
	enter(o *overlay, c int32)
	leave()
}

func (o *overlay) walk(v visitor) { o.descend(0, v) }

// descend nests as deep as blocks do: at most 129 levels.
func (o *overlay) descend(c int32, v visitor) {
	v.enter(o, c)
	for _, kid := range o.kids[c] {
		o.descend(kid, v)
	}
	v.leave()
}

// lastKey is the last transport key of range i.
func (o *overlay) lastKey(i int) uint32 {
	if i+1 < len(o.cuts) {
		return o.cuts[i+1] - 1
	}
	return maxKey
}

// firstOf returns the lowest address of each class.
func (o *overlay) firstOf() []wide {
	first := make([]wide, len(o.classes))
	for i := len(o.at) - 1; i >= 0; i-- {
		first[o.at[i]] = o.starts[i]
	}
	return first
}

// packet builds the packet with the peer address and the key. The other address
// is the unspecified one: no rule looks at it.
func (o *overlay) packet(d Direction, peer wide, key uint32) Packet {
	var p Packet
	p.setL4(key)
	p.Src, p.Dst = peer.addr(o.v6), wide{}.addr(o.v6)
	if d == Egress {
		p.Src, p.Dst = p.Dst, p.Src
	}
	return p
}

// effectRows keeps, for each side, the effect on every range of keys at the
// class being visited, and calls at for each class that has addresses.
type effectRows struct {
	ranks   [][]int32
	effects [][]byte
	log     []cellUndo
	marks   []int
	at      func(c int32)
}

type cellUndo struct {
	side, cell int32
	rank       int32
	effect     byte
}

func newEffectRows(o *overlay, at func(c int32)) *effectRows {
	r := &effectRows{at: at}
	for range o.sides {
		ranks := make([]int32, len(o.cuts))
		for i := range ranks {
			ranks[i] = none
		}
		r.ranks, r.effects = append(r.ranks, ranks), append(r.effects, make([]byte, len(o.cuts)))
	}
	return r
}

func (r *effectRows) enter(o *overlay, c int32) {
	r.marks = append(r.marks, len(r.log))
	for _, b := range o.classes[c].bundles {
		bundle := &o.bundles[b]
		ranks, effects, outcome := r.ranks[bundle.side], r.effects[bundle.side], o.sides[bundle.side].outcomes
		for _, span := range bundle.ranges {
			for i := span.lo; i <= span.hi; i++ {
				if ranks[i] > span.rank {
					r.log = append(r.log, cellUndo{int32(bundle.side), i, ranks[i], effects[i]})
					ranks[i], effects[i] = span.rank, byte(outcome[span.rank+1].effect())
				}
			}
		}
	}
	if o.classes[c].owned {
		r.at(c)
	}
}

func (r *effectRows) leave() {
	mark := r.marks[len(r.marks)-1]
	r.marks = r.marks[:len(r.marks)-1]
	for i := len(r.log) - 1; i >= mark; i-- {
		u := r.log[i]
		r.ranks[u.side][u.cell], r.effects[u.side][u.cell] = u.rank, u.effect
	}
	r.log = r.log[:mark]
}
