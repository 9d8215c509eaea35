// SPDX-License-Identifier: Apache-2.0

package vpc_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/vpc"
)

// TestSnapshotErrorPlace: a fault is found by offset, line, column and path.
func TestSnapshotErrorPlace(t *testing.T) {
	cases := []struct {
		name, data, at, path string
		line, column         int
	}{
		{"member", "{\n \"Vpcs\": [\n  {\"VpcId\": {}}]}", "{}", "Vpcs[0].VpcId", 3, 13},
		{"second element", `{"Vpcs":[{"VpcId":"v","CidrBlock":"10.0.0.0/8"},{"VpcId":"w","CidrBlock":"x"}]}`, `"x"`, "Vpcs[1].CidrBlock", 1, 74},
		{"second page", "{\"Vpcs\":[]}\n{\"RouteTables\":[{\"Associations\":[{},{\"Main\":\"so\"}]}]}", `"so"`, "RouteTables[0].Associations[1].Main", 2, 45},
		{"string in a list", `{"VpcEndpoints":[{"SubnetIds":["a",true]}]}`, "true", "VpcEndpoints[0].SubnetIds[1]", 1, 36},
		{"not an object", `{"Vpcs":[null,1]}`, "1]", "Vpcs[1]", 1, 15},
		{"nested", `{"VpcPeeringConnections":[{"Status":[1]}]}`, "[1]", "VpcPeeringConnections[0].Status", 1, 37},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := vpc.Read(netfilter.Document{Name: "f.json", Data: []byte(c.data)})
			var fault *vpc.SnapshotError
			require.ErrorAs(t, err, &fault)
			require.Equal(t, c.path, fault.Path)
			require.Equal(t, int64(strings.Index(c.data, c.at)), fault.Offset)
			require.Equal(t, [2]int{c.line, c.column}, [2]int{fault.Line, fault.Column})
		})
	}
}

// TestConflicts: NET-36: an object described twice and differently is refused,
// whatever kind it is.
func TestConflicts(t *testing.T) {
	for name, docs := range map[string][2]string{
		"instance":         {`{"Reservations":[{"Instances":[{"InstanceId":"i","State":{"Name":"running"}}]}]}`, `{"Reservations":[{"Instances":[{"InstanceId":"i","State":{"Name":"stopped"}}]}]}`},
		"attachment":       {`{"TransitGatewayAttachments":[{"TransitGatewayId":"t","TransitGatewayAttachmentId":"a","State":"available"}]}`, `{"TransitGatewayAttachments":[{"TransitGatewayId":"t","TransitGatewayAttachmentId":"a","State":"deleted"}]}`},
		"VPC attachment":   {`{"TransitGatewayVpcAttachments":[{"TransitGatewayAttachmentId":"a","SubnetIds":["s"]}]}`, `{"TransitGatewayVpcAttachments":[{"TransitGatewayAttachmentId":"a","SubnetIds":["x"]}]}`},
		"gateway":          {`{"InternetGateways":[{"InternetGatewayId":"igw-1","Attachments":[{"VpcId":"v"}]}]}`, `{"InternetGateways":[{"InternetGatewayId":"igw-1","Attachments":[]}]}`},
		"VPN gateway":      {`{"VpnGateways":[{"VpnGatewayId":"vgw-1","State":"available"}]}`, `{"VpnGateways":[{"VpnGatewayId":"vgw-1","State":"deleted"}]}`},
		"transit gateway":  {`{"TransitGateways":[{"TransitGatewayId":"t","State":"available"}]}`, `{"TransitGateways":[{"TransitGatewayId":"t","State":"deleted"}]}`},
		"transit peering":  {`{"TransitGatewayPeeringAttachments":[{"TransitGatewayAttachmentId":"a","State":"available"}]}`, `{"TransitGatewayPeeringAttachments":[{"TransitGatewayAttachmentId":"a","State":"failed"}]}`},
		"public access":    {`{"VpcBlockPublicAccessOptions":{"State":"update-complete","InternetGatewayBlockMode":"off"}}`, `{"VpcBlockPublicAccessOptions":{"State":"update-complete","InternetGatewayBlockMode":"block-ingress"}}`},
		"exclusion":        {`{"VpcBlockPublicAccessExclusions":[{"ResourceArn":"x/v","State":"create-complete","InternetGatewayExclusionMode":"allow-egress"}]}`, `{"VpcBlockPublicAccessExclusions":[{"ResourceArn":"x/v","State":"create-complete","InternetGatewayExclusionMode":"allow-bidirectional"}]}`},
		"encryption":       {`{"VpcEncryptionControls":[{"VpcId":"v","Mode":"enforce"}]}`, `{"VpcEncryptionControls":[{"VpcId":"v","Mode":"monitor"}]}`},
		"route table":      {`{"RouteTables":[{"RouteTableId":"r","VpcId":"v"}]}`, `{"RouteTables":[{"RouteTableId":"r","VpcId":"w"}]}`},
		"endpoint":         {`{"VpcEndpoints":[{"VpcEndpointId":"e","State":"available"}]}`, `{"VpcEndpoints":[{"VpcEndpointId":"e","State":"failed"}]}`},
		"NAT gateway":      {`{"NatGateways":[{"NatGatewayId":"n","State":"available"}]}`, `{"NatGateways":[{"NatGatewayId":"n","State":"failed"}]}`},
		"peering":          {`{"VpcPeeringConnections":[{"VpcPeeringConnectionId":"p","Status":{"Code":"active"}}]}`, `{"VpcPeeringConnections":[{"VpcPeeringConnectionId":"p","Status":{"Code":"failed"}}]}`},
		"VPC":              {`{"Vpcs":[{"VpcId":"v","CidrBlock":"10.0.0.0/8"}]}`, `{"Vpcs":[{"VpcId":"v"}]}`},
		"egress-only":      {`{"EgressOnlyInternetGateways":[{"EgressOnlyInternetGatewayId":"e","Attachments":[{"VpcId":"v"}]}]}`, `{"EgressOnlyInternetGateways":[{"EgressOnlyInternetGatewayId":"e"}]}`},
		"instance of page": {`{"Reservations":[{"Instances":[{"InstanceId":"i","State":{"Name":"running"}},{"InstanceId":"j"}]}]}`, `{"Reservations":[{"Instances":[{"InstanceId":"j","State":{"Name":"stopped"}}]}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := netfilter.Document{Name: "a.json", Data: []byte(docs[0])}, netfilter.Document{Name: "b.json", Data: []byte(docs[1])}
			_, err := vpc.Read(a, a)
			require.NoError(t, err)
			_, err = vpc.Read(a, b)
			require.ErrorIs(t, err, vpc.ErrSnapshot)
			require.ErrorContains(t, err, "described differently")
		})
	}
}

// TestEmptyIsMissing: NET-36: null, missing and [] are the same.
func TestEmptyIsMissing(t *testing.T) {
	full := `"InternetGateways":[{"InternetGatewayId":"igw-1","Attachments":[{"VpcId":"vpc-1","State":"available"}]}],`
	peers := `"VpcPeeringConnections":[{"VpcPeeringConnectionId":"pcx-1","Status":{"Code":"active"},"RequesterVpcInfo":{"VpcId":"vpc-1","CidrBlock":"10.0.0.0/16","Region":"r"},"AccepterVpcInfo":{"VpcId":"vpc-2","CidrBlock":"10.2.0.0/16","Region":"r"}}],`
	var answers []vpc.Path
	for _, text := range []string{"", `"InternetGateways":null,"VpcPeeringConnections":null,`, `"InternetGateways":[],"VpcPeeringConnections":[],`} {
		s := edited(t, full, text, peers, "")
		answers = append(answers, ask(t, s, "eni-a", "internet", "8.8.8.8", "", netfilter.TCP, 443), ask(t, s, "eni-b", "eni-p", "", "", netfilter.TCP, 443))
	}
	require.Equal(t, vpc.Yes, answers[0].Reachable)
	require.Equal(t, vpc.Unresolved, answers[1].Reachable)
	require.Equal(t, answers[:2], answers[2:4])
	require.Equal(t, answers[:2], answers[4:])
}

// TestNATOfAnotherVPC: NET-50: a NAT gateway serves interfaces of its own VPC.
func TestNATOfAnotherVPC(t *testing.T) {
	s := edited(t, `{"DestinationCidrBlock":"10.0.0.0/16","VpcPeeringConnectionId":"pcx-1"}`, `{"DestinationCidrBlock":"0.0.0.0/0","NatGatewayId":"nat-1"}`)
	p := ask(t, s, "eni-p", "internet", "9.9.9.9", "", netfilter.TCP, 443)
	require.Equal(t, vpc.No, p.Reachable)
	require.Equal(t, "NOT_TRANSITIVE nat-1", blocks(p))
}

// TestTableOfAFolder: NET-43: routes of a transit gateway belong to the table in
// the file's name, or in the folder's.
func TestTableOfAFolder(t *testing.T) {
	at := strings.Index(world, `"Routes":[{"DestinationCidrBlock":"10.0.0.0/16","State"`)
	end := strings.Index(world, `"RouteTables":[`)
	rest := netfilter.Document{Name: "rest.json", Data: []byte(world[:at] + world[end:])}
	routes := []byte("{" + strings.TrimRight(world[at:end], ", \n") + "}")
	for name, want := range map[string]vpc.Answer{"tgw-rtb-1.json": vpc.Yes, "tgw-rtb-1/page1.json": vpc.Yes, "routes.json": vpc.Unresolved} {
		s, err := vpc.Read(rest, netfilter.Document{Name: name, Data: routes})
		require.NoError(t, err)
		require.Equal(t, want, ask(t, s, "eni-b", "eni-t", "", "", netfilter.TCP, 443).Reachable, name)
	}
}
