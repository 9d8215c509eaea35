// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// name makes keys whose file is empty: who reads it finds it damaged.
func name(t *testing.T, s *Store, keys ...string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, key := range keys {
		path := s.objectPath(Name{"bucket", key})
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.Link(file, path))
	}
}

// TestListDeepFolders: every folder on the way down is held while the ones in it
// are walked, and a key has room for 500. Below many names few are held of each.
func TestListDeepFolders(t *testing.T) {
	s := open(t)
	var want, got []string
	for i := range 3 * minBatch {
		want = append(want, fmt.Sprintf("%03d", i))
	}
	name(t, s, want...)
	for _, held := range []int{0, maxHeld - minBatch - 1, maxHeld, maxHeld + 500*minBatch} {
		w, most := walker{held: held}, 0
		got = nil
		w.visit = func(key string) error {
			got = append(got, key)
			most = max(most, w.held-held)
			return nil
		}
		require.NoError(t, w.folder(filepath.Join(s.bucketDir("bucket"), "objects"), ""))
		require.Equal(t, want, got)
		require.Equal(t, min(len(want), max(minBatch, maxHeld-held)), most)
		require.Equal(t, held, w.held)
	}
}

// TestListEmptyFolders: folders that a killed process left empty stand for no
// common prefix, and for no objects of a bucket.
func TestListEmptyFolders(t *testing.T) {
	s := open(t)
	objects := filepath.Join(s.bucketDir("bucket"), "objects")
	for _, dir := range []string{"da-b/dc", "dempty/da/db", "dz-1"} {
		require.NoError(t, os.MkdirAll(filepath.Join(objects, dir), 0o700))
	}
	name(t, s, "a-c", "full/a/b/c")
	require.NoError(t, os.MkdirAll(filepath.Join(objects, "dfull", "da", "da"), 0o700))
	require.Equal(t, []string{"full/…"}, listAll(t, s, ListQuery{Delimiter: "/", After: "a-c", Limit: 10}))
	require.Equal(t, []string{"a-…"}, listAll(t, s, ListQuery{Delimiter: "-", Prefix: "a", Limit: 10}))
	require.Empty(t, listAll(t, s, ListQuery{Delimiter: "-", Prefix: "z", Limit: 10}))
	require.ErrorIs(t, s.DeleteBucket("bucket"), ErrBucketNotEmpty)
	require.NoError(t, os.RemoveAll(filepath.Join(objects, "dfull")))
	require.NoError(t, os.Remove(filepath.Join(objects, "oa-c")))
	require.NoError(t, s.DeleteBucket("bucket"))
}

// TestListHoldsNoParts: a page has a thousand objects, each of which may have ten
// thousand parts and 64 KiB of headers.
func TestListHoldsNoParts(t *testing.T) {
	s := open(t)
	w, err := s.Create(t.Context(), Name{"bucket", "k"})
	require.NoError(t, err)
	info := &Info{
		ETag: "e", Headers: map[string]string{"Cache-Control": strings.Repeat("x", 1000)}, Meta: map[string]string{"a": "b"},
		Tags: map[string]string{"a": "b"}, Checksums: map[string]string{"crc32": "AAAAAA=="}, ChecksumType: "FULL_OBJECT",
	}
	require.NoError(t, w.Commit(t.Context(), info, nil))
	page, err := s.List(t.Context(), "bucket", ListQuery{Limit: 10})
	require.NoError(t, err)
	require.Equal(t, []Entry{{"k", &Info{ETag: "e", Modified: info.Modified, Checksums: info.Checksums, ChecksumType: "FULL_OBJECT"}}}, page.Entries)
}
