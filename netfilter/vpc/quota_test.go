// SPDX-License-Identifier: Apache-2.0

package vpc_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/vpc"
)

// TestRouteQuotas: NET-71, each quota at its value and one past it.
func TestRouteQuotas(t *testing.T) {
	routes := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format+",", i)
		}
		return b.String()
	}
	const (
		local  = `{"DestinationCidrBlock":"10.0.0.0/16","GatewayId":"local","Origin":"CreateRouteTable","State":"active"}`
		v4     = `{"DestinationCidrBlock":"10.1.%d.0/24","GatewayId":"igw-1","Origin":"CreateRoute","State":"active"}`
		v6     = `{"DestinationIpv6CidrBlock":"2001:db8:%x::/48","GatewayId":"igw-1","Origin":"CreateRoute","State":"active"}`
		learnt = `{"DestinationCidrBlock":"10.2.%d.0/24","GatewayId":"vgw-1","Origin":"EnableVgwRoutePropagation","State":"active"}`
		list   = `{"DestinationPrefixListId":"pl-%d","GatewayId":"vpce-1","Origin":"CreateRoute","State":"active"}`
	)
	const (
		sized = `,"PrefixLists":[{"PrefixListId":"pl-0","PrefixListName":"office","MaxEntries":20}]`
		aws   = `,"PrefixLists":[{"PrefixListId":"pl-0","PrefixListName":"com.amazonaws.global.cloudfront.origin-facing","OwnerId":"AWS"}]`
	)
	for _, c := range []struct {
		name, routes, more, where string
	}{
		{"IPv4 at the quota", routes(50, v4) + local, "", ""},
		{"IPv4 past it", routes(51, v4) + local, "", "51 IPv4 routes that are not propagated, the quota is 50"},
		{"the families have quotas of their own", routes(50, v4) + routes(50, v6) + local, "", ""},
		{"IPv6 past it", routes(51, v6) + local, "", "51 IPv6 routes that are not propagated, the quota is 50"},
		{"propagated at the quota", routes(50, v4) + routes(100, learnt) + local, "", ""},
		{"propagated past it", routes(101, learnt) + local, "", "101 propagated routes, the quota is 100"},
		{"a list of unknown size is one route", routes(49, v4) + routes(1, list) + local, "", ""},
		{"a list counts as its MaxEntries", routes(31, v4) + routes(1, list) + local, sized, "51 IPv4 routes that are not propagated, the quota is 50"},
		{"a list of AWS's counts as its weight", routes(1, list) + local, aws, "55 IPv4 routes that are not propagated, the quota is 50"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := `{"RouteTables":[{"RouteTableId":"rtb-1","VpcId":"vpc-1","Routes":[` + c.routes + `]}]` + c.more + `}`
			s, err := vpc.Read(netfilter.Document{Name: "d.json", Data: []byte(text)})
			require.NoError(t, err)
			require.Empty(t, s.Lint(netfilter.LintOptions{}), "no quota is asked about")
			var details []string
			for _, f := range s.Lint(netfilter.LintOptions{Quotas: netfilter.DefaultQuotas()}) {
				if strings.Contains(f.Detail, "routes") {
					require.Equal(t, "quota", f.Code)
					require.Equal(t, "rtb-1", f.Where)
					details = append(details, f.Detail)
				}
			}
			if c.where == "" {
				require.Empty(t, details)
				return
			}
			require.Contains(t, details, c.where)
		})
	}
	const both = `{"RouteTables":[{"RouteTableId":"rtb-1","VpcId":"vpc-1","Routes":[{"DestinationPrefixListId":"pl-1","GatewayId":"vpce-1"}]}],
	"SecurityGroups":[{"GroupId":"sg-1","VpcId":"vpc-1","IpPermissions":[{"IpProtocol":"tcp","FromPort":22,"ToPort":22,"IpRanges":[{"CidrIp":"0.0.0.0/0"}]}]}],
	"PrefixLists":[{"PrefixListId":"pl-1","Cidrs":["2001:db8::/32"],"MaxEntries":51}]}`
	s, err := vpc.Read(netfilter.Document{Name: "d.json", Data: []byte(both)})
	require.NoError(t, err)
	found := s.Lint(netfilter.LintOptions{Quotas: netfilter.DefaultQuotas()})
	require.Len(t, found, 2, "what netfilter finds, then the tables: %v", found)
	require.Equal(t, "open-to-world", found[0].Code)
	require.Equal(t, "51 IPv6 routes that are not propagated, the quota is 50", found[1].Detail, "a list of one family counts there alone")
}
