// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
)

// Folder is a Sink of files that Directory reads: bucket/key, and for digests a
// file with the metadata beside it. It is safe for concurrent use.
type Folder struct {
	Root *os.Root // its top folders are the buckets
}

// Put writes the metadata and then the object, each to a temporary file that is
// synced and renamed. Metadata without an object are nothing; so an object is
// there with its metadata or not at all.
func (f Folder) Put(_ context.Context, o *StoredObject) error {
	name, err := file(o.Bucket, o.Key)
	if err != nil {
		return err
	}
	if err := f.mkdir(path.Dir(name)); err != nil {
		return err
	}
	if o.Metadata != nil {
		meta, err := marshalSidecar(o.Metadata)
		if err != nil {
			return err
		}
		if err := f.write(name+sidecar, meta); err != nil {
			return err
		}
	}
	return f.write(name, o.Body)
}

// mkdir makes a folder and those that it is in, each durable: a new day begins
// with several.
func (f Folder) mkdir(dir string) error {
	err := f.Root.Mkdir(dir, 0o755)
	if errors.Is(err, fs.ErrNotExist) && dir != "." {
		if err = f.mkdir(path.Dir(dir)); err == nil {
			err = f.Root.Mkdir(dir, 0o755)
		}
	}
	switch {
	case errors.Is(err, fs.ErrExist): // or somebody else was faster; a file is found out when one is put into it
		return nil
	case err == nil:
		f.sync(path.Dir(dir))
	}
	return err
}

func (f Folder) write(name string, data []byte) (err error) {
	temp := path.Join(path.Dir(name), "."+rand.Text()+".tmp")
	file, err := f.Root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Root.Remove(temp) // the first error is the one that counts
		}
	}()
	if _, err = file.Write(data); err == nil {
		err = file.Sync()
	}
	if errClose := file.Close(); err == nil {
		err = errClose
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if err = f.Root.Rename(temp, name); err != nil {
		return err
	}
	f.sync(path.Dir(name))
	return nil
}

// sync makes the rename durable where folders can be synced.
func (f Folder) sync(dir string) {
	d, err := f.Root.Open(dir)
	if err != nil {
		return
	}
	_ = d.Sync() // not every system can
	_ = d.Close()
}
