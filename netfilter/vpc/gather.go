// SPDX-License-Identifier: Apache-2.0

package vpc

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/sallyport-go/sallyport/netfilter"
)

// gatherer collects the filters on a way, to decide by them about every packet
// at once. No route on the way in depends on the source of a packet but one: see
// wayIn.
type gatherer struct {
	legs []netfilter.Leg
	way  *netfilter.ACLPolicy
}

func (g *gatherer) clone() *gatherer {
	if g == nil {
		return nil
	}
	return &gatherer{slices.Clone(g.legs), g.way}
}

// add notes a policy that the walk meets, unless the way is in doubt: then what
// the filters say is, too. Outbound, where an interface forwards, a policy sees
// the destination.
func (g *gatherer) add(w *walk, p netfilter.Policy, d netfilter.Direction) {
	if w.unsure {
		return
	}
	l := netfilter.Leg{Policy: p, Direction: d}
	if d == netfilter.Egress {
		l.Peer = w.pk.Dst
	}
	g.legs = append(g.legs, l)
}

// all returns the legs with the way in as the last one, if there is one.
func (g *gatherer) all() []netfilter.Leg {
	if g.way == nil {
		return g.legs
	}
	return append(g.legs[:len(g.legs):len(g.legs)], netfilter.Leg{Policy: g.way})
}

// wayIn returns, as a policy, from which sources IPv6 packets come in by an
// internet gateway: not from the VPC's own, nor from those that the table sends
// answers to by an egress-only gateway. It is nil without a table.
func (s *Snapshot) wayIn(t *table) *netfilter.ACLPolicy {
	if t == nil {
		return nil
	}
	f := s.ways[t]
	f.once.Do(func() {
		acl := netfilter.NetworkACL{ID: t.id}
		for i, c := range s.ranked(t) {
			e := netfilter.ACLEntry{Number: i + 1, Protocol: "-1", Action: "allow", IPv6: c.at.String()}
			if c.target == "local" || has(c.target, "eigw-") {
				e.Action = "deny"
			}
			acl.Ingress = append(acl.Ingress, e)
		}
		acl.Ingress = append(acl.Ingress, netfilter.ACLEntry{Number: len(acl.Ingress) + 1, Protocol: "-1", Action: "allow", IPv6: "::/0"})
		f.policy, _ = netfilter.CompileACL(acl)
	})
	return f.policy
}

// ranked returns the IPv6 routes of a table, those that win first.
func (s *Snapshot) ranked(t *table) []choice {
	var out []choice
	add := func(r *route, at netip.Prefix, rank int) {
		if at.IsValid() && at.Addr().Is6() {
			out = append(out, choice{*r, at, rank})
		}
	}
	for _, b := range s.vpcs[t.vpc] {
		add(&route{target: "local"}, b, 1)
	}
	for i := range t.routes {
		r := &t.routes[i]
		add(r, r.dest, s.rank(r))
		for _, d := range s.lists[r.list] {
			add(r, d, s.rank(r))
		}
	}
	slices.SortStableFunc(out, func(a, b choice) int {
		return cmp.Or(cmp.Compare(b.at.Bits(), a.at.Bits()), cmp.Compare(a.rank, b.rank))
	})
	return out
}
