// SPDX-License-Identifier: Apache-2.0

package strictjson

import (
	"bytes"
	"io"
)

// fill reads more of the document, keeping data from the index keep (or the
// pinned one) on. It reports false at the end of the input and on errors.
func (s *Scanner) fill(keep int) bool {
	if s.pinned >= 0 {
		keep = min(keep, s.pinned)
	}
	s.slide(keep)
	if len(s.data) == cap(s.data) {
		if err := s.grow(); err != nil {
			return false
		}
	}
	n, err := io.ReadFull(s.reader, s.data[len(s.data):cap(s.data)])
	s.data = s.data[:len(s.data)+n]
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		s.eof, err = true, nil
	}
	switch {
	case err != nil:
		s.err = err
		return false
	case s.base+int64(len(s.data)) > s.limits.Size:
		s.fail(ErrLimit, s.pos, "document too large")
		return false
	}
	return n > 0
}

// slide drops the data before keep.
func (s *Scanner) slide(keep int) {
	if keep == 0 {
		return
	}
	gone := s.data[:keep]
	if i := bytes.LastIndexByte(gone, '\n'); i >= 0 {
		s.lines += bytes.Count(gone, []byte{'\n'})
		s.newline = s.base + int64(i)
	}
	s.data = s.data[:copy(s.data, s.data[keep:])]
	s.base += int64(keep)
	s.pos -= keep
	s.begin -= keep
	s.end -= keep
	if s.pinned >= 0 {
		s.pinned -= keep
	}
}

// grow makes room in a full buffer.
func (s *Scanner) grow() error {
	const smallest = 64 << 10
	most := max(s.limits.Value, int64(s.limits.String)) + smallest
	size := min(max(2*int64(cap(s.data)), smallest), most)
	if size <= int64(cap(s.data)) {
		s.fail(ErrLimit, s.pos, "token or value too large")
		return s.err
	}
	bigger := make([]byte, len(s.data), size)
	copy(bigger, s.data)
	s.data = bigger
	return nil
}
