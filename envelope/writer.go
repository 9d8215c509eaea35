// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"context"
	"errors"
	"io"
	"slices"
)

// Writer encrypts a stream into one message. Close finishes the message: only
// when it returns nil is the message whole, and one that was not closed cannot
// be decrypted to its end. A Writer is for one goroutine at a time.
//
// Frames are written when they are complete, up to 64 KiB of them at a time.
type Writer struct {
	ctx    context.Context //nolint:containedctx // the stream's, for keyrings and cancellation
	w      io.Writer
	o      *outgoing
	header *Header
	ring   ring
	digest *digester // nil when the suite does not sign
	cur    *task     // gathers plaintext
	share  int       // plaintext bytes of a task
	seq    uint32    // of the next frame
	total  int64     // plaintext bytes taken
	closed bool
	err    error
}

var errClosed = errors.New("closed")

// NewWriter obtains a data key, writes the header to w and returns a Writer
// for the plaintext. ec is as for [Client.Encrypt]. When ctx ends, the Writer
// fails with its error.
func (c *Client) NewWriter(ctx context.Context, w io.Writer, ec EncryptionContext) (*Writer, error) {
	return c.newWriter(ctx, w, ec, c.required)
}

func (c *Client) newWriter(ctx context.Context, w io.Writer, ec EncryptionContext, required []string) (*Writer, error) {
	length := int64(-1)
	if c.cfg.PlaintextBound > 0 {
		length = c.cfg.PlaintextBound
	}
	o, err := c.begin(ctx, ec, length, required)
	if err != nil {
		return nil, err
	}
	raw := o.appendHeader(make([]byte, 0, o.headerSize()))
	out := &Writer{ctx: ctx, w: w, o: o, header: o.public(len(raw)), seq: 1}
	out.share = taskFrames(c.frameLen) * c.frameLen
	out.ring.init(&o.frames, c.tasks, c.workers, (*task).sealNow)
	if o.spec.signing() {
		out.digest = newDigester(o.spec)
		out.digest.last(raw)
	}
	if err := writeAll(w, raw); err != nil {
		o.wipe()
		return nil, err
	}
	out.cur = out.ring.get()
	return out, nil
}

// public returns the caller's copy of the header.
func (o *outgoing) public(length int) *Header {
	var with struct {
		Header
		own   [1]EncryptedDataKey
		block [160]byte
	}
	out := &with.Header
	out.copy(o.messageID(), o.materials.EncryptedDataKeys, with.own[:0], with.block[:])
	out.Suite = o.spec.id
	out.Context = o.materials.Context
	out.RequiredKeys = slices.Sorted(slices.Values(o.materials.RequiredKeys))
	out.FrameLength = int64(o.frames.frameLen)
	out.Length = length
	return out
}

// Header returns the header that was written. Its Context is the caller's own
// map where nothing was added to it.
func (w *Writer) Header() *Header { return w.header }

// Write takes plaintext. It does not keep p.
func (w *Writer) Write(p []byte) (int, error) {
	if err := w.take(int64(len(p))); err != nil {
		return 0, err
	}
	rest, direct := p, false
	for len(rest) > 0 {
		if len(w.cur.in) == 0 && len(rest) > w.share {
			// A whole share and more: no need to gather it.
			direct = true
			w.cur.src, rest = rest[:w.share], rest[w.share:]
			w.dispatch()
		} else {
			if len(w.cur.in) == w.share {
				w.cur.src = w.cur.in
				if w.dispatch(); w.err != nil {
					return 0, w.err
				}
			}
			n := min(len(rest), w.share-len(w.cur.in))
			w.cur.in = append(w.cur.in, rest[:n]...)
			rest = rest[n:]
		}
		if w.err != nil {
			return 0, w.err
		}
	}
	for direct && w.digest == nil && len(w.ring.flying) > 0 { // p is the caller's again
		w.settle()
	}
	if w.err != nil {
		return 0, w.err
	}
	return len(p), nil
}

// take accounts for n bytes more of plaintext (ENV-39).
func (w *Writer) take(n int64) error {
	if w.closed && w.err == nil {
		return failCause(ErrUnsupported, "write", errClosed)
	}
	if w.err != nil {
		return w.err
	}
	c := w.o.client
	bound := int64(c.frameLen) * maxFrames // cannot overflow: both are under 2^32, and the product under 2^64 is cut below
	if bound < 0 {
		bound = 1<<63 - 1
	}
	if c.cfg.PlaintextBound > 0 {
		bound = min(bound, c.cfg.PlaintextBound)
	}
	if n > bound-w.total {
		w.fail(fail(ErrLimit, "more plaintext than the message may have"))
		return w.err
	}
	w.total += n
	return nil
}

// fail keeps the first error; nothing is written after it, above all no final
// frame.
func (w *Writer) fail(err error) {
	if w.err == nil {
		w.err = err
		w.end()
	}
}

// end waits for what is under way and zeroes what was held.
func (w *Writer) end() {
	if w.digest != nil {
		w.digest.wait()
	}
	w.ring.end()
	if w.cur != nil {
		w.ring.free(w.cur)
		w.cur = nil
	}
	w.o.wipe()
}

// dispatch seals cur.src, whole regular frames, and makes cur a task to gather
// in. Who seals: a goroutine once the stream is long; the caller before that,
// and for signed suites, whose digest, slower than the cipher, then has the
// other CPU.
func (w *Writer) dispatch() {
	if err := w.ctx.Err(); err != nil {
		w.fail(err)
		return
	}
	t := w.cur
	t.first = w.seq
	w.seq += uint32(len(t.src) / t.frames.frameLen)
	switch {
	case w.digest != nil:
		t.sealNow()
		w.digest.addTask(digestTask{t.out, t.done})
		w.ring.push(t)
		w.cur = nil
		w.emit(t.out)
		if w.err == nil && w.ring.full() {
			w.ring.put(w.ring.pop())
		}
	case w.o.client.workers > 1 && w.total > parallelAfter:
		w.ring.start(t)
		w.cur = nil
		if w.ring.full() {
			w.settle()
		}
	default:
		t.sealNow()
		w.emit(t.out)
	}
	if w.err != nil {
		return // there is no cur any more
	}
	if w.cur == nil {
		w.cur = w.ring.get()
	}
	w.cur.in = w.cur.in[:0]
}

// settle waits for the oldest task under way and writes what it sealed.
func (w *Writer) settle() {
	t := w.ring.pop()
	if w.digest == nil && w.err == nil {
		w.emit(t.out)
	}
	if w.err != nil {
		w.ring.free(t)
		return
	}
	w.ring.put(t)
}

func (w *Writer) emit(b []byte) {
	if err := writeAll(w.w, b); err != nil {
		w.fail(err)
	}
}

// writeAll is Write with its contract checked.
func writeAll(w io.Writer, b []byte) error {
	n, err := w.Write(b)
	if err == nil && n != len(b) {
		err = io.ErrShortWrite
	}
	return err
}

// ReadFrom takes plaintext from r until its end. It does not close the
// message.
func (w *Writer) ReadFrom(r io.Reader) (int64, error) {
	var n int64
	for {
		if err := w.take(0); err != nil {
			return n, err
		}
		if w.seq > 1 && w.share < 2*taskBytes && cap(w.cur.in) <= w.share {
			w.cur.in = append(make([]byte, 0, w.share+1), w.cur.in...) // the stream is long: the whole share at once
		}
		// One byte more than a share shows that the share is not the end.
		w.cur.in = grow(w.cur.in, w.share+1)
		got, err := r.Read(w.cur.in[len(w.cur.in):min(cap(w.cur.in), w.share+1)])
		w.cur.in = w.cur.in[:len(w.cur.in)+got]
		n += int64(got)
		if errTake := w.take(int64(got)); errTake != nil {
			return n, errTake
		}
		if len(w.cur.in) > w.share {
			if w.passOn(); w.err != nil {
				return n, w.err
			}
		}
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			w.fail(err)
			return n, err
		}
	}
}

// passOn seals the whole share in cur and carries the byte behind it over.
func (w *Writer) passOn() {
	extra := w.cur.in[w.share]
	w.cur.src = w.cur.in[:w.share]
	if w.dispatch(); w.err == nil {
		w.cur.in = append(w.cur.in, extra)
	}
}

// grow makes room for more bytes, doubling up to limit, so that buffers follow
// what arrives.
func grow(b []byte, limit int) []byte {
	if cap(b) > len(b) {
		return b
	}
	bigger := make([]byte, len(b), min(limit, max(2*cap(b), 16<<10)))
	copy(bigger, b)
	clear(b)
	return bigger
}

// Close seals what is left as the final frame, and signs. It does not close
// the underlying writer. A second Close returns what the first did.
func (w *Writer) Close() error {
	if w.closed || w.err != nil {
		w.closed = true
		return w.err
	}
	w.closed = true
	for w.err == nil && len(w.ring.flying) > 0 {
		w.settle()
	}
	if err := w.ctx.Err(); err != nil && w.err == nil {
		w.fail(err)
	}
	if w.err != nil {
		return w.err
	}
	if err := w.finish(); err != nil {
		w.fail(err)
		return err
	}
	w.end()
	return nil
}

// finish writes the last frames and the footer.
func (w *Writer) finish() error {
	f := &w.o.frames
	rest := w.cur.in
	regular := int(frameCount(int64(len(rest)), int64(f.frameLen)) - 1)
	tail := rest[regular*f.frameLen:]
	size := regular*(f.frameLen+regularOverhead) + finalOverhead + len(tail) + w.o.spec.maxFooter()
	out := f.sealRun(room(w.cur.out, size), w.seq, rest[:regular*f.frameLen])
	out = f.sealFinal(out, w.seq+uint32(regular), tail)
	if w.digest != nil {
		w.digest.last(out)
		var err error
		if out, err = appendFooter(out, w.o.materials.SigningKey, w.digest.sum()); err != nil {
			return err
		}
	}
	return writeAll(w.w, out)
}
