// SPDX-License-Identifier: Apache-2.0

package netfilter_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/netfilter"
)

// TestUnusedFieldsDoNotMatter is NET-5 and NET-7: of a packet of any protocol only
// the fields that it carries decide, in either form (NET-73): the destination port
// of TCP and UDP, type and code of ICMP and ICMPv6, of all others none; the source
// port never.
func TestUnusedFieldsDoNotMatter_NET5(t *testing.T) {
	group := netfilter.SecurityGroup{ID: "sg-1"}
	for _, proto := range []string{"tcp", "udp", "icmp", "icmpv6", "47"} {
		for _, block := range []netfilter.Peer{{IPv4: "10.0.0.0/8"}, {IPv6: "2001:db8::/32"}} {
			group.Ingress = append(group.Ingress, netfilter.Rule{Permission: len(group.Ingress), Protocol: proto, From: 8, To: 8, Peer: block})
		}
	}
	for _, form := range []netfilter.Form{netfilter.Compact, netfilter.Cross} {
		c := netfilter.Compiler{Form: form}
		policy, err := c.Groups([]netfilter.SecurityGroup{group})
		require.NoError(t, err)
		for proto := range 256 {
			ported := proto == 6 || proto == 17
			typed := proto == 1 || proto == 58
			for _, src := range []string{"10.1.2.3", "2001:db8::1"} {
				pk := netfilter.Packet{Src: netip.MustParseAddr(src), Dst: netip.MustParseAddr(src), Protocol: netfilter.Protocol(proto)}
				match := pk
				if ported {
					match.DstPort = 8
				}
				if typed {
					match.ICMPType, match.ICMPCode = 8, 8
				}
				want := policy.Decide(netfilter.Ingress, match)
				require.Equal(t, ported || typed || proto == 47, want.Effect == netfilter.Allow, "protocol %d", proto)
				if ported || typed {
					require.Equal(t, netfilter.Deny, policy.Decide(netfilter.Ingress, pk).Effect, "protocol %d", proto)
				}
				odd := match
				odd.SrcPort = 0xffff
				if !ported {
					odd.DstPort = 0x0808 ^ 0xffff
				}
				if !typed {
					odd.ICMPType, odd.ICMPCode = 0xff, 0x7f
				}
				require.Equal(t, want, policy.Decide(netfilter.Ingress, odd), "protocol %d", proto)
			}
		}
	}
}

// TestPrefixListEntries is NET-18: a list matches by the entries of the packet's
// family, any of them, and an empty one by none.
func TestPrefixListEntries_NET18(t *testing.T) {
	lists := map[string][]netip.Prefix{
		"pl-both": {netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("10.0.0.0/8")},
		"pl-v6":   {netip.MustParsePrefix("::/0")},
		"pl-none": {},
	}
	for _, c := range []struct {
		list, src string
		want      netfilter.Effect
	}{
		{"pl-both", "10.1.2.3", netfilter.Allow},
		{"pl-both", "192.0.2.255", netfilter.Allow},
		{"pl-both", "192.0.3.0", netfilter.Deny},
		{"pl-both", "2001:db8:ffff::1", netfilter.Allow},
		{"pl-both", "2001:db9::1", netfilter.Deny},
		{"pl-v6", "10.1.2.3", netfilter.Deny},
		{"pl-v6", "2001:db8::1", netfilter.Allow},
		{"pl-none", "10.1.2.3", netfilter.Deny},
		{"pl-unknown", "10.1.2.3", netfilter.Unresolved},
	} {
		for _, form := range []netfilter.Form{netfilter.Compact, netfilter.Cross} {
			compiler := netfilter.Compiler{Form: form, Resolver: netfilter.Resolver{PrefixLists: lists}}
			policy, err := compiler.Groups([]netfilter.SecurityGroup{{ID: "sg-1", Ingress: []netfilter.Rule{{Protocol: "-1", Peer: netfilter.Peer{PrefixList: c.list}}}}})
			require.NoError(t, err)
			a := netip.MustParseAddr(c.src)
			require.Equal(t, c.want, policy.Decide(netfilter.Ingress, netfilter.Packet{Src: a, Dst: a, Protocol: 6}).Effect, "%s %s", c.list, c.src)
		}
	}
}

// TestDecidePeer: the verdict of a peer and 16 bits is that of any packet that has
// them, in either form and family; a peer that is no address has none.
func TestDecidePeer(t *testing.T) {
	blocks := []netfilter.Peer{{IPv4: "10.0.0.0/8"}, {IPv6: "2001:db8::/32"}, {PrefixList: "pl-unknown"}}
	group := netfilter.SecurityGroup{ID: "sg-1"}
	acl := netfilter.NetworkACL{ID: "acl-1"}
	for i, proto := range []string{"tcp", "udp", "icmp", "icmpv6", "47"} {
		for _, block := range blocks {
			group.Ingress = append(group.Ingress, netfilter.Rule{Permission: len(group.Ingress), Protocol: proto, From: 8, To: 8, Peer: block})
		}
		group.Egress = append(group.Egress, group.Ingress[3*i])
		acl.Ingress = append(acl.Ingress, netfilter.ACLEntry{Number: 10 + i, Protocol: proto, Action: "deny", IPv4: "10.1.0.0/16", From: 8, To: 8, Type: 8, Code: 8})
	}
	acl.Ingress = append(acl.Ingress, netfilter.ACLEntry{Number: 99, Protocol: "-1", Action: "allow", IPv4: "0.0.0.0/0", From: -1, To: -1, Type: -1, Code: -1})
	acl.Egress = acl.Ingress
	bad := netfilter.Verdict{Reason: netfilter.BadPacket, Rule: -1}
	for _, form := range []netfilter.Form{netfilter.Compact, netfilter.Cross} {
		c := netfilter.Compiler{Form: form}
		groups, err := c.Groups([]netfilter.SecurityGroup{group})
		require.NoError(t, err)
		entries, err := c.ACL(acl)
		require.NoError(t, err)
		for _, text := range []string{"10.1.2.3", "10.2.2.3", "11.0.0.0", "::ffff:10.1.2.3", "2001:db8::1", "2001:db9::"} {
			peer := netip.MustParseAddr(text)
			for proto := range netfilter.Protocol(64) {
				for _, l4 := range []uint16{0, 8, 8<<8 | 8, 8<<8 | 7} {
					pk := netfilter.Packet{Src: peer, Dst: peer, Protocol: proto, DstPort: l4, ICMPType: uint8(l4 >> 8), ICMPCode: uint8(l4)}
					for _, d := range []netfilter.Direction{netfilter.Ingress, netfilter.Egress, 2} {
						require.Equal(t, groups.Decide(d, pk), groups.DecidePeer(d, peer, proto, l4), "%d %v", d, pk)
						require.Equal(t, entries.Decide(d, pk), entries.DecidePeer(d, peer, proto, l4), "%d %v", d, pk)
					}
				}
			}
		}
		for _, peer := range []netip.Addr{{}, netip.MustParseAddr("2001:db8::1%eth0")} {
			require.Equal(t, bad, groups.DecidePeer(netfilter.Ingress, peer, netfilter.TCP, 8))
			require.Equal(t, bad, entries.DecidePeer(netfilter.Ingress, peer, netfilter.TCP, 8))
		}
	}
}
