// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func open(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.TempDir(), plainCipher{}, Written)
	require.NoError(t, err)
	require.NoError(t, s.CreateBucket("bucket", "owner"))
	return s
}

func put(t *testing.T, s *Store, key, body string) {
	t.Helper()
	w, err := s.Create(t.Context(), Name{"bucket", key})
	require.NoError(t, err, "%q", key)
	_, err = io.WriteString(w, body)
	require.NoError(t, err)
	require.NoError(t, w.Commit(t.Context(), &Info{ETag: "e"}, nil), "%q", key)
}

func get(t *testing.T, s *Store, key string, offset, length int64) string {
	t.Helper()
	o, err := s.Open(t.Context(), Name{"bucket", key})
	require.NoError(t, err)
	defer func() { _ = o.Close() }()
	r, err := o.Reader(t.Context(), offset, length)
	require.NoError(t, err)
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(b)
}

// hostileKeys are the names that leave a folder, hide one another or sort
// unexpectedly in careless stores.
var hostileKeys = []string{
	"a", "a/", "a//", "a//b", "/", "//", "/a", "..", "../..", "../../etc/passwd", "./a", "a/../b", "a/./b", ".", "a.b", "a!b", "a/b", "a0",
	"o", "d", "c", "oa", "da/x", "%2F", "a%2Fb", "a b", "a+b", "(1)", "ünï/cödé", "日本/語", "a\nb", "\\", "a\\b", "C:", "con", "~", "*", "?",
	strings.Repeat("x", 199), strings.Repeat("x", 200), strings.Repeat("x", 201), strings.Repeat("x", 200) + "/y", strings.Repeat("x", 200) + "!",
	strings.Repeat("x", 1024), strings.Repeat("/", 1024), strings.Repeat("%", 1024), strings.Repeat("é", 512), strings.Repeat("x", 200) + strings.Repeat("y", 200) + "/z",
	strings.Repeat("x", 198) + "%z", strings.Repeat("x", 199) + "%", strings.Repeat("x", 199) + "%/a", strings.Repeat("x", 199) + "%%",
}

func TestEveryKeyIsItsOwnObject(t *testing.T) {
	s := open(t)
	for _, key := range hostileKeys {
		put(t, s, key, "body of "+key)
	}
	for _, key := range hostileKeys {
		body := "body of " + key
		require.Equal(t, body, get(t, s, key, 0, int64(len(body))))
	}
	require.Equal(t, slices.Sorted(slices.Values(hostileKeys)), listAll(t, s, ListQuery{Limit: 3}))
	require.NoError(t, filepath.WalkDir(s.path("buckets"), func(path string, _ os.DirEntry, err error) error {
		require.LessOrEqual(t, len(filepath.Base(path)), 255)
		return err
	}))
	for _, key := range hostileKeys {
		require.NoError(t, s.Delete(t.Context(), Name{"bucket", key}, nil))
	}
	left, err := os.ReadDir(filepath.Join(s.bucketDir("bucket"), "objects"))
	require.NoError(t, err)
	require.Empty(t, left, "emptied folders are removed")
	require.NoError(t, s.DeleteBucket("bucket"))
}

func TestKeyNamesOutOfBounds(t *testing.T) {
	s := open(t)
	for _, key := range []string{"", strings.Repeat("x", 1025), "a\x00b", "\xff"} {
		_, err := s.Create(t.Context(), Name{"bucket", key})
		require.ErrorIs(t, err, ErrKeyName, "%q", key)
		_, err = s.Open(t.Context(), Name{"bucket", key})
		require.ErrorIs(t, err, ErrNoKey, "%q", key)
	}
}

func TestBucketNames(t *testing.T) {
	for name, want := range map[string]bool{
		"abc": true, "a.b-c": true, strings.Repeat("a", 63): true, "ab": false, strings.Repeat("a", 64): false, "Abc": false,
		"a_c": false, "-ab": false, "ab-": false, ".ab": false, "a..b": false, "192.168.1.1": false, "..": false, "a/b": false, "xn--abc": false,
	} {
		require.Equal(t, want, ValidBucket(name), name)
	}
}

// listAll pages through a listing; a common prefix is marked by a trailing "…".
func listAll(t *testing.T, s *Store, q ListQuery) []string {
	t.Helper()
	var got []string
	for {
		page, err := s.List(t.Context(), "bucket", q)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.Entries), q.Limit)
		for _, e := range page.Entries {
			text := e.Key
			if e.Info == nil {
				text += "…"
			}
			got = append(got, text)
			q.After = e.Key
		}
		if !page.Truncated {
			return got
		}
		require.NotEmpty(t, page.Entries)
	}
}

// slowList is what List does, said plainly.
func slowList(keys []string, q ListQuery) []string {
	var got []string
	for _, key := range slices.Sorted(slices.Values(keys)) {
		if key <= q.After || !strings.HasPrefix(key, q.Prefix) {
			continue
		}
		if q.Delimiter != "" {
			if head, _, found := strings.Cut(key[len(q.Prefix):], q.Delimiter); found {
				common := q.Prefix + head + q.Delimiter
				if common > q.After && !slices.Contains(got, common+"…") {
					got = append(got, common+"…")
				}
				continue
			}
		}
		got = append(got, key)
	}
	return got
}

func TestListAgreesWithTheSlowOne(t *testing.T) {
	s := open(t)
	rng := rand.New(rand.NewPCG(1, 2))
	keys := slices.Clone(hostileKeys)
	for range 150 {
		var b strings.Builder
		for range 1 + rng.IntN(9) {
			b.WriteString([]string{"a", "b", "/", "//", ".", "!", "0", "é", "%", strings.Repeat("x", 100)}[rng.IntN(10)])
		}
		keys = append(keys, b.String())
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	for _, key := range keys {
		put(t, s, key, "")
	}
	for i := range 30 {
		pick := func() string { k := keys[rng.IntN(len(keys))]; return k[:rng.IntN(len(k)+1)] }
		q := ListQuery{Limit: 1 + rng.IntN(40)}
		if i%2 == 0 {
			q.Prefix = strings.ToValidUTF8(pick(), "")
		}
		if i%3 == 0 {
			q.After = strings.ToValidUTF8(pick(), "")
		}
		q.Delimiter = []string{"", "/", "//", "a", "é", "/a", "xx"}[rng.IntN(7)]
		require.Equal(t, slowList(keys, q), listAll(t, s, q), "%+v", q)
	}
}

func TestListManyNamesInOneFolder(t *testing.T) {
	s := open(t)
	dir := filepath.Join(s.bucketDir("bucket"), "objects")
	var want []string
	for i := range batch + 500 { // names alone: the walk reads no file
		key := fmt.Sprintf("key-%d", i)
		want = append(want, key)
		require.NoError(t, os.WriteFile(filepath.Join(dir, keyPath(key)), nil, 0o600))
	}
	var got []string
	w := walker{visit: func(key string) error { got = append(got, key); return nil }}
	require.NoError(t, w.folder(dir, ""))
	slices.Sort(want)
	require.Equal(t, want, got)
}

func TestReaderKeepsTheObjectItOpened(t *testing.T) {
	s := open(t)
	put(t, s, "k", "old body")
	o, err := s.Open(t.Context(), Name{"bucket", "k"})
	require.NoError(t, err)
	defer func() { _ = o.Close() }()
	put(t, s, "k", "new")
	require.NoError(t, s.Delete(t.Context(), Name{"bucket", "k"}, nil))
	r, err := o.Reader(t.Context(), 4, 4)
	require.NoError(t, err)
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "body", string(b))
}

func TestFailedWriteLeavesTheOldObject(t *testing.T) {
	s := open(t)
	put(t, s, "k", "old")
	w, err := s.Create(t.Context(), Name{"bucket", "k"})
	require.NoError(t, err)
	_, err = io.WriteString(w, "half of the ne")
	require.NoError(t, err)
	w.Abort()
	require.Equal(t, "old", get(t, s, "k", 0, 3))
	w, err = s.Create(t.Context(), Name{"bucket", "k"})
	require.NoError(t, err)
	require.ErrorIs(t, w.Commit(t.Context(), &Info{}, func(*Info) error { return errThere }), errThere)
	require.Equal(t, "old", get(t, s, "k", 0, 3))
	left, err := os.ReadDir(s.path("tmp"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestDamagedFileIsRefused(t *testing.T) {
	s := open(t)
	put(t, s, "k", "body")
	path := s.objectPath(Name{"bucket", "k"})
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for n := range len(whole) {
		require.NoError(t, os.WriteFile(path, whole[:n], 0o600))
		_, err := s.Open(t.Context(), Name{"bucket", "k"})
		require.ErrorIs(t, err, ErrDamaged, "cut to %d bytes", n)
	}
	require.NoError(t, os.WriteFile(path, append([]byte("x"), whole...), 0o600))
	_, err = s.Open(t.Context(), Name{"bucket", "k"})
	require.ErrorIs(t, err, ErrDamaged, "a byte before the body")
}

func TestWritersAndDeletersOfOneFolder(t *testing.T) {
	s := open(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				key := fmt.Sprintf("deep/er/%d", i)
				w, err := s.Create(context.Background(), Name{"bucket", key})
				if err == nil {
					err = w.Commit(context.Background(), &Info{}, nil)
				}
				if err != nil {
					t.Errorf("put %d: %v", j, err)
				}
				if err := s.Delete(context.Background(), Name{"bucket", key}, nil); err != nil {
					t.Errorf("delete %d: %v", j, err)
				}
			}
		})
	}
	wg.Wait()
	require.Empty(t, listAll(t, s, ListQuery{Limit: 10}))
}

func TestBucketLife(t *testing.T) {
	s := open(t)
	require.ErrorIs(t, s.CreateBucket("bucket", "x"), ErrBucketExists)
	require.ErrorIs(t, s.CreateBucket("No", "x"), ErrBucketName)
	put(t, s, "k", "")
	require.ErrorIs(t, s.DeleteBucket("bucket"), ErrBucketNotEmpty)
	_, err := s.Document("bucket", Policy)
	require.ErrorIs(t, err, ErrNoDocument)
	require.NoError(t, s.SetDocument("bucket", Policy, []byte("{}")))
	text, err := s.Document("bucket", Policy)
	require.NoError(t, err)
	require.Equal(t, "{}", string(text))
	require.NoError(t, s.SetDocument("bucket", Policy, nil))
	_, err = s.Document("bucket", Policy)
	require.ErrorIs(t, err, ErrNoDocument)
	require.NoError(t, s.Delete(t.Context(), Name{"bucket", "k"}, nil))
	require.NoError(t, s.DeleteBucket("bucket"))
	require.ErrorIs(t, s.DeleteBucket("bucket"), ErrNoBucket)
	_, err = s.Create(t.Context(), Name{"bucket", "k"})
	require.ErrorIs(t, err, ErrNoBucket)
}

func TestWriterWhoseBucketGoes(t *testing.T) {
	s := open(t)
	w, err := s.Create(t.Context(), Name{"bucket", "k"})
	require.NoError(t, err)
	require.NoError(t, s.DeleteBucket("bucket"))
	require.ErrorIs(t, w.Commit(t.Context(), &Info{}, nil), ErrNoBucket)
}

// TestUpdateHoldsNobodyUp: an object may be replaced or deleted while its body
// is copied, and the change then applies to what is there.
func TestUpdateHoldsNobodyUp(t *testing.T) {
	s, c := openHooked(t)
	name := Name{"bucket", "k"}
	tag := func(info *Info) { info.Tags = map[string]string{"a": "b"} }
	put(t, s, "k", "old")
	c.seal = func() { put(t, s, "k", "newer") }
	require.NoError(t, s.Update(t.Context(), name, tag))
	require.Equal(t, "newer", get(t, s, "k", 0, 5))
	info, err := s.Stat(t.Context(), name)
	require.NoError(t, err)
	require.Equal(t, "b", info.Tags["a"])
	c.seal = func() { require.NoError(t, s.Delete(t.Context(), name, nil)) }
	require.ErrorIs(t, s.Update(t.Context(), name, tag), ErrNoKey)
	left, err := os.ReadDir(s.path("tmp"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestUpdateEndsWithItsCaller: the body may be terabytes, which nobody waits for
// any more.
func TestUpdateEndsWithItsCaller(t *testing.T) {
	s, c := openHooked(t)
	put(t, s, "k", "body")
	ctx, cancel := context.WithCancel(t.Context())
	c.seal = func() { require.Fail(t, "the body was copied") }
	require.ErrorIs(t, s.Update(ctx, Name{"bucket", "k"}, func(*Info) { cancel() }), context.Canceled)
	left, err := os.ReadDir(s.path("tmp"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestListNamesWhatItCannotRead: an object that is damaged is not passed over,
// and the error says which it is.
func TestListNamesWhatItCannotRead(t *testing.T) {
	s := open(t)
	put(t, s, "dir/good", "")
	put(t, s, "dir/bad", "")
	require.NoError(t, os.Truncate(s.objectPath(Name{"bucket", "dir/bad"}), 3))
	_, err := s.List(t.Context(), "bucket", ListQuery{Limit: 10})
	require.ErrorIs(t, err, ErrDamaged)
	require.ErrorContains(t, err, `"dir/bad"`)
	require.NoError(t, os.RemoveAll(s.bucketDir("bucket")))
	_, err = s.List(t.Context(), "bucket", ListQuery{Limit: 10})
	require.ErrorIs(t, err, ErrNoBucket, "deleted behind the first look")
}
