// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestHeadsAreSorted holds the order of headers (SIG-15) to that of a plain
// sort, at and past the number that is placed without one, with names that
// begin alike, short ones and spellings of one name.
func TestHeadsAreSorted(t *testing.T) {
	g := rand.New(rand.NewPCG(1, 2))
	names := []string{"a", "Te", "Date", "X-Amz-Meta-", "X-Amz-Se", "X-Amz-Security-Token", "Content-", "Content-Type", "x-other"}
	for n := range 2*maxPlaced + 1 {
		for range 200 {
			sc, want := new(scratch), make([]string, 0, n)
			for i := range n {
				key := names[g.IntN(len(names))] + strings.Repeat("b", g.IntN(3))
				if g.IntN(3) == 0 {
					key = strings.ToUpper(key)
				}
				if slices.Contains(want, key) {
					key += string(rune('A' + i)) // a map has each key once
				}
				want = append(want, key)
				sc.addHead(key, nil, "")
			}
			slices.SortFunc(want, func(a, b string) int {
				return cmp.Or(strings.Compare(strings.ToLower(a), strings.ToLower(b)), strings.Compare(a, b))
			})
			sc.sortHeads()
			got := make([]string, 0, n)
			for _, r := range sc.ranks {
				got = append(got, sc.heads[r.head].key)
			}
			require.Equal(t, want, got)
		}
	}
}
