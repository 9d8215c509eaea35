// SPDX-License-Identifier: Apache-2.0

package vpc_test

import (
	"encoding/json"
	"net/netip"
	"testing"

	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/vpc"
)

// FuzzSnapshot: any bytes are read or refused, and any snapshot answers within
// the bound of hops, with a block for each No (NET-53, NET-84).
func FuzzSnapshot(f *testing.F) {
	f.Add([]byte(world))
	f.Add([]byte(web))
	f.Add([]byte(`{"Vpcs":[{"VpcId":1}],"Routes":[{}],"RouteTables":[{"Routes":[{}],"Associations":null}]}`))
	f.Add([]byte(`{"VpcPeeringConnections":[{}],"VpcEndpoints":[{"SubnetIds":[1]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := vpc.Read(netfilter.Document{Name: "tgw-rtb-1.json", Data: data}); err == nil {
			probe(t, s)
		}
	})
}

// probe asks a snapshot everything, and holds the answers to NET-84.
func probe(t *testing.T, s *vpc.Snapshot) {
	t.Helper()
	tcp := vpc.Traffic{Protocol: netfilter.TCP, Src: netip.MustParseAddr("198.51.100.7")}
	for _, from := range []vpc.Endpoint{{Interface: "eni-a"}, {Internet: true}, {Interface: "eni-t"}} {
		traffic := tcp
		if !from.Internet {
			traffic.Src = netip.Addr{}
		}
		for _, to := range []vpc.Endpoint{{Interface: "eni-b"}, {Interface: "eni-a"}, {Addr: netip.MustParseAddr("8.8.8.8")}, {Addr: netip.MustParseAddr("52.216.1.1")}} {
			p, err := s.Path(from, to, traffic)
			if err != nil {
				continue
			}
			blocked := p.Reachable == vpc.No || p.Reachable == vpc.Partly || p.Reachable == vpc.Yes && p.Reply == vpc.No
			if blocked && len(p.Blocks) == 0 || p.Reachable == vpc.Yes && p.Reply != vpc.No && len(p.Blocks) > 0 {
				t.Fatalf("%+v", p)
			}
			if p.Reachable == vpc.No && p.Reply != vpc.No || len(p.Hops) > 64 || len(p.ReplyHops) > 64 {
				t.Fatalf("%+v", p)
			}
		}
	}
	n := 0
	for e := range s.Exposure() {
		for _, o := range e.Openings {
			if n++; len(o.Prefixes) == 0 || o.Witness.Dst != e.Public {
				t.Fatalf("%+v", o)
			}
		}
	}
	if d := vpc.Compare(s, s); len(d) > 0 {
		t.Fatalf("differs from itself: %+v", d)
	}
}

// fuzzShape puts one object of any form in place of a member of the world.
func fuzzShape(f *testing.F, member string) {
	var base map[string]json.RawMessage
	if err := json.Unmarshal([]byte(world), &base); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(base[member]))
	f.Add([]byte(`[{}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if !json.Valid(data) {
			return
		}
		m := map[string]json.RawMessage{}
		for k, v := range base {
			m[k] = v
		}
		m[member] = data
		text, err := json.Marshal(m)
		if err != nil {
			return
		}
		if s, err := vpc.Read(netfilter.Document{Name: "tgw-rtb-1.json", Data: text}); err == nil {
			probe(t, s)
		}
	})
}

// One target for each shape that the package reads.

func FuzzVpcs(f *testing.F)                  { fuzzShape(f, "Vpcs") }
func FuzzSubnets(f *testing.F)               { fuzzShape(f, "Subnets") }
func FuzzInternetGateways(f *testing.F)      { fuzzShape(f, "InternetGateways") }
func FuzzNatGateways(f *testing.F)           { fuzzShape(f, "NatGateways") }
func FuzzVpcPeeringConnections(f *testing.F) { fuzzShape(f, "VpcPeeringConnections") }
func FuzzVpcEndpoints(f *testing.F)          { fuzzShape(f, "VpcEndpoints") }
func FuzzRouteTables(f *testing.F)           { fuzzShape(f, "RouteTables") }
func FuzzTransitAttachments(f *testing.F)    { fuzzShape(f, "TransitGatewayVpcAttachments") }
func FuzzTransitRoutes(f *testing.F)         { fuzzShape(f, "Routes") }
func FuzzNetworkInterfaces(f *testing.F)     { fuzzShape(f, "NetworkInterfaces") }

// FuzzChange: any change is made or refused, and leaves the snapshot as it was.
func FuzzChange(f *testing.F) {
	f.Add("sg-open/ingress/0/0.0.0.0/0", []byte(`{"SecurityGroups":[{"GroupId":"sg-web","IpPermissions":[{"IpProtocol":"-1","IpRanges":[{"CidrIp":"0.0.0.0/0"}]}]}]}`))
	f.Add("acl-a/ingress/100", []byte(`{"NetworkAcls":[{"NetworkAclId":"acl-a","Entries":[{"RuleNumber":7,"Egress":true}]}]}`))
	f.Add("rtb-pub/0.0.0.0/0", []byte(`{"RouteTables":[{"RouteTableId":"rtb-pub","Routes":[{"DestinationCidrBlock":"0.0.0.0/0","GatewayId":"igw-1"}]}]}`))
	s, err := vpc.Read(netfilter.Document{Name: "tgw-rtb-1.json", Data: []byte(world)})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, id string, data []byte) {
		for _, c := range []vpc.Change{{Remove: []string{id}}, {Add: netfilter.Document{Data: data}}} {
			if after, err := s.Apply(c); err == nil {
				probe(t, after)
			}
		}
		if len(vpc.Compare(s, s)) > 0 {
			t.Fatal("the snapshot changed")
		}
	})
}
