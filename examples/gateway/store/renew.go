// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Renewer puts messages under another wrapping key.
type Renewer interface {
	// Fresh says whether a message is under the key already. It looks at the
	// message's beginning alone.
	Fresh(message io.Reader) (bool, error)
	// Renew reads the message with this id and writes its plaintext as a new
	// one, whose id it returns.
	Renew(ctx context.Context, w io.Writer, message io.Reader, name Name, id string) (newID string, err error)
}

// Renewal counts what a pass of Renew found.
type Renewal struct {
	Renewed int // files written anew
	Missed  int // changed or gone meanwhile: the next pass tells
	Failed  int // damaged, or not to be written
}

// Renew goes through all that the store holds once, parts of uploads first,
// since a completion makes objects of them and not the other way round. Each
// file that has a message which is not fresh is written anew and takes the old
// one's place, if that is still there. Calls go on meanwhile. A pass that finds
// nothing to renew, to miss or to fail at has seen only fresh messages. failed
// is told what failed; its error ends the pass.
func (s *Store) Renew(ctx context.Context, r Renewer, failed func(Name, error) error) (Renewal, error) {
	var sum Renewal
	buckets, err := s.Buckets()
	if err != nil {
		return sum, err
	}
	one := func(f renewable) error {
		switch changed, err := s.renew(ctx, r, f); {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, errReplaced):
			sum.Missed++
		case err != nil:
			sum.Failed++
			return errors.Join(failed(f.name, err), ctx.Err())
		case changed:
			sum.Renewed++
		}
		return ctx.Err()
	}
	for _, b := range buckets {
		lost := func(id string, err error) error {
			sum.Failed++
			return failed(uploadName(b.Name, id), err)
		}
		if err := s.renewables(ctx, b.Name, one, lost); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// renewable is a file with messages: an object or a part.
type renewable struct {
	name       Name // that its messages are bound to
	path, root string
	lock       func() (unlock func())
}

// renewables calls one for every file of a bucket, and lost for an upload whose
// parts nobody can name.
func (s *Store) renewables(ctx context.Context, bucket string, one func(renewable) error, lost func(id string, err error) error) error {
	err := s.Uploads(ctx, bucket, func(u *Upload, err error) error {
		if err != nil {
			return lost(u.ID, err)
		}
		dir := s.uploadDir(bucket, u.ID)
		files, err := os.ReadDir(dir)
		if err != nil {
			return notThere(err)
		}
		for _, f := range files {
			if !strings.HasPrefix(f.Name(), "part-") {
				continue
			}
			path := filepath.Join(dir, f.Name())
			if err := one(renewable{Name{bucket, u.Key}, path, dir, func() func() { return s.uploads.lock(u.ID) }}); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, ErrNoBucket) {
		return nil
	}
	if err != nil {
		return err
	}
	w := walker{visit: func(key string) error {
		name := Name{bucket, key}
		return one(renewable{name, s.objectPath(name), s.bucketDir(bucket), func() func() { return s.lock(name) }})
	}}
	err = w.folder(filepath.Join(s.bucketDir(bucket), "objects"), "")
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the bucket is gone
	}
	return err
}

// errReplaced is a file that another has replaced, or removed, since it was
// opened.
var errReplaced = errors.New("store: replaced meanwhile")

// renew writes a file anew where one of its messages is not fresh.
func (s *Store) renew(ctx context.Context, r Renewer, f renewable) (changed bool, err error) {
	old, err := os.Open(f.path)
	if err != nil {
		return false, err
	}
	defer func() { _ = old.Close() }()
	info, err := readInfo(ctx, s.cipher, old, f.name)
	if err != nil {
		return false, err
	}
	fresh := make([]bool, len(info.Parts))
	stale, at := 0, int64(0)
	for i, p := range info.Parts {
		if fresh[i], err = r.Fresh(io.NewSectionReader(old, at, p.Length)); err != nil {
			return false, err
		}
		if !fresh[i] {
			stale++
		}
		at += p.Length
	}
	if stale == 0 {
		return false, nil
	}
	tmp, err := s.temp()
	if err != nil {
		return false, err
	}
	err = s.renewParts(ctx, r, tmp, old, f.name, info, fresh)
	if err == nil {
		err = s.durability.Sync(tmp) // before anybody waits
	}
	defer f.lock()()
	if err == nil {
		err = stillThere(old, f.path)
	}
	return err == nil, s.replace(tmp, f.path, f.root, err)
}

// renewParts writes the messages, and the info that names the new ones.
func (s *Store) renewParts(ctx context.Context, r Renewer, w io.Writer, old io.ReaderAt, name Name, info *Info, fresh []bool) error {
	at := int64(0)
	for i := range info.Parts {
		p := &info.Parts[i]
		message := io.NewSectionReader(old, at, p.Length)
		at += p.Length
		counted := &countingWriter{ctx: ctx, w: w}
		if fresh[i] {
			if _, err := io.Copy(counted, message); err != nil {
				return err
			}
			continue
		}
		id, err := r.Renew(ctx, counted, message, name, p.ID)
		if err != nil {
			return fmt.Errorf("store: renewing part %d: %w", i+1, err)
		}
		p.ID, p.Length = id, counted.n
	}
	return appendInfo(ctx, s.cipher, w, name, info)
}

// stillThere says whether a path still leads to an open file; errReplaced means
// that it does not. The caller has the lock of whoever could change that.
func stillThere(f *os.File, path string) error {
	was, err := f.Stat()
	if err != nil {
		return err
	}
	is, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return errReplaced
	}
	if err != nil {
		return err
	}
	if !os.SameFile(was, is) {
		return errReplaced
	}
	return nil
}

// countingWriter counts what it passes on, until the context ends.
type countingWriter struct {
	ctx context.Context
	w   io.Writer
	n   int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
