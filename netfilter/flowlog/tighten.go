// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/sallyport-go/sallyport/netfilter"
)

// Tightener makes rule sets that admit the traffic of a summary and nothing that
// the rules do not admit today. The zero value keeps, for traffic that may have
// begun on either side, the rules of both.
type Tightener struct {
	// TrustPorts takes the side with the lower port for the one that was asked,
	// where nothing else tells: logs in the default format have no TCP flags.
	TrustPorts bool
}

// Group returns the security group with the fewest rules, and among those with
// the fewest addresses, that merging and narrowing its rules gives; the fewest
// possible are not promised. A rule is narrowed to the smallest block, protocol
// and range of ports that hold the traffic attributed to it; references to
// groups and prefix lists, and ICMP types, stay as they are. Rules that nothing
// needs are left out, also those that were not observed: see RuleUsage.
//
// Two things are proven before the group is returned, and are ErrTighten if they
// fail: netfilter.Diff finds that packets are denied that were admitted, and no
// others; and every rule's observed traffic is admitted.
func (t Tightener) Group(s *Summary, id string) (netfilter.SecurityGroup, error) {
	g := s.network.groups[id]
	if g == nil {
		return netfilter.SecurityGroup{}, fmt.Errorf("%w: there is no group %.64q", ErrTighten, id)
	}
	after, observed := *g, *g
	for _, d := range directions {
		used := t.used(s, id, d)
		needed := make([]netfilter.Rule, len(used))
		for i := range used {
			needed[i] = used[i].narrowed
		}
		rules := gather(used)
		if d == ingress {
			after.Ingress, observed.Ingress = rules, needed
		} else {
			after.Egress, observed.Egress = rules, needed
		}
	}
	after, err := netfilter.Minimise(after, s.network.resolver)
	if err != nil {
		return netfilter.SecurityGroup{}, fmt.Errorf("%w: %w", ErrTighten, err)
	}
	return after, s.network.prove(*g, after, observed)
}

// usedRule is a rule with the traffic it is needed for.
type usedRule struct {
	rule, narrowed netfilter.Rule
	traffic        hull
}

// used returns the rules of a group that some traffic needs.
func (t Tightener) used(s *Summary, id string, d netfilter.Direction) []usedRule {
	var out []usedRule
	for _, number := range s.network.of[id][d] {
		h := s.rules[number].attributed
		if !t.TrustPorts {
			h.merge(s.rules[number].possible)
		}
		if r := s.network.rules[number].rule; h.seen {
			out = append(out, usedRule{r, h.narrow(r), h})
		}
	}
	return out
}

// gather narrows the rules, after it has given the traffic of each rule to
// another one that admits it too, where there is such: the narrowest first, to
// the one that grows least.
func gather(used []usedRule) []netfilter.Rule {
	used = slices.Clone(used)
	order := make([]int, len(used))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(bitsOf(used[b].rule), bitsOf(used[a].rule)), cmp.Compare(ports(used[a].rule), ports(used[b].rule)))
	})
	gone := make([]bool, len(used))
	for _, b := range order {
		best := -1
		var grown usedRule
		for a := range used {
			if a == b || gone[a] || !covers(used[a].rule, used[b].narrowed) {
				continue
			}
			u := used[a]
			u.traffic.merge(used[b].traffic)
			u.narrowed = u.traffic.narrow(u.rule)
			if best < 0 || smaller(u.narrowed, grown.narrowed) {
				best, grown = a, u
			}
		}
		if best >= 0 {
			used[best], gone[b] = grown, true
		}
	}
	var out []netfilter.Rule
	for i, u := range used {
		if !gone[i] {
			out = append(out, u.narrowed)
		}
	}
	return out
}

// bitsOf is the length of a rule's block; a reference's counts as 0.
func bitsOf(r netfilter.Rule) int {
	p := blockOf(r)
	if !p.IsValid() {
		return 0
	}
	return p.Bits() + 128 - p.Addr().BitLen()
}

// smaller orders rules by their addresses, then by their ports.
func smaller(a, b netfilter.Rule) bool {
	return cmp.Or(cmp.Compare(bitsOf(b), bitsOf(a)), cmp.Compare(ports(a), ports(b))) < 0
}

// prove compares the group before and after: nothing may be admitted that was
// not, and nothing may be missing that was observed.
func (n *Network) prove(before, after, observed netfilter.SecurityGroup) error {
	c := netfilter.Compiler{Resolver: n.resolver, Lenient: true, Form: netfilter.Compact}
	was, err := c.Groups([]netfilter.SecurityGroup{before})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTighten, err)
	}
	is, err := c.Groups([]netfilter.SecurityGroup{after})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTighten, err)
	}
	for change := range netfilter.Diff(was, is) {
		if change.After == netfilter.Allow || change.Before == netfilter.Deny {
			return fmt.Errorf("%w: %s would admit more, such as %s", ErrTighten, after.ID, change.Witness)
		}
	}
	with, err := c.Groups([]netfilter.SecurityGroup{after, observed})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTighten, err)
	}
	for change := range netfilter.Diff(is, with) {
		return fmt.Errorf("%w: %s would not admit observed traffic, such as %s", ErrTighten, after.ID, change.Witness)
	}
	return nil
}
