// SPDX-License-Identifier: Apache-2.0

package vpc

import "github.com/sallyport-go/sallyport/netfilter"

// peer crosses a peering connection.
func (w *walk) peer(id, vpc string) {
	w.hop("pcx", id)
	p, ok := w.s.peerings[id]
	if !ok {
		if w.s.seen["VpcPeeringConnections"] {
			w.stop(State, id, "")
			return
		}
		w.vanish()
		return
	}
	if !ready(p.state) {
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
	if !w.s.encryption[other].enforced {
		w.encrypted(vpc, peeringKind)
	}
	if !w.s.encryption[vpc].enforced {
		w.encrypted(other, peeringKind)
	}
	if !within(p.blocks[side], w.pk.Dst) && !within(w.s.vpcs[other], w.pk.Dst) {
		w.stop(NotTransitive, id, "")
		return
	}
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

// endpoint takes the packet to a gateway endpoint, which serves its VPC only, or
// through a Gateway Load Balancer endpoint.
//
// See https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html.
func (w *walk) endpoint(id, at, vpc string) {
	w.hop("vpce", id)
	p, ok := w.s.endpoints[id]
	if !ok {
		if w.s.seen["VpcEndpoints"] {
			w.stop(State, id, "replace the route "+at)
			return
		}
		w.vanish()
		return
	}
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
	if w.s.owner(vpc, w.pk.Src) == nil {
		w.deny(NotTransitive, id, "")
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
