// SPDX-License-Identifier: Apache-2.0

package netfilter_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/netfilter"
)

// TestAdmitted: of every boundary packet, Admitted holds exactly those that all
// legs let pass, once, with each leg's deciding rule.
func TestAdmitted(t *testing.T) {
	g := &uniGenerator{rng: rand.New(rand.NewPCG(5, 5)), classes: testkit.Classes{}}
	sets := 40
	if testing.Short() {
		sets = 6
	}
	for range sets {
		groups, err := (&netfilter.Compiler{Resolver: uniResolver(g.rng), Lenient: true}).Groups(g.groups(4))
		require.NoError(t, err)
		acl, err := (&netfilter.Compiler{Lenient: true}).ACL(g.acl(5))
		require.NoError(t, err)
		legs := []netfilter.Leg{{Policy: acl}, {Policy: groups}, {Policy: groups, Direction: netfilter.Egress}}
		for _, far := range []string{"10.1.2.3", "2001:db8::1"} {
			peer := netip.MustParseAddr(far)
			legs[2].Peer = peer
			regions := netfilter.Admitted(peer.Is6(), legs...)
			uniPackets(netfilter.Ingress, func(p netfilter.Packet) {
				if p.Src.Unmap().Is6() == peer.Is6() {
					p.Src, p.Dst = p.Src.Unmap(), peer
					checkAdmitted(t, legs, regions, p)
				}
			})
		}
	}
	all := netfilter.Admitted(false)
	require.Len(t, all, 1)
	require.Equal(t, netfilter.Protocol(255), all[0].LastProtocol)
}

func checkAdmitted(t *testing.T, legs []netfilter.Leg, regions []netfilter.Region, p netfilter.Packet) {
	t.Helper()
	effect, rules := netfilter.Allow, []string{}
	for _, l := range legs {
		v := l.Policy.Decide(l.Direction, p)
		if v.Effect == netfilter.Deny || effect != netfilter.Deny && v.Effect == netfilter.Unresolved {
			effect = v.Effect
		}
		rules = append(rules, l.Policy.RuleID(l.Direction, v.Rule))
	}
	var in []netfilter.Region
	for _, r := range regions {
		if regionHolds(r, p) {
			in = append(in, r)
		}
	}
	if effect == netfilter.Deny {
		require.Empty(t, in, "%v", p)
		return
	}
	require.Len(t, in, 1, "%v", p)
	require.Equal(t, effect, in[0].Effect)
	require.Equal(t, rules, in[0].Rules)
	require.True(t, regionHolds(in[0], in[0].Witness))
}

func regionHolds(r netfilter.Region, p netfilter.Packet) bool {
	found := false
	for _, x := range r.Prefixes {
		found = found || x.Contains(p.Src)
	}
	key := p.DstPort
	switch p.Protocol {
	case netfilter.ICMP, netfilter.ICMPv6:
		key = uint16(p.ICMPType)<<8 | uint16(p.ICMPCode)
	case netfilter.TCP, netfilter.UDP:
	default:
		key = 0
	}
	return found && r.FirstProtocol <= p.Protocol && p.Protocol <= r.LastProtocol && r.From <= key && key <= r.To
}

// Who reaches an interface through an ACL and its group, and by which rules?
func ExampleAdmitted() {
	group := netfilter.SecurityGroup{ID: "sg-1", Ingress: []netfilter.Rule{{Protocol: "tcp", From: 0, To: 443, Peer: netfilter.Peer{IPv4: "10.0.0.0/8"}}}}
	acl := netfilter.NetworkACL{ID: "acl-1", Ingress: []netfilter.ACLEntry{{Number: 100, Protocol: "tcp", From: 443, To: 8443, Action: "allow", IPv4: "10.1.0.0/16"}}}
	groups, _ := netfilter.CompileGroups([]netfilter.SecurityGroup{group}, netfilter.Resolver{})
	entries, _ := netfilter.CompileACL(acl)
	var way netfilter.Leg = netfilter.Leg{Policy: entries, Direction: netfilter.Ingress}
	var regions []netfilter.Region = netfilter.Admitted(false, way, netfilter.Leg{Policy: groups})
	for _, r := range regions {
		fmt.Println(r.Prefixes, r.FirstProtocol, r.From, r.To, r.Effect, r.Rules)
	}
	// Output: [10.1.0.0/16] tcp 443 443 allow [acl-1/ingress/100 sg-1/ingress/0/10.0.0.0/8]
}
