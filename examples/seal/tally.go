// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/sallyport-go/sallyport/examples/internal/progress"
)

// What becomes of a file.
const (
	resultRewrapped = "rewrapped"
	resultAlready   = "already" // under the new keys when it was reached
	resultOther     = "other"   // no message
	resultGone      = "gone"    // deleted meanwhile
	resultFailed    = "failed"
)

// outcome is what became of one file.
type outcome struct {
	File   string `json:"file"`
	Result string `json:"result"`
	Bytes  int64  `json:"bytes,omitempty"`
	Status int    `json:"status,omitempty"` // the exit status that the failure stands for
	Error  string `json:"error,omitempty"`
	Hint   string `json:"hint,omitempty"`
}

func failed(name string, err error) outcome {
	out := outcome{File: name, Result: resultFailed, Status: exitCode(err), Error: err.Error()}
	if out.Status == exitRefused {
		out.Hint = hint(err)
	}
	return out
}

// tally counts outcomes and tells of them as they come. It is safe for
// concurrent use.
type tally struct {
	out, errs io.Writer
	json      bool
	bar       *progress.Meter

	mu          sync.Mutex
	files       map[string]int
	bytes       int64 // rewrapped
	status      int
	interrupted bool
	errJSON     error
}

func (t *tally) add(ctx context.Context, o outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o.Result == resultFailed && ctx.Err() != nil { // it was not the file's fault
		t.interrupted = true
		return
	}
	if t.files == nil {
		t.files = map[string]int{}
	}
	t.files[o.Result]++
	if o.Result == resultRewrapped {
		t.bytes += o.Bytes
	}
	if o.Result == resultFailed {
		t.worsen(o.Status)
	}
	switch {
	case t.json:
		t.line(o)
	case o.Result == resultFailed:
		t.bar.Say(t.errs, "seal: "+o.File+": "+o.Error)
		if o.Hint != "" {
			t.bar.Say(t.errs, "seal: "+o.Hint)
		}
	}
}

// worsen keeps the exit status that says most: a message that was refused stays
// refused when the run is repeated; what could not be used may work then.
func (t *tally) worsen(status int) {
	if t.status != exitRefused {
		t.status = status
	}
}

func (t *tally) line(v any) {
	if err := json.NewEncoder(t.out).Encode(v); err != nil && t.errJSON == nil {
		t.errJSON = err
	}
}

// summary is the last line of -json.
type summary struct {
	Result      string `json:"result"` // "summary"
	Rewrapped   int    `json:"rewrapped"`
	Already     int    `json:"already"`
	Other       int    `json:"other"`
	Gone        int    `json:"gone"`
	Failed      int    `json:"failed"`
	Bytes       int64  `json:"bytes"` // of the rewrapped files, as they were
	Interrupted bool   `json:"interrupted"`
	Status      int    `json:"status"` // the exit status
}

// end prints the counts. err is why the walk ended early, if it did.
func (t *tally) end(err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.interrupted = t.interrupted || err != nil; t.interrupted {
		t.worsen(exitFailed)
	}
	s := summary{
		"summary", t.files[resultRewrapped], t.files[resultAlready], t.files[resultOther], t.files[resultGone], t.files[resultFailed],
		t.bytes, t.interrupted, t.status,
	}
	if t.json {
		t.line(s)
	} else {
		t.errJSON = s.print(t.out)
	}
	if t.errJSON != nil {
		return t.errJSON
	}
	if t.status == 0 {
		return nil
	}
	return &treeError{t.status}
}

func (s *summary) print(out io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%8d  rewrapped, %d bytes\n", s.Rewrapped, s.Bytes)
	fmt.Fprintf(&b, "%8d  already under the new keys\n", s.Already)
	fmt.Fprintf(&b, "%8d  no messages, left alone\n", s.Other)
	if s.Gone > 0 {
		fmt.Fprintf(&b, "%8d  deleted meanwhile\n", s.Gone)
	}
	fmt.Fprintf(&b, "%8d  failed\n", s.Failed)
	if s.Interrupted {
		b.WriteString("interrupted: run it again to continue\n")
	}
	_, err := out.Write(b.Bytes())
	return err
}
