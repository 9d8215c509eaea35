// SPDX-License-Identifier: Apache-2.0

package iampolicy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/iampolicy"
)

// moment is the time of requests that derive keys.
var moment = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)

// The cases of this file follow the examples of the AWS documentation; each
// test names the page. The policies say what the page's do, in our words.

// TestDocVariablesNoValue: IAM User Guide, "IAM policy elements: Variables and
// tags", "Scenarios for variables with no value".
func TestDocVariablesNoValue(t *testing.T) {
	statement := allow("dynamodb:*", "arn:aws:dynamodb:us-east-2:111111111111:table/${aws:username}", "")
	table := func(name string) refCase {
		return refCase{Identity: []string{policy(statement)}, Action: "dynamodb:GetItem", Resource: "arn:aws:dynamodb:us-east-2:111111111111:table/" + name}
	}
	with := func(c refCase, ctx map[string]any) refCase { c.Context = ctx; return c }
	check(t, "user with a name", with(table("ana"), map[string]any{"aws:username": "ana"}), yes)
	check(t, "a role has none: no table matches", table(""), no)
	check(t, "a default", with(refCase{Identity: []string{policy(allow("*", "arn:aws:s3:::b/${aws:PrincipalTag/team, 'company-wide'}/*", ""))}, Resource: "arn:aws:s3:::b/company-wide/x"}, nil), yes)
	check(t, "the value before the default", with(refCase{Identity: []string{policy(allow("*", "arn:aws:s3:::b/${aws:PrincipalTag/team, 'company-wide'}/*", ""))}, Resource: "arn:aws:s3:::b/yellow/x"}, map[string]any{"aws:PrincipalTag/team": "yellow"}), yes)
}

// TestDocSetOperators: IAM User Guide, "Set operators for multivalued context
// keys" (its tables of CreateTags requests).
func TestDocSetOperators(t *testing.T) {
	all := conditioned("ForAllValues:StringEquals", "aws:TagKeys", []string{"environment", "cost-center"})
	some := conditioned("ForAnyValue:StringEquals", "aws:TagKeys", []string{"environment", "webserver"})
	for _, c := range []struct {
		name     string
		have     any
		all, any string
	}{
		{"one listed", []string{"environment"}, yes, yes},
		{"both", []string{"environment", "cost-center"}, yes, yes},
		{"one other", []string{"environment", "dept"}, no, yes},
		{"only others", []string{"dept", "floor"}, no, no},
		{"no tags", nil, yes, no},
		{"none of ForAny", []string{"cost-center"}, yes, no},
	} {
		ctx := map[string]any{}
		if c.have != nil {
			ctx["aws:TagKeys"] = c.have
		}
		check(t, "ForAllValues "+c.name, refCase{Identity: []string{policy(all)}, Context: ctx}, c.all)
		check(t, "ForAnyValue "+c.name, refCase{Identity: []string{policy(some)}, Context: ctx}, c.any)
	}
	deny := policy(anything, `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"ForAnyValue:StringNotEquals":{"aws:TagKeys":["environment"]}}}`)
	check(t, "negated ForAnyValue denies one other", refCase{Identity: []string{deny}, Context: map[string]any{"aws:TagKeys": []string{"environment", "x"}}}, denied)
	check(t, "and not its absence", refCase{Identity: []string{deny}}, yes)
}

// TestDocIfExists: IAM User Guide, "Condition operators", "…IfExists".
func TestDocIfExists(t *testing.T) {
	st := allow("ec2:RunInstances", "*", `"Condition":{"StringLikeIfExists":{"ec2:InstanceType":["t1.*","t2.*","m3.*"]}}`)
	for _, c := range []struct {
		name string
		ctx  map[string]any
		want string
	}{
		{"an instance of the type", map[string]any{"ec2:InstanceType": "t2.micro"}, yes},
		{"of another", map[string]any{"ec2:InstanceType": "x1.large"}, no},
		{"a resource without type", nil, yes},
	} {
		check(t, c.name, refCase{Identity: []string{policy(st)}, Action: "ec2:RunInstances", Resource: "arn:aws:ec2:us-east-1:111111111111:volume/*", Context: c.ctx}, c.want)
	}
}

// TestDocNull: IAM User Guide, "Condition operators", "Condition operator to
// check existence of condition keys".
func TestDocNull(t *testing.T) {
	long := refCase{Identity: []string{policy(deny("*", "*", `"Condition":{"Null":{"aws:TokenIssueTime":"true"}}`), anything)}}
	check(t, "long-term credentials are denied", long, denied)
	long.Context = map[string]any{"aws:TokenIssueTime": "2024-01-01T00:00:00Z"}
	check(t, "temporary ones are not", long, yes)
}

// TestDocSourceIP: IAM User Guide, "AWS: Denies access to AWS based on the
// source IP".
func TestDocSourceIP(t *testing.T) {
	doc := policy(anything, `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":["192.0.2.0/24","203.0.113.0/24"]},"Bool":{"aws:ViaAWSService":"false"}}}`)
	with := func(ip, via string) refCase {
		return refCase{Identity: []string{doc}, Context: map[string]any{"aws:SourceIp": ip, "aws:ViaAWSService": via}}
	}
	check(t, "inside", with("192.0.2.9", "false"), yes)
	check(t, "outside", with("198.51.100.1", "false"), denied)
	check(t, "outside, by a service", with("198.51.100.1", "true"), yes)
	check(t, "IPv6 is outside an IPv4 range", with("2001:db8::1", "false"), denied)
}

// TestDocMFA: IAM User Guide, "Condition operators", Bool with …IfExists: an
// absent key denies as well.
func TestDocMFA(t *testing.T) {
	doc := func(op string) string {
		return policy(anything, `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"`+op+`":{"aws:MultiFactorAuthPresent":"false"}}}`)
	}
	check(t, "BoolIfExists, absent", refCase{Identity: []string{doc("BoolIfExists")}}, denied)
	check(t, "Bool, absent: the trap", refCase{Identity: []string{doc("Bool")}}, yes)
	check(t, "present", refCase{Identity: []string{doc("BoolIfExists")}, Context: map[string]any{"aws:MultiFactorAuthPresent": "true"}}, yes)
}

// TestDocDenyOutsideRegion: Organizations User Guide, "Deny access to AWS based
// on the requested AWS Region" (SCP with NotAction).
func TestDocDenyOutsideRegion(t *testing.T) {
	scp := policy(anything, `{"Effect":"Deny","NotAction":["iam:*","organizations:*","route53:*"],"Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":["eu-central-1","eu-west-1"]},"ArnNotLike":{"aws:PrincipalARN":["arn:aws:iam::*:role/Role1AllowedToBypassThisSCP"]}}}`)
	with := func(action, region, arn string) refCase {
		return refCase{Identity: everything, SCP: [][]string{{scp}}, Action: action, Resource: "*", Context: map[string]any{"aws:RequestedRegion": region, "aws:PrincipalArn": arn}}
	}
	check(t, "allowed region", with("ec2:RunInstances", "eu-west-1", ana), yes)
	check(t, "other region", with("ec2:RunInstances", "us-east-1", ana), denied, "scp")
	check(t, "exempt action", with("iam:ListRoles", "us-east-1", ana), yes)
	check(t, "exempt role", with("ec2:RunInstances", "us-east-1", "arn:aws:iam::111111111111:role/Role1AllowedToBypassThisSCP"), yes)
}

// TestDocConfusedDeputy: Organizations User Guide, "RCP examples": only
// services acting for the organization may reach a bucket.
func TestDocConfusedDeputy(t *testing.T) {
	rcp := policy(`{"Effect":"Deny","Principal":"*","Action":["s3:*","sqs:*"],"Resource":"*","Condition":{"StringNotEqualsIfExists":{"aws:SourceOrgID":"o-1","aws:SourceAccount":["222222222222"]},"Null":{"aws:SourceArn":"false"},"Bool":{"aws:PrincipalIsAWSService":"true"}}}`)
	with := func(org string) refCase {
		return refCase{
			Principal: "cloudtrail.amazonaws.com", Resources: policy(grant(`{"Service":"cloudtrail.amazonaws.com"}`)), RCP: [][]string{{rcp}}, Action: "s3:PutObject",
			Context: map[string]any{"aws:SourceOrgID": org, "aws:SourceAccount": "333333333333", "aws:SourceArn": "arn:aws:cloudtrail:us-east-1:333333333333:trail/t", "aws:PrincipalIsAWSService": "true"},
		}
	}
	check(t, "our organization", with("o-1"), yes)
	check(t, "another", with("o-2"), denied, "rcp")
}

// TestDocBoundaryDelegation: IAM User Guide, "Permissions boundaries for IAM
// entities", "Evaluating effective permissions with boundaries".
func TestDocBoundaryDelegation(t *testing.T) {
	boundary := []string{policy(allow("s3:*", "*", ""), allow("cloudwatch:*", "*", ""), allow("ec2:*", "*", ""))}
	user := refCase{Identity: []string{policy(allow("iam:CreateUser", "*", ""))}, Boundary: boundary, Action: "iam:CreateUser", Resource: "*"}
	check(t, "allowed by the policy, not by the boundary", user, no, "pb")
	user.Action = "s3:ListBucket"
	check(t, "allowed by the boundary, not by a policy", user, no)
}

// TestDocNotPrincipal: IAM User Guide, "AWS JSON policy elements:
// NotPrincipal": Bob and his account are listed, and only Bob is spared.
func TestDocNotPrincipal(t *testing.T) {
	doc := policy(`{"Effect":"Deny","NotPrincipal":{"AWS":["arn:aws:iam::444455556666:user/Bob","arn:aws:iam::444455556666:root"]},"Action":"s3:*","Resource":["arn:aws:s3:::BUCKETNAME","arn:aws:s3:::BUCKETNAME/*"]}`)
	with := func(user string) refCase {
		return refCase{Principal: "arn:aws:iam::444455556666:user/" + user, Owner: "444455556666", Identity: everything, Resources: doc, Resource: "arn:aws:s3:::BUCKETNAME/k"}
	}
	check(t, "Bob", with("Bob"), yes)
	check(t, "Alice", with("Alice"), denied)
}

// TestDocHomeFolder: Amazon S3 User Guide, "Walkthrough: Controlling access to
// a bucket with user policies".
func TestDocHomeFolder(t *testing.T) {
	doc := policy(
		`{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::companybucket","Condition":{"StringEquals":{"s3:prefix":["","Development/"],"s3:delimiter":["/"]}}}`,
		`{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::companybucket","Condition":{"StringLike":{"s3:prefix":["Development/*"]}}}`,
		allow("s3:GetObject", "arn:aws:s3:::companybucket/Development/*", ""))
	list := func(ctx map[string]any) refCase {
		return refCase{Identity: []string{doc}, Action: "s3:ListBucket", Resource: "arn:aws:s3:::companybucket", Context: ctx}
	}
	check(t, "root level, with delimiter", list(map[string]any{"s3:prefix": "", "s3:delimiter": "/"}), yes)
	check(t, "root level, no delimiter", list(map[string]any{"s3:prefix": ""}), no)
	check(t, "no prefix at all", list(map[string]any{"s3:delimiter": "/"}), no)
	check(t, "inside", list(map[string]any{"s3:prefix": "Development/x/"}), yes)
	check(t, "elsewhere", list(map[string]any{"s3:prefix": "Finance/", "s3:delimiter": "/"}), no)
}

// TestPitfalls are mistakes that other evaluators have made (IAM-110); those
// with a rule of their own are in its table.
func TestPitfalls(t *testing.T) {
	check(t, "a grant for b/public/* does not open b/secret/x", refCase{
		Resources: policy(`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/public/*"}`), Resource: "arn:aws:s3:::b/secret/x",
	}, no)
	check(t, "an unknown operator does not turn a Deny off", identityCase(anything, deny("*", "*", `"Condition":{"StringEqualsBogus":{"a:b":"c"}}`)), denied)
	check(t, "ForAnyValue matches", refCase{Identity: []string{policy(conditioned("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-1/*"))}, Context: map[string]any{"aws:PrincipalOrgPaths": []string{"o-1/r/ou/"}}}, yes)
	check(t, "an endpoint policy's principal counts", refCase{Identity: everything, Endpoint: []string{policy(grant(aws(bob)))}}, no)
	check(t, "an RCP does not reach every service", refCase{
		Identity: everything, Action: "lambda:InvokeFunction", Resource: "arn:aws:lambda:us-east-1:111111111111:function:f",
		RCP: [][]string{{policy(`{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`)}},
	}, yes)
}

func TestIAM68Derive(t *testing.T) {
	for _, c := range []struct {
		caller string
		want   map[string]string
	}{
		{ana, map[string]string{"aws:PrincipalArn": ana, "aws:username": "ana", "aws:PrincipalType": "User", "aws:PrincipalAccount": "111111111111", "aws:PrincipalIsAWSService": "false", "aws:userid": "AIDAX"}},
		{app, map[string]string{"aws:PrincipalArn": appRole, "aws:PrincipalType": "AssumedRole", "aws:userid": "AIDAX", "aws:CurrentTime": "2024-01-02T03:04:05Z", "aws:EpochTime": "1704164645"}},
		{fedAna, map[string]string{"aws:PrincipalArn": fedAna, "aws:PrincipalType": "FederatedUser", "aws:userid": "111111111111:ana"}},
		{root, map[string]string{"aws:PrincipalArn": root, "aws:PrincipalType": "Account", "aws:userid": "111111111111"}},
		{"anonymous", map[string]string{"aws:PrincipalType": "Anonymous", "aws:userid": "anonymous"}},
		{"sns.amazonaws.com", map[string]string{"aws:PrincipalIsAWSService": "true", "aws:PrincipalServiceName": "sns.amazonaws.com"}},
	} {
		for key, value := range c.want {
			rc := refCase{Principal: c.caller, Owner: "222222222222", Identity: everything, Resources: policy(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"StringEquals":{"` + key + `":"` + value + `"}}}`)}.filled()
			r := rc.question(t)
			r.Principal.ID = "AIDAX"
			if r.Principal.IsSession() {
				rc.Session = policy(anything)
			}
			p := rc.build(t)
			require.False(t, p.Decide(r).Allowed())
			r.Derive(moment)
			require.NoError(t, r.Context.Err())
			require.True(t, p.Decide(r).Allowed(), "%s %s: %v", c.caller, key, p.Explain(r))
		}
	}
}

func TestIAM68DeriveYields(t *testing.T) {
	r := refCase{Principal: app, Context: map[string]any{"aws:PrincipalArn": "mine"}}.filled()
	q := r.question(t)
	q.Principal.Tags = map[string]string{"team": "a"}
	q.RequestTags = map[string]string{"b": "1", "a": "2"}
	q.Derive(moment)
	q.Derive(moment)
	require.NoError(t, q.Context.Err())
	x := r.build(t).Explain(q)
	var keys []string
	for _, k := range x.Derived {
		keys = append(keys, k.Key)
	}
	require.Equal(t, []string{"aws:CurrentTime", "aws:EpochTime", "aws:PrincipalAccount", "aws:PrincipalIsAWSService", "aws:PrincipalTag/team", "aws:PrincipalType", "aws:RequestTag/a", "aws:RequestTag/b", "aws:ResourceAccount", "aws:TagKeys"}, keys, "what the caller set stays")
	inexact := refCase{Principal: app}.filled()
	q = inexact.question(t)
	q.Derive(moment)
	x = inexact.build(t).Explain(q)
	require.Contains(t, x.Derived, iampolicy.DerivedKey{Key: "aws:PrincipalArn", Inexact: true})
	q = inexact.question(t)
	q.Principal.RoleARN = "arn:aws:iam::111111111111:role/team/app"
	q.Derive(moment)
	require.Contains(t, inexact.build(t).Explain(q).Derived, iampolicy.DerivedKey{Key: "aws:PrincipalArn"})
	q = inexact.question(t)
	q.Principal.Tags = map[string]string{"Team": "a", "team": "b"}
	q.Derive(moment)
	require.ErrorIs(t, q.Context.Err(), iampolicy.ErrRequest, "two tags equal but for case")
}

func TestIAM74Missing(t *testing.T) {
	missing := func(c refCase) []string {
		c = c.filled()
		return c.build(t).Explain(c.question(t)).Missing
	}
	onTag := conditioned("StringEquals", "aws:PrincipalTag/t", "a")
	require.Equal(t, []string{"aws:PrincipalTag/t"}, missing(identityCase(onTag)))
	require.Empty(t, missing(identityCase(onTag, anything)), "allowed anyway")
	require.Empty(t, missing(identityCase(onTag, deny("*", "*", ""))), "denied anyway")
	require.Empty(t, missing(identityCase(allow("sqs:*", "*", `"Condition":{"StringEquals":{"a:b":"c"}}`))), "another action")
	require.Equal(t, []string{"a:b"}, missing(identityCase(anything, deny("*", "*", `"Condition":{"StringEquals":{"a:b":"c"}}`))))
	require.Equal(t, []string{"aws:username"}, missing(identityCase(allow("*", "arn:aws:s3:::b/${aws:username}", ""))), "a variable of a resource")
	require.Equal(t, []string{"a:b"}, missing(refCase{Identity: everything, SCP: [][]string{{policy(conditioned("Bool", "a:b", "true"))}}}), "also of SCPs")
	require.Empty(t, missing(refCase{Identity: []string{policy(onTag)}, SCP: [][]string{listed}}), "closed whatever the key says")
	require.Empty(t, missing(refCase{Identity: []string{policy(conditioned("StringEquals", "a:b", "c"))}, Context: map[string]any{"a:b": "z"}}), "present")
	withDefault := `arn:aws:s3:::b/${aws:username, 'k'}`
	require.Equal(t, []string{"aws:username"}, missing(identityCase(anything, deny("*", withDefault, ""))), "a default that applies as long as the key is absent")
	require.Empty(t, missing(identityCase(anything, `{"Effect":"Deny","Action":"*","Resource":["arn:aws:s3:::b/k","`+withDefault+`"]}`)), "another pattern decides")
	named := func(effect, element, principal, id string) refCase {
		return refCase{Principal: principal, Identity: everything, Resources: policy(`{"Effect":"` + effect + `","` + element + `":{"AWS":"` + id + `"},"Action":"*","Resource":"*"}`)}
	}
	byID := []string{"aws:userid"}
	require.Equal(t, byID, missing(named("Deny", "Principal", app, "AROAEXAMPLEID")), "a unique id is compared with aws:userid")
	require.Equal(t, byID, missing(named("Deny", "Principal", ana, "AIDAEXAMPLEID")))
	require.Equal(t, byID, missing(named("Deny", "NotPrincipal", ana, "AIDAEXAMPLEID")))
	require.Empty(t, missing(named("Deny", "NotPrincipal", app, "AROAEXAMPLEID")), "a role's id does not spare its sessions")
	require.Empty(t, missing(named("Allow", "Principal", ana, "AIDAEXAMPLEID")), "allowed anyway")
	granted := named("Allow", "Principal", ana, "AIDAEXAMPLEID")
	granted.Identity = []string{policy()}
	require.Equal(t, byID, missing(granted))
	granted.Context = map[string]any{"aws:userid": "AIDAOTHERID"}
	require.Empty(t, missing(granted), "present")
}

func TestIAM72Explain(t *testing.T) {
	c := refCase{
		Identity: []string{policy(
			allow("sqs:*", "*", ""),
			allow("*", "arn:aws:s3:::c/${aws:username}", ""),
			conditioned("StringEquals", "aws:PrincipalTag/t", "a"),
			`{"Sid":"Open","Effect":"Allow","Action":"s3:*","Resource":"*"}`)},
		Resources: policy(grant(aws(bob))),
		Context:   map[string]any{"aws:username": "ana"},
	}.filled()
	x := c.build(t).Explain(c.question(t))
	require.Equal(t, iampolicy.Allowed, x.Outcome)
	identity := x.Sets[0]
	require.Equal(t, "identity", identity.Type)
	var failed []string
	for _, st := range identity.Statements {
		failed = append(failed, st.Failed+": "+st.Why)
	}
	require.Equal(t, []string{
		`Action: "s3:GetObject" is not among "sqs:*"`,
		`Resource: "arn:aws:s3:::b/k" is not among "arn:aws:s3:::c/${aws:username}"; ${aws:username} is "ana"`,
		`Condition.StringEquals["aws:PrincipalTag/t"]: StringEquals wants "a"; aws:PrincipalTag/t is absent`,
		": ",
	}, failed)
	require.True(t, identity.Statements[3].Applied)
	require.Equal(t, "Open", identity.Statements[3].Name())
	require.Equal(t, "Statement[3]", identity.Statements[3].Span.Path)
	require.Equal(t, 4, identity.Statements[3].Index)
	require.Equal(t, "Principal", x.Sets[1].Statements[0].Failed)
	require.Equal(t, x.String(), c.build(t).Explain(c.question(t)).String())
	require.Contains(t, x.String(), "* Allow 0/Open (line 1): applies")
}
