// SPDX-License-Identifier: Apache-2.0

package netfilter_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/netfilter"
)

// newGroups is what describe-security-groups prints of a VPC with IPv6 in which
// nobody has changed a rule: its default group, a group just made, and one of a
// VPC without IPv6.
const newGroups = `{"SecurityGroups":[
 {"GroupId":"sg-default","GroupName":"default","VpcId":"vpc-1",
  "IpPermissions":[{"IpProtocol":"-1","IpRanges":[],"Ipv6Ranges":[],"PrefixListIds":[],"UserIdGroupPairs":[{"GroupId":"sg-default","UserId":"123456789012"}]}],
  "IpPermissionsEgress":[{"IpProtocol":"-1","IpRanges":[{"CidrIp":"0.0.0.0/0"}],"Ipv6Ranges":[{"CidrIpv6":"::/0"}]}]},
 {"GroupId":"sg-new","VpcId":"vpc-1","IpPermissions":[],
  "IpPermissionsEgress":[{"IpProtocol":"-1","IpRanges":[{"CidrIp":"0.0.0.0/0"}],"Ipv6Ranges":[{"CidrIpv6":"::/0"}]}]},
 {"GroupId":"sg-new4","VpcId":"vpc-2","IpPermissions":[],
  "IpPermissionsEgress":[{"IpProtocol":"-1","IpRanges":[{"CidrIp":"0.0.0.0/0"}]}]}],
 "NetworkInterfaces":[
 {"NetworkInterfaceId":"eni-1","VpcId":"vpc-1","PrivateIpAddress":"10.0.0.5","Ipv6Addresses":[{"Ipv6Address":"2001:db8::5"}],"Groups":[{"GroupId":"sg-default"}]},
 {"NetworkInterfaceId":"eni-2","VpcId":"vpc-1","PrivateIpAddress":"10.0.0.6","Groups":[{"GroupId":"sg-new"}]},
 {"NetworkInterfaceId":"eni-3","VpcId":"vpc-2","PrivateIpAddress":"10.2.0.6","Groups":[{"GroupId":"sg-new4"}]}]}`

// TestNewGroups_NET26: a group nobody has changed lets everything out and nothing
// in, a default group its own members; without IPv6 in the VPC no IPv6 gets out.
// Nothing of it is a finding.
func TestNewGroups_NET26(t *testing.T) {
	inv, err := read(t, newGroups)
	require.NoError(t, err)
	require.Empty(t, netfilter.Lint(inv, netfilter.LintOptions{Quotas: netfilter.DefaultQuotas()}))
	resolver := inv.Resolver(true)
	for _, c := range []struct {
		group     string
		direction netfilter.Direction
		peer      string
		want      netfilter.Effect
		rule      string
	}{
		{"sg-default", netfilter.Ingress, "10.0.0.5", netfilter.Allow, "sg-default/ingress/0/sg-default"},
		{"sg-default", netfilter.Ingress, "2001:db8::5", netfilter.Allow, "sg-default/ingress/0/sg-default"},
		{"sg-default", netfilter.Ingress, "10.0.0.6", netfilter.Deny, ""},
		{"sg-default", netfilter.Ingress, "203.0.113.5", netfilter.Deny, ""},
		{"sg-default", netfilter.Egress, "203.0.113.5", netfilter.Allow, "sg-default/egress/0/0.0.0.0/0"},
		{"sg-default", netfilter.Egress, "2001:db8:1::", netfilter.Allow, "sg-default/egress/0/::/0"},
		{"sg-new", netfilter.Ingress, "10.0.0.6", netfilter.Deny, ""},
		{"sg-new", netfilter.Ingress, "2001:db8::6", netfilter.Deny, ""},
		{"sg-new", netfilter.Egress, "203.0.113.5", netfilter.Allow, "sg-new/egress/0/0.0.0.0/0"},
		{"sg-new", netfilter.Egress, "2001:db8:1::", netfilter.Allow, "sg-new/egress/0/::/0"},
		{"sg-new4", netfilter.Egress, "203.0.113.5", netfilter.Allow, "sg-new4/egress/0/0.0.0.0/0"},
		{"sg-new4", netfilter.Egress, "2001:db8:1::", netfilter.Deny, ""},
	} {
		policy, err := netfilter.CompileGroups([]netfilter.SecurityGroup{*inv.Group(c.group)}, resolver)
		require.NoError(t, err)
		peer := netip.MustParseAddr(c.peer)
		for _, proto := range []netfilter.Protocol{netfilter.TCP, netfilter.UDP, netfilter.ICMP, 47} {
			v := policy.Decide(c.direction, netfilter.Packet{Src: peer, Dst: peer, Protocol: proto, DstPort: 443})
			require.Equal(t, c.want, v.Effect, "%+v %s", c, proto)
			require.Equal(t, c.rule, policy.RuleID(c.direction, v.Rule), "%+v %s", c, proto)
		}
	}
}
