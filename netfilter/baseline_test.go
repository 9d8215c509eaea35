// SPDX-License-Identifier: Apache-2.0

package netfilter_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/netfilter"
)

// TestBaseline_NET76 holds what does not depend on the machine in the measured
// baselines: the loop that the published ratios are against gives the answers of
// both forms, rule by rule, and from 40 rules on neither form takes more memory
// than was measured of it then.
func TestBaseline_NET76(t *testing.T) {
	const kb = 1000
	verdicts := map[netfilter.Effect]int{}
	for _, c := range []struct{ rules, compact, cross int }{
		{10, 1 * kb, 285 * kb}, {40, 37 * kb / 10, 285 * kb}, {100, 124 * kb, 469 * kb}, {300, 124 * kb, 2800 * kb}, {1000, 1170 * kb, 2800 * kb},
	} {
		for _, v6 := range []bool{false, true} {
			g := benchGroup(c.rules, v6)
			loop := newNaive(g.Ingress)
			packets := benchPackets(rand.New(rand.NewPCG(76, uint64(c.rules))), g.Ingress, v6)[:2000]
			for form, limit := range map[netfilter.Form]int{netfilter.Compact: c.compact, netfilter.Cross: c.cross} {
				p := compileBench(t, form, g)
				for _, pk := range packets {
					want := loop.Decide(netfilter.Ingress, pk)
					require.Equal(t, want, p.Decide(netfilter.Ingress, pk), "%d rules, %v", c.rules, pk)
					verdicts[want.Effect]++
				}
				if !v6 {
					require.LessOrEqual(t, p.Size(), limit, "%d rules, %s", c.rules, formName(form))
				}
			}
		}
	}
	for _, e := range []netfilter.Effect{netfilter.Allow, netfilter.Deny} {
		require.Greater(t, verdicts[e], 2000, "%s", e)
	}
}
