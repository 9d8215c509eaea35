// SPDX-License-Identifier: Apache-2.0

package vpc

import "net/netip"

// transit is what is known of transit gateways.
type transit struct {
	attachments map[attachmentKey]attachment
	routes      map[string][]transitRoute // by table
	partial     map[string]bool           // tables with more routes
	peers       map[string]transitPeer    // by attachment
	referencing map[string]bool           // gateways with security group references
}

type attachmentKey struct{ gateway, id string }

type attachment struct {
	kind, resource, state, table string
	linked                       bool // whether table is known
	subnets                      []string
	noReferences                 bool
}

type transitPeer struct {
	gateways [2]string
	state    string
}

type transitRoute struct {
	dest       netip.Prefix
	attachment string
	kind       string
	dead       bool
	propagated bool
}

func (t *transit) read(p node, table string) {
	for _, n := range p.list("TransitGateways") {
		t.referencing[n.text("TransitGatewayId")] = n.object("Options").text("SecurityGroupReferencingSupport") == "enable"
	}
	for _, n := range p.list("TransitGatewayAttachments") {
		k := attachmentKey{n.text("TransitGatewayId"), n.text("TransitGatewayAttachmentId")}
		a := t.attachments[k]
		a.kind, a.resource, a.state, a.linked = n.text("ResourceType"), n.text("ResourceId"), n.text("State"), true
		if as := n.object("Association"); as.text("State") == "associated" || as.text("State") == "" {
			a.table = as.text("TransitGatewayRouteTableId")
		}
		t.attachments[k] = a
	}
	for _, n := range p.list("TransitGatewayVpcAttachments") {
		k := attachmentKey{n.text("TransitGatewayId"), n.text("TransitGatewayAttachmentId")}
		a := t.attachments[k]
		a.kind, a.resource, a.state, a.subnets = "vpc", n.text("VpcId"), n.text("State"), n.texts("SubnetIds")
		a.noReferences = n.object("Options").text("SecurityGroupReferencingSupport") == "disable"
		t.attachments[k] = a
	}
	for _, n := range p.list("TransitGatewayPeeringAttachments") {
		t.peers[n.text("TransitGatewayAttachmentId")] = transitPeer{
			[2]string{n.object("RequesterTgwInfo").text("TransitGatewayId"), n.object("AccepterTgwInfo").text("TransitGatewayId")}, n.text("State"),
		}
	}
	if table == "" || !p.has("Routes") {
		return
	}
	if t.routes[table] == nil {
		t.routes[table] = []transitRoute{}
	}
	t.partial[table] = t.partial[table] || p.truth("AdditionalRoutesAvailable")
	for _, n := range p.list("Routes") {
		r := transitRoute{dest: n.prefix("DestinationCidrBlock"), dead: n.text("State") == "blackhole", propagated: n.text("Type") == "propagated"}
		for _, a := range n.list("TransitGatewayAttachments") {
			r.attachment, r.kind = a.text("TransitGatewayAttachmentId"), a.text("ResourceType")
		}
		t.routes[table] = append(t.routes[table], r)
	}
}

// lookup returns the table's route for the address: the longest, and of equal
// ones the static one.
func (t *transit) lookup(table string, dst netip.Addr) (best transitRoute, ok bool) {
	for _, r := range t.routes[table] {
		if !r.dest.IsValid() || !r.dest.Contains(dst) {
			continue
		}
		if !ok || r.dest.Bits() > best.dest.Bits() || r.dest.Bits() == best.dest.Bits() && best.propagated && !r.propagated {
			best, ok = r, true
		}
	}
	return best, ok
}

// of returns the VPC's attachment to the gateway.
func (t *transit) of(gateway, vpc string) (id string, a attachment, ok bool) {
	for k, x := range t.attachments {
		if k.gateway == gateway && x.kind == "vpc" && x.resource == vpc && (!ok || x.state == "available") {
			id, a, ok = k.id, x, true
		}
	}
	return id, a, ok
}

// refers reports whether groups of one VPC may name groups of another through
// a transit gateway.
func (t *transit) refers(a, b string) bool {
	for g, on := range t.referencing {
		_, x, okX := t.of(g, a)
		_, y, okY := t.of(g, b)
		if on && okX && okY && !x.noReferences && !y.noReferences {
			return true
		}
	}
	return false
}
