// SPDX-License-Identifier: Apache-2.0

package iampolicy_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/iampolicy"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// TestIAM105BenchSet: the set that speed is measured on, here and beside the
// peers, has the statements that IAM-105 names, and every statement of it is
// hit and missed as the reference says. Allocations are held by
// TestDecideDoesNotAllocate; BenchmarkPeers (internal/interop/policypeers,
// miniopolicy) measures against the engines of the table.
func TestIAM105BenchSet(t *testing.T) {
	const n = 1200
	var two, equal, denying int
	for _, s := range testkit.PolicyStatements(n, false) {
		if len(s.Resources) == 2 {
			two++
		}
		if s.Agent != "" {
			equal++
		}
		if s.Deny {
			require.NotEmpty(t, s.Ranges)
			denying++
		}
	}
	require.Equal(t, []int{n / 4, n / 5, n / 10}, []int{two, equal, denying})

	for _, size := range []int{3, 100} {
		for _, flat := range []bool{false, true} {
			doc := benchDocument(t, size, flat)
			p := &iampolicy.Policies{Identity: benchSet(t, iampolicy.KindIdentity, doc)}
			c := refCase{Action: "s3:GetObject", Principal: "arn:aws:iam::111122223333:user/ana", Owner: "111122223333", Identity: []string{string(doc)}, decoded: map[string][]map[string]any{}}
			classes := testkit.Classes{}
			for i := range size + 2 {
				for _, ip := range []string{"192.0.2.7", "203.0.113.9"} {
					c.Resource = fmt.Sprintf("arn:aws:s3:::bucket-%04d/data/2024/x.parquet", i)
					c.Context = map[string]any{"aws:SourceIp": ip, "aws:UserAgent": fmt.Sprintf("agent-%d", i)}
					want := refDecide(&c).Outcome
					require.Equal(t, want, p.Decide(c.question(t)).Outcome.String(), "%d statements, flat %v: %s", size, flat, c.Resource)
					classes.Add("hit", want == yes)
					classes.Add("miss", want != yes)
				}
			}
			classes.Require(t, 2*(size+2))
		}
	}
}

// padded adds statements that say nothing about any request, so that the
// policy has an index.
func padded(t *testing.T, doc string) string {
	t.Helper()
	var d map[string]any
	require.NoError(t, json.Unmarshal([]byte(doc), &d))
	list, several := d["Statement"].([]any)
	if !several {
		list = []any{d["Statement"]}
	}
	for i := range 8 {
		st := map[string]any{"Effect": []string{"Allow", "Deny"}[i%2], "Action": fmt.Sprintf("nosuch:Action%d", i), "Resource": fmt.Sprintf("arn:aws:nosuch:::%d", i)}
		list = append(list, st)
	}
	d["Statement"] = list
	text, err := json.Marshal(d)
	require.NoError(t, err)
	return string(text)
}

// TestIAM106IndexDecidesLikeAScan: a policy so small that it is scanned decides
// like the same one with statements beside it that make it indexed: wildcards
// in the service and in the name, NotAction, NotResource and patterns that
// begin with a wildcard included.
func TestIAM106IndexDecidesLikeAScan(t *testing.T) {
	rounds := 3000
	if testing.Short() {
		rounds /= 10
	}
	g := newGenerator(106)
	classes := testkit.Classes{}
	for n := range rounds {
		doc := g.document("identity")
		if parsed(t, doc).Len() > 3 {
			continue
		}
		c := &refCase{Identity: []string{doc}, decoded: map[string][]map[string]any{}}
		indexed := &refCase{Identity: []string{padded(t, doc)}, decoded: c.decoded}
		p, q := c.build(t), indexed.build(t)
		for range 8 {
			g.request(c)
			r := c.question(t)
			want := p.Decide(r)
			if got := q.Decide(r); got.Outcome != want.Outcome || got.Err != nil {
				t.Fatalf("%d: %v scanned, %v with an index\n%s\n%+v", n, want, got, doc, c)
			}
			classes.Add("allowed", want.Outcome == iampolicy.Allowed)
			classes.Add("denied", want.Outcome == iampolicy.ExplicitDeny)
			classes.Add("neither", want.Outcome == iampolicy.ImplicitDeny)
		}
	}
	classes.Require(t, rounds)
}

// TestIAM106SetsAreData: nothing that a decision reads can be waited for, grown
// or called: sets hold no locks, atomics, maps, channels, functions or
// interfaces, so that actions nobody has heard of leave no trace in them.
func TestIAM106SetsAreData(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var visit func(typ reflect.Type, path string)
	visit = func(typ reflect.Type, path string) {
		if seen[typ] {
			return
		}
		seen[typ] = true
		require.False(t, strings.HasPrefix(typ.PkgPath(), "sync"), path)
		switch typ.Kind() {
		case reflect.Map, reflect.Chan, reflect.Func, reflect.Interface, reflect.UnsafePointer:
			t.Errorf("%s is a %v", path, typ.Kind())
		case reflect.Pointer, reflect.Slice, reflect.Array:
			visit(typ.Elem(), path)
		case reflect.Struct:
			if typ.PkgPath() == "net/netip" {
				return // a value; its zone is interned
			}
			for i := range typ.NumField() {
				f := typ.Field(i)
				visit(f.Type, path+"."+f.Name)
			}
		}
	}
	visit(reflect.TypeFor[iampolicy.Set](), "Set")
	require.Greater(t, len(seen), 20)
}

// TestIAM106OrderOfCandidates: Decide looks at Deny statements first and stops
// at one; Explain looks at all and comes to the same.
func TestIAM106OrderOfCandidates(t *testing.T) {
	list := []string{anything, deny("s3:GetObject", object, "")}
	for i := range 20 {
		list = append(list, allow(fmt.Sprintf("s3:Get%d*", i), "arn:aws:s3:::b/*", ""), deny("sqs:*", "*", ""))
	}
	for range 2 {
		c := identityCase(list...)
		check(t, "a Deny among Allows", c, denied)
		f := c.filled()
		applied := 0
		for _, st := range f.build(t).Explain(f.question(t)).Sets[0].Statements {
			if st.Applied {
				applied++
			}
		}
		require.Equal(t, 2, applied)
		slices.Reverse(list)
	}
}
