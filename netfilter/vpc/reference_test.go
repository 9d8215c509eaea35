// SPDX-License-Identifier: Apache-2.0

package vpc_test

import (
	"net/netip"
	"sort"

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
	reply, forwarded    bool
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
			leaves[i].first.lost = leaves[i].first.lost || k.lost
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
