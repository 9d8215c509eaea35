// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/vpc"
)

// openingReport is an opening as exposure prints it.
type openingReport struct {
	Interface string         `json:"interface"`
	Instance  string         `json:"instance,omitempty"`
	Address   string         `json:"address"`
	Sources   []netip.Prefix `json:"sources"`
	Protocols string         `json:"protocols"`
	Ports     string         `json:"ports"`
	Effect    string         `json:"effect"`
	Rules     []string       `json:"rules"`
	Route     string         `json:"route,omitempty"`
	Reply     vpc.Answer     `json:"reply"`
	Witness   string         `json:"witness"`
}

// exposure prints what the internet reaches. It exits 0 when that is nothing, 1
// when it is something, 3 when it cannot tell.
func exposure(args []string, stdout, stderr io.Writer) int {
	c := newCommand("exposure", stdout, stderr)
	if err := c.flags.Parse(args); err != nil {
		return usageStatus(err)
	}
	if *c.snapshot == "" || c.flags.NArg() > 0 {
		return c.fail(2, errors.New("-snapshot DIR is needed, and nothing else"))
	}
	s, err := snapshots{}.get(*c.snapshot)
	if err != nil {
		return c.fail(3, err)
	}
	out := []openingReport{}
	sure := false
	for e := range s.Exposure() {
		for _, o := range e.Openings {
			protocols, ports := regionText(netfilter.Change{FirstProtocol: o.FirstProtocol, LastProtocol: o.LastProtocol, From: o.From, To: o.To})
			sure = sure || o.Effect == netfilter.Allow
			out = append(out, openingReport{
				Interface: e.Interface, Instance: e.Instance, Address: e.Public.String(), Sources: o.Prefixes, Protocols: protocols, Ports: ports,
				Effect: o.Effect.String(), Rules: o.Rules, Route: o.Route, Reply: o.Reply, Witness: o.Witness.String(),
			})
		}
	}
	if err := c.openings(out); err != nil {
		return c.fail(3, err)
	}
	switch {
	case sure:
		return 1
	case len(out) > 0:
		return 3
	}
	return 0
}

func (c *command) openings(out []openingReport) error {
	if *c.json {
		return c.print(out)
	}
	if len(out) == 0 {
		_, err := fmt.Fprintln(c.stdout, "the internet reaches nothing")
		return err
	}
	rows := [][]string{}
	for _, o := range out {
		name := o.Interface
		if o.Instance != "" {
			name += " (" + o.Instance + ")"
		}
		rows = append(rows, []string{name, o.Address, sourcesText(o.Sources), o.Protocols, o.Ports, o.Effect, o.Reply.String(), strings.Join(o.Rules, " "), o.Route})
	}
	return c.table("INTERFACE\tADDRESS\tSOURCES\tPROTOCOL\tPORTS\tEFFECT\tREPLY\tRULES\tROUTE OF REPLIES", rows)
}

// sourcesText is the first blocks, and how many there are beside.
func sourcesText(list []netip.Prefix) string {
	const most = 3
	var out []string
	for i, p := range list {
		if i == most {
			out = append(out, fmt.Sprintf("and %d more", len(list)-most))
			break
		}
		out = append(out, p.String())
	}
	return strings.Join(out, " ")
}
