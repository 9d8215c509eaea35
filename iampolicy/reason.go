// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"fmt"
	"strconv"
	"strings"
)

// explain says whether a statement applies and, if not, which element is the
// first that does not match. lines is of the policy that it is in.
func (s *Set) explain(st *stmt, e *evaluation, lines *lineIndex) StatementExplanation {
	p := s.policies[st.policy]
	src := &p.statements[st.index]
	path := "Statement"
	if p.statement.form == formList {
		path += "[" + strconv.Itoa(int(st.index)) + "]"
	}
	out := StatementExplanation{
		Policy: s.policyName(st.policy), Sid: p.sidOf(src), Index: int(st.index) + 1, Effect: "Allow",
		Span: lines.span(p.src, src.at, path), Indeterminate: st.indeterminate,
	}
	if st.deny {
		out.Effect = "Deny"
	}
	how := s.principalApplies(st, e)
	switch {
	case !s.actionApplies(st, e):
		out.Failed, out.Why = s.actionReason(st, e)
	case !s.resourceApplies(st, e):
		out.Failed, out.Why = s.resourceReason(st, e)
	case how == matchNone:
		out.Failed, out.Why = s.principalReason(st, e)
	default:
		out.Failed, out.Why = s.conditionReason(st, e)
	}
	if out.Failed == "" && st.indeterminate && !st.deny {
		out.Failed, out.Why = "Statement", "it cannot be evaluated, so it does not allow"
	}
	if out.Applied = out.Failed == ""; out.Applied && s.kind.takesPrincipal() {
		out.Principal = how.String()
	}
	return out
}

// String returns the word for the way in which a caller is named.
func (m match) String() string {
	return [...]string{"none", "account", "role", "user-of-session", "direct", "everyone"}[m]
}

func (s *Set) actionReason(st *stmt, e *evaluation) (failed, why string) {
	if st.notAction {
		return "NotAction", fmt.Sprintf("%s is among what it lists", quote(e.req.Action))
	}
	return "Action", fmt.Sprintf("%s is not among %s", quote(e.req.Action), s.list(st, func(src *statement) *element { return &src.action }))
}

func (s *Set) resourceReason(st *stmt, e *evaluation) (failed, why string) {
	asked := quote(e.req.Resource)
	if e.mode == resourceNone {
		asked = `"*", all that an action without resource types has,`
	}
	name, pick := "Resource", func(src *statement) *element { return &src.resource }
	verb := " is not among "
	if st.resourceForm == elementNegated {
		name, pick, verb = "NotResource", func(src *statement) *element { return &src.notResource }, " is among "
	}
	variables := variablesReason{set: s, ctx: &e.req.Context}
	for i := st.resLo; i < st.resHi; i++ {
		variables.add(&s.resources[i].rest)
	}
	return name, asked + verb + s.list(st, pick) + variables.String()
}

// variablesReason says what the variables of texts stand for, the first of
// them.
type variablesReason struct {
	set *Set
	ctx *Context
	b   strings.Builder
	n   int // variables so far
}

func (r *variablesReason) add(t *textOf) {
	if t.shape != shapeTemplate {
		return
	}
	for _, p := range r.set.parts[t.lo:t.hi] {
		if !p.variable {
			continue
		}
		if r.n++; r.n > mostListed {
			continue
		}
		switch v := r.ctx.find(p.key, p.hash); {
		case v != nil && !v.multi:
			fmt.Fprintf(&r.b, "; ${%s} is %s", p.key, quote(v.text))
		case p.fallback:
			fmt.Fprintf(&r.b, "; ${%s} is %s by default", p.key, quote(p.text))
		case v != nil:
			fmt.Fprintf(&r.b, "; ${%s} has several values, so the pattern matches nothing", p.key)
		default:
			fmt.Fprintf(&r.b, "; ${%s} is absent, so the pattern matches nothing", p.key)
		}
	}
}

// String returns the words, each with a semicolon before it.
func (r *variablesReason) String() string {
	if r.n > mostListed {
		fmt.Fprintf(&r.b, "; … (%d variables in all)", r.n)
	}
	return r.b.String()
}

func (s *Set) principalReason(st *stmt, e *evaluation) (failed, why string) {
	who := quote(e.req.Principal.String())
	if st.principalForm == elementNegated {
		return "NotPrincipal", who + " is spared"
	}
	if st.entLo == st.entHi {
		return "Principal", "the statement names no principal, so it applies to nobody"
	}
	names := make([]string, 0, st.entHi-st.entLo)
	for _, en := range s.entries[st.entLo:st.entHi] {
		names = append(names, quote(en.text))
	}
	return "Principal", who + " is not among " + strings.Join(clipList(names), ", ")
}

// conditionReason finds the first condition that does not hold.
func (s *Set) conditionReason(st *stmt, e *evaluation) (failed, why string) {
	ctx := &e.req.Context
	for i := st.condLo; i < st.condHi; i++ {
		c := &s.conds[i]
		if c.unknown || s.holds(c, ctx) {
			continue
		}
		src := &s.policies[st.policy].conditions[c.source]
		values := make([]string, 0, src.values.len())
		for _, v := range s.policies[st.policy].list(&src.values) {
			values = append(values, quote(v.text))
		}
		why = fmt.Sprintf("%s wants %s; %s", src.op, strings.Join(clipList(values), " or "), valueReason(src.key, ctx.find(c.key, c.hash)))
		variables := variablesReason{set: s, ctx: ctx}
		for j := c.lo; j < c.hi && c.takesVariables(); j++ {
			variables.add(&s.texts[j])
		}
		return "Condition" + member(src.op) + member(src.key), why + variables.String()
	}
	return "", ""
}

func valueReason(key string, v *contextValue) string {
	switch {
	case v == nil:
		return key + " is absent"
	case v.multi:
		values := make([]string, len(v.list))
		for i, text := range v.list {
			values[i] = quote(text)
		}
		return key + " is the list " + strings.Join(clipList(values), ", ")
	}
	return key + " is " + quote(v.text)
}

// list names the values of an element.
func (s *Set) list(st *stmt, pick func(*statement) *element) string {
	p := s.policies[st.policy]
	var names []string
	for _, v := range p.list(pick(&p.statements[st.index])) {
		names = append(names, quote(v.text))
	}
	if len(names) == 0 {
		return "an empty list"
	}
	return strings.Join(clipList(names), ", ")
}

// mostListed is how many of a list go into a message.
const mostListed = 12

// clipList shortens a list that goes into a message.
func clipList(names []string) []string {
	if len(names) > mostListed {
		return append(names[:mostListed:mostListed], fmt.Sprintf("… (%d in all)", len(names)))
	}
	return names
}

func quote(text string) string { return strconv.Quote(clip(text)) }
