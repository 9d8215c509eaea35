// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// chainObjects is what a report keeps of a chain with KeepObjects.
type chainObjects struct {
	*chainState
	from time.Time // of the request
}

// WriteAWSCLI writes the report in the words of `aws cloudtrail validate-logs
// --verbose`: what is valid and the summary to stdout, failures to stderr. On a
// valid trail every byte is the AWS CLI's. It needs a Validator with
// KeepObjects, and a report about one trail of one account and region, with its
// backfill digests if there are any; it fails with ErrConfig otherwise.
func (rep *Report) WriteAWSCLI(stdout, stderr io.Writer) error {
	var standard, backfill []chainObjects
	for _, c := range rep.objects {
		if c.id.Backfill {
			backfill = append(backfill, c)
		} else {
			standard = append(standard, c)
		}
	}
	if len(standard) > 1 || len(standard) == 0 && len(rep.objects) > 0 {
		return &Error{"a report of several chains has no form in the AWS CLI: filter by account, region and trail", ErrConfig}
	}
	w := cliWriter{rep: rep, start: rep.From, end: rep.To, double: true, wrong: rep.logFaults()}
	id := Chain{Account: "*", Trail: "*", Home: "*"}
	if len(standard) == 1 {
		id = standard[0].id
	}
	fmt.Fprintf(&w.out, "Validating log files for trail %s between %s and %s\n\n", trailARN(id), cliTime(w.start), cliTime(w.end))
	for _, c := range standard {
		w.chain(c)
	}
	id.Backfill = true
	for _, c := range backfill {
		if c.id == id {
			w.chain(c)
		}
	}
	w.summary()
	w.rest()
	if _, err := stdout.Write(w.out.Bytes()); err != nil {
		return err
	}
	_, err := stderr.Write(w.errs.Bytes())
	return err
}

// listedLog is a log file as a digest of a chain lists it.
type listedLog struct {
	chain  Chain
	object string
	end    int64 // of the digest, in Unix seconds
}

// logFaults returns what is wrong with log files.
func (rep *Report) logFaults() map[listedLog]*Finding {
	wrong := map[listedLog]*Finding{}
	for i := range rep.Findings {
		f := &rep.Findings[i]
		if f.Chain != nil && strings.HasPrefix(string(f.Code), "log-") {
			wrong[listedLog{*f.Chain, f.Object, f.when.Unix()}] = f
		}
	}
	return wrong
}

// partitions by the first part of a home region's name, longest first.
var partitions = [...]struct{ prefix, partition string }{
	{"us-isob-", "aws-iso-b"},
	{"us-isof-", "aws-iso-f"},
	{"eu-isoe-", "aws-iso-e"},
	{"us-iso-", "aws-iso"},
	{"us-gov-", "aws-us-gov"},
	{"eusc-", "aws-eusc"},
	{"cn-", "aws-cn"},
}

func trailARN(c Chain) string {
	partition := "aws"
	for _, p := range partitions {
		if strings.HasPrefix(c.Home, p.prefix) {
			partition = p.partition
			break
		}
	}
	return "arn:" + partition + ":cloudtrail:" + c.Home + ":" + c.Account + ":trail/" + c.Trail
}

func cliTime(t time.Time) string { return t.UTC().Format(layoutTime) }

// cliWriter collects the two streams.
type cliWriter struct {
	rep        *Report
	wrong      map[listedLog]*Finding
	out, errs  bytes.Buffer
	start, end time.Time // of the request
	first      time.Time // found
	last       time.Time
	double     bool // the last line of either stream was followed by a blank one

	digests, backfill, logs Tally
}

func (w *cliWriter) good(line string) {
	w.double = false
	w.out.WriteString(line + "\n")
}

func (w *cliWriter) bad(line string) {
	if !w.double {
		w.errs.WriteByte('\n')
	}
	w.errs.WriteString(line + "\n\n")
	w.double = true
}

// cliItem is a digest, present or missing, or a gap, in the order in which the
// AWS CLI meets them.
type cliItem struct {
	at     time.Time
	object string
	state  *state   // nil for one that is missing
	found  *Finding // what is wrong with it, or the gap
}

// chain writes a chain, newest digest first.
func (w *cliWriter) chain(c chainObjects) {
	mark, tally := "", &w.digests
	if c.id.Backfill {
		mark, tally = "(backfill) ", &w.backfill
	}
	for _, item := range w.items(c) {
		switch {
		case item.found != nil && item.found.Code == GapInfo:
			w.bad(mark + "No log files were delivered by CloudTrail between " + cliTime(item.found.From) + " and " + cliTime(item.found.To))
			continue
		case item.found != nil:
			tally.Invalid++
			w.bad(mark + "Digest file\t" + item.object + "\tINVALID: " + item.found.cliReason(c.id))
		default:
			tally.Valid++
			w.good(mark + "Digest file\t" + item.object + "\tvalid")
		}
		if item.state == nil || !item.state.accepted {
			continue
		}
		if item.found == nil {
			w.found(item.state)
		}
		w.logFiles(c, item.state)
	}
}

// found widens the time that valid digests were found for.
func (w *cliWriter) found(s *state) {
	start, end := s.start, minTime(s.end, w.end)
	if start.Before(w.start) {
		start = w.start
	}
	if w.first.IsZero() || start.Before(w.first) {
		w.first = start
	}
	if end.After(w.last) {
		w.last = end
	}
}

// items returns what there is to say of a chain's digests.
func (w *cliWriter) items(c chainObjects) []cliItem {
	wrong := map[string]*Finding{}
	var items []cliItem
	for i := range w.rep.Findings {
		f := &w.rep.Findings[i]
		if f.Chain == nil || *f.Chain != c.id || strings.HasPrefix(string(f.Code), "log-") {
			continue
		}
		switch {
		case f.Code == GapInfo:
			items = append(items, cliItem{at: f.To, found: f})
		case f.Object != "":
			wrong[f.Object] = f
		}
	}
	for _, s := range c.digests {
		if !s.selected {
			continue
		}
		object := c.location(s).String()
		items = append(items, cliItem{s.end, object, s, wrong[object]})
		delete(wrong, object)
	}
	for object, f := range wrong {
		items = append(items, cliItem{at: f.when, object: object, found: f})
	}
	slices.SortFunc(items, func(a, b cliItem) int {
		return cmp.Or(b.at.Compare(a.at), cmp.Compare(a.object, b.object))
	})
	return items
}

// logFiles writes the log files of an accepted digest as it lists them.
func (w *cliWriter) logFiles(c chainObjects, s *state) {
	for _, l := range s.logs {
		object := l.location().String()
		if f := w.wrong[listedLog{c.id, object, s.end.Unix()}]; f != nil {
			w.logs.Invalid++
			w.bad("Log file\t" + object + "\tINVALID: " + f.cliReason(c.id))
			continue
		}
		w.logs.Valid++
		w.good("Log file\t" + object + "\tvalid")
	}
}

// cliReason is the AWS CLI's text where it has one.
func (f *Finding) cliReason(c Chain) string {
	switch f.Code {
	case DigestMissing, LogMissing:
		return "not found"
	case DigestInvalid, LogNotGzip:
		return "invalid format"
	case DigestMoved:
		return "has been moved from its original location"
	case DigestNoSig:
		return "signature verification failed"
	case DigestBadSig:
		if strings.HasPrefix(f.Detail, "Odd-length") || strings.HasPrefix(f.Detail, "Non-hexadecimal") {
			return f.Detail
		}
		return "signature verification failed"
	case DigestUnknownKey:
		return "public key not found in region " + c.Home + " for fingerprint " + f.Got
	case KeyUnusable:
		return "Unable to load PKCS #1 key with fingerprint " + f.Got
	case LogHashMismatch:
		return "hash value doesn't match"
	case LogInvalid:
		if f.reason == shapeCut {
			return "hash value doesn't match"
		}
		return "invalid format"
	case LogTrailingData:
		return "unexpected data after end of compressed stream"
	}
	return string(f.Code)
}

// summary writes the counts.
func (w *cliWriter) summary() {
	if !w.double {
		w.out.WriteByte('\n')
	}
	fmt.Fprintf(&w.out, "Results requested for %s to %s\n", cliTime(w.start), cliTime(w.end))
	if w.digests.Valid+w.digests.Invalid+w.backfill.Valid+w.backfill.Invalid == 0 {
		w.out.WriteString("No digests found\n")
		return
	}
	if w.first.IsZero() {
		w.out.WriteString("No valid digests found in range\n")
	} else {
		fmt.Fprintf(&w.out, "Results found for %s to %s:\n", cliTime(w.first), cliTime(w.last))
	}
	for _, part := range []struct {
		name string
		Tally
	}{{"digest", w.digests}, {"backfill digest", w.backfill}, {"log", w.logs}} {
		total := part.Valid + part.Invalid
		if total == 0 {
			continue
		}
		fmt.Fprintf(&w.out, "\n%d/%d %s files valid", part.Valid, total, part.name)
		if part.Invalid > 0 {
			fmt.Fprintf(&w.out, ", %d/%d %s files INVALID", part.Invalid, total, part.name)
		}
	}
	w.out.WriteByte('\n')
}

// rest writes the findings that the AWS CLI has no place for.
func (w *cliWriter) rest() {
	for i := range w.rep.Findings {
		f := &w.rep.Findings[i]
		switch {
		case f.Chain == nil && f.Object != "":
			w.bad("Log file\t" + f.Object + "\tINVALID: " + string(f.Code))
		case f.Object == "" && f.Code != GapInfo:
			w.bad(plainText(string(f.Code) + ": " + f.text()))
		}
	}
}
