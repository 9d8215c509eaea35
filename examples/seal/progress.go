// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows on a terminal how far long work has come. Short work, and
// anything but a terminal, is left in peace. It is safe for concurrent use.
type progress struct {
	total int64                    // bytes; -1: unknown
	bar   *progressbar.ProgressBar // nil: no terminal
	gate  *gate

	mu   sync.Mutex
	done int64
}

const (
	progressAfter = time.Second
	progressEvery = 200 * time.Millisecond
)

// isTerminal reports whether somebody may be watching.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func newProgress(w io.Writer, total int64) *progress {
	if !isTerminal(w) {
		return &progress{}
	}
	return startProgress(&gate{w: w, opens: time.Now().Add(progressAfter)}, total)
}

func startProgress(g *gate, total int64) *progress {
	bar := progressbar.NewOptions64(total, progressbar.OptionSetWriter(g), progressbar.OptionShowBytes(true), progressbar.OptionShowCount(),
		progressbar.OptionThrottle(progressEvery), progressbar.OptionSetSpinnerChangeInterval(0), progressbar.OptionSetWidth(30),
		progressbar.OptionSetTheme(progressbar.ThemeASCII))
	return &progress{total: total, bar: bar, gate: g}
}

// gate keeps the bar from the terminal for the first second.
type gate struct {
	w     io.Writer
	opens time.Time
	shown bool
}

func (g *gate) Write(b []byte) (int, error) {
	if !g.shown && time.Now().Before(g.opens) {
		return len(b), nil
	}
	g.shown = true
	return g.w.Write(b)
}

// reader counts what is read from r.
func (p *progress) reader(r io.Reader) io.Reader {
	if p.bar == nil {
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
	r.p.add(int64(n))
	return n, err
}

// add counts n bytes more.
func (p *progress) add(n int64) {
	if p.bar == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.total >= 0 {
		n = min(n, p.total-p.done) // the bar takes no more, and a file may grow
	}
	p.done += n
	_ = p.bar.Add64(n)
}

// say prints a line that stays, above the bar.
func (p *progress) say(w io.Writer, line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	fmt.Fprintln(w, line)
}

// end takes the bar away.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Exit() // draws no more
	}
	p.clear()
}

func (p *progress) clear() {
	if p.bar != nil && p.gate.shown {
		_ = p.bar.Clear()
	}
}
