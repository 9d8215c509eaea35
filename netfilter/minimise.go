// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
)

// Minimise returns a group that decides every packet as g does with as few
// rules as removing what other rules cover and merging neighbouring ports and
// blocks gives; the fewest possible is not promised. It is proven before it is
// returned: Diff finds no difference under the Resolver. References and prefix
// lists are kept as they are; one that the Resolver does not hold is removed
// only when rules without it admit all that it could. Rules that stay keep
// their ids, merged ones have none. An invalid rule is an error.
func Minimise(g SecurityGroup, r Resolver) (SecurityGroup, error) {
	c := Compiler{Resolver: r, Form: Compact}
	before, err := c.Groups([]SecurityGroup{g})
	if err != nil {
		return SecurityGroup{}, err
	}
	out := g
	out.Ingress, err = c.minimise(g, Ingress)
	if err == nil {
		out.Egress, err = c.minimise(g, Egress)
	}
	if err != nil {
		return SecurityGroup{}, err
	}
	after, err := c.Groups([]SecurityGroup{out})
	if err != nil {
		return SecurityGroup{}, err
	}
	if !Equal(before, after) {
		return SecurityGroup{}, fmt.Errorf("netfilter: the minimised group %s would differ", g.ID)
	}
	return out, nil
}

// unit is a rule while it is being merged.
type unit struct {
	rule   Rule
	t      transport
	prefix netip.Prefix // of a CIDR peer
	key    string       // of another peer
}

func (c *Compiler) minimise(g SecurityGroup, d Direction) ([]Rule, error) {
	var units []unit
	for _, r := range g.Rules(d) {
		u := unit{rule: r}
		u.t, _ = r.transportOf()
		if u.prefix, _ = r.peerOf(); !u.prefix.IsValid() {
			u.key = r.Peer.key()
		}
		units = append(units, u)
	}
	for merged := true; merged; {
		units, merged = mergeOnce(units)
	}
	return c.dropRedundant(g.ID, d, units)
}

// mergeOnce joins the first two units that make one, if there are such.
func mergeOnce(units []unit) ([]unit, bool) {
	merged := false
	for i := 0; i < len(units); i++ {
		for j := i + 1; j < len(units); {
			u, ok := units[i].join(units[j])
			if !ok {
				j++
				continue
			}
			units[i], merged = u, true
			units = slices.Delete(units, j, j+1)
		}
	}
	return units, merged
}

// join returns the one unit that admits exactly what both do.
func (u unit) join(o unit) (unit, bool) {
	switch {
	case u.covers(o):
		return u, true
	case o.covers(u):
		return o, true
	case u.prefix == o.prefix && u.key == o.key:
		return u.joinPorts(o)
	case u.t == o.t && u.prefix.IsValid() && o.prefix.IsValid():
		return u.joinBlocks(o)
	}
	return u, false
}

// covers reports whether u admits all that o does.
func (u unit) covers(o unit) bool {
	if u.key != o.key || u.prefix.IsValid() != o.prefix.IsValid() {
		return false
	}
	if u.prefix.IsValid() && !(u.prefix.Bits() <= o.prefix.Bits() && u.prefix.Contains(o.prefix.Addr())) {
		return false
	}
	for _, span := range o.t.spans(nil) {
		inside := slices.ContainsFunc(u.t.spans(nil), func(s keySpan) bool { return s.lo <= span.lo && span.hi <= s.hi })
		if !inside {
			return false
		}
	}
	return true
}

// joinPorts merges port ranges that touch.
func (u unit) joinPorts(o unit) (unit, bool) {
	if u.t.kind != portRange || o.t.kind != portRange || u.t.protocol != o.t.protocol || o.t.a > u.t.b+1 || u.t.a > o.t.b+1 {
		return u, false
	}
	u.t.a, u.t.b = min(u.t.a, o.t.a), max(u.t.b, o.t.b)
	u.rule.ID, u.rule.From, u.rule.To = "", int(u.t.a), int(u.t.b)
	return u, true
}

// joinBlocks merges the two halves of a block.
func (u unit) joinBlocks(o unit) (unit, bool) {
	bits := u.prefix.Bits()
	if bits == 0 || o.prefix.Bits() != bits || u.prefix.Addr().Is4() != o.prefix.Addr().Is4() {
		return u, false
	}
	whole := netip.PrefixFrom(u.prefix.Addr(), bits-1).Masked()
	if !whole.Contains(o.prefix.Addr()) {
		return u, false
	}
	u.prefix, u.rule.ID, u.rule.Peer = whole, "", Peer{}
	if whole.Addr().Is4() {
		u.rule.Peer.IPv4 = whole.String()
	} else {
		u.rule.Peer.IPv6 = whole.String()
	}
	return u, true
}

// dropRedundant removes one rule after another that the others cover together,
// the narrowest first.
func (c *Compiler) dropRedundant(group string, d Direction, units []unit) ([]Rule, error) {
	rules := make([]Rule, len(units))
	for i, u := range units {
		rules[i] = u.rule
	}
	for {
		s, err := c.sideOf(group, d, rules)
		if err != nil {
			return nil, err
		}
		drop := -1
		for rank, n := range s.needs(d, false) {
			at := int(s.outcomes[rank+1].rule())
			if n.sole == nil && (drop < 0 || narrower(&rules[at], &rules[drop])) {
				drop = at
			}
		}
		if drop < 0 {
			return renumber(rules), nil
		}
		rules = slices.Delete(rules, drop, drop+1)
	}
}

// narrower orders candidates for removal: longer blocks go first.
func narrower(a, b *Rule) bool {
	pa, _ := a.peerOf()
	pb, _ := b.peerOf()
	return pa.IsValid() && pb.IsValid() && pa.Bits() > pb.Bits()
}

// sideOf checks and orders rules without building forms.
func (c *Compiler) sideOf(group string, d Direction, rules []Rule) (*side, error) {
	g := SecurityGroup{ID: group, Ingress: rules}
	if d == Egress {
		g.Ingress, g.Egress = nil, rules
	}
	checked, faults := c.groupRules([]SecurityGroup{g}, d)
	if len(faults) > 0 {
		return nil, joinFaults(faults)
	}
	s := &side{direction: d, rules: checked}
	s.order()
	return s, nil
}

// renumber makes each rule a permission of its own.
func renumber(rules []Rule) []Rule {
	for i := range rules {
		rules[i].Permission = i
	}
	return rules
}

// String writes the rule as "tcp 443 from 10.0.0.0/8", for people.
func (r Rule) String() string {
	t, fault := r.transportOf()
	if fault != nil {
		return fmt.Sprintf("invalid %.20q %d %d %s", r.Protocol, r.From, r.To, r.Peer.text())
	}
	s := t.protocol.String()
	switch t.kind {
	case anyProtocol:
		s = "all"
	case portRange:
		s += " " + strconv.Itoa(int(t.a))
		if t.b != t.a {
			s += "-" + strconv.Itoa(int(t.b))
		}
	case typeAndCode:
		for _, v := range []int32{t.a, t.b} {
			if v >= 0 {
				s += " " + strconv.Itoa(int(v))
			}
		}
	}
	return s + " " + r.Peer.text()
}
