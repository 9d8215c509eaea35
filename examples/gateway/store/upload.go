// SPDX-License-Identifier: Apache-2.0

package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Upload is a multipart upload under way.
type Upload struct {
	ID        string    `json:"id"`
	Key       string    `json:"key"`
	Initiated time.Time `json:"initiated"`
	Owner     string    `json:"owner"` // ARN of who began it
	Info      Info      `json:"info"`  // what the object will have: headers, metadata, tags, kind of checksum
	Algorithm string    `json:"algorithm,omitempty"`
}

func (s *Store) uploadDir(bucket, id string) string {
	return filepath.Join(s.bucketDir(bucket), "uploads", id)
}

// uploadName binds the description of an upload; no object has this key.
func uploadName(bucket, id string) Name { return Name{bucket, "\x00upload/" + id} }

// CreateUpload begins an upload and gives it its id and time.
func (s *Store) CreateUpload(ctx context.Context, bucket string, u *Upload) error {
	if !validKey(u.Key) {
		return ErrKeyName
	}
	if _, err := s.Bucket(bucket); err != nil {
		return err
	}
	var id [20]byte
	if _, err := rand.Read(id[:]); err != nil {
		return err
	}
	u.ID, u.Initiated = hex.EncodeToString(id[:]), s.now()
	text, err := json.Marshal(u)
	if err != nil {
		return err
	}
	sealed, err := s.cipher.Seal(ctx, text, uploadName(bucket, u.ID))
	if err != nil {
		return err
	}
	dir := s.uploadDir(bucket, u.ID)
	return s.writeFile(filepath.Join(dir, "upload"), s.bucketDir(bucket), sealed)
}

// Upload returns an upload under way, or ErrNoUpload. Its key is the one it
// began with.
func (s *Store) Upload(ctx context.Context, name Name, id string) (*Upload, error) {
	if _, err := s.Bucket(name.Bucket); err != nil {
		return nil, err
	}
	if raw, err := hex.DecodeString(id); err != nil || len(raw) != 20 {
		return nil, ErrNoUpload
	}
	u, err := s.readUpload(ctx, name.Bucket, id)
	if err == nil && u.Key != name.Key {
		return nil, ErrNoUpload
	}
	return u, err
}

func (s *Store) readUpload(ctx context.Context, bucket, id string) (*Upload, error) {
	sealed, err := os.ReadFile(filepath.Join(s.uploadDir(bucket, id), "upload"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoUpload
	}
	if err != nil {
		return nil, err
	}
	text, err := s.cipher.Unseal(ctx, sealed, uploadName(bucket, id))
	if err != nil {
		return nil, fmt.Errorf("%w: an upload does not open: %w", ErrDamaged, err)
	}
	u := new(Upload)
	if err := json.Unmarshal(text, u); err != nil {
		return nil, fmt.Errorf("%w: an upload does not parse", ErrDamaged)
	}
	return u, nil
}

// Uploads returns a bucket's uploads under way, by key and then by time.
func (s *Store) Uploads(ctx context.Context, bucket string) ([]Upload, error) {
	if _, err := s.Bucket(bucket); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Join(s.bucketDir(bucket), "uploads"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []Upload
	for _, e := range entries {
		u, err := s.readUpload(ctx, bucket, e.Name())
		if errors.Is(err, ErrNoUpload) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, *u)
	}
	slices.SortFunc(all, func(a, b Upload) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), a.Initiated.Compare(b.Initiated), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

// AbortUpload forgets an upload and its parts.
func (s *Store) AbortUpload(ctx context.Context, name Name, id string) error {
	gone, err := s.abortUpload(ctx, name, id)
	return errors.Join(err, os.RemoveAll(gone))
}

func (s *Store) abortUpload(ctx context.Context, name Name, id string) (gone string, err error) {
	defer s.uploads.lock(id)()
	if _, err := s.Upload(ctx, name, id); err != nil {
		return "", err
	}
	return s.takeUpload(name.Bucket, id)
}

// takeUpload takes the upload out of sight with one rename. What is gone is to be
// deleted once nobody is held up by that.
func (s *Store) takeUpload(bucket, id string) (gone string, err error) {
	gone, err = os.MkdirTemp(s.path("tmp"), "gone-")
	if err != nil {
		return "", err
	}
	err = os.Rename(s.uploadDir(bucket, id), filepath.Join(gone, id))
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = s.syncDirs([]string{filepath.Join(s.bucketDir(bucket), "uploads")})
	}
	return gone, err
}

// ExpireUploads forgets the uploads of all buckets that began before a time,
// and returns how many there were.
func (s *Store) ExpireUploads(ctx context.Context, before time.Time) (int, error) {
	buckets, err := s.Buckets()
	if err != nil {
		return 0, err
	}
	n := 0
	for _, b := range buckets {
		uploads, err := s.Uploads(ctx, b.Name)
		if err != nil && !errors.Is(err, ErrNoBucket) {
			return n, err
		}
		for _, u := range uploads {
			if !u.Initiated.Before(before) {
				continue
			}
			if err := s.AbortUpload(ctx, Name{b.Name, u.Key}, u.ID); err != nil && !errors.Is(err, ErrNoUpload) {
				return n, err
			}
			n++
		}
	}
	return n, nil
}
