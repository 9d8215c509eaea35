// SPDX-License-Identifier: Apache-2.0

package vpc_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/vpc"
)

// rareShapes are the members that FuzzRareShapes reads, each with an output of
// describe that belongs to the world (NET-43).
var rareShapes = []struct{ member, seed string }{
	{"EgressOnlyInternetGateways", `[{"EgressOnlyInternetGatewayId":"eigw-1","Attachments":[{"VpcId":"vpc-1","State":"attached"}]}]`},
	{"VpnGateways", `[{"VpnGatewayId":"vgw-1","State":"available","Type":"ipsec.1","VpcAttachments":[{"VpcId":"vpc-1","State":"attached"}]}]`},
	{"TransitGateways", `[{"TransitGatewayId":"tgw-1","State":"available","Options":{"SecurityGroupReferencingSupport":"enable","AssociationDefaultRouteTableId":"tgw-rtb-1"}}]`},
	{"TransitGatewayAttachments", `[{"TransitGatewayId":"tgw-1","TransitGatewayAttachmentId":"tgw-attach-1","ResourceType":"vpc","ResourceId":"vpc-1","State":"available","Association":{"TransitGatewayRouteTableId":"tgw-rtb-1","State":"associated"}}]`},
	{"TransitGatewayPeeringAttachments", `[{"TransitGatewayAttachmentId":"tgw-attach-9","State":"available","RequesterTgwInfo":{"TransitGatewayId":"tgw-1","Region":"r"},"AccepterTgwInfo":{"TransitGatewayId":"tgw-2","Region":"s"}}]`},
	{"TransitGatewayRouteTables", `[{"TransitGatewayRouteTableId":"tgw-rtb-1","TransitGatewayId":"tgw-1","State":"available"}]`},
	{"VpcBlockPublicAccessOptions", `{"AwsAccountId":"123456789012","AwsRegion":"r","State":"update-complete","InternetGatewayBlockMode":"block-ingress"}`},
	{"VpcBlockPublicAccessExclusions", `[{"ExclusionId":"vpcbpa-exclude-1","InternetGatewayExclusionMode":"allow-egress","ResourceArn":"arn:aws:ec2:r:123456789012:vpc/vpc-1","State":"create-complete"}]`},
	{"VpcEncryptionControls", `[{"VpcId":"vpc-1","VpcEncryptionControlId":"vpcec-1","Mode":"enforce","State":"available","ResourceExclusions":{"InternetGateway":{"State":"enabled"},"NatGateway":{"State":"disabled"}}}]`},
	{"Addresses", `[{"PublicIp":"203.0.113.77","AllocationId":"eipalloc-1","AssociationId":"eipassoc-1","NetworkInterfaceId":"eni-b","PrivateIpAddress":"10.0.2.5"}]`},
	{"Reservations", `[{"Instances":[{"InstanceId":"i-a","State":{"Code":80,"Name":"stopped"},"NetworkInterfaces":[{"NetworkInterfaceId":"eni-a","SubnetId":"subnet-a","VpcId":"vpc-1","PrivateIpAddress":"10.0.1.5"}]}]}]`},
	{"SecurityGroupVpcAssociations", `[{"GroupId":"sg-open","VpcId":"vpc-2","State":"associated"}]`},
	{"SecurityGroupRules", `[{"SecurityGroupRuleId":"sgr-1","GroupId":"sg-web","IsEgress":false,"IpProtocol":"tcp","FromPort":443,"ToPort":443,"ReferencedGroupInfo":{"GroupId":"sg-open"}}]`},
	{"PrefixLists", `[{"PrefixListId":"pl-s3","PrefixListName":"com.amazonaws.r.s3","Cidrs":["52.216.0.0/15"]}]`},
	{"FlowLogs", `[{"FlowLogId":"fl-1","ResourceId":"vpc-1","LogFormat":"${version} ${action}"}]`},
	{"AdditionalRoutesAvailable", `true`},
	{"NextToken", `"more"`},
}

// withMember is the world with another value of one member.
func withMember(tb testing.TB, member string, value []byte) []byte {
	tb.Helper()
	m := map[string]json.RawMessage{}
	require.NoError(tb, json.Unmarshal([]byte(world), &m))
	m[member] = value
	text, err := json.Marshal(m)
	require.NoError(tb, err)
	return text
}

// TestRareShapes: every seed is read, so that the fuzzer begins from documents
// that say something.
func TestRareShapes_NET43(t *testing.T) {
	for _, shape := range rareShapes {
		s, err := vpc.Read(netfilter.Document{Name: "tgw-rtb-1.json", Data: withMember(t, shape.member, []byte(shape.seed))})
		require.NoError(t, err, shape.member)
		probe(t, s)
	}
}

// FuzzRareShapes puts any JSON in place of a member that the other targets leave
// as it is; the first number chooses which.
func FuzzRareShapes(f *testing.F) {
	for i, shape := range rareShapes {
		f.Add(byte(i), []byte(shape.seed))
		f.Add(byte(i), []byte(`[{}]`))
	}
	f.Fuzz(func(t *testing.T, choice byte, data []byte) {
		if !json.Valid(data) {
			return
		}
		member := rareShapes[int(choice)%len(rareShapes)].member
		if s, err := vpc.Read(netfilter.Document{Name: "tgw-rtb-1.json", Data: withMember(t, member, data)}); err == nil {
			probe(t, s)
		}
	})
}
