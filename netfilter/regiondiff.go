// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"cmp"
	"net/netip"
	"slices"
)

// DiffLegs returns exactly the packets of one family that two ways let pass
// differently, as Diff does for two policies. Prefixes are addresses of the end
// that the packets come from, Direction is Ingress. A way without legs allows
// everything.
func DiffLegs(v6 bool, before, after []Leg) []Change {
	var sides []*side
	var peers []netip.Addr
	for _, l := range append(slices.Clone(before), after...) {
		sides, peers = append(sides, l.Policy.side(l.Direction)), append(peers, l.Peer)
	}
	o := layOver(v6, sides, peers, disjoint)
	of := make([][]stretch, len(o.classes))
	var rows *effectRows
	a, b := make([]byte, len(o.cuts)), make([]byte, len(o.cuts))
	rows = newEffectRows(o, func(c int32) {
		for i := range o.cuts {
			a[i], b[i] = byte(worst(rows.effects[:len(before)], i)), byte(worst(rows.effects[len(before):], i))
		}
		of[c] = o.stretches(a, b)
	})
	o.walk(rows)
	return o.changes(Ingress, of)
}

// worst is the effect of several policies on one range of keys.
func worst(effects [][]byte, cell int) Effect {
	out := Allow
	for _, e := range effects {
		switch Effect(e[cell]) {
		case Deny:
			return Deny
		case Unresolved:
			out = Unresolved
		}
	}
	return out
}

// changes gathers the addresses of each stretch.
func (o *overlay) changes(d Direction, of [][]stretch) []Change {
	index := map[stretch]int{}
	var found []stretch
	var where [][]addrRange
	for i, c := range o.at {
		for _, s := range of[c] {
			k, ok := index[s]
			if !ok {
				k = len(found)
				index[s] = k
				found, where = append(found, s), append(where, nil)
			}
			where[k] = appendRange(where[k], addrRange{o.starts[i], o.end(i)})
		}
	}
	changes := make([]Change, len(found))
	for k, s := range found {
		changes[k] = Change{
			Direction: d, Prefixes: prefixesOf(where[k], o.v6),
			FirstProtocol: Protocol(s.lo >> 16), LastProtocol: Protocol(s.hi >> 16), From: uint16(s.lo), To: uint16(s.hi),
			Before: s.before, After: s.after, Witness: o.packet(d, where[k][0].first, s.lo),
		}
	}
	slices.SortStableFunc(changes, func(a, b Change) int {
		return cmp.Or(a.Prefixes[0].Addr().Compare(b.Prefixes[0].Addr()), cmp.Compare(a.Witness.l4(), b.Witness.l4()))
	})
	return changes
}
