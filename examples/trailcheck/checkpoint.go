// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

// maxCheckpoint is more than the longest checkpoint that ParseCheckpoint reads.
const maxCheckpoint = 64<<20 + 1

// readCheckpoint returns nil for a file that is not there yet.
func readCheckpoint(name string) (*cloudtrail.Checkpoint, error) {
	data, err := readFile(name, maxCheckpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return cloudtrail.ParseCheckpoint(data)
}

// writeCheckpoint replaces the file.
func writeCheckpoint(name string, c *cloudtrail.Checkpoint) error {
	data, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(name, append(data, '\n'))
}

// replaceFile writes a file as a whole or not at all.
func replaceFile(name string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the first error is the one that counts
		}
	}()
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if errClose := f.Close(); err == nil {
		err = errClose
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
