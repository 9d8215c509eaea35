// SPDX-License-Identifier: Apache-2.0

package iampolicy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/iampolicy"
)

const (
	allUsers      = "http://acs.amazonaws.com/groups/global/AllUsers"
	authenticated = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
	logDelivery   = "http://acs.amazonaws.com/groups/s3/LogDelivery"
	canonicalBob  = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
)

// decideACL decides by an ACL, and by identity policies when there are some.
func decideACL(t *testing.T, l *iampolicy.ACL, who iampolicy.Principal, action, resource string, identity ...string) iampolicy.Outcome {
	t.Helper()
	p := &iampolicy.Policies{ACL: l}
	if len(identity) > 0 {
		doc, err := iampolicy.Parse([]byte(policy(identity...)))
		require.NoError(t, err)
		p.Identity, err = iampolicy.Compile(iampolicy.KindIdentity, doc)
		require.NoError(t, err)
	}
	r := &iampolicy.Request{Principal: who, Action: action, Resource: resource, ResourceAccount: "111111111111"}
	got := p.Decide(r).Outcome
	require.Equal(t, got, p.Explain(r).Outcome)
	x := p.Residual(r, knowledgeOf(nil))
	require.Nil(t, x.Depends)
	require.Equal(t, got == iampolicy.Allowed, x.Allowed)
	return got
}

func principalOf(t *testing.T, text, canonical string) iampolicy.Principal {
	t.Helper()
	p, err := iampolicy.ParsePrincipal(text)
	require.NoError(t, err)
	p.CanonicalID = canonical
	return p
}

// TestIAM76ACL: who a grant lets in, and what makes it void.
func TestIAM76ACL(t *testing.T) {
	var anonymous iampolicy.Principal
	bob := principalOf(t, "arn:aws:iam::222222222222:user/bob", canonicalBob)
	ana := principalOf(t, "arn:aws:iam::111111111111:user/ana", canonicalBob)
	logs := iampolicy.ServicePrincipal("logging.s3.amazonaws.com")
	const object = "arn:aws:s3:::b/k"
	for _, c := range []struct {
		name     string
		grantee  string
		who      iampolicy.Principal
		identity []string
		want     bool
	}{
		{"AllUsers, anonymous", allUsers, anonymous, nil, true},
		{"AllUsers, the other account must allow too", allUsers, bob, nil, false},
		{"AllUsers, and it does", allUsers, bob, []string{anything}, true},
		{"AllUsers is everyone in the same account", allUsers, ana, nil, true},
		{"AllUsers never overrules a Deny", allUsers, ana, []string{deny("*", "*", "")}, false},
		{"AuthenticatedUsers, anonymous", authenticated, anonymous, nil, false},
		{"AuthenticatedUsers", authenticated, bob, []string{anything}, true},
		{"LogDelivery", logDelivery, logs, nil, true},
		{"LogDelivery, another service", logDelivery, iampolicy.ServicePrincipal("sns.amazonaws.com"), nil, false},
		{"a canonical id", canonicalBob, bob, []string{anything}, true},
		{"another canonical id", canonicalBob[1:] + "0", bob, []string{anything}, false},
		{"a canonical id names an account: no path of its own", canonicalBob, ana, nil, false},
		{"an empty id names nobody", "", principalOf(t, "arn:aws:iam::222222222222:user/bob", ""), []string{anything}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &iampolicy.ACL{Object: []iampolicy.ACLGrant{{Grantee: c.grantee, Permission: "READ"}}}
			require.Equal(t, c.want, decideACL(t, l, c.who, "s3:GetObject", object, c.identity...) == iampolicy.Allowed)
		})
	}
	public := []iampolicy.ACLGrant{{Grantee: allUsers, Permission: "FULL_CONTROL"}}
	require.Equal(t, iampolicy.Allowed, decideACL(t, &iampolicy.ACL{Object: public}, anonymous, "s3:GetObject", object))
	require.Equal(t, iampolicy.ImplicitDeny, decideACL(t, &iampolicy.ACL{Object: public, OwnershipEnforced: true}, anonymous, "s3:GetObject", object))
	require.Equal(t, iampolicy.ImplicitDeny, decideACL(t, &iampolicy.ACL{Object: public, IgnorePublicAcls: true}, anonymous, "s3:GetObject", object))
	own := &iampolicy.ACL{Object: []iampolicy.ACLGrant{{Grantee: canonicalBob, Permission: "READ"}}, IgnorePublicAcls: true}
	require.Equal(t, iampolicy.Allowed, decideACL(t, own, bob, "s3:GetObject", object, anything), "IgnorePublicAcls drops public groups only")
	// "Blocking public access to your Amazon S3 storage": AllUsers and
	// AuthenticatedUsers are what makes an ACL public.
	for grantee, want := range map[string]iampolicy.Outcome{authenticated: iampolicy.ImplicitDeny, logDelivery: iampolicy.Allowed} {
		l := &iampolicy.ACL{Bucket: []iampolicy.ACLGrant{{Grantee: grantee, Permission: "WRITE"}}, IgnorePublicAcls: true}
		who, identity := logs, []string(nil)
		if grantee == authenticated {
			who, identity = bob, []string{anything}
		}
		require.Equal(t, want, decideACL(t, l, who, "s3:PutObject", object, identity...))
	}
}

// TestIAM77Permissions: which permission on what grants which action.
func TestIAM77Permissions(t *testing.T) {
	const bucket, object = "arn:aws:s3:::b", "arn:aws:s3:::b/k"
	permissions := []string{"READ", "WRITE", "READ_ACP", "WRITE_ACP", "FULL_CONTROL", "read", ""}
	for _, c := range []struct {
		action, resource, permission string
		onBucket                     bool
	}{
		{"s3:ListBucket", bucket, "READ", true},
		{"s3:ListBucketVersions", bucket, "READ", true},
		{"s3:ListBucketMultipartUploads", bucket, "READ", true},
		{"s3:PutObject", object, "WRITE", true},
		{"s3:GetBucketAcl", bucket, "READ_ACP", true},
		{"s3:PutBucketAcl", bucket, "WRITE_ACP", true},
		{"S3:getobject", object, "READ", false},
		{"s3:GetObjectVersion", object, "READ", false},
		{"s3:GetObjectTorrent", object, "READ", false},
		{"s3:GetObjectAcl", object, "READ_ACP", false},
		{"s3:PutObjectAcl", object, "WRITE_ACP", false},
		{"s3:GetObject", bucket, "none", false},
		{"s3:ListBucket", object, "none", true},
		{"s3:DeleteObject", object, "none", true},
		{"s3:GetBucketPolicy", bucket, "none", true},
		{"s3:GetObject", "arn:aws:s3:us-east-1:111111111111:accesspoint/a/object/k", "none", false},
		{"s3:GetObject", "arn:aws:s3:::b/*", "none", false},
		{"sqs:GetObject", object, "none", false},
	} {
		for _, permission := range permissions {
			for _, onBucket := range []bool{true, false} {
				l := &iampolicy.ACL{}
				list := []iampolicy.ACLGrant{{Grantee: allUsers, Permission: permission}}
				if onBucket {
					l.Bucket = list
				} else {
					l.Object = list
				}
				want := onBucket == c.onBucket && c.permission != "none" && (permission == c.permission || permission == "FULL_CONTROL")
				got := decideACL(t, l, iampolicy.Principal{}, c.action, c.resource)
				require.Equal(t, want, got == iampolicy.Allowed, "%s on %s by %s (bucket ACL: %t)", c.action, c.resource, permission, onBucket)
			}
		}
	}
	write := &iampolicy.ACL{Bucket: []iampolicy.ACLGrant{{Grantee: allUsers, Permission: "WRITE"}}}
	owner, other := principalOf(t, "arn:aws:iam::111111111111:user/ana", ""), principalOf(t, "arn:aws:iam::222222222222:user/bob", "")
	require.Equal(t, iampolicy.Allowed, decideACL(t, write, owner, "s3:DeleteObject", object))
	require.Equal(t, iampolicy.ImplicitDeny, decideACL(t, write, other, "s3:DeleteObject", object, anything))
}
