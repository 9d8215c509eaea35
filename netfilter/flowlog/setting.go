// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"net/netip"
	"slices"

	"github.com/sallyport-go/sallyport/netfilter"
)

// setting is all that decides about the packets of an interface but its own
// addresses. Interfaces of one setting share it, and what is found on their records:
// it tells far fewer peers and ports apart than the network does.
type setting struct {
	setters
	number uint64
	// Its class by the network's class: of peers, and by the record's direction of
	// source and destination ports. nil, where the tables of all settings would be
	// too large or long in the making: then they are the network's classes.
	peers []uint16
	ports [2]struct{ src, dst []uint16 }
}

// setters are what a setting consists of.
type setters struct {
	groups     *groupSet
	acl        *aclSet // nil: not known
	unfiltered bool
	subnet     *neighbours
	exempt     *exemption
	icmp       *icmpPairs
}

// maxMerged bounds the tables of all settings, for ports and for addresses: 32 MiB.
const maxMerged = 1 << 24

// setting returns that of an interface, each once.
func (b *builder) setting(s setters) *setting {
	if b.settings[s] == nil {
		b.settings[s] = &setting{setters: s, number: uint64(len(b.settings))}
		b.ordered = append(b.ordered, b.settings[s])
	}
	return b.settings[s]
}

// peerClass returns the class of a peer of IPv4.
func (n *Network) peerClass(s *setting, peer uint32) uint32 {
	if n.addresses.table == nil {
		return peer
	}
	class := n.addresses.of(peer)
	if s.peers != nil {
		class = s.peers[class]
	}
	return uint32(class)
}

// portClass returns the class of a port by merged, one of setting.ports.
func (n *Network) portClass(merged []uint16, port uint16) uint64 {
	class := n.ports.of(port)
	if merged != nil {
		class = merged[class]
	}
	return uint64(class)
}

// portClasses divides the ports by all that asks about them.
func (b *builder) portClasses() {
	var all []portSpan
	for _, s := range b.ordered {
		for _, d := range directions {
			src, dst := s.spans(d)
			all = append(append(all, src...), dst...)
		}
	}
	n := b.Network
	n.ports = newPortClasses(all)
	if len(b.ordered) > maxMerged/4/len(n.ports.starts) {
		return
	}
	left := maxPortSteps
	for _, s := range b.ordered {
		for _, d := range directions {
			src, dst := s.spans(d)
			s.ports[d].src, s.ports[d].dst = n.ports.merged(src, &left), n.ports.merged(dst, &left)
		}
	}
}

// spans returns what is asked of the ports of a record. The source port is what
// the groups are asked about for the packet that it may be the reply to.
func (s *setters) spans(d netfilter.Direction) (src, dst []portSpan) {
	src, dst = s.groupSpans(1-d), append(s.groupSpans(d), s.aclSpans(d)...)
	if d == ingress {
		return append(src, s.exempt.spans()...), dst
	}
	return src, append(dst, s.exempt.spans()...)
}

// addressClasses divides the addresses by all that asks about them.
func (b *builder) addressClasses() {
	sets, of := b.addressSets()
	line := newAddressLine(sets)
	members := make([][]int32, len(sets))
	all := newPartition(len(line))
	left := maxIntervals
	for i, blocks := range sets {
		var ok bool
		if members[i], ok = line.intervals(blocks, left); !ok {
			return
		}
		left -= len(members[i])
		all.split(members[i])
	}
	number := all.compact()
	if number <= 1<<16 {
		b.addresses.table = line.table(all.of)
	}
	if b.addresses.table == nil || len(b.ordered) > maxMerged/number {
		return
	}
	for _, intervals := range members {
		for i, interval := range intervals {
			intervals[i] = all.of[interval]
		}
	}
	for i := range members {
		slices.Sort(members[i])
		members[i] = slices.Compact(members[i])
	}
	left = maxIntervals
	for i, s := range b.ordered {
		part := newPartition(number)
		for _, set := range of[i] {
			if left -= len(members[set]); left < 0 {
				return
			}
			part.split(members[set])
		}
		s.peers = part.short()
	}
}

// addressSets returns the sets of addresses that something asks about, each once,
// and the numbers of those of each setting.
func (b *builder) addressSets() (sets [][]netip.Prefix, of [][]int) {
	index := map[any]int{}
	for _, s := range b.ordered {
		var own []int
		b.asked(s, func(name any, blocks func() []netip.Prefix) {
			at, ok := index[name]
			if !ok {
				at = len(sets)
				index[name] = at
				sets = append(sets, blocks())
			}
			own = append(own, at)
		})
		slices.Sort(own)
		of = append(of, slices.Compact(own))
	}
	return sets, of
}

// asked visits the sets of addresses that a setting asks about, by name.
func (b *builder) asked(s *setting, visit func(name any, blocks func() []netip.Prefix)) {
	peer := func(p netfilter.Peer) {
		visit(p, func() []netip.Prefix { return b.blocksOf(p) })
	}
	for _, d := range directions {
		for _, r := range s.groups.rules[d] {
			peer(r.rule.Peer)
		}
		for _, e := range s.aclEntries(d) {
			peer(netfilter.Peer{IPv4: e.IPv4, IPv6: e.IPv6})
		}
	}
	visit(s.subnet, s.subnet.blocks)
	for _, block := range s.exempt.v4 {
		visit(block, func() []netip.Prefix { return []netip.Prefix{block.prefix()} })
	}
}

// blocksOf returns all that a peer may stand for. A block that is not valid is none.
func (b *builder) blocksOf(p netfilter.Peer) []netip.Prefix {
	out := slices.Concat(b.resolver.Members[p.Group], b.resolver.PrefixLists[p.PrefixList])
	for _, text := range []string{p.IPv4, p.IPv6} {
		if block, err := netfilter.ParseMember(text); err == nil {
			out = append(out, block)
		}
	}
	return out
}

func (s *setters) aclEntries(d netfilter.Direction) []netfilter.ACLEntry {
	if s.acl == nil {
		return nil
	}
	return s.acl.document.Entries(d)
}

// groupSpans returns the ports that rules of the groups tell from others.
func (s *setters) groupSpans(d netfilter.Direction) []portSpan {
	var out []portSpan
	for _, r := range s.groups.rules[d] {
		out = addSpan(out, r.rule.Protocol, r.rule.From, r.rule.To)
	}
	return out
}

// aclSpans returns the ports that entries of the ACL tell from others.
func (s *setters) aclSpans(d netfilter.Direction) []portSpan {
	var out []portSpan
	for _, e := range s.aclEntries(d) {
		out = addSpan(out, e.Protocol, e.From, e.To)
	}
	return out
}

// addSpan adds the ports of a rule, if it is of a protocol that has some.
func addSpan(spans []portSpan, protocol string, from, to int) []portSpan {
	p, all, err := netfilter.ParseProtocol(protocol)
	if err != nil || all || p != netfilter.TCP && p != netfilter.UDP {
		return spans
	}
	first, last := portRange(netfilter.Rule{From: from, To: to})
	return append(spans, portSpan{first, last})
}

// spans returns the ports that services have.
func (e *exemption) spans() []portSpan {
	var out []portSpan
	for _, s := range e.services {
		for _, port := range s.Ports {
			out = append(out, portSpan{port, port})
		}
	}
	return out
}
