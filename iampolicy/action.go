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

// match reports whether the pattern matches an action, given in two parts; an
// action without colon has an empty service and matches * alone.
func (a *actionPattern) match(service, name string) bool {
	if a.all {
		return true
	}
	if a.shape == shapeNever || service == "" {
		return false
	}
	if a.glob {
		if !wildcard.MatchFold(a.service(), service) {
			return false
		}
	} else if !equalFold(a.service(), service) {
		return false
	}
	pattern := a.text[a.colon+1:]
	switch a.shape {
	case shapeAny:
		return true
	case shapeExact:
		return equalFold(pattern, name)
	case shapePrefix:
		return hasPrefixFold(name, pattern[:len(pattern)-1])
	}
	return wildcard.MatchFold(pattern, name)
}
