// SPDX-License-Identifier: Apache-2.0

package netpeers

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/netfilter"
)

// TestSDKValues builds the same groups, rules, ACLs, lists and interfaces as
// values of the SDK and by hand, and asks for equal policies and equal rule ids
// (the JSON of the SDK's outputs is one of the shapes).
func TestSDKValues(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	cases := 0
	for range 200 {
		group, perms, listed := drawGroup(rng)
		acl, sdkACL := drawACL(rng)
		docs := []netfilter.Document{
			marshal(t, "groups", ec2.DescribeSecurityGroupsOutput{SecurityGroups: []types.SecurityGroup{perms}}),
			marshal(t, "acls", ec2.DescribeNetworkAclsOutput{NetworkAcls: []types.NetworkAcl{sdkACL}}),
		}
		inv, err := netfilter.ReadInventory(docs...)
		require.NoError(t, err)
		require.Empty(t, inv.Findings)
		equalGroups(t, group, inv.Groups[0])
		equalACLs(t, acl, inv.ACLs[0])

		rules, err := netfilter.ReadInventory(marshal(t, "rules", ec2.DescribeSecurityGroupRulesOutput{SecurityGroupRules: listed}))
		require.NoError(t, err)
		both, err := netfilter.ReadInventory(append(docs, marshal(t, "rules", ec2.DescribeSecurityGroupRulesOutput{SecurityGroupRules: listed}))...)
		require.NoError(t, err)
		require.Empty(t, both.Findings, "the two shapes agree")
		if len(listed) > 0 {
			equalGroups(t, group, rules.Groups[0])
		}
		equalGroups(t, group, both.Groups[0])
		cases += 4
	}
	testkit.Report(t, "interop", "netpeers/sdk-values", interop.ModuleVersion(t, "github.com/aws/aws-sdk-go-v2/service/ec2"), cases)
}

func marshal(t *testing.T, name string, v any) netfilter.Document {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return netfilter.Document{Name: name, Data: data}
}

func equalGroups(t *testing.T, want, got netfilter.SecurityGroup) {
	t.Helper()
	a, err := netfilter.CompileGroups([]netfilter.SecurityGroup{want}, netfilter.Resolver{})
	require.NoError(t, err)
	b, err := netfilter.CompileGroups([]netfilter.SecurityGroup{got}, netfilter.Resolver{})
	require.NoError(t, err)
	require.True(t, netfilter.Equal(a, b), "%+v\n%+v", want, got)
}

func equalACLs(t *testing.T, want, got netfilter.NetworkACL) {
	t.Helper()
	a, err := netfilter.CompileACL(want)
	require.NoError(t, err)
	b, err := netfilter.CompileACL(got)
	require.NoError(t, err)
	require.True(t, netfilter.Equal(a, b), "%+v\n%+v", want, got)
	require.Equal(t, want.Default, got.Default)
	require.Equal(t, want.Subnets, got.Subnets)
}

// drawGroup draws one group three times: by hand, with permissions, as rules.
func drawGroup(rng *rand.Rand) (netfilter.SecurityGroup, types.SecurityGroup, []types.SecurityGroupRule) {
	hand := netfilter.SecurityGroup{ID: "sg-1"}
	sdk := types.SecurityGroup{GroupId: aws.String("sg-1"), GroupName: aws.String("x"), OwnerId: aws.String("111122223333")}
	var listed []types.SecurityGroupRule
	for i := range rng.IntN(8) {
		protocol := []string{"tcp", "udp", "icmp", "icmpv6", "-1", "47"}[i%6]
		from, to := rng.IntN(200), 200+rng.IntN(50)
		if protocol == "icmp" || protocol == "icmpv6" {
			from, to = rng.IntN(12), -1
		}
		perm := types.IpPermission{IpProtocol: aws.String(protocol)}
		rule := types.SecurityGroupRule{
			SecurityGroupRuleId: aws.String("sgr-" + strconv.Itoa(i)), GroupId: sdk.GroupId, IpProtocol: aws.String(protocol),
			IsEgress: aws.Bool(i%3 == 0), FromPort: aws.Int32(-1), ToPort: aws.Int32(-1),
		}
		if protocol != "-1" {
			perm.FromPort, perm.ToPort = aws.Int32(int32(from)), aws.Int32(int32(to))
			rule.FromPort, rule.ToPort = perm.FromPort, perm.ToPort
		}
		peer := drawPeer(rng, &perm, &rule)
		own := netfilter.Rule{Protocol: protocol, From: from, To: to, Peer: peer}
		if i%3 == 0 {
			hand.Egress, sdk.IpPermissionsEgress = append(hand.Egress, own), append(sdk.IpPermissionsEgress, perm)
		} else {
			hand.Ingress, sdk.IpPermissions = append(hand.Ingress, own), append(sdk.IpPermissions, perm)
		}
		listed = append(listed, rule)
	}
	return hand, sdk, listed
}

func drawPeer(rng *rand.Rand, perm *types.IpPermission, rule *types.SecurityGroupRule) netfilter.Peer {
	n := rng.IntN(250)
	switch rng.IntN(4) {
	case 0:
		cidr := fmt.Sprintf("10.%d.0.0/16", n)
		perm.IpRanges = []types.IpRange{{CidrIp: &cidr}}
		rule.CidrIpv4 = &cidr
		return netfilter.Peer{IPv4: cidr}
	case 1:
		cidr := fmt.Sprintf("2001:db8:%x::/48", n)
		perm.Ipv6Ranges = []types.Ipv6Range{{CidrIpv6: &cidr}}
		rule.CidrIpv6 = &cidr
		return netfilter.Peer{IPv6: cidr}
	case 2:
		id := fmt.Sprintf("pl-%d", n)
		perm.PrefixListIds = []types.PrefixListId{{PrefixListId: &id}}
		rule.PrefixListId = &id
		return netfilter.Peer{PrefixList: id}
	}
	id := fmt.Sprintf("sg-%d", n)
	perm.UserIdGroupPairs = []types.UserIdGroupPair{{GroupId: &id, UserId: aws.String("111122223333")}}
	rule.ReferencedGroupInfo = &types.ReferencedSecurityGroup{GroupId: &id, UserId: aws.String("111122223333")}
	return netfilter.Peer{Group: id}
}

func drawACL(rng *rand.Rand) (netfilter.NetworkACL, types.NetworkAcl) {
	hand := netfilter.NetworkACL{ID: "acl-1", Default: true, Subnets: []string{"subnet-1"}}
	sdk := types.NetworkAcl{
		NetworkAclId: aws.String("acl-1"), IsDefault: aws.Bool(true),
		Associations: []types.NetworkAclAssociation{{SubnetId: aws.String("subnet-1")}},
	}
	for _, n := range rng.Perm(20)[:rng.IntN(8)] {
		e := netfilter.ACLEntry{Number: n + 1, Protocol: []string{"6", "17", "1", "58", "-1", "47"}[n%6], Action: "deny", From: -1, To: -1, Type: -1, Code: -1}
		s := types.NetworkAclEntry{
			RuleNumber: aws.Int32(int32(n + 1)), Protocol: aws.String(e.Protocol), RuleAction: types.RuleActionDeny, Egress: aws.Bool(n%2 == 0),
		}
		if n%3 > 0 {
			e.Action, s.RuleAction = "allow", types.RuleActionAllow
		}
		if rng.IntN(2) == 0 {
			e.IPv4 = fmt.Sprintf("10.%d.0.0/14", 4*rng.IntN(8))
			s.CidrBlock = aws.String(e.IPv4)
		} else {
			e.IPv6 = fmt.Sprintf("2001:db8:%x::/47", 2*rng.IntN(8))
			s.Ipv6CidrBlock = aws.String(e.IPv6)
		}
		switch e.Protocol {
		case "6", "17":
			e.From, e.To = rng.IntN(100), 100+rng.IntN(9)
			s.PortRange = &types.PortRange{From: aws.Int32(int32(e.From)), To: aws.Int32(int32(e.To))}
		case "1", "58":
			e.Type, e.Code = rng.IntN(9)-1, rng.IntN(3)-1
			s.IcmpTypeCode = &types.IcmpTypeCode{Type: aws.Int32(int32(e.Type)), Code: aws.Int32(int32(e.Code))}
		}
		sdk.Entries = append(sdk.Entries, s)
		if n%2 == 0 {
			hand.Egress = append(hand.Egress, e)
		} else {
			hand.Ingress = append(hand.Ingress, e)
		}
	}
	return hand, sdk
}

// TestSDKListsAndInterfaces reads prefix lists, entries and interfaces.
func TestSDKListsAndInterfaces(t *testing.T) {
	inv, err := netfilter.ReadInventory(
		marshal(t, "lists", ec2.DescribeManagedPrefixListsOutput{PrefixLists: []types.ManagedPrefixList{{PrefixListId: aws.String("pl-0a"), MaxEntries: aws.Int32(5)}}}),
		marshal(t, "aws-lists", ec2.DescribePrefixListsOutput{PrefixLists: []types.PrefixList{{PrefixListId: aws.String("pl-0b"), Cidrs: []string{"52.0.0.0/8"}}}}),
		marshal(t, "pl-0a.json", ec2.GetManagedPrefixListEntriesOutput{Entries: []types.PrefixListEntry{{Cidr: aws.String("192.0.2.0/24")}}}),
		marshal(t, "interfaces", ec2.DescribeNetworkInterfacesOutput{NetworkInterfaces: []types.NetworkInterface{{
			NetworkInterfaceId: aws.String("eni-1"), Groups: []types.GroupIdentifier{{GroupId: aws.String("sg-1")}},
			PrivateIpAddress: aws.String("10.0.0.5"), InterfaceType: types.NetworkInterfaceTypeNatGateway, SourceDestCheck: aws.Bool(false),
			Ipv6Addresses: []types.NetworkInterfaceIpv6Address{{Ipv6Address: aws.String("2001:db8::5")}},
			Ipv4Prefixes:  []types.Ipv4PrefixSpecification{{Ipv4Prefix: aws.String("10.0.1.0/28")}},
		}}}),
	)
	require.NoError(t, err)
	require.Empty(t, inv.Findings)
	r := inv.Resolver(true)
	require.Equal(t, "[192.0.2.0/24]", fmt.Sprint(r.PrefixLists["pl-0a"]))
	require.Equal(t, "[52.0.0.0/8]", fmt.Sprint(r.PrefixLists["pl-0b"]))
	require.Equal(t, "[10.0.0.5/32 2001:db8::5/128 10.0.1.0/28]", fmt.Sprint(r.Members["sg-1"]))
	require.True(t, inv.Interfaces[0].NoCheck)
	require.True(t, (&netfilter.Interface{Type: string(types.NetworkInterfaceTypeNatGateway)}).Unfiltered())
	for _, typ := range []types.NetworkInterfaceType{types.NetworkInterfaceTypeTransitGateway, types.NetworkInterfaceTypeGatewayLoadBalancer, types.NetworkInterfaceTypeNetworkLoadBalancer} {
		require.True(t, (&netfilter.Interface{Type: string(typ)}).Unfiltered(), typ)
	}
	testkit.Report(t, "interop", "netpeers/sdk-lists", interop.ModuleVersion(t, "github.com/aws/aws-sdk-go-v2/service/ec2"), 4)
}
