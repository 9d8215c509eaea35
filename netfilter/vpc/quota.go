// SPDX-License-Identifier: Apache-2.0

package vpc

import (
	"fmt"

	"github.com/sallyport-go/sallyport/netfilter"
)

// Lint returns what [netfilter.Lint] finds in the snapshot's groups and ACLs,
// and after it the route tables with more routes than the quotas allow (NET-71).
func (s *Snapshot) Lint(options netfilter.LintOptions) []netfilter.Finding {
	found := netfilter.Lint(s.inv, options)
	lists := map[string]netfilter.PrefixList{}
	for _, l := range s.inv.PrefixLists {
		lists[l.ID] = l
	}
	for _, t := range s.tables {
		n := t.count(&options.Quotas, lists)
		over := func(n, limit int, what string) {
			if limit > 0 && n > limit {
				found = append(found, netfilter.Finding{Code: "quota", Where: t.id, Detail: fmt.Sprintf("%d %s, the quota is %d", n, what, limit)})
			}
		}
		over(n.static4, options.Quotas.Routes, "IPv4 routes that are not propagated")
		over(n.static6, options.Quotas.Routes, "IPv6 routes that are not propagated")
		over(n.propagated, options.Quotas.PropagatedRoutes, "propagated routes")
	}
	return found
}

type routeCount struct{ static4, static6, propagated int }

// count leaves the local routes out, which nobody adds. A route to a prefix
// list counts as the list does, and one to a list of unknown family in both.
func (t *table) count(q *netfilter.Quotas, lists map[string]netfilter.PrefixList) (n routeCount) {
	for i := range t.routes {
		units, v4, v6 := 1, true, true
		r := &t.routes[i]
		switch l := lists[r.list]; {
		case r.target == "local":
			continue
		case r.propagated:
			n.propagated++
			continue
		case r.list == "":
			v6 = r.dest.Addr().Is6()
			v4 = !v6
		default:
			units = max(1, l.MaxEntries, q.Weights[l.Name], q.Weights[r.list])
			if len(l.Entries) > 0 {
				v6 = l.Entries[0].Addr().Is6()
				v4 = !v6
			}
		}
		if v4 {
			n.static4 += units
		}
		if v6 {
			n.static6 += units
		}
	}
	return n
}
