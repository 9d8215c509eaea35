// SPDX-License-Identifier: Apache-2.0

package flowlog_test

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/flowlog"
)

// generated is a network with the lines of a log that can be read.
type generated struct {
	inv    *netfilter.Inventory
	net    *flowlog.Network
	format *flowlog.Format
	lines  []string
}

func generate(t *testing.T, seed uint64, lines int) *generated {
	t.Helper()
	g := newGenerator(seed)
	out := &generated{inv: g.inventory()}
	out.net = out.compile(t, out.inv)
	var err error
	out.format, err = flowlog.ParseFormat(formats[seed%uint64(len(formats)-1)])
	require.NoError(t, err)
	names := out.format.Fields()
	for len(out.lines) < lines {
		line := g.line(names)
		if _, bad := refParse(names, line); bad == "" {
			out.lines = append(out.lines, line)
		}
	}
	return out
}

func (g *generated) compile(t *testing.T, inv *netfilter.Inventory) *flowlog.Network {
	t.Helper()
	n, err := flowlog.Compile(flowlog.Snapshot{Inventory: inv, Resolver: resolver(inv)})
	require.NoError(t, err)
	return n
}

// each attributes every line by a network.
func (g *generated) each(t *testing.T, n *flowlog.Network, lines []string, visit func(i int, r *flowlog.Record, a *flowlog.Attribution)) {
	t.Helper()
	var a flowlog.Attribution
	i := 0
	for r, err := range (flowlog.Reader{Format: g.format}).Records(strings.NewReader(strings.Join(lines, "\n"))) {
		require.NoError(t, err)
		n.Attribute(r, &a)
		visit(i, r, &a)
		i++
	}
	require.Equal(t, len(lines), i)
}

func (g *generated) summary(t *testing.T, lines []string) *flowlog.Summary {
	t.Helper()
	s := flowlog.NewSummary(g.net)
	for r, err := range (flowlog.Reader{Format: g.format}).Records(strings.NewReader(strings.Join(lines, "\n"))) {
		require.NoError(t, err)
		s.Add(r)
	}
	return s
}

// outcome is all that a summary tells.
type outcome struct {
	Rules      map[string]flowlog.RuleUsage
	Tallies    []flowlog.Tally
	Mismatches []flowlog.MismatchUsage
	Tight      []netfilter.SecurityGroup
}

func outcomeOf(t *testing.T, g *generated, s *flowlog.Summary) outcome {
	t.Helper()
	o := outcome{Rules: map[string]flowlog.RuleUsage{}, Tallies: s.Tallies(), Mismatches: s.Mismatches()}
	for _, u := range s.Rules() {
		id := u.Rule.ID
		u.Rule = nil
		o.Rules[id] = u
	}
	for _, trust := range []bool{false, true} {
		for _, group := range g.inv.Groups {
			tight, err := flowlog.Tightener{TrustPorts: trust}.Group(s, group.ID)
			require.NoError(t, err)
			o.Tight = append(o.Tight, tight)
		}
	}
	return o
}

var cmpAddrs = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

// TestMerge: summaries of parts, merged in any order, are the summary of the
// whole.
func TestMerge(t *testing.T) {
	for seed := range uint64(12) {
		g := generate(t, seed, 300)
		whole := outcomeOf(t, g, g.summary(t, g.lines))
		rng := rand.New(rand.NewPCG(seed, 1))
		parts := make([][]string, 5)
		for _, line := range g.lines {
			k := rng.IntN(len(parts))
			parts[k] = append(parts[k], line)
		}
		for range 3 {
			rng.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
			merged := flowlog.NewSummary(g.net)
			for _, lines := range parts {
				if len(lines) > 0 {
					require.NoError(t, merged.Merge(g.summary(t, lines)))
				}
			}
			require.Empty(t, cmp.Diff(whole, outcomeOf(t, g, merged), cmpAddrs))
		}
	}
	g := generate(t, 1, 10)
	require.ErrorIs(t, flowlog.NewSummary(g.net).Merge(flowlog.NewSummary(g.compile(t, g.inv))), flowlog.ErrMerge)
}

// TestUsageAgreesWithTheReference counts again from the reference's findings
// (NET-64).
func TestUsageAgreesWithTheReference(t *testing.T) {
	classes := testkit.Classes{}
	for seed := range uint64(16) {
		g := generate(t, seed, 200)
		confident, ambiguous := map[string]uint64{}, map[string]uint64{}
		for _, line := range g.lines {
			values, _ := refParse(g.format.Fields(), line)
			f := refAttribute(g.inv, values)
			if f.kind != "initiated" && f.kind != "reply" {
				continue
			}
			for _, id := range f.rules {
				if f.confident {
					confident[id]++
				} else {
					ambiguous[id]++
				}
			}
		}
		for _, u := range g.summary(t, g.lines).Rules() {
			if u.Rule.Entry {
				continue
			}
			id := u.Rule.ID
			require.Equal(t, [2]uint64{confident[id], ambiguous[id]}, [2]uint64{u.Confident.Records, u.Ambiguous.Records}, id)
			classes.Add("unused", u.Unused())
			classes.Add("confident", u.Confident.Records > 0)
			classes.Add("ambiguous", u.Ambiguous.Records > 0)
		}
	}
	classes.Require(t, 100)
}

// TestUnusedRulesAreNotNeeded takes all unused rules of groups out and
// attributes every record again: what was accepted has the same rules.
func TestUnusedRulesAreNotNeeded(t *testing.T) {
	removed := 0
	for seed := range uint64(16) {
		g := generate(t, seed, 200)
		unused := map[string]bool{}
		for _, u := range g.summary(t, g.lines).Rules() {
			unused[u.Rule.ID] = !u.Rule.Entry && u.Unused()
		}
		less := *g.inv
		less.Groups = nil
		for _, group := range g.inv.Groups {
			var edit netfilter.Edit
			for id, is := range unused {
				if is && strings.HasPrefix(id, group.ID+"/") {
					edit.Remove = append(edit.Remove, id)
				}
			}
			removed += len(edit.Remove)
			after, missing := edit.Apply(group)
			require.Empty(t, missing)
			less.Groups = append(less.Groups, after)
		}
		n := g.compile(t, &less)
		var before []refFinding
		g.each(t, g.net, g.lines, func(_ int, _ *flowlog.Record, a *flowlog.Attribution) { before = append(before, found(a)) })
		g.each(t, n, g.lines, func(i int, r *flowlog.Record, a *flowlog.Attribution) {
			if k := before[i].kind; k == "initiated" || k == "reply" {
				after := found(a)
				after.why = before[i].why // what decided between two explanations decides no longer
				require.Empty(t, cmp.Diff(before[i], after, cmp.AllowUnexported(refFinding{})), "%s", g.lines[i])
			}
		})
	}
	require.Greater(t, removed, 50)
}

// TestTightenCoversAndOnlyRemoves re-evaluates every record by the tightened
// groups: what was accepted still is, what no rule admitted still is not.
func TestTightenCoversAndOnlyRemoves(t *testing.T) {
	fewer, rules := 0, 0
	for seed := range uint64(16) {
		g := generate(t, seed, 200)
		s := g.summary(t, g.lines)
		for _, trust := range []bool{false, true} {
			tight := *g.inv
			tight.Groups = nil
			for i := range g.inv.Groups {
				before := g.inv.Groups[i]
				after, err := flowlog.Tightener{TrustPorts: trust}.Group(s, before.ID)
				require.NoError(t, err)
				removals(t, before, after, *resolver(g.inv))
				tight.Groups = append(tight.Groups, after)
				rules += len(before.Ingress) + len(before.Egress)
				fewer += len(after.Ingress) + len(after.Egress)
			}
			var kinds []flowlog.Kind
			g.each(t, g.net, g.lines, func(_ int, _ *flowlog.Record, a *flowlog.Attribution) { kinds = append(kinds, a.Kind) })
			g.each(t, g.compile(t, &tight), g.lines, func(i int, _ *flowlog.Record, a *flowlog.Attribution) {
				switch kinds[i] {
				case flowlog.Initiated, flowlog.Reply:
					require.Contains(t, []flowlog.Kind{flowlog.Initiated, flowlog.Reply}, a.Kind, g.lines[i])
				case flowlog.Rejected:
					require.Equal(t, flowlog.Rejected, a.Kind, g.lines[i])
				}
			})
		}
	}
	t.Logf("%d rules before, %d after", rules, fewer)
	require.Less(t, fewer, rules/2)
}

// removals holds that a tightened group denies more and admits nothing more.
func removals(t *testing.T, before, after netfilter.SecurityGroup, r netfilter.Resolver) {
	t.Helper()
	was, err := netfilter.CompileGroups([]netfilter.SecurityGroup{before}, r)
	require.NoError(t, err)
	is, err := netfilter.CompileGroups([]netfilter.SecurityGroup{after}, r)
	require.NoError(t, err)
	for c := range netfilter.Diff(was, is) {
		require.NotEqual(t, netfilter.Allow, c.After, "%v", c)
		require.NotEqual(t, netfilter.Deny, c.Before, "%v", c)
	}
}

// TestTighten shows what becomes of single rules.
func TestTighten(t *testing.T) {
	const format = "interface-id srcaddr dstaddr srcport dstport protocol action flow-direction tcp-flags"
	in := func(peer, protocol string, port string) string {
		flags := "0"
		if protocol == "6" {
			flags = "2"
		}
		return "eni-1 " + peer + " 10.0.0.5 40000 " + port + " " + protocol + " ACCEPT ingress " + flags
	}
	cidr := func(v4, protocol string, from, to int) netfilter.Rule {
		return netfilter.Rule{Protocol: protocol, From: from, To: to, Peer: netfilter.Peer{IPv4: v4}}
	}
	group := netfilter.Rule{ID: "sgr-2", Protocol: "tcp", From: 0, To: 65535, Peer: netfilter.Peer{Group: "sg-9"}}
	for name, c := range map[string]struct {
		rules []netfilter.Rule
		lines []string
		want  []string
	}{
		"nothing observed":             {[]netfilter.Rule{cidr("0.0.0.0/0", "tcp", 0, 65535)}, nil, nil},
		"one address, one port":        {[]netfilter.Rule{cidr("0.0.0.0/0", "tcp", 0, 65535)}, []string{in("192.0.2.7", "6", "443")}, []string{"tcp 443 192.0.2.7/32"}},
		"the smallest block and range": {[]netfilter.Rule{cidr("0.0.0.0/0", "tcp", 0, 65535)}, []string{in("192.0.2.7", "6", "443"), in("192.0.2.9", "6", "80")}, []string{"tcp 80-443 192.0.2.0/28"}},
		"all protocols to the one":     {[]netfilter.Rule{cidr("0.0.0.0/0", "-1", -1, -1)}, []string{in("192.0.2.7", "17", "53")}, []string{"udp 53 192.0.2.7/32"}},
		"several protocols stay all":   {[]netfilter.Rule{cidr("0.0.0.0/0", "-1", -1, -1)}, []string{in("192.0.2.7", "17", "53"), in("192.0.2.7", "6", "53")}, []string{"all 192.0.2.7/32"}},
		"ICMP keeps its types":         {[]netfilter.Rule{cidr("0.0.0.0/0", "icmp", 8, -1)}, []string{in("192.0.2.7", "1", "0")}, []string{"icmp 8 192.0.2.7/32"}},
		"all protocols to ICMP":        {[]netfilter.Rule{cidr("0.0.0.0/0", "-1", -1, -1)}, []string{in("192.0.2.7", "1", "0")}, []string{"icmp 192.0.2.7/32"}},
		"GRE":                          {[]netfilter.Rule{cidr("0.0.0.0/0", "-1", -1, -1)}, []string{in("192.0.2.7", "47", "0")}, []string{"47 192.0.2.7/32"}},
		"an unused rule goes":          {[]netfilter.Rule{cidr("192.0.2.0/24", "tcp", 443, 443), cidr("0.0.0.0/0", "tcp", 22, 22)}, []string{in("192.0.2.7", "6", "443")}, []string{"tcp 443 192.0.2.7/32"}},
		"fewest rules first":           {[]netfilter.Rule{cidr("192.0.2.7/32", "tcp", 443, 443), cidr("192.0.2.0/24", "tcp", 0, 65535)}, []string{in("192.0.2.7", "6", "443"), in("192.0.2.5", "6", "443")}, []string{"tcp 443 192.0.2.4/30"}},
		"a group stays a group":        {[]netfilter.Rule{group}, []string{in("10.0.0.6", "6", "443"), in("10.0.0.6", "6", "445")}, []string{"tcp 443-445 sg-9"}},
		"halves make a whole":          {[]netfilter.Rule{cidr("192.0.2.0/25", "tcp", 443, 443), cidr("192.0.2.128/25", "tcp", 443, 443)}, []string{in("192.0.2.0", "6", "443"), in("192.0.2.127", "6", "443"), in("192.0.2.128", "6", "443"), in("192.0.2.255", "6", "443")}, []string{"tcp 443 192.0.2.0/24"}},
		"mapped blocks":                {[]netfilter.Rule{{Protocol: "tcp", From: 443, To: 443, Peer: netfilter.Peer{IPv6: "::ffff:192.0.2.0/120"}}}, []string{in("192.0.2.7", "6", "443")}, []string{"tcp 443 192.0.2.7/32"}},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range c.rules {
				c.rules[i].Permission = i
			}
			inv := inventory(t, `{"NetworkInterfaces":[`+iface("eni-1", "10.0.0.5", "sg-1")+`,`+iface("eni-2", "10.0.0.6", "sg-9")+`],`+openACL+`}`)
			inv.Groups = []netfilter.SecurityGroup{{ID: "sg-1", Ingress: c.rules}, {ID: "sg-9"}}
			n, err := flowlog.Compile(flowlog.Snapshot{Inventory: inv})
			require.NoError(t, err)
			f, err := flowlog.ParseFormat(format)
			require.NoError(t, err)
			s := flowlog.NewSummary(n)
			for r, err := range (flowlog.Reader{Format: f}).Records(strings.NewReader(strings.Join(c.lines, "\n"))) {
				require.NoError(t, err)
				require.Equal(t, flowlog.Initiated, s.Add(r).Kind)
			}
			after, err := flowlog.Tightener{}.Group(s, "sg-1")
			require.NoError(t, err)
			var got []string
			for _, r := range after.Ingress {
				got = append(got, r.String())
			}
			require.Equal(t, c.want, got)
		})
	}
	g := generate(t, 1, 1)
	_, err := flowlog.Tightener{}.Group(flowlog.NewSummary(g.net), "sg-none")
	require.ErrorIs(t, err, flowlog.ErrTighten)
}

// TestTightenKeepsTheIdOfAnUnchangedRule: a rule that could not be narrower stays
// the one that is there.
func TestTightenKeepsTheIdOfAnUnchangedRule(t *testing.T) {
	inv := inventory(t, `{"NetworkInterfaces":[`+iface("eni-1", "10.0.0.5", "sg-1")+`],`+openACL+`}`)
	inv.Groups = []netfilter.SecurityGroup{{ID: "sg-1", Ingress: []netfilter.Rule{{ID: "sgr-7", Protocol: "tcp", From: 443, To: 443, Peer: netfilter.Peer{IPv4: "192.0.2.7/32"}}}}}
	n, err := flowlog.Compile(flowlog.Snapshot{Inventory: inv})
	require.NoError(t, err)
	s := flowlog.NewSummary(n)
	s.Add(one(t, defaultNames, "2 1 eni-1 192.0.2.7 10.0.0.5 40000 443 6 1 1 1 1 ACCEPT OK"))
	after, err := flowlog.Tightener{}.Group(s, "sg-1")
	require.NoError(t, err)
	require.Equal(t, inv.Groups[0].Ingress, after.Ingress)
	require.Empty(t, after.Egress)
	require.Equal(t, "sgr-7", s.Rules()[0].Rule.ID)
}

// TestTrustPorts: in the default format an answer from port 443 may as well be a
// connection to the client's port.
func TestTrustPorts(t *testing.T) {
	inv := inventory(t, `{"SecurityGroups":[{"GroupId":"sg-1","IpPermissions":[{"IpProtocol":"tcp","FromPort":443,"ToPort":443,"IpRanges":[{"CidrIp":"0.0.0.0/0"}]}],`+anyOut+`}],
		"NetworkInterfaces":[`+iface("eni-1", "10.0.0.5", "sg-1")+`],`+openACL+`}`)
	n, err := flowlog.Compile(flowlog.Snapshot{Inventory: inv})
	require.NoError(t, err)
	s := flowlog.NewSummary(n)
	a := s.Add(one(t, defaultNames, "2 1 eni-1 10.0.0.5 192.0.2.7 443 40000 6 10 1 1 1 ACCEPT OK"))
	require.Equal(t, [2]any{flowlog.Reply, flowlog.ByPorts}, [2]any{a.Kind, a.Reason})
	require.False(t, a.Confident)
	for _, u := range s.Rules() {
		if !u.Rule.Entry {
			require.Zero(t, u.Confident)
			require.Equal(t, u.Rule.Text != "all ::/0", u.Ambiguous.Records == 1, u.Rule.ID)
		}
	}
	safe, err := flowlog.Tightener{}.Group(s, "sg-1")
	require.NoError(t, err)
	require.Equal(t, "tcp 40000 192.0.2.7/32", safe.Egress[0].String())
	trusting, err := flowlog.Tightener{TrustPorts: true}.Group(s, "sg-1")
	require.NoError(t, err)
	require.Empty(t, trusting.Egress)
	require.Equal(t, "tcp 443 192.0.2.7/32", trusting.Ingress[0].String())
}

// TestUnobservedRules: a log of other interfaces says nothing about a rule.
func TestUnobservedRules(t *testing.T) {
	g := generate(t, 3, 0)
	s := flowlog.NewSummary(g.net)
	for _, u := range s.Rules() {
		require.False(t, u.Observed)
		require.False(t, u.Unused())
	}
	require.Empty(t, s.Tallies())
	require.Empty(t, s.Mismatches())
}

// TestSumsStopAtTheHighestNumber: a log with absurd counts does not begin again at
// zero.
func TestSumsStopAtTheHighestNumber(t *testing.T) {
	g := generate(t, 3, 0)
	s := flowlog.NewSummary(g.net)
	line := "2 1 eni-9 10.0.0.1 10.0.0.2 1 2 6 1 18446744073709551615 7 9 ACCEPT OK"
	s.Add(one(t, defaultNames, line))
	s.Add(one(t, defaultNames, strings.Replace(line, " 7 9 ", " 5 6 ", 1)))
	require.NoError(t, s.Merge(s))
	require.Equal(t, []flowlog.Tally{{
		Kind: flowlog.NotAttributable, Reason: flowlog.UnknownInterface,
		Usage: flowlog.Usage{Records: 4, Packets: 4, Bytes: math.MaxUint64, First: 5, Last: 9},
	}}, s.Tallies())
}
