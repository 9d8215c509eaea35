// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"fmt"
	"net/netip"

	"github.com/sallyport-go/sallyport/netfilter"
)

// Snapshot is what records are attributed to: the rules and the interfaces of an
// account and Region at one time.
type Snapshot struct {
	// Inventory holds groups, ACLs and interfaces. It must not change while it is
	// compiled, nor afterwards.
	Inventory *netfilter.Inventory
	// Resolver says what references and prefix lists stand for; nil means what the
	// inventory knows, delegated prefixes included.
	Resolver *netfilter.Resolver
	// Blocks are the CIDR blocks of each VPC by its id, the primary one first. They
	// tell the addresses of its resolver and its router, whose traffic is not logged.
	Blocks map[string][]netip.Prefix
	// Services returns the traffic that is not logged, for a VPC of the given
	// blocks; nil means netfilter.Services.
	Services func(blocks ...netip.Prefix) []netfilter.Service
	// Lenient accepts invalid rules and entries, which then match as
	// netfilter.Compiler.Lenient says, and lists them in Network.Invalid. An ACL
	// with a number that stands twice is unknown then.
	Lenient bool
}

// Network is a compiled snapshot. It is immutable and safe for concurrent use.
type Network struct {
	interfaces map[string]*place
	places     []*place
	rules      []*Rule
	resolver   netfilter.Resolver
	groups     map[string]*netfilter.SecurityGroup
	of         map[string][2][]int32 // numbers of a group's rules
	invalid    []*netfilter.RuleError
	ports      portClasses
	addresses  addressClasses
}

// Rule is a rule of a security group or an entry of a network ACL, as reports
// name it.
type Rule struct {
	// ID is "sgr-…" or "sg-1/ingress/0/10.0.0.0/8" for a rule,
	// "acl-1/ingress/100" for an entry, "acl-1/ingress/*" for the closing denial.
	ID string
	// Owner is the id of the group or the ACL.
	Owner string
	// Direction is that of the packets the rule sees.
	Direction netfilter.Direction
	// Entry says that it is an entry of an ACL, and Closing that it is the denial
	// at the end of one.
	Entry, Closing bool
	// Text writes a group's rule for people, such as "tcp 443 10.0.0.0/8".
	Text string

	number  int32
	rule    netfilter.Rule
	unknown bool // the peer is not known
}

// String returns the ID.
func (r *Rule) String() string { return r.ID }

// place is an interface with all that decides about its packets.
type place struct {
	*setting
	id       string
	number   int32
	own      uint32 // the only address of IPv4, if single
	single   bool
	addrs    []netip.Addr
	prefixes []netip.Prefix
}

// Compile prepares a snapshot. What the rules of groups or ACLs say wrongly is
// an error that wraps ErrSnapshot and each *netfilter.RuleError, unless Lenient
// is set.
func Compile(s Snapshot) (*Network, error) {
	if s.Inventory == nil {
		return nil, fmt.Errorf("%w: the inventory is missing", ErrSnapshot)
	}
	n := &Network{
		interfaces: map[string]*place{}, groups: map[string]*netfilter.SecurityGroup{}, of: map[string][2][]int32{},
	}
	n.resolver = s.Inventory.Resolver(true)
	if s.Resolver != nil {
		n.resolver = *s.Resolver
	}
	b := builder{
		Network: n, snapshot: &s, sets: map[string]*groupSet{}, acls: map[string]*aclSet{},
		subnets: map[string]*neighbours{}, exempt: map[string]*exemption{}, byID: map[string]*netfilter.NetworkACL{},
		icmp: map[filters]*icmpPairs{}, alike: map[string][]icmpPair{}, settings: map[setters]*setting{},
	}
	if err := b.groupRules(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	b.indexACLs()
	for i := range s.Inventory.Interfaces {
		if err := b.place(&s.Inventory.Interfaces[i]); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrSnapshot, err)
		}
	}
	b.portClasses()
	b.addressClasses()
	return n, nil
}

// Rules returns all rules of groups, then the entries of the ACLs that some
// interface is behind, in the order of the documents.
func (n *Network) Rules() []*Rule {
	var out []*Rule
	for _, entry := range []bool{false, true} {
		for _, r := range n.rules {
			if r.Entry == entry {
				out = append(out, r)
			}
		}
	}
	return out
}

// Invalid lists the rules that Snapshot.Lenient let through, each once.
func (n *Network) Invalid() []*netfilter.RuleError {
	var out []*netfilter.RuleError
	seen := map[netfilter.RuleError]bool{}
	for _, e := range n.invalid {
		if !seen[*e] {
			seen[*e] = true
			out = append(out, e)
		}
	}
	return out
}

// has is 1 if the address is one of the interface's. An interface has one of IPv4 in
// nearly all cases, which takes no branch.
func (p *place) has(a netip.Addr) uint8 {
	if p.single && a.Is4() {
		return bit(v4Of(a) == p.own)
	}
	return bit(p.hasAny(a))
}

func (p *place) hasAny(a netip.Addr) bool {
	for _, own := range p.addrs {
		if own == a {
			return true
		}
	}
	for _, own := range p.prefixes {
		if own.Contains(a) {
			return true
		}
	}
	return false
}
