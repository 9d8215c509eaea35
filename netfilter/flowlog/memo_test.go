// SPDX-License-Identifier: Apache-2.0

package flowlog_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/flowlog"
)

// memoNetwork is two interfaces of one address in one subnet, each with a group of its
// own, which with the ACL tell ports apart; open says whether the group admits everything besides.
func memoNetwork(t *testing.T, open bool) *flowlog.Network {
	t.Helper()
	rule := func(from, to int, block string) netfilter.Rule {
		return netfilter.Rule{Protocol: "tcp", From: from, To: to, Peer: netfilter.Peer{IPv4: block}}
	}
	group := netfilter.SecurityGroup{ID: "sg-1", VPC: "vpc-1", Ingress: []netfilter.Rule{
		rule(100, 200, "10.0.0.0/8"), rule(443, 443, "0.0.0.0/0"),
		{Protocol: "tcp", From: 3000, To: 4000, Peer: netfilter.Peer{PrefixList: "pl-1"}},
	}}
	group.Egress = append(group.Egress, rule(150, 2000, "0.0.0.0/0"))
	if open {
		group.Egress = append(group.Egress, rule(0, 65535, "0.0.0.0/0"))
	}
	all := netfilter.ACLEntry{Number: 100, Protocol: "-1", Action: "allow", IPv4: "0.0.0.0/0", From: -1, To: -1, Type: -1, Code: -1}
	deny := netfilter.ACLEntry{Number: 90, Protocol: "6", Action: "deny", IPv4: "0.0.0.0/0", From: 5000, To: 6000, Type: -1, Code: -1}
	inv := &netfilter.Inventory{
		Groups: []netfilter.SecurityGroup{group, {ID: "sg-2", VPC: "vpc-1", Ingress: group.Ingress[1:], Egress: group.Egress}},
		ACLs: []netfilter.NetworkACL{{
			ID: "acl-1", VPC: "vpc-1", Default: true,
			Ingress: []netfilter.ACLEntry{deny, all}, Egress: []netfilter.ACLEntry{deny, all},
		}},
	}
	for i, id := range []string{"eni-1", "eni-00000000000000001"} {
		a := netip.AddrFrom4([4]byte{10, 0, 0, byte(1 + i)})
		inv.Interfaces = append(inv.Interfaces, netfilter.Interface{
			ID: id, VPC: "vpc-1", Subnet: "subnet-1", Primary: a, Type: "interface",
			Addresses: []netfilter.Address{{Private: a}}, Groups: []string{fmt.Sprint("sg-", 1+i)},
		})
	}
	n, err := flowlog.Compile(flowlog.Snapshot{Inventory: inv})
	require.NoError(t, err)
	return n
}

// TestMemo attributes records over all ports where something changes, in both
// directions, with all that findings depend on, by an Attribution that remembers and
// by one that has seen nothing: the findings are the same, in each network.
func TestMemo(t *testing.T) {
	const names = "version interface-id srcaddr dstaddr srcport dstport protocol action log-status tcp-flags"
	ports := []int{0, 99, 100, 149, 150, 200, 201, 442, 443, 444, 1023, 1024, 2000, 2001, 2999, 3000, 4000, 4001, 4999, 5000, 6000, 6001, 65535}
	var log strings.Builder
	for _, ends := range []string{"eni-1 10.0.0.1 10.0.0.2", "eni-1 10.0.0.1 192.0.2.1", "eni-1 192.0.2.2 10.0.0.1", "eni-1 10.9.9.9 10.0.0.1", "eni-00000000000000001 10.9.9.9 10.0.0.2", "eni-00000000000000001 10.0.0.2 10.9.9.9"} {
		for _, rest := range []string{"6 ACCEPT OK -", "6 ACCEPT OK 18", "6 ACCEPT OK 2", "6 ACCEPT OK 1", "6 REJECT OK -", "6 REJECT OK 2", "6 REJECT OK 18", "17 ACCEPT OK -", "47 REJECT OK -"} {
			for _, from := range ports {
				for _, to := range ports {
					fmt.Fprintf(&log, "3 %s %d %d %s\n", ends, from, to, rest)
				}
			}
		}
	}
	format, err := flowlog.ParseFormat(names)
	require.NoError(t, err)
	networks := []*flowlog.Network{memoNetwork(t, false), memoNetwork(t, true), memoNetwork(t, false)}
	var a flowlog.Attribution
	kinds := map[flowlog.Kind]int{}
	for _, n := range networks {
		for range 2 {
			for r, err := range (flowlog.Reader{Format: format}).Records(strings.NewReader(log.String())) {
				require.NoError(t, err)
				n.Attribute(r, &a)
				var fresh flowlog.Attribution
				n.Attribute(r, &fresh)
				got, want := found(&a), found(&fresh)
				if d := cmp.Diff(want, got, cmp.AllowUnexported(refFinding{})); d != "" || a.Packet != fresh.Packet || a.Interface != fresh.Interface ||
					a.Groups != fresh.Groups || a.ACL != fresh.ACL || a.Mirrored != fresh.Mirrored {
					t.Fatalf("%q: %v %v\n%s", r.Append(nil), a.Packet, fresh.Packet, d)
				}
				kinds[a.Kind]++
			}
		}
	}
	for _, k := range []flowlog.Kind{flowlog.Initiated, flowlog.Reply, flowlog.Rejected, flowlog.Mismatch} {
		require.Positive(t, kinds[k], k)
	}
}

// TestMemoFields: a field that findings depend on besides, reject-reason, is not
// forgotten.
func TestMemoFields(t *testing.T) {
	format, err := flowlog.ParseFormat("version interface-id srcaddr dstaddr srcport dstport protocol action log-status reject-reason")
	require.NoError(t, err)
	n := memoNetwork(t, true)
	var a flowlog.Attribution
	for range 100 {
		for reason, want := range map[string]flowlog.Reason{"BPA": flowlog.AccessBlocked, "EC": flowlog.NotEncrypted, "-": flowlog.NothingDenies} {
			line := "8 eni-1 192.0.2.1 10.0.0.1 5 443 6 REJECT OK " + reason
			for r, err := range (flowlog.Reader{Format: format}).Records(strings.NewReader(line)) {
				require.NoError(t, err)
				n.Attribute(r, &a)
				require.Equal(t, want, a.Reason)
			}
		}
	}
}

// TestRecentInterfaces: interfaces are told apart by the whole of their ids, wherever
// they differ and however long they are.
func TestRecentInterfaces(t *testing.T) {
	ids := []string{
		"eni-a0000000000000001", "eni-b0000000000000001", "eni-00000000a00000001", "eni-0000000000000001", "eni-00000001", "e",
		"eni-0000000000000000000000000000001",
	}
	inv := &netfilter.Inventory{}
	own := netip.MustParseAddr("10.0.0.1")
	for _, id := range ids {
		inv.Interfaces = append(inv.Interfaces, netfilter.Interface{ID: id, VPC: "vpc-1", Primary: own, Type: "interface", Addresses: []netfilter.Address{{Private: own}}})
	}
	n, err := flowlog.Compile(flowlog.Snapshot{Inventory: inv})
	require.NoError(t, err)
	var a flowlog.Attribution
	for range 3 {
		for _, id := range append(ids, "eni-c0000000000000001", "eni-00000000b00000001", "eni-000000000000000001", "eni-000000a000000000000000000000001") {
			for r, err := range (flowlog.Reader{}).Records(strings.NewReader("2 1 " + id + " 192.0.2.1 10.0.0.1 5 443 6 1 1 1418530010 1418530070 ACCEPT OK")) {
				require.NoError(t, err)
				n.Attribute(r, &a)
				if slices.Contains(ids, id) {
					require.Equal(t, id, a.Interface)
					require.Equal(t, flowlog.Mismatch, a.Kind)
				} else {
					require.Equal(t, flowlog.UnknownInterface, a.Reason, id)
				}
			}
		}
	}
}
