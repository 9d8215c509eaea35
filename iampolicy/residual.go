// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-go/sallyport/internal/wildcard"
)

// Knowledge says how much of a context key is known.
type Knowledge uint8

// The three states of a context key.
const (
	Known         Knowledge = iota // the context has it, or it is absent
	PresenceKnown                  // whether it is there is known; its value is not
	Unknown                        // nothing is known, whatever the context holds
)

// Residual is a decision made before all context keys are known. Its zero value
// denies.
type Residual struct {
	// Allowed says that the request is allowed whatever the unknown keys are.
	// When it is false and Depends is nil, the request is denied whatever they
	// are.
	Allowed bool
	// Depends is what remains to be known: the request is allowed when it
	// holds. It is nil when the decision depends on no unknown key.
	Depends *Expr
	// Keys are the keys that Depends speaks of, in alphabetical order.
	Keys []string
	// Err is set, and the request denied, when it could not be judged: it wraps
	// ErrRequest or ErrLimit.
	Err error

	policies *Policies
	request  *Request
}

// Residual decides as far as the keys that are known allow. knowledge is asked
// for each key that matters, in lower case; the values that the context has for
// keys that are not Known are not looked at. For KMS grants that demand an
// encryption context it is also asked for "kms:encryptioncontext:", which
// stands for pairs that no grant names. With every key Known, Residual is
// Decide. The result refers to policies and request, which must not change.
//
// An expression is about as long as the conditions of the statements that are
// about the request; contradictions between conditions in it are not sought.
func (p *Policies) Residual(r *Request, knowledge func(key string) Knowledge) *Residual {
	return p.residual(r, residual{knowledge: knowledge, variables: knowledge})
}

func (p *Policies) residual(r *Request, b residual) *Residual {
	out := &Residual{policies: p, request: r}
	b.policies = p
	if out.Err = p.prepare(&b.evaluation, r); out.Err != nil {
		return out
	}
	x := constant(true)
	if !needsNoPermission(r) {
		x = b.decide()
	}
	switch x.form {
	case exprTrue:
		out.Allowed = true
	case exprFalse:
	default:
		out.Depends = &x
		keys := make(map[string]string)
		x.collect(keys)
		for _, low := range sortedKeys(keys) {
			out.Keys = append(out.Keys, keys[low])
		}
	}
	return out
}

// Allows reports whether the request is allowed once the context is complete:
// the keys that were known as they were, and the others. It answers what Decide
// does.
func (x *Residual) Allows(complete *Context) bool {
	if x.Err != nil || x.request == nil {
		return false
	}
	if x.Depends == nil {
		return x.Allowed
	}
	r := *x.request
	r.Context = *complete
	var e evaluation
	if err := x.policies.prepare(&e, &r); err != nil {
		return false
	}
	return x.Depends.holds(&e)
}

// residual builds the expression of a Residual.
type residual struct {
	evaluation
	policies  *Policies
	knowledge func(key string) Knowledge // of the keys of conditions
	variables func(key string) Knowledge // of the keys of variables
	discovery bool                       // session names are not looked at in an Allow
}

// unknown reports whether a key, in lower case, has a value that is not known.
func (b *residual) unknown(know func(string) Knowledge, key string, hash uint64) bool {
	switch know(key) {
	case Known:
		return false
	case PresenceKnown:
		return b.req.Context.find(key, hash) != nil
	}
	return true
}

// decide is evaluate and combine.
func (b *residual) decide() Expr {
	p, e := b.policies, &b.evaluation
	if p.publicBucketRefuses(e) || guarded(e) {
		return constant(false)
	}
	var terms []Expr
	denied := func(s *Set, source string) {
		if s != nil {
			terms = append(terms, not(b.set(s, source, true, matchAccount, matchEveryone)))
		}
	}
	if !b.ownRoot {
		denied(p.Resource, "resource")
	}
	if e.req.Principal.holdsPolicies() {
		denied(p.Identity, "identity")
		denied(p.Boundary, "boundary")
	}
	denied(p.Session, "session")
	denied(p.Endpoint, "vpce")
	if p.Endpoint != nil {
		terms = append(terms, b.allowed(p.Endpoint, "vpce"))
	}
	level := func(sets []*Set, typ string) {
		for i, s := range sets {
			source := typ + ":" + s.levelName(typ, i)
			denied(s, source)
			terms = append(terms, b.allowed(s, source))
		}
	}
	if scpApplies(e.req) {
		level(p.SCP, "scp")
	}
	if p.rcpApplies(e) {
		level(p.RCP, "rcp")
	}
	return allOf(append(terms, b.open())...)
}

// allowed is that some Allow of a set applies, or true without the set.
func (b *residual) allowed(s *Set, source string) Expr {
	if s == nil {
		return constant(true)
	}
	return b.set(s, source, false, matchAccount, matchEveryone)
}

// open is Policies.open.
func (b *residual) open() Expr {
	p, e := b.policies, &b.evaluation
	principal := &e.req.Principal
	if !principal.inAccount() {
		return b.granted(matchAccount, matchEveryone)
	}
	limits := b.allowed(p.Session, "session")
	if principal.holdsPolicies() {
		limits = allOf(limits, b.allowed(p.Boundary, "boundary"))
	}
	identity := allOf(limits, b.identitySide())
	if !e.sameAccount() {
		return allOf(identity, b.granted(matchAccount, matchEveryone))
	}
	if ruledByResource(e) {
		identity = allOf(identity, b.granted(matchAccount, matchAccount))
	}
	return anyOf(
		b.granted(matchDirect, matchEveryone),
		allOf(b.granted(matchRole, matchUserOfSession), limits),
		identity,
	)
}

func (b *residual) identitySide() Expr {
	principal := &b.req.Principal
	switch {
	case principal.kind == Root:
		return constant(true)
	case principal.kind == FederatedSession && b.policies.Session == nil:
		return constant(false)
	case principal.kind == FederatedSession && principal.FederatedByRoot:
		return constant(true)
	case b.policies.Identity == nil:
		return constant(false)
	}
	return b.allowed(b.policies.Identity, "identity")
}

// granted is that the resource's side lets the caller in, in one of the ways
// from lo to hi.
func (b *residual) granted(lo, hi match) Expr {
	if how := b.policies.ACL.grants(&b.evaluation); lo <= how && how <= hi {
		return constant(true)
	}
	var list []Expr
	if b.policies.Resource != nil {
		list = append(list, b.set(b.policies.Resource, "resource", false, lo, hi))
	}
	for i := range b.policies.Grants {
		if g := &b.policies.Grants[i]; lo <= matchDirect && matchDirect <= hi && g.names(&b.evaluation) {
			list = append(list, b.grant(g))
		}
	}
	return anyOf(list...)
}

func (b *residual) grant(g *Grant) Expr {
	const prefix = "kms:encryptioncontext:"
	var keys []string
	for _, pairs := range [...]map[string]string{g.EncryptionContextSubset, g.EncryptionContextEquals} {
		for _, name := range sortedKeys(pairs) {
			if b.variables(prefix+lowerASCII(name)) != Known {
				keys = append(keys, "kms:EncryptionContext:"+name)
			}
		}
	}
	if g.EncryptionContextEquals != nil && b.variables(prefix) != Known {
		keys = append(keys, "kms:EncryptionContext:")
	}
	if len(keys) == 0 {
		return constant(g.constrains(&b.req.Context))
	}
	return newLeaf("Grant", strings.Join(keys, ","), []string{g.Grantee}, "grant", leaf{grant: g, keys: keys}, fmt.Sprintf("G%p", g))
}

// set is that some Deny, or some Allow, of a set applies and names the caller
// in one of the ways from lo to hi.
func (b *residual) set(s *Set, source string, deny bool, lo, hi match) Expr {
	var list []Expr
	for i := range s.stmts {
		if st := &s.stmts[i]; st.deny == deny && (deny || !st.indeterminate) {
			list = append(list, b.statement(s, st, source, lo, hi))
		}
	}
	return anyOf(list...)
}

func (b *residual) statement(s *Set, st *stmt, source string, lo, hi match) Expr {
	if !s.actionApplies(st, &b.evaluation) {
		return constant(false)
	}
	source += "/" + s.policyName(st.policy) + "/" + s.statementName(st)
	x := b.principal(s, st, source, lo, hi)
	if x.form == exprFalse {
		return x
	}
	if x = allOf(x, b.resource(s, st, source)); x.form == exprFalse {
		return x
	}
	terms := []Expr{x}
	for i := st.condLo; i < st.condHi; i++ {
		if c := &s.conds[i]; !c.unknown {
			terms = append(terms, b.condition(s, st, c, source))
		}
	}
	return allOf(terms...)
}

// statementName is the Sid, or the number from 1.
func (s *Set) statementName(st *stmt) string {
	p := s.policies[st.policy]
	if sid := p.sidOf(&p.statements[st.index]); sid != "" {
		return sid
	}
	return strconv.Itoa(int(st.index) + 1)
}

func (b *residual) principal(s *Set, st *stmt, source string, lo, hi match) Expr {
	entries := s.entries[st.entLo:st.entHi]
	var ids []string
	for i := range entries {
		if entries[i].typ == entryUniqueID {
			ids = append(ids, entries[i].text)
		}
	}
	if len(ids) == 0 || !b.req.Principal.inAccount() || !b.unknown(b.variables, "aws:userid", keyUserID) {
		how := s.principalApplies(st, &b.evaluation)
		if b.discovery && !st.deny {
			how, _ = s.anySession(st, &b.evaluation, how)
		}
		return constant(lo <= how && how <= hi)
	}
	operator := "Principal"
	if st.principalForm == elementNegated {
		operator = "NotPrincipal"
	}
	l := leaf{set: s, st: st, principal: true, lo: lo, hi: hi, keys: []string{"aws:userid"}}
	return newLeaf(operator, "aws:userid", ids, source, l, fmt.Sprintf("P%p %d-%d", st, lo, hi))
}

// resource is that the resource element of a statement applies. Patterns
// without unknown variables decide alone where they can.
func (b *residual) resource(s *Set, st *stmt, source string) Expr {
	e := &b.evaluation
	if st.resourceForm == elementAbsent || st.unknown&elResource != 0 {
		return constant(true)
	}
	positive := st.resourceForm == elementPositive
	var keys textSet
	var values, texts []string
	for i := st.resLo; i < st.resHi; i++ {
		r := &s.resources[i]
		open := b.unknownVariables(s, &r.rest)
		switch {
		case len(open) == 0:
			if s.patternsApply(st, s.resources[i:i+1], e) == positive {
				return constant(positive)
			}
		case positive && !s.mayMatch(r, e):
		default:
			if texts == nil {
				texts = s.resourceTexts(st)
			}
			keys.add(open)
			values = append(values, texts[i-st.resLo])
		}
	}
	if len(keys.list) == 0 {
		return constant(!positive)
	}
	operator := "Resource"
	if !positive {
		operator = "NotResource"
	}
	id := fmt.Sprintf("R%p %t %t %q", s, positive, st.deny, texts)
	return newLeaf(operator, strings.Join(keys.list, ","), values, source, leaf{set: s, st: st, keys: keys.list}, id)
}

// resourceTexts returns the resource patterns of a statement as written.
func (s *Set) resourceTexts(st *stmt) []string {
	p := s.policies[st.policy]
	e := &p.statements[st.index].resource
	if st.resourceForm == elementNegated {
		e = &p.statements[st.index].notResource
	}
	texts := make([]string, 0, e.len())
	for _, v := range p.list(e) {
		texts = append(texts, v.text)
	}
	return texts
}

// mayMatch reports whether a pattern with variables matches for some values of
// them.
func (s *Set) mayMatch(r *resourcePattern, e *evaluation) bool {
	if e.mode != resourcePlain {
		return e.mode == resourceWild
	}
	parts := make([]wildcard.Part, 0, r.rest.hi-r.rest.lo)
	for _, p := range s.parts[r.rest.lo:r.rest.hi] {
		if p.variable {
			p.text = "*"
		}
		parts = append(parts, wildcard.Part{Text: p.text, Literal: p.literal})
	}
	return r.matchFields(e) && wildcard.MatchParts(parts, e.arn.Resource)
}

// unknownVariables returns the keys of a text's variables that are not known.
func (b *residual) unknownVariables(s *Set, t *textOf) []string {
	if t.shape != shapeTemplate {
		return nil
	}
	var keys []string
	for _, p := range s.parts[t.lo:t.hi] {
		if p.variable && b.unknown(b.variables, p.key, p.hash) && !slices.Contains(keys, p.key) {
			keys = append(keys, p.key)
		}
	}
	return keys
}

// condition is that a condition holds.
func (b *residual) condition(s *Set, st *stmt, c *cond, source string) Expr {
	keys, known := b.undecided(s, c)
	if known {
		return constant(s.holds(c, &b.req.Context))
	}
	p := s.policies[st.policy]
	src := &p.conditions[c.source]
	values := make([]string, 0, src.values.len())
	for _, v := range p.list(&src.values) {
		values = append(values, v.text)
	}
	for i, key := range keys {
		if key == c.key {
			keys[i] = src.key
		}
	}
	id := fmt.Sprintf("C%s %s %q %t %t", lowerASCII(src.op), c.key, values, p.modern(), s.opts.MultivaluedAsAny)
	return newLeaf(src.op, src.key, values, source, leaf{set: s, cond: c, keys: keys}, id)
}

// undecided returns the unknown keys that a condition depends on.
func (b *residual) undecided(s *Set, c *cond) (keys []string, known bool) {
	if c.fam == famNull {
		if b.knowledge(c.key) != Unknown || s.null(c, true) == s.null(c, false) {
			return nil, true
		}
		return []string{c.key}, false
	}
	var all textSet
	if b.unknown(b.knowledge, c.key, c.hash) {
		all.add([]string{c.key})
	} else if b.req.Context.find(c.key, c.hash) == nil {
		return nil, true
	}
	for i := c.lo; i < c.hi && c.takesVariables(); i++ {
		all.add(b.unknownVariables(s, &s.texts[i]))
	}
	return all.list, len(all.list) == 0
}

func newLeaf(operator, key string, values []string, source string, l leaf, id string) Expr {
	return Expr{
		Operator: operator, Key: key, Values: values, Sources: []string{source},
		form: exprLeaf, id: id, leaf: l,
	}
}
