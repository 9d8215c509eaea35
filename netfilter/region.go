// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// Leg is a policy on the way of packets that come from one end.
type Leg struct {
	// Policy and Direction say which rules the packets meet.
	Policy    Policy
	Direction Direction
	// Peer, when valid, is the address that the rules see instead of that end: on
	// its way through an interface that forwards, a packet leaves towards its
	// destination, which is the same for all of them.
	Peer netip.Addr
}

// Region is a set of packets that pass every leg, by the same rule each.
type Region struct {
	// Prefixes are the addresses of the end that the packets come from, of one
	// family, disjoint and in order.
	Prefixes []netip.Prefix
	// FirstProtocol and LastProtocol bound the protocols. They differ only when
	// From and To cover every key.
	FirstProtocol, LastProtocol Protocol
	// From and To bound the key, as in Change.
	From, To uint16
	// Effect is Allow, or Unresolved when a leg's is.
	Effect Effect
	// Rules are the ids of the deciding rules, one for each leg.
	Rules []string
	// Witness is the packet of the set with the lowest source and key. Its
	// destination is the unspecified address.
	Witness Packet
}

// Admitted returns exactly the packets of one family that none of the legs
// denies, as disjoint sets, ordered by lowest address and key. Without legs that
// is every packet.
func Admitted(v6 bool, legs ...Leg) []Region {
	sides, peers := make([]*side, len(legs)), make([]netip.Addr, len(legs))
	for i, l := range legs {
		sides[i], peers[i] = l.Policy.side(l.Direction), l.Peer
	}
	o := layOver(v6, sides, peers, disjoint)
	of := make([][]passing, len(o.classes))
	var rows *effectRows
	rows = newEffectRows(o, func(c int32) { of[c] = o.passing(rows) })
	o.walk(rows)
	index := map[passing]int{}
	var found []passing
	var where [][]addrRange
	for i, c := range o.at {
		for _, p := range of[c] {
			k, ok := index[p]
			if !ok {
				k = len(found)
				index[p] = k
				found, where = append(found, p), append(where, nil)
			}
			where[k] = appendRange(where[k], addrRange{o.starts[i], o.end(i)})
		}
	}
	regions := make([]Region, len(found))
	for k, p := range found {
		regions[k] = Region{
			Prefixes: prefixesOf(where[k], v6), FirstProtocol: Protocol(p.lo >> 16), LastProtocol: Protocol(p.hi >> 16), From: uint16(p.lo), To: uint16(p.hi),
			Effect: p.effect, Rules: p.ids(sides), Witness: o.packet(Ingress, where[k][0].first, p.lo),
		}
	}
	slices.SortStableFunc(regions, func(a, b Region) int {
		if c := a.Prefixes[0].Addr().Compare(b.Prefixes[0].Addr()); c != 0 {
			return c
		}
		return int(a.Witness.l4()) - int(b.Witness.l4())
	})
	return regions
}

// passing is a run of keys that passes every side by the same ranks.
type passing struct {
	keySpan
	effect Effect
	ranks  string // four bytes each
}

func (p *passing) ids(sides []*side) []string {
	ids := make([]string, len(sides))
	for i, s := range sides {
		ids[i] = s.rankID(int(binary.LittleEndian.Uint32([]byte(p.ranks[4*i:]))))
	}
	return ids
}

// passing returns the runs of the class that the rows stand at.
func (o *overlay) passing(rows *effectRows) []passing {
	var out []passing
	var key []byte
	for i := 0; i < len(o.cuts); i++ {
		effect := worst(rows.effects, i)
		if effect == Deny {
			continue
		}
		first := i
		for i+1 < len(o.cuts) && rows.alike(first, i+1) {
			i++
		}
		key = key[:0]
		for _, ranks := range rows.ranks {
			key = binary.LittleEndian.AppendUint32(key, uint32(ranks[first]))
		}
		for _, span := range byProtocol(keySpan{o.cuts[first], o.lastKey(i)}) {
			out = append(out, passing{span, effect, string(key)})
		}
	}
	return out
}

// alike reports whether the same rules decide two ranges of keys.
func (r *effectRows) alike(a, b int) bool {
	for _, ranks := range r.ranks {
		if ranks[a] != ranks[b] {
			return false
		}
	}
	return true
}
