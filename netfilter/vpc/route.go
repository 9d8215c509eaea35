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
	for _, b := range s.vpcs[t.vpc] {
		if b.Contains(dst) {
			best = better(best, choice{route{dest: b, target: "local"}, b, 1})
		}
	}
	for i := range t.routes {
		r := &t.routes[i]
		if r.list == "" {
			if r.dest.IsValid() && r.dest.Contains(dst) {
				best = better(best, choice{*r, r.dest, s.rank(r)})
			}
			continue
		}
		for _, d := range s.lists[r.list] {
			if d.Contains(dst) {
				best = better(best, choice{*r, d, s.rank(r)})
			}
		}
	}
	for i := range t.routes {
		if r := &t.routes[i]; r.list != "" && !s.known(r.list) && s.mayWin(r, best) {
			return best, true
		}
	}
	return best, false
}

func (s *Snapshot) known(list string) bool {
	_, known := s.lists[list]
	return known
}

// mayWin reports whether an unknown entry of the route's list could be better
// than the best of the others. None is better than a route to the very address,
// and only some targets can stand beside a local route.
func (s *Snapshot) mayWin(r *route, best []choice) bool {
	if len(best) == 0 {
		return true
	}
	b := best[0]
	return !(b.at.IsSingleIP() && b.rank < 3) && (b.target != "local" || s.overrides(r.target))
}

// overrides reports whether a route to the target may stand in place of a local
// one: to an interface, a NAT gateway or a Gateway Load Balancer endpoint.
func (s *Snapshot) overrides(target string) bool {
	if has(target, "vpce-") {
		return s.endpoints[target].kind != "Gateway"
	}
	return has(target, "eni-", "i-", "nat-")
}

// rank orders routes of equal destination (NET-47).
func (s *Snapshot) rank(r *route) int {
	switch {
	case r.target == "local":
		return 1
	case r.propagated:
		return 4
	case r.list != "":
		return 3
	case s.overrides(r.target):
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
