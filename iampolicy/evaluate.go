// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"fmt"
	"strings"

	"github.com/sallyport-go/sallyport/internal/arn"
)

// evaluation is a request taken apart, for the time of one decision.
type evaluation struct {
	req *Request
	askedResource
	service string   // of the action
	name    string   // of the action, behind the colon
	action  [64]byte // the action in lower case, [:folded]; empty when it is longer
	folded  int
	bounded bool // the principal has a permissions boundary
	ownRoot bool // root of the bucket's account, doing what Deny does not keep it from

	listBuckets bool // the action is s3:ListAllMyBuckets, and supports no resource types

	indeterminate bool // a statement that cannot be evaluated decided

	discovery *discovery // of Discover; else nil
}

// askedResource is the resource of a request taken apart.
type askedResource struct {
	mode resourceMode
	arn  arn.ARN
	head string // fields two to five of a plain ARN, with their colons
}

// prepare takes the request apart.
func (e *evaluation) prepare(r *Request) error {
	e.req = r
	e.prepareAction(r)
	e.askFor(r.Resource, r.WildcardOnly)
	return e.check()
}

// check refuses what cannot be judged.
func (e *evaluation) check() error {
	switch r := e.req; {
	case r.Context.err != nil:
		return r.Context.err
	case e.mode == resourceWild && len(r.Resource) > maxRequestPattern:
		return fmt.Errorf("%w: a resource that is a pattern is longer than %d bytes", ErrLimit, maxRequestPattern)
	}
	return nil
}

func (e *evaluation) prepareAction(r *Request) {
	e.service, e.name = "", r.Action
	if at := strings.IndexByte(r.Action, ':'); at >= 0 {
		e.service, e.name = r.Action[:at], r.Action[at+1:]
	}
	if e.folded = len(r.Action); e.folded > len(e.action) {
		e.folded = 0
	}
	for i := range e.folded {
		e.action[i] = lower(r.Action[i])
	}
	e.listBuckets = r.WildcardOnly && equalFold(r.Action, "s3:ListAllMyBuckets")
}

// askFor takes a resource apart, into a new askedResource; wildcardOnly says
// that the action supports no resource types.
func (a *askedResource) askFor(resource string, wildcardOnly bool) {
	var fields int
	a.arn, fields = arn.Split(resource)
	switch {
	case wildcardOnly:
		a.mode = resourceNone
	case resource == "*":
		a.mode = resourceWild
		a.arn = arn.ARN{Prefix: "arn", Partition: "*", Service: "*", Region: "*", Account: "*", Resource: "*"}
	case a.arn.Prefix != "arn":
		a.mode = resourceOther
	case strings.IndexByte(resource, '*') >= 0:
		a.mode = resourceWild
		for _, field := range []*string{&a.arn.Resource, &a.arn.Account, &a.arn.Region, &a.arn.Service, &a.arn.Partition}[:6-fields] {
			*field = "*"
		}
	case fields < 6:
		a.mode = resourceOther
	default:
		a.head = resource[len("arn:") : len(resource)-len(a.arn.Resource)-1]
	}
}

// result is what the policies of one set come to.
type result struct {
	deny  match // the strongest way in which a Deny names the caller
	allow match // and an Allow
}

// verdict is the word for a result.
type verdict uint8

const (
	verdictImplicit verdict = iota
	verdictAllowed
	verdictDenied
)

func (r result) verdict() verdict {
	switch {
	case r.deny != matchNone:
		return verdictDenied
	case r.allow != matchNone:
		return verdictAllowed
	}
	return verdictImplicit
}

// evaluate returns what the set says, looking only at statements that can
// match, and at none behind a Deny that applies.
func (s *Set) evaluate(e *evaluation) (r result) {
	if e.mode == resourcePlain && s.index.built {
		s.index.search(s, e, &r)
		return r
	}
	for i := range s.stmts {
		if s.consider(&s.stmts[i], -1, e, &r) {
			break
		}
	}
	return r
}

// consider adds a statement to the result; pattern is the resource pattern
// that is known to be the one to compare, or -1. It reports true when the
// result cannot change any more.
func (s *Set) consider(st *stmt, pattern int32, e *evaluation, r *result) (done bool) {
	if !st.deny && (st.indeterminate || r.allow == matchEveryone) {
		return false
	}
	if !s.actionApplies(st, e) {
		return false
	}
	if pattern >= 0 {
		if ok, _ := s.resourceMatches(&s.resources[pattern], e); !ok {
			return false
		}
	} else if !s.resourceApplies(st, e) {
		return false
	}
	how := s.principalApplies(st, e)
	if how == matchNone || !s.conditionsHold(st, &e.req.Context) {
		return false
	}
	if st.deny {
		r.deny = max(r.deny, how)
		e.indeterminate = e.indeterminate || st.indeterminate
		return true
	}
	r.allow = max(r.allow, how)
	return false
}

func (s *Set) actionApplies(st *stmt, e *evaluation) bool {
	if st.unknown&elAction != 0 {
		return true
	}
	for i := st.actLo; i < st.actHi; i++ {
		if s.actions[i].match(e) {
			return !st.notAction
		}
	}
	return st.notAction
}

// principalApplies says how the statement names the caller.
func (s *Set) principalApplies(st *stmt, e *evaluation) match {
	if st.principalForm == elementAbsent || st.unknown&elPrincipal != 0 {
		return matchEveryone
	}
	entries := s.entries[st.entLo:st.entHi]
	if st.principalForm == elementNegated {
		return s.notPrincipalApplies(st, entries, e)
	}
	best := matchNone
	for i := range entries {
		best = max(best, entries[i].match(e.req))
	}
	return best
}

func (s *Set) notPrincipalApplies(st *stmt, entries []entry, e *evaluation) match {
	p := &e.req.Principal
	if st.deny {
		if (!e.bounded || !p.holdsPolicies()) && spared(entries, e.req, s.opts.NotPrincipal) {
			return matchNone
		}
		return matchEveryone
	}
	for i := range entries {
		if entries[i].match(e.req) != matchNone {
			return matchNone
		}
	}
	return matchEveryone
}

func (s *Set) conditionsHold(st *stmt, ctx *Context) bool {
	for i := st.condLo; i < st.condHi; i++ {
		if c := &s.conds[i]; !c.unknown && !s.holds(c, ctx) {
			return false
		}
	}
	return true
}
