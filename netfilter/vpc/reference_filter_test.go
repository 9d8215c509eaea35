// SPDX-License-Identifier: Apache-2.0

package vpc_test

import (
	"fmt"
	"net/netip"
	"sort"
	"strings"
)

// This file is the reference's reading of groups, ACLs and route tables.

// service: NET-24, for the addresses that the questions use.
func (k *refWalk) service(vpc string) (is, acl bool) { return k.w.service(vpc, k.p.dst) }

func (w *refWorld) service(vpc string, a netip.Addr) (is, acl bool) {
	for _, v := range w.Vpcs { // in the primary block, says the page on Amazon DNS
		if v.VpcId == vpc && a == netip.MustParsePrefix(v.CidrBlock).Addr().Next().Next() {
			return true, false
		}
	}
	switch a.String() {
	case "169.254.169.254":
		return true, false
	case "169.254.169.123":
		return true, true
	}
	return false, false
}

// group is NET-6 to NET-20 for the groups of an interface.
func (k *refWalk) group(e *refIface, egress bool) {
	unfiltered := len(e.Groups) == 0 && e.InterfaceType == "network_load_balancer"
	if is, _ := k.service(e.VpcId); k.reply || unfiltered || k.w.natOf(e.NetworkInterfaceId) != nil || is && egress {
		return
	}
	peer, code, at := k.p.src, "SG_INGRESS", e.NetworkInterfaceId
	if egress {
		peer, code = k.p.dst, "SG_EGRESS"
	}
	if len(e.Groups) > 0 {
		at = e.Groups[0].GroupId
	}
	allowed, possible := false, false
	for _, ref := range e.Groups {
		g := k.w.groupByID(ref.GroupId)
		if g == nil {
			possible = true
			continue
		}
		rules := g.IpPermissions
		if egress {
			rules = g.IpPermissionsEgress
		}
		for _, r := range rules {
			if !refTransport(r.IpProtocol, r.FromPort, r.ToPort, k.p) {
				continue
			}
			if k.forwarded && !egress { // NET-15: not what came through a middlebox
				r.UserIdGroupPairs = nil
			}
			switch k.w.peer(r, e.VpcId, egress, peer) {
			case "yes":
				allowed = true
			case "unknown":
				possible = true
			}
		}
	}
	switch {
	case allowed:
	case possible:
		k.maybe = true
	default:
		k.block(code, at)
	}
}

func (w *refWorld) groupByID(id string) *refGroup {
	for i := range w.SecurityGroups {
		if w.SecurityGroups[i].GroupId == id {
			return &w.SecurityGroups[i]
		}
	}
	return nil
}

func refTransport(protocol string, from, to int, p refPacket) bool {
	number := map[string]int{"tcp": 6, "6": 6, "udp": 17, "17": 17, "icmp": 1, "1": 1, "58": 58, "icmpv6": 58}[protocol]
	switch {
	case protocol == "-1":
		return true
	case number != p.proto:
		return false
	case number == 6 || number == 17:
		return from <= p.dport && p.dport <= to
	}
	return (from == -1 || from == p.typ) && (to == -1 || to == p.code)
}

// peer is NET-15 to NET-19.
func (w *refWorld) peer(r refPermission, vpc string, egress bool, a netip.Addr) string {
	for _, x := range r.IpRanges {
		if netip.MustParsePrefix(x.CidrIp).Contains(a) {
			return "yes"
		}
	}
	for _, x := range r.Ipv6Ranges {
		if netip.MustParsePrefix(x.CidrIpv6).Contains(a) {
			return "yes"
		}
	}
	for _, x := range r.UserIdGroupPairs {
		for _, e := range w.NetworkInterfaces {
			for _, g := range e.Groups {
				if g.GroupId == x.GroupId && e.owns(a) && w.mayRefer(vpc, x.GroupId) {
					return "yes"
				}
			}
		}
	}
	for _, x := range r.PrefixListIds {
		entries, known := w.list(x.PrefixListId)
		if !known {
			return "unknown"
		}
		if refIn(entries, a) {
			return "yes"
		}
	}
	return "no"
}

// mayRefer is NET-17: the same VPC, or one peered in the same Region.
func (w *refWorld) mayRefer(vpc, group string) bool {
	g := w.groupByID(group)
	if g == nil || g.VpcId == vpc {
		return true
	}
	for _, p := range w.VpcPeeringConnections {
		a, b := p.RequesterVpcInfo, p.AccepterVpcInfo
		pair := a.VpcId == vpc && b.VpcId == g.VpcId || b.VpcId == vpc && a.VpcId == g.VpcId
		if pair && p.Status.Code == "active" && a.Region == b.Region {
			return true
		}
	}
	return false
}

func (w *refWorld) list(id string) (entries []netip.Prefix, known bool) {
	for _, l := range w.PrefixLists {
		if l.PrefixListId == id {
			for _, c := range l.Cidrs {
				entries = append(entries, netip.MustParsePrefix(c))
			}
		}
	}
	return entries, len(entries) > 0
}

// acl is NET-27 to NET-34.
func (k *refWalk) acl(subnet, vpc string, egress bool, code string) {
	far := k.p.dst
	if k.reply {
		far = k.p.src
	}
	if is, acl := k.w.service(vpc, far); is && !acl {
		return
	}
	var found *refACL
	for i := range k.w.NetworkAcls {
		a := &k.w.NetworkAcls[i]
		if a.IsDefault && a.VpcId == vpc && found == nil {
			found = a
		}
	}
	for i := range k.w.NetworkAcls {
		for _, as := range k.w.NetworkAcls[i].Associations {
			if as.SubnetId == subnet {
				found = &k.w.NetworkAcls[i]
			}
		}
	}
	if found == nil {
		k.maybe = true
		return
	}
	peer := k.p.src
	if egress {
		peer = k.p.dst
	}
	entries := append([]refEntry{}, found.Entries...)
	sort.SliceStable(entries, func(i, j int) bool { return entries[i].RuleNumber < entries[j].RuleNumber })
	for _, e := range entries {
		from, to := 0, 65535
		if e.PortRange != nil {
			from, to = e.PortRange.From, e.PortRange.To
		}
		if e.Protocol == "1" || e.Protocol == "58" {
			from, to = -1, -1
		}
		if e.Egress != egress || !netip.MustParsePrefix(e.CidrBlock+e.Ipv6CidrBlock).Contains(peer) || !refTransport(e.Protocol, from, to, k.p) {
			continue
		}
		if e.RuleAction == "deny" {
			k.block(code, fmt.Sprintf("%s/%d", found.NetworkAclId, e.RuleNumber))
		}
		return
	}
	k.block(code, found.NetworkAclId+"/*")
}

// refChoice is a route that matched, with the destination that did.
type refChoice struct {
	refRoute
	dest netip.Prefix
	rank int
}

func (r refRoute) target() string {
	return r.GatewayId + r.NatGatewayId + r.NetworkInterfaceId + r.TransitGatewayId + r.VpcPeeringConnectionId + r.EgressOnlyInternetGatewayId
}

// overrides: kinds of target that a route may have beside local (NET-47).
func (w *refWorld) overrides(target string) bool {
	for _, p := range w.VpcEndpoints {
		if p.VpcEndpointId == target {
			return p.VpcEndpointType == "GatewayLoadBalancer"
		}
	}
	return strings.HasPrefix(target, "eni-") || strings.HasPrefix(target, "nat-")
}

// choose is NET-47.
func (w *refWorld) choose(t *refTable, dst netip.Addr) (best []refChoice, unknown bool) {
	var all []refChoice
	var unlisted []refRoute
	add := func(r refRoute, d netip.Prefix, rank int) {
		if d.Contains(dst) {
			all = append(all, refChoice{r, d, rank})
		}
	}
	for _, b := range w.blocks(t.VpcId) {
		add(refRoute{GatewayId: "local"}, b, 1)
	}
	for _, r := range t.Routes {
		rank := 2
		switch {
		case r.target() == "local":
			rank = 1
		case r.Origin == "EnableVgwRoutePropagation":
			rank = 4
		case r.DestinationPrefixListId != "":
			rank = 3
		case w.overrides(r.target()):
			rank = 0
		}
		if r.DestinationPrefixListId == "" {
			add(r, netip.MustParsePrefix(r.DestinationCidrBlock+r.DestinationIpv6CidrBlock), rank)
			continue
		}
		entries, known := w.list(r.DestinationPrefixListId)
		if !known {
			unlisted = append(unlisted, r)
		}
		for _, d := range entries {
			add(r, d, rank)
		}
	}
	sort.SliceStable(all, func(i, j int) bool {
		a, b := all[i], all[j]
		return a.dest.Bits() > b.dest.Bits() || a.dest.Bits() == b.dest.Bits() && a.rank < b.rank
	})
	for _, c := range all {
		same := c.dest.Bits() == all[0].dest.Bits() && c.rank == all[0].rank
		for _, o := range best {
			same = same && (o.target() != c.target() || (o.State == "blackhole") != (c.State == "blackhole"))
		}
		if same {
			best = append(best, c)
		}
	}
	for _, r := range unlisted {
		sure := len(best) > 0 && best[0].dest.Bits() == dst.BitLen() && best[0].rank < 3
		sure = sure || len(best) > 0 && best[0].target() == "local" && !w.overrides(r.target())
		unknown = unknown || !sure
	}
	return best, unknown
}

func (w *refWorld) tableOf(subnet, vpc string) *refTable {
	var main *refTable
	for i := range w.RouteTables {
		for _, a := range w.RouteTables[i].Associations {
			if a.SubnetId == subnet && subnet != "" {
				return &w.RouteTables[i]
			}
			if a.Main && w.RouteTables[i].VpcId == vpc {
				main = &w.RouteTables[i]
			}
		}
	}
	return main
}
