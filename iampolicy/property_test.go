// SPDX-License-Identifier: Apache-2.0

package iampolicy_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/iampolicy"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// TestIAM109Properties holds what must be true of every decision, whatever the
// policies, the order of statements and policies included (IAM-54): see the
// name of each step.
func TestIAM109Properties(t *testing.T) {
	rounds := 1500
	if testing.Short() {
		rounds /= 10
	}
	g := newGenerator(109)
	decide := func(c *refCase) iampolicy.Outcome {
		p, r := c.build(t), c.question(t)
		if !r.Principal.IsSession() {
			p.Session = nil
		}
		d := p.Decide(r)
		require.Equal(t, d.Outcome, p.Explain(r).Outcome, "Explain = Decide")
		return d.Outcome
	}
	for range rounds {
		c := g.policies()
		g.request(c)
		was := decide(c)
		changed := func(change func(*refCase)) iampolicy.Outcome {
			other := *c
			change(&other)
			return decide(&other)
		}
		if was != iampolicy.Allowed {
			got := changed(func(c *refCase) { c.Identity = append(slices.Clone(c.Identity), policy(deny("s3:Get*", "*", ""))) })
			require.NotEqual(t, iampolicy.Allowed, got, "adding a Deny never allows")
			got = changed(func(c *refCase) { c.SCP = append(slices.Clone(c.SCP), []string{policy(anything)}) })
			require.NotEqual(t, iampolicy.Allowed, got, "an SCP never grants")
		} else {
			got := changed(func(c *refCase) { c.Identity = append(slices.Clone(c.Identity), policy(anything)) })
			require.Equal(t, iampolicy.Allowed, got, "adding an Allow never denies")
			// Deny with NotPrincipal looks at the boundary (IAM-27), so removing
			// one only ever helps.
			got = changed(func(c *refCase) { c.Boundary = nil })
			require.Equal(t, iampolicy.Allowed, got, "removing a boundary never allows less")
			got = changed(func(c *refCase) { c.SCP, c.RCP = nil, nil })
			require.Equal(t, iampolicy.Allowed, got, "removing levels never allows less")
			if c.Principal != "arn:aws:sts::111111111111:federated-user/ana" {
				got = changed(func(c *refCase) { c.Session = "" })
				require.Equal(t, iampolicy.Allowed, got, "removing a session policy never allows less")
			}
		}
		got := changed(func(c *refCase) {
			c.Identity, c.SCP = slices.Clone(c.Identity), slices.Clone(c.SCP)
			slices.Reverse(c.Identity)
			slices.Reverse(c.SCP)
		})
		require.Equal(t, was, got, "order changes nothing")
		got = changed(func(c *refCase) { c.Identity = append(slices.Clone(c.Identity), c.Identity...) })
		require.Equal(t, was, got, "duplication changes nothing")
	}
}

// TestSetsAreShared decides by one Policies from several goroutines; the race
// detector watches.
func TestSetsAreShared(t *testing.T) {
	g := newGenerator(5)
	c := g.policies()
	c.Session = ""
	p := c.build(t)
	var requests []*iampolicy.Request
	var want []iampolicy.Decision
	for range 50 {
		g.request(c)
		r := c.question(t)
		requests = append(requests, r)
		want = append(want, p.Decide(r))
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i, r := range requests {
				if got := p.Decide(r); got != want[i] {
					t.Errorf("request %d: %v, alone %v", i, got, want[i])
				}
				if x := p.Explain(r); x.Outcome != want[i].Outcome {
					t.Errorf("request %d: explained as %v", i, x.Outcome)
				}
			}
		})
	}
	all.Wait()
}

// TestHotSwap reloads policies, shipped as bytes, while others decide by them;
// the race detector watches. Every decision is by the old policies or by the
// new: one user or the other may, never both or none.
func TestHotSwap(t *testing.T) {
	load := func(who string) *iampolicy.Policies {
		c := refCase{
			Identity:  []string{policy(allow("s3:*", "arn:aws:s3:::b/"+who+"/*", ""))},
			Resources: policy(deny("s3:*", "arn:aws:s3:::b/"+map[string]string{"ana": "ben", "ben": "ana"}[who]+"/*", `"Principal":"*"`)),
		}
		return shippedPolicies(t, c.build(t))
	}
	var current atomic.Pointer[iampolicy.Policies]
	current.Store(load("ana"))
	ask := func(resource string) *iampolicy.Request {
		c := refCase{Resource: resource}.filled()
		return c.question(t)
	}
	ana, ben := ask("arn:aws:s3:::b/ana/x"), ask("arn:aws:s3:::b/ben/x")
	var swapped atomic.Bool
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for !swapped.Load() {
				p := current.Load()
				if a, b := p.Decide(ana), p.Decide(ben); a.Allowed() == b.Allowed() {
					t.Errorf("decided by half of a change: %v and %v", a, b)
					return
				}
			}
		})
	}
	for i := range 500 {
		current.Store(load([]string{"ben", "ana"}[i%2]))
	}
	swapped.Store(true)
	readers.Wait()
	require.True(t, current.Load().Decide(ana).Allowed())
}

// TestIAM107PoliciesAreNotChanged: an evaluator that writes the values of one
// caller into its policies leaks them to the next.
func TestIAM107PoliciesAreNotChanged(t *testing.T) {
	c := refCase{Identity: []string{policy(allow("*", "arn:aws:s3:::b/${aws:username}/*", ""))}, Resource: "arn:aws:s3:::b/ana/x"}.filled()
	p := c.build(t)
	for _, who := range []string{"ana", "ben", "ana"} {
		c.Context = map[string]any{"aws:username": who}
		require.Equal(t, who == "ana", p.Decide(c.question(t)).Allowed())
	}
}

// mutations returns documents made of one by dropping, repeating, swapping,
// emptying or replacing each of its elements in turn, and by changing each byte.
func mutations(t *testing.T, doc string, each func(string)) {
	t.Helper()
	var tree any
	require.NoError(t, json.Unmarshal([]byte(doc), &tree))
	write := func() {
		text, err := json.Marshal(tree)
		require.NoError(t, err)
		each(string(text))
	}
	var visit func(node any, set func(any))
	visit = func(node any, set func(any)) {
		for _, other := range []any{nil, true, 7, "", "*", "${", "arn:aws:s3:::*", []any{}, []any{node, node}, map[string]any{}, map[string]any{"AWS": node}, strings.Repeat("a", 3000)} {
			set(other)
			write()
		}
		set(node)
		switch node := node.(type) {
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(node)) {
				was := node[name]
				delete(node, name)
				write()
				for _, other := range []string{"Not" + name, strings.ToLower(name), strings.ToUpper(name), name + "IfExists", "ForAllValues:" + name, ""} {
					kept, had := node[other]
					node[other] = was
					write()
					delete(node, other)
					if had {
						node[other] = kept
					}
				}
				node[name] = was
				visit(was, func(v any) { node[name] = v })
			}
		case []any:
			for i := range node {
				visit(node[i], func(v any) { node[i] = v })
			}
		}
	}
	visit(tree, func(v any) { tree = v })
	for i := range doc {
		for _, b := range []byte{0, '"', '{', '}', ',', '*', 0x80, doc[i] ^ 0x20} {
			each(doc[:i] + string(rune(b)) + doc[i+1:])
		}
		each(doc[:i] + doc[i+1:])
		each(doc[:i])
	}
}

// TestMutatedDocuments: documents with one element changed are read, validated
// and decided by without panic. What Parse takes Compile takes or refuses;
// what it refuses strictly never allows more when it is taken leniently than
// nothing at all.
func TestMutatedDocuments(t *testing.T) {
	least := 200_000
	if testing.Short() {
		least /= 10
	}
	g := newGenerator(7)
	classes := testkit.Classes{}
	kinds := map[string]iampolicy.Kind{"identity": iampolicy.KindIdentity, "resource": iampolicy.KindResource, "trust": iampolicy.KindTrust, "scp": iampolicy.KindSCP, "endpoint": iampolicy.KindEndpoint, "rcp": iampolicy.KindRCP}
	c := &refCase{}
	n := 0
	for n < least {
		name := pick(g, "identity", "resource", "trust", "scp", "endpoint", "rcp")
		kind := kinds[name]
		var doc string
		for doc == "" || len(doc) > 700 {
			doc = g.document(name)
		}
		g.request(c)
		r := c.question(t)
		mutations(t, doc, func(doc string) {
			if n++; n%97 == 0 {
				g.request(c)
				r = c.question(t)
			}
			found := iampolicy.Validate(kind, []byte(doc))
			lenient, err := iampolicy.Options{Lenient: true}.Parse([]byte(doc))
			strict, errStrict := iampolicy.Parse([]byte(doc))
			classes.Add("read", err == nil)
			classes.Add("read leniently only", err == nil && errStrict != nil)
			classes.Add("not read", err != nil)
			if err != nil {
				require.Error(t, errStrict, doc)
				require.True(t, slices.ContainsFunc(found, func(f iampolicy.Finding) bool { return f.Refused }), "%s: %v", doc, err)
				return
			}
			set, err := iampolicy.Options{Lenient: true}.Compile(kind, lenient)
			require.NoError(t, err, doc)
			p := policiesOf(set)
			d := p.Decide(r)
			require.Equal(t, d.Outcome, p.Explain(r).Outcome, doc)
			if errStrict != nil {
				if lenient.Len() == 1 {
					classes.Add("one statement, read leniently only", true)
					require.False(t, d.Allowed() && !new(iampolicy.Policies).Decide(r).Allowed(), doc)
				}
				return
			}
			if compiled, err := iampolicy.Compile(kind, strict); err == nil {
				require.Equal(t, d, policiesOf(compiled).Decide(r), doc)
				classes.Add("decided", true)
			}
		})
	}
	classes.Require(t, n)
	t.Logf("%d documents, %v", n, classes)
}

// policiesOf puts a set into the field of its kind.
func policiesOf(s *iampolicy.Set) *iampolicy.Policies {
	p := new(iampolicy.Policies)
	switch s.Kind() {
	case iampolicy.KindIdentity:
		p.Identity = s
	case iampolicy.KindResource, iampolicy.KindTrust:
		p.Resource = s
	case iampolicy.KindEndpoint:
		p.Endpoint = s
	case iampolicy.KindSCP:
		p.SCP = []*iampolicy.Set{s}
	case iampolicy.KindRCP:
		p.RCP = []*iampolicy.Set{s}
	}
	return p
}

// full reports whether the long suites run whole.
func full() bool { return os.Getenv("SALLYPORT_FULL") != "" }
