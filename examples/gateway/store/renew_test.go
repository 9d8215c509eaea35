// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// renewer gives every message a new body, and does something first.
type renewer struct {
	plain bool // the next messages are fresh
	first func()
	fail  error
}

func (r *renewer) Fresh(io.Reader) (bool, error) { return r.plain, nil }

func (r *renewer) Renew(_ context.Context, w io.Writer, message io.Reader, _ Name, id string) (string, error) {
	if r.first != nil {
		r.first()
	}
	if r.fail != nil {
		return "", r.fail
	}
	_, err := io.Copy(w, message)
	return id, err
}

func body(t *testing.T, s *Store, key string) string {
	t.Helper()
	o, err := s.Open(t.Context(), Name{"bucket", key})
	require.NoError(t, err)
	defer func() { _ = o.Close() }()
	r, err := o.Reader(t.Context(), 0, o.Size)
	require.NoError(t, err)
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(text)
}

func noFailure(Name, error) error { return errors.New("nothing may fail") }

// TestRenewLeavesWhatWasReplaced: an object that is replaced or deleted while it
// is renewed stays so.
func TestRenewLeavesWhatWasReplaced(t *testing.T) {
	s := open(t)
	put(t, s, "k", "old")
	r := &renewer{first: func() { put(t, s, "k", "new") }}
	found, err := s.Renew(t.Context(), r, noFailure)
	require.NoError(t, err)
	require.Equal(t, Renewal{Missed: 1}, found)
	require.Equal(t, "new", body(t, s, "k"))
	r.first = func() { require.NoError(t, s.Delete(t.Context(), Name{"bucket", "k"}, nil)) }
	found, err = s.Renew(t.Context(), r, noFailure)
	require.NoError(t, err)
	require.Equal(t, Renewal{Missed: 1}, found)
	_, err = s.Stat(t.Context(), Name{"bucket", "k"})
	require.ErrorIs(t, err, ErrNoKey)
	left, err := os.ReadDir(s.path("tmp"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestRenewGoesOn passes by what fails, and ends where it is told to.
func TestRenewGoesOn(t *testing.T) {
	s := open(t)
	for _, key := range []string{"a", "b", "c"} {
		put(t, s, key, key)
	}
	damaged := errors.New("damaged")
	r := &renewer{fail: damaged}
	var keys []string
	failed := func(name Name, err error) error {
		require.ErrorIs(t, err, damaged)
		keys = append(keys, name.Key)
		return nil
	}
	found, err := s.Renew(t.Context(), r, failed)
	require.NoError(t, err)
	require.Equal(t, Renewal{Failed: 3}, found)
	require.Equal(t, []string{"a", "b", "c"}, keys)
	_, err = s.Renew(t.Context(), r, noFailure)
	require.ErrorContains(t, err, "nothing may fail")
	r.fail = nil
	found, err = s.Renew(t.Context(), r, noFailure)
	require.NoError(t, err)
	require.Equal(t, Renewal{Renewed: 3}, found)
	require.Equal(t, "b", body(t, s, "b"))
	r.plain = true
	found, err = s.Renew(t.Context(), r, noFailure)
	require.NoError(t, err)
	require.Equal(t, Renewal{}, found)
}

// TestRenewFindsParts wherever the store lies: in a folder whose name is a pattern
// that does not match itself, parts were passed over, and the pass was done.
func TestRenewFindsParts(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "a[b]c"), plainCipher{}, Written)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.CreateBucket("bucket", "owner"))
	u := begin(t, s, "k")
	putPart(t, s, u, 1, "one")
	putPart(t, s, u, 10_000, "two")
	found, err := s.Renew(t.Context(), &renewer{}, noFailure)
	require.NoError(t, err)
	require.Equal(t, Renewal{Renewed: 2}, found)
}
