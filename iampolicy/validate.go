// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-go/sallyport/internal/arn"
	"github.com/sallyport-go/sallyport/internal/wildcard"
)

// Validate checks a document as a policy of a kind, also one that does not
// parse, and returns what it finds in the order of the document. It raises the
// issue codes of IAM Access Analyzer that need no list of all services, and a
// few of its own (the package documentation names them). Findings that make AWS
// refuse to save the document have Refused set.
//
// A document of at most 16 MiB is judged in time and memory in proportion to its
// length. Statements and entries that others make redundant are not sought any
// more once those compared have cost some hundred times what a document within
// AWS's quotas can cost. Of findings of one code at most 10,000 are returned, as
// many again of those that are Refused, and of elements of a wrong form 10,000 in
// all.
func Validate(kind Kind, data []byte) []Finding {
	p, err := Options{MaxBytes: 16 << 20}.read(data, false)
	if err != nil {
		var e *Error
		if !errors.As(err, &e) {
			return nil
		}
		const code = "JSON_SYNTAX_ERROR"
		v := validator{kind: kind}
		message, detail := v.words(code, e.Reason)
		return []Finding{{Code: code, Severity: SeverityError, Message: message, Detail: detail, Refused: true, Span: e.Span}}
	}
	return p.Validate(kind)
}

// Validate is the function Validate on a document that was parsed.
func (p *Policy) Validate(kind Kind) []Finding {
	v := validator{p: p, kind: kind, left: mostEffort}
	v.run()
	return v.found
}

// run collects what there is to find.
func (v *validator) run() {
	p := v.p
	for i := range p.faults {
		f := &p.faults[i]
		v.report(f.code, f.at, f.path, f.reason)
		if text := p.src[f.at.begin:f.at.end]; f.code == "INVALID_EFFECT" && v.iamDocument() && (equalFold(text, `"Allow"`) || equalFold(text, `"Deny"`)) {
			v.found[len(v.found)-1].Message = legacyParsing
		}
	}
	v.document()
	for i := range p.statements {
		v.st, v.index = &p.statements[i], i
		v.statement()
	}
	v.settle()
	slices.SortStableFunc(v.found, func(a, b Finding) int { return cmp.Compare(a.Span.Start.Offset, b.Span.Start.Offset) })
}

// validator collects findings.
type validator struct {
	p     *Policy
	kind  Kind
	st    *statement
	index int
	found []Finding
	lines lineIndex

	settled int           // of found, those that are counted
	like    map[alike]int // how many of them

	set        *Set // the policy compiled, once it was asked for
	uncompiled bool // that failed
	coverable  *statementIndex

	left     effort // for comparisons
	said     conditionsSaid
	ranges   *condition // whose values somePublic was asked of last
	publicly bool       // what it said
}

func (v *validator) report(code string, at span, path, why string) {
	v.settle()
	message, detail := v.words(code, why)
	v.found = append(v.found, Finding{
		Code: code, Severity: severityOf(code), Message: message, Detail: detail, Refused: refuses(code),
		Span: v.lines.span(v.p.src, at, path),
	})
}

// alike is what findings have in common of which so many are kept.
type alike struct {
	code    string
	refused bool
}

// maxAlike bounds the findings of one code, and that AWS refuses or not: a place
// takes some hundred times what it is long.
const maxAlike = 10_000

// settle drops the last finding, which whoever reported it is through with,
// when there are enough like it.
func (v *validator) settle() {
	n := len(v.found)
	if n == v.settled {
		return
	}
	if v.like == nil {
		v.like = make(map[alike]int)
	}
	last := alike{v.found[n-1].Code, v.found[n-1].Refused}
	if v.like[last]++; v.like[last] > maxAlike {
		v.found = v.found[:n-1]
	}
	v.settled = len(v.found)
}

// words returns message and detail of a finding: where IAM says no more of it
// than that there are syntax errors, its words, and what is wrong.
func (v *validator) words(code, why string) (message, detail string) {
	if !v.iamDocument() || why == oldVersion {
		return why, ""
	}
	switch code {
	case "JSON_SYNTAX_ERROR", "DATA_TYPE_MISMATCH", "INVALID_POLICY_ELEMENT", "MISSING_STATEMENT", "MISSING_EFFECT", "INVALID_EFFECT",
		"UNSUPPORTED_ELEMENT_COMBINATION", "INVALID_VERSION", "INVALID_CONDITION_OPERATOR", "NULL_WITH_IF_EXISTS":
		return "Syntax errors in policy.", why
	}
	return why, ""
}

// What IAM says of a document without saying what is wrong.
const legacyParsing = "The policy failed legacy parsing"

const oldVersion = "Policy document must be version 2012-10-17 or greater."

// refuse reports something that AWS refuses whatever the code's severity is.
func (v *validator) refuse(code string, at span, path, message string) {
	v.report(code, at, path, message)
	v.found[len(v.found)-1].Refused = true
}

// path returns the path of something in the statement at hand.
func (v *validator) path(rest string) string {
	path := "Statement"
	if v.p.statement.form == formList {
		path += "[" + strconv.Itoa(v.index) + "]"
	}
	if rest != "" {
		path += "." + rest
	}
	return path
}

// place is a value, or an element as a whole, in the statement at hand. What
// its path is, is put together only for a finding: most values have none.
func (v *validator) place(name string, e *element, i int32) validatorPlace {
	return validatorPlace{v: v, place: place{element: name, values: e, value: i}}
}

// validatorPlace is a place whose statement is known.
type validatorPlace struct {
	v *validator
	place
}

// String returns the path.
func (l *validatorPlace) String() string { return l.v.path(l.place.String()) }

// lineIndex finds line ends once a document, so that many findings cost no
// more than one walk.
type lineIndex struct{ ends []int32 }

func (l *lineIndex) span(src string, at span, path string) Span {
	return Span{Path: path, Start: l.position(src, at.begin), End: l.position(src, at.end)}
}

func (l *lineIndex) position(src string, offset int32) Position {
	if l.ends == nil {
		l.ends = append(l.ends, -1)
		for i := 0; ; {
			at := strings.IndexByte(src[i:], '\n')
			if at < 0 {
				break
			}
			i += at + 1
			l.ends = append(l.ends, int32(i-1))
		}
	}
	line, _ := slices.BinarySearch(l.ends, offset)
	return Position{Offset: int(offset), Line: line, Column: int(offset - l.ends[line-1])}
}

// iamDocument reports whether IAM or Organizations keeps documents of the
// kind, which have stricter rules for Sid than other services.
func (v *validator) iamDocument() bool { return v.kind != KindResource && v.kind != KindEndpoint }

func (v *validator) document() {
	p := v.p
	switch {
	case !p.version.present():
		v.report("MISSING_VERSION", span{0, 1}, "", "without Version the policy is of 2008-10-17: variables are literal text")
	case p.version.form == formOne && !p.versionKnown():
		v.report("INVALID_VERSION", p.version.at, "Version", "Version must be 2012-10-17 or 2008-10-17.")
	}
	if (v.kind == KindIdentity || v.kind == KindBoundary) && p.version.form != formBad && p.versionKnown() && p.versionText() != version2012 {
		v.refuse("INVALID_VERSION", p.version.at, "Version", oldVersion)
	}
	if p.id.present() && (v.kind == KindIdentity || v.kind == KindBoundary || v.kind == KindSession) && p.id.form == formBad {
		v.report("INVALID_POLICY_ELEMENT", p.id.at, "Id", "Id must be a string")
	}
	v.sids()
	v.size()
	v.characters()
}

func (v *validator) sids() {
	seen := make(map[string]bool, len(v.p.statements))
	for i := range v.p.statements {
		v.st, v.index = &v.p.statements[i], i
		if v.st.sid.form != formOne {
			continue
		}
		sid, at := v.p.sidOf(v.st), v.st.sid.at
		switch {
		case sid == "":
			v.report("EMPTY_SID_VALUE", at, v.path("Sid"), "an empty Sid says nothing: remove it")
			continue
		case seen[sid] && v.iamDocument():
			v.report("UNIQUE_SIDS_REQUIRED", at, v.path("Sid"), "Statement IDs (SID) in a single policy must be unique.")
		case seen[sid]:
			v.report("UNIQUE_SIDS_RECOMMENDED", at, v.path("Sid"), "two statements have this Sid")
		}
		seen[sid] = true
		if v.iamDocument() && !alphanumeric(sid) {
			v.report("UNSUPPORTED_SID", at, v.path("Sid"), "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")
		}
	}
}

func alphanumeric(text string) bool {
	for i := range len(text) {
		if c := lower(text[i]); (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// characters finds text that IAM does not store.
func (v *validator) characters() {
	if !v.iamDocument() {
		return
	}
	for i := range len(v.p.src) {
		// From U+0100 on the first of a character's bytes is at least 0xc4.
		if c := v.p.src[i]; c >= 0xc4 {
			v.refuse("JSON_SYNTAX_ERROR", span{int32(i), int32(i + runeLen(v.p.src[i:]))}, "", "policies of this kind hold characters up to U+00FF only")
			return
		}
	}
}

func (v *validator) statement() {
	st := v.st
	if st.bad&elStatement != 0 && st.at.end == st.at.begin {
		return
	}
	v.effect()
	v.actions()
	v.resources()
	v.principals()
	v.conditions()
	if st.notResource.present() || slices.ContainsFunc(v.p.list(&st.resource), mayCoverRoles) {
		v.roles("PASS_ROLE", "iam:PassRole", "iam:passedtoservice", "role/*")
		v.roles("CREATE_SLR", "iam:CreateServiceLinkedRole", "iam:awsservicename", "role/aws-service-role/*")
	}
	v.proofs()
	v.redundantStatement()
}

func (v *validator) effect() {
	if v.kind == KindRCP && v.p.effectOf(v.st) == "Allow" {
		v.report("RCP_SYNTAX_ERROR_ALLOW", v.st.effect.at, v.path("Effect"), "a resource control policy that you write can only deny")
	}
}

// roles raises the codes about actions that hand out roles on everything; the
// roles of an account that the action is about match a pattern.
func (v *validator) roles(prefix, action, key, roles string) {
	st := v.st
	if v.p.effectOf(st) != "Allow" || v.kind == KindSCP || v.kind == KindRCP || v.kind == KindBoundary {
		return
	}
	everything := slices.ContainsFunc(v.p.list(&st.resource), func(r value) bool { return coversRoles(r.text, roles) })
	if !everything && !st.notResource.present() {
		return
	}
	not, star, named := v.coversAction(action)
	code := ""
	switch {
	case st.notResource.present() && not:
		code = "_WITH_NOT_ACTION_AND_NOT_RESOURCE"
	case st.notResource.present() && star:
		code = "_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE"
	case st.notResource.present() && named:
		code = "_WITH_NOT_RESOURCE"
	case everything && not:
		code = "_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION"
	case everything && star:
		code = "_WITH_STAR_IN_ACTION_AND_RESOURCE"
	case everything && named:
		code = "_WITH_STAR_IN_RESOURCE"
	}
	if code == "" || v.pinnedTo(key) {
		return
	}
	v.report(prefix+code, st.at, v.path(""), "the statement allows "+action+" on all resources or on unknown ones; name the roles, or add a condition on "+key)
}

// mayCoverRoles is a quick look at what coversRoles looks at: most resources
// are of other services, and name one thing.
func mayCoverRoles(r value) bool {
	if !strings.HasSuffix(r.text, "*") {
		return false
	}
	_, service, _ := strings.Cut(r.text, ":")
	_, service, _ = strings.Cut(service, ":")
	return service == "" || strings.IndexByte("iI*?", service[0]) >= 0
}

// coversRoles reports whether a resource is all roles of some account that
// match a pattern.
func coversRoles(resource, roles string) bool {
	if resource == "*" {
		return true
	}
	a, fields := arn.Split(resource)
	left := mostEffort // its own, which nothing else in the document uses up
	return fields == 6 && wildcard.MatchFold(a.Service, "iam") && left.text(a.Resource, roles, false)
}

// coversAction says how the statement covers an action: by NotAction, by a
// pattern, by its name.
func (v *validator) coversAction(action string) (not, star, named bool) {
	e := evaluation{req: &Request{Action: action}}
	_ = e.prepare(e.req)
	var arena strings.Builder
	for _, p := range v.p.list(&v.st.action) {
		a := compileAction(p.text, &arena)
		named = named || a.exact() && a.match(&e)
		star = star || !a.exact() && a.match(&e)
	}
	if v.st.notAction.present() {
		not = true
		for _, p := range v.p.list(&v.st.notAction) {
			a := compileAction(p.text, &arena)
			not = not && !a.match(&e)
		}
	}
	return not, star, named
}

// pinnedTo reports whether a condition of the statement demands that a key, given
// in lower case, is there with a value that the policy names.
func (v *validator) pinnedTo(key string) bool {
	e := &v.st.condition
	return e.form == formObject && slices.ContainsFunc(v.p.conditions[e.lo:e.hi], func(c condition) bool {
		op, ok := parseOperator(c.op)
		return ok && !op.negated && !op.ifExists && op.quant != quantAll && op.fam != famNull && equalFold(c.key, key)
	})
}

// conditionsSaid is what the conditions of a statement say together. It is
// gathered once, since it is asked of some values and principals each.
type conditionsSaid struct {
	of       *statement
	on       map[string][]int32 // Policy.conditions, by key in lower case
	demanded map[string]bool    // keys that Null demands to be there, in lower case
	selects  bool               // some condition says what dynamodb:Select may be
	told     map[string]bool    // hosts of providers whose conditions were looked at
}

// say returns what the conditions of the statement at hand say.
func (v *validator) say() *conditionsSaid {
	if v.said.of == v.st {
		return &v.said
	}
	v.said = conditionsSaid{of: v.st, on: make(map[string][]int32), demanded: make(map[string]bool), told: make(map[string]bool)}
	e := &v.st.condition
	for i := e.lo; i < e.hi && e.form == formObject; i++ {
		c := &v.p.conditions[i]
		key := lowerASCII(c.key)
		v.said.on[key] = append(v.said.on[key], i)
		op, ok := parseOperator(c.op)
		if ok && op.fam == famNull && slices.ContainsFunc(v.p.list(&c.values), func(x value) bool { return x.text == "false" }) {
			v.said.demanded[key] = true
		}
		v.said.selects = v.said.selects || restrictsSelect(c, op, ok)
	}
	return &v.said
}

// hasKey reports whether a condition of the statement is on a key, given in
// lower case.
func (v *validator) hasKey(key string) bool { return len(v.say().on[key]) > 0 }
