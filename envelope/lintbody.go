// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"strconv"
)

// walk follows the frames of a body without opening them.
type walk struct {
	r      *bufio.Reader
	offset int64
	seq    uint32 // of the frame at hand

	odd      int64  // frames whose IV is not their number
	firstOdd uint32 // the first of them
	empty    bool   // a final frame of nothing after full ones
	stopped  bool   // there is a reason not to go on
}

// body looks at what follows the header. A fault in it ends the walk and is a
// finding; an error is the reader's own.
func (l *lint) body(r *bufio.Reader) error {
	w := &walk{r: r, offset: int64(len(l.h.raw)), seq: 1}
	frames := &frameCipher{frameLen: int(min(int64(l.h.frameLen), l.lim.frameLen))}
	var err error
	switch {
	case !l.h.framed:
		err = w.block(l)
	case int64(l.h.frameLen) > l.lim.frameLen: // said already, and a client goes no further
		return nil
	default:
		err = w.frames(frames)
	}
	if err == nil && !w.stopped {
		err = w.end(l.h)
	}
	if w.odd > 0 {
		l.refuse("frame-iv", strconv.FormatInt(w.odd, 10)+" frames with an IV that is not their number", failFrame(ErrFormat, w.firstOdd, oddIV))
	}
	if w.empty {
		l.refuse("empty-final", "a final frame of nothing after full ones", failFrame(ErrFormat, w.seq, emptyFinal))
	}
	var e *Error
	if errors.As(err, &e) {
		l.refuse("body", "the body is no whole sequence of frames", err)
		return nil
	}
	return err
}

// read fills p from the body.
func (w *walk) read(p []byte) error {
	n, err := io.ReadFull(w.r, p)
	w.offset += int64(n)
	return endOfInput(w.offset, err)
}

// skip passes over n bytes.
func (w *walk) skip(n int64) error {
	for n > 0 {
		got, err := w.r.Discard(int(min(n, 1<<20)))
		w.offset += int64(got)
		if err != nil {
			return endOfInput(w.offset, err)
		}
		n -= int64(got)
	}
	return nil
}

// iv notes whether the IV is the one written for the number.
func (w *walk) iv(iv []byte) {
	if binary.BigEndian.Uint64(iv) == 0 && binary.BigEndian.Uint32(iv[8:]) == w.seq {
		return
	}
	if w.odd++; w.odd == 1 {
		w.firstOdd = w.seq
	}
}

// frames walks to the end of the final frame, holding what it passes to the
// rules that need no key.
func (w *walk) frames(f *frameCipher) error {
	var b [finalPrefix]byte
	for {
		if err := w.read(b[:4]); err != nil {
			return err
		}
		seq := binary.BigEndian.Uint32(b[:])
		if seq == finalMarker {
			break
		}
		if seq != w.seq {
			return failFrame(ErrFormat, w.seq, "frame out of sequence")
		}
		if err := w.read(b[4:regularPrefix]); err != nil {
			return err
		}
		w.iv(b[4:regularPrefix])
		if err := w.skip(int64(f.frameLen) + tagLen); err != nil {
			return err
		}
		w.seq++
	}
	if err := w.read(b[4:]); err != nil {
		return err
	}
	n, err := f.finalLength(b[:], w.seq)
	if err != nil {
		return err
	}
	w.iv(b[8 : 8+ivLen])
	w.empty = n == 0 && w.seq > 1
	return w.skip(int64(n) + tagLen)
}

// block walks over a non-framed body.
func (w *walk) block(l *lint) error {
	var b [nonFramedPrefix]byte
	if err := w.read(b[:]); err != nil {
		return err
	}
	w.iv(b[:ivLen])
	n, err := nonFramedLength(b[:], l.lim.nonFramed)
	if err != nil {
		l.refuse("non-framed-length", "a non-framed body of more bytes than MaxNonFramed", err)
		w.stopped = true
		return nil
	}
	return w.skip(n + tagLen)
}

// end looks at what follows the body: a footer where the suite signs, and then
// nothing.
func (w *walk) end(h *header) error {
	at := w.offset
	rest, err := w.r.Peek(4)
	if err != nil && err != io.EOF {
		return err
	}
	if h.framed {
		if err := moreFrames(rest, w.seq, h.spec.signing()); err != nil {
			return err
		}
	}
	if h.spec.signing() {
		var n [2]byte
		err := w.read(n[:])
		if err == nil {
			err = w.skip(int64(binary.BigEndian.Uint16(n[:])))
		}
		if errors.Is(err, ErrTruncated) {
			return shortFooter(at)
		}
		if err != nil {
			return err
		}
	}
	if _, err := w.r.Peek(1); err != io.EOF {
		if err != nil {
			return err
		}
		return failAt(ErrTrailingData, w.offset, "")
	}
	return nil
}
