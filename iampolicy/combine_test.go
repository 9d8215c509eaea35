// SPDX-License-Identifier: Apache-2.0

package iampolicy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/iampolicy"
)

var everything = []string{policy(anything)}

// listed is policies that allow something else.
var listed = []string{policy(onlyList)}

func TestIAM49WhichTypesApply(t *testing.T) {
	service := "sns.amazonaws.com"
	denyAll := []string{policy(deny("*", "*", ""))}
	open := policy(grant(`"*"`))
	linked := "arn:aws:sts::111111111111:assumed-role/AWSServiceRoleForX/s"
	check(t, "identity, root", refCase{Principal: root, Identity: denyAll}, yes)
	check(t, "identity, service", refCase{Principal: service, Identity: denyAll, Resources: open}, yes)
	check(t, "identity, anonymous", refCase{Principal: "anonymous", Identity: denyAll, Resources: open}, yes)
	check(t, "boundary, root", refCase{Principal: root, Boundary: denyAll}, yes)
	check(t, "boundary, sessions too", refCase{Principal: app, Identity: everything, Boundary: listed}, no)
	check(t, "scp, user", refCase{Identity: everything, SCP: [][]string{listed}}, no, "scp")
	check(t, "scp, root", refCase{Principal: root, SCP: [][]string{listed}}, no, "scp")
	check(t, "scp, management account", refCase{Identity: everything, SCP: [][]string{listed}, ManagementPrincipal: true}, yes)
	check(t, "scp, service-linked role", refCase{Principal: linked, Identity: everything, SCP: [][]string{denyAll}}, yes)
	check(t, "scp, service", refCase{Principal: service, SCP: [][]string{denyAll}, Resources: open}, yes)
	check(t, "scp, anonymous", refCase{Principal: "anonymous", SCP: [][]string{denyAll}, Resources: open}, yes)
	rcp := [][]string{{policy(`{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`)}}
	check(t, "rcp, anonymous", refCase{Principal: "anonymous", RCP: rcp, Resources: open}, denied, "rcp")
	check(t, "rcp, service", refCase{Principal: service, RCP: rcp, Resources: open}, denied)
	check(t, "rcp, root", refCase{Principal: root, RCP: rcp}, denied)
	check(t, "rcp, outsider", refCase{Principal: bob, Identity: everything, RCP: rcp, Resources: open}, denied)
	check(t, "rcp, management account", refCase{Identity: everything, RCP: rcp, ManagementResource: true}, yes)
	check(t, "rcp, service-linked role", refCase{Principal: linked, Identity: everything, RCP: rcp}, yes)
	check(t, "rcp, RetireGrant", refCase{Identity: everything, RCP: rcp, Action: "kms:RetireGrant", Resource: "arn:aws:kms:us-east-1:111111111111:alias/x"}, yes)
	check(t, "IAM-50: rcp, unsupported service", refCase{Identity: everything, RCP: rcp, Action: "ec2:RunInstances", Resource: "arn:aws:ec2:us-east-1:111111111111:instance/i"}, yes)
	check(t, "endpoint without Allow", refCase{Identity: everything, Endpoint: []string{policy(`{"Effect":"Allow","Principal":"*","Action":"s3:ListBucket","Resource":"*"}`)}}, no, "vpce")
	check(t, "endpoint names another principal", refCase{Identity: everything, Endpoint: []string{policy(grant(aws(bob)))}}, no, "vpce")
}

func TestIAM49SessionPolicyWithoutSession(t *testing.T) {
	c := identityCase(anything).filled()
	c.Session = policy(anything)
	p, r := c.build(t), c.question(t)
	d := p.Decide(r)
	require.ErrorIs(t, d.Err, iampolicy.ErrRequest)
	require.False(t, d.Allowed())
	require.ErrorIs(t, p.Explain(r).Err, iampolicy.ErrRequest)
}

func TestIAM49ManagedKeyAndServices(t *testing.T) {
	c := refCase{Identity: everything, RCP: [][]string{{policy(`{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`)}}}.filled()
	p, r := c.build(t), c.question(t)
	require.Equal(t, iampolicy.ExplicitDeny, p.Decide(r).Outcome)
	r.AWSManagedKey = true
	require.Equal(t, iampolicy.Allowed, p.Decide(r).Outcome)
	r.AWSManagedKey = false
	p.RCPServices = map[string]bool{"sqs": true}
	require.Equal(t, iampolicy.Allowed, p.Decide(r).Outcome, "IAM-50: the list can be replaced")
	p.RCPServices = map[string]bool{"s3": true}
	require.Equal(t, iampolicy.ExplicitDeny, p.Decide(r).Outcome)
}

func TestIAM52Steps(t *testing.T) {
	check(t, "0 GetCallerIdentity needs nothing", refCase{Action: "sts:GetCallerIdentity", Resource: "*", SCP: [][]string{{policy(deny("*", "*", ""))}}}, yes)
	check(t, "0 not for the anonymous", refCase{Principal: "anonymous", Action: "sts:GetCallerIdentity", Resource: "*"}, no)
	check(t, "1 any Deny", refCase{Identity: everything, Resources: policy(`{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`)}, denied)
	check(t, "2 every level of SCPs", refCase{Identity: everything, SCP: [][]string{everything, listed, everything}}, no, "scp")
	check(t, "2 a level is a union", refCase{Identity: everything, SCP: [][]string{{policy(onlyList), policy(anything)}}}, yes)
	check(t, "2 a level without policies", refCase{Identity: everything, SCP: [][]string{{}}}, no, "scp")
	check(t, "2 an SCP never grants", refCase{SCP: [][]string{everything}}, no)
	check(t, "3 anonymous", refCase{Principal: "anonymous", Resources: policy(grant(`"*"`))}, yes)
	check(t, "3 anonymous, not named", refCase{Principal: "anonymous", Resources: policy(grant(aws("111111111111")))}, no)
	check(t, "3 service", refCase{Principal: "sns.amazonaws.com", Resources: policy(grant(`{"Service":"sns.amazonaws.com"}`)), Owner: "222222222222"}, yes)
	web := refCase{Principal: "accounts.google.com", Action: "sts:AssumeRoleWithWebIdentity", Resource: appRole, Trust: true}
	check(t, "4 no trust policy", web, no)
	web.Resources = policy(`{"Effect":"Allow","Principal":{"Federated":"accounts.google.com"},"Action":"sts:AssumeRoleWithWebIdentity"}`)
	c := web.filled()
	r := c.question(t)
	r.Principal = iampolicy.FederatedPrincipal("accounts.google.com")
	require.Equal(t, iampolicy.Allowed, c.build(t).Decide(r).Outcome, "4 trust policy")
	check(t, "5 same account, identity alone", refCase{Identity: everything}, yes)
	check(t, "5 same account, resource alone", refCase{Resources: policy(grant(aws(ana)))}, yes)
	check(t, "6 cross account, identity alone", refCase{Identity: everything, Owner: "222222222222"}, no)
	check(t, "6 cross account, resource alone", refCase{Resources: policy(grant(aws(ana))), Owner: "222222222222"}, no)
	check(t, "6 cross account, both", refCase{Identity: everything, Resources: policy(grant(aws("111111111111"))), Owner: "222222222222"}, yes)
	check(t, "IAM-55 the owner's SCPs do not limit an outsider, who has its own", refCase{Principal: bob, Identity: everything, Resources: policy(grant(aws(bob)))}, yes)
	check(t, "IAM-56 unknown owner", refCase{Identity: everything, Owner: "unknown"}, no)
	check(t, "IAM-56 unknown owner, both", refCase{Identity: everything, Resources: policy(grant(aws(ana))), Owner: "unknown"}, yes)
}

func TestIAM57IdentityPath(t *testing.T) {
	check(t, "boundary", refCase{Identity: everything, Boundary: listed}, no, "pb")
	check(t, "session", refCase{Principal: app, Identity: everything, Session: policy(onlyList)}, no)
	check(t, "role session without session policy", refCase{Principal: app, Identity: everything}, yes)
	check(t, "federated session without session policy", refCase{Principal: fedAna, Identity: everything}, no)
	check(t, "federated session", refCase{Principal: fedAna, Identity: everything, Session: policy(anything)}, yes)
	check(t, "federated session across accounts", refCase{Principal: fedAna, Identity: everything, Resources: policy(grant(aws("111111111111"))), Owner: "222222222222"}, no)
}

// TestIAM58WhatLimitsAGrant is the table of "Policy evaluation logic" and "AWS
// JSON policy elements: Principal".
func TestIAM58WhatLimitsAGrant(t *testing.T) {
	for _, c := range []struct {
		name, entry, caller         string
		plain, boundary, session, X string
	}{
		{"everyone, user", `"*"`, ana, yes, yes, "", ""},
		{"everyone, session", `"*"`, app, yes, yes, yes, ""},
		{"everyone, federated session", aws("*"), fedAna, yes, yes, yes, ""},
		{"user", aws(ana), ana, yes, yes, "", ""},
		{"session", aws(app), app, yes, yes, yes, ""},
		{"federated session", aws(fedAna), fedAna, yes, yes, yes, ""},
		{"role", aws(appRole), app, yes, no, no, ""},
		{"role, request as role", aws(appRole), appRole, yes, no, no, ""},
		{"user, federated session", aws(ana), fedAna, yes, no, no, ""},
		{"account", aws("111111111111"), ana, no, no, "", ""},
	} {
		check(t, c.name+": implicit deny in identity", refCase{Principal: c.caller, Resources: policy(grant(c.entry))}, c.plain)
		check(t, c.name+": in the boundary", refCase{Principal: c.caller, Resources: policy(grant(c.entry)), Boundary: listed}, c.boundary)
		if c.session != "" {
			check(t, c.name+": in the session policy", refCase{Principal: c.caller, Resources: policy(grant(c.entry)), Session: policy(onlyList)}, c.session)
		}
		check(t, c.name+": explicit deny", refCase{Principal: c.caller, Resources: policy(grant(c.entry)), Identity: []string{policy(deny("*", "*", ""))}}, denied)
	}
	check(t, "pinned to an ARN in a condition", refCase{
		Principal: app, Boundary: listed, Context: map[string]any{"aws:PrincipalArn": appRole},
		Resources: policy(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"ArnEquals":{"aws:PrincipalArn":"` + appRole + `"}}}`),
	}, yes)
}

// TestIAM59BoundaryExamples are the examples of "Policy evaluation logic".
func TestIAM59BoundaryExamples(t *testing.T) {
	one := func(entry, caller string) refCase {
		return refCase{Principal: caller, Boundary: listed, Resources: policy(grant(aws(entry)))}
	}
	check(t, "role ARN, session", one(appRole, app), no, "pb")
	check(t, "session ARN", one(app, app), yes)
	check(t, "user ARN", one(ana, ana), yes)
	check(t, "account", one("111111111111", ana), no)
}

func TestIAM60CrossAccount(t *testing.T) {
	base := refCase{Owner: "222222222222", Resources: policy(grant(aws(ana))), Identity: everything}
	check(t, "both sides", base, yes)
	limited := base
	limited.Boundary = listed
	check(t, "the boundary always limits", limited, no, "pb")
	session := base
	session.Principal, session.Resources, session.Session = app, policy(grant(aws(app))), policy(onlyList)
	check(t, "the session policy always limits", session, no)
	rootCase := refCase{Owner: "222222222222", Principal: root, Resources: policy(grant(aws("111111111111")))}
	check(t, "root has a full identity side", rootCase, yes)
	deniedByOwner := base
	deniedByOwner.Resources = policy(grant(aws(ana)), `{"Effect":"Deny","Principal":{"AWS":"111111111111"},"Action":"*","Resource":"*"}`)
	check(t, "IAM-25 a Deny of the account", deniedByOwner, denied)
}

func TestIAM61Root(t *testing.T) {
	check(t, "full access", refCase{Principal: root}, yes)
	check(t, "explicit deny", refCase{Principal: root, Resources: policy(`{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`)}, denied)
	check(t, "rcp", refCase{Principal: root, RCP: [][]string{{policy(`{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`)}}}, denied)
	c := refCase{Principal: fedAna, Session: policy(onlyList)}.filled()
	p, r := c.build(t), c.question(t)
	r.Principal.FederatedByRoot = true
	require.False(t, p.Decide(r).Allowed())
	r.Action = "s3:ListBucket"
	require.True(t, p.Decide(r).Allowed(), "limited by its session policy alone")
	c = refCase{Principal: root}.filled()
	c.Session = policy(onlyList)
	p, r = c.build(t), c.question(t)
	r.Principal.AssumedRoot = true
	require.False(t, p.Decide(r).Allowed())
	r.Action = "s3:ListBucket"
	require.True(t, p.Decide(r).Allowed(), "AssumeRoot: the task policy limits")
}

func TestIAM62TrustPolicies(t *testing.T) {
	assume := refCase{Action: "sts:AssumeRole", Resource: appRole, Trust: true}
	with := func(entry string, c refCase) refCase {
		c.Action, c.Resource, c.Trust = assume.Action, assume.Resource, true
		if entry != "" {
			c.Resources = policy(`{"Effect":"Allow","Principal":` + entry + `,"Action":"sts:AssumeRole"}`)
		}
		return c
	}
	check(t, "no trust policy", with("", refCase{Identity: everything}), no)
	check(t, "account alone", with(aws("111111111111"), refCase{}), no)
	check(t, "account and identity", with(aws("111111111111"), refCase{Identity: everything}), yes)
	check(t, "user alone", with(aws(ana), refCase{}), yes)
	check(t, "another user, identity", with(aws(bob), refCase{Identity: everything}), no)
	check(t, "role chaining, itself", with(aws(appRole), refCase{Principal: app}), yes)
	check(t, "itself without being named", with(aws(ana), refCase{Principal: app, Identity: everything}), no)
	check(t, "role, limited by the boundary", with(aws(appRole), refCase{Principal: app, Boundary: listed}), no, "pb")
	check(t, "cross account", with(aws("222222222222"), refCase{Principal: bob, Identity: everything}), yes)
	check(t, "cross account, trust alone", with(aws(bob), refCase{Principal: bob}), no)
	check(t, "root cannot assume roles", with(`"*"`, refCase{Principal: root}), no)
}

func TestIAM63Keys(t *testing.T) {
	key := "arn:aws:kms:us-east-1:111111111111:key/1"
	with := func(resource string, c refCase) refCase {
		c.Action, c.Resource = "kms:Decrypt", resource
		return c
	}
	check(t, "no key policy", with(key, refCase{Identity: everything}), no)
	check(t, "no account entry", with(key, refCase{Identity: everything, Resources: policy(grant(aws(bob)))}), no)
	check(t, "account and identity", with(key, refCase{Identity: everything, Resources: policy(grant(aws(root)))}), yes)
	check(t, "named", with(key, refCase{Resources: policy(grant(aws(ana)))}), yes)
	check(t, "root not named", with(key, refCase{Principal: root, Resources: policy(grant(aws(ana)))}), no)
	check(t, "root", with(key, refCase{Principal: root, Resources: policy(grant(aws("111111111111")))}), yes)
	check(t, "alias", with("arn:aws:kms:us-east-1:111111111111:alias/x", refCase{Identity: everything}), yes)
	check(t, "star", with("*", refCase{Identity: everything}), yes)
}

func TestIAM63Grants(t *testing.T) {
	c := refCase{Action: "kms:Decrypt", Resource: "arn:aws:kms:us-east-1:111111111111:key/1", Principal: app, Boundary: listed}.filled()
	p, r := c.build(t), c.question(t)
	grant := iampolicy.Grant{Grantee: appRole, Key: c.Resource, Operations: []string{"Decrypt"}}
	decide := func(g iampolicy.Grant) bool {
		p.Grants = []iampolicy.Grant{g}
		return p.Decide(r).Allowed()
	}
	require.False(t, p.Decide(r).Allowed())
	require.True(t, decide(grant), "direct: the boundary does not limit it")
	other := grant
	other.Operations = []string{"Encrypt"}
	require.False(t, decide(other))
	other = grant
	other.Key += "2"
	require.False(t, decide(other))
	other = grant
	other.Grantee = ana
	require.False(t, decide(other))
	other = grant
	other.EncryptionContextSubset = map[string]string{"tenant": "7"}
	require.False(t, decide(other))
	r.Context.Set("kms:EncryptionContext:tenant", "7")
	require.True(t, decide(other))
	other.EncryptionContextEquals = other.EncryptionContextSubset
	require.True(t, decide(other))
	r.Context.Set("kms:EncryptionContext:more", "1")
	require.False(t, decide(other))
	other.EncryptionContextEquals = nil
	require.True(t, decide(other))
	p.Identity = nil
	denyAll, err := iampolicy.Compile(iampolicy.KindIdentity, parsed(t, policy(deny("*", "*", ""))))
	require.NoError(t, err)
	p.Identity = denyAll
	require.Equal(t, iampolicy.ExplicitDeny, p.Decide(r).Outcome)
}

func TestIAM64BlockPublicAccess(t *testing.T) {
	public := policy(grant(`"*"`))
	named := policy(grant(aws(bob)))
	base := refCase{BlockPublic: true, Resources: public, Identity: everything}
	with := func(change func(*refCase)) refCase { c := base; change(&c); return c }
	check(t, "same account", base, yes)
	check(t, "other account", with(func(c *refCase) { c.Principal = bob }), denied, "s3-bpa")
	check(t, "anonymous", with(func(c *refCase) { c.Principal = "anonymous" }), denied, "s3-bpa")
	check(t, "service", with(func(c *refCase) { c.Principal = "sns.amazonaws.com" }), yes)
	check(t, "unknown owner", with(func(c *refCase) { c.Owner = "unknown" }), denied)
	check(t, "not public", with(func(c *refCase) { c.Principal, c.Resources = bob, named }), yes)
	check(t, "even through another statement", with(func(c *refCase) {
		c.Principal = bob
		c.Resources = policy(grant(aws(bob)), `{"Effect":"Allow","Principal":"*","Action":"s3:ListBucket","Resource":"*"}`)
	}), denied, "s3-bpa")
	check(t, "core closed: no blockedBy", with(func(c *refCase) { c.Principal, c.Identity = bob, nil }), denied)
	check(t, "access point", with(func(c *refCase) {
		c.Principal, c.Resource = bob, "arn:aws:s3:us-east-1:111111111111:accesspoint/x/object/k"
	}), yes)
	check(t, "switched off", with(func(c *refCase) { c.Principal, c.BlockPublic = bob, false }), yes)
}

func TestIAM65MeaningOfPublic(t *testing.T) {
	for _, c := range []struct {
		name, statement string
		public          bool
	}{
		{"everyone", grant(`"*"`), true},
		{"everyone in a list", grant(`{"AWS":["` + ana + `","*"]}`), true},
		{"named", grant(aws(ana)), false},
		{"none", anything, true},
		{"Allow NotPrincipal", `{"Effect":"Allow","NotPrincipal":{"AWS":"` + ana + `"},"Action":"*","Resource":"*"}`, true},
		{"Deny", `{"Effect":"Deny","Principal":"*","Action":"s3:ListBucket","Resource":"*"}`, false},
		{"fixed", pinnedBy("StringEquals", "aws:SourceVpce", `"vpce-1"`), false},
		{"fixed, any case", pinnedBy("stringequals", "AWS:sourcevpce", `"vpce-1"`), false},
		{"several fixed", pinnedBy("StringEquals", "aws:PrincipalOrgID", `["o-1","o-2"]`), false},
		{"wildcard", pinnedBy("StringLike", "aws:SourceVpce", `"vpce-*"`), true},
		{"one wildcard of two", pinnedBy("StringLike", "aws:SourceVpce", `["vpce-1","*"]`), true},
		{"variable", pinnedBy("StringEquals", "aws:SourceVpce", `"${aws:username}"`), true},
		{"negated", pinnedBy("StringNotEquals", "aws:SourceVpce", `"vpce-1"`), true},
		{"IfExists", pinnedBy("StringEqualsIfExists", "aws:SourceVpce", `"vpce-1"`), true},
		{"ForAllValues holds without the key", pinnedBy("ForAllValues:StringEquals", "aws:SourceVpce", `"vpce-1"`), true},
		{"other key", pinnedBy("StringEquals", "aws:UserAgent", `"x"`), true},
		{"ARN, account fixed", pinnedBy("ArnLike", "aws:PrincipalArn", `"arn:aws:iam::111111111111:role/*"`), false},
		{"ARN, account open", pinnedBy("ArnLike", "aws:PrincipalArn", `"arn:aws:iam::*:role/app"`), true},
		{"ARN, StringLike across colons", pinnedBy("StringLike", "aws:SourceArn", `"arn:aws:s*:111111111111:x*"`), true},
		{"user id", pinnedBy("StringLike", "aws:userid", `"AROAAAAAAAAAAAAAAAAA:*"`), false},
		{"user id, open", pinnedBy("StringLike", "aws:userid", `"*:s"`), true},
		{"user id, above a number as root users' are", pinnedBy("NumericGreaterThan", "aws:userid", `"0"`), true},
		{"ARN, compared as none", pinnedBy("Bool", "aws:PrincipalArn", `"true"`), true},
		{"services", pinnedBy("Bool", "aws:PrincipalIsAWSService", `"true"`), false},
		{"not services", pinnedBy("Bool", "aws:PrincipalIsAWSService", `"false"`), true},
		{"range", pinnedBy("IpAddress", "aws:SourceIp", `"203.0.113.0/24"`), false},
		{"range too wide", pinnedBy("IpAddress", "aws:SourceIp", `"0.0.0.0/1"`), true},
		{"range of 8", pinnedBy("IpAddress", "aws:SourceIp", `"8.0.0.0/8"`), false},
		{"range of 7", pinnedBy("IpAddress", "aws:SourceIp", `"8.0.0.0/7"`), true},
		{"IPv6 of 32", pinnedBy("IpAddress", "aws:SourceIp", `"2001:db8::/32"`), false},
		{"IPv6 of 31", pinnedBy("IpAddress", "aws:SourceIp", `"2001:db8::/31"`), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := refCase{Principal: bob, BlockPublic: true, Resources: policy(c.statement)}.filled()
			refused := r.build(t).Decide(r.question(t)).Outcome == iampolicy.ExplicitDeny
			require.Equal(t, c.public, refused)
			p, err := iampolicy.Parse([]byte(`{"Version":"2012-10-17","Statement":[` + c.statement + `]}`))
			require.NoError(t, err)
			if set, err := iampolicy.Compile(iampolicy.KindResource, p); err == nil { // without a principal it does not compile
				require.Equal(t, c.public, set.Public())
			}
		})
	}
}

func pinnedBy(operator, key, values string) string {
	return `{"Effect":"Allow","Principal":"*","Action":"s3:ListBucket","Resource":"*","Condition":{"` + operator + `":{"` + key + `":` + values + `}}}`
}

func TestIAM66Guards(t *testing.T) {
	for _, c := range []struct{ action, resource, want string }{
		{"iam:DeletePolicy", "arn:aws:iam::aws:policy/ReadOnlyAccess", no},
		{"iam:GetPolicy", "arn:aws:iam::aws:policy/ReadOnlyAccess", yes},
		{"iam:DeletePolicy", "arn:aws:iam::111111111111:policy/mine", yes},
		{"iam:PassRole", "arn:aws:iam::111111111111:role/aws-reserved/sso/x", no},
		{"iam:PassRole", "arn:aws:iam::111111111111:role/mine", yes},
	} {
		owner := "111111111111"
		check(t, c.action+" "+c.resource, refCase{Identity: everything, Action: c.action, Resource: c.resource, Owner: owner}, c.want)
	}
	alias := refCase{Identity: everything, Action: "kms:DeleteAlias", Resource: "arn:aws:kms:us-east-1:111111111111:alias/aws/s3"}.filled()
	require.Equal(t, iampolicy.ImplicitDeny, alias.build(t).Decide(alias.question(t)).Outcome)
	check(t, "an explicit deny stays one", refCase{Identity: []string{policy(anything, deny("*", "*", ""))}, Action: "iam:DeletePolicy", Resource: "arn:aws:iam::aws:policy/X"}, denied)
}

func TestIAM111RootAndItsBucketPolicy(t *testing.T) {
	locked := policy(`{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`)
	with := func(action, principal, owner string) refCase {
		return refCase{Resources: locked, Action: action, Principal: principal, Owner: owner, Resource: "arn:aws:s3:::b"}
	}
	for _, action := range []string{"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"} {
		check(t, action, with(action, root, "111111111111"), yes)
	}
	check(t, "other action", with("s3:ListBucket", root, "111111111111"), denied)
	check(t, "not root", with("s3:PutBucketPolicy", ana, "111111111111"), denied)
	check(t, "root of another account", with("s3:PutBucketPolicy", root, "222222222222"), denied)
	object := with("s3:PutBucketPolicy", root, "111111111111")
	object.Resource = "arn:aws:s3:::b/k"
	check(t, "an object is no bucket", object, denied)
	object.Resource = "*"
	check(t, "some bucket", object, yes)
	scp := with("s3:PutBucketPolicy", root, "111111111111")
	scp.SCP = [][]string{{policy(anything, deny("s3:*", "*", ""))}}
	check(t, "service control policies apply", scp, denied)
}

func TestIAM112Credentials(t *testing.T) {
	one := func(principal, action string) refCase {
		return refCase{Principal: principal, Action: action, Resource: "*", Identity: everything, Session: policy(anything)}
	}
	check(t, "role session, GetFederationToken", one(app, "sts:GetFederationToken"), no)
	check(t, "role session, GetSessionToken", one(app, "sts:GetSessionToken"), no)
	check(t, "user, GetSessionToken", refCase{Action: "sts:GetSessionToken", Resource: "*"}, yes)
	check(t, "root, GetSessionToken", refCase{Principal: root, Action: "sts:GetSessionToken", Resource: "*"}, yes)
	check(t, "user, GetFederationToken", one(ana, "sts:GetFederationToken"), yes)
	check(t, "federated session, sts", one(fedAna, "sts:DecodeAuthorizationMessage"), no)
	check(t, "federated session, GetCallerIdentity", one(fedAna, "sts:GetCallerIdentity"), yes)
	check(t, "federated session, iam", one(fedAna, "iam:ListUsers"), no)
	c := one(fedAna, "iam:ListUsers").filled()
	r := c.question(t)
	r.Principal.Console = true
	require.Equal(t, iampolicy.Allowed, c.build(t).Decide(r).Outcome, "in the console")
}

func TestIAM71BlockedBy(t *testing.T) {
	denyAll := policy(deny("*", "*", ""))
	check(t, "core closed", refCase{Identity: []string{policy(anything, deny("*", "*", ""))}}, denied)
	closed := refCase{Identity: []string{policy(anything, deny("*", "*", ""))}}.filled()
	require.Empty(t, closed.build(t).Explain(closed.question(t)).BlockedBy)
	check(t, "identity", refCase{Identity: []string{denyAll}, Resources: policy(grant(aws(ana)))}, denied, "identity")
	check(t, "pb and scp", refCase{Identity: everything, SCP: [][]string{{denyAll}}, Boundary: listed}, denied, "pb", "scp")
	check(t, "bypassed boundary", refCase{Resources: policy(grant(aws(ana))), SCP: [][]string{{denyAll}}, Boundary: listed}, denied, "scp")
	check(t, "account denied", refCase{Identity: everything, Resources: policy(`{"Effect":"Deny","Principal":{"AWS":"111111111111"},"Action":"*","Resource":"*"}`)}, denied, "resource")
}

func TestIAM48Words(t *testing.T) {
	word := func(statement string) string {
		c := refCase{Identity: everything, Resources: policy(statement)}.filled()
		return c.build(t).Explain(c.question(t)).Resource
	}
	require.Equal(t, "Allowed", word(grant(aws(ana))))
	require.Equal(t, "AllowedForAccount", word(grant(aws("111111111111"))))
	require.Equal(t, "DeniedForAccount", word(`{"Effect":"Deny","Principal":{"AWS":"111111111111"},"Action":"*","Resource":"*"}`))
	require.Equal(t, "ExplicitlyDenied", word(`{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`))
	require.Equal(t, "ImplicitlyDenied", word(grant(aws(bob))))
	c := identityCase(anything).filled()
	require.Equal(t, "NotApplicable", c.build(t).Explain(c.question(t)).Resource)
}
