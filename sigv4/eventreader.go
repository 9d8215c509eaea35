// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"encoding/binary"
	"errors"
	"io"
	"time"
)

// eventReader is the body of a verified event stream: the messages inside the
// signed frames, one after the other, each released only after its frame's
// checksums, date and signature were found good (SIG-65).
type eventReader struct {
	body  io.ReadCloser
	chain *eventChain
	now   func() time.Time // nil: time.Now
	skew  time.Duration
	fault func(error) error // completes an error for the Verifier

	buf      []byte
	released []byte
	err      error
}

// Read returns bytes of verified messages, and io.EOF after the frame that
// ends the stream. Any other error is final; a body that ends without that
// frame is io.ErrUnexpectedEOF.
func (r *eventReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(r.released) == 0 && r.err == nil {
		if r.released, r.err = r.next(); r.err != nil && r.err != io.EOF {
			r.err = r.fault(r.err)
		}
	}
	if r.err != nil {
		return 0, r.err
	}
	n := copy(p, r.released)
	r.released = r.released[n:]
	return n, nil
}

// Close closes the body underneath.
func (r *eventReader) Close() error {
	if r.err == nil {
		r.released, r.err = nil, errBodyClosed()
	}
	return r.body.Close()
}

// next reads and verifies one frame and returns its message.
func (r *eventReader) next() ([]byte, error) {
	frame, err := readEventFrame(r.body, r.buf)
	r.buf = frame
	if err != nil {
		return nil, frameFault(err)
	}
	millis, sig, ok := cutFrameHeaders(eventFrame(frame).headers())
	if !ok {
		return nil, errEventFrame()
	}
	date := time.UnixMilli(millis)
	if now := clock(r.now); date.Before(now.Add(-r.skew)) || date.After(now.Add(r.skew)) {
		return nil, errEventSkew(date, now)
	}
	message := eventFrame(frame).payload()
	if err := r.chain.compute(millis, message); err != nil {
		return nil, err
	}
	if !(Signature{sum: sig}).Equal(Signature{sum: r.chain.sig}) {
		return nil, errEventSignature()
	}
	r.chain.prev = sig
	if len(message) > 0 {
		return message, nil
	}
	var one [1]byte
	if n, err := io.ReadFull(r.body, one[:]); n > 0 {
		return nil, errBodyTrailing()
	} else if err != io.EOF {
		return nil, truncated(err)
	}
	return nil, io.EOF
}

// frameFault turns what is wrong with a frame into a refusal; errors of the
// network stay what they are.
func frameFault(err error) error {
	if errors.Is(err, ErrEvent) {
		return newError(faultFrame, "a frame of the event stream is malformed").because(err)
	}
	return truncated(err)
}

// cutFrameHeaders takes the date and the signature out of the headers of a
// signed frame, which hold these two, in this order, and nothing else.
func cutFrameHeaders(b []byte) (millis int64, sig [32]byte, ok bool) {
	if len(b) != eventHeadersLen || string(b[:len(eventDateHeader)]) != eventDateHeader ||
		string(b[eventDateLen:eventDateLen+len(eventSigHeader)]) != eventSigHeader {
		return 0, sig, false
	}
	millis = int64(binary.BigEndian.Uint64(b[len(eventDateHeader):]))
	copy(sig[:], b[eventDateLen+len(eventSigHeader):])
	return millis, sig, true
}
