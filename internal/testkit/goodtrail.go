// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"crypto/x509"
	"strings"
	"time"
)

// GoodTrails are those in which nothing is wrong but what the codes name.
func GoodTrails() []TrailCase { return append(goodChains(), goodRanges()...) }

// goodChains are what CloudTrail writes: trails, keys, hours and backfills of
// every kind.
func goodChains() []TrailCase {
	return []TrailCase{
		{Name: "plain", Build: nothing, Verdict: "valid"},
		{Name: "no end given", Build: nothing, NoTo: true, Verdict: "valid"},
		{Name: "prefix", Bare: true, Build: func(_ *Trail, c *TrailChain) { c.Prefix = "team/audit"; c.Hours(6, 2) }, Verdict: "valid"},
		{Name: "organization", Bare: true, Build: func(_ *Trail, c *TrailChain) {
			c.Org = "o-exampleorgid"
			c.Hours(6, 2)
			c.sibling(func(d *TrailChain) { d.Org, d.Account = "o-exampleorgid", "444455556666"; d.Hours(6, 1) })
		}, Verdict: "valid"},
		{Name: "two regions", Build: func(t *Trail, c *TrailChain) {
			t.AddKey("eu-west-1", TrailKeys[1]())
			c.sibling(func(d *TrailChain) { d.Region, d.Key = "eu-west-1", TrailKeys[1](); d.Hours(6, 2) })
		}, Verdict: "valid"},
		{Name: "key rotation", Bare: true, Build: func(t *Trail, c *TrailChain) {
			c.Hours(3, 2)
			c.Key = TrailKeys[1]()
			t.AddKey("us-east-1", c.Key)
			c.Hours(3, 2)
		}, Verdict: "valid"},
		{Name: "key as SubjectPublicKeyInfo", Bare: true, Build: func(t *Trail, c *TrailChain) {
			der, _ := x509.MarshalPKIXPublicKey(&c.Key.PublicKey) // of a key just made
			t.Keys["us-east-1"] = []TrailKey{{Value: der, Fingerprint: Fingerprint(der)}}
			for range 6 {
				c.Edit = func(m map[string]any) { m["digestPublicKeyFingerprint"] = Fingerprint(der) }
				c.Hour(1)
			}
		}, Verdict: "valid"},
		{Name: "empty hours", Bare: true, Build: func(_ *Trail, c *TrailChain) { c.Hours(6, 0) }, Verdict: "valid"},
		{Name: "logFiles null", Bare: true, Build: func(_ *Trail, c *TrailChain) {
			c.Hours(3, 1)
			c.Edit = func(m map[string]any) { m["logFiles"] = nil }
			c.Hour(0)
			c.Hours(2, 1)
		}, Verdict: "valid"},
		{Name: "backfill", Build: func(_ *Trail, c *TrailChain) {
			c.sibling(func(d *TrailChain) { d.Backfill = true; d.Hours(3, 1) })
		}, Verdict: "valid"},
		{Name: "backfill with hours between", Build: func(_ *Trail, c *TrailChain) {
			c.sibling(func(d *TrailChain) {
				d.Backfill = true
				d.Hour(1)
				d.Start = d.Start.Add(2 * time.Hour)
				d.Hour(1)
			})
		}, Verdict: "valid"},
	}
}

// goodRanges are trails that changed on their way, and parts of one that were
// asked for.
func goodRanges() []TrailCase {
	return []TrailCase{
		{Name: "bucket change", Bare: true, Build: func(_ *Trail, c *TrailChain) {
			c.Hours(3, 2)
			c.Bucket = "new-logs"
			c.Hours(3, 2)
		}, Verdict: "valid"},
		{Name: "log compressed again", Build: func(t *Trail, c *TrailChain) {
			rewrite(t, c.Logs[1][0], func(b []byte) []byte { return b })
			t.Objects[c.Logs[1][1]][9] = 7 // another operating system
		}, Verdict: "valid"},
		{Name: "two trails in a bucket", Build: func(_ *Trail, c *TrailChain) {
			c.sibling(func(d *TrailChain) { d.Name = "second_trail"; d.Hours(6, 2) })
		}, Verdict: "valid"},
		{Name: "two trails, one checked", Trail: "main", Build: func(_ *Trail, c *TrailChain) {
			c.sibling(func(d *TrailChain) { d.Name = "second_trail"; d.Hours(6, 2) })
		}, Verdict: "valid"},
		{Name: "partial range", From: trailHour(2), To: trailHour(4), Build: nothing, Verdict: "valid"},
		{Name: "older digests expired", From: trailHour(3).Add(-10 * time.Minute), Build: func(t *Trail, c *TrailChain) {
			remove(t, c.Digests[0], c.Digests[1])
		}, Verdict: "valid"},
		{Name: "upper case hex", Bare: true, Build: func(t *Trail, c *TrailChain) {
			c.Hours(2, 1)
			c.Edit = func(m map[string]any) {
				for _, name := range []string{"previousDigestHashValue"} {
					m[name] = strings.ToUpper(m[name].(string))
				}
				e := m["logFiles"].([]any)[0].(map[string]any)
				e["hashValue"] = strings.ToUpper(e["hashValue"].(string))
			}
			c.Hours(4, 1)
			t.Meta[c.Digests[5]]["signature"] = strings.ToUpper(t.Meta[c.Digests[5]]["signature"])
		}, Verdict: "valid"},
		{Name: "gap", Bare: true, Build: func(_ *Trail, c *TrailChain) {
			c.Hours(2, 1)
			c.Restart(trailHour(4))
			c.Hours(2, 1)
		}, Codes: []string{"gap-info"}, Verdict: "valid"},
		{Name: "log listed twice", Bare: true, Build: func(_ *Trail, c *TrailChain) {
			c.Hours(3, 1)
			c.Edit = func(m map[string]any) {
				e := m["logFiles"].([]any)
				m["logFiles"] = append(e, e[0])
			}
			c.Hours(3, 1)
		}, Verdict: "valid"},
	}
}
