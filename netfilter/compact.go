// SPDX-License-Identifier: Apache-2.0

package netfilter

import "slices"

// compactForm decides by binary search: first for the class of the address,
// then, from the class up to the root, for the key in each bundle. Its size is
// linear in the rules and the members, whatever the rules are.
type compactForm struct {
	line    line
	classes []compactClass
	bundles []compactBundle
	// of lists the bundles of the classes; keys and ranks are the painted
	// ranges of the bundles.
	of    []int32
	keys  []uint32
	ranks []int32
}

type compactClass struct {
	parent int32
	// min is the lowest rank in the class or above it, which ends the climb early.
	min    int32
	off, n uint32 // in of
}

type compactBundle struct {
	min    int32
	off, n uint32 // in keys and ranks
}

func newCompact(s *space, bundles [][]ranked) *compactForm {
	f := &compactForm{line: newLine(s)}
	place := make(map[int32]int32) // bundle to its place, for the bundles of this family
	for _, c := range s.classes {
		cc := compactClass{parent: c.parent, min: none, off: uint32(len(f.of)), n: uint32(len(c.bundles))}
		if c.parent >= 0 {
			cc.min = f.classes[c.parent].min
		}
		for _, b := range c.bundles {
			p, ok := place[b]
			if !ok {
				p = f.addBundle(bundles[b])
				place[b] = p
			}
			f.of = append(f.of, p)
			cc.min = min(cc.min, f.bundles[p].min)
		}
		f.classes = append(f.classes, cc)
	}
	// Growing left room behind; the policy lives long, so give it back.
	f.classes, f.bundles = slices.Clone(f.classes), slices.Clone(f.bundles)
	f.of, f.keys, f.ranks = slices.Clone(f.of), slices.Clone(f.keys), slices.Clone(f.ranks)
	return f
}

func (f *compactForm) addBundle(list []ranked) int32 {
	b := compactBundle{min: none, off: uint32(len(f.keys))}
	cuts := cutKeys(list)
	for i, r := range paint(cuts, list) {
		if n := len(f.keys); n > int(b.off) && f.ranks[n-1] == r {
			continue
		}
		f.keys, f.ranks = append(f.keys, cuts[i]), append(f.ranks, r)
		b.min = min(b.min, r)
	}
	b.n = uint32(len(f.keys)) - b.off
	f.bundles = append(f.bundles, b)
	return int32(len(f.bundles) - 1)
}

// cell returns one more than the lowest rank that matches at an address of class
// c, 0 for none.
func (f *compactForm) cell(c int32, key uint32) uint32 {
	best := int32(none)
	for c >= 0 {
		cl := &f.classes[c]
		if cl.min >= best {
			break
		}
		for _, p := range f.of[cl.off : cl.off+cl.n] {
			if b := &f.bundles[p]; b.min < best {
				keys := f.keys[b.off : b.off+b.n]
				best = min(best, f.ranks[int(b.off)+floor(keys, key)])
			}
		}
		c = cl.parent
	}
	if best == none {
		return 0
	}
	return uint32(best) + 1
}

// size is the number of bytes the form holds.
func (f *compactForm) size() int {
	return f.line.size() + 16*len(f.classes) + 12*len(f.bundles) + 4*(len(f.of)+len(f.keys)+len(f.ranks))
}
