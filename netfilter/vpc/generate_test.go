// SPDX-License-Identifier: Apache-2.0

package vpc_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"strconv"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/vpc"
)

// worldGenerator draws worlds of three VPCs and questions about them: most
// things are open and in order, some of each are not.
type worldGenerator struct {
	rng     *rand.Rand
	classes testkit.Classes
}

// newWorldGenerator begins at the seed, or at SALLYPORT_SEED when that is set.
func newWorldGenerator(seed uint64) *worldGenerator {
	if n, err := strconv.ParseUint(os.Getenv("SALLYPORT_SEED"), 10, 64); err == nil {
		seed = n
	}
	return &worldGenerator{rng: rand.New(rand.NewPCG(seed, 11)), classes: testkit.Classes{}}
}

// chance is true n times in a hundred.
func (g *worldGenerator) chance(n int) bool { return g.rng.IntN(100) < n }

func (g *worldGenerator) one(of ...string) string { return of[g.rng.IntN(len(of))] }

// some returns usual, and n times in a hundred one of the others.
func (g *worldGenerator) some(usual string, n int, others ...string) string {
	if g.chance(n) {
		return g.one(others...)
	}
	return usual
}

func (g *worldGenerator) world() *refWorld {
	w := &refWorld{tgwRoutes: map[string][]refTGWRoute{}}
	w.Vpcs = []refVPC{
		{VpcId: "vpc-1", CidrBlock: "10.0.0.0/16", Ipv6CidrBlockAssociationSet: []refBlock6{{"2600:1f00:1::/56"}}},
		{VpcId: "vpc-2", CidrBlock: "10.2.0.0/16"},
		{VpcId: "vpc-3", CidrBlock: "10.3.0.0/16"},
	}
	for i, s := range []string{"1", "1", "1", "2", "2", "3"} {
		w.Subnets = append(w.Subnets, refSubnet{
			SubnetId: fmt.Sprintf("subnet-%c", 'a'+i), VpcId: "vpc-" + s, CidrBlock: fmt.Sprintf("10.%s.%d.0/24", []string{"", "0", "2", "3"}[s[0]-'0'], i),
			AvailabilityZone: g.some("z1", 25, "z2"),
		})
	}
	g.gateways(w)
	g.endpoints(w)
	g.transit(w)
	g.groups(w)
	g.acls(w)
	g.interfaces(w)
	g.tables(w)
	return w
}

func (g *worldGenerator) gateways(w *refWorld) {
	w.InternetGateways = []refGateway{
		{InternetGatewayId: "igw-1", Attachments: []refAttach{{g.some("vpc-1", 3, "vpc-3"), g.some("available", 3, "detaching")}}},
		{InternetGatewayId: "igw-2", Attachments: []refAttach{{"vpc-2", "available"}}},
	}
	w.EgressOnlyInternetGateways = []refGateway{{EgressOnlyInternetGatewayId: "eigw-1", Attachments: []refAttach{{"vpc-1", g.some("attached", 3, "detaching")}}}}
	subnet := g.one("a", "b", "c")
	n := refNAT{
		NatGatewayId: "nat-1", VpcId: "vpc-1", SubnetId: "subnet-" + subnet, State: g.some("available", 4, "failed"),
		ConnectivityType: g.some("public", 15, "private"), AvailabilityMode: g.some("zonal", 4, "regional"),
		NatGatewayAddresses: []refNATAddress{{"eni-nat", fmt.Sprintf("10.0.%d.9", subnet[0]-'a'), "203.0.113.9"}},
	}
	w.NatGateways = []refNAT{n}
	e := refIface{
		NetworkInterfaceId: "eni-nat", SubnetId: n.SubnetId, VpcId: "vpc-1", InterfaceType: "nat_gateway", Status: "in-use",
		PrivateIpAddress: n.NatGatewayAddresses[0].PrivateIp, PrivateIpAddresses: []refPrivate{{n.NatGatewayAddresses[0].PrivateIp, &refPublic{"203.0.113.9"}}},
	}
	w.NetworkInterfaces = append(w.NetworkInterfaces, e)
	w.VpcPeeringConnections = []refPeering{{
		VpcPeeringConnectionId: "pcx-1", Status: refCode{g.some("active", 6, "pending-acceptance", "expired")},
		RequesterVpcInfo: refPeerSide{"vpc-1", "10.0.0.0/16", "us-east-1"}, AccepterVpcInfo: refPeerSide{"vpc-2", "10.2.0.0/16", g.some("us-east-1", 20, "eu-west-1")},
	}}
	if g.chance(25) {
		w.VpcBlockPublicAccessOptions = &refBPA{g.some("update-complete", 20, "update-in-progress"), g.one("off", "block-bidirectional", "block-ingress")}
		for _, i := range g.rng.Perm(4)[:g.rng.IntN(3)] {
			w.VpcBlockPublicAccessExclusions = append(w.VpcBlockPublicAccessExclusions, refExclusion{
				"arn:aws:ec2:us-east-1:1:" + []string{"vpc/vpc-1", "vpc/vpc-2", "subnet/subnet-a", "subnet/subnet-b"}[i],
				g.some("create-complete", 20, "create-in-progress"), g.one("allow-bidirectional", "allow-egress"),
			})
		}
	}
}

func (g *worldGenerator) endpoints(w *refWorld) {
	w.VpcEndpoints = []refEndpoint{
		{VpcEndpointId: "vpce-s3", VpcEndpointType: "Gateway", State: g.some("available", 5, "deleting"), VpcId: "vpc-1", IpAddressType: g.one("ipv4", "dualstack")},
		{VpcEndpointId: "vpce-if", VpcEndpointType: "Interface", State: g.some("available", 12, "pending", "rejected"), VpcId: "vpc-1", NetworkInterfaceIds: []string{"eni-2"}},
		{VpcEndpointId: "vpce-glb", VpcEndpointType: "GatewayLoadBalancer", State: "available", VpcId: "vpc-1", SubnetIds: []string{"subnet-" + g.one("a", "b", "c")}},
	}
	w.PrefixLists = []refList{{"pl-s3", []string{"52.216.0.0/15", "2600:1fa0::/32"}}, {"pl-office", []string{"198.51.100.0/24", "10.2.3.0/24"}}, {"pl-other", []string{"198.51.100.0/24"}}, {PrefixListId: "pl-unknown"}}
}

func (g *worldGenerator) transit(w *refWorld) {
	for _, a := range []struct{ gateway, id, vpc, subnets string }{
		{"tgw-1", "tgw-attach-1", "vpc-1", "abc"}, {"tgw-1", "tgw-attach-3", "vpc-3", "f"}, {"tgw-2", "tgw-attach-2", "vpc-2", "de"},
	} {
		var subnets []string
		zones := map[string]bool{}
		for i := range a.subnets {
			id := "subnet-" + a.subnets[i:i+1]
			if zone := w.zoneOf(id); !zones[zone] && (i == 0 || g.chance(70)) {
				subnets, zones[zone] = append(subnets, id), true // one a zone
			}
		}
		state := g.some("available", 4, "deleting")
		w.TransitGatewayVpcAttachments = append(w.TransitGatewayVpcAttachments, refVPCAttachment{a.gateway, a.id, a.vpc, state, subnets})
		at := refAttachment{a.gateway, a.id, "vpc", a.vpc, state, &refLink{"tgw-rtb-" + a.gateway[4:], g.some("associated", 4, "disassociating")}}
		w.TransitGatewayAttachments = append(w.TransitGatewayAttachments, at)
	}
	peer := refPeerAttachment{TransitGatewayAttachmentId: "tgw-attach-p", State: g.some("available", 8, "pendingAcceptance")}
	peer.RequesterTgwInfo.TransitGatewayId, peer.AccepterTgwInfo.TransitGatewayId = "tgw-1", "tgw-2"
	w.TransitGatewayPeeringAttachments = []refPeerAttachment{peer}
	for _, n := range []string{"1", "2"} {
		w.TransitGatewayAttachments = append(w.TransitGatewayAttachments, refAttachment{"tgw-" + n, "tgw-attach-p", "peering", "tgw-" + n, peer.State, &refLink{"tgw-rtb-" + n, "associated"}})
	}
	add := func(table, dest, attachment, kind string) {
		if !g.chance(8) {
			r := refTGWRoute{dest, g.some("active", 6, "blackhole"), g.one("static", "propagated"), []refTGWTarget{{attachment, kind}}}
			w.tgwRoutes[table] = append(w.tgwRoutes[table], r)
		}
	}
	w.tgwRoutes["tgw-rtb-1"], w.tgwRoutes["tgw-rtb-2"] = []refTGWRoute{}, []refTGWRoute{}
	add("tgw-rtb-1", "10.0.0.0/16", "tgw-attach-1", "vpc")
	add("tgw-rtb-1", "10.3.0.0/16", "tgw-attach-3", "vpc")
	add("tgw-rtb-1", "10.2.0.0/16", "tgw-attach-p", "peering")
	add("tgw-rtb-1", "0.0.0.0/0", "tgw-attach-1", "vpc")
	add("tgw-rtb-2", "10.2.0.0/16", "tgw-attach-2", "vpc")
	add("tgw-rtb-2", "10.0.0.0/8", "tgw-attach-p", "peering")
	if g.chance(30) {
		add("tgw-rtb-1", "10.3.0.0/16", "tgw-attach-1", "vpc")
	}
}

func (g *worldGenerator) permission() refPermission {
	p := refPermission{IpProtocol: g.one("tcp", "tcp", "udp", "-1", "icmp", "6"), FromPort: -1, ToPort: -1}
	switch p.IpProtocol {
	case "tcp", "6", "udp":
		span := [][2]int{{443, 443}, {22, 25}, {0, 65535}, {1024, 40000}, {80, 8080}}[g.rng.IntN(5)]
		p.FromPort, p.ToPort = span[0], span[1]
	case "icmp":
		p.FromPort = []int{-1, 8}[g.rng.IntN(2)]
	}
	switch g.rng.IntN(10) {
	case 0, 1:
		p.IpRanges = []refRange{{"0.0.0.0/0"}}
	case 2, 3:
		p.IpRanges = []refRange{{g.one("10.0.0.0/8", "10.0.0.0/16", "198.51.100.0/24", "10.2.0.0/16")}}
	case 4:
		p.Ipv6Ranges = []refRange6{{g.one("::/0", "2600:1f00:1::/56")}}
	case 5:
		p.PrefixListIds = []refListID{{g.one("pl-office", "pl-s3", "pl-unknown")}}
	default:
		p.UserIdGroupPairs = []refGroupID{{g.one("sg-open", "sg-0", "sg-1", "sg-2")}}
	}
	return p
}

// groups: sg-open and sg-out belong to vpc-1 and serve every VPC's interfaces.
func (g *worldGenerator) groups(w *refWorld) {
	all := func(ports ...int) []refPermission {
		p := refPermission{IpProtocol: "-1", FromPort: -1, ToPort: -1, IpRanges: []refRange{{"0.0.0.0/0"}}, Ipv6Ranges: []refRange6{{"::/0"}}}
		return []refPermission{p}
	}
	w.SecurityGroups = []refGroup{{"sg-open", "vpc-1", all(), all()}, {"sg-empty", "vpc-1", nil, nil}}
	for i := range 3 {
		s := refGroup{GroupId: fmt.Sprintf("sg-%d", i), VpcId: fmt.Sprintf("vpc-%d", i+1), IpPermissionsEgress: all()}
		for range 1 + g.rng.IntN(4) {
			s.IpPermissions = append(s.IpPermissions, g.permission())
		}
		if g.chance(30) {
			s.IpPermissionsEgress = []refPermission{g.permission(), g.permission()}
		}
		w.SecurityGroups = append(w.SecurityGroups, s)
	}
}

func (g *worldGenerator) acls(w *refWorld) {
	open := func(n int) (out []refEntry) {
		for _, egress := range []bool{false, true} {
			out = append(out, refEntry{RuleNumber: n, Protocol: "-1", RuleAction: "allow", Egress: egress, CidrBlock: "0.0.0.0/0"},
				refEntry{RuleNumber: n + 1, Protocol: "-1", RuleAction: "allow", Egress: egress, Ipv6CidrBlock: "::/0"})
		}
		return out
	}
	for _, v := range []string{"1", "2", "3"} {
		w.NetworkAcls = append(w.NetworkAcls, refACL{NetworkAclId: "acl-" + v, VpcId: "vpc-" + v, IsDefault: !g.chance(3), Entries: open(100)})
	}
	for i := range 2 {
		a := refACL{NetworkAclId: fmt.Sprintf("acl-x%d", i), VpcId: "vpc-1", Associations: []refAssociation{{SubnetId: "subnet-" + string(rune('a'+g.rng.IntN(2)+2*i))}}}
		if a.Associations[0].SubnetId == "subnet-d" {
			a.VpcId = "vpc-2"
		}
		if !g.chance(15) {
			a.Entries = open(300)
		}
		for _, n := range g.rng.Perm(8)[:1+g.rng.IntN(4)] {
			e := refEntry{RuleNumber: 10 + n, Protocol: g.one("6", "6", "17", "-1", "1"), RuleAction: g.one("allow", "deny"), Egress: g.chance(50), CidrBlock: g.one("0.0.0.0/0", "10.0.0.0/8", "198.51.100.0/24", "10.0.1.0/24", "10.2.0.0/16", "8.0.0.0/8")}
			if g.chance(15) {
				e.CidrBlock, e.Ipv6CidrBlock = "", "::/0"
			}
			if e.Protocol == "6" || e.Protocol == "17" {
				span := [][2]int{{443, 443}, {0, 1023}, {1024, 65535}, {32768, 60999}, {22, 22}}[g.rng.IntN(5)]
				e.PortRange = &refPortSpan{span[0], span[1]}
			}
			a.Entries = append(a.Entries, e)
		}
		w.NetworkAcls = append(w.NetworkAcls, a)
	}
	for i := range w.NetworkAcls {
		if g.chance(95) { // replies to part of the ephemeral ports
			w.NetworkAcls[i].Entries = append(w.NetworkAcls[i].Entries, refEntry{RuleNumber: 30, Protocol: g.some("6", 15, "17"), RuleAction: "deny", Egress: g.chance(70), CidrBlock: "0.0.0.0/0", PortRange: &refPortSpan{32768, 60999}})
		}
	}
}

func (g *worldGenerator) interfaces(w *refWorld) {
	for i := range 9 {
		s := w.Subnets[(i+g.rng.IntN(2))%len(w.Subnets)]
		e := refIface{
			NetworkInterfaceId: fmt.Sprintf("eni-%d", i), SubnetId: s.SubnetId, VpcId: s.VpcId, InterfaceType: "interface",
			Status: g.some("in-use", 3, "detaching"), SourceDestCheck: !g.chance(45), DenyAllIgwTraffic: g.chance(4),
			Attachment: refInstance{fmt.Sprintf("i-%d", i)}, Description: g.some("", 15, "ELB classic", "ELB app/x/1"),
		}
		for j := range 1 + g.rng.IntN(2) {
			a := netip.MustParsePrefix(s.CidrBlock).Addr().As4()
			a[3] = byte(10 + 2*i + j)
			p := refPrivate{PrivateIpAddress: netip.AddrFrom4(a).String()}
			if s.VpcId != "vpc-3" && g.chance(45) {
				p.Association = &refPublic{fmt.Sprintf("203.0.113.%d", 20+2*i+j)}
			}
			e.PrivateIpAddresses = append(e.PrivateIpAddresses, p)
		}
		e.PrivateIpAddress = e.PrivateIpAddresses[0].PrivateIpAddress
		if s.VpcId == "vpc-1" && g.chance(70) {
			e.Ipv6Addresses = []refAddress6{{fmt.Sprintf("2600:1f00:1::%d", 10+i)}}
		}
		e.Groups = []refGroupID{{g.some("sg-open", 40, "sg-0", "sg-1", "sg-2", "sg-empty")}}
		if g.chance(20) {
			e.Groups = append(e.Groups, refGroupID{g.one("sg-0", "sg-1", "sg-missing")})
		}
		if g.chance(6) {
			e.Groups, e.InterfaceType = nil, "network_load_balancer"
		}
		w.NetworkInterfaces = append(w.NetworkInterfaces, e)
		if g.chance(30) {
			r := refReservation{Instances: []refState{{InstanceId: e.Attachment.InstanceId}}}
			r.Instances[0].State.Name = g.some("running", 8, "stopped")
			w.Reservations = append(w.Reservations, r)
		}
	}
}

func (g *worldGenerator) tables(w *refWorld) {
	for _, v := range w.Vpcs {
		n := v.VpcId[4:]
		main := refTable{RouteTableId: "rtb-main" + n, VpcId: v.VpcId, Associations: []refAssociation{{Main: !g.chance(2)}}, Routes: []refRoute{{DestinationCidrBlock: v.CidrBlock, GatewayId: "local", Origin: "CreateRouteTable", State: "active"}}}
		main.Routes = append(main.Routes, g.routes(w, n)...)
		w.RouteTables = append(w.RouteTables, main)
	}
	for i, s := range w.Subnets {
		if g.chance(50) {
			n := s.VpcId[4:]
			w.RouteTables = append(w.RouteTables, refTable{RouteTableId: fmt.Sprintf("rtb-x%d", i), VpcId: s.VpcId, Associations: []refAssociation{{SubnetId: s.SubnetId}}, Routes: g.routes(w, n)})
		}
	}
	if g.chance(12) {
		t := refTable{RouteTableId: "rtb-edge", VpcId: "vpc-1", Associations: []refAssociation{{GatewayId: "igw-1"}}}
		if g.chance(80) {
			s := w.Subnets[g.rng.IntN(3)]
			r := refRoute{DestinationCidrBlock: s.CidrBlock, State: "active"}
			if g.chance(20) {
				r.GatewayId = "vpce-glb"
			} else {
				r.NetworkInterfaceId = g.box(w)
			}
			t.Routes = append(t.Routes, r)
		}
		w.RouteTables = append(w.RouteTables, t)
	}
}

func (g *worldGenerator) box(w *refWorld) string {
	for range 50 {
		if e := w.NetworkInterfaces[g.rng.IntN(len(w.NetworkInterfaces))]; e.VpcId == "vpc-1" && e.NetworkInterfaceId != "eni-nat" && (!e.SourceDestCheck || g.chance(20)) {
			return e.NetworkInterfaceId
		}
	}
	return w.NetworkInterfaces[1].NetworkInterfaceId
}

// routes draws the routes of a table of VPC n.
func (g *worldGenerator) routes(w *refWorld, n string) (out []refRoute) {
	add := func(chance int, r refRoute) {
		if g.chance(chance) {
			r.State, r.Origin = g.some("active", 4, "blackhole"), "CreateRoute"
			out = append(out, r)
		}
	}
	switch n {
	case "1":
		add(50, refRoute{DestinationCidrBlock: "0.0.0.0/0", GatewayId: "igw-1"})
		if len(out) == 0 {
			add(90, refRoute{DestinationCidrBlock: "0.0.0.0/0", NatGatewayId: "nat-1"})
		}
		add(50, refRoute{DestinationIpv6CidrBlock: "::/0", GatewayId: "igw-1"})
		add(85, refRoute{DestinationIpv6CidrBlock: "2606:4700::/32", EgressOnlyInternetGatewayId: "eigw-1"})
		add(30, refRoute{DestinationIpv6CidrBlock: "64:ff9b::/96", NatGatewayId: "nat-1"})
		add(50, refRoute{DestinationPrefixListId: "pl-s3", GatewayId: "vpce-s3"})
		add(8, refRoute{DestinationPrefixListId: "pl-unknown", GatewayId: g.one("vpce-s3", "vgw-1")})
		add(80, refRoute{DestinationCidrBlock: "10.2.0.0/16", VpcPeeringConnectionId: "pcx-1"})
		add(15, refRoute{DestinationCidrBlock: "10.2.3.0/24", TransitGatewayId: "tgw-1"})
		add(75, refRoute{DestinationCidrBlock: "10.3.0.0/16", TransitGatewayId: "tgw-1"})
		add(40, refRoute{DestinationCidrBlock: "192.168.0.0/16", GatewayId: "vgw-1"})
		add(70, refRoute{DestinationCidrBlock: w.Subnets[g.rng.IntN(3)].CidrBlock, NetworkInterfaceId: g.box(w)})
		add(6, refRoute{DestinationCidrBlock: "10.0.0.0/16", NetworkInterfaceId: g.box(w)})
		add(25, refRoute{DestinationCidrBlock: "8.8.0.0/16", NetworkInterfaceId: g.box(w)})
		add(6, refRoute{DestinationCidrBlock: w.Subnets[g.rng.IntN(3)].CidrBlock, GatewayId: "vpce-glb"})
		add(45, refRoute{DestinationPrefixListId: "pl-office", TransitGatewayId: "tgw-1"})
		add(45, refRoute{DestinationPrefixListId: "pl-other", GatewayId: "vgw-1"})
		if g.chance(10) {
			out = append(out, refRoute{DestinationCidrBlock: "198.51.100.0/24", GatewayId: "vgw-1", State: "active", Origin: "EnableVgwRoutePropagation"})
		}
	case "2":
		add(60, refRoute{DestinationCidrBlock: "0.0.0.0/0", GatewayId: "igw-2"})
		add(85, refRoute{DestinationCidrBlock: "10.0.0.0/16", VpcPeeringConnectionId: "pcx-1"})
		add(15, refRoute{DestinationCidrBlock: "8.0.0.0/8", VpcPeeringConnectionId: "pcx-1"})
		add(70, refRoute{DestinationCidrBlock: "10.3.0.0/16", TransitGatewayId: "tgw-2"})
		add(15, refRoute{DestinationCidrBlock: "10.0.1.0/24", TransitGatewayId: "tgw-2"})
	default:
		add(85, refRoute{DestinationCidrBlock: "10.0.0.0/16", TransitGatewayId: "tgw-1"})
		add(75, refRoute{DestinationCidrBlock: "10.2.0.0/16", TransitGatewayId: "tgw-1"})
		add(50, refRoute{DestinationCidrBlock: "0.0.0.0/0", TransitGatewayId: "tgw-1"})
	}
	return out
}

// question draws two ends, as refStart takes them, and the traffic.
func (g *worldGenerator) question(w *refWorld) (from, to string, t vpc.Traffic) {
	anyone := func() string { return w.NetworkInterfaces[g.rng.IntN(len(w.NetworkInterfaces))].NetworkInterfaceId }
	t.Protocol = []netfilter.Protocol{6, 6, 6, 6, 6, 17, 1, 47, 47, 47, 58}[g.rng.IntN(11)]
	t.ICMPType = 8
	if t.Protocol == netfilter.ICMPv6 {
		t.ICMPType = 128
	}
	six := t.Protocol == netfilter.ICMPv6 || t.Protocol == netfilter.TCP && g.chance(25)
	far := []string{g.one("198.51.100.7", "198.51.100.9", "8.8.8.8"), g.one("2606:4700::1", "2606:4700::9", "2001:db8::7")}
	from, to = anyone(), anyone()
	switch g.rng.IntN(12) {
	case 0, 1, 2:
		from, t.Src = "internet", addr(far[0])
		if six {
			t.Src = addr(far[1])
		}
	case 3, 4, 5:
		to, t.Dst = "internet", addr(far[0])
		if six {
			t.Dst = addr(g.one(far[1], "64:ff9b::808:808"))
		}
	case 6, 7:
		to = g.one("52.216.1.1", "52.216.1.1", "52.217.1.1", "192.168.1.1", "10.0.99.9", "10.0.0.2", "169.254.169.123", "198.51.100.7", "100.64.1.1", "10.2.3.4", "203.0.113.20", "203.0.113.9")
		if six {
			to = g.one("2600:1fa0::1", "2606:4700::2")
		}
	}
	if six && from != "internet" && to != "internet" && addr(to) == (netip.Addr{}) {
		t.Src = g.address6(w, from)
		t.Dst = g.address6(w, to)
	}
	if t.Protocol == netfilter.TCP || t.Protocol == netfilter.UDP {
		switch g.rng.IntN(4) {
		case 0, 1:
			p := []uint16{443, 22, 80, 5000}[g.rng.IntN(4)]
			t.DstPorts = &vpc.Ports{From: p, To: p}
		case 2:
			t.DstPorts = &vpc.Ports{From: 20, To: 450}
		}
		if g.chance(30) {
			p := []uint16{40000, 1500, 61000}[g.rng.IntN(3)]
			t.SrcPorts = &vpc.Ports{From: p, To: p}
		}
	}
	if from != "internet" && g.chance(3) {
		t.Src = addr("10.0.77.7")
	}
	return from, to, t
}

func (g *worldGenerator) address6(w *refWorld, id string) netip.Addr {
	if e := w.iface(id); len(e.Ipv6Addresses) > 0 {
		return addr(e.Ipv6Addresses[0].Ipv6Address)
	}
	return netip.Addr{}
}
