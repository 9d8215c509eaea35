// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/sallyport-go/sallyport/iampolicy"
)

// matrixWriter writes a matrix as an aligned table, as CSV or as JSON lines.
type matrixWriter struct {
	table   *tabwriter.Writer
	csv     *csv.Writer
	json    *json.Encoder
	columns int
	row     []string
	held    int // cells of the table since its last flush
	err     error
}

// tableCells is how many cells of a table are held, to be aligned with each
// other: all of a matrix may be more than there is memory.
const tableCells = 1 << 16

func newMatrixWriter(out io.Writer, asCSV, asJSON bool) *matrixWriter {
	w := new(matrixWriter)
	switch {
	case asJSON:
		w.json = json.NewEncoder(out)
		w.json.SetEscapeHTML(false)
	case asCSV:
		w.csv = csv.NewWriter(out)
	default:
		w.table = tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	}
	return w
}

func (w *matrixWriter) header(actions []string) {
	w.columns = 2 + len(actions)
	if w.json == nil {
		w.write(append([]string{"principal", "resource"}, actions...))
	}
}

// cell takes one answer; they come in the order of the cells.
func (w *matrixWriter) cell(a *iampolicy.Answer) {
	word := a.Decision.Outcome.String()
	if a.Decision.Err != nil {
		word = "error"
	}
	if w.json != nil {
		if err := w.json.Encode(struct {
			Principal string `json:"principal"`
			Resource  string `json:"resource"`
			Action    string `json:"action"`
			Decision  string `json:"decision"`
		}{a.Caller.Principal.String(), a.Target.Resource, a.Action, word}); w.err == nil {
			w.err = err
		}
		return
	}
	if len(w.row) == 0 {
		w.row = append(w.row, a.Caller.Principal.String(), a.Target.Resource)
	}
	if w.row = append(w.row, word); len(w.row) == w.columns {
		w.write(w.row)
		w.row = w.row[:0]
	}
}

// tableWord is what the table says for a decision.
func tableWord(word string) string {
	switch word {
	case "implicitDeny":
		return "-"
	case "explicitDeny":
		return "denied"
	}
	// What would break the table apart cannot be part of a name.
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, word)
}

func (w *matrixWriter) write(row []string) {
	var err error
	if w.csv != nil {
		err = w.csv.Write(row)
	} else {
		words := make([]string, len(row))
		for i, word := range row {
			words[i] = tableWord(word)
		}
		_, err = io.WriteString(w.table, strings.Join(words, "\t")+"\n")
		if w.held += len(row); w.held >= tableCells && err == nil {
			w.held, err = 0, w.table.Flush()
		}
	}
	if w.err == nil {
		w.err = err
	}
}

func (w *matrixWriter) close() error {
	switch {
	case w.csv != nil:
		w.csv.Flush()
		if err := w.csv.Error(); w.err == nil {
			w.err = err
		}
	case w.table != nil:
		if err := w.table.Flush(); w.err == nil {
			w.err = err
		}
	}
	return w.err
}
