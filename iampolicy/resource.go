// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"strings"

	"github.com/sallyport-go/sallyport/internal/arn"
	"github.com/sallyport-go/sallyport/internal/wildcard"
)

// resourcePattern is a compiled Resource or NotResource entry.
type resourcePattern struct {
	head        string   // fields two to five with their colons, lower case
	cuts        [3]int32 // where the colons between them are
	rest        textOf   // the sixth field
	wild        wildFields
	all         bool // the pattern is *
	listBuckets bool // arn:PARTITION:s3:::*, which covers s3:ListAllMyBuckets
}

// fields returns partition, service, region and account.
func (r *resourcePattern) fields() [4]string {
	if r.all {
		return [4]string{"*", "*", "*", "*"}
	}
	h, c := r.head, r.cuts
	return [4]string{h[:c[0]], h[c[0]+1 : c[1]], h[c[1]+1 : c[2]], h[c[2]+1:]}
}

// service returns the service field.
func (r *resourcePattern) service() string { return r.fields()[1] }

// wildFields tells which of the fields two to five hold wildcards.
type wildFields uint8

const (
	wildPartition wildFields = 1 << iota
	wildService
	wildRegion
	wildAccount
)

// compileResource reads an entry that is * or begins with arn:. What has fewer
// than six fields is completed or matches nothing, by the kind of the policy.
func (c *compiler) compileResource(text string) (resourcePattern, *variableError) {
	if text == "*" {
		return resourcePattern{all: true}, nil
	}
	a, fields := arn.Split(text)
	if fields < 6 {
		if !completes(c.set.kind, text) {
			return resourcePattern{head: ":::", cuts: [3]int32{0, 1, 2}, rest: textOf{shape: shapeNever}}, nil
		}
		for _, field := range []*string{&a.Resource, &a.Account, &a.Region, &a.Service, &a.Partition}[:6-fields] {
			*field = "*"
		}
	}
	r := c.compileHead(text, &a, fields)
	r.listBuckets = a.Service != "" && r.service() == "s3" && a.Region == "" && a.Account == "" && a.Resource == "*" && a.Partition != ""
	var err *variableError
	r.rest, err = c.compileText(a.Resource, true)
	return r, err
}

// compileHead compiles fields two to five.
func (c *compiler) compileHead(text string, a *arn.ARN, fields int) (r resourcePattern) {
	if fields == 6 {
		from := len(a.Prefix) + 1
		r.head = lowerInto(&c.arena, text[from:len(text)-len(a.Resource)-1])
	} else {
		r.head = lowerASCII(a.Partition + ":" + a.Service + ":" + a.Region + ":" + a.Account)
	}
	at := 0
	for i, field := range [...]string{a.Partition, a.Service, a.Region, a.Account} {
		if at += len(field); i < len(r.cuts) {
			r.cuts[i] = int32(at)
		}
		at++
		if wildcard.Has(field) && !(i == 1 && c.opts.LiteralServiceWildcard) {
			r.wild |= wildPartition << i
		}
	}
	return r
}

// completes reports whether missing fields of an ARN pattern are wildcards.
func completes(kind Kind, text string) bool {
	switch kind {
	case KindIdentity, KindBoundary, KindSession:
		return true
	case KindSCP:
		return strings.HasSuffix(text, "*")
	case KindRCP:
		return false
	}
	return wildcard.Has(text)
}

// matchFields reports whether the fields two to five of the request's ARN
// match.
func (r *resourcePattern) matchFields(e *evaluation) bool {
	if r.wild == 0 {
		return equalFold(r.head, e.head)
	}
	f, a := r.fields(), &e.arn
	return fieldMatches(f[1], a.Service, r.wild&wildService != 0) &&
		fieldMatches(f[3], a.Account, r.wild&wildAccount != 0) &&
		fieldMatches(f[2], a.Region, r.wild&wildRegion != 0) &&
		fieldMatches(f[0], a.Partition, r.wild&wildPartition != 0)
}

func fieldMatches(pattern, field string, wild bool) bool {
	if !wild {
		return equalFold(pattern, field)
	}
	return pattern == "*" || wildcard.MatchFold(pattern, field)
}

// matchText reports whether a text matches a pattern; known is false when it
// holds a variable without value, and then it matches nothing.
func (s *Set) matchText(t *textOf, text string, ctx *Context) (ok, known bool) {
	switch t.shape {
	case shapeAny:
		return true, true
	case shapeExact:
		return t.text == text, true
	case shapePrefix:
		return strings.HasPrefix(text, t.text), true
	case shapeGlob:
		return wildcard.Match(t.text, text), true
	case shapeTemplate:
		var space [partsOnStack]wildcard.Part
		parts, known := resolve(space[:0], s.parts[t.lo:t.hi], ctx)
		return known && wildcard.MatchParts(parts, text), known
	}
	return false, true
}

// resourceMode is how the resource of a request is compared.
type resourceMode uint8

const (
	resourcePlain resourceMode = iota // an ARN
	resourceOther                     // no ARN: only * covers it
	resourceWild                      // holds a *: stands for many resources
	resourceNone                      // the action supports no resource types
)

// resourceApplies reports whether the Resource or NotResource of a statement
// covers the request's resource.
func (s *Set) resourceApplies(st *stmt, e *evaluation) bool {
	if st.resourceForm == elementAbsent || st.unknown&elResource != 0 {
		return true
	}
	return s.patternsApply(st, s.resources[st.resLo:st.resHi], e)
}

// patternsApply is resourceApplies for some of the statement's patterns.
func (s *Set) patternsApply(st *stmt, patterns []resourcePattern, e *evaluation) bool {
	if e.mode == resourceWild {
		return s.patternApplies(st, patterns, e)
	}
	for i := range patterns {
		ok, known := s.resourceMatches(&patterns[i], e)
		switch {
		case st.resourceForm == elementPositive && ok:
			return true
		case st.resourceForm == elementNegated && ok:
			return false
		case st.resourceForm == elementNegated && !known && !st.deny && !s.opts.OpenNotResource:
			return false
		}
	}
	return st.resourceForm == elementNegated
}

// resourceMatches compares one pattern with a resource that is not a pattern.
func (s *Set) resourceMatches(r *resourcePattern, e *evaluation) (ok, known bool) {
	if r.all {
		return true, true
	}
	switch e.mode {
	case resourcePlain:
		if r.rest.shape == shapeTemplate || r.matchFields(e) {
			ok, known = s.matchText(&r.rest, e.arn.Resource, &e.req.Context)
			return ok && (r.rest.shape != shapeTemplate || r.matchFields(e)), known
		}
		return false, true
	case resourceNone:
		return r.listBuckets && e.listBuckets, s.hasValues(&r.rest, e)
	}
	return false, s.hasValues(&r.rest, e)
}

// hasValues reports whether all variables of a pattern have a value.
func (s *Set) hasValues(t *textOf, e *evaluation) bool {
	if t.shape != shapeTemplate {
		return true
	}
	var space [partsOnStack]wildcard.Part
	_, known := resolve(space[:0], s.parts[t.lo:t.hi], &e.req.Context)
	return known
}

// patternApplies is resourceApplies for a request whose resource is a pattern.
//
//	                 covers   overlaps   disjoint
//	Allow Resource   applies  applies    no
//	Deny Resource    applies  no         no
//	Allow NotResource no      applies    applies
//	Deny NotResource no       no         applies
func (s *Set) patternApplies(st *stmt, patterns []resourcePattern, e *evaluation) bool {
	negated := st.resourceForm == elementNegated
	for i := range patterns {
		rel, known := s.relate(&patterns[i], e)
		switch {
		case !known && negated && !st.deny && !s.opts.OpenNotResource:
			return false
		case !known:
		case rel == relationCovers, rel == relationOverlaps && st.deny == negated:
			return !negated
		}
	}
	return negated
}
