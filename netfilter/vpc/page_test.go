// SPDX-License-Identifier: Apache-2.0

package vpc_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/vpc"
)

// TestPages: examples of AWS's pages, by page.
func TestPages(t *testing.T) {
	const (
		tables   = "vpc/latest/userguide/VPC_Route_Tables.html"
		peering  = "vpc/latest/peering/invalid-peering-configurations.html"
		nat      = "vpc/latest/userguide/vpc-nat-gateway.html"
		nat64    = "vpc/latest/userguide/nat-gateway-nat64-dns64.html"
		endpoint = "vpc/latest/privatelink/gateway-endpoints.html"
		transit  = "vpc/latest/tgw/how-transit-gateways-work.html"
		gateway  = "vpc/latest/userguide/VPC_Internet_Gateway.html"
	)
	main := `{"DestinationCidrBlock":"172.16.0.0/12","NetworkInterfaceId":"eni-gone","State":"blackhole"}`
	public := `{"DestinationCidrBlock":"0.0.0.0/0","GatewayId":"igw-1"}`
	peers := `"Routes":[{"DestinationCidrBlock":"10.0.0.0/16","VpcPeeringConnectionId":"pcx-1"},`
	cases := []struct {
		page, example, from, to, dst, src string
		edit                              []string
		reach                             vpc.Answer
		by                                string // the last hops, or the block
	}{
		{tables, "the more specific route to a peering connection wins over the internet gateway", "eni-a", "172.31.1.1", "", "", []string{public, public + `,{"DestinationCidrBlock":"172.31.0.0/16","GatewayId":"vgw-9"}`}, vpc.Yes, "vgw-9"},
		{tables, "a static route wins over a propagated one to the same destination", "eni-b", "172.31.0.9", "", "", []string{main, `{"DestinationCidrBlock":"172.31.0.0/24","GatewayId":"vgw-propagated","Origin":"EnableVgwRoutePropagation"},{"DestinationCidrBlock":"172.31.0.0/24","GatewayId":"vgw-static","Origin":"CreateRoute"}`}, vpc.Yes, "vgw-static"},
		{tables, "a more specific propagated route wins over a static one", "eni-b", "172.31.0.9", "", "", []string{main, `{"DestinationCidrBlock":"172.31.0.0/24","GatewayId":"vgw-propagated","Origin":"EnableVgwRoutePropagation"},{"DestinationCidrBlock":"172.31.0.0/16","GatewayId":"vgw-static","Origin":"CreateRoute"}`}, vpc.Yes, "vgw-propagated"},
		{tables, "a static route wins over a prefix list", "eni-b", "172.31.0.9", "", "", []string{main, `{"DestinationPrefixListId":"pl-w","GatewayId":"vgw-list"},{"DestinationCidrBlock":"172.31.0.0/24","GatewayId":"vgw-static"}`, `"PrefixLists":[`, `"PrefixLists":[{"PrefixListId":"pl-w","Cidrs":["172.31.0.0/24"]},`}, vpc.Yes, "vgw-static"},
		{tables, "a gateway's table sends what comes in to a middlebox", "internet", "eni-a", "", "198.51.100.7", []string{
			`"RouteTables":[`, `"RouteTables":[{"RouteTableId":"rtb-gw","VpcId":"vpc-1","Associations":[{"GatewayId":"igw-1"}],"Routes":[{"DestinationCidrBlock":"10.0.1.0/24","NetworkInterfaceId":"eni-b"}]},`,
			`"NetworkInterfaceId":"eni-b",`, `"NetworkInterfaceId":"eni-b","SourceDestCheck":false,`,
		}, vpc.Yes, "igw-1 vpc-1 subnet-b eni-b subnet-b vpc-1 subnet-a eni-a"},
		{tables, "a middlebox with its source/destination check on drops it", "internet", "eni-a", "", "198.51.100.7", []string{
			`"RouteTables":[`, `"RouteTables":[{"RouteTableId":"rtb-gw","VpcId":"vpc-1","Associations":[{"GatewayId":"igw-1"}],"Routes":[{"DestinationCidrBlock":"10.0.1.0/24","NetworkInterfaceId":"eni-b"}]},`,
		}, vpc.No, "SRC_DST_CHECK eni-b"},
		{peering, "no edge to edge routing through an internet gateway", "eni-p", "8.8.8.8", "", "", nil, vpc.No, "NOT_TRANSITIVE pcx-1"},
		{peering, "no edge to edge routing through a NAT gateway", "eni-p", "9.9.9.9", "", "", []string{peers, peers + `{"DestinationCidrBlock":"0.0.0.0/0","VpcPeeringConnectionId":"pcx-1"},`}, vpc.No, "NOT_TRANSITIVE pcx-1"},
		{peering, "no transitive peering", "eni-p", "10.3.1.5", "", "", []string{peers, peers + `{"DestinationCidrBlock":"10.3.0.0/16","VpcPeeringConnectionId":"pcx-1"},`}, vpc.No, "NOT_TRANSITIVE pcx-1"},
		{nat, "instances of private subnets reach the internet", "eni-b", "internet", "8.8.8.8", "", nil, vpc.Yes, "nat-1 subnet-a vpc-1 igw-1 internet"},
		{nat, "and receive no unsolicited connections", "internet", "203.0.113.9", "", "198.51.100.7", nil, vpc.No, "NAT_UNSOLICITED nat-1"},
		{nat, "a private NAT gateway's traffic is dropped by the internet gateway", "eni-b", "internet", "8.8.8.8", "", []string{`"ConnectivityType":"public"`, `"ConnectivityType":"private"`}, vpc.No, "NO_PUBLIC_ADDRESS nat-1"},
		{nat64, "IPv6 is translated in 64:ff9b::/96 only", "eni-6", "internet", "2606:4700::1", "", []string{`{"DestinationIpv6CidrBlock":"::/0","EgressOnlyInternetGatewayId":"eigw-1"}`, `{"DestinationIpv6CidrBlock":"::/0","NatGatewayId":"nat-1"}`}, vpc.No, "ACL_IN acl-a/*, ROUTE_MISMATCH rtb-6/::/0"},
		{endpoint, "a prefix list route wins over the internet's", "eni-b", "52.216.1.1", "", "", nil, vpc.Yes, "vpce-s3 aws-services"},
		{transit, "no attachment in the zone of the sender", "eni-b", "eni-t", "", "", []string{`"SubnetIds":["subnet-b"]`, `"SubnetIds":["subnet-t"]`, `"CidrBlock":"10.3.1.0/24","AvailabilityZone":"z1"`, `"CidrBlock":"10.3.1.0/24","AvailabilityZone":"z2"`}, vpc.No, "ATTACHMENT_STATE tgw-attach-1"},
		{gateway, "a public address is needed", "eni-a", "internet", "8.8.8.8", "", []string{`"Association":{"PublicIp":"203.0.113.5"},`, ``}, vpc.No, "NO_PUBLIC_ADDRESS eni-a"},
	}
	for _, c := range cases {
		t.Run(c.page[strings.LastIndexByte(c.page, '/')+1:]+" "+c.example, func(t *testing.T) {
			p := ask(t, edited(t, c.edit...), c.from, c.to, c.dst, c.src, netfilter.TCP, 443)
			require.Equal(t, c.reach, p.Reachable, "%+v", p)
			if c.reach == vpc.No {
				require.Equal(t, c.by, blocks(p))
				return
			}
			require.True(t, strings.HasSuffix(hops(p), " "+c.by), hops(p))
		})
	}
}

// TestNET15Middlebox: what a middlebox forwards is not from the group that a
// rule references, whoever sent it; a rule for the sender's addresses admits it.
// The page says so of references as the source alone: as the destination a group
// is the private addresses of its members, which a route does not change, so
// egress rules of the sender and of the middlebox match as ever
// (vpc/latest/userguide/security-group-rules.html).
func TestNET15Middlebox(t *testing.T) {
	const open = `"Groups":[{"GroupId":"sg-open"}]`
	direct := []string{
		`"NetworkInterfaceId":"eni-a","SubnetId":"subnet-a","VpcId":"vpc-1",` + open, `"NetworkInterfaceId":"eni-a","SubnetId":"subnet-a","VpcId":"vpc-1","Groups":[{"GroupId":"sg-ref"}]`,
		`"SecurityGroups":[`, `"SecurityGroups":[{"GroupId":"sg-ref","VpcId":"vpc-1","IpPermissions":[{"IpProtocol":"tcp","FromPort":443,"ToPort":443,"UserIdGroupPairs":[{"GroupId":"sg-open"}]},` +
			`{"IpProtocol":"tcp","FromPort":22,"ToPort":22,"IpRanges":[{"CidrIp":"10.0.2.0/24"}]}]},`,
	}
	through := append(direct[:len(direct):len(direct)],
		`{"DestinationCidrBlock":"172.16.0.0/12","NetworkInterfaceId":"eni-gone","State":"blackhole"}`, `{"DestinationCidrBlock":"10.0.1.0/24","NetworkInterfaceId":"eni-6"}`,
		`"NetworkInterfaceId":"eni-6","SubnetId"`, `"NetworkInterfaceId":"eni-6","SourceDestCheck":false,"SubnetId"`)
	require.Equal(t, vpc.Yes, ask(t, edited(t, direct...), "eni-b", "eni-a", "", "", netfilter.TCP, 443).Reachable, "from a member, directly")
	p := ask(t, edited(t, through...), "eni-b", "eni-a", "", "", netfilter.TCP, 443)
	require.Equal(t, vpc.No, p.Reachable, hops(p))
	require.Equal(t, "SG_INGRESS sg-ref", blocks(p))
	require.Equal(t, vpc.Yes, ask(t, edited(t, through...), "eni-b", "eni-a", "", "", netfilter.TCP, 22).Reachable, "from an address that a rule names")

	out := []string{
		`"NetworkInterfaceId":"eni-b","SubnetId":"subnet-b","VpcId":"vpc-1",` + open, `"NetworkInterfaceId":"eni-b","SubnetId":"subnet-b","VpcId":"vpc-1","Groups":[{"GroupId":"sg-out"}]`,
		`"SourceDestCheck":false,"SubnetId":"subnet-6","VpcId":"vpc-1",` + open, `"SourceDestCheck":false,"SubnetId":"subnet-6","VpcId":"vpc-1","Groups":[{"GroupId":"sg-out"}]`,
		`"SecurityGroups":[`, `"SecurityGroups":[{"GroupId":"sg-out","VpcId":"vpc-1","IpPermissions":[{"IpProtocol":"tcp","UserIdGroupPairs":[{"GroupId":"sg-out"}]}],` +
			`"IpPermissionsEgress":[{"IpProtocol":"tcp","UserIdGroupPairs":[{"GroupId":"sg-ref"}]}]},`,
	}
	p = ask(t, edited(t, append(through[:len(through):len(through)], out...)...), "eni-b", "eni-a", "", "", netfilter.TCP, 22)
	require.Equal(t, vpc.Yes, p.Reachable, "egress to a group, through a middlebox: %s", blocks(p))
	require.Contains(t, hops(p), "eni-6", "and in at the middlebox, which the sender reaches directly")
	out[5] = strings.Replace(out[5], `"sg-ref"`, `"sg-web"`, 1)
	p = ask(t, edited(t, append(through[:len(through):len(through)], out...)...), "eni-b", "eni-a", "", "", netfilter.TCP, 22)
	require.Equal(t, "SG_EGRESS sg-out", blocks(p), "to a group that the destination is not in")
}
