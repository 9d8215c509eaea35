// SPDX-License-Identifier: Apache-2.0

// Package progress shows on a terminal how far long inputs have come.
package progress

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
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
	shown bool // there is a line to take away
	ended bool
}

// Terminal reports whether somebody may be watching w.
func Terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// New returns a meter that writes to w if that is a terminal. total is the number
// of bytes of all inputs, 0 or less when it is not known.
func New(w io.Writer, total int64) *Meter {
	m := &Meter{total: total, start: time.Now()}
	m.next = m.start.Add(after)
	if Terminal(w) {
		m.w = w
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
	r.m.Add(int64(n))
	return n, err
}

// Add counts n bytes more.
func (m *Meter) Add(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done += n
	now := time.Now()
	if m.w == nil || m.ended || now.Before(m.next) {
		return
	}
	m.next = now.Add(every)
	m.shown = true
	fmt.Fprintf(m.w, "\r%s\x1b[K", m.text(now))
}

// Say prints a line that stays, to w; the meter makes room for it.
func (m *Meter) Say(w io.Writer, line string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clear()
	fmt.Fprintln(w, line)
}

// text is the line: how much, how far, how fast.
func (m *Meter) text(now time.Time) string {
	rate := float64(m.done) / 1e6 / max(now.Sub(m.start).Seconds(), 1e-3)
	if m.total <= 0 {
		return fmt.Sprintf("%d MB, %.0f MB/s", m.done/1e6, rate)
	}
	done := min(m.done, m.total) // a file may grow
	return fmt.Sprintf("%3.0f%% of %d MB, %.0f MB/s", float64(done)/float64(m.total)*100, m.total/1e6, rate)
}

// End removes the line; none follows.
func (m *Meter) End() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = true
	m.clear()
}

func (m *Meter) clear() {
	if m.shown {
		m.shown = false
		fmt.Fprint(m.w, "\r\x1b[K")
	}
}
