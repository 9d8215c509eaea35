// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"encoding/json"
	"slices"
	"strings"
)

// Expr is what a decision depends on: that all of And hold, that one of Or
// holds, or one condition, of which the other fields speak. It marshals to JSON
// as {"and":[…]}, {"or":[…]} or
// {"operator","key","values","negated","sources"}.
type Expr struct {
	// And holds what must all hold, Or that of which one must.
	And, Or []Expr

	// Operator is the condition operator as the policy writes it. Resource,
	// NotResource, Principal and NotPrincipal stand for an element that depends
	// on a key: through a variable, or a unique id that aws:userid is compared
	// with. Grant stands for the constraints of a KMS grant.
	Operator string
	Key      string   // the condition key; for elements the keys, comma-separated
	Values   []string // of the condition or the element, as written
	// Negated says that the condition must not hold.
	Negated bool
	// Sources are the statements that it comes from: type of policy, name of
	// the policy, and Sid or number, such as identity/0/1 or scp:root/0/Deny.
	Sources []string

	form exprForm
	id   string // equal for expressions that are equal
	leaf leaf
}

type exprForm uint8

const (
	exprFalse exprForm = iota
	exprTrue
	exprLeaf
	exprAnd
	exprOr
)

// leaf is what a condition of an Expr is computed from: one of the pointers
// cond, grant and st.
type leaf struct {
	set       *Set
	cond      *cond
	grant     *Grant
	st        *stmt
	principal bool // of st: the principal named in a way from lo to hi; else the resource
	lo, hi    match
	keys      []string // that are not known, as written
}

func constant(holds bool) Expr {
	if holds {
		return Expr{form: exprTrue, id: "true"}
	}
	return Expr{form: exprFalse, id: "false"}
}

// MarshalJSON writes the expression as the type's documentation says.
func (x Expr) MarshalJSON() ([]byte, error) {
	switch {
	case len(x.And) > 0:
		return json.Marshal(map[string][]Expr{"and": x.And})
	case len(x.Or) > 0:
		return json.Marshal(map[string][]Expr{"or": x.Or})
	}
	return json.Marshal(struct {
		Operator string   `json:"operator"`
		Key      string   `json:"key"`
		Values   []string `json:"values"`
		Negated  bool     `json:"negated"`
		Sources  []string `json:"sources"`
	}{x.Operator, x.Key, x.Values, x.Negated, x.Sources})
}

// join combines expressions with and, or with or: nested ones of the same form
// are taken apart, constants and repetitions dropped, and what another implies.
func join(form exprForm, list []Expr) Expr {
	drop, decides := exprTrue, exprFalse
	if form == exprOr {
		drop, decides = exprFalse, exprTrue
	}
	at := make(map[string]int)
	sources := make(map[int]*textSet) // of those repeated
	var flat []Expr
	var add func(list []Expr) bool
	add = func(list []Expr) bool {
		for _, x := range list {
			switch x.form {
			case drop:
			case decides:
				return true
			case form:
				add(x.parts())
			default:
				if i, ok := at[x.id]; ok {
					if sources[i] == nil {
						sources[i] = new(textSet)
						sources[i].add(flat[i].Sources)
					}
					sources[i].add(x.Sources)
					continue
				}
				at[x.id] = len(flat)
				flat = append(flat, x)
			}
		}
		return false
	}
	if add(list) {
		return constant(decides == exprTrue)
	}
	for i, all := range sources {
		flat[i].Sources = all.list
	}
	// a and (a or b) is a, a or (a and b) is a.
	flat = slices.DeleteFunc(flat, func(x Expr) bool {
		return slices.ContainsFunc(x.parts(), func(part Expr) bool { _, ok := at[part.id]; return ok })
	})
	switch len(flat) {
	case 0:
		return constant(drop == exprTrue)
	case 1:
		return flat[0]
	}
	return compound(form, flat)
}

func compound(form exprForm, list []Expr) Expr {
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].id
	}
	if form == exprAnd {
		return Expr{form: form, And: list, id: "(" + strings.Join(ids, "&") + ")"}
	}
	return Expr{form: form, Or: list, id: "(" + strings.Join(ids, "|") + ")"}
}

// parts returns what an and or an or is made of.
func (x *Expr) parts() []Expr {
	switch x.form {
	case exprAnd:
		return x.And
	case exprOr:
		return x.Or
	}
	return nil
}

func allOf(list ...Expr) Expr { return join(exprAnd, list) }

func anyOf(list ...Expr) Expr { return join(exprOr, list) }

// not negates the leaves and swaps and with or.
func not(x Expr) Expr {
	switch x.form {
	case exprFalse, exprTrue:
		return constant(x.form == exprFalse)
	case exprLeaf:
		x.Negated = !x.Negated
		if bare, ok := strings.CutPrefix(x.id, "!"); ok {
			x.id = bare
		} else {
			x.id = "!" + x.id
		}
		return x
	}
	list := make([]Expr, 0, len(x.parts()))
	for _, part := range x.parts() {
		list = append(list, not(part))
	}
	if x.form == exprAnd {
		return anyOf(list...)
	}
	return allOf(list...)
}

// textSet is texts in the order in which they came, each once.
type textSet struct {
	list []string
	seen map[string]bool
}

func (t *textSet) add(texts []string) {
	if t.seen == nil && len(texts) > 0 {
		t.seen = make(map[string]bool, len(texts))
	}
	for _, text := range texts {
		if !t.seen[text] {
			t.seen[text] = true
			t.list = append(t.list, text)
		}
	}
}

// holds evaluates the expression on a request.
func (x *Expr) holds(e *evaluation) bool {
	switch x.form {
	case exprTrue:
		return true
	case exprLeaf:
		return x.leaf.holds(e) != x.Negated
	case exprAnd:
		return !slices.ContainsFunc(x.And, func(part Expr) bool { return !part.holds(e) })
	case exprOr:
		return slices.ContainsFunc(x.Or, func(part Expr) bool { return part.holds(e) })
	}
	return false
}

func (l *leaf) holds(e *evaluation) bool {
	switch {
	case l.cond != nil:
		return l.set.holds(l.cond, &e.req.Context)
	case l.grant != nil:
		return l.grant.constrains(&e.req.Context)
	case l.principal:
		how := l.set.principalApplies(l.st, e)
		return l.lo <= how && how <= l.hi
	}
	return l.set.resourceApplies(l.st, e)
}

// collect adds the keys of the leaves, by their names in lower case.
func (x *Expr) collect(keys map[string]string) {
	for _, key := range x.leaf.keys {
		if low := lowerASCII(key); keys[low] == "" {
			keys[low] = key
		}
	}
	for _, part := range x.parts() {
		part.collect(keys)
	}
}
