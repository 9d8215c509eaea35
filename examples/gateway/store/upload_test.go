// SPDX-License-Identifier: Apache-2.0

package store

import (
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func begin(t *testing.T, s *Store, key string) *Upload {
	t.Helper()
	u := &Upload{Key: key, Owner: "me", Info: Info{Meta: map[string]string{"a": "b"}}}
	require.NoError(t, s.CreateUpload(t.Context(), "bucket", u))
	return u
}

func putPart(t *testing.T, s *Store, u *Upload, number int, body string) string {
	t.Helper()
	w, err := s.Create(t.Context(), Name{"bucket", u.Key})
	require.NoError(t, err)
	_, err = io.WriteString(w, body)
	require.NoError(t, err)
	etag := fmt.Sprintf("%x", md5.Sum([]byte(body)))
	require.NoError(t, w.CommitPart(t.Context(), u.ID, number, &Info{ETag: etag}))
	return etag
}

func nothing(*Info) error { return nil }

func TestUploadLife(t *testing.T) {
	s := open(t)
	u := begin(t, s, "k")
	three := putPart(t, s, u, 3, "three")
	putPart(t, s, u, 1, "replaced")
	one := putPart(t, s, u, 1, "one one")
	putPart(t, s, u, 2, "left out")

	parts, more, err := s.Parts(t.Context(), Name{"bucket", "k"}, u.ID, 0, 2)
	require.NoError(t, err)
	require.True(t, more)
	require.Equal(t, []int{1, 2}, []int{parts[0].Number, parts[1].Number})

	_, err = s.Open(t.Context(), Name{"bucket", "k"})
	require.ErrorIs(t, err, ErrNoKey, "nothing is visible before completion")
	info, err := s.Complete(t.Context(), Name{"bucket", "k"}, u, []Chosen{{Number: 1, ETag: one}, {Number: 3, ETag: three}}, 5, nothing, nil)
	require.NoError(t, err)
	require.Equal(t, int64(12), info.Size)
	require.Regexp(t, "^[0-9a-f]{32}-2$", info.ETag)

	const whole = "one onethree"
	for offset := range len(whole) {
		for length := 1; offset+length <= len(whole); length++ {
			require.Equal(t, whole[offset:offset+length], get(t, s, "k", int64(offset), int64(length)))
		}
	}
	_, err = s.Upload(t.Context(), Name{"bucket", "k"}, u.ID)
	require.ErrorIs(t, err, ErrNoUpload)
	require.NoError(t, s.Update(t.Context(), Name{"bucket", "k"}, func(i *Info) { i.Tags = map[string]string{"x": "y"} }))
	require.Equal(t, whole, get(t, s, "k", 0, 12))
}

func TestCompleteRefuses(t *testing.T) {
	s := open(t)
	u := begin(t, s, "k")
	one, two := putPart(t, s, u, 1, "one"), putPart(t, s, u, 2, "two")
	for name, c := range map[string]struct {
		chosen []Chosen
		want   error
	}{
		"unknown part":     {[]Chosen{{Number: 7, ETag: one}}, ErrInvalidPart},
		"another ETag":     {[]Chosen{{Number: 1, ETag: two}}, ErrInvalidPart},
		"twice the same":   {[]Chosen{{Number: 1, ETag: one}, {Number: 1, ETag: one}}, ErrPartOrder},
		"descending":       {[]Chosen{{Number: 2, ETag: two}, {Number: 1, ETag: one}}, ErrPartOrder},
		"first too small":  {[]Chosen{{Number: 1, ETag: one}, {Number: 2, ETag: two}}, ErrPartTooSmall},
		"another checksum": {[]Chosen{{Number: 1, ETag: one, Checksums: map[string]string{"crc32": "AAAAAA=="}}}, ErrInvalidPart},
	} {
		_, err := s.Complete(t.Context(), Name{"bucket", "k"}, u, c.chosen, 5, nothing, nil)
		require.ErrorIs(t, err, c.want, name)
		_, err = s.Open(t.Context(), Name{"bucket", "k"})
		require.ErrorIs(t, err, ErrNoKey, name)
	}
}

func TestUploadIsBoundToItsKeyAndBucket(t *testing.T) {
	s := open(t)
	u := begin(t, s, "k")
	require.NoError(t, s.CreateBucket("other", "me"))
	for _, name := range []Name{{"bucket", "other"}, {"other", "k"}} {
		_, err := s.Upload(t.Context(), name, u.ID)
		require.ErrorIs(t, err, ErrNoUpload)
	}
	for _, id := range []string{"", "..", "../../buckets", u.ID[1:], u.ID + "00"} {
		_, err := s.Upload(t.Context(), Name{"bucket", "k"}, id)
		require.ErrorIs(t, err, ErrNoUpload, id)
	}
}

func TestAbortAndExpiry(t *testing.T) {
	s := open(t)
	u, v := begin(t, s, "k"), begin(t, s, "j")
	var keys []string
	require.NoError(t, s.Uploads(t.Context(), "bucket", func(u *Upload, err error) error { keys = append(keys, u.Key); return err }))
	require.ElementsMatch(t, []string{"j", "k"}, keys)
	require.Positive(t, u.Compare(v))
	require.NoError(t, s.AbortUpload(t.Context(), Name{"bucket", "k"}, u.ID))
	require.ErrorIs(t, s.AbortUpload(t.Context(), Name{"bucket", "k"}, u.ID), ErrNoUpload)
	w, err := s.Create(t.Context(), Name{"bucket", "k"})
	require.NoError(t, err)
	require.ErrorIs(t, w.CommitPart(t.Context(), u.ID, 1, &Info{}), ErrNoUpload, "a part that arrives late")
	n, err := s.ExpireUploads(t.Context(), v.Initiated)
	require.NoError(t, err)
	require.Zero(t, n)
	n, err = s.ExpireUploads(t.Context(), v.Initiated.Add(time.Millisecond))
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

// TestAnUploadEndsOnce: of a completion and an abortion that come together one
// succeeds, and the other is told that the upload is gone.
func TestAnUploadEndsOnce(t *testing.T) {
	s := open(t)
	ctx, name := t.Context(), Name{"bucket", "k"}
	for range 50 {
		u := begin(t, s, "k")
		etag := putPart(t, s, u, 1, strings.Repeat("x", 256<<10))
		aborted := make(chan error, 1)
		meanwhile := func(*Info) error { // the completion is under way
			go func() { aborted <- s.AbortUpload(ctx, name, u.ID) }()
			return nil
		}
		_, err := s.Complete(ctx, name, u, []Chosen{{Number: 1, ETag: etag}}, 0, meanwhile, nil)
		require.NoError(t, err)
		require.ErrorIs(t, <-aborted, ErrNoUpload)
	}
	u := begin(t, s, "k")
	etag := putPart(t, s, u, 1, "x")
	require.NoError(t, s.AbortUpload(ctx, name, u.ID))
	_, err := s.Complete(ctx, name, u, []Chosen{{Number: 1, ETag: etag}}, 0, nothing, nil)
	require.ErrorIs(t, err, ErrNoUpload)
}

// TestPartsOfAnUploadThatEnds: whoever lists them meanwhile is told that there
// is no such upload, not that a part is wrong.
func TestPartsOfAnUploadThatEnds(t *testing.T) {
	s, c := openHooked(t)
	u := begin(t, s, "k")
	putPart(t, s, u, 1, "one")
	putPart(t, s, u, 2, "two")
	var aborted error
	c.unseal = func() { aborted = s.AbortUpload(t.Context(), Name{"bucket", "k"}, u.ID) }
	_, _, err := s.Parts(t.Context(), Name{"bucket", "k"}, u.ID, 0, 10)
	require.NoError(t, aborted)
	require.ErrorIs(t, err, ErrNoUpload)
	require.False(t, errors.Is(err, ErrInvalidPart))
}

// TestUploadsHaveNoLockInCommon: while one is completed, which may copy
// terabytes, parts of all others are taken.
func TestUploadsHaveNoLockInCommon(t *testing.T) {
	s := open(t)
	u := begin(t, s, "k")
	one := putPart(t, s, u, 1, "one")
	others := make([]*Upload, 100)
	for i := range others {
		others[i] = begin(t, s, "other")
	}
	_, err := s.Complete(t.Context(), Name{"bucket", "k"}, u, []Chosen{{Number: 1, ETag: one}}, 0, func(*Info) error {
		for _, other := range others {
			putPart(t, s, other, 1, "meanwhile")
		}
		return nil
	}, nil)
	require.NoError(t, err)
	require.Empty(t, s.uploads.held)
}

// TestWhatIsGoneHoldsNobodyUp: what a bucket or an upload leaves behind may be a
// million files. It is out of sight, and nobody waits, before they are deleted. On
// a full disk too: that takes one rename, and no new folder.
func TestWhatIsGoneHoldsNobodyUp(t *testing.T) {
	s := open(t)
	u := begin(t, s, "k")
	putPart(t, s, u, 1, "one")
	upload, err := s.abortUpload(t.Context(), Name{"bucket", "k"}, u.ID)
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(upload, "part-00001"))
	require.Empty(t, s.uploads.held)
	putPart(t, s, begin(t, s, "k"), 1, "another")
	bucket, err := s.takeBucket("bucket")
	require.NoError(t, err)
	require.DirExists(t, filepath.Join(bucket, "uploads"))
	require.NoError(t, s.CreateBucket("bucket", "somebody else"))
	put(t, s, "k", "body")
	require.Equal(t, "body", get(t, s, "k", 0, 4))
	for _, gone := range []string{upload, bucket} {
		require.Equal(t, s.path("tmp"), filepath.Dir(gone), "where a killed process's are deleted")
	}
}

// TestADamagedUploadStopsNothing: the others expire and are renewed all the same,
// and what a killed process left of one that began is gone.
func TestADamagedUploadStopsNothing(t *testing.T) {
	s := open(t)
	all := map[string]*Upload{}
	for range 8 {
		u := begin(t, s, "k")
		putPart(t, s, u, 1, "one")
		all[u.ID] = u
	}
	for id := range all {
		require.NoError(t, os.WriteFile(filepath.Join(s.uploadDir("bucket", id), "upload"), nil, 0o600))
		delete(all, id)
		break
	}
	require.NoError(t, s.CreateBucket("other", "me"))
	w, err := s.Create(t.Context(), Name{"other", "k"})
	require.NoError(t, err)
	require.NoError(t, w.Commit(t.Context(), &Info{}, nil))
	require.NoError(t, os.Mkdir(s.uploadDir("bucket", strings.Repeat("0", 40)), 0o700))

	found, err := s.Renew(t.Context(), &renewer{}, func(name Name, err error) error {
		require.ErrorIs(t, err, ErrDamaged)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, Renewal{Renewed: 8, Failed: 1}, found)
	require.NoDirExists(t, s.uploadDir("bucket", strings.Repeat("0", 40)))
	n, err := s.ExpireUploads(t.Context(), s.now().Add(time.Hour))
	require.ErrorIs(t, err, ErrDamaged)
	require.Equal(t, 7, n)
	left, err := os.ReadDir(filepath.Join(s.bucketDir("bucket"), "uploads"))
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.ErrorContains(t, s.Uploads(t.Context(), "bucket", func(_ *Upload, err error) error { return err }), "damaged")
}
