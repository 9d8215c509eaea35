// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"cmp"
	"slices"

	"github.com/sallyport-go/sallyport/netfilter"
)

// Summary counts what attributed records say about the rules of a Network. Its
// size follows the rules and the interfaces, not the records. Summaries of parts
// of a log, merged in any order, equal that of the whole. A Summary is for one
// goroutine at a time.
type Summary struct {
	network    *Network
	rules      []ruleCount // by rule number
	tallies    [Mismatch + 1][reasons]Usage
	seen       []bool // by interface
	mismatches map[mismatchKey]*MismatchUsage
	found      Attribution
}

type ruleCount struct {
	confident, ambiguous Usage
	attributed, possible hull
}

type mismatchKey struct {
	place  int32
	reason Reason
}

// RuleUsage is how often a rule was needed.
type RuleUsage struct {
	// Rule is the rule or the entry.
	Rule *Rule
	// Confident counts the records that nothing but this rule explains, Ambiguous
	// those that other rules may explain as well; such a record counts for each.
	Confident, Ambiguous Usage
	// Observed says that an interface behind the rule had a record. Where it is
	// false the log says nothing about the rule.
	Observed bool
}

// Unused reports whether no record needs the rule although it was observed. The
// denial at the end of an ACL cannot be taken out, and never counts.
func (u *RuleUsage) Unused() bool {
	return u.Observed && !u.Rule.Closing && u.Confident.Records == 0 && u.Ambiguous.Records == 0
}

// Tally counts the records of one kind and reason.
type Tally struct {
	// Kind and Reason are those of the attributions.
	Kind   Kind
	Reason Reason
	// Usage counts the records.
	Usage Usage
}

// MismatchUsage counts the records of an interface that contradict the rules in
// one way.
type MismatchUsage struct {
	// Interface is the interface's id, Reason one of Mismatch.
	Interface string
	Reason    Reason
	// Usage counts the records.
	Usage Usage
	// Direction and Example are the least of the packets, so that they do not
	// depend on the order of the records.
	Direction netfilter.Direction
	Example   netfilter.Packet
}

// NewSummary returns a summary without records.
func NewSummary(n *Network) *Summary {
	return &Summary{
		network: n, rules: make([]ruleCount, len(n.rules)), seen: make([]bool, len(n.places)),
		mismatches: map[mismatchKey]*MismatchUsage{},
	}
}

// Add attributes a record and counts it. The attribution is valid until the next
// call. Nothing is allocated but for the first mismatch of an interface.
func (s *Summary) Add(r *Record) *Attribution {
	a := &s.found
	s.network.Attribute(r, a)
	s.tallies[a.Kind][a.Reason].add(r)
	if a.Kind != NotAttributable {
		s.count(r, a)
	}
	return a
}

func (s *Summary) count(r *Record, a *Attribution) {
	s.seen[a.place.number] = true
	switch a.Kind {
	case Initiated, Reply:
		s.addRules(r, a)
		s.addEntries(r, a, a.ACL == netfilter.Allow)
	case Rejected:
		if a.Reason != ByGroups {
			s.addEntries(r, a, a.Confident)
		}
	case Mismatch:
		s.addMismatch(r, a)
	}
}

func (s *Summary) addRules(r *Record, a *Attribution) {
	for i, rule := range a.Rules {
		c := &s.rules[rule.number]
		if a.Confident {
			c.confident.add(r)
		} else {
			c.ambiguous.add(r)
		}
		port := a.Packet.DstPort
		if !a.forward(rule) {
			port = a.Packet.SrcPort
		}
		if i == 0 || a.Reason != ByPorts {
			c.attributed.add(a.peer, a.Packet.Protocol, port)
		} else {
			c.possible.add(a.peer, a.Packet.Protocol, port)
		}
	}
}

func (s *Summary) addEntries(r *Record, a *Attribution, sure bool) {
	for _, entry := range a.Entries {
		if sure && len(a.Entries) == 1 {
			s.rules[entry.number].confident.add(r)
		} else {
			s.rules[entry.number].ambiguous.add(r)
		}
	}
}

func (s *Summary) addMismatch(r *Record, a *Attribution) {
	key := mismatchKey{a.place.number, a.Reason}
	m := s.mismatches[key]
	if m == nil {
		m = &MismatchUsage{Interface: a.Interface, Reason: a.Reason, Direction: a.Direction, Example: a.Packet}
		s.mismatches[key] = m
	}
	m.Usage.add(r)
	m.least(a.Direction, a.Packet)
}

// least keeps the lesser of two examples.
func (m *MismatchUsage) least(d netfilter.Direction, p netfilter.Packet) {
	q := &m.Example
	order := cmp.Or(
		cmp.Compare(d, m.Direction), p.Src.Compare(q.Src), p.Dst.Compare(q.Dst), cmp.Compare(p.Protocol, q.Protocol),
		cmp.Compare(p.DstPort, q.DstPort), cmp.Compare(p.SrcPort, q.SrcPort),
	)
	if order < 0 {
		m.Direction, m.Example = d, p
	}
}

// Merge adds what another summary of the same Network counted. Summaries of
// different networks give ErrMerge, and nothing is changed.
func (s *Summary) Merge(o *Summary) error {
	if s.network != o.network {
		return ErrMerge
	}
	for i := range s.rules {
		c, d := &s.rules[i], &o.rules[i]
		c.confident.merge(d.confident)
		c.ambiguous.merge(d.ambiguous)
		c.attributed.merge(d.attributed)
		c.possible.merge(d.possible)
	}
	for k := range s.tallies {
		for r := range s.tallies[k] {
			s.tallies[k][r].merge(o.tallies[k][r])
		}
	}
	for i := range s.seen {
		s.seen[i] = s.seen[i] || o.seen[i]
	}
	for key, m := range o.mismatches {
		mine := s.mismatches[key]
		if mine == nil {
			c := *m
			s.mismatches[key] = &c
			continue
		}
		mine.Usage.merge(m.Usage)
		mine.least(m.Direction, m.Example)
	}
	return nil
}

// Rules returns how often each rule of Network.Rules was needed, in that order.
func (s *Summary) Rules() []RuleUsage {
	observed := make([]bool, len(s.rules))
	for i, p := range s.network.places {
		if !s.seen[i] {
			continue
		}
		for d := range directions {
			for _, r := range p.groups.rules[d] {
				observed[r.number] = true
			}
			if p.acl != nil {
				for _, r := range p.acl.entries[d] {
					observed[r.number] = true
				}
				observed[p.acl.closing[d].number] = true
			}
		}
	}
	var out []RuleUsage
	for _, r := range s.network.Rules() {
		c := &s.rules[r.number]
		out = append(out, RuleUsage{Rule: r, Confident: c.confident, Ambiguous: c.ambiguous, Observed: observed[r.number]})
	}
	return out
}

// Tallies returns the number of records of each kind and reason that occurred,
// in the order of the constants.
func (s *Summary) Tallies() []Tally {
	var out []Tally
	for k := range s.tallies {
		for r, u := range s.tallies[k] {
			if u.Records > 0 {
				out = append(out, Tally{Kind(k), Reason(r), u})
			}
		}
	}
	return out
}

// Mismatches returns the contradictions by interface, in the order of the
// snapshot, and by reason.
func (s *Summary) Mismatches() []MismatchUsage {
	var keys []mismatchKey
	for key := range s.mismatches {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b mismatchKey) int {
		return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.reason, b.reason))
	})
	var out []MismatchUsage
	for _, key := range keys {
		out = append(out, *s.mismatches[key])
	}
	return out
}
