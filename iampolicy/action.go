// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"strings"

	"github.com/sallyport-go/sallyport/internal/wildcard"
)

// actionPattern is a compiled Action or NotAction entry. Wildcards stay on
// their side of the colon.
type actionPattern struct {
	text  string // lower case
	colon int32  // where the service ends
	shape shape  // of the name
	glob  bool   // the service holds wildcards
	all   bool   // the pattern is *
}

// compileAction reads a pattern; one with an empty name, without colon or with
// white space never matches.
func compileAction(text string, arena *strings.Builder) actionPattern {
	if text == "*" {
		return actionPattern{all: true, shape: shapeAny}
	}
	at := strings.IndexByte(text, ':')
	if at <= 0 || at == len(text)-1 || strings.ContainsAny(text, " \t\r\n") {
		return actionPattern{shape: shapeNever}
	}
	text = lowerInto(arena, text)
	a := actionPattern{text: text, colon: int32(at), glob: wildcard.Has(text[:at])}
	_, a.shape = patternShape(text[at+1:])
	return a
}

func (a *actionPattern) service() string { return a.text[:a.colon] }

// exact reports whether the pattern is one action.
func (a *actionPattern) exact() bool { return !a.all && !a.glob && a.shape == shapeExact }

// match reports whether the pattern matches the request's action; an action
// without colon matches * alone.
func (a *actionPattern) match(e *evaluation) bool {
	switch {
	case a.all:
		return true
	case a.shape == shapeNever || e.service == "":
		return false
	case a.glob:
		if !wildcard.MatchFold(a.service(), e.service) {
			return false
		}
	case a.shape == shapeExact:
		if e.folded > 0 {
			return string(e.action[:e.folded]) == a.text
		}
		return equalFold(a.text, e.req.Action)
	case !equalFold(a.service(), e.service):
		return false
	}
	pattern := a.text[a.colon+1:]
	switch a.shape {
	case shapeAny:
		return true
	case shapeExact:
		return equalFold(pattern, e.name)
	case shapePrefix:
		return hasPrefixFold(e.name, pattern[:len(pattern)-1])
	}
	return wildcard.MatchFold(pattern, e.name)
}
