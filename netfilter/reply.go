// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"slices"
)

// lintReplies reports, for each pair of groups and ACL that meet at an
// interface, replies to admitted traffic that the ACL blocks.
func (l *linter) lintReplies() {
	type pair struct{ groups, acl string }
	done := map[pair]bool{}
	for _, i := range l.inv.Interfaces {
		acl := l.inv.aclOf(i.Subnet, i.VPC)
		groups := l.inv.groupsOf(&i)
		if acl == nil || len(groups) == 0 {
			continue
		}
		k := pair{acl: acl.ID}
		for _, g := range groups {
			k.groups += g.ID + " "
		}
		if done[k] {
			continue
		}
		done[k] = true
		gp, errG := l.compiler.Groups(groups)
		ap, errA := l.compiler.ACL(*acl)
		if errG == nil && errA == nil {
			l.replyFindings(gp, ap)
		}
	}
}

// aclOf returns the ACL of a subnet: the associated one, else the VPC's default.
func (inv *Inventory) aclOf(subnet, vpc string) *NetworkACL {
	var fallback *NetworkACL
	for i := range inv.ACLs {
		a := &inv.ACLs[i]
		if slices.Contains(a.Subnets, subnet) {
			return a
		}
		if a.Default && a.VPC == vpc && vpc != "" {
			fallback = a
		}
	}
	return fallback
}

// groupsOf returns the groups of the interface that the inventory holds.
func (inv *Inventory) groupsOf(i *Interface) []SecurityGroup {
	var out []SecurityGroup
	for _, id := range i.Groups {
		if g := inv.Group(id); g != nil {
			out = append(out, *g)
		}
	}
	return out
}

// replyFindings looks, among the addresses from which group and ACL admit TCP
// or UDP, for one to which the ACL does not let every ephemeral port out.
func (l *linter) replyFindings(gp *GroupPolicy, ap *ACLPolicy) {
	ephemeral := EphemeralRanges()[0]
	for _, proto := range []Protocol{TCP, UDP} {
		for _, v6 := range []bool{false, true} {
			o := newOverlay(v6, gp.side(Ingress), ap.side(Ingress), ap.side(Egress))
			lo, hi := o.cells(proto, 0, 65535)
			replyLo, replyHi := o.cells(proto, ephemeral.From, ephemeral.To)
			lowest := o.firstOf()
			var rows *effectRows
			var found *Finding
			rows = newEffectRows(o, func(c int32) {
				if found != nil {
					return
				}
				in := admitted(rows, lo, hi)
				blocked := slices.IndexFunc(rows.effects[2][replyLo:replyHi+1], func(e byte) bool { return Effect(e) == Deny })
				if in < 0 || blocked < 0 {
					return
				}
				key := max(o.cuts[replyLo+blocked], uint32(proto)<<16|uint32(ephemeral.From))
				reply := o.packet(Egress, lowest[c], key)
				reply.SrcPort = uint16(o.cuts[in])
				found = &Finding{
					Code: "reply-blocked", Where: ap.id, Direction: Egress, Witness: &reply,
					Rules:  []string{ap.entryName(Egress, rows.ranks[2][replyLo+blocked]), gp.side(Ingress).rankID(int(rows.ranks[0][in]))},
					Detail: "groups and ACL admit " + proto.String() + ", and the ACL blocks ephemeral ports of the reply",
				}
			})
			o.walk(rows)
			if found != nil {
				l.add(*found)
			}
		}
	}
}

// admitted returns a range of keys that both ingress sides allow, -1 for none.
func admitted(rows *effectRows, lo, hi int) int {
	for i := lo; i <= hi; i++ {
		if Effect(rows.effects[0][i]) == Allow && Effect(rows.effects[1][i]) == Allow {
			return i
		}
	}
	return -1
}

// cells returns the first and last range that holds keys of the ports.
func (o *overlay) cells(proto Protocol, from, to uint16) (lo, hi int) {
	base := uint32(proto) << 16
	return cutIndex(o.cuts, base|uint32(from)), cutIndex(o.cuts, base|uint32(to))
}

// entryName names an entry by its rank, the closing denial as "*".
func (p *ACLPolicy) entryName(d Direction, rank int32) string {
	if rank == none {
		return p.id + "/" + d.String() + "/*"
	}
	return p.side(d).rankID(int(rank))
}

// lintPMTUD reports, per direction and family, an address whose TCP the ACL
// lets pass while it blocks the messages that report a smaller path MTU.
func (l *linter) lintPMTUD(where string, p *ACLPolicy) {
	for _, d := range []Direction{Ingress, Egress} {
		for _, v6 := range []bool{false, true} {
			o := newOverlay(v6, p.side(d))
			tooBig := Packet{Protocol: ICMP, ICMPType: 3, ICMPCode: 4}
			if v6 {
				tooBig = Packet{Protocol: ICMPv6, ICMPType: 2}
			}
			lo, hi := o.cells(TCP, 0, 65535)
			icmp := cutIndex(o.cuts, tooBig.l4())
			lowest := o.firstOf()
			var rows *effectRows
			var found *Finding
			rows = newEffectRows(o, func(c int32) {
				passes := slices.IndexFunc(rows.effects[0][lo:hi+1], func(e byte) bool { return Effect(e) == Allow })
				if found != nil || passes < 0 || Effect(rows.effects[0][icmp]) != Deny {
					return
				}
				w := o.packet(d, lowest[c], tooBig.l4())
				found = &Finding{
					Code: "pmtud-blocked", Where: where, Direction: d, Witness: &w,
					Rules:  []string{p.entryName(d, rows.ranks[0][icmp])},
					Detail: "the ACL lets TCP pass and blocks " + spanText(keySpan{tooBig.l4(), tooBig.l4()}),
				}
			})
			o.walk(rows)
			if found != nil {
				l.add(*found)
			}
		}
	}
}
