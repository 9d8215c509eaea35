// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"context"
	"hash"
	"sync"
	"sync/atomic"
)

// spread runs work for the tasks 0 to n-1 on up to workers goroutines, the
// caller's among them, and returns when all have ended. Tasks start in order;
// after a failure no further one starts, and the error returned is that of the
// first task in order: whatever comes before it has been done and was good.
func (c *frameCipher) spread(ctx context.Context, n, workers int, work func(c *frameCipher, task int) error) error {
	s := &spreading{n: int64(n)}
	var wg sync.WaitGroup
	for range min(workers, n) - 1 {
		own := c.clone()
		wg.Go(func() { s.run(ctx, own, work) })
	}
	s.run(ctx, c, work)
	wg.Wait()
	return s.err
}

// shares is a body in memory cut into the tasks of spread.
type shares struct {
	plaintext, sealed []byte
	regular           int // frames
	per               int // frames of a task
	sealing           bool
}

// all does the work of every task, on up to workers goroutines.
func (s *shares) all(ctx context.Context, f *frameCipher, workers int) error {
	if workers > 1 && s.count() > 1 {
		parallel := *s // a copy, so that s stays on the stack
		return f.spread(ctx, s.count(), workers, parallel.work)
	}
	for task := range s.count() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.work(f, task); err != nil {
			return err
		}
	}
	return nil
}

func (s *shares) work(f *frameCipher, task int) error {
	if s.sealing {
		return s.seal(f, task)
	}
	return s.open(f, task)
}

func (s *shares) count() int { return (s.regular + s.per - 1) / s.per }

// seal seals the frames of a task, each at its place.
func (s *shares) seal(f *frameCipher, task int) error {
	first, last := task*s.per, min((task+1)*s.per, s.regular)
	size := f.frameLen + regularOverhead
	f.sealRun(s.sealed[first*size:first*size:last*size], uint32(first+1), s.plaintext[first*f.frameLen:last*f.frameLen])
	return nil
}

// open opens the frames of a task, each to its place.
func (s *shares) open(f *frameCipher, task int) error {
	first, last := task*s.per, min((task+1)*s.per, s.regular)
	size := f.frameLen + regularOverhead
	room := s.plaintext[first*f.frameLen : first*f.frameLen : last*f.frameLen]
	_, err := f.openRun(room, uint32(first+1), s.sealed[first*size:last*size])
	return err
}

type spreading struct {
	n       int64
	next    atomic.Int64
	stopped atomic.Bool
	mu      sync.Mutex
	first   int64 // the task that err is of
	err     error
}

func (s *spreading) run(ctx context.Context, c *frameCipher, work func(*frameCipher, int) error) {
	for !s.stopped.Load() {
		task := s.next.Add(1) - 1
		if task >= s.n {
			return
		}
		err := ctx.Err()
		if err == nil {
			err = work(c, int(task))
		}
		if err != nil {
			s.fail(task, err)
		}
	}
}

func (s *spreading) fail(task int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil || task < s.first {
		s.first, s.err = task, err
	}
	s.stopped.Store(true)
}

// digester hashes what a signature covers, in order, beside the goroutine that
// produces it. Its own goroutine lives only while there is something to hash,
// so that a message dropped half-way leaves none behind.
type digester struct {
	h       hash.Hash
	mu      sync.Mutex
	idle    sync.Cond
	queue   []digestTask
	running bool
}

type digestTask struct {
	data []byte
	done chan<- struct{} // told when data was hashed; may be nil
}

func newDigester(spec *suiteSpec) *digester {
	d := &digester{h: spec.digest()}
	d.idle.L = &d.mu
	return d
}

// add hashes data, which must not change until it was hashed.
func (d *digester) add(data []byte) { d.addTask(digestTask{data: data}) }

func (d *digester) addTask(t digestTask) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queue = append(d.queue, t)
	if !d.running {
		d.running = true
		go d.run()
	}
}

func (d *digester) run() {
	var batch []digestTask
	for {
		d.mu.Lock()
		batch, d.queue = d.queue, batch[:0]
		if len(batch) == 0 {
			d.running = false
			d.idle.Broadcast()
			d.mu.Unlock()
			return
		}
		d.mu.Unlock()
		for _, t := range batch {
			d.h.Write(t.data)
			if t.done != nil {
				t.done <- struct{}{}
			}
		}
	}
}

// wait returns when everything added was hashed.
func (d *digester) wait() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.running {
		d.idle.Wait()
	}
}

// last hashes the final piece in the caller's goroutine.
func (d *digester) last(data []byte) {
	d.wait()
	d.h.Write(data)
}

// sum returns the digest of everything.
func (d *digester) sum() []byte {
	d.wait()
	return d.h.Sum(nil)
}
