// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/internal/arn"
)

// What is said here of a statement is proved of every request: where a proof is
// not found nothing is reported.

// comparedStatements bounds the policies whose statements are compared with
// each other.
const comparedStatements = 256

// effort is the steps that the comparisons of a document may still take, one
// for each byte that a wildcard is held against: two lists cost the product of
// their lengths, and a document may have many of them.
type effort int64

const (
	// mostEffort is some hundred times what a document costs that fills AWS's
	// quotas, and about a second.
	mostEffort effort = 1 << 28
	// comparison is the steps that two texts take besides.
	comparison = 32
)

// spend takes steps, and reports whether there were as many left. Where there
// were not, none are.
func (l *effort) spend(steps int64) bool {
	if int64(*l) < steps {
		*l = 0
		return false
	}
	*l -= effort(steps)
	return true
}

// compiled returns the policy as it is evaluated, or nil.
func (v *validator) compiled() *Set {
	if v.set == nil && !v.uncompiled {
		var err error
		o := Options{Lenient: true, MaxStatements: max(1, len(v.p.statements)), MaxPattern: len(v.p.src) + 1}
		if v.set, err = o.Compile(v.kind, v.p); err != nil {
			v.set, v.uncompiled = nil, true
		}
	}
	return v.set
}

// proofs raises the codes about statements that never apply, never matter, or
// let everybody in.
func (v *validator) proofs() {
	st := v.st
	if st.bad != 0 {
		return
	}
	if v.neverTrue() {
		v.report("NEVER_TRUE_CONDITION", st.condition.at, v.path("Condition"), "the conditions contradict each other: the statement never applies")
		return
	}
	if at := v.shadow(); at >= 0 {
		v.report("SHADOWED_ALLOW", st.at, v.path(""), "statement "+v.p.nameOf(at)+" denies every request that this one allows")
		return
	}
	if v.p.effectOf(st) != "Allow" || v.kind != KindResource && v.kind != KindTrust || st.principal.len() == 0 && !st.notPrincipal.present() {
		return
	}
	if s := v.compiled(); s != nil && s.namesEverybody(&s.stmts[v.index]) && !s.pinned(&s.stmts[v.index]) {
		v.report("PUBLIC_ACCESS", st.at, v.path(""), "the statement lets everybody in: name principals, or pin it by a condition such as aws:PrincipalOrgID or aws:SourceVpce")
	}
}

// shadow returns the first Deny that applies to every request that the Allow
// at hand applies to, or -1.
func (v *validator) shadow() int {
	if v.p.effectOf(v.st) != "Allow" || len(v.p.statements) > comparedStatements {
		return -1
	}
	least := -1
	for i := range v.covering() {
		if st := &v.p.statements[i]; (least < 0 || i < least) && v.p.effectOf(st) == "Deny" && v.implies(v.st, st, false) {
			least = i
		}
	}
	return least
}

// implies reports whether the second statement certainly applies wherever the
// first does. With same the two must name the caller in the same words, so that
// the second also allows in the same way.
func (v *validator) implies(a, b *statement, same bool) bool {
	return b.bad == 0 && v.actionsImply(a, b) && v.resourcesImply(a, b) && v.conditionsImply(a, b) && v.principalsImply(a, b, same)
}

func (v *validator) actionsImply(a, b *statement) bool {
	as, bs := v.p.list(&a.action), v.p.list(&b.action)
	switch {
	case !a.notAction.present() && !b.notAction.present():
		return len(as) > 0 && v.left.allCovered(as, bs, v.left.action)
	case a.notAction.present() && !b.notAction.present():
		return slices.ContainsFunc(bs, func(x value) bool { return x.text == "*" })
	case a.notAction.present():
		return v.left.allCovered(v.p.list(&b.notAction), v.p.list(&a.notAction), v.left.action)
	}
	return false
}

// allCovered reports whether each value is covered by one of the others.
func (l *effort) allCovered(values, by []value, covers func(a, b string) bool) bool {
	for i := range values {
		if !slices.ContainsFunc(by, func(x value) bool { return l.spend(comparison) && covers(x.text, values[i].text) }) {
			return false
		}
	}
	return true
}

// action reports whether one pattern of actions covers another.
func (l *effort) action(a, b string) bool {
	if a == b || a == "*" {
		return true
	}
	service, name, ok := strings.Cut(a, ":")
	ofService, ofName, okOf := strings.Cut(b, ":")
	return ok && okOf && l.text(service, ofService, true) && l.text(name, ofName, true)
}

// text is covers of plain texts; a ? in the second is not understood.
func (l *effort) text(a, b string, fold bool) bool {
	switch {
	case a == "*" || a == b, fold && equalFold(a, b):
		return true
	case !strings.ContainsAny(a, "*?") || strings.IndexByte(b, '?') >= 0 || len(a)+len(b) > maxRequestPattern:
		return false
	}
	if fold {
		a, b = lowerASCII(a), lowerASCII(b)
	}
	before, after, _ := strings.Cut(a, "*")
	switch plain := strings.IndexByte(before, '?') < 0; {
	case plain && !strings.HasPrefix(b, before):
		return false
	case plain && after == "":
		return true
	}
	return l.spend(int64(len(a)*len(b))) && covers(wholePattern(a), b, false)
}

func (v *validator) resourcesImply(a, b *statement) bool {
	as, bs := v.p.list(&a.resource), v.p.list(&b.resource)
	switch {
	case v.kind == KindTrust && !b.resource.present() && !b.notResource.present():
		return true
	case !a.notResource.present() && !b.notResource.present():
		return len(as) > 0 && v.left.allCovered(as, bs, v.left.resource)
	case a.notResource.present() && !b.notResource.present():
		return slices.ContainsFunc(bs, func(x value) bool { return x.text == "*" })
	case a.notResource.present():
		// A variable without value makes Allow and Deny differ (IAM-32).
		as, bs = v.p.list(&a.notResource), v.p.list(&b.notResource)
		return v.left.allCovered(bs, as, v.left.resource) && !slices.ContainsFunc(bs, func(x value) bool { return strings.Contains(x.text, "${") })
	}
	return false
}

// resource reports whether one pattern of resources covers another.
func (l *effort) resource(a, b string) bool {
	if a == b || a == "*" {
		return true
	}
	x, n := arn.Split(a)
	y, m := arn.Split(b)
	if n != 6 || m != 6 || strings.Contains(a, "${") || strings.Contains(b, "${") {
		return false
	}
	if y.Service == "s3" && y.Resource == "*" {
		return false // stands for s3:ListAllMyBuckets too
	}
	return l.text(x.Service, y.Service, false) && l.text(x.Resource, y.Resource, false) && l.text(x.Account, y.Account, false) &&
		l.text(x.Region, y.Region, false) && l.text(x.Partition, y.Partition, false)
}

// conditionsImply reports whether the first statement has all conditions of the
// second.
func (v *validator) conditionsImply(a, b *statement) bool {
	for i := b.condition.lo; i < b.condition.hi; i++ {
		want := &v.p.conditions[i]
		has := func(c condition) bool {
			return v.left.spend(comparison) && equalFold(c.op, want.op) && equalFold(c.key, want.key) && v.left.sameTexts(v.p.list(&c.values), v.p.list(&want.values))
		}
		if !slices.ContainsFunc(v.p.conditions[a.condition.lo:a.condition.hi], has) {
			return false
		}
	}
	return true
}

// sameTexts reports whether two lists hold the same texts.
func (l *effort) sameTexts(a, b []value) bool {
	within := func(a, b []value) bool {
		return l.allCovered(a, b, func(x, y string) bool { return x == y })
	}
	return len(a) <= comparedValues && len(b) <= comparedValues && within(a, b) && within(b, a)
}

func (v *validator) principalsImply(a, b *statement, same bool) bool {
	switch {
	case !v.kind.takesPrincipal():
		return true
	case !same && v.everybody(b):
		return true
	case !same && (a.notPrincipal.present() || b.notPrincipal.present() || !a.principal.present()):
		return false
	}
	text := func(st *statement) string {
		w := writer{p: v.p}
		w.buf.WriteByte('{')
		w.principals("Principal", &st.principal)
		w.principals("NotPrincipal", &st.notPrincipal)
		return w.buf.String()
	}
	one, other := text(a), text(b)
	return v.left.spend(int64(len(one)+len(other))) && one == other
}

// everybody reports whether a statement's Principal is everybody.
func (v *validator) everybody(st *statement) bool {
	if !st.principal.present() && !st.notPrincipal.present() {
		return v.kind == KindEndpoint || v.kind == KindRCP
	}
	return slices.ContainsFunc(v.p.entries[st.principal.lo:st.principal.hi], func(m principalEntry) bool {
		return m.typ == "AWS" && slices.ContainsFunc(v.p.list(&m.values), func(x value) bool { return x.text == "*" })
	})
}

// redundantStatement reports a statement that applies only where another of
// the same effect does, in the same way. Of two that say the same it is the
// later one.
func (v *validator) redundantStatement() {
	all := v.p.statements
	if len(all) > comparedStatements || v.st.bad != 0 {
		return
	}
	least := -1
	for i := range v.covering() {
		if i == v.index || least >= 0 && least < i || v.p.effectOf(&all[i]) != v.p.effectOf(v.st) || !v.implies(v.st, &all[i], true) {
			continue
		}
		if i < v.index || !v.implies(&all[i], v.st, true) {
			least = i
		}
	}
	if least >= 0 {
		v.report("REDUNDANT_STATEMENT", v.st.at, v.path(""), "statement "+v.p.nameOf(least)+" says the same")
	}
}
