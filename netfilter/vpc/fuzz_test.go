// SPDX-License-Identifier: Apache-2.0

package vpc_test

import (
	"net/netip"
	"testing"

	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/vpc"
)

// FuzzSnapshot: any bytes are read or refused, and any snapshot answers within
// the bound of hops, with a block for each No (NET-53, NET-84).
func FuzzSnapshot(f *testing.F) {
	f.Add([]byte(world))
	f.Add([]byte(`{"Vpcs":[{"VpcId":1}],"Routes":[{}],"RouteTables":[{"Routes":[{}],"Associations":null}]}`))
	f.Add([]byte(`{"VpcPeeringConnections":[{}],"VpcEndpoints":[{"SubnetIds":[1]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := vpc.Read(netfilter.Document{Name: "tgw-rtb-1.json", Data: data})
		if err != nil {
			return
		}
		tcp := vpc.Traffic{Protocol: netfilter.TCP, Src: netip.MustParseAddr("198.51.100.7")}
		for _, from := range []vpc.Endpoint{{Interface: "eni-a"}, {Internet: true}} {
			traffic := tcp
			if !from.Internet {
				traffic.Src = netip.Addr{}
			}
			p, err := s.Path(from, vpc.Endpoint{Interface: "eni-b"}, traffic)
			if err != nil {
				continue
			}
			if p.Reachable == vpc.No && len(p.Blocks) == 0 {
				t.Fatalf("no, without a block: %+v", p)
			}
			if len(p.Hops) > 70 {
				t.Fatalf("%d hops", len(p.Hops))
			}
		}
	})
}
