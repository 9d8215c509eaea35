// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
)

// options are the flags.
type options struct {
	dir, bucket, endpoint string
	prefix                string
	prefixGiven           bool
	keys                  list
	regions, accounts     list
	trail                 string
	start, end, expect    moment
	unreferenced          choice
	format                choice
	workers               int
	checkpoint            string
	follow, versions      bool
	every                 time.Duration
}

const usage = `usage: trailcheck (-dir TREE | -bucket B [-endpoint URL] [-prefix P]) [flags]
       trailcheck events | prove | verify | results [-h | flags]

Checks that CloudTrail log files are the ones CloudTrail delivered and that none
is missing, altered or added. TREE holds objects as TREE/BUCKET/KEY, the metadata
of digests beside them in KEY.meta.json, and public keys in keys.REGION.json.

Exit status: 0 valid, 1 tampered, 2 incomplete, 3 error.

`

// parse reads the command line. The error is flag.ErrHelp after -h.
func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{
		unreferenced: choice{"error", []string{"error", "count"}},
		format:       choice{"text", []string{"text", "json", "sarif", "junit", "awscli"}},
	}
	f := flags("trailcheck", usage, stderr)
	o.source(f)
	f.Var(&o.expect, "expect-through", "the `time` up to which there must be digests")
	f.Var(&o.unreferenced, "unreferenced", "log files that no digest lists: `error|count`")
	f.Var(&o.format, "format", "of the report: `text|json|sarif|junit|awscli`")
	f.StringVar(&o.checkpoint, "checkpoint", "", "`file` that says where the last valid run ended; rewritten by a valid one")
	f.BoolVar(&o.versions, "versions", false, "in a versioned bucket, look for older versions of what is altered or gone, and name those that pass")
	f.BoolVar(&o.follow, "follow", false, "go on and check each new digest, from the -checkpoint, until interrupted; the format is text or json")
	f.DurationVar(&o.every, "every", 5*time.Minute, "with -follow, how `long` to wait between two looks")
	if err := f.Parse(args); err != nil {
		o.format.anywhere(args)
		return o, err
	}
	o.format.anywhere(f.Args())
	return o, o.check(f)
}

// flags returns a flag set that prints a usage text before its flags.
func flags(name, usage string, stderr io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprint(stderr, usage)
		f.PrintDefaults()
	}
	return f
}

// trusting returns options, and a flag set with those of a check that needs
// nothing but public keys.
func trusting(name, usage string, stderr io.Writer) (*options, *flag.FlagSet) {
	o := &options{format: choice{"text", []string{"text", "json", "sarif", "junit"}}}
	f := flags(name, usage, stderr)
	f.Var(&o.keys, "keys", "`file` of the public keys that are trusted; may be repeated")
	f.Var(&o.format, "format", "of the report: `text|json|sarif|junit`")
	return o, f
}

// source defines the flags that say which trail is meant.
func (o *options) source(f *flag.FlagSet) {
	f.StringVar(&o.dir, "dir", "", "check the copy in the directory `TREE`")
	f.StringVar(&o.bucket, "bucket", "", "check this `bucket`; with -dir, only this one of the tree")
	f.StringVar(&o.endpoint, "endpoint", "", "`URL` of an S3-compatible server")
	f.StringVar(&o.prefix, "prefix", "", "what stands before AWSLogs/ in object keys")
	f.Var(&o.keys, "keys", "`file` of public keys, as list-public-keys prints them; may be repeated")
	f.Var(&o.regions, "region", "only digests of this source `region`; may be repeated")
	f.Var(&o.accounts, "account", "only this `account`; may be repeated")
	f.StringVar(&o.trail, "trail", "", "only the trail of this `name`")
	f.Var(&o.start, "start", "begin of the range, a `time` in RFC 3339; the beginning of the data if absent")
	f.Var(&o.end, "end", "end of the range, a `time` in RFC 3339; the newest digest if absent, the present with S3")
	f.IntVar(&o.workers, "workers", 16, "objects read at once")
}

// check refuses what no single flag shows.
func (o *options) check(f *flag.FlagSet) error {
	f.Visit(func(f *flag.Flag) { o.prefixGiven = o.prefixGiven || f.Name == "prefix" })
	switch {
	case f.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", f.Arg(0))
	case o.dir == "" && o.bucket == "":
		return errors.New("give -dir or -bucket")
	case o.dir != "" && o.endpoint != "":
		return errors.New("-endpoint is for -bucket without -dir")
	case o.dir != "" && o.versions:
		return errors.New("-versions is for -bucket without -dir")
	case o.workers < 1:
		return errors.New("-workers must be at least 1")
	case o.follow && (o.checkpoint == "" || !o.end.IsZero() || o.every <= 0 || o.format.value != "text" && o.format.value != "json"):
		return errors.New("-follow needs -checkpoint and -every, no -end, and -format text or json")
	case strings.HasSuffix(o.prefix, "/"):
		return errors.New("-prefix has no slash at its end")
	}
	return nil
}

// list is a flag that may be repeated and takes comma lists.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(s string) error {
	for v := range strings.SplitSeq(s, ",") {
		if v == "" {
			return errors.New("empty value")
		}
		*l = append(*l, v)
	}
	return nil
}

// moment is a time; without a zone it is UTC.
type moment struct{ time.Time }

func (m *moment) String() string {
	if m.IsZero() {
		return ""
	}
	return m.Format(time.RFC3339)
}

func (m *moment) Set(s string) error {
	s = strings.ToUpper(s) // RFC 3339 has t and z in either case
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			m.Time = t.UTC()
			return nil
		}
	}
	return errors.New("not a time like 2026-03-01T07:00:00Z")
}

// choice is a flag with a few values.
type choice struct {
	value string
	of    []string
}

func (c *choice) String() string { return c.value }

func (c *choice) Set(s string) error {
	for _, v := range c.of {
		if s == v {
			c.value = s
			return nil
		}
	}
	return errors.New("not one of " + strings.Join(c.of, ", "))
}

// anywhere looks for -format behind the word at which parsing stopped, so that
// who asked for JSON reads of a wrong command line in JSON.
func (c *choice) anywhere(args []string) {
	for i, arg := range args {
		name, value, ok := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if name != "format" || !strings.HasPrefix(arg, "-") {
			continue
		}
		if !ok && i+1 < len(args) {
			value = args[i+1]
		}
		_ = c.Set(value) // one that is wrong leaves the format as it is
	}
}
