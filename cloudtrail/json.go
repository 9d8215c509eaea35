// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"errors"
	"fmt"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// jsonReader walks a document by members and elements.
type jsonReader struct {
	scan *strictjson.Scanner
	kind strictjson.Kind // of the current token
}

func newJSONReader(data []byte, limits strictjson.Limits) *jsonReader {
	return &jsonReader{scan: strictjson.New(data, limits)}
}

func (r *jsonReader) next() error {
	var err error
	r.kind, err = r.scan.Next()
	return err
}

// document reads a document that is one object, with f as members has it, and
// requires that nothing stands behind it.
func (r *jsonReader) document(f func(name string) error) error {
	if err := r.next(); err != nil {
		return err
	}
	if err := r.members(f); err != nil {
		return err
	}
	return r.next()
}

// members reads the object whose first token is the current one and calls f
// with the name of each member, at the first token of its value. What f leaves
// of the value is skipped.
func (r *jsonReader) members(f func(name string) error) error {
	if err := r.want(strictjson.ObjectOpen); err != nil {
		return err
	}
	for {
		if err := r.next(); err != nil {
			return err
		}
		if r.kind == strictjson.ObjectClose {
			return nil
		}
		name := string(r.scan.Text())
		if err := r.next(); err != nil {
			return err
		}
		if err := f(name); err != nil {
			return err
		}
	}
}

// elements reads the array whose first token is the current one and calls f at
// the first token of each element.
func (r *jsonReader) elements(f func() error) error {
	if err := r.want(strictjson.ArrayOpen); err != nil {
		return err
	}
	for {
		if err := r.next(); err != nil {
			return err
		}
		if r.kind == strictjson.ArrayClose {
			return nil
		}
		if err := f(); err != nil {
			return err
		}
	}
}

// skip passes over the value whose first token is the current one.
func (r *jsonReader) skip() error { return r.scan.Skip() }

// text returns the string that is the current token.
func (r *jsonReader) text() (string, error) {
	if err := r.want(strictjson.String); err != nil {
		return "", err
	}
	return string(r.scan.Text()), nil
}

// textOrNull returns nil for null.
func (r *jsonReader) textOrNull() (*string, error) {
	if r.kind == strictjson.Null {
		return nil, nil
	}
	s, err := r.text()
	return &s, err
}

// want requires the kind of the current token.
func (r *jsonReader) want(kind strictjson.Kind) error {
	if r.kind != kind {
		return r.scan.Fail("expected " + kind.String() + ", found " + r.kind.String())
	}
	return nil
}

// wrapJSON puts the package's sentinel before an error of the scanner; what is
// over a limit wraps ErrLimit too.
func wrapJSON(sentinel, err error) error {
	if errors.Is(err, strictjson.ErrLimit) && !errors.Is(err, ErrLimit) {
		return fmt.Errorf("%w: %w: %w", sentinel, ErrLimit, err)
	}
	return fmt.Errorf("%w: %w", sentinel, err)
}
