// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"errors"
	"strings"

	"github.com/sallyport-go/sallyport/netfilter"
)

// builder compiles a snapshot, each distinct set of groups, ACL and subnet once.
type builder struct {
	*Network
	snapshot *Snapshot
	sets     map[string]*groupSet
	acls     map[string]*aclSet
	subnets  map[string]*neighbours
	exempt   map[string]*exemption
	byID     map[string]*netfilter.NetworkACL // by subnet, and the default by VPC
	icmp     map[filters]*icmpPairs
	alike    map[string][]icmpPair
	size     int
	settings map[setters]*setting
	ordered  []*setting
}

// fastSize bounds the tables of all policies together; policies beyond it are
// compiled in the form that is linear in their rules: left to netfilter, each
// that has 64 rules would have a table again.
const fastSize = 64 << 20

func (b *builder) compiler() *netfilter.Compiler {
	c := &netfilter.Compiler{Resolver: b.resolver, Lenient: b.snapshot.Lenient, Form: netfilter.Compact}
	if b.size < fastSize {
		c.Form = netfilter.Cross
	}
	return c
}

// add gives a rule its number.
func (b *builder) add(r Rule) int32 {
	r.number = int32(len(b.rules))
	b.rules = append(b.rules, &r)
	return r.number
}

// groupRules numbers and names the rules of all groups.
func (b *builder) groupRules() error {
	c := netfilter.Compiler{Lenient: true, Form: netfilter.Compact}
	for i := range b.snapshot.Inventory.Groups {
		g := &b.snapshot.Inventory.Groups[i]
		b.groups[g.ID] = g
		policy, err := c.Groups([]netfilter.SecurityGroup{*g})
		if err != nil {
			return err
		}
		var numbers [2][]int32
		for _, d := range directions {
			for at, r := range g.Rules(d) {
				numbers[d] = append(numbers[d], b.add(Rule{
					ID: policy.RuleID(d, int32(at)), Owner: g.ID, Direction: d, Text: r.String(),
					rule: r, unknown: b.unknownPeer(r.Peer),
				}))
			}
		}
		b.of[g.ID] = numbers
	}
	return nil
}

// unknownPeer reports whether nobody knows what the peer stands for.
func (b *builder) unknownPeer(p netfilter.Peer) bool {
	known := true
	switch {
	case p.PrefixList != "":
		_, known = b.resolver.PrefixLists[p.PrefixList]
	case p.Group != "" && p.PeeringStatus != "deleted":
		_, known = b.resolver.Members[p.Group]
	}
	return !known
}

// indexACLs finds the ACL of each subnet and the default of each VPC.
func (b *builder) indexACLs() {
	for i := range b.snapshot.Inventory.ACLs {
		a := &b.snapshot.Inventory.ACLs[i]
		for _, subnet := range a.Subnets {
			b.byID[subnet] = a
		}
		if a.Default && a.VPC != "" {
			b.byID[a.VPC] = a
		}
	}
}

func (b *builder) place(i *netfilter.Interface) error {
	p := &place{id: i.ID, number: int32(len(b.places)), prefixes: i.Prefixes}
	if i.Primary.IsValid() {
		p.addrs = append(p.addrs, i.Primary.Unmap())
	}
	for _, a := range i.Addresses {
		if a.Private != i.Primary {
			p.addrs = append(p.addrs, a.Private.Unmap())
		}
	}
	v4 := 0
	for _, a := range p.addrs {
		if a.Is4() {
			v4++
			p.own = v4Of(a)
		}
	}
	p.single = v4 == 1 && len(p.prefixes) == 0
	set := setters{unfiltered: i.Unfiltered()}
	var err error
	if set.groups, err = b.groupSet(i.Groups); err != nil {
		return err
	}
	acl := b.byID[i.Subnet]
	if acl == nil && i.VPC != "" {
		acl = b.byID[i.VPC]
	}
	if acl != nil {
		if set.acl, err = b.aclSet(acl); err != nil {
			return err
		}
	}
	set.icmp = b.icmpOf(set.groups, set.acl)
	set.subnet, set.exempt = b.neighbours(i.Subnet), b.exemption(i.VPC)
	p.setting = b.setting(set)
	for _, a := range p.addrs {
		p.subnet.add(a)
	}
	p.subnet.prefixes = append(p.subnet.prefixes, p.prefixes...)
	b.interfaces[p.id] = p
	b.places = append(b.places, p)
	return nil
}

// groupSet compiles the groups of an interface.
func (b *builder) groupSet(ids []string) (*groupSet, error) {
	key := strings.Join(ids, " ")
	if s := b.sets[key]; s != nil {
		return s, nil
	}
	s := &groupSet{}
	var groups []netfilter.SecurityGroup
	for _, id := range ids {
		g := b.groups[id]
		if g == nil {
			s.missing = true
			continue
		}
		groups = append(groups, *g)
		for d := range s.rules {
			for _, number := range b.of[id][d] {
				s.rules[d] = append(s.rules[d], b.rules[number])
			}
		}
	}
	var err error
	if s.policy, err = b.compiler().Groups(groups); err != nil {
		return nil, err
	}
	b.size += s.policy.Size()
	b.invalid = append(b.invalid, s.policy.Invalid()...)
	for d := range s.rules {
		for _, r := range s.rules[d] {
			if r.unknown {
				s.unknown[d] = append(s.unknown[d], r)
			}
		}
		s.icmp[d] = groupICMP(s.rules[d])
	}
	b.sets[key] = s
	return s, nil
}

// aclSet compiles an ACL. With Lenient, one that cannot be compiled is not known.
func (b *builder) aclSet(acl *netfilter.NetworkACL) (*aclSet, error) {
	if s, ok := b.acls[acl.ID]; ok {
		return s, nil
	}
	policy, err := b.compiler().ACL(*acl)
	if err != nil {
		var fault *netfilter.RuleError
		if !b.snapshot.Lenient || !errors.As(err, &fault) {
			return nil, err
		}
		b.invalid = append(b.invalid, fault)
		b.acls[acl.ID] = nil
		return nil, nil
	}
	b.size += policy.Size()
	b.invalid = append(b.invalid, policy.Invalid()...)
	s := &aclSet{policy: policy, document: acl}
	for _, d := range directions {
		for i := range acl.Entries(d) {
			number, _ := policy.RuleNumber(d, int32(i))
			r := Rule{ID: policy.RuleID(d, int32(i)), Owner: acl.ID, Direction: d, Entry: true, Closing: number > 32766}
			s.entries[d] = append(s.entries[d], b.rules[b.add(r)])
		}
		s.closing[d] = b.rules[b.add(Rule{ID: acl.ID + "/" + d.String() + "/*", Owner: acl.ID, Direction: d, Entry: true, Closing: true})]
		s.icmp[d] = aclICMP(acl.Entries(d))
	}
	b.acls[acl.ID] = s
	return s, nil
}
