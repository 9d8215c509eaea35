// SPDX-License-Identifier: Apache-2.0

package flowlog_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/flowlog"
)

// TestLenient: what is invalid is an error, or with Lenient is listed and never
// admits: an invalid rule matches nothing, an ACL with a number that stands twice
// is unknown.
func TestLenient(t *testing.T) {
	const rule = `"SecurityGroups":[{"GroupId":"sg-1","IpPermissions":[{"IpProtocol":"tcp","FromPort":9,"ToPort":1,"IpRanges":[{"CidrIp":"0.0.0.0/0"}]},{"IpProtocol":"tcp","FromPort":443,"ToPort":443,"IpRanges":[{"CidrIp":"0.0.0.0/0"}]}]}],`
	const twice = `"NetworkAcls":[{"NetworkAclId":"acl-1","VpcId":"vpc-1","IsDefault":true,"Entries":[` + allowAll + `,{"RuleNumber":100,"Protocol":"6","RuleAction":"deny","Egress":false,"CidrBlock":"0.0.0.0/0"}]}],`
	eni := `"NetworkInterfaces":[` + iface("eni-1", "10.0.0.5", "sg-1") + `]}`
	https := one(t, defaultNames, "2 1 eni-1 192.0.2.7 10.0.0.5 40000 443 6 1 1 1 1 ACCEPT OK")
	five := one(t, defaultNames, "2 1 eni-1 192.0.2.7 10.0.0.5 40000 5 6 1 1 1 1 ACCEPT OK")

	inv := inventory(t, "{"+rule+openACL+","+eni)
	_, err := flowlog.Compile(flowlog.Snapshot{Inventory: inv})
	require.ErrorIs(t, err, flowlog.ErrSnapshot)
	require.ErrorIs(t, err, netfilter.ErrRule)
	n, err := flowlog.Compile(flowlog.Snapshot{Inventory: inv, Lenient: true})
	require.NoError(t, err)
	require.Len(t, n.Invalid(), 1)
	var a flowlog.Attribution
	n.Attribute(https, &a)
	require.Equal(t, flowlog.Initiated, a.Kind)
	n.Attribute(five, &a)
	require.Equal(t, flowlog.Mismatch, a.Kind, "the invalid rule admits nothing")

	inv = inventory(t, "{"+twice+eni)
	inv.Groups = []netfilter.SecurityGroup{{ID: "sg-1", Ingress: []netfilter.Rule{{Protocol: "-1", Peer: netfilter.Peer{IPv4: "0.0.0.0/0"}}}}}
	_, err = flowlog.Compile(flowlog.Snapshot{Inventory: inv})
	require.ErrorIs(t, err, flowlog.ErrSnapshot)
	n, err = flowlog.Compile(flowlog.Snapshot{Inventory: inv, Lenient: true})
	require.NoError(t, err)
	require.Len(t, n.Invalid(), 1)
	n.Attribute(https, &a)
	require.Equal(t, [3]any{flowlog.Initiated, flowlog.PeerUnknown, false}, [3]any{a.Kind, a.Reason, a.Confident})
	require.Empty(t, a.Entries)

	_, err = flowlog.Compile(flowlog.Snapshot{})
	require.ErrorIs(t, err, flowlog.ErrSnapshot)
}

// TestServices: the resolver and the router of a VPC are told by its blocks, and
// the list can be replaced; what is not logged is attributed to nothing (NET-65).
func TestServices(t *testing.T) {
	inv := inventory(t, `{"SecurityGroups":[{"GroupId":"sg-1",`+anyOut+`}],"NetworkInterfaces":[`+iface("eni-1", "10.0.7.5", "sg-1")+`],`+openACL+`}`)
	dns := one(t, defaultNames, "2 1 eni-1 10.0.7.5 10.0.0.2 40000 53 17 1 1 1 1 ACCEPT OK")
	dhcp := one(t, defaultNames, "2 1 eni-1 10.0.7.5 255.255.255.255 68 67 17 1 1 1 1 ACCEPT OK")
	other := one(t, defaultNames, "2 1 eni-1 10.0.7.5 255.255.255.255 68 69 17 1 1 1 1 ACCEPT OK")
	blocks := map[string][]netip.Prefix{"vpc-1": {netip.MustParsePrefix("10.0.0.0/16")}}
	nothing := func(...netip.Prefix) []netfilter.Service { return nil }
	for name, c := range map[string]struct {
		snapshot         flowlog.Snapshot
		dns, dhcp, other flowlog.Reason
	}{
		"blocks":  {flowlog.Snapshot{Inventory: inv, Blocks: blocks}, flowlog.NotLogged, flowlog.NotLogged, flowlog.OnlyWay},
		"none":    {flowlog.Snapshot{Inventory: inv}, flowlog.OnlyWay, flowlog.NotLogged, flowlog.OnlyWay},
		"no list": {flowlog.Snapshot{Inventory: inv, Blocks: blocks, Services: nothing}, flowlog.OnlyWay, flowlog.OnlyWay, flowlog.OnlyWay},
	} {
		n, err := flowlog.Compile(c.snapshot)
		require.NoError(t, err)
		var a flowlog.Attribution
		for r, want := range map[*flowlog.Record]flowlog.Reason{dns: c.dns, dhcp: c.dhcp, other: c.other} {
			n.Attribute(r, &a)
			require.Equal(t, want, a.Reason, "%s: %s", name, r.Append(nil))
		}
	}
}

// TestUnknownDefaultACL: without an ACL nobody knows what the subnet lets pass
// (NET-34), and between interfaces of one subnet nothing stands (NET-33).
func TestUnknownDefaultACL(t *testing.T) {
	two := iface("eni-1", "10.0.0.5", "sg-1") + `,{"NetworkInterfaceId":"eni-2","VpcId":"vpc-1","SubnetId":"subnet-eni-1","PrivateIpAddress":"10.0.0.6"}`
	inv := inventory(t, `{"SecurityGroups":[{"GroupId":"sg-1","IpPermissions":[{"IpProtocol":"-1","IpRanges":[{"CidrIp":"0.0.0.0/0"}]}]}],"NetworkInterfaces":[`+two+`]}`)
	n, err := flowlog.Compile(flowlog.Snapshot{Inventory: inv})
	require.NoError(t, err)
	var a flowlog.Attribution
	n.Attribute(one(t, defaultNames, "2 1 eni-1 10.9.0.7 10.0.0.5 40000 443 6 1 1 1 1 ACCEPT OK"), &a)
	require.Equal(t, [2]any{flowlog.PeerUnknown, netfilter.Unresolved}, [2]any{a.Reason, a.ACL})
	n.Attribute(one(t, defaultNames, "2 1 eni-1 10.0.0.6 10.0.0.5 40000 443 6 1 1 1 1 ACCEPT OK"), &a)
	require.Equal(t, [2]any{flowlog.OnlyWay, netfilter.Allow}, [2]any{a.Reason, a.ACL})
	require.Empty(t, a.Entries)
	n.Attribute(one(t, defaultNames, "2 1 eni-1 10.0.0.6 10.0.0.5 40000 443 6 1 1 1 1 REJECT OK"), &a)
	require.Equal(t, [2]any{flowlog.Mismatch, flowlog.NothingDenies}, [2]any{a.Kind, a.Reason})
	for text, want := range map[string]flowlog.Reason{"BPA": flowlog.AccessBlocked, "EC": flowlog.NotEncrypted, "-": flowlog.NothingDenies} {
		n.Attribute(one(t, defaultNames+" reject-reason", "8 1 eni-1 10.0.0.6 10.0.0.5 40000 443 6 1 1 1 1 REJECT OK "+text), &a)
		require.Equal(t, want, a.Reason)
	}
}
