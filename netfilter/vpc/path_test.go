// SPDX-License-Identifier: Apache-2.0

package vpc_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/vpc"
)

// world is a VPC with a public subnet (eni-a, nat-1), a private one (eni-b,
// eni-b2), one for IPv6 (eni-6), a peer VPC (eni-p), and two VPCs behind a
// transit gateway (vpc-1 and vpc-3, eni-t).
const world = `{
"Vpcs":[{"VpcId":"vpc-1","CidrBlock":"10.0.0.0/16","Ipv6CidrBlockAssociationSet":[{"Ipv6CidrBlock":"2600:1f00:1::/56"}]},{"VpcId":"vpc-2","CidrBlock":"10.2.0.0/16"},{"VpcId":"vpc-3","CidrBlock":"10.3.0.0/16"}],
"Subnets":[{"SubnetId":"subnet-a","VpcId":"vpc-1","CidrBlock":"10.0.1.0/24","AvailabilityZone":"z1"},{"SubnetId":"subnet-b","VpcId":"vpc-1","CidrBlock":"10.0.2.0/24","AvailabilityZone":"z1"},
 {"SubnetId":"subnet-6","VpcId":"vpc-1","CidrBlock":"10.0.6.0/24","AvailabilityZone":"z1"},{"SubnetId":"subnet-p","VpcId":"vpc-2","CidrBlock":"10.2.1.0/24","AvailabilityZone":"z1"},{"SubnetId":"subnet-t","VpcId":"vpc-3","CidrBlock":"10.3.1.0/24","AvailabilityZone":"z1"}],
"InternetGateways":[{"InternetGatewayId":"igw-1","Attachments":[{"VpcId":"vpc-1","State":"available"}]}],
"EgressOnlyInternetGateways":[{"EgressOnlyInternetGatewayId":"eigw-1","Attachments":[{"VpcId":"vpc-1","State":"attached"}]}],
"NatGateways":[{"NatGatewayId":"nat-1","VpcId":"vpc-1","SubnetId":"subnet-a","State":"available","ConnectivityType":"public","NatGatewayAddresses":[{"NetworkInterfaceId":"eni-nat","PrivateIp":"10.0.1.9","PublicIp":"203.0.113.9"}]}],
"VpcPeeringConnections":[{"VpcPeeringConnectionId":"pcx-1","Status":{"Code":"active"},"RequesterVpcInfo":{"VpcId":"vpc-1","CidrBlock":"10.0.0.0/16","Region":"r"},"AccepterVpcInfo":{"VpcId":"vpc-2","CidrBlock":"10.2.0.0/16","Region":"r"}}],
"VpcEndpoints":[{"VpcEndpointId":"vpce-s3","VpcEndpointType":"Gateway","State":"available","VpcId":"vpc-1"}],
"PrefixLists":[{"PrefixListId":"pl-s3","Cidrs":["52.216.0.0/15"]}],
"TransitGatewayVpcAttachments":[{"TransitGatewayId":"tgw-1","TransitGatewayAttachmentId":"tgw-attach-1","VpcId":"vpc-1","State":"available","SubnetIds":["subnet-b"]},{"TransitGatewayId":"tgw-1","TransitGatewayAttachmentId":"tgw-attach-3","VpcId":"vpc-3","State":"available","SubnetIds":["subnet-t"]}],
"TransitGatewayAttachments":[{"TransitGatewayId":"tgw-1","TransitGatewayAttachmentId":"tgw-attach-1","ResourceType":"vpc","ResourceId":"vpc-1","State":"available","Association":{"TransitGatewayRouteTableId":"tgw-rtb-1","State":"associated"}},
 {"TransitGatewayId":"tgw-1","TransitGatewayAttachmentId":"tgw-attach-3","ResourceType":"vpc","ResourceId":"vpc-3","State":"available","Association":{"TransitGatewayRouteTableId":"tgw-rtb-1","State":"associated"}}],
"Routes":[{"DestinationCidrBlock":"10.0.0.0/16","State":"active","Type":"propagated","TransitGatewayAttachments":[{"TransitGatewayAttachmentId":"tgw-attach-1","ResourceType":"vpc"}]},{"DestinationCidrBlock":"10.3.0.0/16","State":"active","Type":"propagated","TransitGatewayAttachments":[{"TransitGatewayAttachmentId":"tgw-attach-3","ResourceType":"vpc"}]}],
"RouteTables":[
 {"RouteTableId":"rtb-main","VpcId":"vpc-1","Associations":[{"Main":true}],"Routes":[{"DestinationCidrBlock":"10.0.0.0/16","GatewayId":"local"},{"DestinationCidrBlock":"0.0.0.0/0","NatGatewayId":"nat-1"},{"DestinationPrefixListId":"pl-s3","GatewayId":"vpce-s3"},{"DestinationCidrBlock":"10.2.0.0/16","VpcPeeringConnectionId":"pcx-1"},{"DestinationCidrBlock":"10.3.0.0/16","TransitGatewayId":"tgw-1"},{"DestinationCidrBlock":"192.168.0.0/16","GatewayId":"vgw-1"},{"DestinationCidrBlock":"172.16.0.0/12","NetworkInterfaceId":"eni-gone","State":"blackhole"}]},
 {"RouteTableId":"rtb-pub","VpcId":"vpc-1","Associations":[{"SubnetId":"subnet-a"}],"Routes":[{"DestinationCidrBlock":"10.0.0.0/16","GatewayId":"local"},{"DestinationCidrBlock":"0.0.0.0/0","GatewayId":"igw-1"}]},
 {"RouteTableId":"rtb-6","VpcId":"vpc-1","Associations":[{"SubnetId":"subnet-6"}],"Routes":[{"DestinationIpv6CidrBlock":"::/0","EgressOnlyInternetGatewayId":"eigw-1"}]},
 {"RouteTableId":"rtb-p","VpcId":"vpc-2","Associations":[{"Main":true}],"Routes":[{"DestinationCidrBlock":"10.0.0.0/16","VpcPeeringConnectionId":"pcx-1"},{"DestinationCidrBlock":"8.0.0.0/8","VpcPeeringConnectionId":"pcx-1"}]},
 {"RouteTableId":"rtb-t","VpcId":"vpc-3","Associations":[{"Main":true}],"Routes":[{"DestinationCidrBlock":"10.0.0.0/16","TransitGatewayId":"tgw-1"}]}],
"NetworkAcls":[{"NetworkAclId":"acl-a","VpcId":"vpc-1","Associations":[{"SubnetId":"subnet-a"}],"Entries":[{"RuleNumber":200,"Protocol":"6","RuleAction":"allow","Egress":true,"CidrBlock":"0.0.0.0/0","PortRange":{"From":0,"To":65535}},{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":false,"CidrBlock":"0.0.0.0/0"}]},
 {"NetworkAclId":"acl-1","VpcId":"vpc-1","IsDefault":true,"Entries":[{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":true,"CidrBlock":"0.0.0.0/0"},{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":false,"CidrBlock":"0.0.0.0/0"},{"RuleNumber":101,"Protocol":"-1","RuleAction":"allow","Egress":true,"Ipv6CidrBlock":"::/0"},{"RuleNumber":101,"Protocol":"-1","RuleAction":"allow","Egress":false,"Ipv6CidrBlock":"::/0"}]},
 {"NetworkAclId":"acl-2","VpcId":"vpc-2","IsDefault":true,"Entries":[{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":true,"CidrBlock":"0.0.0.0/0"},{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":false,"CidrBlock":"0.0.0.0/0"}]},
 {"NetworkAclId":"acl-3","VpcId":"vpc-3","IsDefault":true,"Entries":[{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":true,"CidrBlock":"0.0.0.0/0"},{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":false,"CidrBlock":"0.0.0.0/0"}]}],
"SecurityGroups":[{"GroupId":"sg-open","VpcId":"vpc-1","IpPermissions":[{"IpProtocol":"-1","IpRanges":[{"CidrIp":"0.0.0.0/0"}],"Ipv6Ranges":[{"CidrIpv6":"::/0"}]}],"IpPermissionsEgress":[{"IpProtocol":"-1","IpRanges":[{"CidrIp":"0.0.0.0/0"}],"Ipv6Ranges":[{"CidrIpv6":"::/0"}]}]},
 {"GroupId":"sg-web","VpcId":"vpc-1","IpPermissions":[{"IpProtocol":"tcp","FromPort":443,"ToPort":443,"UserIdGroupPairs":[{"GroupId":"sg-open"}]}]}],
"NetworkInterfaces":[
 {"NetworkInterfaceId":"eni-a","SubnetId":"subnet-a","VpcId":"vpc-1","Groups":[{"GroupId":"sg-open"}],"PrivateIpAddress":"10.0.1.5","Association":{"PublicIp":"203.0.113.5"},"Status":"in-use","Attachment":{"InstanceId":"i-a"}},
 {"NetworkInterfaceId":"eni-nat","SubnetId":"subnet-a","VpcId":"vpc-1","InterfaceType":"nat_gateway","PrivateIpAddress":"10.0.1.9","Association":{"PublicIp":"203.0.113.9"},"SourceDestCheck":false},
 {"NetworkInterfaceId":"eni-b","SubnetId":"subnet-b","VpcId":"vpc-1","Groups":[{"GroupId":"sg-open"}],"PrivateIpAddress":"10.0.2.5"},
 {"NetworkInterfaceId":"eni-b2","SubnetId":"subnet-b","VpcId":"vpc-1","Groups":[{"GroupId":"sg-web"}],"PrivateIpAddress":"10.0.2.6"},
 {"NetworkInterfaceId":"eni-6","SubnetId":"subnet-6","VpcId":"vpc-1","Groups":[{"GroupId":"sg-open"}],"Ipv6Addresses":[{"Ipv6Address":"2600:1f00:1::6"}]},
 {"NetworkInterfaceId":"eni-p","SubnetId":"subnet-p","VpcId":"vpc-2","Groups":[{"GroupId":"sg-open"}],"PrivateIpAddress":"10.2.1.5"},
 {"NetworkInterfaceId":"eni-t","SubnetId":"subnet-t","VpcId":"vpc-3","Groups":[{"GroupId":"sg-open"}],"PrivateIpAddress":"10.3.1.5"}]}`

// edited returns the world with texts replaced, pairwise; each must occur.
func edited(t *testing.T, pairs ...string) *vpc.Snapshot {
	t.Helper()
	text := world
	for i := 0; i < len(pairs); i += 2 {
		require.Contains(t, text, pairs[i])
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	s, err := vpc.Read(netfilter.Document{Name: "tgw-rtb-1.json", Data: []byte(text)})
	require.NoError(t, err)
	return s
}

// ask parses "eni-a", "internet" or an address.
func ask(t *testing.T, s *vpc.Snapshot, from, to, dst, src string, proto netfilter.Protocol, port uint16) vpc.Path {
	t.Helper()
	traffic := vpc.Traffic{Protocol: proto, ICMPType: 8}
	if dst != "" {
		traffic.Dst = netip.MustParseAddr(dst)
	}
	if src != "" {
		traffic.Src = netip.MustParseAddr(src)
	}
	if port != 0 {
		traffic.DstPorts = &vpc.Ports{From: port, To: port}
	}
	p, err := s.Path(endpoint(from), endpoint(to), traffic)
	require.NoError(t, err)
	return p
}

func endpoint(s string) vpc.Endpoint {
	if s == "internet" {
		return vpc.Endpoint{Internet: true}
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return vpc.Endpoint{Addr: a}
	}
	return vpc.Endpoint{Interface: s}
}

func hops(p vpc.Path) string {
	var out []string
	for _, h := range p.Hops {
		out = append(out, h.ID)
	}
	return strings.Join(out, " ")
}

func blocks(p vpc.Path) string {
	var out []string
	for _, b := range p.Blocks {
		text := string(b.Code) + " " + b.At
		if b.Reply {
			text += " reply"
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// TestPaths asks about the world and about small changes of it. Each block's
// case differs from one that passes in what the block is about.
func TestPaths(t *testing.T) {
	out := `{"RuleNumber":200,"Protocol":"6","RuleAction":"allow","Egress":true,"CidrBlock":"0.0.0.0/0","PortRange":{"From":0,"To":65535}}`
	cases := []struct {
		name, from, to, dst, src string
		proto                    netfilter.Protocol
		port                     uint16
		edit                     []string
		reach, reply             vpc.Answer
		blocks, hops             string
	}{
		{name: "NET-55 other subnet", from: "eni-a", to: "eni-b", reach: vpc.Yes, reply: vpc.Yes, hops: "eni-a subnet-a vpc-1 subnet-b eni-b"},
		{name: "NET-55 internet", from: "eni-a", to: "internet", dst: "8.8.8.8", reach: vpc.Yes, reply: vpc.Yes, hops: "eni-a subnet-a vpc-1 igw-1 internet"},
		{name: "NET-55 NAT", from: "eni-b", to: "internet", dst: "8.8.8.8", reach: vpc.Yes, reply: vpc.Yes, hops: "eni-b subnet-b vpc-1 subnet-a nat-1 subnet-a vpc-1 igw-1 internet"},
		{name: "NET-33 same subnet skips ACLs", from: "eni-b", to: "eni-b2", port: 443, edit: []string{`"NetworkAclId":"acl-1","VpcId":"vpc-1","IsDefault":true,"Entries":[`, `"NetworkAclId":"acl-1","VpcId":"vpc-1","IsDefault":true,"Entries":[],"X":[`}, reach: vpc.Yes, reply: vpc.Yes, hops: "eni-b eni-b2"},
		{name: "NET-15 group reference", from: "eni-b", to: "eni-b2", port: 22, reach: vpc.No, blocks: "SG_INGRESS sg-web", hops: "eni-b eni-b2"},
		{name: "NET-54 ports differ", from: "eni-b", to: "eni-b2", reach: vpc.Partly, reply: vpc.Yes, blocks: "SG_INGRESS sg-web", hops: "eni-b eni-b2"},
		{name: "NET-20 NET-31 reply needs the ACL, not the group", from: "eni-b", to: "eni-a", edit: []string{out, strings.Replace(out, `"To":65535`, `"To":1023`, 1)}, reach: vpc.Yes, reply: vpc.No, blocks: "ACL_OUT acl-a/* reply", hops: "eni-b subnet-b vpc-1 subnet-a eni-a"},
		{name: "NET-32 reply to part of the ports", from: "eni-b", to: "eni-a", edit: []string{out, strings.Replace(out, `"To":65535`, `"To":40000`, 1)}, reach: vpc.Yes, reply: vpc.Partly, hops: "eni-b subnet-b vpc-1 subnet-a eni-a"},
		{name: "NET-27 ACL entry named", from: "internet", to: "eni-a", src: "198.51.100.7", edit: []string{`{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":false,"CidrBlock":"0.0.0.0/0"}]},`, `{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":false,"CidrBlock":"0.0.0.0/0"},{"RuleNumber":90,"Protocol":"6","RuleAction":"deny","Egress":false,"CidrBlock":"198.51.100.0/24"}]},`}, reach: vpc.No, blocks: "ACL_IN acl-a/90"},
		{name: "internet in", from: "internet", to: "eni-a", src: "198.51.100.7", reach: vpc.Yes, reply: vpc.Yes, hops: "internet igw-1 vpc-1 subnet-a eni-a"},
		{name: "internet in, private subnet", from: "internet", to: "eni-b", src: "198.51.100.7", reach: vpc.No, blocks: "NO_PUBLIC_ADDRESS eni-b"},
		{name: "internet in without a way back", from: "internet", to: "eni-a", src: "198.51.100.7", edit: []string{`{"DestinationCidrBlock":"0.0.0.0/0","GatewayId":"igw-1"}`, `{}`}, reach: vpc.Yes, reply: vpc.No, blocks: "NO_ROUTE rtb-pub/198.51.100.7 reply"},
		{name: "NET-50 NAT unsolicited", from: "internet", to: "203.0.113.9", src: "198.51.100.7", reach: vpc.No, blocks: "NAT_UNSOLICITED nat-1"},
		{name: "NET-52 exclusion of the subnet", from: "internet", to: "eni-a", src: "198.51.100.7", edit: []string{`"PrefixLists":[`, `"VpcBlockPublicAccessOptions":{"State":"update-complete","InternetGatewayBlockMode":"block-bidirectional"},"VpcBlockPublicAccessExclusions":[{"ResourceArn":"arn:aws:ec2:r:1:subnet/subnet-a","State":"create-complete","InternetGatewayExclusionMode":"allow-bidirectional"}],"PrefixLists":[`}, reach: vpc.Yes, reply: vpc.Yes},
		{name: "NET-52 exclusion of the VPC", from: "internet", to: "eni-a", src: "198.51.100.7", edit: []string{`"PrefixLists":[`, `"VpcBlockPublicAccessOptions":{"State":"update-complete","InternetGatewayBlockMode":"block-ingress"},"VpcBlockPublicAccessExclusions":[{"ResourceArn":"arn:aws:ec2:r:1:vpc/vpc-1","State":"update-complete","InternetGatewayExclusionMode":"allow-bidirectional"}],"PrefixLists":[`}, reach: vpc.Yes, reply: vpc.Yes},
		{name: "NET-52 exclusion for egress only", from: "eni-b", to: "internet", dst: "8.8.8.8", edit: []string{`"PrefixLists":[`, `"VpcBlockPublicAccessOptions":{"State":"update-complete","InternetGatewayBlockMode":"block-bidirectional"},"VpcBlockPublicAccessExclusions":[{"ResourceArn":"arn:aws:ec2:r:1:vpc/vpc-1","State":"create-complete","InternetGatewayExclusionMode":"allow-egress"}],"PrefixLists":[`}, reach: vpc.Yes, reply: vpc.Yes},
		{name: "NET-52 exclusion for egress only, in", from: "internet", to: "eni-a", src: "198.51.100.7", edit: []string{`"PrefixLists":[`, `"VpcBlockPublicAccessOptions":{"State":"update-complete","InternetGatewayBlockMode":"block-bidirectional"},"VpcBlockPublicAccessExclusions":[{"ResourceArn":"arn:aws:ec2:r:1:vpc/vpc-1","State":"create-complete","InternetGatewayExclusionMode":"allow-egress"}],"PrefixLists":[`}, reach: vpc.No, blocks: "PUBLIC_ACCESS_BLOCKED igw-1"},
		{name: "NET-52 exclusion not complete", from: "internet", to: "eni-a", src: "198.51.100.7", edit: []string{`"PrefixLists":[`, `"VpcBlockPublicAccessOptions":{"State":"update-complete","InternetGatewayBlockMode":"block-bidirectional"},"VpcBlockPublicAccessExclusions":[{"ResourceArn":"arn:aws:ec2:r:1:vpc/vpc-1","State":"create-in-progress","InternetGatewayExclusionMode":"allow-bidirectional"}],"PrefixLists":[`}, reach: vpc.No, blocks: "PUBLIC_ACCESS_BLOCKED igw-1"},
		{name: "NET-50 interface endpoint", from: "eni-a", to: "eni-b", edit: endpointAt("available"), reach: vpc.Yes, reply: vpc.Yes},
		{name: "NET-50 interface endpoint pending", from: "eni-a", to: "eni-b", edit: endpointAt("pendingAcceptance"), reach: vpc.No, blocks: "STATE vpce-i"},
		{name: "NET-17 reference to a peered VPC's group", from: "eni-b", to: "eni-p", edit: references("sg-web"), reach: vpc.Yes, reply: vpc.Yes},
		{name: "NET-17 reference to a group peered in another Region", from: "eni-b", to: "eni-p", edit: append(references("sg-web"), `"AccepterVpcInfo":{"VpcId":"vpc-2","CidrBlock":"10.2.0.0/16","Region":"r"}`, `"AccepterVpcInfo":{"VpcId":"vpc-2","CidrBlock":"10.2.0.0/16","Region":"s"}`), reach: vpc.No, blocks: "SG_INGRESS sg-p"},
		{name: "NET-17 reference through a transit gateway", from: "eni-b", to: "eni-t", edit: append(references("sg-web"), `"TransitGatewayAttachments":[{"TransitGatewayId"`, `"TransitGateways":[{"TransitGatewayId":"tgw-1","State":"available","Options":{"SecurityGroupReferencingSupport":"enable"}}],"TransitGatewayAttachments":[{"TransitGatewayId"`), reach: vpc.Yes, reply: vpc.Yes},
		{name: "NET-17 transit gateway without references", from: "eni-b", to: "eni-t", edit: references("sg-web"), reach: vpc.No, blocks: "SG_INGRESS sg-p"},
		{name: "NET-17 group associated with the VPC", from: "eni-b", to: "eni-t", edit: append(references("sg-web"), `"PrefixLists":[`, `"SecurityGroupVpcAssociations":[{"GroupId":"sg-web","VpcId":"vpc-3","State":"associated"}],"PrefixLists":[`), reach: vpc.Yes, reply: vpc.Yes},
		{name: "NET-17 group association going", from: "eni-b", to: "eni-t", edit: append(references("sg-web"), `"PrefixLists":[`, `"SecurityGroupVpcAssociations":[{"GroupId":"sg-web","VpcId":"vpc-3","State":"disassociating"}],"PrefixLists":[`), reach: vpc.No, blocks: "SG_INGRESS sg-p"},
		{name: "NET-50 NAT and IPv6", from: "eni-6", to: "internet", dst: "2606:4700::1", edit: []string{`{"DestinationIpv6CidrBlock":"::/0","EgressOnlyInternetGatewayId":"eigw-1"}`, `{"DestinationIpv6CidrBlock":"::/0","NatGatewayId":"nat-1"}`}, reach: vpc.No, blocks: "ACL_IN acl-a/*, ROUTE_MISMATCH rtb-6/::/0"},
		{name: "NET-50 NAT protocol", from: "eni-b", to: "internet", dst: "8.8.8.8", proto: 47, reach: vpc.No, blocks: "NAT_PROTOCOL nat-1, ACL_OUT acl-a/*"},
		{name: "NET-50 private NAT", from: "eni-b", to: "internet", dst: "8.8.8.8", edit: []string{`"ConnectivityType":"public"`, `"ConnectivityType":"private"`}, reach: vpc.No, blocks: "NO_PUBLIC_ADDRESS nat-1"},
		{name: "NET-50 regional NAT", from: "eni-b", to: "internet", dst: "8.8.8.8", edit: []string{`"ConnectivityType":"public"`, `"AvailabilityMode":"regional"`}, reach: vpc.Unresolved, reply: vpc.Unresolved},
		{name: "NET-50 NAT failed", from: "eni-b", to: "internet", dst: "8.8.8.8", edit: []string{`"SubnetId":"subnet-a","State":"available"`, `"SubnetId":"subnet-a","State":"failed"`}, reach: vpc.No, blocks: "STATE nat-1"},
		{name: "NET-50 no public address", from: "eni-a", to: "internet", dst: "8.8.8.8", edit: []string{`"Association":{"PublicIp":"203.0.113.5"},`, ``}, reach: vpc.No, blocks: "NO_PUBLIC_ADDRESS eni-a"},
		{name: "NET-50 gateway of another VPC", from: "eni-a", to: "internet", dst: "8.8.8.8", edit: []string{`"Attachments":[{"VpcId":"vpc-1","State":"available"}]`, `"Attachments":[{"VpcId":"vpc-2","State":"available"}]`}, reach: vpc.No, blocks: "ATTACHMENT_STATE igw-1"},
		{name: "NET-50 private destination", from: "eni-a", to: "100.64.1.1", reach: vpc.No, blocks: "ROUTE_MISMATCH rtb-pub/0.0.0.0/0"},
		{name: "NET-50 no such address", from: "eni-a", to: "10.0.77.1", reach: vpc.No, blocks: "NO_SUCH_ADDRESS rtb-pub/10.0.0.0/16"},
		{name: "NET-50 DenyAllIgwTraffic", from: "internet", to: "eni-a", src: "198.51.100.7", edit: []string{`"Status":"in-use"`, `"DenyAllIgwTraffic":true`}, reach: vpc.No, blocks: "PUBLIC_ACCESS_BLOCKED eni-a"},
		{name: "NET-52 block public access", from: "eni-b", to: "internet", dst: "8.8.8.8", edit: []string{`"PrefixLists":[`, `"VpcBlockPublicAccessOptions":{"State":"update-complete","InternetGatewayBlockMode":"block-bidirectional"},"PrefixLists":[`}, reach: vpc.No, blocks: "PUBLIC_ACCESS_BLOCKED igw-1"},
		{name: "NET-52 block ingress lets NAT out", from: "eni-b", to: "internet", dst: "8.8.8.8", edit: []string{`"PrefixLists":[`, `"VpcBlockPublicAccessOptions":{"State":"update-complete","InternetGatewayBlockMode":"block-ingress"},"PrefixLists":[`}, reach: vpc.Yes, reply: vpc.Yes},
		{name: "NET-52 block ingress", from: "internet", to: "eni-a", src: "198.51.100.7", edit: []string{`"PrefixLists":[`, `"VpcBlockPublicAccessOptions":{"State":"update-complete","InternetGatewayBlockMode":"block-ingress"},"PrefixLists":[`}, reach: vpc.No, blocks: "PUBLIC_ACCESS_BLOCKED igw-1"},
		{name: "NET-52 instance stopped", from: "eni-a", to: "eni-b", edit: []string{`"PrefixLists":[`, `"Reservations":[{"Instances":[{"InstanceId":"i-a","State":{"Name":"stopped"}}]}],"PrefixLists":[`}, reach: vpc.No, blocks: "STATE i-a"},
		{name: "NET-50 egress-only out", from: "eni-6", to: "internet", dst: "2606:4700::1", reach: vpc.Yes, reply: vpc.Yes, hops: "eni-6 subnet-6 vpc-1 eigw-1 internet"},
		{name: "NET-50 egress-only in", from: "internet", to: "eni-6", src: "2606:4700::1", reach: vpc.No, blocks: "EGRESS_ONLY eigw-1"},
		{name: "NET-84 the family both ends have", from: "eni-6", to: "eni-b", edit: []string{`"PrivateIpAddress":"10.0.2.5"`, `"PrivateIpAddress":"10.0.2.5","Ipv6Addresses":[{"Ipv6Address":"2600:1f00:1:0:b::5"}]`}, reach: vpc.Yes, reply: vpc.Yes, hops: "eni-6 subnet-6 vpc-1 subnet-b eni-b"},
		{name: "NET-50 NAT64", from: "eni-6", to: "internet", dst: "64:ff9b::808:808", edit: []string{`{"DestinationIpv6CidrBlock":"::/0","EgressOnlyInternetGatewayId":"eigw-1"}`, `{"DestinationIpv6CidrBlock":"64:ff9b::/96","NatGatewayId":"nat-1"}`, `{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":false,"CidrBlock":"0.0.0.0/0"}]},`, `{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":false,"CidrBlock":"0.0.0.0/0"},{"RuleNumber":110,"Protocol":"-1","RuleAction":"allow","Egress":false,"Ipv6CidrBlock":"::/0"},{"RuleNumber":110,"Protocol":"-1","RuleAction":"allow","Egress":true,"Ipv6CidrBlock":"::/0"}]},`}, reach: vpc.Yes, reply: vpc.Yes, hops: "eni-6 subnet-6 vpc-1 subnet-a nat-1 subnet-a vpc-1 igw-1 internet"},
		{name: "NET-50 peering", from: "eni-b", to: "eni-p", reach: vpc.Yes, reply: vpc.Yes, hops: "eni-b subnet-b vpc-1 pcx-1 vpc-2 subnet-p eni-p"},
		{name: "NET-50 peering pending", from: "eni-b", to: "eni-p", edit: []string{`"Code":"active"`, `"Code":"pending-acceptance"`}, reach: vpc.No, blocks: "STATE pcx-1"},
		{name: "NET-50 peering without return route", from: "eni-b", to: "eni-p", edit: []string{`{"DestinationCidrBlock":"10.0.0.0/16","VpcPeeringConnectionId":"pcx-1"}`, `{}`}, reach: vpc.Yes, reply: vpc.No, blocks: "NO_ROUTE rtb-p/10.0.2.5 reply"},
		{name: "NET-50 peering is not transitive", from: "eni-p", to: "internet", dst: "8.8.8.8", reach: vpc.No, blocks: "NOT_TRANSITIVE pcx-1"},
		{name: "NET-50 transit gateway", from: "eni-b", to: "eni-t", reach: vpc.Yes, reply: vpc.Yes, hops: "eni-b subnet-b vpc-1 tgw-1 vpc-3 subnet-t eni-t"},
		{name: "NET-50 transit gateway without route", from: "eni-b", to: "eni-t", edit: []string{`"DestinationCidrBlock":"10.3.0.0/16","State":"active"`, `"DestinationCidrBlock":"10.9.0.0/16","State":"active"`}, reach: vpc.No, blocks: "TGW_NO_ROUTE tgw-rtb-1/10.3.1.5"},
		{name: "NET-48 transit gateway black hole", from: "eni-b", to: "eni-t", edit: []string{`"DestinationCidrBlock":"10.3.0.0/16","State":"active"`, `"DestinationCidrBlock":"10.3.0.0/16","State":"blackhole"`}, reach: vpc.No, blocks: "ROUTE_STATE tgw-rtb-1/10.3.0.0/16"},
		{name: "NET-50 attachment not in the zone", from: "eni-b", to: "eni-t", edit: []string{`"SubnetIds":["subnet-b"]`, `"SubnetIds":["subnet-t"]`, `"CidrBlock":"10.3.1.0/24","AvailabilityZone":"z1"`, `"CidrBlock":"10.3.1.0/24","AvailabilityZone":"z2"`}, reach: vpc.No, blocks: "ATTACHMENT_STATE tgw-attach-1"},
		{name: "NET-43 more transit routes exist", from: "eni-b", to: "eni-t", edit: []string{`"Routes":[{"DestinationCidrBlock":"10.0.0.0/16","State":"active"`, `"AdditionalRoutesAvailable":true,"Routes":[{"DestinationCidrBlock":"10.0.0.0/16","State":"active"`}, reach: vpc.Unresolved, reply: vpc.Unresolved},
		{name: "NET-50 gateway endpoint", from: "eni-b", to: "52.216.1.1", reach: vpc.Yes, reply: vpc.Yes, hops: "eni-b subnet-b vpc-1 vpce-s3 aws-services"},
		{name: "NET-50 gateway endpoint protocol", from: "eni-b", to: "52.216.1.1", proto: netfilter.UDP, reach: vpc.No, blocks: "PROTOCOL vpce-s3"},
		{name: "NET-19 unknown prefix list", from: "eni-b", to: "internet", dst: "8.8.8.8", edit: []string{`"Cidrs":["52.216.0.0/15"]`, `"Version":1`}, reach: vpc.Unresolved, reply: vpc.Unresolved},
		{name: "NET-50 gateway endpoint of another VPC", from: "eni-t", to: "52.216.1.1", edit: []string{
			`{"RouteTableId":"rtb-t","VpcId":"vpc-3","Associations":[{"Main":true}],"Routes":[`, `{"RouteTableId":"rtb-t","VpcId":"vpc-3","Associations":[{"Main":true}],"Routes":[{"DestinationCidrBlock":"0.0.0.0/0","TransitGatewayId":"tgw-1"},`,
			`"Routes":[{"DestinationCidrBlock":"10.0.0.0/16","State":"active"`, `"Routes":[{"DestinationCidrBlock":"0.0.0.0/0","State":"active","Type":"static","TransitGatewayAttachments":[{"TransitGatewayAttachmentId":"tgw-attach-1","ResourceType":"vpc"}]},{"DestinationCidrBlock":"10.0.0.0/16","State":"active"`,
		}, reach: vpc.No, blocks: "NOT_TRANSITIVE vpce-s3"},
		{name: "NET-19 unknown prefix list cannot stand beside local", from: "eni-b", to: "eni-a", edit: []string{`"Cidrs":["52.216.0.0/15"]`, `"Version":1`}, reach: vpc.Yes, reply: vpc.Yes},
		{name: "NET-19 unknown prefix list of an interface may", from: "eni-b", to: "eni-a", edit: []string{`{"DestinationPrefixListId":"pl-s3","GatewayId":"vpce-s3"}`, `{"DestinationPrefixListId":"pl-s3","NetworkInterfaceId":"eni-6"}`, `"Cidrs":["52.216.0.0/15"]`, `"Version":1`}, reach: vpc.Unresolved, reply: vpc.Unresolved},
		{name: "NET-50 DenyAllIgwTraffic drops replies", from: "eni-a", to: "internet", dst: "8.8.8.8", edit: []string{`"Status":"in-use"`, `"DenyAllIgwTraffic":true`}, reach: vpc.Yes, reply: vpc.No, blocks: "PUBLIC_ACCESS_BLOCKED eni-a reply"},
		{name: "NET-50 transit gateway deleted", from: "eni-b", to: "eni-t", edit: []string{`"TransitGatewayAttachments":[{"TransitGatewayId"`, `"TransitGateways":[{"TransitGatewayId":"tgw-1","State":"deleted"}],"TransitGatewayAttachments":[{"TransitGatewayId"`}, reach: vpc.No, blocks: "STATE tgw-1"},
		{name: "NET-50 transit gateway, ACL of the attachment's subnet", from: "eni-b", to: "eni-t", edit: []string{`"NetworkAclId":"acl-1","VpcId":"vpc-1","IsDefault":true,"Entries":[`, `"NetworkAclId":"acl-1","VpcId":"vpc-1","IsDefault":true,"Entries":[{"RuleNumber":1,"Protocol":"-1","RuleAction":"deny","Egress":false,"CidrBlock":"10.0.2.5/32"},`}, reach: vpc.No, blocks: "ACL_IN acl-1/1"},
		{name: "NET-53 transit gateway loop", from: "eni-b", to: "10.3.77.1", edit: []string{`{"DestinationCidrBlock":"10.3.0.0/16","State":"active","Type":"propagated","TransitGatewayAttachments":[{"TransitGatewayAttachmentId":"tgw-attach-3"`, `{"DestinationCidrBlock":"10.3.0.0/16","State":"active","Type":"propagated","TransitGatewayAttachments":[{"TransitGatewayAttachmentId":"tgw-attach-1"`}, reach: vpc.No, blocks: "LOOP subnet-b"},
		{name: "NET-50 VPN gateway of another VPC", from: "eni-b", to: "192.168.1.1", edit: []string{`"PrefixLists":[`, `"VpnGateways":[{"VpnGatewayId":"vgw-1","State":"available","VpcAttachments":[{"VpcId":"vpc-2","State":"attached"}]}],"PrefixLists":[`}, reach: vpc.No, blocks: "ATTACHMENT_STATE vgw-1"},
		{name: "NET-52 encryption enforced", from: "eni-a", to: "internet", dst: "8.8.8.8", edit: enforced(`"InternetGateway":{"State":"disabled"}`), reach: vpc.Unresolved, reply: vpc.Unresolved},
		{name: "NET-52 encryption enforced, gateway exempt", from: "eni-a", to: "internet", dst: "8.8.8.8", edit: enforced(`"InternetGateway":{"State":"enabled"}`), reach: vpc.Yes, reply: vpc.Yes},
		{name: "NET-52 encryption enforced, inside", from: "eni-a", to: "eni-b", edit: enforced(``), reach: vpc.Yes, reply: vpc.Yes},
		{name: "NET-52 encryption enforced, peering", from: "eni-b", to: "eni-p", edit: enforced(``), reach: vpc.Unresolved, reply: vpc.Unresolved},
		{name: "NET-52 encryption enforced until deleted", from: "eni-a", to: "internet", dst: "8.8.8.8", edit: append(enforced(``), `"Mode":"enforce","State":"available"`, `"Mode":"enforce","State":"delete-failed"`), reach: vpc.Unresolved, reply: vpc.Unresolved},
		{name: "NET-52 encryption control being made", from: "eni-a", to: "internet", dst: "8.8.8.8", edit: append(enforced(``), `"Mode":"enforce","State":"available"`, `"Mode":"enforce","State":"creating"`), reach: vpc.Yes, reply: vpc.Yes},
		{name: "NET-52 encryption monitored", from: "eni-a", to: "internet", dst: "8.8.8.8", edit: append(enforced(``), `"Mode":"enforce"`, `"Mode":"monitor"`), reach: vpc.Yes, reply: vpc.Yes},
		{name: "NET-84 NAT gateway in the client's subnet", from: "eni-c", to: "internet", dst: "8.8.8.8", edit: []string{
			`{"NetworkInterfaceId":"eni-b",`, `{"NetworkInterfaceId":"eni-c","SubnetId":"subnet-a","VpcId":"vpc-1","Groups":[{"GroupId":"sg-open"}],"PrivateIpAddress":"10.0.1.44"},{"NetworkInterfaceId":"eni-b",`,
			`{"DestinationCidrBlock":"0.0.0.0/0","GatewayId":"igw-1"}`, `{"DestinationCidrBlock":"0.0.0.0/0","GatewayId":"igw-1"},{"DestinationCidrBlock":"8.8.8.8/32","NatGatewayId":"nat-1"}`,
		}, reach: vpc.No, blocks: "LOOP subnet-a", hops: "eni-c subnet-a vpc-1 nat-1 subnet-a vpc-1 nat-1"},
		{name: "NET-84 reply through a NAT instance", from: "eni-b", to: "internet", dst: "8.8.8.8", edit: []string{`{"DestinationCidrBlock":"0.0.0.0/0","NatGatewayId":"nat-1"}`, `{"DestinationCidrBlock":"0.0.0.0/0","NetworkInterfaceId":"eni-a"}`, `"Status":"in-use"`, `"SourceDestCheck":false`}, reach: vpc.Unresolved, reply: vpc.Unresolved, hops: "eni-b subnet-b vpc-1 subnet-a eni-a subnet-a vpc-1 igw-1 internet"},
		{name: "NET-84 reply on a way that is not known", from: "eni-a", to: "internet", dst: "8.8.8.8", edit: []string{`"Status":"in-use"`, `"DenyAllIgwTraffic":true`, `{"DestinationCidrBlock":"0.0.0.0/0","GatewayId":"igw-1"}`, `{"DestinationCidrBlock":"0.0.0.0/0","GatewayId":"igw-1"},{"DestinationPrefixListId":"pl-unknown","GatewayId":"vgw-1"}`}, reach: vpc.Unresolved, reply: vpc.Unresolved},
		{name: "NET-50 virtual private gateway", from: "eni-b", to: "192.168.1.1", reach: vpc.Yes, reply: vpc.Unresolved, hops: "eni-b subnet-b vpc-1 vgw-1"},
		{name: "NET-48 black hole", from: "eni-b", to: "172.16.0.1", reach: vpc.No, blocks: "ROUTE_STATE rtb-main/172.16.0.0/12"},
		{name: "NET-47 longest prefix", from: "eni-b", to: "internet", dst: "8.8.8.8", edit: []string{`{"DestinationCidrBlock":"172.16.0.0/12"`, `{"DestinationCidrBlock":"8.8.0.0/16"`}, reach: vpc.No, blocks: "ROUTE_STATE rtb-main/8.8.0.0/16"},
		{name: "NET-47 local overridden, NET-51", from: "eni-b", to: "eni-a", edit: []string{`{"DestinationCidrBlock":"172.16.0.0/12","NetworkInterfaceId":"eni-gone","State":"blackhole"}`, `{"DestinationCidrBlock":"10.0.1.0/24","NetworkInterfaceId":"eni-6"}`}, reach: vpc.No, blocks: "SRC_DST_CHECK eni-6", hops: "eni-b subnet-b vpc-1 subnet-6 eni-6 subnet-6 vpc-1 subnet-a eni-a"},
		{name: "NET-51 middlebox", from: "eni-b", to: "eni-a", edit: []string{`{"DestinationCidrBlock":"172.16.0.0/12","NetworkInterfaceId":"eni-gone","State":"blackhole"}`, `{"DestinationCidrBlock":"10.0.1.0/24","NetworkInterfaceId":"eni-6"}`, `"NetworkInterfaceId":"eni-6","SubnetId"`, `"NetworkInterfaceId":"eni-6","SourceDestCheck":false,"SubnetId"`}, reach: vpc.Yes, reply: vpc.Yes},
		{name: "NET-47 equal prefix lists differ", from: "eni-b", to: "9.9.9.9", edit: twoLists(`"GatewayId":"vgw-2","State":"blackhole"`), reach: vpc.Partly, reply: vpc.Unresolved, blocks: "ROUTE_STATE rtb-main/9.9.9.9/32"},
		{name: "NET-47 equal prefix lists agree", from: "eni-b", to: "9.9.9.9", edit: twoLists(`"GatewayId":"vgw-2"`), reach: vpc.Yes, reply: vpc.Unresolved, hops: "eni-b subnet-b vpc-1 vgw-1"},
		{name: "NET-47 CIDR beats equal prefix list", from: "eni-b", to: "9.9.9.9", edit: twoLists(`"GatewayId":"vgw-2"},{"DestinationCidrBlock":"9.9.9.9/32","GatewayId":"vgw-3"`), reach: vpc.Yes, reply: vpc.Unresolved, hops: "eni-b subnet-b vpc-1 vgw-3"},
		{name: "NET-47 prefix list beats propagated", from: "eni-b", to: "9.9.9.9", edit: twoLists(`"GatewayId":"vgw-1"},{"DestinationCidrBlock":"9.9.9.9/32","Origin":"EnableVgwRoutePropagation","GatewayId":"vgw-3"`), reach: vpc.Yes, reply: vpc.Unresolved, hops: "eni-b subnet-b vpc-1 vgw-1"},
		{name: "NET-51 foreign source", from: "eni-b", to: "eni-a", src: "10.0.2.99", reach: vpc.No, blocks: "SRC_DST_CHECK eni-b"},
		{name: "NET-53 loop", from: "eni-a", to: "10.9.9.9", edit: []string{`{"DestinationCidrBlock":"0.0.0.0/0","GatewayId":"igw-1"}`, `{"DestinationCidrBlock":"10.9.0.0/16","NetworkInterfaceId":"eni-nat2"}`, `{"NetworkInterfaceId":"eni-b",`, `{"NetworkInterfaceId":"eni-nat2","SubnetId":"subnet-a","VpcId":"vpc-1","Groups":[{"GroupId":"sg-open"}],"PrivateIpAddress":"10.0.1.77","SourceDestCheck":false},{"NetworkInterfaceId":"eni-b",`}, reach: vpc.No, blocks: "LOOP subnet-a"},
		{name: "NET-34 no ACL", from: "eni-a", to: "eni-b", edit: []string{`"NetworkAclId":"acl-1","VpcId":"vpc-1","IsDefault":true`, `"NetworkAclId":"acl-1","VpcId":"vpc-1","IsDefault":false`}, reach: vpc.Unresolved, reply: vpc.Unresolved},
		{name: "NET-24 resolver", from: "eni-b2", to: "10.0.0.2", proto: netfilter.UDP, port: 53, reach: vpc.Yes, reply: vpc.Yes, hops: "eni-b2 aws-services"},
		{name: "NET-24 a stranger with a service's address", from: "internet", to: "eni-a", src: "169.254.169.254", port: 22, edit: []string{
			`"NetworkInterfaceId":"eni-a","SubnetId":"subnet-a","VpcId":"vpc-1","Groups":[{"GroupId":"sg-open"}]`, `"NetworkInterfaceId":"eni-a","SubnetId":"subnet-a","VpcId":"vpc-1","Groups":[{"GroupId":"sg-web"}]`,
			`{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":false,"CidrBlock":"0.0.0.0/0"}]},`, `{"RuleNumber":100,"Protocol":"-1","RuleAction":"deny","Egress":false,"CidrBlock":"169.254.0.0/16"}]},`,
		}, reach: vpc.No, blocks: "ACL_IN acl-a/100, SG_INGRESS sg-web"},
		{name: "NET-24 DHCP", from: "eni-b2", to: "255.255.255.255", proto: netfilter.UDP, port: 67, reach: vpc.Yes, reply: vpc.Yes, hops: "eni-b2 aws-services"},
		{name: "NET-24 another broadcast", from: "eni-b", to: "255.255.255.255", proto: netfilter.UDP, port: 69, reach: vpc.No, blocks: "ACL_OUT acl-a/*, ROUTE_MISMATCH rtb-pub/0.0.0.0/0"},
		{name: "NET-24 the resolver is in the primary block", from: "eni-b2", to: "10.9.0.2", proto: netfilter.UDP, port: 53, edit: []string{`{"VpcId":"vpc-1","CidrBlock":"10.0.0.0/16",`, `{"VpcId":"vpc-1","CidrBlock":"10.0.0.0/16","CidrBlockAssociationSet":[{"CidrBlock":"10.0.0.0/16"},{"CidrBlock":"10.9.0.0/16"}],`}, reach: vpc.No, blocks: "SG_EGRESS sg-web, NO_SUCH_ADDRESS rtb-main/10.9.0.0/16"},
		{name: "instance for interface", from: "i-a", to: "eni-b", proto: netfilter.ICMP, reach: vpc.No, blocks: "ACL_OUT acl-a/*"},
		{name: "NET-46 disassociated table", from: "eni-a", to: "internet", dst: "8.8.8.8", edit: []string{`"Associations":[{"SubnetId":"subnet-a"}],"Routes"`, `"Associations":[{"SubnetId":"subnet-a","AssociationState":{"State":"disassociated"}}],"Routes"`}, reach: vpc.No, blocks: "LOOP subnet-a"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.proto == 0 {
				c.proto = netfilter.TCP
			}
			p := ask(t, edited(t, c.edit...), c.from, c.to, c.dst, c.src, c.proto, c.port)
			require.Equal(t, c.reach.String(), p.Reachable.String(), "%+v", p)
			require.Equal(t, c.reply.String(), p.Reply.String(), "%+v", p)
			require.Equal(t, c.blocks, blocks(p))
			if c.hops != "" {
				require.Equal(t, c.hops, hops(p))
			}
			require.LessOrEqual(t, len(p.Hops), 70)
		})
	}
}

// endpointAt makes eni-b the interface of an endpoint in a state.
func endpointAt(state string) []string {
	return []string{`"VpcEndpoints":[`, `"VpcEndpoints":[{"VpcEndpointId":"vpce-i","VpcEndpointType":"Interface","State":"` + state + `","VpcId":"vpc-1","NetworkInterfaceIds":["eni-b"]},`}
}

// references gives eni-b the group sg-web of vpc-1 beside its own, and eni-p and
// eni-t, in other VPCs, one that admits what the first names.
func references(group string) []string {
	return []string{
		`"SecurityGroups":[`, `"SecurityGroups":[{"GroupId":"sg-p","VpcId":"vpc-9","IpPermissions":[{"IpProtocol":"-1","UserIdGroupPairs":[{"GroupId":"` + group + `"}]}],"IpPermissionsEgress":[{"IpProtocol":"-1","IpRanges":[{"CidrIp":"0.0.0.0/0"}]}]},`,
		`"NetworkInterfaceId":"eni-b","SubnetId":"subnet-b","VpcId":"vpc-1","Groups":[`, `"NetworkInterfaceId":"eni-b","SubnetId":"subnet-b","VpcId":"vpc-1","Groups":[{"GroupId":"sg-web"},`,
		`"NetworkInterfaceId":"eni-p","SubnetId":"subnet-p","VpcId":"vpc-2","Groups":[{"GroupId":"sg-open"}]`, `"NetworkInterfaceId":"eni-p","SubnetId":"subnet-p","VpcId":"vpc-2","Groups":[{"GroupId":"sg-p"}]`,
		`"NetworkInterfaceId":"eni-t","SubnetId":"subnet-t","VpcId":"vpc-3","Groups":[{"GroupId":"sg-open"}]`, `"NetworkInterfaceId":"eni-t","SubnetId":"subnet-t","VpcId":"vpc-3","Groups":[{"GroupId":"sg-p"}]`,
	}
}

// enforced makes vpc-1 enforce encryption, with exclusions.
func enforced(exclusions string) []string {
	return []string{`"PrefixLists":[`, `"VpcEncryptionControls":[{"VpcId":"vpc-1","Mode":"enforce","State":"available","ResourceExclusions":{` + exclusions + `}}],"PrefixLists":[`}
}

// twoLists adds routes to vgw-1 and another target by lists with one entry.
func twoLists(other string) []string {
	return []string{
		`{"DestinationCidrBlock":"172.16.0.0/12","NetworkInterfaceId":"eni-gone","State":"blackhole"}`, `{"DestinationPrefixListId":"pl-x","GatewayId":"vgw-1"},{"DestinationPrefixListId":"pl-y",` + other + `}`,
		`"PrefixLists":[`, `"PrefixLists":[{"PrefixListId":"pl-x","Cidrs":["9.9.9.9/32"]},{"PrefixListId":"pl-y","Cidrs":["9.9.9.9/32"]},`,
	}
}

// TestForksAreBounded: equal routes at every hop of a hostile snapshot would
// make paths without number; beyond the bound the answer is unresolved.
func TestForksAreBounded(t *testing.T) {
	const layers, wide = 12, 10
	var ifaces, tables, lists []string
	for w := range wide {
		lists = append(lists, fmt.Sprintf(`{"PrefixListId":"pl-%d","Cidrs":["9.9.9.9/32"]}`, w))
	}
	for l := range layers {
		var routes, ids []string
		for w := range wide {
			ids = append(ids, fmt.Sprintf(`{"SubnetId":"subnet-%d-%d"}`, l, w))
			routes = append(routes, fmt.Sprintf(`{"DestinationPrefixListId":"pl-%d","NetworkInterfaceId":"eni-%d-%d"}`, w, l+1, w))
			ifaces = append(ifaces, fmt.Sprintf(`{"NetworkInterfaceId":"eni-%d-%d","SubnetId":"subnet-%d-%d","VpcId":"vpc-1","InterfaceType":"gateway_load_balancer","SourceDestCheck":false,"PrivateIpAddress":"10.0.%d.%d"}`, l, w, l, w, l, w))
		}
		tables = append(tables, fmt.Sprintf(`{"RouteTableId":"rtb-%d","VpcId":"vpc-1","Associations":[%s],"Routes":[%s]}`, l, strings.Join(ids, ","), strings.Join(routes, ",")))
	}
	text := fmt.Sprintf(`{"NetworkInterfaces":[%s],"RouteTables":[%s],"PrefixLists":[%s]}`, strings.Join(ifaces, ","), strings.Join(tables, ","), strings.Join(lists, ","))
	s, err := vpc.Read(netfilter.Document{Name: "all.json", Data: []byte(text)})
	require.NoError(t, err)
	p := ask(t, s, "eni-0-0", "9.9.9.9", "", "", netfilter.TCP, 443)
	require.Equal(t, vpc.Unresolved, p.Reachable)
}

// TestHopsAreBounded: a path of 64 hops is one, the next hop ends it, wherever it
// leads (NET-53).
func TestHopsAreBounded(t *testing.T) {
	var subnets, ifaces, tables []string
	for i := range 17 {
		subnets = append(subnets, fmt.Sprintf(`{"SubnetId":"subnet-%d","VpcId":"vpc-1"}`, i))
		ifaces = append(ifaces, fmt.Sprintf(`{"NetworkInterfaceId":"eni-%d","SubnetId":"subnet-%d","VpcId":"vpc-1","InterfaceType":"gateway_load_balancer","SourceDestCheck":false,"PrivateIpAddress":"10.0.%d.5"}`, i, i, i))
		next := fmt.Sprintf(`"NetworkInterfaceId":"eni-%d"`, i+1)
		if i == 15 {
			next = `"GatewayId":"vgw-1"`
		}
		tables = append(tables, fmt.Sprintf(`{"RouteTableId":"rtb-%d","VpcId":"vpc-1","Associations":[{"SubnetId":"subnet-%d"}],"Routes":[{"DestinationCidrBlock":"172.16.0.0/12",%s}`, i, i, next))
		for _, last := range []int{15, 16} {
			if i < last-1 {
				tables[i] += fmt.Sprintf(`,{"DestinationCidrBlock":"10.0.%d.0/24","NetworkInterfaceId":"eni-%d"}`, last, i+1)
			}
		}
		tables[i] += "]}"
	}
	open := `{"RuleNumber":1,"Protocol":"-1","RuleAction":"allow","Egress":true,"CidrBlock":"0.0.0.0/0"},{"RuleNumber":1,"Protocol":"-1","RuleAction":"allow","Egress":false,"CidrBlock":"0.0.0.0/0"}`
	text := fmt.Sprintf(`{"Vpcs":[{"VpcId":"vpc-1","CidrBlock":"10.0.0.0/16"}],"Subnets":[%s],"NetworkInterfaces":[%s],"RouteTables":[%s],"NetworkAcls":[{"NetworkAclId":"acl-1","VpcId":"vpc-1","IsDefault":true,"Entries":[%s]}]}`,
		strings.Join(subnets, ","), strings.Join(ifaces, ","), strings.Join(tables, ","), open)
	s, err := vpc.Read(netfilter.Document{Name: "all.json", Data: []byte(text)})
	require.NoError(t, err)
	for _, c := range []struct {
		to     string
		reach  vpc.Answer
		hops   int
		blocks string
	}{
		{"eni-15", vpc.Yes, 61, ""},
		{"172.16.0.1", vpc.Yes, 64, ""},
		{"eni-16", vpc.No, 64, "LOOP eni-16"},
	} {
		p := ask(t, s, "eni-0", c.to, "", "", netfilter.TCP, 443)
		require.Equal(t, c.reach, p.Reachable, "%s: %s", c.to, blocks(p))
		require.Len(t, p.Hops, c.hops, c.to)
		require.Equal(t, c.blocks, blocks(p))
	}
}

// TestQueryFaults: questions without a meaning are errors.
func TestQueryFaults(t *testing.T) {
	s := edited(t)
	for name, q := range map[string][3]string{
		"unknown interface": {"eni-x", "eni-a", ""}, "nothing": {"", "eni-a", ""}, "no source": {"internet", "eni-a", ""}, "families": {"eni-a", "internet", "::1"},
	} {
		traffic := vpc.Traffic{Protocol: netfilter.TCP}
		if q[2] != "" {
			traffic.Dst = netip.MustParseAddr(q[2])
		}
		_, err := s.Path(endpoint(q[0]), endpoint(q[1]), traffic)
		require.ErrorIs(t, err, vpc.ErrQuery, name)
	}
	_, err := s.Path(endpoint("eni-a"), endpoint("eni-b"), vpc.Traffic{Protocol: netfilter.TCP, DstPorts: &vpc.Ports{From: 2, To: 1}})
	require.ErrorIs(t, err, vpc.ErrQuery)
}

// TestDocuments: NET-36: equal objects are one, different ones a conflict; a
// member of the wrong type is named; names are matched exactly.
func TestDocuments(t *testing.T) {
	doc := func(s string) netfilter.Document { return netfilter.Document{Name: "f.json", Data: []byte(s)} }
	a := doc(`{"Subnets":[{"SubnetId":"s","VpcId":"v"}]}`)
	_, err := vpc.Read(a, a)
	require.NoError(t, err)
	_, err = vpc.Read(a, doc(`{"Subnets":[{"SubnetId":"s","VpcId":"w"}]}`))
	require.ErrorIs(t, err, vpc.ErrSnapshot)
	require.ErrorContains(t, err, "described differently")
	for _, bad := range []string{`{"Vpcs":{}}`, `{"Vpcs":[1]}`, `{"Vpcs":[{"CidrBlock":"x"}]}`, `{"RouteTables":[{"Associations":[{"Main":"perhaps"}]}]}`, `{"NatGateways":[{"NatGatewayAddresses":[{"PrivateIp":"fe80::1%a"}]}]}`, `{"VpcEndpoints":[{"SubnetIds":[{}]}]}`, `{"VpcPeeringConnections":[{"Status":[]}]}`} {
		_, err = vpc.Read(doc(bad))
		require.ErrorIs(t, err, vpc.ErrSnapshot, bad)
		var fault *vpc.SnapshotError
		require.ErrorAs(t, err, &fault)
		require.NotEmpty(t, fault.Path)
		require.NotEmpty(t, fault.Hint())
	}
	_, err = vpc.Read(doc(`{"vpcs":1,"Subnets":null,"RouteTables":[null]}`))
	require.NoError(t, err)
	_, err = vpc.Load(fstest.MapFS{"a/b.json": {Data: []byte(`{`)}})
	require.ErrorIs(t, err, netfilter.ErrDocument)
	s, err := vpc.Load(fstest.MapFS{"a/b.json": {Data: []byte(`{"NextToken":"x"}`)}, "c.txt": {Data: []byte(`{`)}})
	require.NoError(t, err)
	require.Equal(t, "incomplete-page", s.Findings()[0].Code)
}

// TestRA: NET-56.
func TestRA(t *testing.T) {
	for code, want := range map[vpc.Code]string{
		vpc.SGEgress: "ENI_SG_RULES_MISMATCH", vpc.SGIngress: "ENI_SG_RULES_MISMATCH", vpc.ACLOut: "SUBNET_ACL_RESTRICTION", vpc.ACLIn: "SUBNET_ACL_RESTRICTION",
		vpc.NoRoute: "NO_ROUTE_TO_DESTINATION", vpc.RouteMismatch: "CANNOT_ROUTE", vpc.RouteState: "BAD_STATE_ROUTE", vpc.State: "BAD_STATE", vpc.AttachmentState: "BAD_STATE_ATTACHMENT",
		vpc.SrcDstCheck: "ENI_SOURCE_DEST_CHECK_RESTRICTION", vpc.NoPublicAddress: "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS", vpc.TGWNoRoute: "TGW_RTB_NO_ROUTE_TO_TGW_ATTACHMENT",
		vpc.ProtocolOnly: "PROTOCOL_RESTRICTION", vpc.PublicAccessBlocked: "VPC_BLOCK_PUBLIC_ACCESS_ENABLED", vpc.ELBACL: "ELB_ACL_RESTRICTION",
		vpc.NoSuchAddress: "", vpc.NATUnsolicited: "", vpc.NATProtocol: "", vpc.EgressOnly: "", vpc.NotTransitive: "", vpc.Loop: "",
	} {
		require.Equal(t, want, code.RA(), string(code))
	}
	p := ask(t, edited(t), "eni-b2", "eni-a", "", "", netfilter.TCP, 443)
	require.Equal(t, "SG_HAS_NO_RULES", p.Blocks[0].RA)
}

// TestVectors reads the describe set and asks about its interfaces.
func TestVectors(t *testing.T) {
	s, err := vpc.Load(dirFS(testkit.Vectors(t, "netfilter/describe")))
	require.NoError(t, err)
	p := ask(t, s, "eni-9018ca90a2b20ef3c", "eni-616e2e09413da6e3b", "", "", netfilter.TCP, 443)
	require.Equal(t, vpc.No, p.Reachable)
	require.Equal(t, "eni-9018ca90a2b20ef3c subnet-29ab3a7a264031760 vpc-2155fb35cf7d4e3cc pcx-0eadd3e01e50a7066 vpc-180617d205632a0ba subnet-aafad9801949f610a eni-616e2e09413da6e3b", hops(p))
	p = ask(t, s, "internet", "eni-a3e405b9bcc1c55c6", "", "198.51.100.7", netfilter.TCP, 443)
	require.Equal(t, "NAT_UNSOLICITED nat-8f25eaec186b6a02c", blocks(p))
	p = ask(t, s, "eni-616e2e09413da6e3b", "eni-9018ca90a2b20ef3c", "", "", netfilter.TCP, 443)
	require.Equal(t, "NO_ROUTE rtb-07c6b3ee6c4d31753/10.0.1.10", blocks(p))
	for e := range s.Exposure() {
		require.Fail(t, "the internet reaches", "%+v", e)
	}
	testkit.Report(t, "vectors", "netfilter/describe/paths", "-", 4)
}
