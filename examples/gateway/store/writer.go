// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"os"
)

// Writer takes the body of a new object. Nothing is visible before Commit, and
// nothing is left after Abort. It is not safe for concurrent use.
type Writer struct {
	store *Store
	name  Name
	file  *os.File
	body  BodyWriter
	size  int64
	done  bool
}

// Condition judges the object that a write would replace: nil where there is
// none. Its error ends the write.
type Condition func(current *Info) error

// Create begins an object. The caller ends with Commit or Abort; Abort after
// Commit does nothing, so it may be deferred.
func (s *Store) Create(ctx context.Context, name Name) (*Writer, error) {
	if !validKey(name.Key) {
		return nil, ErrKeyName
	}
	if _, err := s.Bucket(name.Bucket); err != nil {
		return nil, err
	}
	f, err := s.temp()
	if err != nil {
		return nil, err
	}
	body, err := s.cipher.NewWriter(ctx, f, name)
	if err != nil {
		_ = f.Close()
		_ = os.Remove(f.Name())
		return nil, err
	}
	return &Writer{store: s, name: name, file: f, body: body}, nil
}

func (w *Writer) Write(p []byte) (int, error) {
	n, err := w.body.Write(p)
	w.size += int64(n)
	return n, err
}

// Commit publishes the object with the info, whose Size, Parts and Modified it
// fills in.
func (w *Writer) Commit(ctx context.Context, info *Info, cond Condition) error {
	if err := w.finish(ctx, info); err != nil {
		w.Abort()
		return err
	}
	unlock := w.store.lock(w.name)
	defer unlock()
	err := w.store.judge(ctx, w.name, cond)
	if err == nil {
		root := w.store.bucketDir(w.name.Bucket)
		err = w.store.publish(w.file.Name(), w.store.objectPath(w.name), root)
	}
	if err != nil {
		w.Abort()
		return err
	}
	w.done = true
	w.body.Release()
	return nil
}

// finish ends the body, appends the info and syncs the file.
func (w *Writer) finish(ctx context.Context, info *Info) error {
	if err := w.body.Close(); err != nil {
		return err
	}
	length, err := w.file.Seek(0, 1)
	if err != nil {
		return err
	}
	info.Size, info.Modified = w.size, w.store.now()
	info.Parts = []Part{{Size: w.size, Length: length, ID: w.body.ID()}}
	if err := appendInfo(ctx, w.store.cipher, w.file, w.name, info); err != nil {
		return err
	}
	if err := w.store.durability.Sync(w.file); err != nil {
		return err
	}
	return w.file.Close()
}

// Abort forgets the object.
func (w *Writer) Abort() {
	if w.done {
		return
	}
	w.done = true
	_ = w.body.Close() // ends what the cipher has under way
	_ = w.file.Close()
	_ = os.Remove(w.file.Name())
	w.body.Release()
}

// judge asks the condition about what the name holds now. The caller has the
// name's lock.
func (s *Store) judge(ctx context.Context, name Name, cond Condition) error {
	if cond == nil {
		return nil
	}
	current, err := s.Stat(ctx, name)
	if err != nil && !errors.Is(err, ErrNoKey) {
		return err
	}
	return cond(current)
}
