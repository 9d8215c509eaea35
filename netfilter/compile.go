// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// Form is how a policy is laid out in memory. It changes speed and size, never
// a verdict.
type Form uint8

// The forms.
const (
	// Auto chooses Cross for each direction and family with 64 rules or more when
	// it takes at most 1 MiB, else Compact.
	Auto Form = iota
	// Compact is linear in rules and members, and is searched.
	Compact
	// Cross is a table of address classes by transport classes, and is indexed.
	// Where it would take more than Compiler.MaxTable, Compact is used.
	Cross
)

const (
	autoRules    = 64
	autoTable    = 1 << 20
	defaultTable = 16 << 20
	defaultRules = 1 << 20
	defaultPeers = 1 << 24
)

// Compiler holds what compilation depends on. The zero value is strict, knows
// no group members and no prefix lists, and chooses the form itself. It is
// only read, so one Compiler may serve concurrent calls.
type Compiler struct {
	// Resolver says what references and prefix lists stand for.
	Resolver Resolver
	// Lenient accepts invalid rules: those of a group match nothing and are
	// listed by Invalid. An invalid ACL entry makes every packet unresolved that
	// no entry of a lower number decides, since leaving out a denial would widen.
	Lenient bool
	// Form is the layout; the zero value Auto chooses.
	Form Form
	// MaxTable bounds one table of the Cross form, in bytes, before it is
	// allocated; 0 means 16 MiB.
	MaxTable int
	// MaxRules bounds the rules of one policy, MaxPeers the CIDR blocks, members
	// and prefix list entries they stand for; 0 means 1,048,576 and 16,777,216.
	// Beyond a bound the error wraps ErrTooLarge.
	MaxRules, MaxPeers int
}

// GroupPolicy is the union of the security groups of one network interface,
// compiled. It is immutable and safe for concurrent use. It decides by the
// rules alone: see Exempt for traffic that groups never see, and Tracked for
// the replies they let pass.
type GroupPolicy struct {
	sides   [2]side
	invalid []*RuleError
}

// ACLPolicy is a network ACL, compiled. It is immutable and safe for
// concurrent use. It keeps no state: a reply has to pass by itself.
type ACLPolicy struct {
	id      string
	sides   [2]side
	invalid []*RuleError
}

// CompileGroups compiles the groups of one network interface, in the order in
// which the interface has them, with a Compiler that knows r. Of several rules
// that admit a packet the first is reported: by group, then by rule. The error
// joins a *RuleError for each invalid rule.
func CompileGroups(groups []SecurityGroup, r Resolver) (*GroupPolicy, error) {
	c := Compiler{Resolver: r}
	return c.Groups(groups)
}

// CompileACL compiles a network ACL with the zero Compiler. The error joins a
// *RuleError for each invalid entry and each number used twice in a direction.
func CompileACL(acl NetworkACL) (*ACLPolicy, error) {
	c := Compiler{}
	return c.ACL(acl)
}

// Groups compiles the groups of one network interface: see CompileGroups.
func (c *Compiler) Groups(groups []SecurityGroup) (*GroupPolicy, error) {
	p := &GroupPolicy{}
	var faults []*RuleError
	for d := range p.sides {
		p.sides[d].direction = Direction(d)
		rules, bad := c.groupRules(groups, Direction(d))
		faults = append(faults, bad...)
		if err := c.checkSize(rules); err != nil {
			return nil, err
		}
		p.sides[d].rules = rules
	}
	if err := joinFaults(faults); err != nil && !c.Lenient {
		return nil, err
	}
	p.invalid = faults
	for d := range p.sides {
		c.compile(&p.sides[d])
	}
	return p, nil
}

// groupRules checks the rules of one direction.
func (c *Compiler) groupRules(groups []SecurityGroup, d Direction) ([]rule, []*RuleError) {
	n := 0
	for i := range groups {
		n += len(groups[i].Rules(d))
	}
	rules := make([]rule, 0, n)
	var faults []*RuleError
	sets := map[string]*peerSet{}
	for i := range groups {
		for _, r := range groups[i].Rules(d) {
			out := rule{label: groups[i].ID, number: int32(r.Permission), effect: Allow}
			if r.ID != "" {
				out.label, out.named = r.ID, true
			}
			var fault *fieldFault
			out.cidr, fault = r.peerOf()
			if fault == nil {
				out.transport, fault = r.transportOf()
			}
			switch {
			case fault != nil:
				out.label, out.named, out.invalid = r.name(groups[i].ID, d), true, true
				faults = append(faults, &RuleError{Rule: out.label, Field: fault.field, Why: fault.why})
			case !out.cidr.IsValid():
				out.set = c.resolve(r.Peer, sets)
			}
			rules = append(rules, out)
		}
	}
	return rules, faults
}

// resolve returns what a reference stands for, for all rules the same.
func (c *Compiler) resolve(p Peer, sets map[string]*peerSet) *peerSet {
	key := p.key()
	if s, ok := sets[key]; ok {
		return s
	}
	found, known := c.Resolver.lookup(p)
	s := &peerSet{key: key, text: p.text(), prefixes: make([]netip.Prefix, 0, len(found)), unknown: !known}
	for _, pfx := range found {
		if pfx.IsValid() {
			s.prefixes = append(s.prefixes, unmapPrefix(pfx))
		}
	}
	sets[key] = s
	return s
}

// ACL compiles a network ACL: see CompileACL.
func (c *Compiler) ACL(acl NetworkACL) (*ACLPolicy, error) {
	p := &ACLPolicy{id: acl.ID}
	var faults, twice []*RuleError
	for d := range p.sides {
		p.sides[d].direction = Direction(d)
		rules, bad, dup := aclRules(&acl, Direction(d))
		faults, twice = append(faults, bad...), append(twice, dup...)
		if err := c.checkSize(rules); err != nil {
			return nil, err
		}
		p.sides[d].rules = rules
	}
	if len(twice) > 0 || len(faults) > 0 && !c.Lenient {
		return nil, joinFaults(append(twice, faults...))
	}
	p.invalid = faults
	for d := range p.sides {
		c.compile(&p.sides[d])
	}
	return p, nil
}

// aclRules checks the entries of one direction and sorts them by number.
func aclRules(acl *NetworkACL, d Direction) (rules []rule, faults, twice []*RuleError) {
	entries := slices.Clone(acl.Entries(d))
	slices.SortStableFunc(entries, func(a, b ACLEntry) int { return cmp.Compare(a.Number, b.Number) })
	rules = make([]rule, 0, len(entries))
	for i, e := range entries {
		out := rule{label: acl.ID, number: int32(e.Number), entry: true}
		if i > 0 && entries[i-1].Number == e.Number {
			twice = append(twice, &RuleError{Rule: out.name(d), Field: "RuleNumber", Why: "the number is used twice in one direction"})
		}
		t, pfx, allow, fault := e.check()
		switch {
		case fault != nil:
			faults = append(faults, &RuleError{Rule: out.name(d), Field: fault.field, Why: fault.why})
			out.effect, out.invalid = Unresolved, true
		case allow:
			out.effect = Allow
			fallthrough
		default:
			out.transport, out.cidr = t, pfx
		}
		rules = append(rules, out)
	}
	return rules, faults, twice
}

func joinFaults(faults []*RuleError) error {
	errs := make([]error, len(faults))
	for i, f := range faults {
		errs[i] = f
	}
	return errors.Join(errs...)
}

func (c *Compiler) checkSize(rules []rule) error {
	if limit := cmp.Or(c.MaxRules, defaultRules); len(rules) > limit {
		return fmt.Errorf("%w: %d rules, the limit is %d", ErrTooLarge, len(rules), limit)
	}
	n, limit := 0, cmp.Or(c.MaxPeers, defaultPeers)
	counted := map[*peerSet]bool{}
	for i := range rules {
		switch s := rules[i].set; {
		case s == nil:
			n++
		case !counted[s]:
			counted[s] = true
			n += len(s.prefixes)
		}
	}
	if n > limit {
		return fmt.Errorf("%w: %d peer blocks, the limit is %d", ErrTooLarge, n, limit)
	}
	return nil
}

// compile orders the rules by rank and builds the forms of both families.
func (c *Compiler) compile(s *side) {
	s.order()
	g := s.ground()
	for _, v6 := range []bool{false, true} {
		sp := g.space(v6)
		m := c.matcher(sp, g.bundles, s.ranks())
		if v6 {
			s.v6 = m
		} else {
			s.v4 = m
		}
	}
}

// matcher builds the form that Compiler.Form asks for.
func (c *Compiler) matcher(sp *space, bundles [][]ranked, ranks int) matcher {
	if len(sp.classes) == 1 && len(sp.classes[0].bundles) == 0 {
		return matcher{compact: noRules(sp.v6)}
	}
	limit := cmp.Or(c.MaxTable, defaultTable)
	wanted := c.Form == Cross
	if c.Form == Auto {
		limit = min(limit, autoTable)
		wanted = ranks >= autoRules
	}
	if wanted {
		if f := newCross(sp, bundles, ranks, limit); f != nil {
			return matcher{cross: f}
		}
	}
	return matcher{compact: newCompact(sp, bundles)}
}

// The forms without rules, which most policies need for some direction and
// family. Like all forms they never change.
var (
	noRules4 = newCompact(newSpace(false, nil), nil)
	noRules6 = newCompact(newSpace(true, nil), nil)
)

func noRules(v6 bool) *compactForm {
	if v6 {
		return noRules6
	}
	return noRules4
}

// order gives ranks: rules in order, but after every rule that surely matches
// those that only may, so that the lowest rank decides.
func (s *side) order() {
	s.outcomes = make([]outcome, 1, len(s.rules)+1)
	s.outcomes[0] = newOutcome(Deny, NoMatch, -1)
	for _, possible := range []bool{false, true} {
		for i := range s.rules {
			r := &s.rules[i]
			if r.possible() != possible || r.idle() {
				continue
			}
			effect := r.effect
			if possible {
				effect = Unresolved
			}
			s.outcomes = append(s.outcomes, newOutcome(effect, Matched, int32(i)))
		}
	}
}

// ground is what a side is compiled from: for each distinct peer the ranked
// ranges of its rules, and the blocks that each peer stands for.
type ground struct {
	bundles [][]ranked
	blocks  [2][]block // IPv4, IPv6
}

// ground gathers the rules of one peer into one bundle.
func (s *side) ground() *ground {
	g := &ground{}
	bySet, byBlock := map[*peerSet]int32{}, map[netip.Prefix]int32{}
	var spans []keySpan
	for rank := range int32(s.ranks()) {
		r := s.at(rank)
		set := r.set
		if r.everywhere() {
			set = nil
		}
		b, ok := bySet[set]
		if r.cidr.IsValid() {
			b, ok = byBlock[r.cidr]
		}
		if !ok {
			b = g.add(r)
			if r.cidr.IsValid() {
				byBlock[r.cidr] = b
			} else {
				bySet[set] = b
			}
		}
		spans = r.transport.spans(spans[:0])
		for _, span := range spans {
			g.bundles[b] = append(g.bundles[b], ranked{span, rank})
		}
	}
	return g
}

// add makes a bundle with the blocks of the rule's peer. An unknown peer may be
// any address.
func (g *ground) add(r *rule) int32 {
	b := int32(len(g.bundles))
	g.bundles = append(g.bundles, nil)
	if r.everywhere() {
		g.blocks[0] = append(g.blocks[0], block{bundle: b})
		g.blocks[1] = append(g.blocks[1], block{bundle: b})
		return b
	}
	r.each(func(p netip.Prefix) {
		family := 0
		if p.Addr().Is6() {
			family = 1
		}
		g.blocks[family] = append(g.blocks[family], block{addr: wideOf(p.Addr()), bits: uint8(p.Bits()), bundle: b})
	})
	return b
}

func (g *ground) space(v6 bool) *space {
	if v6 {
		return newSpace(true, g.blocks[1])
	}
	return newSpace(false, g.blocks[0])
}

// Decide returns the verdict on the packet. It does not allocate.
func (p *GroupPolicy) Decide(d Direction, pk Packet) Verdict {
	if d > Egress {
		return Verdict{Reason: BadPacket, Rule: -1}
	}
	return p.sides[d].decide(d, &pk)
}

// RuleID names the rule of a verdict in the given direction, "" for -1.
func (p *GroupPolicy) RuleID(d Direction, rule int32) string { return p.side(d).ruleID(rule) }

// Size is the number of bytes that the policy's decision structures hold.
func (p *GroupPolicy) Size() int { return p.sides[0].size() + p.sides[1].size() }

// Invalid lists the invalid rules that Lenient let through.
func (p *GroupPolicy) Invalid() []*RuleError { return slices.Clone(p.invalid) }

func (p *GroupPolicy) side(d Direction) *side { return &p.sides[d&1] }

// Decide returns the verdict on the packet. It does not allocate.
func (p *ACLPolicy) Decide(d Direction, pk Packet) Verdict {
	if d > Egress {
		return Verdict{Reason: BadPacket, Rule: -1}
	}
	return p.sides[d].decide(d, &pk)
}

// RuleID names the entry of a verdict in the given direction as
// "acl-1/ingress/100"; for -1, the closing denial, it is "".
func (p *ACLPolicy) RuleID(d Direction, rule int32) string { return p.side(d).ruleID(rule) }

// RuleNumber returns the number of a verdict's entry; ok is false for -1.
func (p *ACLPolicy) RuleNumber(d Direction, rule int32) (number int, ok bool) {
	rules := p.side(d).rules
	if rule < 0 || int(rule) >= len(rules) {
		return 0, false
	}
	return int(rules[rule].number), true
}

// Size is the number of bytes that the policy's decision structures hold.
func (p *ACLPolicy) Size() int { return p.sides[0].size() + p.sides[1].size() }

// Invalid lists the invalid entries that Lenient let through.
func (p *ACLPolicy) Invalid() []*RuleError { return slices.Clone(p.invalid) }

func (p *ACLPolicy) side(d Direction) *side { return &p.sides[d&1] }
