// SPDX-License-Identifier: Apache-2.0

package iampolicy

import "strings"

// family is what an operator compares.
type family uint8

const (
	famString family = iota + 1
	famStringFold
	famStringLike
	famNumeric
	famDate
	famBool
	famBinary
	famIP
	famArn
	famNull
)

// relop is how a number or date is compared.
type relop uint8

const (
	relEquals relop = iota
	relLess
	relLessEquals
	relGreater
	relGreaterEquals
)

// quantifier is the set operator in front of an operator.
type quantifier uint8

const (
	quantNone quantifier = iota
	quantAll             // ForAllValues:
	quantAny             // ForAnyValue:
)

// operator is a condition operator, taken apart.
type operator struct {
	fam      family
	rel      relop
	quant    quantifier
	negated  bool
	ifExists bool
}

// holds reports whether a comparison result satisfies the relation.
func (r relop) holds(c int) bool {
	switch r {
	case relLess:
		return c < 0
	case relLessEquals:
		return c <= 0
	case relGreater:
		return c > 0
	case relGreaterEquals:
		return c >= 0
	}
	return c == 0
}

// parseOperator reads the name of an operator in any case, such as
// ForAnyValue:StringLikeIfExists.
func parseOperator(name string) (op operator, ok bool) {
	rest := name
	if prefix, after, found := strings.Cut(name, ":"); found {
		switch {
		case equalFold(prefix, "ForAllValues"):
			op.quant = quantAll
		case equalFold(prefix, "ForAnyValue"):
			op.quant = quantAny
		default:
			return op, false
		}
		rest = after
	}
	if equalFold(rest, "Null") {
		return operator{fam: famNull}, true // a set operator before Null says nothing
	}
	const suffix = "IfExists"
	if n := len(rest) - len(suffix); n > 0 && equalFold(rest[n:], suffix) {
		op.ifExists, rest = true, rest[:n]
	}
	op.fam, op.rel, op.negated = baseOperator(rest)
	return op, op.fam != 0
}

// baseOperators are the operators without prefix and suffix.
var baseOperators = [...]struct {
	name    string
	fam     family
	rel     relop
	negated bool
}{
	{"StringEquals", famString, relEquals, false},
	{"StringLike", famStringLike, relEquals, false},
	{"StringNotEquals", famString, relEquals, true},
	{"StringNotLike", famStringLike, relEquals, true},
	{"StringEqualsIgnoreCase", famStringFold, relEquals, false},
	{"StringNotEqualsIgnoreCase", famStringFold, relEquals, true},
	{"ArnEquals", famArn, relEquals, false},
	{"ArnLike", famArn, relEquals, false},
	{"ArnNotEquals", famArn, relEquals, true},
	{"ArnNotLike", famArn, relEquals, true},
	{"IpAddress", famIP, relEquals, false},
	{"NotIpAddress", famIP, relEquals, true},
	{"Bool", famBool, relEquals, false},
	{"BinaryEquals", famBinary, relEquals, false},
	{"NumericEquals", famNumeric, relEquals, false},
	{"NumericNotEquals", famNumeric, relEquals, true},
	{"NumericLessThan", famNumeric, relLess, false},
	{"NumericLessThanEquals", famNumeric, relLessEquals, false},
	{"NumericGreaterThan", famNumeric, relGreater, false},
	{"NumericGreaterThanEquals", famNumeric, relGreaterEquals, false},
	{"DateEquals", famDate, relEquals, false},
	{"DateNotEquals", famDate, relEquals, true},
	{"DateLessThan", famDate, relLess, false},
	{"DateLessThanEquals", famDate, relLessEquals, false},
	{"DateGreaterThan", famDate, relGreater, false},
	{"DateGreaterThanEquals", famDate, relGreaterEquals, false},
}

func baseOperator(name string) (fam family, rel relop, negated bool) {
	for i := range baseOperators {
		if o := &baseOperators[i]; equalFold(o.name, name) {
			return o.fam, o.rel, o.negated
		}
	}
	return 0, 0, false
}

// takesVariables reports whether values of the operator may hold variables.
func (o operator) takesVariables() bool {
	switch o.fam {
	case famString, famStringFold, famStringLike, famArn, famBool:
		return true
	}
	return false
}
