// SPDX-License-Identifier: Apache-2.0

package iampolicy_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// The reference evaluator: the rules written down as plainly as can be, over
// decoded JSON, without parsing twice, compiling or indexing anything. What is
// slow here is fast in the package; the answers must be the same.

// refCase is a request with all its policies, as texts.
type refCase struct {
	Action, Resource, Owner string
	Principal               string // "" is anonymous
	UserID                  string
	WildcardOnly            bool
	Context                 map[string]any // string, or []string for a list
	Identity                []string
	Resources               string // the resource's policy, "" for none
	Trust                   bool   // Resources is a trust policy
	Boundary                []string
	Session                 string
	Endpoint                []string
	SCP, RCP                [][]string
	BlockPublic             bool
	ManagementPrincipal     bool
	ManagementResource      bool

	decoded  map[string][]map[string]any // documents by their text
	compared map[string]string           // results of refCompare
}

type refAnswer struct {
	Outcome   string
	BlockedBy []string
	Allow     []string
	Deny      []string
}

type refKind int

const (
	refNone refKind = iota
	refAccount
	refRole
	refUserOfSession
	refDirect
	refEveryone
)

type refPrincipal struct {
	kind, arn, partition, account, name string
	linked                              bool
}

// refParsePrincipal reads an ARN (IAM-23, IAM-51).
func refParsePrincipal(c *refCase) refPrincipal {
	text := c.Principal
	if text == "" {
		return refPrincipal{kind: "anonymous"}
	}
	if !strings.HasPrefix(text, "arn:") {
		if a := strings.ToLower(c.Action); a == "sts:assumerolewithwebidentity" || a == "sts:assumerolewithsaml" {
			return refPrincipal{kind: "federated", arn: text}
		}
		return refPrincipal{kind: "service", arn: text}
	}
	f := strings.SplitN(text, ":", 6)
	p := refPrincipal{arn: text, partition: f[1], account: f[4]}
	part := strings.Split(f[5], "/")
	p.name = part[len(part)-1]
	switch {
	case f[5] == "root":
		p.kind = "root"
	case part[0] == "user":
		p.kind = "user"
	case part[0] == "role":
		p.kind = "role"
		p.linked = len(part) > 2 && part[1] == "aws-service-role" || strings.HasPrefix(p.name, "AWSServiceRoleFor")
	case part[0] == "assumed-role":
		p.kind, p.name = "session", part[1]
		p.linked = strings.HasPrefix(p.name, "AWSServiceRoleFor")
	case part[0] == "federated-user":
		p.kind = "federated-user"
	default:
		p.kind, p.account = "federated", ""
	}
	return p
}

func (p refPrincipal) hasAccount() bool {
	return p.kind != "anonymous" && p.kind != "service" && p.kind != "federated"
}

func (p refPrincipal) holdsPolicies() bool { return p.hasAccount() && p.kind != "root" }

func (p refPrincipal) isSession() bool {
	return p.kind == "session" || p.kind == "role" || p.kind == "federated-user"
}

// refEval is one evaluation.
type refEval struct {
	c   *refCase
	p   refPrincipal
	ctx map[string]any // lower-case keys
}

// refDecide is the algorithm of IAM-52 with the results of IAM-48.
func refDecide(c *refCase) refAnswer {
	e := &refEval{c: c, p: refParsePrincipal(c), ctx: map[string]any{}}
	for k, v := range c.Context {
		e.ctx[strings.ToLower(k)] = v
	}
	action := strings.ToLower(c.Action)
	if e.p.kind != "anonymous" && action == "sts:getcalleridentity" ||
		(e.p.kind == "user" || e.p.kind == "root") && action == "sts:getsessiontoken" {
		return refAnswer{Outcome: "allowed"} // step 0, IAM-112
	}
	var out refAnswer
	same := e.p.hasAccount() && e.p.account == c.Owner && c.Owner != ""
	session := e.p.isSession() && c.Session != ""
	boundary := len(c.Boundary) > 0 && e.p.holdsPolicies()
	results := map[string]refResult{}
	run := func(name, kind, label string, docs []string, naming func(int) string) refResult {
		r := e.set(kind, label, docs, naming, &out, same && e.p.kind == "root" && isBucketPolicyAction(action) &&
			strings.Count(c.Resource, "/") == 0) // "on the bucket"
		results[name] = r
		return r
	}
	byPosition := func(i int) string { return fmt.Sprint(i) }
	if session {
		run("session", "session", "session", []string{c.Session}, func(int) string { return "session" })
	}
	if e.p.holdsPolicies() {
		run("identity", "identity", "identity", c.Identity, byPosition)
	}
	if c.Resources != "" {
		kind := "resource"
		if c.Trust {
			kind = "trust"
		}
		run("resource", kind, "resource", []string{c.Resources}, func(int) string { return "resource" })
	}
	if boundary {
		run("boundary", "boundary", "boundary", c.Boundary, byPosition)
	}
	if len(c.Endpoint) > 0 {
		run("vpce", "endpoint", "vpce", c.Endpoint, byPosition)
	}
	scp, rcp := "Allowed", "Allowed"
	if e.p.hasAccount() && !e.p.linked && !c.ManagementPrincipal {
		for i, level := range c.SCP {
			r := run(fmt.Sprint("scp", i), "scp", fmt.Sprint("scp:scp", i), level, byPosition)
			scp = refWorse(scp, r.word())
		}
	}
	if e.rcpApplies(action) {
		for i, level := range c.RCP {
			docs := append(slices.Clone(level), `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`)
			r := run(fmt.Sprint("rcp", i), "rcp", fmt.Sprint("rcp:rcp", i), docs, func(j int) string {
				if j == len(level) {
					return "RCPFullAWSAccess"
				}
				return fmt.Sprint(j)
			})
			rcp = refWorse(rcp, r.word())
		}
	}
	bpa := e.publicRefuses(same)
	out.Outcome = e.outcome(results, scp, rcp, same, session, boundary, bpa, len(out.Deny) > 0)
	out.BlockedBy = e.blockedBy(results, scp, rcp, same, session, boundary, bpa)
	return out
}

func refWorse(a, b string) string {
	if a == "ExplicitlyDenied" || b == "ExplicitlyDenied" {
		return "ExplicitlyDenied"
	}
	if a == "ImplicitlyDenied" || b == "ImplicitlyDenied" {
		return "ImplicitlyDenied"
	}
	return "Allowed"
}

func (e *refEval) outcome(results map[string]refResult, scp, rcp string, same, session, boundary, bpa, denied bool) string {
	switch {
	case denied || bpa:
		return "explicitDeny"
	case scp != "Allowed" || rcp != "Allowed":
		return "implicitDeny"
	case len(e.c.Endpoint) > 0 && results["vpce"].word() != "Allowed":
		return "implicitDeny"
	case !e.open(results, same, session, !boundary || results["boundary"].word() == "Allowed"):
		return "implicitDeny"
	case e.guarded():
		return "implicitDeny"
	}
	return "allowed"
}

// blockedBy is IAM-71.
func (e *refEval) blockedBy(results map[string]refResult, scp, rcp string, same, session, boundary, bpa bool) []string {
	if !e.open(results, same, session, true) {
		return nil
	}
	var by []string
	if results["identity"].word() == "ExplicitlyDenied" {
		by = append(by, "identity")
	}
	if boundary {
		if w := results["boundary"].word(); w == "ExplicitlyDenied" || w == "ImplicitlyDenied" && !e.open(results, same, session, false) {
			by = append(by, "pb")
		}
	}
	if rcp != "Allowed" {
		by = append(by, "rcp")
	}
	if results["resource"].word() == "ExplicitlyDenied" {
		by = append(by, "resource")
	}
	if bpa {
		by = append(by, "s3-bpa")
	}
	if scp != "Allowed" {
		by = append(by, "scp")
	}
	if len(e.c.Endpoint) > 0 && results["vpce"].word() != "Allowed" {
		by = append(by, "vpce")
	}
	return by
}

// open is steps 3 to 6 of IAM-52 with the tables of IAM-57, 58, 60, 62, 63.
func (e *refEval) open(results map[string]refResult, same, session, boundaryLets bool) bool {
	resource := results["resource"]
	kind := resource.allow
	if resource.deny != refNone {
		kind = refNone
	}
	if !e.p.hasAccount() {
		return kind != refNone
	}
	sessionLets := !session || results["session"].word() == "Allowed"
	identity := results["identity"].word() == "Allowed" || e.p.kind == "root"
	if e.p.kind == "federated-user" && !session {
		identity = false
	}
	identity = identity && sessionLets && boundaryLets
	if !same {
		return identity && kind != refNone
	}
	if kind == refEveryone || kind == refDirect {
		return true
	}
	if (kind == refRole || kind == refUserOfSession) && sessionLets && boundaryLets {
		return true
	}
	if e.resourceRules() {
		return identity && kind != refNone
	}
	return identity
}

var refTrustActions = []string{"sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity", "sts:tagsession", "sts:setsourceidentity", "sts:setcontext"}

func (e *refEval) resourceRules() bool {
	if slices.Contains(refTrustActions, strings.ToLower(e.c.Action)) {
		return true
	}
	f := strings.SplitN(e.c.Resource, ":", 6)
	return len(f) == 6 && f[2] == "kms" && strings.HasPrefix(f[5], "key/")
}

func isBucketPolicyAction(a string) bool {
	return a == "s3:getbucketpolicy" || a == "s3:putbucketpolicy" || a == "s3:deletebucketpolicy"
}

// guarded is IAM-66 and IAM-112.
func (e *refEval) guarded() bool {
	a := strings.ToLower(e.c.Action)
	switch {
	case e.p.kind == "root" && a == "sts:assumerole":
		return true
	case (e.p.kind == "session" || e.p.kind == "role") && (a == "sts:getfederationtoken" || a == "sts:getsessiontoken"):
		return true
	case e.p.kind == "federated-user" && (strings.HasPrefix(a, "sts:") || strings.HasPrefix(a, "iam:")):
		return true
	case strings.HasPrefix(e.c.Resource, "arn:aws:iam::aws:policy/"):
		return slices.Contains([]string{"iam:deletepolicy", "iam:createpolicyversion", "iam:tagpolicy"}, a)
	case strings.Contains(e.c.Resource, ":role/aws-reserved/"):
		return slices.Contains([]string{"iam:passrole", "iam:deleterole"}, a)
	}
	return false
}

var refRCPServices = []string{"s3", "sts", "kms", "sqs", "dynamodb"}

func (e *refEval) rcpApplies(action string) bool {
	service, _, _ := strings.Cut(action, ":")
	if !slices.Contains(refRCPServices, service) || e.p.linked || e.c.ManagementResource || action == "kms:retiregrant" {
		return false
	}
	if slices.Contains(refTrustActions, action) && (strings.Contains(e.c.Resource, ":role/aws-service-role/") || strings.Contains(e.c.Resource, "/AWSServiceRoleFor")) {
		return false
	}
	return true
}

// publicRefuses is IAM-64.
func (e *refEval) publicRefuses(same bool) bool {
	f := strings.SplitN(e.c.Resource, ":", 6)
	if !e.c.BlockPublic || e.c.Resources == "" || e.c.Trust || same || e.p.kind == "service" || e.p.kind == "federated" ||
		len(f) < 6 || !strings.EqualFold(f[2], "s3") || f[3] != "" || f[4] != "" || f[5] == "" {
		return false
	}
	for _, st := range e.statements(e.c.Resources) {
		if st["Effect"] == "Allow" && refPublicPrincipal(st) && !refPinned(st) {
			return true
		}
	}
	return false
}

func refPublicPrincipal(st map[string]any) bool {
	p, ok := st["Principal"]
	if !ok {
		return true
	}
	if m, ok := p.(map[string]any); ok {
		return slices.Contains(refStrings(m["AWS"]), "*")
	}
	return p == "*"
}

// refPinned knows the keys that the generator puts into bucket policies
// (IAM-65).
func refPinned(st map[string]any) bool {
	conditions, _ := st["Condition"].(map[string]any)
	variable := func(v string) bool { return st["\x00old"] == false && strings.Contains(v, "${") } // IAM-2
	for op, keys := range conditions {
		for key, values := range keys.(map[string]any) {
			fixed := len(refStrings(values)) > 0
			for _, v := range refStrings(values) {
				fixed = fixed && !strings.ContainsAny(v, "*?") && !variable(v)
			}
			narrow := len(refStrings(values)) > 0
			for _, v := range refStrings(values) {
				if prefix, ok := refPrefix(v); ok && (prefix.Addr().Is4() && prefix.Bits() < 8 || prefix.Addr().Is6() && prefix.Bits() < 32) {
					narrow = false
				}
			}
			userID, account := len(refStrings(values)) > 0, len(refStrings(values)) > 0
			for _, v := range refStrings(values) {
				id, rest, _ := strings.Cut(v, ":")
				userID = userID && !variable(v) &&
					(!strings.ContainsAny(v, "*?") || strings.HasSuffix(op, "Like") && rest == "*" && !strings.ContainsAny(id, "*?"))
				f := strings.SplitN(v+":::::", ":", 6)
				account = account && !variable(v) && (!strings.ContainsAny(v, "*?") ||
					f[4] != "" && !strings.ContainsAny(f[4], "*?") && (strings.Contains(op, "Arn") || !strings.ContainsAny(f[1]+f[2]+f[3], "*?")))
			}
			positive := !strings.Contains(op, "Not") && !strings.Contains(op, "IfExists") && !strings.HasPrefix(op, "ForAllValues") && op != "Null" && !strings.Contains(op, "Bogus")
			texts := strings.Contains(op, "String") || strings.Contains(op, "Arn")
			switch strings.ToLower(key) {
			case "aws:userid":
				if positive && texts && userID {
					return true
				}
			case "aws:sourcearn":
				if positive && texts && account {
					return true
				}
			case "aws:sourcevpce", "aws:principalorgid":
				if fixed && slices.Contains([]string{"StringEquals", "StringLike", "StringEqualsIgnoreCase", "ForAnyValue:StringEquals", "ForAnyValue:StringLike"}, op) {
					return true
				}
			case "aws:sourceip":
				if narrow && (op == "IpAddress" || op == "ForAnyValue:IpAddress") {
					return true
				}
			}
		}
	}
	return false
}

// refResult is the strongest match of the Allows and Denies that apply.
type refResult struct{ allow, deny refKind }

func (r refResult) word() string {
	if r.deny != refNone {
		return "ExplicitlyDenied"
	}
	if r.allow != refNone {
		return "Allowed"
	}
	return "ImplicitlyDenied"
}

func (e *refEval) statements(doc string) []map[string]any {
	if e.c.decoded == nil {
		e.c.decoded = map[string][]map[string]any{}
	}
	if _, ok := e.c.decoded[doc]; !ok {
		e.c.decoded[doc] = refStatements(doc)
	}
	return e.c.decoded[doc]
}

func refStatements(doc string) []map[string]any {
	var d map[string]any
	dec := json.NewDecoder(strings.NewReader(doc))
	dec.UseNumber()
	if err := dec.Decode(&d); err != nil {
		return nil
	}
	version, _ := d["Version"].(string)
	var out []map[string]any
	add := func(v any) {
		st := v.(map[string]any)
		st["\x00old"] = version != "2012-10-17"
		out = append(out, st)
	}
	if list, ok := d["Statement"].([]any); ok {
		for _, v := range list {
			add(v)
		}
	} else {
		add(d["Statement"])
	}
	return out
}

func refStrings(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case json.Number:
		return []string{v.String()}
	case bool:
		return []string{fmt.Sprint(v)}
	case []any:
		var out []string
		for _, item := range v {
			out = append(out, refStrings(item)...)
		}
		return out
	}
	return nil
}

// set evaluates the documents of one type.
func (e *refEval) set(kind, label string, docs []string, naming func(int) string, out *refAnswer, ownBucketPolicy bool) (r refResult) {
	for i, doc := range docs {
		for j, st := range e.statements(doc) {
			how := e.applies(kind, st)
			if how == refNone {
				continue
			}
			name := fmt.Sprintf("%s/%s/%d", label, naming(i), j+1)
			if sid, ok := st["Sid"].(string); ok && sid != "" {
				name = fmt.Sprintf("%s/%s/%s", label, naming(i), sid)
			}
			if st["Effect"] == "Deny" {
				if kind == "resource" && ownBucketPolicy {
					continue // IAM-111
				}
				r.deny = max(r.deny, how)
				out.Deny = append(out.Deny, name)
			} else if !refIndeterminate(st) {
				r.allow = max(r.allow, how)
				out.Allow = append(out.Allow, name)
			}
		}
	}
	return r
}

// refIndeterminate reports an unknown operator (IAM-73).
func refIndeterminate(st map[string]any) bool {
	conditions, _ := st["Condition"].(map[string]any)
	for op := range conditions {
		if strings.Contains(op, "Bogus") {
			return true
		}
	}
	return false
}

func (e *refEval) applies(kind string, st map[string]any) refKind {
	if !e.action(st) || !e.resource(kind, st) {
		return refNone
	}
	how := e.principal(kind, st)
	if how == refNone {
		return refNone
	}
	conditions, _ := st["Condition"].(map[string]any)
	for op, keys := range conditions {
		if strings.Contains(op, "Bogus") {
			continue
		}
		for key, values := range keys.(map[string]any) {
			if !e.condition(op, key, refStrings(values), st) {
				return refNone
			}
		}
	}
	return how
}

// action is IAM-11 to IAM-14.
func (e *refEval) action(st map[string]any) bool {
	list, negated := st["Action"], false
	if v, ok := st["NotAction"]; ok {
		list, negated = v, true
	}
	matched := false
	for _, p := range refStrings(list) {
		if p == "*" {
			matched = true
			continue
		}
		ps, pn, ok := strings.Cut(strings.ToLower(p), ":")
		as, an, okAction := strings.Cut(strings.ToLower(e.c.Action), ":")
		if ok && okAction && pn != "" && !strings.ContainsAny(p, " \t") && refGlob(ps, as) && refGlob(pn, an) {
			matched = true
		}
	}
	return matched != negated
}

// refTokens turns a pattern into tokens: '*' and '?' as wildcards, everything
// else, and what variables stand for, as itself (IAM-28 to IAM-31).
type refToken struct {
	r    rune
	wild bool
}

func (e *refEval) tokens(text string, old bool) (tokens []refToken, known bool) {
	for text != "" {
		if !old && strings.HasPrefix(text, "${") {
			end := strings.IndexByte(text, '}')
			name := text[2:end]
			text = text[end+1:]
			value, ok := "", false
			key, fallback, has := strings.Cut(name, ", '")
			switch name {
			case "*", "?", "$":
				value, ok = name, true
			default:
				value, ok = e.ctx[strings.ToLower(key)].(string)
				if !ok && has {
					value, ok = strings.TrimSuffix(fallback, "'"), true
				}
			}
			if !ok {
				return nil, false
			}
			for _, r := range value {
				tokens = append(tokens, refToken{r: r})
			}
			continue
		}
		r := []rune(text)[0]
		text = text[len(string(r)):]
		tokens = append(tokens, refToken{r: r, wild: r == '*' || r == '?'})
	}
	return tokens, true
}

// refMatch matches tokens by dynamic programming.
func refMatch(tokens []refToken, text string) bool {
	runes := []rune(text)
	reach := make([]bool, len(runes)+1)
	reach[0] = true
	for _, t := range tokens {
		next := make([]bool, len(runes)+1)
		for i := range reach {
			switch {
			case t.wild && t.r == '*':
				next[i] = reach[i] || i > 0 && next[i-1]
			case i > 0 && reach[i-1] && (t.wild || t.r == runes[i-1]):
				next[i] = true
			}
		}
		reach = next
	}
	return reach[len(runes)]
}

func refWild(pattern string) (tokens []refToken) {
	for _, r := range pattern {
		tokens = append(tokens, refToken{r: r, wild: r == '*' || r == '?'})
	}
	return tokens
}

func refGlob(pattern, text string) bool { return refMatch(refWild(pattern), text) }

// resource is IAM-15 to IAM-21 and IAM-32.
func (e *refEval) resource(kind string, st map[string]any) bool {
	list, negated := st["Resource"], false
	if v, ok := st["NotResource"]; ok {
		list, negated = v, true
	} else if list == nil {
		return true
	}
	deny := st["Effect"] == "Deny"
	old := st["\x00old"].(bool)
	any := false
	for _, p := range refStrings(list) {
		fields, ok := refFields(kind, p)
		var last []refToken
		known := true
		if ok {
			last, known = e.tokens(fields[5], old)
		}
		if !known {
			if negated && !deny {
				return false
			}
			continue
		}
		rel := "disjoint"
		switch {
		case p == "*":
			rel = "covers"
		case !ok:
		case e.c.WildcardOnly:
			if strings.EqualFold(e.c.Action, "s3:ListAllMyBuckets") && fields[2] == "s3" && fields[3]+fields[4] == "" && fields[5] == "*" {
				rel = "covers"
			}
		case strings.Contains(e.c.Resource, "*"):
			rel = e.relate(fields, last, e.c.Resource)
		default:
			if f := strings.SplitN(e.c.Resource, ":", 6); len(f) == 6 && refFieldsMatch(fields, f) && refMatch(last, f[5]) {
				rel = "covers"
			}
		}
		counts := rel == "covers" || rel == "overlaps" && deny == negated
		any = any || counts
	}
	return any != negated
}

// refFields is IAM-18.
func refFields(kind, pattern string) ([]string, bool) {
	f := strings.SplitN(pattern, ":", 6)
	if len(f) == 6 {
		return f, true
	}
	switch kind {
	case "identity", "boundary", "session":
	case "scp":
		if !strings.HasSuffix(pattern, "*") {
			return nil, false
		}
	case "rcp":
		return nil, false
	default:
		if !strings.ContainsAny(pattern, "*?") {
			return nil, false
		}
	}
	for len(f) < 6 {
		f = append(f, "*")
	}
	return f, true
}

func refFieldsMatch(pattern, value []string) bool {
	for i := 1; i < 5; i++ {
		if !refGlob(strings.ToLower(pattern[i]), strings.ToLower(value[i])) {
			return false
		}
	}
	return value[0] == "arn"
}

// relate is IAM-21: exact, by walking both patterns as automata.
func (e *refEval) relate(fields []string, last []refToken, resource string) string {
	asked := []string{"arn", "*", "*", "*", "*", "*"}
	if resource != "*" {
		asked = strings.SplitN(resource, ":", 6)
		for len(asked) < 6 {
			asked = append(asked, "*")
		}
	}
	rel := "covers"
	for i := 1; i < 6; i++ {
		p := last
		q := asked[i]
		if i < 5 {
			p, q = refWild(strings.ToLower(fields[i])), strings.ToLower(q)
		}
		switch e.compare(p, q) {
		case "disjoint":
			return "disjoint"
		case "overlaps":
			rel = "overlaps"
		}
	}
	return rel
}

// compare remembers what refCompare, which is very slow, found.
func (e *refEval) compare(p []refToken, asked string) string {
	key := fmt.Sprint(p, asked)
	if rel, ok := e.c.compared[key]; ok {
		return rel
	}
	rel := refCompare(p, asked)
	if e.c.compared != nil {
		e.c.compared[key] = rel
	}
	return rel
}

// refCompare walks the request's automaton and the set of states of the
// policy's in step over every character that matters and one that does not.
func refCompare(p []refToken, asked string) string {
	q := make([]refToken, 0, len(asked))
	for _, r := range asked {
		q = append(q, refToken{r: r, wild: r == '*'})
	}
	letters := []rune{'\x01'}
	for _, t := range append(slices.Clone(p), q...) {
		if !t.wild {
			letters = append(letters, t.r)
		}
	}
	type state struct{ p, q string }
	start := state{refClosure(p, map[int]bool{0: true}), refClosure(q, map[int]bool{0: true})}
	seen := map[state]bool{start: true}
	queue := []state{start}
	both, only := false, false
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		if strings.Contains(s.q, fmt.Sprintf("|%d|", len(q))) {
			if strings.Contains(s.p, fmt.Sprintf("|%d|", len(p))) {
				both = true
			} else {
				only = true
			}
		}
		for _, r := range letters {
			n := state{refStep(p, s.p, r), refStep(q, s.q, r)}
			if n.q != "" && !seen[n] {
				seen[n] = true
				queue = append(queue, n)
			}
		}
	}
	switch {
	case !both:
		return "disjoint"
	case only:
		return "overlaps"
	}
	return "covers"
}

func refClosure(tokens []refToken, states map[int]bool) string {
	var list []int
	for i := 0; i <= len(tokens); i++ {
		if i > 0 && states[i-1] && tokens[i-1].wild && tokens[i-1].r == '*' {
			states[i] = true
		}
		if states[i] {
			list = append(list, i)
		}
	}
	text := ""
	for _, i := range list {
		text += fmt.Sprintf("|%d|", i)
	}
	return text
}

func refStep(tokens []refToken, states string, r rune) string {
	next := map[int]bool{}
	for i, t := range tokens {
		if !strings.Contains(states, fmt.Sprintf("|%d|", i)) {
			continue
		}
		switch {
		case t.wild && t.r == '*':
			next[i] = true
		case t.wild || t.r == r:
			next[i+1] = true
		}
	}
	return refClosure(tokens, next)
}

// principal is IAM-24 to IAM-27 and the last sentences of IAM-8.
func (e *refEval) principal(kind string, st map[string]any) refKind {
	switch kind {
	case "identity", "boundary", "session", "scp":
		return refEveryone
	}
	if not, ok := st["NotPrincipal"]; ok {
		return e.notPrincipal(st, refEntries(not))
	}
	p, ok := st["Principal"]
	if !ok {
		if kind == "endpoint" || kind == "rcp" {
			return refEveryone
		}
		return refNone
	}
	best := refNone
	for _, entry := range refEntries(p) {
		best = max(best, e.entry(entry[0], entry[1]))
	}
	return best
}

func refEntries(v any) (entries [][2]string) {
	if m, ok := v.(map[string]any); ok {
		for typ, list := range m {
			for _, text := range refStrings(list) {
				entries = append(entries, [2]string{typ, text})
			}
		}
		return entries
	}
	return [][2]string{{"AWS", v.(string)}}
}

func (e *refEval) notPrincipal(st map[string]any, entries [][2]string) refKind {
	if st["Effect"] == "Allow" {
		for _, entry := range entries {
			if e.entry(entry[0], entry[1]) != refNone {
				return refNone
			}
		}
		return refEveryone
	}
	if len(e.c.Boundary) > 0 && e.p.holdsPolicies() {
		return refEveryone
	}
	for _, entry := range entries {
		how := e.entry(entry[0], entry[1])
		switch {
		case how == refEveryone, how == refDirect:
			return refNone
		case how == refRole && e.p.kind == "role":
			return refNone
		case how == refAccount && e.p.kind == "root":
			return refNone
		}
	}
	return refEveryone
}

func (e *refEval) entry(typ, text string) refKind {
	p := e.p
	switch {
	case typ == "AWS" && text == "*":
		return refEveryone
	case strings.ContainsAny(text, "*?"):
		return refNone
	case typ == "Service":
		if p.kind == "service" && p.arn == text {
			return refDirect
		}
		return refNone
	case typ == "Federated":
		if p.kind == "federated" && p.arn == text {
			return refDirect
		}
		return refNone
	case typ == "CanonicalUser" || !p.hasAccount():
		return refNone
	case p.kind != "root" && p.kind != "role" && p.arn == text:
		return refDirect
	case p.kind == "role" && p.arn == text:
		return refRole
	case text == p.account || text == "arn:"+p.partition+":iam::"+p.account+":root":
		return refAccount
	}
	userID := e.c.UserID
	if v, ok := e.ctx["aws:userid"].(string); ok {
		userID = v
	}
	if strings.HasPrefix(text, "AROA") || strings.HasPrefix(text, "AIDA") {
		if id, _, _ := strings.Cut(userID, ":"); id == text {
			switch p.kind {
			case "user":
				if userID == text {
					return refDirect
				}
			case "role", "session":
				return refRole
			}
		}
		return refNone
	}
	f := strings.SplitN(text, ":", 6)
	if len(f) < 6 || f[1] != p.partition || f[4] != p.account {
		return refNone
	}
	last := f[5][strings.LastIndex(f[5], "/")+1:]
	switch {
	case p.kind == "session" && strings.HasPrefix(f[5], "role/") && last == p.name:
		return refRole
	case p.kind == "federated-user" && strings.HasPrefix(f[5], "user/") && last == p.name:
		return refUserOfSession
	}
	return refNone
}

// condition is IAM-33 to IAM-45.
func (e *refEval) condition(op, key string, values []string, st map[string]any) bool {
	name := strings.ToLower(op)
	quant := ""
	if i := strings.Index(name, ":"); i >= 0 {
		quant, name = name[:i], name[i+1:]
	}
	v, present := e.ctx[strings.ToLower(key)]
	if list, ok := v.([]string); ok && len(list) == 0 {
		present = false
	}
	if name == "null" {
		return slices.Contains(values, fmt.Sprint(!present))
	}
	base := strings.TrimSuffix(name, "ifexists")
	ifExists := base != name
	negated := strings.Contains(base, "not")
	if !present {
		switch {
		case ifExists, quant == "forallvalues":
			return true
		case quant == "foranyvalue":
			return false
		}
		return negated
	}
	list, multi := v.([]string)
	if !multi {
		list = []string{v.(string)}
	}
	null := len(list) == 1 && list[0] == ""
	old := st["\x00old"].(bool)
	switch quant {
	case "forallvalues":
		if null {
			return true
		}
		for _, r := range list {
			if !e.one(base, negated, r, values, old) {
				return false
			}
		}
		return true
	case "foranyvalue":
		for _, r := range list {
			if !null && e.one(base, negated, r, values, old) {
				return true
			}
		}
		return false
	}
	if multi {
		return false
	}
	return e.one(base, negated, list[0], values, old)
}

// one compares one value of the request.
func (e *refEval) one(base string, negated bool, r string, values []string, old bool) bool {
	if strings.HasPrefix(base, "numeric") || strings.HasPrefix(base, "date") {
		return refOrdered(base, negated, r, values)
	}
	for _, p := range values {
		if e.matches(base, r, p, old) {
			return !negated
		}
	}
	return negated
}

func refOrdered(base string, negated bool, r string, values []string) bool {
	parse := refNumber
	if strings.HasPrefix(base, "date") {
		parse = refDate
	}
	if len(values) == 0 {
		return negated
	}
	have, ok := parse(r)
	if !ok {
		return false
	}
	valid, matched := 0, false
	for _, p := range values {
		want, ok := parse(p)
		if !ok {
			continue
		}
		valid++
		c := have.Cmp(want)
		switch {
		case strings.HasSuffix(base, "lessthan"):
			matched = matched || c < 0
		case strings.HasSuffix(base, "lessthanequals"):
			matched = matched || c <= 0
		case strings.HasSuffix(base, "greaterthan"):
			matched = matched || c > 0
		case strings.HasSuffix(base, "greaterthanequals"):
			matched = matched || c >= 0
		default:
			matched = matched || c == 0
		}
	}
	if valid == 0 {
		return false
	}
	return matched != negated
}

func refNumber(s string) (*big.Rat, bool) {
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 || digits == "" || strings.Trim(digits, "0123456789.") != "" || digits[0] == '.' || digits[len(digits)-1] == '.' {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

func refDate(s string) (*big.Rat, bool) {
	if n, ok := new(big.Int).SetString(s, 10); ok && len(s) != 4 && s[0] != '+' {
		return new(big.Rat).SetInt(n), true
	}
	for _, layout := range []string{"2006", "2006-01", "2006-01-02", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			nanos := new(big.Rat).SetFrac64(int64(t.Nanosecond()), 1e9)
			return nanos.Add(nanos, new(big.Rat).SetInt64(t.Unix())), true
		}
	}
	return nil, false
}

func refPrefix(p string) (netip.Prefix, bool) {
	if prefix, err := netip.ParsePrefix(p); err == nil {
		return prefix, true
	}
	addr, err := netip.ParseAddr(p)
	if err != nil {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), true
}

func (e *refEval) matches(base, r, p string, old bool) bool {
	base = strings.ReplaceAll(base, "not", "")
	if base == "ipaddress" {
		addr, err := netip.ParseAddr(r)
		prefix, ok := refPrefix(p)
		return err == nil && ok && prefix.Contains(addr.Unmap())
	}
	if base == "binaryequals" {
		a, errA := base64.StdEncoding.DecodeString(r)
		b, errB := base64.StdEncoding.DecodeString(p)
		return errA == nil && errB == nil && string(a) == string(b)
	}
	tokens, known := e.tokens(p, old)
	if !known {
		return false
	}
	literal := ""
	for _, t := range tokens {
		literal += string(t.r)
	}
	switch base {
	case "stringequals":
		return literal == r
	case "stringequalsignorecase":
		return strings.EqualFold(literal, r)
	case "stringlike":
		return refMatch(tokens, r)
	case "bool":
		a, b := strings.ToLower(literal), strings.ToLower(r)
		return a == b && (a == "true" || a == "false")
	}
	return refArn(tokens, r, p == "*")
}

// refArn is IAM-45.
func refArn(tokens []refToken, r string, any bool) bool {
	f := strings.SplitN(r, ":", 6)
	if len(f) < 6 || f[0] != "arn" {
		return false
	}
	if any {
		return true
	}
	for i := range 5 {
		at := slices.IndexFunc(tokens, func(t refToken) bool { return t.r == ':' })
		if at < 0 || !refMatch(tokens[:at], f[i]) {
			return false
		}
		tokens = tokens[at+1:]
	}
	return refMatch(tokens, f[5])
}
