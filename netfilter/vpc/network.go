// SPDX-License-Identifier: Apache-2.0

package vpc

import (
	"net/netip"
	"path"
	"reflect"
	"regexp"
)

// once reports whether an object is new; a different one of the same id is a
// fault.
func (s *Snapshot) once(n node, kind, id string, v any) bool {
	old, twice := s.objects[kind+" "+id]
	if twice && !reflect.DeepEqual(old, v) {
		n.fail("", id+" is described differently elsewhere")
	}
	s.objects[kind+" "+id] = v
	return !twice
}

func (s *Snapshot) page(r *reader, p node) {
	for name := range p.members {
		s.seen[name] = s.seen[name] || p.filled(name)
	}
	s.networks(p)
	s.gatewaysOf(p)
	s.connections(p)
	for _, n := range p.list("RouteTables") {
		if t := readTable(n); s.once(n, "table", t.id, *t) {
			s.tables = append(s.tables, t)
		}
	}
	for _, res := range p.list("Reservations") {
		for _, n := range res.list("Instances") {
			id, name := n.text("InstanceId"), n.object("State").text("Name")
			s.once(n, "instance", id, name)
			s.states[id] = name
		}
	}
	for _, n := range p.list("NetworkInterfaces") {
		s.labels[n.text("NetworkInterfaceId")] = n.text("Description")
	}
	for _, n := range p.list("Addresses") {
		s.publics = append(s.publics, publicAddress{n.text("NetworkInterfaceId"), n.addr("PrivateIpAddress"), n.addr("PublicIp")})
	}
	for _, n := range p.list("SecurityGroupVpcAssociations") {
		if id := n.text("GroupId"); n.text("State") == "associated" {
			s.shared[id] = append(s.shared[id], n.text("VpcId"))
		}
	}
	for _, n := range p.list("VpcEncryptionControls") {
		c := readEncryption(n)
		if id := n.text("VpcId"); s.once(n, "encryption", id, c) {
			s.encryption[id] = c
		}
	}
	s.access.read(s, p)
	table := tableInName.FindString(path.Base(r.file))
	if table == "" {
		table = tableInName.FindString(r.file) // of a folder of pages
	}
	s.tgw.read(s, p, table)
}

var tableInName = regexp.MustCompile(`tgw-rtb-[0-9a-z]+`)

func (s *Snapshot) networks(p node) {
	for _, n := range p.list("Vpcs") {
		blocks := blocksOf(n, "CidrBlock", "CidrBlockAssociationSet", "CidrBlockState")
		blocks = append(blocks, blocksOf(n, "Ipv6CidrBlock", "Ipv6CidrBlockAssociationSet", "Ipv6CidrBlockState")...)
		if id := n.text("VpcId"); s.once(n, "vpc", id, blocks) {
			s.vpcs[id] = blocks
		}
	}
	for _, n := range p.list("Subnets") {
		v := subnet{vpc: n.text("VpcId"), zone: n.text("AvailabilityZone"), blocks: blocksOf(n, "CidrBlock", "", "")}
		v.blocks = append(v.blocks, blocksOf(n, "Ipv6CidrBlock", "Ipv6CidrBlockAssociationSet", "Ipv6CidrBlockState")...)
		if id := n.text("SubnetId"); s.once(n, "subnet", id, v) {
			s.subnets[id] = v
		}
	}
}

// blocksOf reads an object's own block and the associated ones of its set.
func blocksOf(n node, name, set, state string) []netip.Prefix {
	var out []netip.Prefix
	add := func(p netip.Prefix) {
		for _, o := range out {
			if o == p {
				return
			}
		}
		if p.IsValid() {
			out = append(out, p)
		}
	}
	add(n.prefix(name))
	if set == "" {
		return out
	}
	for _, a := range n.list(set) {
		if st := a.object(state).text("State"); st == "" || st == "associated" {
			add(a.prefix(name))
		}
	}
	return out
}

func (s *Snapshot) gatewaysOf(p node) {
	for _, kind := range [][2]string{{"InternetGateways", "InternetGatewayId"}, {"EgressOnlyInternetGateways", "EgressOnlyInternetGatewayId"}} {
		for _, n := range p.list(kind[0]) {
			var g gateway
			for _, a := range n.list("Attachments") {
				g = gateway{a.text("VpcId"), a.text("State")}
			}
			if id := n.text(kind[1]); s.once(n, "gateway", id, g) {
				s.gateways[id] = g
			}
		}
	}
	for _, n := range p.list("VpnGateways") {
		var g gateway
		for _, a := range n.list("VpcAttachments") {
			g = gateway{a.text("VpcId"), a.text("State")}
		}
		if st := n.text("State"); !ready(st) {
			g.state = st
		}
		if id := n.text("VpnGatewayId"); s.once(n, "gateway", id, g) {
			s.gateways[id] = g
		}
	}
}

// connections reads what leads out of a subnet and has a place of its own.
func (s *Snapshot) connections(p node) {
	for _, n := range p.list("NatGateways") {
		v := readNAT(n)
		if s.once(n, "nat", v.id, v) {
			s.nats[v.id] = v
		}
	}
	for _, n := range p.list("VpcPeeringConnections") {
		v := peering{state: n.object("Status").text("Code")}
		for i, side := range []node{n.object("RequesterVpcInfo"), n.object("AccepterVpcInfo")} {
			v.sides[i], v.region[i] = side.text("VpcId"), side.text("Region")
			v.blocks[i] = blocksOf(side, "CidrBlock", "CidrBlockSet", "")
			v.blocks[i] = append(v.blocks[i], blocksOf(side, "Ipv6CidrBlock", "Ipv6CidrBlockSet", "")...)
		}
		if id := n.text("VpcPeeringConnectionId"); s.once(n, "peering", id, v) {
			s.peerings[id] = v
		}
	}
	for _, n := range p.list("VpcEndpoints") {
		v := endpoint{n.text("VpcEndpointType"), n.text("State"), n.text("VpcId"), n.text("IpAddressType"), n.texts("SubnetIds"), n.texts("NetworkInterfaceIds")}
		if id := n.text("VpcEndpointId"); s.once(n, "endpoint", id, v) {
			s.endpoints[id] = v
		}
	}
}

func readNAT(n node) nat {
	v := nat{
		id: n.text("NatGatewayId"), vpc: n.text("VpcId"), subnet: n.text("SubnetId"), state: n.text("State"),
		inside: n.text("ConnectivityType") == "private", regional: n.text("AvailabilityMode") == "regional",
	}
	for _, a := range n.list("NatGatewayAddresses") {
		if !v.private.IsValid() || a.truth("IsPrimary") {
			v.private, v.public, v.iface = a.addr("PrivateIp"), a.addr("PublicIp"), a.text("NetworkInterfaceId")
		}
	}
	v.regional = v.regional || v.subnet == ""
	return v
}
