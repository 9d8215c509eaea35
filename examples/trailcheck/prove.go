// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"strings"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

const proveUsage = `usage: trailcheck prove -log s3://BUCKET/KEY (-dir TREE | -bucket B …) [-event ID] [-links N] [-out FILE]

Writes a proof bundle: one JSON object that proves, to whoever trusts the public
key and without the trail, that a signed digest lists this log file, and what is
in it. The same trail gives the same bundle.

Exit status: 0 proved, 1 something on the way is tampered with, 2 it cannot be
proved, 3 error. What is wrong is reported on stderr.

`

// prove is the subcommand.
func prove(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	var q cloudtrail.ProofRequest
	var log, out string
	f := flags("trailcheck prove", proveUsage, stderr)
	o.source(f)
	f.StringVar(&log, "log", "", "the log file, `s3://bucket/key`")
	f.StringVar(&q.Event, "event", "", "the `eventID` of one event in it")
	f.BoolVar(&q.OmitLog, "omit-log", false, "leave the file out and prove its hash")
	f.IntVar(&q.Links, "links", 0, "how `many` later digests to put in, at most 1000")
	f.StringVar(&out, "out", "", "the bundle's `file`; standard output if absent")
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	var ok bool
	q.Bucket, q.Object, ok = cutLocation(log)
	if err == nil && !ok {
		err = errors.New("-log s3://bucket/key is needed")
	}
	if err == nil {
		err = o.check(f)
	}
	if err != nil {
		complain(stderr, err)
		return exitError
	}
	b, rep, err := find(ctx, &o, q, stderr)
	if err != nil {
		complain(stderr, err)
		return exitError
	}
	if b == nil {
		if err := rep.WriteText(stderr); err != nil {
			return exitError
		}
		return rep.Verdict.ExitCode()
	}
	data, err := json.Marshal(b)
	data = append(data, '\n')
	switch {
	case err != nil:
	case out == "":
		_, err = stdout.Write(data)
	default:
		err = replaceFile(out, data)
	}
	if err != nil {
		complain(stderr, err)
		return exitError
	}
	return 0
}

func find(ctx context.Context, o *options, q cloudtrail.ProofRequest, stderr io.Writer) (*cloudtrail.Bundle, *cloudtrail.Report, error) {
	v, done, err := newValidator(ctx, o, stderr)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	return v.Prove(ctx, q)
}

func cutLocation(s string) (bucket, key string, ok bool) {
	rest, ok := strings.CutPrefix(s, "s3://")
	bucket, key, found := strings.Cut(rest, "/")
	return bucket, key, ok && found && bucket != "" && key != ""
}
