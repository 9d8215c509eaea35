// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"errors"
	"fmt"
	"strings"
)

// What can go wrong. Every error of this package wraps one of them; a denial
// is not an error.
var (
	// ErrSyntax is a document that is not a policy: not JSON, a member that
	// occurs twice or is unknown, an element of the wrong type.
	ErrSyntax = errors.New("iampolicy: not a policy document")
	// ErrUnsupported is a policy that cannot be evaluated: an unknown operator
	// or version, an element its kind must not have or lacks.
	ErrUnsupported = errors.New("iampolicy: policy cannot be evaluated")
	// ErrLimit is a document, a set or a request over one of the limits.
	ErrLimit = errors.New("iampolicy: over a limit")
	// ErrRequest is a request that contradicts itself, such as a context key
	// given twice. Such a request is denied.
	ErrRequest = errors.New("iampolicy: bad request")
	// ErrEncoding is bytes given to Set.UnmarshalBinary that are no encoded
	// Set, or no longer the one that was encoded.
	ErrEncoding = errors.New("iampolicy: not an encoded set")
)

// Position is a place in a policy document.
type Position struct {
	Offset int `json:"offset"` // in bytes, from 0
	Line   int `json:"line"`   // from 1
	Column int `json:"column"` // in bytes, from 1
}

// Span is a piece of a policy document: its path, such as
// Statement[1].Condition.StringLike["s3:prefix"][0], where it starts and where
// the byte behind it is.
type Span struct {
	Path  string   `json:"path"`  // such as Statement[1].Action[0]
	Start Position `json:"start"` // of the first byte
	End   Position `json:"end"`   // of the byte behind the last
}

// Error is an error in a policy document, with its place.
type Error struct {
	Policy string // name of the policy, if it has one
	Span          // where
	Code   string // issue code of IAM Access Analyzer, if there is one for it
	Reason string // what is wrong
	err    error
}

// Error returns the reason with its place.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.err.Error())
	b.WriteString(": ")
	if e.Policy != "" {
		fmt.Fprintf(&b, "policy %q, ", e.Policy)
	}
	fmt.Fprintf(&b, "line %d, column %d", e.Start.Line, e.Start.Column)
	if e.Path != "" {
		fmt.Fprintf(&b, ", %s", e.Path)
	}
	b.WriteString(": ")
	b.WriteString(e.Reason)
	return b.String()
}

// Unwrap returns ErrSyntax, ErrUnsupported or ErrLimit.
func (e *Error) Unwrap() error { return e.err }

// Hint returns one sentence on what to change.
func (e *Error) Hint() string {
	if hint := hintFor(e.Code); hint != "" {
		return hint
	}
	switch {
	case errors.Is(e.err, ErrLimit):
		return "Split the policy, or raise the limit in Options if its author is trusted."
	case errors.Is(e.err, ErrUnsupported):
		return "Correct the element at this place, or compile with Options.Lenient, which lets such a statement deny but never allow."
	}
	return "Correct the document at this place."
}

// hintFor returns what to do about an issue code, or "".
func hintFor(code string) string {
	switch code {
	case "JSON_SYNTAX_ERROR":
		return "Make the document one JSON object in which every member name occurs once."
	case "INVALID_POLICY_ELEMENT":
		return "Remove the element or correct its name, which is case-sensitive."
	case "INVALID_PRINCIPAL_KEY":
		return "Use AWS, Service, Federated or CanonicalUser."
	case "DUPLICATE_KEYS_WITH_DIFFERENT_CASE":
		return "Merge the two: operators and condition keys are compared without regard to case."
	case "INVALID_EFFECT", "MISSING_EFFECT":
		return `Set Effect to "Allow" or "Deny".`
	case "MISSING_ACTION":
		return "Add an Action or a NotAction."
	case "MISSING_RESOURCE":
		return "Add a Resource or a NotResource."
	case "MISSING_STATEMENT":
		return "Add a Statement."
	case "INVALID_VERSION":
		return `Set Version to "2012-10-17".`
	case "INVALID_CONDITION_OPERATOR":
		return "Use an operator of the IAM User Guide, such as StringEquals or ForAnyValue:StringLike."
	case "INVALID_ARN_PREFIX":
		return `Write the resource as an ARN, arn:partition:service:region:account:resource, or as "*".`
	case "NEVER_TRUE_CONDITION":
		return "Split the statement, or list the values under one operator: all operators of a statement must hold."
	case "SHADOWED_ALLOW":
		return "Remove the Allow, or narrow the Deny."
	case "PUBLIC_ACCESS":
		return "Name principals, or pin the statement by a condition such as aws:PrincipalOrgID."
	case "FORALLVALUES_WITHOUT_GUARD":
		return `Add a Null condition that demands the key: "Null": {"key": "false"}.`
	case "UNSUPPORTED_PRINCIPAL":
		return "Remove the principal, or attach the policy to a resource."
	}
	return ""
}
