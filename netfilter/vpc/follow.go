// SPDX-License-Identifier: Apache-2.0

package vpc

import "github.com/sallyport-go/sallyport/netfilter"

// route takes the packet to the target of the table's route.
func (w *walk) route(e *netfilter.Interface, t *table, subnet, vpc string) {
	best, unsure := w.s.choose(t, w.pk.Dst)
	if len(best) == 0 {
		if subnet != "" {
			w.acl(subnet, vpc, netfilter.Egress, ACLOut)
			w.hop("vpc", vpc)
		}
		if unsure {
			w.vanish()
			return
		}
		w.stop(NoRoute, t.id+"/"+w.pk.Dst.String(), "add a route to "+w.pk.Dst.String()+" to "+t.id)
		return
	}
	if unsure {
		w.doubt()
	}
	for _, c := range best[1:] {
		if o := w.fork(); o != nil {
			o.follow(e, t, c, subnet, vpc)
		}
	}
	w.follow(e, t, best[0], subnet, vpc)
}

// follow takes one route.
func (w *walk) follow(e *netfilter.Interface, t *table, c choice, subnet, vpc string) {
	at := t.id + "/" + c.at.String()
	if subnet != "" {
		if w.subnetOf(c.target, vpc) != subnet {
			w.acl(subnet, vpc, netfilter.Egress, ACLOut)
		}
		w.hop("vpc", vpc)
	}
	if c.dead {
		w.stop(RouteState, at, "replace the route "+at)
		return
	}
	switch {
	case c.target == "local":
		w.local(vpc, at, subnet)
	case has(c.target, "eni-", "i-"):
		w.box(c.target, at, subnet)
	case has(c.target, "nat-"):
		w.nat(c.target, at, subnet, vpc)
	case has(c.target, "igw-"):
		w.internet(e, c.target, at, subnet, vpc)
	case has(c.target, "eigw-"):
		w.egressOnly(c.target, at, subnet, vpc)
	case has(c.target, "pcx-"):
		w.peer(c.target, vpc)
	case has(c.target, "tgw-"):
		w.transit(c.target, subnet, vpc)
	case has(c.target, "vpce-"):
		w.endpoint(c.target, at, vpc)
	case has(c.target, "vgw-"):
		w.vpn(c.target, vpc)
	default:
		w.outside(c.target, at, vpc)
	}
}

// subnetOf returns the subnet of a target that is inside one.
func (w *walk) subnetOf(target, vpc string) string {
	switch {
	case has(target, "nat-"):
		return w.s.nats[target].subnet
	case has(target, "eni-", "i-"):
		if e, err := w.s.end(Endpoint{Interface: target}); err == nil {
			return e.iface.Subnet
		}
	}
	return ""
}

// local delivers to an interface of the VPC.
func (w *walk) local(vpc, at, from string) {
	e := w.s.owner(vpc, w.pk.Dst)
	if e == nil {
		if w.s.inv.Interfaces == nil {
			w.doubt()
		}
		w.stop(NoSuchAddress, at, "")
		return
	}
	w.arrive(e, from)
}

// box hands the packet to an interface that forwards it.
func (w *walk) box(target, at, from string) {
	e, err := w.s.end(Endpoint{Interface: target})
	if err != nil {
		w.stop(State, target, "replace the route "+at)
		return
	}
	w.arrive(e.iface, from)
}

// reach ends the walk outside of the VPCs.
func (w *walk) reach(kind, id, vpc string) {
	w.hop(kind, id)
	w.place, w.vpc = kind, vpc
	if w.want.named || w.want.iface != nil {
		w.doubt()
	}
}

// outside follows a route to something that the model does not know.
func (w *walk) outside(target, at, vpc string) {
	if target == "" {
		target = at
	}
	w.reach("external", target, vpc)
}

// vpn leaves by a virtual private gateway.
func (w *walk) vpn(id, vpc string) {
	if g, ok := w.s.gateways[id]; ok && (g.vpc != vpc || !ready(g.state)) {
		w.deny(AttachmentState, id, "attach "+id+" to "+vpc)
	}
	w.encrypted(vpc, vpnKind)
	w.reach("vgw", id, vpc)
}
