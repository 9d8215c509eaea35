// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"net/netip"

	"github.com/sallyport-go/sallyport/netfilter"
)

const (
	ingress = netfilter.Ingress
	egress  = netfilter.Egress
)

// directions is both of them.
var directions = [2]netfilter.Direction{ingress, egress}

func protocol(v uint64) netfilter.Protocol { return netfilter.Protocol(v) }

// groupSet is the groups of an interface, shared by all that carry the same.
type groupSet struct {
	policy  *netfilter.GroupPolicy
	missing bool       // the snapshot lacks one of them
	rules   [2][]*Rule // as the policy numbers them
	unknown [2][]*Rule // those with an unknown peer
	icmp    [2]icmpKeys
}

// aclSet is a network ACL, shared by the interfaces of its subnets.
type aclSet struct {
	policy   *netfilter.ACLPolicy
	document *netfilter.NetworkACL
	entries  [2][]*Rule // as the policy numbers them
	closing  [2]*Rule
	icmp     [2]icmpKeys
}

// groupEffect returns what the groups do with packets of a peer, and the rule that
// admits them. Rules that only may admit them are left to candidates. A group that
// the snapshot lacks may admit anything.
func (p *place) groupEffect(d netfilter.Direction, peer netip.Addr, k key) (netfilter.Effect, *Rule) {
	if p.unfiltered {
		return netfilter.Allow, nil
	}
	v := p.groups.policy.DecidePeer(d, peer, k.protocol, k.l4)
	switch {
	case v.Effect == netfilter.Deny && p.groups.missing:
		return netfilter.Unresolved, nil
	case v.Effect != netfilter.Allow:
		return v.Effect, nil
	}
	return v.Effect, p.groups.rules[d&1][v.Rule]
}

// aclEffect returns what the subnet's ACL does with packets of a peer, and the
// entry that decides. Packets between interfaces of one subnet do not meet it.
func (p *place) aclEffect(d netfilter.Direction, peer netip.Addr, k key, near bool) (netfilter.Effect, *Rule) {
	switch {
	case near:
		return netfilter.Allow, nil
	case p.acl == nil:
		return netfilter.Unresolved, nil
	}
	v := p.acl.policy.DecidePeer(d, peer, k.protocol, k.l4)
	if v.Rule < 0 {
		return v.Effect, p.acl.closing[d&1]
	}
	return v.Effect, p.acl.entries[d&1][v.Rule]
}

// key is what rules look at besides the peer: the protocol and the destination port,
// or type and code. The peer of a packet is that of its reply too.
type key struct {
	protocol netfilter.Protocol
	l4       uint16
}

// both is what comes of groups and ACL together.
func both(a, b netfilter.Effect) netfilter.Effect {
	switch {
	case a == netfilter.Deny || b == netfilter.Deny:
		return netfilter.Deny
	case a == netfilter.Allow && b == netfilter.Allow:
		return netfilter.Allow
	}
	return netfilter.Unresolved
}

// mayAdmit reports whether a rule of unknown peer would admit packets if the peer
// were in it.
func (r *Rule) mayAdmit(k key) bool {
	p, all, err := netfilter.ParseProtocol(r.rule.Protocol)
	switch {
	case err != nil:
		return false
	case all:
		return true
	case p != k.protocol:
		return false
	case p == netfilter.TCP || p == netfilter.UDP:
		from, to := portRange(r.rule)
		return from <= k.l4 && k.l4 <= to
	}
	return true // ICMP: records do not tell the type; others have no ports
}

// portRange is the ports of a valid TCP or UDP rule.
func portRange(r netfilter.Rule) (from, to uint16) {
	to = 65535
	if r.From >= 0 {
		from = uint16(r.From)
	}
	if r.To >= 0 {
		to = uint16(r.To)
	}
	return from, to
}
