// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"context"
	"iter"
	"strings"
	"time"
)

// folderChains are the chains that have a digest in a folder.
type folderChains struct {
	chains   []*chainState
	selected bool // one of those digests is
}

// unreferenced lists the log files of every folder that was examined and
// reports those that no digest lists although digests cover their time.
func (r *run) unreferenced(ctx context.Context) error {
	folders := map[folder]*folderChains{}
	for _, c := range r.chains {
		for _, s := range c.digests {
			f := c.folder(s)
			in := folders[f]
			if in == nil {
				in = new(folderChains)
				folders[f] = in
			}
			in.selected = in.selected || s.selected
			if n := len(in.chains); n == 0 || in.chains[n-1] != c {
				in.chains = append(in.chains, c)
			}
		}
	}
	return r.pool(ctx, func(yield func(job) bool) {
		times := map[*chainState]chainTimes{}
		for f, in := range folders {
			if in.selected && !r.logJobs(f, r.exhaustive(in.chains, times), yield) {
				return
			}
		}
	})
}

// logJobs yields the listings of one folder.
func (r *run) logJobs(f folder, covered []Interval, yield func(job) bool) bool {
	for _, kind := range append([]string{"CloudTrail"}, r.kinds[f]...) {
		for _, day := range r.days(covered) {
			prefix := f.key(kind) + day
			if !yield(func(ctx context.Context) error { return r.listLogs(ctx, f, prefix, covered) }) {
				return false
			}
		}
	}
	return true
}

// listing is a listing of log files that was begun early.
type listing struct {
	keys chan string
	err  error // once keys is closed
}

// aheadListings and aheadKeys bound what is listed early and held.
const (
	aheadListings = 8
	aheadKeys     = 1000
)

// listAhead begins to list the log files while digests and log files are read:
// with a server that is far away that saves the wait for it at the end.
func (r *run) listAhead(ctx context.Context) {
	spans := map[folder][]Interval{}
	for _, c := range r.chains {
		for _, s := range c.digests {
			if s.selected {
				f := c.folder(s)
				spans[f] = append(spans[f], Interval{s.end.Add(-hour), s.end})
			}
		}
	}
	r.listings = map[location]*listing{}
	for f, span := range spans {
		for _, day := range r.days(union(span)) {
			if len(r.listings) == aheadListings {
				return
			}
			l := &listing{keys: make(chan string, aheadKeys)}
			where := location{f.bucket, f.key("CloudTrail") + day}
			r.listings[where] = l
			r.background.Go(func() {
				defer close(l.keys)
				for key, err := range r.v.Source.List(ctx, where.bucket, where.key, "") {
					if err != nil {
						l.err = err
						return
					}
					select {
					case l.keys <- key:
					case <-ctx.Done():
						l.err = context.Cause(ctx)
						return
					}
				}
			})
		}
	}
}

// logKeys yields the keys under a prefix, which may have been listed early.
func (r *run) logKeys(ctx context.Context, where location) iter.Seq2[string, error] {
	l := r.listings[where]
	if l == nil {
		return r.v.Source.List(ctx, where.bucket, where.key, "")
	}
	return func(yield func(string, error) bool) {
		for key := range l.keys {
			if !yield(key, nil) {
				return
			}
		}
		if l.err != nil {
			yield("", l.err)
		}
	}
}

// days returns the folders below a log folder that are listed: "" for all, in
// which a log file in the folder of another day is found too. Only where every
// thousand keys cost a request, with Live, are they for short requests those of
// the days that the request concerns.
func (r *run) days(covered []Interval) []string {
	const most = 62
	from, to := r.v.From, r.v.To
	if len(covered) > 0 {
		from = minTime(from, covered[0].From)
		if last := covered[len(covered)-1].To; last.After(to) {
			to = last
		}
	}
	if !r.v.Live || r.v.From.IsZero() || to.Sub(from) > most*24*hour {
		return []string{""}
	}
	var days []string
	for d := from.Truncate(24 * hour); !d.After(to); d = d.Add(24 * hour) {
		days = append(days, d.Format(layoutDay)+"/")
	}
	return days
}

// listLogs goes through the log files under a prefix.
func (r *run) listLogs(ctx context.Context, f folder, prefix string, covered []Interval) error {
	for key, err := range r.logKeys(ctx, location{f.bucket, prefix}) {
		if err != nil {
			return errListing(location{f.bucket, prefix}, err)
		}
		at, ok := logTime(key)
		if !ok || r.listed.has(f.bucket, key) {
			continue
		}
		switch {
		case within(covered, at, at.Add(r.v.LogMargin)) && !r.v.CountUnreferenced:
			found := newFinding(LogUnreferenced, nil, at, location{f.bucket, key}.String(), "")
			r.report(found)
		case !at.Before(r.v.From) && (!at.After(r.v.To) || !r.given && !r.v.Live): // what no digest lists yet, too
			r.mu.Lock()
			r.counts.UnreferencedUncovered++
			r.mu.Unlock()
		}
	}
	return nil
}

// logTime reads the time in the name of a log file, wherever it lies: a forged
// one need not be in the folder of its day to be read by those who query the
// trail.
func logTime(key string) (time.Time, bool) {
	rest := key[strings.LastIndexByte(key, '/')+1:]
	for range 3 {
		_, after, ok := strings.Cut(rest, "_")
		if !ok {
			return time.Time{}, false
		}
		rest = after
	}
	at, _, ok := logStamp(rest)
	return at, ok
}

// chainTimes are what a chain covers, and when it may have delivered log files
// that no digest lists. A chain may be in many folders.
type chainTimes struct{ covered, open []Interval }

func (r *run) timesOf(c *chainState) chainTimes {
	if c.id.Backfill {
		return chainTimes{open: append(c.unverifiedHours(), c.missing...)}
	}
	own := c.covered()
	return chainTimes{own, subtract(r.active(c), own)}
}

// exhaustive returns the time in which a log file of a folder has to be
// listed: the time that digests cover, less the time in which some chain was
// active there whose digests do not. It keeps the times of the chains.
func (r *run) exhaustive(chains []*chainState, times map[*chainState]chainTimes) []Interval {
	var covered, open []Interval
	for _, c := range chains {
		t, known := times[c]
		if !known {
			t = r.timesOf(c)
			times[c] = t
		}
		covered, open = append(covered, t.covered...), append(open, t.open...)
	}
	return subtract(union(covered), union(open))
}

// covered returns the time of a chain's accepted digests that state which log
// files there are.
func (c *chainState) covered() []Interval {
	var list []Interval
	for _, s := range c.digests {
		if s.inRange && s.accepted && s.hasLogs && !s.broken {
			list = append(list, Interval{s.start, s.end})
		}
	}
	return union(list)
}

func (c *chainState) unverifiedHours() []Interval {
	var list []Interval
	for _, s := range c.digests {
		if s.inRange && !s.accepted {
			list = append(list, Interval{s.end.Add(-hour), s.end})
		}
	}
	return union(list)
}

// active returns the time in which a chain may have delivered log files: from
// its first digest, which is its beginning only if it is a starting one, to
// two hours after its last, when the next would long have been delivered, less
// its gaps.
func (r *run) active(c *chainState) []Interval {
	first, last := c.digests[0], c.digests[len(c.digests)-1]
	span := Interval{first.end.Add(-hour), last.end.Add(2 * hour)}
	for _, s := range c.digests {
		if s.inRange {
			if s.accepted && s.previous == nil && s == first {
				span.From = s.start
			} else {
				span.From = minTime(span.From, r.v.From)
			}
			break
		}
	}
	if c.tail == "missing" {
		span.To = r.expected().Add(2 * hour)
	}
	return subtract([]Interval{span}, c.gaps)
}
