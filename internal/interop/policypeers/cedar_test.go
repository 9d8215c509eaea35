// SPDX-License-Identifier: Apache-2.0

package policypeers

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/cedar-policy/cedar-go"

	"github.com/sallyport-go/sallyport/iampolicy"
	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// cedarText writes statements in Cedar: one policy a statement, its action in
// the scope, resources and conditions in the body.
func cedarText(statements []testkit.PolicyStatement) []byte {
	var b strings.Builder
	for _, s := range statements {
		effect := "permit"
		if s.Deny {
			effect = "forbid"
		}
		fmt.Fprintf(&b, "%s (principal, action == Action::%q, resource)", effect, s.Action)
		var all []string
		var resources []string
		for _, r := range s.Resources {
			if r != "*" {
				resources = append(resources, fmt.Sprintf("context.resource like %q", r))
			}
		}
		if resources != nil {
			all = append(all, "("+strings.Join(resources, " || ")+")")
		}
		if s.Agent != "" {
			all = append(all, fmt.Sprintf("context.agent == %q", s.Agent))
		}
		var ranges []string
		for _, r := range s.Ranges {
			ranges = append(ranges, fmt.Sprintf("context.ip.isInRange(ip(%q))", r))
		}
		if ranges != nil {
			all = append(all, "("+strings.Join(ranges, " || ")+")")
		}
		if all != nil {
			fmt.Fprintf(&b, " when { %s }", strings.Join(all, " && "))
		}
		b.WriteString(";\n")
	}
	return []byte(b.String())
}

// question is one request for both engines.
type question struct {
	action, resource, ip, agent string
}

type engines struct {
	ours     *iampolicy.Policies
	theirs   *cedar.PolicySet
	entities cedar.EntityMap
}

func newEngines(tb testing.TB, n int, flat bool) *engines {
	tb.Helper()
	statements := testkit.PolicyStatements(n, flat)
	o := iampolicy.Options{MaxBytes: 8 << 20}
	doc, err := o.Parse(testkit.PolicyDocument(tb, statements))
	must(tb, err)
	set, err := o.Compile(iampolicy.KindIdentity, doc)
	must(tb, err)
	theirs, err := cedar.NewPolicySetFromBytes("set.cedar", cedarText(statements))
	must(tb, err)
	return &engines{ours: &iampolicy.Policies{Identity: set}, theirs: theirs}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func (q question) forUs(tb testing.TB) *iampolicy.Request {
	tb.Helper()
	who, err := iampolicy.ParsePrincipal("arn:aws:iam::111122223333:user/ana")
	must(tb, err)
	r := &iampolicy.Request{Principal: who, Action: q.action, Resource: q.resource, ResourceAccount: "111122223333"}
	r.Context.Set("aws:SourceIp", q.ip)
	r.Context.Set("aws:UserAgent", q.agent)
	return r
}

func (q question) forThem() cedar.Request {
	return cedar.Request{
		Principal: cedar.NewEntityUID("User", "ana"),
		Action:    cedar.NewEntityUID("Action", cedar.String(q.action)),
		Resource:  cedar.NewEntityUID("Object", cedar.String(q.resource)),
		Context: cedar.NewRecord(cedar.RecordMap{
			"resource": cedar.String(q.resource),
			"agent":    cedar.String(q.agent),
			"ip":       cedar.IPAddr(netip.PrefixFrom(netip.MustParseAddr(q.ip), 32)),
		}),
	}
}

func (e *engines) agree(tb testing.TB, q question) bool {
	tb.Helper()
	ours := e.ours.Decide(q.forUs(tb)).Allowed()
	decision, _ := cedar.Authorize(e.theirs, e.entities, q.forThem())
	if theirs := decision == cedar.Allow; ours != theirs {
		tb.Fatalf("%+v: %v here, %v by cedar-go", q, ours, theirs)
	}
	return ours
}

// TestSameDecisions asks both engines the same questions.
func TestSameDecisions(t *testing.T) {
	cases, allowed := 0, 0
	for _, n := range []int{3, 100, 1200} {
		for _, flat := range []bool{false, true} {
			e := newEngines(t, n, flat)
			g := rand.New(rand.NewPCG(uint64(n), 1))
			for range 200 {
				i := g.IntN(n + 2)
				q := question{
					action:   []string{"s3:GetObject", "s3:PutObject", "s3:ListBucket"}[g.IntN(3)],
					resource: fmt.Sprintf("arn:aws:s3:::bucket-%04d/%s/x", i, []string{"data", "more", "other"}[g.IntN(3)]),
					ip:       []string{"192.0.2.7", "203.0.113.9"}[g.IntN(2)],
					agent:    fmt.Sprintf("agent-%d", i),
				}
				if e.agree(t, q) {
					allowed++
				}
				cases++
			}
		}
	}
	if allowed < cases/20 {
		t.Errorf("only %d of %d requests allowed", allowed, cases)
	}
	testkit.Report(t, "interop", "iampolicy/cedar", interop.ModuleVersion(t, "github.com/cedar-policy/cedar-go"), cases)
}

// BenchmarkPeers measures both engines on the same requests: hit is allowed,
// miss is denied because nothing matches.
func BenchmarkPeers(b *testing.B) {
	for _, n := range []int{3, 100, 1200, 10_000} {
		for _, flat := range []bool{false, true} {
			if flat && n > 1200 {
				continue
			}
			e := newEngines(b, n, flat)
			for _, hit := range []bool{true, false} {
				i := n / 2
				if !hit {
					i = n + 1
				}
				q := question{action: "s3:GetObject", resource: fmt.Sprintf("arn:aws:s3:::bucket-%04d/data/2024/x.parquet", i), ip: "192.0.2.7", agent: fmt.Sprintf("agent-%d", i)}
				if e.agree(b, q) != hit {
					b.Fatalf("%+v: hit %v expected", q, hit)
				}
				name := fmt.Sprintf("n=%d/indexable=%v/hit=%v", n, !flat, hit)
				ours, theirs := q.forUs(b), q.forThem()
				b.Run(name+"/engine=iampolicy", func(b *testing.B) {
					b.ReportAllocs()
					start := testkit.CPUTime()
					for b.Loop() {
						e.ours.Decide(ours)
					}
					b.ReportMetric(float64(testkit.CPUTime()-start)/float64(b.N), "cpu-ns/op")
				})
				if n > 1200 {
					continue
				}
				b.Run(name+"/engine=cedar", func(b *testing.B) {
					b.ReportAllocs()
					start := testkit.CPUTime()
					for b.Loop() {
						cedar.Authorize(e.theirs, e.entities, theirs)
					}
					b.ReportMetric(float64(testkit.CPUTime()-start)/float64(b.N), "cpu-ns/op")
				})
			}
		}
	}
}
