// SPDX-License-Identifier: Apache-2.0

package netfilter

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
