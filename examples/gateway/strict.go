// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/sallyport-go/sallyport/iampolicy"
)

// document is the text of a configuration file and where its members are.
type document struct {
	name   string
	text   []byte
	places map[string]int // offsets of values, by path such as users[2].policies[0]
}

// decodeStrictly decodes a JSON document into the struct that v points to. A
// member that the struct does not have is an error, since a misspelled limit is
// no limit; so are a member that occurs twice and one spelled in other case,
// which the standard decoder takes for the same. Every error has its place.
func decodeStrictly(name string, text []byte, v any) (*document, error) {
	d := &document{name, text, map[string]int{}}
	w := &strictWalk{document: d, decoder: json.NewDecoder(bytes.NewReader(text))}
	if err := w.value(reflect.TypeOf(v).Elem(), ""); err != nil {
		return nil, d.locate(w.start(), err)
	}
	if _, err := w.decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, d.locate(w.start(), errors.New("more than one document"))
	}
	if err := json.Unmarshal(text, v); err != nil {
		offset := 0
		if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			offset = max(0, int(e.Offset)-1)
		}
		return nil, d.locate(offset, err)
	}
	return d, nil
}

// strictWalk compares a document's members with a type's.
type strictWalk struct {
	*document
	decoder *json.Decoder
}

// start is the offset of the next value.
func (w *strictWalk) start() int {
	at := int(w.decoder.InputOffset())
	for at < len(w.text) && strings.IndexByte(" \t\r\n:,", w.text[at]) >= 0 {
		at++
	}
	return at
}

func (w *strictWalk) value(t reflect.Type, path string) error {
	w.places[path] = w.start()
	_, text := reflect.New(t).Interface().(encoding.TextUnmarshaler)
	switch {
	case text || t == reflect.TypeFor[json.RawMessage]():
	case t.Kind() == reflect.Struct:
		return w.object(t, path)
	case t.Kind() == reflect.Slice:
		return w.array(t, path)
	}
	place := w.start()
	var raw json.RawMessage
	if err := w.decoder.Decode(&raw); err != nil {
		return err
	}
	err := json.Unmarshal(raw, reflect.New(t).Interface())
	if err != nil && !errors.As(err, new(*json.SyntaxError)) {
		return w.locate(place, fmt.Errorf("%s: %w", path, err))
	}
	return err
}

func (w *strictWalk) array(t reflect.Type, path string) error {
	if err := w.open('['); err != nil {
		return err
	}
	for i := 0; w.decoder.More(); i++ {
		if err := w.value(t.Elem(), fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	_, err := w.decoder.Token()
	return err
}

func (w *strictWalk) object(t reflect.Type, path string) error {
	if err := w.open('{'); err != nil {
		return err
	}
	fields := members(t)
	for w.decoder.More() {
		place := w.start()
		token, err := w.decoder.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		member := strings.TrimPrefix(path+"."+name, ".")
		field, known := fields[name]
		if !known {
			return w.locate(place, fmt.Errorf("%s: there is no such member", member))
		}
		if _, twice := w.places[member]; twice {
			return w.locate(place, fmt.Errorf("%s: it is there twice", member))
		}
		if err := w.value(field, member); err != nil {
			return err
		}
	}
	_, err := w.decoder.Token()
	return err
}

func (w *strictWalk) open(delim json.Delim) error {
	place := w.start()
	token, err := w.decoder.Token()
	if err == nil && token != delim {
		err = w.locate(place, fmt.Errorf("%s is expected here", delim))
	}
	return err
}

// members are a struct's fields by their names in JSON.
func members(t reflect.Type) map[string]reflect.Type {
	all := map[string]reflect.Type{}
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous:
			for name, inner := range members(field.Type) {
				all[name] = inner
			}
		case name != "":
			all[name] = field.Type
		}
	}
	return all
}

// locatedError is an error at a place of a file.
type locatedError struct {
	file         string
	line, column int
	err          error
}

func (e *locatedError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %v", e.file, e.line, e.column, e.err)
}
func (e *locatedError) Unwrap() error { return e.err }

// locate puts a place to an error, unless it has one.
func (d *document) locate(offset int, err error) error {
	if _, ok := errors.AsType[*locatedError](err); ok {
		return err
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = max(0, int(e.Offset)-1)
	} else if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		offset, err = len(d.text), errors.New("the document ends too early")
	}
	before := d.text[:min(offset, len(d.text))]
	return &locatedError{d.name, bytes.Count(before, []byte("\n")) + 1, len(before) - bytes.LastIndexByte(before, '\n'), err}
}

// at says at which member of the configuration an error is, and where in the
// file. A fault within a policy is placed within it.
func (c *Config) at(path string, err error) error {
	if path != "" {
		err = fmt.Errorf("%s: %w", path, err)
	}
	if c.document == nil {
		return err
	}
	offset, ok := c.document.places[path]
	if !ok {
		return fmt.Errorf("%s: %w", c.document.name, err)
	}
	if e, ok := errors.AsType[*iampolicy.Error](err); ok {
		offset += e.Start.Offset
	}
	return c.document.locate(offset, err)
}
