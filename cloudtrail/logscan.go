// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"fmt"
	"io"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// logScanner goes over the events of log files, one file after the other,
// with the same memory. What it is given was verified before.
type logScanner struct {
	scan   strictjson.Scanner
	event  Event
	filter *compiledFilter
	limits Limits
	events int // gone over
}

// file passes each event of a log file that the filter lets through to yield,
// until that returns false. The file lies in data, or comes from r when that
// is not nil. The error wraps ErrEvent, unless it is r's: an event that cannot
// be judged is passed on as such, and what follows it is read; where the
// text itself is malformed the file ends.
func (l *logScanner) file(object string, data []byte, r io.Reader, yield func(*Event, error) bool) error {
	limits := strictjson.Limits{
		Size: l.limits.LogInflated, Depth: l.limits.EventDepth, Value: l.limits.Event,
		String: int(min(l.limits.Event, 1<<30)),
	}
	if r != nil {
		l.scan.ResetReader(r, limits)
	} else {
		l.scan.Reset(data, limits)
	}
	l.event.object = object
	found, more, err := l.document(yield)
	switch {
	case err != nil || found || !more:
		return err
	case r != nil:
		return l.scan.Fail("no Records in a file of this size")
	}
	l.scan.Reset(data, limits)
	return l.single(yield)
}

// document walks the members of the file to Records and behind.
func (l *logScanner) document(yield func(*Event, error) bool) (found, more bool, err error) {
	kind, err := l.scan.Next()
	if err != nil {
		return false, true, err
	}
	if kind != strictjson.ObjectOpen {
		return false, true, l.scan.Fail("expected an object, found " + kind.String())
	}
	for {
		kind, err = l.scan.Next()
		switch {
		case err != nil:
			return found, true, err
		case kind == strictjson.ObjectClose:
			_, err = l.scan.Next() // nothing may follow
			return found, true, err
		case string(l.scan.Text()) != "Records":
			err = l.scan.Skip()
		default:
			found = true
			more, err = l.records(yield)
			if !more {
				return found, false, err
			}
		}
		if err != nil {
			return found, true, err
		}
	}
}

// records passes on the events of the array.
func (l *logScanner) records(yield func(*Event, error) bool) (more bool, err error) {
	kind, err := l.scan.Next()
	if err != nil {
		return true, err
	}
	if kind != strictjson.ArrayOpen {
		return true, l.scan.Fail("expected an array, found " + kind.String())
	}
	for {
		kind, err = l.scan.Next()
		if err != nil || kind == strictjson.ArrayClose {
			return true, err
		}
		if kind != strictjson.ObjectOpen {
			return true, l.scan.Fail("expected an object, found " + kind.String())
		}
		begin, _ := l.scan.Offset()
		l.event.nested.reset()
		l.event.raw, l.event.members, err = l.scan.Object(l.event.members[:0])
		if err != nil {
			return true, err
		}
		if !l.pass(begin, yield) {
			return false, nil
		}
	}
}

// single passes on a file that is one event. A digest is none.
func (l *logScanner) single(yield func(*Event, error) bool) (err error) {
	if _, err = l.scan.Next(); err != nil {
		return err
	}
	l.event.nested.reset()
	l.event.raw, l.event.members, err = l.scan.Object(l.event.members[:0])
	switch {
	case err != nil:
		return err
	case l.event.Value("digestS3Object") != nil:
		return nil
	case l.event.Value("eventName") == nil && l.event.Value("eventVersion") == nil:
		return l.scan.Fail("neither Records nor an event")
	}
	l.pass(0, yield)
	return nil
}

// pass judges the event and passes it on if it is wanted.
func (l *logScanner) pass(begin int64, yield func(*Event, error) bool) bool {
	l.events++
	err := l.event.checkVersion()
	wanted := false
	if err == nil {
		wanted, err = l.filter.match(&l.event)
	}
	switch {
	case err != nil:
		return yield(nil, &Error{l.event.object, fmt.Errorf("%w: event at offset %d: %w", ErrEvent, begin, err)})
	case wanted:
		return yield(&l.event, nil)
	}
	return true
}
