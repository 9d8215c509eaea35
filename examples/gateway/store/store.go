// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Store is a directory of buckets.
type Store struct {
	Now func() time.Time // the clock of objects; nil is time.Now; not changed once the store is used

	root       string
	cipher     Cipher
	seed       maphash.Seed
	locks      [256]sync.Mutex // of keys, by hash: held while a name changes its file
	durability Durability

	folders sync.RWMutex // held for writing while empty folders go

	buckets sync.RWMutex
	states  map[string]*bucketState // by bucket; guarded by buckets

	moving sync.RWMutex // held for writing while a bucket appears or goes

	uploads uploadLocks // taken before a key's lock

	naming sync.Mutex // held while the temporary folder gets a name or loses one: see temp

	lockFile *os.File // held as long as the store is open
}

// Open makes the directory ready, or fails with ErrInUse where another process
// has it open. What a killed process left in the temporary folder is removed.
// Close lets it go.
func Open(dir string, cipher Cipher, d Durability) (*Store, error) {
	s := &Store{root: dir, cipher: cipher, durability: d, states: map[string]*bucketState{}, seed: maphash.MakeSeed()}
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		s.lockFile, err = takeLock(dir)
	}
	if err != nil {
		return nil, err
	}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) prepare() error {
	if err := os.RemoveAll(s.path("tmp")); err != nil {
		return err
	}
	for _, sub := range []string{"tmp", "buckets"} {
		if err := os.MkdirAll(s.path(sub), 0o700); err != nil {
			return err
		}
	}
	return s.syncDir(s.root)
}

func (s *Store) path(elem ...string) string {
	return filepath.Join(append([]string{s.root}, elem...)...)
}

func (s *Store) bucketDir(bucket string) string { return s.path("buckets", bucket) }

func (s *Store) objectPath(name Name) string {
	return filepath.Join(s.bucketDir(name.Bucket), "objects", keyPath(name.Key))
}

// lock serializes what replaces or removes one key.
func (s *Store) lock(name Name) (unlock func()) {
	s.moving.RLock()
	m := &s.locks[hashOf(s.seed, name.Bucket+"/"+name.Key)%uint64(len(s.locks))]
	m.Lock()
	return func() {
		m.Unlock()
		s.moving.RUnlock()
	}
}

func hashOf(seed maphash.Seed, text string) uint64 { return maphash.String(seed, text) }

// temp creates a file in the temporary folder. The system lets one thread at a
// time change a folder, and has the others spin: under 64 writers that was 40 %
// of the processor time of a small object, and half of it is spared where they
// wait here.
func (s *Store) temp() (*os.File, error) {
	s.naming.Lock()
	defer s.naming.Unlock()
	return os.CreateTemp(s.path("tmp"), "new-")
}

// publish renames a synced temporary file to path and syncs the folders whose
// names changed. The folders below root are made as needed.
func (s *Store) publish(tmp, path, root string) error {
	made, err := s.move(tmp, path, root)
	if err != nil {
		return err
	}
	return s.syncDirs(append(made, filepath.Dir(path)))
}

func (s *Store) move(tmp, path, root string) (made []string, err error) {
	s.folders.RLock()
	defer s.folders.RUnlock()
	made, err = makeDirs(filepath.Dir(path), root)
	if err != nil {
		return nil, err
	}
	s.naming.Lock()
	defer s.naming.Unlock()
	return made, os.Rename(tmp, path)
}

// makeDirs makes dir, which lies in root, and returns the folders that have a
// new entry by it.
func makeDirs(dir, root string) (changed []string, err error) {
	if _, err := os.Stat(dir); err == nil {
		return nil, nil
	}
	if dir == root {
		return nil, fmt.Errorf("%w: its folder is gone", ErrNoBucket)
	}
	parent := filepath.Dir(dir)
	changed, err = makeDirs(parent, root)
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return append(changed, parent), nil
}

// prune removes the folders from dir up to root that are empty.
func (s *Store) prune(dir, root string) {
	s.folders.Lock() // or they would go between the making and the renaming of move
	defer s.folders.Unlock()
	for dir != root && os.Remove(dir) == nil {
		dir = filepath.Dir(dir)
	}
}

func (s *Store) syncDirs(dirs []string) error {
	for _, dir := range dirs {
		if err := s.syncDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// writeFile replaces a small file as publish does.
func (s *Store) writeFile(path, root string, data []byte) error {
	f, err := s.temp()
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return s.replace(f, path, root, err)
}

// now is the time an object is given: S3's have whole seconds in headers and
// milliseconds in listings.
func (s *Store) now() time.Time {
	clock := s.Now
	if clock == nil {
		clock = time.Now
	}
	return clock().UTC().Truncate(time.Millisecond)
}

// stat reads the info of the object that path holds.
func (s *Store) stat(ctx context.Context, path string, name Name) (*Info, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return readInfo(ctx, s.cipher, f, name)
}

// Path is the file that holds an object, or would.
func (s *Store) Path(name Name) string { return s.objectPath(name) }
