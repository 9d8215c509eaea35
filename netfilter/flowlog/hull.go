// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"net/netip"

	"github.com/sallyport-go/sallyport/netfilter"
)

// hull bounds the traffic that a rule admitted: the least and the greatest
// address of the peers, the protocol if it is only one, and the least and the
// greatest port. It takes the same room for any traffic, and the hull of two
// parts is that of the whole.
type hull struct {
	lo, hi   netip.Addr
	from, to uint16
	protocol netfilter.Protocol
	seen     bool
	many     bool // several protocols, so that protocol is one of them
}

func (h *hull) add(peer netip.Addr, p netfilter.Protocol, port uint16) {
	h.merge(hull{lo: peer, hi: peer, from: port, to: port, protocol: p, seen: true})
}

func (h *hull) merge(o hull) {
	switch {
	case !o.seen:
		return
	case !h.seen:
		*h = o
		return
	}
	if o.lo.Less(h.lo) {
		h.lo = o.lo
	}
	if h.hi.Less(o.hi) {
		h.hi = o.hi
	}
	h.from, h.to = min(h.from, o.from), max(h.to, o.to)
	h.many = h.many || o.many || h.protocol != o.protocol
}

// prefix is the smallest block that holds all peers.
func (h *hull) prefix() netip.Prefix {
	bits := h.lo.BitLen()
	for bits > 0 && !netip.PrefixFrom(h.lo, bits).Contains(h.hi) {
		bits--
	}
	return netip.PrefixFrom(h.lo, bits).Masked()
}

// narrow returns the rule as narrow as the hull allows. A peer that is a group or
// a prefix list stays: its members change, and the rule follows them. So do the
// types of ICMP, which no record tells. A rule that changes loses its id.
func (h *hull) narrow(r netfilter.Rule) netfilter.Rule {
	out := r
	switch {
	case blockOf(r).IsValid() && h.lo.Is4():
		out.Peer = netfilter.Peer{IPv4: h.prefix().String()}
	case blockOf(r).IsValid():
		out.Peer = netfilter.Peer{IPv6: h.prefix().String()}
	}
	p, all, _ := netfilter.ParseProtocol(r.Protocol)
	if all && !h.many {
		p, all = h.protocol, false
		out.Protocol, out.From, out.To = p.String(), -1, -1
	}
	if !all && (p == netfilter.TCP || p == netfilter.UDP) {
		out.From, out.To = int(h.from), int(h.to)
	}
	if covers(out, r) {
		return r
	}
	out.ID = ""
	return out
}

// covers reports whether every packet that b admits is admitted by a, by their
// blocks, protocols and ports alone. Both are valid.
func covers(a, b netfilter.Rule) bool {
	if a.Peer.PrefixList != b.Peer.PrefixList || a.Peer.Group != b.Peer.Group {
		return false
	}
	if block := blockOf(a); block.IsValid() {
		inner := blockOf(b)
		if !inner.IsValid() || inner.Bits() < block.Bits() || !block.Contains(inner.Addr()) {
			return false
		}
	}
	p, all, _ := netfilter.ParseProtocol(a.Protocol)
	q, every, _ := netfilter.ParseProtocol(b.Protocol)
	switch {
	case all:
		return true
	case every || p != q:
		return false
	case p == netfilter.TCP || p == netfilter.UDP:
		from, to := portRange(a)
		innerFrom, innerTo := portRange(b)
		return from <= innerFrom && innerTo <= to
	case isICMP(p):
		return a.From < 0 || a.From == b.From && (a.To < 0 || a.To == b.To)
	}
	return true
}

// blockOf returns the CIDR block of a rule's peer, invalid for a reference.
func blockOf(r netfilter.Rule) netip.Prefix {
	if cidr := r.Peer.IPv4 + r.Peer.IPv6; cidr != "" {
		if p, err := netfilter.ParseMember(cidr); err == nil {
			return p
		}
	}
	return netip.Prefix{}
}

// ports counts the ports of a rule, for choosing the narrower of two.
func ports(r netfilter.Rule) int {
	p, all, err := netfilter.ParseProtocol(r.Protocol)
	if err != nil || all || p != netfilter.TCP && p != netfilter.UDP {
		return 1 << 16
	}
	from, to := portRange(r)
	return int(to) - int(from) + 1
}
