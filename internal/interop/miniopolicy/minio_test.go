// SPDX-License-Identifier: Apache-2.0

package miniopolicy

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/minio/pkg/v3/policy"

	"github.com/sallyport-go/sallyport/iampolicy"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

type question struct {
	action, bucket, object, ip, agent string
}

type engines struct {
	ours   *iampolicy.Policies
	theirs *policy.Policy
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func newEngines(tb testing.TB, n int, flat bool) *engines {
	tb.Helper()
	statements := testkit.PolicyStatements(n, flat)
	if flat {
		// minio/pkg takes a * for any action's resource, as IAM does.
		for i := range statements {
			statements[i].Resources = []string{"arn:aws:s3:::*"}
		}
	}
	text := testkit.PolicyDocument(tb, statements)
	o := iampolicy.Options{MaxBytes: 8 << 20}
	doc, err := o.Parse(text)
	must(tb, err)
	set, err := o.Compile(iampolicy.KindIdentity, doc)
	must(tb, err)
	theirs, err := policy.ParseConfig(bytes.NewReader(text))
	must(tb, err)
	return &engines{ours: &iampolicy.Policies{Identity: set}, theirs: theirs}
}

func (q question) forUs(tb testing.TB) *iampolicy.Request {
	tb.Helper()
	who, err := iampolicy.ParsePrincipal("arn:aws:iam::111122223333:user/ana")
	must(tb, err)
	r := &iampolicy.Request{Principal: who, Action: q.action, Resource: "arn:aws:s3:::" + q.bucket + "/" + q.object, ResourceAccount: "111122223333"}
	r.Context.Set("aws:SourceIp", q.ip)
	r.Context.Set("aws:UserAgent", q.agent)
	return r
}

func (q question) forThem() policy.Args {
	return policy.Args{
		AccountName: "ana", Action: policy.Action(q.action), BucketName: q.bucket, ObjectName: q.object,
		ConditionValues: map[string][]string{"SourceIp": {q.ip}, "UserAgent": {q.agent}},
	}
}

func (e *engines) agree(tb testing.TB, q question) bool {
	tb.Helper()
	ours, theirs := e.ours.Decide(q.forUs(tb)).Allowed(), e.theirs.IsAllowed(q.forThem())
	if ours != theirs {
		tb.Fatalf("%+v: %v here, %v by minio/pkg", q, ours, theirs)
	}
	return ours
}

// TestSameDecisions asks both engines the same questions.
func TestSameDecisions(t *testing.T) {
	cases, allowed := 0, 0
	for _, n := range []int{3, 100, 1200} {
		for _, flat := range []bool{false, true} {
			e := newEngines(t, n, flat)
			g := rand.New(rand.NewPCG(uint64(n), 2))
			for range 100 {
				i := g.IntN(n + 2)
				q := question{
					action: []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}[g.IntN(3)],
					bucket: fmt.Sprintf("bucket-%04d", i), object: []string{"data", "more", "other"}[g.IntN(3)] + "/x",
					ip: []string{"192.0.2.7", "203.0.113.9"}[g.IntN(2)], agent: fmt.Sprintf("agent-%d", i),
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
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "github.com/minio/pkg/v3").Output()
	must(t, err)
	testkit.Report(t, "interop", "iampolicy/minio-pkg", strings.TrimSpace(string(out)), cases)
}

// BenchmarkPeers measures both engines on the same requests.
func BenchmarkPeers(b *testing.B) {
	for _, n := range []int{3, 100, 1200} {
		for _, flat := range []bool{false, true} {
			e := newEngines(b, n, flat)
			for _, hit := range []bool{true, false} {
				i := n / 2
				if !hit {
					i = n + 1
				}
				q := question{action: "s3:GetObject", bucket: fmt.Sprintf("bucket-%04d", i), object: "data/2024/x.parquet", ip: "192.0.2.7", agent: fmt.Sprintf("agent-%d", i)}
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
				b.Run(name+"/engine=minio", func(b *testing.B) {
					b.ReportAllocs()
					start := testkit.CPUTime()
					for b.Loop() {
						e.theirs.IsAllowed(theirs)
					}
					b.ReportMetric(float64(testkit.CPUTime()-start)/float64(b.N), "cpu-ns/op")
				})
			}
		}
	}
}
