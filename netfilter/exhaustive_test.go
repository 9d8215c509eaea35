// SPDX-License-Identifier: Apache-2.0

package netfilter_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/netfilter"
)

// rounds is the number of rule sets of a comparison: a tenth under -short,
// twenty times with SALLYPORT_FULL=1.
func rounds(n int) int {
	switch {
	case testing.Short():
		return n / 10
	case os.Getenv("SALLYPORT_FULL") == "1":
		return n * 20
	}
	return n
}

var forms = []netfilter.Form{netfilter.Auto, netfilter.Compact, netfilter.Cross}

func TestReferenceImports(t *testing.T) {
	testkit.ReferenceImports(t, "reference_test.go", "github.com/sallyport-go/sallyport/netfilter")
}

// TestGroupsAgreeWithTheReference visits every combination of boundary points
// of generated rule sets (NET-78, NET-79), in both forms: verdict and deciding
// rule must be the reference's.
func TestGroupsAgreeWithTheReference(t *testing.T) {
	g := &uniGenerator{rng: rand.New(rand.NewPCG(1, 2)), classes: testkit.Classes{}}
	effects := testkit.Classes{"allow": 0, "deny": 0, "unresolved": 0}
	cases := 0
	for range rounds(120) {
		groups, resolver := g.groups(6), uniResolver(g.rng)
		policies := compileForms(t, groups, resolver)
		for _, d := range []netfilter.Direction{netfilter.Ingress, netfilter.Egress} {
			uniPackets(d, func(p netfilter.Packet) {
				cases++
				want, ok := refGroups(groups, resolver, d, p)
				if !ok {
					t.Fatalf("the reference calls a rule invalid: %+v", groups)
				}
				effects[want.effect]++
				for i, policy := range policies {
					v := policy.Decide(d, p)
					if v.Effect.String() != want.effect || policy.RuleID(d, v.Rule) != want.rule {
						t.Fatalf("form %d, %s %v: got %s by %q, want %s by %q\nin %+v", i, d, p, v.Effect, policy.RuleID(d, v.Rule), want.effect, want.rule, groups)
					}
				}
			})
		}
	}
	g.classes.Require(t, g.total)
	effects.Require(t, cases)
	t.Logf("%d cases", cases)
}

func compileForms(t *testing.T, groups []netfilter.SecurityGroup, r netfilter.Resolver) []*netfilter.GroupPolicy {
	t.Helper()
	var out []*netfilter.GroupPolicy
	for _, form := range forms {
		c := netfilter.Compiler{Resolver: r, Form: form}
		p, err := c.Groups(groups)
		require.NoError(t, err, fmt.Sprint(groups))
		out = append(out, p)
	}
	return out
}

// TestACLsAgreeWithTheReference does the same for network ACLs whose entries
// stand in random order (NET-27).
func TestACLsAgreeWithTheReference(t *testing.T) {
	g := &uniGenerator{rng: rand.New(rand.NewPCG(3, 4)), classes: testkit.Classes{}}
	effects := testkit.Classes{"allow by an entry": 0, "deny by an entry": 0, "deny by none": 0}
	cases := 0
	for range rounds(120) {
		acl := g.acl(8)
		var policies []*netfilter.ACLPolicy
		for _, form := range forms {
			c := netfilter.Compiler{Form: form}
			p, err := c.ACL(acl)
			require.NoError(t, err)
			policies = append(policies, p)
		}
		for _, d := range []netfilter.Direction{netfilter.Ingress, netfilter.Egress} {
			uniPackets(d, func(p netfilter.Packet) {
				cases++
				want, ok := refACL(acl, d, p)
				if !ok {
					t.Fatalf("the reference calls an entry invalid: %+v", acl)
				}
				switch {
				case want.number == 0:
					effects["deny by none"]++
				default:
					effects[want.effect+" by an entry"]++
				}
				for i, policy := range policies {
					v := policy.Decide(d, p)
					number, _ := policy.RuleNumber(d, v.Rule)
					if v.Effect.String() != want.effect || policy.RuleID(d, v.Rule) != want.rule || number != want.number {
						t.Fatalf("form %d, %s %v: got %s by %d, want %s by %d\nin %+v", i, d, p, v.Effect, number, want.effect, want.number, acl)
					}
				}
			})
		}
	}
	g.classes.Require(t, g.total)
	effects.Require(t, cases)
	t.Logf("%d cases", cases)
}
