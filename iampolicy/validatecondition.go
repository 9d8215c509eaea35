// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

func (v *validator) conditions() {
	e := &v.st.condition
	if e.form != formObject {
		return
	}
	if e.len() == 0 {
		v.report("EMPTY_OBJECT_CONDITION", e.at, v.path("Condition"), "an empty Condition says nothing: remove it")
	}
	for i := e.lo; i < e.hi; i++ {
		v.condition(&v.p.conditions[i])
	}
}

func (v *validator) condition(c *condition) {
	if c.bad {
		return
	}
	path := validatorPlace{v: v, place: place{cond: c}}
	op, ok := parseOperator(c.op)
	if !ok {
		code, why := "INVALID_CONDITION_OPERATOR", "unknown condition operator"
		if equalFold(c.op[strings.LastIndexByte(c.op, ':')+1:], "NullIfExists") {
			code, why = "NULL_WITH_IF_EXISTS", "Null asks whether the key exists; IfExists has no meaning there"
		}
		v.report(code, c.opAt, path.String(), why)
		return
	}
	if op.fam == famNull && strings.Contains(c.op, ":") {
		v.report("NULL_WITH_QUALIFIER", c.opAt, path.String(), "a set operator before Null says nothing")
	}
	path.values, path.value = &c.values, -1
	v.conditionKey(c, op, path)
	v.emptyValues(c, op, path)
	for i := c.values.lo; i < c.values.hi; i++ {
		v.conditionValue(c, op, &v.p.values[i], validatorPlace{v: v, place: place{cond: c, values: &c.values, value: i}})
	}
	v.jsonTypes(c, path)
	if op.fam == famBool && op.quant == quantNone && c.values.len() > 1 {
		v.report("INVALID_CONDITION_MULTIPLE_BOOLEAN", c.values.at, path.String(), "true or false: not both")
	}
	if op.fam == famNumeric && op.rel != relEquals && c.values.len() > 1 {
		v.report("REDUNDANT_CONDITION_VALUE_NUM", c.values.at, path.String(), "one of the numbers decides alone")
	}
	if op.quant == quantAll && v.p.effectOf(v.st) == "Allow" && singleValued(lowerASCII(c.key)) {
		v.report("FORALLVALUES_WITH_SINGLE_VALUED_KEY", c.opAt, path.String(), "the key has one value: without ForAllValues the condition does not hold when it is absent")
	}
	if op.quant == quantAll && !op.negated && v.p.effectOf(v.st) == "Allow" && !v.guarded(c.key) {
		why := `ForAllValues holds for a key that is absent: add "Null": {"` + clip(c.key) + `": "false"}`
		if equalFold(c.key, dynamoAttributes) {
			why += `, and restrict dynamodb:Select, or all attributes are returned unnamed`
		}
		v.report("FORALLVALUES_WITHOUT_GUARD", c.opAt, path.String(), why)
	}
}

// jsonTypes reports values of different JSON types in one list.
func (v *validator) jsonTypes(c *condition, path validatorPlace) {
	values := v.p.list(&c.values)
	for i := range values {
		if jsonType(values[i].kind) != jsonType(values[0].kind) {
			v.report("INVALID_CONDITION_DATA_TYPE", values[i].at, path.String(), "the values are of different JSON types: write all of them as strings")
			return
		}
	}
}

// jsonType is a kind, with one for both booleans.
func jsonType(k strictjson.Kind) strictjson.Kind {
	if k == strictjson.False {
		return strictjson.True
	}
	return k
}

// dynamoAttributes is the key with the names of the attributes that a DynamoDB
// request names; one that names none may return them all.
const dynamoAttributes = "dynamodb:Attributes"

// guarded reports whether the statement demands that a key is there, and for
// the attributes of DynamoDB also says which may be selected.
func (v *validator) guarded(key string) bool {
	said := v.say()
	return said.demanded[lowerASCII(key)] && (said.selects || !equalFold(key, dynamoAttributes))
}

// restrictsSelect reports whether a condition says what dynamodb:Select may be.
func restrictsSelect(c *condition, op operator, known bool) bool {
	return known && equalFold(c.key, "dynamodb:Select") && op.fam != famNull && !op.negated && c.values.len() > 0
}

func (v *validator) emptyValues(c *condition, op operator, path validatorPlace) {
	if c.values.form != formList || c.values.len() > 0 {
		return
	}
	code := "EMPTY_ARRAY_CONDITION"
	switch {
	case op.quant == quantAll:
		code += "_FORALLVALUES"
	case op.quant == quantAny:
		code += "_FORANYVALUE"
	case op.ifExists:
		code += "_IFEXISTS"
	}
	v.report(code, c.values.at, path.String(), "the condition has no values")
}

// globalKeys are the condition keys that begin with aws: and need no tag key,
// in lower case and sorted (IAM User Guide, "AWS global condition context
// keys").
var globalKeys = [...]string{
	"assumedroot", "calledvia", "calledviafirst", "calledvialast", "chatbotsourcearn", "currenttime", "ec2instancesourceprivateipv4",
	"ec2instancesourcevpc", "epochtime", "federatedprovider", "ismcpserviceaction", "multifactorauthage", "multifactorauthpresent", "principalaccount", "principalarn",
	"principalisawsservice", "principalorgid", "principalorgmasteraccountid", "principalorgpaths", "principalservicename", "principalservicenameslist", "principaltype",
	"referer", "requestedregion", "resourceaccount", "resourceorgid", "resourceorgpaths", "securetransport", "sourceaccount", "sourcearn",
	"sourceidentity", "sourceip", "sourceorgid", "sourceorgpaths", "sourceowner", "sourcevpc", "sourcevpcarn", "sourcevpce", "tagkeys",
	"tokenissuetime", "useragent", "userid", "username", "viaawsmcpservice", "viaawsservice", "vpceaccount", "vpceorgid", "vpceorgpaths", "vpcsourceip",
}

func (v *validator) conditionKey(c *condition, op operator, path validatorPlace) {
	service, name, ok := strings.Cut(lowerASCII(c.key), ":")
	if !ok || service == "" || name == "" {
		v.report("INVALID_CONDITION_KEY_FORMAT", c.keyAt, path.String(), "a condition key is written service:key")
		return
	}
	if multivaluedKey(service, name) && op.quant == quantNone && op.fam != famNull {
		v.report("MISSING_QUALIFIER", c.opAt, path.String(), "the key has several values: use ForAllValues or ForAnyValue")
	}
	if strings.Contains(name, "${") && v.p.modern() {
		v.report("VARIABLE_UNSUPPORTED_IN_ELEMENT", c.keyAt, path.String(), "variables are not replaced in condition keys")
	}
	if service != "aws" {
		return
	}
	tag, key, tagged := strings.Cut(name, "/")
	switch {
	case tag == "principaltag" || tag == "resourcetag" || tag == "requesttag":
		if !tagged || key == "" {
			v.report("MISSING_TAG_KEY_IN_CONDITION", c.keyAt, path.String(), "name the tag: "+clip(c.key)+"/key")
		}
	case name == "arn":
		v.unsupportedKey(c, path)
	case !slices.Contains(globalKeys[:], name):
		v.report("INVALID_GLOBAL_CONDITION_KEY", c.keyAt, path.String(), "there is no such global condition key")
	case !op.suits(name):
		v.report("TYPE_MISMATCH", c.opAt, path.String(), "the values of the key are of another type than those that the operator compares")
	}
}

// multivaluedKey reports whether a key in lower case is known to hold a list.
func multivaluedKey(service, name string) bool {
	if service == "dynamodb" {
		return name == "attributes" || name == "leadingkeys"
	}
	if service != "aws" {
		return false
	}
	switch name {
	case "calledvia", "principalorgpaths", "principalservicenameslist", "resourceorgpaths", "sourceorgpaths", "tagkeys", "vpceorgpaths":
		return true
	}
	return false
}

func (v *validator) conditionValue(c *condition, op operator, x *value, path validatorPlace) {
	switch {
	case op.takesVariables():
		v.variables(x.text, x.at, path)
	case strings.Contains(x.text, "${") && v.p.modern():
		v.report("INVALID_VARIABLE_FOR_OPERATOR", x.at, path.String(), "this operator takes no variables")
		return
	}
	switch op.fam {
	case famNumeric:
		if _, ok := parseDecimal(x.text); !ok {
			v.report("INVALID_CONDITION_DATA_TYPE", x.at, path.String(), "not a number: the value matches nothing")
		}
	case famDate:
		if _, ok := parseInstant(x.text); !ok {
			v.report("INVALID_DATE_VALUE", x.at, path.String(), "not a date: the value matches nothing")
		} else if digitsLen(x.text) == len(x.text) && len(x.text) != len("2006") && !equalFold(c.key, "aws:EpochTime") {
			v.report("INVALID_DATE_VALUE", x.at, path.String(), "seconds since 1970: write YYYY-MM-DD, or with a time of day YYYY-MM-DDThh:mm:ssZ")
		}
	case famBool:
		if !equalFold(x.text, "true") && !equalFold(x.text, "false") && !strings.Contains(x.text, "${") {
			v.report("INVALID_CONDITION_DATA_TYPE", x.at, path.String(), "neither true nor false: the value matches nothing")
		}
	case famNull:
		if x.text != "true" && x.text != "false" {
			v.report("INVALID_CONDITION_DATA_TYPE", x.at, path.String(), "neither true nor false, in lower case: the condition does not hold by this value")
		}
	case famBinary:
		if _, ok := canonicalBase64(x.text); !ok {
			v.report("INVALID_CONDITION_DATA_TYPE", x.at, path.String(), "not base64: the value matches nothing")
		}
	case famIP:
		v.addressValue(c, op, x, path)
	case famString, famStringFold:
		v.literalValue(c, x, path)
	}
	v.vpcValue(c, op, x, path)
	v.keyValue(c, op, x, path)
}

// literalValue reports wildcards where they are plain characters.
func (v *validator) literalValue(c *condition, x *value, path validatorPlace) {
	text := x.text
	for _, escape := range [...]string{"${*}", "${?}"} {
		text = strings.ReplaceAll(text, escape, "")
	}
	if strings.ContainsAny(text, "*?") {
		v.report("WILDCARD_WITHOUT_LIKE_OPERATOR", x.at, path.String(), "without Like in the operator * and ? are plain characters")
	}
}

func (v *validator) addressValue(c *condition, op operator, x *value, path validatorPlace) {
	p, ok := parsePrefix(x.text)
	if !ok {
		v.report("TYPE_MISMATCH_IP_RANGE", x.at, path.String(), "neither an address nor a range: the value matches nothing")
		return
	}
	if written, err := netip.ParsePrefix(x.text); err == nil && written.Masked() != written {
		v.report("IMPROVE_IP_RANGE", x.at, path.String(), "the range is "+p.String())
	}
	if !equalFold(c.key, "aws:SourceIp") {
		return
	}
	inside := private(p) || p.Addr().IsLoopback() || p.Addr().IsLinkLocalUnicast() || p.Addr().Is6() && p.Addr().IsPrivate()
	code := "PRIVATE_IP_ADDRESS"
	if op.negated {
		code = "PRIVATE_NOT_IP_ADDRESS"
	}
	if !inside {
		return
	}
	// Where other values are public, the private ones are only useless.
	if v.ranges != c {
		v.ranges, v.publicly = c, v.somePublic(c)
	}
	if v.publicly {
		code += "_SUBSET"
	}
	v.report(code, x.at, path.String(), "aws:SourceIp is a public address: a private range matches nobody")
}

func (v *validator) somePublic(c *condition) bool {
	return slices.ContainsFunc(v.p.list(&c.values), func(x value) bool {
		p, ok := parsePrefix(x.text)
		return ok && !private(p) && !p.Addr().IsPrivate() && !p.Addr().IsLoopback()
	})
}

func (v *validator) vpcValue(c *condition, op operator, x *value, path validatorPlace) {
	if op.fam != famString && op.fam != famStringLike && op.fam != famStringFold || strings.ContainsAny(x.text, "*?$") {
		return
	}
	switch lowerASCII(c.key) {
	case "aws:sourcevpc":
		if !resourceID(x.text, "vpc-") {
			v.report("INVALID_VPC_FORMAT", x.at, path.String(), "a VPC is named vpc- and 8 or 17 hexadecimal digits")
		}
	case "aws:sourcevpce":
		if !resourceID(x.text, "vpce-") {
			v.report("INVALID_VPCE_FORMAT", x.at, path.String(), "a VPC endpoint is named vpce- and 8 or 17 hexadecimal digits")
		}
	}
}

func resourceID(text, prefix string) bool {
	id, ok := strings.CutPrefix(text, prefix)
	return ok && (len(id) == 8 || len(id) == 17) && strings.Trim(id, "0123456789abcdef") == ""
}
