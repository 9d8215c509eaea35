// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"iter"
	"strings"
)

// statementIndex finds the statements that may cover another, so that a policy
// of a hundred statements does not cost ten thousand comparisons: a pattern
// covers a resource only if that begins with the pattern's text before its
// first wildcard, and conditions only hold wherever others do if they are among
// them.
type statementIndex struct {
	heads   map[statementKey]int32 // of chains of entries, from 1
	entries []statementEntry
	lengths []int // of the texts in heads
	others  []int32

	round   int32   // of covering
	yielded []int32 // the last round that yielded a statement
}

// statementKey is what a statement must have for another to cover it.
type statementKey struct {
	prefix    string // of its first resource
	condition uint64 // the hash of one of its conditions, or 0
}

type statementEntry struct{ statement, next int32 }

// indexed returns the index of the policy.
func (v *validator) indexed() *statementIndex {
	if v.coverable != nil {
		return v.coverable
	}
	p := v.p
	lengths := make(map[int]bool)
	x := &statementIndex{heads: make(map[statementKey]int32, 2*len(p.statements)), entries: make([]statementEntry, 0, 2*len(p.statements)), yielded: make([]int32, len(p.statements))}
	for i := range p.statements {
		st := &p.statements[i]
		switch {
		case st.bad != 0:
			continue
		case !st.resource.present():
			x.others = append(x.others, int32(i))
			continue
		}
		key := statementKey{}
		if st.condition.len() > 0 {
			key.condition = p.conditionHash(st.condition.lo)
		}
		for _, r := range p.list(&st.resource) {
			key.prefix = r.text
			if at := strings.IndexAny(r.text, "*?$"); at >= 0 {
				key.prefix = r.text[:at]
			}
			if n := len(key.prefix); !lengths[n] {
				lengths[n] = true
				x.lengths = append(x.lengths, n)
			}
			x.entries = append(x.entries, statementEntry{int32(i), x.heads[key]})
			x.heads[key] = int32(len(x.entries))
		}
	}
	v.coverable = x
	return x
}

// conditionHash is the same for conditions that say the same.
func (p *Policy) conditionHash(i int32) uint64 {
	c := &p.conditions[i]
	h := hashFold(c.op) ^ 3*hashFold(c.key)
	for _, x := range p.list(&c.values) {
		h |= 1 << (hashFold(x.text) >> 58) // values may be repeated
	}
	return h | 1
}

// covering yields the statements, by position, that may apply wherever the
// statement at hand does, each once.
func (v *validator) covering() iter.Seq[int] {
	return func(yield func(int) bool) {
		resources := v.p.list(&v.st.resource)
		if len(resources) == 0 {
			for i := range v.p.statements {
				if !yield(i) {
					return
				}
			}
			return
		}
		x := v.indexed()
		for _, i := range x.others {
			if !yield(int(i)) {
				return
			}
		}
		x.round++
		for e := range v.entries(x, resources[0].text) {
			if x.yielded[e.statement] == x.round {
				continue
			}
			if x.yielded[e.statement] = x.round; !yield(int(e.statement)) {
				return
			}
		}
	}
}

// entries yields the entries of statements that have a resource which may cover
// a text, and no condition first or one of those of the statement at hand.
func (v *validator) entries(x *statementIndex, text string) iter.Seq[statementEntry] {
	return func(yield func(statementEntry) bool) {
		hashes := append(make([]uint64, 0, 8), 0)
		for c := v.st.condition.lo; c < v.st.condition.hi; c++ {
			hashes = append(hashes, v.p.conditionHash(c))
		}
		for _, n := range x.lengths {
			if n > len(text) {
				continue
			}
			key := statementKey{prefix: text[:n]}
			for _, key.condition = range hashes {
				if !v.left.spend(int64(comparison + n)) {
					return
				}
				for e := x.heads[key]; e > 0; e = x.entries[e-1].next {
					if !v.left.spend(1) || !yield(x.entries[e-1]) {
						return
					}
				}
			}
		}
	}
}
