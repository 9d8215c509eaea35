// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"slices"
	"strconv"
)

// Explanation is a decision with every reason for it. It marshals to JSON, and
// String writes it for people; both are deterministic, in the order in which
// the policies were given.
type Explanation struct {
	Outcome       Outcome `json:"decision"`                // as Decide gives it
	Indeterminate bool    `json:"indeterminate,omitempty"` // a statement that cannot be evaluated denied
	Pattern       bool    `json:"pattern,omitempty"`       // the request's resource is a pattern
	Err           error   `json:"-"`                       // why the request could not be judged
	// Reason is set when not the policies but a rule of the service decided.
	Reason string `json:"reason,omitempty"`
	// SameAccount says that principal and resource belong to one account.
	SameAccount bool `json:"sameAccount"`

	// What each type of policies came to: Allowed, ExplicitlyDenied or
	// ImplicitlyDenied, for Resource also NotApplicable (there is none),
	// AllowedForAccount and DeniedForAccount (only the caller's account is
	// named). Boundary, Session and Endpoint are empty where there is none, or
	// it does not bear on this principal.
	Identity string `json:"identity"`
	Resource string `json:"resource"`
	SCP      string `json:"scp"`
	RCP      string `json:"rcp"`
	Boundary string `json:"boundary,omitempty"`
	Session  string `json:"session,omitempty"`
	Endpoint string `json:"vpce,omitempty"`

	// BlockedBy lists what turned an otherwise open request into a deny, in
	// alphabetical order: identity, pb (the permissions boundary), rcp,
	// resource, s3-bpa (S3 Block Public Access), scp, vpce.
	BlockedBy []string `json:"blockedBy,omitempty"`
	// Missing lists the context keys that the request lacks and whose value
	// could change the decision.
	Missing []string `json:"missing,omitempty"`
	// Derived lists the context keys that Request.Derive set.
	Derived []DerivedKey `json:"derived,omitempty"`
	// Sets holds the statements, set by set: session, identity, resource,
	// boundary, endpoint, service control policies level by level, resource
	// control policies likewise. Sets that do not bear on the request are left
	// out.
	Sets []SetExplanation `json:"sets"`
}

// DerivedKey is a context key that Request.Derive set. Inexact says that the
// value may lack something, as the path in the ARN of a role of which only a
// session is known.
type DerivedKey struct {
	Key     string `json:"key"`               // such as aws:username
	Inexact bool   `json:"inexact,omitempty"` // the value may lack something
}

// SetExplanation is what the statements of one Set came to.
type SetExplanation struct {
	Type       string                 `json:"type"`            // session, identity, resource, boundary, vpce, scp or rcp
	Level      string                 `json:"level,omitempty"` // of an organization
	Verdict    string                 `json:"verdict"`
	Statements []StatementExplanation `json:"statements"`
}

// StatementExplanation says whether a statement applied, and if not why.
type StatementExplanation struct {
	Policy        string `json:"policy"` // name, or position in its set
	Sid           string `json:"sid,omitempty"`
	Index         int    `json:"index"` // in its policy, from 1
	Effect        string `json:"effect"`
	Span          Span   `json:"span"`
	Applied       bool   `json:"applied"`
	Principal     string `json:"principal,omitempty"` // how it names the caller: everyone, direct, role, user-of-session, account
	Indeterminate bool   `json:"indeterminate,omitempty"`
	Failed        string `json:"failed,omitempty"` // the first element that does not match
	Why           string `json:"why,omitempty"`    // and with which values
}

// Name returns the Sid, or the index where there is none.
func (s *StatementExplanation) Name() string {
	if s.Sid != "" {
		return s.Sid
	}
	return strconv.Itoa(s.Index)
}

// The words for results.
const (
	wordAllowed           = "Allowed"
	wordImplicitlyDenied  = "ImplicitlyDenied"
	wordExplicitlyDenied  = "ExplicitlyDenied"
	wordNotApplicable     = "NotApplicable"
	wordAllowedForAccount = "AllowedForAccount"
	wordDeniedForAccount  = "DeniedForAccount"
)

func (v verdict) word() string {
	return [...]string{verdictImplicit: wordImplicitlyDenied, verdictAllowed: wordAllowed, verdictDenied: wordExplicitlyDenied}[v]
}

// resourceWord is the word for the result of a resource's policy.
func (r result) resourceWord() string {
	switch {
	case r.deny == matchAccount:
		return wordDeniedForAccount
	case r.deny == matchNone && r.allow == matchAccount:
		return wordAllowedForAccount
	}
	return r.verdict().word()
}

// Explain decides like Decide, looking at every statement, and says why.
func (p *Policies) Explain(r *Request) *Explanation {
	var e evaluation
	return p.explain(&e, r)
}

func (p *Policies) explain(e *evaluation, r *Request) *Explanation {
	x := &Explanation{Sets: []SetExplanation{}}
	if err := p.prepare(e, r); err != nil {
		x.Err, x.Reason = err, err.Error()
		return x
	}
	x.Pattern, x.SameAccount = e.mode == resourceWild, e.sameAccount()
	x.Derived = derivedKeys(&r.Context)
	x.Identity, x.Resource, x.SCP, x.RCP = wordImplicitlyDenied, wordNotApplicable, wordAllowed, wordAllowed
	if r.Principal.kind == Root {
		x.Identity = wordAllowed
	}
	if needsNoPermission(r) {
		x.Outcome, x.Reason = Allowed, "this action needs no permission"
		if p.Resource != nil {
			x.Resource = wordImplicitlyDenied
		}
		return x
	}
	var v verdicts
	denied := x.evaluate(p, e, &v)
	x.summarize(p, e, &v)
	switch {
	case denied:
		x.Outcome = ExplicitDeny
	default:
		x.Outcome = p.combine(e, &v)
		x.Reason = serviceReason(p, e, &v, x.Outcome)
	}
	x.Indeterminate = e.indeterminate
	x.BlockedBy = p.blockedBy(e, &v)
	x.Missing = p.missing(e)
	return x
}

// evaluate looks at every set that bears on the request.
func (x *Explanation) evaluate(p *Policies, e *evaluation, v *verdicts) (denied bool) {
	principal := &e.req.Principal
	v.limited = p.Boundary != nil && principal.holdsPolicies()
	v.tailored = p.Session != nil
	v.scp, v.rcp = verdictAllowed, verdictAllowed
	if v.tailored {
		v.session = x.addSet(p.Session, e, "session", "", false)
	}
	if p.Identity != nil && principal.holdsPolicies() {
		v.identity = x.addSet(p.Identity, e, "identity", "", false)
	}
	if p.Resource != nil {
		v.resource = x.addSet(p.Resource, e, "resource", "", e.ownRoot)
	}
	if v.limited {
		v.boundary = x.addSet(p.Boundary, e, "boundary", "", false)
	}
	if p.Endpoint != nil {
		v.endpoint = x.addSet(p.Endpoint, e, "vpce", "", false)
	}
	if scpApplies(e.req) {
		v.scp = x.addLevels(p.SCP, e, "scp")
	}
	if p.rcpApplies(e) {
		v.rcp = x.addLevels(p.RCP, e, "rcp")
	}
	for _, r := range [...]result{v.session, v.identity, v.resource, v.boundary, v.endpoint} {
		denied = denied || r.deny != matchNone
	}
	return denied || v.scp == verdictDenied || v.rcp == verdictDenied
}

func (x *Explanation) addLevels(sets []*Set, e *evaluation, typ string) verdict {
	all := verdictAllowed
	for i, s := range sets {
		switch v := x.addSet(s, e, typ, s.levelName(typ, i), false).verdict(); {
		case v == verdictDenied:
			all = verdictDenied
		case v == verdictImplicit && all == verdictAllowed:
			all = verdictImplicit
		}
	}
	return all
}

// levelName returns the name of a level of an organization.
func (s *Set) levelName(typ string, i int) string {
	if s.opts.Level != "" {
		return s.opts.Level
	}
	return typ + strconv.Itoa(i)
}

func (x *Explanation) addSet(s *Set, e *evaluation, typ, level string, allowsOnly bool) (r result) {
	out := SetExplanation{Type: typ, Level: level, Statements: make([]StatementExplanation, 0, len(s.stmts))}
	var lines lineIndex // one a policy, whose statements come together
	policy := int32(-1)
	for i := range s.stmts {
		st := &s.stmts[i]
		if st.policy != policy {
			policy, lines = st.policy, lineIndex{}
		}
		one := s.explain(st, e, &lines)
		how := s.principalApplies(st, e)
		if e.discovery != nil {
			one, how = e.discovery.reconsider(s, st, e, typ, one, how)
		}
		switch {
		case one.Applied && st.deny && allowsOnly:
			one.Applied, one.Failed, one.Why = false, "Principal", "a Deny does not keep the root user of the bucket's account from its policy"
		case one.Applied && st.deny:
			r.deny = max(r.deny, how)
			e.indeterminate = e.indeterminate || st.indeterminate
		case one.Applied:
			r.allow = max(r.allow, how)
		}
		out.Statements = append(out.Statements, one)
	}
	out.Verdict = r.verdict().word()
	if typ == "resource" {
		out.Verdict = r.resourceWord()
	}
	x.Sets = append(x.Sets, out)
	return r
}

func (x *Explanation) summarize(p *Policies, e *evaluation, v *verdicts) {
	if e.req.Principal.kind != Root {
		x.Identity = v.identity.verdict().word()
	}
	if p.Resource != nil {
		x.Resource = v.resource.resourceWord()
	}
	x.SCP, x.RCP = v.scp.word(), v.rcp.word()
	if v.limited {
		x.Boundary = v.boundary.verdict().word()
	}
	if v.tailored {
		x.Session = v.session.verdict().word()
	}
	if p.Endpoint != nil {
		x.Endpoint = v.endpoint.verdict().word()
	}
}

// blockedBy lists what closes a request that identity, resource and session
// policies leave open.
func (p *Policies) blockedBy(e *evaluation, v *verdicts) []string {
	if !p.open(e, v, true) {
		return nil
	}
	var by []string
	add := func(name string, blocks bool) {
		if blocks {
			by = append(by, name)
		}
	}
	boundary := v.boundary.verdict()
	add("identity", v.identity.deny != matchNone)
	add("pb", v.limited && (boundary == verdictDenied || boundary == verdictImplicit && !p.open(e, v, false)))
	add("rcp", v.rcp != verdictAllowed)
	add("resource", v.resource.deny != matchNone)
	add("s3-bpa", p.publicBucketRefuses(e))
	add("scp", v.scp != verdictAllowed)
	add("vpce", p.Endpoint != nil && v.endpoint.verdict() != verdictAllowed)
	return by
}

// serviceReason names the rule that decided in place of the policies.
func serviceReason(p *Policies, e *evaluation, v *verdicts, outcome Outcome) string {
	switch {
	case outcome == Allowed && p.ACL.grants(e) > v.resource.allow:
		return "the access control list lets the caller in"
	case outcome == ExplicitDeny:
		return "S3 Block Public Access: the bucket's policy is public, and the caller is of another account"
	case outcome == ImplicitDeny && guarded(e) && p.open(e, v, !v.limited || v.boundary.verdict() == verdictAllowed):
		return "the service refuses this action to this sort of credentials, or on this resource, whatever policies allow"
	}
	return ""
}

func derivedKeys(c *Context) []DerivedKey {
	var keys []DerivedKey
	for i := range c.values {
		if v := &c.values[i]; v.derived != given {
			keys = append(keys, DerivedKey{Key: v.name, Inexact: v.derived == derivedInexact})
		}
	}
	slices.SortFunc(keys, func(a, b DerivedKey) int { return compareFold(lowerASCII(a.Key), b.Key) })
	return keys
}
