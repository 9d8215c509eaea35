// SPDX-License-Identifier: Apache-2.0

package netfilter_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/netfilter"
)

// The tiny universe (NET-79): few prefixes that nest and touch, few ports,
// protocols, types and codes, so that all boundary points can be visited.
var (
	uniV4 = []string{"0.0.0.0/0", "0.0.0.0/1", "10.0.0.0/8", "10.0.0.0/9", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3/32", "255.255.255.255/32"}
	uniV6 = []string{"::/0", "8000::/1", "2001:db8::/32", "2001:db8::/64", "2001:db8:0:0:8000::/65", "2001:db8::1/128", "fd00::/8", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"}
	// blocks as emulators write them: host bits, IPv4-mapped
	uniOddV4 = []string{"10.1.2.3/16", "10.0.0.1/8"}
	uniOddV6 = []string{"2001:db8::9/64", "::ffff:10.1.0.0/112"}

	uniPorts     = []int{0, 1, 22, 443, 1024, 65535}
	uniProtocols = []string{"tcp", "udp", "icmp", "icmpv6", "-1", "47", "6", "58", "TCP", "all", "0", "icmp", "1"}
)

// uniResolver knows sg-a, sg-empty and pl-a; sg-x and pl-x are unknown.
func uniResolver(rng *rand.Rand) netfilter.Resolver {
	pick := func(n int) (out []netip.Prefix) {
		for range n {
			s := uniV4[rng.IntN(len(uniV4))]
			if rng.IntN(3) == 0 {
				s = uniV6[rng.IntN(len(uniV6))]
			}
			out = append(out, netip.MustParsePrefix(s))
		}
		return out
	}
	return netfilter.Resolver{
		Members:     map[string][]netip.Prefix{"sg-a": pick(3), "sg-b": pick(1), "sg-empty": {}},
		PrefixLists: map[string][]netip.Prefix{"pl-a": pick(2)},
	}
}

// uniGenerator draws rules and counts what it drew.
type uniGenerator struct {
	rng     *rand.Rand
	classes testkit.Classes
	total   int
}

func (g *uniGenerator) one(of []string) string { return of[g.rng.IntN(len(of))] }

func (g *uniGenerator) ports() (from, to int) {
	from, to = uniPorts[g.rng.IntN(len(uniPorts))], uniPorts[g.rng.IntN(len(uniPorts))]
	if from > to {
		from, to = to, from
	}
	switch g.rng.IntN(8) {
	case 0:
		from = -1
	case 1:
		to = -1
	case 2:
		from, to = -1, -1
	}
	return from, to
}

func (g *uniGenerator) icmp() (typ, code int) {
	return []int{-1, 3, 8}[g.rng.IntN(3)], []int{-1, 0, 4}[g.rng.IntN(3)]
}

func (g *uniGenerator) rule(i int) netfilter.Rule {
	r := netfilter.Rule{Permission: i, Protocol: g.one(uniProtocols)}
	r.From, r.To = g.ports()
	if n, _ := refProtocol(r.Protocol); n == 1 || n == 58 {
		r.From, r.To = g.icmp()
		if r.From == -1 {
			r.To = -1
		}
	}
	odd := g.rng.IntN(10) == 0
	switch k := g.rng.IntN(10); {
	case k < 4 && odd:
		r.Peer.IPv4 = g.one(uniOddV4)
	case k < 4:
		r.Peer.IPv4 = g.one(uniV4)
	case k < 7 && odd:
		r.Peer.IPv6 = g.one(uniOddV6)
	case k < 7:
		r.Peer.IPv6 = g.one(uniV6)
	case k < 8:
		r.Peer.PrefixList = g.one([]string{"pl-a", "pl-x", "pl-a"})
	default:
		r.Peer.Group = g.one([]string{"sg-a", "sg-b", "sg-empty", "sg-x"})
		if odd {
			r.Peer.PeeringStatus = "deleted"
		}
	}
	g.count(r)
	return r
}

func (g *uniGenerator) count(r netfilter.Rule) {
	g.total++
	n, _ := refProtocol(r.Protocol)
	g.classes.Add("IPv4 block", r.Peer.IPv4 != "")
	g.classes.Add("IPv6 block", r.Peer.IPv6 != "")
	g.classes.Add("host bits or mapped", slices.Contains(uniOddV4, r.Peer.IPv4) || slices.Contains(uniOddV6, r.Peer.IPv6))
	g.classes.Add("prefix list", r.Peer.PrefixList == "pl-a")
	g.classes.Add("unknown list", r.Peer.PrefixList == "pl-x")
	g.classes.Add("group", r.Peer.Group == "sg-a" && r.Peer.PeeringStatus == "")
	g.classes.Add("empty group", r.Peer.Group == "sg-empty")
	g.classes.Add("unknown group", r.Peer.Group == "sg-x")
	g.classes.Add("stale group", r.Peer.PeeringStatus != "")
	g.classes.Add("all protocols", n == -1)
	g.classes.Add("ports", n == 6 || n == 17)
	g.classes.Add("absent port", (n == 6 || n == 17) && (r.From == -1 || r.To == -1))
	g.classes.Add("other protocol with ports", n == 47 && r.From >= 0)
	g.classes.Add("icmp type and code", n == 1 && r.From >= 0 && r.To >= 0)
	g.classes.Add("icmpv6 any type", n == 58 && r.From == -1)
}

// groups draws one to three groups with up to most rules a direction.
func (g *uniGenerator) groups(most int) []netfilter.SecurityGroup {
	out := make([]netfilter.SecurityGroup, 1+g.rng.IntN(3))
	for i := range out {
		out[i].ID = "sg-" + strconv.Itoa(i)
		for j := range g.rng.IntN(most + 1) {
			out[i].Ingress = append(out[i].Ingress, g.rule(j))
		}
		for j := range g.rng.IntN(most/2 + 1) {
			out[i].Egress = append(out[i].Egress, g.rule(j))
		}
	}
	return out
}

func (g *uniGenerator) entry(number int) netfilter.ACLEntry {
	e := netfilter.ACLEntry{Number: number, Protocol: g.one(uniProtocols), Action: g.one([]string{"allow", "deny"})}
	e.From, e.To = g.ports()
	e.Type, e.Code = g.icmp()
	if g.rng.IntN(2) == 0 {
		e.IPv4 = g.one(uniV4)
	} else {
		e.IPv6 = g.one(append(uniV6, uniOddV6...))
	}
	g.total++
	n, _ := refProtocol(e.Protocol)
	g.classes.Add("allow", e.Action == "allow")
	g.classes.Add("deny", e.Action == "deny")
	g.classes.Add("code of any type", n == 1 && e.Type == -1 && e.Code >= 0)
	g.classes.Add("icmpv6 over an IPv4 block", n == 58 && e.IPv4 != "")
	g.classes.Add("icmpv6 over an IPv6 block", n == 58 && e.IPv6 != "")
	g.classes.Add("out of order", number%7 == 0)
	return e
}

// acl draws an ACL whose entries stand in random order.
func (g *uniGenerator) acl(most int) netfilter.NetworkACL {
	a := netfilter.NetworkACL{ID: "acl-1"}
	for _, list := range []*[]netfilter.ACLEntry{&a.Ingress, &a.Egress} {
		numbers := g.rng.Perm(40)[:g.rng.IntN(most+1)]
		for _, n := range numbers {
			*list = append(*list, g.entry(n+1))
		}
	}
	return a
}

// uniPackets calls yield for every combination of boundary points: the
// addresses at and beside the ends of every block, the keys at and beside the
// ends of every range.
func uniPackets(d netfilter.Direction, yield func(netfilter.Packet)) {
	keys := uniKeys()
	for _, peer := range uniAddrs() {
		other := netip.MustParseAddr("192.0.2.1")
		if peer.Is6() && !peer.Is4In6() {
			other = netip.MustParseAddr("2001:db8:ffff::1")
		}
		for _, p := range keys {
			p.Src, p.Dst = peer, other
			if d == netfilter.Egress {
				p.Src, p.Dst = other, peer
			}
			yield(p)
		}
	}
}

// uniAddrs are lo-1, lo, hi and hi+1 of every block, and a mapped address.
func uniAddrs() []netip.Addr {
	var out []netip.Addr
	for _, s := range append(append(slices.Clone(uniV4), uniV6...), "2001:db8::/112") {
		p := netip.MustParsePrefix(s)
		lo, hi := p.Masked().Addr(), lastAddr(p)
		for _, a := range []netip.Addr{lo.Prev(), lo, hi, hi.Next()} {
			if a.IsValid() {
				out = append(out, a)
			}
		}
	}
	out = append(out, netip.MustParseAddr("::ffff:10.1.2.3"))
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}

func lastAddr(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func uniKeys() []netfilter.Packet {
	var out []netfilter.Packet
	for _, proto := range []netfilter.Protocol{6, 17} {
		for _, port := range []uint16{0, 1, 2, 21, 22, 23, 442, 443, 444, 1023, 1024, 1025, 65534, 65535} {
			out = append(out, netfilter.Packet{Protocol: proto, DstPort: port, SrcPort: 443})
		}
	}
	for _, proto := range []netfilter.Protocol{1, 58} {
		for _, typ := range []uint8{0, 2, 3, 4, 7, 8, 9, 255} {
			for _, code := range []uint8{0, 1, 3, 4, 5, 255} {
				out = append(out, netfilter.Packet{Protocol: proto, ICMPType: typ, ICMPCode: code})
			}
		}
	}
	for _, proto := range []netfilter.Protocol{0, 2, 5, 7, 16, 18, 46, 47, 48, 57, 59, 255} {
		out = append(out, netfilter.Packet{Protocol: proto, DstPort: 443})
	}
	return out
}
