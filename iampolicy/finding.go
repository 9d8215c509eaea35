// SPDX-License-Identifier: Apache-2.0

package iampolicy

import "fmt"

// Severity is how grave a Finding is, in the words of IAM Access Analyzer.
type Severity uint8

// The severities.
const (
	SeverityError           Severity = iota + 1 // the policy does not work as written
	SeveritySecurityWarning                     // it gives more than is wise
	SeverityWarning                             // it may not do what it seems to
	SeveritySuggestion                          // it can be written better
)

var severityNames = [...]string{"", "ERROR", "SECURITY_WARNING", "WARNING", "SUGGESTION"}

// String returns the severity's word, such as "SECURITY_WARNING".
func (s Severity) String() string {
	if s >= SeverityError && s <= SeveritySuggestion {
		return severityNames[s]
	}
	return fmt.Sprintf("Severity(%d)", uint8(s))
}

// MarshalText returns String's word.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Finding is something that Validate found in a policy.
type Finding struct {
	// Code is the issue code, in the words of IAM Access Analyzer ("Access
	// Analyzer policy check reference") where it has one for this.
	Code string `json:"code"`
	// Severity is that of the code.
	Severity Severity `json:"severity"`
	// Message says what is wrong; where IAM refuses the document it is IAM's
	// text, if that is known.
	Message string `json:"message"`
	// Detail says what is wrong where Message is IAM's and does not, as "Syntax
	// errors in policy."; else it is empty.
	Detail string `json:"detail,omitempty"`
	// Refused says that AWS refuses to save the document because of this.
	Refused bool `json:"refused,omitempty"`
	// Span is where.
	Span Span `json:"span"`
}

// Hint returns one sentence on what to change, or "".
func (f *Finding) Hint() string { return hintFor(f.Code) }

// severityOf returns the severity of a code.
func severityOf(code string) Severity {
	switch code {
	case "CREATE_SLR_WITH_NOT_RESOURCE", "CREATE_SLR_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE", "CREATE_SLR_WITH_NOT_ACTION_AND_NOT_RESOURCE",
		"CREATE_SLR_WITH_STAR_IN_RESOURCE", "CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE", "CREATE_SLR_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION",
		"DEPRECATED_GLOBAL_CONDITION_KEY", "INVALID_DATE_VALUE", "INVALID_ROLE_REFERENCE", "INVALID_USER_REFERENCE", "MISSING_VERSION",
		"UNIQUE_SIDS_RECOMMENDED", "WILDCARD_WITHOUT_LIKE_OPERATOR", "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA",
		"POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA", "SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED",
		"POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA", "TYPE_MISMATCH", "NOTPRINCIPAL_INCOMPLETE", "SHADOWED_ALLOW", "NEVER_TRUE_CONDITION":
		return SeverityWarning
	case "ALLOW_WITH_NOT_PRINCIPAL", "PASS_ROLE_WITH_NOT_RESOURCE", "PASS_ROLE_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE",
		"PASS_ROLE_WITH_NOT_ACTION_AND_NOT_RESOURCE", "PASS_ROLE_WITH_STAR_IN_RESOURCE", "PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE",
		"PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION", "MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL", "MISSING_GITHUB_REPO_CONDITION_KEY",
		"FORALLVALUES_WITH_SINGLE_VALUED_KEY", "FORALLVALUES_WITHOUT_GUARD", "PUBLIC_ACCESS":
		return SeveritySecurityWarning
	case "EMPTY_ARRAY_ACTION", "EMPTY_ARRAY_CONDITION", "EMPTY_ARRAY_CONDITION_FORALLVALUES", "EMPTY_ARRAY_CONDITION_FORANYVALUE",
		"EMPTY_ARRAY_CONDITION_IFEXISTS", "EMPTY_ARRAY_PRINCIPAL", "EMPTY_ARRAY_RESOURCE", "EMPTY_OBJECT_CONDITION",
		"EMPTY_OBJECT_PRINCIPAL", "EMPTY_SID_VALUE", "IMPROVE_IP_RANGE", "NULL_WITH_QUALIFIER", "PRIVATE_IP_ADDRESS_SUBSET",
		"PRIVATE_NOT_IP_ADDRESS_SUBSET", "REDUNDANT_ACTION", "REDUNDANT_CONDITION_VALUE_NUM", "REDUNDANT_RESOURCE", "REDUNDANT_STATEMENT",
		"WILDCARD_IN_SERVICE_NAME", "REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY", "CONFIRM_AUDIENCE_CLAIM_TYPE":
		return SeveritySuggestion
	}
	return SeverityError
}

// refuses reports whether AWS refuses to save a document with a finding of the
// code.
func refuses(code string) bool {
	switch code {
	case "JSON_SYNTAX_ERROR", "DATA_TYPE_MISMATCH", "INVALID_POLICY_ELEMENT", "INVALID_PRINCIPAL_KEY", "DUPLICATE_KEYS_WITH_DIFFERENT_CASE",
		"MISSING_STATEMENT", "MISSING_ACTION", "MISSING_EFFECT", "MISSING_RESOURCE", "MISSING_PRINCIPAL", "INVALID_EFFECT", "INVALID_VERSION",
		"UNSUPPORTED_ELEMENT_COMBINATION", "UNSUPPORTED_PRINCIPAL", "UNSUPPORTED_SID", "UNIQUE_SIDS_REQUIRED", "INVALID_CONDITION_OPERATOR",
		"NULL_WITH_IF_EXISTS", "INVALID_ARN_PREFIX", "INVALID_PARTITION", "MISSING_ARN_FIELD", "INVALID_ACTION", "INVALID_PRINCIPAL_FORMAT",
		"UNSUPPORTED_WILDCARD_IN_PRINCIPAL", "SCP_SYNTAX_ERROR_PRINCIPAL", "RCP_SYNTAX_ERROR_PRINCIPAL", "RCP_SYNTAX_ERROR_ALLOW",
		"RCP_SYNTAX_ERROR_NOTACTION", "RCP_SYNTAX_ERROR_ACTION", "POLICY_SIZE_EXCEEDS_RCP_QUOTA", "POLICY_SIZE_EXCEEDS_SCP_QUOTA",
		"POLICY_SIZE_EXCEEDS_RESOURCE_POLICY_QUOTA", "ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL", "ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE",
		"ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL", "INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY",
		"MISSING_BRACE_IN_VARIABLE", "MISSING_QUOTE_IN_VARIABLE", "UNSUPPORTED_SPACE_IN_VARIABLE", "EMPTY_VARIABLE":
		return true
	}
	return false
}
