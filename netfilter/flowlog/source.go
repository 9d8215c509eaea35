// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// errLong says that the line was longer than the limit. It has been skipped.
var errLong = errors.New("line too long")

// source splits an input into lines in a buffer of its own, which grows up to
// the limit of a line and no further. Behind a line there is slack.
type source struct {
	r          io.Reader
	buf        []byte
	start, end int   // what is in buf and not read yet
	line       int64 // number of the last line
	offset     int64 // bytes before it
	taken      int64 // bytes before start
	limit      int   // of a line
	left       int64 // bytes that the input may still have
	err        error // what ended the input
}

// errParquet: the other form in which AWS delivers flow logs (NET-65).
var errParquet = errors.New("a Parquet file, not text")

// newSource looks at the first bytes to tell gzip data, and Parquet, from text.
func newSource(in io.Reader, limit int, most int64) (*source, error) {
	s := &source{buf: newBuffer(min(bufferSize, limit+2)), limit: limit, left: most}
	var head [4]byte
	n, err := io.ReadFull(in, head[:])
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	s.r = io.MultiReader(bytes.NewReader(head[:n]), in)
	if string(head[:]) == "PAR1" {
		return nil, errParquet
	}
	if head[0] == 0x1f && head[1] == 0x8b {
		z, err := gzip.NewReader(bufio.NewReaderSize(s.r, bufferSize))
		if err != nil {
			return nil, err
		}
		s.r = z
	}
	return s, nil
}

// next returns the next line without its end, valid until the next call.
func (s *source) next() ([]byte, error) {
	s.line++
	s.offset = s.taken
	for searched := s.start; ; {
		if i := bytes.IndexByte(s.buf[searched:s.end], '\n'); i >= 0 {
			line := s.buf[s.start : searched+i]
			s.taken += int64(len(line)) + 1
			s.start = searched + i + 1
			return s.whole(line)
		}
		if s.end-s.start > s.limit+1 {
			return nil, s.skip()
		}
		if s.err != nil {
			return s.last()
		}
		searched = s.end - s.start
		s.fill()
	}
}

// whole checks the length of a line and puts a space behind it, where its end was
// or the slack begins.
func (s *source) whole(line []byte) ([]byte, error) {
	if line = trimCR(line); len(line) > s.limit {
		return nil, errLong
	}
	line[: len(line)+1 : cap(line)][len(line)] = ' '
	return line, nil
}

// newBuffer makes a buffer with slack behind it.
func newBuffer(size int) []byte { return make([]byte, size+slack)[:size] }

// last returns the line that the input ended without ending. Of an input that
// broke off nobody knows whether it is whole.
func (s *source) last() ([]byte, error) {
	if s.err != io.EOF || s.start == s.end {
		return nil, s.err
	}
	line := s.buf[s.start:s.end]
	s.taken += int64(len(line))
	s.start = s.end
	return s.whole(line)
}

// fill reads more, after what is not read yet, which it moves to the front.
func (s *source) fill() {
	s.end = copy(s.buf, s.buf[s.start:s.end])
	s.start = 0
	if s.end == len(s.buf) {
		grown := newBuffer(min(2*len(s.buf), s.limit+2))
		copy(grown, s.buf)
		s.buf = grown
	}
	for range 100 {
		n, err := s.r.Read(s.buf[s.end:])
		if s.left -= int64(n); s.left < 0 {
			n, err = 0, fmt.Errorf("%w: the input has more bytes than MaxInput", ErrLimit)
		}
		s.end += n
		if s.err = err; n > 0 || err != nil {
			return
		}
	}
	s.err = io.ErrNoProgress
}

// skip drops the rest of a line that is too long.
func (s *source) skip() error {
	for {
		i := bytes.IndexByte(s.buf[s.start:s.end], '\n')
		if i >= 0 {
			s.taken += int64(i) + 1
			s.start += i + 1
			return errLong
		}
		s.taken += int64(s.end - s.start)
		s.start = s.end
		if s.err != nil {
			if s.err == io.EOF {
				return errLong
			}
			return s.err
		}
		s.fill()
	}
}
