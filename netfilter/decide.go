// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"encoding/binary"
	"net/netip"
)

// DecidePeer is Decide for a caller that has no whole packet, as a reader of logs:
// rules look at nothing but the peer (the source of what comes in, the destination
// of what goes out), the protocol, and l4: the destination port of TCP and UDP,
// type<<8|code of ICMP and ICMPv6, 0 for all others. A peer without address or
// with a zone is a BadPacket. It does not allocate, and takes 20 ns less where
// packets would have to be put together.
func (p *GroupPolicy) DecidePeer(d Direction, peer netip.Addr, proto Protocol, l4 uint16) Verdict {
	if d > Egress {
		return Verdict{Reason: BadPacket, Rule: -1}
	}
	return p.sides[d].decidePeer(peer, uint32(proto)<<16|uint32(l4))
}

// DecidePeer is GroupPolicy.DecidePeer for a network ACL.
func (p *ACLPolicy) DecidePeer(d Direction, peer netip.Addr, proto Protocol, l4 uint16) Verdict {
	if d > Egress {
		return Verdict{Reason: BadPacket, Rule: -1}
	}
	return p.sides[d].decidePeer(peer, uint32(proto)<<16|uint32(l4))
}

// decidePeer takes all it is told in registers: a Packet is 56 bytes to copy.
func (s *side) decidePeer(peer netip.Addr, key uint32) Verdict {
	if f := s.v4.cross; f != nil && peer.Is4() {
		b := peer.As4()
		return s.outcomes[f.cell(f.class4(binary.BigEndian.Uint32(b[:])), key)].verdict()
	}
	a := peer.Unmap()
	switch {
	case !a.IsValid() || a.Zone() != "":
		return Verdict{Reason: BadPacket, Rule: -1}
	case a.Is4():
		b := a.As4()
		addr := binary.BigEndian.Uint32(b[:])
		if f := s.v4.cross; f != nil {
			return s.outcomes[f.cell(f.class4(addr), key)].verdict()
		}
		f := s.v4.compact
		return s.outcomes[f.cell(f.line.class4(addr), key)].verdict()
	}
	b := a.As16()
	w := wide{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
	if f := s.v6.cross; f != nil {
		return s.outcomes[f.cell(int(f.line.class6(w)), key)].verdict()
	}
	f := s.v6.compact
	return s.outcomes[f.cell(f.line.class6(w), key)].verdict()
}

// DecideAll appends to dst the verdict on each of the packets, as Decide gives
// it, and returns the extended slice. It allocates only to extend dst.
func (p *GroupPolicy) DecideAll(dst []Verdict, d Direction, packets []Packet) []Verdict {
	return decideAll(p.side(d), dst, d, packets)
}

// DecideAll appends to dst the verdict on each of the packets, as Decide gives
// it, and returns the extended slice. It allocates only to extend dst.
func (p *ACLPolicy) DecideAll(dst []Verdict, d Direction, packets []Packet) []Verdict {
	return decideAll(p.side(d), dst, d, packets)
}

func decideAll(s *side, dst []Verdict, d Direction, packets []Packet) []Verdict {
	for i := range packets {
		if d > Egress {
			dst = append(dst, Verdict{Reason: BadPacket, Rule: -1})
			continue
		}
		dst = append(dst, s.decide(d, &packets[i]))
	}
	return dst
}
