// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"errors"
	"fmt"
)

// The contracts of this package, for errors.Is.
var (
	// ErrRule: a rule or an ACL entry says something that has no meaning. The
	// data is in a *RuleError.
	ErrRule = errors.New("netfilter: invalid rule")
	// ErrDocument: a JSON document cannot be read. The data is in a
	// *DocumentError.
	ErrDocument = errors.New("netfilter: invalid document")
	// ErrConflict: two documents describe one object differently.
	ErrConflict = errors.New("netfilter: conflicting descriptions")
	// ErrPacket: a packet without addresses, with a zone, or of two families.
	ErrPacket = errors.New("netfilter: invalid packet")
	// ErrTooLarge: a rule set or a document is over a limit.
	ErrTooLarge = errors.New("netfilter: over the limit")
)

// RuleError is one fault in one rule of a security group or one entry of a
// network ACL. CompileGroups and CompileACL return all of them joined.
type RuleError struct {
	// Rule is the rule's id as reports write it, such as
	// "sg-1/ingress/0/10.0.0.0/8", or "acl-1/ingress/100".
	Rule string
	// Field is the member at fault, in AWS's spelling, such as "FromPort".
	Field string
	// Why says what is wrong with it.
	Why string
}

// Error says which rule and field are at fault and why.
func (e *RuleError) Error() string {
	return fmt.Sprintf("netfilter: invalid rule %s: %s: %s", e.Rule, e.Field, e.Why)
}

// Is reports whether target is ErrRule.
func (e *RuleError) Is(target error) bool { return target == ErrRule }

// Hint says what to change.
func (e *RuleError) Hint() string {
	return "correct " + e.Field + " of rule " + e.Rule + ", or compile with Lenient to go on without it"
}

// DocumentError says where a JSON document cannot be read.
type DocumentError struct {
	// File is the name the document was read under.
	File string
	// Path leads to the value, such as "SecurityGroups[3].IpPermissions[0].FromPort".
	Path string
	// Offset counts bytes from 0; Line and Column count from 1, columns in bytes.
	Offset       int64
	Line, Column int
	// Why says what is wrong there.
	Why string
}

// Error says where and why.
func (e *DocumentError) Error() string {
	s := "netfilter: "
	if e.File != "" {
		s += e.File + ": "
	}
	s += fmt.Sprintf("line %d column %d", e.Line, e.Column)
	if e.Path != "" {
		s += ": " + e.Path
	}
	return s + ": " + e.Why
}

// Is reports whether target is ErrDocument.
func (e *DocumentError) Is(target error) bool { return target == ErrDocument }

// Hint says what to change.
func (e *DocumentError) Hint() string {
	return "give the file as `aws ec2 describe-*` printed it, or the JSON of the SDK's value"
}
