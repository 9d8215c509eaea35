// SPDX-License-Identifier: Apache-2.0

package iampolicy_test

import (
	"encoding/json"
	"fmt"
	"testing"

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
