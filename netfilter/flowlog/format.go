// SPDX-License-Identifier: Apache-2.0

package flowlog

import (
	"fmt"
	"slices"
	"strings"
)

// The limits of a format.
const (
	maxFields = 256
	maxName   = 128
)

// Format is the order of the fields in the lines of a log. It is immutable and
// safe for concurrent use.
type Format struct {
	names   []string
	kinds   []kind
	header  string
	version uint8 // the highest of its known fields
	unknown bool  // a field is not in the table, so that a record may be of a later version
	plain   bool  // it is the default format
	reasons bool  // reject-reason is a field
	quick   quick
}

// ParseFormat reads a format as DescribeFlowLogs shows it in LogFormat, such as
// "${version} ${interface-id} ${tcp-flags}", or as the header line of a log file
// has it, "version interface-id tcp-flags". Names that are not known are kept:
// Record.Text gives their values. A name that stands twice, a format without
// fields, with more than 256, or a name of anything but letters, digits, "-" and
// "_" wraps ErrFormat.
func ParseFormat(s string) (*Format, error) {
	f := &Format{}
	dollar := strings.HasPrefix(strings.TrimLeft(s, " "), "${")
	for pos := 0; pos < len(s); {
		if s[pos] == ' ' {
			pos++
			continue
		}
		end := pos + strings.IndexByte(s[pos:]+" ", ' ')
		name := s[pos:end]
		if dollar {
			inner, opened := strings.CutPrefix(name, "${")
			inner, closed := strings.CutSuffix(inner, "}")
			if !opened || !closed {
				return nil, &ParseError{Column: pos + 1, Why: "a field is not written ${name}", format: true}
			}
			name = inner
		}
		if why := f.add(name); why != "" {
			return nil, &ParseError{Column: pos + 1, Field: clip(name), Why: why, format: true}
		}
		pos = end
	}
	if len(f.names) == 0 {
		return nil, &ParseError{Column: 1, Why: "there is no field", format: true}
	}
	f.header = strings.Join(f.names, " ")
	f.plain = f.header == defaultFields
	return f, nil
}

// DefaultFormat returns the format of flow logs that were made without one:
// version 2, 14 fields.
func DefaultFormat() *Format {
	f := &Format{header: defaultFields, plain: true}
	for name := range strings.SplitSeq(defaultFields, " ") {
		f.add(name)
	}
	return f
}

// add appends a field and says what is wrong with it, "" for nothing.
func (f *Format) add(name string) string {
	switch {
	case !isName(name):
		return "not a field name"
	case len(f.names) == maxFields:
		return fmt.Sprintf("more than %d fields", maxFields)
	case slices.Contains(f.names, name):
		return "the field stands twice"
	}
	known, ok := fields[name]
	f.quick.add(len(f.names), known.kind)
	f.names, f.kinds = append(f.names, name), append(f.kinds, known.kind)
	f.reasons = f.reasons || name == "reject-reason"
	f.version, f.unknown = max(f.version, known.version), f.unknown || !ok
	return ""
}

func isName(s string) bool {
	if s == "" || len(s) > maxName || s == "-" {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c|0x20 < 'a' || c|0x20 > 'z' {
			if c != '-' && c != '_' && (c < '0' || c > '9' || i == 0) {
				return false
			}
		}
	}
	return true
}

func clip(s string) string { return s[:min(len(s), maxName)] }

// headerOf returns the format that a line names, nil when the line is no header:
// every word is a field name, and at least one is in the table.
func headerOf(line []byte) *Format {
	if len(line) > maxFields*(maxName+1) {
		return nil
	}
	f, err := ParseFormat(string(line))
	if err != nil || strings.HasPrefix(f.header, "$") || len(line) == 0 || line[0] == '$' {
		return nil
	}
	for _, name := range f.names {
		if _, known := fields[name]; known {
			return f
		}
	}
	return nil
}

// Fields returns the names of the fields in order.
func (f *Format) Fields() []string { return slices.Clone(f.names) }

// Version returns the version that records of the format carry: the highest
// among its fields. Fields that are not known do not count.
func (f *Format) Version() int { return int(f.version) }

// String returns the format as LogFormat has it, "${version} ${account-id}".
func (f *Format) String() string {
	return "${" + strings.Join(f.names, "} ${") + "}"
}

// Header returns the format as the first line of a log file has it, without the
// end of the line.
func (f *Format) Header() string { return f.header }
