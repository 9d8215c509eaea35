// SPDX-License-Identifier: Apache-2.0

package strictjson

import (
	"io"
)

// state is what the grammar expects next.
type state uint8

const (
	stValue   state = iota // a value
	stElement              // the first element of an array, or its end
	stMember               // the first member of an object, or its end
	stName                 // a member name, after a comma
	stColon                // the colon behind a name
	stAfter                // what follows a value: comma, closing, end
)

// Scanner hands out the tokens of one document. Get one with New or NewReader,
// or Reset an old one or the zero value; do not copy it.
type Scanner struct {
	data   []byte // the document, or the window of it that is in memory
	pos    int    // of the next byte in data
	begin  int    // of the current token in data
	end    int    // behind it
	kind   Kind
	state  state
	escape bool // the current string holds an escape
	eof    bool // data reaches to the end of the document
	nested bool // inside at least one object or array

	limits Limits
	tokens int64
	frames []frame
	names  nameTable
	text   []byte // a decoded string

	skimmed []skimmed // memory of the skimmer

	reader  io.Reader
	base    int64 // offset of data[0] in the document
	pinned  int   // data from here on must stay; -1 for none
	lines   int   // line ends before data[0]
	newline int64 // offset of the last line end before data[0], or -1
	err     error // the first error, which stays

	// Room for a small document, so that reading one costs one allocation.
	frameRoom [8]frame
	nameRoom  [8]nameRef
	arenaRoom [128]byte
}

// frame is an open object or array.
type frame struct {
	object bool
	count  int // elements or members begun
	first  int // index of the object's first name in the table
	arena  int // where the object's names begin in the arena
	bloom  uint64
}

// New returns a scanner over a byte slice, which it does not change and which
// must not change while it is in use.
func New(data []byte, limits Limits) *Scanner {
	s := new(Scanner)
	s.Reset(data, limits)
	return s
}

// NewReader returns a scanner over a reader.
func NewReader(r io.Reader, limits Limits) *Scanner {
	s := new(Scanner)
	s.ResetReader(r, limits)
	return s
}

// Reset makes the scanner begin anew on a byte slice, keeping its memory.
func (s *Scanner) Reset(data []byte, limits Limits) {
	s.reset(limits)
	s.reader, s.data, s.eof = nil, data, true
	if int64(len(data)) > s.limits.Size {
		s.fail(ErrLimit, 0, "document too large")
	}
}

// ResetReader makes the scanner begin anew on a reader, keeping its memory.
func (s *Scanner) ResetReader(r io.Reader, limits Limits) {
	buf := s.data
	if s.reader == nil {
		buf = nil // the slice belongs to the caller of Reset
	}
	s.reset(limits)
	s.reader, s.data, s.eof = r, buf[:0], false
}

func (s *Scanner) reset(limits Limits) {
	if s.frames == nil {
		s.frames, s.names.refs, s.names.arena = s.frameRoom[:0], s.nameRoom[:0], s.arenaRoom[:0]
	}
	s.names.reset()
	s.frames = s.frames[:0]
	s.limits = limits.filled()
	s.pos, s.begin, s.end, s.tokens = 0, 0, 0, 0
	s.kind, s.state, s.escape, s.nested = Invalid, stValue, false, false
	s.base, s.pinned, s.lines, s.newline, s.err = 0, -1, 0, -1, nil
}

// Next advances to the next token and returns its kind. After the last token
// of the document it returns End, again and again. The first error stays.
func (s *Scanner) Next() (Kind, error) {
	if s.err != nil {
		return Invalid, s.err
	}
	for {
		kind, done := s.step()
		switch {
		case s.err != nil:
			s.kind = Invalid
			return Invalid, s.err
		case done:
			s.kind = kind
			if s.tokens++; s.tokens > s.limits.Tokens && kind != End {
				s.fail(ErrLimit, s.begin, "too many tokens")
				return Invalid, s.err
			}
			return kind, nil
		}
	}
}

// step reads one token, or a comma or colon, for which it returns done false;
// so it does when it had to read more.
func (s *Scanner) step() (kind Kind, done bool) {
	s.escape = false
	c, ok := s.space()
	if !ok {
		if s.err == nil && s.state == stAfter && !s.nested {
			s.begin, s.end = s.pos, s.pos
			return End, true
		}
		s.short()
		return Invalid, false
	}
	switch s.state {
	case stColon:
		if c != ':' {
			return s.unexpected(s.pos, "a colon")
		}
		s.pos++
		s.state = stValue
		return Invalid, false
	case stAfter:
		return s.after(c)
	case stMember:
		if c == '}' {
			return s.close(ObjectClose), true
		}
		return s.name(c)
	case stName:
		return s.name(c)
	case stElement:
		if c == ']' {
			return s.close(ArrayClose), true
		}
	}
	return s.value(c)
}

// after reads what may follow a value.
func (s *Scanner) after(c byte) (Kind, bool) {
	if !s.nested {
		return s.unexpected(s.pos, "the end of the document")
	}
	if s.frames[len(s.frames)-1].object {
		switch c {
		case ',':
			s.pos++
			s.state = stName
			return Invalid, false
		case '}':
			return s.close(ObjectClose), true
		}
		return s.unexpected(s.pos, "a comma or the end of the object")
	}
	switch c {
	case ',':
		s.pos++
		s.state = stValue
		return Invalid, false
	case ']':
		return s.close(ArrayClose), true
	}
	return s.unexpected(s.pos, "a comma or the end of the array")
}

// value reads the first token of a value.
func (s *Scanner) value(c byte) (Kind, bool) {
	switch {
	case c == '"':
		if !s.string() {
			return Invalid, false
		}
		return s.scalar(String), true
	case c == '{':
		return s.open(ObjectOpen, stMember)
	case c == '[':
		return s.open(ArrayOpen, stElement)
	case c == '-' || '0' <= c && c <= '9':
		if !s.number() {
			return Invalid, false
		}
		return s.scalar(Number), true
	case c == 't':
		return s.literal("true", True)
	case c == 'f':
		return s.literal("false", False)
	case c == 'n':
		return s.literal("null", Null)
	}
	return s.unexpected(s.pos, "a value")
}

// scalar counts a scalar value that was read in full.
func (s *Scanner) scalar(kind Kind) Kind {
	s.count()
	s.state = stAfter
	return kind
}

// count counts an element; members are counted with their names.
func (s *Scanner) count() {
	if s.nested {
		if f := &s.frames[len(s.frames)-1]; !f.object {
			f.count++
		}
	}
}

func (s *Scanner) open(kind Kind, next state) (Kind, bool) {
	s.count()
	if len(s.frames) == s.limits.Depth {
		s.fail(ErrLimit, s.pos, "nested too deeply")
		return Invalid, false
	}
	s.frames = append(s.frames, frame{object: kind == ObjectOpen, first: len(s.names.refs), arena: len(s.names.arena)})
	s.nested = true
	s.begin = s.pos
	s.pos++
	s.end = s.pos
	s.state = next
	return kind, true
}

func (s *Scanner) close(kind Kind) Kind {
	last := len(s.frames) - 1
	if f := &s.frames[last]; f.object {
		s.names.drop(f)
	}
	s.frames = s.frames[:last]
	s.nested = last > 0
	s.begin = s.pos
	s.pos++
	s.end = s.pos
	s.state = stAfter
	return kind
}

// name reads a member name and refuses the second of its kind.
func (s *Scanner) name(c byte) (Kind, bool) {
	if c != '"' {
		return s.unexpected(s.pos, "a member name")
	}
	if !s.string() {
		return Invalid, false
	}
	f := &s.frames[len(s.frames)-1]
	text := s.Text()
	if f.count++; f.count > s.limits.Members {
		s.fail(ErrLimit, s.begin, "too many members in one object")
		return Invalid, false
	}
	if !s.names.add(f, text) {
		s.fail(ErrDuplicate, s.begin, ErrDuplicate.Error())
		return Invalid, false
	}
	s.state = stColon
	return Name, true
}

func (s *Scanner) literal(word string, kind Kind) (Kind, bool) {
	rest := s.data[s.pos:]
	if len(rest) < len(word) {
		if string(rest) == word[:len(rest)] {
			s.short()
			return Invalid, false
		}
	} else if string(rest[:len(word)]) == word {
		s.begin, s.end = s.pos, s.pos+len(word)
		s.pos = s.end
		return s.scalar(kind), true
	}
	return s.unexpected(s.pos, "a value")
}

// space skips white space and returns the byte behind it, which stays unread.
// At the end of the input, or on an error of the reader, ok is false.
func (s *Scanner) space() (c byte, ok bool) {
	for {
		for s.pos < len(s.data) {
			c = s.data[s.pos]
			if c > ' ' || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
				return c, true
			}
			s.pos++
		}
		if s.eof || !s.fill(s.pos) {
			return 0, false
		}
	}
}

// Raw returns the current token as it is written, strings and names without
// their quotes.
func (s *Scanner) Raw() []byte {
	if s.kind == Invalid {
		return nil
	}
	return s.data[s.begin:s.end]
}

// Offset returns where the current token begins in the document and where the
// byte behind it is, quotes included.
func (s *Scanner) Offset() (begin, end int64) {
	quote := int64(0)
	if s.kind == String || s.kind == Name {
		quote = 1
	}
	return s.base + int64(s.begin) - quote, s.base + int64(s.end) + quote
}

// Depth returns how many objects and arrays are open.
func (s *Scanner) Depth() int { return len(s.frames) }

// Skip reads to the end of the value whose first token is the current one; at
// a Name, of that member's value. Everything skipped is checked like the rest.
func (s *Scanner) Skip() error {
	if s.kind == Name {
		if _, err := s.Next(); err != nil {
			return err
		}
	}
	if s.kind != ObjectOpen && s.kind != ArrayOpen {
		return s.err
	}
	for depth := len(s.frames); len(s.frames) >= depth; {
		if _, err := s.Next(); err != nil {
			return err
		}
	}
	return nil
}

// Value reads the whole value whose first token is the current one, at a Name
// that member's, and returns its bytes as written, checked.
func (s *Scanner) Value() ([]byte, error) {
	if s.kind == Name {
		if _, err := s.Next(); err != nil {
			return nil, err
		}
	}
	if s.err != nil {
		return nil, s.err
	}
	s.pinned = s.begin
	if s.kind == String {
		s.pinned-- // the quote, which fill keeps with the token
	}
	err := s.Skip()
	begin := s.pinned
	s.pinned = -1
	if err != nil {
		return nil, err
	}
	value := s.data[begin:s.pos]
	if int64(len(value)) > s.limits.Value {
		s.fail(ErrLimit, begin, "value too large")
		return nil, s.err
	}
	return value, nil
}
