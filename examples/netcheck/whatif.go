// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"

	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/vpc"
)

// whatIfReport is what a change does, as -json prints it.
type whatIfReport struct {
	Exposure []exposureChange `json:"exposure"`
	Before   *pathReport      `json:"before,omitempty"`
	After    *pathReport      `json:"after,omitempty"`
}

type exposureChange struct {
	Interface string         `json:"interface"`
	Instance  string         `json:"instance,omitempty"`
	Address   string         `json:"address"`
	Sources   []netip.Prefix `json:"sources"`
	Protocols string         `json:"protocols"`
	Ports     string         `json:"ports"`
	Before    string         `json:"before"`
	After     string         `json:"after"`
	Witness   string         `json:"witness"`
}

// removals is a flag that may be given several times.
type removals []string

func (r *removals) String() string     { return strings.Join(*r, " ") }
func (r *removals) Set(s string) error { *r = append(*r, s); return nil }

// whatif applies a change to a copy of the snapshot and prints what it opens and
// closes. It exits 0 when that is nothing, 1 when it is something, 3 when it
// cannot tell.
func whatif(args []string, stdout, stderr io.Writer) int {
	c := newCommand("whatif", stdout, stderr)
	var change vpc.Change
	c.flags.Var((*removals)(&change.Remove), "remove", "take out a rule (sgr-1, sg-1/ingress/0/10.0.0.0/8), an ACL entry (acl-1/ingress/100) or a route (rtb-1/0.0.0.0/0); repeatable")
	add := c.flags.String("add", "", "file with SecurityGroups, NetworkAcls or RouteTables whose rules, entries and routes are added to those of the same ids")
	q := c.question()
	if err := c.flags.Parse(args); err != nil {
		return usageStatus(err)
	}
	if *c.snapshot == "" || c.flags.NArg() > 0 || *add == "" && len(change.Remove) == 0 {
		return c.fail(2, errors.New("give -snapshot DIR, and -remove or -add"))
	}
	var from, to vpc.Endpoint
	var traffic vpc.Traffic
	if q.given() {
		var err error
		if from, to, traffic, err = q.ends(); err != nil {
			return c.fail(2, err)
		}
	}
	before, err := snapshots{}.get(*c.snapshot)
	if err != nil {
		return c.fail(3, err)
	}
	if *add != "" {
		change.Add.Name = *add
		if change.Add.Data, err = os.ReadFile(*add); err != nil {
			return c.fail(3, err)
		}
	}
	after, err := before.Apply(change)
	if err != nil {
		return c.fail(3, err)
	}
	report := whatIfReport{Exposure: exposureChanges(before, after)}
	differs := len(report.Exposure) > 0
	if q.given() {
		a, err := before.Path(from, to, traffic)
		if err != nil {
			return c.fail(3, err)
		}
		b, err := after.Path(from, to, traffic)
		if err != nil {
			return c.fail(3, err)
		}
		ra, rb := reportOf(a), reportOf(b)
		report.Before, report.After = &ra, &rb
		differs = differs || a.Reachable != b.Reachable || a.Reply != b.Reply
	}
	if err := c.whatif(q.text(), report); err != nil {
		return c.fail(3, err)
	}
	if differs {
		return 1
	}
	return 0
}

func exposureChanges(before, after *vpc.Snapshot) []exposureChange {
	out := []exposureChange{}
	for _, d := range vpc.Compare(before, after) {
		for _, ch := range d.Changes {
			protocols, ports := regionText(ch)
			out = append(out, exposureChange{
				d.Interface, d.Instance, d.Public.String(), ch.Prefixes, protocols, ports, ch.Before.String(), ch.After.String(), ch.Witness.String(),
			})
		}
	}
	return out
}

func (c *command) whatif(question string, r whatIfReport) error {
	if *c.json {
		return c.print(r)
	}
	if r.Before != nil {
		fmt.Fprintf(c.stdout, "%s: reachable %s > %s, reply %s > %s\n", plain(question), r.Before.Reachable, r.After.Reachable, r.Before.Reply, r.After.Reply)
		for _, b := range r.After.Blocked {
			fmt.Fprintf(c.stdout, "  %s at %s\n", b.Code, plain(b.At))
		}
		fmt.Fprintln(c.stdout)
	}
	if len(r.Exposure) == 0 {
		_, err := fmt.Fprintln(c.stdout, "what the internet reaches stays the same")
		return err
	}
	rows := [][]string{}
	for _, x := range r.Exposure {
		word := "changed"
		switch {
		case x.After == netfilter.Allow.String():
			word = "opened"
		case x.After == netfilter.Deny.String():
			word = "closed"
		}
		rows = append(rows, []string{word, x.Interface, x.Address, sourcesText(x.Sources), x.Protocols, x.Ports, x.Before + " > " + x.After})
	}
	return c.table("EXPOSURE\tINTERFACE\tADDRESS\tSOURCES\tPROTOCOL\tPORTS\tEFFECT", rows)
}
