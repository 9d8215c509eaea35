// SPDX-License-Identifier: Apache-2.0

package envelope

import "sync"

// task is one goroutine's share of a stream: a run of whole regular frames,
// about 64 KiB of them, with the buffers they need. Tasks are made once and go
// round.
type task struct {
	frames  *frameCipher
	first   uint32 // number of the first frame
	in      []byte // the task's own input buffer
	src     []byte // what is left to work on: of in, or of the caller's
	out     []byte // what came of it
	err     error
	hashing bool          // the digester still has src
	done    chan struct{} // told when somebody else is through with the task
}

func newTask() *task {
	return &task{frames: &frameCipher{}, done: make(chan struct{}, 1)}
}

// sealNow seals src into out.
func (t *task) sealNow() {
	size := len(t.src) / t.frames.frameLen * (t.frames.frameLen + regularOverhead)
	t.out = t.frames.sealRun(room(t.out, size), t.first, t.src)
}

// openNow opens what is left of src into out; after a failure out is empty.
func (t *task) openNow() {
	size := len(t.src) / (t.frames.frameLen + regularOverhead) * t.frames.frameLen
	t.out = room(t.out, size)[:size]
	n, err := t.openTo(t.out)
	t.out, t.err = t.out[:n], err
}

// openTo opens as many frames of src as fit in p and takes them off src. It
// returns the length of their plaintext; after a failure that is nothing, and
// where the frames would have been there are zeros.
func (t *task) openTo(p []byte) (int, error) {
	size := t.frames.frameLen + regularOverhead
	n := min(len(p)/t.frames.frameLen, len(t.src)/size)
	p, frames := p[:n*t.frames.frameLen], t.src[:n*size]
	if _, err := t.frames.openRun(p[:0:len(p)], t.first, frames); err != nil {
		clear(p)
		return 0, err
	}
	t.first += uint32(n)
	t.src = t.src[len(frames):]
	return len(p), nil
}

// room returns an empty slice of at least the capacity.
func room(b []byte, size int) []byte {
	if cap(b) < size {
		return make([]byte, 0, size)
	}
	return b[:0]
}

// wipe zeroes what a task holds.
func (t *task) wipe() {
	clear(t.in[:cap(t.in)])
	clear(t.out[:cap(t.out)])
	t.in, t.out = t.in[:0], t.out[:0]
}

const maxPooled = 4 * taskBytes

// ring is the tasks of a stream, in the order of their frames, and who works
// on them: goroutines that live only while there is work, so that a stream
// dropped half-way leaves none behind, and the caller's while it waits.
type ring struct {
	frames *frameCipher
	pool   *sync.Pool // of tasks of other streams of the client; all zeroed
	work   func(*task)
	limit  int     // how many tasks may be under way
	flying []*task // under way, oldest first
	idle   []*task

	mu      sync.Mutex
	queue   []*task // under way and not begun
	helpers int     // goroutines running help
	most    int     // how many there may be
	run     func()  // help, made once: a go statement on it allocates nothing
}

// init makes a ring for so many workers, the caller among them.
func (r *ring) init(f *frameCipher, pool *sync.Pool, workers int, work func(*task)) {
	r.frames, r.pool, r.work = f, pool, work
	r.limit, r.most = workers+2, workers-1
	r.run = r.help
}

// start hands a task to whoever is free.
func (r *ring) start(t *task) {
	r.push(t)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = append(r.queue, t)
	if r.helpers < r.most {
		r.helpers++
		go r.run()
	}
}

// next takes a task that nobody has begun.
func (r *ring) next() *task {
	if len(r.queue) == 0 {
		return nil
	}
	t := r.queue[0]
	copy(r.queue, r.queue[1:])
	r.queue = r.queue[:len(r.queue)-1]
	return t
}

// help works until there is nothing to begin.
func (r *ring) help() {
	for {
		r.mu.Lock()
		t := r.next()
		if t == nil {
			r.helpers--
			r.mu.Unlock()
			return
		}
		r.mu.Unlock()
		r.work(t)
		t.done <- struct{}{}
	}
}

// wait returns when the task is done, working on others meanwhile.
func (r *ring) wait(t *task) {
	for {
		select {
		case <-t.done:
			return
		default:
		}
		r.mu.Lock()
		other := r.next()
		r.mu.Unlock()
		if other == nil {
			<-t.done
			return
		}
		r.work(other)
		other.done <- struct{}{}
	}
}

// get returns a task to fill. Fewer than limit are under way.
func (r *ring) get() *task {
	if n := len(r.idle); n > 0 {
		t := r.idle[n-1]
		r.idle = r.idle[:n-1]
		return t
	}
	t, ok := r.pool.Get().(*task)
	if !ok {
		t = newTask()
	}
	t.frames.copy(r.frames)
	return t
}

func (r *ring) put(t *task) {
	t.src, t.err, t.hashing = nil, nil, false
	r.idle = append(r.idle, t)
}

// full reports that the oldest task must be waited for first.
func (r *ring) full() bool { return len(r.flying) >= r.limit }

// push notes a task that was handed to a goroutine.
func (r *ring) push(t *task) { r.flying = append(r.flying, t) }

// pop waits for the oldest task.
func (r *ring) pop() *task {
	t := r.flying[0]
	copy(r.flying, r.flying[1:])
	r.flying = r.flying[:len(r.flying)-1]
	r.wait(t)
	return t
}

// end waits for every task and zeroes them all.
func (r *ring) end() {
	for len(r.flying) > 0 {
		r.put(r.pop())
	}
	for _, t := range r.idle {
		r.free(t)
	}
	r.idle = nil
}

// free zeroes a task that nobody works on and lets another stream have it,
// without buffers that few streams need.
func (r *ring) free(t *task) {
	t.wipe()
	*t.frames = frameCipher{}
	if cap(t.in) > maxPooled {
		t.in = nil
	}
	if cap(t.out) > maxPooled {
		t.out = nil
	}
	t.src, t.err, t.hashing = nil, nil, false
	r.pool.Put(t)
}
