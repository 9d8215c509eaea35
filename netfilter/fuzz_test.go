// SPDX-License-Identifier: Apache-2.0

package netfilter_test

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/netfilter"
)

// fuzzDocument reads a document, and what could be read it compiles, lints and
// decides with: none of that may panic, and compiling leniently may not fail for
// invalid rules.
func fuzzDocument(f *testing.F, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		inv, err := netfilter.ReadInventory(netfilter.Document{Name: "pl-1.json", Data: data})
		if err != nil {
			return
		}
		netfilter.Lint(inv, netfilter.LintOptions{Quotas: netfilter.DefaultQuotas()})
		c := netfilter.Compiler{Resolver: inv.Resolver(true), Lenient: true}
		p, err := c.Groups(inv.Groups)
		if err != nil {
			t.Fatal(err)
		}
		strict := netfilter.Compiler{Resolver: c.Resolver}
		if _, err := strict.Groups(inv.Groups); (err == nil) != (len(p.Invalid()) == 0) {
			t.Fatalf("strict: %v, lenient lists %v", err, p.Invalid())
		}
		pk := packet(netfilter.TCP, "10.0.0.9", 443)
		want, ok := refGroups(inv.Groups, c.Resolver, netfilter.Ingress, pk)
		if v := p.Decide(netfilter.Ingress, pk); ok && v.Effect.String() != want.effect {
			t.Fatalf("%v: %v, the reference says %v", pk, v, want)
		}
		for _, a := range inv.ACLs {
			if p, err := c.ACL(a); err == nil {
				p.Decide(netfilter.Ingress, pk)
			}
		}
	})
}

func FuzzSecurityGroups(f *testing.F) {
	fuzzDocument(f, groupText, `{"SecurityGroups":[{"GroupId":"sg-1","IpPermissions":[{"IpProtocol":"icmp","FromPort":-1,"ToPort":9,"IpRanges":[{"CidrIp":"10.0.0.1/8"}]}]}]}`)
}

func FuzzSecurityGroupRules(f *testing.F) {
	fuzzDocument(f, `{"SecurityGroupRules":[{"SecurityGroupRuleId":"sgr-1","GroupId":"sg-1","IsEgress":false,"IpProtocol":"-1","FromPort":-1,"ToPort":-1,"CidrIpv4":"10.0.0.0/8"}]}`,
		`{"SecurityGroups":[{"GroupId":"sg-1"}],"SecurityGroupRules":[{"SecurityGroupRuleId":"sgr-1","GroupId":"sg-1","IsEgress":true,"IpProtocol":6,"ReferencedGroupInfo":{"GroupId":"sg-1"}}]}`)
}

func FuzzNetworkACLs(f *testing.F) {
	fuzzDocument(f, `{"NetworkAcls":[{"NetworkAclId":"acl-1","IsDefault":true,"Associations":[{"SubnetId":"subnet-1"}],"Entries":[{"RuleNumber":100,"Protocol":"58","RuleAction":"allow","Egress":true,"Ipv6CidrBlock":"::/0","IcmpTypeCode":{"Type":-1,"Code":9},"PortRange":{"From":1,"To":2}}]}]}`)
}

func FuzzPrefixLists(f *testing.F) {
	fuzzDocument(f, `{"PrefixLists":[{"PrefixListId":"pl-1","MaxEntries":5,"Cidrs":["10.0.0.0/8"]}],"Entries":[{"Cidr":"10.0.0.0/9"}],"NextToken":"x"}`)
}

func FuzzNetworkInterfaces(f *testing.F) {
	fuzzDocument(f, `{"SecurityGroups":[{"GroupId":"sg-1"}],"NetworkInterfaces":[{"NetworkInterfaceId":"eni-1","Groups":[{"GroupId":"sg-1"}],"PrivateIpAddress":"10.0.0.5","Ipv6Prefixes":[{"Ipv6Prefix":"2001:db8::/80"}]}]}`,
		`{"Reservations":[{"Instances":[{"InstanceId":"i-1","NetworkInterfaces":[{"NetworkInterfaceId":"eni-1"}]}]}]}`)
}

// FuzzDecide compares both forms with the reference on rule sets and packets
// drawn from the fuzzer's bytes, and holds the properties of NET-80.
func FuzzDecide(f *testing.F) {
	f.Add(uint64(1), []byte("0123456789abcdef0123456789abcdef01234567"))
	f.Fuzz(func(t *testing.T, seed uint64, data []byte) {
		rng := rand.New(rand.NewPCG(seed, 1))
		g := &uniGenerator{rng: rng, classes: testkit.Classes{}}
		groups, resolver, acl := g.groups(6), uniResolver(rng), g.acl(8)
		d, p := fuzzPacket(data)
		shuffled := cloneGroups(groups)
		rng.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		for i := range shuffled {
			rng.Shuffle(len(shuffled[i].Ingress), func(a, b int) {
				shuffled[i].Ingress[a], shuffled[i].Ingress[b] = shuffled[i].Ingress[b], shuffled[i].Ingress[a]
			})
		}
		want, _ := refGroups(groups, resolver, d, p)
		wantACL, _ := refACL(acl, d, p)
		if p.Check() != nil {
			want, wantACL = refVerdict{effect: "deny"}, refVerdict{effect: "deny"}
		}
		for _, form := range forms {
			c := netfilter.Compiler{Resolver: resolver, Form: form}
			for i, set := range [][]netfilter.SecurityGroup{groups, shuffled, expanded(groups, resolver), halved(groups)} {
				policy, err := c.Groups(set)
				if err != nil {
					t.Fatal(err)
				}
				v := policy.Decide(d, p)
				if v.Effect.String() != want.effect || i == 0 && policy.RuleID(d, v.Rule) != want.rule {
					t.Fatalf("set %d: %v by %q, want %v", i, v, policy.RuleID(d, v.Rule), want)
				}
			}
			policy, err := c.ACL(acl)
			if err != nil {
				t.Fatal(err)
			}
			if v := policy.Decide(d, p); v.Effect.String() != wantACL.effect || policy.RuleID(d, v.Rule) != wantACL.rule {
				t.Fatalf("ACL: %v, want %v", v, wantACL)
			}
		}
		lessKnown(t, groups, resolver, d, p, want.effect)
	})
}

// lessKnown: removing information only moves verdicts to unresolved.
func lessKnown(t *testing.T, groups []netfilter.SecurityGroup, r netfilter.Resolver, d netfilter.Direction, p netfilter.Packet, before string) {
	less := netfilter.Resolver{PrefixLists: r.PrefixLists}
	policy, err := netfilter.CompileGroups(groups, less)
	if err != nil {
		t.Fatal(err)
	}
	if after := policy.Decide(d, p).Effect.String(); after != before && after != "unresolved" {
		t.Fatalf("%s became %s when members were forgotten", before, after)
	}
}

// fuzzPacket takes a packet from bytes; addresses come from the boundaries of
// the universe or from the bytes.
func fuzzPacket(data []byte) (netfilter.Direction, netfilter.Packet) {
	data = append(slices.Clone(data), make([]byte, 48)...)
	p := netfilter.Packet{
		Protocol: netfilter.Protocol(data[0]), SrcPort: binary.BigEndian.Uint16(data[1:]), DstPort: binary.BigEndian.Uint16(data[3:]),
		ICMPType: data[5], ICMPCode: data[6],
	}
	if data[7]&1 == 0 {
		p.Protocol = []netfilter.Protocol{1, 6, 17, 58, 47, 0}[int(data[0])%6]
	}
	addr := func(b []byte) netip.Addr {
		switch b[0] % 3 {
		case 0:
			return netip.AddrFrom4([4]byte(b[1:5]))
		case 1:
			return netip.AddrFrom16([16]byte(b[1:17]))
		}
		all := uniAddrs()
		return all[int(binary.BigEndian.Uint16(b[1:]))%len(all)]
	}
	p.Src, p.Dst = addr(data[8:]), addr(data[25:])
	return netfilter.Direction(data[7] >> 1 & 1), p
}

// expanded replaces references that are known by their blocks (NET-80).
func expanded(groups []netfilter.SecurityGroup, r netfilter.Resolver) []netfilter.SecurityGroup {
	return rewrite(groups, func(rule netfilter.Rule) []netfilter.Rule {
		set, known := r.PrefixLists[rule.Peer.PrefixList]
		if rule.Peer.Group != "" {
			set, known = r.Members[rule.Peer.Group]
			known = known || rule.Peer.PeeringStatus == "deleted"
			if rule.Peer.PeeringStatus == "deleted" {
				set = nil
			}
		}
		if !known {
			return []netfilter.Rule{rule}
		}
		var out []netfilter.Rule
		for _, p := range set {
			rule.Peer = netfilter.Peer{IPv6: p.String()}
			if p.Addr().Is4() {
				rule.Peer = netfilter.Peer{IPv4: p.String()}
			}
			out = append(out, rule)
		}
		return out
	})
}

// halved replaces IPv4 blocks by their halves (NET-80).
func halved(groups []netfilter.SecurityGroup) []netfilter.SecurityGroup {
	return rewrite(groups, func(rule netfilter.Rule) []netfilter.Rule {
		p, err := netip.ParsePrefix(rule.Peer.IPv4)
		if err != nil || p.Bits() == 32 {
			return []netfilter.Rule{rule}
		}
		lower := netip.PrefixFrom(p.Masked().Addr(), p.Bits()+1)
		upper := netip.PrefixFrom(lastAddr(p), p.Bits()+1).Masked()
		a, b := rule, rule
		a.Peer.IPv4, b.Peer.IPv4 = lower.String(), upper.String()
		return []netfilter.Rule{a, b}
	})
}

func rewrite(groups []netfilter.SecurityGroup, f func(netfilter.Rule) []netfilter.Rule) []netfilter.SecurityGroup {
	out := slices.Clone(groups)
	for i := range out {
		var in, eg []netfilter.Rule
		for _, r := range out[i].Ingress {
			in = append(in, f(r)...)
		}
		for _, r := range out[i].Egress {
			eg = append(eg, f(r)...)
		}
		out[i].Ingress, out[i].Egress = in, eg
	}
	return out
}
