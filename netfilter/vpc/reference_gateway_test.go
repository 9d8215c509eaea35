// SPDX-License-Identifier: Apache-2.0

package vpc_test

import "net/netip"

// This file is the reference's gateways (NET-50).

func (k refWalk) nat(id, at, subnet string) []refWalk {
	n := k.w.nat(id)
	if k.reply {
		k.hop("nat", id)
		return k.ends("ROUTE_MISMATCH", at)
	}
	regional := n.AvailabilityMode == "regional"
	if !regional && subnet != n.SubnetId {
		k.acl(n.SubnetId, n.VpcId, false, "ACL_IN")
		k.hop("subnet", n.SubnetId)
	}
	k.hop("nat", id)
	if n.State != "available" {
		k.block("STATE", id)
	}
	nat64 := netip.MustParsePrefix("64:ff9b::/96").Contains(k.p.dst)
	if k.p.proto != 6 && k.p.proto != 17 && k.p.proto != 1 && !(k.p.proto == 58 && nat64) {
		k.block("NAT_PROTOCOL", id)
	}
	if k.p.dst.Is6() && !nat64 {
		return k.ends("ROUTE_MISMATCH", at)
	}
	if regional {
		return k.vanishes()
	}
	natted := map[string]refPacket{id: k.p}
	for other, p := range k.natted {
		natted[other] = p
	}
	k.natted = natted
	if nat64 {
		b := k.p.dst.As16()
		k.p.dst = netip.AddrFrom4([4]byte(b[12:]))
		if k.p.proto == 58 {
			k.p.proto = 1
			if k.p.typ == 128 {
				k.p.typ = 8
			}
		}
	}
	k.p.src = addr(n.NatGatewayAddresses[0].PrivateIp)
	return k.leave(k.w.iface(n.NatGatewayAddresses[0].NetworkInterfaceId), n.SubnetId, n.VpcId)
}

func (k refWalk) egressOnly(id, at, subnet, v string) []refWalk {
	k.hop("eigw", id)
	k.gateway(id, v)
	k.publicAccess(id, subnet, v, true)
	if k.p.dst.Is4() || !refGlobal(k.p.dst) {
		return k.ends("ROUTE_MISMATCH", at)
	}
	k.hop("internet", "internet")
	if k.inSnapshot() {
		return k.enter()
	}
	k.end, k.endVPC = "internet", v
	if k.want != "" {
		return k.ends("ROUTE_MISMATCH", at)
	}
	return []refWalk{k}
}

func (k refWalk) peering(id, v string) []refWalk {
	k.hop("pcx", id)
	for _, p := range k.w.VpcPeeringConnections {
		if p.VpcPeeringConnectionId != id {
			continue
		}
		if p.Status.Code != "active" {
			k.block("STATE", id)
		}
		other := p.AccepterVpcInfo
		if other.VpcId == v {
			other = p.RequesterVpcInfo
		}
		if !refIn(k.w.blocks(other.VpcId), k.p.dst) {
			return k.ends("NOT_TRANSITIVE", id)
		}
		k.hop("vpc", other.VpcId)
		if e := k.w.owner(other.VpcId, k.p.dst); e != nil {
			return k.arrive(e, "")
		}
		return k.ends("NO_SUCH_ADDRESS", other.VpcId)
	}
	return k.ends("STATE", id)
}

func (k refWalk) endpoint(id, at, v string) []refWalk {
	for _, p := range k.w.VpcEndpoints {
		if p.VpcEndpointId != id {
			continue
		}
		k.hop("vpce", id)
		if p.State != "available" {
			k.block("STATE", id)
		}
		if p.VpcEndpointType == "GatewayLoadBalancer" {
			k.lose()
			return k.leave(nil, p.SubnetIds[0], v)
		}
		if k.w.owner(v, k.p.src) == nil { // not for other networks, says the gateway endpoints page
			k.block("NOT_TRANSITIVE", id)
		}
		if k.p.dst.Is6() && p.IpAddressType != "dualstack" && p.IpAddressType != "ipv6" {
			return k.ends("ROUTE_MISMATCH", at)
		}
		echo := k.p.proto == 1 && k.p.typ == 8 || k.p.proto == 58 && k.p.typ == 128
		if k.p.proto != 6 && !echo {
			k.block("PROTOCOL", id)
		}
		return k.outside("aws-services", "aws-services", v)
	}
	return k.ends("STATE", id)
}

// transit crosses a transit gateway: NET-50 and, for the ACLs,
// https://docs.aws.amazon.com/vpc/latest/tgw/tgw-nacls.html.
func (k refWalk) transit(id, subnet, v string) []refWalk {
	k.hop("tgw", id)
	for _, a := range k.w.TransitGatewayVpcAttachments {
		if a.TransitGatewayId != id || a.VpcId != v {
			continue
		}
		if a.State != "available" {
			k.block("ATTACHMENT_STATE", a.TransitGatewayAttachmentId)
		}
		if subnet != "" {
			entry := ""
			for _, s := range a.SubnetIds {
				if k.w.zoneOf(s) == k.w.zoneOf(subnet) {
					entry = s
				}
			}
			if entry == "" {
				k.block("ATTACHMENT_STATE", a.TransitGatewayAttachmentId)
			} else {
				k.acl(entry, v, false, "ACL_IN")
			}
		}
		return k.forward(id, a.TransitGatewayAttachmentId)
	}
	return k.ends("ATTACHMENT_STATE", id)
}

func (k refWalk) forward(gateway, by string) []refWalk {
	if k.again(gateway + " " + by) {
		return k.ends("LOOP", gateway)
	}
	table := ""
	for _, a := range k.w.TransitGatewayAttachments {
		if a.TransitGatewayId == gateway && a.TransitGatewayAttachmentId == by && a.Association != nil && a.Association.State == "associated" {
			table = a.Association.TransitGatewayRouteTableId
		}
	}
	if table == "" {
		return k.ends("TGW_NO_ROUTE", by)
	}
	var best *refTGWRoute
	bits := -1
	for i, r := range k.w.tgwRoutes[table] {
		d := netip.MustParsePrefix(r.DestinationCidrBlock)
		if d.Contains(k.p.dst) && (d.Bits() > bits || d.Bits() == bits && r.Type == "static" && best.Type != "static") {
			best, bits = &k.w.tgwRoutes[table][i], d.Bits()
		}
	}
	if best == nil {
		return k.ends("TGW_NO_ROUTE", table+"/"+k.p.dst.String())
	}
	if best.State == "blackhole" {
		return k.ends("ROUTE_STATE", table+"/"+best.DestinationCidrBlock)
	}
	to := best.TransitGatewayAttachments[0].TransitGatewayAttachmentId
	for _, p := range k.w.TransitGatewayPeeringAttachments {
		if p.TransitGatewayAttachmentId == to {
			other := p.RequesterTgwInfo.TransitGatewayId
			if other == gateway {
				other = p.AccepterTgwInfo.TransitGatewayId
			}
			if p.State != "available" {
				k.block("ATTACHMENT_STATE", to)
			}
			k.hop("tgw", other)
			return k.forward(other, to)
		}
	}
	for _, a := range k.w.TransitGatewayVpcAttachments {
		if a.TransitGatewayId == gateway && a.TransitGatewayAttachmentId == to {
			return k.intoAttached(a)
		}
	}
	return k.outside("external", to, "")
}

// intoAttached leaves the gateway by the attachment's subnet of the zone that
// the packet came from, or else by any.
func (k refWalk) intoAttached(a refVPCAttachment) (out []refWalk) {
	if a.State != "available" {
		k.block("ATTACHMENT_STATE", a.TransitGatewayAttachmentId)
	}
	k.hop("vpc", a.VpcId)
	exits := a.SubnetIds
	for _, s := range a.SubnetIds {
		if k.w.zoneOf(s) == k.zone {
			exits = []string{s}
		}
	}
	for _, exit := range exits {
		out = append(out, k.exit(exit, a.VpcId)...)
	}
	return out
}

func (k refWalk) exit(subnet, v string) []refWalk {
	if k.again(subnet) {
		return k.ends("LOOP", subnet)
	}
	k.zone = k.w.zoneOf(subnet)
	if e := k.w.owner(v, k.p.dst); e != nil && e.SubnetId == subnet {
		k.hop("subnet", subnet)
		return k.arrive(e, subnet)
	}
	k.acl(subnet, v, true, "ACL_OUT")
	t := k.w.tableOf(subnet, v)
	if t == nil {
		return k.vanishes()
	}
	return k.route(nil, t, "", v)
}
