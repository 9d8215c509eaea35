// SPDX-License-Identifier: Apache-2.0

package vpc

import "github.com/sallyport-go/sallyport/netfilter"

// transit crosses a transit gateway. What enters it crosses the ACL of the
// attachment's subnet inbound, in whatever subnet it began; what leaves it that
// ACL outbound, unless its destination is in that subnet.
//
// See https://docs.aws.amazon.com/vpc/latest/tgw/tgw-nacls.html.
func (w *walk) transit(id, subnet, vpc string) {
	w.hop("tgw", id)
	if !ready(w.s.tgw.states[id]) {
		w.deny(State, id, "")
	}
	at, a, ok := w.s.tgw.of(id, vpc)
	if !ok {
		if w.s.seen["TransitGatewayVpcAttachments"] || w.s.seen["TransitGatewayAttachments"] {
			w.stop(AttachmentState, id, "attach "+vpc+" to "+id)
			return
		}
		w.vanish()
		return
	}
	if !ready(a.state) {
		w.deny(AttachmentState, at, "")
	}
	if zone := w.s.subnets[subnet].zone; len(a.subnets) > 0 && zone != "" {
		if entry := w.inZone(a.subnets, zone); entry == "" {
			w.deny(AttachmentState, at, "add a subnet in "+zone+" to "+at)
		} else {
			w.acl(entry, vpc, netfilter.Ingress, ACLIn)
		}
	}
	w.forward(id, at, a)
}

// inZone returns the one of the subnets that is in the zone, "" for none.
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
	if w.ends(gateway+" "+from, gateway) {
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
		w.across(gateway, r.attachment, p)
		return
	}
	b, known := w.s.tgw.attachments[attachmentKey{gateway, r.attachment}]
	switch {
	case !known && r.kind == "vpc" || !known && r.kind == "":
		w.vanish()
	case known && b.kind == "vpc":
		w.outOf(r.attachment, b)
	default:
		w.reach("external", r.attachment, "")
	}
}

// across goes on at the other gateway of a peering attachment.
func (w *walk) across(gateway, id string, p transitPeer) {
	other := p.gateways[0]
	if other == gateway {
		other = p.gateways[1]
	}
	next, known := w.s.tgw.attachments[attachmentKey{other, id}]
	if !known {
		w.vanish()
		return
	}
	if !ready(p.state) {
		w.deny(AttachmentState, id, "")
	}
	w.hop("tgw", other)
	w.forward(other, id, next)
}

// outOf lets the packet into the VPC of an attachment, by its subnet in the zone
// that the packet came from; where there is none, AWS takes any.
func (w *walk) outOf(id string, b attachment) {
	if !ready(b.state) {
		w.deny(AttachmentState, id, "")
	}
	w.hop("vpc", b.resource)
	if len(b.subnets) == 0 {
		w.vanish()
		return
	}
	exits := b.subnets
	if same := w.inZone(b.subnets, w.zone); same != "" {
		exits = []string{same}
	}
	for _, exit := range exits[1:] {
		if o := w.fork(); o != nil {
			o.exit(exit, b.resource)
		}
	}
	w.exit(exits[0], b.resource)
}

// exit lets the packet out of the attachment's interface in a subnet, whose
// table decides where it goes.
func (w *walk) exit(subnet, vpc string) {
	if w.ends(subnet, subnet) {
		return
	}
	w.zone = w.s.subnets[subnet].zone
	if e := w.s.owner(vpc, w.pk.Dst); e != nil && e.Subnet == subnet {
		w.hop("subnet", subnet)
		w.arrive(e, subnet)
		return
	}
	w.acl(subnet, vpc, netfilter.Egress, ACLOut)
	t := w.s.tableOf(subnet, vpc)
	if t == nil {
		w.vanish()
		return
	}
	w.route(nil, t, "", vpc)
}
