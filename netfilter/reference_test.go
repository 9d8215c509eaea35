// SPDX-License-Identifier: Apache-2.0

package netfilter_test

import (
	"net/netip"
	"sort"
	"strconv"
	"strings"

	"github.com/sallyport-go/sallyport/netfilter"
)

// This file is the slow reading of sections 2 and 3 of the specification:
// plain loops over the rules as they stand in the documents, sorted and parsed
// again for every packet. It shares no code with the package.

// refVerdict is what the reference says of a packet.
type refVerdict struct {
	effect string // allow, deny, unresolved
	rule   string // id of the deciding rule, "" for none
	number int    // of an ACL entry
}

// refGroups decides by security groups (NET-6 to NET-19). ok is false when a
// rule is invalid.
func refGroups(groups []netfilter.SecurityGroup, r netfilter.Resolver, d netfilter.Direction, p netfilter.Packet) (v refVerdict, ok bool) {
	peer := p.Src.Unmap()
	if d == netfilter.Egress {
		peer = p.Dst.Unmap()
	}
	v.effect = "deny"
	possible := ""
	for _, g := range groups {
		rules, dir := g.Ingress, "ingress"
		if d == netfilter.Egress {
			rules, dir = g.Egress, "egress"
		}
		for _, rule := range rules {
			match, text, valid := refPeer(rule.Peer, r, peer)
			if !valid {
				return v, false
			}
			hit, valid := refTransport(rule.Protocol, rule.From, rule.To, p)
			if !valid {
				return v, false
			}
			id := rule.ID
			if id == "" {
				id = g.ID + "/" + dir + "/" + strconv.Itoa(rule.Permission) + "/" + text
			}
			if hit && match == "yes" && v.effect != "allow" {
				v.effect, v.rule = "allow", id
			}
			if hit && match == "unknown" && possible == "" {
				possible = id
			}
		}
	}
	if v.effect == "deny" && possible != "" {
		v.effect, v.rule = "unresolved", possible
	}
	return v, true
}

// refPeer says yes, no or unknown, and how the peer is written in rule ids.
func refPeer(p netfilter.Peer, r netfilter.Resolver, addr netip.Addr) (match, text string, valid bool) {
	peers := 0
	for _, s := range []string{p.IPv4, p.IPv6, p.PrefixList, p.Group} {
		if s != "" {
			peers++
		}
	}
	if peers != 1 {
		return "", "", false
	}
	switch {
	case p.IPv4 != "", p.IPv6 != "":
		cidr, err := netip.ParsePrefix(p.IPv4 + p.IPv6)
		if err != nil || p.IPv6 != "" && cidr.Addr().Is4() {
			return "", "", false
		}
		cidr = refUnmap(cidr)
		if p.IPv4 != "" && !cidr.Addr().Is4() {
			return "", "", false
		}
		if cidr.Contains(addr) {
			return "yes", cidr.String(), true
		}
		return "no", cidr.String(), true
	case p.PrefixList != "":
		return refSet(r.PrefixLists, p.PrefixList, addr), p.PrefixList, true
	case p.PeeringStatus == "deleted":
		return "no", p.Group, true
	}
	return refSet(r.Members, p.Group, addr), p.Group, true
}

func refSet(sets map[string][]netip.Prefix, id string, addr netip.Addr) string {
	set, known := sets[id]
	if !known {
		return "unknown"
	}
	for _, cidr := range set {
		if refUnmap(cidr).Contains(addr) {
			return "yes"
		}
	}
	return "no"
}

func refUnmap(p netip.Prefix) netip.Prefix {
	p = p.Masked()
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

func refProtocol(s string) (number int, valid bool) {
	switch strings.ToLower(s) {
	case "all":
		return -1, true
	case "tcp":
		return 6, true
	case "udp":
		return 17, true
	case "icmp":
		return 1, true
	case "icmpv6":
		return 58, true
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= -1 && n <= 255
}

// refTransport is NET-9 to NET-13.
func refTransport(protocol string, from, to int, p netfilter.Packet) (hit, valid bool) {
	n, valid := refProtocol(protocol)
	if !valid {
		return false, false
	}
	if n == 6 || n == 17 {
		if from == -1 {
			from = 0
		}
		if to == -1 {
			to = 65535
		}
		if from < 0 || to > 65535 || from > to {
			return false, false
		}
		return int(p.Protocol) == n && from <= int(p.DstPort) && int(p.DstPort) <= to, true
	}
	if n == 1 || n == 58 {
		if from < -1 || from > 255 || to < -1 || to > 255 || from == -1 && to != -1 {
			return false, false
		}
		hit := int(p.Protocol) == n
		hit = hit && (from == -1 || from == int(p.ICMPType))
		hit = hit && (to == -1 || to == int(p.ICMPCode))
		return hit, true
	}
	return n == -1 || int(p.Protocol) == n, true
}

// refACL decides by a network ACL (NET-27 to NET-31). ok is false when an entry
// is invalid or a number appears twice.
func refACL(acl netfilter.NetworkACL, d netfilter.Direction, p netfilter.Packet) (v refVerdict, ok bool) {
	peer, entries := p.Src.Unmap(), acl.Ingress
	if d == netfilter.Egress {
		peer, entries = p.Dst.Unmap(), acl.Egress
	}
	sorted := append([]netfilter.ACLEntry(nil), entries...)
	sort.SliceStable(sorted, func(i, j int) bool { return sorted[i].Number < sorted[j].Number })
	v = refVerdict{effect: "deny"}
	decided := false
	for i, e := range sorted {
		if i > 0 && sorted[i-1].Number == e.Number {
			return v, false
		}
		hit, valid := refEntry(e, peer, p)
		if !valid {
			return v, false
		}
		if hit && !decided {
			decided = true
			v = refVerdict{effect: e.Action, rule: acl.ID + "/" + d.String() + "/" + strconv.Itoa(e.Number), number: e.Number}
		}
	}
	return v, true
}

func refEntry(e netfilter.ACLEntry, peer netip.Addr, p netfilter.Packet) (hit, valid bool) {
	n, valid := refProtocol(e.Protocol)
	cidr, err := netip.ParsePrefix(e.IPv4 + e.IPv6)
	if !valid || err != nil || e.Action != "allow" && e.Action != "deny" {
		return false, false
	}
	cidr = refUnmap(cidr)
	hit = cidr.Contains(peer) && (n == -1 || n == int(p.Protocol))
	switch {
	case n == 6 || n == 17:
		from, to := e.From, e.To
		if from == -1 {
			from = 0
		}
		if to == -1 {
			to = 65535
		}
		if from < 0 || to > 65535 || from > to {
			return false, false
		}
		hit = hit && from <= int(p.DstPort) && int(p.DstPort) <= to
	case n == 1, n == 58 && !cidr.Addr().Is4():
		if e.Type < -1 || e.Type > 255 || e.Code < -1 || e.Code > 255 {
			return false, false
		}
		hit = hit && (e.Type == -1 || e.Type == int(p.ICMPType))
		hit = hit && (e.Code == -1 || e.Code == int(p.ICMPCode))
	}
	return hit, true
}
