// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestANewFileIsWholeOrNotThere: where the disk has no room for a key, the next
// start finds none, and makes one; one that is there is never touched.
func TestANewFileIsWholeOrNotThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "gateway.key")
	var was syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was))
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 4, Max: was.Max}))
	err := writeNewFile(path, []byte("half of it fits"))
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was))
	require.ErrorIs(t, err, syscall.EFBIG)
	require.NoFileExists(t, path)
	require.NoError(t, writeNewFile(path, []byte("whole")))
	require.ErrorIs(t, writeNewFile(path, []byte("another")), fs.ErrExist)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "whole", string(text))
}
