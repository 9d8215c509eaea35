// SPDX-License-Identifier: Apache-2.0

package netpeers

import (
	"encoding/json"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/vpc"
)

// motoScript builds a VPC with boto3 and writes what the describe calls return,
// as boto3 gives it: dates as text, nothing else changed.
const motoScript = `
import boto3, json, sys
url, out = sys.argv[1:]
ec2 = boto3.client("ec2", endpoint_url=url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
v = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
pub = ec2.create_subnet(VpcId=v, CidrBlock="10.0.1.0/24", AvailabilityZone="us-east-1a")["Subnet"]["SubnetId"]
priv = ec2.create_subnet(VpcId=v, CidrBlock="10.0.2.0/24", AvailabilityZone="us-east-1a")["Subnet"]["SubnetId"]
igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=v)
rtb = ec2.create_route_table(VpcId=v)["RouteTable"]["RouteTableId"]
ec2.associate_route_table(RouteTableId=rtb, SubnetId=pub)
ec2.create_route(RouteTableId=rtb, DestinationCidrBlock="0.0.0.0/0", GatewayId=igw)
main = [t for t in ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [v]}])["RouteTables"] if t["RouteTableId"] != rtb][0]["RouteTableId"]
nat = ec2.create_nat_gateway(SubnetId=pub, AllocationId=ec2.allocate_address(Domain="vpc")["AllocationId"])["NatGateway"]["NatGatewayId"]
ec2.create_route(RouteTableId=main, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
web = ec2.create_security_group(GroupName="web", Description="web", VpcId=v)["GroupId"]
db = ec2.create_security_group(GroupName="db", Description="db", VpcId=v)["GroupId"]
ec2.authorize_security_group_ingress(GroupId=web, IpPermissions=[{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
ec2.authorize_security_group_ingress(GroupId=db, IpPermissions=[{"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": web}]}])
a = ec2.create_network_interface(SubnetId=pub, Groups=[web], PrivateIpAddress="10.0.1.5")["NetworkInterface"]["NetworkInterfaceId"]
b = ec2.create_network_interface(SubnetId=priv, Groups=[db], PrivateIpAddress="10.0.2.7")["NetworkInterface"]["NetworkInterfaceId"]
ec2.associate_address(AllocationId=ec2.allocate_address(Domain="vpc")["AllocationId"], NetworkInterfaceId=a)
for call in ["vpcs", "subnets", "internet_gateways", "route_tables", "nat_gateways", "network_acls", "security_groups", "security_group_rules",
             "network_interfaces", "addresses", "vpc_peering_connections", "vpc_endpoints", "egress_only_internet_gateways", "instances"]:
    answer = getattr(ec2, "describe_" + call)()
    answer.pop("ResponseMetadata", None)
    json.dump(answer, open(f"{out}/{call}.json", "w"), default=str)
public = [x for x in ec2.describe_addresses()["Addresses"] if x.get("NetworkInterfaceId") == a][0]["PublicIp"]
json.dump({"web": a, "db": b, "public": public}, sys.stdout)
`

// TestMoto: what boto3 reads from moto after boto3 built a VPC there is a
// snapshot, and its paths and exposure are those of the VPC built (NET-45).
func TestMoto(t *testing.T) {
	interop.Require(t)
	server := interop.Moto(t)
	if interop.FindPython("boto3", "moto") == "" {
		t.Skip("interop: no Python on this machine has boto3 and moto")
	}
	dir := t.TempDir()
	script := filepath.Join(t.TempDir(), "build.py")
	require.NoError(t, os.WriteFile(script, []byte(motoScript), 0o600))
	out, err := exec.Command(interop.FindPython("boto3", "moto"), script, server.URL, dir).Output()
	require.NoError(t, err)
	var made struct{ Web, DB, Public string }
	require.NoError(t, json.Unmarshal(out, &made))
	s, err := vpc.Load(os.DirFS(dir))
	require.NoError(t, err)
	far := netip.MustParseAddr("8.8.8.8")
	cases := []struct {
		name         string
		from, to     vpc.Endpoint
		src, dst     netip.Addr
		port         uint16
		reach, reply vpc.Answer
	}{
		{"web to db", vpc.Endpoint{Interface: made.Web}, vpc.Endpoint{Interface: made.DB}, netip.Addr{}, netip.Addr{}, 5432, vpc.Yes, vpc.Yes},
		{"web to db, another port", vpc.Endpoint{Interface: made.Web}, vpc.Endpoint{Interface: made.DB}, netip.Addr{}, netip.Addr{}, 22, vpc.No, vpc.No},
		{"db to web", vpc.Endpoint{Interface: made.DB}, vpc.Endpoint{Interface: made.Web}, netip.Addr{}, netip.Addr{}, 443, vpc.Yes, vpc.Yes},
		{"internet to web", vpc.Endpoint{Internet: true}, vpc.Endpoint{Interface: made.Web}, far, netip.Addr{}, 443, vpc.Yes, vpc.Yes},
		{"internet to db", vpc.Endpoint{Internet: true}, vpc.Endpoint{Interface: made.DB}, far, netip.Addr{}, 5432, vpc.No, vpc.No},
		{"web out", vpc.Endpoint{Interface: made.Web}, vpc.Endpoint{Internet: true}, netip.Addr{}, far, 443, vpc.Yes, vpc.Yes},
		{"db out by NAT", vpc.Endpoint{Interface: made.DB}, vpc.Endpoint{Internet: true}, netip.Addr{}, far, 443, vpc.Yes, vpc.Yes},
	}
	for _, c := range cases {
		p, err := s.Path(c.from, c.to, vpc.Traffic{Protocol: netfilter.TCP, Src: c.src, Dst: c.dst, DstPorts: &vpc.Ports{From: c.port, To: c.port}})
		require.NoError(t, err, c.name)
		require.Equal(t, c.reach.String()+" "+c.reply.String(), p.Reachable.String()+" "+p.Reply.String(), "%s: %+v", c.name, p)
	}
	n := 0
	for e := range s.Exposure() {
		n++
		require.Equal(t, made.Web, e.Interface)
		require.Equal(t, made.Public, e.Public.String())
		require.Len(t, e.Openings, 1)
		require.Equal(t, uint16(443), e.Openings[0].From)
	}
	require.Equal(t, 1, n)
	testkit.Report(t, "interop", "netpeers/moto-vpc", server.Version, len(cases)+1)
}
