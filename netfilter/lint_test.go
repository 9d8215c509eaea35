// SPDX-License-Identifier: Apache-2.0

package netfilter_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/netfilter"
)

const (
	openACL = `{"NetworkAclId":"acl-1","VpcId":"vpc-1","IsDefault":true,"Entries":[
	 {"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":false,"CidrBlock":"0.0.0.0/0"},{"RuleNumber":32767,"Protocol":"-1","RuleAction":"deny","Egress":false,"CidrBlock":"0.0.0.0/0"},
	 %s{"RuleNumber":32767,"Protocol":"-1","RuleAction":"deny","Egress":true,"CidrBlock":"0.0.0.0/0"}]}`
	oneInterface = `"NetworkInterfaces":[{"NetworkInterfaceId":"eni-1","SubnetId":"subnet-1","VpcId":"vpc-1","PrivateIpAddress":"10.0.0.5","Groups":[{"GroupId":"sg-1"}]}]`
	webGroup     = `{"GroupId":"sg-1","IpPermissions":[{"IpProtocol":"tcp","FromPort":443,"ToPort":443,"IpRanges":[{"CidrIp":"203.0.113.0/24"}]}]}`
)

// TestLintCodes gives each code of NET-68 an inventory that has it, and one that
// does not; pmtud-blocked is NET-35, quota NET-71.
func TestLintCodes(t *testing.T) {
	group := func(rules string) string {
		return `{"SecurityGroups":[{"GroupId":"sg-1","IpPermissions":[` + rules + `]}]}`
	}
	acl := func(entries string) string {
		return `{"NetworkAcls":[{"NetworkAclId":"acl-1","Associations":[{"SubnetId":"subnet-1"}],"Entries":[` + entries + `]}]}`
	}
	entry := func(n int, text string) string {
		return fmt.Sprintf(`{"RuleNumber":%d,"Egress":false,"Protocol":"-1","RuleAction":"allow","CidrBlock":"10.0.0.0/8"%s}`, n, text)
	}
	egress := func(text string) string {
		return `{"SecurityGroups":[` + webGroup + `],"NetworkAcls":[` + fmt.Sprintf(openACL, text) + `],` + oneInterface + `}`
	}
	rules := strings.TrimSuffix(strings.Repeat(`{"IpProtocol":"tcp","FromPort":1,"ToPort":1,"IpRanges":[{"CidrIp":"10.0.0.0/8"}]},`, 60), ",")
	for _, c := range []struct{ code, with, without string }{
		{"shadowed", acl(entry(100, "") + "," + entry(200, "")), acl(entry(100, ""))},
		{"redundant", group(`{"IpProtocol":"tcp","IpRanges":[{"CidrIp":"10.0.0.0/8"},{"CidrIp":"10.1.0.0/16"}]}`), group(`{"IpProtocol":"tcp","IpRanges":[{"CidrIp":"10.0.0.0/8"},{"CidrIp":"11.1.0.0/16"}]}`)},
		{"open-to-world", group(`{"IpProtocol":"tcp","FromPort":22,"ToPort":22,"IpRanges":[{"CidrIp":"0.0.0.0/1"},{"CidrIp":"128.0.0.0/1"}]}`), group(`{"IpProtocol":"tcp","FromPort":22,"ToPort":22,"IpRanges":[{"CidrIp":"0.0.0.0/1"},{"CidrIp":"128.0.0.0/2"}]}`)},
		{"invalid-rule", group(`{"IpProtocol":"icmp","FromPort":-1,"ToPort":9,"IpRanges":[{"CidrIp":"10.0.0.0/8"}]}`), group(`{"IpProtocol":"icmp","FromPort":9,"ToPort":-1,"IpRanges":[{"CidrIp":"10.0.0.0/8"}]}`)},
		{"invalid-rule", acl(entry(100, `,"Ipv6CidrBlock":"::/0"`)), acl(entry(100, ""))},
		{"stale-reference", group(`{"IpProtocol":"tcp","UserIdGroupPairs":[{"GroupId":"sg-2","VpcPeeringConnectionId":"pcx-1","PeeringStatus":"deleted"}]}`), group(`{"IpProtocol":"tcp","UserIdGroupPairs":[{"GroupId":"sg-2","VpcPeeringConnectionId":"pcx-1","PeeringStatus":"active"}]}`)},
		{"stale-reference", group(`{"IpProtocol":"tcp","UserIdGroupPairs":[{"GroupId":"sg-2"}]}`), group(`{"IpProtocol":"tcp","UserIdGroupPairs":[{"GroupId":"sg-1"}]}`)},
		{"unattached-group", `{"SecurityGroups":[{"GroupId":"sg-1"}],"NetworkInterfaces":[]}`, `{"SecurityGroups":[{"GroupId":"sg-1"}]}`},
		{"unassociated-acl", `{"NetworkAcls":[{"NetworkAclId":"acl-1"}]}`, `{"NetworkAcls":[{"NetworkAclId":"acl-1","IsDefault":true}]}`},
		{"noncanonical-cidr", group(`{"IpProtocol":"tcp","IpRanges":[{"CidrIp":"10.0.0.1/8"}]}`), group(`{"IpProtocol":"tcp","IpRanges":[{"CidrIp":"10.0.0.0/8"}]}`)},
		{"duplicate-number", acl(entry(100, "") + "," + entry(100, "")), acl(entry(100, "") + "," + entry(101, ""))},
		{"reserved-number", acl(entry(0, "")), acl(entry(1, ""))},
		{"reserved-number", acl(entry(32767, "")), acl(`{"RuleNumber":32768,"Egress":false,"Protocol":"-1","RuleAction":"deny","Ipv6CidrBlock":"::/0"}`)},
		{"any-type-code", acl(strings.Replace(entry(1, `,"IcmpTypeCode":{"Type":-1,"Code":9}`), `"-1"`, `"1"`, 1)), acl(strings.Replace(entry(1, `,"IcmpTypeCode":{"Type":9,"Code":-1}`), `"-1"`, `"1"`, 1))},
		{"incomplete-page", `{"SecurityGroups":[],"NextToken":"x"}`, `{"SecurityGroups":[],"NextToken":""}`},
		{"reply-blocked", egress(`{"RuleNumber":100,"Protocol":"6","RuleAction":"allow","Egress":true,"CidrBlock":"0.0.0.0/0","PortRange":{"From":32768,"To":65535}},`), egress(`{"RuleNumber":100,"Protocol":"6","RuleAction":"allow","Egress":true,"CidrBlock":"0.0.0.0/0","PortRange":{"From":1024,"To":65535}},`)},
		{"reply-blocked", egress(`{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":true,"CidrBlock":"203.0.113.0/25"},`), egress(`{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":true,"CidrBlock":"203.0.113.0/24"},`)},
		{"pmtud-blocked", egress(`{"RuleNumber":100,"Protocol":"6","RuleAction":"allow","Egress":true,"CidrBlock":"0.0.0.0/0"},`), egress(`{"RuleNumber":100,"Protocol":"6","RuleAction":"allow","Egress":true,"CidrBlock":"0.0.0.0/0"},{"RuleNumber":110,"Protocol":"1","RuleAction":"allow","Egress":true,"CidrBlock":"0.0.0.0/0","IcmpTypeCode":{"Type":3,"Code":4}},`)},
		{"quota", group(rules + `,{"IpProtocol":"udp","IpRanges":[{"CidrIp":"10.0.0.0/8"}]}`), group(rules)},
		{"quota", group(`{"IpProtocol":"udp","PrefixListIds":[{"PrefixListId":"pl-1"}]}],"X":[{}`) + `{"PrefixLists":[{"PrefixListId":"pl-1","MaxEntries":61}]}`, group(`{"IpProtocol":"udp","PrefixListIds":[{"PrefixListId":"pl-1"}]}],"X":[{}`) + `{"PrefixLists":[{"PrefixListId":"pl-1","MaxEntries":60}]}`},
	} {
		t.Run(c.code, func(t *testing.T) {
			f := findByCode(lintText(t, c.with), c.code)
			require.NotNil(t, f)
			require.NotEmpty(t, f.Detail)
			require.Nil(t, findByCode(lintText(t, c.without), c.code))
			if f.Code == "reply-blocked" || f.Code == "pmtud-blocked" {
				requireBlocked(t, c.with, f)
			}
		})
	}
}

func lintText(t *testing.T, text string) []netfilter.Finding {
	t.Helper()
	inv, err := read(t, text)
	require.NoError(t, err)
	return netfilter.Lint(inv, netfilter.LintOptions{Quotas: netfilter.DefaultQuotas()})
}

// requireBlocked shows that the ACL denies the witness.
func requireBlocked(t *testing.T, text string, f *netfilter.Finding) {
	t.Helper()
	inv, err := read(t, text)
	require.NoError(t, err)
	policy, err := netfilter.CompileACL(inv.ACLs[0])
	require.NoError(t, err)
	v := policy.Decide(f.Direction, *f.Witness)
	require.Equal(t, netfilter.Deny, v.Effect)
	require.Equal(t, policy.RuleID(f.Direction, v.Rule), f.Rules[0])
}

// TestSensitivePorts limits open-to-world.
func TestSensitivePorts(t *testing.T) {
	inv, err := read(t, `{"SecurityGroups":[{"GroupId":"sg-1","IpPermissions":[{"IpProtocol":"tcp","FromPort":80,"ToPort":90,"IpRanges":[{"CidrIp":"0.0.0.0/0"}]}]}]}`)
	require.NoError(t, err)
	for port, want := range map[uint16]bool{79: false, 80: true, 85: true, 90: true, 91: false} {
		f := findByCode(netfilter.Lint(inv, netfilter.LintOptions{SensitivePorts: []uint16{port}}), "open-to-world")
		require.Equal(t, want, f != nil, port)
	}
}

// TestOpenThroughAPrefixList: 0.0.0.0/0 hides in a list.
func TestOpenThroughAPrefixList(t *testing.T) {
	inv := &netfilter.Inventory{
		Groups:      []netfilter.SecurityGroup{{ID: "sg-1", Ingress: []netfilter.Rule{{Protocol: "tcp", From: 22, To: 22, Peer: netfilter.Peer{PrefixList: "pl-1"}}}}},
		PrefixLists: []netfilter.PrefixList{{ID: "pl-1", Known: true, Entries: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/1"), netip.MustParsePrefix("128.0.0.0/1")}}},
	}
	f := findByCode(netfilter.Lint(inv, netfilter.LintOptions{}), "open-to-world")
	require.NotNil(t, f)
	require.Equal(t, []string{"sg-1/ingress/0/pl-1"}, f.Rules)
}

// TestEveryFindingHasAKnownCode holds Codes complete.
func TestEveryFindingHasAKnownCode(t *testing.T) {
	require.Len(t, netfilter.Codes(), 18)
	for code, text := range netfilter.Codes() {
		require.NotEmpty(t, text, code)
	}
}
