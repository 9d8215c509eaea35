// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// cellsIn is how many cells of a row are gone over for a list.
func cellsIn(cuts []uint32, list []ranked) (n int) {
	for _, r := range list {
		n += cutIndex(cuts, r.hi) - cutIndex(cuts, r.lo) + 1
	}
	return n
}

// TestDisjoint: rows of tables are filled as by all ranges, in any order, and no
// cell is gone over twice: a thousand wide ranges were a million cells.
func TestDisjoint(t *testing.T) {
	filled := func(cuts []uint32, list []ranked) []uint16 {
		row := make([]uint16, len(cuts))
		lower(row, cuts, list)
		return row
	}
	check := func(list []ranked) {
		cuts := cutKeys(list)
		out := disjoint(list)
		require.Equal(t, filled(cuts, list), filled(cuts, out), "%v", list)
		require.LessOrEqual(t, len(out), 2*len(list))
		require.LessOrEqual(t, cellsIn(cuts, out), len(cuts), "%v", list)
	}
	for range 2000 {
		list := make([]ranked, 1+rand.IntN(6))
		for i, rank := range rand.Perm(len(list)) {
			lo := uint32(rand.IntN(20))
			list[i] = ranked{keySpan{lo, lo + uint32(rand.IntN(20))}, int32(rank)}
		}
		list[0].hi = max(list[0].hi, uint32(rand.IntN(2))*maxKey)
		check(list)
	}
	var wide []ranked
	for i := range int32(1000) {
		wide = append(wide, ranked{keySpan{uint32(i), maxKey - uint32(i)}, 1000 - i})
	}
	require.Equal(t, 1000*1000, cellsIn(cutKeys(wide), wide))
	check(wide)
}

// TestOverlayCells: comparing and linting goes over each range of keys once for each
// peer of a class, however many of its rules lie over each other.
func TestOverlayCells(t *testing.T) {
	g := SecurityGroup{ID: "sg-1"}
	for i := range 1000 {
		g.Ingress = append(g.Ingress, Rule{Protocol: "tcp", From: i, To: 65535 - i, Peer: Peer{IPv4: "10.0.0.0/8"}})
	}
	p, err := CompileGroups([]SecurityGroup{g}, Resolver{})
	require.NoError(t, err)
	o := newOverlay(false, p.side(Ingress), p.side(Egress))
	cells := 0
	for _, b := range o.bundles {
		for _, r := range b.ranges {
			cells += int(r.hi-r.lo) + 1
		}
	}
	require.LessOrEqual(t, cells, len(o.cuts))
}
