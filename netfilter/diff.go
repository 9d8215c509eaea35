// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"bytes"
	"iter"
	"net/netip"
)

// Change is a set of packets on which two policies differ: those whose peer is
// in Prefixes, whose protocol is from FirstProtocol to LastProtocol, and whose
// key is from From to To.
type Change struct {
	// Direction is that of the packets.
	Direction Direction
	// Prefixes are the peers, of one family, disjoint and in order: sources of
	// ingress, destinations of egress.
	Prefixes []netip.Prefix
	// FirstProtocol and LastProtocol bound the protocols. They differ only when
	// From and To cover every key.
	FirstProtocol, LastProtocol Protocol
	// From and To bound the key: the destination port of TCP and UDP; type<<8 |
	// code of ICMP and ICMPv6; 0 and 65535 for any other protocol.
	From, To uint16
	// Before and After are the effects of the two policies.
	Before, After Effect
	// Witness is the packet of the set with the lowest address and key. Its
	// address on the other side than the peer is the unspecified one.
	Witness Packet
}

// Diff returns exactly the packets that the two policies decide differently, as
// disjoint sets. There is none if and only if the policies are equal. Effects
// are compared, not the rules that cause them; Unresolved is an effect of its
// own. The order is by direction, family, lowest address and key.
func Diff(a, b Policy) iter.Seq[Change] {
	return func(yield func(Change) bool) {
		for _, d := range []Direction{Ingress, Egress} {
			for _, v6 := range []bool{false, true} {
				for _, c := range diffSide(newOverlay(v6, a.side(d), b.side(d)), d) {
					if !yield(c) {
						return
					}
				}
			}
		}
	}
}

// Equal reports whether the policies decide every packet alike.
func Equal(a, b Policy) bool {
	for range Diff(a, b) {
		return false
	}
	return true
}

// stretch is a run of keys on which the two effects are the same two.
type stretch struct {
	keySpan
	before, after Effect
}

// diffSide finds the stretches of each class.
func diffSide(o *overlay, d Direction) []Change {
	of := make([][]stretch, len(o.classes))
	var rows *effectRows
	rows = newEffectRows(o, func(c int32) {
		if !bytes.Equal(rows.effects[0], rows.effects[1]) {
			of[c] = o.stretches(rows.effects[0], rows.effects[1])
		}
	})
	o.walk(rows)
	return o.changes(d, of)
}

// stretches returns the runs of keys on which the rows differ. A run that covers
// whole protocols and parts of others is split there, since keys mean different
// things in different protocols.
func (o *overlay) stretches(a, b []byte) []stretch {
	var out []stretch
	for i := 0; i < len(a); i++ {
		if a[i] == b[i] {
			continue
		}
		first := i
		for i+1 < len(a) && a[i+1] == a[first] && b[i+1] == b[first] {
			i++
		}
		for _, span := range byProtocol(keySpan{o.cuts[first], o.lastKey(i)}) {
			out = append(out, stretch{span, Effect(a[first]), Effect(b[first])})
		}
	}
	return out
}

// byProtocol splits a run into a part of a protocol, whole protocols, and a
// part of a protocol; each may be missing.
func byProtocol(s keySpan) []keySpan {
	var out []keySpan
	if head := s.lo | 0xffff; s.lo&0xffff != 0 || s.hi < head {
		out = append(out, keySpan{s.lo, min(head, s.hi)})
		s.lo = head + 1
	}
	if s.lo > s.hi {
		return out
	}
	tail := s.hi &^ 0xffff
	if s.hi&0xffff == 0xffff {
		return append(out, s)
	}
	if s.lo < tail {
		out = append(out, keySpan{s.lo, tail - 1})
	}
	return append(out, keySpan{tail, s.hi})
}

// addrRange is an inclusive range of addresses.
type addrRange struct{ first, last wide }

// appendRange adds a range that lies after all others, joined to its neighbour.
func appendRange(list []addrRange, r addrRange) []addrRange {
	if n := len(list); n > 0 {
		if next, ok := list[n-1].last.next(); ok && next == r.first {
			list[n-1].last = r.last
			return list
		}
	}
	return append(list, r)
}

// prefixesOf writes ranges as the fewest prefixes.
func prefixesOf(ranges []addrRange, v6 bool) []netip.Prefix {
	var out []netip.Prefix
	width := 32
	if v6 {
		width = 128
	}
	for _, r := range ranges {
		for at, more := r.first, true; more && at.compare(r.last) <= 0; {
			bits := width
			for bits > 0 && at.aligned(bits-1) && at.last(bits-1).compare(r.last) <= 0 {
				bits--
			}
			out = append(out, netip.PrefixFrom(at.addr(v6), bits))
			at, more = at.last(bits).next()
		}
	}
	return out
}

// aligned reports whether a block of the given length can start at w.
func (w wide) aligned(bits int) bool {
	if bits >= 64 {
		return w.lo&(^uint64(0)>>(bits-64)) == 0
	}
	return w.lo == 0 && w.hi&(^uint64(0)>>bits) == 0
}
