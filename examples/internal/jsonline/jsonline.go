// SPDX-License-Identifier: Apache-2.0

// Package jsonline answers lines with JSON, one answer a line.
package jsonline

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
)

// Serve hands each line of in to answer, as it came, its end included, and
// writes what it returns as one line of JSON, in the same order. A nil answer
// is none: a line that is not meant for the program. Answers are written out
// when the input pauses, so that a program that waits for each one gets it, and
// nothing in them is escaped for HTML, so that ids come back as they were.
//
// The error is of in, of out, or of an answer that cannot be encoded; what was
// answered before it has been written.
func Serve(in io.Reader, out io.Writer, answer func(line []byte) any) error {
	r := bufio.NewReaderSize(in, 1<<16)
	w := bufio.NewWriterSize(out, 1<<16)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for {
		if r.Buffered() == 0 {
			if err := w.Flush(); err != nil {
				return err
			}
		}
		line, err := r.ReadBytes('\n')
		if len(line) > 0 {
			if a := answer(line); a != nil {
				if errOut := e.Encode(a); errOut != nil {
					return errors.Join(errOut, w.Flush())
				}
			}
		}
		if err == io.EOF {
			return w.Flush()
		}
		if err != nil {
			return errors.Join(err, w.Flush())
		}
	}
}
