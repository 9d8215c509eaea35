// SPDX-License-Identifier: Apache-2.0

package vpc

import (
	"net/netip"
	"strings"
)

// table is a route table of a VPC.
type table struct {
	id, vpc  string
	main     bool
	subnets  []string
	gateways []string
	routes   []route
}

// route leads to a target, whose kind its id's beginning shows.
type route struct {
	dest       netip.Prefix
	list       string // instead of dest
	target     string
	dead       bool // blackhole or filtered
	propagated bool
}

// targets are the members that name a route's target.
var targets = []string{
	"NatGatewayId", "NetworkInterfaceId", "InstanceId", "TransitGatewayId", "VpcPeeringConnectionId", "EgressOnlyInternetGatewayId",
	"CarrierGatewayId", "LocalGatewayId", "CoreNetworkArn", "OdbNetworkArn", "GatewayId",
}

func readTable(n node) *table {
	t := &table{id: n.text("RouteTableId"), vpc: n.text("VpcId")}
	for _, a := range n.list("Associations") {
		switch a.object("AssociationState").text("State") {
		case "disassociating", "disassociated", "failed":
			continue
		}
		t.main = t.main || a.truth("Main")
		if id := a.text("SubnetId"); id != "" {
			t.subnets = append(t.subnets, id)
		}
		if id := a.text("GatewayId"); id != "" {
			t.gateways = append(t.gateways, id)
		}
	}
	for _, r := range n.list("Routes") {
		x := route{dest: r.prefix("DestinationCidrBlock"), list: r.text("DestinationPrefixListId")}
		if !x.dest.IsValid() {
			x.dest = r.prefix("DestinationIpv6CidrBlock")
		}
		for _, name := range targets {
			if id := r.text(name); id != "" {
				x.target = id
				break
			}
		}
		x.dead = r.text("State") == "blackhole" || r.text("State") == "filtered"
		x.propagated = r.text("Origin") == "EnableVgwRoutePropagation" || r.text("Origin") == "Advertisement"
		t.routes = append(t.routes, x)
	}
	return t
}

// tableOf returns the subnet's table: the associated one, else its VPC's main
// one, else nil.
func (s *Snapshot) tableOf(subnet, vpc string) *table {
	if t := s.routing[subnet]; t != nil {
		return t
	}
	return s.routing[vpc]
}

// edge returns the table associated with a gateway, nil for none.
func (s *Snapshot) edge(gateway string) *table {
	for _, t := range s.tables {
		for _, id := range t.gateways {
			if id == gateway {
				return t
			}
		}
	}
	return nil
}

// choice is a route with the destination that made it match.
type choice struct {
	route
	at   netip.Prefix
	rank int
}

// choose returns the best routes for the address: more than one only where
// prefix lists have the same entry. unsure says that a prefix list whose entries
// are unknown might have a better one.
func (s *Snapshot) choose(t *table, dst netip.Addr) (best []choice, unsure bool) {
	routes := t.routes
	for _, b := range s.vpcs[t.vpc] {
		routes = append(routes[:len(routes):len(routes)], route{dest: b, target: "local"})
	}
	for _, r := range routes {
		dests := []netip.Prefix{r.dest}
		if r.list != "" {
			known := false
			if dests, known = s.lists[r.list]; !known {
				unsure = true
			}
		}
		for _, d := range dests {
			if d.IsValid() && d.Contains(dst) {
				best = better(best, choice{r, d, r.rank()})
			}
		}
	}
	if len(best) > 0 && best[0].at.IsSingleIP() && best[0].rank < 3 {
		unsure = false
	}
	return best, unsure
}

// rank orders routes of equal destination (NET-47).
func (r route) rank() int {
	switch {
	case r.target == "local":
		return 1
	case r.propagated:
		return 4
	case r.list != "":
		return 3
	case has(r.target, "eni-", "i-", "nat-", "vpce-"):
		return 0
	}
	return 2
}

func better(best []choice, c choice) []choice {
	if len(best) == 0 {
		return []choice{c}
	}
	b := best[0]
	switch {
	case c.at.Bits() > b.at.Bits(), c.at.Bits() == b.at.Bits() && c.rank < b.rank:
		return []choice{c}
	case c.at.Bits() == b.at.Bits() && c.rank == b.rank:
		for _, o := range best {
			if o.target == c.target && o.dead == c.dead {
				return best
			}
		}
		return append(best, c)
	}
	return best
}

func has(id string, beginnings ...string) bool {
	for _, b := range beginnings {
		if strings.HasPrefix(id, b) {
			return true
		}
	}
	return false
}
