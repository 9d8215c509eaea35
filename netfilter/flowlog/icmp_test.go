// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/netfilter"
)

// TestPairsAreShared: rules that name all types and codes of ICMP make 65,536 pairs
// of them to try. Interfaces with groups of their own beside those rules try the same
// pairs, and do not have them each.
func TestPairsAreShared(t *testing.T) {
	common := netfilter.SecurityGroup{ID: "sg-common"}
	for i := range 256 {
		common.Ingress = append(common.Ingress, netfilter.Rule{Permission: i, Protocol: "icmp", From: i, To: i, Peer: netfilter.Peer{IPv4: "10.0.0.0/8"}})
	}
	inv := &netfilter.Inventory{Groups: []netfilter.SecurityGroup{common}}
	for i := range 50 {
		own := netfilter.SecurityGroup{ID: fmt.Sprintf("sg-%d", i), Ingress: []netfilter.Rule{{Protocol: "tcp", From: i, To: i, Peer: netfilter.Peer{IPv4: "10.0.0.0/8"}}}}
		inv.Groups = append(inv.Groups, own)
		inv.Interfaces = append(inv.Interfaces, netfilter.Interface{ID: fmt.Sprintf("eni-%d", i), Groups: []string{common.ID, own.ID}})
	}
	n, err := Compile(Snapshot{Inventory: inv})
	require.NoError(t, err)
	lists := map[*icmpPair]bool{}
	for _, p := range n.places {
		require.Len(t, p.icmp.forth[ingress], 1<<16)
		for _, d := range directions {
			lists[&p.icmp.forth[d][0]], lists[&p.icmp.back[d][0]] = true, true
		}
	}
	require.Len(t, lists, 2, "those of the rules, and that of no rule")
}
