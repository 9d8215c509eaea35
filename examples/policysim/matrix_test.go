// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/iampolicy"
)

const matrixDoc = `{
	"principals": [
		{"principal": "arn:aws:iam::111122223333:user/ana", "identityPolicies": [` + openDoc + `]},
		{"principal": "arn:aws:sts::444455556666:assumed-role/app/s", "context": {"aws:SourceVpce": "vpce-1"},
		 "identityPolicies": [` + openDoc + `], "sessionPolicy": {"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}}},
		{"principal": {"type": "Anonymous"}}],
	"resources": [
		{"resource": "arn:aws:s3:::b/k", "resourceAccountId": "111122223333", "context": {"aws:ResourceTag/team": "blue"},
		 "resourcePolicy": {"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:SourceVpce":"vpce-1","aws:ResourceTag/team":"blue"}}},
			{"Effect":"Deny","Principal":"*","Action":"s3:DeleteObject","Resource":"*"}]}},
		{"resource": "arn:aws:s3:::c/k", "resourceAccountId": "111122223333"}],
	"actions": ["s3:GetObject", "s3:DeleteObject", {"action": "s3:ListAllMyBuckets", "wildcardOnlyAction": true}]}`

func TestMatrix(t *testing.T) {
	bin := build(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "matrix.json")
	require.NoError(t, os.WriteFile(file, []byte(matrixDoc), 0o600))
	table := []string{
		"principal                                   resource          s3:GetObject  s3:DeleteObject  s3:ListAllMyBuckets",
		"arn:aws:iam::111122223333:user/ana          arn:aws:s3:::b/k  allowed       denied           allowed",
		"arn:aws:iam::111122223333:user/ana          arn:aws:s3:::c/k  allowed       allowed          allowed",
		"arn:aws:sts::444455556666:assumed-role/app/s  arn:aws:s3:::b/k  allowed       denied           -",
		"arn:aws:sts::444455556666:assumed-role/app/s  arn:aws:s3:::c/k  -             -                -",
		"anonymous                                   arn:aws:s3:::b/k  -             denied           -",
		"anonymous                                   arn:aws:s3:::c/k  -             -                -",
	}
	fields := func(lines []string) (all [][]string) {
		for _, l := range lines {
			all = append(all, strings.Fields(l))
		}
		return all
	}
	for _, workers := range []string{"1", "2", "7"} {
		lines, stderr, code := simulate(t, bin, matrixDoc, "-matrix", "-workers", workers)
		require.Equal(t, 0, code, stderr)
		require.Empty(t, stderr)
		require.Equal(t, fields(table), fields(lines))
		at := strings.Index(lines[0], "s3:DeleteObject")
		for _, l := range lines[1:] { // aligned
			require.Equal(t, byte(' '), l[at-1])
			require.NotEqual(t, byte(' '), l[at])
		}
	}
	lines, stderr, code := simulate(t, bin, "", "-matrix", "-csv", file)
	require.Equal(t, 0, code, stderr)
	require.Equal(t, []string{
		"principal,resource,s3:GetObject,s3:DeleteObject,s3:ListAllMyBuckets",
		"arn:aws:iam::111122223333:user/ana,arn:aws:s3:::b/k,allowed,explicitDeny,allowed",
		"arn:aws:iam::111122223333:user/ana,arn:aws:s3:::c/k,allowed,allowed,allowed",
		"arn:aws:sts::444455556666:assumed-role/app/s,arn:aws:s3:::b/k,allowed,explicitDeny,implicitDeny",
		"arn:aws:sts::444455556666:assumed-role/app/s,arn:aws:s3:::c/k,implicitDeny,implicitDeny,implicitDeny",
		"anonymous,arn:aws:s3:::b/k,implicitDeny,explicitDeny,implicitDeny",
		"anonymous,arn:aws:s3:::c/k,implicitDeny,implicitDeny,implicitDeny",
	}, lines)
	lines, _, code = simulate(t, bin, matrixDoc, "-matrix", "-json")
	require.Equal(t, 0, code)
	require.Len(t, lines, 18)
	require.Equal(t, `{"principal":"arn:aws:iam::111122223333:user/ana","resource":"arn:aws:s3:::b/k","action":"s3:DeleteObject","decision":"explicitDeny"}`, lines[1])
}

// TestMatrixTrust: the policy of a role is its trust policy, and a host is an
// identity provider where all actions are those of providers.
func TestMatrixTrust(t *testing.T) {
	bin := build(t)
	doc := `{"principals":[{"principal":"accounts.google.com"}],"resources":[{"resource":"arn:aws:iam::111122223333:role/app","resourceAccountId":"111122223333",
		"resourcePolicy":{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Federated":"accounts.google.com"},"Action":"sts:AssumeRoleWithWebIdentity"}}}],
		"actions":["sts:AssumeRoleWithWebIdentity"]}`
	lines, stderr, code := simulate(t, bin, doc, "-matrix", "-csv")
	require.Equal(t, 0, code, stderr)
	require.Equal(t, "accounts.google.com,arn:aws:iam::111122223333:role/app,allowed", lines[1])
}

// TestMatrixExitCodes: 2 for wrong usage, 3 for what cannot be read or decided.
func TestMatrixExitCodes(t *testing.T) {
	bin := build(t)
	for _, args := range [][]string{
		{"-matrix", "-csv", "-json"}, {"-csv"}, {"-matrix", "-explain"}, {"-matrix", "-validate", "x"}, {"-matrix", "a", "b"}, {"-matrix", "-workers", "0"}, {"-nonsense"},
	} {
		_, stderr, code := simulate(t, bin, matrixDoc, args...)
		require.Equal(t, 2, code, args)
		require.NotEmpty(t, stderr)
	}
	_, stderr, code := simulate(t, bin, "", "-h")
	require.Equal(t, 0, code)
	require.Contains(t, stderr, `"principals": [{"principal"`)
	_, _, code = simulate(t, bin, "", "-matrix", "/none/such")
	require.Equal(t, 3, code)
	for _, c := range []struct{ old, text, want string }{
		{matrixDoc, "", "unexpected end of JSON input"},
		{matrixDoc, "[]", "no place for this JSON: array"},
		{`"actions":`, `"Actions":`, `unknown member "Actions"`},
		{`"actions":`, `"actions":[],"actions":`, `member "actions" occurs twice`},
		{`"identityPolicies"`, `"identitypolicies"`, `principals[0]: unknown member "identitypolicies"`},
		{`"resourcePolicy"`, `"scps"`, `resources[0]: unknown member "scps"`},
		{`"s3:GetObject", `, `"", `, `actions[0]: must be the name of an action`},
		{`"s3:GetObject", `, `1, `, `actions[0]: must be the name of an action`},
		{`"s3:GetObject", `, `"s3:ListAllMyBuckets", `, `actions[2]: listed already, with another wildcardOnlyAction`},
		{`"arn:aws:iam::111122223333:user/ana"`, `"arn:aws:s3:::b"`, `principals[0]: principal: iampolicy: bad request: not the ARN of a principal`},
		{`"resource": "arn:aws:s3:::c/k"`, `"resource": ""`, `resources[1]: resource: missing`},
		{`"Effect":"Deny"`, `"Effekt":"Deny"`, `resources[0]: resourcePolicy`},
		{`"aws:SourceVpce": "vpce-1"`, `"AWS:ResourceTag/Team": "red"`, `arn:aws:s3:::b/k, s3:GetObject: iampolicy: bad request: context key "aws:ResourceTag/team" is set for the caller and for the target`},
	} {
		require.Contains(t, matrixDoc, c.old)
		_, stderr, code := simulate(t, bin, strings.Replace(matrixDoc, c.old, c.text, 1), "-matrix")
		require.Equal(t, 3, code, c.text)
		require.Contains(t, stderr, c.want)
	}
}

// TestMatrixTableIsWrittenInPieces: a table is aligned piece by piece, so that
// it need not fit into memory.
func TestMatrixTableIsWrittenInPieces(t *testing.T) {
	var out bytes.Buffer
	w := newMatrixWriter(&out, false, false)
	w.header([]string{"a:b", "a:c"})
	a := iampolicy.Answer{Caller: &iampolicy.Caller{}, Target: &iampolicy.Target{Resource: "r"}}
	const rows = 40_000
	for row := range rows {
		w.cell(&a)
		w.cell(&a)
		if (row+2)%(tableCells/4) == 0 { // the header is a row
			require.True(t, bytes.HasSuffix(out.Bytes(), []byte("\n")))
			require.Equal(t, row+2, bytes.Count(out.Bytes(), []byte("\n")))
		}
	}
	require.NoError(t, w.close())
	require.Equal(t, rows+1, bytes.Count(out.Bytes(), []byte("\n")))
}
