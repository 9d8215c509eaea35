// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}

// bar is the progress line, redrawn ten times a second at most.
type bar struct {
	w    io.Writer
	last time.Time
}

func (b *bar) show(p cloudtrail.Progress) {
	if now := time.Now(); now.Sub(b.last) >= 100*time.Millisecond {
		b.last = now
		const width = 30
		done := 0
		if p.DigestsTotal > 0 {
			done = width * p.Digests / p.DigestsTotal
		}
		fmt.Fprintf(b.w, "\r[%s%s] digests %d/%d, logs %d/%d, %d MB\x1b[K",
			strings.Repeat("#", done), strings.Repeat(".", width-done),
			p.Digests, p.DigestsTotal, p.Logs, p.LogsKnown, p.Bytes>>20)
	}
}

func (b *bar) clear() { fmt.Fprint(b.w, "\r\x1b[K") }

// painter colours the severities and the verdict of a text report.
type painter struct{ w io.Writer }

func (p *painter) Write(text []byte) (int, error) {
	var out bytes.Buffer
	for line := range bytes.Lines(text) {
		colour := ""
		switch {
		case bytes.HasPrefix(line, []byte("ERROR\t")), bytes.HasPrefix(line, []byte("verdict: tampered")), bytes.HasPrefix(line, []byte("verdict: error")):
			colour = "\x1b[31m"
		case bytes.HasPrefix(line, []byte("WARNING\t")), bytes.HasPrefix(line, []byte("verdict: incomplete")):
			colour = "\x1b[33m"
		case bytes.HasPrefix(line, []byte("verdict: valid")):
			colour = "\x1b[32m"
		}
		if colour == "" || os.Getenv("NO_COLOR") != "" {
			out.Write(line)
			continue
		}
		out.WriteString(colour)
		out.Write(bytes.TrimSuffix(line, []byte("\n")))
		out.WriteString("\x1b[0m\n")
	}
	if _, err := p.w.Write(out.Bytes()); err != nil {
		return 0, err
	}
	return len(text), nil
}
