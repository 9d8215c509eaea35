// SPDX-License-Identifier: Apache-2.0

package strictjson

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Position returns the line and column of an offset in data, both from 1, the
// column in bytes.
func Position(data []byte, offset int64) (line, column int) {
	before := data[:min(max(offset, 0), int64(len(data)))]
	line = bytes.Count(before, []byte{'\n'}) + 1
	return line, len(before) - bytes.LastIndexByte(before, '\n')
}

// position is Position for the window of a reader.
func (s *Scanner) position(at int) (line, column int) {
	before := s.data[:min(max(at, 0), len(s.data))]
	line = s.lines + bytes.Count(before, []byte{'\n'}) + 1
	if i := bytes.LastIndexByte(before, '\n'); i >= 0 {
		return line, len(before) - i
	}
	return line, int(s.base + int64(len(before)) - s.newline)
}

// Path returns where the current token is, such as
// Statement[1].Condition.StringLike["s3:prefix"][0]: members by name, written
// like identifiers where they are such and quoted where not, elements by index
// from 0. The document itself is the empty string.
func (s *Scanner) Path() string {
	var b strings.Builder
	frames := s.frames
	if n := len(frames); n > 0 && (s.kind == ObjectOpen || s.kind == ArrayOpen) {
		frames = frames[:n-1] // the token itself is the object, not in it
	}
	for i := range frames {
		f := &frames[i]
		if f.count == 0 {
			break
		}
		if !f.object {
			b.WriteByte('[')
			b.WriteString(strconv.Itoa(f.count - 1))
			b.WriteByte(']')
			continue
		}
		last := len(s.names.refs)
		if i+1 < len(s.frames) {
			last = s.frames[i+1].first
		}
		if last > f.first {
			writeName(&b, string(s.names.name(last-1)))
		}
	}
	return b.String()
}

// writeName appends a member to a path. Names are a stranger's text: long ones
// are cut.
func writeName(b *strings.Builder, name string) {
	const longest = 128
	if len(name) > longest {
		name = strings.ToValidUTF8(name[:longest], "") + "…"
	}
	if identifier(name) {
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(name)
		return
	}
	b.WriteByte('[')
	b.WriteString(strconv.Quote(name))
	b.WriteByte(']')
}

func identifier(name string) bool {
	for i := range len(name) {
		c := name[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// Fail returns an error at the current token, for JSON that is not what the
// caller expects; the scanner then stays in error. The reason must not quote
// values of the document.
func (s *Scanner) Fail(reason string) error {
	if s.err == nil {
		begin := s.begin
		if s.kind == String || s.kind == Name {
			begin--
		}
		s.fail(ErrShape, begin, reason)
	}
	return s.err
}

// fail records an error at the index at of data.
func (s *Scanner) fail(sentinel error, at int, reason string) {
	line, column := s.position(at)
	s.err = &Error{
		Offset: s.base + int64(at), Line: line, Column: column, Path: s.Path(), Reason: reason, err: sentinel,
	}
}

func (s *Scanner) failed(sentinel error, at int, reason string) bool {
	s.fail(sentinel, at, reason)
	return false
}

// unexpected records that the byte at an index of data fits nothing there.
func (s *Scanner) unexpected(at int, want string) (Kind, bool) {
	c := s.data[at]
	what := fmt.Sprintf("byte 0x%02x", c)
	if ' ' < c && c < 0x7f {
		what = strconv.QuoteRune(rune(c))
	}
	s.fail(ErrSyntax, at, what+" where "+want+" should be")
	return Invalid, false
}

// short reads more when the window ends inside the token at pos, and is an
// error where the document does. It always reports false.
func (s *Scanner) short() bool {
	if s.err == nil && (s.eof || !s.fill(s.pos)) && s.err == nil {
		s.fail(ErrSyntax, len(s.data), "unexpected end")
	}
	return false
}
