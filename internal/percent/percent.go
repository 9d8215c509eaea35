// SPDX-License-Identifier: Apache-2.0

// Package percent is the percent-encoding of Signature Version 4: A to Z, a to
// z, 0 to 9 and - . _ ~ stay, every other byte becomes %XX with capital digits
// (AWS: "Create a signed AWS API request"). Package net/url leaves more bytes as
// they are, and writes a space as + in queries.
package percent

const upperHex = "0123456789ABCDEF"

// pathBytes marks what stays as it is in a path: the unreserved bytes and the
// slash. One load instead of comparisons a byte.
var pathBytes = func() (t [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/") {
		t[c] = true
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

// Append appends s with every byte outside the unreserved set as %XX, with
// keepSlash the slash excepted. Bytes are bytes: no Unicode normalization takes
// place.
func Append[T string | []byte](dst []byte, s T, keepSlash bool) []byte {
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

// AppendRecoded decodes s once and appends the result as Append does; plus reads
// + as a space. It reports false at a malformed escape.
func AppendRecoded(dst []byte, s string, keepSlash, plus bool) ([]byte, bool) {
	run := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if keeps(c, keepSlash) {
			continue
		}
		dst = append(dst, s[run:i]...)
		switch {
		case c == '%':
			if i+2 >= len(s) || Unhex(s[i+1]) > 15 || Unhex(s[i+2]) > 15 {
				return dst, false
			}
			dst = appendEscape(dst, Unhex(s[i+1])<<4|Unhex(s[i+2]), keepSlash)
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

// AppendDecoded decodes s, whose escapes are well-formed: it is text that Append
// or AppendRecoded made, or that Valid has accepted.
func AppendDecoded(dst, s []byte) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			dst = append(dst, Unhex(s[i+1])<<4|Unhex(s[i+2]))
			i += 2
			continue
		}
		dst = append(dst, s[i])
	}
	return dst
}

// Valid says whether each % starts an escape.
func Valid(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			continue
		}
		if i+2 >= len(s) || Unhex(s[i+1]) > 15 || Unhex(s[i+2]) > 15 {
			return false
		}
		i += 2
	}
	return true
}

// Unhex returns the value of a hex digit, and 255 for any other byte.
func Unhex(c byte) byte {
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
