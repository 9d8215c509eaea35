// SPDX-License-Identifier: Apache-2.0

package vpc

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/sallyport-go/sallyport/netfilter"
)

// span is a range of destination ports with what became of them so far.
type span struct {
	from, to uint16
	effect   netfilter.Effect
}

// meet applies verdicts, which cover the walk's ports in order, to the spans.
func meet(spans []span, verdicts []netfilter.PortVerdict) []span {
	var out []span
	for _, s := range spans {
		for _, v := range verdicts {
			lo, hi := max(s.from, v.From), min(s.to, v.To)
			if lo > hi {
				continue
			}
			e := v.Verdict.Effect
			if s.effect == netfilter.Deny || s.effect == netfilter.Unresolved && e == netfilter.Allow {
				e = s.effect
			}
			if n := len(out); n > 0 && out[n-1].effect == e {
				out[n-1].to = hi
			} else {
				out = append(out, span{lo, hi, e})
			}
		}
	}
	return out
}

// legAnswer sums the spans up.
func legAnswer(spans []span) Answer {
	var n [3]bool
	for _, s := range spans {
		n[s.effect] = true
	}
	switch {
	case n[netfilter.Allow] && n[netfilter.Deny]:
		return Partly
	case n[netfilter.Unresolved]:
		return Unresolved
	case n[netfilter.Allow]:
		return Yes
	}
	return No
}

// maybe makes every port that still passes unresolved.
func (w *walk) maybe() {
	for i := range w.ports {
		if w.ports[i].effect == netfilter.Allow {
			w.ports[i].effect = netfilter.Unresolved
		}
	}
}

// group applies the interface's security groups. Replies pass.
func (w *walk) group(e *netfilter.Interface, d netfilter.Direction) {
	if w.reply || e.Unfiltered() || w.s.isNAT(e) {
		return
	}
	if _, ok := netfilter.Exempt(netfilter.Services(w.s.vpcs[e.VPC]...), d, w.pk); ok {
		return
	}
	code, at := SGEgress, e.ID
	if d == netfilter.Ingress {
		code = SGIngress
	}
	if len(e.Groups) > 0 {
		at = e.Groups[0]
	}
	policy, missing, rules := w.s.policy(e, d)
	verdicts := []netfilter.PortVerdict{{From: w.from, To: w.to}}
	if policy != nil {
		verdicts = policy.DecidePorts(d, w.pk, w.from, w.to)
	}
	denied := false
	for i := range verdicts {
		if v := &verdicts[i].Verdict; v.Effect == netfilter.Deny && missing {
			v.Effect = netfilter.Unresolved
		}
		denied = denied || verdicts[i].Verdict.Effect == netfilter.Deny
	}
	w.ports = meet(w.ports, verdicts)
	if denied {
		b := Block{Code: code, At: at, RA: code.RA(), Fix: fmt.Sprintf("add an %s rule to %s for %s", d, at, w.text(d))}
		if rules == 0 {
			b.RA = "SG_HAS_NO_RULES"
		}
		w.block(b)
	}
}

// isNAT reports whether the interface is a NAT gateway's, which has no
// groups of its own whatever the documents list.
func (s *Snapshot) isNAT(e *netfilter.Interface) bool {
	_, ok := s.natOf[e.ID]
	return ok
}

// text writes what a rule would have to admit.
func (w *walk) text(d netfilter.Direction) string {
	peer, way := w.pk.Src, "from"
	if d == netfilter.Egress {
		peer, way = w.pk.Dst, "to"
	}
	out := w.pk.Protocol.String()
	if w.pk.Protocol == netfilter.TCP || w.pk.Protocol == netfilter.UDP {
		out += " " + strconv.Itoa(int(w.from))
		if w.to != w.from {
			out += "-" + strconv.Itoa(int(w.to))
		}
	}
	return fmt.Sprintf("%s %s %s", out, way, netip.PrefixFrom(peer, peer.BitLen()))
}

// policy compiles the interface's groups for one direction. missing says that
// the snapshot lacks one of them; rules counts those of the direction.
func (s *Snapshot) policy(e *netfilter.Interface, d netfilter.Direction) (p *netfilter.GroupPolicy, missing bool, rules int) {
	var groups []netfilter.SecurityGroup
	for _, id := range e.Groups {
		g := s.inv.Group(id)
		if g == nil {
			missing = true
			continue
		}
		rules += len(g.Rules(d))
		groups = append(groups, *g)
	}
	key := e.VPC + " " + d.String() + " " + strings.Join(e.Groups, " ")
	s.mu.Lock()
	defer s.mu.Unlock()
	if p = s.policies[key]; p == nil {
		c := netfilter.Compiler{Resolver: s.resolverFor(e.VPC, d, groups), Lenient: true, Form: netfilter.Compact}
		var err error
		if p, err = c.Groups(groups); err != nil {
			return nil, true, rules
		}
		s.policies[key] = p
	}
	return p, missing, rules
}

// resolverFor knows the members of the groups that rules in the VPC may name
// (NET-17); references to other groups match nothing.
func (s *Snapshot) resolverFor(vpc string, d netfilter.Direction, groups []netfilter.SecurityGroup) netfilter.Resolver {
	r := netfilter.Resolver{Members: map[string][]netip.Prefix{}, PrefixLists: s.lists}
	for i := range groups {
		for _, rule := range groups[i].Rules(d) {
			id := rule.Peer.Group
			if id == "" {
				continue
			}
			members, known := s.resolver.Members[id]
			if g := s.inv.Group(id); g != nil && !s.mayName(vpc, g, d) {
				members, known = nil, true
			}
			if known {
				r.Members[id] = members
			}
		}
	}
	return r
}

func (s *Snapshot) mayName(vpc string, g *netfilter.SecurityGroup, d netfilter.Direction) bool {
	if g.VPC == vpc || g.VPC == "" || vpc == "" {
		return true
	}
	for _, v := range s.shared[g.ID] {
		if v == vpc {
			return true
		}
	}
	for _, p := range s.peerings {
		if (p.sides == [2]string{vpc, g.VPC} || p.sides == [2]string{g.VPC, vpc}) && p.state == "active" && p.region[0] == p.region[1] {
			return true
		}
	}
	return d == netfilter.Ingress && s.tgw.refers(vpc, g.VPC)
}

// acl applies the ACL of a subnet.
func (w *walk) acl(subnet, vpc string, d netfilter.Direction, code Code) {
	services := netfilter.Services(w.s.vpcs[vpc]...)
	for _, dir := range []netfilter.Direction{netfilter.Ingress, netfilter.Egress} {
		if service, ok := netfilter.Exempt(services, dir, w.pk); ok && service.ACL {
			return
		}
	}
	a := w.s.acls[subnet]
	if a == nil {
		a = w.s.acls[vpc]
	}
	policy := w.s.filter(a)
	if policy == nil {
		w.maybe()
		return
	}
	verdicts := policy.DecidePorts(d, w.pk, w.from, w.to)
	w.ports = meet(w.ports, verdicts)
	for _, v := range verdicts {
		if v.Verdict.Effect != netfilter.Deny {
			continue
		}
		at, fix := a.ID+"/*", fmt.Sprintf("add an %s entry to %s for %s", d, a.ID, w.text(d))
		if n, ok := policy.RuleNumber(d, v.Verdict.Rule); ok {
			at, fix = a.ID+"/"+strconv.Itoa(n), fix+" before "+strconv.Itoa(n)
		}
		w.block(Block{Code: code, At: at, RA: code.RA(), Fix: fix})
	}
}

func (s *Snapshot) filter(a *netfilter.NetworkACL) *netfilter.ACLPolicy {
	if a == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.filters[a.ID]
	if p == nil {
		c := netfilter.Compiler{Lenient: true, Form: netfilter.Compact}
		var err error
		if p, err = c.ACL(*a); err != nil {
			return nil
		}
		s.filters[a.ID] = p
	}
	return p
}
