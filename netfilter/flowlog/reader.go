// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
)

const (
	defaultLine  = 64 << 10
	defaultInput = 1 << 40
	bufferSize   = 64 << 10
)

// Reader reads flow log files. The zero value reads the files that AWS puts into
// S3 and those in the default format. A Reader is only read, so one serves
// concurrent calls; each call has its own Record.
type Reader struct {
	// Format is the format of the lines. nil means that the first line is a header
	// that names the fields, and if it is none, the default format. The number of
	// fields in a line never decides. A header must agree with a Format given.
	Format *Format
	// Name is the file's name in errors.
	Name string
	// MaxLine bounds a line, in bytes without its end; 0 means 64 KiB. A longer
	// line is an error for that line, and takes no memory.
	MaxLine int
	// MaxInput bounds the uncompressed bytes of one input; 0 means 1 TiB. Beyond
	// it reading ends with an error that wraps ErrLimit. Memory does not grow with
	// the input, so that the bound is one on time.
	MaxInput int64
}

// Records returns the records of the input, plain or gzip text (of one or more
// members, told by the first two bytes); Parquet is refused. Lines end with "\n"; a "\r" before it
// and empty lines are ignored, and so are headers, which stand within an input
// that was joined from several files.
//
// A line that is no record of the format gives an error that wraps ErrRecord, and
// a *ParseError that names line, column and field; reading goes on after it. Any
// other error is the last: ErrFormat for a header that does not agree with the
// format, ErrInput, ErrLimit. With an error the record is nil.
//
// The record is the same in every turn and valid until the next.
func (rd Reader) Records(in io.Reader) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		s, err := newSource(in, cmp.Or(rd.MaxLine, defaultLine), cmp.Or(rd.MaxInput, defaultInput))
		if err != nil {
			yield(nil, rd.input(err))
			return
		}
		p := parser{Reader: rd, format: rd.Format}
		for {
			line, err := s.next()
			p.record.Line, p.offset = s.line, s.offset
			switch {
			case err == nil:
				if p.plain(line) {
					if !yield(&p.record, nil) {
						return
					}
				} else if len(line) > 0 && !p.line(line, yield) {
					return
				}
			case err == io.EOF:
				return
			case errors.Is(err, errLong):
				if !yield(nil, p.fail(fault{s.limit, -1, fmt.Sprintf("the line is longer than %d bytes", s.limit)}, false)) {
					return
				}
			default:
				yield(nil, rd.input(err))
				return
			}
		}
	}
}

// input wraps a failure of the input itself.
func (rd *Reader) input(err error) error {
	if !errors.Is(err, ErrLimit) {
		err = fmt.Errorf("%w: %w", ErrInput, err)
	}
	if rd.Name == "" {
		return err
	}
	return fmt.Errorf("%s: %w", rd.Name, err)
}

// parser turns lines into records.
type parser struct {
	Reader
	format *Format
	record Record
	starts starts
	offset int64
}

// plain reads a line like the one before, of the default format, if it is one as
// nearly all are. A header is none.
func (p *parser) plain(line []byte) bool {
	f := p.format
	return f != nil && f.plain && f == p.record.format && p.record.readDefault(line)
}

// line hands one line on, and reports whether to go on.
func (p *parser) line(line []byte, yield func(*Record, error) bool) bool {
	if p.format == nil {
		if p.format = headerOf(line); p.format != nil {
			return true
		}
		p.format = DefaultFormat()
	}
	if len(line) == len(p.format.header) && string(line) == p.format.header {
		return true
	}
	f := p.format.parse(line, &p.record, &p.starts)
	if f.why == "" {
		return yield(&p.record, nil)
	}
	header := headerOf(line)
	switch {
	case header == nil:
		return yield(nil, p.fail(f, false))
	case header.header == p.format.header:
		return true
	case p.Format == nil:
		p.format = header
		return true
	}
	yield(nil, p.fail(fault{0, -1, "the header names other fields than the format"}, true))
	return false
}

// fail makes the error of the current line.
func (p *parser) fail(f fault, format bool) error {
	e := &ParseError{
		File: p.Name, Line: p.record.Line, Column: f.pos + 1, Offset: p.offset, Why: f.why, format: format,
	}
	if f.field >= 0 {
		e.Field = p.format.names[f.field]
	}
	return e
}

// trimCR removes the "\r" of a line's end.
func trimCR(line []byte) []byte {
	if n := len(line) - 1; n >= 0 && line[n] == '\r' {
		return line[:n]
	}
	return line
}
