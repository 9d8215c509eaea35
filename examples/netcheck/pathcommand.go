// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sallyport-go/sallyport/netfilter/vpc"
)

// pathReport is a path as -json prints it.
type pathReport struct {
	Reachable vpc.Answer    `json:"reachable"`
	Reply     vpc.Answer    `json:"reply"`
	Blocked   []blockReport `json:"blocked"`
	Hops      []pathHop     `json:"hops"`
	ReplyHops []pathHop     `json:"reply_hops"`
	Ignored   []string      `json:"ignored"`
}

type blockReport struct {
	Code  vpc.Code `json:"code"`
	RA    string   `json:"ra,omitempty"`
	At    string   `json:"at"`
	Fix   string   `json:"fix,omitempty"`
	Reply bool     `json:"reply,omitempty"`
	Hop   int      `json:"hop"`
}

func reportOf(p vpc.Path) pathReport {
	r := pathReport{Reachable: p.Reachable, Reply: p.Reply, Blocked: []blockReport{}, Hops: hopsOf(p.Hops), ReplyHops: hopsOf(p.ReplyHops), Ignored: append([]string{}, p.Ignored...)}
	for _, b := range p.Blocks {
		r.Blocked = append(r.Blocked, blockReport(b))
	}
	return r
}

func hopsOf(hops []vpc.Hop) []pathHop {
	out := []pathHop{}
	for _, h := range hops {
		out = append(out, pathHop(h))
	}
	return out
}

// path follows packets from one end to the other. It exits 0 when they arrive
// and the replies too, 1 when not all of them do, 3 when it cannot tell.
func path(args []string, stdout, stderr io.Writer) int {
	c := newCommand("path", stdout, stderr)
	q := c.question()
	file := c.flags.String("svg", "", "draw the path to this file")
	if err := c.flags.Parse(args); err != nil {
		return usageStatus(err)
	}
	from, to, traffic, err := q.ends()
	if err == nil && (*c.snapshot == "" || c.flags.NArg() > 0) {
		err = errors.New("give -snapshot DIR, -from and -to, and no arguments")
	}
	if err != nil {
		return c.fail(2, err)
	}
	s, err := snapshots{}.get(*c.snapshot)
	if err != nil {
		return c.fail(3, err)
	}
	p, err := s.Path(from, to, traffic)
	if err != nil {
		return c.fail(3, err)
	}
	if *file != "" {
		if err := os.WriteFile(*file, drawing(q.text(), p), 0o644); err != nil {
			return c.fail(3, err)
		}
	}
	if *c.json {
		err = c.print(reportOf(p))
	} else {
		err = c.path(q.text(), p)
	}
	if err != nil {
		return c.fail(3, err)
	}
	return pathStatus(p)
}

func pathStatus(p vpc.Path) int {
	switch {
	case p.Reachable == vpc.No || p.Reachable == vpc.Partly:
		return 1
	case p.Reachable == vpc.Unresolved || p.Reply == vpc.Unresolved:
		return 3
	case p.Reply != vpc.Yes:
		return 1
	}
	return 0
}

// path prints answers, hops and blocks.
func (c *command) path(title string, p vpc.Path) error {
	if _, err := fmt.Fprintf(c.stdout, "%s: reachable %s, reply %s\n\n", plain(title), p.Reachable, p.Reply); err != nil {
		return err
	}
	rows := [][]string{}
	for i, h := range p.Hops {
		rows = append(rows, []string{fmt.Sprint(i + 1), h.Kind, h.ID, h.Instance, codesAt(p, i, false)})
	}
	if err := c.table("HOP\tKIND\tID\tINSTANCE\tBLOCKED", rows); err != nil {
		return err
	}
	if len(p.Blocks) > 0 {
		fmt.Fprintln(c.stdout)
		rows = rows[:0]
		for _, b := range p.Blocks {
			way := "out"
			if b.Reply {
				way = "reply"
			}
			rows = append(rows, []string{way, string(b.Code), b.At, b.RA, b.Fix})
		}
		if err := c.table("WAY\tCODE\tAT\tREACHABILITY ANALYZER\tWHAT WOULD OPEN IT", rows); err != nil {
			return err
		}
	}
	if len(p.Ignored) > 0 {
		_, err := fmt.Fprintf(c.stdout, "\nnot in the snapshot, so not considered: %s\n", strings.Join(p.Ignored, ", "))
		return err
	}
	return nil
}

// codesAt lists the codes of the blocks met at a hop.
func codesAt(p vpc.Path, hop int, reply bool) string {
	var out []string
	for _, b := range p.Blocks {
		if b.Hop == hop && b.Reply == reply {
			out = append(out, string(b.Code))
		}
	}
	return strings.Join(out, " ")
}
