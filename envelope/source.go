// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"errors"
	"io"
)

// source hands out a header's bytes in order and keeps them: from a message
// in memory (r nil), or from a reader, growing as bytes arrive.
type source struct {
	buf []byte // in memory the whole message, else what was read
	pos int    // what was handed out
	r   io.Reader
}

// readStep bounds what is allocated before the bytes it is for have arrived.
const readStep = 4096

// next returns the next n bytes, valid until the next call.
func (s *source) next(n int) ([]byte, error) {
	for s.r != nil && len(s.buf)-s.pos < n {
		if err := s.fill(min(n-(len(s.buf)-s.pos), readStep)); err != nil {
			return nil, err
		}
	}
	if len(s.buf)-s.pos < n {
		return nil, truncated(int64(len(s.buf)), io.ErrUnexpectedEOF)
	}
	b := s.buf[s.pos : s.pos+n : s.pos+n]
	s.pos += n
	return b, nil
}

// fill reads exactly n bytes more.
func (s *source) fill(n int) error {
	have := len(s.buf)
	s.buf = append(s.buf, make([]byte, n)...)
	got, err := io.ReadFull(s.r, s.buf[have:])
	s.buf = s.buf[:have+got]
	return endOfInput(int64(len(s.buf)), err)
}

// consumed returns what was handed out.
func (s *source) consumed() []byte { return s.buf[:s.pos:s.pos] }

// endOfInput turns the end of a reader inside a message into ErrTruncated and
// leaves other errors of the reader as they are.
func endOfInput(offset int64, err error) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return truncated(offset, io.ErrUnexpectedEOF)
	}
	return err
}

func truncated(offset int64, cause error) error {
	return &Error{Kind: ErrTruncated, Offset: offset, Cause: cause}
}
