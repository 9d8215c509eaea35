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
	n, isNAT := w.natAt(e)
	if w.s.access.blocks(vpc, subnet, isNAT || w.reply) {
		w.deny(PublicAccessBlocked, id, "")
	}
	if !global(w.pk.Dst) {
		w.stop(RouteMismatch, at, "")
		return
	}
	if w.pk.Src.Is6() {
		if !global(w.pk.Src) {
			w.deny(NoPublicAddress, id, "")
		}
	} else {
		public := netip.Addr{}
		switch {
		case isNAT:
			public = n.public
		case e != nil:
			public = translated(e, w.pk.Src)
		}
		where := id
		if e != nil {
			where = e.ID
		}
		if isNAT && n.inside {
			where, public = n.id, netip.Addr{}
		}
		switch {
		case public.IsValid():
			w.pk.Src = public
		case e != nil && e.NoCheck && !owns(e, w.pk.Src):
			w.doubt() // it may translate addresses, as a NAT instance does
		default:
			w.deny(NoPublicAddress, where, "")
		}
	}
	w.hop("internet", "internet")
	w.vpc = vpc
	if target := w.s.behind(w.pk.Dst); target != "" {
		w.enter()
		return
	}
	w.place = "internet"
	if w.want.named {
		w.stop(RouteMismatch, at, "")
	}
}

// natAt returns the NAT gateway whose interface this is.
func (w *walk) natAt(e *netfilter.Interface) (nat, bool) {
	if e == nil {
		return nat{}, false
	}
	n, ok := w.s.nats[w.s.natOf[e.ID]]
	return n, ok
}

// behind returns the VPC that a public address leads into, "" for none.
func (s *Snapshot) behind(a netip.Addr) string {
	if a.Is4() {
		if e := s.public[a]; e != nil {
			return e.VPC
		}
		for _, n := range s.nats {
			if n.public == a {
				return n.vpc
			}
		}
		return ""
	}
	for vpc, blocks := range s.vpcs {
		if within(blocks, a) {
			return vpc
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
	n := w.s.natTo(e, w.pk.Dst)
	if w.pk.Dst.Is4() && e != nil {
		for _, x := range e.Addresses {
			if x.Public == w.pk.Dst {
				w.pk.Dst = x.Private
			}
		}
	}
	if n.id != "" {
		w.pk.Dst = n.private
	}
	w.hop("vpc", vpc)
	if t := w.s.edge(id); t != nil {
		w.route(nil, t, "", vpc)
		return
	}
	switch {
	case n.id != "":
		w.acl(n.subnet, n.vpc, netfilter.Ingress, ACLIn)
		w.hop("subnet", n.subnet)
		w.hop("nat", n.id)
		w.natArrive(n.id)
	case e == nil:
		w.stop(NoSuchAddress, w.pk.Dst.String(), "")
	default:
		w.arrive(e, "")
	}
}

// entrance finds the gateway that a packet for the VPC comes in by.
func (w *walk) entrance(e *netfilter.Interface, vpc string) string {
	if e != nil && w.pk.Dst.Is6() {
		if t := w.s.tableOf(e.Subnet, vpc); t != nil {
			if best, _ := w.s.choose(t, w.pk.Src); len(best) > 0 && has(best[0].target, "eigw-") {
				w.hop("eigw", best[0].target)
				if !w.reply {
					w.deny(EgressOnly, best[0].target, "")
				}
				return best[0].target
			}
		}
	}
	id := ""
	for g, x := range w.s.gateways {
		if has(g, "igw-") && x.vpc == vpc && (id == "" || ready(x.state)) {
			id = g
		}
	}
	if id == "" && !w.s.seen["InternetGateways"] {
		for _, t := range w.s.tables {
			for _, r := range t.routes {
				if t.vpc == vpc && has(r.target, "igw-") {
					id = r.target
				}
			}
		}
	}
	if id == "" {
		w.stop(AttachmentState, vpc, "attach an internet gateway to "+vpc)
		return ""
	}
	w.hop("igw", id)
	w.attached(id, "InternetGateways", vpc)
	subnet := ""
	if e != nil {
		subnet = e.Subnet
		if e.NoInternet && !w.reply {
			w.denyAs(PublicAccessBlocked, "", e.ID, "turn DenyAllIgwTraffic of "+e.ID+" off")
		}
	}
	if !w.reply && w.s.access.blocks(vpc, subnet, false) {
		w.deny(PublicAccessBlocked, id, "")
	}
	return id
}

// natTo returns the NAT gateway of the interface or the public address.
func (s *Snapshot) natTo(e *netfilter.Interface, a netip.Addr) nat {
	if e != nil {
		return s.nats[s.natOf[e.ID]]
	}
	for _, n := range s.nats {
		if n.public == a {
			return n
		}
	}
	return nat{}
}

// nat translates the packet and sends it on.
func (w *walk) nat(id, at, from, vpc string) {
	n, ok := w.s.nats[id]
	if !ok {
		w.hop("nat", id)
		if w.s.seen["NatGateways"] {
			w.stop(State, id, "replace the route "+at)
			return
		}
		w.doubt()
		w.stopped = true
		return
	}
	if w.reply {
		w.hop("nat", id)
		w.stop(RouteMismatch, at, "")
		return
	}
	if !n.regional {
		if from != n.subnet {
			w.acl(n.subnet, n.vpc, netfilter.Ingress, ACLIn)
		}
		w.hop("subnet", n.subnet)
	}
	w.hop("nat", id)
	if !ready(n.state) {
		w.deny(State, id, "")
	}
	if w.peered {
		w.deny(NotTransitive, id, "")
	}
	switch w.pk.Protocol {
	case netfilter.TCP, netfilter.UDP, netfilter.ICMP:
	case netfilter.ICMPv6:
		if !nat64.Contains(w.pk.Dst) {
			w.deny(NATProtocol, id, "")
		}
	default:
		w.deny(NATProtocol, id, "")
	}
	if w.pk.Dst.Is6() && !nat64.Contains(w.pk.Dst) {
		w.stop(RouteMismatch, at, "")
		return
	}
	if n.regional || !n.private.IsValid() {
		w.doubt()
		w.stopped = true
		return
	}
	w.natted[id] = origin{w.pk, w.client}
	if w.pk.Dst.Is6() {
		b := w.pk.Dst.As16()
		w.pk.Dst = netip.AddrFrom4([4]byte(b[12:]))
		if w.pk.Protocol == netfilter.ICMPv6 {
			w.pk.Protocol = netfilter.ICMP
			if w.pk.ICMPType == 128 {
				w.pk.ICMPType = 8
			}
		}
	}
	w.pk.Src, w.client = n.private, Ports{1024, 65535}
	e := w.s.interfaces[n.iface]
	if e == nil {
		e = &netfilter.Interface{ID: n.iface, Subnet: n.subnet, VPC: n.vpc, Type: "nat_gateway", Addresses: []netfilter.Address{{Private: n.private, Public: n.public}}}
	}
	w.leave(e, n.subnet, n.vpc)
}

// nat64 is the well-known prefix of RFC 6052.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// natArrive gives a packet for a NAT gateway back to the client it is for.
func (w *walk) natArrive(id string) {
	n, o := w.s.nats[id], w.natted[id]
	if !w.reply || !o.pk.Src.IsValid() {
		w.stop(NATUnsolicited, id, "")
		return
	}
	w.pk = o.pk.Reply()
	w.earlier, w.client = w.leg(), o.client
	w.from, w.to = o.client.From, o.client.To
	w.ports = []span{{w.from, w.to, netfilter.Allow}}
	w.leave(w.s.interfaces[n.iface], n.subnet, n.vpc)
}

// egressOnly takes an IPv6 packet out.
func (w *walk) egressOnly(id, at, subnet, vpc string) {
	w.hop("eigw", id)
	w.attached(id, "EgressOnlyInternetGateways", vpc)
	if w.s.access.blocks(vpc, subnet, true) {
		w.deny(PublicAccessBlocked, id, "")
	}
	if !w.pk.Dst.Is6() || !global(w.pk.Dst) {
		w.stop(RouteMismatch, at, "")
		return
	}
	w.hop("internet", "internet")
	if w.s.behind(w.pk.Dst) != "" {
		w.enter()
		return
	}
	w.place, w.vpc = "internet", vpc
}

// peer crosses a peering connection.
func (w *walk) peer(id, vpc string) {
	w.hop("pcx", id)
	p, ok := w.s.peerings[id]
	if !ok {
		if w.s.seen["VpcPeeringConnections"] {
			w.stop(State, id, "")
			return
		}
		w.doubt()
		w.stopped = true
		return
	}
	if p.state != "" && p.state != "active" {
		w.deny(State, id, "")
	}
	side := 1
	if p.sides[1] == vpc {
		side = 0
	} else if p.sides[0] != vpc {
		w.stop(AttachmentState, id, "")
		return
	}
	other := p.sides[side]
	if !within(p.blocks[side], w.pk.Dst) && !within(w.s.vpcs[other], w.pk.Dst) {
		w.stop(NotTransitive, id, "")
		return
	}
	w.peered = true
	w.intoVPC(other)
}

// intoVPC delivers inside a VPC that a gateway leads to.
func (w *walk) intoVPC(vpc string) {
	w.hop("vpc", vpc)
	if e := w.s.owner(vpc, w.pk.Dst); e != nil {
		w.arrive(e, "")
		return
	}
	if _, known := w.s.vpcs[vpc]; !known {
		w.doubt()
	}
	w.stop(NoSuchAddress, vpc, "")
}

// endpoint takes the packet to a gateway endpoint, or through a Gateway Load
// Balancer endpoint.
func (w *walk) endpoint(id, at, subnet, vpc string) {
	p, ok := w.s.endpoints[id]
	if !ok {
		w.hop("vpce", id)
		w.doubt()
		w.stopped = true
		return
	}
	w.hop("vpce", id)
	if !ready(p.state) {
		w.deny(State, id, "")
	}
	if p.kind == "GatewayLoadBalancer" {
		w.doubt()
		if len(p.subnets) != 1 {
			w.stopped = true
			return
		}
		w.leave(nil, p.subnets[0], vpc)
		return
	}
	if w.pk.Dst.Is6() && p.family != "ipv6" && p.family != "dualstack" {
		w.stop(RouteMismatch, at, "")
		return
	}
	echo := w.pk.Protocol == netfilter.ICMP && w.pk.ICMPType == 8 || w.pk.Protocol == netfilter.ICMPv6 && w.pk.ICMPType == 128
	if w.pk.Protocol != netfilter.TCP && !echo {
		w.denyAs(ProtocolOnly, "VPCE_GATEWAY_PROTOCOL_RESTRICTION", id, "")
	}
	w.reach("aws-services", "aws-services", vpc)
}

// transit crosses a transit gateway.
func (w *walk) transit(id, subnet, vpc string) {
	w.hop("tgw", id)
	at, a, ok := w.s.tgw.of(id, vpc)
	if !ok {
		if w.s.seen["TransitGatewayVpcAttachments"] || w.s.seen["TransitGatewayAttachments"] {
			w.stop(AttachmentState, id, "attach "+vpc+" to "+id)
			return
		}
		w.doubt()
		w.stopped = true
		return
	}
	if !ready(a.state) {
		w.deny(AttachmentState, at, "")
	}
	zone := w.s.subnets[subnet].zone
	if len(a.subnets) > 0 && zone != "" {
		entry := w.inZone(a.subnets, zone)
		if entry == "" {
			w.deny(AttachmentState, at, "add a subnet in "+zone+" to "+at)
		} else if entry != subnet {
			w.acl(entry, vpc, netfilter.Ingress, ACLIn)
		}
	}
	w.forward(id, at, a)
}

func (w *walk) inZone(subnets []string, zone string) string {
	for _, id := range subnets {
		if w.s.subnets[id].zone == zone {
			return id
		}
	}
	return ""
}

// forward looks the packet up in the table of the attachment it came by.
func (w *walk) forward(gateway, from string, a attachment) {
	if len(w.hops) > maxHops {
		w.stop(Loop, gateway, "")
		return
	}
	if a.table == "" && a.linked {
		w.denyAs(TGWNoRoute, "TGW_ATTACH_MISSING_TGW_RTB_ASSOCIATION", from, "associate "+from+" with a table")
		w.stopped = true
		return
	}
	routes, known := w.s.tgw.routes[a.table]
	r, ok := w.s.tgw.lookup(a.table, w.pk.Dst)
	if w.s.tgw.partial[a.table] || !known {
		w.doubt()
	}
	if !ok || routes == nil {
		w.stop(TGWNoRoute, a.table+"/"+w.pk.Dst.String(), "add a route to "+w.pk.Dst.String()+" to "+a.table)
		return
	}
	if r.dead {
		w.denyAs(RouteState, "TGW_RTB_BAD_STATE_ROUTE", a.table+"/"+r.dest.String(), "")
		w.stopped = true
		return
	}
	if p, ok := w.s.tgw.peers[r.attachment]; ok || r.kind == "peering" {
		other := p.gateways[0]
		if other == gateway {
			other = p.gateways[1]
		}
		next, known := w.s.tgw.attachments[attachmentKey{other, r.attachment}]
		if !known {
			w.doubt()
			w.stopped = true
			return
		}
		if !ready(p.state) {
			w.deny(AttachmentState, r.attachment, "")
		}
		w.hop("tgw", other)
		w.forward(other, r.attachment, next)
		return
	}
	b, known := w.s.tgw.attachments[attachmentKey{gateway, r.attachment}]
	switch {
	case !known && r.kind == "vpc" || !known && r.kind == "":
		w.doubt()
		w.stopped = true
	case known && b.kind == "vpc":
		w.outOf(r.attachment, b)
	default:
		w.reach("external", r.attachment, "")
	}
}

// outOf lets the packet into the VPC of an attachment: the table of the
// attachment's subnet decides where it goes.
func (w *walk) outOf(id string, b attachment) {
	if !ready(b.state) {
		w.deny(AttachmentState, id, "")
	}
	w.hop("vpc", b.resource)
	if len(b.subnets) == 0 {
		w.doubt()
		w.stopped = true
		return
	}
	exit := b.subnets[0]
	if e := w.s.owner(b.resource, w.pk.Dst); e != nil {
		if same := w.inZone(b.subnets, w.s.subnets[e.Subnet].zone); same != "" {
			exit = same
		}
		if e.Subnet == exit {
			w.hop("subnet", exit)
			w.arrive(e, exit)
			return
		}
	}
	k := state{exit, w.pk.Src, w.pk.Dst}
	if w.seen[k] {
		w.stop(Loop, exit, "")
		return
	}
	w.seen[k] = true
	t := w.s.tableOf(exit, b.resource)
	if t == nil {
		w.doubt()
		w.stopped = true
		return
	}
	best, unsure := w.s.choose(t, w.pk.Dst)
	if unsure || len(best) > 1 {
		w.doubt()
	}
	w.acl(exit, b.resource, netfilter.Egress, ACLOut)
	if len(best) == 0 {
		w.stop(NoRoute, t.id+"/"+w.pk.Dst.String(), "add a route to "+w.pk.Dst.String()+" to "+t.id)
		return
	}
	w.follow(nil, t, best[0], "", b.resource)
}
