// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/sallyport-go/sallyport/envelope"
)

func (o *options) run(ctx context.Context) error {
	in, size, err := o.open()
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // only read
	if o.command == "inspect" {
		return o.inspect(in, size)
	}
	if o.command == "rewrap" && o.out == "" {
		o.out = o.in
	}
	out, err := o.create()
	if err != nil {
		return err
	}
	bar := newProgress(o.stderr, size)
	source := bar.reader(in)
	switch o.command {
	case "encrypt":
		err = o.encrypt(ctx, out, source)
	case "decrypt":
		err = o.decrypt(ctx, out, source)
	case "rewrap":
		err = o.rewrap(ctx, out, source)
	}
	bar.end()
	return out.finish(err)
}

// open returns the input and its size, -1 when unknown.
func (o *options) open() (io.ReadCloser, int64, error) {
	if o.in == "" {
		return io.NopCloser(o.stdin), -1, nil
	}
	f, err := os.Open(o.in)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return f, -1, nil
	}
	return f, info.Size(), nil
}

// client makes a client over the keys.
func (o *options) client(ctx context.Context, keys keyList) (*envelope.Client, error) {
	ring, err := keys.keyring(ctx)
	if err != nil {
		return nil, err
	}
	cfg := o.config
	cfg.Keyring = ring
	return envelope.New(cfg)
}

func (o *options) encrypt(ctx context.Context, out io.Writer, in io.Reader) error {
	c, err := o.client(ctx, o.keys)
	if err != nil {
		return err
	}
	return o.seal(ctx, c, out, in)
}

func (o *options) seal(ctx context.Context, c *envelope.Client, out io.Writer, in io.Reader) error {
	w, err := c.NewWriter(ctx, out, envelope.EncryptionContext(o.context))
	if err != nil {
		return err
	}
	if _, err := w.ReadFrom(in); err != nil {
		return err
	}
	return w.Close()
}

func (o *options) decrypt(ctx context.Context, out io.Writer, in io.Reader) error {
	c, err := o.client(ctx, o.keys)
	if err != nil {
		return err
	}
	r, err := c.NewReader(ctx, in, envelope.EncryptionContext(o.context))
	if err != nil {
		return err
	}
	if err := requirePairs(r.Header().Context, o.context); err != nil {
		return err
	}
	_, err = r.WriteTo(out)
	return err
}

// requirePairs holds a message to the context that the user named.
func requirePairs(have envelope.EncryptionContext, want pairs) error {
	for k, v := range want {
		if have[k] != v {
			return fmt.Errorf("the message does not have the context pair %s", k)
		}
	}
	return nil
}

// rewrap encrypts the plaintext anew, under a new data key, without writing it
// anywhere: the only way that is safe for every suite.
func (o *options) rewrap(ctx context.Context, out io.Writer, in io.Reader) error {
	from, err := o.client(ctx, o.keys)
	if err != nil {
		return err
	}
	to, err := o.client(ctx, o.newKeys)
	if err != nil {
		return err
	}
	r, err := from.NewReader(ctx, in, envelope.EncryptionContext(o.context))
	if err != nil {
		return err
	}
	for k, v := range r.Header().Context {
		if k != "aws-crypto-public-key" { // the new message has its own
			o.context[k] = v
		}
	}
	return o.seal(ctx, to, out, r)
}

// output is where a result goes: standard output, or a temporary file that
// takes the name of the real one when all went well.
type output struct {
	io.Writer
	temp *os.File
	name string
}

func (o *options) create() (*output, error) {
	if o.out == "" || o.out == "-" {
		return &output{Writer: o.stdout}, nil
	}
	f, err := os.CreateTemp(filepath.Dir(o.out), "."+filepath.Base(o.out)+".*.tmp") // for the owner alone
	if err != nil {
		return nil, err
	}
	return &output{Writer: f, temp: f, name: o.out}, nil
}

// finish makes the file appear, or leaves no trace of it when err is not nil.
func (out *output) finish(err error) error {
	if out.temp == nil {
		return err
	}
	if err == nil {
		err = out.temp.Sync()
	}
	if errClose := out.temp.Close(); err == nil {
		err = errClose
	}
	if err == nil {
		err = os.Rename(out.temp.Name(), out.name)
	}
	if err != nil {
		if errRemove := os.Remove(out.temp.Name()); errRemove != nil {
			err = errors.Join(err, errRemove)
		}
	}
	return err
}
