// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"sync"
	"time"
)

// Events yields the events of the log files that digests with a verified
// signature list and whose hash is theirs, as far as the filter wants them. A
// file that fails a check yields none, nor does one that no digest lists: the
// hash of a whole file is verified before its first event is yielded. The order
// is that of chains, digests, lists and files, whatever Workers is.
//
// With a nil event comes one of three errors. A *Finding is what Run would
// report: those of digests, chains and unlisted files come first, those of a
// log file in its place, and the iteration goes on; the verdict is the
// strongest of theirs. An error that wraps ErrEvent is a verified file, or an
// event in one, that is not what CloudTrail writes, with its position; events
// before that place were yielded, and the iteration goes on. Any other error,
// such as ErrConfig, ErrListing or the context's, is the last.
//
// An event is valid until the next step. A file that two digests list is read
// once, a file of more than 16 MiB twice: to verify it, and block by block
// against what was verified then. So Workers times 16 MiB is the most that is
// held, however long a file is. With a Checkpoint, the digest it names is read
// again, and so are the events of its files. Leaving the loop ends everything
// that was begun.
func (v *Validator) Events(ctx context.Context, filter Filter) iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		f, err := filter.compile()
		if err != nil {
			yield(nil, err)
			return
		}
		r, err := v.start()
		if err != nil {
			yield(nil, err)
			return
		}
		r.events = true
		if !r.v.To.IsZero() && r.v.From.After(r.v.To) {
			found := newFinding(UsageError, nil, time.Time{}, "", "the range begins after it ends")
			r.report(found)
			if yield(nil, &found) {
				r.done(nil)
			}
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer r.background.Wait()
		defer cancel()
		err = r.all(ctx)
		for _, found := range r.finish().Findings {
			if !yield(nil, &found) {
				return
			}
		}
		if err == nil {
			err = r.readEvents(ctx, f, yield)
		}
		if err == errStop {
			return
		}
		r.done(err)
		if err != nil {
			yield(nil, err)
		}
	}
}

// done hands out the report of what Events verified.
func (r *run) done(err error) {
	if r.v.Done == nil {
		return
	}
	rep := r.finish()
	if err != nil {
		rep.fail()
	}
	r.v.Done(rep)
}

// holdLog is how long a log file may be to be held in memory and read once.
// Log files are a few megabytes at most, but where one is not, memory must not
// depend on it.
const holdLog = 16 << 20

// blockLog is the length of the blocks in which longer files are verified.
const blockLog = 1 << 20

// eventTask is a log file on its way to the consumer.
type eventTask struct {
	chain *Chain
	end   time.Time // of the digest
	where location
	hash  string
	out   chan eventFile // one; nil for a file that was listed before
}

func (t *eventTask) id() logID { return logID{t.where, strings.ToLower(t.hash)} }

// eventFile is what became of a log file: a fault, or the verified file, or
// the stream of a long one.
type eventFile struct {
	fault  *fault
	data   []byte
	back   chan<- []byte // where data goes when it was read
	stream *blockStream
}

// errStop says that the consumer left the loop.
var errStop = errors.New("stop")

// readEvents reads the log files of the accepted digests on the workers, and
// passes their events on in order. When it returns nothing of it runs; errStop
// says that the consumer wants no more.
func (r *run) readEvents(ctx context.Context, f *compiledFilter, yield func(*Event, error) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	work := make(chan *eventTask)
	order := make(chan *eventTask, r.v.Workers)
	wg.Go(func() { r.planEvents(ctx, work, order) })
	for range r.v.Workers {
		wg.Go(func() {
			w := newEventWorker(r)
			for t := range work {
				w.do(ctx, t)
			}
		})
	}
	c := eventConsumer{run: r, yield: yield, scan: logScanner{filter: f, limits: r.v.Limits}}
	for t := range order {
		if t.out == nil {
			f := r.wrong[t.id()]
			r.countLog(result{}, f)
			if f != nil && c.fault(t, f) != nil {
				return errStop
			}
			continue
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case file := <-t.out:
			if err := c.take(ctx, t, file); err != nil {
				return err
			}
		}
	}
	return context.Cause(ctx)
}

// planEvents hands the log files to the workers and, in the same order, to the
// consumer.
func (r *run) planEvents(ctx context.Context, work, order chan<- *eventTask) {
	defer close(order)
	defer close(work)
	once := newKeyHashes()
	for _, c := range r.sorted() {
		for _, s := range c.digests {
			for where, hash := range s.listed.all() {
				t := &eventTask{chain: &c.id, end: s.end, where: where, hash: hash}
				first := once.take(where.bucket, where.key, hash)
				if first {
					t.out = make(chan eventFile, 1)
				}
				select {
				case <-ctx.Done():
					return
				case order <- t:
				}
				if !first {
					continue
				}
				select {
				case <-ctx.Done():
					return
				case work <- t:
				}
			}
		}
	}
}

// eventConsumer reads verified files, in the goroutine of the iteration.
type eventConsumer struct {
	run   *run
	scan  logScanner
	yield func(*Event, error) bool
}

// take passes on what came of one file. It returns errStop when the consumer
// wants no more.
func (c *eventConsumer) take(ctx context.Context, t *eventTask, file eventFile) error {
	if file.back != nil {
		defer func() { file.back <- file.data }()
	}
	if file.fault != nil {
		return c.fault(t, file.fault)
	}
	var r io.Reader
	if file.stream != nil {
		defer file.stream.cancel()
		r = &blockReader{ctx: ctx, stream: file.stream}
	}
	if _, err := ParseDigestName(t.where.key); err == nil {
		return nil // a digest holds no events
	}
	defer func() { c.run.counts.Events += c.scan.events; c.scan.events = 0 }()
	stopped := false
	err := c.scan.file(t.where.String(), file.data, r, func(e *Event, err error) bool {
		if ctx.Err() != nil {
			return false
		}
		stopped = !c.yield(e, err)
		return !stopped
	})
	var changed *fault
	switch {
	case stopped:
		return errStop
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err == nil:
		return nil
	case errors.As(err, &changed):
		c.run.recount()
		return c.fault(t, changed)
	}
	return c.pass(&Error{t.where.String(), wrapJSON(ErrEvent, err)})
}

// fault passes on what is wrong with a file.
func (c *eventConsumer) fault(t *eventTask, f *fault) error {
	c.run.failed(&LogFile{Bucket: t.where.bucket, Object: t.where.key, Hash: t.hash}, f)
	found := logFinding(f, t.chain, t.end, t.where)
	c.run.report(found)
	return c.pass(&found)
}

func (c *eventConsumer) pass(err error) error {
	if !c.yield(nil, err) {
		return errStop
	}
	return nil
}
