// SPDX-License-Identifier: Apache-2.0

// Command policysim decides IAM requests: JSON lines in, decisions out, and
// with -explain the reasons for people.
//
//	policysim [--why=full|none] [--bench N] [--workers N] < requests.jsonl
//	policysim -explain [-json] < requests.jsonl
//	policysim -validate -kind identity [-json] FILE...
//	policysim -matrix [-csv|-json] [FILE]
//
// It exits 0 when its input could be read, whatever the answers; with -validate
// 1 when AWS would refuse one of the files; 2 for wrong usage, 3 when the input
// could not be read, with -matrix also when a cell could not be decided. Flag
// -h describes the document that -matrix reads.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/exact"
	"github.com/sallyport-go/sallyport/iampolicy"
)

// maxLine bounds one request line.
const maxLine = 16 << 20

const usage = `policysim decides IAM requests: JSON lines in, decisions out.

  policysim [--why=full|none] [--bench N] [--workers N] < requests.jsonl
  policysim -explain [-json] < requests.jsonl
  policysim -validate -kind identity [-json] FILE...
  policysim -matrix [-csv|-json] [FILE]

`

type config struct {
	why     string
	bench   int
	workers int
	explain bool
	json    bool
	check   bool
	matrix  bool
	csv     bool
	kind    iampolicy.Kind
}

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, in io.Reader, out, errs io.Writer) int {
	var c config
	flags := flag.NewFlagSet("policysim", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.StringVar(&c.why, "why", "full", "what answers tell: full or none (the decision only)")
	flags.IntVar(&c.bench, "bench", 0, "decide every line `N` more times and report decisions a second on standard error")
	flags.IntVar(&c.workers, "workers", runtime.GOMAXPROCS(0), "number of lines evaluated at once")
	flags.BoolVar(&c.explain, "explain", false, "write the reasons for people instead of JSON lines")
	flags.BoolVar(&c.json, "json", false, "with -explain, -validate and -matrix: JSON instead of text")
	flags.BoolVar(&c.check, "validate", false, "validate the policies in the files named")
	flags.TextVar(&c.kind, "kind", iampolicy.KindIdentity, "with -validate: identity, resource, scp, rcp, endpoint, trust, session or boundary")
	flags.BoolVar(&c.matrix, "matrix", false, "write who can do what, as a table")
	flags.BoolVar(&c.csv, "csv", false, "with -matrix: CSV instead of a table")
	flags.Usage = func() {
		fmt.Fprint(errs, usage)
		flags.PrintDefaults()
		fmt.Fprint(errs, matrixUsage)
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	switch {
	case c.check && flags.NArg() > 0 && !c.matrix && !c.explain && !c.csv:
		return c.validateFiles(flags.Args(), out, errs)
	case c.matrix && flags.NArg() <= 1 && c.workers > 0 && !c.check && !c.explain && !(c.csv && c.json):
		return c.matrixOf(flags.Args(), in, out, errs)
	}
	if c.check || c.matrix || c.csv || flags.NArg() > 0 || c.why != "full" && c.why != "none" || c.workers < 1 || c.bench < 0 {
		fmt.Fprintln(errs, "policysim: wrong usage; see -h")
		return 2
	}
	if err := c.lines(in, out, errs); err != nil {
		fmt.Fprintln(errs, "policysim:", err)
		return 3
	}
	return 0
}

// job is a line on its way to its answer.
type job struct {
	line   []byte
	answer chan []byte
}

// lines answers every line in order, several at a time.
func (c *config) lines(in io.Reader, out, errs io.Writer) error {
	jobs := make(chan job)
	order := make(chan chan []byte, c.workers)
	var meter meter
	var workers sync.WaitGroup
	for range c.workers {
		workers.Go(func() {
			for j := range jobs {
				j.answer <- c.answer(j.line, &meter)
			}
		})
	}
	written := make(chan error, 1)
	go func() { written <- write(out, order) }()
	err := read(in, func(line []byte) {
		j := job{line: line, answer: make(chan []byte, 1)}
		order <- j.answer
		jobs <- j
	})
	close(jobs)
	close(order)
	workers.Wait()
	if errWrite := <-written; err == nil {
		err = errWrite
	}
	if c.bench > 0 {
		meter.report(errs)
	}
	return err
}

// read hands out the lines that are not blank.
func read(in io.Reader, each func([]byte)) error {
	s := bufio.NewScanner(in)
	s.Buffer(make([]byte, 64<<10), maxLine+2)
	for s.Scan() {
		if line := bytes.TrimSpace(s.Bytes()); len(line) > 0 {
			each(bytes.Clone(line))
		}
	}
	return s.Err()
}

func write(out io.Writer, order <-chan chan []byte) error {
	w := bufio.NewWriter(out)
	var err error
	for answer := range order {
		if _, errWrite := w.Write(<-answer); err == nil {
			err = errWrite
		}
		if len(order) == 0 {
			if errFlush := w.Flush(); err == nil {
				err = errFlush
			}
		}
	}
	if errFlush := w.Flush(); err == nil {
		err = errFlush
	}
	return err
}

// answer returns the line, or with -explain the text, that answers a line.
func (c *config) answer(line []byte, m *meter) []byte {
	members, err := exact.Object(line)
	if members == nil {
		return encode(map[string]any{"error": "bad json: " + err.Error()})
	}
	var result []byte
	if err == nil {
		result, err = c.do(members, m)
	}
	if err != nil {
		return encode(struct {
			ID    json.RawMessage `json:"id,omitempty"`
			Error string          `json:"error"`
		}{members["id"], err.Error()})
	}
	return result
}

func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return []byte(`{"error":"the answer cannot be encoded"}` + "\n")
	}
	return b.Bytes()
}

// meter adds up what -bench measures.
type meter struct {
	mu        sync.Mutex
	decisions int
	spent     time.Duration
}

func (m *meter) add(n int, spent time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.decisions += n
	m.spent += spent
}

func (m *meter) report(errs io.Writer) {
	rate := 0.0
	if m.spent > 0 {
		rate = float64(m.decisions) / m.spent.Seconds()
	}
	fmt.Fprintf(errs, "%d evaluations, %.0f evaluations/s a worker\n", m.decisions, rate)
}
