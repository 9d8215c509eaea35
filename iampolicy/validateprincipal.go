// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"slices"
	"strings"
	"sync"
)

func (v *validator) principals() {
	st := v.st
	e, name := &st.principal, "Principal"
	if st.notPrincipal.present() {
		e, name = &st.notPrincipal, "NotPrincipal"
	}
	switch {
	case !v.kind.takesPrincipal():
		if e.present() {
			code := "UNSUPPORTED_PRINCIPAL"
			if v.kind == KindSCP {
				code = "SCP_SYNTAX_ERROR_PRINCIPAL"
			}
			v.report(code, e.at, v.path(name), "Policy document should not specify a principal.")
		}
		return
	case !e.present():
		if v.kind != KindEndpoint && st.bad&elStatement == 0 {
			v.report("MISSING_PRINCIPAL", st.at, v.path(""), "Missing required field Principal")
		}
		return
	}
	if v.kind == KindRCP {
		if name != "Principal" || e.form != formOne || v.p.values[v.p.entries[e.lo].values.lo].text != "*" {
			v.report("RCP_SYNTAX_ERROR_PRINCIPAL", e.at, v.path(name), `the principal of a resource control policy is "*"`)
		}
		return
	}
	v.notPrincipal(e)
	if e.form == formObject && e.len() == 0 && st.bad&elPrincipal == 0 {
		v.report("EMPTY_OBJECT_PRINCIPAL", e.at, v.path(name), "the statement names no principal, so it applies to nobody")
	}
	for i := e.lo; i < e.hi; i++ {
		v.principalMember(&v.p.entries[i], e, name)
	}
	if v.kind == KindTrust {
		v.trust(e)
	}
}

func (v *validator) notPrincipal(e *element) {
	st := v.st
	if !st.notPrincipal.present() {
		return
	}
	switch {
	case v.kind == KindTrust:
		v.report("ROLE_TRUST_POLICY_SYNTAX_ERROR_NOTPRINCIPAL", e.at, v.path("NotPrincipal"), "a trust policy takes Principal, not NotPrincipal")
	case v.p.effectOf(st) == "Allow":
		v.report("ALLOW_WITH_NOT_PRINCIPAL", e.at, v.path("NotPrincipal"), "this allows everybody else, anonymous callers included")
	default:
		v.incomplete(e)
	}
}

// incomplete reports a NotPrincipal that lists a user, role or session without
// its account, or a session without its role: AWS may then deny it all the same.
func (v *validator) incomplete(e *element) {
	var entries []entry
	for i := e.lo; i < e.hi; i++ {
		for _, text := range v.p.list(&v.p.entries[i].values) {
			entries = append(entries, compileEntry(v.p.entries[i].typ, text.text))
		}
	}
	if len(entries) > comparedValues {
		return
	}
	has := func(typ entryType, account, role string) bool {
		return slices.ContainsFunc(entries, func(o entry) bool { return o.typ == typ && o.account == account && (role == "" || o.name == role) })
	}
	for _, en := range entries {
		role := ""
		if en.typ == entrySession {
			role = en.role()
		}
		if (en.typ == entryUser || en.typ == entryRole || en.typ == entrySession) && !has(entryAccount, en.account, "") ||
			role != "" && !has(entryRole, en.account, role) {
			v.report("NOTPRINCIPAL_INCOMPLETE", e.at, v.path("NotPrincipal"), "list the account, the role and the session of whoever is to be spared")
			return
		}
	}
}

func (v *validator) principalMember(m *principalEntry, e *element, name string) {
	if m.values.form == formList && m.values.len() == 0 {
		v.report("EMPTY_ARRAY_PRINCIPAL", m.values.at, v.path(name+"."+m.typ), "an empty list names nobody")
	}
	if m.typ == "Federated" && v.kind != KindTrust {
		v.report("FEDERATED_PRINCIPAL_NOT_SUPPORTED", m.at, v.path(name+"."+m.typ), "identity providers are principals of trust policies")
	}
	for i := m.values.lo; i < m.values.hi; i++ {
		path := v.path((&place{element: name + "." + m.typ, values: &m.values, value: i}).String())
		if e.form == formOne {
			path = v.path(name)
		}
		v.principalValue(m.typ, &v.p.values[i], path, e.form == formOne)
	}
}

func (v *validator) principalValue(typ string, p *value, path string, plain bool) {
	text := p.text
	if strings.Contains(text, "${") && v.p.modern() {
		v.report("VARIABLE_UNSUPPORTED_IN_ELEMENT", p.at, path, "variables are not replaced in principals")
	}
	wild := strings.ContainsAny(text, "*?")
	switch {
	case text == "*" && typ == "AWS":
	case plain:
		v.report("INVALID_PRINCIPAL_FORMAT", p.at, path, `a principal is "*" or an object such as {"AWS": …}`)
	case wild && v.kind == KindTrust:
		v.report("ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL", p.at, path, "wildcards in principals match nobody")
	case wild:
		v.report("UNSUPPORTED_WILDCARD_IN_PRINCIPAL", p.at, path, "wildcards in principals match nobody")
	case typ == "Service":
		if !servicePrincipal(text) {
			v.report("INVALID_SERVICE_PRINCIPAL_FORMAT", p.at, path, "a service is named like sns.amazonaws.com")
		}
	case typ == "Federated":
		if v.kind == KindTrust && !strings.HasPrefix(text, "arn:") && !strings.Contains(text, ".") {
			v.report("INVALID_FEDERATED_PRINCIPAL_SYNTAX_IN_ROLE_TRUST_POLICY", p.at, path, "a provider is named by its ARN or its host")
		}
	case typ == "AWS":
		v.awsPrincipal(p, path)
	}
}

func (v *validator) awsPrincipal(p *value, path string) {
	switch en := compileEntry("AWS", p.text); {
	case en.typ == entryUniqueID && strings.HasPrefix(p.text, "AROA"):
		v.report("INVALID_ROLE_REFERENCE", p.at, path, "name the role by its ARN: an id stands here when the role was deleted")
	case en.typ == entryUniqueID:
		v.report("INVALID_USER_REFERENCE", p.at, path, "name the user by its ARN: an id stands here when the user was deleted")
	case en.typ == entryNever:
		v.report("INVALID_PRINCIPAL_FORMAT", p.at, path, "neither an ARN of a principal nor the id of an account")
	}
}

func servicePrincipal(text string) bool {
	for _, suffix := range [...]string{".amazonaws.com", ".amazonaws.com.cn", ".amazon.com", ".aws.internal", ".api.aws"} {
		if strings.HasSuffix(text, suffix) && len(text) > len(suffix) {
			return strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-.") == ""
		}
	}
	return false
}

// trust raises the codes about who may assume a role how.
func (v *validator) trust(e *element) {
	_, starOIDC, oidc := v.coversAction("sts:AssumeRoleWithWebIdentity")
	_, starSAML, saml := v.coversAction("sts:AssumeRoleWithSAML")
	_, star, plain := v.coversAction("sts:AssumeRole")
	oidc, saml, plain = oidc || starOIDC, saml || starSAML, plain || star
	anywhere := sync.OnceValue(v.anywhere)
	allows := v.p.effectOf(v.st) == "Allow"
	for i := e.lo; i < e.hi && allows; i++ {
		m := &v.p.entries[i]
		for j := m.values.lo; j < m.values.hi; j++ {
			text, at, path := v.p.values[j].text, v.p.values[j].at, v.path((&place{element: "Principal." + m.typ, values: &m.values, value: j}).String())
			isSAML := strings.Contains(text, ":saml-provider/")
			switch {
			case m.typ == "Federated" && (isSAML && !saml || !isSAML && !oidc),
				(m.typ == "AWS" || m.typ == "Service") && text != "*" && (oidc || saml) && !plain:
				v.report("MISMATCHED_ACTION_FOR_PRINCIPAL", at, path, "the actions are not those by which this sort of principal assumes roles")
			case m.typ == "Federated" && !isSAML:
				v.webIdentity(text, at, path)
			case text == "rolesanywhere.amazonaws.com" && !anywhere():
				v.report("MISSING_ACTION_FOR_ROLES_ANYWHERE_TRUST_POLICY", at, path, "IAM Roles Anywhere needs sts:AssumeRole, sts:SetSourceIdentity and sts:TagSession")
			}
		}
	}
	v.redundantTrust(e)
}

func (v *validator) anywhere() bool {
	for _, action := range [...]string{"sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"} {
		if _, star, named := v.coversAction(action); !star && !named {
			return false
		}
	}
	return true
}

// webIdentity wants a condition on the audience or subject of a provider's
// tokens, without which anybody with an account there may assume the role.
func (v *validator) webIdentity(provider string, at span, path string) {
	host := lowerASCII(provider)
	if _, after, ok := strings.Cut(host, ":oidc-provider/"); ok {
		host = after
	}
	told := v.say().told // one finding a condition, however many providers have the host
	again := told[host]
	if told[host] = true; !again {
		v.audience(host)
	}
	if strings.HasSuffix(host, "token.actions.githubusercontent.com") {
		if !v.hasKey(host + ":sub") {
			v.report("MISSING_GITHUB_REPO_CONDITION_KEY", at, path, "without a condition on the sub claim every repository may assume the role")
		}
		if !again {
			v.branches(host)
		}
		return
	}
	if !v.hasKey(host+":aud") && !v.hasKey(host+":sub") && !v.hasKey(host+":app_id") && !v.hasKey(host+":oaud") && !v.hasKey(host+":amr") {
		v.report("MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL", at, path, "without a condition on the audience every user of the provider may assume the role")
	}
}

// redundantTrust reports principals that are listed again, and sessions listed
// beside their role.
func (v *validator) redundantTrust(e *element) {
	seen := make(map[string]bool)
	roles := make(map[string]bool)
	entries := func(each func(m *principalEntry, j int32)) {
		for i := e.lo; i < e.hi; i++ {
			m := &v.p.entries[i]
			for j := m.values.lo; j < m.values.hi; j++ {
				each(m, j)
			}
		}
	}
	entries(func(m *principalEntry, j int32) {
		if en := compileEntry(m.typ, v.p.values[j].text); en.typ == entryRole {
			roles[en.partition+":"+en.account+":"+en.name] = true
		}
	})
	entries(func(m *principalEntry, j int32) {
		x := &v.p.values[j]
		key, why := m.typ+" "+x.text, ""
		if seen[key] {
			why = "listed already"
		} else if en := compileEntry(m.typ, x.text); en.typ == entrySession && roles[en.partition+":"+en.account+":"+en.role()] {
			why = "its role is listed too"
		}
		if why != "" {
			v.report("REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY", x.at, v.path((&place{element: "Principal." + m.typ, values: &m.values, value: j}).String()), why)
		}
		seen[key] = true
	})
}
