// SPDX-License-Identifier: Apache-2.0

//go:build !race

package iampolicy_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/iampolicy"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// TestDecideDoesNotAllocate decides generated requests of all kinds.
func TestDecideDoesNotAllocate(t *testing.T) {
	g := newGenerator(9)
	for range 40 {
		c := g.policies()
		p := c.build(t)
		for range 10 {
			g.request(c)
			r := c.question(t)
			q := *p
			if !r.Principal.IsSession() {
				q.Session = nil
			}
			testkit.AllocsAtMost(t, 0, func() { q.Decide(r) })
		}
	}
	for _, n := range []int{3, 100, 1200} {
		for _, flat := range []bool{false, true} {
			p := &iampolicy.Policies{Identity: benchSet(t, iampolicy.KindIdentity, benchDocument(t, n, flat))}
			r := benchRequest(t, n/2)
			testkit.AllocsAtMost(t, 0, func() { p.Decide(r) })
		}
	}
}

// TestIAM106UnknownActions: actions nobody has heard of cost no memory, however
// many they are.
func TestIAM106UnknownActions(t *testing.T) {
	p := &iampolicy.Policies{Identity: benchSet(t, iampolicy.KindIdentity, benchDocument(t, 1200, false))}
	requests := make([]*iampolicy.Request, 512)
	for i := range requests {
		requests[i] = benchRequest(t, i)
		requests[i].Action = fmt.Sprintf("service%d:Action%d", i%7, i)
	}
	var outcomes iampolicy.Outcome
	testkit.AllocsAtMost(t, 0, func() {
		for _, r := range requests {
			outcomes |= p.Decide(r).Outcome
		}
	})
	require.Equal(t, iampolicy.ImplicitDeny, outcomes)
}

// TestBatchAllocations: what a batch allocates does not grow with its
// questions.
func TestBatchAllocations(t *testing.T) {
	b, _, targets, _ := benchBatch(t, 400, 50, 4)
	b.Workers = 2
	for i := range 3 {
		for j := range 16 {
			targets[10*i].Context.Set(fmt.Sprintf("aws:ResourceTag/t%d", j), "x")
		}
	}
	n := 0
	testkit.AllocsAtMost(t, 80, func() { // for 80,000 questions
		for a, err := range b.Run(t.Context()) {
			require.NoError(t, err)
			n += int(a.Decision.Outcome)
		}
	})
	require.Positive(t, n)
}

// TestParseCompileAllocations holds the ceiling of IAM-104.
func TestParseCompileAllocations(t *testing.T) {
	doc := benchDocument(t, 100, false)
	testkit.AllocsAtMost(t, 100, func() {
		p, _ := iampolicy.Parse(doc)
		_, _ = iampolicy.Compile(iampolicy.KindIdentity, p)
	})
}

// TestCompiledSize: a set of 1,200 statements, its documents included, stays
// under 1 MB.
func TestCompiledSize(t *testing.T) {
	doc := benchDocument(t, 1200, false)
	sets := make([]*iampolicy.Set, 8)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range sets {
		sets[i] = benchSet(t, iampolicy.KindIdentity, doc)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	size := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / int64(len(sets))
	t.Logf("%d bytes a set of 1,200 statements in %d bytes of text", size, len(doc))
	require.LessOrEqual(t, size, int64(1_000_000))
	runtime.KeepAlive(sets)
}
