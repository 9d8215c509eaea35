// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"math/bits"
	"unicode/utf8"

	"github.com/sallyport-go/sallyport/internal/wildcard"
)

// relation is how the texts that a policy's pattern matches relate to those
// that a request's pattern stands for.
type relation uint8

const (
	relationDisjoint relation = iota // none in common
	relationOverlaps                 // some in common, and the request has others
	relationCovers                   // the policy matches all of the request's
)

// maxRequestPattern bounds a resource that is a pattern.
const maxRequestPattern = 2_048

// relate compares a policy's pattern with the request's, field by field. In a
// request * is a wildcard and ? a plain character. known is false when the
// policy's holds a variable without value.
func (s *Set) relate(r *resourcePattern, e *evaluation) (rel relation, known bool) {
	if r.all {
		return relationCovers, true
	}
	var space [partsOnStack]wildcard.Part
	parts := append(space[:0], wildcard.Part{Text: r.rest.text})
	switch r.rest.shape {
	case shapeTemplate:
		if parts, known = resolve(space[:0], s.parts[r.rest.lo:r.rest.hi], &e.req.Context); !known {
			return relationDisjoint, false
		}
	case shapeAny:
		parts[0].Text = "*"
	case shapePrefix:
		parts = append(parts, wildcard.Part{Text: "*"})
	case shapeNever:
		return relationDisjoint, true
	}
	rel = relateText(parts, e.arn.Resource, false)
	for i, field := range r.fields() {
		asked := [...]string{e.arn.Partition, e.arn.Service, e.arn.Region, e.arn.Account}[i]
		one := [1]wildcard.Part{{Text: field, Literal: r.wild&(wildPartition<<i) == 0}}
		rel = min(rel, relateText(one[:], asked, true))
	}
	return rel, true
}

// places is a set of places between the bytes of a request's pattern.
type places [maxRequestPattern/64 + 1]uint64

func (p *places) add(i int)      { p[i>>6] |= 1 << (i & 63) }
func (p *places) has(i int) bool { return p[i>>6]&(1<<(i&63)) != 0 }

// first returns the first place, or -1.
func (p *places) first() int {
	for i, w := range p {
		if w != 0 {
			return i<<6 + bits.TrailingZeros64(w)
		}
	}
	return -1
}

// fill adds every place from the first to last.
func (p *places) fill(last int) {
	if first := p.first(); first >= 0 {
		for i := first; i <= last; i++ {
			p.add(i)
		}
	}
}

// relateText compares a policy's text with a request's.
func relateText(parts []wildcard.Part, asked string, fold bool) relation {
	switch {
	case asked == "*" && len(parts) == 1 && parts[0].Text == "*" && !parts[0].Literal:
		return relationCovers
	case !overlaps(parts, asked, fold):
		return relationDisjoint
	case covers(parts, asked, fold):
		return relationCovers
	}
	return relationOverlaps
}

// overlaps reports whether some text matches both patterns. It walks the
// policy's pattern and keeps the set of places in the request's that can have
// been reached: time is the product of the lengths.
func overlaps(parts []wildcard.Part, asked string, fold bool) bool {
	var at places
	at.add(0)
	skipStars(&at, asked)
	for _, part := range parts {
		for i := range len(part.Text) {
			c := part.Text[i]
			if c == '*' && !part.Literal {
				at.fill(len(asked))
				continue
			}
			any := c == '?' && !part.Literal
			if at = step(&at, asked, c, any, true, fold); at.first() < 0 {
				return false
			}
			skipStars(&at, asked)
		}
	}
	return at.has(len(asked))
}

// skipStars lets every star of the request's pattern stand for nothing.
func skipStars(at *places, asked string) {
	for i := range len(asked) {
		if asked[i] == '*' && at.has(i) {
			at.add(i + 1)
		}
	}
}

// step consumes one character of the policy's pattern from every place. With
// stars a star of the request's may be what it is consumed by, and stays.
func step(at *places, asked string, c byte, any, stars, fold bool) (next places) {
	for i := max(at.first(), 0); i < len(asked); i++ {
		if !at.has(i) {
			continue
		}
		switch a := asked[i]; {
		case a == '*':
			if stars {
				next.add(i)
			}
		case any:
			_, n := utf8.DecodeRuneInString(asked[i:])
			next.add(i + n)
		case a == c, fold && lower(a) == lower(c):
			next.add(i + 1)
		}
	}
	return next
}

// covers reports whether the policy's pattern matches whatever the request's
// does. A star of the request's can only be met by a star of the policy's,
// since it may stand for text found nowhere in the policy's pattern; and a run
// of the policy's ? and * needs as many characters as it has ?.
func covers(parts []wildcard.Part, asked string, fold bool) bool {
	var at places
	at.add(0)
	for i := range parts {
		part := &parts[i]
		for j := 0; j < len(part.Text); j++ {
			c := part.Text[j]
			if part.Literal || c != '*' && c != '?' {
				at = step(&at, asked, c, false, false, fold)
				continue
			}
			end := j
			star := false
			for ; end < len(part.Text) && (part.Text[end] == '*' || part.Text[end] == '?'); end++ {
				star = star || part.Text[end] == '*'
			}
			at = coverRun(at, asked, part.Text[j:end], star)
			j = end - 1
		}
	}
	return at.has(len(asked))
}

// coverRun consumes a run of wildcards.
func coverRun(at places, asked, run string, star bool) places {
	for i := range len(run) {
		if run[i] != '?' {
			continue
		}
		if star {
			at.fill(len(asked))
		}
		at = step(&at, asked, 0, true, false, false)
	}
	if star {
		at.fill(len(asked))
	}
	return at
}
