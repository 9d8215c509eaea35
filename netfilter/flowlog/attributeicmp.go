// SPDX-License-Identifier: Apache-2.0

package flowlog

import "github.com/sallyport-go/sallyport/netfilter"

// attributeICMP attributes a record of ICMP or ICMPv6, which has no type and no
// code: rules and ACL are asked about all that they tell apart (NET-63, 6).
func (p *place) attributeICMP(r *Record, a *Attribution, near bool) {
	peer := a.peer
	var groups, acl, mirrored spread
	for _, pair := range p.icmp.forth[a.Direction] {
		k := pair.key(a)
		e, _ := p.groupEffect(a.Direction, peer, k)
		f, entry := p.aclEffect(a.Direction, peer, k, near)
		groups.add(e)
		acl.add(f)
		if r.Action == Reject && f != netfilter.Allow || r.Action == Accept && f != netfilter.Deny {
			a.addEntry(entry)
		}
	}
	for _, pair := range p.icmp.back[a.Direction] {
		e, _ := p.groupEffect(1-a.Direction, peer, pair.key(a))
		mirrored.add(e)
	}
	if r.Action == Reject {
		a.Groups, a.ACL, a.Mirrored = groups.every(), acl.every(), mirrored.some()
		a.reject(r)
		return
	}
	p.acceptICMP(a, near, acl.some(), mirrored.some())
}

// acceptICMP gathers the rules that admit some type and code which the ACL lets
// pass.
func (p *place) acceptICMP(a *Attribution, near bool, acl, mirrored netfilter.Effect) {
	var forth, groups spread
	peer := a.peer
	for _, pair := range p.icmp.forth[a.Direction] {
		k := pair.key(a)
		e, rule := p.groupEffect(a.Direction, peer, k)
		f, _ := p.aclEffect(a.Direction, peer, k, near)
		groups.add(e)
		forth.add(both(e, f))
		if f != netfilter.Deny {
			p.candidates(a, a.Direction, k, e, rule)
		}
	}
	if both(mirrored, acl) != netfilter.Deny {
		for _, pair := range p.icmp.back[a.Direction] {
			k := pair.key(a)
			e, rule := p.groupEffect(1-a.Direction, peer, k)
			p.candidates(a, 1-a.Direction, k, e, rule)
		}
	}
	a.Groups, a.ACL, a.Mirrored = groups.some(), acl, mirrored
	there, backward := forth.some(), both(mirrored, acl)
	best := there
	switch {
	case there == netfilter.Deny && backward == netfilter.Deny:
		a.Kind, a.Reason, a.Confident = Mismatch, NothingAdmits, true
		return
	case there == netfilter.Deny:
		a.Kind, best = Reply, backward
	default:
		a.Kind = Initiated
	}
	switch {
	case best == netfilter.Unresolved:
		a.Reason = PeerUnknown
	case len(a.Rules) == 1 && (there == netfilter.Deny || backward == netfilter.Deny):
		a.Reason, a.Confident = OnlyWay, true
	default:
		a.Reason = AnyType
	}
}

// key is what rules look at in packets of this type and code.
func (p icmpPair) key(a *Attribution) key {
	return key{a.Packet.Protocol, uint16(p.typ)<<8 | uint16(p.code)}
}

// spread counts the effects over all types and codes.
type spread [3]int

func (s *spread) add(e netfilter.Effect) { s[e]++ }

// some is Allow when some type and code pass, Deny when none may.
func (s *spread) some() netfilter.Effect {
	switch {
	case s[netfilter.Allow] > 0:
		return netfilter.Allow
	case s[netfilter.Unresolved] > 0:
		return netfilter.Unresolved
	}
	return netfilter.Deny
}

// every is Allow or Deny when all types and codes have that effect.
func (s *spread) every() netfilter.Effect {
	switch {
	case s[netfilter.Deny] == 0 && s[netfilter.Unresolved] == 0:
		return netfilter.Allow
	case s[netfilter.Allow] == 0 && s[netfilter.Unresolved] == 0:
		return netfilter.Deny
	}
	return netfilter.Unresolved
}
