// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"encoding/binary"
	"net/netip"

	"github.com/sallyport-go/sallyport/netfilter"
)

// Attribute says which rules of the snapshot explain the record. It allocates
// only to extend the slices of a, and only in its first turns.
func (n *Network) Attribute(r *Record, a *Attribution) {
	a.reset(n)
	p, reason := n.locate(r, a)
	if p == nil {
		a.Reason = reason
		return
	}
	near := p.subnet.has(a.peer())
	switch {
	case isICMP(a.Packet.Protocol):
		p.attributeICMP(r, a, near)
	default:
		p.attributePorts(r, a, near)
	}
}

// peer is the address on the other side of the interface.
func (a *Attribution) peer() netip.Addr {
	if a.Direction == egress {
		return a.Packet.Dst
	}
	return a.Packet.Src
}

// locate finds the interface, the direction and the packet of a record, or the
// reason why there is nothing to attribute.
func (n *Network) locate(r *Record, a *Attribution) (*place, Reason) {
	switch {
	case r.Status == NoData:
		return nil, Empty
	case r.Status == SkipData:
		return nil, Skipped
	case !r.has(kindInterface):
		return nil, NoInterface
	}
	p := n.find(r.Interface, a)
	if p == nil {
		return nil, UnknownInterface
	}
	a.place = p
	a.Interface = p.id
	switch {
	case r.Action == NoAction:
		return nil, ActionMissing
	case r.Type == EFA:
		return nil, NotIP
	}
	if reason := a.setPacket(r); reason != NoReason {
		return nil, reason
	}
	if !a.setDirection(r, p) {
		return nil, DirectionUnknown
	}
	if p.exempt.covers(a.Direction, &a.Packet) {
		return nil, NotLogged
	}
	return p, NoReason
}

// find returns the interface, nil if there is none. Ids end in hexadecimal digits
// that are drawn at random.
func (n *Network) find(id []byte, a *Attribution) *place {
	slot := uint32(0)
	if k := len(id); k >= 4 {
		slot = binary.LittleEndian.Uint32(id[k-4:]) * 0x9e3779b1 >> 24
	}
	p := a.recent[slot&(recents-1)]
	if p == nil || p.id != string(id) {
		if p = n.interfaces[string(id)]; p != nil {
			a.recent[slot&(recents-1)] = p
		}
	}
	return p
}

// setPacket takes the addresses that the packets carried where the record has
// them: rules see those (NET-61).
func (a *Attribution) setPacket(r *Record) Reason {
	pk := &a.Packet
	if pk.Src = r.PacketSrc; !pk.Src.IsValid() {
		pk.Src = r.Src
	}
	if pk.Dst = r.PacketDst; !pk.Dst.IsValid() {
		pk.Dst = r.Dst
	}
	pk.Protocol, pk.SrcPort, pk.DstPort = r.Protocol, r.SrcPort, r.DstPort
	ported := pk.Protocol == netfilter.TCP || pk.Protocol == netfilter.UDP
	switch {
	case !pk.Src.IsValid() || !pk.Dst.IsValid() || !r.has(kindProtocol):
		return FieldMissing
	case ported && (!r.has(kindSrcPort) || !r.has(kindDstPort)):
		return FieldMissing
	case pk.Src.Is4() != pk.Dst.Is4():
		return AddressFamilies
	}
	return NoReason
}

// setDirection is NET-62.
func (a *Attribution) setDirection(r *Record, p *place) bool {
	if r.Directed {
		a.Direction = r.Direction
		return true
	}
	src, dst := r.Src, r.Dst
	if !src.IsValid() {
		src = r.PacketSrc
	}
	if !dst.IsValid() {
		dst = r.PacketDst
	}
	in, out := p.has(dst), p.has(src)
	if out {
		a.Direction = egress
	}
	return in != out
}

// attributePorts attributes a record of any protocol but ICMP.
func (p *place) attributePorts(r *Record, a *Attribution, near bool) {
	pk, back := &a.Packet, mirror(a.Packet)
	var forth, reverse, entry *Rule
	a.Groups, forth = p.groupEffect(a.Direction, pk)
	a.Mirrored, reverse = p.groupEffect(1-a.Direction, &back)
	a.ACL, entry = p.aclEffect(a.Direction, pk, near)
	a.addEntry(entry)
	if r.Action == Reject {
		a.reject(r)
		if a.Groups == netfilter.Allow {
			a.addRule(forth)
		}
		return
	}
	a.accept(r)
	switch a.Kind {
	case Initiated:
		p.candidates(a, a.Direction, pk, a.Groups, forth)
		p.candidates(a, 1-a.Direction, &back, a.Mirrored, reverse)
	case Reply:
		p.candidates(a, 1-a.Direction, &back, a.Mirrored, reverse)
		p.candidates(a, a.Direction, pk, a.Groups, forth)
	}
	if a.Confident {
		a.Rules = a.Rules[:min(len(a.Rules), 1)]
	}
}

// candidates adds the rules that admit a packet or may.
func (p *place) candidates(a *Attribution, d netfilter.Direction, pk *netfilter.Packet, e netfilter.Effect, admits *Rule) {
	switch e {
	case netfilter.Allow:
		a.addRule(admits)
	case netfilter.Unresolved:
		for _, r := range p.groups.unknown[d] {
			if r.mayAdmit(pk) {
				a.addRule(r)
			}
		}
	}
}

// accept judges accepted traffic by the effects of groups and ACL (NET-63, 2 to
// 5).
func (a *Attribution) accept(r *Record) {
	forth, back := both(a.Groups, a.ACL), both(a.Mirrored, a.ACL)
	kind, reason := Initiated, OnlyWay
	switch {
	case forth == netfilter.Deny && back == netfilter.Deny:
		a.Kind, a.Reason, a.Confident = Mismatch, NothingAdmits, true
		return
	case back == netfilter.Deny:
	case forth == netfilter.Deny:
		kind = Reply
	default:
		kind, reason = a.began(r)
	}
	effect := forth
	if kind == Reply {
		effect = back
	}
	if effect == netfilter.Unresolved {
		reason = PeerUnknown
	}
	a.Kind, a.Reason = kind, reason
	a.Confident = reason == OnlyWay || reason == ByFlags
}

// began tells who began a flow that may have begun on either side (NET-63, 3).
// Flags are combined over the window, so that 19 is an answer and 3 a request.
func (a *Attribution) began(r *Record) (Kind, Reason) {
	pk := &a.Packet
	if pk.Protocol == netfilter.TCP {
		switch flags := r.TCPFlags; {
		case flags&(FlagSYN|FlagACK) == FlagSYN|FlagACK:
			return Reply, ByFlags
		case flags&FlagSYN != 0:
			return Initiated, ByFlags
		case flags&(FlagFIN|FlagRST) != 0 && pk.SrcPort < 1024 && pk.DstPort >= 1024:
			return Reply, ByFlags
		}
	}
	if pk.SrcPort < pk.DstPort {
		return Reply, ByPorts
	}
	return Initiated, ByPorts
}

// reject judges rejected traffic (NET-63, 4). An answer to an admitted flow
// passes the groups; whether the packets are one the flags may tell.
func (a *Attribution) reject(r *Record) {
	tcp := a.Packet.Protocol == netfilter.TCP
	opens := tcp && r.TCPFlags&(FlagSYN|FlagACK) == FlagSYN
	answers := tcp && r.TCPFlags&(FlagSYN|FlagACK) == FlagSYN|FlagACK
	groups := a.Groups
	if answers && a.Mirrored == netfilter.Allow {
		groups = netfilter.Allow
	}
	mayAnswer := a.Mirrored != netfilter.Deny && !opens
	a.Kind, a.Confident = Rejected, true
	switch {
	case groups == netfilter.Allow && a.ACL == netfilter.Allow:
		a.Kind, a.Reason = Mismatch, NothingDenies
		switch reason, _ := r.Text("reject-reason"); string(reason) {
		case "BPA":
			a.Reason = AccessBlocked
		case "EC":
			a.Reason = NotEncrypted
		}
	case groups == netfilter.Allow:
		a.Reason, a.Confident = ByACL, a.ACL == netfilter.Deny
	case a.ACL == netfilter.Allow:
		a.Reason, a.Confident = ByGroups, groups == netfilter.Deny && !mayAnswer
	case a.ACL == netfilter.Deny && mayAnswer:
		a.Reason, a.Confident = ByACL, false
	default:
		a.Reason, a.Confident = ByEither, false
	}
}
