// SPDX-License-Identifier: Apache-2.0

package netfilter

import "slices"

// Edit changes the rules of a security group.
type Edit struct {
	// Remove are the ids of rules to take out, as RuleID names them.
	Remove []string
	// Ingress and Egress are rules to add.
	Ingress, Egress []Rule
}

// Apply returns the group with the edit made, and the ids of Remove that name no
// rule of it. The group itself is not changed. Added rules without an id are
// numbered after the others.
func (e Edit) Apply(g SecurityGroup) (after SecurityGroup, missing []string) {
	found := map[string]bool{}
	edit := func(d Direction, add []Rule) []Rule {
		next := 0
		var out []Rule
		for _, r := range g.Rules(d) {
			next = max(next, r.Permission+1)
			if id := r.name(g.ID, d); slices.Contains(e.Remove, id) {
				found[id] = true
				continue
			}
			out = append(out, r)
		}
		for i, r := range add {
			r.Permission = next + i
			out = append(out, r)
		}
		return out
	}
	after = g
	after.Ingress, after.Egress = edit(Ingress, e.Ingress), edit(Egress, e.Egress)
	for _, id := range e.Remove {
		if !found[id] {
			missing = append(missing, id)
		}
	}
	return after, missing
}
