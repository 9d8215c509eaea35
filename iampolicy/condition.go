// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"encoding/base64"
	"net/netip"
	"strings"

	"github.com/sallyport-go/sallyport/internal/arn"
	"github.com/sallyport-go/sallyport/internal/wildcard"
)

// cond is one compiled key under one operator. Its values lie in the slab of
// its family, Set.texts, numbers, dates, prefixes or binaries, at [lo:hi].
type cond struct {
	operator
	hash    uint64
	key     string // lower case
	lo, hi  int32
	written int32 // number of values in the document, valid or not
	source  int32 // Policy.conditions index
	unknown bool  // cannot be evaluated (Lenient)
}

// holds reports whether a condition is satisfied.
func (s *Set) holds(c *cond, ctx *Context) bool {
	v := ctx.find(c.key, c.hash)
	if c.fam == famNull {
		return s.null(c, v == nil)
	}
	if v == nil {
		return c.absent()
	}
	switch c.quant {
	case quantAll:
		if v.nullDataSet() {
			return true
		}
		return s.all(c, v, ctx)
	case quantAny:
		return !v.nullDataSet() && s.some(c, v, ctx)
	}
	if v.multi {
		return s.opts.MultivaluedAsAny && !v.nullDataSet() && s.some(c, v, ctx)
	}
	return s.satisfies(c, v.text, v.addr, ctx)
}

// absent is what a condition comes to when the request lacks the key.
func (c *cond) absent() bool {
	switch {
	case c.ifExists || c.quant == quantAll:
		return true
	case c.quant == quantAny:
		return false
	}
	return c.negated
}

// nullDataSet reports whether an empty string is all there is.
func (v *contextValue) nullDataSet() bool {
	if v.multi {
		return len(v.list) == 1 && v.list[0] == ""
	}
	return v.text == ""
}

func (s *Set) all(c *cond, v *contextValue, ctx *Context) bool {
	if !v.multi {
		return s.satisfies(c, v.text, v.addr, ctx)
	}
	for _, text := range v.list {
		if !s.satisfies(c, text, addrFor(c, text), ctx) {
			return false
		}
	}
	return true
}

func (s *Set) some(c *cond, v *contextValue, ctx *Context) bool {
	if !v.multi {
		return s.satisfies(c, v.text, v.addr, ctx)
	}
	for _, text := range v.list {
		if s.satisfies(c, text, addrFor(c, text), ctx) {
			return true
		}
	}
	return false
}

func addrFor(c *cond, text string) netip.Addr {
	if c.fam != famIP {
		return netip.Addr{}
	}
	return parseAddr(text)
}

// null reports whether one of the values asks for what is: true for a key that
// is absent, false for one that is present.
func (s *Set) null(c *cond, absent bool) bool {
	want := "false"
	if absent {
		want = "true"
	}
	for i := c.lo; i < c.hi; i++ {
		if s.texts[i].text == want {
			return true
		}
	}
	return false
}

// satisfies reports whether one value of the request satisfies the operator:
// matches one of the policy's values or, negated, none.
func (s *Set) satisfies(c *cond, text string, addr netip.Addr, ctx *Context) bool {
	switch c.fam {
	case famNumeric:
		return s.numeric(c, text)
	case famDate:
		return s.date(c, text)
	case famIP:
		return s.contains(c, addr) != c.negated
	case famArn:
		return s.arnMatches(c, text, ctx) != c.negated
	case famBinary:
		return s.binary(c, text)
	case famBool:
		return (equalFold(text, "true") || equalFold(text, "false")) && s.oneOf(c, text, ctx)
	}
	return s.oneOf(c, text, ctx) != c.negated
}

// numeric compares numbers. A text that is none satisfies nothing, nor does
// anything when none of the policy's values is one.
func (s *Set) numeric(c *cond, text string) bool {
	if c.written == 0 {
		return c.negated // whatever the request's value is
	}
	n, ok := parseDecimal(text)
	if !ok || c.lo == c.hi {
		return false
	}
	for i := c.lo; i < c.hi; i++ {
		if c.rel.holds(n.compare(s.numbers[i])) {
			return !c.negated
		}
	}
	return c.negated
}

func (s *Set) date(c *cond, text string) bool {
	if c.written == 0 {
		return c.negated // whatever the request's value is
	}
	t, ok := parseInstant(text)
	if !ok || c.lo == c.hi {
		return false
	}
	for i := c.lo; i < c.hi; i++ {
		if c.rel.holds(t.compare(s.dates[i])) {
			return !c.negated
		}
	}
	return c.negated
}

func (s *Set) contains(c *cond, addr netip.Addr) bool {
	if !addr.IsValid() {
		return false
	}
	for i := c.lo; i < c.hi; i++ {
		if s.prefixes[i].Contains(addr) {
			return true
		}
	}
	return false
}

func (s *Set) binary(c *cond, text string) bool {
	for i := c.lo; i < c.hi; i++ {
		if equalBase64(s.binaries[i], text) {
			return true
		}
	}
	return false
}

// equalBase64 reports whether two texts are the same bytes in base64, decoded
// in pieces so that nothing is allocated.
func equalBase64(want, text string) bool {
	if len(want) != len(text) {
		return false // want is canonical: one text for one sequence of bytes
	}
	if want == text {
		return true
	}
	// Only the unused bits of the last quantum may be written differently.
	n := max(0, len(text)-4)
	if want[:n] != text[:n] {
		return false
	}
	var a, b [4]byte
	i, errA := base64.StdEncoding.Decode(a[:], []byte(want[n:]))
	j, errB := base64.StdEncoding.Decode(b[:], []byte(text[n:]))
	return errA == nil && errB == nil && i == j && a == b
}

// oneOf reports whether a text is equal to, or like, one of the values.
func (s *Set) oneOf(c *cond, text string, ctx *Context) bool {
	for i := c.lo; i < c.hi; i++ {
		if s.textMatches(c.fam, &s.texts[i], text, ctx) {
			return true
		}
	}
	return false
}

func (s *Set) textMatches(fam family, t *textOf, text string, ctx *Context) bool {
	if t.shape == shapeTemplate {
		var space [partsOnStack]wildcard.Part
		parts, known := resolve(space[:0], s.parts[t.lo:t.hi], ctx)
		switch {
		case !known:
			return false
		case fam == famStringLike:
			return wildcard.MatchParts(parts, text)
		}
		return equalParts(parts, text, fam)
	}
	switch fam {
	case famStringLike:
		ok, _ := s.matchText(t, text, ctx)
		return ok
	case famStringFold:
		return strings.EqualFold(t.text, text)
	case famBool:
		return equalFold(t.text, text)
	}
	return t.text == text
}

// equalParts reports whether a text equals the concatenation of the parts, in
// which nothing is a wildcard.
func equalParts(parts []wildcard.Part, text string, fam family) bool {
	for i := range parts {
		want := parts[i].Text
		if fam == famStringFold {
			n := prefixEqualFold(want, text)
			if n < 0 {
				return false
			}
			text = text[n:]
			continue
		}
		if len(text) < len(want) || text[:len(want)] != want && (fam != famBool || !equalFold(text[:len(want)], want)) {
			return false
		}
		text = text[len(want):]
	}
	return text == ""
}

// prefixEqualFold returns the length of the beginning of text that is equal to
// want under Unicode simple folding, which may differ from want's, or -1.
func prefixEqualFold(want, text string) int {
	n := 0
	for want != "" {
		if n == len(text) {
			return -1
		}
		w, t := runeLen(want), runeLen(text[n:])
		if !strings.EqualFold(want[:w], text[n:n+t]) {
			return -1
		}
		want, n = want[w:], n+t
	}
	return n
}

// arnMatches reports whether a text is an ARN that matches one of the values,
// field by field.
func (s *Set) arnMatches(c *cond, text string, ctx *Context) bool {
	value, ok := arn.Parse(text)
	if !ok {
		return false
	}
	for i := c.lo; i < c.hi; i++ {
		t := &s.texts[i]
		switch t.shape {
		case shapeAny:
			return true
		case shapeExact:
			ok = t.text == text
		case shapeTemplate:
			ok = s.arnTemplate(t, value, ctx)
		default:
			pattern, fields := arn.Split(t.text)
			ok = fields == 6 && arn.Match(pattern, value)
		}
		if ok {
			return true
		}
	}
	return false
}

// arnTemplate matches an ARN with a value with variables: they are replaced,
// what results is split at its first five colons, and * and ? that were
// written in the policy stay inside their field.
func (s *Set) arnTemplate(t *textOf, value arn.ARN, ctx *Context) bool {
	var space, fieldSpace [partsOnStack]wildcard.Part
	parts, known := resolve(space[:0], s.parts[t.lo:t.hi], ctx)
	if !known {
		return false
	}
	fields := [...]string{value.Prefix, value.Partition, value.Service, value.Region, value.Account}
	field := fieldSpace[:0]
	n := 0
	for i := 0; i < len(parts); {
		p := parts[i]
		at := strings.IndexByte(p.Text, ':')
		if at < 0 {
			field = append(field, p)
			i++
			continue
		}
		field = append(field, wildcard.Part{Text: p.Text[:at], Literal: p.Literal})
		if !wildcard.MatchParts(field, fields[n]) {
			return false
		}
		field = field[:0]
		parts[i].Text = p.Text[at+1:]
		if n++; n == len(fields) {
			return wildcard.MatchParts(parts[i:], value.Resource)
		}
	}
	return false
}
