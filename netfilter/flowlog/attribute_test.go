// SPDX-License-Identifier: Apache-2.0

package flowlog_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/netfilter/flowlog"
)

func TestReferenceImports(t *testing.T) {
	testkit.ReferenceImports(t, "reference_test.go", "github.com/sallyport-go/sallyport/netfilter")
	testkit.ReferenceImports(t, "referenceline_test.go")
}

// found writes an attribution as the reference has it.
func found(a *flowlog.Attribution) refFinding {
	f := refFinding{kind: a.Kind.String(), why: a.Reason.String(), confident: a.Confident}
	if a.Kind == flowlog.NotAttributable {
		return f
	}
	f.direction = a.Direction.String()
	for _, r := range a.Rules {
		f.rules = append(f.rules, r.ID)
	}
	for _, r := range a.Entries {
		f.entries = append(f.entries, r.ID)
	}
	if len(f.rules) > 0 {
		f.first = f.rules[0]
	}
	slices.Sort(f.rules)
	slices.Sort(f.entries)
	return f
}

// compareRecord holds parse and attribution of a line against the reference.
func compareRecord(t *testing.T, names []string, line string, r *flowlog.Record, err error) map[string]string {
	t.Helper()
	values, bad := refParse(names, line)
	var e *flowlog.ParseError
	switch {
	case errors.As(err, &e):
		want := bad
		if bad == "*" {
			want = ""
		}
		require.NotEmpty(t, bad, "%q: %v", line, err)
		require.Equal(t, want, e.Field, "%q: %v", line, err)
		return nil
	case bad != "":
		require.Fail(t, "read", "%q: the reference finds a fault in %s", line, bad)
	}
	var again []string
	for _, name := range names {
		v, ok := values[name]
		require.Equal(t, ok, r.Has(name), "%q: %s", line, name)
		if !ok {
			v = "-"
		}
		again = append(again, v)
	}
	require.Equal(t, strings.Join(again, " "), string(r.Append(nil)))
	return values
}

// TestAgreesWithTheReference reads and attributes generated logs.
func TestAgreesWithTheReference(t *testing.T) {
	networks, lines := 180, 150
	if testing.Short() {
		networks = 30
	}
	classes := testkit.Classes{}
	total := 0
	for seed := range networks {
		g := newGenerator(uint64(seed))
		g.classes = classes
		inv := g.inventory()
		n, err := flowlog.Compile(flowlog.Snapshot{Inventory: inv, Resolver: resolver(inv)})
		require.NoError(t, err)
		names := strings.Fields(formats[seed%len(formats)])
		f, err := flowlog.ParseFormat(strings.Join(names, " "))
		require.NoError(t, err)
		var log []string
		for range lines {
			log = append(log, g.line(names))
		}
		var a flowlog.Attribution
		i := 0
		for r, err := range (flowlog.Reader{Format: f}).Records(strings.NewReader(strings.Join(log, "\n"))) {
			for strings.TrimSpace(log[i]) == "" && log[i] == "" {
				i++
			}
			line := log[i]
			i++
			total++
			values := compareRecord(t, names, line, r, err)
			classes.Add("fault", values == nil)
			if values == nil {
				continue
			}
			want := refAttribute(inv, values)
			for range 2 { // the second may be remembered
				n.Attribute(r, &a)
				got := found(&a)
				if want.first == "" {
					got.first = ""
				}
				if d := cmp.Diff(want, got, cmp.AllowUnexported(refFinding{})); d != "" {
					t.Fatalf("seed %d %q\n%s", seed, line, d)
				}
			}
			for _, kind := range []string{"not attributable", "initiated", "reply", "rejected", "mismatch"} {
				classes.Add(kind, want.kind == kind)
			}
			for _, why := range []string{"no interface", "unknown interface", "no data", "skipped data", "no action", "missing field", "addresses of two families", "not IP", "unknown direction", "not logged by AWS", "only way", "TCP flags", "lower port", "unknown peer", "any ICMP type", "groups", "ACL", "groups or ACL", "nothing admits it", "nothing denies it"} {
				classes.Add(why, want.why == why)
			}
			classes.Add("several rules", len(want.rules) > 1)
		}
		for i < len(log) && log[i] == "" {
			i++
		}
		require.Equal(t, len(log), i)
	}
	t.Log(classes)
	if !testing.Short() {
		classes.Require(t, total)
	}
}
