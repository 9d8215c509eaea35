// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/md5"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBodiesHashedTogether: more large bodies than there are lanes, of every
// length and in writes of every size, have the sums of crypto/md5, before and
// after their end; those that are few, small or of no known length are hashed by it.
func TestBodiesHashedTogether(t *testing.T) {
	var wg sync.WaitGroup
	all := make(chan struct{})
	laned := make([]bool, 40)
	for i := range laned {
		h, done := bodyMD5(laneBody + int64(i))
		_, laned[i] = h.(*laneMD5)
		wg.Go(func() {
			<-all
			r := rand.New(rand.NewPCG(uint64(i), 1))
			body := make([]byte, i*10_007%300_000)
			for j := range body {
				body[j] = byte(r.Uint32())
			}
			for rest := body; len(rest) > 0; {
				n := min(len(rest), 1+r.IntN(50_000))
				_, _ = h.Write(rest[:n])
				rest = rest[n:]
			}
			want := md5.Sum(body)
			before := h.Sum([]byte{1})
			done()
			if string(before) != "\x01"+string(want[:]) || string(h.Sum([]byte{1})) != string(before) {
				t.Error(i, "another sum")
			}
		})
	}
	for i, lane := range laned {
		require.Equal(t, i >= laneCrowd, lane, "%d bodies before it", i)
	}
	for _, length := range []int64{-1, 0, laneBody - 1} {
		h, done := bodyMD5(length)
		_, lane := h.(*laneMD5)
		require.False(t, lane, "%d bytes", length)
		done()
	}
	close(all)
	wg.Wait()
	require.Zero(t, largeBodies.Load())
}
