// SPDX-License-Identifier: Apache-2.0

package iampolicy

// Options say how documents are read and where the engine may differ from its
// defaults. The zero value is the safe default, and what the package's Parse
// and Compile use. Copy it freely.
type Options struct {
	// Lenient keeps a statement that cannot be evaluated (an unknown operator,
	// version or type of value, a missing element) instead of refusing its
	// document: such a statement is indeterminate. If everything else in it
	// matches, a Deny applies and an Allow does not, and the Decision says so.
	// Text that is not JSON, repeated members and unknown members stay errors.
	Lenient bool

	// Level is the id of the organization level (root, organizational unit,
	// account) that a compiled SCP or RCP set belongs to, for explanations.
	Level string

	// NotPrincipal says whom a Deny with NotPrincipal spares.
	NotPrincipal NotPrincipalMode

	// MultivaluedAsAny evaluates a condition without set operator on a key
	// with several values as if it had ForAnyValue; by default it is false.
	MultivaluedAsAny bool

	// LiteralServiceWildcard takes * and ? in the service field of a Resource
	// for plain characters, which AWS does not allow there; by default they
	// match like any other.
	LiteralServiceWildcard bool

	// OpenNotResource lets an Allow apply whose NotResource holds a variable
	// without value, judging it on its other patterns; by default such a
	// statement does not apply.
	OpenNotResource bool

	// Limits; zero is the default.
	MaxBytes      int // of a document: 1 MiB
	MaxStatements int // of a set: 10,000
	MaxPattern    int // bytes of one pattern or condition value: 2,048
}

// NotPrincipalMode says whom a Deny with NotPrincipal spares.
type NotPrincipalMode uint8

// The modes. With all of them a principal that has a permissions boundary is
// never spared.
const (
	// ExactNotPrincipal spares a caller that an entry names itself: not the
	// sessions of a role that is named, nor the users of an account that is.
	ExactNotPrincipal NotPrincipalMode = iota
	// StrictNotPrincipal spares a caller only when its account, its role or
	// user, and its session are all listed.
	StrictNotPrincipal
	// LooseNotPrincipal spares a caller that any entry matches in any way.
	LooseNotPrincipal
)

const (
	defaultMaxBytes      = 1 << 20
	defaultMaxStatements = 10_000
	defaultMaxPattern    = 2_048
	maxDepth             = 16
	maxContextValues     = 10_000
)

func or(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// Parse reads one policy document with the default Options.
func Parse(data []byte) (*Policy, error) { return Options{}.Parse(data) }

// Compile makes a Set of policies with the default Options.
func Compile(kind Kind, policies ...*Policy) (*Set, error) {
	return Options{}.Compile(kind, policies...)
}
