// SPDX-License-Identifier: Apache-2.0

package vpc_test

import (
	"encoding/json"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/vpc"
)

// refWorld holds describe outputs with the members that the specification
// names (NET-37 to NET-44). It is written out as JSON for the package, and read
// as it stands by the reference.
type refWorld struct {
	Vpcs                             []refVPC
	Subnets                          []refSubnet
	InternetGateways                 []refGateway
	EgressOnlyInternetGateways       []refGateway
	NatGateways                      []refNAT
	VpcPeeringConnections            []refPeering
	VpcEndpoints                     []refEndpoint
	RouteTables                      []refTable
	NetworkAcls                      []refACL
	SecurityGroups                   []refGroup
	NetworkInterfaces                []refIface
	Reservations                     []refReservation
	TransitGatewayAttachments        []refAttachment
	TransitGatewayVpcAttachments     []refVPCAttachment
	TransitGatewayPeeringAttachments []refPeerAttachment
	PrefixLists                      []refList
	VpcBlockPublicAccessOptions      *refBPA        `json:",omitempty"`
	VpcBlockPublicAccessExclusions   []refExclusion `json:",omitempty"`

	tgwRoutes map[string][]refTGWRoute // by table
}

type (
	refVPC struct {
		VpcId, CidrBlock            string
		Ipv6CidrBlockAssociationSet []refBlock6 `json:",omitempty"`
	}
	refBlock6 struct{ Ipv6CidrBlock string }
	refSubnet struct{ SubnetId, VpcId, CidrBlock, AvailabilityZone string }
	refAttach struct{ VpcId, State string }

	refGateway struct {
		InternetGatewayId           string `json:",omitempty"`
		EgressOnlyInternetGatewayId string `json:",omitempty"`
		Attachments                 []refAttach
	}
	refNAT struct {
		NatGatewayId, VpcId, SubnetId, State, ConnectivityType, AvailabilityMode string
		NatGatewayAddresses                                                      []refNATAddress
	}
	refNATAddress struct{ NetworkInterfaceId, PrivateIp, PublicIp string }
	refPeering    struct {
		VpcPeeringConnectionId            string
		Status                            refCode
		RequesterVpcInfo, AccepterVpcInfo refPeerSide
	}
	refCode     struct{ Code string }
	refPeerSide struct{ VpcId, CidrBlock, Region string }
	refEndpoint struct {
		VpcEndpointId, VpcEndpointType, State, VpcId, IpAddressType string
		SubnetIds, NetworkInterfaceIds                              []string
	}
	refTable struct {
		RouteTableId, VpcId string
		Associations        []refAssociation
		Routes              []refRoute
	}
	refAssociation struct {
		SubnetId  string `json:",omitempty"`
		GatewayId string `json:",omitempty"`
		Main      bool
	}
	refRoute struct {
		DestinationCidrBlock        string `json:",omitempty"`
		DestinationIpv6CidrBlock    string `json:",omitempty"`
		DestinationPrefixListId     string `json:",omitempty"`
		GatewayId                   string `json:",omitempty"`
		NatGatewayId                string `json:",omitempty"`
		NetworkInterfaceId          string `json:",omitempty"`
		TransitGatewayId            string `json:",omitempty"`
		VpcPeeringConnectionId      string `json:",omitempty"`
		EgressOnlyInternetGatewayId string `json:",omitempty"`
		State, Origin               string
	}
	refACL struct {
		NetworkAclId, VpcId string
		IsDefault           bool
		Associations        []refAssociation
		Entries             []refEntry
	}
	refEntry struct {
		RuleNumber           int
		Protocol, RuleAction string
		Egress               bool
		CidrBlock            string       `json:",omitempty"`
		Ipv6CidrBlock        string       `json:",omitempty"`
		PortRange            *refPortSpan `json:",omitempty"`
	}
	refPortSpan struct{ From, To int }
	refGroup    struct {
		GroupId, VpcId                     string
		IpPermissions, IpPermissionsEgress []refPermission
	}
	refPermission struct {
		IpProtocol       string
		FromPort, ToPort int
		IpRanges         []refRange
		Ipv6Ranges       []refRange6
		PrefixListIds    []refListID
		UserIdGroupPairs []refGroupID
	}
	refRange   struct{ CidrIp string }
	refRange6  struct{ CidrIpv6 string }
	refListID  struct{ PrefixListId string }
	refGroupID struct{ GroupId string }
	refIface   struct {
		NetworkInterfaceId, SubnetId, VpcId, Description, InterfaceType, Status string
		Groups                                                                  []refGroupID
		PrivateIpAddress                                                        string `json:",omitempty"`
		PrivateIpAddresses                                                      []refPrivate
		Ipv6Addresses                                                           []refAddress6
		SourceDestCheck, DenyAllIgwTraffic                                      bool
		Attachment                                                              refInstance
	}
	refPrivate struct {
		PrivateIpAddress string
		Association      *refPublic `json:",omitempty"`
	}
	refPublic      struct{ PublicIp string }
	refAddress6    struct{ Ipv6Address string }
	refInstance    struct{ InstanceId string }
	refReservation struct{ Instances []refState }
	refState       struct {
		InstanceId string
		State      struct{ Name string }
	}
	refAttachment struct {
		TransitGatewayId, TransitGatewayAttachmentId, ResourceType, ResourceId, State string
		Association                                                                   *refLink `json:",omitempty"`
	}
	refLink          struct{ TransitGatewayRouteTableId, State string }
	refVPCAttachment struct {
		TransitGatewayId, TransitGatewayAttachmentId, VpcId, State string
		SubnetIds                                                  []string
	}
	refPeerAttachment struct {
		TransitGatewayAttachmentId, State string
		RequesterTgwInfo, AccepterTgwInfo struct{ TransitGatewayId string }
	}
	refTGWRoute struct {
		DestinationCidrBlock, State, Type string
		TransitGatewayAttachments         []refTGWTarget
	}
	refTGWTarget struct{ TransitGatewayAttachmentId, ResourceType string }
	refList      struct {
		PrefixListId string
		Cidrs        []string `json:",omitempty"`
	}
	refBPA       struct{ State, InternetGatewayBlockMode string }
	refExclusion struct{ ResourceArn, State, InternetGatewayExclusionMode string }
)

// documents writes the world as files.
func (w *refWorld) documents(t testing.TB) []netfilter.Document {
	t.Helper()
	data, err := json.Marshal(w)
	require.NoError(t, err)
	docs := []netfilter.Document{{Name: "world.json", Data: data}}
	for table, routes := range w.tgwRoutes {
		data, err := json.Marshal(map[string]any{"Routes": routes})
		require.NoError(t, err)
		docs = append(docs, netfilter.Document{Name: table + ".json", Data: data})
	}
	return docs
}

func (w *refWorld) snapshot(t testing.TB) *vpc.Snapshot {
	t.Helper()
	s, err := vpc.Read(w.documents(t)...)
	require.NoError(t, err)
	return s
}

func addr(s string) netip.Addr {
	a, _ := netip.ParseAddr(s)
	return a
}
