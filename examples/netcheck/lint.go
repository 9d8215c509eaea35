// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/sallyport-go/sallyport/netfilter"
)

// lintFinding is a finding as lint prints it.
type lintFinding struct {
	Code      string   `json:"code"`
	Where     string   `json:"where"`
	Direction string   `json:"direction,omitempty"`
	Rules     []string `json:"rules"`
	Detail    string   `json:"detail"`
	Witness   string   `json:"witness,omitempty"`
}

// lint prints what looks wrong in a snapshot. It exits 0 when nothing does, 1
// when something does, 3 when the snapshot cannot be read.
func lint(args []string, stdout, stderr io.Writer) int {
	c := newCommand("lint", stdout, stderr)
	ports := c.flags.String("ports", "", "comma-separated ports that open-to-world is limited to")
	quotas := c.flags.Bool("quotas", true, "check the default quotas")
	if err := c.flags.Parse(args); err != nil {
		return usageStatus(err)
	}
	if *c.snapshot == "" || c.flags.NArg() > 0 {
		return c.fail(2, errors.New("-snapshot DIR is needed, and nothing else"))
	}
	var options netfilter.LintOptions
	for _, s := range strings.FieldsFunc(*ports, func(r rune) bool { return r == ',' }) {
		n, err := strconv.ParseUint(s, 10, 16)
		if err != nil {
			return c.fail(2, fmt.Errorf("%q is not a port", s))
		}
		options.SensitivePorts = append(options.SensitivePorts, uint16(n))
	}
	if *quotas {
		options.Quotas = netfilter.DefaultQuotas()
	}
	snapshot, err := snapshots{}.get(*c.snapshot)
	if err != nil {
		return c.fail(3, err)
	}
	return c.findings(snapshot.Lint(options))
}

func (c *command) findings(findings []netfilter.Finding) int {
	out := make([]lintFinding, 0, len(findings))
	rows := [][]string{}
	for _, f := range findings {
		l := lintFinding{Code: f.Code, Where: f.Where, Rules: append([]string{}, f.Rules...), Detail: f.Detail}
		if len(f.Rules) > 0 {
			l.Direction = f.Direction.String()
		}
		if f.Witness != nil {
			l.Witness = f.Witness.String()
		}
		out = append(out, l)
		rows = append(rows, []string{l.Code, l.Where, strings.Join(l.Rules, " "), l.Detail, l.Witness})
	}
	var err error
	switch {
	case *c.json:
		err = c.print(out)
	case len(rows) == 0:
		fmt.Fprintln(c.stdout, "nothing found")
	default:
		err = c.table("CODE\tWHERE\tRULES\tDETAIL\tWITNESS", rows)
	}
	if err != nil {
		return c.fail(3, err)
	}
	if len(out) > 0 {
		return 1
	}
	return 0
}
