// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"strconv"
	"strings"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// Policy is a parsed policy document. It is immutable, apart from its Name,
// and safe for concurrent use.
type Policy struct {
	// Name is what explanations call the policy. Parse leaves it empty; an
	// unnamed policy is called by its position in its Set.
	Name string

	src        string // the document
	version    element
	id         element
	statement  element // the Statement member
	statements []statement
	// Slabs: what the elements below point into, so that a document costs a
	// few allocations instead of some per element.
	values     []value
	entries    []principalEntry
	conditions []condition
	faults     []fault
}

// span is a piece of the source, in bytes.
type span struct{ begin, end int32 }

// form is how an element is written.
type form uint8

const (
	formAbsent form = iota
	formOne         // a single value
	formList        // an array
	formObject
	formBad // of a type it must not have
)

// element is a member of a statement: its values are Policy.values[lo:hi], for
// principals Policy.entries[lo:hi], for Condition Policy.conditions[lo:hi].
type element struct {
	at     span
	lo, hi int32
	form   form
}

func (e *element) present() bool { return e.form != formAbsent }
func (e *element) len() int      { return int(e.hi - e.lo) }

// value is a scalar: its text and where it stands.
type value struct {
	text string
	at   span
	kind strictjson.Kind
}

type statement struct {
	at                      span
	sid, effect             element
	action, notAction       element
	resource, notResource   element
	principal, notPrincipal element
	condition               element
	bad                     elementSet // elements with a fault
}

// elementSet is a set of statement elements.
type elementSet uint8

const (
	elSid elementSet = 1 << iota
	elEffect
	elAction
	elResource
	elPrincipal
	elCondition
	elStatement // the statement as a whole
)

// principalEntry is one member of a Principal object; a plain string is one of
// type AWS.
type principalEntry struct {
	typ    string
	at     span
	values element
}

// condition is one key under one operator.
type condition struct {
	op, key     string
	opAt, keyAt span
	values      element
	bad         bool
}

func (p *Policy) list(e *element) []value { return p.values[e.lo:e.hi] }

func (p *Policy) effectOf(st *statement) string {
	if st.effect.form != formOne {
		return ""
	}
	return p.values[st.effect.lo].text
}

func (p *Policy) sidOf(st *statement) string {
	if st.sid.form != formOne {
		return ""
	}
	return p.values[st.sid.lo].text
}

// nameOf returns a statement's Sid, or its position from 1.
func (p *Policy) nameOf(i int) string {
	if sid := p.sidOf(&p.statements[i]); sid != "" {
		return clip(sid)
	}
	return strconv.Itoa(i + 1)
}

func (p *Policy) versionText() string {
	if p.version.form != formOne {
		return ""
	}
	return p.values[p.version.lo].text
}

// modern reports whether ${…} are variables.
func (p *Policy) modern() bool { return p.versionText() != version2008 && p.version.present() }

const (
	version2008 = "2008-10-17"
	version2012 = "2012-10-17"
)

// versionKnown reports whether Compile can evaluate the document's version.
func (p *Policy) versionKnown() bool {
	switch {
	case !p.version.present():
		return true
	case p.version.form != formOne:
		return false
	}
	v := p.versionText()
	return v == version2008 || v == version2012
}

// String returns the document as it was parsed, byte for byte.
func (p *Policy) String() string { return p.src }

// Len returns the number of statements.
func (p *Policy) Len() int { return len(p.statements) }

// position turns an offset into a Position.
func (p *Policy) position(offset int32) Position {
	before := p.src[:min(int(offset), len(p.src))]
	return Position{
		Offset: int(offset),
		Line:   strings.Count(before, "\n") + 1,
		Column: len(before) - strings.LastIndexByte(before, '\n'),
	}
}

func (p *Policy) span(at span, path string) Span {
	return Span{Path: path, Start: p.position(at.begin), End: p.position(at.end)}
}

func (p *Policy) errorAt(sentinel error, at span, path, code, reason string) *Error {
	return &Error{Policy: p.Name, Span: p.span(at, path), Code: code, Reason: reason, err: sentinel}
}
