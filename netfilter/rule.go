// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"net/netip"
	"strconv"
)

// SecurityGroup is a security group with its rules, in the order of the
// document they came from.
type SecurityGroup struct {
	// ID is the group id, "sg-…".
	ID string
	// Name, VPC and Owner are the group's name, VPC id and account, where known.
	Name, VPC, Owner string
	// Ingress and Egress are the rules of each direction. A group without rules
	// admits nothing.
	Ingress, Egress []Rule
}

// Rules returns the rules of one direction.
func (g *SecurityGroup) Rules(d Direction) []Rule {
	if d == Egress {
		return g.Egress
	}
	return g.Ingress
}

// Rule admits packets of one protocol and port range, or ICMP type and code,
// to or from one peer. Rules only admit; what no rule admits is denied.
//
// The fields hold what the document said; CompileGroups judges them, so that
// an invalid rule can be reported and never silently widens.
type Rule struct {
	// ID is the rule's own id "sgr-…" where known. Without one, reports name the
	// rule by group, direction, Permission and peer.
	ID string
	// Permission is the index of the rule's entry in IpPermissions or
	// IpPermissionsEgress; it only serves the names in reports.
	Permission int
	// Protocol is read by ParseProtocol.
	Protocol string
	// From and To are the first and last destination port of TCP and UDP, 0 to
	// 65535, or the ICMP type and code, 0 to 255. -1 stands for an absent value
	// and matches all. For other protocols both are ignored.
	From, To int
	// Peer is the other side: the source of ingress, the destination of egress.
	Peer Peer
}

// Peer is the other side of a rule: exactly one of the first four fields.
type Peer struct {
	// IPv4 and IPv6 are CIDR blocks. Host bits are ignored.
	IPv4, IPv6 string
	// PrefixList is a prefix list's id.
	PrefixList string
	// Group is the id of a security group: the private addresses of the
	// interfaces that carry it.
	Group string
	// Owner and VPC are the account and the VPC of Group, where stated.
	Owner, VPC string
	// Peering is the VPC peering connection to Group, and PeeringStatus its
	// state: "deleted" makes the reference stale, it matches nothing.
	Peering, PeeringStatus string
}

// text is the peer as reports write it: a canonical CIDR, or an id.
func (p Peer) text() string {
	switch {
	case p.IPv4 != "" || p.IPv6 != "":
		cidr := p.IPv4 + p.IPv6
		if pfx, _, err := parsePrefix(cidr); err == nil {
			return pfx.String()
		}
		return cidr[:min(len(cidr), 64)]
	case p.PrefixList != "":
		return p.PrefixList
	}
	return p.Group
}

// key tells references apart: a list, a group, a stale reference to a group.
func (p Peer) key() string {
	switch {
	case p.PrefixList != "":
		return "list " + p.PrefixList
	case p.PeeringStatus == peeringDeleted:
		return "stale " + p.Group
	}
	return "group " + p.Group
}

// name is the rule's id in reports.
func (r *Rule) name(group string, d Direction) string {
	if r.ID != "" {
		return r.ID
	}
	return group + "/" + d.String() + "/" + strconv.Itoa(r.Permission) + "/" + r.Peer.text()
}

// parsePrefix reads a CIDR block, unmaps it and clears its host bits; canonical
// reports whether there was nothing to clear.
func parsePrefix(s string) (pfx netip.Prefix, canonical bool, err error) {
	pfx, err = netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, false, err
	}
	return unmapPrefix(pfx), pfx == pfx.Masked(), nil
}

// unmapPrefix masks the block and turns one of IPv4-mapped addresses into IPv4.
func unmapPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked()
}
