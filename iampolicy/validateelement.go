// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"fmt"
	"strings"

	"github.com/sallyport-go/sallyport/internal/arn"
	"github.com/sallyport-go/sallyport/internal/wildcard"
)

// comparedValues bounds the lists whose entries are compared with each other
// for redundancy.
const comparedValues = 64

func (v *validator) actions() {
	st := v.st
	e, name := &st.action, "Action"
	if st.notAction.present() {
		e, name = &st.notAction, "NotAction"
		if v.kind == KindRCP {
			v.report("RCP_SYNTAX_ERROR_NOTACTION", e.at, v.path(name), "resource control policies take Action, not NotAction")
		}
	}
	if e.form == formList && e.len() == 0 && st.bad&elAction == 0 {
		v.report("EMPTY_ARRAY_ACTION", e.at, v.path(name), "Policy statement must contain actions.")
		v.found[len(v.found)-1].Refused = v.iamDocument()
	}
	for i := e.lo; i < e.hi; i++ {
		v.action(&v.p.values[i], v.place(name, e, i))
	}
	v.redundant("REDUNDANT_ACTION", name, e, v.left.action)
}

func (v *validator) action(a *value, path validatorPlace) {
	if a.text == "*" {
		if v.kind == KindRCP && v.st.action.present() {
			v.report("RCP_SYNTAX_ERROR_ACTION", a.at, path.String(), "a resource control policy names the service: s3:* and not *")
		}
		return
	}
	if strings.Contains(a.text, "${") && v.p.modern() {
		v.report("VARIABLE_UNSUPPORTED_IN_ELEMENT", a.at, path.String(), "variables are not replaced in actions")
	}
	service, name, ok := strings.Cut(a.text, ":")
	switch {
	case ok && (service == "" || name == ""):
		v.report("INVALID_ACTION", a.at, path.String(), "an action is written service:Name")
		v.found[len(v.found)-1].Refused = false // IAM stores it
	case !ok:
		v.report("INVALID_ACTION", a.at, path.String(), "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
	case strings.Contains(name, ":"):
		v.report("INVALID_ACTION", a.at, path.String(), "Actions/Condition can contain only one colon.")
	case !vendor(service):
		v.report("INVALID_ACTION", a.at, path.String(), fmt.Sprintf("Vendor %s is not valid", clip(service)))
	case v.kind == KindRCP && !supportsRCP(service):
		v.report("RCP_SYNTAX_ERROR_ACTION", a.at, path.String(), "resource control policies do not apply to "+clip(service)+": name one of the services that support them")
	case wildcard.Has(service):
		v.report("WILDCARD_IN_SERVICE_NAME", a.at, path.String(), "name the service: a wildcard may cover services that do not exist yet")
	}
	if v.kind == KindTrust && ok && !wildcard.Has(a.text) && !trustAction(a.text) && v.st.action.present() {
		v.refuse("MISMATCHED_ACTION_FOR_PRINCIPAL", a.at, path.String(), "AssumeRole policy may only specify STS AssumeRole actions.")
		v.found[len(v.found)-1].Detail = "sts:AssumeRole, AssumeRoleWithSAML, AssumeRoleWithWebIdentity, TagSession, SetSourceIdentity and SetContext"
	}
}

// vendor reports whether a text could be the service of an action.
func vendor(text string) bool {
	for i := range len(text) {
		switch c := lower(text[i]); {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '*', c == '?', c == '.':
		default:
			return false
		}
	}
	return true
}

// wholePattern is a pattern as the parts that matching takes.
func wholePattern(text string) []wildcard.Part { return []wildcard.Part{{Text: text}} }

// redundant reports values of a list that another of the same list covers.
func (v *validator) redundant(code, name string, e *element, covers func(a, b string) bool) {
	values := v.p.list(e)
	if len(values) > comparedValues {
		return
	}
	for i := range values {
		for j := range values {
			a, b := values[j].text, values[i].text
			if i == j || len(a) > maxRequestPattern || len(b) > maxRequestPattern || a == b && j > i {
				continue
			}
			if v.left.spend(comparison) && covers(a, b) {
				v.report(code, values[i].at, v.path((&place{element: name, values: e, value: e.lo + int32(i)}).String()), "another entry of the list covers this one")
				break
			}
		}
	}
}

func (v *validator) resources() {
	st := v.st
	e, name := &st.resource, "Resource"
	if st.notResource.present() {
		e, name = &st.notResource, "NotResource"
	}
	switch {
	case v.kind == KindTrust && e.present():
		v.report("ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE", e.at, v.path(name), "Has prohibited field "+name+".")
		return
	case !e.present() && v.kind != KindTrust && st.bad&elStatement == 0:
		v.report("MISSING_RESOURCE", st.at, v.path(""), "Policy statement must contain resources.")
	case e.form == formList && e.len() == 0 && st.bad&elResource == 0:
		v.report("EMPTY_ARRAY_RESOURCE", e.at, v.path(name), "Policy statement must contain resources.")
		v.found[len(v.found)-1].Refused = v.iamDocument()
	}
	for i := e.lo; i < e.hi; i++ {
		v.resource(&v.p.values[i], v.place(name, e, i))
	}
	v.redundant("REDUNDANT_RESOURCE", name, e, v.left.resource)
}

func (v *validator) resource(r *value, path validatorPlace) {
	if r.text == "*" {
		return
	}
	if !strings.HasPrefix(r.text, "arn:") {
		text := fmt.Sprintf("Resource %s must be in ARN format or \"*\".", clip(r.text))
		if _, rest, ok := strings.Cut(r.text, ":"); ok { // IAM asks for the partition first
			if a, fields := arn.Split("arn:" + rest); !knownPartition(a.Partition) {
				text = badPartition(a.Partition, "arn:"+rest, fields)
			}
		}
		v.report("INVALID_ARN_PREFIX", r.at, path.String(), text)
		return
	}
	a, fields := arn.Split(r.text)
	v.partition(a, fields, r, path)
	if fields < 6 || a.Service == "" {
		v.missingField(r, fields, path)
		return
	}
	if strings.ContainsAny(a.Service, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		v.report("INVALID_ARN_SERVICE_CASE", r.at, path.String(), "the service of an ARN is in lower case")
	}
	if wildcard.Has(a.Service) {
		v.report("WILDCARD_IN_SERVICE_NAME", r.at, path.String(), "Resource vendor must be fully qualified and cannot contain regexes.")
		v.found[len(v.found)-1].Refused = v.iamDocument()
	}
	if !accountField(a.Account) {
		v.report("INVALID_ARN_ACCOUNT", r.at, path.String(), "the account of an ARN has twelve digits")
	}
	if a.Region != "" && !wildcard.Has(a.Region) && (a.Service == "iam" || a.Service == "s3" && !regionalS3(a)) {
		text := "Resource %s can not contain region information."
		if a.Service == "iam" {
			text = "IAM resource %s cannot contain region information."
		}
		v.refuse("INVALID_ARN_REGION", r.at, path.String(), fmt.Sprintf(text, clip(r.text)))
	}
	if a.Service == "iam" && v.iamDocument() && !iamResource(a.Resource) {
		v.refuse("INVALID_ARN_RESOURCE", r.at, path.String(),
			`IAM resource path must either be "*" or start with `+strings.Join(iamResources[:], ", ")+".")
	}
	if strings.Contains(a.Partition+a.Service+a.Region+a.Account, "${") {
		v.report("VARIABLE_UNSUPPORTED_IN_ELEMENT", r.at, path.String(), "variables are replaced behind the fifth colon only")
	}
	v.variables(a.Resource, r.at, path)
}

// regionalS3 reports whether an ARN of S3 is of a sort that has a Region
// (Service Authorization Reference, "Resource types defined by Amazon S3").
func regionalS3(a arn.ARN) bool {
	kind, _, _ := strings.Cut(a.Resource, "/")
	switch kind {
	case "accesspoint", "job", "storage-lens", "storage-lens-group", "access-grants", "async-request":
		return a.Account != ""
	}
	return strings.HasPrefix(a.Resource, "accesspoint") || wildcard.Has(kind) && a.Account != ""
}

// missingField reports an ARN of fewer than six fields. IAM refuses those that
// name no service or leave a field empty, and completes the others (IAM-18).
func (v *validator) missingField(r *value, fields int, path validatorPlace) {
	const six = "an ARN has six fields: arn:partition:service:region:account:resource"
	text, detail, refused := six, "", !strings.HasSuffix(r.text, "*")
	switch v.kind {
	case KindIdentity, KindBoundary, KindSession:
		refused = fields < 3 || strings.Contains(r.text, "::")
		switch {
		case fields < 3:
			text = "Resource vendor must be fully qualified and cannot contain regexes."
		case refused:
			text, detail = legacyParsing, six
		}
	case KindRCP:
		refused = true
	}
	v.report("MISSING_ARN_FIELD", r.at, path.String(), text)
	f := &v.found[len(v.found)-1]
	f.Detail, f.Refused = detail, refused
}

// iamResources are what the sixth field of an ARN of IAM begins with.
var iamResources = [...]string{
	"user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/", "policy/",
	"sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/",
}

// iamResource reports whether IAM can have a resource of the name: the root
// user of an account, which sts:AssumeRoot takes, is one.
func iamResource(name string) bool {
	if name == "root" {
		return true
	}
	literal := len(name)
	if i := strings.IndexAny(name, "*?$"); i >= 0 {
		literal = i
	}
	for _, kind := range iamResources {
		if strings.HasPrefix(name[:literal], kind) || literal < len(name) && strings.HasPrefix(kind, name[:literal]) {
			return true
		}
	}
	return false
}

func (v *validator) partition(a arn.ARN, fields int, r *value, path validatorPlace) {
	if !knownPartition(a.Partition) {
		v.report("INVALID_PARTITION", r.at, path.String(), badPartition(a.Partition, r.text, fields))
	}
}

func knownPartition(p string) bool {
	return wildcard.Has(p) || p == "aws" || p == "aws-cn" || p == "aws-us-gov" || p == "aws-eusc" || p == "aws-iso" || strings.HasPrefix(p, "aws-iso-")
}

// badPartition is what IAM says of an ARN, which it completes.
func badPartition(partition, text string, fields int) string {
	return fmt.Sprintf("Partition %q is not valid for resource %q.", clip(partition), clip(text+strings.Repeat(":*", 6-fields)))
}

func accountField(account string) bool {
	return account == "" || account == "aws" || account == "cloudfront" || account == "aws-managed" || wildcard.Has(account) ||
		strings.Contains(account, "${") || accountID(account)
}

// variables checks a text that may hold variables.
func (v *validator) variables(text string, at span, path validatorPlace) {
	if !strings.Contains(text, "${") {
		return
	}
	if !v.p.modern() {
		v.report("VARIABLE_UNSUPPORTED_IN_VERSION", at, path.String(), "variables need Version 2012-10-17; here they are literal text")
		return
	}
	if _, bad := parseVariables(nil, text); bad != nil {
		v.report(bad.code, at, path.String(), bad.reason)
	}
}
