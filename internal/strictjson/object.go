// SPDX-License-Identifier: Apache-2.0

package strictjson

import (
	"bytes"
	"unicode/utf8"
)

// Member is a member of an object that Object read: offsets from the object's
// opening brace.
type Member struct {
	NameBegin, NameEnd   int  // the name as written, without quotes
	ValueBegin, ValueEnd int  // the value as written, quotes included
	Escaped              bool // the name is written with escapes
}

// Object reads the whole object whose first token is the current one. It
// returns its bytes as written, checked, and its members appended to dst.
func (s *Scanner) Object(dst []Member) (object []byte, members []Member, err error) {
	switch {
	case s.err != nil:
		return nil, dst, s.err
	case s.kind != ObjectOpen:
		return nil, dst, s.Fail("expected an object, found " + s.kind.String())
	}
	begin := s.begin
	if end, members, ok := s.skim(dst); ok {
		object = s.data[begin:end]
		s.frames = s.frames[:len(s.frames)-1]
		s.nested = len(s.frames) > 0
		s.kind, s.state = ObjectClose, stAfter
		s.pos, s.begin, s.end = end, end-1, end
		return object, members, nil
	}
	return s.objectSlow(dst)
}

// objectSlow is Object by tokens: for what the skimmer leaves, and for saying
// what is wrong and where.
func (s *Scanner) objectSlow(dst []Member) ([]byte, []Member, error) {
	s.pinned = s.begin
	unpin := func() { s.pinned = -1 }
	for {
		kind, err := s.Next()
		if err != nil {
			unpin()
			return nil, dst, err
		}
		if kind == ObjectClose {
			break
		}
		m := Member{NameBegin: s.begin - s.pinned, NameEnd: s.end - s.pinned, Escaped: s.escape}
		if kind, err = s.Next(); err == nil {
			m.ValueBegin = s.begin - s.pinned
			if kind == String {
				m.ValueBegin-- // the quote
			}
			err = s.Skip()
		}
		if err != nil {
			unpin()
			return nil, dst, err
		}
		m.ValueEnd = s.pos - s.pinned
		dst = append(dst, m)
	}
	begin := s.pinned
	unpin()
	if int64(s.pos-begin) > s.limits.Value {
		s.fail(ErrLimit, begin, "value too large")
		return nil, dst, s.err
	}
	return s.data[begin:s.pos], dst, nil
}

// skimmer goes over an object that lies in memory without making tokens: two
// to three times as fast. It accepts only what the scanner accepts, and gives
// up wherever there is doubt: at anything wrong, over a limit, behind the end
// of the window, and at an object with many members.
type skimmer struct {
	data   []byte
	names  []skimmed // of the open objects, innermost last
	depth  int       // how many more objects and arrays may be open
	tokens int64     // how many more tokens there may be
	policy bool
	text   int // longest string
	most   int // members of an object
}

// skimmed is a member name met by the skimmer.
type skimmed struct {
	begin, end int
	hash       uint32
}

func (s *Scanner) skim(dst []Member) (end int, members []Member, ok bool) {
	k := skimmer{
		data: s.data, names: s.skimmed[:0], depth: s.limits.Depth - len(s.frames),
		tokens: s.limits.Tokens - s.tokens, policy: s.limits.PolicyEscapes, text: s.limits.String,
		most: min(linear, s.limits.Members),
	}
	before := k.tokens
	end, members = k.members(s.begin+1, dst, s.begin)
	s.skimmed = k.names[:0]
	if end < 0 || k.tokens < 0 || int64(end-s.begin) > s.limits.Value {
		return 0, dst, false
	}
	s.tokens += before - k.tokens
	return end, members, true
}

// members goes over the members of an object from behind its brace, and
// returns the index behind its end, or -1. It notes them in dst, by their
// offsets from base, unless that is negative.
func (k *skimmer) members(i int, dst []Member, base int) (int, []Member) {
	data, first := k.data, len(k.names)
	var bloom uint64
	i = skipSpace(data, i)
	if i < len(data) && data[i] == '}' {
		k.tokens--
		return i + 1, dst
	}
	for {
		if i >= len(data) || data[i] != '"' {
			return -1, dst
		}
		i++
		end := plain(data, i)
		if end >= len(data) || data[end] != '"' || len(k.names)-first == k.most || end-i > k.text {
			return -1, dst // escapes, or too many names to compare one by one
		}
		h := hash(data[i:end])
		if bit := uint64(1) << (h & 63); bloom&bit == 0 {
			bloom |= bit
		} else if k.among(first, data[i:end], h) {
			return -1, dst
		}
		k.names = append(k.names, skimmed{i, end, h})
		value := end + 1
		if value < len(data) && data[value] != ':' {
			value = skipSpace(data, value)
		}
		if value >= len(data) || data[value] != ':' {
			return -1, dst
		}
		value = skipSpace(data, value+1)
		after := k.value(value)
		if after < 0 {
			return -1, dst
		}
		k.tokens--
		if base >= 0 {
			dst = append(dst, Member{NameBegin: i - base, NameEnd: end - base, ValueBegin: value - base, ValueEnd: after - base})
		}
		i = skipSpace(data, after)
		switch {
		case i >= len(data):
			return -1, dst
		case data[i] == ',':
			i = skipSpace(data, i+1)
		case data[i] == '}':
			k.names = k.names[:first]
			k.tokens--
			return i + 1, dst
		default:
			return -1, dst
		}
	}
}

func (k *skimmer) among(first int, name []byte, h uint32) bool {
	for _, n := range k.names[first:] {
		if n.hash == h && bytes.Equal(k.data[n.begin:n.end], name) {
			return true
		}
	}
	return false
}

// value goes over a value and returns the index behind it, or -1.
func (k *skimmer) value(i int) int {
	data := k.data
	if i >= len(data) {
		return -1
	}
	k.tokens--
	switch c := data[i]; c {
	case '"':
		return k.string(i + 1)
	case '{', '[':
		if k.depth == 0 {
			return -1
		}
		k.depth--
		var end int
		if c == '{' {
			end, _ = k.members(i+1, nil, -1)
		} else {
			end = k.elements(i + 1)
		}
		k.depth++
		return end
	case 't':
		return k.word(i, "true")
	case 'f':
		return k.word(i, "false")
	case 'n':
		return k.word(i, "null")
	default:
		if c != '-' && (c < '0' || c > '9') {
			return -1
		}
		end, ok := numberEnd(data, i)
		if !ok || end-i > k.text {
			return -1
		}
		return end
	}
}

func (k *skimmer) word(i int, word string) int {
	if end := i + len(word); end <= len(k.data) && string(k.data[i:end]) == word {
		return end
	}
	return -1
}

// elements goes over an array from behind its bracket.
func (k *skimmer) elements(i int) int {
	data := k.data
	i = skipSpace(data, i)
	if i < len(data) && data[i] == ']' {
		k.tokens--
		return i + 1
	}
	for {
		if i = k.value(i); i < 0 {
			return -1
		}
		i = skipSpace(data, i)
		switch {
		case i >= len(data):
			return -1
		case data[i] == ',':
			i = skipSpace(data, i+1)
		case data[i] == ']':
			k.tokens--
			return i + 1
		default:
			return -1
		}
	}
}

// string goes over a string from behind its quote.
func (k *skimmer) string(i int) int {
	data, begin := k.data, i
	for {
		i = plain(data, i)
		switch {
		case i >= len(data) || i-begin > k.text:
			return -1
		case data[i] == '"':
			return i + 1
		case data[i] == '\\':
			n, _ := escapeLen(data[i:], k.policy)
			if n == 0 {
				return -1
			}
			i += n
		case data[i] < ' ':
			return -1
		default:
			r, n := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && n <= 1 {
				return -1
			}
			i += n
		}
	}
}

// skipSpace returns the index of the first byte from i on that is no white
// space, or one behind data.
func skipSpace(data []byte, i int) int {
	for i < len(data) && data[i] <= ' ' && (data[i] == ' ' || data[i] == '\n' || data[i] == '\r' || data[i] == '\t') {
		i++
	}
	return i
}
