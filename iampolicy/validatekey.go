// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/internal/arn"
)

// unsupportedKey raises the codes about keys that were given up: aws:ARN, which
// Access Analyzer names under both.
func (v *validator) unsupportedKey(c *condition, path validatorPlace) {
	v.report("UNSUPPORTED_GLOBAL_CONDITION_KEY", c.keyAt, path.String(), "the condition key aws:ARN is not supported: use aws:PrincipalArn or aws:SourceArn")
	v.report("DEPRECATED_GLOBAL_CONDITION_KEY", c.keyAt, path.String(), "aws:ARN gave way to aws:PrincipalArn and aws:SourceArn")
}

// keyValue raises the codes about the values of particular keys.
func (v *validator) keyValue(c *condition, op operator, x *value, path validatorPlace) {
	key := lowerASCII(c.key)
	switch key {
	case "s3:x-amz-server-side-encryption-aws-kms-key-id":
		if op.takesVariables() && op.fam != famBool && !kmsKeyValue(x.text) {
			v.report("INVALID_KMS_KEY_VALUE", x.at, path.String(), "S3 compares the ARN of the key, arn:aws:kms:REGION:ACCOUNT:key/ID: an id or an alias matches nothing")
		}
	case "aws:calledvia", "aws:calledviafirst", "aws:calledvialast", "aws:principalservicename", "aws:principalservicenameslist",
		"iam:passedtoservice", "iam:awsservicename", "kms:viaservice":
		if op.takesVariables() && op.fam != famBool && !strings.ContainsAny(x.text, "*?$") && !servicePrincipal(x.text) {
			v.report("INVALID_SERVICE_PRINCIPAL_FORMAT", x.at, path.String(), "a service is named like sns.amazonaws.com")
		}
	default:
		v.permissive(key, op, x, path)
	}
}

// globalFamily returns what the values of a global condition key without tag,
// in lower case and without its prefix, are compared as; 0 is text or ARNs.
func globalFamily(name string) family {
	switch name {
	case "currenttime", "tokenissuetime", "epochtime":
		return famDate
	case "multifactorauthage":
		return famNumeric
	case "assumedroot", "ismcpserviceaction", "multifactorauthpresent", "principalisawsservice", "securetransport", "viaawsmcpservice", "viaawsservice":
		return famBool
	case "ec2instancesourceprivateipv4", "sourceip", "vpcsourceip":
		return famIP
	}
	return 0
}

// suits reports whether the operator compares values of the type that a global
// condition key has. The seconds of aws:EpochTime are a number too.
func (o operator) suits(name string) bool {
	want := globalFamily(name)
	switch o.fam {
	case famNull:
		return true
	case famNumeric:
		return want == famNumeric || want == famDate && name != "currenttime"
	case famDate, famBool, famIP, famBinary:
		return o.fam == want
	}
	return want == 0
}

// singleValued reports whether a key in lower case is a global one that never
// has several values.
func singleValued(key string) bool {
	name, ok := strings.CutPrefix(key, "aws:")
	tag, _, _ := strings.Cut(name, "/")
	return ok && !multivaluedKey("aws", name) &&
		(slices.Contains(globalKeys[:], name) || tag == "principaltag" || tag == "resourcetag" || tag == "requesttag")
}

// kmsKeyValue reports whether a value can match the ARN of a KMS key.
func kmsKeyValue(text string) bool {
	if strings.HasPrefix(text, "*") || strings.HasPrefix(text, "?") || strings.HasPrefix(text, "${") {
		return true
	}
	a, fields := arn.Split(text)
	if at := strings.IndexAny(text, "*?$"); fields < 6 && at >= 0 {
		return strings.HasPrefix("arn:", text[:min(at, len("arn:"))])
	}
	if fields < 6 || a.Prefix != "arn" || a.Service != "kms" && !strings.ContainsAny(a.Service, "*?") {
		return false
	}
	before, _, _ := strings.Cut(a.Resource, "/")
	return before == "key" || strings.ContainsAny(before, "*?$")
}

// sensitiveKeys are the keys whose values name somebody or some network, in
// lower case, and whether a variable is as dangerous there as a wildcard: that
// of an organization or account is usually compared with another one's.
var sensitiveKeys = [...]struct {
	key       string
	variables bool
}{
	{"aws:userid", true},
	{"aws:sourcevpc", true},
	{"aws:sourcevpce", true},
	{"aws:principalaccount", false},
	{"aws:principalorgid", false},
	{"aws:sourceaccount", false},
	{"aws:sourceorgid", false},
}

// literalBefore is how many characters a value of a sensitive key needs before
// its first wildcard or variable.
const literalBefore = 6

// permissive reports values of sensitive keys that almost anything matches,
// where matching opens: in an Allow, or negated in a Deny.
func (v *validator) permissive(key string, op operator, x *value, path validatorPlace) {
	if (v.p.effectOf(v.st) == "Allow") == op.negated {
		return
	}
	for _, s := range sensitiveKeys {
		if s.key != key {
			continue
		}
		text := strings.NewReplacer("${*}", "-", "${?}", "-", "${$}", "-").Replace(x.text)
		variable := strings.Index(text, "${")
		wild := strings.IndexAny(text, "*?")
		if s.variables && v.p.modern() && op.takesVariables() && variable >= 0 && variable < literalBefore && (wild < 0 || variable < wild) {
			v.report("VARIABLE_USAGE_TOO_PERMISSIVE", x.at, path.String(), "write at least six characters before the variable: it may stand for anything")
		}
		if (op.fam == famStringLike || op.fam == famArn) && wild >= 0 && wild < literalBefore && (variable < 0 || wild < variable) {
			v.report("WILDCARD_USAGE_TOO_PERMISSIVE", x.at, path.String(), "write at least six characters before the wildcard: too much matches")
		}
	}
}

// audience asks to make sure that a provider's audience is one value, where the
// condition takes it for that.
func (v *validator) audience(host string) {
	for _, i := range v.say().on[host+":aud"] {
		c := &v.p.conditions[i]
		op, ok := parseOperator(c.op)
		if ok && op.quant == quantNone && op.fam != famNull {
			v.report("CONFIRM_AUDIENCE_CLAIM_TYPE", c.opAt, v.path("Condition"+member(c.op)+member(c.key)),
				"if the provider's tokens have a list of audiences, this needs ForAnyValue")
		}
	}
}

// branches reports subjects of GitHub tokens that are not those of one branch
// of one repository.
func (v *validator) branches(host string) {
	for _, i := range v.say().on[host+":sub"] {
		c := &v.p.conditions[i]
		op, ok := parseOperator(c.op)
		if !ok || op.negated || op.fam == famNull {
			continue
		}
		for j := c.values.lo; j < c.values.hi; j++ {
			if x := &v.p.values[j]; !oneBranch(x.text) {
				v.report("SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED", x.at, v.path((&place{cond: c, values: &c.values, value: j}).String()),
					"name one branch of one repository: repo:ORGANIZATION/REPOSITORY:ref:refs/heads/BRANCH")
			}
		}
	}
}

// oneBranch reports whether the subject of a GitHub token names one branch of
// one repository.
func oneBranch(subject string) bool {
	rest, ok := strings.CutPrefix(subject, "repo:")
	repository, branch, found := strings.Cut(rest, ":ref:refs/heads/")
	owner, name, slash := strings.Cut(repository, "/")
	return ok && found && slash && owner != "" && name != "" && branch != "" && !strings.ContainsAny(subject, "*?$")
}
