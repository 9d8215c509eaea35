// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"strings"

	"github.com/sallyport-go/sallyport/internal/wildcard"
)

// part is a piece of a text with variables: text as written, a literal
// character (${*}), or a variable.
type part struct {
	text     string // as written, literal, or the default of the variable
	key      string // of the variable, lower case
	hash     uint64 // of key
	literal  bool
	variable bool
	fallback bool // the variable has a default, text
}

// variableError says what is wrong with a ${…}.
type variableError struct{ code, reason string }

// parseVariables splits a text at its variables and appends the parts to dst.
// Without variables nothing is appended.
func parseVariables(dst []part, text string) ([]part, *variableError) {
	if !strings.Contains(text, "${") {
		return dst, nil
	}
	for text != "" {
		at := strings.Index(text, "${")
		if at < 0 {
			return append(dst, part{text: text}), nil
		}
		if at > 0 {
			dst = append(dst, part{text: text[:at]})
		}
		v, rest, err := parseVariable(text[at+2:])
		if err != nil {
			return dst, err
		}
		dst, text = append(dst, v), rest
	}
	return dst, nil
}

// parseVariable reads a variable behind its opening brace.
func parseVariable(text string) (v part, rest string, err *variableError) {
	end := strings.IndexAny(text, "},")
	if end < 0 {
		return v, "", &variableError{"MISSING_BRACE_IN_VARIABLE", "a policy variable lacks its closing brace"}
	}
	name := text[:end]
	switch {
	case name == "":
		return v, "", &variableError{"EMPTY_VARIABLE", "a policy variable has no name"}
	case strings.ContainsAny(name, " \t\r\n"):
		return v, "", &variableError{"UNSUPPORTED_SPACE_IN_VARIABLE", "the name of a policy variable holds a space"}
	case text[end] == '}' && (name == "*" || name == "?" || name == "$"):
		return part{text: name, literal: true}, text[end+1:], nil
	case strings.ContainsAny(name, "${'"):
		return v, "", &variableError{"MISSING_BRACE_IN_VARIABLE", "policy variables cannot be nested, and their names hold no $, { or quotes"}
	}
	v = part{key: lowerASCII(name), variable: true}
	v.hash = hashFold(v.key)
	if text[end] == '}' {
		return v, text[end+1:], nil
	}
	after := strings.TrimLeft(text[end+1:], " ")
	if len(after) == len(text)-end-1 || after == "" || after[0] != '\'' {
		return v, "", &variableError{"MISSING_QUOTE_IN_VARIABLE", "the default of a policy variable is a comma, a space and a text in single quotes"}
	}
	quoted, rest, closed := strings.Cut(after[1:], "'")
	switch {
	case !closed:
		return v, "", &variableError{"MISSING_QUOTE_IN_VARIABLE", "the default of a policy variable lacks its closing quote"}
	case rest == "" || rest[0] != '}':
		return v, "", &variableError{"MISSING_BRACE_IN_VARIABLE", "a policy variable lacks its closing brace"}
	}
	v.text, v.fallback = quoted, true
	return v, rest[1:], nil
}

// partsOnStack is how many parts of a pattern fit without allocating.
const partsOnStack = 16

// resolve appends the parts with their variables replaced to dst. It reports
// false when one has no value: the key is absent, has a list for a value, and
// there is no default.
func resolve(dst []wildcard.Part, parts []part, ctx *Context) ([]wildcard.Part, bool) {
	for i := range parts {
		p := &parts[i]
		if !p.variable {
			dst = append(dst, wildcard.Part{Text: p.text, Literal: p.literal})
			continue
		}
		v := ctx.find(p.key, p.hash)
		switch {
		case v != nil && !v.multi:
			dst = append(dst, wildcard.Part{Text: v.text, Literal: true})
		case p.fallback:
			dst = append(dst, wildcard.Part{Text: p.text, Literal: true})
		default:
			return dst, false
		}
	}
	return dst, true
}

// textOf is a pattern or a value of a policy, ready to be matched.
type textOf struct {
	text  string // as written; for the form prefix without the star
	lo    int32  // parts Set.parts[lo:hi], for the form template
	hi    int32
	shape shape
}

type shape uint8

const (
	shapeExact    shape = iota // no wildcard
	shapePrefix                // text and then anything
	shapeAny                   // *
	shapeGlob                  // wildcards
	shapeTemplate              // variables
	shapeNever                 // matches nothing
)

// patternShape tells which way of matching a pattern takes.
func patternShape(text string) (string, shape) {
	switch at := strings.IndexAny(text, "*?"); {
	case at < 0:
		return text, shapeExact
	case text == "*":
		return "", shapeAny
	case at == len(text)-1 && text[at] == '*':
		return text[:at], shapePrefix
	}
	return text, shapeGlob
}

// literalPrefix returns what every text that matches begins with.
func (t *textOf) literalPrefix(parts []part) string {
	switch t.shape {
	case shapeExact, shapePrefix:
		return t.text
	case shapeGlob:
		return t.text[:strings.IndexAny(t.text, "*?")]
	case shapeTemplate:
		if p := &parts[t.lo]; !p.variable && !p.literal {
			if at := strings.IndexAny(p.text, "*?"); at >= 0 {
				return p.text[:at]
			}
			return p.text
		}
	}
	return ""
}
