// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

const eventsUsage = `usage: trailcheck events (-dir TREE | -bucket B …) [-who W] [-name N] [-after T] … [-format table|json|csv]

Prints the events of the log files whose hash a verified digest states, and of no
others: a file that was altered, that no digest lists, or whose digest does not
verify yields nothing and is reported on stderr, which also says at the end how
much was verified and what time that covers. -start, -end, -account and
-region select digests, as for the check itself; an event may be hours older than
its digest. Lists may be repeated or separated by commas; each flag that is given
has to be met.

json prints each event on a line as it was delivered; table and csv print the
usual members. Control and invisible characters are written as \u001b, cells of
csv that a spreadsheet would take for a formula begin with an apostrophe.

Exit status: that of the check: 0 valid, 1 tampered, 2 incomplete, 3 error.

`

// eventOptions are the flags of events beside those of every subcommand.
type eventOptions struct {
	options
	filter        cloudtrail.Filter
	after, before moment
	readOnly      bool
	write         bool
}

func (o *eventOptions) define(f *flag.FlagSet) {
	o.source(f)
	f.Var(&o.expect, "expect-through", "the `time` up to which there must be digests")
	f.Var(&o.unreferenced, "unreferenced", "log files that no digest lists: `error|count`")
	f.Var(&o.format, "format", "of the events: `table|json|csv`")
	f.Var(&o.after, "after", "only events at or after this `time`")
	f.Var(&o.before, "before", "only events before this `time`")
	f.Var((*list)(&o.filter.Principals), "who", "only by this ARN, id, access key, user, role or service `name`")
	f.Var((*list)(&o.filter.Accounts), "event-account", "only by or in this `account`")
	f.Var((*list)(&o.filter.Sources), "service", "only of this event `source`, such as s3.amazonaws.com")
	f.Var((*list)(&o.filter.Names), "name", "only of this event `name`, such as GetObject")
	f.Var((*list)(&o.filter.Regions), "event-region", "only in this `region`")
	f.Var((*list)(&o.filter.Addresses), "address", "only from this IP address, CIDR `block` or service name")
	f.Var((*list)(&o.filter.Categories), "category", "only of this `kind`: Management, Data, NetworkActivity, Insight")
	f.Var((*list)(&o.filter.ErrorCodes), "error", "only with this error `code`")
	f.BoolVar(&o.filter.Errors, "errors", false, "only calls that failed")
	f.BoolVar(&o.readOnly, "read-only", false, "only calls that only read")
	f.BoolVar(&o.write, "write", false, "only calls that may have changed something")
}

// complete turns flags into the filter.
func (o *eventOptions) complete(f *flag.FlagSet) error {
	if err := o.check(f); err != nil {
		return err
	}
	if o.readOnly && o.write {
		return errors.New("-read-only and -write contradict each other")
	}
	if o.readOnly || o.write {
		o.filter.ReadOnly = &o.readOnly
	}
	o.filter.From, o.filter.To = o.after.Time, o.before.Time
	return nil
}

// events is the subcommand.
func events(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := &eventOptions{options: options{
		unreferenced: choice{"error", []string{"error", "count"}},
		format:       choice{"table", []string{"table", "json", "csv"}},
	}}
	f := flags("trailcheck events", eventsUsage, stderr)
	o.define(f)
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		err = o.complete(f)
	}
	if err != nil {
		complain(stderr, err)
		return exitError
	}
	v, done, err := newValidator(ctx, &o.options, stderr)
	if err != nil {
		complain(stderr, err)
		return exitError
	}
	defer done()
	if isTerminal(stdout) {
		v.Progress = nil // it would stand between the events
	}
	var rep *cloudtrail.Report
	v.Done = func(r *cloudtrail.Report) { rep = r }
	verdict, err := printEvents(ctx, v, o, stdout, stderr)
	if err == nil && rep != nil {
		rep.Findings, rep.Verdict = nil, verdict // they were printed in their places
		err = rep.WriteText(stderr)
	}
	if err != nil {
		complain(stderr, err)
		return exitError
	}
	return verdict.ExitCode()
}

// printEvents prints events to stdout and everything else to stderr. The error
// is that of stdout.
func printEvents(ctx context.Context, v *cloudtrail.Validator, o *eventOptions, stdout, stderr io.Writer) (verdict cloudtrail.Verdict, err error) {
	out := bufio.NewWriterSize(stdout, 64<<10)
	p := newPrinter(o.format.value, out)
	live := isTerminal(stdout)
	n := 0
	for event, bad := range v.Events(ctx, o.filter) {
		var found *cloudtrail.Finding
		switch {
		case errors.As(bad, &found):
			verdict = max(verdict, found.Verdict)
			fmt.Fprintf(stderr, "%s\t%s\t%s\t%s\n", strings.ToUpper(string(found.Severity)), found.Code, visible([]byte(found.Object)), visible([]byte(found.Detail)))
			continue
		case bad != nil:
			verdict = max(verdict, cloudtrail.Failed)
			complain(stderr, bad)
			continue
		}
		n++
		if err = p.print(event); err == nil && live {
			err = out.Flush()
		}
		if err != nil {
			return verdict, err
		}
	}
	if err = p.end(); err == nil {
		err = out.Flush()
	}
	fmt.Fprintf(stderr, "%d events\n", n)
	return verdict, err
}
