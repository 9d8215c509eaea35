// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/iampolicy"
)

func TestValidateOp(t *testing.T) {
	bin := build(t)
	for _, c := range []struct{ name, input, want string }{
		{
			"accepted", `{"id":1,"op":"validate","policyType":"identity","policy":` + openDoc + `}`,
			`{"id":1,"findings":[]}`,
		},
		{
			"a suggestion", `{"id":1,"op":"validate","policyType":"scp","policy":{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["s3:*","s3:Get*"],"Resource":"*"}]}}`,
			`{"id":1,"findings":[{"path":"Statement[0].Action[1]","message":"another entry of the list covers this one","code":"REDUNDANT_ACTION","type":"SUGGESTION","severity":"SUGGESTION","line":1,"column":72}]}`,
		},
		{
			"an error that AWS stores", `{"id":1,"op":"validate","policyType":"identity","policy":{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:usrid":"a"}}}]}}`,
			`{"id":1,"findings":[{"path":"Statement[0].Condition.StringEquals[\"aws:usrid\"]","message":"there is no such global condition key","code":"INVALID_GLOBAL_CONDITION_KEY","type":"WARNING","severity":"ERROR","line":1,"column":115}]}`,
		},
		{
			"text that is no JSON", `{"id":1,"op":"validate","policyType":"resource","policy":"{\"Version\""}`,
			`{"id":1,"findings":[{"path":"Version","message":"unexpected end","code":"JSON_SYNTAX_ERROR","type":"ERROR","severity":"ERROR","line":1,"column":11}]}`,
		},
		{"unknown kind", `{"id":1,"op":"validate","policyType":"group","policy":{}}`, `{"id":1,"error":"policyType: iampolicy: no policy kind \"group\""}`},
		{"no policy", `{"id":1,"op":"validate","policyType":"scp"}`, `{"id":1,"error":"policy: missing"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines, stderr, code := simulate(t, bin, c.input+"\n")
			require.Equal(t, 0, code, stderr)
			require.Equal(t, []string{c.want}, lines)
		})
	}
}

func TestValidateFiles(t *testing.T) {
	bin := build(t)
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good.json"), filepath.Join(dir, "bad.json")
	require.NoError(t, os.WriteFile(good, []byte(openDoc), 0o600))
	require.NoError(t, os.WriteFile(bad, []byte(strings.Replace(openDoc, `"*"`, `"bucket"`, 1)), 0o600))
	_, _, code := simulate(t, bin, "", "-validate", "-kind", "identity", good)
	require.Equal(t, 0, code)
	lines, _, code := simulate(t, bin, "", "-validate", "-kind", "identity", good, bad)
	require.Equal(t, 1, code)
	require.Equal(t, []string{bad + `:1:82: ERROR INVALID_ARN_PREFIX: Resource bucket must be in ARN format or "*".`}, lines)
	lines, _, code = simulate(t, bin, "", "-validate", "-json", bad)
	require.Equal(t, 1, code)
	require.Contains(t, lines[0], `"code":"INVALID_ARN_PREFIX"`)
	_, _, code = simulate(t, bin, "", "-validate", "-kind", "nonsense", good)
	require.Equal(t, 2, code)
	_, _, code = simulate(t, bin, "", "-validate", filepath.Join(dir, "none.json"))
	require.Equal(t, 3, code)
}

// TestValidateReadsNoMoreThanItTakes of a file that is too long.
func TestValidateReadsNoMoreThanItTakes(t *testing.T) {
	name := filepath.Join(t.TempDir(), "long")
	require.NoError(t, os.WriteFile(name, nil, 0o600))
	for size, want := range map[int64]int{maxLine: maxLine, maxLine + 1: maxLine + 1, 1 << 28: maxLine + 1} {
		require.NoError(t, os.Truncate(name, size))
		text, err := readDocument(name)
		require.NoError(t, err)
		require.Len(t, text, want)
		found := findings(iampolicy.KindIdentity, text)
		require.Len(t, found, 1)
		require.Equal(t, want > maxLine, strings.Contains(found[0].Detail, "too large"), found[0].Detail)
	}
	_, err := readDocument(filepath.Join(name, "none"))
	require.Error(t, err)
}
