// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/md5"
	"math/rand/v2"
	"sync"
	"testing"

	md5simd "github.com/minio/md5-simd"
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

// TestLanesAreUsedAgain: the library keeps a map entry, a channel and a sum of
// every hash that it ever made, and looks at each for every block. So bodies that
// come one after the other share one, whatever the ones before them left in it.
func TestLanesAreUsedAgain(t *testing.T) {
	var crowd []func()
	for range laneCrowd {
		_, done := bodyMD5(laneBody)
		crowd = append(crowd, done)
	}
	made := map[md5simd.Hasher]bool{}
	for i := range 1000 {
		h, done := bodyMD5(laneBody)
		made[h.(*laneMD5).Hasher] = true
		body := bytes.Repeat([]byte{byte(i)}, i)
		_, _ = h.Write(body)
		done()
		want := md5.Sum(body)
		require.Equal(t, want[:], h.Sum(nil))
	}
	require.Equal(t, 1, len(made))
	for _, done := range crowd {
		done()
	}
}
