// SPDX-License-Identifier: Apache-2.0

package flowlog_test

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"

	"github.com/sallyport-go/sallyport/netfilter"
)

// This file is the slow reading of section 6 of the specification: fields split
// and looked up by name for every line, addresses parsed by net/netip, rules
// compared one by one. It shares no code with the package.

// refFinding is what the reference makes of a record.
type refFinding struct {
	kind, why string
	confident bool
	direction string
	first     string   // the most likely rule
	rules     []string // sorted
	entries   []string // sorted
}

// refPacket is a packet in the reference; typ and code are those of ICMP.
type refPacket struct {
	src, dst           netip.Addr
	proto, sport, port int
	typ, code          int
}

// refAttribute is NET-61 to NET-63 for a parsed line.
func refAttribute(inv *netfilter.Inventory, values map[string]string) refFinding {
	none := func(why string) refFinding { return refFinding{kind: "not attributable", why: why} }
	var eni *netfilter.Interface
	for i := range inv.Interfaces {
		if inv.Interfaces[i].ID == values["interface-id"] {
			eni = &inv.Interfaces[i]
		}
	}
	src, srcOK := refFirst(values, "pkt-srcaddr", "srcaddr")
	dst, dstOK := refFirst(values, "pkt-dstaddr", "dstaddr")
	proto, protoOK := values["protocol"]
	ports := proto == "6" || proto == "17"
	switch {
	case values["log-status"] == "NODATA":
		return none("no data")
	case values["log-status"] == "SKIPDATA":
		return none("skipped data")
	case values["interface-id"] == "":
		return none("no interface")
	case eni == nil:
		return none("unknown interface")
	case values["action"] == "":
		return none("no action")
	case values["type"] == "EFA":
		return none("not IP")
	case !srcOK || !dstOK || !protoOK || ports && (values["srcport"] == "" || values["dstport"] == ""):
		return none("missing field")
	case src.Is4() != dst.Is4():
		return none("addresses of two families")
	}
	d := values["flow-direction"]
	if d == "" {
		near, _ := refFirst(values, "dstaddr", "pkt-dstaddr")
		far, _ := refFirst(values, "srcaddr", "pkt-srcaddr")
		in, out := refOwns(eni, near), refOwns(eni, far)
		switch {
		case in == out:
			return none("unknown direction")
		case in:
			d = "ingress"
		default:
			d = "egress"
		}
	}
	p := refPacket{src: src, dst: dst, proto: refInt(proto), sport: refInt(values["srcport"]), port: refInt(values["dstport"])}
	peer := p.src
	if d == "egress" {
		peer = p.dst
	}
	for _, s := range []string{"169.254.169.253", "169.254.169.254", "169.254.169.123", "169.254.170.2", "169.254.169.250", "169.254.169.251", "fd00:ec2::253", "fd00:ec2::254", "fd00:ec2::123"} {
		if peer.String() == s {
			return none("not logged by AWS")
		}
	}
	f := refFlow{inv: inv, eni: eni, d: d, p: p, near: refNear(inv, eni, peer), values: values}
	return f.finding()
}

func refInt(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func refFirst(values map[string]string, names ...string) (netip.Addr, bool) {
	for _, name := range names {
		if v := values[name]; v != "" {
			return netip.MustParseAddr(v), true
		}
	}
	return netip.Addr{}, false
}

func refOwns(eni *netfilter.Interface, a netip.Addr) bool {
	owns := eni.Primary == a
	for _, own := range eni.Addresses {
		owns = owns || own.Private == a
	}
	for _, p := range eni.Prefixes {
		owns = owns || p.Contains(a)
	}
	return owns && a.IsValid()
}

// refNear: two interfaces of one subnet skip the ACL (NET-33).
func refNear(inv *netfilter.Inventory, eni *netfilter.Interface, peer netip.Addr) bool {
	for i := range inv.Interfaces {
		other := &inv.Interfaces[i]
		if other.Subnet != "" && other.Subnet == eni.Subnet && refOwns(other, peer) {
			return true
		}
	}
	return false
}

// refFlow is a record that can be attributed.
type refFlow struct {
	inv    *netfilter.Inventory
	eni    *netfilter.Interface
	d      string
	p      refPacket
	near   bool
	values map[string]string
}

func (f *refFlow) other() string {
	if f.d == "ingress" {
		return "egress"
	}
	return "ingress"
}

func (p refPacket) mirrored() refPacket {
	p.src, p.dst, p.sport, p.port = p.dst, p.src, p.port, p.sport
	return p
}

// finding tries every type and code of ICMP that could make a difference; other
// protocols have one try.
func (f *refFlow) finding() refFinding {
	tries := [][2]int{{0, 0}}
	icmp := f.p.proto == 1 || f.p.proto == 58
	if icmp {
		tries = nil
		for _, typ := range []int{0, 3, 8, 128, 200} { // what the generator uses, and another
			for _, code := range []int{0, 4, 9, 77} {
				tries = append(tries, [2]int{typ, code})
			}
		}
	}
	groups, acl, mirrored, there := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	forth, back := map[string]bool{}, map[string]bool{}
	entries := map[string]bool{}
	for _, t := range tries {
		p := f.p
		p.typ, p.code = t[0], t[1]
		g, rule, maybe := f.groups(f.d, p)
		a, entry := f.acl(p)
		groups[g]++
		acl[a]++
		there[refBoth(g, a)]++
		if entry != "" && (!icmp || f.values["action"] == "REJECT" && a != "allow" || f.values["action"] == "ACCEPT" && a != "deny") {
			entries[entry] = true
		}
		if !icmp || a != "deny" {
			refAdd(forth, g, rule, maybe)
		}
		p = p.mirrored()
		g, rule, maybe = f.groups(f.other(), p)
		mirrored[g]++
		refAdd(back, g, rule, maybe)
	}
	out := refFinding{direction: f.d, entries: slices.Sorted(maps.Keys(entries))}
	if f.values["action"] == "REJECT" {
		f.rejected(&out, refEvery(groups), refEvery(acl), refSome(mirrored))
		if !icmp && refEvery(groups) == "allow" {
			out.rules = slices.Sorted(maps.Keys(forth))
		}
		return out
	}
	f.accepted(&out, icmp, refSome(there), refBoth(refSome(mirrored), refSome(acl)), forth, back)
	return out
}

func refAdd(set map[string]bool, effect, rule string, maybe []string) {
	if effect == "allow" && rule != "" {
		set[rule] = true
	}
	if effect == "unresolved" {
		for _, m := range maybe {
			set[m] = true
		}
	}
}

func refSome(n map[string]int) string {
	for _, e := range []string{"allow", "unresolved"} {
		if n[e] > 0 {
			return e
		}
	}
	return "deny"
}

func refEvery(n map[string]int) string {
	for e, k := range n {
		if k > 0 && len(n) == 1 {
			return e
		}
	}
	return "unresolved"
}

func refBoth(a, b string) string {
	switch {
	case a == "deny" || b == "deny":
		return "deny"
	case a == "allow" && b == "allow":
		return "allow"
	}
	return "unresolved"
}

// accepted is steps 2, 3, 5 and 6 of NET-63.
func (f *refFlow) accepted(out *refFinding, icmp bool, there, back string, forth, reverse map[string]bool) {
	if there == "deny" {
		forth = nil
	}
	if back == "deny" {
		reverse = nil
	}
	all := map[string]bool{}
	maps.Copy(all, forth)
	maps.Copy(all, reverse)
	out.kind, out.why, out.confident = "initiated", "only way", true
	effect := there
	switch {
	case there == "deny" && back == "deny":
		out.kind, out.why = "mismatch", "nothing admits it"
		return
	case there == "deny":
		out.kind, effect = "reply", back
	case back == "deny":
	case icmp:
	default:
		out.kind, out.why = f.who()
		if out.kind == "reply" {
			effect = back
		}
	}
	switch {
	case effect == "unresolved":
		out.why, out.confident = "unknown peer", false
	case icmp && (len(all) != 1 || there != "deny" && back != "deny"):
		out.why, out.confident = "any ICMP type", false
	case out.why == "lower port":
		out.confident = false
	}
	winner := forth
	if out.kind == "reply" {
		winner = reverse
	}
	if !icmp && len(winner) == 1 {
		out.first = slices.Sorted(maps.Keys(winner))[0]
	}
	if out.confident {
		all = winner
	}
	out.rules = slices.Sorted(maps.Keys(all))
}

// who is step 3.
func (f *refFlow) who() (kind, why string) {
	flags := refInt(f.values["tcp-flags"])
	syn, ack, end := flags&2 > 0, flags&16 > 0, flags&5 > 0
	if f.p.proto == 6 {
		switch {
		case syn && ack:
			return "reply", "TCP flags"
		case syn:
			return "initiated", "TCP flags"
		case end && f.p.sport < 1024 && 1024 <= f.p.port:
			return "reply", "TCP flags"
		}
	}
	if f.p.sport < f.p.port {
		return "reply", "lower port"
	}
	return "initiated", "lower port"
}

// rejected is step 4.
func (f *refFlow) rejected(out *refFinding, groups, acl, mirrored string) {
	flags := refInt(f.values["tcp-flags"])
	request := f.p.proto == 6 && flags&2 > 0 && flags&16 == 0
	answer := f.p.proto == 6 && flags&2 > 0 && flags&16 > 0
	if answer && mirrored == "allow" {
		groups = "allow"
	}
	out.kind = "rejected"
	perhapsAnswer := mirrored != "deny" && !request
	switch {
	case groups == "allow" && acl == "allow":
		out.kind, out.why, out.confident = "mismatch", "nothing denies it", true
		if f.values["reject-reason"] == "BPA" {
			out.why = "public access blocked"
		}
		if f.values["reject-reason"] == "EC" {
			out.why = "not encrypted"
		}
	case groups == "allow":
		out.why, out.confident = "ACL", acl == "deny"
	case acl == "allow":
		out.why, out.confident = "groups", groups == "deny" && !perhapsAnswer
	case acl == "deny" && perhapsAnswer:
		out.why = "ACL"
	default:
		out.why = "groups or ACL"
	}
}

// groups is NET-6 to NET-19 and NET-25 for valid rules: the effect, the rule that
// decides, and the rules that may admit the packet.
func (f *refFlow) groups(d string, p refPacket) (effect, rule string, maybe []string) {
	if f.eni.Unfiltered() {
		return "allow", "", nil
	}
	peer := p.src
	if d == "egress" {
		peer = p.dst
	}
	missing := false
	for _, id := range f.eni.Groups {
		var g *netfilter.SecurityGroup
		for i := range f.inv.Groups {
			if f.inv.Groups[i].ID == id {
				g = &f.inv.Groups[i]
			}
		}
		if g == nil {
			missing = true
			continue
		}
		rules := g.Ingress
		if d == "egress" {
			rules = g.Egress
		}
		for _, r := range rules {
			if f.transport(r, p) {
				id := g.ID + "/" + d + "/" + strconv.Itoa(r.Permission) + "/" + r.Peer.IPv4 + r.Peer.IPv6 + r.Peer.Group + r.Peer.PrefixList
				switch in := f.inPeer(r.Peer, peer); {
				case in == "yes" && rule == "":
					rule = id
				case in == "unknown":
					maybe = append(maybe, id)
				}
			}
		}
	}
	switch {
	case rule != "":
		return "allow", rule, nil
	case len(maybe) > 0:
		return "unresolved", "", maybe
	case missing:
		return "unresolved", "", nil
	}
	return "deny", "", nil
}

func (f *refFlow) transport(r netfilter.Rule, p refPacket) bool {
	switch r.Protocol {
	case "-1":
		return true
	case "tcp", "udp":
		return p.proto == map[string]int{"tcp": 6, "udp": 17}[r.Protocol] && (r.From < 0 || r.From <= p.port) && (r.To < 0 || p.port <= r.To)
	case "icmp", "icmpv6":
		return p.proto == map[string]int{"icmp": 1, "icmpv6": 58}[r.Protocol] && (r.From < 0 || r.From == p.typ) && (r.To < 0 || r.To == p.code)
	}
	return strconv.Itoa(p.proto) == r.Protocol
}

func (f *refFlow) inPeer(peer netfilter.Peer, a netip.Addr) string {
	switch {
	case peer.PrefixList != "":
		for _, l := range f.inv.PrefixLists {
			if l.ID != peer.PrefixList || !l.Known {
				continue
			}
			for _, p := range l.Entries {
				if p.Contains(a) {
					return "yes"
				}
			}
			return "no"
		}
		return "unknown"
	case peer.Group != "":
		for i := range f.inv.Interfaces {
			if slices.Contains(f.inv.Interfaces[i].Groups, peer.Group) && refOwns(&f.inv.Interfaces[i], a) {
				return "yes"
			}
		}
		return "no"
	}
	if netip.MustParsePrefix(peer.IPv4 + peer.IPv6).Contains(a) {
		return "yes"
	}
	return "no"
}

// acl is NET-27 to NET-34.
func (f *refFlow) acl(p refPacket) (effect, entry string) {
	if f.near {
		return "allow", ""
	}
	var acl *netfilter.NetworkACL
	for i := range f.inv.ACLs {
		a := &f.inv.ACLs[i]
		if slices.Contains(a.Subnets, f.eni.Subnet) {
			acl = a
			break
		}
		if a.Default && a.VPC == f.eni.VPC {
			acl = a
		}
	}
	if acl == nil {
		return "unresolved", ""
	}
	entries, peer := acl.Ingress, p.src
	if f.d == "egress" {
		entries, peer = acl.Egress, p.dst
	}
	best := -1
	for i, e := range entries {
		v4 := e.IPv4 != ""
		hit := netip.MustParsePrefix(e.IPv4 + e.IPv6).Contains(peer)
		switch {
		case e.Protocol == "-1":
		case e.Protocol != strconv.Itoa(p.proto):
			hit = false
		case p.proto == 6 || p.proto == 17:
			hit = hit && (e.From < 0 || e.From <= p.port) && (e.To < 0 || p.port <= e.To)
		case p.proto == 1 || p.proto == 58 && !v4:
			hit = hit && (e.Type < 0 || e.Type == p.typ) && (e.Code < 0 || e.Code == p.code)
		}
		if hit && (best < 0 || e.Number < entries[best].Number) {
			best = i
		}
	}
	if best < 0 {
		return "deny", acl.ID + "/" + f.d + "/*"
	}
	return entries[best].Action, acl.ID + "/" + f.d + "/" + strconv.Itoa(entries[best].Number)
}
