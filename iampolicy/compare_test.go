// SPDX-License-Identifier: Apache-2.0

package iampolicy_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport-go/sallyport/iampolicy"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// TestReferenceIsIndependent keeps the reference from calling what it judges.
func TestReferenceIsIndependent(t *testing.T) {
	testkit.ReferenceImports(t, "reference_test.go")
}

// TestAgainstReference compares Decide and Explain with the reference on
// generated policies and requests of all kinds (IAM-108).
func TestAgainstReference(t *testing.T) {
	requests := 200_000
	if testing.Short() {
		requests /= 10
	}
	if os.Getenv("SALLYPORT_FULL") != "" {
		requests *= 10
	}
	const shards, perWorld = 4, 25
	for shard := range uint64(shards) {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			seed := shard + 1
			if testing.Short() {
				seed += 100
			}
			t.Logf("seed %d", seed)
			compareShard(t, seed, requests/shards, perWorld)
		})
	}
}

func compareShard(t *testing.T, seed uint64, requests, perWorld int) {
	g := newGenerator(seed)
	n := 0
	for n < requests {
		c := g.policies()
		p := c.build(t)
		for range perWorld {
			n++
			g.request(c)
			if !compareOne(t, g.classes, c, p) {
				t.Fatalf("seed %d, request %d", seed, n)
			}
		}
	}
	g.classes.Require(t, n)
}

// compareOne compares the answers to one case.
func compareOne(t *testing.T, classes testkit.Classes, c *refCase, p *iampolicy.Policies) bool {
	t.Helper()
	r := c.question(t)
	q := *p
	if !r.Principal.IsSession() {
		q.Session = nil
	}
	want := refDecide(c)
	d := q.Decide(r)
	if classes["asked"]++; classes["asked"]%3 != 0 {
		// Explain costs twenty times as much: it is asked every third time.
		classes.Add("not explained", true)
		if d.Outcome.String() == want.Outcome {
			return true
		}
	}
	x := q.Explain(r)
	got := refAnswer{Outcome: x.Outcome.String(), BlockedBy: x.BlockedBy}
	for _, s := range x.Sets {
		place := s.Type
		if s.Level != "" {
			place += ":" + s.Level
		}
		for i := range s.Statements {
			st := &s.Statements[i]
			name := place + "/" + st.Policy + "/" + st.Name()
			switch {
			case st.Applied && st.Effect == "Deny":
				got.Deny = append(got.Deny, name)
			case st.Applied:
				got.Allow = append(got.Allow, name)
			}
		}
	}
	classes.Add("allowed", want.Outcome == "allowed")
	classes.Add("explicit deny", want.Outcome == "explicitDeny")
	classes.Add("implicit deny", want.Outcome == "implicitDeny")
	classes.Add("blocked", len(want.BlockedBy) > 0)
	classes.Add("pattern resource", d.Pattern)
	classes.Add("indeterminate", d.Indeterminate)
	classes.Add("anonymous", c.Principal == "")
	classes.Add("trust policy", c.Trust)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || d.Outcome != x.Outcome || d.Err != nil || d.Pattern != x.Pattern {
		c.decoded = nil
		text, _ := json.MarshalIndent(c, "", " ")
		t.Errorf("%s\nDecide %v, Explain %v (%v); -reference +package\n%s", text, d.Outcome, x.Outcome, d.Err, diff)
		return false
	}
	return true
}
