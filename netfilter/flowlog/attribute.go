// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"encoding/binary"

	"github.com/sallyport-go/sallyport/netfilter"
)

// Attribute says which rules of the snapshot explain the record. It allocates
// only to extend the slices of a, and only in its first turns.
func (n *Network) Attribute(r *Record, a *Attribution) {
	if a.network == n && a.memos != nil && a.again(r) {
		return
	}
	a.reset(n)
	p, reason := n.locate(r, a)
	if p == nil {
		a.Reason = reason
		return
	}
	near := p.subnet.has(a.peer)
	switch {
	case isICMP(a.Packet.Protocol):
		p.attributeICMP(r, a, near)
	default:
		p.attributePorts(r, a, near)
	}
	a.keep(r)
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
	a.setPeer()
	if p.exempt.covers(a) {
		return nil, NotLogged
	}
	return p, NoReason
}

// find returns the interface, nil if there is none.
func (n *Network) find(id []byte, a *Attribution) *place {
	if len(id) < 8 || len(id) > 24 {
		return n.interfaces[string(id)]
	}
	key := idKey{
		binary.LittleEndian.Uint64(id), binary.LittleEndian.Uint64(id[(len(id)-8)/2:]),
		binary.LittleEndian.Uint64(id[len(id)-8:]), len(id),
	}
	// Ids end in hexadecimal digits that are drawn at random.
	recent := &a.recent[key.end*0x9e3779b97f4a7c15>>56&(recents-1)]
	if recent.key != key {
		p := n.interfaces[string(id)]
		if p == nil {
			return nil
		}
		*recent = recentPlace{key, p}
	}
	return recent.place
}

// idKey is an id of 8 to 24 bytes: three words that cover it, overlapping, and its
// length. A comparison of strings takes 8 ns more.
type idKey struct {
	begin, middle, end uint64
	length             int
}

type recentPlace struct {
	key   idKey
	place *place
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
	a.Direction = netfilter.Direction(out)
	return in != out
}

// setPeer sets the address on the other side of the interface. That of IPv4 takes no
// branch: which side it is no processor guesses, and a wrong guess costs what the
// next record had already begun, 10 ns.
func (a *Attribution) setPeer() {
	pk := &a.Packet
	if pk.Src.Is4() {
		src, dst := v4Of(pk.Src), v4Of(pk.Dst)
		a.peer = addr4(src ^ (src^dst)&-uint32(a.Direction&1))
		return
	}
	if a.peer = pk.Src; a.Direction == egress {
		a.peer = pk.Dst
	}
}

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

// attributePorts attributes a record of any protocol but ICMP.
func (p *place) attributePorts(r *Record, a *Attribution, near bool) {
	pk, peer := &a.Packet, a.peer
	there, back := key{pk.Protocol, pk.DstPort}, key{pk.Protocol, pk.SrcPort}
	var forth, reverse, entry *Rule
	a.Groups, forth = p.groupEffect(a.Direction, peer, there)
	a.Mirrored, reverse = p.groupEffect(1-a.Direction, peer, back)
	a.ACL, entry = p.aclEffect(a.Direction, peer, there, near)
	if entry != nil {
		a.Entries = append(a.Entries, entry)
	}
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
		p.candidates(a, a.Direction, there, a.Groups, forth)
		p.candidates(a, 1-a.Direction, back, a.Mirrored, reverse)
	case Reply:
		p.candidates(a, 1-a.Direction, back, a.Mirrored, reverse)
		p.candidates(a, a.Direction, there, a.Groups, forth)
	}
	if a.Confident {
		a.Rules = a.Rules[:min(len(a.Rules), 1)]
	}
}

// candidates adds the rules that admit a packet or may.
func (p *place) candidates(a *Attribution, d netfilter.Direction, k key, e netfilter.Effect, admits *Rule) {
	switch e {
	case netfilter.Allow:
		a.addRule(admits)
	case netfilter.Unresolved:
		for _, r := range p.groups.unknown[d] {
			if r.mayAdmit(k) {
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
		if f := r.format; f != nil && f.reasons {
			a.Reason = rejectReason(r)
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

// rejectReason is NothingDenies, or what reject-reason says.
func rejectReason(r *Record) Reason {
	switch reason, _ := r.Text("reject-reason"); string(reason) {
	case "BPA":
		return AccessBlocked
	case "EC":
		return NotEncrypted
	}
	return NothingDenies
}
