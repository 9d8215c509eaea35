// SPDX-License-Identifier: Apache-2.0

//go:build !race

package iampolicy_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/iampolicy"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// The tests of this file hold what a document costs to its length. Where it is
// bytes that would grow with the square, they are counted; where it is time,
// the document is so long that the test would not end.

type members = map[string]any

// document is a policy of the statements.
func document(tb testing.TB, statements ...members) []byte {
	tb.Helper()
	doc, err := json.Marshal(members{"Version": "2012-10-17", "Statement": statements})
	require.NoError(tb, err)
	return doc
}

// numbered is the texts made of the numbers under n.
func numbered(format string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf(format, i)
	}
	return out
}

// longSet compiles documents beyond the limits that are the default.
func longSet(tb testing.TB, kind iampolicy.Kind, docs ...[]byte) *iampolicy.Set {
	tb.Helper()
	o := iampolicy.Options{MaxBytes: 64 << 20, MaxStatements: 1 << 20}
	var policies []*iampolicy.Policy
	for _, doc := range docs {
		p, err := o.Parse(doc)
		require.NoError(tb, err)
		policies = append(policies, p)
	}
	s, err := o.Compile(kind, policies...)
	require.NoError(tb, err)
	return s
}

func caller(tb testing.TB) iampolicy.Principal {
	tb.Helper()
	p, err := iampolicy.ParsePrincipal(ana)
	require.NoError(tb, err)
	return p
}

// TestExplainNamesTheFirstVariables: a statement of many variables is explained
// by the first of them, and costs no more than it is long.
func TestExplainNamesTheFirstVariables(t *testing.T) {
	const n = 20_000
	for name, st := range map[string]members{
		"resources": {"Effect": "Allow", "Action": "*", "Resource": numbered("arn:aws:s3:::${aws:username}/%d", n)},
		"values": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": members{
			"StringEquals": members{"aws:userid": numbered("${aws:username}%d", n)},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p := iampolicy.Policies{Identity: longSet(t, iampolicy.KindIdentity, document(t, st))}
			r := iampolicy.Request{Principal: caller(t), Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"}
			r.Context.Set("aws:username", "ana")
			r.Context.Set("aws:userid", "AIDA")
			testkit.BytesAtMost(t, 16<<20, func() {
				why := p.Explain(&r).Sets[0].Statements[0].Why
				require.Equal(t, 12, strings.Count(why, `; ${aws:username} is "ana"`))
				require.True(t, strings.HasSuffix(why, fmt.Sprintf("; … (%d variables in all)", n)), why)
			})
		})
	}
}

// TestExplainWalksADocumentOnce to say where its statements are.
func TestExplainWalksADocumentOnce(t *testing.T) {
	const n = 100_000
	list := make([]members, n)
	for i := range list {
		list[i] = members{"Effect": "Allow", "Action": "a:b", "Resource": "*", "Sid": strings.Repeat("x", 60)}
	}
	doc := document(t, list...)
	small := []byte("\n{\"Statement\":\n {\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}\n}")
	p := iampolicy.Policies{Identity: longSet(t, iampolicy.KindIdentity, small, doc, small)}
	x := p.Explain(&iampolicy.Request{Principal: caller(t), Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"})
	got := x.Sets[0].Statements
	require.Len(t, got, n+2)
	each := (len(doc) - len(`{"Statement":[],"Version":"2012-10-17"}`) + 1) / n // a comma between two
	for i, st := range got[1 : n+1] {
		at := len(`{"Statement":[`) + i*each
		want := iampolicy.Span{
			Path:  fmt.Sprintf("Statement[%d]", i),
			Start: iampolicy.Position{Offset: at, Line: 1, Column: at + 1},
			End:   iampolicy.Position{Offset: at + each - 1, Line: 1, Column: at + each},
		}
		if st.Span != want {
			require.Equal(t, want, st.Span)
		}
	}
	require.Equal(t, iampolicy.Position{Offset: 16, Line: 3, Column: 2}, got[0].Span.Start)
	require.Equal(t, got[0].Span, got[n+1].Span, "a document's lines are its own")
}

// TestExplainTriesOneUniqueID: which of many unique ids the caller may have
// makes no difference, so the statement is looked at once more and not once
// for each.
func TestExplainTriesOneUniqueID(t *testing.T) {
	ids := append(numbered("AIDA%d", 200_000), "*")
	set := longSet(t, iampolicy.KindResource, document(t,
		members{"Effect": "Allow", "Principal": members{"AWS": ids}, "Action": "*", "Resource": "*"},
		members{"Effect": "Deny", "Principal": members{"AWS": ids[:len(ids)-1]}, "Action": "*", "Resource": "*"}))
	p := iampolicy.Policies{Resource: set}
	x := p.Explain(&iampolicy.Request{Principal: caller(t), Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", ResourceAccount: "111111111111"})
	require.Equal(t, iampolicy.Allowed, x.Outcome)
	require.Equal(t, []string{"aws:userid"}, x.Missing)
}

// TestResidualIsAsLongAsItsStatements: of many patterns with variables of their
// own, of many values, and of one condition that many statements have.
func TestResidualIsAsLongAsItsStatements(t *testing.T) {
	const n = 10_000
	same := make([]members, n)
	for i := range same {
		same[i] = members{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": members{"Bool": members{"aws:SecureTransport": true}}}
	}
	for name, tt := range map[string]struct {
		list             []members
		values, keys, of int
	}{
		"resources": {[]members{{"Effect": "Allow", "Action": "*", "Resource": numbered("arn:aws:s3:::${aws:PrincipalTag/k%d}", n)}}, n, n, 1},
		"values": {[]members{{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": members{
			"StringEquals": members{"aws:userid": numbered("${aws:PrincipalTag/k%d}", n)},
		}}}, n, n + 1, 1},
		"statements": {same, 1, 1, n},
	} {
		t.Run(name, func(t *testing.T) {
			p := iampolicy.Policies{Identity: longSet(t, iampolicy.KindIdentity, document(t, tt.list...))}
			r := iampolicy.Request{Principal: caller(t), Action: "s3:GetObject", Resource: "arn:aws:s3:::b", ResourceAccount: "111111111111"}
			testkit.BytesAtMost(t, 64<<20, func() {
				x := p.Residual(&r, func(string) iampolicy.Knowledge { return iampolicy.Unknown })
				require.NotNil(t, x.Depends)
				require.Len(t, x.Depends.Values, tt.values)
				require.Len(t, x.Keys, tt.keys)
				require.Len(t, x.Depends.Sources, tt.of)
			})
		})
	}
}

// TestValidateLongStatements: of many conditions, values and principals, each
// of which is judged by all the others.
func TestValidateLongStatements(t *testing.T) {
	condition := members{}
	for _, op := range []string{"StringEquals", "StringLike", "StringNotEquals", "StringNotLike", "ArnLike", "ArnEquals", "ArnNotLike", "ArnNotEquals"} {
		keys := members{}
		for _, key := range numbered("aws:RequestTag/k%d", 10_000) { // of which strictjson takes no more
			keys[key] = "x"
		}
		condition["ForAllValues:"+op] = keys
	}
	roles := members{"Effect": "Allow", "Action": append(numbered("sts:A%d", 20_000), "sts:AssumeRoleWithWebIdentity"), "Principal": members{
		"Service":   append(numbered("s%d.amazonaws.com", 20_000), slices.Repeat([]string{"rolesanywhere.amazonaws.com"}, 20_000)...),
		"Federated": append(numbered("h%d.example.com", 20_000), slices.Repeat([]string{"idp.example.com"}, 5_000)...),
	}, "Condition": members{"StringEquals": members{"idp.example.com:aud": "a"}}}
	for _, key := range numbered("h%d.example.com:aud", 9_000) {
		roles["Condition"].(members)["StringEquals"].(members)[key] = "a"
	}
	for name, tt := range map[string]struct {
		kind iampolicy.Kind
		st   members
		code string
		want int
	}{
		"conditions": {iampolicy.KindIdentity, members{"Effect": "Allow", "Action": "a:b", "Resource": "*", "Condition": condition}, "FORALLVALUES_WITHOUT_GUARD", 10_000},
		"ranges": {iampolicy.KindIdentity, members{"Effect": "Allow", "Action": "a:b", "Resource": "*", "Condition": members{
			"IpAddress": members{"aws:SourceIp": slices.Repeat([]string{"10.0.0.0/8"}, 100_000)},
		}}, "PRIVATE_IP_ADDRESS", 10_000},
		"principals": {iampolicy.KindTrust, roles, "CONFIRM_AUDIENCE_CLAIM_TYPE", 9_001},
	} {
		t.Run(name, func(t *testing.T) {
			found := 0
			for _, f := range iampolicy.Validate(tt.kind, document(t, tt.st)) {
				if f.Code == tt.code {
					found++
				}
			}
			require.Equal(t, tt.want, found)
		})
	}
}

// TestParseKeepsTheFirstFault: a document that is refused costs no more than
// one that is not, however much is wrong with it.
func TestParseKeepsTheFirstFault(t *testing.T) {
	key := strings.Repeat("\\u0001", 120)
	doc := []byte(`{"Statement":{"Condition":{"` + key + `":{"` + key + `":[` + strings.Repeat("[],", 100_000) + `[]]}}}}`)
	testkit.BytesAtMost(t, 4<<20, func() {
		_, err := iampolicy.Parse(doc)
		var e *iampolicy.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, "DATA_TYPE_MISMATCH", e.Code)
		require.Contains(t, e.Span.Path, "[0]")
	})
}

// TestValidateKeepsSoMany findings of a kind: the rest does not take memory,
// and none that AWS refuses a document for hides behind others of its code.
func TestValidateKeepsSoMany(t *testing.T) {
	const most = 10_000
	stored, refused := slices.Repeat([]string{"arn:aws:s3:*"}, most), []string{"arn:aws:s3::*"}
	for name, tt := range map[string]struct {
		values        []string
		kept, refused int
	}{
		"as many":        {stored, most, 0},
		"one more":       {append(stored[:most:most], stored[0]), most, 0},
		"one refused":    {slices.Concat(stored, stored[:1], refused), most + 1, 1},
		"refused more":   {slices.Concat(slices.Repeat(refused, most+1), stored[:1]), most + 1, most},
		"far apart more": {slices.Concat(stored, slices.Repeat(refused, most+1), stored), 2 * most, most},
	} {
		t.Run(name, func(t *testing.T) {
			kept, no := 0, 0
			for _, f := range iampolicy.Validate(iampolicy.KindIdentity, document(t, members{"Effect": "Allow", "Action": "s3:Get", "Resource": tt.values})) {
				if f.Code == "MISSING_ARN_FIELD" {
					kept++
					if f.Refused {
						no++
					}
				}
			}
			require.Equal(t, tt.kept, kept)
			require.Equal(t, tt.refused, no)
		})
	}
	faulty := func(n int) []byte {
		return []byte(`{"Statement":{"Effect":"Deny","Action":[` + strings.Repeat("1,", n) + `"a:b"],"Resource":"*","Sed":"","Sad":""}}`)
	}
	for n, want := range map[int]int{most - 3: most - 1, most - 2: most, most: most + 1, 2 * most: most + 1} {
		found := 0
		for _, f := range iampolicy.Validate(iampolicy.KindIdentity, faulty(n)) {
			if f.Code == "DATA_TYPE_MISMATCH" || f.Code == "INVALID_POLICY_ELEMENT" {
				found++
			}
		}
		require.Equal(t, want, found, n)
		_, err := iampolicy.Options{Lenient: true}.Parse(faulty(n))
		require.ErrorIs(t, err, iampolicy.ErrSyntax, "the first fatal fault is kept, whatever came before it")
	}
}

// TestParseDoesNotCopyWhatIsTooLong.
func TestParseDoesNotCopyWhatIsTooLong(t *testing.T) {
	doc := make([]byte, 20<<20)
	testkit.BytesAtMost(t, 64<<10, func() {
		_, err := iampolicy.Parse(doc)
		require.ErrorIs(t, err, iampolicy.ErrLimit)
		require.Equal(t, "JSON_SYNTAX_ERROR", iampolicy.Validate(iampolicy.KindIdentity, doc)[0].Code)
	})
}
