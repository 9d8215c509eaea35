// SPDX-License-Identifier: Apache-2.0

// Package progress shows on a terminal how far long inputs have come.
package progress

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

const (
	after = time.Second
	every = 200 * time.Millisecond
)

// Meter shows how much of its inputs has been read. Short ones, and anything but
// a terminal, are left in peace. It is safe for concurrent use.
type Meter struct {
	mu    sync.Mutex
	w     io.Writer // nil: no terminal
	total int64     // 0 or less: unknown
	done  int64
	start time.Time
	next  time.Time
	shown bool
}

// New returns a meter that writes to w if that is a terminal. total is the number
// of bytes of all inputs, 0 when it is not known.
func New(w io.Writer, total int64) *Meter {
	m := &Meter{total: total, start: time.Now()}
	m.next = m.start.Add(after)
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			m.w = w
		}
	}
	return m
}

// Reader counts what is read from r.
func (m *Meter) Reader(r io.Reader) io.Reader {
	if m.w == nil {
		return r
	}
	return &reader{m, r}
}

type reader struct {
	m *Meter
	r io.Reader
}

func (r *reader) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	r.m.add(int64(n), time.Now())
	return n, err
}

func (m *Meter) add(n int64, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done += n
	if now.Before(m.next) {
		return
	}
	m.next = now.Add(every)
	m.shown = true
	fmt.Fprintf(m.w, "\r%s\x1b[K", m.text(now))
}

// text is the line: how much, how far, how fast.
func (m *Meter) text(now time.Time) string {
	rate := float64(m.done) / 1e6 / max(now.Sub(m.start).Seconds(), 1e-3)
	if m.total <= 0 {
		return fmt.Sprintf("%d MB, %.0f MB/s", m.done/1e6, rate)
	}
	return fmt.Sprintf("%3d%% of %d MB, %.0f MB/s", m.done*100/m.total, m.total/1e6, rate)
}

// End removes the line.
func (m *Meter) End() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.shown {
		fmt.Fprint(m.w, "\r\x1b[K")
	}
}
