// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

func TestReferenceImports(t *testing.T) {
	testkit.ReferenceImports(t, "reference_test.go", "github.com/sallyport-go/sallyport/cloudtrail")
}

// newObviousReader reads the first member of what obvious accepts.
func newObviousReader(stored []byte) io.Reader {
	z, err := gzip.NewReader(bytes.NewReader(stored))
	if err != nil {
		return bytes.NewReader(nil)
	}
	z.Multistream(false)
	return z
}

// tampering makes a trail and does up to four things to it.
type tampering struct {
	random  *rand.Rand
	trail   *testkit.Trail
	chains  []*testkit.TrailChain
	did     []string
	classes testkit.Classes
}

func generate(seed uint64, classes testkit.Classes) (*tampering, time.Time, time.Time, time.Time) {
	g := &tampering{random: rand.New(rand.NewPCG(seed, 7)), trail: testkit.NewTrail(), classes: classes}
	g.trail.AddKey("us-east-1", testkit.TrailKeys[0]())
	g.write(g.trail.Chain())
	second := g.trail.Chain()
	second.Name, second.Start = "second_trail", second.Start.Add(time.Duration(g.random.IntN(120))*time.Minute)
	if g.chance("second trail", 3) {
		g.write(second)
	}
	backfill := g.trail.Chain()
	backfill.Backfill = true
	if g.chance("backfill", 4) {
		g.write(backfill)
	}
	for range g.random.IntN(5) {
		g.tamper()
	}
	var from, to, expect time.Time
	if g.chance("from", 2) {
		from = testkit.TrailStart.Add(time.Duration(g.random.IntN(5*60)-60) * time.Minute)
	}
	if g.chance("to", 2) {
		to = testkit.TrailStart.Add(time.Duration(g.random.IntN(6*60)+60) * time.Minute)
		if to.Before(from) {
			to = from.Add(time.Hour)
		}
	}
	if g.chance("expect", 4) {
		expect = testkit.TrailStart.Add(time.Duration(g.random.IntN(9*60)) * time.Minute)
	}
	return g, from, to, expect
}

func (g *tampering) chance(class string, n int) bool {
	hit := g.random.IntN(n) == 0
	g.classes.Add(class, hit)
	return hit
}

// write writes four to seven hours, some of them odd though signed.
func (g *tampering) write(c *testkit.TrailChain) {
	c.Events = 1
	for h := range 4 + g.random.IntN(4) {
		switch g.random.IntN(40) {
		case 0:
			if h > 0 {
				c.Restart(c.Start.Add(time.Duration(g.random.IntN(240)-60) * time.Minute))
				g.note("restart")
			}
		case 1:
			g.note("starts late")
			c.Edit = func(m map[string]any) {
				start, _ := time.Parse(time.RFC3339, m["digestStartTime"].(string))
				m["digestStartTime"] = start.Add(time.Duration(g.random.IntN(50)+1) * time.Minute).Format(time.RFC3339)
			}
		case 2:
			g.note("starts early")
			c.Edit = func(m map[string]any) {
				start, _ := time.Parse(time.RFC3339, m["digestStartTime"].(string))
				m["digestStartTime"] = start.Add(-time.Minute).Format(time.RFC3339)
			}
		case 3:
			g.note("previous hash")
			c.Edit = func(m map[string]any) {
				if m["previousDigestHashValue"] != nil {
					m["previousDigestHashValue"] = strings.Repeat("1", 64)
				}
			}
		case 4:
			g.note("logs null")
			c.Edit = func(m map[string]any) { m["logFiles"] = nil }
			c.Hour(0)
			continue
		case 5:
			g.note("account")
			c.Edit = func(m map[string]any) { m["awsAccountId"] = "999999999999" }
		}
		c.Hour(g.random.IntN(3))
	}
	g.chains = append(g.chains, c)
}

func (g *tampering) note(what string) {
	g.did = append(g.did, what)
	g.classes.Add(what, true)
}

func (g *tampering) tamper() {
	c := g.chains[g.random.IntN(len(g.chains))]
	digest := c.Digests[g.random.IntN(len(c.Digests))]
	log := ""
	if logs := c.Logs[g.random.IntN(len(c.Logs))]; len(logs) > 0 {
		log = logs[g.random.IntN(len(logs))]
	}
	change := func(path string, f func([]byte) []byte) {
		if body, ok := g.trail.Objects[path]; ok && len(body) > 0 {
			g.trail.Objects[path] = f(bytes.Clone(body))
		}
	}
	switch g.random.IntN(14) {
	case 0, 1, 2:
		g.note("digest deleted")
		delete(g.trail.Objects, digest)
	case 3:
		g.note("digest junk")
		change(digest, func([]byte) []byte { return []byte("junk") })
	case 4:
		g.note("digest flipped")
		change(digest, func(b []byte) []byte { b[g.random.IntN(len(b))] ^= 0x10; return b })
	case 5:
		g.note("metadata deleted")
		delete(g.trail.Meta, digest)
		g.trail.Meta["kept"] = nil
	case 6:
		g.note("digest trailing")
		change(digest, func(b []byte) []byte { return append(b, 0) })
	case 7:
		g.note("junk digest added")
		g.trail.Objects[c.Bucket+"/"+c.DigestKey(testkit.TrailStart.Add(time.Duration(g.random.IntN(420))*time.Minute))] = []byte("junk")
	case 8:
		g.note("tail cut")
		for _, p := range c.Digests[len(c.Digests)-1-g.random.IntN(2):] {
			delete(g.trail.Objects, p)
		}
	case 9:
		g.note("log deleted")
		delete(g.trail.Objects, log)
	case 10:
		g.note("log flipped")
		change(log, func(b []byte) []byte { b[g.random.IntN(len(b))] ^= 0x10; return b })
	case 11:
		g.note("log trailing")
		change(log, func(b []byte) []byte { return append(b, testkit.Gzip(nil)...) })
	case 12, 13:
		g.note("log forged")
		at := testkit.TrailStart.Add(time.Duration(g.random.IntN(9*60)-60) * time.Minute)
		g.trail.Objects[c.Bucket+"/"+c.LogKey(at, fmt.Sprintf("FORGED%010d", g.random.IntN(1e9)))] = testkit.Gzip([]byte("{}"))
	}
}

// TestReference compares the Validator with the slow one on generated
// tamperings.
func TestReference(t *testing.T) {
	n := 200
	switch {
	case testing.Short():
		n = 40
	case full():
		n = 2_000
	}
	classes := testkit.Classes{}
	codesSeen := map[string]int{}
	for seed := range uint64(n) {
		g, from, to, expect := generate(seed, classes)
		if allWithoutMetadata(g) {
			continue // CT-46 is another rule, which TestTrails holds
		}
		files := g.trail.Files()
		want := refCodes(files, from, to, expect)
		tree := fstest.MapFS{}
		for path, data := range files {
			tree[path] = &fstest.MapFile{Data: data, Mode: 0o644}
		}
		rep := validate(t, tree, func(v *cloudtrail.Validator) { v.From, v.To, v.ExpectThrough = from, to, expect })
		require.Equal(t, want, codes(rep), "seed %d: %v, from %v to %v expect %v\n%s", seed, g.did, from, to, expect, asJSON(t, rep))
		for _, c := range want {
			codesSeen[c]++
		}
	}
	classes.Require(t, n)
	t.Logf("codes: %v", codesSeen)
	require.Greater(t, len(codesSeen), 12)
}

// allWithoutMetadata reports a chain in which no digest has metadata.
func allWithoutMetadata(g *tampering) bool {
	for _, c := range g.chains {
		some := false
		for _, d := range c.Digests {
			_, there := g.trail.Objects[d]
			some = some || there && g.trail.Meta[d] != nil
		}
		if !some {
			return true
		}
	}
	return false
}
