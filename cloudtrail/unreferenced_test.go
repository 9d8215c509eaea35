// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// heapSource lists nothing, and notes how much memory is in use meanwhile.
type heapSource struct {
	mu    sync.Mutex
	calls int
	most  uint64
}

func (s *heapSource) Open(context.Context, string, string) (*Object, error) { return nil, ErrArchived }

func (s *heapSource) List(context.Context, string, string, string) iter.Seq2[string, error] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls++; s.calls%50 == 0 {
		s.most = max(s.most, heap())
	}
	return func(func(string, error) bool) {}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestFoldersHoldLittle: a digest under another prefix, which anybody may put
// there who can write to the bucket, makes one more folder of its chain. What is
// listed of each is compared with what the chain covers; that is not held once for
// each folder.
func TestFoldersHoldLittle(t *testing.T) {
	const pieces, folders = 4000, 400
	c := &chainState{id: Chain{Account: "111122223333", Region: "us-east-1", Trail: "main", Home: "us-east-1"}, examined: true}
	for i := range pieces { // every second hour is missing
		end := time.Unix(0, 0).Add(time.Duration(2*i) * hour)
		c.digests = append(c.digests, &state{bucket: "b", end: end, start: end.Add(-hour), inRange: true, selected: true, accepted: true, hasLogs: true})
	}
	for i := range folders {
		c.digests = append(c.digests, &state{bucket: "b", prefix: fmt.Sprint("copy", i), end: time.Unix(0, 0), inRange: true, selected: true})
	}
	c.sort()
	source := &heapSource{}
	r := &run{v: &Validator{Source: source, Workers: 2, LogMargin: defaultMargin}, chains: map[Chain]*chainState{c.id: c}, listed: newKeyHashes()}
	before := heap()
	require.NoError(t, r.unreferenced(t.Context()))
	require.Equal(t, folders+1, source.calls)
	require.Less(t, source.most-before, uint64(20*pieces*48), "a folder's times are %d bytes", pieces*48)
}

// TestSubtract compares what is left of random times with what is left hour by hour.
func TestSubtract(t *testing.T) {
	const hours = 40
	at := func(n int) time.Time { return time.Unix(0, 0).Add(time.Duration(n) * hour) }
	random := func() (list []Interval, in [hours]bool) {
		for range rand.IntN(10) {
			from := rand.IntN(hours)
			to := min(hours, from+rand.IntN(6))
			list = append(list, Interval{at(from), at(to)})
			for n := from; n < to; n++ {
				in[n] = true
			}
		}
		return union(list), in
	}
	for range 2000 {
		a, inA := random()
		b, inB := random()
		var want []Interval
		for n := range hours {
			if inA[n] && !inB[n] {
				want = append(want, Interval{at(n), at(n + 1)})
			}
		}
		require.Equal(t, union(want), union(subtract(a, b)))
		require.Equal(t, len(union(want)), len(subtract(a, b)), "it leaves no two that meet")
	}
}
