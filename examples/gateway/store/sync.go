// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"os"
	"runtime"
)

// Durability is what has to have happened before a write is acknowledged.
type Durability uint8

const (
	// Synced: the disk has it. It survives a power failure, as far as the disk
	// keeps its word. This is the zero value.
	Synced Durability = iota
	// Written: the system has it. It survives a killed process, not a power
	// failure or a crash of the system, which may lose the last half minute
	// or leave files of it empty or damaged; damage is found when they are read.
	Written
)

// UnmarshalText reads sync or write.
func (d *Durability) UnmarshalText(text []byte) error {
	switch string(text) {
	case "sync":
		*d = Synced
	case "write":
		*d = Written
	default:
		return fmt.Errorf("store: durability is sync or write, not %q", text)
	}
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (d Durability) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

func (d Durability) String() string {
	if d == Synced {
		return "sync"
	}
	return "write"
}

// Sync makes what was written to a file as durable as it has to be.
func (d Durability) Sync(f *os.File) error {
	if d != Synced {
		return nil
	}
	return f.Sync()
}

// syncDir makes the names in a folder durable. Windows does it by itself and
// has no call for it.
func (s *Store) syncDir(dir string) error {
	if s.durability != Synced || runtime.GOOS == "windows" {
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
