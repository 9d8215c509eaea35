// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Compile makes a Set of policies of one kind, to be decided by. Without
// Lenient it fails on what cannot be evaluated: an unknown version or operator,
// a Resource that is neither * nor begins with arn:, a malformed variable, a
// Principal where the kind takes none, a missing Resource. Errors are *Error
// and wrap ErrUnsupported, ErrSyntax or ErrLimit. The policies must not be
// renamed while the Set is in use.
//
// A set of resource control policies holds, beside what is given, the policy
// RCPFullAWSAccess, which AWS attaches to every level, unless one of that name
// is given.
func (o Options) Compile(kind Kind, policies ...*Policy) (*Set, error) {
	if !kind.valid() {
		return nil, fmt.Errorf("%w: %v", ErrUnsupported, kind)
	}
	if kind == KindRCP {
		policies = withFullAccess(policies)
	}
	c := compiler{set: &Set{kind: kind, opts: o, policies: policies}, opts: o, maxPattern: or(o.MaxPattern, defaultMaxPattern)}
	if err := c.reserve(); err != nil {
		return nil, err
	}
	for i, p := range policies {
		c.policy, c.policyIndex = p, int32(i)
		if err := c.compilePolicy(); err != nil {
			return nil, err
		}
	}
	if kind == KindResource {
		c.set.public = c.set.grantsPublic()
	}
	c.set.index.build(c.set)
	return c.set, nil
}

const fullAccessName = "RCPFullAWSAccess"

// withFullAccess adds the policy that every level of an organization has.
func withFullAccess(policies []*Policy) []*Policy {
	for _, p := range policies {
		if p.Name == fullAccessName {
			return policies
		}
	}
	p, err := Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`))
	if err != nil {
		return policies
	}
	p.Name = fullAccessName
	return append(policies[:len(policies):len(policies)], p)
}

// compiler fills a Set.
type compiler struct {
	set         *Set
	opts        Options
	maxPattern  int
	policy      *Policy
	policyIndex int32
	source      *statement
	st          *stmt
	arena       strings.Builder // texts in lower case
}

// place names something in the statement at hand; its path is put together
// only when there is an error to report.
type place struct {
	element string // Resource, …
	cond    *condition
	values  *element
	value   int32 // in Policy.values; -1 for the element as a whole
}

func (l *place) String() string {
	path := l.element
	if l.cond != nil {
		path = "Condition" + member(l.cond.op)
		if l.values != nil {
			path += member(l.cond.key)
		}
	}
	if l.values != nil && l.values.form == formList && l.value >= 0 {
		path += fmt.Sprintf("[%d]", l.value-l.values.lo)
	}
	return path
}

// reserve sizes the slabs.
func (c *compiler) reserve() error {
	var statements, actions, resources, conditions int
	for _, p := range c.set.policies {
		statements += len(p.statements)
		conditions += len(p.conditions)
		for i := range p.statements {
			st := &p.statements[i]
			actions += st.action.len() + st.notAction.len()
			resources += st.resource.len() + st.notResource.len()
		}
	}
	if most := or(c.opts.MaxStatements, defaultMaxStatements); statements > most {
		return fmt.Errorf("%w: %d statements in one set, at most %d", ErrLimit, statements, most)
	}
	c.set.stmts = make([]stmt, 0, statements)
	c.set.actions = make([]actionPattern, 0, actions)
	c.set.resources = make([]resourcePattern, 0, resources)
	c.set.conds = make([]cond, 0, conditions)
	c.arena.Grow(16 * actions) // about the length of an action
	return nil
}

// refuse is an error, or with Lenient makes an element indeterminate.
func (c *compiler) refuse(el elementSet, at span, where *place, code, reason string) error {
	if c.opts.Lenient {
		c.st.indeterminate = true
		c.st.unknown |= el
		return nil
	}
	return c.policy.errorAt(ErrUnsupported, at, c.path(where.String()), code, reason)
}

// path returns the path of something in the statement at hand.
func (c *compiler) path(rest string) string {
	path := "Statement"
	if c.policy.statement.form == formList {
		path = fmt.Sprintf("Statement[%d]", c.st.index)
	}
	if rest != "" && rest[0] != '[' {
		path += "."
	}
	return path + rest
}

func (c *compiler) compilePolicy() error {
	p := c.policy
	if !c.opts.Lenient {
		for i := range p.faults {
			f := &p.faults[i]
			return p.errorAt(ErrSyntax, f.at, f.path, f.code, f.reason)
		}
		if !p.versionKnown() {
			return p.errorAt(ErrUnsupported, p.version.at, "Version", "INVALID_VERSION", "Version must be 2012-10-17 or 2008-10-17")
		}
	}
	for i := range p.statements {
		c.source = &p.statements[i]
		c.set.stmts = append(c.set.stmts, stmt{policy: c.policyIndex, index: int32(i)})
		c.st = &c.set.stmts[len(c.set.stmts)-1]
		if err := c.compileStatement(); err != nil {
			return err
		}
	}
	return nil
}

func (c *compiler) compileStatement() error {
	st, src := c.st, c.source
	// What is no plain Allow may have been meant to deny.
	st.deny = !equalFold(c.policy.effectOf(src), "Allow")
	st.unknown = src.bad
	if !c.set.kind.takesPrincipal() {
		st.unknown &^= elPrincipal
	}
	st.indeterminate = st.unknown != 0 || !c.policy.versionKnown()
	if src.bad&elStatement != 0 {
		st.unknown = elAction | elResource | elPrincipal | elCondition
	}
	c.compileActions()
	for _, step := range [...]func() error{c.compileResources, c.compilePrincipals, c.compileConditions} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (c *compiler) compileActions() {
	st, e := c.st, &c.source.action
	if c.source.notAction.present() {
		st.notAction, e = true, &c.source.notAction
	}
	st.actLo = int32(len(c.set.actions))
	if st.unknown&elAction == 0 {
		for _, v := range c.policy.list(e) {
			c.set.actions = append(c.set.actions, compileAction(v.text, &c.arena))
		}
	}
	st.actHi = int32(len(c.set.actions))
}

func (c *compiler) compileResources() error {
	st, src := c.st, c.source
	e, name := &src.resource, "Resource"
	st.resLo = int32(len(c.set.resources))
	st.resHi = st.resLo
	switch {
	case src.notResource.present():
		st.resourceForm, e, name = elementNegated, &src.notResource, "NotResource"
	case src.resource.present():
		st.resourceForm = elementPositive
	case c.set.kind == KindTrust || st.unknown&elResource != 0:
		return nil
	default:
		return c.refuse(elResource, src.at, &place{}, "MISSING_RESOURCE", "Policy statement must contain resources.")
	}
	if st.unknown&elResource != 0 {
		return nil
	}
	for i := e.lo; i < e.hi; i++ {
		if err := c.addResource(&c.policy.values[i], place{element: name, values: e, value: i}); err != nil {
			return err
		}
	}
	st.resHi = int32(len(c.set.resources))
	return nil
}

func (c *compiler) addResource(v *value, where place) error {
	if v.text != "*" && !strings.HasPrefix(v.text, "arn:") {
		return c.refuse(elResource, v.at, &where, "INVALID_ARN_PREFIX", fmt.Sprintf("Resource %s must be in ARN format or \"*\".", clip(v.text)))
	}
	if len(v.text) > c.maxPattern {
		return c.tooLong(elResource, v, &where)
	}
	r, bad := c.compileResource(v.text)
	if bad != nil {
		return c.refuse(elResource, v.at, &where, bad.code, bad.reason)
	}
	c.set.resources = append(c.set.resources, r)
	return nil
}

func (c *compiler) tooLong(el elementSet, v *value, where *place) error {
	if c.opts.Lenient {
		return c.refuse(el, v.at, where, "", "")
	}
	return c.policy.errorAt(ErrLimit, v.at, c.path(where.String()), "", fmt.Sprintf("pattern longer than %d bytes", c.maxPattern))
}

// member returns the path element of a member.
func member(name string) string {
	for i := range len(name) {
		c := name[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return "[" + strconv.Quote(clip(name)) + "]"
		}
	}
	return "." + name
}

// clip shortens a text that goes into a message.
func clip(text string) string {
	const longest = 128
	if len(text) > longest {
		return strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return text
}

// compilePrincipals compiles Principal or NotPrincipal. Without either a
// statement of a resource or trust policy applies to nobody, one of an endpoint
// policy or RCP to everybody.
func (c *compiler) compilePrincipals() error {
	st, src := c.st, c.source
	e := &src.principal
	st.entLo = int32(len(c.set.entries))
	st.entHi = st.entLo
	if src.notPrincipal.present() {
		e = &src.notPrincipal
	}
	if !c.set.kind.takesPrincipal() {
		if e.present() && !c.opts.Lenient {
			return c.refuse(elPrincipal, e.at, &place{element: principalName(src)}, "UNSUPPORTED_PRINCIPAL", "a policy of this kind takes no principal: its principal is whom it is attached to")
		}
		return nil
	}
	switch {
	case src.notPrincipal.present():
		st.principalForm = elementNegated
	case src.principal.present() || c.set.kind == KindResource || c.set.kind == KindTrust:
		st.principalForm = elementPositive
	}
	for i := e.lo; i < e.hi && st.unknown&elPrincipal == 0; i++ {
		member := &c.policy.entries[i]
		for _, v := range c.policy.list(&member.values) {
			c.set.entries = append(c.set.entries, compileEntry(member.typ, v.text))
		}
	}
	st.entHi = int32(len(c.set.entries))
	return nil
}

func principalName(src *statement) string {
	if src.notPrincipal.present() {
		return "NotPrincipal"
	}
	return "Principal"
}

func (c *compiler) compileConditions() error {
	c.st.condLo = int32(len(c.set.conds))
	e := &c.source.condition
	if e.form == formObject {
		for i := e.lo; i < e.hi; i++ {
			if err := c.compileCondition(i); err != nil {
				return err
			}
		}
	}
	c.st.condHi = int32(len(c.set.conds))
	return nil
}

func (c *compiler) compileCondition(i int32) error {
	src := &c.policy.conditions[i]
	out := cond{source: i, written: int32(src.values.len()), key: lowerInto(&c.arena, src.key), unknown: src.bad}
	out.hash = hashFold(out.key)
	var ok bool
	if out.operator, ok = parseOperator(src.op); !ok && !src.bad {
		out.unknown = true
		if err := c.refuse(elCondition, src.opAt, &place{cond: src}, "INVALID_CONDITION_OPERATOR", "unknown condition operator"); err != nil {
			return err
		}
	}
	if !out.unknown {
		out.lo = c.slabLen(out.fam)
		for j := src.values.lo; j < src.values.hi; j++ {
			if err := c.addValue(&out, &c.policy.values[j], place{cond: src, values: &src.values, value: j}); err != nil {
				return err
			}
		}
		out.hi = c.slabLen(out.fam)
	}
	c.set.conds = append(c.set.conds, out)
	return nil
}

// slabLen returns the length of the slab of a family.
func (c *compiler) slabLen(fam family) int32 {
	switch fam {
	case famNumeric:
		return int32(len(c.set.numbers))
	case famDate:
		return int32(len(c.set.dates))
	case famIP:
		return int32(len(c.set.prefixes))
	case famBinary:
		return int32(len(c.set.binaries))
	}
	return int32(len(c.set.texts))
}

// addValue adds a policy value to the slab of its family; one that is no
// number, date, address or base64 text is left out, and matches nothing.
func (c *compiler) addValue(out *cond, v *value, where place) error {
	if len(v.text) > c.maxPattern {
		out.unknown = true
		return c.tooLong(elCondition, v, &where)
	}
	s := c.set
	switch out.fam {
	case famNumeric:
		if d, ok := parseDecimal(v.text); ok {
			s.numbers = append(s.numbers, d)
		}
	case famDate:
		if t, ok := parseInstant(v.text); ok {
			s.dates = append(s.dates, t)
		}
	case famIP:
		if p, ok := parsePrefix(v.text); ok {
			s.prefixes = append(s.prefixes, p)
		}
	case famBinary:
		if text, ok := canonicalBase64(v.text); ok {
			s.binaries = append(s.binaries, text)
		}
	case famNull:
		s.texts = append(s.texts, textOf{text: v.text})
	default:
		t, bad := c.compileText(v.text, out.fam == famStringLike || out.fam == famArn)
		if bad != nil {
			out.unknown = true
			return c.refuse(elCondition, v.at, &where, bad.code, bad.reason)
		}
		if out.fam == famArn && t.shape == shapePrefix {
			t.text, t.shape = v.text, shapeGlob // arnMatches splits it
		}
		s.texts = append(s.texts, t)
	}
	return nil
}

// canonicalBase64 returns the one text in base64 for the bytes that another
// stands for. Line breaks, which the decoder would skip, are not base64.
func canonicalBase64(text string) (canonical string, ok bool) {
	b, err := base64.StdEncoding.DecodeString(text)
	return base64.StdEncoding.EncodeToString(b), err == nil && !strings.ContainsAny(text, "\r\n")
}

// compileText compiles a text that may hold variables and, with wild,
// wildcards.
func (c *compiler) compileText(text string, wild bool) (textOf, *variableError) {
	t := textOf{text: text}
	if c.policy.modern() {
		var err *variableError
		t.lo = int32(len(c.set.parts))
		c.set.parts, err = parseVariables(c.set.parts, text)
		if err != nil {
			c.set.parts = c.set.parts[:t.lo]
			return t, err
		}
		if t.hi = int32(len(c.set.parts)); t.hi > t.lo {
			t.shape = shapeTemplate
			return t, nil
		}
	}
	if wild {
		t.text, t.shape = patternShape(text)
	}
	return t, nil
}

// parsePrefix reads an address or a CIDR range; bits of the host part are
// dropped, and IPv4-mapped ranges are IPv4.
func parsePrefix(text string) (netip.Prefix, bool) {
	if !strings.Contains(text, "/") {
		addr := parseAddr(text)
		return netip.PrefixFrom(addr, addr.BitLen()), addr.IsValid()
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, false
	}
	if addr := p.Addr(); addr.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(addr.Unmap(), p.Bits()-96)
	}
	return p.Masked(), true
}
