// SPDX-License-Identifier: Apache-2.0

package iampolicy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/iampolicy"
)

func codesOf(kind iampolicy.Kind, doc string) []string {
	var codes []string
	for _, f := range iampolicy.Validate(kind, []byte(doc)) {
		codes = append(codes, f.Code)
	}
	return codes
}

// TestIAM79Codes: each code has a document that raises it and a near miss that
// does not.
func TestIAM79Codes(t *testing.T) {
	const (
		identity = iampolicy.KindIdentity
		resource = iampolicy.KindResource
		trust    = iampolicy.KindTrust
		scp      = iampolicy.KindSCP
		rcp      = iampolicy.KindRCP
		oidc     = "arn:aws:iam::111122223333:oidc-provider/idp.example"
		github   = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
	)
	const kmsKeyID = "s3:x-amz-server-side-encryption-aws-kms-key-id"
	ok := allow("s3:GetObject", "arn:aws:s3:::b/*", "")
	with := func(more string) string { return policy(allow("s3:GetObject", "arn:aws:s3:::b/*", more)) }
	when := func(op, key, values string) string {
		return with(`"Condition":{"` + op + `":{"` + key + `":` + values + `}}`)
	}
	to := func(principal string) string { return with(`"Principal":` + principal) }
	assume := func(principal, action, more string) string {
		return policy(`{"Effect":"Allow","Principal":` + principal + `,"Action":` + action + more + `}`)
	}
	gitHub := func(condition string) string {
		return assume(`{"Federated":"`+github+`"}`, `"sts:AssumeRoleWithWebIdentity"`, `,"Condition":{`+condition+`}`)
	}
	not := func(effect, entries string) string {
		return policy(`{"Effect":"` + effect + `","NotPrincipal":{"AWS":` + entries + `},"Action":"s3:*","Resource":"*"}`)
	}
	deniedRCP := `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`
	long := func(n int) string {
		return policy(statement("Deny", "s3:*", "arn:aws:s3:::"+strings.Repeat("b", n), ""))
	}
	for _, c := range []struct {
		code       string
		kind       iampolicy.Kind
		doc, other string
	}{
		{"JSON_SYNTAX_ERROR", identity, `{"Version":"2012-10-17","Statement":[]`, policy()},
		{"JSON_SYNTAX_ERROR", identity, with(`"Sid":"日"`), with(`"Sid":"a"`)},
		{"DATA_TYPE_MISMATCH", identity, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":1,"Resource":"*"}]}`, with("")[:0] + policy(ok)},
		{"INVALID_POLICY_ELEMENT", identity, with(`"Foo":1`), policy(ok)},
		{"INVALID_PRINCIPAL_KEY", resource, to(`{"aws":"*"}`), to(`{"AWS":"*"}`)},
		{"DUPLICATE_KEYS_WITH_DIFFERENT_CASE", identity, with(`"Condition":{"StringEquals":{"aws:UserId":"a","aws:userid":"b"}}`), when("StringEquals", "aws:userid", `"a"`)},
		{"MISSING_STATEMENT", identity, `{"Version":"2012-10-17"}`, policy()},
		{"MISSING_EFFECT", identity, policy(`{"Action":"s3:*","Resource":"*"}`), policy(ok)},
		{"INVALID_EFFECT", identity, policy(`{"Effect":"allow","Action":"s3:*","Resource":"*"}`), policy(ok)},
		{"MISSING_ACTION", identity, policy(`{"Effect":"Allow","Resource":"*"}`), policy(ok)},
		{"MISSING_RESOURCE", identity, policy(`{"Effect":"Allow","Action":"s3:*"}`), policy(ok)},
		{"UNSUPPORTED_ELEMENT_COMBINATION", identity, with(`"NotResource":"*"`), policy(ok)},
		{"INVALID_VERSION", identity, `{"Version":"2013-10-17","Statement":[]}`, policy()},
		{"INVALID_VERSION", identity, `{"Version":"2008-10-17","Statement":[]}`, policy()},
		{"MISSING_VERSION", resource, `{"Statement":[]}`, `{"Version":"2008-10-17","Statement":[]}`},
		{"UNIQUE_SIDS_REQUIRED", identity, policy(allow("s3:*", "*", `"Sid":"a"`), allow("sqs:*", "*", `"Sid":"a"`)), policy(allow("s3:*", "*", `"Sid":"a"`), allow("sqs:*", "*", `"Sid":"A"`))},
		{"UNIQUE_SIDS_RECOMMENDED", resource, policy(allow("s3:*", "*", `"Sid":"a"`), allow("sqs:*", "*", `"Sid":"a"`)), policy(allow("s3:*", "*", `"Sid":"a"`), allow("sqs:*", "*", `"Sid":"b"`))},
		{"UNSUPPORTED_SID", identity, with(`"Sid":"a b"`), with(`"Sid":"aB3"`)},
		{"EMPTY_SID_VALUE", identity, with(`"Sid":""`), with(`"Sid":"a"`)},
		{"POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA", identity, long(6200), long(5900)},
		{"POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA", trust, long(2100), long(1900)},
		{"POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA", resource, long(20500), long(20000)},
		{"POLICY_SIZE_EXCEEDS_SCP_QUOTA", scp, long(10300), long(10000)},
		{"POLICY_SIZE_EXCEEDS_RCP_QUOTA", rcp, long(5200), long(4900)},
		{"EMPTY_ARRAY_ACTION", identity, policy(`{"Effect":"Allow","Action":[],"Resource":"*"}`), policy(ok)},
		{"INVALID_ACTION", identity, policy(allow("GetObject", "*", "")), policy(allow("*", "arn:aws:s3:::b", ""))},
		{"INVALID_ACTION", identity, policy(allow("s3:a:b", "*", "")), policy(ok)},
		{"INVALID_ACTION", identity, policy(allow("a a:b", "*", "")), policy(ok)},
		{"WILDCARD_IN_SERVICE_NAME", identity, policy(allow("s*:Get*", "*", "")), policy(ok)},
		{"REDUNDANT_ACTION", identity, policy(`{"Effect":"Allow","Action":["s3:Get*","s3:GetObject"],"Resource":"*"}`), policy(`{"Effect":"Allow","Action":["s3:Get*","s3:PutObject"],"Resource":"*"}`)},
		{"RCP_SYNTAX_ERROR_ACTION", rcp, policy(strings.Replace(deniedRCP, "s3:*", "*", 1)), policy(deniedRCP)},
		{"RCP_SYNTAX_ERROR_NOTACTION", rcp, policy(strings.Replace(deniedRCP, "Action", "NotAction", 1)), policy(deniedRCP)},
		{"RCP_SYNTAX_ERROR_ALLOW", rcp, policy(strings.Replace(deniedRCP, "Deny", "Allow", 1)), policy(deniedRCP)},
		{"RCP_SYNTAX_ERROR_PRINCIPAL", rcp, policy(strings.Replace(deniedRCP, `"Principal":"*"`, `"Principal":{"AWS":"*"}`, 1)), policy(deniedRCP)},
		{"SCP_SYNTAX_ERROR_PRINCIPAL", scp, policy(deniedRCP), policy(deny("s3:*", "*", ""))},
		{"UNSUPPORTED_PRINCIPAL", identity, to(`"*"`), policy(ok)},
		{"MISSING_PRINCIPAL", resource, policy(ok), to(`"*"`)},
		{"INVALID_PRINCIPAL_FORMAT", resource, to(`"111122223333"`), to(`{"AWS":"111122223333"}`)},
		{"INVALID_PRINCIPAL_FORMAT", resource, to(`{"AWS":"ana"}`), to(`{"AWS":"` + ana + `"}`)},
		{"UNSUPPORTED_WILDCARD_IN_PRINCIPAL", resource, to(`{"AWS":"arn:aws:iam::111122223333:user/*"}`), to(`{"AWS":"*"}`)},
		{"EMPTY_ARRAY_PRINCIPAL", resource, to(`{"AWS":[]}`), to(`{"AWS":["*"]}`)},
		{"EMPTY_OBJECT_PRINCIPAL", resource, to(`{}`), to(`{"AWS":"*"}`)},
		{"INVALID_SERVICE_PRINCIPAL_FORMAT", resource, to(`{"Service":"sns"}`), to(`{"Service":"sns.amazonaws.com"}`)},
		{"FEDERATED_PRINCIPAL_NOT_SUPPORTED", resource, to(`{"Federated":"` + oidc + `"}`), to(`{"AWS":"*"}`)},
		{"INVALID_ROLE_REFERENCE", resource, to(`{"AWS":"AROAEXAMPLEID"}`), to(`{"AWS":"` + appRole + `"}`)},
		{"INVALID_USER_REFERENCE", resource, to(`{"AWS":"AIDAEXAMPLEID"}`), to(`{"AWS":"` + ana + `"}`)},
		{"ALLOW_WITH_NOT_PRINCIPAL", resource, not("Allow", `"`+ana+`"`), not("Deny", `["`+ana+`","`+root+`"]`)},
		{"NOTPRINCIPAL_INCOMPLETE", resource, not("Deny", `"`+ana+`"`), not("Deny", `["`+ana+`","`+root+`"]`)},
		{"NOTPRINCIPAL_INCOMPLETE", resource, not("Deny", `["`+app+`","`+root+`"]`), not("Deny", `["`+app+`","`+appRole+`","`+root+`"]`)},
		{"ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL", trust, policy(`{"Effect":"Deny","NotPrincipal":{"AWS":"` + ana + `"},"Action":"sts:AssumeRole"}`), assume(`{"AWS":"`+ana+`"}`, `"sts:AssumeRole"`, "")},
		{"ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE", trust, assume(`{"AWS":"`+ana+`"}`, `"sts:AssumeRole"`, `,"Resource":"*"`), assume(`{"AWS":"`+ana+`"}`, `"sts:AssumeRole"`, "")},
		{"ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL", trust, assume(`{"AWS":"arn:aws:iam::111122223333:role/*"}`, `"sts:AssumeRole"`, ""), assume(`{"AWS":"*"}`, `"sts:AssumeRole"`, "")},
		{"INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY", trust, assume(`{"Federated":"idp"}`, `"sts:AssumeRoleWithWebIdentity"`, ""), assume(`{"Federated":"idp.example"}`, `"sts:AssumeRoleWithWebIdentity"`, "")},
		{"MISMATCHED_ACTION_FOR_PRINCIPAL", trust, assume(`{"Federated":"`+oidc+`"}`, `"sts:AssumeRole"`, ""), assume(`{"Federated":"`+oidc+`"}`, `"sts:AssumeRoleWithWebIdentity"`, "")},
		{"MISMATCHED_ACTION_FOR_PRINCIPAL", trust, assume(`{"AWS":"`+ana+`"}`, `"sts:AssumeRoleWithSAML"`, ""), assume(`{"AWS":"`+ana+`"}`, `"sts:AssumeRole"`, "")},
		{"MISSING_ACTION_FOR_ROLES_ANYWHERE_TRUST_POLICY", trust, assume(`{"Service":"rolesanywhere.amazonaws.com"}`, `"sts:AssumeRole"`, ""), assume(`{"Service":"rolesanywhere.amazonaws.com"}`, `["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]`, "")},
		{"MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL", trust, assume(`{"Federated":"`+oidc+`"}`, `"sts:AssumeRoleWithWebIdentity"`, ""), assume(`{"Federated":"`+oidc+`"}`, `"sts:AssumeRoleWithWebIdentity"`, `,"Condition":{"StringEquals":{"idp.example:aud":"x"}}`)},
		{"MISSING_GITHUB_REPO_CONDITION_KEY", trust, assume(`{"Federated":"`+github+`"}`, `"sts:AssumeRoleWithWebIdentity"`, ""), assume(`{"Federated":"`+github+`"}`, `"sts:AssumeRoleWithWebIdentity"`, `,"Condition":{"StringEquals":{"token.actions.githubusercontent.com:sub":"repo:o/r:ref:refs/heads/main"}}`)},
		{"REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY", trust, assume(`{"AWS":["`+ana+`","`+ana+`"]}`, `"sts:AssumeRole"`, ""), assume(`{"AWS":["`+ana+`"]}`, `"sts:AssumeRole"`, "")},
		{"EMPTY_ARRAY_RESOURCE", identity, policy(`{"Effect":"Allow","Action":"s3:*","Resource":[]}`), policy(ok)},
		{"INVALID_ARN_PREFIX", identity, policy(allow("s3:*", "b/*", "")), policy(ok)},
		{"MISSING_ARN_FIELD", identity, policy(allow("s3:*", "arn:aws:s3:b", "")), policy(ok)},
		{"INVALID_PARTITION", identity, policy(allow("s3:*", "arn:error:s3:::b", "")), policy(allow("s3:*", "arn:aws-cn:s3:::b", ""))},
		{"INVALID_ARN_SERVICE_CASE", identity, policy(allow("s3:*", "arn:aws:S3:::b", "")), policy(ok)},
		{"INVALID_ARN_ACCOUNT", identity, policy(allow("sqs:*", "arn:aws:sqs:us-east-1:1234:q", "")), policy(allow("sqs:*", "arn:aws:sqs:us-east-1:123456789012:q", ""))},
		{"WILDCARD_IN_SERVICE_NAME", identity, policy(allow("s3:*", "arn:aws:s*:::b", "")), policy(ok)},
		{"VARIABLE_UNSUPPORTED_IN_ELEMENT", identity, policy(allow("sqs:*", "arn:aws:sqs:${region}:123456789012:q", "")), policy(allow("sqs:*", "arn:aws:sqs:us-east-1:123456789012:${aws:username}", ""))},
		{"VARIABLE_UNSUPPORTED_IN_VERSION", resource, strings.Replace(policy(allow("s3:*", "arn:aws:s3:::${aws:username}", "")), "2012", "2008", 1), policy(allow("s3:*", "arn:aws:s3:::${aws:username}", ""))},
		{"MISSING_BRACE_IN_VARIABLE", identity, policy(allow("s3:*", "arn:aws:s3:::${aws:username", "")), policy(allow("s3:*", "arn:aws:s3:::${aws:username}", ""))},
		{"MISSING_QUOTE_IN_VARIABLE", identity, policy(allow("s3:*", "arn:aws:s3:::${aws:username, 'a}", "")), policy(allow("s3:*", "arn:aws:s3:::${aws:username, 'a'}", ""))},
		{"UNSUPPORTED_SPACE_IN_VARIABLE", identity, policy(allow("s3:*", "arn:aws:s3:::${aws: username}", "")), policy(ok)},
		{"EMPTY_VARIABLE", identity, policy(allow("s3:*", "arn:aws:s3:::${}", "")), policy(ok)},
		{"REDUNDANT_RESOURCE", identity, policy(`{"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::b/*","arn:aws:s3:::b/x"]}`), policy(`{"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::b/*","arn:aws:s3:::b"]}`)},
		{"REDUNDANT_STATEMENT", identity, policy(ok, ok), policy(ok, allow("s3:PutObject", "arn:aws:s3:::b/*", ""))},
		{"INVALID_CONDITION_OPERATOR", identity, when("StringEqual", "aws:userid", `"a"`), when("StringEquals", "aws:userid", `"a"`)},
		{"NULL_WITH_IF_EXISTS", identity, when("NullIfExists", "aws:userid", `"true"`), when("Null", "aws:userid", `"true"`)},
		{"NULL_WITH_QUALIFIER", identity, when("ForAnyValue:Null", "aws:TagKeys", `"true"`), when("Null", "aws:TagKeys", `"true"`)},
		{"EMPTY_OBJECT_CONDITION", identity, with(`"Condition":{}`), policy(ok)},
		{"EMPTY_ARRAY_CONDITION", identity, when("StringEquals", "aws:userid", `[]`), when("StringEquals", "aws:userid", `["a"]`)},
		{"EMPTY_ARRAY_CONDITION_FORALLVALUES", identity, when("ForAllValues:StringEquals", "aws:TagKeys", `[]`), when("ForAllValues:StringEquals", "aws:TagKeys", `["a"]`)},
		{"EMPTY_ARRAY_CONDITION_FORANYVALUE", identity, when("ForAnyValue:StringEquals", "aws:TagKeys", `[]`), when("ForAnyValue:StringEquals", "aws:TagKeys", `["a"]`)},
		{"EMPTY_ARRAY_CONDITION_IFEXISTS", identity, when("StringEqualsIfExists", "aws:userid", `[]`), when("StringEqualsIfExists", "aws:userid", `["a"]`)},
		{"INVALID_CONDITION_KEY_FORMAT", identity, when("StringEquals", "userid", `"a"`), when("StringEquals", "aws:userid", `"a"`)},
		{"INVALID_GLOBAL_CONDITION_KEY", identity, when("StringEquals", "aws:usrid", `"a"`), when("StringEquals", "AWS:UserID", `"a"`)},
		{"MISSING_TAG_KEY_IN_CONDITION", identity, when("StringEquals", "aws:ResourceTag", `"a"`), when("StringEquals", "aws:ResourceTag/team", `"a"`)},
		{"MISSING_QUALIFIER", identity, when("StringEquals", "aws:TagKeys", `"a"`), when("ForAnyValue:StringEquals", "aws:TagKeys", `"a"`)},
		{"INVALID_CONDITION_MULTIPLE_BOOLEAN", identity, when("Bool", "aws:SecureTransport", `["true","false"]`), when("Bool", "aws:SecureTransport", `["true"]`)},
		{"INVALID_CONDITION_DATA_TYPE", identity, when("NumericEquals", "s3:max-keys", `"ten"`), when("NumericEquals", "s3:max-keys", `"10"`)},
		{"INVALID_CONDITION_DATA_TYPE", identity, when("Bool", "aws:SecureTransport", `"yes"`), when("Bool", "aws:SecureTransport", `true`)},
		{"INVALID_DATE_VALUE", identity, when("DateLessThan", "aws:CurrentTime", `"soon"`), when("DateLessThan", "aws:CurrentTime", `"2030"`)},
		{"TYPE_MISMATCH_IP_RANGE", identity, when("IpAddress", "aws:SourceIp", `"x"`), when("IpAddress", "aws:SourceIp", `"203.0.113.0/24"`)},
		{"IMPROVE_IP_RANGE", identity, when("IpAddress", "aws:SourceIp", `"203.0.113.5/24"`), when("IpAddress", "aws:SourceIp", `"203.0.113.0/24"`)},
		{"PRIVATE_IP_ADDRESS", identity, when("IpAddress", "aws:SourceIp", `"10.0.0.0/8"`), when("IpAddress", "aws:VpcSourceIp", `"10.0.0.0/8"`)},
		{"PRIVATE_NOT_IP_ADDRESS", identity, when("NotIpAddress", "aws:SourceIp", `"10.0.0.0/8"`), when("NotIpAddress", "aws:SourceIp", `"203.0.113.0/24"`)},
		{"PRIVATE_IP_ADDRESS_SUBSET", identity, when("IpAddress", "aws:SourceIp", `["10.0.0.0/8","203.0.113.0/24"]`), when("IpAddress", "aws:SourceIp", `["10.0.0.0/8"]`)},
		{"PRIVATE_NOT_IP_ADDRESS_SUBSET", identity, when("NotIpAddress", "aws:SourceIp", `["10.0.0.0/8","203.0.113.0/24"]`), when("NotIpAddress", "aws:SourceIp", `["10.0.0.0/8"]`)},
		{"INVALID_VARIABLE_FOR_OPERATOR", identity, when("NumericEquals", "s3:max-keys", `"${aws:username}"`), when("StringEquals", "s3:prefix", `"${aws:username}"`)},
		{"WILDCARD_WITHOUT_LIKE_OPERATOR", identity, when("StringEquals", "s3:prefix", `"a*"`), when("StringLike", "s3:prefix", `"a*"`)},
		{"REDUNDANT_CONDITION_VALUE_NUM", identity, when("NumericLessThan", "s3:max-keys", `[10,20]`), when("NumericEquals", "s3:max-keys", `[10,20]`)},
		{"INVALID_VPC_FORMAT", identity, when("StringEquals", "aws:SourceVpc", `"vpc-xyz"`), when("StringEquals", "aws:SourceVpc", `"vpc-0123abcd"`)},
		{"INVALID_VPCE_FORMAT", identity, when("StringEquals", "aws:SourceVpce", `"vpc-0123abcd"`), when("StringEquals", "aws:SourceVpce", `"vpce-0123abcd"`)},
		{"FORALLVALUES_WITHOUT_GUARD", identity, when("ForAllValues:StringEquals", "dynamodb:LeadingKeys", `"a"`), with(`"Condition":{"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":"a"},"Null":{"dynamodb:LeadingKeys":"false"}}`)},
		{"UNSUPPORTED_GLOBAL_CONDITION_KEY", identity, when("ArnLike", "aws:ARN", `"arn:aws:iam::111122223333:role/*"`), when("ArnLike", "aws:PrincipalArn", `"arn:aws:iam::111122223333:role/*"`)},
		{"DEPRECATED_GLOBAL_CONDITION_KEY", identity, when("ArnLike", "aws:arn", `"arn:aws:iam::111122223333:role/*"`), when("ArnLike", "aws:SourceArn", `"arn:aws:iam::111122223333:role/*"`)},
		{"INVALID_KMS_KEY_VALUE", identity, when("StringEquals", kmsKeyID, `"1234abcd-12ab-34cd-56ef-1234567890ab"`), when("StringEquals", kmsKeyID, `"arn:aws:kms:us-east-1:111122223333:key/1234abcd"`)},
		{"INVALID_KMS_KEY_VALUE", identity, when("StringEquals", kmsKeyID, `"arn:aws:kms:us-east-1:111122223333:alias/a"`), when("StringLike", kmsKeyID, `["arn:*", "*", "arn:aws:kms:*:111122223333:*"]`)},
		{"INVALID_KMS_KEY_VALUE", identity, when("StringLike", kmsKeyID, `"key/*"`), when("Null", kmsKeyID, `"true"`)},
		{"VARIABLE_USAGE_TOO_PERMISSIVE", identity, when("StringLike", "aws:userid", `"${aws:PrincipalTag/id}"`), when("StringLike", "aws:userid", `"AROAEX:${aws:PrincipalTag/id}"`)},
		{"VARIABLE_USAGE_TOO_PERMISSIVE", identity, when("StringEquals", "aws:userid", `"AROAE${aws:PrincipalTag/id}"`), when("StringEquals", "aws:PrincipalOrgID", `"${aws:ResourceOrgID}"`)},
		{"WILDCARD_USAGE_TOO_PERMISSIVE", identity, when("StringLike", "aws:userid", `"AROAE*"`), when("StringLike", "aws:userid", `"AROAEX*"`)},
		{"WILDCARD_USAGE_TOO_PERMISSIVE", identity, when("StringLike", "aws:SourceVpce", `"vpce-*"`), when("StringNotLike", "aws:SourceVpce", `"vpce-*"`)},
		{"CONFIRM_AUDIENCE_CLAIM_TYPE", trust, gitHub(`"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"}`), gitHub(`"ForAnyValue:StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"}`)},
		{"SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED", trust, gitHub(`"StringLike":{"token.actions.githubusercontent.com:sub":"repo:o/r:*"}`), gitHub(`"StringLike":{"token.actions.githubusercontent.com:sub":"repo:o/r:ref:refs/heads/main"}`)},
		{"SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED", trust, gitHub(`"StringEquals":{"token.actions.githubusercontent.com:sub":"repo:o/r:environment:production"}`), gitHub(`"StringEquals":{"token.actions.githubusercontent.com:sub":["repo:o/r:ref:refs/heads/main","repo:o/r:ref:refs/heads/dev"]}`)},
		{"PASS_ROLE_WITH_STAR_IN_RESOURCE", identity, policy(allow("iam:PassRole", "*", "")), policy(allow("iam:PassRole", appRole, ""))},
		{"PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE", identity, policy(allow("iam:Pass*", "*", "")), policy(allow("iam:Pass*", "*", `"Condition":{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}`))},
		{"PASS_ROLE_WITH_NOT_RESOURCE", identity, policy(`{"Effect":"Allow","Action":"iam:PassRole","NotResource":"` + appRole + `"}`), policy(allow("iam:PassRole", appRole, ""))},
		{"PASS_ROLE_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE", identity, policy(`{"Effect":"Allow","Action":"iam:*","NotResource":"` + appRole + `"}`), policy(`{"Effect":"Deny","Action":"iam:*","NotResource":"` + appRole + `"}`)},
		{"PASS_ROLE_WITH_NOT_ACTION_AND_NOT_RESOURCE", identity, policy(`{"Effect":"Allow","NotAction":"s3:*","NotResource":"` + appRole + `"}`), policy(`{"Effect":"Allow","NotAction":"iam:*","NotResource":"` + appRole + `"}`)},
		{"PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION", identity, policy(`{"Effect":"Allow","NotAction":"s3:*","Resource":"*"}`), policy(`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`)},
		{"CREATE_SLR_WITH_STAR_IN_RESOURCE", identity, policy(allow("iam:CreateServiceLinkedRole", "*", "")), policy(allow("iam:CreateServiceLinkedRole", "*", `"Condition":{"StringEquals":{"iam:AWSServiceName":"x.amazonaws.com"}}`))},
		{"CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE", identity, policy(allow("iam:Create*", "*", "")), policy(allow("iam:Get*", "*", ""))},
		{"CREATE_SLR_WITH_NOT_RESOURCE", identity, policy(`{"Effect":"Allow","Action":"iam:CreateServiceLinkedRole","NotResource":"` + appRole + `"}`), policy(allow("iam:Get*", "*", ""))},
		{"CREATE_SLR_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE", identity, policy(`{"Effect":"Allow","Action":"iam:*","NotResource":"` + appRole + `"}`), policy(allow("iam:Get*", "*", ""))},
		{"CREATE_SLR_WITH_NOT_ACTION_AND_NOT_RESOURCE", identity, policy(`{"Effect":"Allow","NotAction":"s3:*","NotResource":"` + appRole + `"}`), policy(allow("iam:Get*", "*", ""))},
		{"CREATE_SLR_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION", identity, policy(`{"Effect":"Allow","NotAction":"s3:*","Resource":"*"}`), policy(allow("iam:Get*", "*", ""))},
	} {
		t.Run(fmt.Sprintf("%s %v", c.code, c.kind), func(t *testing.T) {
			require.Contains(t, codesOf(c.kind, c.doc), c.code, c.doc)
			require.NotContains(t, codesOf(c.kind, c.other), c.code, c.other)
		})
	}
}

// TestIAM102Refused: what AWS refuses to save has a refused finding, what it
// takes has none.
func TestIAM102Refused(t *testing.T) {
	refused := func(kind iampolicy.Kind, doc string) bool {
		return slices.ContainsFunc(iampolicy.Validate(kind, []byte(doc)), func(f iampolicy.Finding) bool { return f.Refused })
	}
	for _, doc := range []string{
		policy(anything), policy(), policy(allow("s3:*", "arn:aws:s3:::b/*", `"Sid":"a1"`)),
		policy(conditioned("DateLessThan", "aws:CurrentTime", "soon")), // accepted with a warning (IAM-9)
		policy(conditioned("NumericEquals", "s3:max-keys", "ten")),
		policy(`{"Effect":"Deny","NotAction":["iam:*"],"NotResource":"arn:aws:s3:::b"}`),
	} {
		require.False(t, refused(iampolicy.KindIdentity, doc), doc)
	}
	for _, doc := range []string{
		`nonsense`, `{"Version":"2012-10-17"}`, policy(`"x"`), policy(allow("GetObject", "*", "")), policy(allow("s3:*", "b", "")),
		policy(`{"Effect":"Allow","Action":"s3:*"}`), policy(grant(`"*"`)), policy(conditioned("Equals", "a:b", "x")), `{"Version":"2008-10-17","Statement":[` + anything + `]}`,
	} {
		require.True(t, refused(iampolicy.KindIdentity, doc), doc)
	}
	require.False(t, refused(iampolicy.KindTrust, policy(`{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`)))
	require.False(t, refused(iampolicy.KindResource, strings.Replace(policy(grant(`"*"`)), "2012", "2008", 1)))
}

// TestIAM6FindingPositions: findings tell line, column and path.
func TestIAM6FindingPositions(t *testing.T) {
	doc := "{\"Version\":\"2012-10-17\",\n\"Statement\":[\n {\"Effect\":\"Allow\",\"Action\":\"s3:*\",\n  \"Resource\":[\"*\",\"bucket\"]}]}"
	found := iampolicy.Validate(iampolicy.KindIdentity, []byte(doc))
	at := slices.IndexFunc(found, func(f iampolicy.Finding) bool { return f.Code == "INVALID_ARN_PREFIX" })
	require.GreaterOrEqual(t, at, 0)
	f := found[at]
	require.Equal(t, "Statement[0].Resource[1]", f.Span.Path)
	require.Equal(t, []int{4, 19}, []int{f.Span.Start.Line, f.Span.Start.Column})
	require.Equal(t, `"bucket"`, doc[f.Span.Start.Offset:f.Span.End.Offset])
	require.Equal(t, iampolicy.SeverityError, f.Severity)
	require.NotEmpty(t, f.Hint())
	require.True(t, slices.IsSortedFunc(found, func(a, b iampolicy.Finding) int { return a.Span.Start.Offset - b.Span.Start.Offset }))
}
