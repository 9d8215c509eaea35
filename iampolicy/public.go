// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"net/netip"
	"strings"

	"github.com/sallyport-go/sallyport/internal/arn"
)

// Public reports whether the set, as an S3 bucket policy, is public: what
// GetBucketPolicyStatus answers, what BlockPublicPolicy keeps from being put,
// and what RestrictPublicBuckets closes to strangers (Amazon S3 User Guide,
// "Blocking public access to your Amazon S3 storage", "The meaning of
// public"). It looks at the policy alone, not at the settings. Sets of other
// kinds than KindResource are not public.
func (s *Set) Public() bool { return s.kind == KindResource && s.grantsPublic() }

// grantsPublic reports whether a bucket policy is public: some Allow names
// everybody, and no condition pins it to fixed values (Amazon S3 User Guide,
// "Blocking public access to your Amazon S3 storage", "The meaning of
// public").
func (s *Set) grantsPublic() bool {
	for i := range s.stmts {
		if st := &s.stmts[i]; !st.deny && s.namesEverybody(st) && !s.pinned(st) {
			return true
		}
	}
	return false
}

// namesEverybody reports whether the principal of an Allow is everybody: *, an
// Allow with NotPrincipal, or none at all.
func (s *Set) namesEverybody(st *stmt) bool {
	src := &s.policies[st.policy].statements[st.index]
	if st.principalForm != elementPositive || !src.principal.present() || st.unknown&elPrincipal != 0 {
		return true
	}
	for _, e := range s.entries[st.entLo:st.entHi] {
		if e.typ == entryEveryone {
			return true
		}
	}
	return false
}

func (s *Set) pinned(st *stmt) bool {
	for i := st.condLo; i < st.condHi; i++ {
		if s.pins(&s.conds[i], s.policies[st.policy]) {
			return true
		}
	}
	return false
}

// pinKind is what the values of a key must be for a condition on it to pin an
// Allow.
type pinKind uint8

const (
	pinFixed   pinKind = iota + 1 // without wildcards
	pinAccount                    // ARNs whose account has none
	pinUserID                     // fixed, or a fixed id and :*
	pinTrue                       // true
	pinRange                      // narrow address ranges
)

// pinKeys are the keys that pin, in lower case.
func pinKey(key string) pinKind {
	switch key {
	case "aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount", "aws:principalservicename",
		"aws:principalservicenameslist", "aws:sourcevpc", "aws:sourcevpce", "aws:sourcevpcarn", "aws:vpceaccount",
		"aws:vpceorgid", "aws:vpceorgpaths", "aws:sourceaccount", "aws:sourceowner",
		"s3:x-amz-server-side-encryption-aws-kms-key-id", "s3:dataaccesspointaccount":
		return pinFixed
	case "aws:principalarn", "aws:sourcearn", "s3:dataaccesspointarn":
		return pinAccount
	case "aws:userid":
		return pinUserID
	case "aws:principalisawsservice":
		return pinTrue
	case "aws:sourceip":
		return pinRange
	}
	return 0
}

// pins reports whether a condition pins its Allow to fixed values. Conditions
// that hold when the key is absent never do.
func (s *Set) pins(c *cond, p *Policy) bool {
	if c.unknown || c.negated || c.ifExists || c.fam == famNull || c.quant == quantAll {
		return false
	}
	kind := pinKey(c.key)
	if kind == 0 || c.written == 0 {
		return false
	}
	if kind == pinRange {
		return c.fam == famIP && s.narrow(c)
	}
	src := &p.conditions[c.source]
	for _, v := range p.list(&src.values) {
		if !pinValue(kind, c, v.text, p.modern()) {
			return false
		}
	}
	return true
}

func pinValue(kind pinKind, c *cond, text string, modern bool) bool {
	if modern && strings.Contains(text, "${") {
		return false
	}
	switch c.fam {
	case famString, famStringFold, famStringLike, famArn:
	default:
		// Compared as a number, say, it fixes nothing.
		return kind == pinTrue && c.fam == famBool && equalFold(text, "true")
	}
	// A wildcard keeps from pinning also where the operator takes it literally.
	wild := strings.ContainsAny(text, "*?")
	like := c.fam == famStringLike || c.fam == famArn
	switch kind {
	case pinAccount:
		return !wild || like && accountFixed(c.fam, text)
	case pinUserID:
		id, rest, _ := strings.Cut(text, ":")
		return !wild || like && rest == "*" && !strings.ContainsAny(id, "*?") && id != ""
	case pinTrue:
		return !like && text == "true"
	}
	return !wild
}

// accountFixed reports whether every ARN that a pattern matches is of one
// account. A wildcard of StringLike runs across colons, so none may come before
// the account.
func accountFixed(fam family, text string) bool {
	a, ok := arn.Parse(text)
	if !ok || a.Account == "" || strings.ContainsAny(a.Account, "*?") {
		return false
	}
	return fam == famArn || !strings.ContainsAny(a.Partition+a.Service+a.Region, "*?")
}

// narrow reports whether every address range is so small that it is not the
// public: at least /8 or /32 for IPv6, or private.
func (s *Set) narrow(c *cond) bool {
	if int(c.hi-c.lo) == 0 {
		return true // no valid range: matches nobody
	}
	for _, p := range s.prefixes[c.lo:c.hi] {
		least := 8
		if p.Addr().Is6() {
			least = 32
		}
		if p.Bits() < least && !private(p) {
			return false
		}
	}
	return true
}

func private(p netip.Prefix) bool {
	for _, r := range [...]string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"} {
		if range1918 := netip.MustParsePrefix(r); range1918.Bits() <= p.Bits() && range1918.Contains(p.Addr()) {
			return true
		}
	}
	return false
}
