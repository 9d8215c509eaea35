// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"sync"
)

// Reader decrypts one message as a stream. Every byte it returns belongs to a
// frame whose tag, and every tag before it, has been verified. That the
// message is whole is known only at [io.EOF], and with a signed suite its
// origin too: the plaintext of a final frame is held until the signature has
// been verified. On any other error discard what was read. A Reader is for one
// goroutine at a time.
//
// Once a message is longer than 1 MiB, and unless Config.Parallelism is 1, a
// Reader reads ahead of what it returns as long as its source fills its
// buffers.
type Reader struct {
	ctx    context.Context //nolint:containedctx // the stream's, for keyrings and cancellation
	in     *incoming
	header *Header
	src    *bufio.Reader
	offset int64 // of the message's bytes taken from src
	limit  int64 // of a non-framed body

	ring    ring
	digest  *digester // nil when the suite does not sign
	workers int
	seq     uint32 // of the next frame to fetch
	opened  int64  // plaintext bytes fetched
	carry   []byte // taken from src, of frames not yet fetched
	held    bool   // carry is all of a message in memory, and not the Reader's own
	ahead   bool   // the source filled the last buffer
	stop    error  // why nothing more is fetched, behind what is under way

	relay *relay // Rewrap's; nil otherwise
	cur   *task  // what ready is of; its src holds frames not yet opened
	ready []byte // verified plaintext not yet returned
	err   error
}

// NewReader reads the header of one message from r and returns once it is
// proven: policy, data key, commitment and header tag. ec is as for
// [Client.Decrypt]. When ctx ends, the Reader fails with its error. The Reader
// may read past the message: what follows is [ErrTrailingData] in any case. It
// takes all that a [bytes.Reader] has and opens frames where they lie: as long
// as it reads, those bytes must not change.
func (c *Client) NewReader(ctx context.Context, r io.Reader, ec EncryptionContext) (*Reader, error) {
	if all, ok := inMemory(r); ok {
		in, err := c.openHeader(ctx, source{buf: all}, ec)
		if err != nil {
			return nil, untangle(err)
		}
		out := newReader(ctx, in, nil, c.tasks, c.workers, c.lim.nonFramed)
		out.hold(all)
		return out, nil
	}
	br := bufio.NewReader(r)
	in, err := c.openHeader(ctx, source{r: br}, ec)
	if err != nil {
		return nil, untangle(err)
	}
	return newReader(ctx, in, br, c.tasks, c.workers, c.lim.nonFramed), nil
}

// newReader reads the body behind a proven header.
func newReader(ctx context.Context, in *incoming, src *bufio.Reader, tasks *sync.Pool, workers int, nonFramed int64) *Reader {
	r := &Reader{
		ctx: ctx, in: in, src: src, header: in.public(), seq: 1,
		offset: int64(len(in.header.raw)), limit: nonFramed, workers: workers,
	}
	r.ring.init(&in.frames, tasks, workers, (*task).openNow)
	if in.header.spec.signing() {
		r.digest = newDigester(in.header.spec)
		r.digest.last(in.header.raw)
	}
	return r
}

// Header returns the authenticated header.
func (r *Reader) Header() *Header { return r.header }

// Read implements [io.Reader]. When p has room for a frame, whole frames are
// opened in it, without a copy between; one that fails leaves zeros there.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := r.advance(p)
	if n > 0 || err != nil {
		return n, err
	}
	n = copy(p, r.ready)
	r.ready = r.ready[n:]
	return n, nil
}

// WriteTo writes the rest of the plaintext to w. It returns nil only for a
// message that was proven to its end.
func (r *Reader) WriteTo(w io.Writer) (int64, error) {
	var n int64
	for {
		if _, err := r.advance(nil); err == io.EOF {
			return n, nil
		} else if err != nil {
			return n, err
		}
		got, err := w.Write(r.ready)
		if err == nil && got != len(r.ready) {
			err = io.ErrShortWrite
		}
		n += int64(got)
		r.ready = r.ready[got:]
		if err != nil {
			return n, err
		}
	}
}

// Close ends reading and zeroes keys and plaintext. It does not close the
// underlying reader. A Reader that returned an error, [io.EOF] among them, has
// done that already.
func (r *Reader) Close() error {
	r.fail(failCause(ErrUnsupported, "read", errClosed))
	return nil
}

// fail keeps the first error; nothing is returned after it.
func (r *Reader) fail(err error) {
	if r.err != nil {
		return
	}
	r.err = err
	if r.digest != nil {
		r.digest.wait()
	}
	if r.cur != nil {
		r.release(r.cur)
		r.cur = nil
	}
	r.ready = nil
	r.ring.end()
	r.in.wipe()
}

// advance opens frames in p and returns the length of their plaintext, or
// makes ready hold something, or returns the error that ends the stream.
func (r *Reader) advance(p []byte) (n int, err error) {
	for r.err == nil && n == 0 && len(r.ready) == 0 {
		if err = r.ctx.Err(); err == nil {
			if r.cur != nil && len(r.cur.src) > 0 {
				n, err = r.open(p)
			} else {
				err = r.more()
			}
		}
		if err != nil {
			r.fail(err)
		}
	}
	return n, r.err
}

// open opens the frames of cur that fit in p whole, or, when not one does,
// all that it has left.
func (r *Reader) open(p []byte) (int, error) {
	if len(p) < r.cur.frames.frameLen {
		r.cur.openNow()
		return 0, r.use(r.cur)
	}
	return r.cur.openTo(p)
}

// more gives the current task back and has the next one.
func (r *Reader) more() error {
	if r.cur != nil {
		r.recycle(r.cur)
		r.cur = nil
	}
	return r.next()
}

// release lets a task go whose hashing, if any, has ended.
func (r *Reader) release(t *task) {
	if t.hashing {
		<-t.done
	}
	r.ring.free(t)
}

// recycle gives a task back. A signed one is still being hashed, and counts as
// under way until it is needed.
func (r *Reader) recycle(t *task) {
	if !t.hashing {
		r.ring.put(t)
		return
	}
	r.ring.push(t)
	if r.ring.full() {
		r.ring.put(r.ring.pop())
	}
}

// next takes more of the body.
func (r *Reader) next() error {
	if !r.in.header.framed {
		return r.nonFramed()
	}
	if r.digest != nil || r.workers == 1 || r.opened <= parallelAfter && len(r.ring.flying) == 0 {
		return r.nextHere()
	}
	for r.stop == nil && !r.ring.full() && (r.ahead || len(r.ring.flying) == 0) {
		if t := r.fetchTask(); t != nil {
			r.ring.start(t)
		}
	}
	if len(r.ring.flying) == 0 {
		return r.last()
	}
	return r.use(r.ring.pop())
}

// nextHere fetches the next frames, for open in the caller's goroutine.
func (r *Reader) nextHere() error {
	t := r.fetchTask()
	if t == nil {
		return r.last()
	}
	if r.digest != nil {
		t.hashing = true
		r.digest.addTask(digestTask{t.src, t.done})
	}
	r.cur = t
	return nil
}

// use makes an opened task the current one.
func (r *Reader) use(t *task) error {
	r.cur = t
	r.ready = t.out
	if r.relay != nil && t.err == nil {
		return r.relay.pass(t.in[:len(t.out)/t.frames.frameLen*(t.frames.frameLen+regularOverhead)])
	}
	return t.err
}

// What stops fetching without being a fault.
var (
	errFinal = errors.New("final frame")        // it comes next
	errEnd   = errors.New("end of the message") // nothing may come next
)

// fetchTask reads the next run of regular frames. It returns nil when there is
// none, with the reason in stop.
func (r *Reader) fetchTask() *task {
	if r.stop != nil {
		return nil
	}
	if r.held {
		return r.fetchHeld()
	}
	t := r.ring.get()
	t.in = append(t.in[:0], r.carry...)
	r.carry = r.carry[:0]
	size := r.in.frames.frameLen + regularOverhead
	regular := 0
	for regular == 0 && r.stop == nil {
		if regular = r.whole(t.in, size); regular == 0 && r.stop == nil {
			r.stop = r.readMore(t, taskFrames(r.in.frames.frameLen)*size)
		}
	}
	t.src = t.in[:regular*size]
	r.carry = append(r.carry, t.in[len(t.src):]...)
	if regular == 0 {
		r.ring.put(t)
		return nil
	}
	r.fetched(t, regular)
	return t
}

// fetched numbers the frames of a task.
func (r *Reader) fetched(t *task, regular int) {
	t.first = r.seq
	r.seq += uint32(regular)
	r.opened += int64(regular) * int64(r.in.frames.frameLen)
}

// whole counts the whole regular frames at the start of b. A final frame, or
// one out of sequence, ends them; when it is the first it goes into stop.
func (r *Reader) whole(b []byte, size int) int {
	n := 0
	for ; len(b) >= 4; b = b[size:] {
		seq := binary.BigEndian.Uint32(b)
		if seq == finalMarker || seq != r.seq+uint32(n) {
			if n == 0 && seq == finalMarker {
				r.stop = errFinal
			} else if n == 0 {
				r.stop = failFrame(ErrFormat, r.seq, "frame out of sequence")
			}
			break
		}
		if len(b) < size {
			break
		}
		n++
	}
	return n
}

// readMore adds to the task's input what one read gives, up to limit bytes in
// all.
func (r *Reader) readMore(t *task, limit int) error {
	if r.opened > 0 && limit <= 2*taskBytes && cap(t.in) < limit {
		t.in = append(make([]byte, 0, limit), t.in...) // the stream is long: the whole share at once
	}
	t.in = grow(t.in, limit)
	n, err := r.src.Read(t.in[len(t.in):cap(t.in)])
	t.in = t.in[:len(t.in)+n]
	r.offset += int64(n)
	r.ahead = len(t.in) == cap(t.in)
	if n > 0 {
		return nil // an error comes again
	}
	return endOfInput(r.offset, err)
}

// last is what comes behind the regular frames. Nothing is under way.
func (r *Reader) last() error {
	switch r.stop {
	case errFinal:
		return r.finalFrame()
	case errEnd:
		if err := r.noMoreFrames(); err != nil {
			return err
		}
		return r.end(r.carry)
	default:
		return r.stop
	}
}

// finalFrame opens the final frame.
func (r *Reader) finalFrame() error {
	f := &r.in.frames
	if err := r.need(finalPrefix); err != nil {
		return err
	}
	n, err := f.finalLength(r.carry[:finalPrefix], r.seq)
	if err != nil {
		return err
	}
	if err := r.need(n + finalOverhead); err != nil {
		return err
	}
	frame := r.carry[:n+finalOverhead]
	t := r.ring.get()
	r.cur = t
	if t.out, err = f.openFinal(room(t.out, n), r.seq, frame); err != nil {
		return err
	}
	return r.close(t.out, frame, r.carry[len(frame):])
}

// noMoreFrames looks at what follows the final frame. That there is less than
// a frame's number of it is for others to judge.
func (r *Reader) noMoreFrames() error {
	if !r.in.header.framed {
		return nil
	}
	if err := r.need(4); err != nil && !errors.Is(err, ErrTruncated) {
		return err
	}
	return moreFrames(r.carry, r.seq, r.digest != nil)
}

// close ends the body: covered is the rest of what the signature covers, tail
// what was read behind it. The plaintext becomes ready, for signed suites only
// after everything else was checked.
func (r *Reader) close(plaintext, covered, tail []byte) error {
	r.carry = tail
	if r.relay != nil {
		r.relay.final = bytes.Clone(covered)
	}
	if r.digest == nil {
		r.ready, r.stop = plaintext, errEnd
		return nil
	}
	r.digest.last(covered)
	at := r.offset - int64(len(tail))
	if err := r.noMoreFrames(); err != nil {
		return err
	}
	tail, err := r.footer(at)
	if err != nil {
		return err
	}
	if err := r.end(tail); err != io.EOF {
		return err
	}
	r.ready, r.stop = plaintext, io.EOF
	return nil
}

// footer reads and checks the footer at the offset and returns what was read
// behind it.
func (r *Reader) footer(at int64) ([]byte, error) {
	n := 2
	err := r.need(n)
	if err == nil {
		n += int(binary.BigEndian.Uint16(r.carry))
		err = r.need(n)
	}
	if errors.Is(err, ErrTruncated) {
		return nil, shortFooter(at)
	}
	if err != nil {
		return nil, err
	}
	if err := checkFooter(r.carry[:n], at, r.in.materials.VerificationKey, r.digest.sum()); err != nil {
		return nil, err
	}
	return r.carry[n:], nil
}

// end returns io.EOF when nothing follows.
func (r *Reader) end(tail []byte) error {
	at := r.offset - int64(len(tail))
	if len(tail) == 0 && r.held {
		return io.EOF
	}
	if len(tail) == 0 {
		var one [1]byte
		if _, err := io.ReadFull(r.src, one[:]); err != nil {
			return err
		}
	}
	return failAt(ErrTrailingData, at, "")
}

// need makes carry hold at least n bytes, growing as they arrive.
func (r *Reader) need(n int) error {
	for len(r.carry) < n {
		if r.held {
			return truncated(r.offset, io.ErrUnexpectedEOF)
		}
		r.carry = grow(r.carry, max(n, taskBytes))
		got, err := r.src.Read(r.carry[len(r.carry):cap(r.carry)])
		r.carry = r.carry[:len(r.carry)+got]
		r.offset += int64(got)
		if err != nil && got == 0 {
			return endOfInput(r.offset, err)
		}
	}
	return nil
}

// nonFramed reads and opens a non-framed body, all of it at once.
func (r *Reader) nonFramed() error {
	if r.stop != nil {
		return r.last()
	}
	if err := r.need(nonFramedPrefix); err != nil {
		return err
	}
	n, err := nonFramedLength(r.carry, r.limit)
	if err != nil {
		return err
	}
	all := nonFramedPrefix + int(n) + tagLen
	if err := r.need(all); err != nil {
		return err
	}
	t := r.ring.get()
	r.cur = t
	if t.out, err = r.in.openBlock(room(t.out, int(n)), r.carry[:ivLen], r.carry[nonFramedPrefix:all]); err != nil {
		return err
	}
	return r.close(t.out, r.carry[:all], r.carry[all:])
}
