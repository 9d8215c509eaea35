// SPDX-License-Identifier: Apache-2.0

//go:build !race

package presign_test

import (
	"testing"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/presign"
	"github.com/stretchr/testify/require"
)

// PRE-68: the endpoint, the URL and the signature together. Were the signing
// key derived for each URL, the count would be more than twenty higher.
func TestGetAllocations(t *testing.T) {
	s := newS3()
	get := func() {
		if _, err := s.Get(docKeys, demo, "home/ann/photo.jpg", nil); err != nil {
			t.Fatal(err)
		}
	}
	get()
	testkit.AllocsAtMost(t, 5, get)
	testkit.AllocsAtMost(t, 5, func() {
		if _, err := s.Get(docKeys, demo, "a b/c+d é.txt", nil); err != nil {
			t.Fatal(err)
		}
	})
}

// One signing key serves all URLs of a day: 100,000 of them cost no more
// allocations than their own five.
func TestOneKeyADay(t *testing.T) {
	s := newS3()
	n := 100_000
	if testing.Short() {
		n /= 10
	}
	u, err := s.Get(docKeys, demo, "k", &presign.Options{})
	require.NoError(t, err)
	require.NotEmpty(t, u)
	total := testing.AllocsPerRun(1, func() {
		for range n {
			if _, err := s.Get(docKeys, demo, "k", nil); err != nil {
				t.Fatal(err)
			}
		}
	})
	require.LessOrEqual(t, total/float64(n), 5.1)
}
