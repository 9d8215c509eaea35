// SPDX-License-Identifier: Apache-2.0

package netfilter_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/netfilter"
)

func regionText(c netfilter.Change) string {
	var prefixes []string
	for _, p := range c.Prefixes {
		prefixes = append(prefixes, p.String())
	}
	return fmt.Sprintf("%s %d-%d %d-%d", strings.Join(prefixes, ","), c.FirstProtocol, c.LastProtocol, c.From, c.To)
}

// TestRedundantIsExact removes each rule in turn (NET-68): the policy is the
// same if and only if Redundant names it. Rules of unknown peers are judged for
// every way in which the unknown may turn out.
func TestRedundantIsExact(t *testing.T) {
	g := &uniGenerator{rng: rand.New(rand.NewPCG(11, 12)), classes: testkit.Classes{}}
	classes := testkit.Classes{}
	total := 0
	for range rounds(120) {
		resolver := uniResolver(g.rng)
		groups := g.groups(7)[:1]
		policy, err := netfilter.CompileGroups(groups, resolver)
		require.NoError(t, err)
		for _, d := range bothDirections {
			named := policy.Redundant(d)
			for i, r := range groups[0].Rules(d) {
				id := idOf(groups[0], d, i)
				if matchesNothing(r, resolver) {
					continue // it is stale or empty, which other findings say
				}
				same := equalWithout(t, groups, resolver, d, i)
				total++
				classes.Add("redundant", same)
				classes.Add("needed", !same)
				require.Equal(t, same, slices.Contains(named, id), "rule %s %v of %+v", id, r, groups)
			}
		}
	}
	classes.Require(t, total)
}

func idOf(g netfilter.SecurityGroup, d netfilter.Direction, i int) string {
	r := g.Rules(d)[i]
	_, text, _ := refPeer(r.Peer, netfilter.Resolver{}, netip.IPv4Unspecified())
	return fmt.Sprintf("%s/%s/%d/%s", g.ID, d, r.Permission, text)
}

func matchesNothing(r netfilter.Rule, resolver netfilter.Resolver) bool {
	return r.Peer.PeeringStatus == "deleted" || r.Peer.Group == "sg-empty"
}

// equalWithout compares the policy with and without rule i, for the unknown
// peers unknown, and for each of them turned out to be nothing or everything.
func equalWithout(t *testing.T, groups []netfilter.SecurityGroup, r netfilter.Resolver, d netfilter.Direction, i int) bool {
	t.Helper()
	without := cloneGroups(groups)
	rules := &without[0].Ingress
	if d == netfilter.Egress {
		rules = &without[0].Egress
	}
	*rules = slices.Delete(*rules, i, i+1)
	everything := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	for _, pl := range [][]netip.Prefix{nil, everything} {
		for _, sg := range [][]netip.Prefix{nil, everything} {
			known := netfilter.Resolver{Members: map[string][]netip.Prefix{"sg-x": sg}, PrefixLists: map[string][]netip.Prefix{"pl-x": pl}}
			for k, v := range r.Members {
				known.Members[k] = v
			}
			for k, v := range r.PrefixLists {
				known.PrefixLists[k] = v
			}
			a, err := netfilter.CompileGroups(groups, known)
			require.NoError(t, err)
			b, err := netfilter.CompileGroups(without, known)
			require.NoError(t, err)
			if !netfilter.Equal(a, b) {
				return false
			}
		}
	}
	return true
}

// TestACLFindingsAreExact proves shadowed, partly-shadowed and redundant by
// enumeration over the boundary packets (NET-68).
func TestACLFindingsAreExact(t *testing.T) {
	g := &uniGenerator{rng: rand.New(rand.NewPCG(13, 14)), classes: testkit.Classes{}}
	classes := testkit.Classes{}
	total := 0
	for range rounds(40) {
		acl := g.acl(6)
		findings := netfilter.Lint(&netfilter.Inventory{ACLs: []netfilter.NetworkACL{acl}}, netfilter.LintOptions{})
		policy, err := netfilter.CompileACL(acl)
		require.NoError(t, err)
		for _, d := range bothDirections {
			redundant := policy.Redundant(d)
			for _, e := range acl.Entries(d) {
				total++
				id := fmt.Sprintf("acl-1/%s/%d", d, e.Number)
				decides, overruled, changes := enumerateEntry(acl, d, e)
				shadowed, partly := findingOf(findings, "shadowed", id), findingOf(findings, "partly-shadowed", id)
				require.Equal(t, !decides, shadowed != nil, "shadowed %s", id)
				require.Equal(t, decides && overruled, partly != nil, "partly-shadowed %s", id)
				require.Equal(t, !changes, slices.Contains(redundant, id), "redundant %s", id)
				if partly != nil {
					v, _ := refACL(acl, d, *partly.Witness)
					require.Equal(t, partly.Rules[1], v.rule)
					require.NotEqual(t, e.Action, v.effect)
				}
				classes.Add("shadowed", !decides)
				classes.Add("partly shadowed", decides && overruled)
				classes.Add("redundant", decides && !changes)
				classes.Add("needed", changes)
			}
		}
	}
	if !testing.Short() {
		classes.Require(t, total)
	}
}

// enumerateEntry says of one entry whether it decides a boundary packet, whether
// an earlier entry decides one that it matches the other way, and whether
// removing it changes a verdict.
func enumerateEntry(acl netfilter.NetworkACL, d netfilter.Direction, e netfilter.ACLEntry) (decides, overruled, changes bool) {
	without, alone := acl, netfilter.NetworkACL{ID: "alone"}
	others := slices.DeleteFunc(slices.Clone(acl.Entries(d)), func(o netfilter.ACLEntry) bool { return o.Number == e.Number })
	if d == netfilter.Egress {
		without.Egress, alone.Egress = others, []netfilter.ACLEntry{e}
	} else {
		without.Ingress, alone.Ingress = others, []netfilter.ACLEntry{e}
	}
	uniPackets(d, func(p netfilter.Packet) {
		v, _ := refACL(acl, d, p)
		if only, _ := refACL(alone, d, p); only.number == 0 {
			return
		}
		decides = decides || v.number == e.Number
		overruled = overruled || v.number != e.Number && v.effect != e.Action
		w, _ := refACL(without, d, p)
		changes = changes || w.effect != v.effect
	})
	return decides, overruled, changes
}

func findingOf(findings []netfilter.Finding, code, rule string) *netfilter.Finding {
	for i := range findings {
		if findings[i].Code == code && len(findings[i].Rules) > 0 && findings[i].Rules[0] == rule {
			return &findings[i]
		}
	}
	return nil
}

// TestOpenToWorldIsExact compares the finding with enumeration: a key is open
// when every boundary address of a family passes with it.
func TestOpenToWorldIsExact(t *testing.T) {
	g := &uniGenerator{rng: rand.New(rand.NewPCG(15, 16)), classes: testkit.Classes{}}
	keys := uniKeys()
	opened := 0
	for range rounds(60) {
		group := g.groups(8)[0]
		inv := &netfilter.Inventory{Groups: []netfilter.SecurityGroup{group}}
		findings := netfilter.Lint(inv, netfilter.LintOptions{})
		for _, v6 := range []bool{false, true} {
			for _, key := range keys {
				open := true
				for _, a := range uniAddrs() {
					if a.Unmap().Is6() != v6 {
						continue
					}
					p := key
					p.Src, p.Dst = a.Unmap(), a.Unmap()
					v, _ := refGroups(inv.Groups, inv.Resolver(false), netfilter.Ingress, p)
					open = open && v.effect == "allow"
				}
				if open {
					opened++
				}
				require.Equal(t, open, reported(findings, v6, key), "v6 %v %v of %+v", v6, key, group)
			}
		}
	}
	require.Greater(t, opened, rounds(60)/2)
}

func reported(findings []netfilter.Finding, v6 bool, p netfilter.Packet) bool {
	p.Src, p.Dst = netip.IPv4Unspecified(), netip.IPv4Unspecified()
	if v6 {
		p.Src, p.Dst = netip.IPv6Unspecified(), netip.IPv6Unspecified()
	}
	return slices.ContainsFunc(findings, func(f netfilter.Finding) bool {
		return f.Code == "open-to-world" && f.Witness.Src == p.Src && strings.HasPrefix(f.Detail, netip.PrefixFrom(p.Src, 0).String()) && spans(f.Detail, p)
	})
}

// spans reads the text of a finding: "… reaches tcp ports 1 to 2".
func spans(detail string, p netfilter.Packet) bool {
	_, what, _ := strings.Cut(detail, " reaches ")
	var a, b, c, e int
	var name string
	if what == "every protocol" {
		return true
	}
	if n, _ := fmt.Sscanf(what, "protocols %d to %d", &a, &b); n == 2 {
		return a <= int(p.Protocol) && int(p.Protocol) <= b
	}
	if n, _ := fmt.Sscanf(what, "protocol %d", &a); n == 1 {
		return int(p.Protocol) == a
	}
	name, rest, _ := strings.Cut(what, " ")
	if name != p.Protocol.String() {
		return false
	}
	typeCode := int(p.ICMPType)<<8 | int(p.ICMPCode)
	if n, _ := fmt.Sscanf(rest, "types %d/%d to %d/%d", &a, &b, &c, &e); n == 4 {
		return a<<8|b <= typeCode && typeCode <= c<<8|e
	}
	if n, _ := fmt.Sscanf(rest, "type %d code %d", &a, &b); n == 2 {
		return typeCode == a<<8|b
	}
	if n, _ := fmt.Sscanf(rest, "type %d", &a); n == 1 {
		return int(p.ICMPType) == a
	}
	if n, _ := fmt.Sscanf(rest, "ports %d to %d", &a, &b); n == 2 {
		return a <= int(p.DstPort) && int(p.DstPort) <= b
	}
	if n, _ := fmt.Sscanf(rest, "port %d", &a); n == 1 {
		return int(p.DstPort) == a
	}
	return rest == "on every port" || rest == "of every type and code"
}

// TestMinimiseIsEquivalent proves by enumeration that a minimised group decides
// every boundary packet alike, has no more rules, and none that is redundant
// (NET-69).
func TestMinimiseIsEquivalent(t *testing.T) {
	g := &uniGenerator{rng: rand.New(rand.NewPCG(17, 18)), classes: testkit.Classes{}}
	saved := 0
	for range rounds(40) {
		resolver := uniResolver(g.rng)
		group := g.groups(9)[0]
		small, err := netfilter.Minimise(group, resolver)
		require.NoError(t, err)
		require.LessOrEqual(t, len(small.Ingress)+len(small.Egress), len(group.Ingress)+len(group.Egress))
		saved += len(group.Ingress) - len(small.Ingress)
		before, after := groupsReference([]netfilter.SecurityGroup{group}, resolver), groupsReference([]netfilter.SecurityGroup{small}, resolver)
		for _, d := range bothDirections {
			uniPackets(d, func(p netfilter.Packet) {
				if b, a := before(d, p), after(d, p); a != b {
					t.Fatalf("%s %v: %s became %s\n%+v\n%+v", d, p, b, a, group, small)
				}
			})
		}
		policy, err := netfilter.CompileGroups([]netfilter.SecurityGroup{small}, resolver)
		require.NoError(t, err)
		require.Empty(t, policy.Redundant(netfilter.Ingress))
	}
	require.Greater(t, saved, rounds(40)/4)
}

func TestMinimiseMerges(t *testing.T) {
	rule := func(from, to int, cidr string) netfilter.Rule {
		return netfilter.Rule{ID: "sgr-" + cidr, Protocol: "tcp", From: from, To: to, Peer: netfilter.Peer{IPv4: cidr}}
	}
	for _, c := range []struct {
		name string
		in   []netfilter.Rule
		want []string
	}{
		{"quarters", []netfilter.Rule{rule(22, 22, "10.0.0.0/10"), rule(22, 22, "10.64.0.0/10"), rule(22, 22, "10.128.0.0/9")}, []string{"tcp 22 10.0.0.0/8"}},
		{"ports that touch", []netfilter.Rule{rule(20, 22, "10.0.0.0/8"), rule(23, 30, "10.0.0.0/8")}, []string{"tcp 20-30 10.0.0.0/8"}},
		{"ports apart", []netfilter.Rule{rule(20, 22, "10.0.0.0/8"), rule(24, 30, "10.0.0.0/8")}, []string{"tcp 20-22 10.0.0.0/8", "tcp 24-30 10.0.0.0/8"}},
		{"covered by two", []netfilter.Rule{rule(0, 100, "10.0.0.0/8"), rule(50, 150, "10.1.0.0/16"), rule(101, 200, "10.0.0.0/8")}, []string{"tcp 0-200 10.0.0.0/8"}},
		{"a half and a quarter", []netfilter.Rule{rule(22, 22, "10.0.0.0/9"), rule(22, 22, "10.128.0.0/10")}, []string{"tcp 22 10.0.0.0/9", "tcp 22 10.128.0.0/10"}},
		{"not siblings", []netfilter.Rule{rule(22, 22, "10.1.0.0/16"), rule(22, 22, "10.2.0.0/16")}, []string{"tcp 22 10.1.0.0/16", "tcp 22 10.2.0.0/16"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			small, err := netfilter.Minimise(netfilter.SecurityGroup{ID: "sg-1", Ingress: c.in}, netfilter.Resolver{})
			require.NoError(t, err)
			var got []string
			for _, r := range small.Ingress {
				got = append(got, r.String())
			}
			require.Equal(t, c.want, got)
		})
	}
}

// TestExplainAgreesWithDecide holds NET-72: same verdict, and the deciding rule
// is the first that matches.
func TestExplainAgreesWithDecide(t *testing.T) {
	g := &uniGenerator{rng: rand.New(rand.NewPCG(19, 20)), classes: testkit.Classes{}}
	for range rounds(30) {
		resolver, groups, acl := uniResolver(g.rng), g.groups(5), g.acl(6)
		gp, err := netfilter.CompileGroups(groups, resolver)
		require.NoError(t, err)
		ap, err := netfilter.CompileACL(acl)
		require.NoError(t, err)
		for _, d := range bothDirections {
			uniPackets(d, func(p netfilter.Packet) {
				for _, e := range []netfilter.Explanation{gp.Explain(d, p), ap.Explain(d, p)} {
					first := slices.IndexFunc(e.Rules, func(r netfilter.RuleReason) bool { return r.Match == netfilter.Yes })
					if first < 0 {
						first = slices.IndexFunc(e.Rules, func(r netfilter.RuleReason) bool { return r.Match == netfilter.Possible })
					}
					if int(e.Verdict.Rule) != first {
						t.Fatalf("%s %v: decided by %d, first match %d: %+v", d, p, e.Verdict.Rule, first, e)
					}
				}
				if gp.Explain(d, p).Verdict != gp.Decide(d, p) || ap.Explain(d, p).Verdict != ap.Decide(d, p) {
					t.Fatalf("%s %v: Explain and Decide differ", d, p)
				}
			})
		}
	}
}
