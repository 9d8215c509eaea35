// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// Event is a view of one event of a log file whose hash was verified. It
// copies and decodes nothing before it is asked for: what Raw, Value and Text
// return lies in memory that the next step of the iteration overwrites, and so
// does the view itself. Clone and Record make what lasts.
//
// A view is for one goroutine; a clone too.
//
// AWS page: cloudtrail-event-reference-record-contents.
type Event struct {
	raw     []byte
	members []strictjson.Member
	object  string
	nested  *nesting
}

// nesting is the objects of an event in which members were looked up, one for
// each length of a path: several members of one are usually asked for.
type nesting struct {
	scan   strictjson.Scanner
	levels []nestedObject
}

type nestedObject struct {
	text    []byte
	members []strictjson.Member
}

// Raw returns the event as it is written in the log file, which is one JSON
// object without a member twice, in valid UTF-8.
func (e *Event) Raw() []byte { return e.raw }

// Object returns where the event comes from: the s3://bucket/key of the log
// file.
func (e *Event) Object() string { return e.object }

// Value returns the JSON of a member, of one in it, and so on along the path,
// as it is written; nil when there is none. Names are compared exactly.
func (e *Event) Value(path ...string) json.RawMessage {
	if len(path) == 0 {
		return e.raw
	}
	value := find(e.raw, e.members, path[0])
	for i, name := range path[1:] {
		if len(value) == 0 || value[0] != '{' {
			return nil
		}
		if e.nested == nil {
			e.nested = new(nesting)
		}
		value = e.nested.find(i, value, name)
	}
	return value
}

// Text returns the string that is a member of the event, or of a member of it,
// with its escapes decoded; nil when there is none or it is no string. It is a
// piece of Raw unless there are escapes.
func (e *Event) Text(path ...string) []byte {
	return textOf(e.Value(path...))
}

// Clone returns a copy that stays valid.
func (e *Event) Clone() *Event {
	return &Event{
		raw: bytes.Clone(e.raw), members: append([]strictjson.Member(nil), e.members...), object: e.object,
	}
}

// find returns the value of a member of an object.
func find(object []byte, members []strictjson.Member, name string) []byte {
	for i := range members {
		m := &members[i]
		written := object[m.NameBegin:m.NameEnd]
		if m.Escaped {
			written = strictjson.AppendDecoded(nil, written)
		}
		if len(written) == len(name) && string(written) == name {
			return object[m.ValueBegin:m.ValueEnd]
		}
	}
	return nil
}

// find is find in an object whose members are not known, the one at a level.
// It was checked as a part of the event.
func (n *nesting) find(level int, object []byte, name string) []byte {
	if level == len(n.levels) {
		n.levels = append(n.levels, nestedObject{})
	}
	o := &n.levels[level]
	if len(o.text) != len(object) || &o.text[0] != &object[0] {
		n.scan.Reset(object, strictjson.Limits{Size: int64(len(object)), Depth: len(object), Members: len(object)})
		_, err := n.scan.Next()
		if err == nil {
			_, o.members, err = n.scan.Object(o.members[:0])
		}
		if o.text = object; err != nil {
			o.members = o.members[:0]
		}
	}
	return find(object, o.members, name)
}

// reset forgets the objects: their memory holds another event now.
func (n *nesting) reset() {
	if n != nil {
		for i := range n.levels {
			n.levels[i].text = nil
		}
	}
}

// textOf decodes the JSON of a string; nil when it is none.
func textOf(value []byte) []byte {
	if len(value) < 2 || value[0] != '"' {
		return nil
	}
	value = value[1 : len(value)-1 : len(value)-1]
	if bytes.IndexByte(value, '\\') < 0 {
		return value
	}
	return strictjson.AppendDecoded(nil, value)
}

// checkVersion refuses events of another major version: what their members
// mean is not known. A later minor version only adds members.
func (e *Event) checkVersion() error {
	value := e.Value("eventVersion")
	if value == nil {
		return nil
	}
	major, minor, ok := bytes.Cut(textOf(value), []byte{'.'})
	switch {
	case !ok || !number(major) || !number(minor):
		return errors.New("eventVersion is not MAJOR.MINOR")
	case string(major) != "1":
		return fmt.Errorf("eventVersion of major version %.8s, not 1", major)
	}
	return nil
}

func number(b []byte) bool {
	for _, c := range b {
		if !isDigit(c) {
			return false
		}
	}
	return len(b) > 0
}
