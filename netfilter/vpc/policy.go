// SPDX-License-Identifier: Apache-2.0

package vpc

import (
	"net/netip"
	"strings"
	"sync"

	"github.com/sallyport-go/sallyport/netfilter"
)

// filters holds the policies of the snapshot, compiled when first needed. Many
// interfaces share one set of groups.
type filters struct {
	groups map[string]*netfilter.SecurityGroup
	sets   map[*netfilter.Interface]*groupSet
	acl    map[*netfilter.NetworkACL]*aclFilter
	ways   map[*table]*aclFilter // see wayIn
}

// groupSet is the groups of an interface in a VPC.
type groupSet struct {
	vpc       string
	groups    []netfilter.SecurityGroup
	sides     [2]groupSide
	forwarded groupSide // ingress, of what an interface forwarded
}

type groupSide struct {
	once   sync.Once
	policy *netfilter.GroupPolicy
	rules  int
}

type aclFilter struct {
	once   sync.Once
	policy *netfilter.ACLPolicy
}

func (f *filters) prepare(s *Snapshot) {
	*f = filters{
		groups: map[string]*netfilter.SecurityGroup{}, sets: map[*netfilter.Interface]*groupSet{},
		acl: map[*netfilter.NetworkACL]*aclFilter{}, ways: map[*table]*aclFilter{},
	}
	for i := range s.inv.Groups {
		f.groups[s.inv.Groups[i].ID] = &s.inv.Groups[i]
	}
	for _, t := range s.tables {
		f.ways[t] = &aclFilter{}
	}
	alike := map[string]*groupSet{}
	for _, e := range s.interfaces {
		key := e.VPC + " " + strings.Join(e.Groups, " ")
		if alike[key] == nil {
			alike[key] = f.newGroupSet(e)
		}
		f.sets[e] = alike[key]
	}
	for i := range s.inv.ACLs {
		f.acl[&s.inv.ACLs[i]] = &aclFilter{}
	}
}

// newGroupSet gathers the groups of an interface. Of one that the snapshot lacks
// nothing is known: it may have any rule.
func (f *filters) newGroupSet(e *netfilter.Interface) *groupSet {
	set := &groupSet{vpc: e.VPC}
	for _, id := range e.Groups {
		g := f.groups[id]
		if g == nil {
			any := []netfilter.Rule{{Protocol: "-1", Peer: netfilter.Peer{PrefixList: "rules of " + id}}}
			g = &netfilter.SecurityGroup{ID: id, Ingress: any, Egress: any}
		}
		set.groups = append(set.groups, *g)
	}
	return set
}

func (s *Snapshot) setOf(e *netfilter.Interface) *groupSet { return s.sets[e] }

// policy compiles one direction; nil when it cannot be. rules counts the rules.
// A group referenced as the source does not admit what an interface forwarded,
// a middlebox, whoever sent it ("Security group rules").
func (g *groupSet) policy(s *Snapshot, d netfilter.Direction, forwarded bool) (policy *netfilter.GroupPolicy, rules int) {
	side := &g.sides[d]
	if forwarded = forwarded && d == netfilter.Ingress; forwarded {
		side = &g.forwarded
	}
	side.once.Do(func() {
		r := s.resolverFor(g.vpc, d, g.groups)
		for i := range g.groups {
			side.rules += len(g.groups[i].Rules(d))
			for _, rule := range g.groups[i].Rules(d) {
				if id := rule.Peer.Group; id != "" && forwarded {
					r.Members[id] = nil
				}
			}
		}
		c := netfilter.Compiler{Resolver: r, Lenient: true, Form: netfilter.Compact}
		side.policy, _ = c.Groups(g.groups)
	})
	return side.policy, side.rules
}

// aclOf returns the ACL of a subnet with its policy, which is nil when there is
// none or it cannot be compiled.
func (s *Snapshot) aclOf(subnet, vpc string) (*netfilter.NetworkACL, *netfilter.ACLPolicy) {
	a := s.acls[subnet]
	if a == nil {
		a = s.acls[vpc]
	}
	if a == nil {
		return nil, nil
	}
	f := s.acl[a]
	f.once.Do(func() {
		c := netfilter.Compiler{Lenient: true, Form: netfilter.Compact}
		f.policy, _ = c.ACL(*a)
	})
	return a, f.policy
}

// resolverFor knows the members of the groups that rules in the VPC may name
// (NET-17); references to other groups match nothing.
func (s *Snapshot) resolverFor(vpc string, d netfilter.Direction, groups []netfilter.SecurityGroup) netfilter.Resolver {
	r := netfilter.Resolver{Members: map[string][]netip.Prefix{}, PrefixLists: s.lists}
	for i := range groups {
		for _, rule := range groups[i].Rules(d) {
			id := rule.Peer.Group
			if id == "" {
				continue
			}
			members, known := s.resolver.Members[id]
			if g := s.groups[id]; g != nil && !s.mayName(vpc, g, d) {
				members, known = nil, true
			}
			if known {
				r.Members[id] = members
			}
		}
	}
	return r
}

func (s *Snapshot) mayName(vpc string, g *netfilter.SecurityGroup, d netfilter.Direction) bool {
	if g.VPC == vpc || g.VPC == "" || vpc == "" {
		return true
	}
	for _, v := range s.shared[g.ID] {
		if v == vpc {
			return true
		}
	}
	for _, p := range s.peerings {
		if (p.sides == [2]string{vpc, g.VPC} || p.sides == [2]string{g.VPC, vpc}) && ready(p.state) && p.region[0] == p.region[1] {
			return true
		}
	}
	return d == netfilter.Ingress && s.tgw.refers(vpc, g.VPC)
}
