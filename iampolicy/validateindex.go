// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"iter"
	"slices"
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
	x := &statementIndex{heads: make(map[statementKey]int32, 2*len(p.statements)), entries: make([]statementEntry, 0, 2*len(p.statements))}
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
			if !slices.Contains(x.lengths, len(key.prefix)) {
				x.lengths = append(x.lengths, len(key.prefix))
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
// statement at hand does; it may yield one again.
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
		for _, n := range x.lengths {
			if n > len(resources[0].text) {
				continue
			}
			key := statementKey{prefix: resources[0].text[:n]}
			for c := v.st.condition.lo - 1; c < v.st.condition.hi; c++ {
				if c >= v.st.condition.lo {
					key.condition = v.p.conditionHash(c)
				}
				for e := x.heads[key]; e > 0; e = x.entries[e-1].next {
					if !yield(int(x.entries[e-1].statement)) {
						return
					}
				}
			}
		}
	}
}
