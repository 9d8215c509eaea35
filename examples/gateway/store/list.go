// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// ListQuery says which keys of a bucket are wanted.
type ListQuery struct {
	Prefix    string
	Delimiter string // keys that share the text up to it, behind the prefix, are rolled up
	After     string // only keys and common prefixes behind it
	Limit     int    // of keys and common prefixes together
}

// Entry is a key with what listings show of its info, or a common prefix with
// none. Metadata and parts may be a thousand times as much.
type Entry struct {
	Key  string
	Info *Info // size, time, entity tag and checksums; nil for a common prefix
}

// Page is a part of a listing, in the order of the keys' bytes.
type Page struct {
	Entries   []Entry
	Truncated bool // there is more behind the last entry
}

// List returns the next page. Keys written or deleted while it is made may be
// in it or not; all others are.
func (s *Store) List(ctx context.Context, bucket string, q ListQuery) (Page, error) {
	if _, err := s.Bucket(bucket); err != nil {
		return Page{}, err
	}
	var page Page
	if q.Limit <= 0 {
		return page, nil
	}
	w := walker{prefix: q.Prefix, after: q.After, common: func(text string) string { return CommonPrefix(text, q.Prefix, q.Delimiter) }}
	if q.Delimiter != "" { // a page that ended with a common prefix goes on behind its keys
		if common := CommonPrefix(q.After, q.Prefix, q.Delimiter); common == q.After {
			w.skip = common
		}
	}
	w.visit = func(key string) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		entry, err := s.listed(ctx, Name{bucket, key}, q)
		if err != nil || entry.Key == "" {
			return err
		}
		if len(page.Entries) == q.Limit {
			page.Truncated = true
			return errStop
		}
		if entry.Info == nil {
			w.skip = entry.Key
			if entry.Key <= q.After {
				return nil
			}
		}
		page.Entries = append(page.Entries, entry)
		return nil
	}
	err := w.folder(filepath.Join(s.bucketDir(bucket), "objects"), "")
	switch {
	case errors.Is(err, errStop):
		err = nil
	case errors.Is(err, fs.ErrNotExist):
		err = ErrNoBucket // deleted meanwhile
	}
	return page, err
}

// listed makes a key's entry; it has no Key where the object is gone meanwhile.
func (s *Store) listed(ctx context.Context, name Name, q ListQuery) (Entry, error) {
	if common := CommonPrefix(name.Key, q.Prefix, q.Delimiter); common != "" {
		return Entry{Key: common}, nil
	}
	info, err := s.stat(ctx, s.objectPath(name), name)
	if errors.Is(err, fs.ErrNotExist) {
		return Entry{}, nil
	}
	if err != nil {
		return Entry{}, fmt.Errorf("store: listing %q: %w", name.Key, err)
	}
	return Entry{Key: name.Key, Info: &Info{
		Size: info.Size, ETag: info.ETag, Modified: info.Modified, Checksums: info.Checksums, ChecksumType: info.ChecksumType,
	}}, nil
}

// CommonPrefix is the key up to the first delimiter behind the prefix, or "".
func CommonPrefix(key, prefix, delimiter string) string {
	if delimiter == "" || !strings.HasPrefix(key, prefix) {
		return ""
	}
	i := strings.Index(key[len(prefix):], delimiter)
	if i < 0 {
		return ""
	}
	return key[:len(prefix)+i+len(delimiter)]
}
