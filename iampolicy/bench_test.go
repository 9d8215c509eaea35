// SPDX-License-Identifier: Apache-2.0

package iampolicy_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/iampolicy"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

func benchDocument(tb testing.TB, n int, flat bool) []byte {
	tb.Helper()
	return testkit.PolicyDocument(tb, testkit.PolicyStatements(n, flat))
}

// measure times f, on the wall and on the processor.
func measure(b *testing.B, f func()) {
	start := testkit.CPUTime()
	for b.Loop() {
		f()
	}
	b.ReportMetric(float64(testkit.CPUTime()-start)/float64(b.N), "cpu-ns/op")
}

func benchSet(tb testing.TB, kind iampolicy.Kind, doc []byte) *iampolicy.Set {
	tb.Helper()
	o := iampolicy.Options{MaxBytes: 8 << 20}
	p, err := o.Parse(doc)
	require.NoError(tb, err)
	s, err := o.Compile(kind, p)
	require.NoError(tb, err)
	return s
}

// benchRequest asks for an object of the bucket i.
func benchRequest(tb testing.TB, i int) *iampolicy.Request {
	tb.Helper()
	who, err := iampolicy.ParsePrincipal("arn:aws:iam::111122223333:user/ana")
	require.NoError(tb, err)
	r := &iampolicy.Request{Principal: who, Action: "s3:GetObject", Resource: fmt.Sprintf("arn:aws:s3:::bucket-%04d/data/2024/x.parquet", i), ResourceAccount: "111122223333"}
	r.Context.Set("aws:SourceIp", "192.0.2.7")
	r.Context.Set("aws:UserAgent", fmt.Sprintf("agent-%d", i))
	r.Context.Set("aws:username", "ana")
	r.Context.SetBool("aws:SecureTransport", true)
	return r
}

func BenchmarkDecide(b *testing.B) {
	for _, n := range []int{3, 100, 1200, 10000} {
		for _, flat := range []bool{false, true} {
			p := &iampolicy.Policies{Identity: benchSet(b, iampolicy.KindIdentity, benchDocument(b, n, flat))}
			for _, hit := range []bool{true, false} {
				i := n / 2
				if !hit {
					i = n + 1
				}
				r := benchRequest(b, i)
				b.Run(fmt.Sprintf("n=%d/flat=%v/hit=%v", n, flat, hit), func(b *testing.B) {
					require.Equal(b, hit, p.Decide(r).Allowed())
					b.ReportAllocs()
					measure(b, func() {
						p.Decide(r)
					})
				})
			}
		}
	}
}

// BenchmarkDecideAll decides over all kinds of policies and two levels of an
// organization.
func BenchmarkDecideAll(b *testing.B) {
	small := benchDocument(b, 3, false)
	bucket := []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}},
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/ben"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket-0002/*"},
		{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket-0002/*"}]}`)
	everything := []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"organizations:LeaveOrganization","Resource":"*"},{"Effect":"Deny","NotAction":["s3:*","iam:*"],"Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":"eu-west-1"}}}]}`)
	rcp := []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"StringNotEqualsIfExists":{"aws:username":"ana"}}}]}`)
	endpoint := []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}]}`)
	p := &iampolicy.Policies{
		Identity: benchSet(b, iampolicy.KindIdentity, small), Boundary: benchSet(b, iampolicy.KindBoundary, everything),
		Session: benchSet(b, iampolicy.KindSession, everything), Resource: benchSet(b, iampolicy.KindResource, bucket), Endpoint: benchSet(b, iampolicy.KindEndpoint, endpoint),
		SCP: []*iampolicy.Set{benchSet(b, iampolicy.KindSCP, everything), benchSet(b, iampolicy.KindSCP, everything)},
		RCP: []*iampolicy.Set{benchSet(b, iampolicy.KindRCP, rcp), benchSet(b, iampolicy.KindRCP, rcp)},
	}
	r := benchRequest(b, 0)
	var err error
	r.Principal, err = iampolicy.ParsePrincipal("arn:aws:sts::111122223333:assumed-role/app/s")
	require.NoError(b, err)
	require.True(b, p.Decide(r).Allowed(), "%v", p.Explain(r))
	identity := &iampolicy.Policies{Identity: p.Identity}
	b.Run("identity", func(b *testing.B) {
		b.ReportAllocs()
		measure(b, func() {
			identity.Decide(r)
		})
	})
	b.Run("all", func(b *testing.B) {
		b.ReportAllocs()
		measure(b, func() {
			p.Decide(r)
		})
	})
	b.Run("explain", func(b *testing.B) {
		b.ReportAllocs()
		measure(b, func() {
			identity.Explain(r)
		})
	})
}

// decoded is the plain types that a program without this package would decode
// a policy into.
type decoded struct {
	Version   string
	Statement []struct {
		Sid, Effect string
		Action      any
		Resource    any
		Condition   map[string]map[string]any
	}
}

func BenchmarkParseCompile(b *testing.B) {
	for _, n := range []int{3, 100, 1200} {
		doc := benchDocument(b, n, false)
		b.Run(fmt.Sprintf("n=%d/parse", n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(doc)))
			measure(b, func() {
				_, _ = iampolicy.Parse(doc)
			})
		})
		b.Run(fmt.Sprintf("n=%d/parse+compile", n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(doc)))
			measure(b, func() {
				p, _ := iampolicy.Parse(doc)
				_, _ = iampolicy.Compile(iampolicy.KindIdentity, p)
			})
		})
		b.Run(fmt.Sprintf("n=%d/encoding-json", n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(doc)))
			measure(b, func() {
				var d decoded
				_ = json.Unmarshal(doc, &d)
			})
		})
	}
}

// benchBatch asks as many callers as given, each with the medium set of
// policies, about objects of as many buckets.
func benchBatch(tb testing.TB, callers, targets, actions int) (*iampolicy.Batch, []*iampolicy.Caller, []*iampolicy.Target, []string) {
	tb.Helper()
	set := benchSet(tb, iampolicy.KindIdentity, benchDocument(tb, 100, false))
	r := benchRequest(tb, 0)
	cs := make([]*iampolicy.Caller, callers)
	for i := range cs {
		cs[i] = &iampolicy.Caller{Principal: r.Principal, Context: r.Context, Policies: iampolicy.Policies{Identity: set}}
	}
	ts := make([]*iampolicy.Target, targets)
	for i := range ts {
		ts[i] = &iampolicy.Target{Resource: fmt.Sprintf("arn:aws:s3:::bucket-%04d/data/2024/x.parquet", i*97%150), Account: "111122223333"}
	}
	as := []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:GetObjectTagging"}[:actions]
	return &iampolicy.Batch{Callers: slices.Values(cs), Actions: slices.Values(as), Targets: slices.Values(ts)}, cs, ts, as
}

// BenchmarkBatch compares a batch of 40,000 questions, with one and with two
// workers, with a loop over Decide that asks the same.
func BenchmarkBatch(b *testing.B) {
	b.Run("actions=4", func(b *testing.B) { benchmarkBatch(b, 20, 500, 4) })
	b.Run("actions=1", func(b *testing.B) { benchmarkBatch(b, 20, 2000, 1) })
}

func benchmarkBatch(b *testing.B, callers, targets, actions int) {
	batch, cs, ts, as := benchBatch(b, callers, targets, actions)
	loop := func(cs []*iampolicy.Caller) (allowed int) {
		for _, c := range cs {
			p := &c.Policies
			r := iampolicy.Request{Principal: c.Principal, Context: c.Context}
			for _, t := range ts {
				r.Resource, r.ResourceAccount = t.Resource, t.Account
				for _, action := range as {
					r.Action = action
					if p.Decide(&r).Allowed() {
						allowed++
					}
				}
			}
		}
		return allowed
	}
	halves := func() {
		var second sync.WaitGroup
		second.Go(func() { loop(cs[len(cs)/2:]) })
		loop(cs[:len(cs)/2])
		second.Wait()
	}
	run := func(workers int) (allowed int) {
		batch.Workers = workers
		for a, err := range batch.Run(b.Context()) {
			if err == nil && a.Decision.Allowed() {
				allowed++
			}
		}
		return allowed
	}
	require.Positive(b, loop(cs))
	require.Equal(b, loop(cs), run(2))
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			// Many at a time: the system counts what a thread on the other processor
			// has used a few milliseconds late.
			testkit.Beside(b, 40, func() { run(workers) }, func() { loop(cs) })
		})
	}
	// How much sooner two workers are done than the loop, and how much sooner two
	// goroutines with half of the loop each and nothing to hand over: what the
	// machine's processors give. More than one has to be idle for either.
	b.Run("speedup", func(b *testing.B) {
		least := [3]time.Duration{1 << 62, 1 << 62, 1 << 62}
		for b.Loop() {
			for i, f := range [3]func(){func() { run(2) }, func() { loop(cs) }, halves} {
				start := time.Now()
				f()
				least[i] = min(least[i], time.Since(start))
			}
		}
		b.ReportMetric(float64(least[1])/float64(least[0]), "speedup")
		b.ReportMetric(float64(least[1])/float64(least[2]), "halves")
	})
}

// BenchmarkValidate compares Validate with the parsing of the same document.
func BenchmarkValidate(b *testing.B) {
	for _, n := range []int{3, 100} {
		doc := benchDocument(b, n, false)
		p, err := iampolicy.Parse(doc)
		require.NoError(b, err)
		parse := func() { _, _ = iampolicy.Parse(doc) }
		b.Run(fmt.Sprintf("n=%d/parsed", n), func(b *testing.B) {
			testkit.Beside(b, 1000/n, func() { p.Validate(iampolicy.KindIdentity) }, parse)
		})
		b.Run(fmt.Sprintf("n=%d/text", n), func(b *testing.B) {
			testkit.Beside(b, 1000/n, func() { iampolicy.Validate(iampolicy.KindIdentity, doc) }, parse)
		})
	}
}
