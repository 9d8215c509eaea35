// SPDX-License-Identifier: Apache-2.0

package flowlog_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/flowlog"
)

// The records of https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
// under the titles that the page gives them (NET-81).

func inventory(t testing.TB, text string) *netfilter.Inventory {
	t.Helper()
	inv, err := netfilter.ReadInventory(netfilter.Document{Name: "describe.json", Data: []byte(text)})
	require.NoError(t, err)
	return inv
}

func compile(t testing.TB, text string) *flowlog.Network {
	t.Helper()
	n, err := flowlog.Compile(flowlog.Snapshot{Inventory: inventory(t, text)})
	require.NoError(t, err)
	return n
}

// ids are the rules of an attribution.
func ids(rules []*flowlog.Rule) string {
	var out []string
	for _, r := range rules {
		out = append(out, r.ID)
	}
	return strings.Join(out, " ")
}

const (
	allowAll = `{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":false,"CidrBlock":"0.0.0.0/0"},
		{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":true,"CidrBlock":"0.0.0.0/0"},
		{"RuleNumber":101,"Protocol":"-1","RuleAction":"allow","Egress":false,"Ipv6CidrBlock":"::/0"},
		{"RuleNumber":101,"Protocol":"-1","RuleAction":"allow","Egress":true,"Ipv6CidrBlock":"::/0"}`
	openACL = `"NetworkAcls":[{"NetworkAclId":"acl-1","VpcId":"vpc-1","IsDefault":true,"Entries":[` + allowAll + `]}]`
	anyOut  = `"IpPermissionsEgress":[{"IpProtocol":"-1","IpRanges":[{"CidrIp":"0.0.0.0/0"}],"Ipv6Ranges":[{"CidrIpv6":"::/0"}]}]`
)

func iface(id, addr, group string) string {
	return `{"NetworkInterfaceId":"` + id + `","VpcId":"vpc-1","SubnetId":"subnet-` + id + `","PrivateIpAddress":"` + addr + `","Groups":[{"GroupId":"` + group + `"}]}`
}

func TestAcceptedAndRejectedTraffic(t *testing.T) {
	n := compile(t, `{"SecurityGroups":[{"GroupId":"sg-1","IpPermissions":[{"IpProtocol":"tcp","FromPort":22,"ToPort":22,"IpRanges":[{"CidrIp":"172.31.0.0/16"}]}]}],
		"NetworkInterfaces":[`+strings.Replace(iface("eni-1235b8ca123456789", "172.31.16.21", "sg-1"), `"Groups"`, `"PrivateIpAddresses":[{"PrivateIpAddress":"172.31.9.12"}],"Groups"`, 1)+`],`+openACL+`}`)
	var a flowlog.Attribution
	n.Attribute(one(t, header2, sshLine), &a)
	require.Equal(t, flowlog.Initiated, a.Kind)
	require.True(t, a.Confident)
	require.Equal(t, netfilter.Ingress, a.Direction)
	require.Equal(t, "sg-1/ingress/0/172.31.0.0/16", ids(a.Rules))
	require.Equal(t, "acl-1/ingress/100", ids(a.Entries))

	n.Attribute(one(t, header2, rdpLine), &a)
	require.Equal(t, flowlog.Rejected, a.Kind)
	require.Equal(t, flowlog.ByGroups, a.Reason)
	require.True(t, a.Confident)
	require.Empty(t, a.Rules)
	require.Equal(t, [2]netfilter.Effect{netfilter.Deny, netfilter.Allow}, [2]netfilter.Effect{a.Groups, a.ACL})
}

func TestNoDataAndSkippedRecords(t *testing.T) {
	n := compile(t, `{"NetworkInterfaces":[`+iface("eni-1235b8ca123456789", "172.31.16.21", "sg-1")+`]}`)
	var a flowlog.Attribution
	r := one(t, header2, "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA")
	require.Equal(t, flowlog.NoData, r.Status)
	require.False(t, r.Src.IsValid() || r.Has("srcport") || r.Has("action"))
	n.Attribute(r, &a)
	require.Equal(t, [2]any{flowlog.NotAttributable, flowlog.Empty}, [2]any{a.Kind, a.Reason})
	r = one(t, header2, "2 123456789010 eni-11111111aaaaaaaaa - - - - - - - 1431280876 1431280934 - SKIPDATA")
	n.Attribute(r, &a)
	require.Equal(t, [2]any{flowlog.NotAttributable, flowlog.Skipped}, [2]any{a.Kind, a.Reason})
}

// TestSecurityGroupAndNetworkACLRules is the ping of NET-63: the groups let ICMP
// in and not out, the ACL lets it in and not out.
func TestSecurityGroupAndNetworkACLRules(t *testing.T) {
	n := compile(t, `{"SecurityGroups":[{"GroupId":"sg-1","IpPermissions":[{"IpProtocol":"icmp","FromPort":-1,"ToPort":-1,"IpRanges":[{"CidrIp":"203.0.113.0/24"}]}]}],
		"NetworkAcls":[{"NetworkAclId":"acl-1","VpcId":"vpc-1","IsDefault":true,"Entries":[
			{"RuleNumber":100,"Protocol":"1","RuleAction":"allow","Egress":false,"CidrBlock":"0.0.0.0/0","IcmpTypeCode":{"Type":-1,"Code":-1}},
			{"RuleNumber":90,"Protocol":"1","RuleAction":"deny","Egress":true,"CidrBlock":"0.0.0.0/0","IcmpTypeCode":{"Type":-1,"Code":-1}}]}],
		"NetworkInterfaces":[`+iface("eni-1235b8ca123456789", "172.31.16.139", "sg-1")+`]}`)
	var a flowlog.Attribution
	n.Attribute(one(t, header2, "2 123456789010 eni-1235b8ca123456789 203.0.113.12 172.31.16.139 0 0 1 4 336 1432917027 1432917142 ACCEPT OK"), &a)
	require.Equal(t, flowlog.Initiated, a.Kind)
	require.True(t, a.Confident)
	require.Equal(t, "sg-1/ingress/0/203.0.113.0/24", ids(a.Rules))
	require.Equal(t, "acl-1/ingress/100", ids(a.Entries))

	n.Attribute(one(t, header2, "2 123456789010 eni-1235b8ca123456789 172.31.16.139 203.0.113.12 0 0 1 4 336 1432917094 1432917142 REJECT OK"), &a)
	require.Equal(t, flowlog.Rejected, a.Kind)
	require.Equal(t, flowlog.ByACL, a.Reason)
	require.Equal(t, netfilter.Egress, a.Direction)
	require.Equal(t, netfilter.Deny, a.ACL)
	require.Equal(t, netfilter.Allow, a.Mirrored, "the groups let the reply pass")
	require.Equal(t, "acl-1/egress/90", ids(a.Entries))
}

func TestIPv6Traffic(t *testing.T) {
	n := compile(t, `{"SecurityGroups":[{"GroupId":"sg-1","IpPermissions":[{"IpProtocol":"tcp","FromPort":22,"ToPort":22,"Ipv6Ranges":[{"CidrIpv6":"2001:db8:1234:a100::/64"}]}]}],
		"NetworkInterfaces":[{"NetworkInterfaceId":"eni-1235b8ca123456789","VpcId":"vpc-1","SubnetId":"subnet-1","Groups":[{"GroupId":"sg-1"}],"Ipv6Addresses":[{"Ipv6Address":"2001:db8:1234:a102:3304:8879:34cf:4071"}]}],`+openACL+`}`)
	var a flowlog.Attribution
	n.Attribute(one(t, header2, "2 123456789010 eni-1235b8ca123456789 2001:db8:1234:a100:8d6e:3477:df66:f105 2001:db8:1234:a102:3304:8879:34cf:4071 34892 22 6 54 8855 1477913708 1477913820 ACCEPT OK"), &a)
	require.Equal(t, flowlog.Initiated, a.Kind)
	require.Equal(t, "sg-1/ingress/0/2001:db8:1234:a100::/64", ids(a.Rules))
	require.Equal(t, "acl-1/ingress/101", ids(a.Entries))
}

const flagFormat = "version vpc-id subnet-id instance-id interface-id account-id type srcaddr dstaddr srcport dstport pkt-srcaddr pkt-dstaddr protocol bytes packets start end action tcp-flags log-status"

// TestTCPFlagSequence: with the default egress rule either side may have begun;
// the flags tell.
func TestTCPFlagSequence(t *testing.T) {
	n := compile(t, `{"SecurityGroups":[{"GroupId":"sg-1","IpPermissions":[{"IpProtocol":"tcp","FromPort":5001,"ToPort":5001,"IpRanges":[{"CidrIp":"0.0.0.0/0"}]}],`+anyOut+`}],
		"NetworkInterfaces":[`+iface("eni-1235b8ca123456789", "10.0.0.62", "sg-1")+`],`+openACL+`}`)
	const (
		start  = "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 eni-1235b8ca123456789 123456789010 IPv4 "
		server = "sg-1/ingress/0/0.0.0.0/0"
	)
	for _, c := range []struct {
		line, rules string
		kind        flowlog.Kind
		reason      flowlog.Reason
		sure        bool
	}{
		{"52.213.180.42 10.0.0.62 43416 5001 52.213.180.42 10.0.0.62 6 568 8 1566848875 1566848933 ACCEPT 2 OK", server, flowlog.Initiated, flowlog.ByFlags, true},
		{"10.0.0.62 52.213.180.42 5001 43416 10.0.0.62 52.213.180.42 6 376 7 1566848875 1566848933 ACCEPT 18 OK", server, flowlog.Reply, flowlog.ByFlags, true},
		{"52.213.180.42 10.0.0.62 43418 5001 52.213.180.42 10.0.0.62 6 100701 70 1566848875 1566848933 ACCEPT 2 OK", server, flowlog.Initiated, flowlog.ByFlags, true},
		{"10.0.0.62 52.213.180.42 5001 43418 10.0.0.62 52.213.180.42 6 632 12 1566848875 1566848933 ACCEPT 18 OK", server, flowlog.Reply, flowlog.ByFlags, true},
		{"10.0.0.62 52.213.180.42 5001 43418 10.0.0.62 52.213.180.42 6 63388 1219 1566848933 1566849113 ACCEPT 1 OK", server + " sg-1/egress/0/0.0.0.0/0", flowlog.Reply, flowlog.ByPorts, false},
		{"52.213.180.42 10.0.0.62 43418 5001 52.213.180.42 10.0.0.62 6 23294588 15774 1566848933 1566849113 ACCEPT 1 OK", server + " sg-1/egress/0/0.0.0.0/0", flowlog.Initiated, flowlog.ByPorts, false},
		{"52.213.180.42 10.0.0.62 43638 5001 52.213.180.42 10.0.0.62 6 1260 17 1566933133 1566933193 ACCEPT 3 OK", server, flowlog.Initiated, flowlog.ByFlags, true},
		{"10.0.0.62 52.213.180.42 5001 43638  10.0.0.62 52.213.180.42 6 967 14 1566933133 1566933193 ACCEPT 19 OK", server, flowlog.Reply, flowlog.ByFlags, true},
	} {
		var a flowlog.Attribution
		n.Attribute(one(t, flagFormat, start+c.line), &a)
		require.Equal(t, [3]any{c.kind, c.reason, c.sure}, [3]any{a.Kind, a.Reason, a.Confident}, c.line)
		require.Equal(t, c.rules, ids(a.Rules), c.line)
	}
}

// TestTrafficThroughANATGateway: the direction is by srcaddr and dstaddr, the
// packet by pkt-srcaddr and pkt-dstaddr (NET-61, NET-62).
func TestTrafficThroughANATGateway(t *testing.T) {
	n := compile(t, `{"NetworkInterfaces":[{"NetworkInterfaceId":"eni-1235b8ca123456789","VpcId":"vpc-1","SubnetId":"subnet-1","InterfaceType":"nat_gateway","PrivateIpAddress":"10.0.0.220"}],`+openACL+`}`)
	for line, c := range map[string]struct {
		d      netfilter.Direction
		packet string
	}{
		"- eni-1235b8ca123456789 10.0.1.5 10.0.0.220 10.0.1.5 203.0.113.5":      {netfilter.Ingress, "tcp 10.0.1.5:40000 > 203.0.113.5:443"},
		"- eni-1235b8ca123456789 10.0.0.220 203.0.113.5 10.0.0.220 203.0.113.5": {netfilter.Egress, "tcp 10.0.0.220:40000 > 203.0.113.5:443"},
		"- eni-1235b8ca123456789 203.0.113.5 10.0.0.220 203.0.113.5 10.0.0.220": {netfilter.Ingress, "tcp 203.0.113.5:40000 > 10.0.0.220:443"},
		"- eni-1235b8ca123456789 10.0.0.220 10.0.1.5 203.0.113.5 10.0.1.5":      {netfilter.Egress, "tcp 203.0.113.5:40000 > 10.0.1.5:443"},
	} {
		var a flowlog.Attribution
		const format = "instance-id interface-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr"
		n.Attribute(one(t, format, line), &a)
		require.Equal(t, [2]any{flowlog.NotAttributable, flowlog.ActionMissing}, [2]any{a.Kind, a.Reason}, "the page's format has no action")
		n.Attribute(one(t, format+" srcport dstport protocol action", line+" 40000 443 6 ACCEPT"), &a)
		require.Equal(t, c.d, a.Direction, line)
		require.Equal(t, c.packet, a.Packet.String(), line)
		require.Equal(t, flowlog.Initiated, a.Kind)
		require.Empty(t, a.Rules, "a NAT gateway has no groups")
		require.Len(t, a.Entries, 1)
	}
}

func TestTrafficThroughATransitGateway(t *testing.T) {
	const format = "version interface-id account-id vpc-id subnet-id instance-id srcaddr dstaddr srcport dstport protocol tcp-flags type pkt-srcaddr pkt-dstaddr action log-status"
	n := compile(t, `{"SecurityGroups":[{"GroupId":"sg-1","IpPermissions":[{"IpProtocol":"tcp","FromPort":80,"ToPort":80,"IpRanges":[{"CidrIp":"10.20.0.0/16"}]}]}],"NetworkInterfaces":[
		`+iface("eni-33333333333333333", "10.40.2.236", "sg-1")+`,
		{"NetworkInterfaceId":"eni-11111111111111111","VpcId":"vpc-1","SubnetId":"subnet-a","InterfaceType":"transit_gateway","PrivateIpAddress":"10.40.1.175"},
		{"NetworkInterfaceId":"eni-22222222222222222","VpcId":"vpc-1","SubnetId":"subnet-b","InterfaceType":"transit_gateway","PrivateIpAddress":"10.40.2.31"}],`+openACL+`}`)
	for _, c := range []struct {
		line string
		kind flowlog.Kind
		d    netfilter.Direction
		rule string
	}{
		{"3 eni-33333333333333333 123456789010 vpc-abcdefab012345678 subnet-22222222bbbbbbbbb i-01234567890123456 10.20.33.164 10.40.2.236 39812 80 6 3 IPv4 10.20.33.164 10.40.2.236 ACCEPT OK", flowlog.Initiated, netfilter.Ingress, "sg-1/ingress/0/10.20.0.0/16"},
		{"3 eni-33333333333333333 123456789010 vpc-abcdefab012345678 subnet-22222222bbbbbbbbb i-01234567890123456 10.40.2.236 10.20.33.164 80 39812 6 19 IPv4 10.40.2.236 10.20.33.164 ACCEPT OK", flowlog.Reply, netfilter.Egress, "sg-1/ingress/0/10.20.0.0/16"},
		{"3 eni-11111111111111111 123456789010 vpc-abcdefab012345678 subnet-11111111aaaaaaaaa - 10.40.1.175 10.40.2.236 39812 80 6 3 IPv4 10.20.33.164 10.40.2.236 ACCEPT OK", flowlog.Initiated, netfilter.Egress, ""},
		{"3 eni-22222222222222222 123456789010 vpc-abcdefab012345678 subnet-22222222bbbbbbbbb - 10.40.2.236 10.40.2.31 80 39812 6 19 IPv4 10.40.2.236 10.20.33.164 ACCEPT OK", flowlog.Reply, netfilter.Ingress, ""},
	} {
		var a flowlog.Attribution
		n.Attribute(one(t, format, c.line), &a)
		require.Equal(t, c.kind, a.Kind, c.line)
		require.Equal(t, c.d, a.Direction, c.line)
		require.Equal(t, c.rule, ids(a.Rules), c.line)
		require.True(t, a.Confident)
	}
}

func TestServiceNameTrafficPathAndFlowDirection(t *testing.T) {
	const format = "version srcaddr dstaddr srcport dstport protocol start end type packets bytes account-id vpc-id subnet-id instance-id interface-id region az-id sublocation-type sublocation-id action tcp-flags pkt-srcaddr pkt-dstaddr pkt-src-aws-service pkt-dst-aws-service traffic-path flow-direction log-status"
	n := compile(t, `{"SecurityGroups":[{"GroupId":"sg-1",`+anyOut+`}],"NetworkInterfaces":[`+iface("eni-1235b8ca123456789", "10.0.0.71", "sg-1")+`],`+openACL+`}`)
	in := one(t, format, "5 52.95.128.179 10.0.0.71 80 34210 6 1616729292 1616729349 IPv4 14 15044 123456789012 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-0c50d5961bcb2d47b eni-1235b8ca123456789 ap-southeast-2 apse2-az3 - - ACCEPT 19 52.95.128.179 10.0.0.71 S3 - - ingress OK")
	out := one(t, format, "5 10.0.0.71 52.95.128.179 34210 80 6 1616729292 1616729349 IPv4 7 471 123456789012 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-0c50d5961bcb2d47b eni-1235b8ca123456789 ap-southeast-2 apse2-az3 - - ACCEPT 3 10.0.0.71 52.95.128.179 - S3 8 egress OK")
	var a flowlog.Attribution
	n.Attribute(in, &a)
	require.Equal(t, flowlog.Reply, a.Kind)
	require.Equal(t, "sg-1/egress/0/0.0.0.0/0", ids(a.Rules))
	service, ok := in.Text("pkt-src-aws-service")
	require.True(t, ok)
	require.Equal(t, "S3", string(service))
	require.False(t, in.Has("pkt-dst-aws-service"))
	n.Attribute(out, &a)
	require.Equal(t, flowlog.Initiated, a.Kind)
	require.Equal(t, uint8(8), out.TrafficPath)
	require.Equal(t, netfilter.Egress, out.Direction)
	require.Equal(t, uint16(flowlog.FlagSYN|flowlog.FlagFIN), out.TCPFlags)
}
