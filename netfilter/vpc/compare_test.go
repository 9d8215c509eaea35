// SPDX-License-Identifier: Apache-2.0

package vpc_test

import (
	"os"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/netfilter/vpc"
)

// TestReferenceImports: the reference is the standard library's and the types'.
func TestReferenceImports(t *testing.T) {
	for _, f := range []string{"reference_test.go", "reference_filter_test.go", "reference_walk_test.go", "reference_gateway_test.go"} {
		testkit.ReferenceImports(t, f, "github.com/sallyport-go/sallyport/netfilter", "github.com/sallyport-go/sallyport/netfilter/vpc")
	}
}

// TestReference asks the package and the reference the same questions about
// generated VPCs: answers, blocks and hops are the same (NET-46 to NET-55,
// NET-84).
func TestReference(t *testing.T) {
	worlds := 400
	if os.Getenv("SALLYPORT_FULL") == "1" {
		worlds = 20000
	} else if testing.Short() {
		worlds = 150
	}
	g := newWorldGenerator(1)
	total := 0
	for range worlds {
		w := g.world()
		s := w.snapshot(t)
		for range 12 {
			if g.compare(t, s, w) {
				total++
			}
		}
	}
	t.Log(total, g.classes)
	g.classes.Require(t, total)
}

// compare asks one question, and reports whether it has an answer.
func (g *worldGenerator) compare(t *testing.T, s *vpc.Snapshot, w *refWorld) bool {
	from, to, traffic := g.question(w)
	p, err := s.Path(endpoint(from), endpoint(to), traffic)
	if err != nil {
		require.ErrorIs(t, err, vpc.ErrQuery)
		return false
	}
	reach, reply, leaves := refPath(w, from, to, traffic)
	show := func() string {
		return strings.Join([]string{from, to, string(w.documents(t)[0].Data)}, "\n")
	}
	require.Equal(t, reach, p.Reachable.String(), "%+v\n%+v\n%+v\n%s", traffic, p, leaves, showLater(show))
	require.Equal(t, reply, p.Reply.String(), "%+v\n%+v\n%+v\n%s", traffic, p, leaves, showLater(show))
	g.count(w, p, leaves)
	if reach == "unresolved" || reply == "unresolved" || len(leaves) > 1 {
		return true
	}
	require.Equal(t, leaves[0].first.hops, kinds(p.Hops), "%s", showLater(show))
	want := sorted(leaves[0].blocks)
	if reach != "no" {
		want = sorted(append(want, suffixed(leaves[0].replyBlocks, " reply")...))
	}
	if reach == "yes" && reply != "no" {
		want = nil
	}
	require.Equal(t, want, sorted(split(blocks(p))), "%+v\n%s", p, showLater(show))
	return true
}

type showLater func() string

func (f showLater) String() string { return f() }

func kinds(hops []vpc.Hop) (out []string) {
	for _, h := range hops {
		out = append(out, h.Kind+":"+h.ID)
	}
	return out
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ", ")
}

func suffixed(in []string, s string) (out []string) {
	for _, x := range in {
		out = append(out, x+s)
	}
	return out
}

func sorted(in []string) []string {
	out := slices.Clone(in)
	sort.Strings(out)
	out = slices.Compact(out)
	if len(out) == 0 {
		return nil
	}
	return out
}

// count counts what the questions met.
func (g *worldGenerator) count(w *refWorld, p vpc.Path, leaves []refLeaf) {
	for _, a := range []vpc.Answer{vpc.Yes, vpc.No, vpc.Partly, vpc.Unresolved} {
		g.classes.Add("reachable "+a.String(), p.Reachable == a)
		g.classes.Add("reply "+a.String(), p.Reachable != vpc.No && p.Reply == a)
	}
	for _, k := range []string{"igw", "nat", "eigw", "pcx", "tgw", "vpce", "internet", "aws-services", "vgw"} {
		g.classes.Add("by "+k, slices.ContainsFunc(p.Hops, func(h vpc.Hop) bool { return h.Kind == k }))
	}
	for _, c := range []vpc.Code{
		vpc.SGEgress, vpc.SGIngress, vpc.ACLOut, vpc.ACLIn, vpc.NoRoute, vpc.RouteMismatch, vpc.RouteState, vpc.State, vpc.AttachmentState,
		vpc.SrcDstCheck, vpc.NoPublicAddress, vpc.PublicAccessBlocked, vpc.NoSuchAddress, vpc.NATUnsolicited, vpc.NATProtocol, vpc.Loop,
	} {
		g.classes.Add(string(c), slices.ContainsFunc(p.Blocks, func(b vpc.Block) bool { return b.Code == c }))
	}
	g.classes.Add("equal routes", len(leaves) > 1)
	g.classes.Add("IPv6", leaves[0].first.p.dst.Is6() && leaves[0].first.p.dst != addr("::"))
	middle := p.Hops[min(1, len(p.Hops)-1) : len(p.Hops)-min(1, len(p.Hops)-1)]
	g.classes.Add("forwarded by an interface", slices.ContainsFunc(middle, func(h vpc.Hop) bool { return h.Kind == "eni" }))
}
