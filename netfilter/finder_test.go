// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFinderAgreesWithASearch compares both ways to find an upper half on even,
// clustered and exponential numbers, at and beside every one of them.
func TestFinderAgreesWithASearch(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	draw := map[string]func(i int) uint64{
		"even":        func(int) uint64 { return rng.Uint64() },
		"clustered":   func(i int) uint64 { return uint64(i%5)<<60 | uint64(i%7)<<20 | rng.Uint64N(1<<12) },
		"exponential": func(i int) uint64 { return 1<<(i%64) + uint64(i/64) },
		"dense":       func(i int) uint64 { return 1<<63 + uint64(i) },
		"ends":        func(i int) uint64 { return -uint64(i) },
	}
	for name, f := range draw {
		for _, n := range []int{0, 1, 2, 5, 100, 3000} {
			numbers := []uint64{0}
			for i := range n {
				numbers = append(numbers, f(i))
			}
			slices.Sort(numbers)
			numbers = slices.Compact(numbers)
			keys := make([]upper, len(numbers))
			for i, x := range numbers {
				keys[i].hi = x
			}
			index := newFinder(keys)
			require.LessOrEqual(t, index.size(), 216*len(keys), "%s %d: the bound that newCross counts with", name, n)
			for i, x := range numbers {
				for _, probe := range []uint64{x - 1, x, x + 1, rng.Uint64()} {
					if got, want := index.floor(keys, probe), floorUpper(keys, probe); got != want {
						t.Fatalf("%s %d: %d, want %d, of %x beside %d", name, n, got, want, probe, i)
					}
				}
			}
		}
	}
}
