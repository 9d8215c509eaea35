// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// MaxPart is the greatest part number.
const MaxPart = 10000

// partPath is a part's file: the names sort as the numbers do.
func (s *Store) partPath(bucket, id string, number int) string {
	return filepath.Join(s.uploadDir(bucket, id), fmt.Sprintf("part-%05d", number))
}

// CommitPart publishes what was written as a part of an upload, replacing the
// part that had its number.
func (w *Writer) CommitPart(ctx context.Context, id string, number int, info *Info) error {
	err := w.finish(ctx, info)
	if err == nil {
		unlock := w.store.uploads.lock(id)
		defer unlock()
		dir := w.store.uploadDir(w.name.Bucket, id)
		err = w.store.publish(w.file.Name(), w.store.partPath(w.name.Bucket, id, number), dir)
		if errors.Is(err, ErrNoBucket) {
			err = ErrNoUpload // completed or aborted meanwhile
		}
	}
	if err != nil {
		w.Abort()
		return err
	}
	w.done = true
	w.body.Release()
	return nil
}

// Parts returns the parts that an upload has behind a number, at most limit,
// and whether there are more.
func (s *Store) Parts(ctx context.Context, name Name, id string, after, limit int) (parts []Part, more bool, err error) {
	entries, err := os.ReadDir(s.uploadDir(name.Bucket, id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, ErrNoUpload
	}
	if err != nil {
		return nil, false, err
	}
	for _, e := range entries { // sorted by name
		if len(e.Name()) != len("part-00000") {
			continue
		}
		number, err := strconv.Atoi(e.Name()[len("part-"):])
		if err != nil || number <= after {
			continue
		}
		if len(parts) == limit {
			return parts, true, nil
		}
		p, err := s.readPart(ctx, name, id, number)
		if errors.Is(err, ErrInvalidPart) { // parts go with their upload alone
			err = ErrNoUpload
		}
		if err != nil {
			return nil, false, err
		}
		parts = append(parts, p)
	}
	return parts, false, nil
}

// readPart describes one stored part.
func (s *Store) readPart(ctx context.Context, name Name, id string, number int) (Part, error) {
	info, err := s.stat(ctx, s.partPath(name.Bucket, id, number), name)
	if errors.Is(err, fs.ErrNotExist) {
		return Part{}, ErrInvalidPart
	}
	if err != nil {
		return Part{}, err
	}
	if len(info.Parts) != 1 {
		return Part{}, fmt.Errorf("%w: a part in parts", ErrDamaged)
	}
	p := info.Parts[0]
	p.Number, p.ETag, p.Modified, p.Checksums = number, info.ETag, info.Modified, info.Checksums
	return p, nil
}
