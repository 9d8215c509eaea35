// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"net/netip"
	"strconv"
)

// Set is the policies of one kind, compiled: those of one principal, of one
// resource, or of one level of an organization. An Allow in any of its policies
// allows, a Deny in any of them denies. A Set is immutable and safe for
// concurrent use; to replace one under load, swap a pointer to it atomically.
type Set struct {
	kind     Kind
	opts     Options
	policies []*Policy
	stmts    []stmt
	public   bool // S3: the bucket policy grants access to everybody

	// Slabs: what the statements point into.
	actions   []actionPattern
	resources []resourcePattern
	entries   []entry
	conds     []cond
	texts     []textOf
	parts     []part
	numbers   []decimal
	dates     []instant
	prefixes  []netip.Prefix
	binaries  []string // canonical base64

	index index
}

// elementForm says which of an element and its negation a statement has.
type elementForm uint8

const (
	elementAbsent elementForm = iota
	elementPositive
	elementNegated
)

// stmt is a compiled statement.
type stmt struct {
	actLo, actHi   int32
	resLo, resHi   int32
	entLo, entHi   int32
	condLo, condHi int32
	policy, index  int32 // in Set.policies, and from 0 in the policy

	deny          bool
	indeterminate bool
	unknown       elementSet // elements that cannot be evaluated
	notAction     bool
	resourceForm  elementForm
	principalForm elementForm
}

// Kind returns what the set was compiled as.
func (s *Set) Kind() Kind { return s.kind }

// Len returns the number of statements.
func (s *Set) Len() int { return len(s.stmts) }

// policyName returns the name of a policy, or its position where it has none.
func (s *Set) policyName(i int32) string {
	if name := s.policies[i].Name; name != "" {
		return name
	}
	switch s.kind {
	case KindSession:
		return "session"
	case KindResource, KindTrust:
		return "resource"
	}
	return strconv.Itoa(int(i))
}
