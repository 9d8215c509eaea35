// SPDX-License-Identifier: Apache-2.0

//go:build !race

package netfilter_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/netfilter"
)

// TestDecideDoesNotAllocate is NET-72, in both forms and families, on packets
// that match, that do not, and that are bad.
func TestDecideDoesNotAllocate(t *testing.T) {
	for _, v6 := range []bool{false, true} {
		g := benchGroup(100, v6)
		packets := append(benchPackets(rand.New(rand.NewPCG(1, 1)), g.Ingress, v6)[:64], netfilter.Packet{}, packet(6, "::ffff:10.0.0.9", 443))
		verdicts := make([]netfilter.Verdict, 0, len(packets))
		acl, err := netfilter.CompileACL(netfilter.NetworkACL{ID: "acl-1", Ingress: []netfilter.ACLEntry{{Number: 1, Protocol: "-1", Action: "allow", IPv4: "10.0.0.0/8"}}})
		require.NoError(t, err)
		for _, form := range forms {
			p := compileBench(t, form, g)
			testkit.AllocsAtMost(t, 0, func() {
				for i := range packets {
					sink += int(p.Decide(netfilter.Ingress, packets[i]).Rule)
					sink += int(acl.Decide(netfilter.Ingress, packets[i]).Rule)
				}
				verdicts = p.DecideAll(verdicts[:0], netfilter.Ingress, packets)
			})
		}
	}
}

// retained measures what a value keeps on the heap.
func retained(build func() any) int {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&before)
	v := build()
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(v)
	return int(after.HeapAlloc) - int(before.HeapAlloc)
}

// TestMemory holds the bounds on what a policy keeps: 40 rules at most 8 KB in
// the compact form, 10,000 rules at most 2 MB in any, 10,000 interfaces with
// 200 sets of groups at most 64 MB.
func TestMemory(t *testing.T) {
	forty := benchGroup(40, false)
	small := retained(func() any {
		var all [256]*netfilter.GroupPolicy
		for i := range all {
			all[i] = compileBench(t, netfilter.Compact, forty)
		}
		return &all
	}) / 256
	t.Logf("40 rules, compact: %d bytes", small)
	require.Less(t, small, 8<<10)

	many := benchGroup(10000, false)
	for _, form := range forms {
		big := retained(func() any {
			c := netfilter.Compiler{Form: form}
			p, err := c.Groups([]netfilter.SecurityGroup{many})
			require.NoError(t, err)
			return p
		})
		t.Logf("10,000 rules, %s: %d bytes", formName(form), big)
		require.Less(t, big, 2<<20)
	}

	sets := make([][]netfilter.SecurityGroup, 200)
	for i := range sets {
		rng := rand.New(rand.NewPCG(uint64(i), 3))
		sets[i] = []netfilter.SecurityGroup{{ID: fmt.Sprint("sg-", i), Ingress: benchRules(rng, 20+rng.IntN(200), false), Egress: benchRules(rng, 10, false)}}
	}
	shared := retained(func() any {
		var pool netfilter.Pool
		interfaces := make([]*netfilter.GroupPolicy, 10000)
		for i := range interfaces {
			p, err := pool.Groups(sets[i%len(sets)])
			require.NoError(t, err)
			interfaces[i] = p
		}
		return interfaces
	})
	t.Logf("10,000 interfaces, 200 sets of 20 to 219 rules: %d bytes", shared)
	require.Less(t, shared, 64<<20)
}

// TestUnknownPeersAllocate: what is kept of rules whose peers are unknown follows
// their number, and not its product with that of the ranges they cut ports into.
func TestUnknownPeersAllocate(t *testing.T) {
	const rules = 2000
	g := netfilter.SecurityGroup{ID: "sg-1"}
	for i := range rules {
		g.Ingress = append(g.Ingress, netfilter.Rule{Protocol: "tcp", From: 2 * i, To: 2 * i, Peer: netfilter.Peer{PrefixList: fmt.Sprintf("pl-%d", i)}})
	}
	p, err := netfilter.CompileGroups([]netfilter.SecurityGroup{g}, netfilter.Resolver{})
	require.NoError(t, err)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	require.Empty(t, p.Redundant(netfilter.Ingress))
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(rules*4<<10))
}
