// SPDX-License-Identifier: Apache-2.0

package iampolicy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/iampolicy"
)

// TestIAM23Principals: the sorts of principals, which account each belongs to,
// and whether a session policy can limit it.
func TestIAM23Principals(t *testing.T) {
	for _, c := range []struct {
		text    string
		typ     iampolicy.PrincipalType
		account string
		session bool
	}{
		{ana, iampolicy.User, "111111111111", false},
		{"arn:aws-cn:iam::111111111111:user/division/ana", iampolicy.User, "111111111111", false},
		{app, iampolicy.RoleSession, "111111111111", true},
		{"arn:aws:sts::111111111111:assumed-role/app/ana@example.com", iampolicy.RoleSession, "111111111111", true},
		{appRole, iampolicy.Role, "111111111111", true},
		{"arn:aws:iam::111111111111:role/service-role/app", iampolicy.Role, "111111111111", true},
		{fedAna, iampolicy.FederatedSession, "111111111111", true},
		{root, iampolicy.Root, "111111111111", false},
		{"sns.amazonaws.com", iampolicy.Service, "", false},
		{"111111111111", iampolicy.Service, "", false}, // no ARN: whatever it looks like
		{"arn:aws:iam::111111111111:oidc-provider/idp.example/tenant", iampolicy.Federated, "", false},
		{"arn:aws:iam::111111111111:saml-provider/idp", iampolicy.Federated, "", false},
	} {
		p, err := iampolicy.ParsePrincipal(c.text)
		require.NoError(t, err, c.text)
		require.Equal(t, c.typ, p.Type(), c.text)
		require.Equal(t, c.account, p.Account(), c.text)
		require.Equal(t, c.session, p.IsSession(), c.text)
		require.Equal(t, c.text, p.String())
	}
	for _, text := range []string{
		"", "arn:", "arn:aws:iam::111111111111", "arn:aws:iam::111111111111:group/g", "arn:aws:iam::111111111111:user/", "arn:aws:iam::111111111111:role/",
		"arn:aws:iam:::user/ana", "arn:aws:sts::111111111111:assumed-role/app", "arn:aws:sts::111111111111:assumed-role/app/", "arn:aws:sts::111111111111:assumed-role//s",
		"arn:aws:sts::111111111111:federated-user/", "arn:aws:sts::111111111111:user/ana", "arn:aws:iam::111111111111:assumed-role/app/s", "arn:aws:s3:::b",
		"arn:aws:iam::111111111111:oidc-provider/", "arn:aws:iam::111111111111:Root",
	} {
		_, err := iampolicy.ParsePrincipal(text)
		require.ErrorIs(t, err, iampolicy.ErrRequest, text)
	}
	var zero iampolicy.Principal
	require.Equal(t, iampolicy.Anonymous, zero.Type(), "the least of all")
	require.Equal(t, "anonymous", zero.String())
	require.False(t, zero.IsSession())
	google := iampolicy.FederatedPrincipal("accounts.google.com")
	require.Equal(t, iampolicy.Federated, google.Type())
	require.Empty(t, google.Account())
	task, err := iampolicy.ParsePrincipal(root)
	require.NoError(t, err)
	task.AssumedRoot = true
	require.True(t, task.IsSession(), "IAM-61: AssumeRoot has a task policy")
}

// TestIAM23RoleChaining: the caller of the second sts:AssumeRole is the first
// role's session, with that session's own policies.
func TestIAM23RoleChaining(t *testing.T) {
	second := "arn:aws:iam::111111111111:role/second"
	chained := refCase{Principal: app, Action: "sts:AssumeRole", Resource: second, Trust: true, Resources: policy(`{"Effect":"Allow","Principal":` + aws(appRole) + `,"Action":"sts:AssumeRole"}`)}
	check(t, "the trust policy names the first role", chained, yes)
	limited := chained
	limited.Session = policy(onlyList)
	check(t, "its session policy limits it", limited, no)
	limited.Session = policy(allow("sts:AssumeRole", second, ""))
	check(t, "its session policy lets it", limited, yes)
	limited.Identity = []string{policy(deny("sts:*", "*", ""))}
	check(t, "a Deny of the first role", limited, denied)
}

// TestIAM51ServiceLinkedRoles: service-linked roles are told by their path, or
// where the ARN has none by their name; no policy of an organization limits
// them, and a lookalike it does.
func TestIAM51ServiceLinkedRoles(t *testing.T) {
	levels := [][]string{{policy(deny("s3:*", "*", ""))}}
	for principal, linked := range map[string]bool{
		"arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX": true,
		"arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/other":              true,
		"arn:aws:iam::111111111111:role/AWSServiceRoleForX":                                  true,
		"arn:aws:sts::111111111111:assumed-role/AWSServiceRoleForX/s":                        true,
		"arn:aws:iam::111111111111:role/team/aws-service-role/app":                           false,
		"arn:aws:iam::111111111111:role/aws-service-role":                                    false,
		"arn:aws:sts::111111111111:assumed-role/app/AWSServiceRoleForX":                      false,
		"arn:aws:sts::111111111111:assumed-role/MyAWSServiceRoleForX/s":                      false,
		"arn:aws:sts::111111111111:assumed-role/awsservicerolefor/s":                         false,
		"arn:aws:iam::111111111111:user/aws-service-role/AWSServiceRoleForX":                 false,
	} {
		want := denied
		if linked {
			want = yes
		}
		check(t, "scp "+principal, refCase{Principal: principal, Identity: everything, SCP: levels}, want)
		rcp := [][]string{{policy(`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`)}}
		check(t, "rcp "+principal, refCase{Principal: principal, Identity: everything, RCP: rcp}, want)
	}
	assume := func(role string) refCase {
		return refCase{
			Principal: ana, Action: "sts:AssumeRole", Resource: role, Trust: true, Resources: policy(`{"Effect":"Allow","Principal":` + aws(ana) + `,"Action":"sts:AssumeRole"}`),
			RCP: [][]string{{policy(`{"Effect":"Deny","Principal":"*","Action":"sts:*","Resource":"*"}`)}},
		}
	}
	check(t, "IAM-49: the call assumes one", assume("arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"), yes)
	check(t, "the call assumes another", assume(appRole), denied)
}
