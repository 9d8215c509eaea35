// SPDX-License-Identifier: Apache-2.0

package iampolicy

import "fmt"

// Kind says what a policy is attached to, and so which elements it must and
// must not have. The zero Kind is none.
type Kind uint8

// The kinds of policies.
const (
	KindIdentity Kind = iota + 1 // attached to a user, group or role
	KindBoundary                 // the permissions boundary of a user or role
	KindSession                  // passed when a session was made
	KindResource                 // attached to a bucket, queue, key, …
	KindTrust                    // says who may assume a role
	KindSCP                      // service control policy of an organization
	KindRCP                      // resource control policy of an organization
	KindEndpoint                 // of a VPC endpoint
)

var kindNames = [...]string{"", "identity", "boundary", "session", "resource", "trust", "scp", "rcp", "endpoint"}

// String returns the kind's name in lower case, such as "identity".
func (k Kind) String() string {
	if k.valid() {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

func (k Kind) valid() bool { return k >= KindIdentity && k <= KindEndpoint }

// takesPrincipal reports whether documents of the kind may name principals.
func (k Kind) takesPrincipal() bool {
	return k == KindResource || k == KindTrust || k == KindRCP || k == KindEndpoint
}

// MarshalText returns the name of the kind; an unknown one is an error.
func (k Kind) MarshalText() ([]byte, error) {
	if !k.valid() {
		return nil, fmt.Errorf("iampolicy: no policy kind %d", uint8(k))
	}
	return []byte(kindNames[k]), nil
}

// UnmarshalText reads what MarshalText writes.
func (k *Kind) UnmarshalText(text []byte) error {
	for i := KindIdentity; i <= KindEndpoint; i++ {
		if kindNames[i] == string(text) {
			*k = i
			return nil
		}
	}
	return fmt.Errorf("iampolicy: no policy kind %q", text)
}

// Outcome is what a request comes to. Its zero value denies.
type Outcome uint8

// The three outcomes (the words of SimulatePrincipalPolicy).
const (
	ImplicitDeny Outcome = iota // nothing allows the request
	ExplicitDeny                // a Deny statement applies
	Allowed
)

var outcomeNames = [...]string{"implicitDeny", "explicitDeny", "allowed"}

// String returns "allowed", "explicitDeny" or "implicitDeny".
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return fmt.Sprintf("Outcome(%d)", uint8(o))
}

// MarshalText returns String's word.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (o *Outcome) UnmarshalText(text []byte) error {
	for i, name := range outcomeNames {
		if name == string(text) {
			*o = Outcome(i)
			return nil
		}
	}
	return fmt.Errorf("iampolicy: no outcome %q", text)
}
