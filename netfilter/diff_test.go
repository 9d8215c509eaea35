// SPDX-License-Identifier: Apache-2.0

package netfilter_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/netfilter"
)

var bothDirections = []netfilter.Direction{netfilter.Ingress, netfilter.Egress}

// holds reports whether a packet is in the set of a change.
func holds(c netfilter.Change, d netfilter.Direction, p netfilter.Packet) bool {
	peer := p.Src.Unmap()
	if d == netfilter.Egress {
		peer = p.Dst.Unmap()
	}
	key := uint16(0)
	switch p.Protocol {
	case netfilter.TCP, netfilter.UDP:
		key = p.DstPort
	case netfilter.ICMP, netfilter.ICMPv6:
		key = uint16(p.ICMPType)<<8 | uint16(p.ICMPCode)
	}
	in := slices.ContainsFunc(c.Prefixes, func(x netip.Prefix) bool { return x.Contains(peer) })
	return c.Direction == d && in && c.FirstProtocol <= p.Protocol && p.Protocol <= c.LastProtocol && c.From <= key && key <= c.To
}

// checkDiff proves a Diff by enumeration (NET-66, NET-67): every boundary packet
// that the reference decides differently lies in exactly one region with the
// right effects, every other in none, and every witness differs.
func checkDiff(t *testing.T, changes []netfilter.Change, a, b func(netfilter.Direction, netfilter.Packet) string) (differ, cases int) {
	t.Helper()
	for _, c := range changes {
		require.True(t, holds(c, c.Direction, c.Witness), "the witness is outside: %+v", c)
		require.Equal(t, c.Before.String(), a(c.Direction, c.Witness), "%+v", c)
		require.Equal(t, c.After.String(), b(c.Direction, c.Witness), "%+v", c)
		require.NotEqual(t, c.Before, c.After)
	}
	for _, d := range bothDirections {
		uniPackets(d, func(p netfilter.Packet) {
			cases++
			before, after := a(d, p), b(d, p)
			n := 0
			for i := range changes {
				if holds(changes[i], d, p) {
					n++
					if changes[i].Before.String() != before || changes[i].After.String() != after {
						t.Fatalf("%s %v: %s to %s, the region says %+v", d, p, before, after, changes[i])
					}
				}
			}
			want := 0
			if before != after {
				want = 1
				differ++
			}
			if n != want {
				t.Fatalf("%s %v: %s to %s, in %d regions of %+v", d, p, before, after, n, changes)
			}
		})
	}
	return differ, cases
}

func groupsReference(groups []netfilter.SecurityGroup, r netfilter.Resolver) func(netfilter.Direction, netfilter.Packet) string {
	return func(d netfilter.Direction, p netfilter.Packet) string {
		v, _ := refGroups(groups, r, d, p)
		return v.effect
	}
}

func aclReference(acl netfilter.NetworkACL) func(netfilter.Direction, netfilter.Packet) string {
	return func(d netfilter.Direction, p netfilter.Packet) string {
		v, _ := refACL(acl, d, p)
		return v.effect
	}
}

func TestDiffIsExact(t *testing.T) {
	g := &uniGenerator{rng: rand.New(rand.NewPCG(5, 6)), classes: testkit.Classes{}}
	classes := testkit.Classes{}
	total := 0
	for i := range rounds(60) {
		resolver := uniResolver(g.rng)
		a, b := g.groups(5), g.groups(5)
		if i%2 == 0 { // a small change
			b = cloneGroups(a)
			b[0].Ingress = append(b[0].Ingress, g.rule(len(b[0].Ingress)))
		}
		pa, err := netfilter.CompileGroups(a, resolver)
		require.NoError(t, err)
		pb, err := netfilter.CompileGroups(b, resolver)
		require.NoError(t, err)
		changes := slices.Collect(netfilter.Diff(pa, pb))
		differ, _ := checkDiff(t, changes, groupsReference(a, resolver), groupsReference(b, resolver))
		require.Equal(t, len(changes) == 0, netfilter.Equal(pa, pb))
		require.Equal(t, differ == 0, len(changes) == 0)
		require.Empty(t, slices.Collect(netfilter.Diff(pa, pa)), "Diff(a,a)")
		total++
		classes.Add("equal", differ == 0)
		classes.Add("different", differ > 0)
		classes.Add("many regions", len(changes) > 20)
		classes.Add("unresolved", slices.ContainsFunc(changes, func(c netfilter.Change) bool { return c.After == netfilter.Unresolved }))
	}
	if !testing.Short() {
		classes.Require(t, total)
	}
}

func TestDiffOfACLsIsExact(t *testing.T) {
	g := &uniGenerator{rng: rand.New(rand.NewPCG(7, 8)), classes: testkit.Classes{}}
	for range rounds(60) {
		a := g.acl(6)
		b := g.acl(6)
		if g.rng.IntN(2) == 0 {
			b = a
			b.Ingress = slices.Clone(a.Ingress)
			if len(b.Ingress) > 0 {
				b.Ingress[0].Action = "deny"
			}
		}
		pa, err := netfilter.CompileACL(a)
		require.NoError(t, err)
		pb, err := netfilter.CompileACL(b)
		require.NoError(t, err)
		checkDiff(t, slices.Collect(netfilter.Diff(pa, pb)), aclReference(a), aclReference(b))
	}
}

// TestDiffOfGroupsAndACL compares a policy of groups with an ACL: they share one
// ground.
func TestDiffOfGroupsAndACL(t *testing.T) {
	groups := []netfilter.SecurityGroup{{ID: "sg-1", Ingress: []netfilter.Rule{{Protocol: "tcp", From: 443, To: 443, Peer: netfilter.Peer{IPv4: "10.0.0.0/8"}}}}}
	acl := netfilter.NetworkACL{ID: "acl-1", Ingress: []netfilter.ACLEntry{{Number: 100, Protocol: "6", Action: "allow", IPv4: "10.0.0.0/8", From: 443, To: 443}}}
	pg, err := netfilter.CompileGroups(groups, netfilter.Resolver{})
	require.NoError(t, err)
	pa, err := netfilter.CompileACL(acl)
	require.NoError(t, err)
	require.True(t, netfilter.Equal(pg, pa))
}

func TestDiffRegionsAreMerged(t *testing.T) {
	rule := func(proto string, from, to int, cidr string) netfilter.Rule {
		return netfilter.Rule{Protocol: proto, From: from, To: to, Peer: netfilter.Peer{IPv4: cidr}}
	}
	compile := func(rules ...netfilter.Rule) *netfilter.GroupPolicy {
		p, err := netfilter.CompileGroups([]netfilter.SecurityGroup{{ID: "sg-1", Ingress: rules}}, netfilter.Resolver{})
		require.NoError(t, err)
		return p
	}
	for _, c := range []struct {
		name          string
		before, after *netfilter.GroupPolicy
		want          []string
	}{
		{"halves make a whole", compile(), compile(rule("tcp", 22, 22, "10.0.0.0/9"), rule("tcp", 22, 22, "10.128.0.0/9")), []string{"10.0.0.0/8 6-6 22-22"}},
		{"ports join", compile(), compile(rule("tcp", 22, 30, "10.0.0.0/8"), rule("tcp", 31, 40, "10.0.0.0/8")), []string{"10.0.0.0/8 6-6 22-40"}},
		{"all protocols are one", compile(), compile(rule("-1", -1, -1, "10.0.0.0/8")), []string{"10.0.0.0/8 0-255 0-65535"}},
		{
			"all but one port", compile(rule("tcp", 443, 443, "10.0.0.0/8")), compile(rule("-1", -1, -1, "10.0.0.0/8")),
			[]string{"10.0.0.0/8 0-5 0-65535", "10.0.0.0/8 6-6 0-442", "10.0.0.0/8 6-6 444-65535", "10.0.0.0/8 7-255 0-65535"},
		},
		{
			"a hole", compile(rule("tcp", 22, 22, "10.1.0.0/16")), compile(rule("tcp", 22, 22, "10.0.0.0/14")),
			[]string{"10.0.0.0/16,10.2.0.0/15 6-6 22-22"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for ch := range netfilter.Diff(c.before, c.after) {
				got = append(got, regionText(ch))
			}
			require.Equal(t, c.want, got)
		})
	}
}

func cloneGroups(in []netfilter.SecurityGroup) []netfilter.SecurityGroup {
	out := slices.Clone(in)
	for i := range out {
		out[i].Ingress, out[i].Egress = slices.Clone(out[i].Ingress), slices.Clone(out[i].Egress)
	}
	return out
}
