// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"context"
	"iter"
	"time"
)

// Follow runs again and again, every so often, and yields each report: every
// digest is checked soon after it was delivered, with its log files. A run
// begins where the last valid one ended, at its Checkpoint, and the first one at
// v.Checkpoint; one that is not valid moves nothing, so that what it found is
// found again until it is mended.
//
// Save a report's Checkpoint before the loop goes on. If the process ends
// anywhere in between, at worst the same digests are checked once more when the
// saved checkpoint is given to the next Follow: none is left out.
//
// A run that fails yields its error, with the report as far as it got or nil,
// and is tried again. The sequence ends with the context, or when a field is not
// usable. From, To and ExpectThrough have their meaning in each run; leave To
// zero, or nothing new will be looked at.
func (v *Validator) Follow(ctx context.Context, every time.Duration) iter.Seq2[*Report, error] {
	return func(yield func(*Report, error) bool) {
		if every <= 0 {
			yield(nil, &Error{"the interval of Follow is not positive", ErrConfig})
			return
		}
		if _, err := v.start(); err != nil {
			yield(nil, err)
			return
		}
		next := *v
		timer := time.NewTimer(0)
		defer timer.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
			rep, err := next.Run(ctx)
			if ctx.Err() != nil {
				return // half a run is no statement
			}
			if err == nil && rep.Checkpoint != nil {
				next.Checkpoint = rep.Checkpoint
			}
			timer.Reset(every)
			if !yield(rep, err) {
				return
			}
		}
	}
}
