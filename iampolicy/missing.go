// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"slices"
)

// missing lists the keys that the request lacks and that could change the
// decision. Every absent key is taken as unknown; then a statement applies,
// does not, or may. The decision is computed for the two extremes (all Allows
// that may apply do and no such Deny; and the reverse), between which it moves
// in one direction only: where the two agree, no key matters.
func (p *Policies) missing(e *evaluation) []string {
	var best, worst verdicts
	var open []openStatement
	bestDenied := p.extremes(e, &best, &open, true)
	if len(open) == 0 {
		return nil
	}
	worstDenied := p.extremes(e, &worst, nil, false)
	bestOutcome, worstOutcome := ExplicitDeny, ExplicitDeny
	if !bestDenied {
		bestOutcome = p.combine(e, &best)
	}
	if !worstDenied {
		worstOutcome = p.combine(e, &worst)
	}
	if bestOutcome == worstOutcome {
		return nil
	}
	keys := make(map[string]string)
	for _, o := range open {
		if o.st.deny || bestOutcome == Allowed && o.how > o.has {
			add := func(name string) {
				if low := lowerASCII(name); keys[low] == "" {
					keys[low] = name
				}
			}
			o.set.absentKeys(o.st, &e.req.Context, add)
			if o.byID {
				add("aws:userid")
			}
		}
	}
	names := make([]string, 0, len(keys))
	for _, low := range sortedKeys(keys) {
		names = append(names, keys[low])
	}
	return slices.Clip(names)
}

// openStatement is a statement that may apply, how it would name the caller,
// and how an Allow that does apply names it.
type openStatement struct {
	set      *Set
	st       *stmt
	how, has match
	byID     bool // that depends on aws:userid, by a unique id among its principals
}

// extremes fills in the verdicts of the best or the worst case, and collects
// the statements that make the difference.
func (p *Policies) extremes(e *evaluation, v *verdicts, open *[]openStatement, best bool) (denied bool) {
	principal := &e.req.Principal
	v.limited = p.Boundary != nil && principal.holdsPolicies()
	v.tailored = p.Session != nil
	v.scp, v.rcp = verdictAllowed, verdictAllowed
	one := func(s *Set) (r result) {
		if s == nil {
			return r
		}
		r = s.extreme(e, open, best, s == p.Resource && e.ownRoot)
		denied = denied || r.deny != matchNone
		return r
	}
	v.resource, v.endpoint, v.session = one(p.Resource), one(p.Endpoint), one(p.Session)
	if principal.holdsPolicies() {
		v.identity, v.boundary = one(p.Identity), one(p.Boundary)
	}
	level := func(sets []*Set, all *verdict) {
		for _, s := range sets {
			if one(s).allow == matchNone {
				*all = verdictImplicit
			}
		}
	}
	if scpApplies(e.req) {
		level(p.SCP, &v.scp)
	}
	if p.rcpApplies(e) {
		level(p.RCP, &v.rcp)
	}
	return denied
}

func (s *Set) extreme(e *evaluation, open *[]openStatement, best, allowsOnly bool) (r result) {
	from := 0
	if open != nil {
		from = len(*open)
	}
	certain := matchNone
	for i := range s.stmts {
		st := &s.stmts[i]
		if allowsOnly && st.deny || st.indeterminate && !st.deny {
			continue
		}
		lo := s.principalApplies(st, e)
		hi := s.appliesByID(st, e, lo)
		byID := hi != lo
		if lo, hi = min(lo, hi), max(lo, hi); hi == matchNone || !s.actionApplies(st, e) {
			continue
		}
		applies, may := s.may(st, e)
		if (may || applies && byID) && open != nil {
			*open = append(*open, openStatement{set: s, st: st, how: hi, byID: byID})
		}
		how := matchNone
		switch {
		case best != st.deny && (applies || may):
			how = hi
		case applies:
			how = lo
		}
		if applies && !st.deny {
			certain = max(certain, lo)
		}
		if st.deny {
			r.deny = max(r.deny, how)
		} else {
			r.allow = max(r.allow, how)
		}
	}
	if open != nil {
		for i := from; i < len(*open); i++ {
			(*open)[i].has = certain
		}
	}
	return r
}

// appliesByID says how the statement would name the caller if aws:userid, which
// the request lacks, were one of the unique ids among its principals.
func (s *Set) appliesByID(st *stmt, e *evaluation, how match) match {
	r := e.req
	if st.principalForm == elementAbsent || st.unknown&elPrincipal != 0 || r.Principal.ID != "" || r.Context.find("aws:userid", keyUserID) != nil {
		return how
	}
	entries := s.entries[st.entLo:st.entHi]
	i := slices.IndexFunc(entries, func(en entry) bool { return en.typ == entryUniqueID })
	if i < 0 {
		return how
	}
	known, asked := *e, Request{Principal: r.Principal}
	known.req, asked.Principal.ID = &asked, entries[i].text // any of them: each names whoever has it in the same way
	return s.principalApplies(st, &known)
}

// may reports whether a statement, its action and principal matching, applies,
// or may once absent keys are known.
func (s *Set) may(st *stmt, e *evaluation) (applies, may bool) {
	ctx := &e.req.Context
	applies, may = s.resourceApplies(st, e), s.undecidedResource(st, e)
	if !applies && !may {
		return false, false
	}
	for i := st.condLo; i < st.condHi; i++ {
		c := &s.conds[i]
		switch {
		case c.unknown:
		case s.undecidedCondition(c, ctx):
			may = true
		case !s.holds(c, ctx):
			return false, false
		}
	}
	return applies && !may, may
}

// undecidedResource reports whether the resource element depends on an absent
// key: a pattern does, its default too, and none of the others decides alone.
func (s *Set) undecidedResource(st *stmt, e *evaluation) bool {
	if st.resourceForm == elementAbsent || st.unknown&elResource != 0 {
		return false
	}
	undecided := false
	for i := st.resLo; i < st.resHi; i++ {
		if s.undecided(&s.resources[i].rest, &e.req.Context) {
			undecided = true
		} else if s.patternsApply(st, s.resources[i:i+1], e) == (st.resourceForm == elementPositive) {
			return false
		}
	}
	return undecided
}

// undecided reports whether a text holds a variable whose key is absent.
func (s *Set) undecided(t *textOf, ctx *Context) bool {
	if t.shape != shapeTemplate {
		return false
	}
	for _, p := range s.parts[t.lo:t.hi] {
		if p.variable && ctx.find(p.key, p.hash) == nil {
			return true
		}
	}
	return false
}

func (s *Set) undecidedCondition(c *cond, ctx *Context) bool {
	if ctx.find(c.key, c.hash) == nil {
		return true
	}
	for i := c.lo; i < c.hi && c.takesVariables(); i++ {
		if s.undecided(&s.texts[i], ctx) {
			return true
		}
	}
	return false
}

// absentKeys calls add with every absent key that a statement asks for.
func (s *Set) absentKeys(st *stmt, ctx *Context, add func(name string)) {
	text := func(t *textOf) {
		if t.shape != shapeTemplate {
			return
		}
		for _, p := range s.parts[t.lo:t.hi] {
			if p.variable && ctx.find(p.key, p.hash) == nil {
				add(p.key)
			}
		}
	}
	for i := st.resLo; i < st.resHi; i++ {
		text(&s.resources[i].rest)
	}
	for i := st.condLo; i < st.condHi; i++ {
		c := &s.conds[i]
		if c.unknown {
			continue
		}
		if ctx.find(c.key, c.hash) == nil {
			add(s.policies[st.policy].conditions[c.source].key)
		}
		for j := c.lo; j < c.hi && c.takesVariables(); j++ {
			text(&s.texts[j])
		}
	}
}
