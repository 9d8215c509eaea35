// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"slices"
	"strings"
	"time"
)

func tamperedChains() []TrailCase {
	return slices.Concat(deletedDigests(), deletedTails(), brokenChains(), copiedTrails())
}

// deletedDigests are trails with holes in them.
func deletedDigests() []TrailCase {
	return []TrailCase{
		{Name: "digest deleted", Codes: []string{"digest-missing"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) { remove(t, c.Digests[2]) }},
		{Name: "two digests deleted", Codes: []string{"digest-missing", "digest-missing"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) {
			remove(t, c.Digests[2], c.Digests[3])
		}},
		{Name: "four digests deleted", Codes: []string{"digest-missing", "digest-missing", "digest-missing", "digest-missing"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) {
			remove(t, c.Digests[1], c.Digests[2], c.Digests[3], c.Digests[4])
		}},
		{Name: "digests deleted with their logs", Codes: []string{"digest-missing"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) {
			remove(t, c.Digests[2])
			remove(t, c.Logs[2]...)
		}},
		{Name: "oldest digest deleted", From: TrailStart, Codes: []string{"digest-missing"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) { remove(t, c.Digests[0]) }},
		{Name: "oldest digest deleted, no start given", Build: func(t *Trail, c *TrailChain) { remove(t, c.Digests[0]) }, Verdict: "valid"},
		{Name: "digest damaged below a deleted one", Codes: []string{"digest-invalid", "digest-missing"}, Verdict: "tampered", Build: func(t *Trail, c *TrailChain) {
			t.Objects[c.Digests[1]] = []byte("junk")
			remove(t, c.Digests[2])
		}},
		{Name: "digest damaged above a deleted one", Codes: []string{"coverage-hole", "digest-invalid"}, Verdict: "tampered", Build: func(t *Trail, c *TrailChain) {
			t.Objects[c.Digests[3]] = []byte("junk")
			remove(t, c.Digests[2])
		}},
		{Name: "junk between two digests", Codes: []string{"digest-invalid"}, Verdict: "tampered", Build: func(t *Trail, c *TrailChain) {
			p := c.Bucket + "/" + c.DigestKey(trailHour(2).Add(time.Minute))
			t.Objects[p] = []byte("junk")
		}},
	}
}

// deletedTails are trails whose newest part is gone, or all of them.
func deletedTails() []TrailCase {
	return []TrailCase{
		{Name: "newest digest deleted", To: trailHour(8), Codes: []string{"tail-missing"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) { remove(t, c.Digests[5]) }},
		{Name: "newest digests and logs deleted", Codes: []string{"tail-missing"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) {
			remove(t, c.Digests[4], c.Digests[5])
			remove(t, c.Logs[4]...)
			remove(t, c.Logs[5]...)
		}},
		{Name: "newest digests deleted, no end given", NoTo: true, Build: func(t *Trail, c *TrailChain) {
			remove(t, c.Digests[4], c.Digests[5])
			remove(t, c.Logs[4]...)
			remove(t, c.Logs[5]...)
		}, Verdict: "valid"},
		{Name: "newest digests deleted, expected", NoTo: true, Expect: trailHour(7), Codes: []string{"tail-missing"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) {
			remove(t, c.Digests[4], c.Digests[5])
		}},
		{Name: "digests deleted at the end of the range", To: trailHour(4), Codes: []string{"tail-missing"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) {
			remove(t, c.Digests[2], c.Digests[3], c.Digests[4])
		}},
		{Name: "everything deleted", Codes: []string{"no-digests"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) { clear(t.Objects); clear(t.Meta) }},
		{Name: "all digests deleted", Codes: []string{"no-digests"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) { remove(t, c.Digests...) }},
		{Name: "filter that matches nothing", Account: "000000000000", Codes: []string{"no-digests"}, Verdict: "incomplete", Build: nothing},
		{Name: "range before the trail", From: trailHour(-48), To: trailHour(-24), Codes: []string{"no-digests"}, Verdict: "incomplete", Build: nothing},
		{Name: "range that ends before it begins", From: trailHour(4), To: trailHour(2), Codes: []string{"usage-error"}, Verdict: "error", Build: nothing},
	}
}

// brokenChains are digests that do not follow the one before.
func brokenChains() []TrailCase {
	return []TrailCase{
		signedEdit("previous hash of another digest", "tampered", func(m map[string]any) { m["previousDigestHashValue"] = strings.Repeat("0", 64) }, "chain-broken"),
		signedEdit("previous signature of another digest", "tampered", func(m map[string]any) { m["previousDigestSignature"] = strings.Repeat("0", 512) }, "chain-broken"),
		signedEdit("digest that begins in the hour before", "tampered", func(m map[string]any) { m["digestStartTime"] = "2026-03-01T03:00:00Z" }, "chain-broken"),
		signedEdit("digest that begins late", "incomplete", func(m map[string]any) { m["digestStartTime"] = "2026-03-01T03:13:53Z" }, "coverage-hole"),
		signedEdit("pointer to a log file", "tampered", func(m map[string]any) {
			m["previousDigestS3Object"] = m["logFiles"].([]any)[0].(map[string]any)["s3Object"]
		}, "chain-broken"),
		{Name: "pointer past a digest", Bare: true, Codes: []string{"chain-broken"}, Verdict: "tampered", Build: func(_ *Trail, c *TrailChain) {
			c.Hours(2, 1)
			saved := c.previous
			c.Hour(1)
			c.previous = saved
			c.Hours(3, 1)
		}},
		{Name: "pointer into a bucket that is not there", Bare: true, Codes: []string{"digest-unreadable"}, Verdict: "incomplete", From: TrailStart, Build: func(_ *Trail, c *TrailChain) {
			c.Edit = func(m map[string]any) {
				m["previousDigestS3Bucket"], m["previousDigestS3Object"] = "elsewhere", c.DigestKey(TrailStart)
				m["previousDigestHashValue"], m["previousDigestHashAlgorithm"] = strings.Repeat("0", 64), "SHA-256"
				m["previousDigestSignature"] = strings.Repeat("0", 512)
			}
			c.Hours(6, 1)
		}},
		{Name: "overlap", Bare: true, Codes: []string{"gap-overlap"}, Verdict: "incomplete", Build: func(_ *Trail, c *TrailChain) {
			c.Hours(3, 1)
			c.Restart(trailHour(3).Add(-30 * time.Minute))
			c.Hours(3, 0)
			c.Hour(0)
		}},
		{Name: "backfill digest deleted", Codes: []string{"digest-missing"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) {
			c.sibling(func(d *TrailChain) {
				d.Backfill = true
				d.Hours(3, 1)
				remove(t, d.Digests[1])
			})
		}},
		{Name: "newest backfill digest deleted", Codes: []string{"log-unreferenced"}, Verdict: "tampered", Build: func(t *Trail, c *TrailChain) {
			c.sibling(func(d *TrailChain) {
				d.Backfill = true
				d.Hours(3, 1)
				remove(t, d.Digests[2])
			})
		}},
		{Name: "backfill chain broken", Codes: []string{"chain-broken"}, Verdict: "tampered", Build: func(t *Trail, c *TrailChain) {
			c.sibling(func(d *TrailChain) {
				d.Backfill = true
				d.Hours(2, 1)
				d.previous.hash = strings.Repeat("0", 64)
				d.Hour(1)
			})
		}},
	}
}

// copiedTrails are trails copied to a disk without their metadata, and one of two
// in a bucket that was cut off.
func copiedTrails() []TrailCase {
	return []TrailCase{
		{Name: "copy without metadata", Offline: true, Codes: []string{"digest-no-signature"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) { clear(t.Meta) }},
		{Name: "copy without metadata, digest damaged", Offline: true, Codes: []string{"digest-invalid", "digest-no-signature", "digest-no-signature", "digest-no-signature"}, Verdict: "tampered", Build: func(t *Trail, c *TrailChain) {
			clear(t.Meta)
			t.Objects[c.Digests[2]] = []byte("junk")
		}},
		{Name: "copy without metadata, digest edited", Offline: true, Codes: []string{"digest-bad-signature", "digest-no-signature", "digest-no-signature", "digest-no-signature"}, Verdict: "tampered", Build: func(t *Trail, c *TrailChain) {
			clear(t.Meta)
			rewrite(t, c.Digests[2], replace("{", "{ "))
		}},
		{Name: "copy without metadata, range in the middle", Offline: true, From: trailHour(2), To: trailHour(3), Build: func(t *Trail, c *TrailChain) { clear(t.Meta) }, Verdict: "valid"},
		{Name: "tail of the second trail deleted", Codes: []string{"tail-missing"}, Verdict: "incomplete", Build: func(t *Trail, c *TrailChain) {
			c.sibling(func(d *TrailChain) {
				d.Name = "second_trail"
				d.Hours(6, 2)
				remove(t, d.Digests[4], d.Digests[5])
			})
		}},
	}
}
