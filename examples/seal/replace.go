// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	"github.com/sallyport-go/sallyport/envelope"
)

var errChanged = errors.New("the file was changed meanwhile")

// open opens a regular file, and nothing that took its place: not what a
// symbolic link names.
func (t *tree) open(name string) (*os.File, fs.FileInfo, error) {
	info, err := t.root.Lstat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = errChanged
	}
	if err != nil {
		return nil, nil, err
	}
	f, err := t.root.Open(name)
	if err != nil {
		return nil, nil, err
	}
	opened, err := f.Stat()
	if err == nil && !os.SameFile(info, opened) {
		err = errChanged
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, opened, nil
}

// isMessage looks at the start of a file: whether it claims to be a message. A
// damaged one does; it is not passed over.
func isMessage(f io.ReaderAt) (bool, error) {
	start := make([]byte, 4)
	n, err := f.ReadAt(start, 0)
	if n < len(start) {
		if err == io.EOF {
			err = nil
		}
		return false, err
	}
	version, suite := 2, binary.BigEndian.Uint16(start[1:])
	if start[0] == 1 && start[1] == 0x80 {
		version, suite = 1, binary.BigEndian.Uint16(start[2:])
	} else if start[0] != 2 {
		return false, nil
	}
	s := envelope.Suite(suite)
	return s.DataKeyLen() > 0 && s.Committing() == (version == 2), nil
}

// done reports that a message is under the new keys and no others, and of the
// suite and frame length that the flags ask for. Anybody can write names into a
// header: the new keys have to prove it.
func (t *tree) done(ctx context.Context, h *envelope.UnauthenticatedHeader, message io.Reader) bool {
	cfg := t.o.config
	if !slices.Equal(namesOf(h.EncryptedDataKeys), t.names) || cfg.Suite != 0 && cfg.Suite != h.Suite || cfg.FrameLength != 0 && cfg.FrameLength != h.FrameLength {
		return false
	}
	cfg.Keyring, cfg.Suite, cfg.FrameLength = t.to, 0, 0
	c, err := envelope.New(cfg)
	if err != nil {
		return false
	}
	r, err := c.NewReader(ctx, message, envelope.EncryptionContext(t.o.context))
	if err != nil {
		return false
	}
	return r.Close() == nil
}

// replace writes the message anew beside the file and puts it in its place in
// one step, if the file is still what was read. Whenever the program ends, the
// name has the whole old message or the whole new one.
func (t *tree) replace(ctx context.Context, name string, f *os.File, info fs.FileInfo, h *envelope.UnauthenticatedHeader) (err error) {
	temp := path.Join(path.Dir(name), ".seal-"+hex.EncodeToString(random(8))+".rewrap")
	out, err := t.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = t.renew(ctx, h, out, t.bar.Reader(io.NewSectionReader(f, 0, info.Size())))
	if err == nil {
		err = keepMode(out, info)
	}
	if err == nil {
		err = out.Sync()
	}
	if errClose := out.Close(); err == nil {
		err = errClose
	}
	if errNow := t.unchanged(name, info); err == nil || errors.Is(errNow, errChanged) {
		err = errNow // which may be why the message was refused
	}
	if err == nil {
		err = t.root.Rename(temp, name)
	}
	if err != nil {
		if errRemove := t.root.Remove(temp); errRemove != nil {
			err = fmt.Errorf("%w; %s is left: %w", err, temp, errRemove)
		}
		return err
	}
	return syncDir(t.root.Open(path.Dir(name)))
}

// unchanged reports whether the name still has what was opened under it.
func (t *tree) unchanged(name string, was fs.FileInfo) error {
	now, err := t.root.Lstat(name)
	if err != nil {
		return err
	}
	if !os.SameFile(was, now) || was.Size() != now.Size() || !was.ModTime().Equal(now.ModTime()) {
		return errChanged
	}
	return nil
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}
