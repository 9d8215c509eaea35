// SPDX-License-Identifier: Apache-2.0

package iampolicy

// Discovery is the answer to whether a request could be allowed in some
// context. The Explanation is that of the most favourable context: conditions
// that may hold do in an Allow, and do not in a Deny.
type Discovery struct {
	*Explanation // of the most favourable context
	// Ignored are the conditions that the answer sets aside, in the order of
	// the policies.
	Ignored []IgnoredCondition
	// IgnoredSessionName says that an Allow that names a session of the
	// caller's role was taken to name the caller.
	IgnoredSessionName bool
	// Depends is what is left to know before the request is allowed, as in
	// Residual; nil when nothing is.
	Depends *Expr
}

// IgnoredCondition is a condition that Discover set aside.
type IgnoredCondition struct {
	Type     string   // of its set: session, identity, resource, boundary, vpce, scp or rcp
	Effect   string   // of its statement: Allow or Deny
	Operator string   // as written, as the rest
	Key      string   // the condition key
	Values   []string // of the condition
}

// Discover says whether the request could be allowed in some context. A
// condition of an Allow that does not hold is set aside unless its key is
// Known, or its presence is known and decides; so is every Deny with a
// condition that is not known to hold or not to hold. Variables have the values
// of the request's context. In an Allow, an entry of Principal that names a
// session of a role also names the role and its other sessions. knowledge is
// asked for keys in lower case.
//
// Conditions are set aside one by one: two that contradict each other do not
// make the request impossible.
func (p *Policies) Discover(r *Request, knowledge func(key string) Knowledge) *Discovery {
	d := discovery{knowledge: knowledge}
	e := evaluation{discovery: &d}
	x := &Discovery{Explanation: p.explain(&e, r)}
	x.Missing = nil
	x.Ignored, x.IgnoredSessionName = d.ignored, d.session
	valued := func(string) Knowledge { return Known }
	x.Depends = p.residual(r, residual{knowledge: knowledge, variables: valued, discovery: true}).Depends
	return x
}

// discovery collects what Discover sets aside.
type discovery struct {
	knowledge func(key string) Knowledge
	ignored   []IgnoredCondition
	session   bool
}

// reconsider judges a statement anew by what is known. It has been explained
// by the context as it is, and names the caller as how says.
func (d *discovery) reconsider(s *Set, st *stmt, e *evaluation, typ string, one StatementExplanation, how match) (StatementExplanation, match) {
	session := false
	if !st.deny {
		how, session = s.anySession(st, e, how)
	}
	if how == matchNone || !st.deny && st.indeterminate || !s.actionApplies(st, e) || !s.resourceApplies(st, e) {
		return one, how
	}
	aside, holds := d.setAside(s, st, e)
	one.Applied, one.Failed, one.Why = holds && (!st.deny || len(aside) == 0), "", ""
	switch {
	case !holds:
		one.Failed, one.Why = "Condition", "a condition is known not to hold"
		return one, how
	case !one.Applied:
		one.Failed, one.Why = "Condition", "it may not hold"
	}
	d.session = d.session || session
	if s.kind.takesPrincipal() && one.Applied {
		one.Principal = how.String()
	}
	for _, c := range aside {
		d.ignore(s, st, c, typ, one.Effect)
	}
	return one, how
}

// setAside returns the conditions of a statement that are set aside, and
// whether the others hold.
func (d *discovery) setAside(s *Set, st *stmt, e *evaluation) (aside []*cond, holds bool) {
	ctx := &e.req.Context
	for i := st.condLo; i < st.condHi; i++ {
		c := &s.conds[i]
		switch {
		case c.unknown:
		case d.decided(s, c, ctx):
			if !s.holds(c, ctx) {
				return nil, false
			}
		case st.deny || !s.holds(c, ctx):
			aside = append(aside, c)
		}
	}
	return aside, true
}

// decided reports whether what is known decides a condition.
func (d *discovery) decided(s *Set, c *cond, ctx *Context) bool {
	switch d.knowledge(c.key) {
	case Known:
		return true
	case PresenceKnown:
		return c.fam == famNull || ctx.find(c.key, c.hash) == nil
	}
	return c.fam == famNull && s.null(c, true) == s.null(c, false)
}

func (d *discovery) ignore(s *Set, st *stmt, c *cond, typ, effect string) {
	p := s.policies[st.policy]
	src := &p.conditions[c.source]
	out := IgnoredCondition{Type: typ, Effect: effect, Operator: src.op, Key: src.key, Values: []string{}}
	for _, v := range p.list(&src.values) {
		out.Values = append(out.Values, v.text)
	}
	d.ignored = append(d.ignored, out)
}

// anySession says how an Allow names the caller when the names of role sessions
// are not looked at, and whether that makes a difference.
func (s *Set) anySession(st *stmt, e *evaluation, how match) (match, bool) {
	p := &e.req.Principal
	if how >= matchDirect || st.principalForm != elementPositive || p.kind != Role && p.kind != RoleSession {
		return how, false
	}
	for i := range s.entries[st.entLo:st.entHi] {
		if s.entries[int(st.entLo)+i].sessionOf(p) {
			return matchDirect, true
		}
	}
	return how, false
}
