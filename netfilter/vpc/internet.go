// SPDX-License-Identifier: Apache-2.0

package vpc

import (
	"net/netip"

	"github.com/sallyport-go/sallyport/netfilter"
)

// attached checks a gateway of the VPC.
func (w *walk) attached(id, member, vpc string) {
	g, ok := w.s.gateways[id]
	switch {
	case !ok && w.s.seen[member]:
		w.deny(State, id, "")
	case !ok:
	case g.vpc != vpc || !ready(g.state):
		w.deny(AttachmentState, id, "attach "+id+" to "+vpc)
	}
}

// internet takes the packet out through an internet gateway.
func (w *walk) internet(e *netfilter.Interface, id, at, subnet, vpc string) {
	w.hop("igw", id)
	w.attached(id, "InternetGateways", vpc)
	w.encrypted(vpc, internetKind)
	_, isNAT := w.natAt(e)
	if w.s.access.blocks(vpc, subnet, isNAT || w.reply) {
		w.deny(PublicAccessBlocked, id, "")
	}
	if !global(w.pk.Dst) {
		w.stop(RouteMismatch, at, "")
		return
	}
	w.publish(e, id)
	w.beyond(at, vpc)
}

// publish gives the packet its public source address.
func (w *walk) publish(e *netfilter.Interface, gateway string) {
	if w.pk.Src.Is6() {
		if !global(w.pk.Src) {
			w.deny(NoPublicAddress, gateway, "")
		}
		return
	}
	where, public := gateway, netip.Addr{}
	n, isNAT := w.natAt(e)
	switch {
	case isNAT && n.inside:
		where = n.id
	case isNAT:
		where, public = n.id, n.public
	case e != nil:
		where, public = e.ID, translated(e, w.pk.Src)
	}
	switch {
	case public.IsValid():
		w.pk.Src = public
	case !isNAT && e != nil && e.NoCheck && !owns(e, w.pk.Src):
		w.doubt() // it may translate addresses, as a NAT instance does
	default:
		w.deny(NoPublicAddress, where, "")
	}
}

// beyond is the internet: the packet stays there, or comes back in.
func (w *walk) beyond(at, vpc string) {
	w.hop("internet", "internet")
	w.vpc = vpc
	if w.s.behind(w.pk.Dst) != "" {
		w.enter()
		return
	}
	w.place = "internet"
	if w.want.named {
		w.stop(RouteMismatch, at, "")
	}
}

// egressOnly takes an IPv6 packet out.
func (w *walk) egressOnly(id, at, subnet, vpc string) {
	w.hop("eigw", id)
	w.attached(id, "EgressOnlyInternetGateways", vpc)
	w.encrypted(vpc, egressOnlyKind)
	if w.s.access.blocks(vpc, subnet, true) {
		w.deny(PublicAccessBlocked, id, "")
	}
	if !w.pk.Dst.Is6() || !global(w.pk.Dst) {
		w.stop(RouteMismatch, at, "")
		return
	}
	w.beyond(at, vpc)
}

// behind returns the VPC that a public address leads into, "" for none.
func (s *Snapshot) behind(a netip.Addr) string {
	if a.Is6() {
		return s.covering(a)
	}
	if e := s.public[a]; e != nil {
		return e.VPC
	}
	return ""
}

// covering returns the first VPC that has the address in a block, "" for none.
func (s *Snapshot) covering(a netip.Addr) string {
	for _, id := range s.vpcIDs {
		if within(s.vpcs[id], a) {
			return id
		}
	}
	return ""
}

// enter brings a packet in from the internet.
func (w *walk) enter() {
	vpc := w.s.behind(w.pk.Dst)
	e := w.s.public[w.pk.Dst]
	if w.pk.Dst.Is6() && vpc != "" {
		e = w.s.owner(vpc, w.pk.Dst)
	}
	if vpc == "" && w.want.iface != nil {
		e, vpc = w.want.iface, w.want.iface.VPC
		if !w.pk.Dst.Is6() {
			w.denyAs(NoPublicAddress, "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS", e.ID, "")
		}
	}
	if vpc == "" {
		w.stop(NoSuchAddress, w.pk.Dst.String(), "")
		return
	}
	id := w.entrance(e, vpc)
	if id == "" {
		return
	}
	if w.pk.Dst.Is4() && e != nil {
		w.pk.Dst = private(e, w.pk.Dst)
	}
	w.hop("vpc", vpc)
	switch t := w.s.edges[id]; {
	case t != nil && w.ends(id, id): // its table leads out again
	case t != nil:
		w.route(nil, t, "", vpc)
	case e == nil:
		w.stop(NoSuchAddress, w.pk.Dst.String(), "")
	default:
		w.arrive(e, "")
	}
}

// entrance finds the gateway that a packet for the VPC comes in by.
func (w *walk) entrance(e *netfilter.Interface, vpc string) string {
	if id := w.egressOnlyOf(e, vpc); id != "" {
		w.hop("eigw", id)
		w.encrypted(vpc, egressOnlyKind)
		if !w.reply {
			w.deny(EgressOnly, id, "")
		}
		return id
	}
	id := w.s.doors[vpc]
	if id == "" {
		w.stop(AttachmentState, vpc, "attach an internet gateway to "+vpc)
		return ""
	}
	w.hop("igw", id)
	w.attached(id, "InternetGateways", vpc)
	w.encrypted(vpc, internetKind)
	subnet := ""
	if e != nil {
		subnet = e.Subnet
		if e.NoInternet {
			w.denyAs(PublicAccessBlocked, "", e.ID, "turn DenyAllIgwTraffic of "+e.ID+" off")
		}
	}
	if !w.reply && w.s.access.blocks(vpc, subnet, false) {
		w.deny(PublicAccessBlocked, id, "")
	}
	return id
}

// egressOnlyOf returns the egress-only gateway that the interface's subnet
// routes its IPv6 answers to, "" for none.
func (w *walk) egressOnlyOf(e *netfilter.Interface, vpc string) string {
	if e == nil || !w.pk.Dst.Is6() {
		return ""
	}
	t := w.s.tableOf(e.Subnet, vpc)
	if w.gather != nil {
		w.gather.way = w.s.wayIn(t)
		return ""
	}
	if t != nil {
		if best, _ := w.s.choose(t, w.pk.Src); len(best) > 0 && has(best[0].target, "eigw-") {
			return best[0].target
		}
	}
	return ""
}

// translated returns the public address that goes with a private one.
func translated(e *netfilter.Interface, a netip.Addr) netip.Addr {
	for _, x := range e.Addresses {
		if x.Private == a {
			return x.Public
		}
	}
	return netip.Addr{}
}

// private returns the private address that goes with a public one, the same
// address when none does.
func private(e *netfilter.Interface, a netip.Addr) netip.Addr {
	for _, x := range e.Addresses {
		if x.Public == a {
			return x.Private
		}
	}
	return a
}

// global reports whether the internet may know the address: it is neither
// private nor of the shared space of RFC 6598.
func global(a netip.Addr) bool {
	if a.Is6() {
		return a.IsGlobalUnicast() && !a.IsPrivate()
	}
	b := a.As4()
	return a.IsGlobalUnicast() && !a.IsPrivate() && !(b[0] == 100 && b[1]&0xc0 == 64)
}
