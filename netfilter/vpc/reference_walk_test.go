// SPDX-License-Identifier: Apache-2.0

package vpc_test

import (
	"net/netip"
	"strings"

	"github.com/sallyport-go/sallyport/netfilter/vpc"
)

// This file is the reference's hops (NET-49 to NET-53). Each step returns the walks that came of it, one for each of several
// equal routes.

// refStart begins a question. Ends are an interface id, an address, or
// "internet".
func refStart(w *refWorld, from, to string, t vpc.Traffic, sport, dport int) []refWalk {
	k := refWalk{w: w, natted: map[string]refPacket{}}
	a, b := w.iface(from), w.iface(to)
	k.p = refPacket{src: t.Src, dst: t.Dst, proto: int(t.Protocol), sport: sport, dport: dport, typ: int(t.ICMPType), code: int(t.ICMPCode)}
	if b != nil {
		k.want, k.wantIface = to, to
	}
	if !k.p.src.IsValid() {
		k.p.src = addr(from)
	}
	if !k.p.dst.IsValid() {
		k.p.dst = addr(to)
		for i := range w.NetworkInterfaces {
			e := &w.NetworkInterfaces[i]
			if e.owns(k.p.dst) {
				k.wantIface = e.NetworkInterfaceId
			}
		}
		if e, _ := w.behindPublic(k.p.dst); e != nil {
			k.wantIface = e.NetworkInterfaceId
		}
	}
	six := k.p.src.Is6() || k.p.dst.Is6() || t.Protocol == 58 || a != nil && a.PrivateIpAddress == "" && !k.p.dst.Is4() || b != nil && b.PrivateIpAddress == "" && !k.p.src.Is4()
	if !k.p.src.IsValid() {
		k.p.src = refPrimary(a, six)
	}
	if !k.p.dst.IsValid() {
		k.p.dst = refPrimary(b, six)
		if x, ok := b.public(k.p.dst); ok && from == "internet" {
			k.p.dst = x
		}
	}
	if a == nil {
		k.hop("internet", "internet")
		return k.enter()
	}
	return k.send(a)
}

func refPrimary(e *refIface, six bool) netip.Addr {
	if six {
		if len(e.Ipv6Addresses) > 0 {
			return addr(e.Ipv6Addresses[0].Ipv6Address)
		}
		return netip.Addr{}
	}
	return addr(e.PrivateIpAddress)
}

// refBack walks one reply of a leaf.
func refBack(first refWalk, from string, outer, inner int) []refWalk {
	k := refWalk{w: first.w, p: first.p.back(), reply: true, natted: first.natted, inner: inner, want: from, wantIface: from}
	k.p.dport = outer
	if from == "internet" {
		k.want, k.wantIface = "", ""
	}
	switch {
	case first.lost: // whoever answers may see other addresses
		return k.vanishes()
	case first.end == "internet":
		k.hop("internet", "internet")
		return k.enter()
	case first.end == "aws-services":
		k.hop("aws-services", "aws-services")
		if e := first.w.owner(first.endVPC, k.p.dst); e != nil {
			return k.arrive(e, "")
		}
		return k.vanishes()
	case first.w.iface(first.end) != nil:
		return k.send(first.w.iface(first.end))
	}
	return k.vanishes()
}

// send is an interface that emits a packet of its own.
func (k refWalk) send(e *refIface) []refWalk {
	k.at(e)
	if !e.owns(k.p.src) && e.SourceDestCheck {
		k.block("SRC_DST_CHECK", e.NetworkInterfaceId)
	}
	k.group(e, true)
	return k.leave(e, e.SubnetId, e.VpcId)
}

// at is an interface that the packet passes, with its state (NET-52).
func (k *refWalk) at(e *refIface) {
	if n := k.w.natOf(e.NetworkInterfaceId); n != nil {
		k.hop("nat", n.NatGatewayId)
		return
	}
	k.hop("eni", e.NetworkInterfaceId)
	if e.Status == "detaching" {
		k.block("STATE", e.NetworkInterfaceId)
	}
	for _, r := range k.w.Reservations {
		for _, i := range r.Instances {
			if i.InstanceId == e.Attachment.InstanceId && i.State.Name != "running" {
				k.block("STATE", i.InstanceId)
			}
		}
	}
	for _, p := range k.w.VpcEndpoints {
		for _, id := range p.NetworkInterfaceIds {
			if id == e.NetworkInterfaceId && p.State != "available" {
				k.block("STATE", p.VpcEndpointId)
			}
		}
	}
}

// again notes that the packet is at a place, and reports whether it was before.
func (k *refWalk) again(place string) bool {
	here := place + " " + k.p.src.String() + " " + k.p.dst.String()
	for _, s := range k.seen {
		if s == here {
			return true
		}
	}
	k.seen = append(k.seen[:len(k.seen):len(k.seen)], here)
	return false
}

// leave is a packet going out of a subnet; e emits it, nil for a gateway.
func (k refWalk) leave(e *refIface, subnet, v string) []refWalk {
	if k.again(subnet) {
		return k.ends("LOOP", subnet)
	}
	k.zone = k.w.zoneOf(subnet)
	if near := k.w.owner(v, k.p.dst); near != nil && near.SubnetId == subnet {
		if e != nil && !k.reply && strings.HasPrefix(e.Description, "ELB ") && !strings.Contains(e.Description, "/") {
			k.acl(subnet, v, true, "ELB_ACL") // NET-33
		}
		return k.arrive(near, subnet)
	}
	if is, _ := k.service(v); is && !k.reply {
		k.acl(subnet, v, true, "ACL_OUT")
		return k.outside("aws-services", "aws-services", v)
	}
	k.hop("subnet", subnet)
	t := k.w.tableOf(subnet, v)
	if t == nil {
		k.acl(subnet, v, true, "ACL_OUT")
		return k.vanishes()
	}
	return k.route(e, t, subnet, v)
}

func (k refWalk) route(e *refIface, t *refTable, subnet, v string) (out []refWalk) {
	best, unknown := k.w.choose(t, k.p.dst)
	if len(best) == 0 {
		if subnet != "" {
			k.acl(subnet, v, true, "ACL_OUT")
			k.hop("vpc", v)
		}
		if unknown {
			return k.vanishes()
		}
		return k.ends("NO_ROUTE", t.RouteTableId+"/"+k.p.dst.String())
	}
	if unknown {
		k.lose()
	}
	for _, c := range best {
		out = append(out, k.follow(e, c, t.RouteTableId+"/"+c.dest.String(), subnet, v)...)
	}
	return out
}

func (k refWalk) follow(e *refIface, c refChoice, at, subnet, v string) []refWalk {
	target := c.target()
	if subnet != "" {
		inside := ""
		if n := k.w.nat(target); n != nil {
			inside = n.SubnetId
		}
		if b := k.w.iface(target); b != nil {
			inside = b.SubnetId
		}
		if inside != subnet {
			k.acl(subnet, v, true, "ACL_OUT")
		}
		k.hop("vpc", v)
	}
	kind, _, _ := strings.Cut(target, "-")
	switch {
	case c.State == "blackhole":
		return k.ends("ROUTE_STATE", at)
	case kind == "local":
		if o := k.w.owner(v, k.p.dst); o != nil {
			return k.arrive(o, subnet)
		}
		return k.ends("NO_SUCH_ADDRESS", at)
	case kind == "eni":
		return k.arrive(k.w.iface(target), subnet)
	case kind == "nat":
		return k.nat(target, at, subnet)
	case kind == "igw":
		return k.internet(e, target, at, subnet, v)
	case kind == "eigw":
		return k.egressOnly(target, at, subnet, v)
	case kind == "pcx":
		return k.peering(target, v)
	case kind == "tgw":
		return k.transit(target, subnet, v)
	case kind == "vpce":
		return k.endpoint(target, at, v)
	case kind == "vgw":
		return k.outside("vgw", target, v)
	}
	return k.outside("external", target, v)
}

// outside ends the walk beyond the VPCs.
func (k refWalk) outside(kind, id, v string) []refWalk {
	k.hop(kind, id)
	k.end, k.endVPC = "out", v
	if kind == "aws-services" {
		k.end = kind
	}
	if k.wantIface != "" {
		k.lose()
	}
	return []refWalk{k}
}

// arrive is a packet coming to an interface.
func (k refWalk) arrive(e *refIface, from string) []refWalk {
	if from != e.SubnetId {
		k.acl(e.SubnetId, e.VpcId, false, "ACL_IN")
		k.hop("subnet", e.SubnetId)
	}
	k.at(e)
	if n := k.w.natOf(e.NetworkInterfaceId); n != nil {
		before, known := k.natted[n.NatGatewayId]
		if !k.reply || !known {
			return k.ends("NAT_UNSOLICITED", n.NatGatewayId)
		}
		k.p = before.back()
		k.p.dport = k.inner
		return k.leave(e, n.SubnetId, n.VpcId)
	}
	k.group(e, false)
	if e.owns(k.p.dst) {
		k.end, k.endVPC = e.NetworkInterfaceId, e.VpcId
		if k.want != "" && k.want != e.NetworkInterfaceId || k.reply && k.want == "" {
			return k.ends("NO_SUCH_ADDRESS", e.NetworkInterfaceId)
		}
		return []refWalk{k}
	}
	if e.SourceDestCheck {
		k.block("SRC_DST_CHECK", e.NetworkInterfaceId)
	}
	k.forwarded = true
	k.group(e, true)
	return k.leave(e, e.SubnetId, e.VpcId)
}

func (k *refWalk) gateway(id, v string) {
	for _, g := range append(append([]refGateway{}, k.w.InternetGateways...), k.w.EgressOnlyInternetGateways...) {
		if g.InternetGatewayId+g.EgressOnlyInternetGatewayId != id {
			continue
		}
		if len(g.Attachments) == 0 || g.Attachments[0].VpcId != v || g.Attachments[0].State != "available" && g.Attachments[0].State != "attached" {
			k.block("ATTACHMENT_STATE", id)
		}
		return
	}
	k.block("STATE", id)
}

// publicAccess is VPC Block Public Access (NET-52).
func (k *refWalk) publicAccess(id, subnet, v string, outOnly bool) {
	if k.w.VpcBlockPublicAccessOptions == nil || k.w.VpcBlockPublicAccessOptions.State != "update-complete" {
		return
	}
	mode := k.w.VpcBlockPublicAccessOptions.InternetGatewayBlockMode
	for _, x := range k.w.VpcBlockPublicAccessExclusions {
		if x.State != "create-complete" || !strings.HasSuffix(x.ResourceArn, "/"+v) && (subnet == "" || !strings.HasSuffix(x.ResourceArn, "/"+subnet)) {
			continue
		}
		if x.InternetGatewayExclusionMode == "allow-bidirectional" {
			return
		}
		if mode == "block-bidirectional" {
			mode = "block-ingress"
		}
	}
	if mode == "block-bidirectional" || mode == "block-ingress" && !outOnly {
		k.block("PUBLIC_ACCESS_BLOCKED", id)
	}
}

func (k refWalk) internet(e *refIface, id, at, subnet, v string) []refWalk {
	k.hop("igw", id)
	k.gateway(id, v)
	var n *refNAT
	if e != nil {
		n = k.w.natOf(e.NetworkInterfaceId)
	}
	k.publicAccess(id, subnet, v, n != nil || k.reply)
	if !refGlobal(k.p.dst) {
		return k.ends("ROUTE_MISMATCH", at)
	}
	if k.p.src.Is4() {
		switch {
		case e == nil:
			k.block("NO_PUBLIC_ADDRESS", id)
		case n != nil && n.ConnectivityType == "private":
			k.block("NO_PUBLIC_ADDRESS", n.NatGatewayId)
		case n != nil:
			k.p.src = addr(n.NatGatewayAddresses[0].PublicIp)
		default:
			public, ok := e.public(k.p.src)
			switch {
			case ok:
				k.p.src = public
			case !e.owns(k.p.src) && !e.SourceDestCheck:
				k.lose() // it may translate addresses
			default:
				k.block("NO_PUBLIC_ADDRESS", e.NetworkInterfaceId)
			}
		}
	} else if !refGlobal(k.p.src) {
		k.block("NO_PUBLIC_ADDRESS", id)
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

// inSnapshot says that the internet leads the packet back into one of the VPCs.
func (k *refWalk) inSnapshot() bool {
	e, _ := k.w.behindPublic(k.p.dst)
	if e != nil {
		return true
	}
	for _, v := range k.w.Vpcs {
		if k.p.dst.Is6() && refIn(k.w.blocks(v.VpcId), k.p.dst) {
			return true
		}
	}
	return false
}

// enter is a packet coming in from the internet.
func (k refWalk) enter() []refWalk {
	v := ""
	e, private := k.w.behindPublic(k.p.dst)
	if e != nil {
		v = e.VpcId
	}
	for _, x := range k.w.Vpcs {
		if k.p.dst.Is6() && refIn(k.w.blocks(x.VpcId), k.p.dst) {
			v, e = x.VpcId, k.w.owner(x.VpcId, k.p.dst)
		}
	}
	if v == "" && k.wantIface != "" {
		e = k.w.iface(k.wantIface)
		v = e.VpcId
		if k.p.dst.Is4() {
			k.block("NO_PUBLIC_ADDRESS", e.NetworkInterfaceId)
		}
	}
	if v == "" {
		return k.ends("NO_SUCH_ADDRESS", k.p.dst.String())
	}
	door := k.door(e, v)
	if door == "" {
		return k.ends("ATTACHMENT_STATE", v)
	}
	k.p.dst = private
	k.hop("vpc", v)
	for i := range k.w.RouteTables {
		for _, a := range k.w.RouteTables[i].Associations {
			if a.GatewayId == door {
				if k.again(door) {
					return k.ends("LOOP", door)
				}
				return k.route(nil, &k.w.RouteTables[i], "", v)
			}
		}
	}
	if e == nil {
		return k.ends("NO_SUCH_ADDRESS", k.p.dst.String())
	}
	return k.arrive(e, "")
}

// door passes the gateway that the packet comes in by, and returns it.
func (k *refWalk) door(e *refIface, v string) string {
	subnet := ""
	if e != nil {
		subnet = e.SubnetId
	}
	door := ""
	if e != nil && k.p.dst.Is6() {
		if t := k.w.tableOf(e.SubnetId, v); t != nil {
			if best, _ := k.w.choose(t, k.p.src); len(best) > 0 && strings.HasPrefix(best[0].target(), "eigw-") {
				door = best[0].target()
				k.hop("eigw", door)
				if !k.reply {
					k.block("EGRESS_ONLY", door)
				}
			}
		}
	}
	if door == "" {
		for _, g := range k.w.InternetGateways {
			if len(g.Attachments) > 0 && g.Attachments[0].VpcId == v {
				door = g.InternetGatewayId
			}
		}
		if door == "" {
			return ""
		}
		k.hop("igw", door)
		k.gateway(door, v)
		if e != nil && e.DenyAllIgwTraffic {
			k.block("PUBLIC_ACCESS_BLOCKED", e.NetworkInterfaceId)
		}
		if !k.reply {
			k.publicAccess(door, subnet, v, false)
		}
	}
	return door
}
