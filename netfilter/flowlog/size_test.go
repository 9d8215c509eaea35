// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/netfilter"
)

// TestTablesAreBounded: interfaces that each have groups of their own have policies
// of their own. However many they are, tables take 64 MiB and what one of them takes,
// and behind that a policy takes a few bytes for each rule.
func TestTablesAreBounded(t *testing.T) {
	const groups, rules = 36, 40 // 630 pairs of 80 rules
	inv := &netfilter.Inventory{}
	for g := range groups {
		group := netfilter.SecurityGroup{ID: fmt.Sprintf("sg-%d", g)}
		for r := range rules {
			rule := netfilter.Rule{Permission: r, Protocol: "tcp", From: 100 * r, To: 100*r + g, Peer: netfilter.Peer{IPv4: fmt.Sprintf("10.%d.%d.0/24", g, r)}}
			group.Ingress, group.Egress = append(group.Ingress, rule), append(group.Egress, rule)
		}
		inv.Groups = append(inv.Groups, group)
		for other := range g {
			inv.Interfaces = append(inv.Interfaces, netfilter.Interface{
				ID: fmt.Sprintf("eni-%d-%d", g, other), Groups: []string{group.ID, fmt.Sprintf("sg-%d", other)},
			})
		}
	}
	n, err := Compile(Snapshot{Inventory: inv})
	require.NoError(t, err)
	seen, size, most := map[*groupSet]bool{}, 0, 0
	for _, p := range n.places {
		if !seen[p.groups] {
			seen[p.groups] = true
			size += p.groups.policy.Size()
			most = max(most, p.groups.policy.Size())
		}
	}
	require.Len(t, seen, groups*(groups-1)/2)
	require.Greater(t, size, fastSize, "not enough to see anything")
	require.Less(t, size, fastSize+most+len(seen)*2*2*rules*200)
}
