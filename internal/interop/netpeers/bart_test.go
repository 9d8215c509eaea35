// SPDX-License-Identifier: Apache-2.0

package netpeers

import (
	"math/rand/v2"
	"net/netip"
	"strconv"
	"testing"

	"github.com/gaissmai/bart"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/netfilter"
)

// traffic is the number of packets: enough that the branch predictor cannot
// learn them by heart.
const traffic = 1 << 14

// workload is a rule for each of n blocks, the table of the same blocks, and
// packets of which half come from inside them.
type workload struct {
	group   netfilter.SecurityGroup
	table   *bart.Table[int]
	blocks  []netip.Prefix
	packets []netfilter.Packet
}

func draw(n int, v6 bool) workload {
	rng := rand.New(rand.NewPCG(uint64(n), 21))
	w := workload{group: netfilter.SecurityGroup{ID: "sg-1"}, table: new(bart.Table[int])}
	seen := map[netip.Prefix]bool{}
	for len(w.blocks) < n {
		p := block(rng, v6)
		if seen[p] {
			continue
		}
		seen[p] = true
		r := netfilter.Rule{Permission: len(w.blocks), Protocol: "-1", Peer: netfilter.Peer{IPv4: p.String()}}
		if v6 {
			r.Peer = netfilter.Peer{IPv6: p.String()}
		}
		w.table.Insert(p, len(w.blocks))
		w.blocks, w.group.Ingress = append(w.blocks, p), append(w.group.Ingress, r)
	}
	for i := range traffic {
		p := netfilter.Packet{Src: address(rng, v6), Dst: address(rng, v6), Protocol: netfilter.TCP, DstPort: 443}
		if i%2 == 0 {
			p.Src = inside(rng, w.blocks[rng.IntN(n)])
		}
		w.packets = append(w.packets, p)
	}
	return w
}

// block draws a block: prefix lengths from /8 to /32, or from /20 to /128 with
// most at /48, /56, /64 and /128.
func block(rng *rand.Rand, v6 bool) netip.Prefix {
	bits := []int{8, 12, 16, 20, 24, 24, 24, 28, 32, 32}[rng.IntN(10)]
	if v6 {
		bits = []int{20, 32, 40, 48, 48, 56, 64, 64, 128, 128}[rng.IntN(10)]
	}
	return netip.PrefixFrom(address(rng, v6), bits).Masked()
}

func address(rng *rand.Rand, v6 bool) netip.Addr {
	if !v6 {
		return netip.AddrFrom4([4]byte{byte(10 + rng.IntN(3)), byte(rng.Uint32()), byte(rng.Uint32()), byte(rng.Uint32())})
	}
	var b [16]byte
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	b[0], b[1], b[2] = 0x20, 0x01, byte(rng.IntN(16))
	return netip.AddrFrom16(b)
}

func inside(rng *rand.Rand, p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= byte(rng.IntN(2)) << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// TestBartAgrees compares membership: a packet is admitted if and only if bart
// finds a block for its source, and the deciding rule's block holds it.
func TestBartAgrees(t *testing.T) {
	cases := 0
	for _, v6 := range []bool{false, true} {
		for _, n := range []int{1, 10, 100, 1000} {
			w := draw(n, v6)
			for _, form := range []netfilter.Form{netfilter.Compact, netfilter.Cross} {
				c := netfilter.Compiler{Form: form}
				policy, err := c.Groups([]netfilter.SecurityGroup{w.group})
				require.NoError(t, err)
				for _, p := range w.packets {
					cases++
					v := policy.Decide(netfilter.Ingress, p)
					if _, ok := w.table.Lookup(p.Src); ok != (v.Effect == netfilter.Allow) {
						t.Fatalf("%v: %v, bart says %v", p, v, ok)
					}
					if v.Rule >= 0 && !w.blocks[v.Rule].Contains(p.Src) {
						t.Fatalf("%v: block %v", p, w.blocks[v.Rule])
					}
				}
			}
		}
	}
	testkit.Report(t, "interop", "netpeers/bart", interop.ModuleVersion(t, "github.com/gaissmai/bart"), cases)
}

var sink int

// BenchmarkLookup compares a whole decision with bart's lookup alone, over the
// same blocks; TestBartAgrees asserts equal answers.
func BenchmarkLookup(b *testing.B) {
	for _, v6 := range []bool{false, true} {
		for _, n := range []int{10, 100, 1000, 10000} {
			w := draw(n, v6)
			name := "v4/blocks=" + strconv.Itoa(n)
			if v6 {
				name = "v6/blocks=" + strconv.Itoa(n)
			}
			b.Run(name+"/bart", func(b *testing.B) {
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					rule, _ := w.table.Lookup(w.packets[i&(traffic-1)].Src)
					sink += rule
					i++
				}
			})
			for _, form := range []netfilter.Form{netfilter.Compact, netfilter.Cross} {
				c := netfilter.Compiler{Form: form}
				policy, err := c.Groups([]netfilter.SecurityGroup{w.group})
				if err != nil {
					b.Fatal(err)
				}
				b.Run(name+"/"+[]string{"", "compact", "cross"}[form], func(b *testing.B) {
					b.ReportAllocs()
					i := 0
					for b.Loop() {
						sink += int(policy.Decide(netfilter.Ingress, w.packets[i&(traffic-1)]).Rule)
						i++
					}
				})
			}
		}
	}
}
