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
	states      map[string]string         // of gateways
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

func (t *transit) read(s *Snapshot, p node, table string) {
	for _, n := range p.list("TransitGateways") {
		id := n.text("TransitGatewayId")
		t.states[id] = n.text("State")
		t.referencing[id] = n.object("Options").text("SecurityGroupReferencingSupport") == "enable"
		s.once(n, "transit gateway", id, []any{t.states[id], t.referencing[id]})
	}
	t.readAttachments(s, p)
	for _, n := range p.list("TransitGatewayPeeringAttachments") {
		id := n.text("TransitGatewayAttachmentId")
		v := transitPeer{
			[2]string{n.object("RequesterTgwInfo").text("TransitGatewayId"), n.object("AccepterTgwInfo").text("TransitGatewayId")}, n.text("State"),
		}
		s.once(n, "transit gateway peering", id, v)
		t.peers[id] = v
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

// readAttachments joins what two commands say of an attachment: which table
// serves it, and which subnets it is in.
func (t *transit) readAttachments(s *Snapshot, p node) {
	for _, n := range p.list("TransitGatewayAttachments") {
		k := attachmentKey{n.text("TransitGatewayId"), n.text("TransitGatewayAttachmentId")}
		a := t.attachments[k]
		a.kind, a.resource, a.state, a.linked = n.text("ResourceType"), n.text("ResourceId"), n.text("State"), true
		if as := n.object("Association"); as.text("State") == "associated" || as.text("State") == "" {
			a.table = as.text("TransitGatewayRouteTableId")
		}
		s.once(n, "attachment", k.gateway+" "+k.id, []string{a.kind, a.resource, a.state, a.table})
		t.attachments[k] = a
	}
	for _, n := range p.list("TransitGatewayVpcAttachments") {
		k := attachmentKey{n.text("TransitGatewayId"), n.text("TransitGatewayAttachmentId")}
		a := t.attachments[k]
		a.kind, a.resource, a.state, a.subnets = "vpc", n.text("VpcId"), n.text("State"), n.texts("SubnetIds")
		a.noReferences = n.object("Options").text("SecurityGroupReferencingSupport") == "disable"
		s.once(n, "VPC attachment", k.gateway+" "+k.id, a.subnets)
		s.once(n, "attachment", k.gateway+" "+k.id+" vpc", []string{a.resource, a.state})
		t.attachments[k] = a
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

// of returns the VPC's attachment to the gateway: an available one, of several
// alike the first by id.
func (t *transit) of(gateway, vpc string) (id string, a attachment, ok bool) {
	for k, x := range t.attachments {
		if k.gateway != gateway || x.kind != "vpc" || x.resource != vpc {
			continue
		}
		if up, have := x.state == "available", a.state == "available"; !ok || up && !have || up == have && k.id < id {
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
