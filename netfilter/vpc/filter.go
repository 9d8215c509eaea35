// SPDX-License-Identifier: Apache-2.0

package vpc

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"

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
	if _, ok := w.exempt(e.VPC); ok && d == netfilter.Egress {
		return
	}
	code, at := SGEgress, e.ID
	if d == netfilter.Ingress {
		code = SGIngress
	}
	if len(e.Groups) > 0 {
		at = e.Groups[0]
	}
	policy, rules := w.s.setOf(e).policy(w.s, d, w.forwarded)
	if policy == nil {
		w.maybe()
		return
	}
	if w.gather != nil {
		w.gather.add(w, policy, d)
		return
	}
	verdicts := policy.DecidePorts(d, w.pk, w.from, w.to)
	w.ports = meet(w.ports, verdicts)
	if slices.ContainsFunc(verdicts, func(v netfilter.PortVerdict) bool { return v.Verdict.Effect == netfilter.Deny }) {
		b := Block{Code: code, At: at, RA: code.RA(), Fix: fmt.Sprintf("add an %s rule to %s for %s", d, at, w.text(d))}
		if rules == 0 {
			b.RA = "SG_HAS_NO_RULES"
		}
		w.block(b)
	}
}

// exempt returns the service of the VPC that the packet is for or, as a reply,
// from. Nothing else comes from a service: whoever begins a flow with the address
// of one is none.
func (w *walk) exempt(vpc string) (netfilter.Service, bool) {
	if w.reply {
		return netfilter.Exempt(w.s.servicesOf(vpc), netfilter.Ingress, w.pk)
	}
	pk := w.pk
	if w.from == w.to {
		pk.DstPort = w.from
	}
	return netfilter.Exempt(w.s.servicesOf(vpc), netfilter.Egress, pk)
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

// acl applies the ACL of a subnet.
func (w *walk) acl(subnet, vpc string, d netfilter.Direction, code Code) {
	if service, ok := w.exempt(vpc); ok && service.ACL {
		return
	}
	a, policy := w.s.aclOf(subnet, vpc)
	if policy == nil {
		w.maybe()
		return
	}
	if w.gather != nil {
		w.gather.add(w, policy, d)
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
