// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Object is an open object: what it was when it was opened, whatever has
// happened to its name since. It is not safe for concurrent use.
type Object struct {
	Info
	store *Store
	name  Name
	file  *os.File
	large *bufio.Reader // to give back
}

// Open opens an object, or returns ErrNoBucket or ErrNoKey.
func (s *Store) Open(ctx context.Context, name Name) (*Object, error) {
	if _, err := s.Bucket(name.Bucket); err != nil {
		return nil, err
	}
	if !validKey(name.Key) {
		return nil, ErrNoKey
	}
	f, err := os.Open(s.objectPath(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoKey
	}
	if err != nil {
		return nil, err
	}
	info, err := readInfo(ctx, s.cipher, f, name)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &Object{Info: *info, store: s, name: name, file: f}, nil
}

// Stat returns an object's info.
func (s *Store) Stat(ctx context.Context, name Name) (*Info, error) {
	o, err := s.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	return &o.Info, o.Close()
}

// Close ends the use of the object and of its reader.
func (o *Object) Close() error {
	if o.large != nil {
		o.large.Reset(nil)
		largeBuffers.Put(o.large)
		o.large = nil
	}
	return o.file.Close()
}

// readAhead is how much of a body is read at a time: whole frames of the
// cipher, so that few are decrypted twice.
const readAhead = 256 << 10

// Reader returns length bytes of the body from offset, which lie within it. It
// opens the parts that hold them one after the other, the first one at once: an
// object may have ten thousand. An object has one reader at a time.
func (o *Object) Reader(ctx context.Context, offset, length int64) (io.Reader, error) {
	body := int64(0)
	for _, p := range o.Parts {
		body += p.Size
	}
	if offset+length > body {
		return nil, fmt.Errorf("%w: its parts are shorter than its size", ErrDamaged)
	}
	r := &rangeReader{ctx: ctx, object: o, skip: offset, left: length, buffer: o.buffer(length)}
	return r, r.open()
}

func (o *Object) buffer(length int64) *bufio.Reader {
	if length < readAhead {
		return bufio.NewReaderSize(nil, int(length))
	}
	if o.large == nil {
		o.large = largeBuffers.Get().(*bufio.Reader)
	}
	return o.large
}

var largeBuffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readAhead) }}

// rangeReader reads a range of an object's body.
type rangeReader struct {
	ctx    context.Context
	object *Object
	next   int           // part to open
	at     int64         // where its message begins in the file
	skip   int64         // bytes of the parts from next on
	left   int64         // bytes of the range in them
	buffer *bufio.Reader // over the part before
}

// open opens the next part that has bytes of the range, or the last: an empty body
// and an empty part at the end are opened to prove them.
func (r *rangeReader) open() error {
	parts := r.object.Parts
	for r.next < len(parts) {
		i, at := r.next, r.at
		p := parts[i]
		r.next, r.at = i+1, at+p.Length
		if r.skip >= p.Size && r.next < len(parts) {
			r.skip -= p.Size
			continue
		}
		n := min(r.left, p.Size-r.skip)
		body, err := r.object.part(r.ctx, i, at)
		if err != nil {
			return err
		}
		r.buffer.Reset(io.NewSectionReader(body, r.skip, n))
		r.skip, r.left = 0, r.left-n
		return nil
	}
	return nil
}

func (r *rangeReader) Read(p []byte) (int, error) {
	for {
		n, err := r.buffer.Read(p)
		if n > 0 || !errors.Is(err, io.EOF) || r.left == 0 {
			return n, err
		}
		if err := r.open(); err != nil {
			return 0, err
		}
	}
}

// WriteTo spares a copy.
func (r *rangeReader) WriteTo(w io.Writer) (written int64, err error) {
	for {
		n, err := r.buffer.WriteTo(w)
		written += n
		if err != nil || r.left == 0 {
			return written, err
		}
		if err := r.open(); err != nil {
			return written, err
		}
	}
}

func (o *Object) part(ctx context.Context, i int, at int64) (io.ReaderAt, error) {
	p := o.Parts[i]
	r, err := o.store.cipher.NewReader(ctx, io.NewSectionReader(o.file, at, p.Length), p.Length, o.name, p.ID)
	if err != nil {
		return nil, fmt.Errorf("%w: its body does not open: %w", ErrDamaged, err)
	}
	return r, nil
}

// Delete removes an object. There need be none, as S3 has it.
func (s *Store) Delete(ctx context.Context, name Name, cond Condition) error {
	if _, err := s.Bucket(name.Bucket); err != nil {
		return err
	}
	if !validKey(name.Key) {
		return nil
	}
	unlock := s.lock(name)
	defer unlock()
	if err := s.judge(ctx, name, cond); err != nil {
		return err
	}
	path := s.objectPath(name)
	if err := os.Remove(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	if err := s.syncDirs([]string{filepath.Dir(path)}); err != nil {
		return err
	}
	s.prune(filepath.Dir(path), filepath.Join(s.bucketDir(name.Bucket), "objects"))
	return nil
}

// Update changes an object's info and leaves its body as it is. change may be
// called again, for another info, where the object is replaced meanwhile.
func (s *Store) Update(ctx context.Context, name Name, change func(*Info)) error {
	for {
		if err := s.update(ctx, name, change); !errors.Is(err, errReplaced) {
			return err
		}
	}
}

// update copies the body before it takes the lock: that may take long.
func (s *Store) update(ctx context.Context, name Name, change func(*Info)) error {
	o, err := s.Open(ctx, name)
	if err != nil {
		return err
	}
	defer func() { _ = o.Close() }()
	f, err := s.temp()
	if err != nil {
		return err
	}
	body := int64(0)
	for _, p := range o.Parts {
		body += p.Length
	}
	change(&o.Info)
	_, err = io.Copy(&countingWriter{ctx: ctx, w: f}, io.NewSectionReader(o.file, 0, body))
	if err == nil {
		err = appendInfo(ctx, s.cipher, f, name, &o.Info)
	}
	if err == nil {
		err = s.durability.Sync(f) // before anybody waits
	}
	defer s.lock(name)()
	path := s.objectPath(name)
	if err == nil {
		err = stillThere(o.file, path)
	}
	if err == nil {
		err = ctx.Err()
	}
	return s.replace(f, path, s.bucketDir(name.Bucket), err)
}

// replace syncs, closes and publishes a temporary file, or removes it where
// something failed before or now.
func (s *Store) replace(f *os.File, path, root string, err error) error {
	if err == nil {
		err = s.durability.Sync(f)
	}
	if errClose := f.Close(); err == nil {
		err = errClose
	}
	if err == nil {
		err = s.publish(f.Name(), path, root)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
