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

// codeCase is a document that raises a code, and a near miss that does not.
type codeCase struct {
	code       string
	kind       iampolicy.Kind
	doc, other string
}

// codeCases are the cases of every code.
func codeCases() []codeCase {
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
	long := func(n int) string { // of n bytes, no white space
		empty := policy(statement("Deny", "s3:*", "arn:aws:s3:::", ""))
		return strings.Replace(empty, ":::", ":::"+strings.Repeat("b", n-len(empty)), 1)
	}
	return []codeCase{
		{"JSON_SYNTAX_ERROR", identity, `{"Version":"2012-10-17","Statement":[]`, policy()},
		{"JSON_SYNTAX_ERROR", identity, with(`"Sid":"日"`), with(`"Sid":"a"`)},
		{"JSON_SYNTAX_ERROR", identity, policy(allow("s3:*", "arn:aws:s3:::b/Ā", "")), policy(allow("s3:*", "arn:aws:s3:::b/ÿ", ""))},
		{"JSON_SYNTAX_ERROR", identity, policy(allow("s3:*", "arn:aws:s3:::b/\x7f", "")), policy(allow("s3:*", "arn:aws:s3:::b/~", ""))},
		{"DATA_TYPE_MISMATCH", identity, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":1,"Resource":"*"}]}`, policy(ok)},
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
		{"INVALID_VERSION", iampolicy.KindBoundary, `{"Version":"2008-10-17","Statement":[]}`, policy()}, // a boundary is a managed policy
		{"MISSING_VERSION", resource, `{"Statement":[]}`, `{"Version":"2008-10-17","Statement":[]}`},
		{"UNIQUE_SIDS_REQUIRED", identity, policy(allow("s3:*", "*", `"Sid":"a"`), allow("sqs:*", "*", `"Sid":"a"`)), policy(allow("s3:*", "*", `"Sid":"a"`), allow("sqs:*", "*", `"Sid":"A"`))},
		{"UNIQUE_SIDS_RECOMMENDED", resource, policy(allow("s3:*", "*", `"Sid":"a"`), allow("sqs:*", "*", `"Sid":"a"`)), policy(allow("s3:*", "*", `"Sid":"a"`), allow("sqs:*", "*", `"Sid":"b"`))},
		{"UNSUPPORTED_SID", identity, with(`"Sid":"a b"`), with(`"Sid":"aB3"`)},
		{"EMPTY_SID_VALUE", identity, with(`"Sid":""`), with(`"Sid":"a"`)},
		{"POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA", identity, long(6145), long(6144)},
		{"POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA", trust, long(2049), long(2048)},
		{"POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA", resource, long(20481), long(20480)},
		{"POLICY_SIZE_EXCEEDS_SCP_QUOTA", scp, long(10241), long(10240)},
		{"POLICY_SIZE_EXCEEDS_RCP_QUOTA", rcp, long(5121), long(5120)},
		{"EMPTY_ARRAY_ACTION", identity, policy(`{"Effect":"Allow","Action":[],"Resource":"*"}`), policy(ok)},
		{"INVALID_ACTION", identity, policy(allow("GetObject", "*", "")), policy(allow("*", "arn:aws:s3:::b", ""))},
		{"INVALID_ACTION", identity, policy(allow("s3:a:b", "*", "")), policy(ok)},
		{"INVALID_ACTION", identity, policy(allow("a a:b", "*", "")), policy(ok)},
		{"WILDCARD_IN_SERVICE_NAME", identity, policy(allow("s*:Get*", "*", "")), policy(ok)},
		{"REDUNDANT_ACTION", identity, policy(`{"Effect":"Allow","Action":["s3:Get*","s3:GetObject"],"Resource":"*"}`), policy(`{"Effect":"Allow","Action":["s3:Get*","s3:PutObject"],"Resource":"*"}`)},
		{"RCP_SYNTAX_ERROR_ACTION", rcp, policy(strings.Replace(deniedRCP, "s3:*", "*", 1)), policy(deniedRCP)},
		{"RCP_SYNTAX_ERROR_ACTION", rcp, policy(strings.Replace(deniedRCP, "s3:*", "ec2:*", 1)), policy(strings.Replace(deniedRCP, "s3:*", "ecr:*", 1))}, // IAM-7, IAM-50
		{"RCP_SYNTAX_ERROR_ACTION", rcp, policy(strings.Replace(deniedRCP, "s3:*", "s*:*", 1)), policy(deniedRCP)},
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
		{"REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY", trust, assume(`{"AWS":["`+app+`","`+appRole+`"]}`, `"sts:AssumeRole"`, ""), assume(`{"AWS":["`+app+`","`+appRole+`2"]}`, `"sts:AssumeRole"`, "")},
		{"EMPTY_ARRAY_RESOURCE", identity, policy(`{"Effect":"Allow","Action":"s3:*","Resource":[]}`), policy(ok)},
		{"INVALID_ARN_PREFIX", identity, policy(allow("s3:*", "b/*", "")), policy(ok)},
		{"MISSING_ARN_FIELD", identity, policy(allow("s3:*", "arn:aws:s3:b", "")), policy(ok)},
		{"INVALID_PARTITION", identity, policy(allow("s3:*", "arn:error:s3:::b", "")), policy(allow("s3:*", "arn:aws-cn:s3:::b", ""))},
		{"INVALID_ARN_SERVICE_CASE", identity, policy(allow("s3:*", "arn:aws:S3:::b", "")), policy(ok)},
		{"INVALID_ARN_ACCOUNT", identity, policy(allow("sqs:*", "arn:aws:sqs:us-east-1:1234:q", "")), policy(allow("sqs:*", "arn:aws:sqs:us-east-1:123456789012:q", ""))},
		{"WILDCARD_IN_SERVICE_NAME", identity, policy(allow("s3:*", "arn:aws:s*:::b", "")), policy(allow("s3:*", "arn:aws:s3:::b", ""))},
		{"INVALID_ARN_RESOURCE", identity, policy(allow("iam:*", "arn:aws:iam::111122223333:users/a", "")), policy(allow("iam:*", "arn:aws:iam::111122223333:user/a", ""))},
		{"INVALID_ARN_REGION", identity, policy(allow("s3:*", "arn:aws:s3:eu-west-1::b", "")), policy(allow("s3:*", "arn:aws:s3:*::b", ""))},
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
		// Of Null only these words in lower case ever hold (IAM-37); Bool takes any case.
		{"INVALID_CONDITION_DATA_TYPE", identity, when("Null", "aws:userid", `"True"`), when("Null", "aws:userid", `"true"`)},
		{"INVALID_CONDITION_DATA_TYPE", identity, when("Null", "aws:userid", `"FALSE"`), when("Bool", "aws:SecureTransport", `"FALSE"`)},
		{"INVALID_CONDITION_DATA_TYPE", identity, when("BinaryEquals", "x:k", `"YWJ"`), when("BinaryEquals", "x:k", `"YWI="`)}, // IAM-9
		{"INVALID_CONDITION_DATA_TYPE", identity, when("StringEquals", "x:k", `["1",1]`), when("StringEquals", "x:k", `["1","2"]`)},
		{"INVALID_CONDITION_DATA_TYPE", identity, when("StringEquals", "x:k", `["true",true]`), when("StringEquals", "x:k", `[true,false]`)},
		{"INVALID_DATE_VALUE", identity, when("DateLessThan", "aws:CurrentTime", `"1717200000"`), when("DateLessThan", "aws:EpochTime", `"1717200000"`)},
		{"INVALID_SERVICE_PRINCIPAL_FORMAT", identity, when("StringEquals", "aws:PrincipalServiceName", `"lambda"`), when("StringEquals", "aws:PrincipalServiceName", `"lambda.amazonaws.com"`)},
		{"INVALID_SERVICE_PRINCIPAL_FORMAT", identity, when("StringEquals", "kms:ViaService", `"ec2"`), when("StringEquals", "kms:ViaService", `"ec2.us-east-1.amazonaws.com"`)},
		{"INVALID_SERVICE_PRINCIPAL_FORMAT", identity, when("StringLike", "iam:PassedToService", `"ec2"`), when("StringLike", "iam:PassedToService", `"ec2*"`)},
		{"VARIABLE_UNSUPPORTED_IN_ELEMENT", identity, policy(allow("s3:${x}", "*", "")), policy(allow("s3:$x", "*", ""))},
		{"VARIABLE_UNSUPPORTED_IN_ELEMENT", resource, to(aws("arn:aws:iam::111122223333:user/${aws:username}")), to(aws("arn:aws:iam::111122223333:user/aws"))},
		{"VARIABLE_UNSUPPORTED_IN_ELEMENT", identity, when("StringEquals", "aws:ResourceTag/${aws:username}", `"a"`), when("StringEquals", "aws:ResourceTag/a", `"${aws:username}"`)},
		{"TYPE_MISMATCH", identity, when("StringLike", "aws:SourceIp", `"203.0.113.*"`), when("IpAddress", "aws:SourceIp", `"203.0.113.0/24"`)},
		{"TYPE_MISMATCH", identity, when("StringEquals", "aws:SecureTransport", `"true"`), when("Bool", "aws:SecureTransport", `"true"`)},
		{"TYPE_MISMATCH", identity, when("NumericLessThan", "aws:CurrentTime", `"1717200000"`), when("NumericLessThan", "aws:EpochTime", `"1717200000"`)},
		{"TYPE_MISMATCH", identity, when("Bool", "aws:PrincipalOrgID", `"true"`), when("Bool", "aws:PrincipalTag/admin", `"true"`)},
		{"TYPE_MISMATCH", identity, when("DateLessThan", "aws:MultiFactorAuthAge", `"2030"`), when("NumericLessThan", "aws:MultiFactorAuthAge", `"2030"`)},
		{"TYPE_MISMATCH", identity, when("ArnLike", "aws:ViaAWSService", `"*"`), when("StringLike", "aws:PrincipalArn", `"*"`)},
		{"FORALLVALUES_WITH_SINGLE_VALUED_KEY", identity, when("ForAllValues:StringEquals", "aws:PrincipalOrgID", `"o-1"`), when("ForAllValues:StringEquals", "aws:PrincipalOrgPaths", `"o-1"`)},
		{"FORALLVALUES_WITH_SINGLE_VALUED_KEY", identity, when("ForAllValues:StringNotEquals", "aws:RequestTag/team", `"a"`), when("StringNotEquals", "aws:RequestTag/team", `"a"`)},
		{"PASS_ROLE_WITH_STAR_IN_RESOURCE", identity, policy(allow("iam:PassRole", "arn:aws:iam::*:role/*", "")), policy(allow("iam:PassRole", "arn:aws:iam::*:role/Service*", ""))},
		// As in AWSServiceRoleForAmazonEKSNodegroup, which the page lists under this check.
		{"PASS_ROLE_WITH_STAR_IN_RESOURCE", identity, policy(allow("iam:PassRole", "*", `"Condition":{"StringEqualsIfExists":{"iam:PassedToService":"ec2.amazonaws.com"}}`)), policy(allow("iam:PassRole", "*", `"Condition":{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}`))},
		{"PASS_ROLE_WITH_STAR_IN_RESOURCE", identity, policy(allow("iam:PassRole", "*", `"Condition":{"StringNotEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}`)), policy(allow("iam:PassRole", "*", `"Condition":{"StringLike":{"iam:PassedToService":"ec2.amazonaws.com"}}`))},
		{"INVALID_GLOBAL_CONDITION_KEY", identity, when("StringEquals", "aws:PrincipalOrgMasterAccountIds", `"a"`), when("StringEquals", "aws:PrincipalOrgMasterAccountId", `"a"`)}, // AWSSSOServiceRolePolicy has it
		{"CREATE_SLR_WITH_STAR_IN_RESOURCE", identity, policy(allow("iam:CreateServiceLinkedRole", "arn:aws:iam::*:role/aws-service-role/*", "")), policy(allow("iam:CreateServiceLinkedRole", "arn:aws:iam::*:role/aws-service-role/x/*", ""))},
		{"INVALID_ARN_REGION", identity, policy(allow("s3:*", "arn:aws:s3:eu-west-1:111122223333:jobs/1", "")), policy(allow("s3:*", "arn:aws:s3:eu-west-1:111122223333:job/1", ""))},
		{"INVALID_ARN_REGION", identity, policy(allow("s3:*", "arn:aws:s3:eu-west-1::storage-lens/a", "")), policy(allow("s3:*", "arn:aws:s3:eu-west-1:111122223333:storage-lens/a", ""))},
		{"INVALID_ACTION", identity, policy(allow("s_3:GetObject", "*", "")), policy(allow("s-3:GetObject", "*", ""))},
		{"NEVER_TRUE_CONDITION", identity, with(`"Condition":{"StringEquals":{"x:k":"a"},"StringLike":{"x:k":"b*"}}`), with(`"Condition":{"StringEquals":{"x:k":"b"},"StringLike":{"x:k":"b*"}}`)},
		{"SHADOWED_ALLOW", identity, policy(ok, deny("s3:Get*", "arn:aws:s3:::b/*", "")), policy(ok, deny("s3:Get*", "arn:aws:s3:::b/?", ""))},
		{"SHADOWED_ALLOW", identity, policy(ok, deny("s3:Get*", "*", "")), policy(ok, deny("s3:Get*", "*", `"Condition":{"Bool":{"x:b":"true"}}`))},
		{"SHADOWED_ALLOW", resource, policy(grant(`{"AWS":"`+ana+`"}`), `{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`), policy(grant(`{"AWS":"`+ana+`"}`), `{"Effect":"Deny","NotPrincipal":"*","Action":"*","Resource":"*"}`)},
		{"REDUNDANT_STATEMENT", identity, policy(allow("s3:Get*", "*", ""), ok), policy(allow("s3:Put*", "*", ""), ok)},
		{"PUBLIC_ACCESS", resource, to(`"*"`), to(`{"AWS":"` + ana + `"}`)},
		{"PUBLIC_ACCESS", resource, to(`{"AWS":"*"},"Condition":{"StringLike":{"aws:SourceVpce":"vpce-0123abc*"}}`), to(`{"AWS":"*"},"Condition":{"StringLike":{"aws:SourceVpce":"vpce-0123abcd"}}`)},
		{"PUBLIC_ACCESS", trust, assume(`"*"`, `"sts:AssumeRole"`, ""), assume(`"*"`, `"sts:AssumeRole"`, `,"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-abcdefghij"}}`)},
		{"FORALLVALUES_WITHOUT_GUARD", identity, with(`"Condition":{"ForAllValues:StringEquals":{"dynamodb:Attributes":"a"},"Null":{"dynamodb:Attributes":"false"}}`), with(`"Condition":{"ForAllValues:StringEquals":{"dynamodb:Attributes":"a"},"Null":{"dynamodb:Attributes":"false"},"StringEquals":{"dynamodb:Select":"COUNT"}}`)},
	}
}

// codesInScope are the issue codes that need no list of services, by their
// severity, and behind them those of the built-in table of global keys and our
// own (IAM-79 to IAM-81).
var codesInScope = map[iampolicy.Severity]string{
	iampolicy.SeverityError: `
		DATA_TYPE_MISMATCH DUPLICATE_KEYS_WITH_DIFFERENT_CASE INVALID_ARN_ACCOUNT INVALID_ARN_PREFIX INVALID_ARN_SERVICE_CASE
		INVALID_CONDITION_DATA_TYPE INVALID_CONDITION_KEY_FORMAT INVALID_CONDITION_MULTIPLE_BOOLEAN INVALID_CONDITION_OPERATOR INVALID_EFFECT
		INVALID_GLOBAL_CONDITION_KEY INVALID_PARTITION INVALID_POLICY_ELEMENT INVALID_PRINCIPAL_FORMAT INVALID_PRINCIPAL_KEY
		INVALID_VARIABLE_FOR_OPERATOR INVALID_VERSION JSON_SYNTAX_ERROR MISSING_ACTION MISSING_ARN_FIELD MISSING_EFFECT MISSING_PRINCIPAL
		MISSING_RESOURCE MISSING_STATEMENT NULL_WITH_IF_EXISTS SCP_SYNTAX_ERROR_PRINCIPAL RCP_SYNTAX_ERROR_PRINCIPAL RCP_SYNTAX_ERROR_ALLOW
		RCP_SYNTAX_ERROR_NOTACTION RCP_SYNTAX_ERROR_ACTION POLICY_SIZE_EXCEEDS_RCP_QUOTA TYPE_MISMATCH_IP_RANGE INVALID_KMS_KEY_VALUE
		VARIABLE_USAGE_TOO_PERMISSIVE WILDCARD_USAGE_TOO_PERMISSIVE UNIQUE_SIDS_REQUIRED UNSUPPORTED_ELEMENT_COMBINATION
		UNSUPPORTED_GLOBAL_CONDITION_KEY UNSUPPORTED_PRINCIPAL UNSUPPORTED_SID UNSUPPORTED_WILDCARD_IN_PRINCIPAL MISSING_BRACE_IN_VARIABLE
		MISSING_QUOTE_IN_VARIABLE UNSUPPORTED_SPACE_IN_VARIABLE EMPTY_VARIABLE VARIABLE_UNSUPPORTED_IN_ELEMENT VARIABLE_UNSUPPORTED_IN_VERSION
		PRIVATE_IP_ADDRESS PRIVATE_NOT_IP_ADDRESS POLICY_SIZE_EXCEEDS_SCP_QUOTA INVALID_SERVICE_PRINCIPAL_FORMAT MISSING_TAG_KEY_IN_CONDITION
		INVALID_VPC_FORMAT INVALID_VPCE_FORMAT FEDERATED_PRINCIPAL_NOT_SUPPORTED ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL
		ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE
		INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY MISMATCHED_ACTION_FOR_PRINCIPAL MISSING_ACTION_FOR_ROLES_ANYWHERE_TRUST_POLICY
		MISSING_QUALIFIER INVALID_ACTION INVALID_ARN_REGION INVALID_ARN_RESOURCE`,
	iampolicy.SeverityWarning: `
		CREATE_SLR_WITH_NOT_RESOURCE CREATE_SLR_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE CREATE_SLR_WITH_NOT_ACTION_AND_NOT_RESOURCE
		CREATE_SLR_WITH_STAR_IN_RESOURCE CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE CREATE_SLR_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION
		DEPRECATED_GLOBAL_CONDITION_KEY INVALID_DATE_VALUE INVALID_ROLE_REFERENCE INVALID_USER_REFERENCE MISSING_VERSION UNIQUE_SIDS_RECOMMENDED
		WILDCARD_WITHOUT_LIKE_OPERATOR POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA
		SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA TYPE_MISMATCH NOTPRINCIPAL_INCOMPLETE
		SHADOWED_ALLOW NEVER_TRUE_CONDITION`,
	iampolicy.SeveritySecurityWarning: `
		ALLOW_WITH_NOT_PRINCIPAL PASS_ROLE_WITH_NOT_RESOURCE PASS_ROLE_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE
		PASS_ROLE_WITH_NOT_ACTION_AND_NOT_RESOURCE PASS_ROLE_WITH_STAR_IN_RESOURCE PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE
		PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL MISSING_GITHUB_REPO_CONDITION_KEY
		FORALLVALUES_WITH_SINGLE_VALUED_KEY FORALLVALUES_WITHOUT_GUARD PUBLIC_ACCESS`,
	iampolicy.SeveritySuggestion: `
		EMPTY_ARRAY_ACTION EMPTY_ARRAY_CONDITION EMPTY_ARRAY_CONDITION_FORALLVALUES EMPTY_ARRAY_CONDITION_FORANYVALUE
		EMPTY_ARRAY_CONDITION_IFEXISTS EMPTY_ARRAY_PRINCIPAL EMPTY_ARRAY_RESOURCE EMPTY_OBJECT_CONDITION EMPTY_OBJECT_PRINCIPAL EMPTY_SID_VALUE
		IMPROVE_IP_RANGE NULL_WITH_QUALIFIER PRIVATE_IP_ADDRESS_SUBSET PRIVATE_NOT_IP_ADDRESS_SUBSET REDUNDANT_ACTION
		REDUNDANT_CONDITION_VALUE_NUM REDUNDANT_RESOURCE REDUNDANT_STATEMENT WILDCARD_IN_SERVICE_NAME REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY
		CONFIRM_AUDIENCE_CLAIM_TYPE`,
}

// TestIAM79Codes: each code has a document that raises it and a near miss that
// does not, and differs from it by little.
func TestIAM79Codes(t *testing.T) {
	raised := map[string]bool{}
	for _, c := range codeCases() {
		raised[c.code] = true
		t.Run(fmt.Sprintf("%s %v", c.code, c.kind), func(t *testing.T) {
			require.Contains(t, codesOf(c.kind, c.doc), c.code, c.doc)
			require.NotContains(t, codesOf(c.kind, c.other), c.code, c.other)
			require.LessOrEqual(t, differing(c.doc, c.other), 104)
			for _, f := range iampolicy.Validate(c.kind, []byte(c.doc)) {
				require.Contains(t, strings.Fields(codesInScope[f.Severity]), f.Code, "severity")
			}
		})
	}
	scope := 0
	for _, codes := range codesInScope {
		for _, code := range strings.Fields(codes) {
			require.True(t, raised[code], code)
			scope++
		}
	}
	require.Len(t, raised, scope)
	require.Equal(t, 108+11, scope)
}

// differing returns how many bytes lie between what two texts begin and end
// with alike.
func differing(a, b string) int {
	n := min(len(a), len(b))
	head := 0
	for head < n && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < n-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	return max(len(a), len(b)) - head - tail
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
		policy(allow("s3:*", "*", `"Condition":{"x":{},"y":{}}`)),                                  // without keys the operator's name does not matter
		policy(allow("s3:*", "arn:aws:fdsasf", "")), policy(allow("sqs:*", "arn:aws:sqs:*:q", "")), // completed (IAM-18)
		policy(allow("iam:*", "arn:aws:iam:::user/a", "")), policy(allow("iam:*", "arn:aws:iam::*:*", "")), policy(allow("iam:*", "arn:aws:iam::111122223333:r*/a", "")),
		policy(allow("s3:*", "arn:aws:s3:us-west-2:111122223333:job/*", "")), policy(allow("s3:*", "arn:aws:s3:us-west-2:111122223333:storage-lens-group/g", "")),
		policy(allow("s3:", "*", "")), policy(allow(":GetObject", "*", "")), // stored, and match nothing (IAM-13)
		policy(allow("sts:AssumeRoot", "arn:aws:iam::*:root", "")), policy(allow("s3:*", "arn:aws:invalid-service:::b", "")),
		strings.Replace(policy(allow("s3:*", "arn:aws:s3:::b", "")), ":::b", ":::\x7f\u00ff", 1), // IAM-84: up to U+00FF
	} {
		require.False(t, refused(iampolicy.KindIdentity, doc), doc)
	}
	for _, doc := range []string{
		`nonsense`, `{"Version":"2012-10-17"}`, policy(`"x"`), policy(allow("GetObject", "*", "")), policy(allow("s3:*", "b", "")),
		policy(allow("s3:*", "arn:aws:s3::b", "")), policy(allow("s3:*", "arn:aws::::b", "")), policy(allow("s3:*", "arn:aws", "")), policy(`{"Effect":"Allow","Action":"s3:*"}`), policy(grant(`"*"`)), policy(conditioned("Equals", "a:b", "x")), `{"Version":"2008-10-17","Statement":[` + anything + `]}`,
	} {
		require.True(t, refused(iampolicy.KindIdentity, doc), doc)
	}
	short := policy(`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:*"}`)
	require.True(t, refused(iampolicy.KindRCP, short), "IAM-18: invalid in a resource control policy")
	require.True(t, refused(iampolicy.KindSCP, policy(deny("s3:*", "arn:aws:s3", ""))), "IAM-18: valid in an SCP only with a * at the end")
	require.False(t, refused(iampolicy.KindSCP, policy(deny("s3:*", "arn:aws:s3:*", ""))))
	require.False(t, refused(iampolicy.KindTrust, policy(`{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`)))
	require.False(t, refused(iampolicy.KindResource, strings.Replace(policy(grant(`"*"`)), "2012", "2008", 1)))
	// IAM-7: the actions of a trust policy.
	for action, want := range map[string]bool{
		"sts:AssumeRole": false, "sts:assumerolewithsaml": false, "sts:TagSession": false, "sts:SetSourceIdentity": false, "sts:SetContext": false, "sts:*": false, "sts:AssumeRole*": false,
		"sts:TagSessions": true, "s3:GetObject": true, "sts:GetCallerIdentity": true,
	} {
		require.Equal(t, want, refused(iampolicy.KindTrust, policy(`{"Effect":"Allow","Principal":{"AWS":"`+ana+`"},"Action":["`+action+`"]}`)), action)
	}
}

// TestIAM10TrustTexts: what IAM says of malformed trust policies.
func TestIAM10TrustTexts(t *testing.T) {
	for element, want := range map[string]string{
		`"Action":"sts:TagSessions"`:                     "AssumeRole policy may only specify STS AssumeRole actions.",
		`"Action":"sts:AssumeRole","Resource":"*"`:       "Has prohibited field Resource.",
		`"Action":"sts:AssumeRole","NotResource":["a"]`:  "Has prohibited field NotResource.",
		`"Action":"sts:AssumeRole","Sid":"a b"`:          "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
		`"Action":"sts:AssumeRole","Condition":{"x":[]}`: "Syntax errors in policy.",
	} {
		found := iampolicy.Validate(iampolicy.KindTrust, []byte(policy(`{"Effect":"Allow","Principal":{"AWS":"`+ana+`"},`+element+`}`)))
		at := slices.IndexFunc(found, func(f iampolicy.Finding) bool { return f.Message == want && f.Refused })
		require.GreaterOrEqual(t, at, 0, "%s: %v", element, found)
	}
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
