// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"net/netip"
	"strconv"
)

// Match says whether a rule matches a packet.
type Match uint8

// The three answers.
const (
	// No: a known field of the rule refuses the packet.
	No Match = iota
	// Yes: every field matches.
	Yes
	// Possible: every known field matches, and the peer is unknown.
	Possible
)

// String returns "no", "yes" or "possible".
func (m Match) String() string {
	switch m {
	case No:
		return "no"
	case Yes:
		return "yes"
	case Possible:
		return "possible"
	}
	return "Match(" + strconv.Itoa(int(m)) + ")"
}

// Explanation is a verdict with what every rule of the direction has to say.
type Explanation struct {
	// Verdict is what Decide returns for the packet.
	Verdict Verdict
	// Rules are in the order in which they are consulted; a Verdict's Rule
	// indexes them.
	Rules []RuleReason
}

// RuleReason is what one rule makes of a packet.
type RuleReason struct {
	// ID names the rule.
	ID string
	// Match says whether the rule matches.
	Match Match
	// Field is the first field that refuses: "protocol", "port", "type", "code",
	// "peer", or "invalid" for a rule that Lenient let through. It is "" when the
	// rule matches, and "peer" when the peer is unknown.
	Field string
}

// Explain returns the verdict of Decide with the reason of each rule.
func (p *GroupPolicy) Explain(d Direction, pk Packet) Explanation {
	return Explanation{Verdict: p.Decide(d, pk), Rules: p.side(d).reasons(d, pk)}
}

// Explain returns the verdict of Decide with the reason of each entry, in the
// order of their numbers.
func (p *ACLPolicy) Explain(d Direction, pk Packet) Explanation {
	return Explanation{Verdict: p.Decide(d, pk), Rules: p.side(d).reasons(d, pk)}
}

func (s *side) reasons(d Direction, pk Packet) []RuleReason {
	if d > Egress || pk.Check() != nil {
		return nil
	}
	peer := pk.Src.Unmap()
	if d == Egress {
		peer = pk.Dst.Unmap()
	}
	out := make([]RuleReason, len(s.rules))
	for i := range s.rules {
		out[i].ID = s.rules[i].name(d)
		out[i].Match, out[i].Field = s.rules[i].match(peer, &pk)
	}
	return out
}

// match says whether the rule matches, and which field decides that.
func (r *rule) match(peer netip.Addr, pk *Packet) (Match, string) {
	switch field := r.transport.fault(pk); {
	case r.invalid && r.entry:
		return Possible, "invalid"
	case r.invalid:
		return No, "invalid"
	case field != "":
		return No, field
	case r.possible():
		return Possible, "peer"
	case !r.covers(peer):
		return No, "peer"
	}
	return Yes, ""
}
