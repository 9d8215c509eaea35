// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"math/bits"
	"slices"

	"github.com/sallyport-go/sallyport/netfilter"
)

// memoSets is the number of pairs of findings that an Attribution remembers, a cache
// line each: logs come back to the same peers, on other client ports.
const memoSets = 2048

// memoAfter is the number of records after which it begins, so that who attributes
// a few takes no such memory.
const memoAfter = 64

// memoKey is all that attributePorts looks at: two records with one key have one
// finding. Of ports it holds what rules tell apart, not the ports.
type memoKey struct{ peer, rest uint64 }

// memo is a finding: 25 ns to find it, 70 to make it. Those with more rules or
// entries than it has room for are not kept.
type memo struct {
	key   memoKey
	rules [3]uint32 // two rules, an entry: their numbers
	what  uint32    // bits of kind, reason, confident, groups, acl, mirrored, number of rules and of entries
}

// memoKey returns the key of a record, zero if findings on such are not kept: those on
// IPv6 and ICMP, and those that a field behind the key decides.
func (a *Attribution) memoKey(r *Record) memoKey {
	if !a.peer.Is4() || isICMP(a.Packet.Protocol) || a.Direction > egress || r.TCPFlags > 0xff || r.format != nil && r.format.reasons {
		return memoKey{}
	}
	pk, ports := &a.Packet, &a.network.ports
	// What began asks of the ports.
	order := bit(pk.SrcPort < pk.DstPort) | bit(pk.SrcPort < 1024)<<1 | bit(pk.DstPort >= 1024)<<2
	return memoKey{
		uint64(v4Of(a.peer))<<32 | uint64(uint32(a.place.number)),
		uint64(ports.class(pk.SrcPort))<<48 | uint64(ports.class(pk.DstPort))<<32 | uint64(pk.Protocol)<<24 |
			uint64(r.TCPFlags)<<16 | uint64(r.Action)<<8 | uint64(order)<<4 | uint64(a.Direction)<<1 | 1,
	}
}

// memo returns the finding on a key if it is there, else the place for it: the one
// of the pair that was not the last to be found new.
func (a *Attribution) memo(k memoKey) *memo {
	h := (k.peer ^ bits.RotateLeft64(k.rest, 31)) * 0x9e3779b97f4a7c15
	set := &a.memos[h>>53&(memoSets-1)]
	second := bit(set[1].key == k)
	if m := &set[second&1]; m.key == k {
		return m
	}
	set[1] = set[0]
	return &set[0]
}

// recall makes the finding that of a.
func (m *memo) recall(a *Attribution) {
	w, all := m.what, a.network.rules
	a.Kind, a.Reason, a.Confident = Kind(w&7), Reason(w>>3&31), w>>8&1 != 0
	a.Groups, a.ACL, a.Mirrored = netfilter.Effect(w>>9&3), netfilter.Effect(w>>11&3), netfilter.Effect(w>>13&3)
	a.Rules = append(a.Rules, all[m.rules[0]], all[m.rules[1]])[:w>>15&3]
	a.Entries = append(a.Entries, all[m.rules[2]])[:w>>17]
}

// keep remembers the finding of a.
func (m *memo) keep(k memoKey, a *Attribution) {
	if len(a.Rules) > 2 || len(a.Entries) > 1 {
		return
	}
	*m = memo{key: k, what: uint32(a.Kind) | uint32(a.Reason)<<3 | uint32(bit(a.Confident))<<8 | uint32(a.Groups)<<9 |
		uint32(a.ACL)<<11 | uint32(a.Mirrored)<<13 | uint32(len(a.Rules))<<15 | uint32(len(a.Entries))<<17}
	for i, r := range a.Rules {
		m.rules[i] = uint32(r.number)
	}
	for _, r := range a.Entries {
		m.rules[2] = uint32(r.number)
	}
}

// portClasses divides the ports into the ranges between which some rule of a
// network changes: one page of 256 for each upper byte, equal pages one, so that
// clients' ports are near each other in memory.
type portClasses struct {
	pages   [256]uint8
	classes [][256]uint16
}

func (p *portClasses) class(port uint16) uint16 { return p.classes[p.pages[port>>8]][port&0xff] }

// newPortClasses divides at the first port of each range and behind its last.
func newPortClasses(cuts []int) portClasses {
	var p portClasses
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	class := uint16(0)
	for upper := range 256 {
		var page [256]uint16
		for lower := range page {
			for len(cuts) > 0 && cuts[0] <= upper<<8|lower {
				if cuts = cuts[1:]; upper|lower > 0 {
					class++
				}
			}
			page[lower] = class
		}
		i := slices.Index(p.classes, page)
		if i < 0 {
			i = len(p.classes)
			p.classes = append(p.classes, page)
		}
		p.pages[upper] = uint8(i)
	}
	return p
}
