// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrInUse is a store that another process has open.
var ErrInUse = errors.New("store: another process uses it")

// takeLock makes the folder this process's own. The lock goes with the process,
// however that ends; the file stays.
func takeLock(dir string) (*os.File, error) {
	path := filepath.Join(dir, "lock")
	f, err := openLocked(path)
	if errors.Is(err, ErrInUse) {
		return nil, fmt.Errorf("%w: %s", ErrInUse, dir)
	}
	return f, err
}

// Close lets another process have the folder. Nothing may be under way.
func (s *Store) Close() error { return s.lockFile.Close() }
