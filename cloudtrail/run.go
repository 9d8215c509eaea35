// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

// run is what one call of Run knows.
type run struct {
	v      *Validator // a copy, with the defaults filled in
	given  bool       // To was given
	events bool       // log files are read by Events, later
	now    time.Time
	keys   *keyCache

	target *location // of Prove: log files are not read, and digests say whether they list it

	background sync.WaitGroup // listings and keys fetched ahead; Run waits for it
	listings   map[location]*listing

	large sync.Mutex // of who holds a large digest

	mu       sync.Mutex // guards what follows
	chains   map[Chain]*chainState
	roots    map[root]bool // places that were listed; false: could not be
	findings []Finding
	counts   Counts
	progress Progress
	listed   *keyHashes          // log files that accepted digests list
	again    []logTask           // entries for files that another entry names too
	wrong    map[logID]*fault    // log files that failed
	kinds    map[folder][]string // CloudTrail-… folders that accepted digests list objects in
	hashes   map[string]string   // what those should be, by s3://bucket/key
}

func (r *run) report(f Finding) {
	f.Detail, f.Want, f.Got = clip(f.Detail), clip(f.Want), clip(f.Got)
	if f.Code == GapInfo && r.v.GapsIncomplete {
		f.Verdict, f.Severity = Incomplete, Warning
	}
	r.mu.Lock()
	r.findings = append(r.findings, f)
	r.mu.Unlock()
}

// step counts an object that was read and tells the caller.
func (r *run) step(f func(*Progress)) {
	r.mu.Lock()
	f(&r.progress)
	if r.v.Progress != nil {
		r.v.Progress(r.progress)
	}
	r.mu.Unlock()
}

// readAll reads every wanted digest that has not been read, and the log files
// of those that pass.
func (r *run) readAll(ctx context.Context) error {
	var tasks []digestTask
	for _, c := range r.sorted() {
		for i, s := range c.digests {
			if !s.wanted || s.read {
				continue
			}
			r.keys.extend(c.id.Region, r.span(s.end.Add(-hour), s.end, s.end, c.id.Backfill))
			tasks = append(tasks, digestTask{chain: c, index: i})
			if s.selected {
				r.progress.DigestsTotal++
			}
		}
	}
	r.background.Go(func() { r.keys.warm(ctx) })
	if err := r.work(ctx, tasks); err != nil {
		return err
	}
	tasks = tasks[:0]
	for _, c := range r.sorted() {
		if slices.ContainsFunc(c.digests, func(s *state) bool { return s.deferred }) {
			if !c.hasSignature {
				r.probeSignatures(ctx, c)
			}
			if c.hasSignature {
				r.refuseDeferred(c)
			} else {
				c.signed = map[location]string{}
				tasks = append(tasks, digestTask{chain: c, index: len(c.digests) - 1, walk: true})
			}
		}
	}
	return r.work(ctx, tasks)
}

// work runs tasks, and the log files they lead to, on the workers.
func (r *run) work(ctx context.Context, tasks []digestTask) error {
	if len(tasks) == 0 {
		return context.Cause(ctx)
	}
	q := newQueue()
	q.digests = tasks
	stop := context.AfterFunc(ctx, q.stop)
	defer stop()
	var wg sync.WaitGroup
	for range r.v.Workers {
		wg.Go(func() {
			w := &worker{run: r, queue: q}
			for {
				d, l, isLog, ok := q.next()
				if !ok {
					return
				}
				if isLog {
					w.checkLog(ctx, l)
				} else {
					w.digest(ctx, d)
				}
				q.done()
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// probeSignatures looks whether any digest of the chain that was not read has a
// signature beside it: if one has, all must.
func (r *run) probeSignatures(ctx context.Context, c *chainState) {
	for _, s := range c.digests {
		if s.read || ctx.Err() != nil {
			continue
		}
		where := c.location(s)
		o, err := r.v.Source.Open(ctx, where.bucket, where.key)
		if err != nil {
			continue
		}
		_ = o.Body.Close() // nothing was read from it
		if _, has := o.Metadata[metaSignature]; has {
			c.hasSignature = true
			return
		}
	}
}

// refuseDeferred reports the digests without a signature in a chain where
// others have one.
func (r *run) refuseDeferred(c *chainState) {
	for _, s := range c.digests {
		if s.deferred {
			s.deferred = false
			if s.selected {
				r.report(newFinding(DigestNoSig, &c.id, s.end, c.location(s).String(), ""))
			}
		}
	}
}

// judgeAgain gives the entries whose file was read for another entry what that
// had.
func (r *run) judgeAgain() {
	for _, t := range r.again {
		f := r.wrong[t.log.id()]
		r.countLog(result{}, f)
		if f != nil {
			r.report(logFinding(f, &t.chain.id, t.digest.end, t.log.location()))
		}
	}
}

// logID is a log file and the hash that a digest gives it.
type logID struct {
	location
	hash string // lower case
}

func (l *LogFile) location() location { return location{l.Bucket, l.Object} }
func (l *LogFile) id() logID          { return logID{l.location(), strings.ToLower(l.Hash)} }

// failed keeps what is wrong with a log file, for the entries that name it too
// and for recoverVersions.
func (r *run) failed(l *LogFile, f *fault) {
	r.mu.Lock()
	r.wrong[l.id()] = f
	r.hashes[l.location().String()] = l.Hash
	r.mu.Unlock()
}

// linkChain joins the digests of a chain. Chains that are read for the sake of
// unreferenced log files only make no findings.
func (r *run) linkChain(ctx context.Context, c *chainState) {
	l := linker{
		chain:    c,
		fromOpen: c.from.IsZero(),
		resolve:  func(p *previousState) pointee { return r.resolve(ctx, p) },
		report:   r.report,
	}
	if !c.examined {
		l.report = func(Finding) {}
	}
	l.link()
}

// accept records an accepted digest and sends its log files to the workers.
func (r *run) accept(c *chainState, s *state, d *Digest, q *queue) {
	s.accepted, s.hasLogs, s.start = true, d.HasLogs, d.Start
	if d.Previous != nil {
		s.previous = &previousState{
			bucket: d.Previous.Bucket, object: d.Previous.Object,
			sum: strings.ToLower(d.Previous.Hash), sig: sumText(d.Previous.Signature),
		}
	}
	if r.target != nil {
		s.lists = slices.ContainsFunc(d.Logs, func(l LogFile) bool { return l.location() == *r.target })
		return
	}
	var logs []LogFile
	r.mu.Lock()
	for _, l := range d.Logs {
		r.list(&l)
		switch {
		case !s.selected || r.events:
			r.listed.add(l.Bucket, l.Object)
		case r.listed.take(l.Bucket, l.Object, l.Hash):
			logs = append(logs, l)
		default:
			r.again = append(r.again, logTask{c, s, l})
		}
	}
	if s.selected {
		r.counts.Logs.Total += len(d.Logs)
		r.progress.LogsKnown += len(d.Logs)
	}
	r.mu.Unlock()
	if s.selected && r.v.KeepObjects {
		s.logs = d.Logs
	}
	switch {
	case s.selected && r.events:
		s.listed = newLogList(d.Logs)
	case s.selected:
		q.addLogs(&logBatch{c, s, logs})
	}
}

// list enters the folder of a log file that an accepted digest lists.
func (r *run) list(l *LogFile) {
	f, ok := splitKey(l.Object)
	if ok && f.kind != "CloudTrail" && f.kind != "CloudTrail-Digest" {
		at := folder{root{l.Bucket, f.prefix}, f.org, f.account, f.region}
		if !slices.Contains(r.kinds[at], f.kind) {
			r.kinds[at] = append(r.kinds[at], f.kind)
		}
	}
}
