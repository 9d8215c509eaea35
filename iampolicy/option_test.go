// SPDX-License-Identifier: Apache-2.0

package iampolicy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/iampolicy"
)

// IAM-17: a wildcard in the service field matches like any other, unless the
// option takes it for the plain character that AWS says it is.
func TestIAM17LiteralServiceWildcard(t *testing.T) {
	decide := func(o iampolicy.Options, resource string, statements ...string) iampolicy.Outcome {
		set, err := o.Compile(iampolicy.KindIdentity, parsed(t, policy(statements...)))
		require.NoError(t, err)
		c := refCase{Resource: resource}.filled()
		return (&iampolicy.Policies{Identity: set}).Decide(c.question(t)).Outcome
	}
	literal := iampolicy.Options{LiteralServiceWildcard: true}
	for _, pattern := range []string{"arn:aws:s*:::b/k", "arn:aws:?3:::b/k"} {
		grant := allow("*", pattern, "")
		require.Equal(t, iampolicy.Allowed, decide(iampolicy.Options{}, object, grant), pattern)
		require.Equal(t, iampolicy.ImplicitDeny, decide(literal, object, grant), pattern)
		refuse := deny("*", pattern, "")
		require.Equal(t, iampolicy.ExplicitDeny, decide(iampolicy.Options{}, object, anything, refuse), pattern)
		require.Equal(t, iampolicy.Allowed, decide(literal, object, anything, refuse), pattern)
	}
	// It is about this field alone.
	require.Equal(t, iampolicy.Allowed, decide(literal, object, allow("*", "arn:a*:s3:*:*:b/?", "")))
	require.Equal(t, iampolicy.Allowed, decide(literal, object, anything))
}

// IAM-72, IAM-99: explanations call a level by its id, or by its place where
// it has none.
func TestIAM72Level(t *testing.T) {
	scp := func(level string) *iampolicy.Set {
		set, err := iampolicy.Options{Level: level}.Compile(iampolicy.KindSCP, parsed(t, policy(anything)))
		require.NoError(t, err)
		return set
	}
	p := &iampolicy.Policies{SCP: []*iampolicy.Set{scp("r-root"), scp(""), scp("111111111111")}}
	c := identityCase(anything).filled()
	var levels []string
	for _, s := range p.Explain(c.question(t)).Sets {
		if s.Type == "scp" {
			levels = append(levels, s.Level)
		}
	}
	require.Equal(t, []string{"r-root", "scp1", "111111111111"}, levels)
}
