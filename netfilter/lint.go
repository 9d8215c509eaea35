// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// lastNumber is the highest number that AWS accepts for an ACL entry.
const lastNumber = 32766

// Codes returns the codes of findings, with what each means.
func Codes() map[string]string {
	return map[string]string{
		"shadowed":           "an ACL entry that decides no packet",
		"partly-shadowed":    "an ACL entry some of whose packets an earlier entry decides the other way",
		"redundant":          "a rule or entry whose removal changes no verdict",
		"open-to-world":      "ingress rules that together admit every address of a family",
		"invalid-rule":       "a rule or entry without meaning",
		"stale-reference":    "a reference to a group that is gone",
		"unattached-group":   "a group on no network interface",
		"unassociated-acl":   "an ACL of no subnet",
		"noncanonical-cidr":  "a CIDR block with host bits",
		"duplicate-number":   "a number used twice in one direction of an ACL",
		"reserved-number":    "an entry numbered outside 1 to 32766",
		"any-type-code":      "an ICMP entry with a code but any type, which AWS does not document",
		"shape-mismatch":     "SecurityGroups and SecurityGroupRules that disagree",
		"incomplete-page":    "a document with a NextToken: pages are missing",
		"unattached-entries": "prefix list entries that name no list",
		"reply-blocked":      "replies to admitted traffic that the subnet's ACL blocks",
		"pmtud-blocked":      "an ACL that blocks path MTU discovery",
		"quota":              "more than AWS's quotas allow",
	}
}

// LintOptions say what Lint looks for. The zero value checks no quotas and
// reports every port that is open to the world.
type LintOptions struct {
	// SensitivePorts limits open-to-world to these TCP and UDP ports; empty means
	// all ports and protocols.
	SensitivePorts []uint16
	// Quotas are checked where they are not zero.
	Quotas Quotas
	// Delegated counts prefixes delegated to an interface as members of its groups.
	Delegated bool
}

// Lint returns everything that looks wrong in an inventory, in its order. The
// claims about rules are exact: they hold for every packet, and a witness, where
// one exists, shows them.
func Lint(inv *Inventory, options LintOptions) []Finding {
	l := &linter{inv: inv, options: options, found: slices.Clone(inv.Findings)}
	l.compiler = Compiler{Resolver: inv.Resolver(options.Delegated), Lenient: true, Form: Compact}
	stale := inv.staleGroups()
	for i := range inv.Groups {
		l.lintGroup(&inv.Groups[i], stale)
	}
	for i := range inv.ACLs {
		l.lintACL(&inv.ACLs[i])
	}
	l.lintReplies()
	l.lintQuota()
	return l.found
}

type linter struct {
	inv      *Inventory
	options  LintOptions
	compiler Compiler
	found    []Finding
}

func (l *linter) add(f Finding) { l.found = append(l.found, f) }

func (l *linter) lintGroup(g *SecurityGroup, stale []string) {
	for _, d := range []Direction{Ingress, Egress} {
		for _, r := range g.Rules(d) {
			id := r.name(g.ID, d)
			if r.Peer.PeeringStatus == peeringDeleted || r.Peer.Group != "" && slices.Contains(stale, r.Peer.Group) {
				l.add(Finding{Code: "stale-reference", Where: g.ID, Direction: d, Rules: []string{id}, Detail: r.Peer.Group + " is gone; the rule matches nothing"})
			}
			l.lintCIDR(g.ID, d, id, r.Peer.IPv4+r.Peer.IPv6)
		}
	}
	if l.inv.sawInterfaces && !slices.ContainsFunc(l.inv.Interfaces, func(i Interface) bool { return slices.Contains(i.Groups, g.ID) }) {
		l.add(Finding{Code: "unattached-group", Where: g.ID, Detail: "no network interface carries the group"})
	}
	p, err := l.compiler.Groups([]SecurityGroup{*g})
	if err != nil {
		l.add(Finding{Code: "invalid-rule", Where: g.ID, Detail: err.Error()})
		return
	}
	l.lintInvalid(g.ID, p.invalid)
	for _, d := range []Direction{Ingress, Egress} {
		s := p.side(d)
		for rank, n := range s.needs(d, false) {
			if n.sole == nil {
				l.add(Finding{Code: "redundant", Where: g.ID, Direction: d, Rules: []string{s.rankID(rank)}, Detail: "the other rules admit all that it admits"})
			}
		}
	}
	l.lintOpen(g.ID, p.side(Ingress))
}

func (s *side) rankID(rank int) string { return s.at(int32(rank)).name(s.direction) }

func (l *linter) lintInvalid(where string, faults []*RuleError) {
	for _, f := range faults {
		d := Ingress
		if strings.Contains(f.Rule, "/egress/") {
			d = Egress
		}
		l.add(Finding{Code: "invalid-rule", Where: where, Direction: d, Rules: []string{f.Rule}, Detail: f.Field + ": " + f.Why})
	}
}

func (l *linter) lintCIDR(where string, d Direction, id, cidr string) {
	if pfx, canonical, err := parsePrefix(cidr); err == nil && !canonical {
		l.add(Finding{Code: "noncanonical-cidr", Where: where, Direction: d, Rules: []string{id}, Detail: cidr + " stands for " + pfx.String()})
	}
}

// lintOpen reports what every address of a family may reach.
func (l *linter) lintOpen(where string, s *side) {
	for _, v6 := range []bool{false, true} {
		runs, ranks := openToAll(s, v6)
		for i, run := range runs {
			if !l.sensitive(run) {
				continue
			}
			all := netip.PrefixFrom(wide{}.addr(v6), 0)
			f := Finding{Code: "open-to-world", Where: where, Detail: all.String() + " reaches " + spanText(run)}
			for _, r := range ranks[i] {
				f.Rules = append(f.Rules, s.rankID(int(r)))
			}
			p := Packet{Src: wide{}.addr(v6), Dst: wide{}.addr(v6)}
			p.setL4(run.lo)
			f.Witness = &p
			l.add(f)
		}
	}
}

// sensitive reports whether the run holds a port that the options ask for.
func (l *linter) sensitive(run keySpan) bool {
	if len(l.options.SensitivePorts) == 0 {
		return true
	}
	for _, port := range l.options.SensitivePorts {
		for _, proto := range []Protocol{TCP, UDP} {
			p := Packet{Protocol: proto, DstPort: port}
			if key := p.l4(); run.lo <= key && key <= run.hi {
				return true
			}
		}
	}
	return false
}

// spanText writes a run of keys for people.
func spanText(s keySpan) string {
	first, last := Protocol(s.lo>>16), Protocol(s.hi>>16)
	from, to := s.lo&0xffff, s.hi&0xffff
	whole := from == 0 && to == 0xffff
	switch {
	case first == 0 && last == 255:
		return "every protocol"
	case first != last:
		return fmt.Sprintf("protocols %d to %d", uint8(first), uint8(last))
	case whole && (first == TCP || first == UDP):
		return first.String() + " on every port"
	case whole && (first == ICMP || first == ICMPv6):
		return first.String() + " of every type and code"
	case whole:
		return fmt.Sprintf("protocol %d", uint8(first))
	case first == TCP || first == UDP:
		if from == to {
			return fmt.Sprintf("%s port %d", first, from)
		}
		return fmt.Sprintf("%s ports %d to %d", first, from, to)
	case from>>8 == to>>8 && from&0xff == 0 && to&0xff == 0xff:
		return fmt.Sprintf("%s type %d", first, from>>8)
	case from == to:
		return fmt.Sprintf("%s type %d code %d", first, from>>8, from&0xff)
	}
	return fmt.Sprintf("%s types %d/%d to %d/%d", first, from>>8, from&0xff, to>>8, to&0xff)
}

func (l *linter) lintACL(a *NetworkACL) {
	if len(a.Subnets) == 0 && !a.Default {
		l.add(Finding{Code: "unassociated-acl", Where: a.ID, Detail: "no subnet uses the ACL"})
	}
	for _, d := range []Direction{Ingress, Egress} {
		l.lintEntries(a, d)
	}
	p, err := l.compiler.ACL(*a)
	if err != nil {
		l.lintACLError(a, err)
		return
	}
	l.lintInvalid(a.ID, p.invalid)
	for _, d := range []Direction{Ingress, Egress} {
		l.lintOrder(a.ID, p, d)
	}
	l.lintPMTUD(a.ID, p)
}

// lintEntries reports what single entries look like.
func (l *linter) lintEntries(a *NetworkACL, d Direction) {
	for _, e := range a.Entries(d) {
		id := fmt.Sprintf("%s/%s/%d", a.ID, d, e.Number)
		l.lintCIDR(a.ID, d, id, e.IPv4+e.IPv6)
		if e.Number < 1 || e.Number > lastNumber && !e.closing() {
			l.add(Finding{Code: "reserved-number", Where: a.ID, Direction: d, Rules: []string{id}, Detail: "AWS accepts 1 to 32766"})
		}
		if t, _, _, fault := e.check(); fault == nil && t.kind == typeAndCode && t.a < 0 && t.b >= 0 {
			l.add(Finding{Code: "any-type-code", Where: a.ID, Direction: d, Rules: []string{id}, Detail: fmt.Sprintf("read as code %d of any type", t.b)})
		}
	}
}

// closing reports whether the entry is the denial that AWS shows last.
func (e *ACLEntry) closing() bool {
	t, pfx, allow, fault := e.check()
	return fault == nil && !allow && t.kind == anyProtocol && pfx.Bits() == 0 &&
		(e.Number == 32767 || e.Number == 32768 && e.IPv6 != "")
}

func (l *linter) lintACLError(a *NetworkACL, err error) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		l.add(Finding{Code: "invalid-rule", Where: a.ID, Detail: err.Error()})
		return
	}
	for _, e := range joined.Unwrap() {
		var fault *RuleError
		if !errors.As(e, &fault) {
			continue
		}
		code, d := "invalid-rule", Ingress
		if fault.Field == "RuleNumber" {
			code = "duplicate-number"
		}
		if strings.Contains(fault.Rule, "/egress/") {
			d = Egress
		}
		l.add(Finding{Code: code, Where: a.ID, Direction: d, Rules: []string{fault.Rule}, Detail: fault.Field + ": " + fault.Why})
	}
}

// lintOrder reports entries that others decide for. The closing denial is
// there to decide nothing else.
func (l *linter) lintOrder(where string, p *ACLPolicy, d Direction) {
	s := p.side(d)
	for rank, n := range s.needs(d, true) {
		r := s.at(int32(rank))
		if r.invalid || r.number > lastNumber {
			continue
		}
		f := Finding{Where: where, Direction: d, Rules: []string{r.name(d)}}
		switch {
		case !n.decides:
			f.Code, f.Detail = "shadowed", "earlier entries decide every packet it matches"
		case n.overruled != nil:
			f.Code, f.Detail, f.Witness = "partly-shadowed", "an earlier entry decides the witness the other way", n.overruled
			f.Rules = append(f.Rules, s.rankID(int(n.overruler)))
		}
		if f.Code != "" {
			l.add(f)
		}
		if n.decides && n.sole == nil {
			l.add(Finding{Code: "redundant", Where: where, Direction: d, Rules: []string{r.name(d)}, Detail: "without it the same packets pass"})
		}
	}
}
