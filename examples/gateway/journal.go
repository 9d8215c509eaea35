// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// journal is a file of audit records that no log file holds yet. A call is
// entered before it has any effect and closed with its outcome: whatever a
// killed process may have done is found by the next one.
type journal struct {
	path  string
	sync  bool             // every line is on the disk before write returns
	now   func() time.Time // nil: time.Now
	ripe  chan struct{}    // gets a value when there are records enough for a log file
	takes sync.Mutex       // held by the one who takes

	mu      sync.Mutex
	file    *os.File
	size    int64                      // of the lines in the file
	room    int64                      // of the file: empty lines follow, for those that have to fit
	written int64                      // bytes ever
	open    map[string]json.RawMessage // by id: entered, not closed
	closed  []json.RawMessage
	weight  int64     // bytes of closed
	failure error     // the file has to be written anew
	failed  time.Time // when that was last tried

	flushes sync.Mutex
	flushed atomic.Int64 // of written: what a sync has covered
}

// entry is a line of the journal.
type entry struct {
	ID     string          `json:"id"`
	Closed bool            `json:"closed"`
	Record json.RawMessage `json:"record"`
}

// line is what encoding/json makes of the entry, and a line break. It would check
// the record again, which it has just made: 5 % of the server's processor time
// under small gets.
func (e entry) line() []byte {
	text := e.Record
	if text == nil {
		text = json.RawMessage("null")
	}
	b := make([]byte, 0, len(text)+128)
	b = append(b, `{"id":"`...)
	b = append(b, e.ID...) // a UUID
	b = append(b, `","closed":`...)
	b = strconv.AppendBool(b, e.Closed)
	b = append(b, `,"record":`...)
	b = append(b, text...)
	return append(b, "}\n"...)
}

// openJournal reads what an earlier process left and begins a new file with it.
// The calls that it left open are closed as interrupted.
func openJournal(path string, sync bool, interrupted func(json.RawMessage) json.RawMessage) (*journal, error) {
	j := &journal{path: path, sync: sync, ripe: make(chan struct{}, 1), open: map[string]json.RawMessage{}}
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, len(text)+1)
	for lines.Scan() {
		var e entry
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue // the process was killed in the middle of the last line
		}
		j.note(e)
	}
	for id, record := range j.open {
		j.note(entry{ID: id, Closed: true, Record: interrupted(record)})
	}
	return j, j.restart()
}

func (j *journal) note(e entry) {
	if e.Closed {
		delete(j.open, e.ID)
		j.closed = append(j.closed, e.Record)
		j.weight += int64(len(e.Record))
	} else {
		j.open[e.ID] = e.Record
	}
}

// restart writes a file of what is still needed and puts it in the old one's
// place.
func (j *journal) restart() error {
	f, err := os.OpenFile(j.path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	encoder := json.NewEncoder(w)
	for id, record := range j.open {
		err = errors.Join(err, encoder.Encode(entry{ID: id, Record: record}))
	}
	for _, record := range j.closed {
		err = errors.Join(err, encoder.Encode(entry{Closed: true, Record: record}))
	}
	err = errors.Join(err, w.Flush(), f.Sync())
	size, errSize := f.Seek(0, io.SeekEnd)
	err = errors.Join(err, errSize)
	if err == nil {
		err = os.Rename(j.path+".new", j.path)
	}
	if err == nil && j.sync {
		err = syncFolder(filepath.Dir(j.path))
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	if j.file != nil {
		_ = j.file.Close()
	}
	j.file, j.size, j.room = f, size, size
	j.flushed.Store(j.written)
	return nil
}

// write enters or closes a call. What fails is undone, so that the next write
// may go well again: a full disk that has room again needs no restart.
func (j *journal) write(e entry) error {
	upto, err := j.append(e, e.line())
	if err == nil && j.sync {
		err = j.flush(upto)
	}
	return err
}

func (j *journal) append(e entry, line []byte) (upto int64, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, entered := j.open[e.ID]; !entered && j.holds(maxJournal, maxWeight) { // who may have had its effect is closed
		return 0, errJournalFull
	}
	if err := j.mend(); err != nil {
		return 0, err
	}
	if err := j.reserve(e, line); err != nil {
		return 0, err
	}
	if _, err := j.file.WriteAt(line, j.size); err != nil { // the next line takes its place
		if errors.Is(err, os.ErrClosed) {
			j.fail(err)
		}
		return 0, err
	}
	j.size += int64(len(line))
	j.room = max(j.room, j.size)
	j.written += int64(len(line))
	j.note(e)
	if j.holds(ripeJournal, ripeWeight) {
		select {
		case j.ripe <- struct{}{}:
		default:
		}
	}
	return j.written, nil
}

// reserve makes room in the file for a call that is entered and for the ends of
// all that are open: a call that may have its effect can be closed, though the
// disk is full by then.
func (j *journal) reserve(e entry, line []byte) error {
	need := j.size + int64(len(line)) + int64(len(j.open)+1)*closingSize
	if e.Closed || need <= j.room {
		return nil
	}
	empty := bytes.Repeat([]byte{'\n'}, int(need-j.room)+roomStep)
	if _, err := j.file.WriteAt(empty, j.room); err != nil {
		if errCut := j.file.Truncate(j.room); errCut != nil {
			j.fail(err)
		}
		return err
	}
	j.room += int64(len(empty))
	return nil
}

const (
	closingSize = 8 << 10  // of a line that ends a call; few come near
	roomStep    = 32 << 10 // that room is made for beyond what is needed
)

// mend writes a file that has failed anew, once a second at most.
func (j *journal) mend() error {
	if j.failure == nil {
		return nil
	}
	if j.clock().Sub(j.failed) < time.Second {
		return j.failure
	}
	err := j.restart()
	if err != nil {
		j.fail(err)
		return err
	}
	j.failure = nil
	return nil
}

func (j *journal) fail(err error) { j.failure, j.failed = err, j.clock() }

func (j *journal) clock() time.Time {
	if j.now != nil {
		return j.now()
	}
	return time.Now()
}

// flush returns once what was written up to here is on the disk. Calls that
// come together share one sync.
func (j *journal) flush(upto int64) error {
	j.flushes.Lock()
	defer j.flushes.Unlock()
	if j.flushed.Load() >= upto {
		return nil
	}
	j.mu.Lock()
	f, all := j.file, j.written
	j.mu.Unlock()
	err := f.Sync()
	if err == nil {
		j.flushed.Store(all)
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.flushed.Load() >= upto { // a new file is in its place, synced
		return nil
	}
	j.fail(err) // what a failed sync has lost, nobody knows
	return err
}

const (
	maxJournal  = 100_000   // records that may wait for their log file
	maxWeight   = 128 << 20 // half of what validators read of a log file
	ripeJournal = 5_000     // records that make one before its time
	ripeWeight  = 8 << 20
)

// holds says whether so many closed records wait, or so many bytes of them.
func (j *journal) holds(records int, bytes int64) bool {
	return len(j.closed) >= records || j.weight >= bytes
}

var errJournalFull = errors.New("the audit journal is full")

// take hands the closed records to a function, and forgets them once it has
// kept them. Calls go on meanwhile.
func (j *journal) take(keep func([]json.RawMessage) error) error {
	j.takes.Lock()
	defer j.takes.Unlock()
	j.mu.Lock()
	records, failed := slices.Clip(j.closed), j.failure != nil
	j.mu.Unlock()
	if len(records) == 0 && !failed {
		return nil
	}
	if len(records) > 0 {
		if err := keep(records); err != nil {
			return err
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed, j.weight = slices.Clone(j.closed[len(records):]), 0
	for _, record := range j.closed {
		j.weight += int64(len(record))
	}
	if !j.holds(ripeJournal, ripeWeight) {
		select {
		case <-j.ripe: // asked for again while these were kept
		default:
		}
	}
	err := j.restart()
	if err != nil {
		j.fail(err)
		return err
	}
	j.failure = nil
	return nil
}
