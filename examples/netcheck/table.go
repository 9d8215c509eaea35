// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport-go/sallyport/netfilter"
)

// command is what the commands for people share: a snapshot, and a table or
// JSON.
type command struct {
	name           string
	flags          *flag.FlagSet
	snapshot       *string
	json           *bool
	stdout, stderr io.Writer
}

func newCommand(name string, stdout, stderr io.Writer) *command {
	c := &command{name: name, flags: flag.NewFlagSet("netcheck "+name, flag.ContinueOnError), stdout: stdout, stderr: stderr}
	c.flags.SetOutput(stderr)
	c.snapshot = c.flags.String("snapshot", "", "folder of `aws ec2 describe-*` output, read recursively (*.json)")
	c.json = c.flags.Bool("json", false, "print JSON instead of a table")
	return c
}

// fail prints an error and returns the exit status for it.
func (c *command) fail(status int, err error) int {
	c.complain("netcheck " + c.name + ": " + err.Error())
	return status
}

// complain prints what is wrong, in lines that hold no more than text: documents
// choose the names in it.
func (c *command) complain(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		fmt.Fprintln(c.stderr, plain(line))
	}
}

func load(dir string) (*netfilter.Inventory, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, err
	}
	return netfilter.LoadInventory(os.DirFS(dir))
}

// table prints rows under a header, in aligned columns.
func (c *command) table(header string, rows [][]string) error {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, header)
	for _, r := range rows {
		cells := make([]string, len(r))
		for i, cell := range r {
			cells[i] = plain(cell)
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(b.String()) {
		if _, err := fmt.Fprintln(c.stdout, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// plain replaces what a terminal might obey.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// print writes the value as indented JSON.
func (c *command) print(v any) error {
	e := json.NewEncoder(c.stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
