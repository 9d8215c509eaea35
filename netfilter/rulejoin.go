// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"fmt"
	"slices"
)

// ruleKey is what a rule says, whichever shape it was read from.
type ruleKey struct {
	direction Direction
	transport transport
	raw       string // of a rule without meaning
	peer      string
}

func keyOf(d Direction, r *Rule) ruleKey {
	k := ruleKey{direction: d, peer: r.Peer.text()}
	t, fault := r.transportOf()
	if fault != nil {
		k.raw = fmt.Sprintf("%s/%d/%d", r.Protocol, r.From, r.To)
	}
	k.transport = t
	return k
}

// joinRules gives the rules of groups the ids that SecurityGroupRules lists.
// Where the two shapes disagree on a group, the listed rules are the group's.
func (m *merger) joinRules() {
	if len(m.rules.items) == 0 {
		return
	}
	var order []string
	listed := map[string][]listedRule{}
	for _, l := range m.rules.items {
		if _, ok := listed[l.Group]; !ok {
			order = append(order, l.Group)
		}
		listed[l.Group] = append(listed[l.Group], l)
	}
	for i := range m.inv.Groups {
		g := &m.inv.Groups[i]
		if rules, ok := listed[g.ID]; ok {
			m.joinGroup(g, rules)
		} else if len(g.Ingress)+len(g.Egress) > 0 {
			m.find(Finding{Code: "shape-mismatch", Where: g.ID, Detail: "its rules are missing from SecurityGroupRules; those of SecurityGroups are kept"})
		}
	}
	for _, id := range order {
		if m.inv.Group(id) == nil {
			g := SecurityGroup{ID: id, Owner: listed[id][0].Owner}
			g.take(listed[id])
			m.inv.Groups = append(m.inv.Groups, g)
		}
	}
}

func (m *merger) joinGroup(g *SecurityGroup, listed []listedRule) {
	ids := map[ruleKey][]string{}
	for i := range listed {
		k := keyOf(listed[i].Direction, &listed[i].Rule)
		ids[k] = append(ids[k], listed[i].Rule.ID)
	}
	left, missing := len(listed), 0
	for _, d := range []Direction{Ingress, Egress} {
		rules := g.Rules(d)
		for i := range rules {
			k := keyOf(d, &rules[i])
			if len(ids[k]) == 0 {
				missing++
				continue
			}
			rules[i].ID, ids[k] = ids[k][0], ids[k][1:]
			left--
		}
	}
	if left == 0 && missing == 0 {
		return
	}
	m.find(Finding{
		Code: "shape-mismatch", Where: g.ID,
		Detail: fmt.Sprintf("%d rules only in SecurityGroups, %d only in SecurityGroupRules; the latter are taken", missing, left),
	})
	g.take(listed)
}

// take replaces the group's rules by the listed ones.
func (g *SecurityGroup) take(listed []listedRule) {
	var rules [2][]Rule
	for _, l := range listed {
		l.Rule.Permission = len(rules[l.Direction])
		rules[l.Direction] = append(rules[l.Direction], l.Rule)
	}
	g.Ingress, g.Egress = slices.Clip(rules[Ingress]), slices.Clip(rules[Egress])
}
