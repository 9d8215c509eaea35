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

// Uploads calls visit for every upload under way of a bucket, in no order. Of one
// that cannot be read it is given the id and what is wrong; its error ends the
// walk. No more than their ids are held at a time.
func (s *Store) Uploads(ctx context.Context, bucket string, visit func(*Upload, error) error) error {
	if _, err := s.Bucket(bucket); err != nil {
		return err
	}
	root := filepath.Join(s.bucketDir(bucket), "uploads")
	f, err := os.Open(root)
	if err != nil {
		return notThere(err)
	}
	ids, err := f.Readdirnames(-1)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	for _, id := range ids {
		u, err := s.readUpload(ctx, bucket, id)
		if errors.Is(err, ErrNoUpload) { // it has ended, or a process was killed as it began
			s.prune(s.uploadDir(bucket, id), root)
			continue
		}
		if err != nil {
			u = &Upload{ID: id}
		}
		if err := errors.Join(ctx.Err(), visit(u, err)); err != nil {
			return err
		}
	}
	return nil
}

// notThere takes a file that is gone meanwhile for none.
func notThere(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Compare orders uploads as listings have them: by key and then by time.
func (u *Upload) Compare(v *Upload) int {
	return cmp.Or(cmp.Compare(u.Key, v.Key), u.Initiated.Compare(v.Initiated), cmp.Compare(u.ID, v.ID))
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

// takeUpload takes the upload out of sight with one rename, for which the fullest
// disk has room. What is gone is to be deleted once nobody is held up by that.
func (s *Store) takeUpload(bucket, id string) (gone string, err error) {
	gone = s.gone()
	err = os.Rename(s.uploadDir(bucket, id), gone)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = s.syncDirs([]string{filepath.Join(s.bucketDir(bucket), "uploads")})
	}
	return gone, err
}

// gone is a name for what is to be deleted.
func (s *Store) gone() string { return s.path("tmp", "gone-"+rand.Text()) }

// ExpireUploads forgets the uploads of all buckets that began before a time,
// and returns how many there were. One that cannot be read stays, and is in the
// error; the others go all the same.
func (s *Store) ExpireUploads(ctx context.Context, before time.Time) (int, error) {
	buckets, err := s.Buckets()
	if err != nil {
		return 0, err
	}
	n, failed := 0, error(nil)
	for _, b := range buckets {
		err := s.Uploads(ctx, b.Name, func(u *Upload, err error) error {
			if err == nil && u.Initiated.Before(before) {
				if err = s.AbortUpload(ctx, Name{b.Name, u.Key}, u.ID); err == nil {
					n++
				}
			}
			if err != nil && !errors.Is(err, ErrNoUpload) {
				failed = fmt.Errorf("store: upload %s of bucket %s: %w", u.ID, b.Name, err)
			}
			return nil
		})
		if err != nil && !errors.Is(err, ErrNoBucket) {
			return n, err
		}
	}
	return n, failed
}
