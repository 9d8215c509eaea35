// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"encoding/json"
	"io"
	"slices"
	"time"
)

// Report is what a run found. It is a value of its own: nothing of the
// Validator is in it.
type Report struct {
	Verdict       Verdict   // the strongest of the findings'
	From, To      time.Time // the request; zero where there are no data
	ExpectThrough time.Time // zero when nothing was expected
	Findings      []Finding // by chain, time, object and code
	Coverage      []Coverage
	Counts        Counts
	Checkpoint    *Checkpoint // what the next run may continue from; nil unless Verdict is Valid

	objects []chainObjects // with KeepObjects
}

// Coverage is what is known of one chain: the union of the intervals of its
// accepted digests, and what is not in them.
type Coverage struct {
	Chain      Chain      `json:"chain"`      // which
	Intervals  []Interval `json:"intervals"`  // accepted digests cover it
	Gaps       []Interval `json:"gaps"`       // logging or validation was off, or two chains overlap
	Holes      []Interval `json:"holes"`      // nothing covers it, though something should
	Unverified []Interval `json:"unverified"` // hours of digests that failed
	Tail       string     `json:"tail"`       // ok, missing or unchecked
}

// Tally counts objects: Total is Valid and Invalid.
type Tally struct {
	Valid   int `json:"valid"`   // passed every check
	Invalid int `json:"invalid"` // failed one, or are missing
	Total   int `json:"total"`   // both
}

// Counts says how much was checked. Of digests, Valid are those accepted,
// Invalid those that failed or are missing; of log files, Total are the entries
// of accepted digests.
type Counts struct {
	Digests         Tally `json:"digests"`         // standard digests
	BackfillDigests Tally `json:"backfillDigests"` // digests of past hours
	Logs            Tally `json:"logs"`            // log files
	Events          int   `json:"events"`          // read by Events; Run reads none
	Bytes           int64 `json:"bytes"`           // of log files, uncompressed

	// UnreferencedUncovered counts log files that no digest lists in time that
	// is not covered, or all of them with CountUnreferenced.
	UnreferencedUncovered int `json:"unreferencedUncovered"`
}

// finish makes the report of everything found so far.
func (r *run) finish() *Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	rep := &Report{
		From: r.v.From, To: r.v.To, ExpectThrough: r.expected(), Counts: r.counts,
		Findings: r.findings, Coverage: []Coverage{},
	}
	slices.SortFunc(rep.Findings, compareFindings)
	for _, f := range rep.Findings {
		rep.Verdict = max(rep.Verdict, f.Verdict)
	}
	for _, c := range r.sorted() {
		if c.examined {
			r.sum(rep, c)
		}
	}
	if rep.Verdict == Valid {
		rep.Checkpoint = r.checkpoint()
	}
	return rep
}

// sum adds what is known of one chain.
func (r *run) sum(rep *Report, c *chainState) {
	tally := &rep.Counts.Digests
	if c.id.Backfill {
		tally = &rep.Counts.BackfillDigests
	}
	var covered []Interval
	selected := 0
	for _, s := range c.digests {
		if !s.selected {
			continue
		}
		selected++
		begin := s.end.Add(-hour)
		if s.accepted {
			tally.Valid++
			begin = s.start
			covered = append(covered, Interval{s.start, s.end})
		} else {
			tally.Invalid++
		}
		if r.v.From.IsZero() && (rep.From.IsZero() || begin.Before(rep.From)) {
			rep.From = begin
		}
	}
	tally.Invalid += c.lost
	tally.Total = tally.Valid + tally.Invalid
	if r.v.KeepObjects && selected+c.lost > 0 {
		rep.objects = append(rep.objects, chainObjects{c, r.v.From})
	}
	if selected == 0 && c.lost == 0 && c.tail != "missing" {
		return
	}
	rep.Coverage = append(rep.Coverage, Coverage{
		Chain: c.id, Intervals: union(covered), Gaps: c.gaps, Holes: c.holes,
		Unverified: c.unverifiedHours(), Tail: c.tail,
	})
}

// fail records that the run could not be done to its end.
func (rep *Report) fail() {
	rep.Verdict = max(rep.Verdict, Failed)
	rep.Checkpoint = nil
}

// MarshalJSON returns the report as one JSON object:
//
//	{"verdict":"valid|tampered|incomplete|error","from":…,"to":…,"expectThrough":…,
//	 "findings":[{"code","severity","verdict","object","chain","detail","want"?,"got"?,"from"?,"to"?,"inferred"?}],
//	 "coverage":[{"chain","intervals":[["from","to"]],"gaps","holes","unverified","tail"}],
//	 "counts":{"digests":{"valid","invalid","total"},"backfillDigests","logs","events","bytes","unreferencedUncovered"},
//	 "checkpoint":{…}}
//
// Times are RFC 3339 in UTC, of whole seconds; what there is none of is null. Members may be
// added in later versions, never renamed.
func (rep *Report) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Verdict       Verdict     `json:"verdict"`
		From          *string     `json:"from"`
		To            *string     `json:"to"`
		ExpectThrough *string     `json:"expectThrough"`
		Findings      []Finding   `json:"findings"`
		Coverage      []Coverage  `json:"coverage"`
		Counts        Counts      `json:"counts"`
		Checkpoint    *Checkpoint `json:"checkpoint"`
	}{
		rep.Verdict, timeOrNull(rep.From), timeOrNull(rep.To), timeOrNull(rep.ExpectThrough),
		orEmpty(rep.Findings), orEmpty(rep.Coverage), rep.Counts, rep.Checkpoint,
	})
}

// MarshalJSON returns the finding as the element of a report.
func (f Finding) MarshalJSON() ([]byte, error) {
	type plain Finding // without the method
	var object *string
	if f.Object != "" {
		object = &f.Object
	}
	return json.Marshal(struct {
		plain
		Object *string `json:"object"`
		From   *string `json:"from,omitempty"`
		To     *string `json:"to,omitempty"`
	}{plain(f), object, timeOrNull(f.From), timeOrNull(f.To)})
}

// MarshalJSON returns the coverage as the element of a report: lists that are
// empty are so in JSON, not null.
func (c Coverage) MarshalJSON() ([]byte, error) {
	type plain Coverage
	c.Intervals, c.Gaps, c.Holes, c.Unverified = orEmpty(c.Intervals), orEmpty(c.Gaps), orEmpty(c.Holes), orEmpty(c.Unverified)
	return json.Marshal(plain(c))
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func timeOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format(time.RFC3339)
	return &s
}

// WriteJSON writes the report as indented JSON and a line feed.
func (rep *Report) WriteJSON(w io.Writer) error {
	data, err := json.MarshalIndent(rep, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(data, '\n'))
	return err
}
