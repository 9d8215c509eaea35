// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestHashFold: names have one digest when they are equal but for the case of
// letters, and only then: of pairs such as [ and {, which differ in the bit that
// makes a letter small, nobody can make thousands of names that collide.
func TestHashFold(t *testing.T) {
	for _, length := range []int{1, 7, 8, 9, 17} {
		for a := range 256 {
			for b := range 256 {
				at := length / 2
				x, y := []byte(strings.Repeat("k", length)), []byte(strings.Repeat("K", length))
				x[at], y[at] = byte(a), byte(b)
				if (hashFold(string(x)) == hashFold(string(y))) != equalFold(string(x), string(y)) {
					t.Fatalf("%q and %q", x, y)
				}
			}
		}
	}
	var c Context
	var keys []string
	for i := range 1 << 12 {
		key := []byte("aws:RequestTag/------------")
		for bit := range 12 {
			key[len(key)-1-bit] = "[{"[i>>bit&1]
		}
		keys = append(keys, string(key))
		c.Set(string(key), "x")
	}
	require.NoError(t, c.Err())
	hashes := map[uint64]bool{}
	for _, key := range keys {
		hashes[hashFold(key)] = true
	}
	require.Len(t, hashes, len(keys))
}
