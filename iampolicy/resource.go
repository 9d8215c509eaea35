// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"strings"

	"github.com/sallyport-go/sallyport/internal/arn"
	"github.com/sallyport-go/sallyport/internal/wildcard"
)

// resourcePattern is a compiled Resource or NotResource entry.
type resourcePattern struct {
	partition, service, region, account string // lower case
	rest                                textOf // the sixth field
	wild                                wildFields
	all                                 bool // the pattern is *
	listBuckets                         bool // arn:PARTITION:s3:::*, which covers s3:ListAllMyBuckets
}

// wildFields tells which of the fields two to five hold wildcards, and which
// are nothing but a *.
type wildFields uint8

const (
	wildPartition wildFields = 1 << iota
	wildService
	wildRegion
	wildAccount
	anyPartition
	anyService
	anyRegion
	anyAccount
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
			return resourcePattern{rest: textOf{shape: shapeNever}}, nil
		}
		for _, field := range []*string{&a.Resource, &a.Account, &a.Region, &a.Service, &a.Partition}[:6-fields] {
			*field = "*"
		}
	}
	r := resourcePattern{
		partition: lowerASCII(a.Partition), service: lowerASCII(a.Service),
		region: lowerASCII(a.Region), account: lowerASCII(a.Account),
	}
	for i, field := range [...]string{r.partition, r.service, r.region, r.account} {
		if wildcard.Has(field) && !(i == 1 && c.opts.LiteralServiceWildcard) {
			r.wild |= wildPartition << i
		}
		if field == "*" && r.wild&(wildPartition<<i) != 0 {
			r.wild |= anyPartition << i
		}
	}
	r.listBuckets = r.service == "s3" && r.region == "" && r.account == "" && a.Resource == "*" && r.partition != ""
	var err *variableError
	r.rest, err = c.compileText(a.Resource, true)
	return r, err
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

// matchFields reports whether the fields two to five of an ARN match.
func (r *resourcePattern) matchFields(a *arn.ARN) bool {
	return fieldMatches(r.service, a.Service, r.wild&wildService != 0) &&
		fieldMatches(r.account, a.Account, r.wild&wildAccount != 0) &&
		fieldMatches(r.region, a.Region, r.wild&wildRegion != 0) &&
		fieldMatches(r.partition, a.Partition, r.wild&wildPartition != 0)
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
	patterns := s.resources[st.resLo:st.resHi]
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
		if r.rest.shape == shapeTemplate || r.matchFields(&e.arn) {
			ok, known = s.matchText(&r.rest, e.arn.Resource, &e.req.Context)
			return ok && (r.rest.shape != shapeTemplate || r.matchFields(&e.arn)), known
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
