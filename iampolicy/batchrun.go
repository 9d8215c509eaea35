// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// blockSize is the number of questions that a worker takes at once: so many
// that handing them over costs little (under 2 ns of some 100 each), and so few
// that cancelling is quick.
const blockSize = 512

// block is consecutive questions and their answers. The first is that of
// callers[0] about the target and action it starts at.
type block struct {
	callers        []*Caller
	target, action int
	filled         int
	// The answers, a byte each: whole Decisions would be a sixth of the time,
	// going from one core to the other.
	decisions []packed
	errs      []error // of those that could not be judged, in order
	done      chan struct{}
}

// packed is a Decision without its error.
type packed uint8

const (
	packedIndeterminate packed = 4 << iota // above the Outcome
	packedPattern
	packedErr
)

func (b *block) pack(i int, d Decision) {
	p := packed(d.Outcome)
	if d.Indeterminate {
		p |= packedIndeterminate
	}
	if d.Pattern {
		p |= packedPattern
	}
	if d.Err != nil {
		p |= packedErr
		b.errs = append(b.errs, d.Err)
	}
	b.decisions[i] = p
}

func (p packed) decision() Decision {
	return Decision{Outcome: Outcome(p & 3), Indeterminate: p&packedIndeterminate != 0, Pattern: p&packedPattern != 0}
}

// batchRun is one run of a Batch. Everything but the decisions happens in the
// goroutine of whoever takes the answers, which is one of the workers too: it
// decides instead of waiting.
type batchRun struct {
	ctx     context.Context
	yield   func(Answer, error) bool
	actions []batchAction
	targets []*Target
	known   []batchTarget // of the targets

	blocks  []block // a ring: those handed out are blocks[oldest:][:pending]
	oldest  int
	pending int
	work    chan *block
	workers sync.WaitGroup
	stopped atomic.Bool
	own     asker
}

func (r *batchRun) start(workers int) {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	r.own.run = r
	r.blocks = make([]block, 2*workers+1)
	for i := range r.blocks {
		r.blocks[i] = block{decisions: make([]packed, blockSize), done: make(chan struct{}, 1)}
	}
	r.work = make(chan *block, len(r.blocks))
	for range workers - 1 {
		r.workers.Go(func() {
			w := asker{run: r}
			for b := range r.work {
				w.fill(b)
				b.done <- struct{}{}
			}
		})
	}
}

// stop ends the workers and waits for them.
func (r *batchRun) stop() {
	r.stopped.Store(true)
	close(r.work)
	r.workers.Wait()
}

// open returns the block being filled with questions.
func (r *batchRun) open() *block { return &r.blocks[(r.oldest+r.pending)%len(r.blocks)] }

// add asks all questions of a caller. It reports false when the run is over.
func (r *batchRun) add(c *Caller) bool {
	var at question
	for at.target < len(r.targets) {
		b := r.open()
		if b.filled == 0 {
			b.callers, b.errs, b.target, b.action = b.callers[:0], b.errs[:0], at.target, at.action
		}
		b.callers = append(b.callers, c)
		b.filled += r.skip(&at, blockSize-b.filled)
		if b.filled == blockSize && !r.submit(b) {
			return false
		}
	}
	return true
}

// question is a question to one caller: a target and an action, by position.
type question struct{ target, action int }

// skip moves a place on by at most n questions, and returns by how many.
func (r *batchRun) skip(at *question, n int) (moved int) {
	for moved < n && at.target < len(r.targets) {
		step := min(n-moved, len(r.actions)-at.action)
		moved += step
		if at.action += step; at.action == len(r.actions) {
			at.target, at.action = at.target+1, 0
		}
	}
	return moved
}

// submit hands a block to the workers. If that was the last, the answers of
// the oldest are yielded first, to have it again.
func (r *batchRun) submit(b *block) bool {
	r.work <- b
	r.pending++
	return r.pending < len(r.blocks) || r.take()
}

// drain yields all answers that are left.
func (r *batchRun) drain() bool {
	if b := r.open(); b.filled > 0 && !r.submit(b) {
		return false
	}
	for r.pending > 0 {
		if !r.take() {
			return false
		}
	}
	return true
}

// finish sees to it that a block is done, or returns when ctx is: it decides
// others instead of waiting.
func (r *batchRun) finish(b *block) {
	for r.ctx.Err() == nil {
		// Whether b is done is asked first, as select draws lots: each time that it
		// preferred to decide, the workers had a block less left to take, and two of
		// them were 1.8 times as fast as a loop instead of 2.1 times.
		select {
		case <-b.done:
			return
		default:
		}
		select {
		case <-b.done:
			return
		case <-r.ctx.Done():
			return
		case other := <-r.work:
			r.own.fill(other)
			other.done <- struct{}{}
		}
	}
}

// take yields the answers of the oldest block.
func (r *batchRun) take() bool {
	b := &r.blocks[r.oldest]
	r.finish(b)
	if err := r.ctx.Err(); err != nil {
		r.yield(Answer{}, err)
		return false
	}
	r.oldest, r.pending = (r.oldest+1)%len(r.blocks), r.pending-1
	ok := r.hand(b)
	b.filled = 0
	return ok
}

// hand yields the answers of a block.
func (r *batchRun) hand(b *block) bool {
	target, action, caller, failed := b.target, b.action, 0, 0
	a := Answer{Caller: b.callers[0], Target: r.targets[target]}
	for i := range b.filled {
		a.Action, a.Decision = r.actions[action].name, b.decisions[i].decision()
		if b.decisions[i]&packedErr != 0 {
			a.Decision.Err = b.errs[failed]
			failed++
		}
		if !r.yield(a, nil) {
			return false
		}
		if action++; action < len(r.actions) {
			continue
		}
		action = 0
		if target++; target == len(r.targets) {
			target = 0
			if caller++; caller < len(b.callers) {
				a.Caller = b.callers[caller]
			}
		}
		a.Target = r.targets[target]
	}
	return true
}

// asker is a worker: it decides question after question with one Request.
type asker struct {
	run      *batchRun
	caller   *Caller
	req      Request
	policies Policies
	joined   Context // of a caller and a target with keys of its own
	table    []int16 // memory for it

	// What Decide would do again for each question is done once for a target or
	// for a caller: of the 95 ns that a question takes of the medium set this
	// saves 20, and so pays for handing the answers over.
	e         evaluation
	err       error // of the target at hand
	callerErr error
	hasJoined bool // req.Context is joined
}

// fill decides the questions of a block.
func (w *asker) fill(b *block) {
	target, action, i := b.target, b.action, 0
	actions, targets := w.run.actions, len(w.run.targets)
	for _, c := range b.callers {
		w.ask(c)
		for ; target < targets && i < b.filled && !w.run.stopped.Load(); target++ {
			w.about(target)
			for ; action < len(actions) && i < b.filled; action++ {
				b.pack(i, w.decide(&actions[action]))
				i++
			}
			action = 0
		}
		target = 0
	}
}

// ask takes up the caller's half of a question.
func (w *asker) ask(c *Caller) {
	w.caller, w.hasJoined = c, false
	w.e.req, w.e.bounded = &w.req, c.Policies.Boundary != nil
	w.callerErr = c.Policies.checkKinds()
	if c.Policies.Session != nil && !c.Principal.IsSession() {
		w.callerErr = errNoSession()
	}
	w.req.Principal, w.req.Context, w.req.ManagementPrincipal = c.Principal, c.Context, c.Management
	w.policies.Identity, w.policies.Boundary, w.policies.Session = c.Policies.Identity, c.Policies.Boundary, c.Policies.Session
	w.policies.Endpoint, w.policies.SCP = c.Policies.Endpoint, c.Policies.SCP
}

// about takes up the target's half.
func (w *asker) about(i int) {
	t, known := w.run.targets[i], &w.run.known[i]
	w.req.Resource, w.req.ResourceAccount = t.Resource, t.Account
	w.req.ManagementResource, w.req.AWSManagedKey = t.Management, t.AWSManagedKey
	p := &w.policies
	p.Resource, p.RCP, p.Grants, p.ACL = t.Policies.Resource, t.Policies.RCP, t.Policies.Grants, t.Policies.ACL
	p.RestrictPublicBuckets, p.RCPServices = t.Policies.RestrictPublicBuckets, t.Policies.RCPServices
	switch {
	case t.Context.Len() > 0 || t.Context.err != nil:
		w.table = w.joined.join(&w.caller.Context, &t.Context, w.table)
		w.req.Context, w.hasJoined = w.joined, true
	case w.hasJoined:
		w.req.Context, w.hasJoined = w.caller.Context, false
	}
	w.e.askedResource = known.asked
	if w.err = w.e.check(); w.err == nil {
		if w.err = w.callerErr; w.err == nil {
			w.err = known.kindErr
		}
	}
}

// decide is Policies.Decide of an action.
func (w *asker) decide(a *batchAction) Decision {
	w.req.Action = a.name
	switch {
	case a.wildcardOnly: // then the resource is another
		w.req.WildcardOnly = true
		d := w.policies.Decide(&w.req)
		w.req.WildcardOnly = false
		return d
	case w.err != nil:
		return Decision{Err: w.err}
	}
	w.e.prepareAction(&w.req)
	w.e.prepareOwnRoot()
	w.e.indeterminate = false
	return w.policies.decide(&w.e)
}
