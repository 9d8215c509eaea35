// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"cmp"
	"math"
	"slices"
)

// none is the rank of no rule.
const none = math.MaxInt32

// ranked is a range of transport keys of one rule. Ranks order the rules of a
// direction: of the rules that match, the one of lowest rank decides.
type ranked struct {
	keySpan
	rank int32
}

// cutKeys returns the first key of every range on which the same ranges lie,
// in order, beginning with 0.
func cutKeys(bundles ...[]ranked) []uint32 {
	n := 1
	for _, list := range bundles {
		n += 2 * len(list)
	}
	cuts := append(make([]uint32, 0, n), 0)
	for _, list := range bundles {
		for _, r := range list {
			cuts = append(cuts, r.lo)
			if r.hi < maxKey {
				cuts = append(cuts, r.hi+1)
			}
		}
	}
	slices.Sort(cuts)
	return slices.Compact(cuts)
}

// cutIndex returns the index of the range that holds key.
func cutIndex(cuts []uint32, key uint32) int {
	i, found := slices.BinarySearch(cuts, key)
	if !found {
		i--
	}
	return i
}

// paint returns, for each range of cuts, the lowest rank of list that covers
// it. Lowest ranks go first and each range is painted once, so the work does
// not grow with how much the ranges overlap.
func paint(cuts []uint32, list []ranked) []int32 {
	ranks := make([]int32, len(cuts))
	free := make([]int32, len(cuts)+1) // the next unpainted range at or after i
	for i := range ranks {
		ranks[i], free[i] = none, int32(i)
	}
	free[len(cuts)] = int32(len(cuts))
	list = slices.SortedFunc(slices.Values(list), func(a, b ranked) int { return cmp.Compare(a.rank, b.rank) })
	for _, r := range list {
		last := int32(cutIndex(cuts, r.hi))
		for i := findFree(free, int32(cutIndex(cuts, r.lo))); i <= last; i = findFree(free, i) {
			ranks[i], free[i] = r.rank, i+1
		}
	}
	return ranks
}

// findFree follows and shortens the chain of painted ranges.
func findFree(free []int32, i int32) int32 {
	for free[i] != i {
		free[i] = free[free[i]]
		i = free[i]
	}
	return i
}

// disjoint returns the ranges of list by the lowest rank, none over another: there
// are at most two for each range of list, and what goes over their cells does not
// go over one twice.
func disjoint(list []ranked) []ranked {
	if len(list) == 1 {
		return list
	}
	cuts := cutKeys(list)
	out := make([]ranked, 0, len(list))
	for i, rank := range paint(cuts, list) {
		span := keySpan{cuts[i], maxKey}
		if i+1 < len(cuts) {
			span.hi = cuts[i+1] - 1
		}
		if n := len(out); n > 0 && out[n-1].rank == rank && out[n-1].hi+1 == span.lo {
			out[n-1].hi = span.hi
		} else if rank != none {
			out = append(out, ranked{span, rank})
		}
	}
	return out
}
