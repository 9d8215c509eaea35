// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// exitError is the exit status of whatever kept the check from being done.
const exitError = 3

// run is the command; it returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		if f := subcommand(args[0]); f != nil {
			return f(ctx, args[1:], stdout, stderr)
		}
	}
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "trailcheck:", err)
		return write(usageReport(err), o, stdout, stderr)
	}
	if o.follow {
		return follow(ctx, o, stdout, stderr)
	}
	rep, err := check(ctx, o, stderr)
	if err != nil {
		complain(stderr, err)
	}
	if rep == nil {
		rep = &cloudtrail.Report{Verdict: cloudtrail.Failed}
	}
	return write(rep, o, stdout, stderr)
}

// complain prints an error and what to do about it.
func complain(stderr io.Writer, err error) {
	fmt.Fprintln(stderr, "trailcheck:", visible([]byte(err.Error())))
	var hint interface{ Hint() string }
	if errors.As(err, &hint) {
		fmt.Fprintln(stderr, "trailcheck:", hint.Hint())
	}
}

// usageReport is the report of a command line that cannot be understood.
func usageReport(err error) *cloudtrail.Report {
	return &cloudtrail.Report{Verdict: cloudtrail.Failed, Findings: []cloudtrail.Finding{{
		Code: cloudtrail.UsageError, Severity: cloudtrail.Fault, Verdict: cloudtrail.Failed, Detail: err.Error(),
	}}}
}

// write prints the report and returns the exit status.
func write(rep *cloudtrail.Report, o *options, stdout, stderr io.Writer) int {
	var err error
	switch o.format.value {
	case "json":
		err = rep.WriteJSON(stdout)
	case "sarif":
		err = rep.WriteSARIF(stdout)
	case "junit":
		err = rep.WriteJUnit(stdout)
	case "awscli":
		err = writeAWSCLI(rep, o, stdout, stderr)
	default:
		if isTerminal(stdout) {
			stdout = &painter{w: stdout}
		}
		err = rep.WriteText(stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, "trailcheck:", err)
		return exitError
	}
	return rep.Verdict.ExitCode()
}

// writeAWSCLI writes the lines of the AWS CLI. In an organization's folder it
// must be said whose trail is meant. Where nothing could be begun there is none
// to speak of.
func writeAWSCLI(rep *cloudtrail.Report, o *options, stdout, stderr io.Writer) error {
	if rep.Verdict == cloudtrail.Failed && rep.From.IsZero() && rep.To.IsZero() && len(rep.Findings) == 0 {
		return nil
	}
	for _, c := range rep.Coverage {
		if c.Chain.Org != "" && len(o.accounts) == 0 {
			return errors.New("usage-error: -format awscli needs -account for an organization trail")
		}
	}
	for _, f := range rep.Findings {
		if f.Code == cloudtrail.UsageError {
			return errors.New("usage-error: " + f.Detail)
		}
	}
	err := rep.WriteAWSCLI(stdout, stderr)
	if errors.Is(err, cloudtrail.ErrConfig) {
		err = fmt.Errorf("usage-error: %w", err)
	}
	return err
}

// check runs the validation the flags ask for. The report may be nil.
func check(ctx context.Context, o *options, stderr io.Writer) (*cloudtrail.Report, error) {
	v, done, err := newValidator(ctx, o, stderr)
	if err != nil {
		return nil, err
	}
	defer done()
	if o.checkpoint != "" {
		if v.Checkpoint, err = readCheckpoint(o.checkpoint); err != nil {
			return nil, err
		}
	}
	rep, err := v.Run(ctx)
	if err == nil && o.checkpoint != "" && rep.Checkpoint != nil {
		if err = writeCheckpoint(o.checkpoint, rep.Checkpoint); err != nil {
			rep.Verdict = cloudtrail.Failed // the next run would not know where this one ended
		}
	}
	return rep, err
}

// newValidator opens the source that the flags name. done closes it.
func newValidator(ctx context.Context, o *options, stderr io.Writer) (v *cloudtrail.Validator, done func(), err error) {
	v = &cloudtrail.Validator{
		Regions: o.regions, Accounts: o.accounts, Trail: o.trail,
		From: o.start.Time, To: o.end.Time, ExpectThrough: o.expect.Time,
		CountUnreferenced: o.unreferenced.value == "count", Workers: o.workers, KeepObjects: o.format.value == "awscli",
	}
	if o.prefixGiven {
		v.Prefixes = []string{o.prefix}
	}
	if len(o.keys) > 0 {
		ring, err := readKeys(o.keys)
		if err != nil {
			return nil, nil, err
		}
		v.Keys = ring
	}
	open := openTree
	if o.dir == "" {
		open = openBucket
	}
	closeSource, err := open(ctx, o, v)
	if err != nil {
		return nil, nil, err
	}
	if !isTerminal(stderr) {
		return v, closeSource, nil
	}
	bar := &bar{w: stderr}
	v.Progress = bar.show
	return v, func() { bar.clear(); closeSource() }, nil
}

// openTree makes a directory the source, without a way out of it.
func openTree(_ context.Context, o *options, v *cloudtrail.Validator) (done func(), err error) {
	root, err := os.OpenRoot(o.dir)
	if err != nil {
		return nil, err
	}
	done = func() { _ = root.Close() } // it was only read
	tree := cloudtrail.Directory{FS: root.FS()}
	v.Source = tree
	if v.Buckets, err = tree.Buckets(); err != nil {
		done()
		return nil, err
	}
	if o.bucket != "" {
		v.Buckets = slices.DeleteFunc(v.Buckets, func(b string) bool { return b != o.bucket })
	}
	if v.Keys == nil {
		ring, err := tree.Keys()
		if err != nil {
			done()
			return nil, err
		}
		v.Keys = ring
	}
	return done, nil
}

// maxKeyFile is more than the longest key list that ParseKeys reads.
const maxKeyFile = 4<<20 + 1

// readFile reads a file, and of one that is longer than most what is enough to
// be refused.
func readFile(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}

var keysName = regexp.MustCompile(`keys\.([a-z0-9-]+)\.json$`)

// readKeys reads key files; the region is in the name, else they serve all.
func readKeys(files []string) (cloudtrail.KeyRing, error) {
	ring := cloudtrail.KeyRing{}
	for _, name := range files {
		data, err := readFile(name, maxKeyFile)
		if err != nil {
			return nil, err
		}
		keys, err := cloudtrail.ParseKeys(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		region := ""
		if m := keysName.FindStringSubmatch(filepath.Base(name)); m != nil {
			region = m[1]
		}
		ring[region] = append(ring[region], keys...)
	}
	return ring, nil
}
