// SPDX-License-Identifier: Apache-2.0

package presign

import (
	"errors"
	"io"
	"time"
)

// CheckPolicy decodes, parses and evaluates a policy for a form's values.
func CheckPolicy(encoded, bucket string, values map[string]string) error {
	text, ok := decodePolicy(encoded)
	if !ok {
		return errors.New("not base64")
	}
	p, err := parsePolicy(text)
	if err != nil {
		return err
	}
	in := &form{values: values}
	for name := range values {
		in.names = append(in.names, name)
	}
	return (&PostUpload{Bucket: bucket, Fields: values}).check(p, in)
}

// FormPart is a part as the form reader sees it.
type FormPart struct{ Name, Filename, Value string }

// ReadForm reads a form with the package's own reader: the fields, then the
// content of the file.
func ReadForm(r io.Reader, boundary string) (parts []FormPart, err error) {
	f, err := newFormReader(r, boundary)
	if err != nil {
		return nil, err
	}
	for {
		last, err := f.afterDelim()
		if err != nil || last {
			return parts, err
		}
		h, err := f.header()
		if err != nil {
			return parts, err
		}
		if lowerASCII(h.name) == "file" {
			content, err := io.ReadAll(&postFile{form: f, max: -1})
			return append(parts, FormPart{h.name, h.filename, string(content)}), err
		}
		value, err := f.value()
		if err != nil {
			return parts, err
		}
		parts = append(parts, FormPart{h.name, h.filename, value})
	}
}

// Judge is the part of a verification that follows the signature: expiration,
// conditions and coverage. It changes values.
func Judge(encoded, bucket string, values map[string]string, now time.Time) (minSize, maxSize int64, err error) {
	text, ok := decodePolicy(encoded)
	if !ok {
		return 0, 0, errors.New("not base64")
	}
	p, err := parsePolicy(text)
	if err != nil {
		return 0, 0, err
	}
	if now.After(p.expiration) {
		return 0, 0, ErrPolicyExpired
	}
	in := &form{values: values}
	for name := range values {
		in.names = append(in.names, name)
	}
	up := &PostUpload{Bucket: bucket, Fields: values}
	if err := up.expand(in); err != nil {
		return 0, 0, err
	}
	err = up.check(p, in)
	return up.MinSize, up.MaxSize, err
}
