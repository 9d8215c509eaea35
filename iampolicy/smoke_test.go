// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSmoke(t *testing.T) {
	p, err := Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::b/${aws:username}/*"}]}`))
	require.NoError(t, err)
	s, err := Compile(KindIdentity, p)
	require.NoError(t, err)
	who, err := ParsePrincipal("arn:aws:iam::111122223333:user/a")
	require.NoError(t, err)
	r := Request{Principal: who, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/a/x", ResourceAccount: "111122223333"}
	r.Context.Set("aws:username", "a")
	pol := Policies{Identity: s}
	require.Equal(t, Allowed, pol.Decide(&r).Outcome)
	require.Zero(t, testing.AllocsPerRun(100, func() { pol.Decide(&r) }))
	r.Resource = "arn:aws:s3:::b/b/x"
	require.Equal(t, ImplicitDeny, pol.Decide(&r).Outcome)
}
