// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/sallyport-go/sallyport/netfilter"
	"github.com/sallyport-go/sallyport/netfilter/flowlog"
)

// flowReport is what flows prints.
type flowReport struct {
	Files       int            `json:"files"`
	Records     uint64         `json:"records"`
	Unread      int64          `json:"unread"`
	Errors      []string       `json:"errors"`
	Invalid     []string       `json:"invalid_rules"`
	Attribution []flowTally    `json:"attribution"`
	Rules       []flowRule     `json:"rules"`
	Unused      []string       `json:"unused"`
	Unobserved  []string       `json:"unobserved"`
	Mismatches  []flowMismatch `json:"mismatches"`
	Tightened   []flowGroup    `json:"tightened"`
}

type flowTally struct {
	Kind   string `json:"kind"`
	Reason string `json:"reason"`
	flowUsage
}

type flowUsage struct {
	Records uint64 `json:"records"`
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
	First   string `json:"first,omitempty"`
	Last    string `json:"last,omitempty"`
}

type flowRule struct {
	Rule      string    `json:"rule"`
	Owner     string    `json:"owner"`
	Direction string    `json:"direction"`
	Text      string    `json:"text,omitempty"`
	Confident flowUsage `json:"confident"`
	Ambiguous flowUsage `json:"ambiguous"`
}

type flowMismatch struct {
	Interface string `json:"interface"`
	Direction string `json:"direction"`
	Reason    string `json:"reason"`
	Example   string `json:"example"`
	flowUsage
}

type flowGroup struct {
	Group  string         `json:"group"`
	Before int            `json:"before"`
	After  int            `json:"after"`
	Rules  []flowNewRules `json:"rules"`
}

type flowNewRules struct {
	Direction string `json:"direction"`
	ID        string `json:"id,omitempty"` // of a rule that stays as it is
	Protocol  string `json:"protocol"`
	From      int    `json:"from"`
	To        int    `json:"to"`
	Peer      string `json:"peer"`
	text      string
}

func usageOf(u flowlog.Usage) flowUsage {
	out := flowUsage{Records: u.Records, Packets: u.Packets, Bytes: u.Bytes}
	if u.First > 0 {
		out.First = unixText(u.First)
	}
	if u.Last > 0 {
		out.Last = unixText(u.Last)
	}
	return out
}

// unixText writes a time that a log may have made up.
func unixText(seconds int64) string {
	if seconds > 253402300799 { // the last second that has a year of four digits
		return strconv.FormatInt(seconds, 10)
	}
	return time.Unix(seconds, 0).UTC().Format(time.RFC3339)
}

func newFlowReport(n *flowlog.Network, s *flowlog.Summary, inv *netfilter.Inventory, t flowlog.Tightener) (*flowReport, error) {
	out := &flowReport{
		Invalid: []string{}, Attribution: []flowTally{}, Rules: []flowRule{}, Unused: []string{}, Unobserved: []string{},
		Mismatches: []flowMismatch{}, Tightened: []flowGroup{},
	}
	for _, e := range n.Invalid() {
		out.Invalid = append(out.Invalid, e.Error())
	}
	for _, tally := range s.Tallies() {
		out.Records += tally.Usage.Records
		out.Attribution = append(out.Attribution, flowTally{tally.Kind.String(), tally.Reason.String(), usageOf(tally.Usage)})
	}
	observed := map[string]bool{}
	for _, u := range s.Rules() {
		out.addRule(u)
		observed[u.Rule.Owner] = observed[u.Rule.Owner] || u.Observed
	}
	for _, m := range s.Mismatches() {
		out.Mismatches = append(out.Mismatches, flowMismatch{m.Interface, m.Direction.String(), m.Reason.String(), m.Example.String(), usageOf(m.Usage)})
	}
	for i := range inv.Groups {
		if g := &inv.Groups[i]; observed[g.ID] {
			after, err := t.Group(s, g.ID)
			if err != nil {
				return nil, err
			}
			out.Tightened = append(out.Tightened, newFlowGroup(g, &after))
		}
	}
	return out, nil
}

func (r *flowReport) addRule(u flowlog.RuleUsage) {
	switch {
	case u.Unused():
		r.Unused = append(r.Unused, u.Rule.ID)
	case !u.Observed && !u.Rule.Closing:
		r.Unobserved = append(r.Unobserved, u.Rule.ID)
	}
	if u.Confident.Records+u.Ambiguous.Records > 0 {
		r.Rules = append(r.Rules, flowRule{
			u.Rule.ID, u.Rule.Owner, u.Rule.Direction.String(), u.Rule.Text, usageOf(u.Confident), usageOf(u.Ambiguous),
		})
	}
}

func newFlowGroup(before, after *netfilter.SecurityGroup) flowGroup {
	out := flowGroup{Group: before.ID, Before: len(before.Ingress) + len(before.Egress), Rules: []flowNewRules{}}
	for _, d := range []netfilter.Direction{netfilter.Ingress, netfilter.Egress} {
		for _, r := range after.Rules(d) {
			out.Rules = append(out.Rules, flowNewRules{
				d.String(), r.ID, r.Protocol, r.From, r.To, r.Peer.IPv4 + r.Peer.IPv6 + r.Peer.Group + r.Peer.PrefixList, r.String(),
			})
		}
	}
	out.After = len(out.Rules)
	return out
}

// status is 3 when something could not be read, 1 when traffic was accepted that
// the rules do not admit. Rejected traffic that they admit is no verdict: packets
// of a closed connection look like that.
func (r *flowReport) status() int {
	if r.Unread > 0 {
		return 3
	}
	for _, m := range r.Mismatches {
		if m.Reason == flowlog.NothingAdmits.String() {
			return 1
		}
	}
	return 0
}

// write prints the report for people.
func (r *flowReport) write(c *command) error {
	fmt.Fprintf(c.stdout, "records: %d, files: %d, unreadable lines or files: %d\n", r.Records, r.Files, r.Unread)
	for _, e := range r.Errors {
		c.complain(e)
	}
	for _, e := range r.Invalid {
		c.complain(e)
	}
	for _, section := range []struct {
		header string
		rows   [][]string
	}{
		{"KIND\tREASON\tRECORDS\tPACKETS\tBYTES", r.tallyRows()},
		{"RULE\tRECORDS\tAMBIGUOUS\tPACKETS\tBYTES\tFIRST\tLAST\tTEXT", r.ruleRows()},
		{"UNUSED", column(r.Unused)},
		{"NOT OBSERVED", column(r.Unobserved)},
		{"MISMATCH AT\tDIRECTION\tREASON\tRECORDS\tEXAMPLE", r.mismatchRows()},
		{"TIGHTENED\tRULES\tDIRECTION\tRULE", r.groupRows()},
	} {
		if len(section.rows) == 0 {
			continue
		}
		fmt.Fprintln(c.stdout)
		if err := c.table(section.header, section.rows); err != nil {
			return err
		}
	}
	return nil
}

func (r *flowReport) tallyRows() (rows [][]string) {
	for _, t := range r.Attribution {
		rows = append(rows, []string{t.Kind, t.Reason, fmt.Sprint(t.Records), fmt.Sprint(t.Packets), fmt.Sprint(t.Bytes)})
	}
	return rows
}

func (r *flowReport) ruleRows() (rows [][]string) {
	for _, u := range r.Rules {
		first, last := u.Confident.First, u.Confident.Last
		if u.Confident.Records == 0 {
			first, last = u.Ambiguous.First, u.Ambiguous.Last
		}
		rows = append(rows, []string{
			u.Rule, fmt.Sprint(u.Confident.Records), fmt.Sprint(u.Ambiguous.Records),
			fmt.Sprint(u.Confident.Packets), fmt.Sprint(u.Confident.Bytes), first, last, u.Text,
		})
	}
	return rows
}

func column(ids []string) (rows [][]string) {
	for _, id := range ids {
		rows = append(rows, []string{id})
	}
	return rows
}

func (r *flowReport) mismatchRows() (rows [][]string) {
	for _, m := range r.Mismatches {
		rows = append(rows, []string{m.Interface, m.Direction, m.Reason, fmt.Sprint(m.Records), m.Example})
	}
	return rows
}

func (r *flowReport) groupRows() (rows [][]string) {
	for _, g := range r.Tightened {
		count := fmt.Sprintf("%d > %d", g.Before, g.After)
		if len(g.Rules) == 0 {
			rows = append(rows, []string{g.Group, count, "-", "-"})
		}
		for i, rule := range g.Rules {
			row := []string{g.Group, count, rule.Direction, rule.text}
			if i > 0 {
				row[0], row[1] = "", ""
			}
			rows = append(rows, row)
		}
	}
	return rows
}
