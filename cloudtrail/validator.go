// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Validator checks trails. Source, Keys and Buckets are required; every other
// field may stay zero. It is safe for concurrent use and must not be changed
// while it is in use.
type Validator struct {
	Source  Source    // the buckets
	Keys    KeySource // whom to trust
	Buckets []string  // where to look for trails

	// Prefixes are what stands before AWSLogs/ in object keys, without the
	// slash. Nil: folders are searched for AWSLogs/, WalkDepth levels deep, or
	// all when that is zero.
	Prefixes  []string
	WalkDepth int

	// Accounts, Regions (source regions) and Trail restrict what is checked.
	// Zero is no restriction.
	Accounts []string
	Regions  []string
	Trail    string

	// From and To bound the request. Zero From is the beginning of the data,
	// zero To the newest digest, or with Live the present.
	From, To time.Time

	// ExpectThrough is the time up to which there have to be digests. Zero: To
	// where that was given; else with Live the present less an hour; else
	// nothing is expected, and a tail that was cut away goes unnoticed.
	ExpectThrough time.Time

	// Live says that the trail goes on being written, and the clock may say
	// what it should hold by now. Of log folders, which may hold years, a short
	// request then lists the days that it concerns alone.
	Live bool

	// CountUnreferenced only counts log files that no digest lists instead of
	// calling them tampering: for folders that a trail without log file
	// validation writes to as well.
	CountUnreferenced bool

	// GapsIncomplete makes times when logging was off an incomplete trail.
	GapsIncomplete bool

	// LateDelivery is how long after its end a digest may have been signed; 2
	// hours when zero. LogMargin is how long after the time in its name a log
	// file is delivered at most; 15 minutes when zero.
	LateDelivery time.Duration
	LogMargin    time.Duration

	// Checkpoint is what an earlier run ended with: its digests must still be
	// there, unchanged, and the run continues from them.
	Checkpoint *Checkpoint

	Workers int    // objects read at once; 16 when zero
	Limits  Limits // against hostile objects

	// NewGunzip makes the inflaters, one for each worker; nil is compress/gzip.
	NewGunzip func() Gunzip

	// Versions, when set, is where older versions are looked for of objects that
	// are not what was signed, or gone. One that passes is named in the finding,
	// which stays: recoveredVersion and its id.
	Versions VersionSource

	// KeepObjects keeps in the report what became of each digest and log file,
	// which WriteAWSCLI needs. It costs memory for every one of them.
	KeepObjects bool

	// Progress, when set, is called after each object that was read, by one
	// goroutine at a time.
	Progress func(Progress)

	// Done, when set, is given the report of what Events verified and what it did
	// not, as Run makes it, once the last log file was read or the run has failed;
	// not when the loop was left before. Its findings are those that the loop met.
	Done func(*Report)

	// Now is the clock; nil is time.Now. It is asked only with Live.
	Now func() time.Time
}

// Progress says how far a run is.
type Progress struct {
	Digests, DigestsTotal int // digests read, and selected
	Logs, LogsKnown       int // log files read, and listed by the digests read so far
	Bytes                 int64
}

const (
	defaultWorkers = 16
	defaultLate    = 2 * time.Hour
	defaultMargin  = 15 * time.Minute
)

// Run checks everything the Validator names and reports what it found. What is
// wrong with a trail is in the report; an error says that the run could not be
// done, or not to its end (a listing was refused, the context was cancelled),
// and comes with the report as far as it got, whose verdict is then error or
// tampered. Errors wrap ErrConfig, ErrListing or the context's.
//
// A report depends on nothing but the objects, the keys, the fields and, with
// Live, the clock: not on Workers, nor on the order of listings.
func (v *Validator) Run(ctx context.Context) (*Report, error) {
	r, err := v.start()
	if err != nil {
		return nil, err
	}
	if !r.v.To.IsZero() && r.v.From.After(r.v.To) {
		r.report(newFinding(UsageError, nil, time.Time{}, "", "the range begins after it ends"))
		return r.finish(), nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer r.background.Wait()
	defer cancel()
	err = r.all(ctx)
	rep := r.finish()
	if err != nil {
		rep.fail()
	}
	return rep, err
}

// all is a run from discovery to the last finding.
func (r *run) all(ctx context.Context) error {
	if err := r.discover(ctx); err != nil {
		return err
	}
	r.selectRange()
	r.listAhead(ctx)
	for {
		if err := r.readAll(ctx); err != nil {
			return err
		}
		more, err := r.follow(ctx)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		r.selectRange()
	}
	r.judgeAgain()
	for _, c := range r.sorted() {
		r.linkChain(ctx, c)
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	r.tails()
	if err := r.unreferenced(ctx); err != nil {
		return err
	}
	return r.recoverVersions(ctx)
}

// start checks the fields and fills in what is zero.
func (v *Validator) start() (*run, error) {
	c := *v
	switch {
	case c.Source == nil:
		return nil, &Error{"Validator.Source is nil", ErrConfig}
	case c.Keys == nil:
		return nil, &Error{"Validator.Keys is nil", ErrConfig}
	case c.Buckets == nil:
		return nil, &Error{"Validator.Buckets is nil", ErrConfig}
	case c.Workers < 0 || c.LateDelivery < 0 || c.LogMargin < 0 || c.WalkDepth < 0:
		return nil, &Error{"a number of the Validator is negative", ErrConfig}
	}
	c.Workers = cmp.Or(c.Workers, defaultWorkers)
	c.LateDelivery = cmp.Or(c.LateDelivery, defaultLate)
	c.LogMargin = cmp.Or(c.LogMargin, defaultMargin)
	c.Limits = c.Limits.filled()
	if c.Now == nil {
		c.Now = time.Now
	}
	c.From, c.To, c.ExpectThrough = c.From.UTC(), c.To.UTC(), c.ExpectThrough.UTC()
	r := &run{
		v: &c, chains: map[Chain]*chainState{}, roots: map[root]bool{}, given: !c.To.IsZero(),
		listed: newKeyHashes(), kinds: map[folder][]string{}, wrong: map[logID]*fault{}, hashes: map[string]string{},
	}
	r.now = c.Now().UTC()
	r.keys = newKeyCache(c.Keys)
	return r, nil
}

// selectRange decides which digests are in the range and which are read for
// the sake of unreferenced log files.
func (r *run) selectRange() {
	if !r.given {
		if r.v.Live {
			r.v.To = r.now
		} else {
			r.v.To = r.newest()
		}
	}
	last := r.v.To.Add(hour)
	shared := map[folder]bool{}
	for _, c := range r.chains {
		c.sort()
		c.from = r.v.From
		if c.continued != nil {
			c.from = c.continued.End
		}
		for _, s := range c.digests {
			s.inRange = !s.end.Before(c.from) && !s.end.After(last)
			s.selected = c.examined && s.inRange
			if s.selected {
				shared[c.folder(s)] = true
			}
		}
	}
	for _, c := range r.chains {
		for _, s := range c.digests {
			s.wanted = s.selected || shared[c.folder(s)] &&
				!s.end.Before(c.from.Add(-hour)) && !s.end.After(last.Add(around))
		}
	}
}

// around is how long after the range digests are read to see whether they list
// a log file that was delivered late.
const around = 6 * time.Hour

// newest returns the time of the newest digest of an examined chain.
func (r *run) newest() time.Time {
	var t time.Time
	for _, c := range r.chains {
		for _, s := range c.digests {
			if c.examined && s.end.After(t) {
				t = s.end
			}
		}
	}
	return t
}

// sorted returns the chains in the order of reports.
func (r *run) sorted() []*chainState {
	list := make([]*chainState, 0, len(r.chains))
	for _, c := range r.chains {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *chainState) int { return a.id.Compare(b.id) })
	return list
}

// tails reports the standard chains that end before they should.
func (r *run) tails() {
	expect := r.expected()
	found := false
	for _, c := range r.chains {
		for _, s := range c.digests {
			found = found || s.selected
		}
		found = found || c.examined && c.lost > 0
	}
	if !found {
		r.report(newFinding(NoDigests, nil, time.Time{}, "", ""))
	}
	for _, c := range r.sorted() {
		c.tail = "unchecked"
		if c.id.Backfill || expect.IsZero() || !c.examined {
			continue
		}
		c.tail = "ok"
		from, missing := r.tail(c, expect)
		if missing {
			c.tail = "missing"
		}
		if missing && found {
			f := newFinding(TailMissing, &c.id, from, "", "")
			f.From, f.To = from, expect
			r.report(f)
		}
	}
}

// tail finds where a chain ends too early. Digests beyond the range do not
// excuse that none reach its end; the hour of one that the checkpoint names has
// its finding when it is gone.
func (r *run) tail(c *chainState, expect time.Time) (from time.Time, missing bool) {
	var newest, inRange time.Time
	if c.continued != nil {
		newest = c.continued.End
	}
	for _, s := range c.digests {
		if s.end.After(newest) {
			newest = s.end
		}
		if s.selected && s.end.After(inRange) {
			inRange = s.end
		}
	}
	if expect.Sub(newest) > hour {
		return newest, true
	}
	if !inRange.IsZero() && newest.After(inRange) && minTime(expect, r.v.To).Sub(inRange) > hour {
		return inRange, true
	}
	return newest, false
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// expected is the time up to which there have to be digests, or zero.
func (r *run) expected() time.Time {
	if !r.v.ExpectThrough.IsZero() {
		return r.v.ExpectThrough
	}
	var t time.Time
	switch {
	case r.given:
		t = r.v.To
	case r.v.Live:
		t = r.now
	}
	if r.v.Live {
		t = minTime(t, r.now.Add(-hour))
	}
	return t
}

// errListing wraps the failure of a listing.
func errListing(where location, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &Error{where.String(), fmt.Errorf("%w: %w", ErrListing, err)}
}
