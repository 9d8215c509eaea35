// SPDX-License-Identifier: Apache-2.0

package iampolicy

import "fmt"

// Policies are all the policies that bear on a request, each Set compiled as
// the kind its field names. A nil Set, or an empty list, is a policy that does
// not exist. Policies are safe for concurrent use as long as nobody changes
// them.
type Policies struct {
	// Identity is the union of what is attached to the user and its groups, or
	// to the role.
	Identity *Set
	// Boundary is the permissions boundary of the user or role, of their
	// sessions too. A principal that has one is never spared by NotPrincipal.
	Boundary *Set
	// Session is the union of the session policies. Giving one for a principal
	// that is no session is an error.
	Session *Set
	// Resource is the policy of the resource: a bucket policy, a key policy
	// (KindResource), a role's trust policy (KindTrust).
	Resource *Set
	// Endpoint is the policy of the VPC endpoint that the request came through.
	Endpoint *Set
	// SCP holds the service control policies of the principal's organization,
	// a Set for each level: root, organizational units, account. None means
	// that the account belongs to no organization.
	SCP []*Set
	// RCP holds the resource control policies of the resource owner's
	// organization, likewise.
	RCP []*Set

	// Grants are the KMS grants on the key.
	Grants []Grant
	// ACL is the access control list of the S3 bucket and object; nil is none.
	ACL *ACL
	// RestrictPublicBuckets says that S3 Block Public Access restricts public
	// buckets, for the bucket or its account.
	RestrictPublicBuckets bool
	// RCPServices replaces the built-in list of services, by action prefix,
	// that resource control policies apply to; it grows over time.
	RCPServices map[string]bool
}

// Decision is the answer to a Request. Its zero value denies.
type Decision struct {
	// Outcome is the answer.
	Outcome Outcome
	// Indeterminate says that a statement that cannot be evaluated took part:
	// it denied. Decide stops at the first Deny that it finds; that of an
	// Explanation says so of all of them.
	Indeterminate bool
	// Pattern says that the request's resource was a pattern.
	Pattern bool
	// Err is set, and the outcome is a deny, when the request could not be
	// judged: it wraps ErrRequest or ErrLimit.
	Err error
}

// Allowed reports whether the request may go ahead.
func (d Decision) Allowed() bool { return d.Outcome == Allowed && d.Err == nil }

// Decide says whether the policies allow the request (IAM User Guide, "Policy
// evaluation logic"). It does not allocate, save for a pattern with more than
// 16 pieces between variables.
func (p *Policies) Decide(r *Request) Decision {
	var e evaluation
	if err := p.prepare(&e, r); err != nil {
		return Decision{Err: err}
	}
	return p.decide(&e)
}

// decide is Decide for a request taken apart.
func (p *Policies) decide(e *evaluation) Decision {
	d := Decision{Pattern: e.mode == resourceWild}
	if needsNoPermission(e.req) {
		d.Outcome = Allowed
		return d
	}
	var v verdicts
	if p.evaluate(e, &v) {
		d.Outcome = ExplicitDeny
	} else {
		d.Outcome = p.combine(e, &v)
	}
	d.Indeterminate = e.indeterminate
	return d
}

// prepare takes the request apart and refuses what cannot be judged.
func (p *Policies) prepare(e *evaluation, r *Request) error {
	if err := e.prepare(r); err != nil {
		return err
	}
	if p.Session != nil && !r.Principal.IsSession() {
		return errNoSession()
	}
	e.bounded = p.Boundary != nil
	e.prepareOwnRoot()
	return p.checkKinds()
}

func errNoSession() error {
	return fmt.Errorf("%w: a session policy for a principal that is no session", ErrRequest)
}

func (e *evaluation) prepareOwnRoot() {
	e.ownRoot = e.req.Principal.kind == Root && e.sameAccount() && ownBucketPolicy(e.req, &e.arn)
}

// checkKinds refuses a Set in the wrong field, which would be judged by the
// wrong rules.
func (p *Policies) checkKinds() error {
	switch {
	case p.Identity != nil && p.Identity.kind != KindIdentity:
		return wrongKind(p.Identity, KindIdentity)
	case p.Boundary != nil && p.Boundary.kind != KindBoundary:
		return wrongKind(p.Boundary, KindBoundary)
	case p.Session != nil && p.Session.kind != KindSession:
		return wrongKind(p.Session, KindSession)
	case p.Resource != nil && p.Resource.kind != KindResource && p.Resource.kind != KindTrust:
		return wrongKind(p.Resource, KindResource)
	case p.Endpoint != nil && p.Endpoint.kind != KindEndpoint:
		return wrongKind(p.Endpoint, KindEndpoint)
	}
	for _, s := range p.SCP {
		if s == nil || s.kind != KindSCP {
			return wrongKind(s, KindSCP)
		}
	}
	for _, s := range p.RCP {
		if s == nil || s.kind != KindRCP {
			return wrongKind(s, KindRCP)
		}
	}
	return nil
}

func wrongKind(s *Set, want Kind) error {
	if s == nil {
		return fmt.Errorf("%w: nil Set in the list of %v sets", ErrRequest, want)
	}
	return fmt.Errorf("%w: a Set of kind %v where %v belongs", ErrRequest, s.kind, want)
}

// sameAccount reports whether principal and resource are known to belong to
// one account.
func (e *evaluation) sameAccount() bool {
	p := &e.req.Principal
	return p.inAccount() && p.account != "" && p.account == e.req.ResourceAccount
}

// verdicts are the results of all types of policies.
type verdicts struct {
	identity, boundary, session, resource, endpoint result
	scp, rcp                                        verdict
	limited                                         bool // a boundary applies
	tailored                                        bool // a session policy applies
}

// evaluate fills in the results. It reports true, having stopped, when a Deny
// applies.
func (p *Policies) evaluate(e *evaluation, v *verdicts) (denied bool) {
	principal := &e.req.Principal
	v.limited = p.Boundary != nil && principal.holdsPolicies()
	v.tailored = p.Session != nil
	v.scp, v.rcp = verdictAllowed, verdictAllowed
	if p.Resource != nil && !e.ownRoot {
		if v.resource = p.Resource.evaluate(e); v.resource.deny != matchNone {
			return true
		}
	} else if p.Resource != nil {
		v.resource = p.Resource.evaluateAllows(e)
	}
	if p.Identity != nil && principal.holdsPolicies() {
		if v.identity = p.Identity.evaluate(e); v.identity.deny != matchNone {
			return true
		}
	}
	if v.limited {
		if v.boundary = p.Boundary.evaluate(e); v.boundary.deny != matchNone {
			return true
		}
	}
	if v.tailored {
		if v.session = p.Session.evaluate(e); v.session.deny != matchNone {
			return true
		}
	}
	if p.Endpoint != nil {
		if v.endpoint = p.Endpoint.evaluate(e); v.endpoint.deny != matchNone {
			return true
		}
	}
	return p.evaluateLevels(e, v)
}

// evaluateLevels is evaluate for the policies of organizations, of which every
// level must allow.
func (p *Policies) evaluateLevels(e *evaluation, v *verdicts) (denied bool) {
	if len(p.SCP) > 0 && scpApplies(e.req) {
		if v.scp = levels(p.SCP, e); v.scp == verdictDenied {
			return true
		}
	}
	if len(p.RCP) > 0 && p.rcpApplies(e) {
		if v.rcp = levels(p.RCP, e); v.rcp == verdictDenied {
			return true
		}
	}
	return false
}

func levels(sets []*Set, e *evaluation) verdict {
	v := verdictAllowed
	for _, s := range sets {
		switch s.evaluate(e).verdict() {
		case verdictDenied:
			return verdictDenied
		case verdictImplicit:
			v = verdictImplicit
		}
	}
	return v
}

// evaluateAllows is evaluate without the Deny statements.
func (s *Set) evaluateAllows(e *evaluation) (r result) {
	for i := range s.stmts {
		if !s.stmts[i].deny {
			s.consider(&s.stmts[i], -1, e, &r)
		}
	}
	return r
}

// combine decides, no Deny statement applying, from all results.
func (p *Policies) combine(e *evaluation, v *verdicts) Outcome {
	if p.publicBucketRefuses(e) {
		return ExplicitDeny
	}
	switch {
	case v.rcp != verdictAllowed, v.scp != verdictAllowed,
		p.Endpoint != nil && v.endpoint.verdict() != verdictAllowed:
		return ImplicitDeny
	case !p.open(e, v, !v.limited || v.boundary.verdict() == verdictAllowed):
		return ImplicitDeny
	case guarded(e):
		return ImplicitDeny
	}
	return Allowed
}

// open reports whether identity, resource and session policies together let
// the request through, given whether the boundary does. A set that denies opens
// nothing.
func (p *Policies) open(e *evaluation, v *verdicts, bounded bool) bool {
	r := e.req
	granted := matchNone // by the resource's policy
	if v.resource.deny == matchNone {
		granted = v.resource.allow
	}
	granted = max(granted, p.granted(e))
	if !r.Principal.inAccount() {
		return granted != matchNone
	}
	session := !v.tailored || v.session.verdict() == verdictAllowed
	identity := session && bounded && p.identitySide(e, v)
	if !e.sameAccount() {
		return identity && granted != matchNone
	}
	switch granted {
	case matchEveryone, matchDirect:
		return true
	case matchRole, matchUserOfSession:
		if session && bounded {
			return true
		}
	}
	if ruledByResource(e) {
		return identity && granted != matchNone
	}
	return identity
}

// identitySide reports whether the caller's own policies allow the request.
func (p *Policies) identitySide(e *evaluation, v *verdicts) bool {
	principal := &e.req.Principal
	switch principal.kind {
	case Root:
		return true
	case FederatedSession:
		if !v.tailored {
			return false // without session policy it has no rights of its own
		}
		if principal.FederatedByRoot {
			return true
		}
	}
	return v.identity.verdict() == verdictAllowed
}
