// SPDX-License-Identifier: Apache-2.0

package wildcard_test

import (
	"testing"
	"unicode/utf8"

	"github.com/sallyport-go/sallyport/internal/testkit"
)

func TestReferenceImports(t *testing.T) {
	testkit.ReferenceImports(t, "reference_test.go", "github.com/sallyport-go/sallyport/internal/testkit")
}

// reference is the textbook table: row i says which prefixes of s the first i
// characters of the pattern match.
func reference(pattern, s string) bool {
	text := characters(s)
	row := make([]bool, len(text)+1)
	row[0] = true
	for _, p := range characters(pattern) {
		next := make([]bool, len(text)+1)
		if p == "*" {
			next[0] = row[0]
		}
		for j, c := range text {
			switch p {
			case "*":
				next[j+1] = row[j+1] || next[j]
			case "?":
				next[j+1] = row[j]
			default:
				next[j+1] = row[j] && p == c
			}
		}
		row = next
	}
	return row[len(text)]
}

func characters(s string) []string {
	var out []string
	for s != "" {
		_, n := utf8.DecodeRuneInString(s)
		out, s = append(out, s[:n]), s[n:]
	}
	return out
}
