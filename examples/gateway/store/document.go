// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Document is a text that a bucket may have: what it is for, and its file.
type Document string

// The documents of a bucket.
const (
	Policy       Document = "policy.json"
	PublicAccess Document = "public-access.xml"
)

// bucketState is what is known of a bucket without asking the disk: nobody else
// writes there. It is immutable.
type bucketState struct {
	Bucket
	documents map[Document][]byte
}

// maxKnown is how many buckets are remembered; each may have some ten KiB.
const maxKnown = 4096

// known returns what there is to know of a bucket, or ErrNoBucket.
func (s *Store) known(name string) (*bucketState, error) {
	s.buckets.RLock()
	b := s.states[name]
	s.buckets.RUnlock()
	if b != nil {
		return b, nil
	}
	s.buckets.Lock()
	defer s.buckets.Unlock()
	described, err := s.readBucket(name)
	if err != nil {
		return nil, err
	}
	b = &bucketState{described, map[Document][]byte{}}
	for _, d := range []Document{Policy, PublicAccess} {
		text, err := os.ReadFile(filepath.Join(s.bucketDir(name), string(d)))
		if err == nil {
			b.documents[d] = text
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	if len(s.states) >= maxKnown {
		clear(s.states)
	}
	s.states[name] = b
	return b, nil
}

// forget makes the disk be asked again.
func (s *Store) forget(bucket string) {
	s.buckets.Lock()
	defer s.buckets.Unlock()
	delete(s.states, bucket)
}

// SetDocument stores a text of a bucket; nil removes it.
func (s *Store) SetDocument(bucket string, d Document, text []byte) error {
	s.moving.RLock()
	defer s.moving.RUnlock()
	if _, err := s.Bucket(bucket); err != nil {
		return err
	}
	s.buckets.Lock() // nobody reads the old text once this has returned
	defer s.buckets.Unlock()
	delete(s.states, bucket)
	dir := s.bucketDir(bucket)
	path := filepath.Join(dir, string(d))
	if text != nil {
		return s.writeFile(path, dir, text)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return s.syncDir(dir)
}

// Document returns what SetDocument stored, or ErrNoDocument. It may not be
// changed.
func (s *Store) Document(bucket string, d Document) ([]byte, error) {
	if !ValidBucket(bucket) {
		return nil, ErrNoBucket
	}
	b, err := s.known(bucket)
	if err != nil {
		return nil, err
	}
	text, ok := b.documents[d]
	if !ok {
		return nil, ErrNoDocument
	}
	return text, nil
}
