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

// The rules of the benchmarks (NET-75): 60 % in 10.0.0.0/8; prefix length /0
// 3 %, /8 to /15 5 %, /16 to /23 17 %, /24 to /31 35 %, /32 40 %; 80 % TCP.
func benchRules(rng *rand.Rand, n int, v6 bool) []netfilter.Rule {
	rules := make([]netfilter.Rule, n)
	for i := range rules {
		from, to := benchPorts(rng)
		r := netfilter.Rule{Permission: i, Protocol: benchProtocol(rng), From: from, To: to}
		if r.Protocol == "icmp" {
			r.From, r.To = 8, -1
			if v6 {
				r.Protocol, r.From = "icmpv6", 128
			}
		}
		p := benchPrefix(rng, v6)
		if v6 {
			r.Peer.IPv6 = p.String()
		} else {
			r.Peer.IPv4 = p.String()
		}
		rules[i] = r
	}
	return rules
}

func benchProtocol(rng *rand.Rand) string {
	switch k := rng.IntN(100); {
	case k < 80:
		return "tcp"
	case k < 92:
		return "udp"
	case k < 97:
		return "icmp"
	}
	return "-1"
}

func benchPorts(rng *rand.Rand) (from, to int) {
	switch k := rng.IntN(10); {
	case k < 6:
		common := []int{22, 25, 53, 80, 123, 443, 3306, 5432, 6379, 8080, 8443, 9092}
		from = common[rng.IntN(len(common))]
		return from, from
	case k < 8:
		from = rng.IntN(65536)
		return from, from
	}
	from = rng.IntN(60000)
	return from, from + rng.IntN(5000)
}

func benchBits(rng *rand.Rand) int {
	switch k := rng.IntN(100); {
	case k < 3:
		return 0
	case k < 8:
		return 8 + rng.IntN(8)
	case k < 25:
		return 16 + rng.IntN(8)
	case k < 60:
		return 24 + rng.IntN(8)
	}
	return 32
}

func benchPrefix(rng *rand.Rand, v6 bool) netip.Prefix {
	bits := benchBits(rng)
	if v6 {
		// The same shape among the networks of 2001:db8::/32 and others: /0, /20 to
		// /128.
		if bits > 0 {
			bits = 16 + 3*bits + 16*(bits/32)
		}
		return netip.PrefixFrom(benchAddr6(rng), bits).Masked()
	}
	return netip.PrefixFrom(benchAddr4(rng), bits).Masked()
}

func benchAddr4(rng *rand.Rand) netip.Addr {
	v := rng.Uint32()
	b := [4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}
	if rng.IntN(10) < 6 {
		b[0] = 10
	}
	return netip.AddrFrom4(b)
}

func benchAddr6(rng *rand.Rand) netip.Addr {
	var b [16]byte
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	b[0], b[1] = 0x20, 0x01
	if rng.IntN(10) < 6 {
		b[2], b[3] = 0x0d, 0xb8
	}
	return netip.AddrFrom16(b)
}

// benchPackets draws traffic: half of it is meant to pass, with address,
// protocol and port of one rule; the rest has the address of one rule and the
// port of another, or is drawn like the rules are.
func benchPackets(rng *rand.Rand, rules []netfilter.Rule, v6 bool) []netfilter.Packet {
	out := make([]netfilter.Packet, benchTraffic)
	for i := range out {
		p := netfilter.Packet{Protocol: netfilter.TCP, SrcPort: 40000, Dst: netip.MustParseAddr("10.0.0.9")}
		if v6 {
			p.Dst = netip.MustParseAddr("2001:db8::9")
		}
		from, port := rules[rng.IntN(len(rules))], rules[rng.IntN(len(rules))]
		switch rng.IntN(4) {
		case 0, 1:
			port = from
		case 2:
			port = benchRules(rng, 1, v6)[0]
			from = benchRules(rng, 1, v6)[0]
		}
		p.Src = inside(rng, netip.MustParsePrefix(from.Peer.IPv4+from.Peer.IPv6))
		if n, all, _ := netfilter.ParseProtocol(port.Protocol); !all {
			p.Protocol = n
		}
		if p.Protocol == netfilter.ICMP || p.Protocol == netfilter.ICMPv6 {
			p.ICMPType = uint8(port.From)
		} else {
			p.DstPort = uint16(port.From + rng.IntN(port.To-port.From+1))
		}
		out[i] = p
	}
	return out
}

func inside(rng *rand.Rand, p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		if rng.IntN(2) == 0 {
			b[i/8] |= 1 << (7 - i%8)
		}
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

func benchGroup(n int, v6 bool) netfilter.SecurityGroup {
	rng := rand.New(rand.NewPCG(uint64(n), 7))
	return netfilter.SecurityGroup{ID: "sg-bench", Ingress: benchRules(rng, n, v6)}
}

// naive is the loop that one writes: rules parsed once, then for each packet
// protocol, ports, type and code first, since they are cheap, then the prefix.
// It has the contract of Decide, without unknown peers.
type naive []naiveRule

type naiveRule struct {
	protocol int // -1 for all
	from, to int
	prefix   netip.Prefix
}

func newNaive(rules []netfilter.Rule) naive {
	out := make(naive, len(rules))
	for i, r := range rules {
		n := naiveRule{protocol: -1, from: r.From, to: r.To, prefix: netip.MustParsePrefix(r.Peer.IPv4 + r.Peer.IPv6)}
		p, all, err := netfilter.ParseProtocol(r.Protocol)
		if err != nil {
			panic(err)
		}
		if !all {
			n.protocol = int(p)
		}
		out[i] = n
	}
	return out
}

func (n naive) Decide(d netfilter.Direction, p netfilter.Packet) netfilter.Verdict {
	peer := p.Src
	if d == netfilter.Egress {
		peer = p.Dst
	}
	if !peer.IsValid() || p.Src.Is4() != p.Dst.Is4() {
		return netfilter.Verdict{Reason: netfilter.BadPacket, Rule: -1}
	}
	for i := range n {
		if r := &n[i]; r.transport(&p) && r.prefix.Contains(peer) {
			return netfilter.Verdict{Effect: netfilter.Allow, Reason: netfilter.Matched, Rule: int32(i)}
		}
	}
	return netfilter.Verdict{Rule: -1}
}

func (r *naiveRule) transport(p *netfilter.Packet) bool {
	if r.protocol == -1 {
		return true
	}
	if r.protocol != int(p.Protocol) {
		return false
	}
	switch p.Protocol {
	case netfilter.TCP, netfilter.UDP:
		return r.from <= int(p.DstPort) && int(p.DstPort) <= r.to
	case netfilter.ICMP, netfilter.ICMPv6:
		return (r.from == -1 || r.from == int(p.ICMPType)) && (r.to == -1 || r.to == int(p.ICMPCode))
	}
	return true
}

// benchTraffic is the number of packets: enough that the branch predictor
// cannot learn them by heart, as it does 4,096.
const benchTraffic = 1 << 14

var (
	benchSizes = []int{10, 100, 300, 1000, 10000}
	sink       int
)

func compileBench(b testing.TB, form netfilter.Form, groups ...netfilter.SecurityGroup) *netfilter.GroupPolicy {
	b.Helper()
	c := netfilter.Compiler{Form: form, MaxTable: 64 << 20}
	p, err := c.Groups(groups)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// BenchmarkDecide compares the naive loop with both forms, after asserting that
// all give the same answers.
func BenchmarkDecide(b *testing.B) {
	for _, v6 := range []bool{false, true} {
		family := "v4"
		if v6 {
			family = "v6"
		}
		for _, n := range benchSizes {
			g := benchGroup(n, v6)
			packets := benchPackets(rand.New(rand.NewPCG(9, uint64(n))), g.Ingress, v6)
			loop := newNaive(g.Ingress)
			name := fmt.Sprintf("%s/rules=%d", family, n)
			b.Run(name+"/form=naive", func(b *testing.B) {
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					sink += int(loop.Decide(netfilter.Ingress, packets[i&(benchTraffic-1)]).Rule)
					i++
				}
			})
			for _, form := range []netfilter.Form{netfilter.Compact, netfilter.Cross} {
				policy := compileBench(b, form, g)
				for i := range packets {
					if got, want := policy.Decide(netfilter.Ingress, packets[i]), loop.Decide(netfilter.Ingress, packets[i]); got != want {
						b.Fatalf("%v: %v, the loop says %v", packets[i], got, want)
					}
				}
				b.Run(name+"/form="+formName(form), func(b *testing.B) {
					b.ReportAllocs()
					i := 0
					for b.Loop() {
						sink += int(policy.Decide(netfilter.Ingress, packets[i&(benchTraffic-1)]).Rule)
						i++
					}
					b.ReportMetric(float64(policy.Size()), "bytes") // after the loop, which clears what was reported before
				})
			}
		}
	}
}

func formName(f netfilter.Form) string {
	return []string{"auto", "compact", "cross"}[f]
}

func BenchmarkCompile(b *testing.B) {
	for _, n := range benchSizes {
		g := benchGroup(n, false)
		for _, form := range forms {
			b.Run("rules="+strconv.Itoa(n)+"/form="+formName(form), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					c := netfilter.Compiler{Form: form}
					if _, err := c.Groups([]netfilter.SecurityGroup{g}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
