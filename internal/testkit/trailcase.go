// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"bytes"
	"time"
)

// TrailCase is a trail, good or tampered with, and what a validator has to say
// of it.
type TrailCase struct {
	Name    string
	Build   func(t *Trail, c *TrailChain) // c has written six hours unless Bare
	Bare    bool                          // c is empty
	Codes   []string                      // sorted; the exact multiset
	Verdict string

	From, To, Expect time.Time // To zero means TrailStart + 7 h, which is in the tail's hour
	NoTo             bool      // no end is given
	Account, Trail   string    // filters
	Offline          bool      // has no meaning for a trail in S3
}

// Make builds the trail of a case.
func (tc *TrailCase) Make() *Trail {
	t := NewTrail()
	t.AddKey("us-east-1", TrailKeys[0]())
	c := t.Chain()
	if !tc.Bare {
		c.Hours(3, 3)
		c.Hour(0)
		c.Hours(2, 3)
	}
	tc.Build(t, c)
	return t
}

// Until is the end of the request, zero for none.
func (tc *TrailCase) Until() time.Time {
	if tc.NoTo {
		return time.Time{}
	}
	if tc.To.IsZero() {
		return time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC)
	}
	return tc.To
}

func nothing(*Trail, *TrailChain) {}

// rewrite changes the uncompressed text of an object.
func rewrite(t *Trail, path string, f func([]byte) []byte) {
	t.Objects[path] = Gzip(f(Gunzip(t.Objects[path])))
}

func remove(t *Trail, paths ...string) {
	for _, p := range paths {
		delete(t.Objects, p)
		delete(t.Meta, p)
	}
}

// sibling begins another chain and lets change write it.
func (c *TrailChain) sibling(change func(*TrailChain)) *TrailChain {
	d := c.Trail.Chain()
	change(d)
	return d
}

func replace(old, text string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(text), 1) }
}

// editObject is a change to the bytes of an object, on a copy of them.
func editObject(f func([]byte) []byte) func(*Trail, string) {
	return func(t *Trail, path string) { t.Objects[path] = f(bytes.Clone(t.Objects[path])) }
}

// trailHour is the nth hour of a trail.
func trailHour(n int) time.Time { return TrailStart.Add(time.Duration(n) * time.Hour) }

// TamperedTrails are trails with one thing wrong each.
func TamperedTrails() []TrailCase {
	return append(append(tamperedLogs(), tamperedDigests()...), tamperedChains()...)
}

// signedEdit is a case in which CloudTrail's own key signed an odd digest.
func signedEdit(name, verdict string, edit func(m map[string]any), codes ...string) TrailCase {
	return TrailCase{Name: name, Bare: true, Codes: codes, Verdict: verdict, Build: func(_ *Trail, c *TrailChain) {
		c.Hours(3, 1)
		c.Edit = edit
		c.Hour(1)
		c.Hours(2, 1)
	}}
}
