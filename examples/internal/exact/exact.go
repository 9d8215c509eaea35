// SPDX-License-Identifier: Apache-2.0

// Package exact decodes JSON objects by the exact names of their members.
//
// The standard decoder takes "SRC" for "src" too, so a member that should be
// ignored would replace the one that counts: two readers of one line would
// disagree about what was asked.
package exact

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// Member is one member to read, and the place its value goes to.
type Member struct {
	Name string
	To   any // a pointer
}

// Unmarshal decodes the members of the object. Others are ignored, missing ones
// leave their place as it is, and so does null unless the place can hold it. A
// name that occurs twice is an error, since two readers could take two values;
// what could be read is in its place even then.
func Unmarshal(data []byte, members ...Member) error {
	if string(bytes.TrimSpace(data)) == "null" {
		return nil
	}
	object, err := Object(data)
	if object == nil {
		return err
	}
	for _, m := range members {
		raw, ok := object[m.Name]
		if !ok {
			continue
		}
		if err := json.Unmarshal(raw, m.To); err != nil {
			return fmt.Errorf("%s: %w", m.Name, plain(err))
		}
	}
	return err
}

// Object reads the members of an object. With the error that one occurs twice,
// or that an escape is half of a surrogate pair, it returns them too, each with
// its first value: an answer needs the id. With any other it returns nil.
func Object(data []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("not UTF-8") // what is echoed of it would not be JSON either
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		var none struct{}
		if err := plain(json.Unmarshal(data, &none)); err != nil {
			return nil, err
		}
		return nil, errors.New("no place for this JSON: null")
	}
	object := map[string]json.RawMessage{}
	var fault error
	if halfPair(data) {
		fault = errors.New("an escape is half of a surrogate pair")
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		key := name.(string) // what stands before a colon, else Token fails
		if _, there := object[key]; there {
			fault = fmt.Errorf("member %q occurs twice", key)
			continue
		}
		object[key] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	return object, fault
}

// halfPair reports whether an escape of the JSON is half of a surrogate pair.
// The standard decoder makes U+FFFD of each, so that two names, or two secrets,
// would become one; other readers keep them or refuse.
func halfPair(data []byte) bool {
	for {
		i := bytes.IndexByte(data, '\\')
		if i < 0 || i+2 > len(data) {
			return false
		}
		half := surrogate(data[i:])
		switch {
		case half == 0:
			data = data[i+2:]
		case half == low || surrogate(data[i+6:]) != low:
			return true
		default:
			data = data[i+12:]
		}
	}
}

// The halves of a surrogate pair.
const (
	high = 1
	low  = 2
)

// surrogate says which half the escape is that data begins with; 0 is none.
func surrogate(data []byte) int {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' || data[2]|0x20 != 'd' {
		return 0
	}
	switch c := data[3] | 0x20; {
	case c == '8' || c == '9' || c == 'a' || c == 'b':
		return high
	case 'c' <= c && c <= 'f':
		return low
	}
	return 0
}

// plain puts into words what the standard decoder says in Go's types.
func plain(err error) error {
	var e *json.UnmarshalTypeError
	if !errors.As(err, &e) {
		return err
	}
	return fmt.Errorf("no place for this JSON: %s", e.Value)
}
