// SPDX-License-Identifier: Apache-2.0

package envelope

import "math"

// EncryptedSize returns the bytes of a message with this header and so much
// plaintext. For suites that sign it is an upper bound, by a few bytes: the
// length of a signature varies. A negative length is [ErrConfig]; more
// plaintext than the format can hold is [ErrLimit]; a non-framed message,
// which this package does not write, is [ErrUnsupported].
func (h *Header) EncryptedSize(plaintext int64) (int64, error) {
	spec := h.Suite.spec()
	switch {
	case spec == nil:
		return 0, fail(ErrUnsupportedSuite, "id "+h.Suite.hex())
	case h.FrameLength <= 0:
		return 0, fail(ErrUnsupported, "the size of a non-framed message")
	case plaintext < 0:
		return 0, fail(ErrConfig, "negative length")
	}
	frames := frameCount(plaintext, h.FrameLength)
	if frames > maxFrames || plaintext > math.MaxInt64-frames*regularOverhead-finalOverhead-int64(h.Length)-int64(spec.maxFooter()) {
		return 0, fail(ErrLimit, "more plaintext than a message can hold")
	}
	return int64(h.Length) + bodySize(plaintext, h.FrameLength) + int64(spec.maxFooter()), nil
}

// plan is where the frames of a framed, unsigned body lie (ENV-94).
type plan struct {
	header   int64 // bytes before the body
	frameLen int64
	frames   int64 // final one included
	last     int64 // plaintext bytes of the final frame
}

// planBody computes the plan from the number of bytes of the body; the
// solution is unique.
func planBody(header, body, frameLen int64) (plan, error) {
	r := body - finalOverhead
	if r < 0 {
		return plan{}, truncated(header+max(body, 0), nil)
	}
	p := plan{header: header, frameLen: frameLen, frames: r/(frameLen+regularOverhead) + 1, last: r % (frameLen + regularOverhead)}
	if p.last > frameLen || p.frames > maxFrames {
		return plan{}, fail(ErrFormat, "no sequence of frames has this size")
	}
	return p, nil
}

// size is the plaintext bytes.
func (p plan) size() int64 { return (p.frames-1)*p.frameLen + p.last }

// offset is where frame i, from 1, starts in the message.
func (p plan) offset(i int64) int64 { return p.header + (i-1)*(p.frameLen+regularOverhead) }
