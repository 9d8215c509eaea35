// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"slices"
	"time"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

// follow checks what is new every so often, until the context ends. It prints a
// report when it differs from the last one, in JSON one on a line, and saves the
// checkpoint of each valid run before the next begins.
func follow(ctx context.Context, o *options, stdout, stderr io.Writer) int {
	v, done, err := newValidator(ctx, o, stderr)
	if err == nil {
		defer done()
		v.Checkpoint, err = readCheckpoint(o.checkpoint)
	}
	if err != nil {
		complain(stderr, err)
		return write(&cloudtrail.Report{Verdict: cloudtrail.Failed}, o, stdout, stderr)
	}
	exit := exitError
	var last []byte
	for rep, err := range v.Follow(ctx, o.every) {
		if err == nil && rep.Checkpoint != nil {
			err = writeCheckpoint(o.checkpoint, rep.Checkpoint)
		}
		if err != nil {
			complain(stderr, err)
			exit = exitError
		}
		if rep == nil {
			continue
		}
		if err == nil {
			exit = rep.Verdict.ExitCode()
		}
		if news := state(rep); !bytes.Equal(news, last) {
			last = news
			if err := shown(rep, o, stdout, stderr); err != nil {
				complain(stderr, err)
				return exitError
			}
		}
	}
	return exit
}

// state is what makes a report another one than the last: what was found, and
// how far the trail reaches. That a missing tail is by now longer is no news.
func state(rep *cloudtrail.Report) []byte {
	found := slices.Clone(rep.Findings)
	for i := range found {
		if found[i].Code == cloudtrail.TailMissing {
			found[i].To = time.Time{}
		}
	}
	data, err := json.Marshal([]any{rep.Verdict, found, rep.Checkpoint})
	if err != nil {
		return nil // then it is shown
	}
	return data
}

func shown(rep *cloudtrail.Report, o *options, stdout, stderr io.Writer) error {
	if o.format.value == "json" {
		return json.NewEncoder(stdout).Encode(rep)
	}
	write(rep, o, stdout, stderr)
	return nil
}
