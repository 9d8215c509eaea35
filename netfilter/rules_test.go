// SPDX-License-Identifier: Apache-2.0

package netfilter_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/netfilter"
)

func ingress(rules ...netfilter.Rule) []netfilter.SecurityGroup {
	for i := range rules {
		rules[i].Permission = i
	}
	return []netfilter.SecurityGroup{{ID: "sg-1", Ingress: rules}}
}

func packet(proto netfilter.Protocol, src string, port uint16) netfilter.Packet {
	p := netfilter.Packet{Src: netip.MustParseAddr(src), Protocol: proto, DstPort: port, Dst: netip.MustParseAddr("10.0.0.1")}
	if p.Src.Unmap().Is6() {
		p.Dst = netip.MustParseAddr("2001:db8::1")
	}
	return p
}

func icmp(proto netfilter.Protocol, src string, typ, code uint8) netfilter.Packet {
	p := packet(proto, src, 0)
	p.ICMPType, p.ICMPCode = typ, code
	return p
}

// TestRulesOneByOne holds the sentences of sections 1 and 2 of the rules.
func TestRulesOneByOne(t *testing.T) {
	v4 := func(proto string, from, to int, cidr string) netfilter.Rule {
		return netfilter.Rule{Protocol: proto, From: from, To: to, Peer: netfilter.Peer{IPv4: cidr}}
	}
	v6 := func(proto string, from, to int, cidr string) netfilter.Rule {
		return netfilter.Rule{Protocol: proto, From: from, To: to, Peer: netfilter.Peer{IPv6: cidr}}
	}
	const tcp, udp, gre = netfilter.TCP, netfilter.UDP, netfilter.Protocol(47)
	for _, c := range []struct {
		name   string
		rule   netfilter.Rule
		packet netfilter.Packet
		allow  bool
	}{
		{"NET-2 mapped packet", v4("tcp", 1, 9, "10.0.0.0/8"), packet(tcp, "::ffff:10.1.2.3", 5), true},
		{"NET-2 mapped block", v6("tcp", 1, 9, "::ffff:10.0.0.0/104"), packet(tcp, "10.1.2.3", 5), true},
		{"NET-3 all IPv4 is not IPv6", v4("-1", -1, -1, "0.0.0.0/0"), packet(tcp, "2001:db8::9", 5), false},
		{"NET-3 all IPv6 is not IPv4", v6("-1", -1, -1, "::/0"), packet(tcp, "10.1.2.3", 5), false},
		{"NET-4 host bits", v4("tcp", 1, 9, "100.68.0.18/18"), packet(tcp, "100.68.63.255", 5), true},
		{"NET-4 host bits, beyond", v4("tcp", 1, 9, "100.68.0.18/18"), packet(tcp, "100.68.64.0", 5), false},
		{"NET-7 the source port is never looked at", v4("tcp", 443, 443, "0.0.0.0/0"), netfilter.Packet{Src: netip.MustParseAddr("10.0.0.9"), Dst: netip.MustParseAddr("10.0.0.1"), Protocol: tcp, SrcPort: 443, DstPort: 80}, false},
		{"NET-9 a number is the name", v4("6", 1, 9, "10.0.0.0/8"), packet(tcp, "10.0.0.9", 9), true},
		{"NET-9 letters in any case", v4("TcP", 1, 9, "10.0.0.0/8"), packet(tcp, "10.0.0.9", 1), true},
		{"NET-9 all", v4("all", 1, 9, "10.0.0.0/8"), packet(udp, "10.0.0.9", 100), true},
		{"NET-10 GRE with ports", v4("47", 80, 80, "10.0.0.0/8"), packet(gre, "10.0.0.9", 0), true},
		{"NET-10 all protocols with ports", v4("-1", 80, 80, "10.0.0.0/8"), packet(tcp, "10.0.0.9", 81), true},
		{"NET-10 nonsense ports of GRE", v4("47", 100, 50, "10.0.0.0/8"), packet(gre, "10.0.0.9", 0), true},
		{"NET-11 absent from", v4("tcp", -1, 100, "10.0.0.0/8"), packet(tcp, "10.0.0.9", 0), true},
		{"NET-11 absent to", v4("udp", 100, -1, "10.0.0.0/8"), packet(udp, "10.0.0.9", 65535), true},
		{"NET-11 inclusive", v4("tcp", 100, 200, "10.0.0.0/8"), packet(tcp, "10.0.0.9", 200), true},
		{"NET-11 beyond", v4("tcp", 100, 200, "10.0.0.0/8"), packet(tcp, "10.0.0.9", 201), false},
		{"NET-12 echo request, any code", v4("icmp", 8, -1, "10.0.0.0/8"), icmp(1, "10.0.0.9", 8, 77), true},
		{"NET-12 another type", v4("icmp", 8, -1, "10.0.0.0/8"), icmp(1, "10.0.0.9", 0, 0), false},
		{"NET-12 all", v4("icmp", -1, -1, "10.0.0.0/8"), icmp(1, "10.0.0.9", 3, 4), true},
		{"NET-12 one code", v4("icmp", 3, 4, "10.0.0.0/8"), icmp(1, "10.0.0.9", 3, 3), false},
		{"NET-13 icmp with an IPv6 block is not ICMPv6", v6("icmp", -1, -1, "::/0"), icmp(58, "2001:db8::9", 128, 0), false},
		{"NET-13 icmpv6 is ICMPv6", v6("icmpv6", 128, -1, "::/0"), icmp(58, "2001:db8::9", 128, 0), true},
		{"NET-13 icmpv6 with an IPv4 block is not ICMP", v4("icmpv6", -1, -1, "0.0.0.0/0"), icmp(1, "10.0.0.9", 8, 0), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, form := range forms {
				compiler := netfilter.Compiler{Form: form}
				p, err := compiler.Groups(ingress(c.rule))
				require.NoError(t, err)
				require.Equal(t, c.allow, p.Decide(netfilter.Ingress, c.packet).Effect == netfilter.Allow)
			}
		})
	}
}

// TestRuleErrors: an invalid rule is an error that names rule and field (NET-9,
// NET-11, NET-12, NET-14); with Lenient it matches nothing and is listed.
func TestRuleErrors(t *testing.T) {
	v4 := netfilter.Peer{IPv4: "10.0.0.0/8"}
	for _, c := range []struct {
		name  string
		rule  netfilter.Rule
		field string
	}{
		{"no protocol", netfilter.Rule{Peer: v4}, "IpProtocol"},
		{"a name AWS does not know", netfilter.Rule{Protocol: "gre", Peer: v4}, "IpProtocol"},
		{"a letter that only lower case makes an i", netfilter.Rule{Protocol: "\u0130CMP", Peer: v4}, "IpProtocol"},
		{"protocol 256", netfilter.Rule{Protocol: "256", Peer: v4}, "IpProtocol"},
		{"protocol -2", netfilter.Rule{Protocol: "-2", Peer: v4}, "IpProtocol"},
		{"protocol +6", netfilter.Rule{Protocol: "+6", Peer: v4}, "IpProtocol"},
		{"from above to", netfilter.Rule{Protocol: "tcp", From: 100, To: 50, Peer: v4}, "FromPort"},
		{"port 65536", netfilter.Rule{Protocol: "tcp", From: 0, To: 65536, Peer: v4}, "ToPort"},
		{"port -2", netfilter.Rule{Protocol: "udp", From: -2, To: 5, Peer: v4}, "FromPort"},
		{"a code without a type", netfilter.Rule{Protocol: "icmp", From: -1, To: 9, Peer: v4}, "ToPort"},
		{"type 256", netfilter.Rule{Protocol: "icmp", From: 256, To: -1, Peer: v4}, "FromPort"},
		{"code 256", netfilter.Rule{Protocol: "icmpv6", From: 1, To: 256, Peer: v4}, "ToPort"},
		{"no peer", netfilter.Rule{Protocol: "tcp"}, "Peer"},
		{"two peers", netfilter.Rule{Protocol: "tcp", Peer: netfilter.Peer{IPv4: "10.0.0.0/8", Group: "sg-1"}}, "Peer"},
		{"not a block", netfilter.Rule{Protocol: "tcp", Peer: netfilter.Peer{IPv4: "10.0.0.0"}}, "CidrIp"},
		{"/33", netfilter.Rule{Protocol: "tcp", Peer: netfilter.Peer{IPv4: "10.0.0.0/33"}}, "CidrIp"},
		{"IPv6 as IPv4", netfilter.Rule{Protocol: "tcp", Peer: netfilter.Peer{IPv4: "::/0"}}, "CidrIp"},
		{"IPv4 as IPv6", netfilter.Rule{Protocol: "tcp", Peer: netfilter.Peer{IPv6: "10.0.0.0/8"}}, "CidrIpv6"},
		{"a zone", netfilter.Rule{Protocol: "tcp", Peer: netfilter.Peer{IPv6: "fe80::%eth0/64"}}, "CidrIpv6"},
	} {
		t.Run(c.name, func(t *testing.T) {
			good := netfilter.Rule{Protocol: "tcp", From: 443, To: 443, Peer: v4}
			_, err := netfilter.CompileGroups(ingress(good, c.rule), netfilter.Resolver{})
			require.ErrorIs(t, err, netfilter.ErrRule)
			var fault *netfilter.RuleError
			require.True(t, errors.As(err, &fault))
			require.Equal(t, c.field, fault.Field)
			require.True(t, strings.HasPrefix(fault.Rule, "sg-1/ingress/1/"), fault.Rule)
			require.NotEmpty(t, fault.Hint())

			lenient := netfilter.Compiler{Lenient: true}
			p, err := lenient.Groups(ingress(good, c.rule))
			require.NoError(t, err)
			require.Equal(t, []*netfilter.RuleError{fault}, p.Invalid())
			require.Equal(t, netfilter.Allow, p.Decide(netfilter.Ingress, packet(netfilter.TCP, "10.0.0.9", 443)).Effect)
			for _, port := range []uint16{0, 50, 100, 65535} {
				require.Equal(t, netfilter.Deny, p.Decide(netfilter.Ingress, packet(netfilter.TCP, "10.0.0.9", port)).Effect)
			}
			reasons := p.Explain(netfilter.Ingress, packet(netfilter.TCP, "10.0.0.9", 50)).Rules
			require.Equal(t, netfilter.RuleReason{ID: fault.Rule, Match: netfilter.No, Field: "invalid"}, reasons[1])
		})
	}
}

func TestRuleErrorsAreJoined(t *testing.T) {
	_, err := netfilter.CompileGroups(ingress(netfilter.Rule{Protocol: "x"}, netfilter.Rule{Protocol: "y"}), netfilter.Resolver{})
	var joined interface{ Unwrap() []error }
	require.True(t, errors.As(err, &joined))
	require.Len(t, joined.Unwrap(), 2)
}

// TestACLRules holds section 3.
func TestACLRules(t *testing.T) {
	entry := func(n int, proto, action, cidr string) netfilter.ACLEntry {
		e := netfilter.ACLEntry{Number: n, Protocol: proto, Action: action, From: -1, To: -1, Type: -1, Code: -1}
		if strings.Contains(cidr, ":") {
			e.IPv6 = cidr
		} else {
			e.IPv4 = cidr
		}
		return e
	}
	ports := func(e netfilter.ACLEntry, from, to int) netfilter.ACLEntry { e.From, e.To = from, to; return e }
	code := func(e netfilter.ACLEntry, typ, code int) netfilter.ACLEntry { e.Type, e.Code = typ, code; return e }
	for _, c := range []struct {
		name    string
		entries []netfilter.ACLEntry
		packet  netfilter.Packet
		effect  netfilter.Effect
		number  int
	}{
		{"NET-27 numbers decide, not JSON order", []netfilter.ACLEntry{ports(entry(200, "tcp", "deny", "0.0.0.0/0"), 22, 22), entry(100, "-1", "allow", "0.0.0.0/0")}, packet(6, "10.0.0.9", 22), netfilter.Allow, 100},
		{"NET-27 none denies", nil, packet(6, "10.0.0.9", 22), netfilter.Deny, 0},
		{"NET-28 a listed 32767 is named", []netfilter.ACLEntry{entry(32767, "-1", "deny", "0.0.0.0/0")}, packet(6, "10.0.0.9", 22), netfilter.Deny, 32767},
		{"NET-28 number 0", []netfilter.ACLEntry{entry(0, "-1", "allow", "0.0.0.0/0"), entry(1, "-1", "deny", "0.0.0.0/0")}, packet(6, "10.0.0.9", 22), netfilter.Allow, 0},
		{"NET-30 ports of other protocols do not count", []netfilter.ACLEntry{ports(entry(1, "47", "allow", "0.0.0.0/0"), 80, 70)}, packet(47, "10.0.0.9", 0), netfilter.Allow, 1},
		{"NET-30 a code of any type", []netfilter.ACLEntry{code(entry(1, "1", "allow", "0.0.0.0/0"), -1, 9)}, icmp(1, "10.0.0.9", 200, 9), netfilter.Allow, 1},
		{"NET-30 another code of any type", []netfilter.ACLEntry{code(entry(1, "1", "allow", "0.0.0.0/0"), -1, 9)}, icmp(1, "10.0.0.9", 200, 8), netfilter.Deny, 0},
		{"NET-30 58 over IPv4 is all types", []netfilter.ACLEntry{code(entry(1, "58", "allow", "0.0.0.0/0"), 1, 1)}, icmp(58, "10.0.0.9", 200, 8), netfilter.Allow, 1},
		{"NET-30 58 over IPv6 is its type", []netfilter.ACLEntry{code(entry(1, "58", "allow", "::/0"), 1, 1)}, icmp(58, "2001:db8::9", 200, 8), netfilter.Deny, 0},
		{"NET-30 1 over IPv6 is its type", []netfilter.ACLEntry{code(entry(1, "1", "allow", "::/0"), 1, 1)}, icmp(1, "2001:db8::9", 1, 1), netfilter.Allow, 1},
		{"NET-30 no port range is all", []netfilter.ACLEntry{entry(1, "17", "allow", "0.0.0.0/0")}, packet(17, "10.0.0.9", 65535), netfilter.Allow, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := netfilter.CompileACL(netfilter.NetworkACL{ID: "acl-1", Ingress: c.entries})
			require.NoError(t, err)
			v := p.Decide(netfilter.Ingress, c.packet)
			number, _ := p.RuleNumber(netfilter.Ingress, v.Rule)
			require.Equal(t, c.effect, v.Effect)
			require.Equal(t, c.number, number)
		})
	}
}

// TestACLErrors is NET-29 and the errors of NET-28 and NET-30: one block, and no
// value that another reading would widen.
func TestACLErrors(t *testing.T) {
	good := netfilter.ACLEntry{Number: 100, Protocol: "6", Action: "allow", IPv4: "10.0.0.0/8", From: 443, To: 443}
	for _, c := range []struct {
		name  string
		edit  func(e *netfilter.ACLEntry)
		field string
	}{
		{"action", func(e *netfilter.ACLEntry) { e.Action = "ALLOW" }, "RuleAction"},
		{"no block", func(e *netfilter.ACLEntry) { e.IPv4 = "" }, "CidrBlock"},
		{"two blocks", func(e *netfilter.ACLEntry) { e.IPv6 = "::/0" }, "CidrBlock"},
		{"from above to", func(e *netfilter.ACLEntry) { e.From = 500 }, "PortRange.From"},
		{"port", func(e *netfilter.ACLEntry) { e.To = 70000 }, "PortRange.To"},
		{"protocol", func(e *netfilter.ACLEntry) { e.Protocol = "" }, "Protocol"},
		{"type", func(e *netfilter.ACLEntry) { e.Protocol, e.Type = "1", 256 }, "IcmpTypeCode.Type"},
		{"code", func(e *netfilter.ACLEntry) { e.Protocol, e.Code = "1", 999 }, "IcmpTypeCode.Code"},
		{"number twice", func(e *netfilter.ACLEntry) { e.Number = 100 }, "RuleNumber"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := good
			bad.Number = 200
			c.edit(&bad)
			_, err := netfilter.CompileACL(netfilter.NetworkACL{ID: "acl-1", Ingress: []netfilter.ACLEntry{bad, good}})
			var fault *netfilter.RuleError
			require.True(t, errors.As(err, &fault), "%v", err)
			require.Equal(t, c.field, fault.Field)
		})
	}
}

// TestLenientACLNeverWidens is the lenient rule of NET-30: from the number of an
// invalid entry on nothing is certain, since it may have been a denial.
func TestLenientACLNeverWidens(t *testing.T) {
	c := netfilter.Compiler{Lenient: true}
	p, err := c.ACL(netfilter.NetworkACL{ID: "acl-1", Ingress: []netfilter.ACLEntry{
		{Number: 300, Protocol: "-1", Action: "allow", IPv4: "0.0.0.0/0"},
		{Number: 200, Protocol: "6", Action: "deny", IPv4: "0.0.0.0/0", From: 100, To: 50},
		{Number: 100, Protocol: "6", Action: "allow", IPv4: "0.0.0.0/0", From: 443, To: 443},
	}})
	require.NoError(t, err)
	require.Len(t, p.Invalid(), 1)
	require.Equal(t, netfilter.Allow, p.Decide(netfilter.Ingress, packet(6, "10.0.0.9", 443)).Effect)
	require.Equal(t, netfilter.Unresolved, p.Decide(netfilter.Ingress, packet(6, "10.0.0.9", 80)).Effect)
	require.Equal(t, netfilter.Unresolved, p.Decide(netfilter.Ingress, packet(17, "2001:db8::9", 80)).Effect)
	require.Equal(t, "acl-1/ingress/200", p.RuleID(netfilter.Ingress, p.Decide(netfilter.Ingress, packet(6, "10.0.0.9", 80)).Rule))
}

// TestUnknownPeers is the example of NET-19.
func TestUnknownPeers(t *testing.T) {
	groups := ingress(
		netfilter.Rule{Protocol: "tcp", From: 22, To: 22, Peer: netfilter.Peer{PrefixList: "pl-1"}},
		netfilter.Rule{Protocol: "tcp", From: 443, To: 443, Peer: netfilter.Peer{IPv4: "10.0.0.0/8"}},
	)
	p, err := netfilter.CompileGroups(groups, netfilter.Resolver{})
	require.NoError(t, err)
	for port, want := range map[uint16]netfilter.Effect{443: netfilter.Allow, 22: netfilter.Unresolved, 80: netfilter.Deny} {
		require.Equal(t, want, p.Decide(netfilter.Ingress, packet(6, "10.1.1.1", port)).Effect)
	}
	known, err := netfilter.CompileGroups(groups, netfilter.Resolver{PrefixLists: map[string][]netip.Prefix{"pl-1": {}}})
	require.NoError(t, err)
	require.Equal(t, netfilter.Deny, known.Decide(netfilter.Ingress, packet(6, "10.1.1.1", 22)).Effect, "an empty list is known")
}

// TestStaleReference is NET-17: the same group once stale and once not must not
// share an answer.
func TestStaleReference(t *testing.T) {
	r := netfilter.Resolver{Members: map[string][]netip.Prefix{"sg-2": {netip.MustParsePrefix("10.0.0.9/32")}}}
	stale := netfilter.Rule{Protocol: "tcp", From: 22, To: 22, Peer: netfilter.Peer{Group: "sg-2", PeeringStatus: "deleted"}}
	live := netfilter.Rule{Protocol: "tcp", From: 443, To: 443, Peer: netfilter.Peer{Group: "sg-2", PeeringStatus: "active"}}
	for _, rules := range [][]netfilter.Rule{{stale, live}, {live, stale}} {
		p, err := netfilter.CompileGroups(ingress(rules...), r)
		require.NoError(t, err)
		require.Equal(t, netfilter.Deny, p.Decide(netfilter.Ingress, packet(6, "10.0.0.9", 22)).Effect)
		require.Equal(t, netfilter.Allow, p.Decide(netfilter.Ingress, packet(6, "10.0.0.9", 443)).Effect)
	}
}

// TestIDsOfTwoKindsAreApart: a list and a group of one name are two things.
func TestIDsOfTwoKindsAreApart(t *testing.T) {
	r := netfilter.Resolver{Members: map[string][]netip.Prefix{"x": {netip.MustParsePrefix("10.0.0.9/32")}}, PrefixLists: map[string][]netip.Prefix{"x": {}}}
	p, err := netfilter.CompileGroups(ingress(
		netfilter.Rule{Protocol: "tcp", From: 1, To: 1, Peer: netfilter.Peer{PrefixList: "x"}},
		netfilter.Rule{Protocol: "tcp", From: 2, To: 2, Peer: netfilter.Peer{Group: "x"}},
	), r)
	require.NoError(t, err)
	require.Equal(t, netfilter.Deny, p.Decide(netfilter.Ingress, packet(6, "10.0.0.9", 1)).Effect)
	require.Equal(t, netfilter.Allow, p.Decide(netfilter.Ingress, packet(6, "10.0.0.9", 2)).Effect)
}

// TestBadPackets is NET-1 and NET-2: families that differ, zones and missing
// addresses are refused, never decided.
func TestBadPackets(t *testing.T) {
	groups := ingress(
		netfilter.Rule{Protocol: "-1", Peer: netfilter.Peer{IPv4: "0.0.0.0/0"}},
		netfilter.Rule{Protocol: "-1", Peer: netfilter.Peer{IPv6: "::/0"}},
	)
	a4, a6 := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("2001:db8::1")
	for name, p := range map[string]netfilter.Packet{
		"families":     {Src: a4, Dst: a6},
		"families 2":   {Src: a6, Dst: a4},
		"mapped and 6": {Src: netip.MustParseAddr("::ffff:10.0.0.1"), Dst: a6},
		"zone":         {Src: netip.MustParseAddr("fe80::1%eth0"), Dst: a6},
		"zone 2":       {Src: a6, Dst: netip.MustParseAddr("fe80::1%eth0")},
		"no source":    {Dst: a4},
		"nothing":      {},
	} {
		for _, form := range forms {
			c := netfilter.Compiler{Form: form}
			policy, err := c.Groups(groups)
			require.NoError(t, err)
			require.ErrorIs(t, p.Check(), netfilter.ErrPacket, name)
			require.Equal(t, netfilter.Verdict{Reason: netfilter.BadPacket, Rule: -1}, policy.Decide(netfilter.Ingress, p), name)
			require.Equal(t, netfilter.NotAdmitted, policy.Tracked(netfilter.Ingress, p), name)
			require.Empty(t, policy.Explain(netfilter.Ingress, p).Rules, name)
		}
	}
	policy, err := netfilter.CompileGroups(groups, netfilter.Resolver{})
	require.NoError(t, err)
	require.Equal(t, netfilter.BadPacket, policy.Decide(netfilter.Direction(2), packet(6, "10.0.0.9", 1)).Reason)
	ok := netfilter.Packet{Src: netip.MustParseAddr("::ffff:10.0.0.1"), Dst: a4}
	require.Equal(t, netfilter.Allow, policy.Decide(netfilter.Ingress, ok).Effect, "a mapped and an IPv4 address are one family")
}

// TestDecidingRule is the order of NET-8, and the ids of NET-39.
func TestDecidingRule(t *testing.T) {
	any4 := func(perm int, id, proto string) netfilter.Rule {
		return netfilter.Rule{Permission: perm, ID: id, Protocol: proto, From: -1, To: -1, Peer: netfilter.Peer{IPv4: "10.2.3.4/8"}}
	}
	groups := []netfilter.SecurityGroup{
		{ID: "sg-b", Ingress: []netfilter.Rule{any4(0, "", "udp"), any4(1, "", "tcp")}},
		{ID: "sg-a", Ingress: []netfilter.Rule{any4(0, "sgr-1", "tcp"), any4(1, "", "udp")}},
	}
	p, err := netfilter.CompileGroups(groups, netfilter.Resolver{})
	require.NoError(t, err)
	id := func(pk netfilter.Packet) string {
		return p.RuleID(netfilter.Ingress, p.Decide(netfilter.Ingress, pk).Rule)
	}
	require.Equal(t, "sg-b/ingress/1/10.0.0.0/8", id(packet(6, "10.0.0.9", 1)))
	require.Equal(t, "sg-b/ingress/0/10.0.0.0/8", id(packet(17, "10.0.0.9", 1)))
	require.Equal(t, "", id(packet(1, "10.0.0.9", 1)))
	var all []string
	for _, r := range p.Explain(netfilter.Ingress, packet(6, "10.0.0.9", 1)).Rules {
		if r.Match == netfilter.Yes {
			all = append(all, r.ID)
		}
	}
	require.Equal(t, []string{"sg-b/ingress/1/10.0.0.0/8", "sgr-1"}, all, "all matching rules can be had")
}

// TestConnectionTracking is the example of the page security-group-connection-tracking:
// SSH from one network is tracked, HTTP from everywhere is not, ICMP always is.
func TestConnectionTracking(t *testing.T) {
	groups := []netfilter.SecurityGroup{{
		ID: "sg-1",
		Ingress: []netfilter.Rule{
			{Protocol: "tcp", From: 22, To: 22, Peer: netfilter.Peer{IPv4: "203.0.113.1/32"}},
			{Protocol: "tcp", From: 80, To: 80, Peer: netfilter.Peer{IPv4: "0.0.0.0/0"}},
			{Protocol: "tcp", From: 80, To: 80, Peer: netfilter.Peer{IPv6: "::/0"}},
			{Protocol: "icmp", From: -1, To: -1, Peer: netfilter.Peer{IPv4: "0.0.0.0/0"}},
		},
		Egress: []netfilter.Rule{{Protocol: "-1", From: -1, To: -1, Peer: netfilter.Peer{IPv4: "0.0.0.0/0"}}},
	}}
	p, err := netfilter.CompileGroups(groups, netfilter.Resolver{})
	require.NoError(t, err)
	for _, c := range []struct {
		name     string
		packet   netfilter.Packet
		rule     int32
		want     netfilter.Tracking
		survives bool
	}{
		{"ssh", packet(6, "203.0.113.1", 22), 0, netfilter.Tracked, true},
		{"http", packet(6, "198.51.100.1", 80), 1, netfilter.Untracked, false},
		{"http over IPv6, which egress does not let back", packet(6, "2001:db8::9", 80), 2, netfilter.Tracked, true},
		{"icmp", icmp(1, "198.51.100.1", 8, 0), 3, netfilter.Tracked, true},
		{"denied", packet(6, "198.51.100.1", 22), 0, netfilter.NotAdmitted, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, p.Tracked(netfilter.Ingress, c.packet))
			require.Equal(t, c.survives, p.SurvivesRemoval(netfilter.Ingress, c.packet, c.rule))
		})
	}
	require.True(t, p.SurvivesRemoval(netfilter.Ingress, packet(6, "198.51.100.1", 80), 0), "another rule went")
}

// TestCustomNetworkACL is the example of the page custom-network-acl, entries
// shuffled.
func TestCustomNetworkACL(t *testing.T) {
	tcp := func(n int, cidr string, from, to int, action string) netfilter.ACLEntry {
		return netfilter.ACLEntry{Number: n, Protocol: "6", Action: action, IPv4: cidr, From: from, To: to}
	}
	acl := netfilter.NetworkACL{
		ID: "acl-1",
		Ingress: []netfilter.ACLEntry{
			tcp(140, "0.0.0.0/0", 32768, 65535, "allow"), tcp(100, "0.0.0.0/0", 80, 80, "allow"),
			{Number: 32767, Protocol: "-1", Action: "deny", IPv4: "0.0.0.0/0"},
			tcp(120, "192.0.2.0/24", 22, 22, "allow"), tcp(110, "0.0.0.0/0", 443, 443, "allow"), tcp(130, "192.0.2.0/24", 3389, 3389, "allow"),
		},
		Egress: []netfilter.ACLEntry{
			tcp(120, "192.0.2.0/24", 1024, 65535, "allow"), tcp(110, "0.0.0.0/0", 443, 443, "allow"), tcp(100, "0.0.0.0/0", 80, 80, "allow"),
			tcp(140, "0.0.0.0/0", 32768, 65535, "allow"),
			{Number: 32767, Protocol: "-1", Action: "deny", IPv4: "0.0.0.0/0"},
		},
	}
	p, err := netfilter.CompileACL(acl)
	require.NoError(t, err)
	for _, c := range []struct {
		name   string
		d      netfilter.Direction
		packet netfilter.Packet
		want   string
	}{
		{"HTTPS", netfilter.Ingress, packet(6, "198.51.100.1", 443), "allow by 110"},
		{"port 139", netfilter.Ingress, packet(6, "198.51.100.1", 139), "deny by 32767"},
		{"SSH from home", netfilter.Ingress, packet(6, "192.0.2.7", 22), "allow by 120"},
		{"SSH from elsewhere", netfilter.Ingress, packet(6, "198.51.100.1", 22), "deny by 32767"},
		{"reply to a request of the subnet", netfilter.Ingress, packet(6, "198.51.100.1", 50000), "allow by 140"},
		{"IPv6 has no rules", netfilter.Ingress, packet(6, "2001:db8::9", 443), "deny by *"},
		{"reply to HTTPS", netfilter.Egress, packet(6, "198.51.100.1", 443).Reply(), "deny by 32767"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := p.Decide(c.d, c.packet)
			by := "*"
			if n, ok := p.RuleNumber(c.d, v.Rule); ok {
				by = fmt.Sprint(n)
			}
			require.Equal(t, c.want, v.Effect.String()+" by "+by)
		})
	}
	reply := packet(6, "198.51.100.1", 443)
	reply.SrcPort = 40000
	got := p.DecidePorts(netfilter.Egress, reply.Reply(), 1024, 65535)
	require.Len(t, got, 2, "NET-32: the reply passes to part of the ephemeral ports")
	require.Equal(t, []uint16{1024, 32767, 32768, 65535}, []uint16{got[0].From, got[0].To, got[1].From, got[1].To})
	require.Equal(t, netfilter.Deny, got[0].Verdict.Effect)
	require.Equal(t, netfilter.Allow, got[1].Verdict.Effect)
}

// TestDecidePortsAgreesWithDecide asks for every port on its own.
func TestDecidePortsAgreesWithDecide(t *testing.T) {
	p, err := netfilter.CompileGroups(ingress(
		netfilter.Rule{Protocol: "tcp", From: 10, To: 20, Peer: netfilter.Peer{IPv4: "10.0.0.0/8"}},
		netfilter.Rule{Protocol: "tcp", From: 15, To: 30, Peer: netfilter.Peer{PrefixList: "pl-x"}},
		netfilter.Rule{Protocol: "udp", From: 1, To: 2, Peer: netfilter.Peer{IPv4: "0.0.0.0/0"}},
		netfilter.Rule{Protocol: "tcp", From: 65535, To: 65535, Peer: netfilter.Peer{IPv4: "0.0.0.0/0"}},
	), netfilter.Resolver{})
	require.NoError(t, err)
	pk := packet(6, "10.0.0.9", 0)
	next := 0
	for _, r := range p.DecidePorts(netfilter.Ingress, pk, 0, 65535) {
		require.Equal(t, next, int(r.From))
		for port := int(r.From); port <= int(r.To); port++ {
			pk.DstPort = uint16(port)
			require.Equal(t, p.Decide(netfilter.Ingress, pk), r.Verdict)
		}
		next = int(r.To) + 1
	}
	require.Equal(t, 65536, next)
	require.Len(t, p.DecidePorts(netfilter.Ingress, icmp(1, "10.0.0.9", 8, 0), 0, 65535), 1)
}

// TestExemptServices is NET-24.
func TestExemptServices(t *testing.T) {
	services := netfilter.Services(netip.MustParsePrefix("10.0.0.0/16"))
	for addr, want := range map[string]string{
		"10.0.0.2": "resolver", "169.254.169.253": "resolver", "fd00:ec2::253": "resolver",
		"169.254.169.254": "instance metadata", "fd00:ec2::254": "instance metadata",
		"169.254.169.123": "time sync", "169.254.170.2": "task metadata", "169.254.169.250": "Windows activation",
		"10.0.0.1": "default router", "10.0.0.3": "", "2001:db8::1": "",
	} {
		p := packet(17, addr, 53).Reply()
		p.DstPort = 53
		got, ok := netfilter.Exempt(services, netfilter.Egress, p)
		require.Equal(t, want != "", ok, addr)
		require.Equal(t, want, got.Name, addr)
	}
	_, ok := netfilter.Exempt(nil, netfilter.Egress, packet(17, "10.0.0.2", 53).Reply())
	require.False(t, ok, "the list is an option")
	two := netfilter.Services(netip.MustParsePrefix("2001:db8::/56"), netip.MustParsePrefix("10.0.0.0/16"), netip.MustParsePrefix("10.1.0.0/16"))
	_, ok = netfilter.Exempt(two, netfilter.Egress, packet(17, "10.0.0.2", 53).Reply())
	require.True(t, ok)
	_, ok = netfilter.Exempt(two, netfilter.Egress, packet(17, "10.1.0.2", 53).Reply())
	require.False(t, ok, "the resolver is in the primary block (vpc/latest/userguide/AmazonDNS-concepts.html)")
	dhcp := netfilter.Packet{Src: netip.MustParseAddr("0.0.0.0"), Dst: netip.MustParseAddr("255.255.255.255"), Protocol: 17, SrcPort: 68, DstPort: 67}
	got, _ := netfilter.Exempt(services, netfilter.Egress, dhcp)
	require.Equal(t, "DHCP", got.Name)
}

// TestLimits tests each bound at and past it (NET-74).
func TestLimits(t *testing.T) {
	rules := []netfilter.Rule{
		{Protocol: "tcp", Peer: netfilter.Peer{IPv4: "10.0.0.0/8"}},
		{Protocol: "tcp", Peer: netfilter.Peer{Group: "sg-2"}},
		{Protocol: "udp", Peer: netfilter.Peer{Group: "sg-2"}},
	}
	r := netfilter.Resolver{Members: map[string][]netip.Prefix{"sg-2": {netip.MustParsePrefix("10.0.0.9/32"), netip.MustParsePrefix("10.0.0.8/32")}}}
	for _, c := range []struct {
		name         string
		rules, peers int
		ok           bool
	}{
		{"at both", 3, 3, true}, {"rules", 2, 3, false}, {"peers: a group counts once", 3, 2, false},
	} {
		compiler := netfilter.Compiler{Resolver: r, MaxRules: c.rules, MaxPeers: c.peers}
		_, err := compiler.Groups(ingress(rules...))
		if c.ok {
			require.NoError(t, err, c.name)
		} else {
			require.ErrorIs(t, err, netfilter.ErrTooLarge, c.name)
		}
	}
}

// TestManyRules: beyond 65,534 rules the table's cells cannot number them, and
// the compact form decides (NET-74).
func TestManyRules(t *testing.T) {
	for _, n := range []int{65534, 65535, 65537} {
		rules := make([]netfilter.Rule, n)
		for i := range rules {
			rules[i] = netfilter.Rule{Permission: i, Protocol: "47", Peer: netfilter.Peer{IPv4: "10.0.0.0/8"}}
		}
		rules[n-1].Protocol = "tcp"
		rules[n-1].From, rules[n-1].To = 443, 443
		c := netfilter.Compiler{Form: netfilter.Cross}
		p, err := c.Groups([]netfilter.SecurityGroup{{ID: "sg-1", Ingress: rules}})
		require.NoError(t, err)
		require.Equal(t, int32(n-1), p.Decide(netfilter.Ingress, packet(6, "10.0.0.9", 443)).Rule)
		require.Equal(t, int32(0), p.Decide(netfilter.Ingress, packet(47, "10.0.0.9", 0)).Rule)
	}
}

// TestCrossFallsBack: a table over the limit is not built (NET-74).
func TestCrossFallsBack(t *testing.T) {
	g := benchGroup(300, false)
	size := func(limit int) int {
		c := netfilter.Compiler{Form: netfilter.Cross, MaxTable: limit}
		p, err := c.Groups([]netfilter.SecurityGroup{g})
		require.NoError(t, err)
		return p.Size()
	}
	compact := netfilter.Compiler{Form: netfilter.Compact}
	p, err := compact.Groups([]netfilter.SecurityGroup{g})
	require.NoError(t, err)
	require.Equal(t, p.Size(), size(1000))
	require.Greater(t, size(16<<20), 10*p.Size())
}

// TestPoolSharesPolicies is NET-73: equal sets of groups are compiled once.
func TestPoolSharesPolicies(t *testing.T) {
	pool := netfilter.Pool{Capacity: 2}
	get := func(rules ...netfilter.Rule) *netfilter.GroupPolicy {
		p, err := pool.Groups(ingress(rules...))
		require.NoError(t, err)
		return p
	}
	a := netfilter.Rule{Protocol: "tcp", From: 1, To: 1, Peer: netfilter.Peer{IPv4: "10.0.0.0/8"}}
	b := netfilter.Rule{Protocol: "tcp", From: 2, To: 2, Peer: netfilter.Peer{IPv4: "10.0.0.0/8"}}
	first := get(a)
	require.Same(t, first, get(a))
	require.NotSame(t, first, get(b))
	require.Same(t, first, get(a))
	get(a, b) // over the capacity: the pool starts again
	require.NotSame(t, first, get(a))
	_, err := pool.Groups(ingress(netfilter.Rule{}))
	require.ErrorIs(t, err, netfilter.ErrRule)
}

// TestMemberErrors: a member is an address or a block, without a zone.
func TestMemberErrors(t *testing.T) {
	for _, s := range []string{"", "10.0.0", "10.0.0.0/33", "fe80::1%eth0", "fe80::%eth0/64", "x"} {
		_, err := netfilter.ParseMember(s)
		require.Error(t, err, s)
	}
	for s, want := range map[string]string{"10.0.0.9/8": "10.0.0.0/8", "10.0.0.9": "10.0.0.9/32", "2001:db8::1": "2001:db8::1/128", "::ffff:10.0.0.0/104": "10.0.0.0/8"} {
		p, err := netfilter.ParseMember(s)
		require.NoError(t, err)
		require.Equal(t, want, p.String())
	}
}

// TestTrackingNeedsEveryPort is the condition of NET-21 on the other direction:
// all addresses and all ports.
func TestTrackingNeedsEveryPort(t *testing.T) {
	for _, c := range []struct {
		name string
		back netfilter.Rule
		want netfilter.Tracking
	}{
		{"all ports", netfilter.Rule{Protocol: "tcp", From: 0, To: 65535, Peer: netfilter.Peer{IPv4: "0.0.0.0/0"}}, netfilter.Untracked},
		{"all protocols", netfilter.Rule{Protocol: "-1", Peer: netfilter.Peer{IPv4: "0.0.0.0/0"}}, netfilter.Untracked},
		{"some ports", netfilter.Rule{Protocol: "tcp", From: 0, To: 1024, Peer: netfilter.Peer{IPv4: "0.0.0.0/0"}}, netfilter.Tracked},
		{"the other protocol", netfilter.Rule{Protocol: "udp", From: 0, To: 65535, Peer: netfilter.Peer{IPv4: "0.0.0.0/0"}}, netfilter.Tracked},
		{"half of the addresses", netfilter.Rule{Protocol: "tcp", From: 0, To: 65535, Peer: netfilter.Peer{IPv4: "0.0.0.0/1"}}, netfilter.Tracked},
		{"the other family", netfilter.Rule{Protocol: "tcp", From: 0, To: 65535, Peer: netfilter.Peer{IPv6: "::/0"}}, netfilter.Tracked},
	} {
		p, err := netfilter.CompileGroups([]netfilter.SecurityGroup{{
			ID: "sg-1", Ingress: []netfilter.Rule{{Protocol: "tcp", From: 80, To: 80, Peer: netfilter.Peer{IPv4: "0.0.0.0/0"}}}, Egress: []netfilter.Rule{c.back},
		}}, netfilter.Resolver{})
		require.NoError(t, err)
		require.Equal(t, c.want, p.Tracked(netfilter.Ingress, packet(6, "198.51.100.1", 80)), c.name)
	}
}
