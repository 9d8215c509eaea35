// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bufio"
	"context"
	"encoding/asn1"
	"encoding/binary"
	"io"
	"math/big"
	"sync"
)

// ReaderAt reads ranges of a framed message, opening only the frames that a
// range touches. Each byte it returns belongs to a frame that verified at its
// place; that the rest of the message is good is not proven by it. It is safe
// for concurrent use when its source is, and wraps into an
// [io.SectionReader].
type ReaderAt struct {
	ctx    context.Context //nolint:containedctx // for cancellation
	in     *incoming
	header *Header
	src    io.ReaderAt
	tasks  *sync.Pool
	length int64 // of the message
	plan   plan
	pool   sync.Pool // of *rangeBuffer
}

// rangeBuffer is what one call of ReadAt works with.
type rangeBuffer struct {
	frames    *frameCipher
	sealed    []byte
	plaintext []byte // as long as what was written since the last wipe
}

func (b *rangeBuffer) wipe() {
	clear(b.plaintext)
	b.plaintext = b.plaintext[:0]
}

// NewReaderAt reads and proves the header of the message of so many bytes,
// then its final frame, so that [ReaderAt.Size] can be relied on. ec is as for
// [Client.Decrypt].
//
// Non-framed messages are [ErrUnsupported]. So are signed ones, whose
// signature a range cannot check, unless Config.AllowUnverifiedSignature says
// that the tags are enough. A size that is not the message's is [ErrFormat],
// [ErrTruncated] or [ErrFrameAuth].
func (c *Client) NewReaderAt(ctx context.Context, ra io.ReaderAt, size int64, ec EncryptionContext) (*ReaderAt, error) {
	if size < 0 {
		return nil, fail(ErrConfig, "negative size")
	}
	in, err := c.openHeader(ctx, source{r: bufio.NewReader(io.NewSectionReader(ra, 0, size))}, ec)
	if err != nil {
		return nil, untangle(err)
	}
	r := &ReaderAt{ctx: ctx, in: in, header: in.public(), src: ra, length: size, tasks: c.tasks}
	r.pool.New = func() any { return &rangeBuffer{frames: in.frames.clone()} }
	if err := r.open(size, c.cfg.AllowUnverifiedSignature); err != nil {
		in.wipe()
		return nil, err
	}
	in.wipe()
	in.materials.DataKey = nil
	return r, nil
}

// open finds the frames and proves the final one.
func (r *ReaderAt) open(size int64, unverified bool) error {
	h := &r.in.header
	if !h.framed {
		return fail(ErrUnsupported, "ranges of a non-framed message")
	}
	if !h.spec.signing() {
		p, err := planBody(int64(len(h.raw)), size-int64(len(h.raw)), int64(h.frameLen))
		if err != nil {
			return err
		}
		r.plan = p
		return r.checkFinal()
	}
	if !unverified {
		return fail(ErrUnsupported, "ranges of a signed message, whose signature they cannot check")
	}
	return r.openSigned(size)
}

// openSigned finds the footer from the end: the one length that agrees with
// itself and leaves a body whose final frame verifies (ENV-96).
func (r *ReaderAt) openSigned(size int64) error {
	h := &r.in.header
	tail := make([]byte, min(int64(h.spec.maxFooter()), size-int64(len(h.raw))))
	if err := r.readFull(tail, size-int64(len(tail))); err != nil {
		return err
	}
	for n := 10; n <= len(tail); n++ {
		footer := tail[len(tail)-n:]
		if int(binary.BigEndian.Uint16(footer)) != n-2 || !isSignature(footer[2:]) {
			continue
		}
		p, err := planBody(int64(len(h.raw)), size-int64(len(h.raw))-int64(n), int64(h.frameLen))
		if err != nil {
			continue
		}
		r.plan = p
		if r.checkFinal() == nil {
			return nil
		}
	}
	return shortFooter(size)
}

// isSignature reports whether b is the DER of an ECDSA signature.
func isSignature(b []byte) bool {
	var sig struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(b, &sig)
	return err == nil && len(rest) == 0
}

// checkFinal proves that the final frame is where and what the plan says.
func (r *ReaderAt) checkFinal() error {
	b := r.pool.Get().(*rangeBuffer)
	defer r.pool.Put(b)
	_, err := r.frame(b, nil, r.plan.frames)
	b.wipe()
	return err
}

// Size returns the bytes of plaintext.
func (r *ReaderAt) Size() int64 { return r.plan.size() }

// Header returns the authenticated header.
func (r *ReaderAt) Header() *Header { return r.header }

// ReadAt implements [io.ReaderAt]. On an error the n bytes returned are good
// ones; no byte of a frame that failed is among them.
func (r *ReaderAt) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fail(ErrConfig, "negative offset")
	}
	b := r.pool.Get().(*rangeBuffer)
	defer func() {
		b.wipe()
		r.pool.Put(b)
	}()
	n := 0
	for n < len(p) {
		if off >= r.Size() {
			return n, io.EOF
		}
		if err := r.ctx.Err(); err != nil {
			return n, err
		}
		got, err := r.readFrame(b, p[n:], off)
		if err != nil {
			return n, err
		}
		n, off = n+got, off+int64(got)
	}
	return n, nil
}

// readFrame reads what the frame at off has for p. A frame that fits is opened
// in p itself, which spares a large range one copy and one wipe of it all.
func (r *ReaderAt) readFrame(b *rangeBuffer, p []byte, off int64) (int, error) {
	i, skip := off/r.plan.frameLen+1, off%r.plan.frameLen
	size := r.plan.frameLen
	if i == r.plan.frames {
		size = r.plan.last
	}
	if skip > 0 || int64(len(p)) < size {
		plaintext, err := r.frame(b, nil, i)
		if err != nil {
			return 0, err
		}
		return copy(p, plaintext[skip:]), nil
	}
	if _, err := r.frame(b, p[:0:size], i); err != nil {
		clear(p[:size])
		return 0, err
	}
	return int(size), nil
}

// frame reads and opens frame i, from 1: into dst, which has room for it, or
// into the buffer where that is nil.
func (r *ReaderAt) frame(b *rangeBuffer, dst []byte, i int64) ([]byte, error) {
	final := i == r.plan.frames
	size := int(r.plan.frameLen) + regularOverhead
	if final {
		size = int(r.plan.last) + finalOverhead
	}
	if err := r.read(b, size, r.plan.offset(i)); err != nil {
		return nil, err
	}
	if dst == nil {
		b.plaintext = room(b.plaintext, size)[:max(size, len(b.plaintext))]
		dst = b.plaintext[:0]
	}
	if !final {
		return b.frames.openRegular(dst, uint32(i), b.sealed)
	}
	if binary.BigEndian.Uint32(b.sealed) != finalMarker {
		return nil, failFrame(ErrFormat, uint32(i), "no final frame where the size puts it")
	}
	n, err := b.frames.finalLength(b.sealed[:finalPrefix], uint32(i))
	if err == nil && n != int(r.plan.last) {
		err = failFrame(ErrFormat, uint32(i), "final frame of another length than the size leaves")
	}
	if err != nil {
		return nil, err
	}
	return b.frames.openFinal(dst, uint32(i), b.sealed)
}

// read fills the buffer with the sealed frame, growing as bytes arrive.
func (r *ReaderAt) read(b *rangeBuffer, size int, off int64) error {
	b.sealed = b.sealed[:0]
	for len(b.sealed) < size {
		have := len(b.sealed)
		if cap(b.sealed) < size {
			b.sealed = grow(b.sealed, max(min(size, 2*taskBytes), min(size, 2*cap(b.sealed))))
		}
		b.sealed = b.sealed[:min(size, cap(b.sealed))]
		if err := r.readFull(b.sealed[have:], off+int64(have)); err != nil {
			return err
		}
	}
	return nil
}

// readFull is ReadAt with the end of the source as truncation.
func (r *ReaderAt) readFull(p []byte, off int64) error {
	n, err := r.src.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return endOfInput(off+int64(n), err)
}

// VerifyAll reads the whole message and checks everything, the signature of a
// signed one too: what a [Reader] proves at its io.EOF.
func (r *ReaderAt) VerifyAll() error {
	body := io.NewSectionReader(r.src, int64(len(r.in.header.raw)), r.length-int64(len(r.in.header.raw)))
	h := &r.in.header
	materials := *r.in.materials
	in := &incoming{header: *h, materials: &materials, handed: &handed{}}
	in.frames.init(r.in.frames.aead, h.messageID, int(h.frameLen), r.in.frames.strict)
	whole := newReader(r.ctx, in, bufio.NewReader(body), r.tasks, 1, maxNonFramed)
	_, err := whole.WriteTo(io.Discard)
	return err
}
