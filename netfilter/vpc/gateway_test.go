// SPDX-License-Identifier: Apache-2.0

package vpc_test

import (
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/vpc"
)

// peeredWorld is the world with vpc-3 behind a gateway of its own, which a peering
// attachment joins to the first; pairs are replaced in all of its documents.
func peeredWorld(t *testing.T, pairs ...string) *vpc.Snapshot {
	t.Helper()
	first := world[:strings.Index(world, `"Routes":[{"DestinationCidrBlock":"10.0.0.0/16","State"`)] + world[strings.Index(world, `"RouteTables":`):]
	first = strings.NewReplacer(
		`"TransitGatewayId":"tgw-1","TransitGatewayAttachmentId":"tgw-attach-3"`, `"TransitGatewayId":"tgw-2","TransitGatewayAttachmentId":"tgw-attach-3"`,
		`"ResourceType":"vpc","ResourceId":"vpc-3","State":"available","Association":{"TransitGatewayRouteTableId":"tgw-rtb-1"`, `"ResourceType":"vpc","ResourceId":"vpc-3","State":"available","Association":{"TransitGatewayRouteTableId":"tgw-rtb-2"`,
		`"Associations":[{"Main":true}],"Routes":[{"DestinationCidrBlock":"10.0.0.0/16","TransitGatewayId":"tgw-1"}]`, `"Associations":[{"Main":true}],"Routes":[{"DestinationCidrBlock":"10.0.0.0/16","TransitGatewayId":"tgw-2"}]`,
		`"TransitGatewayAttachments":[`, `"TransitGatewayPeeringAttachments":[{"TransitGatewayAttachmentId":"tgw-attach-9","State":"available","RequesterTgwInfo":{"TransitGatewayId":"tgw-1"},"AccepterTgwInfo":{"TransitGatewayId":"tgw-2"}}],
		 "TransitGatewayAttachments":[{"TransitGatewayId":"tgw-1","TransitGatewayAttachmentId":"tgw-attach-9","ResourceType":"peering","ResourceId":"tgw-2","State":"available","Association":{"TransitGatewayRouteTableId":"tgw-rtb-1","State":"associated"}},
		 {"TransitGatewayId":"tgw-2","TransitGatewayAttachmentId":"tgw-attach-9","ResourceType":"peering","ResourceId":"tgw-1","State":"available","Association":{"TransitGatewayRouteTableId":"tgw-rtb-2","State":"associated"}},`,
	).Replace(first)
	route := func(cidr, attachment, kind string) string {
		return `{"DestinationCidrBlock":"` + cidr + `","State":"active","Type":"static","TransitGatewayAttachments":[{"TransitGatewayAttachmentId":"` + attachment + `","ResourceType":"` + kind + `"}]}`
	}
	docs := []netfilter.Document{
		{Name: "world.json", Data: []byte(first)},
		{Name: "tgw-rtb-1.json", Data: []byte(`{"Routes":[` + route("10.0.0.0/16", "tgw-attach-1", "vpc") + `,` + route("10.3.0.0/16", "tgw-attach-9", "peering") + `]}`)},
		{Name: "tgw-rtb-2.json", Data: []byte(`{"Routes":[` + route("10.3.0.0/16", "tgw-attach-3", "vpc") + `,` + route("10.0.0.0/16", "tgw-attach-9", "peering") + `]}`)},
	}
	for i := 0; i < len(pairs); i += 3 {
		found := false
		for d := range docs {
			if docs[d].Name == pairs[i] {
				require.Contains(t, string(docs[d].Data), pairs[i+1])
				docs[d].Data = []byte(strings.ReplaceAll(string(docs[d].Data), pairs[i+1], pairs[i+2]))
				found = true
			}
		}
		require.True(t, found)
	}
	s, err := vpc.Read(docs...)
	require.NoError(t, err)
	return s
}

// TestTransitGatewayPeering goes from a VPC of one gateway to a VPC of another
// (NET-50, NET-56).
func TestTransitGatewayPeering_NET50(t *testing.T) {
	through := "eni-b subnet-b vpc-1 tgw-1 tgw-2 vpc-3 subnet-t eni-t"
	for _, c := range []struct {
		name         string
		edit         []string
		reach, reply vpc.Answer
		blocks, hops string
	}{
		{name: "open", reach: vpc.Yes, reply: vpc.Yes, hops: through},
		{name: "peering pending", edit: []string{"world.json", `"TransitGatewayAttachmentId":"tgw-attach-9","State":"available","RequesterTgwInfo"`, `"TransitGatewayAttachmentId":"tgw-attach-9","State":"pendingAcceptance","RequesterTgwInfo"`}, reach: vpc.No, blocks: "ATTACHMENT_STATE tgw-attach-9"},
		{name: "far gateway has no route", edit: []string{"tgw-rtb-2.json", "10.3.0.0/16", "10.4.0.0/16"}, reach: vpc.No, blocks: "TGW_NO_ROUTE tgw-rtb-2/10.3.1.5"},
		{name: "near gateway has no route", edit: []string{"tgw-rtb-1.json", "10.3.0.0/16", "10.4.0.0/16"}, reach: vpc.No, blocks: "TGW_NO_ROUTE tgw-rtb-1/10.3.1.5"},
		{name: "no way back at the far gateway", edit: []string{"tgw-rtb-2.json", "10.0.0.0/16", "10.4.0.0/16"}, reach: vpc.Yes, reply: vpc.No, blocks: "TGW_NO_ROUTE tgw-rtb-2/10.0.2.5 reply"},
		{name: "black hole at the far gateway", edit: []string{"tgw-rtb-2.json", `"10.3.0.0/16","State":"active"`, `"10.3.0.0/16","State":"blackhole"`}, reach: vpc.No, blocks: "ROUTE_STATE tgw-rtb-2/10.3.0.0/16"},
		{name: "more routes exist at the far gateway", edit: []string{"tgw-rtb-2.json", `{"Routes"`, `{"AdditionalRoutesAvailable":true,"Routes"`}, reach: vpc.Unresolved, reply: vpc.Unresolved},
		{name: "back and forth without end", edit: []string{"tgw-rtb-2.json", `"TransitGatewayAttachmentId":"tgw-attach-3","ResourceType":"vpc"`, `"TransitGatewayAttachmentId":"tgw-attach-9","ResourceType":"peering"`}, reach: vpc.No, blocks: "LOOP tgw-2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := ask(t, peeredWorld(t, c.edit...), "eni-b", "eni-t", "", "", netfilter.TCP, 443)
			require.Equal(t, c.reach.String(), p.Reachable.String(), "%+v", p)
			require.Equal(t, c.reply.String(), p.Reply.String(), "%+v", p)
			require.Equal(t, c.blocks, blocks(p))
			if c.hops != "" {
				require.Equal(t, c.hops, hops(p))
			}
		})
	}
}

// TestEdgeRouteTables: a table of an internet gateway routes what enters by it
// (NET-46), here through an interface that looks at it.
func TestEdgeRouteTables_NET46(t *testing.T) {
	edge := func(association, routes string) []string {
		return []string{
			`"RouteTables":[`, `"RouteTables":[{"RouteTableId":"rtb-edge","VpcId":"vpc-1","Associations":[` + association + `],"Routes":[{"DestinationCidrBlock":"10.0.0.0/16","GatewayId":"local"},` + routes + `]},`,
			`"NetworkInterfaceId":"eni-b2","SubnetId":"subnet-b","VpcId":"vpc-1","Groups":[{"GroupId":"sg-web"}]`, `"NetworkInterfaceId":"eni-b2","SubnetId":"subnet-b","VpcId":"vpc-1","Groups":[{"GroupId":"sg-open"}]`,
		}
	}
	box := `{"DestinationCidrBlock":"10.0.1.0/24","NetworkInterfaceId":"eni-b2"}`
	unchecked := []string{`"NetworkInterfaceId":"eni-b2",`, `"NetworkInterfaceId":"eni-b2","SourceDestCheck":false,`}
	for _, c := range []struct {
		name         string
		edit         []string
		reach        vpc.Answer
		blocks, hops string
	}{
		{name: "through the interface", edit: append(edge(`{"GatewayId":"igw-1"}`, box), unchecked...), reach: vpc.Yes, hops: "internet igw-1 vpc-1 subnet-b eni-b2 subnet-b vpc-1 subnet-a eni-a"},
		{name: "its check is on", edit: edge(`{"GatewayId":"igw-1"}`, box), reach: vpc.No, blocks: "SRC_DST_CHECK eni-b2"},
		{name: "another gateway's table", edit: edge(`{"GatewayId":"igw-2"}`, box), reach: vpc.Yes, hops: "internet igw-1 vpc-1 subnet-a eni-a"},
		{name: "disassociated", edit: edge(`{"GatewayId":"igw-1","AssociationState":{"State":"disassociated"}}`, box), reach: vpc.Yes, hops: "internet igw-1 vpc-1 subnet-a eni-a"},
		{name: "black hole", edit: edge(`{"GatewayId":"igw-1"}`, `{"DestinationCidrBlock":"10.0.1.0/24","NetworkInterfaceId":"eni-gone","State":"blackhole"}`), reach: vpc.No, blocks: "ROUTE_STATE rtb-edge/10.0.1.0/24"},
		{name: "another subnet's route", edit: edge(`{"GatewayId":"igw-1"}`, `{"DestinationCidrBlock":"10.0.2.0/24","NetworkInterfaceId":"eni-b2"}`), reach: vpc.Yes, hops: "internet igw-1 vpc-1 subnet-a eni-a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := ask(t, edited(t, c.edit...), "internet", "eni-a", "", "198.51.100.7", netfilter.TCP, 443)
			require.Equal(t, c.reach.String(), p.Reachable.String(), "%+v", p)
			require.Equal(t, c.blocks, blocks(p))
			if c.hops != "" {
				require.Equal(t, c.hops, hops(p))
			}
		})
	}
}

// TestRouteTargets_NET42: targets that leave the model are reached, and nobody
// knows about the reply; so is a target that no list knows (NET-50).
func TestRouteTargets_NET42(t *testing.T) {
	old := `{"DestinationCidrBlock":"172.16.0.0/12","NetworkInterfaceId":"eni-gone","State":"blackhole"}`
	for member, id := range map[string]string{
		"CarrierGatewayId": "cagw-1", "LocalGatewayId": "lgw-1", "CoreNetworkArn": "arn:aws:networkmanager::1:core-network/core-network-1",
		"OdbNetworkArn": "arn:aws:odb:r:1:odb-network/odbnet-1", "GatewayId": "vgw-9", "FutureTargetId": "future-1",
	} {
		end := id
		if member == "FutureTargetId" {
			end = "rtb-main/172.16.0.0/12" // which member is the target is not known either
		}
		p := ask(t, edited(t, old, `{"DestinationCidrBlock":"172.16.0.0/12","`+member+`":"`+id+`","State":"active"}`), "eni-b", "172.16.0.1", "", "", netfilter.TCP, 443)
		require.Equal(t, "yes unresolved", p.Reachable.String()+" "+p.Reply.String(), member)
		require.Empty(t, p.Blocks, member)
		require.Equal(t, end, p.Hops[len(p.Hops)-1].ID, member)
	}
}

// TestGatewayTableLoop: the table of an internet gateway, by which packets come in,
// sends them out by the same gateway, and the internet back. That crossed no subnet,
// so nobody noticed, and took all the stack there is (NET-53).
func TestGatewayTableLoop_NET53(t *testing.T) {
	defer debug.SetMaxStack(debug.SetMaxStack(8 << 20))
	const loop = `{
		"Vpcs":[{"VpcId":"vpc-1","CidrBlock":"10.0.0.0/16","Ipv6CidrBlockAssociationSet":[{"Ipv6CidrBlock":"2600:1::/56"}]}],
		"Subnets":[{"SubnetId":"subnet-1","VpcId":"vpc-1","CidrBlock":"10.0.0.0/24"}],
		"InternetGateways":[{"InternetGatewayId":"igw-1","Attachments":[{"VpcId":"vpc-1","State":"available"}]}],
		"EgressOnlyInternetGateways":[{"EgressOnlyInternetGatewayId":"eigw-1","Attachments":[{"VpcId":"vpc-1","State":"attached"}]}],
		"NetworkInterfaces":[{"NetworkInterfaceId":"eni-1","SubnetId":"subnet-1","VpcId":"vpc-1","PrivateIpAddress":"10.0.0.5","Ipv6Addresses":[{"Ipv6Address":"2600:1::5"}]}],
		"RouteTables":[{"RouteTableId":"rtb-1","VpcId":"vpc-1","Associations":[{"GatewayId":"igw-1"}],"Routes":[{"DestinationIpv6CidrBlock":"2600:1::/64","TARGET"}]}]}`
	for _, target := range []string{`GatewayId":"igw-1`, `EgressOnlyInternetGatewayId":"eigw-1`} {
		s, err := vpc.Read(netfilter.Document{Name: "loop.json", Data: []byte(strings.Replace(loop, "TARGET", target, 1))})
		require.NoError(t, err)
		p, err := s.Path(vpc.Endpoint{Internet: true}, vpc.Endpoint{Interface: "eni-1"}, vpc.Traffic{Protocol: netfilter.TCP, Src: addr("2001:db8::1"), Dst: addr("2600:1::5")})
		require.NoError(t, err)
		require.Equal(t, vpc.No, p.Reachable)
		last := p.Blocks[len(p.Blocks)-1]
		require.Equal(t, vpc.Loop, last.Code)
		require.Equal(t, "igw-1", last.At)
		for range s.Exposure() {
			t.Fatal("the internet reaches an interface")
		}
	}
}
