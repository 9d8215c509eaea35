// SPDX-License-Identifier: Apache-2.0

package flowlog_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/flowlog"
)

// edgeNames is a format with all that a remembered finding may depend on.
const edgeNames = "version interface-id srcaddr dstaddr srcport dstport protocol action log-status tcp-flags type pkt-srcaddr pkt-dstaddr flow-direction"

// edgeLog is lines of the interfaces of a generated network, with the peers and the
// ports around which anything of it changes.
func edgeLog(g *generator, lines int) string {
	var peers []netip.Addr
	for _, s := range []string{
		"0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/16", "10.0.1.0/24", "10.0.1.5/32", "10.0.1.6/32", "10.0.1.64/28", "10.0.2.5/32", "10.0.2.9/32", "10.9.0.0/16",
		"203.0.113.0/24", "198.51.100.7/32", "169.254.169.254/32", "169.254.169.253/32", "169.254.169.123/32", "169.254.0.0/16", "10.0.0.2/32", "10.0.0.1/32", "192.0.2.0/24",
	} {
		p := netip.MustParsePrefix(s)
		octets := p.Addr().As4()
		last := binary.BigEndian.Uint32(octets[:]) | uint32(uint64(1)<<(32-p.Bits())-1)
		binary.BigEndian.PutUint32(octets[:], last)
		peers = append(peers, p.Addr(), netip.AddrFrom4(octets))
		for _, a := range []netip.Addr{p.Addr().Prev(), netip.AddrFrom4(octets).Next()} {
			if a.IsValid() {
				peers = append(peers, a)
			}
		}
	}
	var ports []int
	for _, p := range []int{22, 53, 67, 68, 80, 123, 443, 1024, 1688} {
		ports = append(ports, p-1, p, p+1)
	}
	ports = append(ports, 0, 40000, 65535)
	var b strings.Builder
	for range lines {
		i := g.rng.IntN(4)
		ends := [2]string{[]string{"10.0.1.5", "10.0.1.6", "10.0.2.5", "10.0.2.9"}[i], oneOf(g, peers...).String()}
		in := g.rng.IntN(2)
		words := []string{
			"5", fmt.Sprint("eni-", i+1), ends[in], ends[1-in], fmt.Sprint(oneOf(g, ports...)), fmt.Sprint(oneOf(g, ports...)),
			oneOf(g, "6", "6", "6", "17", "17", "47", "1", "58"), oneOf(g, "ACCEPT", "ACCEPT", "REJECT"), "OK", oneOf(g, "0", "1", "2", "18"), "-", "-", "-", "-",
		}
		switch g.rng.IntN(24) {
		case 0:
			words[1+g.rng.IntN(7)] = "-"
		case 1:
			words[8] = oneOf(g, "NODATA", "SKIPDATA", "-")
		case 2:
			words[10] = oneOf(g, "IPv4", "EFA")
		case 3:
			words[11+in] = oneOf(g, peers...).String()
		case 4:
			words[12-in] = oneOf(g, peers...).String()
		case 5:
			words[2+in] = oneOf(g, "2001:db8:0:1::5", "10.0.1.64", "10.0.1.6")
		case 6, 7:
			words[13] = oneOf(g, "ingress", "egress")
		}
		b.WriteString(strings.Join(words, " ") + "\n")
	}
	return b.String()
}

// compareEdges attributes a log by an Attribution that remembers and, each record, by
// one that has seen nothing.
func compareEdges(t *testing.T, n *flowlog.Network, log string) (kinds map[flowlog.Kind]int) {
	t.Helper()
	format, err := flowlog.ParseFormat(edgeNames)
	require.NoError(t, err)
	kinds = map[flowlog.Kind]int{}
	var a flowlog.Attribution
	for r, err := range (flowlog.Reader{Format: format}).Records(strings.NewReader(log)) {
		require.NoError(t, err)
		var fresh flowlog.Attribution
		n.Attribute(r, &a)
		n.Attribute(r, &fresh)
		if d := cmp.Diff(found(&fresh), found(&a), cmp.AllowUnexported(refFinding{})); d != "" || a.Packet != fresh.Packet || a.Interface != fresh.Interface ||
			a.Groups != fresh.Groups || a.ACL != fresh.ACL || a.Mirrored != fresh.Mirrored {
			t.Fatalf("%q\n%s", r.Append(nil), d)
		}
		kinds[fresh.Kind]++
	}
	return kinds
}

// TestRememberedFindings (NET-63): what is remembered of one peer and port is said of
// others only where nothing tells them apart: neither rules, members, prefix lists
// and entries, nor neighbours, nor the services that AWS does not log, at every edge
// of all of them.
func TestRememberedFindings(t *testing.T) {
	networks, lines := 24, 8000
	if testing.Short() {
		networks = 6
	}
	total := map[flowlog.Kind]int{}
	for seed := range networks {
		g := newGenerator(uint64(1000 + seed))
		inv := g.inventory()
		if seed%3 == 0 { // only services tell ports apart
			all := []netfilter.Rule{{Protocol: "-1", From: -1, To: -1, Peer: netfilter.Peer{IPv4: "0.0.0.0/0"}}}
			for i := range inv.Groups {
				inv.Groups[i].Ingress, inv.Groups[i].Egress = all, all
			}
			inv.ACLs = nil
		}
		s := flowlog.Snapshot{Inventory: inv, Resolver: resolver(inv)}
		s.Blocks = map[string][]netip.Prefix{"vpc-1": {netip.MustParsePrefix("10.0.0.0/16")}}
		s.Services = func(blocks ...netip.Prefix) []netfilter.Service {
			own := netfilter.Service{Name: "own", Prefixes: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, Protocols: []netfilter.Protocol{netfilter.UDP}, Ports: []uint16{53}}
			return append(netfilter.Services(blocks...), own)
		}
		// One prefix list as a careless caller may give it.
		s.Resolver.PrefixLists["pl-known"] = []netip.Prefix{netip.MustParsePrefix("::ffff:10.9.0.0/112"), {}}
		n, err := flowlog.Compile(s)
		require.NoError(t, err)
		for kind, times := range compareEdges(t, n, edgeLog(g, lines)) {
			total[kind] += times
		}
	}
	for _, k := range []flowlog.Kind{flowlog.NotAttributable, flowlog.Initiated, flowlog.Reply, flowlog.Rejected, flowlog.Mismatch} {
		require.Positive(t, total[k], k)
	}
}

// TestRememberedOnManySettings: the same for so many interfaces, each behind a group
// of its own, that the tables of all of them together would be too large.
func TestRememberedOnManySettings(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles 4,200 groups")
	}
	rng := rand.New(rand.NewPCG(4, 4))
	inv := &netfilter.Inventory{}
	for i := range 4200 {
		a := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		peer := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 32).String()
		inv.Groups = append(inv.Groups, netfilter.SecurityGroup{ID: fmt.Sprint("sg-", i), VPC: "vpc-1", Ingress: []netfilter.Rule{
			{Protocol: "tcp", From: i, To: i, Peer: netfilter.Peer{IPv4: peer}},
		}})
		inv.Interfaces = append(inv.Interfaces, netfilter.Interface{
			ID: fmt.Sprint("eni-", i), VPC: "vpc-1", Primary: a, Type: "interface", Addresses: []netfilter.Address{{Private: a}}, Groups: []string{fmt.Sprint("sg-", i)},
		})
	}
	n, err := flowlog.Compile(flowlog.Snapshot{Inventory: inv})
	require.NoError(t, err)
	var b strings.Builder
	for range 20000 {
		i := 4000 + rng.IntN(3)
		peer := netip.AddrFrom4([4]byte{10, 1, 15, byte(0xa0 + rng.IntN(4))})
		fmt.Fprintf(&b, "5 eni-%d %s 10.0.15.%d 40000 %d 6 ACCEPT OK 2 - - - -\n", i, peer, i&255, 4000+rng.IntN(4))
	}
	kinds := compareEdges(t, n, b.String())
	require.Positive(t, kinds[flowlog.Mismatch])
}
