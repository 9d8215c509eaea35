// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// longEvent is event i of a long log file, 1 KiB with its comma.
func longEvent(i int, name string) []byte {
	head := fmt.Sprintf(`{"eventVersion":"1.11","eventName":%q,"eventID":"%08d","pad":"`, name, i)
	return []byte(head + strings.Repeat("p", 1024-len(head)-3) + `"},`)
}

// longLog is a stored log file of n events of a kilobyte, and its hash.
func longLog(n int, name func(int) string) (stored []byte, sum string) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is one
	}
	h := sha256.New()
	w := io.MultiWriter(z, h)
	write := func(p []byte) {
		if _, err := w.Write(p); err != nil {
			panic(err) // to memory
		}
	}
	write([]byte(`{"Records":[`))
	for i := range n {
		e := longEvent(i, name(i))
		if i == n-1 {
			e = e[:len(e)-1]
		}
		write(e)
	}
	write([]byte("]}"))
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes(), hex.EncodeToString(h.Sum(nil))
}

func named(name string) func(int) string { return func(int) string { return name } }

// longTrail is a trail of one long log file, a plain one behind it.
func longTrail(stored []byte, sum string) (trail *testkit.Trail, path string) {
	trail = testkit.NewTrail()
	trail.AddKey("us-east-1", testkit.TrailKeys[0]())
	c := trail.Chain()
	key := c.LogKey(c.Start, "0000000000000000")
	trail.Objects[c.Bucket+"/"+key] = stored
	entry := testkit.LogEntry(c.Bucket, key, nil, c.Start)
	entry["hashValue"] = sum
	c.Digest(c.Start.Add(1e9*3600), []any{entry})
	c.Start = c.Start.Add(1e9 * 3600)
	c.Hour(1)
	return trail, key
}

// TestEventsLong reads a file that is too long to be held: every event, in
// order, those that lie across two blocks and windows too.
func TestEventsLong(t *testing.T) {
	for _, n := range []int{16<<10 - 1, 16 << 10, 18_000} { // held at most, not held by bytes, not held
		trail, key := longTrail(longLog(n, named("Long")))
		opened := 0
		v := validatorOf(t, trail.FS())
		v.Source = &faulty{Source: v.Source, open: func(k string, try int) (func(*cloudtrail.Object) *cloudtrail.Object, error) {
			if k == key {
				opened = try
			}
			return nil, nil
		}}
		i := 0
		for e, err := range v.Events(t.Context(), cloudtrail.Filter{Names: []string{"Long"}}) {
			require.NoError(t, err)
			if want := longEvent(i, "Long"); string(e.Raw()) != string(want[:len(want)-1]) {
				t.Fatalf("event %d of %d is %q", i, n, e.Raw())
			}
			i++
		}
		require.Equal(t, n, i)
		require.Equal(t, map[bool]int{true: 2, false: 1}[n >= 16<<10], opened, "of %d events", n)
	}
}

// TestEventsChanged replaces a long file between the read that verifies it and
// the one that yields its events: nothing that was not verified is yielded.
func TestEventsChanged(t *testing.T) {
	const n = 18_000
	stored, sum := longLog(n, named("Long"))
	late := func(i int) string { // the same length, another name from the sixteenth mebibyte on
		if i < 16<<10 {
			return "Long"
		}
		return "Evil"
	}
	other := func(b []byte, _ string) []byte { return b }
	reset := errors.New("connection reset")
	for _, tc := range []struct {
		name   string
		second func(try int) ([]byte, error) // what the second read gets
		code   string
		events int // about so many: what is in the scanner's window is lost, a block more may be there
	}{
		{"all of it", func(int) ([]byte, error) { return other(longLog(n, named("Evil"))), nil }, "log-hash-mismatch", 0},
		{"the end", func(int) ([]byte, error) { return other(longLog(n, late)), nil }, "log-hash-mismatch", 15 << 10},
		{"more events", func(int) ([]byte, error) { return other(longLog(n+5000, named("Long"))), nil }, "log-hash-mismatch", 16 << 10},
		{"fewer events", func(int) ([]byte, error) { return other(longLog(5000, named("Long"))), nil }, "log-hash-mismatch", 4 << 10},
		{"no gzip", func(int) ([]byte, error) { return []byte("gone"), nil }, "log-not-gzip", 0},
		{"a second member", func(int) ([]byte, error) { return append(bytes.Clone(stored), stored...), nil }, "log-trailing-data", n - 1},
		{"deleted", func(int) ([]byte, error) { return nil, cloudtrail.ErrArchived }, "log-archived", 0},
		{"broken off once", func(try int) ([]byte, error) {
			if try == 2 {
				return stored[:len(stored)*3/4], reset
			}
			return stored, nil
		}, "", n},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // for the waiting before a third read
				trail, key := longTrail(stored, sum)
				v := validatorOf(t, trail.FS())
				v.Workers = 2
				v.Source = &faulty{Source: v.Source, open: func(k string, try int) (func(*cloudtrail.Object) *cloudtrail.Object, error) {
					if k != key || try == 1 {
						return nil, nil
					}
					body, err := tc.second(try)
					if err != nil && body == nil {
						return nil, err
					}
					return func(o *cloudtrail.Object) *cloudtrail.Object {
						rest := io.Reader(eofReader{})
						if err != nil {
							rest = errReader{err}
						}
						return &cloudtrail.Object{Body: io.NopCloser(io.MultiReader(bytes.NewReader(body), rest)), Size: -1}
					}, nil
				}}
				var rep *cloudtrail.Report
				v.Done = func(r *cloudtrail.Report) { rep = r }
				got := collect(t, v, cloudtrail.Filter{Names: []string{"Long", "Evil"}})
				require.GreaterOrEqual(t, len(got.events), tc.events-64)
				require.LessOrEqual(t, len(got.events), min(n, tc.events+2<<10))
				for i, e := range got.events {
					if !strings.Contains(e, fmt.Sprintf(`"eventName":"Long","eventID":"%08d"`, i)) {
						t.Fatalf("event %d is %q", i, e)
					}
				}
				if tc.code == "" {
					require.Empty(t, got.findings)
					require.Len(t, got.events, n)
				} else {
					require.Equal(t, []string{tc.code}, got.codes())
				}
				bad := len(got.findings)
				require.Equal(t, cloudtrail.Tally{Valid: 2 - bad, Invalid: bad, Total: 2}, rep.Counts.Logs)
			})
		})
	}
}

// TestEventsLongMalformed leaves a long file where it goes wrong and goes on
// with the next, with one worker too.
func TestEventsLongMalformed(t *testing.T) {
	trail, _ := longTrail(longLog(20_000, func(i int) string {
		if i == 1000 {
			return "\x01" // %q writes an escape that JSON lacks
		}
		return "Long"
	}))
	for _, workers := range []int{1, 16} {
		v := validatorOf(t, trail.FS())
		v.Workers = workers
		got := collect(t, v, cloudtrail.Filter{})
		require.Len(t, got.events, 1000+4)
		require.Len(t, got.bad, 1)
		require.ErrorContains(t, got.bad[0], "at Records[1000].eventName: unknown escape in a string")
	}
}

// TestEventsLeave leaves the loop at every event of a plain trail, and in a
// long file: nothing that was begun goes on, or the bubble would not end.
func TestEventsLeave(t *testing.T) {
	plain, _ := plainTrail()
	long, _ := longTrail(longLog(18_000, named("Long")))
	leave := func(trail *testkit.Trail, workers, after int, how func(context.CancelFunc) bool) (n int) {
		synctest.Test(t, func(t *testing.T) {
			v := validatorOf(t, trail.FS())
			v.Workers = workers
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			for range v.Events(ctx, cloudtrail.Filter{}) {
				if n++; n > after && how(cancel) {
					break
				}
			}
		})
		return n
	}
	for _, workers := range []int{1, 2, 16} {
		for after := range 24 {
			require.Equal(t, after+1, leave(plain, workers, after, func(context.CancelFunc) bool { return true }))
			leave(plain, workers, after, func(cancel context.CancelFunc) bool { cancel(); return false })
		}
		for _, after := range []int{0, 1000, 17_000} {
			leave(long, workers, after, func(context.CancelFunc) bool { return true })
			leave(long, workers, after, func(cancel context.CancelFunc) bool { cancel(); return false })
		}
	}
	require.PanicsWithValue(t, "mine", func() {
		for range validatorOf(t, plain.FS()).Events(t.Context(), cloudtrail.Filter{}) {
			panic("mine")
		}
	})
}

// TestEventsMemory reads a log file with one array of a gigabyte (128 MiB
// unless SALLYPORT_FULL is set) and holds little of it.
func TestEventsMemory(t *testing.T) {
	n := 128 << 10
	switch {
	case testing.Short():
		n = 40 << 10
	case full():
		n = 1 << 20
	}
	trail, _ := longTrail(longLog(n, named("Long")))
	v := validatorOf(t, trail.FS())
	v.Limits.LogInflated = 2 << 30
	v.Workers = 2
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	most, i := uint64(0), 0
	for _, err := range v.Events(t.Context(), cloudtrail.Filter{}) {
		require.NoError(t, err)
		if i++; i%8192 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc-min(before.HeapAlloc, now.HeapAlloc))
		}
	}
	require.Equal(t, n+4, i)
	require.Less(t, most, uint64(32<<20), "of a file of %d MiB", n>>10)
	t.Logf("%d MiB over the baseline for a file of %d MiB", most>>20, n>>10)
}
