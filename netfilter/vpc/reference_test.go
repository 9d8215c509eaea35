// SPDX-License-Identifier: Apache-2.0

package vpc_test

import (
	"fmt"
	"net/netip"
	"sort"
	"strings"

	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/vpc"
)

// This file reads section 5 of the specification literally: it follows one
// packet with one pair of ports at a time, looks everything up by running
// through the documents, and compiles nothing.

// refPacket is a packet as it is where the walk stands.
type refPacket struct {
	src, dst     netip.Addr
	proto        int
	sport, dport int
	typ, code    int
}

func (p refPacket) back() refPacket {
	p.src, p.dst, p.sport, p.dport = p.dst, p.src, p.dport, p.sport
	switch {
	case p.proto == 1 && p.typ == 8:
		p.typ = 0
	case p.proto == 58 && p.typ == 128:
		p.typ = 129
	}
	return p
}

// refWalk is one packet on its way. denied says that something certain stops
// it, maybe that a rule of unknown peers might, lost that the way is not known:
// what is met then is not certain.
type refWalk struct {
	w                   *refWorld
	p                   refPacket
	reply               bool
	denied, maybe, lost bool
	hops, blocks        []string
	seen                []string
	natted              map[string]refPacket
	inner               int    // a reply's port behind the NAT gateway
	want                string // interface that has to be met
	wantIface           string // interface the question is about
	end                 string // interface id, "internet", "aws-services", or "out"
	endVPC              string
	zone                string // of the subnet last left
}

func (k refWalk) answer() string {
	switch {
	case k.lost:
		return "lost"
	case k.denied:
		return "no"
	case k.maybe:
		return "unresolved"
	}
	return "yes"
}

func (k *refWalk) hop(kind, id string) {
	k.hops = append(k.hops[:len(k.hops):len(k.hops)], kind+":"+id)
}

func (k *refWalk) block(code, at string) {
	if k.lost {
		return
	}
	k.denied = true
	k.blocks = append(k.blocks[:len(k.blocks):len(k.blocks)], code+" "+at)
}

// lose says that what follows is not known.
func (k *refWalk) lose() { k.lost = k.lost || !k.denied }

func (k refWalk) ends(code, at string) []refWalk {
	k.block(code, at)
	k.end = "nowhere"
	return []refWalk{k}
}

func (k refWalk) vanishes() []refWalk {
	k.lose()
	k.end = "nowhere"
	return []refWalk{k}
}

func (w *refWorld) iface(id string) *refIface {
	for i := range w.NetworkInterfaces {
		if w.NetworkInterfaces[i].NetworkInterfaceId == id {
			return &w.NetworkInterfaces[i]
		}
	}
	return nil
}

func (w *refWorld) owner(vpc string, a netip.Addr) *refIface {
	for i := range w.NetworkInterfaces {
		if e := &w.NetworkInterfaces[i]; e.VpcId == vpc && e.owns(a) {
			return e
		}
	}
	return nil
}

func (e *refIface) owns(a netip.Addr) bool {
	for _, x := range e.PrivateIpAddresses {
		if addr(x.PrivateIpAddress) == a {
			return true
		}
	}
	for _, x := range e.Ipv6Addresses {
		if addr(x.Ipv6Address) == a {
			return true
		}
	}
	return false
}

// public returns the public address of a private one, private the other way.
func (e *refIface) public(a netip.Addr) (netip.Addr, bool) {
	for _, x := range e.PrivateIpAddresses {
		if addr(x.PrivateIpAddress) == a && x.Association != nil {
			return addr(x.Association.PublicIp), true
		}
	}
	return netip.Addr{}, false
}

func (w *refWorld) behindPublic(a netip.Addr) (e *refIface, private netip.Addr) {
	for i := range w.NetworkInterfaces {
		for _, x := range w.NetworkInterfaces[i].PrivateIpAddresses {
			if x.Association != nil && addr(x.Association.PublicIp) == a {
				return &w.NetworkInterfaces[i], addr(x.PrivateIpAddress)
			}
		}
	}
	return nil, a
}

func (w *refWorld) blocks(vpc string) (out []netip.Prefix) {
	for _, v := range w.Vpcs {
		if v.VpcId == vpc {
			out = append(out, netip.MustParsePrefix(v.CidrBlock))
			for _, b := range v.Ipv6CidrBlockAssociationSet {
				out = append(out, netip.MustParsePrefix(b.Ipv6CidrBlock))
			}
		}
	}
	return out
}

func refIn(blocks []netip.Prefix, a netip.Addr) bool {
	for _, b := range blocks {
		if b.Contains(a) {
			return true
		}
	}
	return false
}

// refGlobal: not private, not of RFC 6598.
func refGlobal(a netip.Addr) bool {
	return !a.IsPrivate() && !a.IsLinkLocalUnicast() && !a.IsLoopback() && !a.IsMulticast() && !netip.MustParsePrefix("100.64.0.0/10").Contains(a)
}

func (w *refWorld) nat(id string) *refNAT {
	for i := range w.NatGateways {
		if w.NatGateways[i].NatGatewayId == id {
			return &w.NatGateways[i]
		}
	}
	return nil
}

func (w *refWorld) natOf(iface string) *refNAT {
	for i := range w.NatGateways {
		if w.NatGateways[i].NatGatewayAddresses[0].NetworkInterfaceId == iface {
			return &w.NatGateways[i]
		}
	}
	return nil
}

func (w *refWorld) zoneOf(subnet string) string {
	for _, s := range w.Subnets {
		if s.SubnetId == subnet {
			return s.AvailabilityZone
		}
	}
	return ""
}

// service: NET-24, for the addresses that the questions use.
func (k *refWalk) service(vpc string) (is, acl bool) { return k.w.service(vpc, k.p.dst) }

func (w *refWorld) service(vpc string, a netip.Addr) (is, acl bool) {
	for _, b := range w.blocks(vpc) {
		if b.Addr().Is4() && a == b.Addr().Next().Next() {
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
	for _, a := range []netip.Addr{k.p.src, k.p.dst} {
		if is, acl := k.w.service(vpc, a); is && !acl {
			return
		}
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

// refPath answers a whole question: every leaf is one choice among equal routes,
// judged over all pairs of ports.
func refPath(w *refWorld, from, to string, t vpc.Traffic) (reach, reply string, leaves []refLeaf) {
	ports := refPorts(w, t.DstPorts, 0, 65535)
	clients := refPorts(w, t.SrcPorts, 1024, 65535)
	if t.Protocol != netfilter.TCP && t.Protocol != netfilter.UDP {
		ports, clients = ports[:1], clients[:1]
	}
	for _, port := range ports {
		for i, k := range refStart(w, from, to, t, clients[0], port) {
			if i == len(leaves) {
				leaves = append(leaves, refLeaf{first: k})
			}
			leaves[i].answers = append(leaves[i].answers, k.answer())
			leaves[i].blocks = append(leaves[i].blocks, k.blocks...)
		}
	}
	var outs, backs []string
	for i := range leaves {
		l := &leaves[i]
		out := refOverPorts(l.answers)
		outs = append(outs, out)
		if out == "no" {
			continue
		}
		back, blocks := refReply(l.first, from, clients)
		if out == "unresolved" && back != "no" {
			back = "unresolved"
		}
		l.replyBlocks = blocks
		backs = append(backs, back)
	}
	return refMerge(outs), refMerge(backs), leaves
}

// refLeaf is what came of one choice among equal routes.
type refLeaf struct {
	first               refWalk // with the first port
	answers             []string
	blocks, replyBlocks []string
}

// refReply is the way back of a leaf over every pair of client ports.
func refReply(first refWalk, from string, clients []int) (string, []string) {
	outers, inners := clients, []int{0}
	if len(first.natted) > 0 {
		outers, inners = refPorts(first.w, nil, 1024, 65535), clients
	}
	if first.p.proto != 6 && first.p.proto != 17 {
		outers = outers[:1]
	}
	var leaves [][]string
	var blocks []string
	for _, outer := range outers {
		for _, inner := range inners {
			for i, b := range refBack(first, from, outer, inner) {
				if i == len(leaves) {
					leaves = append(leaves, nil)
				}
				leaves[i] = append(leaves[i], b.answer())
				blocks = append(blocks, b.blocks...)
			}
		}
	}
	var each []string
	for _, l := range leaves {
		each = append(each, refOverPorts(l))
	}
	return refMerge(each), blocks
}

// refOverPorts sums up the ports of one way; refMerge sums up ways.
func refOverPorts(answers []string) string {
	n := map[string]bool{}
	for _, a := range answers {
		n[a] = true
	}
	switch {
	case n["lost"]:
		return "unresolved"
	case n["yes"] && n["no"]:
		return "partly"
	case n["unresolved"]:
		return "unresolved"
	case n["yes"]:
		return "yes"
	}
	return "no"
}

func refMerge(answers []string) string {
	if len(answers) == 0 {
		return "no"
	}
	out := answers[0]
	for _, a := range answers {
		if a == "unresolved" {
			return a
		}
		if a != out {
			out = "partly"
		}
	}
	return out
}

// refPorts are the ends of the range and the places inside where some rule
// begins or ends.
func refPorts(w *refWorld, p *vpc.Ports, from, to int) []int {
	if p != nil {
		from, to = int(p.From), int(p.To)
	}
	set := map[int]bool{from: true, to: true}
	cut := func(lo, hi int) {
		for _, x := range []int{lo - 1, lo, hi, hi + 1} {
			if from <= x && x <= to {
				set[x] = true
			}
		}
	}
	for _, g := range w.SecurityGroups {
		for _, r := range append(append([]refPermission{}, g.IpPermissions...), g.IpPermissionsEgress...) {
			cut(r.FromPort, r.ToPort)
		}
	}
	for _, a := range w.NetworkAcls {
		for _, e := range a.Entries {
			if e.PortRange != nil {
				cut(e.PortRange.From, e.PortRange.To)
			}
		}
	}
	var out []int
	for x := range set {
		out = append(out, x)
	}
	sort.Ints(out)
	return out
}
