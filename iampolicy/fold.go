// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"maps"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// equalFold reports whether two strings are equal but for the case of ASCII
// letters.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	if a == b {
		return true
	}
	for i := range len(a) {
		if a[i] != b[i] && lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

// lowerASCII returns s with ASCII letters in lower case, s itself when they
// are.
func lowerASCII(s string) string {
	for i := range len(s) {
		if c := s[i]; 'A' <= c && c <= 'Z' {
			b := []byte(s)
			for j := i; j < len(b); j++ {
				b[j] = lower(b[j])
			}
			return string(b)
		}
	}
	return s
}

// lowerInto is lowerASCII with the result in an arena, so that many small
// strings are one allocation.
func lowerInto(arena *strings.Builder, s string) string {
	i := 0
	for i < len(s) && (s[i] < 'A' || s[i] > 'Z') {
		i++
	}
	if i == len(s) {
		return s
	}
	from := arena.Len()
	arena.WriteString(s[:i])
	for ; i < len(s); i++ {
		arena.WriteByte(lower(s[i]))
	}
	return arena.String()[from:]
}

// hashSeed differs from process to process, so that nobody can write a policy
// or a request whose names collide.
var hashSeed = rand.Uint64() | 1

// hashFold digests a string so that strings equal under equalFold have one
// digest. It folds the letters A to Z and nothing else: as cheap a fold as
// setting bit 5 of every byte makes one of [ and {, and of 0 and a control
// character, and then whoever chooses names chooses names that collide.
func hashFold(s string) uint64 {
	h := hashSeed ^ uint64(len(s))
	for ; len(s) >= 8; s = s[8:] {
		w := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		hi, lo := bits.Mul64(h^lowerWord(w), 0x9e3779b97f4a7c15^hashSeed)
		h = hi ^ lo
	}
	var w uint64
	for i := range len(s) {
		w = w<<8 | uint64(s[i])
	}
	hi, lo := bits.Mul64(h^lowerWord(w), 0xd6e8feb86659fd93^hashSeed)
	return hi ^ lo
}

// lowerWord is lower of eight bytes at once.
func lowerWord(w uint64) uint64 {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	low := w &^ highs
	letter := (low + ones*(0x80-'A')) &^ (low + ones*(0x7f-'Z')) &^ w & highs // from A, not past Z, ASCII
	return w | letter>>2
}

// hasPrefixFold reports whether s begins with prefix, but for ASCII case.
func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && equalFold(s[:len(prefix)], prefix)
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

func epochText(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// runeLen is the length of the first character of s, which is not empty.
func runeLen(s string) int {
	if s[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRuneInString(s)
	return n
}

// folder finds names that are equal but for ASCII case: one by one while there
// are few, through a map beyond.
type folder struct {
	few   [8]string
	n     int
	names map[string]bool
}

func (f *folder) repeats(name string) bool {
	if f.names == nil && f.n < len(f.few) {
		for _, other := range f.few[:f.n] {
			if equalFold(name, other) {
				return true
			}
		}
		f.few[f.n] = name
		f.n++
		return false
	}
	if f.names == nil {
		f.names = make(map[string]bool, 4*len(f.few))
		for _, other := range f.few {
			f.names[lowerASCII(other)] = true
		}
	}
	low := lowerASCII(name)
	if f.names[low] {
		return true
	}
	f.names[low] = true
	return false
}
