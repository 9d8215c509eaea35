// SPDX-License-Identifier: Apache-2.0

package netfilter

import "net/netip"

// need says what a rule is for, over all packets.
type need struct {
	// sole is a packet whose verdict changes without the rule, nil for none.
	sole *Packet
	// decides says that the rule is the deciding one for some packet.
	decides bool
	// overruled is a packet that the rule matches and that a rule before it
	// decides the other way, by rank overruler.
	overruled *Packet
	overruler int32
}

// needRows keeps for each range of keys the two lowest ranks that match.
type needRows struct {
	o             *overlay
	d             Direction
	first, second []int32
	log           []rankUndo
	marks, opened []int
	open          []cellRange // ranges of the rules that match at the class
	possible      int32       // ranks from here on may match, those below surely do
	sole          map[*peerSet]soleRanks
	lowest        []wide
	needs         []need
	acl           bool
}

type rankUndo struct{ cell, first, second int32 }

// needsOf visits every packet of one family and notes what each rank is for.
func needsOf(s *side, d Direction, v6, acl bool, needs []need) {
	all := func(list []ranked) []ranked { return list } // the second lowest rank counts too
	o := layOver(v6, []*side{s}, make([]netip.Addr, 1), all)
	n := &needRows{o: o, d: d, first: fill(len(o.cuts)), second: fill(len(o.cuts)), lowest: o.firstOf(), needs: needs, acl: acl}
	for n.possible < int32(s.ranks()) && !s.at(n.possible).possible() {
		n.possible++
	}
	n.sole = solePossible(s, n.possible)
	o.walk(n)
}

func fill(n int) []int32 {
	s := make([]int32, n)
	for i := range s {
		s[i] = none
	}
	return s
}

// soleRanks says on which ranges of keys one rule alone of an unknown peer lies:
// its rank, else none. The ranges are those of this peer's rules, since every
// other rule would cut them further.
type soleRanks struct {
	cuts  []uint32
	ranks []int32
}

// solePossible gathers the rules of each unknown peer.
func solePossible(s *side, from int32) map[*peerSet]soleRanks {
	lists := map[*peerSet][]ranked{}
	for rank := from; rank < int32(s.ranks()); rank++ {
		r := s.at(rank)
		for _, span := range r.transport.spans(nil) {
			lists[r.set] = append(lists[r.set], ranked{span, rank})
		}
	}
	sole := map[*peerSet]soleRanks{}
	for set, list := range lists {
		one := soleRanks{cuts: cutKeys(list)}
		one.ranks = paint(one.cuts, list)
		for i := range list {
			list[i].rank = -list[i].rank // so that the highest rank is the lowest
		}
		for i, highest := range paint(one.cuts, list) {
			if one.ranks[i] != -highest {
				one.ranks[i] = none
			}
		}
		sole[set] = one
	}
	return sole
}

func (n *needRows) enter(o *overlay, c int32) {
	n.marks, n.opened = append(n.marks, len(n.log)), append(n.opened, len(n.open))
	for _, b := range o.classes[c].bundles {
		for _, span := range o.bundles[b].ranges {
			n.open = append(n.open, span)
			for i := span.lo; i <= span.hi; i++ {
				n.lower(i, span.rank)
			}
		}
	}
	if o.classes[c].owned {
		n.note(c)
	}
}

func (n *needRows) lower(cell, rank int32) {
	first, second := n.first[cell], n.second[cell]
	switch {
	case rank < first:
		n.log = append(n.log, rankUndo{cell, first, second})
		n.first[cell], n.second[cell] = rank, first
	case rank < second:
		n.log = append(n.log, rankUndo{cell, first, second})
		n.second[cell] = rank
	}
}

func (n *needRows) leave() {
	mark, open := n.marks[len(n.marks)-1], n.opened[len(n.opened)-1]
	n.marks, n.opened = n.marks[:len(n.marks)-1], n.opened[:len(n.opened)-1]
	for i := len(n.log) - 1; i >= mark; i-- {
		u := n.log[i]
		n.first[u.cell], n.second[u.cell] = u.first, u.second
	}
	n.log, n.open = n.log[:mark], n.open[:open]
}

// note judges every packet of the class.
func (n *needRows) note(c int32) {
	for i, rank := range n.first {
		if rank == none {
			continue
		}
		at := &n.needs[rank]
		at.decides = true
		if at.sole == nil && rank < n.possible && n.effect(rank) != n.effect(n.second[i]) {
			at.sole = n.packet(c, int32(i))
		}
	}
	for _, span := range n.open {
		at := &n.needs[span.rank]
		switch {
		case n.acl && at.overruled == nil:
			n.noteOverruled(c, span, at)
		case span.rank >= n.possible && at.sole == nil:
			n.notePossible(c, span, at)
		}
	}
}

// noteOverruled looks for a packet that an entry matches and an earlier one of
// the other effect decides.
func (n *needRows) noteOverruled(c int32, span cellRange, at *need) {
	for i := span.lo; i <= span.hi; i++ {
		if n.first[i] < span.rank && n.effect(n.first[i]) != n.effect(span.rank) {
			at.overruled, at.overruler = n.packet(c, i), n.first[i]
			return
		}
	}
}

// notePossible looks for a packet that only this unknown peer could admit.
func (n *needRows) notePossible(c int32, span cellRange, at *need) {
	sole := n.sole[n.o.sides[0].at(span.rank).set]
	for i := span.lo; i <= span.hi; i++ {
		if n.first[i] >= n.possible && sole.ranks[cutIndex(sole.cuts, n.o.cuts[i])] == span.rank {
			at.sole = n.packet(c, i)
			return
		}
	}
}

// effect is that of a rank; without surely matching rules the effect is Deny,
// since what an unknown peer admits is judged on its own.
func (n *needRows) effect(rank int32) Effect {
	if rank == none {
		return Deny
	}
	return n.o.sides[0].effect(rank)
}

func (n *needRows) packet(c, cell int32) *Packet {
	p := n.o.packet(n.d, n.lowest[c], n.o.cuts[cell])
	return &p
}

// needs returns what each rank of the side is for.
func (s *side) needs(d Direction, acl bool) []need {
	needs := make([]need, s.ranks())
	needsOf(s, d, false, acl, needs)
	needsOf(s, d, true, acl, needs)
	return needs
}

// Redundant returns the ids of the rules of one direction that decide nothing:
// without any one of them the policy is the same, whatever unknown peers turn
// out to be. Removing one may make another necessary.
func (p *GroupPolicy) Redundant(d Direction) []string { return p.side(d).redundant(d, false) }

// Redundant returns the ids of the entries of one direction without any one of
// which the ACL decides every packet alike.
func (p *ACLPolicy) Redundant(d Direction) []string { return p.side(d).redundant(d, true) }

func (s *side) redundant(d Direction, acl bool) []string {
	var out []string
	for rank, n := range s.needs(d, acl) {
		if n.sole == nil {
			out = append(out, s.rankID(rank))
		}
	}
	return out
}
