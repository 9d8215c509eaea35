// SPDX-License-Identifier: Apache-2.0

package iampolicy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/iampolicy"
)

// The tables of this file are named for the rules that they test (IAM-…). Each
// case is decided by Decide, by Explain and by the reference, which must agree
// with what the case wants.

const (
	ana     = "arn:aws:iam::111111111111:user/ana"
	app     = "arn:aws:sts::111111111111:assumed-role/app/s1"
	appRole = "arn:aws:iam::111111111111:role/app"
	fedAna  = "arn:aws:sts::111111111111:federated-user/ana"
	root    = "arn:aws:iam::111111111111:root"
	bob     = "arn:aws:iam::222222222222:user/bob"
	object  = "arn:aws:s3:::b/k"

	yes      = "allowed"
	no       = "implicitDeny"
	denied   = "explicitDeny"
	anything = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	onlyList = `{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}`
)

// policy wraps statements.
func policy(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

func allow(action, resource, more string) string {
	return statement("Allow", action, resource, more)
}

func deny(action, resource, more string) string { return statement("Deny", action, resource, more) }

func statement(effect, action, resource, more string) string {
	if more != "" {
		more = "," + more
	}
	return fmt.Sprintf(`{"Effect":%q,"Action":%q,"Resource":%q%s}`, effect, action, resource, more)
}

// grant is an Allow of everything to a principal.
func grant(principal string) string {
	return `{"Effect":"Allow","Principal":` + principal + `,"Action":"*","Resource":"*"}`
}

func aws(entry string) string { return fmt.Sprintf(`{"AWS":%q}`, entry) }

// filled gives a case the request most cases ask.
func (c refCase) filled() refCase {
	if c.Principal == "" {
		c.Principal = ana
	}
	if c.Action == "" {
		c.Action = "s3:GetObject"
	}
	if c.Resource == "" {
		c.Resource = object
	}
	if c.Owner == "" {
		c.Owner = "111111111111"
	}
	switch c.Principal {
	case "anonymous":
		c.Principal = ""
	}
	if c.Owner == "unknown" {
		c.Owner = ""
	}
	return c
}

// check decides a case and wants an outcome, and with blocked what blocks it.
func check(t *testing.T, name string, c refCase, want string, blocked ...string) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Helper()
		c := c.filled()
		p, r := c.build(t), c.question(t)
		if !r.Principal.IsSession() {
			p.Session = nil
		}
		x := p.Explain(r)
		require.Equal(t, want, p.Decide(r).Outcome.String(), "%v", x)
		require.Equal(t, want, x.Outcome.String(), "%v", x)
		require.Equal(t, want, refDecide(&c).Outcome, "the reference")
		if len(blocked) > 0 {
			require.Equal(t, blocked, x.BlockedBy)
		}
	})
}

// identityCase is a request judged by identity policies alone.
func identityCase(statements ...string) refCase {
	return refCase{Identity: []string{policy(statements...)}}
}

func TestIAM11Actions(t *testing.T) {
	for _, c := range []struct{ pattern, action, want string }{
		{"s3:GetObject", "s3:GetObject", yes},
		{"S3:getobject", "s3:GetObject", yes},
		{"s3:Get*", "s3:GetObject", yes},
		{"s3:Get?bject", "s3:GetObject", yes},
		{"s3:Get?Object", "s3:GetObject", no},
		{"*", "s3:GetObject", yes},
		{"s3:*", "sqs:SendMessage", no},
		{"s3:GetObject", "s3:GetObjectAcl", no},
		// IAM-12
		{"s*:Get*", "s3:GetObject", yes},
		{"s?:GetObject", "s3:GetObject", yes},
		{"*:GetObject", "s3:GetObject", yes},
		{"s3*", "s3:GetObject", no}, // no colon
		// IAM-13
		{"s3:", "s3:GetObject", no},
		{":GetObject", "s3:GetObject", no},
		{"s3", "s3:GetObject", no},
		{"s3: GetObject", "s3:GetObject", no},
		{"s3:Get Object", "s3:GetObject", no},
	} {
		check(t, c.pattern, refCase{Identity: []string{policy(allow(c.pattern, "*", ""))}, Action: c.action}, c.want)
	}
}

func TestIAM14NotAction(t *testing.T) {
	st := `{"Effect":"%s","NotAction":["s3:Get*","iam:*"],"Resource":"*"}`
	check(t, "allow others", refCase{Identity: []string{policy(fmt.Sprintf(st, "Allow"))}, Action: "s3:PutObject"}, yes)
	check(t, "listed is not allowed", refCase{Identity: []string{policy(fmt.Sprintf(st, "Allow"))}}, no)
	check(t, "listed is not denied", refCase{Identity: []string{policy(fmt.Sprintf(st, "Deny"), anything)}}, yes)
	check(t, "others are denied", refCase{Identity: []string{policy(fmt.Sprintf(st, "Deny"), anything)}, Action: "s3:PutObject"}, denied)
}

func TestIAM15Resources(t *testing.T) {
	for _, c := range []struct{ pattern, resource, want string }{
		{"*", object, yes},
		{"arn:aws:s3:::b/*", "arn:aws:s3:::b/a:b/c", yes},
		{"arn:aws:s3:::b/*", "arn:aws:s3:::b/line\nfeed", yes},
		{"arn:aws:s3:::b/*", "arn:aws:s3:::b", no},
		{"arn:aws:s3:::b/?", "arn:aws:s3:::b/ü", yes},
		{"arn:aws:s3:::b/a.c", "arn:aws:s3:::b/abc", no}, // a point is no wildcard
		{"arn:aws:sqs:*:q", "arn:aws:sqs:us-east-1:111122223333:q", no},
		{"arn:aws:sqs:*:*:q", "arn:aws:sqs:us-east-1:111122223333:q", yes},
		{"arn:*:s3:::b/k", "arn:aws-cn:s3:::b/k", yes},
		{"arn:aws:s3:*:*:b/k", object, yes},
		{"arn:aws:s3:::*b/k", "arn:aws:s3:us-east-1::b/k", no}, // never into another field
		// IAM-16
		{"arn:aws:S3:::b/k", object, yes},
		{"arn:aws:s3:::B/k", object, no},
		{"arn:aws:s3:::b/k", "arn:AWS:S3:::b/k", yes},
		// IAM-17
		{"arn:aws:s*:::b/k", object, yes},
	} {
		check(t, c.pattern+" "+c.resource, refCase{Identity: []string{policy(allow("s3:*", c.pattern, ""))}, Resource: c.resource}, c.want)
	}
}

func TestIAM18FewerFields(t *testing.T) {
	short := func(pattern string) string { return policy(allow("*", pattern, "")) }
	short3 := policy(fmt.Sprintf(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":%q}`, "arn:aws:s3"))
	star3 := policy(fmt.Sprintf(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":%q}`, "arn:aws:s3*"))
	everything := []string{policy(anything)}
	check(t, "identity", refCase{Identity: []string{short("arn:aws:s3")}}, yes)
	check(t, "boundary", refCase{Identity: everything, Boundary: []string{short("arn:aws:s3")}}, yes)
	check(t, "session", refCase{Principal: app, Identity: everything, Session: short("arn:aws:s3")}, yes)
	check(t, "resource without wildcard", refCase{Resources: short3}, no)
	check(t, "resource with wildcard", refCase{Resources: star3}, yes)
	check(t, "endpoint without wildcard", refCase{Identity: everything, Endpoint: []string{short3}}, no)
	check(t, "scp without star", refCase{Identity: everything, SCP: [][]string{{short("arn:aws:s3")}}}, no)
	check(t, "scp with star", refCase{Identity: everything, SCP: [][]string{{short("arn:aws:s*")}}}, yes)
	check(t, "scp with question mark", refCase{Identity: everything, SCP: [][]string{{short("arn:aws:s?")}}}, no)
	check(t, "rcp", refCase{Identity: everything, RCP: [][]string{{policy(`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s*"}`)}}}, yes)
}

func TestIAM19NotResource(t *testing.T) {
	st := `{"Effect":"%s","Action":"s3:*","NotResource":["arn:aws:s3:::b/k","arn:aws:s3:::c/*"]}`
	check(t, "allow others", refCase{Identity: []string{policy(fmt.Sprintf(st, "Allow"))}, Resource: "arn:aws:s3:::b/other"}, yes)
	check(t, "listed", refCase{Identity: []string{policy(fmt.Sprintf(st, "Allow"))}}, no)
	check(t, "deny others", refCase{Identity: []string{policy(fmt.Sprintf(st, "Deny"), anything)}, Resource: "arn:aws:s3:::b/other"}, denied)
	check(t, "listed not denied", refCase{Identity: []string{policy(fmt.Sprintf(st, "Deny"), anything)}}, yes)
}

func TestIAM20WildcardOnly(t *testing.T) {
	for _, c := range []struct {
		name, action, statement, want string
	}{
		{"star", "ec2:DescribeInstances", allow("*", "*", ""), yes},
		{"specific", "ec2:DescribeInstances", allow("*", "arn:aws:ec2:*:*:instance/*", ""), no},
		{"not resource specific", "ec2:DescribeInstances", `{"Effect":"Allow","Action":"*","NotResource":"arn:aws:ec2:*:*:*"}`, yes},
		{"not resource star", "ec2:DescribeInstances", `{"Effect":"Allow","Action":"*","NotResource":"*"}`, no},
		{"list buckets", "s3:ListAllMyBuckets", allow("s3:*", "arn:aws:s3:::*", ""), yes},
		{"list buckets, one bucket", "s3:ListAllMyBuckets", allow("s3:*", "arn:aws:s3:::b*", ""), no},
		{"list buckets, not resource", "s3:ListAllMyBuckets", `{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::*"}`, no},
		{"other action", "s3:ListStorageLensConfigurations", allow("s3:*", "arn:aws:s3:::*", ""), no},
	} {
		check(t, c.name, refCase{Identity: []string{policy(c.statement)}, Action: c.action, Resource: "*", WildcardOnly: true}, c.want)
	}
	check(t, "deny on ARNs", refCase{Identity: []string{policy(anything, deny("*", "arn:aws:ec2:*:*:*", ""))}, Action: "ec2:DescribeInstances", Resource: "*", WildcardOnly: true}, yes)
}

func TestIAM21PatternResource(t *testing.T) {
	const asked = "arn:aws:s3:::b/x/*"
	for _, c := range []struct {
		pattern                             string
		allow, deny, allowNot, denyNot, not string
	}{
		{pattern: "arn:aws:s3:::b/x/*", allow: yes, deny: denied, allowNot: no, denyNot: yes},
		{pattern: "*", allow: yes, deny: denied, allowNot: no, denyNot: yes},
		{pattern: "arn:aws:s3:::b/*", allow: yes, deny: denied, allowNot: no, denyNot: yes},
		{pattern: "arn:aws:s3:::b/x/y", allow: yes, deny: yes, allowNot: yes, denyNot: yes},
		{pattern: "arn:aws:s3:::*/y", allow: yes, deny: yes, allowNot: yes, denyNot: yes},
		{pattern: "arn:aws:s3:::b/x/?*", allow: yes, deny: yes, allowNot: yes, denyNot: yes}, // not the empty rest
		{pattern: "arn:aws:s3:::c/*", allow: no, deny: yes, allowNot: yes, denyNot: denied},
		{pattern: "arn:aws-cn:s3:::b/*", allow: no, deny: yes, allowNot: yes, denyNot: denied},
	} {
		not := func(effect string) string {
			return fmt.Sprintf(`{"Effect":%q,"Action":"s3:*","NotResource":%q}`, effect, c.pattern)
		}
		one := func(statements ...string) refCase {
			return refCase{Identity: []string{policy(statements...)}, Resource: asked}
		}
		check(t, "Allow Resource "+c.pattern, one(allow("s3:*", c.pattern, "")), c.allow)
		check(t, "Deny Resource "+c.pattern, one(anything, deny("s3:*", c.pattern, "")), c.deny)
		check(t, "Allow NotResource "+c.pattern, one(not("Allow")), c.allowNot)
		check(t, "Deny NotResource "+c.pattern, one(anything, not("Deny")), c.denyNot)
	}
	p := identityCase(anything).filled()
	r := p.question(t)
	r.Resource = asked
	require.True(t, p.build(t).Decide(r).Pattern)
	r.Resource = "arn:aws:s3:::" + strings.Repeat("a", 2048) + "*"
	d := p.build(t).Decide(r)
	require.ErrorIs(t, d.Err, iampolicy.ErrLimit)
	require.False(t, d.Allowed())
}

func TestIAM24Principals(t *testing.T) {
	const (
		federated = "arn:aws:iam::111111111111:oidc-provider/idp.example"
		path      = "arn:aws:iam::111111111111:role/team/app"
	)
	for _, c := range []struct{ entry, caller, want string }{
		{`"*"`, ana, yes},
		{`"*"`, "anonymous", yes},
		{aws("*"), "anonymous", yes},
		{aws("*"), "sns.amazonaws.com", yes},
		{aws(ana), ana, yes},
		{aws(ana), "arn:aws:iam::111111111111:user/Ana", no},
		{`"` + ana + `"`, ana, yes}, // a plain string is an AWS entry
		{aws(app), app, yes},
		{aws(app), "arn:aws:sts::111111111111:assumed-role/app/s2", no},
		{aws(appRole), app, yes},
		{aws(appRole), appRole, yes},
		{aws(path), app, yes}, // the last part of the path is the role's name
		{aws("arn:aws:iam::111111111111:role/App"), app, no},
		{aws("arn:aws-cn:iam::111111111111:role/app"), app, no},
		{aws("arn:aws:iam::333333333333:role/app"), app, no},
		{aws(fedAna), fedAna, yes},
		{aws(ana), fedAna, yes},
		{aws(bob), fedAna, no},
		{aws("111111111111"), ana, no}, // a delegation
		{aws(root), ana, no},
		{aws("arn:aws:iam::111111111111:user/*"), ana, no},
		{aws("arn:aws:iam::111111111111:user/an?"), ana, no},
		{aws("arn:aws:iam::111111111111:user/*"), "arn:aws:iam::111111111111:user/*", no}, // not even as plain text
		{aws("arn:*:iam::111111111111:user/ana"), ana, no},
		{`{"Service":"sns.amazonaws.com"}`, "sns.amazonaws.com", yes},
		{`{"Service":"sqs.amazonaws.com"}`, "sns.amazonaws.com", no},
		{`{"Service":"*"}`, "sns.amazonaws.com", no},
		{`{"Service":"sns.amazonaws.com"}`, "anonymous", no},
		{aws("sns.amazonaws.com"), "sns.amazonaws.com", no},
		{`{"Federated":"` + federated + `"}`, federated, yes},
		{aws("111111111111"), federated, no},
		{aws("*"), federated, yes},
		{`{"CanonicalUser":"79a5"}`, "anonymous", no},
		{aws("AIDAAAAAAAAAAAAAAAAA"), ana, no},
	} {
		check(t, c.entry+" "+c.caller, refCase{Resources: policy(grant(c.entry)), Principal: c.caller}, c.want)
	}
	check(t, "unique id of a user", refCase{Resources: policy(grant(aws("AIDAAAAAAAAAAAAAAAAA"))), UserID: "AIDAAAAAAAAAAAAAAAAA"}, yes)
	check(t, "unique id of a role", refCase{Resources: policy(grant(aws("AROAAAAAAAAAAAAAAAAA"))), Principal: app, UserID: "AROAAAAAAAAAAAAAAAAA:s1"}, yes)
	check(t, "unique id of any length", refCase{Resources: policy(grant(aws("AROAEXAMPLEID"))), Principal: app, UserID: "AROAEXAMPLEID:s1"}, yes)
	check(t, "unique id of another", refCase{Resources: policy(grant(aws("AROAEXAMPLEID"))), Principal: app, UserID: "AROAEXAMPLEID2:s1"}, no)
	check(t, "the context's userid counts", refCase{Resources: policy(grant(aws("AROAAAAAAAAAAAAAAAAA"))), Principal: app, UserID: "AROAAAAAAAAAAAAAAAAA:s1", Context: map[string]any{"aws:userid": "AROABBBBBBBBBBBBBBBB:s1"}}, no)
	check(t, "no principal, resource", refCase{Resources: policy(anything)}, no)
	check(t, "no principal, resource, deny", refCase{Identity: []string{policy(anything)}, Resources: policy(deny("*", "*", ""))}, yes)
	check(t, "no principal, endpoint", refCase{Identity: []string{policy(anything)}, Endpoint: []string{policy(anything)}}, yes)
}

func TestIAM24CanonicalUser(t *testing.T) {
	c := refCase{Resources: policy(grant(`{"CanonicalUser":"79a5"}`)), Owner: "222222222222", Identity: []string{policy(anything)}}.filled()
	p, r := c.build(t), c.question(t)
	require.False(t, p.Decide(r).Allowed(), "no id")
	r.Principal.CanonicalID = "79a5"
	require.True(t, p.Decide(r).Allowed(), "the account's id opens the other account")
	p.Identity = nil
	r.ResourceAccount = "111111111111"
	require.False(t, p.Decide(r).Allowed(), "in its own account it is a delegation")
	r.Principal.OwnCanonicalID = true
	require.True(t, p.Decide(r).Allowed(), "an id of its own names it directly")
	oai, err := iampolicy.ParsePrincipal("arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1")
	require.NoError(t, err)
	require.True(t, oai.OwnCanonicalID)
}

func TestIAM26NotPrincipal(t *testing.T) {
	spare := func(entries ...string) refCase {
		list := `["` + strings.Join(entries, `","`) + `"]`
		return refCase{Identity: []string{policy(anything)}, Resources: policy(`{"Effect":"Deny","NotPrincipal":{"AWS":` + list + `},"Action":"*","Resource":"*"}`)}
	}
	with := func(c refCase, principal string) refCase { c.Principal = principal; return c }
	check(t, "user named", spare(ana, root), yes)
	check(t, "account does not spare its users", with(spare(ana, root), "arn:aws:iam::111111111111:user/alice"), denied)
	check(t, "role as such", with(spare(appRole), appRole), yes)
	check(t, "role does not spare its sessions", with(spare(appRole), app), denied)
	check(t, "session", with(spare(app), app), yes)
	check(t, "root", with(spare("111111111111"), root), yes)
	check(t, "everyone", spare("*"), yes)
	check(t, "anonymous", with(spare(ana), "anonymous"), denied)
	bounded := spare(ana)
	bounded.Boundary = []string{policy(anything)}
	check(t, "IAM-27: whoever has a boundary is denied", bounded, denied)
	check(t, "Allow with NotPrincipal", refCase{Resources: policy(`{"Effect":"Allow","NotPrincipal":{"AWS":"` + bob + `"},"Action":"*","Resource":"*"}`)}, yes)
	check(t, "Allow with NotPrincipal, by account", refCase{Resources: policy(`{"Effect":"Allow","NotPrincipal":{"AWS":"111111111111"},"Action":"*","Resource":"*"}`)}, no)
}

func TestIAM26NotPrincipalModes(t *testing.T) {
	decide := func(mode iampolicy.NotPrincipalMode, principal string, entries ...string) iampolicy.Outcome {
		list := `["` + strings.Join(entries, `","`) + `"]`
		doc, err := iampolicy.Parse([]byte(policy(grant(`"*"`), `{"Effect":"Deny","NotPrincipal":{"AWS":`+list+`},"Action":"*","Resource":"*"}`)))
		require.NoError(t, err)
		set, err := iampolicy.Options{NotPrincipal: mode}.Compile(iampolicy.KindResource, doc)
		require.NoError(t, err)
		c := refCase{Principal: principal}.filled()
		return (&iampolicy.Policies{Resource: set}).Decide(c.question(t)).Outcome
	}
	require.Equal(t, iampolicy.Allowed, decide(iampolicy.ExactNotPrincipal, app, app))
	require.Equal(t, iampolicy.ExplicitDeny, decide(iampolicy.StrictNotPrincipal, app, app, appRole))
	require.Equal(t, iampolicy.Allowed, decide(iampolicy.StrictNotPrincipal, app, app, appRole, root))
	require.Equal(t, iampolicy.ExplicitDeny, decide(iampolicy.StrictNotPrincipal, ana, ana))
	require.Equal(t, iampolicy.Allowed, decide(iampolicy.StrictNotPrincipal, ana, ana, "111111111111"))
	require.Equal(t, iampolicy.Allowed, decide(iampolicy.LooseNotPrincipal, app, appRole))
	require.Equal(t, iampolicy.Allowed, decide(iampolicy.LooseNotPrincipal, ana, root))
	require.Equal(t, iampolicy.ExplicitDeny, decide(iampolicy.LooseNotPrincipal, ana, bob))
}
