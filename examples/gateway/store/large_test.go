// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestListAHundredThousandKeys lists a folder of 100,000 objects (10,000 without
// SALLYPORT_FULL) in pages while others are written and deleted among them: in
// order, each key once, in memory that does not grow with the folder.
func TestListAHundredThousandKeys(t *testing.T) {
	total := 10_000
	if os.Getenv("SALLYPORT_FULL") == "1" {
		total = 100_000
	}
	s := open(t)
	path := ""
	for i := range total { // links: the test's cipher binds no info to its name
		key := Name{"bucket", fmt.Sprintf("key-%06d", i)}
		if i%50_000 == 0 { // a file takes 65,000 links
			put(t, s, key.Key, "body")
			path = s.objectPath(key)
			continue
		}
		require.NoError(t, os.Link(path, s.objectPath(key)))
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			key := fmt.Sprintf("key-%06d-new", i*7919%total)
			w, err := s.Create(ctx, Name{"bucket", key})
			if err == nil {
				err = w.Commit(ctx, &Info{}, nil)
			}
			if err == nil {
				err = s.Delete(ctx, Name{"bucket", key}, nil)
			}
			if err != nil && ctx.Err() == nil {
				t.Errorf("%s: %v", key, err)
			}
		}
	})
	seen, peak := listCounting(t, s)
	cancel()
	wg.Wait()
	require.Equal(t, total, seen)
	require.Less(t, peak, uint64(24<<20), "bytes of heap above the start")
}

// listCounting lists all pages and returns how many keys that no writer touches
// were in them, and by how much the heap grew at most.
func listCounting(t *testing.T, s *Store) (seen int, peak uint64) {
	t.Helper()
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	runtime.GC()
	base, last := heap(), ""
	for {
		page, err := s.List(t.Context(), "bucket", ListQuery{After: last, Limit: 1000})
		require.NoError(t, err)
		peak = max(peak, max(heap(), base)-base)
		for _, e := range page.Entries {
			require.Greater(t, e.Key, last, "out of order")
			last = e.Key
			if len(e.Key) <= len("key-000000") {
				seen++
			}
		}
		if !page.Truncated {
			return seen, peak
		}
	}
}
