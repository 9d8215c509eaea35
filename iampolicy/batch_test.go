// SPDX-License-Identifier: Apache-2.0

package iampolicy_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/iampolicy"
)

// single is the question of a batch, put alone.
func single(c *iampolicy.Caller, action string, t *iampolicy.Target, tags map[string]any) iampolicy.Decision {
	p := t.Policies
	p.Identity, p.Boundary, p.Session, p.Endpoint, p.SCP = c.Policies.Identity, c.Policies.Boundary, c.Policies.Session, c.Policies.Endpoint, c.Policies.SCP
	r := iampolicy.Request{
		Principal: c.Principal, Action: action, Resource: t.Resource, ResourceAccount: t.Account, WildcardOnly: action == "s3:ListAllMyBuckets",
		ManagementPrincipal: c.Management, ManagementResource: t.Management, AWSManagedKey: t.AWSManagedKey,
	}
	for key, v := range tags {
		switch v := v.(type) {
		case string:
			r.Context.Set(key, v)
		case []string:
			r.Context.SetList(key, v)
		}
	}
	return p.Decide(&r)
}

// batchWorld is a generated batch, with the context of each half again.
type batchWorld struct {
	callers []*iampolicy.Caller
	targets []*iampolicy.Target
	actions []string
	keys    map[*iampolicy.Caller]map[string]any
	tags    map[*iampolicy.Target]map[string]any
}

func (g *generator) batch(t *testing.T) *batchWorld {
	w := &batchWorld{keys: map[*iampolicy.Caller]map[string]any{}, tags: map[*iampolicy.Target]map[string]any{}}
	for range 1 + g.IntN(5) {
		c := g.policies()
		g.request(c)
		p, r := c.build(t), c.question(t)
		if !r.Principal.IsSession() && g.IntN(3) > 0 {
			p.Session = nil
		}
		caller := &iampolicy.Caller{Principal: r.Principal, Context: r.Context, Management: r.ManagementPrincipal, Policies: iampolicy.Policies{Identity: p.Identity, Boundary: p.Boundary, Session: p.Session, Endpoint: p.Endpoint, SCP: p.SCP}}
		w.callers, w.keys[caller] = append(w.callers, caller), c.Context
	}
	for range g.IntN(6) {
		c := g.policies()
		g.request(c)
		p := c.build(t)
		target := &iampolicy.Target{Resource: c.Resource, Account: c.Owner, Management: c.ManagementResource, Policies: iampolicy.Policies{Resource: p.Resource, RCP: p.RCP, RestrictPublicBuckets: p.RestrictPublicBuckets}}
		tags := map[string]any{}
		if g.IntN(2) == 0 {
			for i := range 1 + g.IntN(20) {
				tags[fmt.Sprintf("aws:ResourceTag/t%02d", i)] = "x"
			}
			if g.IntN(4) == 0 {
				tags[pick(g, genKeys...)] = "ana" // some callers have it too
			}
		}
		for key, v := range tags {
			target.Context.Set(key, v.(string))
		}
		w.targets, w.tags[target] = append(w.targets, target), tags
	}
	for range g.IntN(40) {
		w.actions = append(w.actions, pick(g, append(genActions, "s3:ListAllMyBuckets", "sts:AssumeRole")...))
	}
	return w
}

func (w *batchWorld) all() *iampolicy.Batch {
	return &iampolicy.Batch{
		Callers: slices.Values(w.callers), Actions: slices.Values(w.actions), Targets: slices.Values(w.targets),
		WildcardOnly: func(action string) bool { return action == "s3:ListAllMyBuckets" },
	}
}

// TestBatchIsSingle: the answers of a batch are those of Decide, each question
// put alone, in the order promised, whatever the number of workers.
func TestBatchIsSingle(t *testing.T) {
	least := 200_000
	if testing.Short() {
		least /= 10
	}
	g := newGenerator(95)
	n := 0
	for n < least {
		w := g.batch(t)
		b := w.all()
		b.Workers = g.IntN(4)
		next, stop := iter.Pull2(b.Run(t.Context()))
		for _, c := range w.callers {
			for _, target := range w.targets {
				for _, action := range w.actions {
					n++
					got, err, ok := next()
					require.True(t, ok)
					require.NoError(t, err)
					require.Same(t, c, got.Caller)
					require.Same(t, target, got.Target)
					require.Equal(t, action, got.Action)
					both := map[string]any{}
					for key, v := range w.keys[c] {
						both[key] = v
					}
					clash := false
					for key, v := range w.tags[target] {
						clash = clash || c.Context.Has(key)
						both[key] = v
					}
					g.classes.Add("a key of both", clash)
					if clash {
						require.ErrorIs(t, got.Decision.Err, iampolicy.ErrRequest)
						require.False(t, got.Decision.Allowed())
						continue
					}
					want := single(c, action, target, both)
					if want.Err != nil { // a session policy for a principal that is no session
						require.EqualError(t, got.Decision.Err, want.Err.Error())
						want.Err = got.Decision.Err
					}
					require.Equal(t, want, got.Decision)
					g.classes.Add("allowed", want.Allowed())
					g.classes.Add("denied explicitly", want.Outcome == iampolicy.ExplicitDeny)
					g.classes.Add("cannot be judged", want.Err != nil)
				}
			}
		}
		_, _, ok := next()
		require.False(t, ok)
		stop()
	}
	g.classes.Require(t, n)
	t.Logf("%d questions", n)
}

// TestBatchBoundaryAndRoot: what depends on the caller and on the action is
// asked for each: a Deny with NotPrincipal spares nobody who has a boundary
// (IAM-27), and the bucket policy does not keep its owner's root from the
// bucket policy, but from the objects (IAM-111).
func TestBatchBoundaryAndRoot(t *testing.T) {
	c := refCase{
		Identity: []string{policy(anything)}, Boundary: []string{policy(anything)},
		Resources: policy(`{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::111111111111:user/ana"},"Action":"*","Resource":"*"}`),
	}.filled()
	p := c.build(t)
	ana := principalOf(t, "arn:aws:iam::111111111111:user/ana", "")
	callers := []*iampolicy.Caller{
		{Principal: ana, Policies: iampolicy.Policies{Identity: p.Identity}},
		{Principal: ana, Policies: iampolicy.Policies{Identity: p.Identity, Boundary: p.Boundary}},
		{Principal: ana, Policies: iampolicy.Policies{Identity: p.Identity}},
		{Principal: principalOf(t, root, "")},
	}
	b := iampolicy.Batch{
		Callers: slices.Values(callers), Actions: slices.Values([]string{"s3:GetObject", "s3:GetBucketPolicy", "s3:GetObject"}),
		Targets: slices.Values([]*iampolicy.Target{{Resource: "arn:aws:s3:::b", Account: "111111111111", Policies: iampolicy.Policies{Resource: p.Resource}}}),
	}
	var got []bool
	for a, err := range b.Run(t.Context()) {
		require.NoError(t, err)
		got = append(got, a.Decision.Allowed())
	}
	require.Equal(t, []bool{true, true, true, false, false, false, true, true, true, false, true, false}, got)
}

func openBatch(t *testing.T, callers, actions int) *iampolicy.Batch {
	t.Helper()
	c := identityCase(anything).filled()
	caller := &iampolicy.Caller{Principal: c.question(t).Principal, Policies: *c.build(t)}
	target := &iampolicy.Target{Resource: "arn:aws:s3:::b/k", Account: "111111111111"}
	return &iampolicy.Batch{
		Callers: slices.Values(slices.Repeat([]*iampolicy.Caller{caller}, callers)),
		Actions: slices.Values(slices.Repeat([]string{"s3:GetObject"}, actions)),
		Targets: slices.Values([]*iampolicy.Target{target, target}),
		Workers: 3,
	}
}

// TestBatchEnds: whoever leaves the loop, by break, by an error, by cancelling
// or by a panic, leaves no goroutine behind.
func TestBatchEnds(t *testing.T) {
	// A bubble waits for its goroutines, and fails when one waits for ever.
	synctest.Test(t, testBatchEnds)
}

func testBatchEnds(t *testing.T) {
	count := func(ctx context.Context, b *iampolicy.Batch, stop func(n int) bool) (n int, err error) {
		for a, e := range b.Run(ctx) {
			if e != nil {
				require.Zero(t, a)
				return n, e
			}
			require.True(t, a.Decision.Allowed())
			if n++; stop(n) {
				break
			}
		}
		return n, nil
	}
	never := func(int) bool { return false }
	n, err := count(t.Context(), openBatch(t, 700, 7), never)
	require.NoError(t, err)
	require.Equal(t, 700*7*2, n)
	for _, at := range []int{1, 511, 512, 513, 5000} {
		n, err = count(t.Context(), openBatch(t, 700, 7), func(n int) bool { return n == at })
		require.NoError(t, err)
		require.Equal(t, at, n)
	}

	ctx, cancel := context.WithCancel(t.Context())
	n, err = count(ctx, openBatch(t, 100_000, 7), func(n int) bool {
		if n == 600 {
			cancel()
		}
		return false
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, n, 2000)
	n, err = count(ctx, openBatch(t, 1, 1), never)
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, n)

	require.PanicsWithValue(t, "out", func() {
		_, _ = count(t.Context(), openBatch(t, 700, 7), func(int) bool { panic("out") })
	})
}

// TestBatchErrors: policies in the wrong half are an error, behind the answers
// before it, and never ignored.
func TestBatchErrors(t *testing.T) {
	set, err := iampolicy.Compile(iampolicy.KindResource)
	require.NoError(t, err)
	run := func(b *iampolicy.Batch) (n int, err error) {
		for _, e := range b.Run(t.Context()) {
			if err = e; e == nil {
				n++
			}
		}
		return n, err
	}
	first := func(b *iampolicy.Batch) *iampolicy.Caller {
		for c := range b.Callers {
			return c
		}
		return nil
	}
	for name, p := range map[string]iampolicy.Policies{
		"Resource": {Resource: set}, "RCP": {RCP: []*iampolicy.Set{}}, "Grants": {Grants: []iampolicy.Grant{}}, "ACL": {ACL: &iampolicy.ACL{}},
		"RestrictPublicBuckets": {RestrictPublicBuckets: true}, "RCPServices": {RCPServices: map[string]bool{}},
	} {
		b := openBatch(t, 1, 1)
		b.Callers = slices.Values([]*iampolicy.Caller{first(b), {Policies: p}, first(b)})
		n, err := run(b)
		require.ErrorIs(t, err, iampolicy.ErrRequest, name)
		require.Equal(t, 2, n, name)
	}
	for name, p := range map[string]iampolicy.Policies{
		"Identity": {Identity: set}, "Boundary": {Boundary: set}, "Session": {Session: set}, "Endpoint": {Endpoint: set}, "SCP": {SCP: []*iampolicy.Set{}},
	} {
		b := openBatch(t, 1, 1)
		b.Targets = slices.Values([]*iampolicy.Target{{Policies: p}})
		n, err := run(b)
		require.ErrorIs(t, err, iampolicy.ErrRequest, name)
		require.Zero(t, n, name)
	}
	b := openBatch(t, 1, 1)
	b.Callers = slices.Values([]*iampolicy.Caller{nil})
	_, err = run(b)
	require.ErrorIs(t, err, iampolicy.ErrRequest)
	b.Targets = slices.Values([]*iampolicy.Target{nil})
	_, err = run(b)
	require.ErrorIs(t, err, iampolicy.ErrRequest)
	n, err := run(new(iampolicy.Batch))
	require.NoError(t, err)
	require.Zero(t, n)

	// A Set of the wrong kind is what Decide says of it.
	b = openBatch(t, 1, 1)
	first(b).Policies.Identity = set
	for a, err := range b.Run(t.Context()) {
		require.NoError(t, err)
		require.ErrorIs(t, a.Decision.Err, iampolicy.ErrRequest)
	}
	b = openBatch(t, 1, 1)
	b.Targets = slices.Values([]*iampolicy.Target{{Resource: "arn:aws:s3:::b/k", Account: "111111111111", Policies: iampolicy.Policies{Resource: first(b).Policies.Identity}}})
	for a, err := range b.Run(t.Context()) {
		require.NoError(t, err)
		require.ErrorContains(t, a.Decision.Err, "a Set of kind identity where resource belongs")
	}
	// And a target whose own keys contradict each other.
	target := &iampolicy.Target{}
	target.Context.Set("a:b", "1")
	target.Context.Set("A:b", "2")
	b = openBatch(t, 1, 1)
	b.Targets = slices.Values([]*iampolicy.Target{target})
	for a, err := range b.Run(t.Context()) {
		require.NoError(t, err)
		require.ErrorIs(t, a.Decision.Err, iampolicy.ErrRequest)
	}
	// Both halves together hold 10,000 values at most.
	b = openBatch(t, 1, 1)
	target = &iampolicy.Target{Resource: "arn:aws:s3:::b/k", Account: "111111111111"}
	for i := range 5000 {
		first(b).Context.Set(fmt.Sprintf("x:a%d", i), "")
		target.Context.Set(fmt.Sprintf("x:b%d", i), "")
	}
	b.Targets = slices.Values([]*iampolicy.Target{target})
	for a, err := range b.Run(t.Context()) {
		require.NoError(t, err)
		require.True(t, a.Decision.Allowed())
	}
	target.Context.Set("x:more", "")
	for a, err := range b.Run(t.Context()) {
		require.NoError(t, err)
		require.ErrorIs(t, a.Decision.Err, iampolicy.ErrLimit)
	}
}
