// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
)

// Effect is what a policy does with a packet. The zero value denies.
type Effect uint8

// The three effects.
const (
	// Deny: the packet does not pass.
	Deny Effect = iota
	// Allow: the packet passes.
	Allow
	// Unresolved: whether the packet passes depends on something unknown, a
	// prefix list or group that the Resolver did not hold, or an invalid ACL entry.
	Unresolved
)

// String returns "deny", "allow" or "unresolved".
func (e Effect) String() string {
	switch e {
	case Deny:
		return "deny"
	case Allow:
		return "allow"
	case Unresolved:
		return "unresolved"
	}
	return "Effect(" + strconv.Itoa(int(e)) + ")"
}

// MarshalText writes the effect as "deny", "allow" or "unresolved".
func (e Effect) MarshalText() ([]byte, error) {
	if e > Unresolved {
		return nil, fmt.Errorf("netfilter: effect %d", uint8(e))
	}
	return []byte(e.String()), nil
}

// Reason says how a verdict came about.
type Reason uint8

// The reasons.
const (
	// NoMatch: no rule matches, so the packet is denied.
	NoMatch Reason = iota
	// Matched: Verdict.Rule decided.
	Matched
	// BadPacket: Packet.Check refuses the packet, so it is denied.
	BadPacket
)

// Verdict is the decision on one packet: a small value, comparable.
type Verdict struct {
	// Effect is what happens to the packet.
	Effect Effect
	// Reason says how it came about.
	Reason Reason
	// Rule is the index of the deciding rule, for RuleID; -1 without one. For
	// Unresolved it is the first rule that may match.
	Rule int32
}

// Policy is a compiled set of security groups or a compiled network ACL.
// Policies are immutable and safe for concurrent use.
type Policy interface {
	// Decide returns the verdict on the packet. It does not allocate.
	Decide(Direction, Packet) Verdict
	// RuleID names the rule of a verdict in the given direction, "" for -1.
	RuleID(d Direction, rule int32) string
	// Size is the number of bytes that the policy's decision structures hold.
	Size() int

	side(Direction) *side
}

// side is one direction of a policy: its rules and the forms that decide.
type side struct {
	rules []rule
	// effects and index say, per rank, what the rule does and which rule it is.
	effects []Effect
	index   []int32
	// verdicts is indexed by rank+1; the first is that of no rule.
	verdicts []Verdict
	v4, v6   matcher
}

// rule is a checked rule of a group or an ACL.
type rule struct {
	id        string
	transport transport
	// prefixes is what the peer stands for; possible says that it is unknown,
	// invalid that the rule is at fault and so matches nothing.
	prefixes []netip.Prefix
	peer     string
	number   int // of an ACL entry
	effect   Effect
	possible bool
	invalid  bool
	any      bool // an unresolved remainder of an ACL: matches every packet
}

// matcher is the form that decides for one family: exactly one of the two.
type matcher struct {
	cross   *crossForm
	compact *compactForm
}

func (m *matcher) size() int {
	if m.cross != nil {
		return m.cross.size()
	}
	return m.compact.size()
}

// decide returns the verdict on the packet, whose peer is its source on the
// way in and its destination on the way out. IPv4 comes first and is flat: a
// call less is a tenth of the time.
func (s *side) decide(d Direction, p *Packet) Verdict {
	peer := &p.Src
	if d == Egress {
		peer = &p.Dst
	}
	if p.Src.Is4() && p.Dst.Is4() {
		b := peer.As4()
		addr := binary.BigEndian.Uint32(b[:])
		if f := s.v4.cross; f != nil {
			t, class, key := f.table, 0, p.key()
			if f.tree {
				page := uint32(t[addr>>16])
				page = uint32(t[page<<8|addr>>8&0xff])
				class = int(t[page<<8|addr&0xff])
			}
			k := uint32(t[f.keys+int(key>>16)])
			k = uint32(t[k<<8|key>>8&0xff])
			return s.verdicts[t[f.cells+class*f.width+int(t[k<<8|key&0xff])]]
		}
		f := s.v4.compact
		return s.verdicts[f.cell(f.line.class4(addr), p.key())]
	}
	return s.decide6(d, p)
}

// decide6 is decide for two IPv6 addresses without zones, and leaves the others
// to decideOdd.
func (s *side) decide6(d Direction, p *Packet) Verdict {
	src, dst := p.Src.As16(), p.Dst.As16()
	plain := netip.AddrFrom16(src) == p.Src && netip.AddrFrom16(dst) == p.Dst // no zone, not IPv4, not invalid
	if !plain || p.Src.Is4In6() || p.Dst.Is4In6() {
		return s.decideOdd(d, p)
	}
	b := &src
	if d == Egress {
		b = &dst
	}
	w := wide{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
	if f := s.v6.cross; f != nil {
		return s.verdicts[f.cell6(w, p.key())]
	}
	f := s.v6.compact
	return s.verdicts[f.cell(f.line.class6(w), p.key())]
}

// decideOdd refuses bad packets and unmaps the addresses of the others.
func (s *side) decideOdd(d Direction, p *Packet) Verdict {
	if p.Check() != nil {
		return Verdict{Reason: BadPacket, Rule: -1}
	}
	q := *p
	q.Src, q.Dst = p.Src.Unmap(), p.Dst.Unmap()
	return s.decide(d, &q)
}

func (s *side) size() int {
	return s.v4.size() + s.v6.size() + 5*len(s.effects) + 8*len(s.verdicts)
}

func (s *side) ruleID(rule int32) string {
	if rule < 0 || int(rule) >= len(s.rules) {
		return ""
	}
	return s.rules[rule].id
}
