// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func newJournal(t *testing.T, sync bool) (*journal, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal")
	j, err := openJournal(path, sync, interrupted)
	require.NoError(t, err)
	t.Cleanup(func() { _ = j.file.Close() })
	return j, path
}

func enterAndClose(j *journal, id string) error {
	record := json.RawMessage(`{"id":"` + id + `"}`)
	return errors.Join(j.write(entry{ID: id, Record: record}), j.write(entry{ID: id, Closed: true, Record: record}))
}

// TestAJournalThatSyncs: once write has returned, a sync has covered it, however
// many write at once and whoever takes records out meanwhile.
func TestAJournalThatSyncs(t *testing.T) {
	j, _ := newJournal(t, true)
	var writers sync.WaitGroup
	taken := 0
	for w := range 8 {
		writers.Go(func() {
			for n := range 10 {
				if err := enterAndClose(j, fmt.Sprintf("%d-%d", w, n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	keep := func(records []json.RawMessage) error { taken += len(records); return nil }
	for range 5 {
		require.NoError(t, j.take(keep))
	}
	writers.Wait()
	require.Equal(t, j.written, j.flushed.Load())
	require.NoError(t, j.take(keep))
	require.Equal(t, 80, taken, "each record once")
	require.Empty(t, j.open)
}

// TestAJournalsLines are what encoding/json makes of the entries.
func TestAJournalsLines(t *testing.T) {
	text, err := json.Marshal(record{UserAgent: "<\"é\n\u2028\xff", Resources: []resource{{"a", "b"}}})
	require.NoError(t, err)
	for _, e := range []entry{
		{ID: newUUID(), Record: text},
		{ID: newUUID(), Closed: true, Record: interrupted(text)},
		{ID: newUUID(), Closed: true},
	} {
		want, err := json.Marshal(e)
		require.NoError(t, err)
		require.Equal(t, string(want)+"\n", string(e.line()))
	}
}

// TestAJournalMendsItself: what could not be written is refused, and after a
// second the journal is written anew, without what was refused.
func TestAJournalMendsItself(t *testing.T) {
	j, path := newJournal(t, false)
	now := time.Now()
	j.now = func() time.Time { return now }
	require.NoError(t, enterAndClose(j, "before"))
	require.NoError(t, j.file.Close()) // as a disk that fails
	require.Error(t, enterAndClose(j, "lost"))
	require.Error(t, enterAndClose(j, "lost too"), "it is not tried for every call")
	now = now.Add(time.Second)
	require.NoError(t, enterAndClose(j, "after"))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(text), `"before"`)
	require.Contains(t, string(text), `"after"`)
	require.NotContains(t, string(text), "lost")
	for line := range strings.Lines(string(text)) {
		require.True(t, line == "\n" || json.Valid([]byte(line)), line)
	}
}

// TestAJournalIsBounded: it asks for a log file in time, goes on while one is
// written, and refuses when it is full.
func TestAJournalIsBounded(t *testing.T) {
	j, _ := newJournal(t, false)
	record := json.RawMessage(`{}`)
	j.closed = make([]json.RawMessage, ripeJournal-1)
	for i := range j.closed {
		j.closed[i] = record
	}
	select {
	case <-j.ripe:
		require.Fail(t, "too early")
	default:
	}
	require.NoError(t, enterAndClose(j, "ripe"))
	<-j.ripe
	require.NoError(t, j.take(func(records []json.RawMessage) error {
		require.Len(t, records, ripeJournal)
		return enterAndClose(j, "meanwhile")
	}))
	require.Empty(t, j.ripe, "one record is no log file before its time")
	require.Len(t, j.closed, 1, "what came meanwhile waits for the next")
	require.Error(t, j.take(func([]json.RawMessage) error { return errors.New("no room") }))
	require.Len(t, j.closed, 1, "nothing is forgotten that was not kept")
	require.NoError(t, j.write(entry{ID: "entered", Record: record}))
	j.closed = make([]json.RawMessage, maxJournal)
	require.ErrorIs(t, enterAndClose(j, "full"), errJournalFull)
	require.NoError(t, j.write(entry{ID: "entered", Closed: true, Record: record}), "it may have had its effect")
	require.Empty(t, j.open)
}

// TestAJournalIsBoundedInBytes too: strangers choose how long a record is.
func TestAJournalIsBoundedInBytes(t *testing.T) {
	j, path := newJournal(t, false)
	long := json.RawMessage(`"` + strings.Repeat("x", ripeWeight/4) + `"`)
	for i := range 3 {
		require.NoError(t, j.write(entry{ID: fmt.Sprint(i), Closed: true, Record: long}))
		require.Empty(t, j.ripe)
	}
	require.NoError(t, j.write(entry{ID: "3", Closed: true, Record: long}))
	require.Len(t, j.ripe, 1)
	j.weight = maxWeight
	require.ErrorIs(t, enterAndClose(j, "full"), errJournalFull)
	require.NoError(t, j.take(func([]json.RawMessage) error {
		j.weight = 0
		return j.write(entry{ID: "meanwhile", Closed: true, Record: long})
	}))
	require.EqualValues(t, len(long), j.weight)
	again, err := openJournal(path, false, interrupted)
	require.NoError(t, err)
	require.EqualValues(t, len(long), again.weight, "what an earlier process left counts")
	require.NoError(t, again.file.Close())
}
