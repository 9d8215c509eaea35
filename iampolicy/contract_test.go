// SPDX-License-Identifier: Apache-2.0

package iampolicy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/iampolicy"
)

// The tests of this file hold the rules that are about words, codes, quotas and
// inputs rather than about how one element matches.

// TestIAM10Texts: what IAM says of a malformed document, word for word, and
// where that does not say what is wrong, what is.
func TestIAM10Texts(t *testing.T) {
	for _, c := range []struct{ doc, want, detail string }{
		{`{"Version":"2008-10-17","Statement":[` + anything + `]}`, "Policy document must be version 2012-10-17 or greater.", ""},
		{policy(allow("s3:*", "*", `"Sid":"a"`), allow("sqs:*", "*", `"Sid":"a"`)), "Statement IDs (SID) in a single policy must be unique.", ""},
		{policy(`{"Effect":"Allow","Action":[],"Resource":"*"}`), "Policy statement must contain actions.", ""},
		{policy(`{"Effect":"Allow","Resource":"*"}`), "Policy statement must contain actions.", ""},
		{policy(`{"Effect":"Allow","Action":"s3:*"}`), "Policy statement must contain resources.", ""},
		{policy(allow("GetObject", "*", "")), "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.", ""},
		{policy(allow("s3:*", "bucket", "")), `Resource bucket must be in ARN format or "*".`, ""},
		{policy(allow("s3:*", "arn:mars:s3:::b", "")), `Partition "mars" is not valid for resource "arn:mars:s3:::b".`, ""},
		{policy(allow("s3:*", "arn:mars:s3", "")), `Partition "mars" is not valid for resource "arn:mars:s3:*:*:*".`, ""},
		{policy(allow("s3:*", "aws:s3:::b", "")), `Partition "s3" is not valid for resource "arn:s3:::b:*".`, ""},
		{policy(allow("s3:*", "arn:aws", "")), "Resource vendor must be fully qualified and cannot contain regexes.", ""},
		{policy(allow("s3:*", "arn:aws:s3::b", "")), "The policy failed legacy parsing", "an ARN has six fields: arn:partition:service:region:account:resource"},
		{policy(allow("s3:*", "arn:aws::::b", "")), "The policy failed legacy parsing", "an ARN has six fields: arn:partition:service:region:account:resource"},
		{policy(allow("s3:*", "arn:aws:s3:us-east-1::b", "")), "Resource arn:aws:s3:us-east-1::b can not contain region information.", ""},
		{policy(allow("s3:*", "arn:aws:iam:us-east-1::user/a", "")), "IAM resource arn:aws:iam:us-east-1::user/a cannot contain region information.", ""},
		{policy(allow("s3:*", "arn:aws:iam:::b", "")), `IAM resource path must either be "*" or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.`, ""},
		{policy(allow("s_3:*", "*", "")), "Vendor s_3 is not valid", ""},
		{policy(`{"Effect":"allow","Action":"s3:*","Resource":"*"}`), "The policy failed legacy parsing", `Effect must be "Allow" or "Deny"`},
		{policy(`{"Effect":"Permit","Action":"s3:*","Resource":"*"}`), "Syntax errors in policy.", `Effect must be "Allow" or "Deny"`},
		{"nonsense", "Syntax errors in policy.", "'n' where a value should be"},
		{policy(`"x"`), "Syntax errors in policy.", "a statement must be an object"},
		{policy(conditioned("Equals", "a:b", "x")), "Syntax errors in policy.", "unknown condition operator"},
	} {
		found := iampolicy.Validate(iampolicy.KindIdentity, []byte(c.doc))
		at := slices.IndexFunc(found, func(f iampolicy.Finding) bool { return f.Message == c.want })
		require.GreaterOrEqual(t, at, 0, "%s: %v", c.doc, found)
		require.True(t, found[at].Refused, c.doc)
		require.Equal(t, c.detail, found[at].Detail, c.doc)
	}
}

// TestIAM46MultivaluedKeys: the keys known to have several values, in any case,
// want a set operator; what the context holds decides nevertheless.
func TestIAM46MultivaluedKeys(t *testing.T) {
	for _, key := range []string{
		"aws:CalledVia", "aws:PrincipalOrgPaths", "aws:PrincipalServiceNamesList", "aws:ResourceOrgPaths", "aws:SourceOrgPaths",
		"AWS:tagkeys", "aws:VpceOrgPaths", "dynamodb:Attributes", "dynamodb:LeadingKeys",
	} {
		require.Contains(t, codesOf(iampolicy.KindIdentity, policy(conditioned("StringEquals", key, "a"))), "MISSING_QUALIFIER", key)
		require.NotContains(t, codesOf(iampolicy.KindIdentity, policy(conditioned("ForAnyValue:StringEquals", key, "a"))), "MISSING_QUALIFIER", key)
	}
	require.NotContains(t, codesOf(iampolicy.KindIdentity, policy(conditioned("StringEquals", "aws:PrincipalOrgID", "o-1"))), "MISSING_QUALIFIER")
	one := refCase{Identity: []string{policy(conditioned("StringEquals", "aws:TagKeys", "a"))}, Context: map[string]any{"aws:TagKeys": "a"}}
	check(t, "one value is compared", one, yes)
}

// TestIAM47Unions: the policies of one kind are one union, a Deny of any of
// them denies, and boundaries and session policies likewise.
func TestIAM47Unions(t *testing.T) {
	first, second := policy(allow("s3:Get*", "*", "")), policy(allow("sqs:*", "*", ""))
	no3 := policy(deny("s3:*", "*", ""))
	check(t, "identity", refCase{Identity: []string{second, first}}, yes)
	check(t, "identity, a Deny in one", refCase{Identity: []string{first, no3}}, denied)
	check(t, "boundary", refCase{Identity: []string{first}, Boundary: []string{second, first}}, yes)
	check(t, "boundary, neither", refCase{Identity: []string{first}, Boundary: []string{second, second}}, no, "pb")
	check(t, "endpoint", refCase{Identity: []string{first}, Endpoint: []string{second, first}}, yes)
	check(t, "SCP, one level", refCase{Identity: []string{first}, SCP: [][]string{{second, first}}}, yes)
	check(t, "SCP, two levels intersect", refCase{Identity: []string{first}, SCP: [][]string{{second}, {first}}}, no, "scp")
	check(t, "an RCP level without Allow of its own", refCase{Identity: []string{first}, RCP: [][]string{{}}}, yes)
}

// TestIAM53LevelWithoutAllow: a level that says nothing denies, and the word is
// implicitDeny.
func TestIAM53LevelWithoutAllow(t *testing.T) {
	everything := []string{policy(anything)}
	check(t, "no policies", refCase{Identity: everything, SCP: [][]string{{}}}, no, "scp")
	check(t, "only a Deny of another action", refCase{Identity: everything, SCP: [][]string{{policy(deny("sqs:*", "*", ""))}}}, no, "scp")
	check(t, "endpoint", refCase{Identity: everything, Endpoint: []string{policy()}}, no, "vpce")
}

// TestIAM67Errors: what cannot be judged is a deny, never an Allow.
func TestIAM67Errors(t *testing.T) {
	c := identityCase(anything).filled()
	p, r := c.build(t), c.question(t)
	r.Context.Set("a:b", "1")
	r.Context.Set("A:B", "2") // two keys that IAM compares as one (IAM-34)
	d := p.Decide(r)
	require.ErrorIs(t, d.Err, iampolicy.ErrRequest)
	require.False(t, d.Allowed())
	require.NotEqual(t, iampolicy.Allowed, d.Outcome)
	require.NotEqual(t, iampolicy.Allowed, p.Explain(r).Outcome)
	require.False(t, p.Residual(r, func(string) iampolicy.Knowledge { return iampolicy.Known }).Allowed)
}

// TestIAM69OwnerIsStated: an ARN that names the caller's account does not make
// the resource the account's; the request has to say so.
func TestIAM69OwnerIsStated(t *testing.T) {
	const queue = "arn:aws:sqs:eu-west-1:111111111111:q"
	everything := []string{policy(anything)}
	check(t, "unknown", refCase{Identity: everything, Action: "sqs:SendMessage", Resource: queue, Owner: "unknown"}, no)
	check(t, "another's", refCase{Identity: everything, Action: "sqs:SendMessage", Resource: queue, Owner: "222222222222"}, no)
	check(t, "stated", refCase{Identity: everything, Action: "sqs:SendMessage", Resource: queue}, yes)
	require.Equal(t, "111111111111", iampolicy.AccountOf(queue))
	require.Empty(t, iampolicy.AccountOf(object))
	require.Empty(t, iampolicy.AccountOf("queue"))
}

// TestIAM70Words: the decision words, and that text that is none is refused.
func TestIAM70Words(t *testing.T) {
	for word, outcome := range map[string]iampolicy.Outcome{"allowed": iampolicy.Allowed, "explicitDeny": iampolicy.ExplicitDeny, "implicitDeny": iampolicy.ImplicitDeny} {
		require.Equal(t, word, outcome.String())
		var read iampolicy.Outcome
		require.NoError(t, read.UnmarshalText([]byte(word)))
		require.Equal(t, outcome, read)
	}
	var none iampolicy.Outcome
	require.Error(t, none.UnmarshalText([]byte("Allowed")))
	require.Equal(t, iampolicy.ImplicitDeny, none, "the zero value denies")
}

// TestIAM80FullLanguageOfSCPs: service control policies have the whole
// language, so nothing of it is an error any more.
func TestIAM80FullLanguageOfSCPs(t *testing.T) {
	for _, statement := range []string{
		`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`,
		allow("s3:*", "arn:aws:s3:::b/*", ""),
		allow("s3:*", "*", `"Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}`),
		allow("s3:*Object*", "*", ""),
		`{"Effect":"Deny","Action":"s3:*","NotResource":"arn:aws:s3:::b/*"}`,
	} {
		for _, f := range iampolicy.Validate(iampolicy.KindSCP, []byte(policy(statement))) {
			require.False(t, strings.HasPrefix(f.Code, "SCP_SYNTAX_ERROR"), "%s: %s", statement, f.Code)
			require.False(t, f.Refused, "%s: %s", statement, f.Code)
		}
	}
}

// TestIAM83Sizes: what counts, and how much of it is allowed.
func TestIAM83Sizes(t *testing.T) {
	const doc = "{ \"Id\" : \"\u00fc\",\n\t\"Statement\" : [] }"
	for kind, want := range map[iampolicy.Kind][2]int{
		iampolicy.KindIdentity: {25, 6_144}, iampolicy.KindBoundary: {25, 6_144}, // without white space
		iampolicy.KindSession: {25, 2_048}, iampolicy.KindTrust: {25, 2_048},
		iampolicy.KindSCP: {len([]rune(doc)), 10_240}, iampolicy.KindRCP: {len([]rune(doc)), 5_120}, // with it
		iampolicy.KindResource: {len(doc), 20_480}, // bytes
	} {
		used, allowed := parsed(t, doc).Size(kind)
		require.Equal(t, want, [2]int{used, allowed}, "%v", kind)
	}
}

// TestIAM84Characters: the characters of policies and of their Sids.
func TestIAM84Characters(t *testing.T) {
	codes := func(doc string) []string { return codesOf(iampolicy.KindIdentity, doc) }
	const sid = `"Sid":"%"`
	with := func(text string) string { return policy(allow("s3:*", "*", strings.Replace(sid, "%", text, 1))) }
	require.NotContains(t, codes(with("aB3")), "UNSUPPORTED_SID")
	require.Contains(t, codes(with("a-b")), "UNSUPPORTED_SID")
	require.Contains(t, codes(with("\u00fc")), "UNSUPPORTED_SID")
	require.NotContains(t, codesOf(iampolicy.KindResource, policy(`{"Sid":"a-b c","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`)), "UNSUPPORTED_SID")
	text := func(r string) string { return policy(conditioned("StringEquals", "aws:username", r)) }
	require.NotContains(t, codes(text("\u00ff")), "JSON_SYNTAX_ERROR")
	require.Contains(t, codes(text("\u0100")), "JSON_SYNTAX_ERROR")
}
