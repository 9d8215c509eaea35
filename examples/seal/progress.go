// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// progress shows on a terminal how far a long input has come. Short ones, and
// anything but a terminal, are left in peace.
type progress struct {
	w     io.Writer // nil: no terminal
	total int64     // -1: unknown
	done  int64
	start time.Time
	next  time.Time
	shown bool
}

const (
	progressAfter = time.Second
	progressEvery = 200 * time.Millisecond
)

func newProgress(w io.Writer, total int64) *progress {
	p := &progress{total: total, start: time.Now()}
	p.next = p.start.Add(progressAfter)
	if f, ok := w.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			p.w = w
		}
	}
	return p
}

// reader counts what is read from r.
func (p *progress) reader(r io.Reader) io.Reader {
	if p.w == nil {
		return r
	}
	return &progressReader{p, r}
}

type progressReader struct {
	p *progress
	r io.Reader
}

func (r *progressReader) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	r.p.add(int64(n), time.Now())
	return n, err
}

func (p *progress) add(n int64, now time.Time) {
	p.done += n
	if now.Before(p.next) {
		return
	}
	p.next = now.Add(progressEvery)
	p.shown = true
	fmt.Fprintf(p.w, "\r%s\x1b[K", p.text(now))
}

// text is the line: how much, how far, how fast.
func (p *progress) text(now time.Time) string {
	rate := float64(p.done) / 1e6 / max(now.Sub(p.start).Seconds(), 1e-3)
	if p.total <= 0 {
		return fmt.Sprintf("%d MB, %.0f MB/s", p.done/1e6, rate)
	}
	return fmt.Sprintf("%3d%% of %d MB, %.0f MB/s", p.done*100/p.total, p.total/1e6, rate)
}

func (p *progress) end() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
