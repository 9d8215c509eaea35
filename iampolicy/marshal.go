// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// MarshalJSON writes the policy in canonical form, which decides like the
// document that was parsed: elements in the order of the grammar, statements
// and lists as arrays, operators and keys sorted, no white space. A document
// with elements that cannot be evaluated (Options.Lenient) is written as it
// was parsed.
func (p *Policy) MarshalJSON() ([]byte, error) {
	if len(p.faults) > 0 {
		return []byte(p.src), nil
	}
	w := writer{p: p}
	w.buf.WriteByte('{')
	w.scalar("Version", &p.version)
	w.scalar("Id", &p.id)
	w.name("Statement")
	w.buf.WriteByte('[')
	for i := range p.statements {
		if i > 0 {
			w.buf.WriteByte(',')
		}
		w.statement(&p.statements[i])
	}
	w.buf.WriteString("]}")
	return w.buf.Bytes(), nil
}

// writer writes a policy.
type writer struct {
	p   *Policy
	buf bytes.Buffer
}

// name starts a member.
func (w *writer) name(name string) {
	if b := w.buf.Bytes(); b[len(b)-1] != '{' {
		w.buf.WriteByte(',')
	}
	w.text(name)
	w.buf.WriteByte(':')
}

func (w *writer) text(s string) {
	e := json.NewEncoder(&w.buf)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // strings always encode
	w.buf.Truncate(w.buf.Len() - 1)
}

func (w *writer) scalar(name string, e *element) {
	if e.present() {
		w.name(name)
		w.text(w.p.values[e.lo].text)
	}
}

func (w *writer) list(name string, e *element) {
	if !e.present() {
		return
	}
	w.name(name)
	w.buf.WriteByte('[')
	for i, v := range w.p.list(e) {
		if i > 0 {
			w.buf.WriteByte(',')
		}
		w.text(v.text)
	}
	w.buf.WriteByte(']')
}

func (w *writer) statement(st *statement) {
	w.buf.WriteByte('{')
	w.scalar("Sid", &st.sid)
	w.scalar("Effect", &st.effect)
	w.principals("Principal", &st.principal)
	w.principals("NotPrincipal", &st.notPrincipal)
	w.list("Action", &st.action)
	w.list("NotAction", &st.notAction)
	w.list("Resource", &st.resource)
	w.list("NotResource", &st.notResource)
	if st.condition.len() > 0 {
		w.conditions(w.p.conditions[st.condition.lo:st.condition.hi])
	}
	w.buf.WriteByte('}')
}

func (w *writer) principals(name string, e *element) {
	if !e.present() {
		return
	}
	w.name(name)
	if e.form == formOne {
		w.text(w.p.values[w.p.entries[e.lo].values.lo].text)
		return
	}
	w.buf.WriteByte('{')
	for i := e.lo; i < e.hi; i++ {
		w.list(w.p.entries[i].typ, &w.p.entries[i].values)
	}
	w.buf.WriteByte('}')
}

func (w *writer) conditions(all []condition) {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b condition) int {
		if c := strings.Compare(a.op, b.op); c != 0 {
			return c
		}
		return strings.Compare(a.key, b.key)
	})
	w.name("Condition")
	w.buf.WriteByte('{')
	for i := range all {
		if i == 0 || all[i].op != all[i-1].op {
			if i > 0 {
				w.buf.WriteByte('}')
			}
			w.name(all[i].op)
			w.buf.WriteByte('{')
		}
		w.list(all[i].key, &all[i].values)
	}
	w.buf.WriteString("}}")
}
