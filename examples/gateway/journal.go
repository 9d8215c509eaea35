// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"sync"
)

// journal is a file of audit records that no log file holds yet. A call is
// entered before it has any effect and closed with its outcome: whatever a
// killed process may have done is found by the next one.
type journal struct {
	path string

	mu      sync.Mutex
	file    *os.File
	open    map[string]json.RawMessage // by id: entered, not closed
	closed  []json.RawMessage
	failure error // once the file cannot be written, nothing may go on
}

// entry is a line of the journal.
type entry struct {
	ID     string          `json:"id"`
	Closed bool            `json:"closed"`
	Record json.RawMessage `json:"record"`
}

// openJournal reads what an earlier process left and begins a new file with it.
// The calls that it left open are closed as interrupted.
func openJournal(path string, interrupted func(json.RawMessage) json.RawMessage) (*journal, error) {
	j := &journal{path: path, open: map[string]json.RawMessage{}}
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
	if err == nil {
		err = os.Rename(j.path+".new", j.path)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	if j.file != nil {
		_ = j.file.Close()
	}
	j.file = f
	return nil
}

// write enters or closes a call. After an error every further write fails too,
// until records have been taken out.
func (j *journal) write(e entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failure == nil && len(j.closed) >= maxJournal {
		return errJournalFull
	}
	if j.failure == nil {
		_, j.failure = j.file.Write(append(line, '\n'))
	}
	if j.failure != nil {
		return j.failure
	}
	j.note(e)
	return nil
}

// maxJournal is how many records may wait for their log file.
const maxJournal = 100_000

var errJournalFull = errors.New("the audit journal is full")

// take hands the closed records to a function, and forgets them once it has
// kept them. A journal that failed gets another chance then.
func (j *journal) take(keep func([]json.RawMessage) error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.closed) > 0 {
		if err := keep(j.closed); err != nil {
			return err
		}
		j.closed = nil
	} else if j.failure == nil {
		return nil
	}
	j.failure = j.restart()
	return j.failure
}
