// SPDX-License-Identifier: Apache-2.0

package netfilter_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"testing"

	"github.com/sallyport-go/sallyport/netfilter"
)

// vpcAddr draws an address as interfaces have them: in one of twenty /20
// subnets of 10.0.0.0/16 and 10.1.0.0/16, each more than half full.
func vpcAddr(rng *rand.Rand) netip.Addr {
	n := rng.IntN(20)
	return netip.AddrFrom4([4]byte{10, byte(n / 10), byte(n%10*16 + rng.IntN(16)), byte(rng.IntN(256))})
}

// BenchmarkReferences compares 300 flat rules with 300 of which 100 refer to
// groups with 50,000 member addresses between them (NET-77).
func BenchmarkReferences(b *testing.B) {
	flat := benchGroup(300, false)
	rng := rand.New(rand.NewPCG(4, 4))
	mixed := netfilter.SecurityGroup{ID: "sg-bench", Ingress: append([]netfilter.Rule(nil), flat.Ingress...)}
	members := map[string][]netip.Prefix{}
	for i := range 100 {
		id := "sg-" + strconv.Itoa(i)
		mixed.Ingress[3*i].Peer = netfilter.Peer{Group: id}
		for range 500 {
			members[id] = append(members[id], netip.PrefixFrom(vpcAddr(rng), 32))
		}
	}
	packets := benchPackets(rng, flat.Ingress, false)
	for i := range packets {
		if i%3 == 0 {
			packets[i].Src = vpcAddr(rng)
		}
	}
	for _, form := range []netfilter.Form{netfilter.Compact, netfilter.Cross} {
		c := netfilter.Compiler{Form: form, Resolver: netfilter.Resolver{Members: members}}
		for name, g := range map[string]netfilter.SecurityGroup{"flat": flat, "references": mixed} {
			p, err := c.Groups([]netfilter.SecurityGroup{g})
			if err != nil {
				b.Fatal(err)
			}
			b.Run("rules=300/peers="+name+"/form="+formName(form), func(b *testing.B) {
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					sink += int(p.Decide(netfilter.Ingress, packets[i&(benchTraffic-1)]).Rule)
					i++
				}
				b.ReportMetric(float64(p.Size()), "bytes") // after the loop, which clears what was reported before
			})
		}
	}
}

// BenchmarkACL decides by ACLs as large as quotas let them be.
func BenchmarkACL(b *testing.B) {
	for _, n := range []int{20, 40, 60} {
		rng := rand.New(rand.NewPCG(uint64(n), 6))
		rules := benchRules(rng, n, false)
		acl := netfilter.NetworkACL{ID: "acl-1"}
		for i, r := range rules {
			e := netfilter.ACLEntry{Number: i + 1, Protocol: r.Protocol, Action: "allow", IPv4: r.Peer.IPv4, From: r.From, To: r.To, Type: r.From, Code: -1}
			if i%4 == 0 {
				e.Action = "deny"
			}
			acl.Ingress = append(acl.Ingress, e)
		}
		packets := benchPackets(rng, rules, false)
		loop := newNaive(rules)
		b.Run("entries="+strconv.Itoa(n)+"/form=naive", func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				sink += int(loop.Decide(netfilter.Ingress, packets[i&(benchTraffic-1)]).Rule)
				i++
			}
		})
		for _, form := range []netfilter.Form{netfilter.Compact, netfilter.Cross} {
			c := netfilter.Compiler{Form: form}
			p, err := c.ACL(acl)
			if err != nil {
				b.Fatal(err)
			}
			for i := range packets {
				if got, want := p.Decide(netfilter.Ingress, packets[i]).Rule, loop.Decide(netfilter.Ingress, packets[i]).Rule; got != want {
					b.Fatalf("%v: entry %d, the loop says %d", packets[i], got, want)
				}
			}
			b.Run("entries="+strconv.Itoa(n)+"/form="+formName(form), func(b *testing.B) {
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					sink += int(p.Decide(netfilter.Ingress, packets[i&(benchTraffic-1)]).Rule)
					i++
				}
			})
		}
	}
}

// BenchmarkDiff compares two sets of 1,000 rules of which a tenth differ, and
// compiles one of them for scale.
func BenchmarkDiff(b *testing.B) {
	a := benchGroup(1000, false)
	other := benchRules(rand.New(rand.NewPCG(8, 8)), 100, false)
	changed := netfilter.SecurityGroup{ID: "sg-bench", Ingress: append(append([]netfilter.Rule(nil), a.Ingress[:900]...), other...)}
	for _, form := range []netfilter.Form{netfilter.Compact, netfilter.Cross} {
		b.Run("rules=1000/do=compile-"+formName(form), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				compileBench(b, form, a)
			}
		})
	}
	pa, pb := compileBench(b, netfilter.Auto, a), compileBench(b, netfilter.Auto, changed)
	b.Run("rules=1000/do=diff", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			n := 0
			for range netfilter.Diff(pa, pb) {
				n++
			}
			sink += n
		}
	})
	b.Run("rules=1000/do=equal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !netfilter.Equal(pa, pa) {
				b.Fatal("a policy differs from itself")
			}
		}
	})
}

// hostile rule sets: each aims at one way in which a form could blow up.
func hostile(name string) netfilter.SecurityGroup {
	g := netfilter.SecurityGroup{ID: "sg-hostile"}
	add := func(from, to int, cidr string) {
		r := netfilter.Rule{Permission: len(g.Ingress), Protocol: "tcp", From: from, To: to, Peer: netfilter.Peer{IPv4: cidr}}
		g.Ingress = append(g.Ingress, r)
	}
	switch name {
	case "squares": // many address classes by many port classes
		for i := range 5000 {
			add(i*13, i*13, "0.0.0.0/0")
			add(22, 22, fmt.Sprintf("%d.%d.%d.0/24", 1+i%200, i/200, i%251))
		}
	case "nested": // every address sees 33 blocks, each with its own ports
		for i := range 10000 {
			add(i*6, i*6+3, netip.PrefixFrom(netip.MustParseAddr("10.0.0.1"), i%33).Masked().String())
		}
	case "overlapping ports": // every range covers nearly all the others
		for i := range 10000 {
			add(i, 65535-i, "10.0.0.0/8")
		}
	case "sparse": // a block in every /16: the tree's worst case
		for i := range 10000 {
			add(443, 443, fmt.Sprintf("%d.%d.%d.%d/32", i*7%256, i/256*5%256, i%256, i*3%256))
		}
	}
	return g
}

// BenchmarkHostile compiles and decides with rule sets made to be slow.
func BenchmarkHostile(b *testing.B) {
	for _, name := range []string{"squares", "nested", "overlapping ports", "sparse"} {
		g := hostile(name)
		b.Run("set="+name+"/do=compile", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c := netfilter.Compiler{Form: netfilter.Cross}
				if _, err := c.Groups([]netfilter.SecurityGroup{g}); err != nil {
					b.Fatal(err)
				}
			}
		})
		p := compileBench(b, netfilter.Auto, g)
		packets := benchPackets(rand.New(rand.NewPCG(2, 2)), g.Ingress, false)
		b.Run("set="+name+"/do=decide", func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				sink += int(p.Decide(netfilter.Ingress, packets[i&(benchTraffic-1)]).Rule)
				i++
			}
			b.ReportMetric(float64(p.Size()), "bytes") // after the loop, which clears what was reported before
		})
	}
}
