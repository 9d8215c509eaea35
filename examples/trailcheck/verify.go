// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

const verifyUsage = `usage: trailcheck verify -keys FILE [-log s3://BUCKET/KEY] [-format text|json|sarif|junit] [BUNDLE]

Checks a proof bundle by the public keys in FILE and by nothing else: no trail, no
network. FILE is what list-public-keys printed; take it from CloudTrail, not from
whoever made the bundle.

Exit status: 0 proved, 1 tampered, 2 incomplete, 3 error.

`

// verify is the subcommand.
func verify(_ context.Context, args []string, stdout, stderr io.Writer) int {
	o, f := trusting("trailcheck verify", verifyUsage, stderr)
	var log string
	f.StringVar(&log, "log", "", "the log file that the bundle has to be about, `s3://bucket/key`")
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	switch {
	case err != nil:
	case len(o.keys) == 0:
		err = errors.New("-keys is needed: a bundle cannot vouch for its own key")
	case f.NArg() > 1:
		err = fmt.Errorf("unexpected argument %q", f.Arg(1))
	}
	o.format.anywhere(args)
	if err != nil {
		complain(stderr, err)
		return write(usageReport(err), o, stdout, stderr)
	}
	ring, err := readKeys(o.keys)
	var b *cloudtrail.Bundle
	if err == nil {
		b, err = readBundle(f.Arg(0))
	}
	if err != nil {
		complain(stderr, err)
		return write(&cloudtrail.Report{Verdict: cloudtrail.Failed}, o, stdout, stderr)
	}
	p := cloudtrail.VerifyBundle(b, ring)
	if log != "" && b.Object != log && p.Report.Verdict == cloudtrail.Valid {
		p = &cloudtrail.Proof{Report: &cloudtrail.Report{Verdict: cloudtrail.Tampered, Findings: []cloudtrail.Finding{{
			Code: cloudtrail.LogUnreferenced, Severity: cloudtrail.Fault, Verdict: cloudtrail.Tampered, Object: log,
			Detail: "the bundle is about another log file", Want: log, Got: b.Object,
		}}}}
	}
	return show(p, o, stdout, stderr)
}

// maxInput is more than the largest bundle.
const maxInput = 129 << 20

func readBundle(name string) (*cloudtrail.Bundle, error) {
	in := os.Stdin
	if name != "" && name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxInput))
	if err != nil {
		return nil, err
	}
	return cloudtrail.ParseBundle(data)
}

// show prints what was proved, in JSON as the member proof of the report.
func show(p *cloudtrail.Proof, o *options, stdout, stderr io.Writer) int {
	if p.Report.Verdict != cloudtrail.Valid || o.format.value == "sarif" || o.format.value == "junit" {
		return write(p.Report, o, stdout, stderr)
	}
	if o.format.value == "json" {
		return showJSON(p, stdout, stderr)
	}
	text := fmt.Sprintf("proved: %s\nsha256: %s\nlisted by: %s\nof: %s\ndelivered: %s to %s\nchain goes on to: %s\n",
		printable("s3://"+p.Log.Bucket+"/"+p.Log.Object), printable(p.Log.Hash), printable("s3://"+p.Digest.Bucket+"/"+p.Digest.Object),
		p.Chain, p.Digest.Start.Format(time.RFC3339), p.Digest.End.Format(time.RFC3339), p.Through.Format(time.RFC3339))
	switch {
	case p.Event != nil:
		text += "event: " + printable(string(p.Event)) + "\n"
	case p.Content:
		text += "content: in the bundle, and the one that was signed\n"
	default:
		text += "content: not in the bundle\n"
	}
	if _, err := io.WriteString(stdout, text); err != nil {
		complain(stderr, err)
		return exitError
	}
	return write(p.Report, o, stdout, stderr)
}

// printable keeps a stranger's text on one line and out of the terminal's
// control sequences.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return unicode.ReplacementChar
		}
		return c
	}, s)
}

// showJSON prints the report with one more member, proof.
func showJSON(p *cloudtrail.Proof, stdout, stderr io.Writer) int {
	type object = map[string]any
	proof := object{
		"object": "s3://" + p.Log.Bucket + "/" + p.Log.Object, "sha256": p.Log.Hash, "content": p.Content,
		"digest": "s3://" + p.Digest.Bucket + "/" + p.Digest.Object, "chain": p.Chain,
		"start": p.Digest.Start, "end": p.Digest.End, "through": p.Through,
	}
	if p.Event != nil {
		proof["event"] = p.Event
	}
	report, err := json.Marshal(p.Report)
	var more []byte
	if err == nil {
		more, err = json.Marshal(object{"proof": proof})
	}
	var out bytes.Buffer
	if err == nil {
		joined := append(append(report[:len(report)-1], ','), more[1:]...)
		err = json.Indent(&out, joined, "", "  ")
	}
	if err == nil {
		out.WriteByte('\n')
		_, err = stdout.Write(out.Bytes())
	}
	if err != nil {
		complain(stderr, err)
		return exitError
	}
	return p.Report.Verdict.ExitCode()
}
