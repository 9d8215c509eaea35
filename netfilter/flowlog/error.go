// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"errors"
	"fmt"
)

// The contracts of this package, for errors.Is.
var (
	// ErrFormat: a format or a header line is not one, or a file's header differs
	// from the format it is read by. The data is in a *ParseError.
	ErrFormat = errors.New("flowlog: invalid format")
	// ErrRecord: a line is not a record of the format. The data is in a
	// *ParseError. Reading goes on with the next line.
	ErrRecord = errors.New("flowlog: invalid record")
	// ErrInput: the input broke off, is damaged gzip data, or is Parquet. Reading
	// ends.
	ErrInput = errors.New("flowlog: unreadable input")
	// ErrLimit: the input is over a limit. Reading ends.
	ErrLimit = errors.New("flowlog: over the limit")
	// ErrSnapshot: the snapshot cannot be compiled.
	ErrSnapshot = errors.New("flowlog: invalid snapshot")
	// ErrMerge: two summaries are not of the same Network.
	ErrMerge = errors.New("flowlog: summaries of different networks")
	// ErrTighten: a tightened group could not be proven, or the group is not part
	// of the network.
	ErrTighten = errors.New("flowlog: cannot tighten")
)

// ParseError says where a line or a format cannot be used.
type ParseError struct {
	// File is Reader.Name, "" for a format given as text.
	File string
	// Line and Column count from 1, columns in bytes; Offset counts the bytes
	// before the line's first (uncompressed) from 0.
	Line   int64
	Column int
	Offset int64
	// Field is the name of the field at fault, "" when it is the whole line.
	Field string
	// Why says what is wrong there.
	Why string

	format bool
}

// Error says where and why.
func (e *ParseError) Error() string {
	s := "flowlog: "
	if e.File != "" {
		s += e.File + ": "
	}
	if e.Line > 0 {
		s += fmt.Sprintf("line %d ", e.Line)
	}
	s += fmt.Sprintf("column %d: ", e.Column)
	if e.Field != "" {
		s += fmt.Sprintf("%.64s: ", e.Field)
	}
	return s + e.Why
}

// Is reports whether target is ErrFormat or ErrRecord, whichever the error is.
func (e *ParseError) Is(target error) bool {
	if e.format {
		return target == ErrFormat
	}
	return target == ErrRecord
}

// Hint says what to change.
func (e *ParseError) Hint() string {
	if e.format {
		return "give the LogFormat that `aws ec2 describe-flow-logs` shows, or the header line of a log file"
	}
	return "read the file with the format that it was written with: its header line, or the LogFormat of the flow log"
}
