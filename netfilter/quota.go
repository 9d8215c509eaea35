// SPDX-License-Identifier: Apache-2.0

package netfilter

import "fmt"

// Quotas are the limits that AWS puts on an account's rules. A zero field is
// not checked. DefaultQuotas returns those of a new account.
//
// See https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html.
type Quotas struct {
	// RulesPerGroup bounds the rule units of a group in each direction and
	// family. A CIDR block or a group reference is one unit, a prefix list as
	// many as its MaxEntries.
	RulesPerGroup int
	// GroupsPerInterface bounds the groups of an interface, and RulesTimesGroups
	// the product of both quotas.
	GroupsPerInterface, RulesTimesGroups int
	// Groups bounds the groups of a Region.
	Groups int
	// PrefixListEntries bounds the entries of a prefix list.
	PrefixListEntries int
	// ACLEntries bounds the entries of an ACL in each direction and family, with
	// the closing denial.
	ACLEntries int
	// Routes bounds the routes of a table that are not propagated, in each
	// family, and PropagatedRoutes the others. Lint of package vpc checks both.
	Routes, PropagatedRoutes int
	// Weights are the units of AWS's own prefix lists, by name or id.
	Weights map[string]int
}

// DefaultQuotas returns the quotas of an account that never asked for more, and
// the weights that AWS publishes for its own prefix lists.
func DefaultQuotas() Quotas {
	return Quotas{
		RulesPerGroup: 60, GroupsPerInterface: 5, RulesTimesGroups: 1000,
		Groups: 2500, PrefixListEntries: 1000, ACLEntries: 20, Routes: 50, PropagatedRoutes: 100,
		Weights: map[string]int{"com.amazonaws.global.cloudfront.origin-facing": 55},
	}
}

// units counts the rule units of one direction of a group in each family. A
// reference or a list of unknown family counts in both.
func (q *Quotas) units(rules []Rule, lists map[string]PrefixList) (v4, v6 int) {
	for _, r := range rules {
		n := 1
		if r.Peer.PrefixList != "" {
			l := lists[r.Peer.PrefixList]
			n = max(1, l.MaxEntries, q.Weights[l.Name], q.Weights[r.Peer.PrefixList])
		}
		if r.Peer.IPv6 == "" {
			v4 += n
		}
		if r.Peer.IPv4 == "" {
			v6 += n
		}
	}
	return v4, v6
}

// lintQuota reports the quotas that the inventory exceeds.
func (l *linter) lintQuota() {
	q := l.options.Quotas
	over := func(where string, d Direction, n, limit int, what string) {
		if limit > 0 && n > limit {
			l.add(Finding{Code: "quota", Where: where, Direction: d, Detail: fmt.Sprintf("%d %s, the quota is %d", n, what, limit)})
		}
	}
	lists := map[string]PrefixList{}
	for _, list := range l.inv.PrefixLists {
		lists[list.ID] = list
		over(list.ID, Ingress, len(list.Entries), q.PrefixListEntries, "prefix list entries")
	}
	over("", Ingress, len(l.inv.Groups), q.Groups, "security groups")
	for _, d := range []Direction{Ingress, Egress} {
		for i := range l.inv.Groups {
			g := &l.inv.Groups[i]
			v4, v6 := q.units(g.Rules(d), lists)
			over(g.ID, d, v4, q.RulesPerGroup, "IPv4 rule units")
			over(g.ID, d, v6, q.RulesPerGroup, "IPv6 rule units")
		}
		for i := range l.inv.ACLs {
			a := &l.inv.ACLs[i]
			v4, v6 := aclUnits(a.Entries(d))
			over(a.ID, d, v4, q.ACLEntries, "IPv4 entries with the closing denial")
			over(a.ID, d, v6, q.ACLEntries, "IPv6 entries with the closing denial")
		}
	}
	for _, i := range l.inv.Interfaces {
		over(i.ID, Ingress, len(i.Groups), q.GroupsPerInterface, "groups on the interface")
	}
	over("", Ingress, q.RulesPerGroup*q.GroupsPerInterface, q.RulesTimesGroups, "as the product of rules per group and groups per interface")
}

// aclUnits counts the entries of each family, the closing denial once whether
// it is listed or not.
func aclUnits(entries []ACLEntry) (v4, v6 int) {
	for _, e := range entries {
		switch {
		case e.Number > lastNumber:
		case e.IPv6 != "":
			v6++
		default:
			v4++
		}
	}
	return v4 + 1, v6 + 1
}
