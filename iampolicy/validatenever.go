// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"slices"
	"strings"
)

// neverTrue reports whether no request satisfies all conditions of the
// statement at hand. It looks at the conditions on one key at a time, and
// leaves out those with variables or set operators, which may always hold.
func (v *validator) neverTrue() bool {
	e := &v.st.condition
	if e.form != formObject || e.len() < 2 {
		return false
	}
	var seen folder
	repeated := false
	for i := e.lo; i < e.hi && !repeated; i++ {
		repeated = seen.repeats(v.p.conditions[i].key)
	}
	if !repeated {
		return false
	}
	s := v.compiled()
	if s == nil {
		return false
	}
	st := &s.stmts[v.index]
	on := make(map[string][]*cond)
	for i := st.condLo; i < st.condHi; i++ {
		c := &s.conds[i]
		on[c.key] = append(on[c.key], c)
	}
	for i := st.condLo; i < st.condHi; i++ {
		if conds := on[s.conds[i].key]; len(conds) > 1 && conds[0] == &s.conds[i] && v.contradictory(s, conds) {
			return true
		}
	}
	return false
}

// contradiction is the conditions of a statement on one key.
type contradiction struct {
	left            *effort
	s               *Set
	policy          *Policy
	conds           []*cond
	present, absent bool // the key has to be
}

// contradictory reports whether no value of a key, nor its absence, satisfies
// the conditions on it, which are of the statement at hand.
func (v *validator) contradictory(s *Set, conds []*cond) bool {
	k := contradiction{left: &v.left, s: s, policy: v.p}
	for _, c := range conds {
		if c.unknown || c.written == 0 {
			continue
		}
		switch {
		case c.fam == famNull:
			k.present = k.present || !s.null(c, true)
			k.absent = k.absent || !s.null(c, false)
			continue
		case !c.ifExists && !c.negated && c.quant != quantAll:
			k.present = true
		}
		if c.quant == quantNone && !s.variable(c) {
			k.conds = append(k.conds, c)
		}
	}
	if k.present && k.absent {
		return true
	}
	return k.present && slices.ContainsFunc(k.conds, func(c *cond) bool { return !c.negated && k.excludes(c) })
}

// variable reports whether a condition has a value with a variable.
func (s *Set) variable(c *cond) bool {
	switch c.fam {
	case famNumeric, famDate, famIP, famBinary:
		return false
	}
	return slices.ContainsFunc(s.texts[c.lo:c.hi], func(t textOf) bool { return t.shape == shapeTemplate })
}

// excludes reports whether every value that satisfies one condition fails
// another.
func (k *contradiction) excludes(c *cond) bool {
	switch c.fam {
	case famString, famStringLike, famArn:
		values := k.values(c)
		plain := !slices.ContainsFunc(values, func(text string) bool { return c.fam != famString && strings.ContainsAny(text, "*?") })
		return plain && k.noneOf(values, func(*cond) bool { return true })
	case famBool:
		return k.noneOf([]string{"true", "false"}, func(o *cond) bool { return o.fam == famBool })
	case famNumeric:
		if c.rel == relEquals {
			return k.noneOf(k.values(c), func(o *cond) bool { return o.fam == famNumeric })
		}
		return slices.ContainsFunc(k.conds, func(o *cond) bool {
			return o.fam == famNumeric && k.left.spend(comparison*int64(c.hi-c.lo+o.hi-o.lo)) && apart(c, o, k.s.numbers, decimal.compare)
		})
	case famDate:
		if c.rel == relEquals {
			return k.noneOf(k.values(c), func(o *cond) bool { return o.fam == famDate })
		}
		return slices.ContainsFunc(k.conds, func(o *cond) bool {
			return o.fam == famDate && k.left.spend(comparison*int64(c.hi-c.lo+o.hi-o.lo)) && apart(c, o, k.s.dates, instant.compare)
		})
	case famIP:
		return slices.ContainsFunc(k.conds, func(o *cond) bool { return o.fam == famIP && k.rangesApart(c, o) })
	}
	return false
}

func (k *contradiction) values(c *cond) (texts []string) {
	src := &k.policy.conditions[c.source]
	for _, x := range k.policy.list(&src.values) {
		texts = append(texts, x.text)
	}
	return texts
}

// noneOf reports whether none of the values satisfies all conditions that are
// of a sort.
func (k *contradiction) noneOf(values []string, sort func(*cond) bool) bool {
	var none Context
	return len(values) > 0 && len(values) <= comparedValues && !slices.ContainsFunc(values, func(text string) bool {
		return !slices.ContainsFunc(k.conds, func(o *cond) bool {
			return sort(o) && k.left.spend(k.steps(o, text)) && !k.s.satisfies(o, text, parseAddr(text), &none)
		})
	})
}

// steps is what it takes at most to ask whether a text satisfies a condition.
func (k *contradiction) steps(c *cond, text string) int64 {
	n := comparison * int64(1+c.hi-c.lo)
	if c.fam == famStringLike || c.fam == famArn {
		for i := c.lo; i < c.hi; i++ {
			n += int64(len(k.s.texts[i].text)) * int64(len(text))
		}
	}
	return n
}

// apart reports whether no number or date is as small as one condition wants
// and as great as the other does.
func apart[T any](c, o *cond, slab []T, compare func(a, b T) int) bool {
	if c.rel != relGreater && c.rel != relGreaterEquals || o.rel != relLess && o.rel != relLessEquals || c.lo == c.hi || o.lo == o.hi {
		return false
	}
	least := slices.MinFunc(slab[c.lo:c.hi], compare)
	most := slices.MaxFunc(slab[o.lo:o.hi], compare)
	at := compare(least, most)
	return at > 0 || at == 0 && (c.rel == relGreater || o.rel == relLess)
}

// rangesApart reports whether no address is in the ranges of one condition and
// satisfies the other.
func (k *contradiction) rangesApart(c, o *cond) bool {
	if c == o || c.lo == c.hi || !k.left.spend(comparison*int64(c.hi-c.lo)*int64(1+o.hi-o.lo)) {
		return false
	}
	for _, p := range k.s.prefixes[c.lo:c.hi] {
		inside, touches := false, false
		for _, q := range k.s.prefixes[o.lo:o.hi] {
			inside = inside || q.Bits() <= p.Bits() && q.Contains(p.Addr())
			touches = touches || q.Overlaps(p)
		}
		if o.negated && !inside || !o.negated && touches {
			return false
		}
	}
	return true
}
