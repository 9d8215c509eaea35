// SPDX-License-Identifier: Apache-2.0

package strictjson

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// string reads the string whose opening quote is at pos. It reports false
// when more had to be read first, and on errors. begin and end leave the
// quotes out.
func (s *Scanner) string() bool {
	i, escape := s.pos+1, false
	for {
		i = plain(s.data, i)
		if i-s.pos-1 > s.limits.String {
			return s.failed(ErrLimit, s.pos, "string too long")
		}
		if i >= len(s.data) {
			return s.short()
		}
		switch c := s.data[i]; {
		case c == '"':
			s.begin, s.end, s.escape = s.pos+1, i, escape
			s.pos = i + 1
			return true
		case c == '\\':
			n, reason := escapeLen(s.data[i:], s.limits.PolicyEscapes)
			if n == 0 && reason == "" {
				return s.short()
			}
			if n == 0 {
				return s.failed(escapeSentinel(reason), i, reason)
			}
			escape = true
			i += n
		case c < ' ':
			return s.failed(ErrSyntax, i, "control character in a string")
		default:
			r, n := utf8.DecodeRune(s.data[i:])
			if r == utf8.RuneError && n <= 1 {
				if !s.eof && !utf8.FullRune(s.data[i:]) {
					return s.short()
				}
				return s.failed(ErrUTF8, i, "invalid UTF-8")
			}
			i += n
		}
	}
}

// plain returns the index of the first byte from i on that ends a run of
// printable ASCII without quotes and backslashes, eight bytes at a time.
func plain(data []byte, i int) int {
	const (
		ones = 0x0101010101010101
		high = 0x8080808080808080
	)
	for ; i+8 <= len(data); i += 8 {
		w := binary.LittleEndian.Uint64(data[i:])
		quote, slash := w^(ones*'"'), w^(ones*'\\')
		stop := w | (w - ones*' ') | (quote - ones) | (slash - ones)
		if stop &= high; stop != 0 {
			return i + bits.TrailingZeros64(stop)>>3 // borrows run upwards: the lowest is exact
		}
	}
	for i < len(data) && plainByte[data[i]] {
		i++
	}
	return i
}

// plainByte tells the bytes that stand for themselves in a string.
var plainByte = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

const (
	badEscape    = "unknown escape in a string"
	badSurrogate = "escape is half of a surrogate pair"
)

func escapeSentinel(reason string) error {
	if reason == badSurrogate {
		return ErrUTF8
	}
	return ErrSyntax
}

// escapeLen returns the length of the escape at the beginning of b, a
// surrogate pair being one; 0 with a reason when there is none, without when b
// ends before it does.
func escapeLen(b []byte, policy bool) (n int, reason string) {
	if len(b) < 2 {
		return 0, ""
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, ""
	case '$', 'v':
		if policy {
			return 2, ""
		}
		return 0, badEscape
	case 'u':
	default:
		return 0, badEscape
	}
	r, full, ok := hex4(b[2:])
	switch {
	case !ok:
		return 0, badEscape
	case !full:
		return 0, ""
	case !utf16.IsSurrogate(r):
		return 6, ""
	case r >= 0xdc00:
		return 0, badSurrogate
	}
	if len(b) > 6 && b[6] != '\\' || len(b) > 7 && b[7] != 'u' {
		return 0, badSurrogate
	}
	if len(b) < 8 {
		return 0, ""
	}
	low, full, ok := hex4(b[8:])
	switch {
	case !ok:
		return 0, badEscape
	case !full:
		return 0, ""
	case low < 0xdc00 || low > 0xdfff:
		return 0, badSurrogate
	}
	return 12, ""
}

// hex4 reads four hexadecimal digits; full says that they are all there, ok
// that what is there are digits.
func hex4(b []byte) (r rune, full, ok bool) {
	for i := range 4 {
		if i == len(b) {
			return 0, false, true
		}
		switch c := b[i]; {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false, false
		}
	}
	return r, true, true
}

// Text returns the current string or name with its escapes decoded, any other
// token as Raw does. Without escapes it is a piece of the input; with them it
// lies in a buffer that the next call of Next or Text overwrites.
func (s *Scanner) Text() []byte {
	raw := s.data[s.begin:s.end]
	if !s.escape {
		return raw
	}
	s.text = appendDecoded(s.text[:0], raw)
	return s.text
}

// Escaped reports whether the current string or name is written with escapes,
// so that Text and Raw differ.
func (s *Scanner) Escaped() bool { return s.escape }

// AppendDecoded appends a string to dst with its escapes decoded. raw is what
// Raw returned.
func AppendDecoded(dst, raw []byte) []byte { return appendDecoded(dst, raw) }

func appendDecoded(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		c := raw[i]
		if c != '\\' || i+1 == len(raw) {
			dst = append(dst, c)
			i++
			continue
		}
		if c = raw[i+1]; c != 'u' {
			dst = append(dst, decodedByte(c))
			i += 2
			continue
		}
		r, _, _ := hex4(raw[i+2:])
		i = min(i+6, len(raw))
		if utf16.IsSurrogate(r) && i+2 <= len(raw) {
			low, _, _ := hex4(raw[i+2:])
			r = utf16.DecodeRune(r, low)
			i = min(i+6, len(raw))
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

func decodedByte(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'v':
		return '\v'
	}
	return c // quote, backslash, slash, dollar
}
