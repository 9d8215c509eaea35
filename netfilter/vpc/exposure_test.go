// SPDX-License-Identifier: Apache-2.0

package vpc_test

import (
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/vpc"
)

// TestExposure compares Exposure with path queries from sources and ports at
// and beside the ends of every rule: each packet that a path lets arrive is in
// exactly one opening, and no other is.
func TestExposure(t *testing.T) {
	worlds := 60
	if os.Getenv("SALLYPORT_FULL") == "1" {
		worlds = 2000
	} else if testing.Short() {
		worlds = 10
	}
	g := newWorldGenerator(2)
	total := 0
	for range worlds {
		w := g.world()
		s := w.snapshot(t)
		open := map[netip.Addr]vpc.Exposure{}
		for e := range s.Exposure() {
			require.NotContains(t, open, e.Public)
			open[e.Public] = e
		}
		for _, e := range w.NetworkInterfaces {
			for _, a := range e.PrivateIpAddresses {
				if a.Association != nil {
					total += compareOpenings(t, g.classes, s, e.NetworkInterfaceId, addr(a.Association.PublicIp), open)
				}
			}
			for _, a := range e.Ipv6Addresses {
				total += compareOpenings(t, g.classes, s, e.NetworkInterfaceId, addr(a.Ipv6Address), open)
			}
		}
	}
	g.classes.Require(t, total)
}

func compareOpenings(t *testing.T, classes testkit.Classes, s *vpc.Snapshot, id string, public netip.Addr, open map[netip.Addr]vpc.Exposure) (n int) {
	t.Helper()
	sources := []string{"0.0.0.1", "8.8.8.8", "11.0.0.0", "198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0", "52.216.0.1", "223.255.255.255"}
	if public.Is6() {
		sources = []string{"2001:db8::1", "2600:1f00:0:ffff::1", "2600:1f00:1:100::", "2606:4700::", "2606:4701::", "2600:1fa0::9"}
	}
	for _, src := range sources {
		for _, q := range []struct {
			proto netfilter.Protocol
			ports []uint16
		}{{6, []uint16{0, 22, 25, 79, 443, 444, 1023, 1024, 8080, 40000, 65535}}, {17, []uint16{0, 443, 65535}}, {1, []uint16{0}}, {58, []uint16{0}}, {47, []uint16{0}}} {
			for _, port := range q.ports {
				if q.proto == 58 && public.Is4() {
					continue
				}
				p := netfilter.Packet{Src: addr(src), Dst: public, Protocol: q.proto, DstPort: port, ICMPType: 8}
				traffic := vpc.Traffic{Protocol: q.proto, Src: p.Src, Dst: public, ICMPType: 8, DstPorts: &vpc.Ports{From: port, To: port}}
				path, err := s.Path(vpc.Endpoint{Internet: true}, vpc.Endpoint{Interface: id}, traffic)
				require.NoError(t, err)
				n++
				want := map[vpc.Answer]string{vpc.Yes: "allow", vpc.No: "", vpc.Partly: "unresolved", vpc.Unresolved: "unresolved"}[path.Reachable]
				require.Equal(t, want, opened(open[public], p), "%v %+v", p, path)
				classes.Add("path "+path.Reachable.String(), path.Reachable != vpc.Partly)
			}
		}
	}
	return n
}

// opened returns the effects of the openings that hold the packet.
func opened(e vpc.Exposure, p netfilter.Packet) string {
	var out []string
	for _, o := range e.Openings {
		in := false
		for _, x := range o.Prefixes {
			in = in || x.Contains(p.Src)
		}
		key := p.DstPort
		switch p.Protocol {
		case netfilter.ICMP, netfilter.ICMPv6:
			key = uint16(p.ICMPType)<<8 | uint16(p.ICMPCode)
		case 47:
			key = 0
		}
		if in && o.FirstProtocol <= p.Protocol && p.Protocol <= o.LastProtocol && o.From <= key && key <= o.To {
			out = append(out, o.Effect.String())
		}
	}
	return strings.Join(out, " ")
}

// TestExposureNamesRules: the rules responsible, the route, and what of the
// reply; sources that only rules have are left out.
func TestExposureNamesRules(t *testing.T) {
	s := edited(t, `"GroupId":"sg-web","VpcId":"vpc-1","IpPermissions":[`, `"GroupId":"sg-web","VpcId":"vpc-1","IpPermissions":[{"IpProtocol":"tcp","FromPort":22,"ToPort":22,"IpRanges":[{"CidrIp":"10.0.0.0/8"},{"CidrIp":"198.51.100.0/24"}]},`,
		`"Groups":[{"GroupId":"sg-open"}],"PrivateIpAddress":"10.0.1.5"`, `"Groups":[{"GroupId":"sg-web"}],"PrivateIpAddress":"10.0.1.5"`)
	var all []vpc.Exposure
	for e := range s.Exposure() {
		all = append(all, e)
	}
	require.Len(t, all, 1)
	require.Equal(t, "eni-a", all[0].Interface)
	require.Equal(t, "i-a", all[0].Instance)
	require.Equal(t, "203.0.113.5 10.0.1.5", all[0].Public.String()+" "+all[0].Private.String())
	require.Len(t, all[0].Openings, 1)
	o := all[0].Openings[0]
	require.Equal(t, []string{"acl-a/ingress/100", "sg-web/ingress/0/198.51.100.0/24"}, o.Rules)
	require.Equal(t, "rtb-pub/0.0.0.0/0", o.Route)
	require.Equal(t, vpc.Yes, o.Reply)
	require.Equal(t, "198.51.100.0", o.Witness.Src.String())
}

// bigWorld is a snapshot of n interfaces in subnets of 200, with five groups.
func bigWorld(n int) []netfilter.Document {
	var b strings.Builder
	b.WriteString(`{"Vpcs":[{"VpcId":"vpc-1","CidrBlock":"10.0.0.0/8"}],"InternetGateways":[{"InternetGatewayId":"igw-1","Attachments":[{"VpcId":"vpc-1","State":"available"}]}],
"RouteTables":[{"RouteTableId":"rtb-1","VpcId":"vpc-1","Associations":[{"Main":true}],"Routes":[{"DestinationCidrBlock":"10.0.0.0/8","GatewayId":"local"},{"DestinationCidrBlock":"0.0.0.0/0","GatewayId":"igw-1"}]}],
"NetworkAcls":[{"NetworkAclId":"acl-1","VpcId":"vpc-1","IsDefault":true,"Entries":[{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":false,"CidrBlock":"0.0.0.0/0"},{"RuleNumber":100,"Protocol":"-1","RuleAction":"allow","Egress":true,"CidrBlock":"0.0.0.0/0"}]}],"SecurityGroups":[`)
	for i := range 5 {
		fmt.Fprintf(&b, `%s{"GroupId":"sg-%d","VpcId":"vpc-1","IpPermissionsEgress":[{"IpProtocol":"-1","IpRanges":[{"CidrIp":"0.0.0.0/0"}]}],"IpPermissions":[{"IpProtocol":"tcp","FromPort":443,"ToPort":443,"IpRanges":[{"CidrIp":"0.0.0.0/0"}],"UserIdGroupPairs":[{"GroupId":"sg-%d"}]}`, comma(i), i, (i+1)%5)
		for j := range 20 {
			fmt.Fprintf(&b, `,{"IpProtocol":"tcp","FromPort":%d,"ToPort":%d,"IpRanges":[{"CidrIp":"10.%d.0.0/16"},{"CidrIp":"198.51.%d.0/24"}]}`, 1000*j+i, 1000*j+i+9, j, j)
		}
		b.WriteString(`]}`)
	}
	b.WriteString(`],"Subnets":[`)
	for i := range (n + 199) / 200 {
		fmt.Fprintf(&b, `%s{"SubnetId":"subnet-%d","VpcId":"vpc-1","CidrBlock":"10.%d.%d.0/24"}`, comma(i), i, i/256, i%256)
	}
	b.WriteString(`],"NetworkInterfaces":[`)
	for i := range n {
		fmt.Fprintf(&b, `%s{"NetworkInterfaceId":"eni-%d","SubnetId":"subnet-%d","VpcId":"vpc-1","Groups":[{"GroupId":"sg-%d"}],"PrivateIpAddress":"10.%d.%d.%d","Association":{"PublicIp":"203.%d.%d.%d"},"Attachment":{"InstanceId":"i-%d"}}`,
			comma(i), i, i/200, i%5, i/200/256, i/200%256, 10+i%200, i/65536, i/256%256, i%256, i)
	}
	b.WriteString(`]}`)
	return []netfilter.Document{{Name: "big.json", Data: []byte(b.String())}}
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

// TestExposureMemory: what Exposure holds does not grow with the interfaces.
func TestExposureMemory(t *testing.T) {
	held := func(n int) uint64 {
		s, err := vpc.Read(bigWorld(n)...)
		require.NoError(t, err)
		var before, now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		most, seen := uint64(0), 0
		for e := range s.Exposure() {
			require.NotEmpty(t, e.Openings)
			if seen++; seen%(n/4) == 0 {
				runtime.GC()
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapAlloc-min(before.HeapAlloc, now.HeapAlloc))
			}
		}
		require.Equal(t, n, seen)
		runtime.KeepAlive(s)
		return most
	}
	few, many := held(200), held(2000)
	require.Less(t, many, few+1<<20, "%d bytes for 200 interfaces, %d for 2,000", few, many)
}
