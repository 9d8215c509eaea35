// SPDX-License-Identifier: Apache-2.0

package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Bucket is a bucket's name and age.
type Bucket struct {
	Name    string    `json:"name"`
	Created time.Time `json:"created"`
	Owner   string    `json:"owner"` // ARN of who made it
}

// ValidBucket says whether a name follows the rules for general purpose
// buckets: 3 to 63 lower-case letters, digits, dots and hyphens, a letter or
// digit at both ends, no two dots in a row, not an IP address, none of the
// beginnings and ends that S3 keeps to itself (Amazon S3 User Guide, "General
// purpose bucket naming rules"; amzn-s3-demo-, which its examples have, is taken).
func ValidBucket(name string) bool {
	if len(name) < 3 || len(name) > 63 || strings.Contains(name, "..") {
		return false
	}
	for i := range len(name) {
		c := name[i]
		alnum := 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
		if !alnum && (c != '-' && c != '.' || i == 0 || i == len(name)-1) {
			return false
		}
	}
	for _, prefix := range []string{"xn--", "sthree-"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	for _, suffix := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(name, suffix) {
			return false
		}
	}
	_, err := netip.ParseAddr(name)
	return err != nil
}

// CreateBucket makes an empty bucket.
func (s *Store) CreateBucket(name, owner string) error {
	if !ValidBucket(name) {
		return ErrBucketName
	}
	s.moving.Lock()
	defer s.moving.Unlock()
	if _, err := os.Stat(s.bucketDir(name)); err == nil {
		return ErrBucketExists
	}
	tmp, err := os.MkdirTemp(s.path("tmp"), "bucket-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	for _, sub := range []string{"objects", "uploads"} {
		if err := os.Mkdir(filepath.Join(tmp, sub), 0o700); err != nil {
			return err
		}
	}
	text, err := json.Marshal(Bucket{Name: name, Created: s.now(), Owner: owner})
	if err != nil {
		return err
	}
	if err := s.writeFile(filepath.Join(tmp, "bucket.json"), tmp, text); err != nil {
		return err
	}
	if err := os.Rename(tmp, s.bucketDir(name)); err != nil {
		return err
	}
	return s.syncDir(s.path("buckets"))
}

// Bucket returns a bucket, or ErrNoBucket.
func (s *Store) Bucket(name string) (Bucket, error) {
	if !ValidBucket(name) {
		return Bucket{}, ErrNoBucket
	}
	known, err := s.known(name)
	if err != nil {
		return Bucket{}, err
	}
	return known.Bucket, nil
}

// readBucket reads what describes a bucket.
func (s *Store) readBucket(name string) (Bucket, error) {
	text, err := os.ReadFile(filepath.Join(s.bucketDir(name), "bucket.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return Bucket{}, ErrNoBucket
	}
	if err != nil {
		return Bucket{}, err
	}
	var b Bucket
	if err := json.Unmarshal(text, &b); err != nil {
		return Bucket{}, fmt.Errorf("%w: bucket.json of %s", ErrDamaged, name)
	}
	return b, nil
}

// Buckets returns all buckets by name.
func (s *Store) Buckets() ([]Bucket, error) {
	entries, err := os.ReadDir(s.path("buckets"))
	if err != nil {
		return nil, err
	}
	var all []Bucket
	for _, e := range entries {
		b, err := s.Bucket(e.Name())
		if errors.Is(err, ErrNoBucket) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}

// DeleteBucket removes a bucket that holds no object. Uploads under way go with
// it.
func (s *Store) DeleteBucket(name string) error {
	gone, err := s.takeBucket(name)
	return errors.Join(err, os.RemoveAll(gone))
}

// takeBucket takes the bucket out of sight, as takeUpload does: everybody who
// writes waits meanwhile.
func (s *Store) takeBucket(name string) (gone string, err error) {
	s.moving.Lock()
	defer s.moving.Unlock()
	if _, err := s.Bucket(name); err != nil {
		return "", err
	}
	switch some, err := occupied(filepath.Join(s.bucketDir(name), "objects")); {
	case err != nil:
		return "", err
	case some:
		return "", ErrBucketNotEmpty
	}
	gone = s.gone()
	if err := os.Rename(s.bucketDir(name), gone); err != nil {
		return "", err
	}
	s.forget(name)
	return gone, s.syncDir(s.path("buckets"))
}
