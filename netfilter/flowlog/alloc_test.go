// SPDX-License-Identifier: Apache-2.0

//go:build !race

package flowlog_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/netfilter/flowlog"
)

// TestRecordsDoNotAllocate: reading, attributing and counting allocate nothing for
// a record: 10,000 records cost what 100 do, but for what an input costs.
func TestRecordsDoNotAllocate(t *testing.T) {
	for _, format := range formats {
		names := strings.Fields(format)
		g := newGenerator(1)
		inv := g.inventory()
		n, err := flowlog.Compile(flowlog.Snapshot{Inventory: inv, Resolver: resolver(inv)})
		require.NoError(t, err)
		f, err := flowlog.ParseFormat(format)
		require.NoError(t, err)
		var log strings.Builder
		for lines := 0; lines < 100; {
			line := g.line(names)
			if _, bad := refParse(names, line); bad == "" {
				log.WriteString(line + "\n")
				lines++
			}
		}
		s := flowlog.NewSummary(n)
		read := func(times int) float64 {
			text := strings.Repeat(log.String(), times)
			return testing.AllocsPerRun(10, func() {
				for r, err := range (flowlog.Reader{Format: f}).Records(strings.NewReader(text)) {
					if err != nil {
						t.Fatal(err)
					}
					s.Add(r)
				}
			})
		}
		few, many := read(1), read(100)
		require.LessOrEqual(t, many, few, "%s: 10,000 records against 100", format)
		require.Less(t, few, 20.0, "an input")
	}
	var dst []byte
	r := one(t, defaultNames, sshLine)
	dst = r.Append(dst)
	testkit.AllocsAtMost(t, 0, func() { dst = r.Append(dst[:0]) })
}

// TestMemoryIsFlat reads a log that is made while it is read: 200 MB, with
// SALLYPORT_FULL 10 GB. The heap stays where it was.
func TestMemoryIsFlat(t *testing.T) {
	size := int64(200 << 20)
	switch {
	case testing.Short():
		size = 20 << 20
	case full():
		size = 10 << 30
	}
	n, log := benchNetwork(t), distinctLog(20000)
	s := flowlog.NewSummary(n)
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	base, peak, records := m.HeapAlloc, uint64(0), 0
	for r, err := range (flowlog.Reader{}).Records(&repeat{text: log, left: size}) {
		if err != nil {
			t.Fatal(err)
		}
		s.Add(r)
		if records++; records%50_000 == 0 {
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
		}
	}
	require.Greater(t, int64(records), size/200)
	t.Logf("%d records, %d bytes: heap %d KB before, at most %d KB within", records, size, base>>10, peak>>10)
	require.Less(t, int64(peak), int64(base)+1<<20)
}
