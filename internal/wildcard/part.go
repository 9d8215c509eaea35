// SPDX-License-Identifier: Apache-2.0

package wildcard

import "unicode/utf8"

// Part is a piece of a pattern that was put together, such as the text around
// a policy variable (a pattern) and the value that replaced it (literal, so
// that a * in a user's name is an asterisk and no wildcard).
type Part struct {
	Text    string
	Literal bool
}

// cursor is a place in a pattern of parts.
type cursor struct{ part, at int }

// next returns the byte at the cursor and whether it stands for itself; ok is
// false behind the last part.
func (c *cursor) next(parts []Part) (b byte, literal, ok bool) {
	for c.part < len(parts) && c.at == len(parts[c.part].Text) {
		c.part, c.at = c.part+1, 0
	}
	if c.part == len(parts) {
		return 0, false, false
	}
	p := &parts[c.part]
	return p.Text[c.at], p.Literal, true
}

// MatchParts reports whether the whole of s matches the concatenation of the
// parts. It costs at most the length of the pattern times that of s.
func MatchParts(parts []Part, s string) bool {
	if len(parts) == 1 && !parts[0].Literal {
		return Match(parts[0].Text, s)
	}
	var (
		pos     cursor
		at      int
		star    cursor // behind the last star met
		retry   int    // where in s the text behind that star was last tried
		starred bool
	)
	for {
		b, literal, ok := pos.next(parts)
		switch {
		case !ok && at == len(s):
			return true
		case ok && !literal && b == '*':
			pos.at++
			star, retry, starred = pos, at, true
			continue
		case ok && at < len(s) && !literal && b == '?':
			at += width(s[at:])
			pos.at++
			continue
		case ok && at < len(s) && s[at] == b:
			at++
			pos.at++
			continue
		}
		if !starred || retry == len(s) {
			return false
		}
		retry += width(s[retry:])
		pos, at = star, retry
	}
}

// Valid reports whether text may be used as a pattern.
func Valid(text string) bool { return utf8.ValidString(text) }
