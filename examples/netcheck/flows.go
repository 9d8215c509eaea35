// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/netfilter/flowlog"
)

// flows attributes flow logs to the rules of a snapshot and prints which rules
// they need, which they do not, what contradicts them, and tightened groups. It
// exits 0 when all records could be read and the rules admit all that was
// accepted, 1 when they do not, 3 when something could not be read.
func flows(args []string, stdout, stderr io.Writer) int {
	c := newCommand("flows", stdout, stderr)
	format := c.flags.String("format", "", "`FORMAT` of the files: a LogFormat, a header line, or \"default\"; else a file's first line if it names fields, else the default format")
	trust := c.flags.Bool("trust-ports", false, "where nothing else tells who began a flow, tighten for the side with the lower port alone")
	workers := c.flags.Int("workers", runtime.GOMAXPROCS(0), "read `N` files at a time")
	if err := c.flags.Parse(args); err != nil {
		return usageStatus(err)
	}
	if *c.snapshot == "" || c.flags.NArg() == 0 || *workers < 1 {
		return c.fail(2, errors.New("give -snapshot DIR and flow log files, folders of them, or - for standard input"))
	}
	f, err := flowFormat(*format)
	if err != nil {
		return c.fail(2, err)
	}
	inv, err := load(*c.snapshot)
	if err != nil {
		return c.fail(3, err)
	}
	blocks, err := vpcBlocks(*c.snapshot)
	if err != nil {
		return c.fail(3, err)
	}
	network, err := flowlog.Compile(flowlog.Snapshot{Inventory: inv, Blocks: blocks, Lenient: true})
	if err != nil {
		return c.fail(3, err)
	}
	names, total, err := flowFiles(c.flags.Args())
	if err != nil {
		return c.fail(3, err)
	}
	run := flowRun{network: network, format: f, names: names, meter: newMeter(stderr, total)}
	summary := run.all(*workers)
	report, err := newFlowReport(network, summary, inv, flowlog.Tightener{TrustPorts: *trust})
	if err != nil {
		return c.fail(3, err)
	}
	report.Files, report.Unread, report.Errors = len(names), run.unread, run.messages()
	if *c.json {
		err = c.print(report)
	} else {
		err = report.write(c)
	}
	if err != nil {
		return c.fail(3, err)
	}
	return report.status()
}

// flowFormat reads -format; nil leaves it to the files.
func flowFormat(text string) (*flowlog.Format, error) {
	switch text {
	case "":
		return nil, nil
	case "default":
		return flowlog.DefaultFormat(), nil
	}
	return flowlog.ParseFormat(strings.TrimSpace(text))
}

// flowFault is something that could not be read.
type flowFault struct {
	file int
	line int64
	text string
}

// The report names the first faults of each file, and the first of all files.
const (
	faultsOfFile = 5
	faultsOfAll  = 20
)

// messages are the first faults in the order of files and lines.
func (run *flowRun) messages() []string {
	slices.SortFunc(run.faults, func(a, b flowFault) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line))
	})
	out := []string{}
	for _, f := range run.faults {
		if len(out) == faultsOfAll {
			return append(out, fmt.Sprintf("and %d more", run.unread-int64(len(out))))
		}
		out = append(out, f.text)
	}
	return out
}
