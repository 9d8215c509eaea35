// SPDX-License-Identifier: Apache-2.0

package store

import (
	"os"
	"runtime"
)

// syncDir makes the names in a folder durable. Windows does it by itself and
// has no call for it.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = f.Sync()
	if errClose := f.Close(); err == nil {
		err = errClose
	}
	return err
}
