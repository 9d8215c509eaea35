// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// WriteText writes the report for people: a line for each finding, of severity,
// code, object and detail with tabs between, then the counts, the coverage of
// each chain, and the verdict.
func (rep *Report) WriteText(w io.Writer) error {
	var b bytes.Buffer
	for _, f := range rep.Findings {
		object := f.Object
		if object == "" {
			object = "-"
		}
		fmt.Fprintf(&b, "%s\t%s\t%s\t%s\n", strings.ToUpper(string(f.Severity)), f.Code, plainText(object), plainText(f.text()))
	}
	c := rep.Counts
	fmt.Fprintf(&b, "digests: %s\n", c.Digests)
	if c.BackfillDigests.Total > 0 {
		fmt.Fprintf(&b, "backfill digests: %s\n", c.BackfillDigests)
	}
	fmt.Fprintf(&b, "logs: %s, %d bytes\n", c.Logs, c.Bytes)
	if c.UnreferencedUncovered > 0 {
		fmt.Fprintf(&b, "unlisted logs in time that is not covered: %d\n", c.UnreferencedUncovered)
	}
	for _, v := range rep.Coverage {
		v.writeText(&b)
	}
	fmt.Fprintf(&b, "verdict: %s\n", rep.Verdict)
	_, err := w.Write(b.Bytes())
	return err
}

// text is the detail with whatever else the finding holds.
func (f *Finding) text() string {
	var b strings.Builder
	b.WriteString(f.Detail)
	if !f.From.IsZero() {
		fmt.Fprintf(&b, " [%s to %s]", f.From.UTC().Format(layoutTime), f.To.UTC().Format(layoutTime))
	}
	if f.Want != "" || f.Got != "" {
		fmt.Fprintf(&b, " (want %s, got %s)", orDash(f.Want), orDash(f.Got))
	}
	if f.Chain != nil && f.Object == "" {
		fmt.Fprintf(&b, " in %s", f.Chain)
	}
	return b.String()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// String returns the chain in words.
func (c Chain) String() string {
	s := c.Account + " " + c.Region + " " + c.Trail + " (" + c.Home + ")"
	if c.Org != "" {
		s = c.Org + " " + s
	}
	if c.Backfill {
		s += " backfill"
	}
	return s
}

// String returns the counts in words.
func (t Tally) String() string {
	if t.Invalid == 0 {
		return fmt.Sprintf("%d/%d valid", t.Valid, t.Total)
	}
	return fmt.Sprintf("%d/%d valid, %d invalid", t.Valid, t.Total, t.Invalid)
}

func (v *Coverage) writeText(b *bytes.Buffer) {
	fmt.Fprintf(b, "coverage %s:", v.Chain)
	for _, part := range []struct {
		name string
		list []Interval
	}{{"", v.Intervals}, {" gap", v.Gaps}, {" hole", v.Holes}, {" unverified", v.Unverified}} {
		for _, i := range part.list {
			fmt.Fprintf(b, "%s %s/%s", part.name, i.From.Format(layoutTime), i.To.Format(layoutTime))
		}
	}
	fmt.Fprintf(b, " tail %s\n", v.Tail)
}

// plainText keeps a stranger's text on one line and out of the terminal's
// control sequences.
func plainText(s string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return unicode.ReplacementChar
		}
		return c
	}, s)
}
