// SPDX-License-Identifier: Apache-2.0

package flowlog_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/netfilter"
)

// generator draws networks and logs from a small universe, in which rules meet
// packets often.
type generator struct {
	rng     *rand.Rand
	classes testkit.Classes
}

func newGenerator(seed uint64) *generator {
	return &generator{rand.New(rand.NewPCG(seed, 7)), testkit.Classes{}}
}

func oneOf[T any](g *generator, list ...T) T { return list[g.rng.IntN(len(list))] }

func (g *generator) block(v6 bool) string {
	if v6 {
		return oneOf(g, "::/0", "2001:db8::/32", "2001:db8:0:1::/64", "2001:db8:0:1::5/128", "2600::/16")
	}
	return oneOf(g, "0.0.0.0/0", "10.0.0.0/8", "10.0.1.0/24", "10.0.1.5/32", "203.0.113.0/24", "198.51.100.7/32")
}

func (g *generator) addr(v6 bool) netip.Addr {
	if v6 {
		return netip.MustParseAddr(oneOf(g, "2001:db8:0:1::5", "2001:db8:0:1::6", "2001:db8:9::1", "2600::1", "fd00:ec2::254", "2001:db8:0:2::5"))
	}
	return netip.MustParseAddr(oneOf(g, "10.0.1.5", "10.0.1.6", "10.0.1.70", "10.0.2.5", "10.9.9.9", "203.0.113.9", "198.51.100.7", "169.254.169.254", "8.8.8.8"))
}

func (g *generator) rule(i int) netfilter.Rule {
	r := netfilter.Rule{Permission: i, Protocol: oneOf(g, "tcp", "tcp", "tcp", "udp", "icmp", "icmpv6", "-1", "47"), From: -1, To: -1}
	v6 := g.rng.IntN(4) == 0
	switch r.Protocol {
	case "tcp", "udp":
		r.From = oneOf(g, 22, 53, 443, 1024, -1)
		r.To = oneOf(g, 443, 1024, 65535, -1)
		if r.To >= 0 && r.From > r.To {
			r.To = r.From
		}
	case "icmp", "icmpv6":
		if r.From = oneOf(g, 8, 3, 0, 128, -1); r.From >= 0 {
			r.To = oneOf(g, -1, 0, 4)
		}
		v6 = r.Protocol == "icmpv6"
	}
	switch k := g.rng.IntN(12); {
	case k == 0:
		r.Peer.Group = oneOf(g, "sg-1", "sg-2")
	case k == 1:
		r.Peer.PrefixList = oneOf(g, "pl-known", "pl-unknown")
	case v6:
		r.Peer.IPv6 = g.block(true)
	default:
		r.Peer.IPv4 = g.block(false)
	}
	return r
}

func (g *generator) rules() []netfilter.Rule {
	var out []netfilter.Rule
	for i := range g.rng.IntN(6) {
		out = append(out, g.rule(i))
	}
	for _, cidr := range []string{"0.0.0.0/0", "::/0"} { // as new groups have it
		if g.rng.IntN(3) == 0 {
			r := netfilter.Rule{Permission: len(out), Protocol: oneOf(g, "-1", "tcp"), From: -1, To: -1}
			if cidr == "::/0" {
				r.Peer.IPv6 = cidr
			} else {
				r.Peer.IPv4 = cidr
			}
			out = append(out, r)
		}
	}
	return out
}

func (g *generator) entries() []netfilter.ACLEntry {
	if g.rng.IntN(3) == 0 {
		return []netfilter.ACLEntry{{Number: 100, Protocol: "-1", Action: "allow", IPv4: "0.0.0.0/0", From: -1, To: -1, Type: -1, Code: -1}}
	}
	out := []netfilter.ACLEntry{{Number: 2000, Protocol: "-1", Action: "allow", IPv6: "::/0", From: -1, To: -1, Type: -1, Code: -1}}
	for i := range 1 + g.rng.IntN(6) {
		e := netfilter.ACLEntry{
			Number: 1000 - 7*i, Protocol: oneOf(g, "6", "17", "1", "58", "-1", "-1", "47"), Action: oneOf(g, "allow", "allow", "deny"),
			From: oneOf(g, -1, 22, 443), To: oneOf(g, -1, 443, 65535), Type: oneOf(g, -1, 8, 3, 128), Code: oneOf(g, -1, -1, 0, 9),
		}
		if g.rng.IntN(3) == 0 {
			e.IPv6 = g.block(true)
		} else {
			e.IPv4 = g.block(false)
		}
		out = append(out, e)
	}
	return out
}

// inventory draws a network: interfaces in two subnets, one without groups, one
// with a group that is missing.
func (g *generator) inventory() *netfilter.Inventory {
	inv := &netfilter.Inventory{}
	for i := range 3 {
		inv.Groups = append(inv.Groups, netfilter.SecurityGroup{ID: fmt.Sprint("sg-", i+1), VPC: "vpc-1", Ingress: g.rules(), Egress: g.rules()})
	}
	inv.ACLs = []netfilter.NetworkACL{
		{ID: "acl-d", VPC: "vpc-1", Default: true, Ingress: g.entries(), Egress: g.entries()},
		{ID: "acl-2", VPC: "vpc-1", Subnets: []string{"subnet-2"}, Ingress: g.entries(), Egress: g.entries()},
	}
	if g.rng.IntN(5) == 0 {
		inv.ACLs = inv.ACLs[1:]
	}
	inv.PrefixLists = []netfilter.PrefixList{
		{ID: "pl-known", Known: true, Entries: []netip.Prefix{netip.MustParsePrefix("10.9.0.0/16"), netip.MustParsePrefix("2600::/16")}}, {ID: "pl-unknown"},
	}
	add := func(id, subnet, v4, v6 string, groups ...string) {
		inv.Interfaces = append(inv.Interfaces, netfilter.Interface{
			ID: id, VPC: "vpc-1", Subnet: subnet, Groups: groups, Primary: netip.MustParseAddr(v4), Type: "interface",
			Addresses: []netfilter.Address{{Private: netip.MustParseAddr(v4)}, {Private: netip.MustParseAddr(v6)}},
		})
	}
	add("eni-1", "subnet-1", "10.0.1.5", "2001:db8:0:1::5", "sg-1")
	add("eni-2", "subnet-1", "10.0.1.6", "2001:db8:0:1::6", "sg-2", "sg-1")
	add("eni-3", "subnet-2", "10.0.2.5", "2001:db8:0:2::5", "sg-3", oneOf(g, "sg-1", "sg-missing"))
	add("eni-4", "subnet-2", "10.0.2.9", "2001:db8:0:2::9")
	inv.Interfaces[3].Type = "nat_gateway"
	inv.Interfaces[0].Prefixes = []netip.Prefix{netip.MustParsePrefix("10.0.1.64/28")}
	return inv
}

// resolver knows the members of the generated groups.
func resolver(inv *netfilter.Inventory) *netfilter.Resolver {
	r := inv.Resolver(true)
	for _, i := range inv.Interfaces {
		for _, id := range i.Groups {
			for _, a := range i.Addresses {
				r.Members[id] = append(r.Members[id], netip.PrefixFrom(a.Private, a.Private.BitLen()))
			}
			r.Members[id] = append(r.Members[id], i.Prefixes...)
		}
	}
	for _, id := range []string{"sg-1", "sg-2", "sg-3"} {
		if r.Members[id] == nil {
			r.Members[id] = []netip.Prefix{}
		}
	}
	return &r
}

// formats are those of the generated logs: every version, with and without the
// fields that decide.
var formats = []string{
	defaultNames,
	defaultNames + " tcp-flags",
	"version interface-id srcaddr dstaddr srcport dstport protocol action log-status tcp-flags type pkt-srcaddr pkt-dstaddr flow-direction",
	"interface-id account-id version srcaddr dstaddr dstport srcport protocol action flow-direction reject-reason future-field packets bytes start end",
	"version interface-id pkt-srcaddr pkt-dstaddr srcport dstport protocol action tcp-flags instance-tag encryption-status resource-id",
	defaultNames + " tcp-flags flow-direction",
	"log-status interface-id srcaddr dstaddr srcport dstport protocol action tcp-flags start end",
	"interface-id srcaddr dstaddr srcport dstport protocol action tcp-flags pkt-srcaddr pkt-dstaddr flow-direction",
	"version resource-type tgw-id srcaddr dstaddr srcport dstport protocol log-status packets-lost-no-route",
}

const defaultNames = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"

// line draws a line of the format: most are right, some are not.
func (g *generator) line(names []string) string {
	values := g.values(names)
	words := make([]string, 0, len(names)+1)
	for _, name := range names {
		v := values[name]
		if v == "" || g.rng.IntN(150) == 0 {
			v = "-"
		}
		words = append(words, v)
	}
	bad := g.rng.IntN(20) == 0
	g.classes.Add("line at fault", bad)
	if bad {
		i := g.rng.IntN(len(words))
		switch g.rng.IntN(4) {
		case 0:
			words = words[:i]
		case 1:
			words = append(words, "x")
		case 2:
			words[i] = oneOf(g, "65536", "-1", "x", "1.2.3.4.5", "fe80::1%e", "99999999999999999999", "accept", "::g")
		case 3:
			words[i] = "+" + words[i]
		}
	}
	spaced := g.rng.IntN(20) == 0
	g.classes.Add("several spaces", spaced)
	if spaced {
		return "  " + strings.Join(words, "   ") + " "
	}
	return strings.Join(words, " ")
}

// values draws what a record of an interface may say.
func (g *generator) values(names []string) map[string]string {
	version, _ := refVersionOf(names)
	v6 := g.rng.IntN(3) == 0
	eni := oneOf(g, "eni-1", "eni-2", "eni-3", "eni-4")
	own := map[string][2]string{
		"eni-1": {"10.0.1.5", "2001:db8:0:1::5"}, "eni-2": {"10.0.1.6", "2001:db8:0:1::6"},
		"eni-3": {"10.0.2.5", "2001:db8:0:2::5"}, "eni-4": {"10.0.2.9", "2001:db8:0:2::9"},
	}[eni][0]
	if v6 {
		own = map[string]string{"eni-1": "2001:db8:0:1::5", "eni-2": "2001:db8:0:1::6", "eni-3": "2001:db8:0:2::5", "eni-4": "2001:db8:0:2::9"}[eni]
	}
	peer := g.addr(v6).String()
	in := g.rng.IntN(2) == 0
	values := map[string]string{
		"version": fmt.Sprint(version), "account-id": oneOf(g, "123456789010", "unknown"), "interface-id": eni, "srcaddr": own, "dstaddr": peer,
		"protocol": oneOf(g, "6", "6", "6", "17", "1", "58", "47"), "packets": fmt.Sprint(g.rng.IntN(1000)), "bytes": fmt.Sprint(g.rng.Uint64() >> g.rng.IntN(60)),
		"start": fmt.Sprint(1_600_000_000 + g.rng.IntN(1e6)), "end": fmt.Sprint(1_600_000_000 + g.rng.IntN(1e6)),
		"action": oneOf(g, "ACCEPT", "ACCEPT", "REJECT"), "log-status": "OK", "tcp-flags": oneOf(g, "0", "1", "2", "3", "4", "18", "19"),
		"type": oneOf(g, "IPv4", "IPv6", "EFA", ""), "flow-direction": "egress", "reject-reason": oneOf(g, "", "BPA", "EC"),
		"future-field": "x/y", "instance-tag": "a%20b", "resource-type": "TransitGateway", "tgw-id": "tgw-1", "packets-lost-no-route": "3",
		"pkt-srcaddr": own, "pkt-dstaddr": peer, "srcport": "0", "dstport": "0",
	}
	if p := values["protocol"]; p == "6" || p == "17" {
		values["srcport"], values["dstport"] = oneOf(g, "40000", "1024", "50000", "22"), oneOf(g, "22", "443", "53", "8080", "1024")
		if g.rng.IntN(2) == 0 {
			values["srcport"], values["dstport"] = values["dstport"], values["srcport"]
		}
	}
	if g.rng.IntN(8) == 0 {
		values["pkt-dstaddr"] = g.addr(v6).String()
	}
	if in {
		values["srcaddr"], values["dstaddr"] = values["dstaddr"], values["srcaddr"]
		values["pkt-srcaddr"], values["pkt-dstaddr"] = values["pkt-dstaddr"], values["pkt-srcaddr"]
		values["flow-direction"] = "ingress"
	}
	g.odd(values, v6)
	return values
}

// odd makes some records such that there is nothing to attribute.
func (g *generator) odd(values map[string]string, v6 bool) {
	switch g.rng.IntN(25) {
	case 0:
		for _, name := range []string{"srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes", "action", "tcp-flags", "pkt-srcaddr", "pkt-dstaddr", "flow-direction", "type", "reject-reason"} {
			values[name] = ""
		}
		values["log-status"] = oneOf(g, "NODATA", "SKIPDATA")
	case 1:
		values["interface-id"] = oneOf(g, "eni-9", "")
	case 2:
		values["srcaddr"], values["pkt-srcaddr"] = g.addr(!v6).String(), g.addr(!v6).String()
	case 3:
		values["dstaddr"], values["flow-direction"] = g.addr(v6).String(), ""
	}
}
