// SPDX-License-Identifier: Apache-2.0

package netfilter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of one document.
const (
	maxDocument = 1 << 30
	maxDepth    = 64
)

// value is one JSON value with its place in the document. null, a missing
// member and an empty list or object are the same for every reader.
type value struct {
	kind    byte // 'n' null, 'b' bool, '#' number, 's' string, '[' list, '{' object
	truth   bool
	text    string
	items   []value
	members map[string]int // of an object, into items
	offset  int64
	parent  *value
	key     string // in an object
	index   int    // in a list
}

// document reads the values of one file.
type document struct {
	name string
	data []byte
	dec  *json.Decoder
}

// parseDocument reads the top-level objects of a file: one, or several that
// follow each other as appended pages do.
func parseDocument(name string, data []byte) (*document, []value, error) {
	d := &document{name: name, data: data}
	if len(data) > maxDocument {
		return nil, nil, fmt.Errorf("%w: %s has %d bytes, the limit is %d", ErrTooLarge, name, len(data), maxDocument)
	}
	if !utf8.Valid(data) {
		return nil, nil, d.fault(nil, firstBadRune(data), "not UTF-8")
	}
	d.dec = json.NewDecoder(bytes.NewReader(data))
	d.dec.UseNumber()
	var pages []value
	for {
		var v value
		err := d.read(&v, 0)
		switch {
		case err == io.EOF && len(pages) > 0:
			return d, pages, nil
		case err == io.EOF:
			return nil, nil, d.fault(nil, int64(len(data)), "the document is empty")
		case err != nil:
			return nil, nil, err
		}
		if v.kind != '{' {
			return nil, nil, d.fault(&v, v.offset, "the top level is not an object")
		}
		pages = append(pages, v)
	}
}

func firstBadRune(data []byte) int64 {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n <= 1 {
			return int64(i)
		}
		i += n
	}
	return 0
}

// read reads one value. Children keep a pointer to their parent for path; the
// list they stand in may grow and move later, but what path needs is set first.
func (d *document) read(v *value, depth int) error {
	v.offset = d.ahead()
	tok, err := d.dec.Token()
	if err != nil {
		if err == io.EOF && depth == 0 && v.parent == nil && d.onlySpaceLeft() {
			return io.EOF
		}
		return d.syntax(v, err)
	}
	if depth > maxDepth {
		return d.fault(v, v.offset, fmt.Sprintf("nested deeper than %d", maxDepth))
	}
	switch t := tok.(type) {
	case nil:
		v.kind = 'n'
	case bool:
		v.kind, v.truth = 'b', t
	case json.Number:
		v.kind, v.text = '#', t.String()
	case string:
		v.kind, v.text = 's', t
	case json.Delim:
		v.kind = byte(t)
		if t == '[' {
			return d.readList(v, depth)
		}
		return d.readObject(v, depth)
	}
	return nil
}

func (d *document) onlySpaceLeft() bool {
	rest := d.data[min(d.dec.InputOffset(), int64(len(d.data))):]
	return len(bytes.TrimSpace(rest)) == 0
}

func (d *document) readList(v *value, depth int) error {
	for d.dec.More() {
		v.items = append(v.items, value{parent: v, index: len(v.items)})
		if err := d.read(&v.items[len(v.items)-1], depth+1); err != nil {
			return err
		}
	}
	return d.close(v)
}

func (d *document) readObject(v *value, depth int) error {
	v.members = map[string]int{}
	for d.dec.More() {
		at := d.ahead()
		tok, err := d.dec.Token()
		if err != nil {
			return d.syntax(v, err)
		}
		key, _ := tok.(string)
		if _, twice := v.members[key]; twice {
			return d.fault(v, at, fmt.Sprintf("member %.40q appears twice", key))
		}
		v.members[key] = len(v.items)
		v.items = append(v.items, value{parent: v, key: key})
		if err := d.read(&v.items[len(v.items)-1], depth+1); err != nil {
			return err
		}
	}
	return d.close(v)
}

// close reads the closing bracket.
func (d *document) close(v *value) error {
	if _, err := d.dec.Token(); err != nil {
		return d.syntax(v, err)
	}
	return nil
}

// ahead is where the next token begins: where the last one ended, after space and
// separators.
func (d *document) ahead() int64 {
	offset := min(d.dec.InputOffset(), int64(len(d.data)))
	for offset < int64(len(d.data)) && strings.IndexByte(" \t\r\n,:", d.data[offset]) >= 0 {
		offset++
	}
	return offset
}

// syntax reports the token that could not be read.
func (d *document) syntax(v *value, err error) error {
	why := "not JSON"
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		why = "the document ends too early"
	}
	return d.fault(v, d.ahead(), why)
}

// fault reports what is wrong at an offset of the document.
func (d *document) fault(v *value, offset int64, why string) error {
	offset = min(max(offset, 0), int64(len(d.data)))
	before := d.data[:offset]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - (bytes.LastIndexByte(before, '\n') + 1) + 1
	return &DocumentError{File: d.name, Path: v.path(), Offset: offset, Line: line, Column: column, Why: why}
}

// path leads to the value: "SecurityGroups[0].IpPermissions".
func (v *value) path() string {
	if v == nil || v.parent == nil {
		return ""
	}
	up := v.parent.path()
	if v.parent.kind == '[' {
		return up + "[" + strconv.Itoa(v.index) + "]"
	}
	key := v.key
	if len(key) > 64 {
		key = key[:64] + "…"
	}
	if up == "" {
		return key
	}
	return up + "." + key
}

// reader takes members out of values and keeps the first fault, so that a
// shape can be read field by field.
type reader struct {
	doc *document
	err error
}

func (r *reader) fail(v *value, why string) {
	if r.err == nil {
		r.err = r.doc.fault(v, v.offset, why)
	}
}

// member returns the member, nil when it is missing or null.
func (v *value) member(name string) *value {
	if v == nil || v.kind != '{' {
		return nil
	}
	i, ok := v.members[name]
	if !ok || v.items[i].kind == 'n' {
		return nil
	}
	return &v.items[i]
}

// object returns the member's object, nil when missing.
func (r *reader) object(v *value, name string) *value {
	m := v.member(name)
	if m != nil && m.kind != '{' {
		r.fail(m, "not an object")
		return nil
	}
	return m
}

// list returns the objects of the member's list; nulls in it are skipped.
func (r *reader) list(v *value, name string) []*value {
	m := v.member(name)
	if m == nil {
		return nil
	}
	if m.kind != '[' {
		r.fail(m, "not a list")
		return nil
	}
	var items []*value
	for i := range m.items {
		switch it := &m.items[i]; it.kind {
		case 'n':
		case '{':
			items = append(items, it)
		default:
			r.fail(it, "not an object")
		}
	}
	return items
}

// text returns the member's string; a number counts as its digits.
func (r *reader) text(v *value, name string) string {
	m := v.member(name)
	switch {
	case m == nil:
		return ""
	case m.kind == 's' || m.kind == '#':
		return m.text
	}
	r.fail(m, "not a string")
	return ""
}

// number returns the member's integer, absent when it is missing; a string of
// digits counts.
func (r *reader) number(v *value, name string, absent int) int {
	m := v.member(name)
	if m == nil {
		return absent
	}
	if m.kind == 's' || m.kind == '#' {
		if n, err := strconv.ParseInt(m.text, 10, 32); err == nil {
			return int(n)
		}
	}
	r.fail(m, "not an integer of 32 bits")
	return absent
}

// truth returns the member's boolean, absent when it is missing.
func (r *reader) truth(v *value, name string, absent bool) bool {
	m := v.member(name)
	switch {
	case m == nil:
		return absent
	case m.kind == 'b':
		return m.truth
	case m.kind == 's' && (m.text == "true" || m.text == "false"):
		return m.text == "true"
	}
	r.fail(m, "neither true nor false")
	return absent
}
