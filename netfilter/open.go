// SPDX-License-Identifier: Apache-2.0

package netfilter

import "slices"

// openRows finds the ranges of keys on which every address of the family passes.
type openRows struct {
	all   []bool // by range: every class so far allows it
	rules [][]int32
}

// openToAll returns the runs of keys that the side allows to or from every
// address of the family, with the ranks of the rules that do so.
func openToAll(s *side, v6 bool) (runs []keySpan, ranks [][]int32) {
	o := newOverlay(v6, s)
	open := openRows{all: make([]bool, len(o.cuts)), rules: make([][]int32, len(o.cuts))}
	for i := range open.all {
		open.all[i] = true
	}
	var rows *effectRows
	rows = newEffectRows(o, func(int32) {
		for i, e := range rows.effects[0] {
			if !open.all[i] {
				continue
			}
			open.all[i] = Effect(e) == Allow
			if r := rows.ranks[0][i]; open.all[i] && !slices.Contains(open.rules[i], r) {
				open.rules[i] = append(open.rules[i], r)
			}
		}
	})
	o.walk(rows)
	for i := 0; i < len(o.cuts); i++ {
		if !open.all[i] {
			continue
		}
		first := i
		for i+1 < len(o.cuts) && open.all[i+1] && slices.Equal(open.rules[i+1], open.rules[first]) {
			i++
		}
		for _, run := range byProtocol(keySpan{o.cuts[first], o.lastKey(i)}) {
			runs, ranks = append(runs, run), append(ranks, open.rules[first])
		}
	}
	return runs, ranks
}
