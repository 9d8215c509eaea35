// SPDX-License-Identifier: Apache-2.0

// Package wildcard matches the patterns of AWS policies: * stands for any run
// of characters, the empty one and those with / and : included, ? for exactly
// one character. There is no escape and no other metacharacter.
//
// A character is one UTF-8 sequence; a byte that begins none counts as one.
// Patterns are expected to be valid UTF-8 (the parsers that feed this package
// refuse others); for a pattern that is not, the answer is unspecified, but
// the call returns.
//
// Nothing here allocates, recurses or backtracks beyond the last star: the
// text between two stars is matched as far left as it goes and never again.
// A run of literal text costs a substring search. A run that holds a ?, or is
// matched without regard to case, costs at most its length for each character
// of the text it is looked for in, and the next run begins behind that: all of
// them together at most the length of the pattern times that of the text, which
// a pattern such as *aaa…?b* does cost. Bound both where they are a stranger's.
package wildcard

import (
	"strings"
	"unicode/utf8"
)

// Match reports whether the whole of s matches the pattern.
func Match(pattern, s string) bool {
	star := strings.IndexByte(pattern, '*')
	if star < 0 {
		n, ok := prefix(pattern, s, false)
		return ok && n == len(s)
	}
	return between(pattern, s, star, false)
}

// MatchFold is Match without regard to the case of ASCII letters.
func MatchFold(pattern, s string) bool {
	star := strings.IndexByte(pattern, '*')
	if star < 0 {
		n, ok := prefix(pattern, s, true)
		return ok && n == len(s)
	}
	return between(pattern, s, star, true)
}

// Has reports whether the text holds a wildcard.
func Has(text string) bool { return strings.ContainsAny(text, "*?") }

// between matches a pattern whose first star is at the index star.
func between(pattern, s string, star int, fold bool) bool {
	n, ok := prefix(pattern[:star], s, fold)
	if !ok {
		return false
	}
	for {
		s, pattern = s[n:], pattern[star+1:]
		if star = strings.IndexByte(pattern, '*'); star < 0 {
			return suffix(pattern, s, fold)
		}
		if n = search(pattern[:star], s, fold); n < 0 {
			return false
		}
	}
}

// prefix matches a run without stars at the beginning of s and returns how
// many bytes of s it took.
func prefix(run, s string, fold bool) (n int, ok bool) {
	for i := 0; i < len(run); i++ {
		if n == len(s) {
			return 0, false
		}
		switch c := run[i]; {
		case c == '?':
			n += width(s[n:])
		case c == s[n] || fold && lower(c) == lower(s[n]):
			n++
		default:
			return 0, false
		}
	}
	return n, true
}

// suffix matches a run without stars at the end of s.
func suffix(run, s string, fold bool) bool {
	n := len(s)
	for i := len(run) - 1; i >= 0; i-- {
		if n == 0 {
			return false
		}
		switch c := run[i]; {
		case c == '?':
			_, w := utf8.DecodeLastRuneInString(s[:n])
			n -= w
		case c == s[n-1] || fold && lower(c) == lower(s[n-1]):
			n--
		default:
			return false
		}
	}
	return true
}

// search finds the leftmost place in s where a run without stars matches and
// returns the index behind it, or -1.
func search(run, s string, fold bool) int {
	if run == "" {
		return 0
	}
	if !fold && strings.IndexByte(run, '?') < 0 {
		if i := strings.Index(s, run); i >= 0 {
			return i + len(run)
		}
		return -1
	}
	for at := 0; at < len(s); at += width(s[at:]) {
		if n, ok := prefix(run, s[at:], fold); ok {
			return at + n
		}
	}
	return -1
}

// width is the length of the first character of s, which is not empty.
func width(s string) int {
	if s[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRuneInString(s)
	return n
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}
