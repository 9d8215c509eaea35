// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"strings"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// Parse reads one policy document: one JSON object of the policy grammar (IAM
// User Guide, "Grammar of the IAM JSON policy language"). A repeated or
// unknown member, an operator or key that differs from another only in case,
// text after the document, invalid UTF-8 and an element of the wrong type are
// errors, because whatever a reader drops silently may have been the condition
// of an Allow. Errors are *Error and wrap ErrSyntax or ErrLimit. Parse does
// not ask what the policy is for; Compile and Validate do.
func (o Options) Parse(data []byte) (*Policy, error) {
	p, err := o.read(data, !o.Lenient)
	if err != nil {
		return nil, err
	}
	for i := range p.faults {
		if f := &p.faults[i]; f.fatal || !o.Lenient {
			return nil, p.errorAt(ErrSyntax, f.at, f.path, f.code, f.reason)
		}
	}
	return p, nil
}

// read parses a document, collecting faults, or the first of them alone: each
// costs some hundred times what it is long. Its error is for text that is not
// strict JSON.
func (o Options) read(data []byte, first bool) (*Policy, error) {
	q, most := parser{p: new(Policy), first: first}, or(o.MaxBytes, defaultMaxBytes)
	q.s.Reset(data, strictjson.Limits{Size: int64(most), Depth: maxDepth})
	if len(data) <= most { // else it is not read at all
		q.p.src = string(data)
	}
	if err := q.document(); err != nil {
		return nil, q.wrap(err)
	}
	return q.p, nil
}

// parser builds a Policy from tokens.
type parser struct {
	s  strictjson.Scanner
	p  *Policy
	st *statement // the one being read

	first bool // one fault will do
	fatal bool // there is a fatal one
}

func (q *parser) at() span {
	begin, end := q.s.Offset()
	return span{int32(begin), int32(end)}
}

// text returns the current string or name; it shares the document's memory
// unless it is written with escapes.
func (q *parser) text() string {
	if q.s.Escaped() {
		return string(q.s.Text())
	}
	begin, end := q.s.Offset()
	return q.p.src[begin+1 : end-1]
}

func (q *parser) document() error {
	kind, err := q.s.Next()
	if err != nil {
		return err
	}
	if kind != strictjson.ObjectOpen {
		return q.s.Fail("a policy is an object, not " + kind.String())
	}
	q.reserve()
	for {
		if kind, err = q.s.Next(); err != nil {
			return err
		}
		if kind == strictjson.ObjectClose {
			break
		}
		if err = q.member(); err != nil {
			return err
		}
	}
	if _, err = q.s.Next(); err != nil {
		return err
	}
	if !q.p.statement.present() {
		q.faultAt(span{0, int32(len(q.p.src))}, "", 0, "MISSING_STATEMENT", "the policy has no Statement", false)
	}
	return nil
}

// reserve sizes the slabs: one statement for each Effect, and about as many
// values as names.
func (q *parser) reserve() {
	const most = 1 << 16 // a document may hold the text Effect without meaning it
	q.p.statements = make([]statement, 0, min(most, strings.Count(q.p.src, `"Effect"`)))
	q.p.values = make([]value, 0, min(most, strings.Count(q.p.src, `"`)/4+4))
}

func (q *parser) member() error {
	switch string(q.s.Raw()) {
	case "Version":
		return q.scalar(&q.p.version, 0)
	case "Id":
		return q.scalar(&q.p.id, 0)
	case "Statement":
		return q.statements()
	}
	return q.unknown(0, "a policy")
}

func (q *parser) unknown(el elementSet, of string) error {
	q.fault(el, "INVALID_POLICY_ELEMENT", "unknown element of "+of, true)
	return q.s.Skip()
}

// begin starts an element at the value of the current member.
func (q *parser) begin(e *element) (strictjson.Kind, error) {
	kind, err := q.s.Next()
	at := q.at()
	*e = element{at: at, lo: int32(len(q.p.values)), hi: int32(len(q.p.values)), form: formBad}
	return kind, err
}

// finish ends an element behind the current token.
func (q *parser) finish(e *element, f form) {
	_, end := q.s.Offset()
	e.at.end, e.form = int32(end), f
	if f == formOne || f == formList {
		e.hi = int32(len(q.p.values))
	}
}

// mistyped skips the value at hand and records that it is of the wrong type.
func (q *parser) mistyped(e *element, el elementSet, want string) error {
	q.fault(el, "DATA_TYPE_MISMATCH", want, false)
	err := q.s.Skip()
	if e != nil {
		q.finish(e, formBad)
	}
	return err
}

// scalar reads an element that is one string.
func (q *parser) scalar(e *element, el elementSet) error {
	kind, err := q.begin(e)
	if err != nil {
		return err
	}
	if kind != strictjson.String {
		return q.mistyped(e, el, "must be a string")
	}
	q.push(kind)
	q.finish(e, formOne)
	return nil
}

func (q *parser) push(kind strictjson.Kind) {
	v := value{at: q.at(), kind: kind}
	switch kind {
	case strictjson.String:
		v.text = q.text()
	case strictjson.Number:
		v.text, _ = plainNumber(q.p.src[v.at.begin:v.at.end])
	default:
		v.text = q.p.src[v.at.begin:v.at.end]
	}
	q.p.values = append(q.p.values, v)
}

// strings reads an element that is a string or an array of strings; with
// scalars numbers and booleans will do too.
func (q *parser) strings(e *element, el elementSet, scalars bool) (bad bool, err error) {
	kind, err := q.begin(e)
	if err != nil {
		return false, err
	}
	if scalarKind(kind, scalars) {
		bad = q.pushChecked(kind, el)
		q.finish(e, formOne)
		return bad, nil
	}
	if kind != strictjson.ArrayOpen {
		return true, q.mistyped(e, el, "must be a string or an array of strings")
	}
	for {
		if kind, err = q.s.Next(); err != nil {
			return bad, err
		}
		switch {
		case kind == strictjson.ArrayClose:
			q.finish(e, formList)
			return bad, nil
		case scalarKind(kind, scalars):
			bad = q.pushChecked(kind, el) || bad
		default:
			bad = true
			if err = q.mistyped(nil, el, "must be a string"); err != nil {
				return bad, err
			}
		}
	}
}

// pushChecked is push, and a fault for a number whose plain decimal form is
// too long.
func (q *parser) pushChecked(kind strictjson.Kind, el elementSet) (bad bool) {
	q.push(kind)
	if kind == strictjson.Number && q.p.values[len(q.p.values)-1].text == "" {
		q.fault(el, "DATA_TYPE_MISMATCH", "number out of range", false)
		return true
	}
	return false
}

func scalarKind(kind strictjson.Kind, all bool) bool {
	return kind == strictjson.String ||
		all && (kind == strictjson.Number || kind == strictjson.True || kind == strictjson.False)
}

// statements reads the Statement member: an object or an array of objects.
func (q *parser) statements() error {
	e := &q.p.statement
	kind, err := q.begin(e)
	if err != nil {
		return err
	}
	if kind != strictjson.ArrayOpen {
		if err = q.oneStatement(kind); err == nil {
			q.finish(e, formObject)
		}
		return err
	}
	for {
		if kind, err = q.s.Next(); err != nil {
			return err
		}
		if kind == strictjson.ArrayClose {
			q.finish(e, formList)
			return nil
		}
		if err = q.oneStatement(kind); err != nil {
			return err
		}
	}
}

func (q *parser) oneStatement(kind strictjson.Kind) error {
	q.p.statements = append(q.p.statements, statement{})
	q.st = &q.p.statements[len(q.p.statements)-1]
	defer func() { q.st = nil }()
	q.st.at = q.at()
	if kind != strictjson.ObjectOpen {
		err := q.mistyped(nil, elStatement, "a statement must be an object")
		_, end := q.s.Offset()
		q.st.at.end = int32(end)
		return err
	}
	for {
		kind, err := q.s.Next()
		if err != nil {
			return err
		}
		if kind == strictjson.ObjectClose {
			break
		}
		if err = q.statementMember(); err != nil {
			return err
		}
	}
	_, end := q.s.Offset()
	q.st.at.end = int32(end)
	if q.incomplete() {
		q.complete(q.s.Path())
	}
	return nil
}

func (q *parser) statementMember() error {
	st := q.st
	var err error
	switch string(q.s.Raw()) {
	case "Sid":
		return q.scalar(&st.sid, elSid)
	case "Effect":
		return q.effect()
	case "Action":
		_, err = q.strings(&st.action, elAction, false)
	case "NotAction":
		_, err = q.strings(&st.notAction, elAction, false)
	case "Resource":
		_, err = q.strings(&st.resource, elResource, false)
	case "NotResource":
		_, err = q.strings(&st.notResource, elResource, false)
	case "Principal":
		err = q.principals(&st.principal)
	case "NotPrincipal":
		err = q.principals(&st.notPrincipal)
	case "Condition":
		err = q.operators()
	default:
		err = q.unknown(elStatement, "a statement")
	}
	return err
}

func (q *parser) effect() error {
	if err := q.scalar(&q.st.effect, elEffect); err != nil || q.st.effect.form != formOne {
		return err
	}
	if text := q.p.effectOf(q.st); text != "Allow" && text != "Deny" {
		q.fault(elEffect, "INVALID_EFFECT", `Effect must be "Allow" or "Deny"`, false)
	}
	return nil
}

// incomplete reports whether a statement lacks a member that all have, or has
// two that exclude each other.
func (q *parser) incomplete() bool {
	st := q.st
	return !st.effect.present() || st.action.present() == st.notAction.present() ||
		st.resource.present() && st.notResource.present() ||
		st.principal.present() && st.notPrincipal.present()
}

func (q *parser) complete(path string) {
	st := q.st
	fault := func(el elementSet, code, reason string) { q.faultAt(st.at, path, el, code, reason, false) }
	if !st.effect.present() {
		fault(elEffect, "MISSING_EFFECT", "the statement has no Effect")
	}
	switch {
	case st.action.present() && st.notAction.present():
		fault(elAction, "UNSUPPORTED_ELEMENT_COMBINATION", "a statement has Action or NotAction, not both")
	case !st.action.present() && !st.notAction.present():
		fault(elAction, "MISSING_ACTION", "Policy statement must contain actions.")
	}
	if st.resource.present() && st.notResource.present() {
		fault(elResource, "UNSUPPORTED_ELEMENT_COMBINATION", "a statement has Resource or NotResource, not both")
	}
	if st.principal.present() && st.notPrincipal.present() {
		fault(elPrincipal, "UNSUPPORTED_ELEMENT_COMBINATION", "a statement has Principal or NotPrincipal, not both")
	}
}

// principals reads Principal or NotPrincipal: a string, or an object whose
// members are strings or arrays of strings.
func (q *parser) principals(e *element) error {
	kind, err := q.begin(e)
	if err != nil {
		return err
	}
	e.lo = int32(len(q.p.entries))
	e.hi = e.lo
	switch kind {
	case strictjson.String:
		entry := principalEntry{typ: "AWS", at: q.at()}
		entry.values = element{at: entry.at, lo: int32(len(q.p.values)), form: formOne}
		q.push(kind)
		entry.values.hi = int32(len(q.p.values))
		q.p.entries = append(q.p.entries, entry)
		e.form, e.hi = formOne, int32(len(q.p.entries))
		return nil
	case strictjson.ObjectOpen:
	default:
		return q.mistyped(e, elPrincipal, "must be a string or an object")
	}
	for {
		if kind, err = q.s.Next(); err != nil {
			return err
		}
		if kind == strictjson.ObjectClose {
			break
		}
		if err = q.principalMember(); err != nil {
			return err
		}
	}
	_, end := q.s.Offset()
	e.form, e.hi, e.at.end = formObject, int32(len(q.p.entries)), int32(end)
	return nil
}

func (q *parser) principalMember() error {
	entry := principalEntry{at: q.at()}
	switch string(q.s.Raw()) {
	case "AWS":
		entry.typ = "AWS"
	case "Service":
		entry.typ = "Service"
	case "Federated":
		entry.typ = "Federated"
	case "CanonicalUser":
		entry.typ = "CanonicalUser"
	default:
		q.fault(elPrincipal, "INVALID_PRINCIPAL_KEY", "unknown type of principal", true)
		return q.s.Skip()
	}
	_, err := q.strings(&entry.values, elPrincipal, false)
	q.p.entries = append(q.p.entries, entry)
	return err
}

// operators reads Condition: {operator: {key: values}}.
func (q *parser) operators() error {
	e := &q.st.condition
	kind, err := q.begin(e)
	if err != nil {
		return err
	}
	e.lo = int32(len(q.p.conditions))
	e.hi = e.lo
	if kind != strictjson.ObjectOpen {
		return q.mistyped(e, elCondition, "must be an object")
	}
	var seen folder
	for {
		if kind, err = q.s.Next(); err != nil {
			return err
		}
		if kind == strictjson.ObjectClose {
			break
		}
		op, at := q.text(), q.at()
		if seen.repeats(op) {
			q.fault(elCondition, "DUPLICATE_KEYS_WITH_DIFFERENT_CASE", "an operator that differs from another only in case", true)
		}
		if err = q.keys(op, at); err != nil {
			return err
		}
	}
	_, end := q.s.Offset()
	e.form, e.hi, e.at.end = formObject, int32(len(q.p.conditions)), int32(end)
	return nil
}

// keys reads the object behind an operator.
func (q *parser) keys(op string, at span) error {
	kind, err := q.s.Next()
	if err != nil {
		return err
	}
	if kind != strictjson.ObjectOpen {
		q.p.conditions = append(q.p.conditions, condition{op: op, opAt: at, keyAt: at, bad: true})
		return q.mistyped(nil, elCondition, "must be an object of condition keys")
	}
	var seen folder
	for {
		if kind, err = q.s.Next(); err != nil || kind == strictjson.ObjectClose {
			return err
		}
		c := condition{op: op, opAt: at, key: q.text(), keyAt: q.at()}
		if seen.repeats(c.key) {
			q.fault(elCondition, "DUPLICATE_KEYS_WITH_DIFFERENT_CASE", "a condition key that differs from another only in case", true)
		}
		if c.bad, err = q.strings(&c.values, elCondition, true); err != nil {
			return err
		}
		q.p.conditions = append(q.p.conditions, c)
	}
}
