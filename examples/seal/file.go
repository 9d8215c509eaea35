// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/sallyport-go/sallyport/envelope"
	"github.com/sallyport-go/sallyport/examples/internal/progress"
)

func (o *options) run(ctx context.Context) error {
	in, info, err := o.open()
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // only read
	if o.command == "rewrap" {
		if info != nil && info.IsDir() {
			return o.rewrapTree(ctx)
		}
		if o.json {
			return fmt.Errorf("%w: -json is for a directory", errUsage)
		}
	}
	size := int64(-1)
	if info != nil && info.Mode().IsRegular() {
		size = info.Size()
	}
	inPlace := o.command == "rewrap" && o.out == "" && o.in != ""
	if inPlace {
		o.out = o.in
	}
	out, err := o.create()
	if err != nil {
		return err
	}
	if inPlace {
		out.like = info
	}
	bar := progress.New(o.stderr, size)
	source := bar.Reader(in)
	switch o.command {
	case "encrypt":
		err = o.encrypt(ctx, out, source)
	case "decrypt":
		err = o.decrypt(ctx, out, source)
	case "inspect":
		err = o.inspect(ctx, out, source, size)
	default:
		err = o.rewrap(ctx, out, source)
	}
	bar.End()
	return out.finish(err)
}

// open returns the input, and what is known of it when it has a name.
func (o *options) open() (io.ReadCloser, fs.FileInfo, error) {
	if o.in == "" {
		return io.NopCloser(o.stdin), nil, nil
	}
	f, err := os.Open(o.in)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	return f, info, err
}

// client makes a client. What it refuses is the flags.
func (o *options) client(ring envelope.Keyring, suite envelope.Suite, frame int64) (*envelope.Client, error) {
	cfg := o.config
	cfg.Keyring, cfg.Suite, cfg.FrameLength = ring, suite, frame
	c, err := envelope.New(cfg)
	if err != nil && !errors.Is(err, envelope.ErrFIPS) {
		err = fmt.Errorf("%w: %w", errUsage, err)
	}
	return c, err
}

// flagClient makes the client that all the flags describe.
func (o *options) flagClient(ctx context.Context) (*envelope.Client, error) {
	ring, err := o.keys.keyring(ctx)
	if err != nil {
		return nil, err
	}
	return o.client(ring, o.config.Suite, o.config.FrameLength)
}

func (o *options) encrypt(ctx context.Context, out io.Writer, in io.Reader) error {
	c, err := o.flagClient(ctx)
	if err != nil {
		return err
	}
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
	c, err := o.flagClient(ctx)
	if err != nil {
		return err
	}
	r, err := c.NewReader(ctx, in, envelope.EncryptionContext(o.context))
	if err != nil {
		return err
	}
	_, err = r.WriteTo(out)
	return err
}
