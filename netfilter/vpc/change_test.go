// SPDX-License-Identifier: Apache-2.0

package vpc_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/vpc"
)

// TestApply: NET-70: a rule, an entry and a route go and come, in a copy only.
func TestApply(t *testing.T) {
	s := edited(t)
	before := ask(t, s, "internet", "eni-a", "", "198.51.100.7", netfilter.TCP, 443)
	require.Equal(t, vpc.Yes, before.Reachable)
	cases := []struct {
		name         string
		change       vpc.Change
		reach, reply vpc.Answer
		blocks       string
	}{
		{"rule removed", vpc.Change{Remove: []string{"sg-open/ingress/0/0.0.0.0/0"}}, vpc.No, vpc.No, "SG_INGRESS sg-open"},
		{"entry removed", vpc.Change{Remove: []string{"acl-a/ingress/100"}}, vpc.No, vpc.No, "ACL_IN acl-a/*"},
		{"outbound entry removed", vpc.Change{Remove: []string{"acl-a/egress/200"}}, vpc.Yes, vpc.No, "ACL_OUT acl-a/* reply"},
		{"route removed", vpc.Change{Remove: []string{"rtb-pub/0.0.0.0/0"}}, vpc.Yes, vpc.No, "NO_ROUTE rtb-pub/198.51.100.7 reply"},
		{"entry added", vpc.Change{Add: document(`{"NetworkAcls":[{"NetworkAclId":"acl-a","Entries":[{"RuleNumber":50,"Protocol":"6","RuleAction":"deny","Egress":false,"CidrBlock":"198.51.100.0/24"}]}]}`)}, vpc.No, vpc.No, "ACL_IN acl-a/50"},
		{"route added", vpc.Change{Add: document(`{"RouteTables":[{"RouteTableId":"rtb-pub","VpcId":"vpc-1","Routes":[{"DestinationCidrBlock":"198.51.100.0/24","NetworkInterfaceId":"eni-x","State":"blackhole"}]}]}`)}, vpc.Yes, vpc.No, "ROUTE_STATE rtb-pub/198.51.100.0/24 reply"},
		{"rule replaced", vpc.Change{Remove: []string{"sg-open/ingress/0/0.0.0.0/0"}, Add: document(`{"SecurityGroups":[{"GroupId":"sg-open","IpPermissions":[{"IpProtocol":"tcp","FromPort":443,"ToPort":443,"IpRanges":[{"CidrIp":"198.51.100.7/32"}]}]}]}`)}, vpc.Yes, vpc.Yes, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			after, err := s.Apply(c.change)
			require.NoError(t, err)
			p := ask(t, after, "internet", "eni-a", "", "198.51.100.7", netfilter.TCP, 443)
			require.Equal(t, c.reach.String()+" "+c.reply.String()+" "+c.blocks, p.Reachable.String()+" "+p.Reply.String()+" "+blocks(p))
			require.Equal(t, before, ask(t, s, "internet", "eni-a", "", "198.51.100.7", netfilter.TCP, 443))
		})
	}
	for name, c := range map[string]vpc.Change{
		"no such rule": {Remove: []string{"sg-open/ingress/9"}}, "no such group": {Add: document(`{"SecurityGroups":[{"GroupId":"sg-x"}]}`)},
		"no such ACL": {Add: document(`{"NetworkAcls":[{"NetworkAclId":"acl-x"}]}`)}, "no such table": {Add: document(`{"RouteTables":[{"RouteTableId":"rtb-x"}]}`)},
		"number taken": {Add: document(`{"NetworkAcls":[{"NetworkAclId":"acl-a","Entries":[{"RuleNumber":100,"Protocol":"6","RuleAction":"deny","Egress":false,"CidrBlock":"198.51.100.0/24"}]}]}`)},
	} {
		_, err := s.Apply(c)
		require.ErrorIs(t, err, vpc.ErrQuery, name)
	}
	_, err := s.Apply(vpc.Change{Add: document(`{`)})
	require.ErrorIs(t, err, netfilter.ErrDocument)
}

func document(s string) netfilter.Document {
	return netfilter.Document{Name: "change.json", Data: []byte(s)}
}

// TestCompare: of two worlds, the differences hold exactly the packets that
// arrive in one and not in the other.
func TestCompare(t *testing.T) {
	g := newWorldGenerator(3)
	total, worlds := 0, 40
	if testing.Short() {
		worlds = 8
	}
	for range worlds {
		w := g.world()
		before := w.snapshot(t)
		require.Empty(t, vpc.Compare(before, before))
		g.edit(w)
		after := w.snapshot(t)
		if g.chance(50) {
			before, after = after, before
		}
		differs := map[netip.Addr]vpc.Difference{}
		for _, d := range vpc.Compare(before, after) {
			require.NotEmpty(t, d.Changes)
			differs[d.Public] = d
		}
		for _, e := range w.NetworkInterfaces {
			for _, a := range e.PrivateIpAddresses {
				if a.Association != nil {
					total += compareChanges(t, g.classes, before, after, e.NetworkInterfaceId, addr(a.Association.PublicIp), differs)
				}
			}
		}
	}
	g.classes.Require(t, total)
}

// edit changes some things of the world.
func (g *worldGenerator) edit(w *refWorld) {
	n := 1 + g.rng.IntN(len(w.SecurityGroups)-1)
	w.SecurityGroups[n].IpPermissions = append(w.SecurityGroups[n].IpPermissions, g.permission())
	w.SecurityGroups[0].IpPermissions = nil
	for range 1 + g.rng.IntN(3) {
		w.SecurityGroups[0].IpPermissions = append(w.SecurityGroups[0].IpPermissions, g.permission())
	}
	a := &w.NetworkAcls[g.rng.IntN(len(w.NetworkAcls))]
	a.Entries = append(a.Entries, refEntry{RuleNumber: 5, Protocol: "6", RuleAction: "deny", CidrBlock: g.one("198.51.100.0/24", "0.0.0.0/0"), PortRange: &refPortSpan{0, 100}})
}

func compareChanges(t *testing.T, classes testkit.Classes, before, after *vpc.Snapshot, id string, public netip.Addr, differs map[netip.Addr]vpc.Difference) (n int) {
	t.Helper()
	effects := map[vpc.Answer]netfilter.Effect{vpc.Yes: netfilter.Allow, vpc.No: netfilter.Deny, vpc.Unresolved: netfilter.Unresolved}
	for _, src := range []string{"8.8.8.8", "198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0", "52.216.0.1"} {
		for _, port := range []uint16{0, 22, 79, 100, 101, 443, 1024, 40000, 65535} {
			for _, proto := range []netfilter.Protocol{6, 17} {
				traffic := vpc.Traffic{Protocol: proto, Src: addr(src), Dst: public, DstPorts: &vpc.Ports{From: port, To: port}}
				a, err := before.Path(vpc.Endpoint{Internet: true}, vpc.Endpoint{Interface: id}, traffic)
				require.NoError(t, err)
				b, err := after.Path(vpc.Endpoint{Internet: true}, vpc.Endpoint{Interface: id}, traffic)
				require.NoError(t, err)
				if a.Reachable == vpc.Partly || b.Reachable == vpc.Partly {
					continue
				}
				var in []netfilter.Change
				for _, c := range differs[public].Changes {
					for _, x := range c.Prefixes {
						if x.Contains(addr(src)) && c.FirstProtocol <= proto && proto <= c.LastProtocol && c.From <= port && port <= c.To {
							in = append(in, c)
						}
					}
				}
				n++
				classes.Add("opened", a.Reachable == vpc.No && b.Reachable == vpc.Yes)
				classes.Add("closed", a.Reachable == vpc.Yes && b.Reachable == vpc.No)
				classes.Add("same", a.Reachable == b.Reachable)
				if a.Reachable == b.Reachable {
					require.Empty(t, in)
					continue
				}
				require.Len(t, in, 1)
				require.Equal(t, effects[a.Reachable], in[0].Before)
				require.Equal(t, effects[b.Reachable], in[0].After)
			}
		}
	}
	return n
}

// What would the internet no longer reach if a rule were taken out?
func ExampleCompare() {
	before, err := vpc.Read(netfilter.Document{Name: "web.json", Data: []byte(web)})
	if err != nil {
		fmt.Println(err)
		return
	}
	for e := range before.Exposure() {
		var exposed vpc.Exposure = e
		var o vpc.Opening = exposed.Openings[0]
		fmt.Println(exposed.Interface, exposed.Public, o.Prefixes, o.FirstProtocol, o.From, o.Rules, o.Route, o.Reply)
	}
	var tighten vpc.Change = vpc.Change{
		Remove: []string{"sg-1/ingress/0/0.0.0.0/0"},
		Add:    netfilter.Document{Data: []byte(`{"SecurityGroups":[{"GroupId":"sg-1","IpPermissions":[{"IpProtocol":"tcp","FromPort":22,"ToPort":22,"IpRanges":[{"CidrIp":"128.0.0.0/1"}]}]}]}`)},
	}
	after, err := before.Apply(tighten)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range vpc.Compare(before, after) {
		var difference vpc.Difference = d
		for _, c := range difference.Changes {
			fmt.Println(difference.Interface, c.Prefixes, c.From, c.Before, "to", c.After)
		}
	}
	// Output:
	// eni-1 203.0.113.5 [0.0.0.0/0] tcp 22 [acl-1/ingress/100 sg-1/ingress/0/0.0.0.0/0] rtb-1/0.0.0.0/0 no
	// eni-1 [0.0.0.0/1] 22 allow to deny
}

// web is a server that the internet reaches, and that cannot answer: its ACL
// lets nothing out.
const web = `{"Subnets":[{"SubnetId":"subnet-1","VpcId":"vpc-1","CidrBlock":"10.0.0.0/24"}],
"InternetGateways":[{"InternetGatewayId":"igw-1","Attachments":[{"VpcId":"vpc-1","State":"available"}]}],
"RouteTables":[{"RouteTableId":"rtb-1","VpcId":"vpc-1","Associations":[{"Main":true}],"Routes":[{"DestinationCidrBlock":"0.0.0.0/0","GatewayId":"igw-1"}]}],
"NetworkInterfaces":[{"NetworkInterfaceId":"eni-1","SubnetId":"subnet-1","VpcId":"vpc-1","Groups":[{"GroupId":"sg-1"}],"PrivateIpAddress":"10.0.0.5","Association":{"PublicIp":"203.0.113.5"}}],
"SecurityGroups":[{"GroupId":"sg-1","VpcId":"vpc-1","IpPermissions":[{"IpProtocol":"tcp","FromPort":22,"ToPort":22,"IpRanges":[{"CidrIp":"0.0.0.0/0"}]}]}],
"NetworkAcls":[{"NetworkAclId":"acl-1","VpcId":"vpc-1","IsDefault":true,"Entries":[{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":false,"CidrBlock":"0.0.0.0/0"}]}]}`
