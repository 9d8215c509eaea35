// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/sallyport-go/sallyport/netfilter"
)

// diffChange is a region of changed packets as diff prints it.
type diffChange struct {
	Direction string         `json:"direction"`
	Prefixes  []netip.Prefix `json:"prefixes"`
	Protocols string         `json:"protocols"`
	Ports     string         `json:"ports"`
	Before    string         `json:"before"`
	After     string         `json:"after"`
	Witness   string         `json:"witness"`
}

// diff prints the packets that two groups, or two ACLs, decide differently; with
// -to they are the same objects in another snapshot. It exits 0 when there are
// none, 1 when there are some, 3 when it cannot tell.
func diff(args []string, stdout, stderr io.Writer) int {
	c := newCommand("diff", stdout, stderr)
	to := c.flags.String("to", "", "folder of the later snapshot; -snapshot is the earlier one")
	if err := c.flags.Parse(args); err != nil {
		return usageStatus(err)
	}
	names := c.flags.Args()
	if *c.snapshot == "" || len(names) == 0 || *to == "" && len(names) != 2 || *to != "" && len(names) != 1 {
		return c.fail(2, errors.New("give -snapshot DIR and two ids, or -snapshot DIR -to DIR and one id; ids of several groups are joined by commas"))
	}
	if *to == "" {
		*to = *c.snapshot
	}
	before, err := policyOf(*c.snapshot, names[0])
	if err != nil {
		return c.fail(3, err)
	}
	after, err := policyOf(*to, names[len(names)-1])
	if err != nil {
		return c.fail(3, err)
	}
	return c.changes(before, after)
}

// policyOf compiles the groups or the ACL that the ids name.
func policyOf(dir, ids string) (netfilter.Policy, error) {
	inv, err := load(dir)
	if err != nil {
		return nil, err
	}
	for _, a := range inv.ACLs {
		if a.ID == ids {
			return netfilter.CompileACL(a)
		}
	}
	var groups []netfilter.SecurityGroup
	for _, id := range strings.Split(ids, ",") {
		g := inv.Group(id)
		if g == nil {
			return nil, fmt.Errorf("%s has neither a group nor an ACL %q", dir, id)
		}
		groups = append(groups, *g)
	}
	return netfilter.CompileGroups(groups, inv.Resolver(true))
}

func (c *command) changes(before, after netfilter.Policy) int {
	out := []diffChange{}
	rows := [][]string{}
	for ch := range netfilter.Diff(before, after) {
		protocols, ports := regionText(ch)
		d := diffChange{
			Direction: ch.Direction.String(), Prefixes: ch.Prefixes, Protocols: protocols, Ports: ports,
			Before: ch.Before.String(), After: ch.After.String(), Witness: ch.Witness.String(),
		}
		out = append(out, d)
		for i, p := range ch.Prefixes {
			row := []string{d.Direction, p.String(), protocols, ports, d.Before + " > " + d.After, d.Witness}
			if i > 0 {
				row = []string{"", p.String(), "", "", "", ""}
			}
			rows = append(rows, row)
		}
	}
	var err error
	switch {
	case *c.json:
		err = c.print(out)
	case len(rows) == 0:
		fmt.Fprintln(c.stdout, "no packet is decided differently")
	default:
		err = c.table("DIRECTION\tPEER\tPROTOCOL\tPORTS\tEFFECT\tWITNESS", rows)
	}
	if err != nil {
		return c.fail(3, err)
	}
	if len(out) > 0 {
		return 1
	}
	return 0
}

// regionText writes protocols and keys for people: ports, or type/code.
func regionText(ch netfilter.Change) (protocols, ports string) {
	whole := ch.From == 0 && ch.To == 65535
	switch {
	case ch.FirstProtocol == 0 && ch.LastProtocol == 255:
		return "all", "all"
	case ch.FirstProtocol != ch.LastProtocol:
		return fmt.Sprintf("%d-%d", uint8(ch.FirstProtocol), uint8(ch.LastProtocol)), "all"
	case whole:
		return ch.FirstProtocol.String(), "all"
	}
	from, to := fmt.Sprint(ch.From), fmt.Sprint(ch.To)
	if p := ch.FirstProtocol; p == netfilter.ICMP || p == netfilter.ICMPv6 {
		from, to = fmt.Sprintf("%d/%d", ch.From>>8, ch.From&0xff), fmt.Sprintf("%d/%d", ch.To>>8, ch.To&0xff)
	}
	if from == to {
		return ch.FirstProtocol.String(), from
	}
	return ch.FirstProtocol.String(), from + "-" + to
}
