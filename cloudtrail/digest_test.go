// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// TestDigestTimes is CT-3: times of the digest are to the second and in UTC, as
// they stand in the key; the ones of events may be any RFC 3339.
func TestDigestTimes(t *testing.T) {
	trail, c := plainTrail()
	text := string(testkit.Gunzip(trail.Objects[c.Digests[0]]))
	for _, tc := range []struct {
		old, new string
		ok       bool
	}{
		{"", "", true},
		{`"digestStartTime":"2026-03-01T00:13:52Z"`, `"digestStartTime":"2026-03-01T00:13:52.5Z"`, false},
		{`"digestStartTime":"2026-03-01T00:13:52Z"`, `"digestStartTime":"2026-03-01T01:13:52+01:00"`, false},
		{`"digestStartTime":"2026-03-01T00:13:52Z"`, `"digestStartTime":"2026-02-30T00:13:52Z"`, false},
		{`"digestStartTime":"2026-03-01T00:13:52Z"`, `"digestStartTime":null`, false},
		{`"newestEventTime":null`, `"newestEventTime":"2026-03-01T00:13:52.5Z"`, true},
		{`"newestEventTime":null`, `"newestEventTime":"soon"`, false},
		{`"newestEventTime":null`, `"newestEventTime":1`, false},
	} {
		require.Contains(t, text, tc.old)
		_, err := cloudtrail.ParseDigest([]byte(strings.Replace(text, tc.old, tc.new, 1)), cloudtrail.Limits{})
		if tc.ok {
			require.NoError(t, err, tc.new)
		} else {
			require.ErrorIs(t, err, cloudtrail.ErrDigest, tc.new)
		}
	}
}

// TestDigestError: an error says where.
func TestDigestError(t *testing.T) {
	_, err := cloudtrail.ParseDigest([]byte("{\n \"logFiles\": [{\"s3Bucket\": 1}]}"), cloudtrail.Limits{})
	require.ErrorContains(t, err, "line 2, column 28")
	require.ErrorContains(t, err, "logFiles[0].s3Bucket")
}

// TestSignatureLength is CT-9: a signature has the length of the modulus, and
// the finding says so.
func TestSignatureLength(t *testing.T) {
	trail, c := plainTrail()
	trail.Meta[c.Digests[1]]["signature"] = strings.Repeat("ab", 255)
	rep := validate(t, trail.FS(), nil)
	require.Equal(t, []string{"digest-bad-signature"}, codes(rep))
	require.Contains(t, rep.Findings[0].Detail, "255 bytes")
}

// TestStoredLimit: an object of unknown length that goes on and on is given up.
func TestStoredLimit(t *testing.T) {
	trail, c := plainTrail()
	_, key, _ := strings.Cut(c.Digests[1], "/")
	rep := validate(t, trail.FS(), func(v *cloudtrail.Validator) {
		v.Limits.DigestStored = 4096
		v.Source = &faulty{Source: v.Source, open: func(k string, _ int) (func(*cloudtrail.Object) *cloudtrail.Object, error) {
			if k != key {
				return nil, nil
			}
			return func(o *cloudtrail.Object) *cloudtrail.Object {
				// A gzip header with a comment that has no end.
				o.Size = -1
				o.Body = io.NopCloser(io.MultiReader(bytes.NewReader([]byte{0x1f, 0x8b, 8, 1 << 4, 0, 0, 0, 0, 0, 0}), forever{}))
				return o
			}, nil
		}}
	})
	require.Equal(t, []string{"digest-unreadable"}, codes(rep))
	require.Equal(t, "limit", rep.Findings[0].Detail)
}

type forever struct{}

func (forever) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

// TestFoldersRefuse is CT-45: no key leads out of the tree.
func TestFoldersRefuse(t *testing.T) {
	trail, _ := plainTrail()
	d := cloudtrail.Directory{FS: trail.FS()}
	for _, where := range [][2]string{
		{"trail-logs", "../keys.us-east-1.json"},
		{"..", "x"},
		{".", "keys.us-east-1.json"},
		{"trail-logs", ""},
		{"trail-logs", "a//b"},
		{"trail-logs", "/a"},
		{"trail-logs", "a/./b"},
		{"trail-logs/AWSLogs", "x"},
		{"", "x"},
		{"trail-logs", "x.meta.json"},
	} {
		_, err := d.Open(t.Context(), where[0], where[1])
		require.ErrorIs(t, err, cloudtrail.ErrName, "%q", where)
	}
	for _, err := range d.List(t.Context(), "..", "", "") {
		require.ErrorIs(t, err, cloudtrail.ErrName)
	}
	for key := range d.List(t.Context(), "trail-logs", "../", "") {
		t.Errorf("listed %s", key)
	}
}

// TestNewestWithoutMetadata is CT-46: where other digests have a signature
// beside them, the newest without one is a fault like any other.
func TestNewestWithoutMetadata(t *testing.T) {
	trail, c := plainTrail()
	delete(trail.Meta, c.Digests[2])
	rep := validate(t, trail.FS(), nil)
	require.Equal(t, []string{"digest-no-signature"}, codes(rep))
	require.Equal(t, cloudtrail.Fault, rep.Findings[0].Severity)
	clear(trail.Meta)
	rep = validate(t, trail.FS(), nil)
	require.Equal(t, cloudtrail.Warning, rep.Findings[0].Severity)
	require.Equal(t, "newest digest of a copy without metadata", rep.Findings[0].Detail)
}

// TestEmptySignature is CT-9 and CT-16: an empty signature is there, has the
// wrong length and is not the same as none, so that nobody turns tampering into
// a copy without metadata; and CT-46: a signature that the next digest holds is
// as much a statement when it is empty, and its digest has a finding.
func TestEmptySignature(t *testing.T) {
	trail, c := plainTrail()
	trail.Meta[c.Digests[1]]["signature"] = ""
	require.Equal(t, []string{"digest-bad-signature"}, codes(validate(t, trail.FS(), nil)))
	for _, meta := range trail.Meta {
		meta["signature"] = ""
	}
	bad := []string{"digest-bad-signature", "digest-bad-signature", "digest-bad-signature"}
	require.Equal(t, bad, codes(validate(t, trail.FS(), nil)))

	trail, c = plainTrail()
	trail.Meta[c.Digests[1]]["signature-algorithm"] = ""
	require.Equal(t, []string{"digest-unsupported-algorithm"}, codes(validate(t, trail.FS(), nil)))

	trail, c = plainTrail()
	clear(trail.Meta)
	newest := testkit.Gunzip(trail.Objects[c.Digests[2]])
	newest = regexp.MustCompile(`"previousDigestSignature":"[0-9a-f]+"`).ReplaceAll(newest, []byte(`"previousDigestSignature":""`))
	trail.Objects[c.Digests[2]] = testkit.Gzip(newest)
	rep := validate(t, trail.FS(), nil)
	require.Equal(t, []string{"digest-bad-signature", "digest-no-signature", "digest-no-signature"}, codes(rep))
	require.Equal(t, cloudtrail.Tampered, rep.Verdict)
}

// TestFindingsAreShort: what a digest says is a stranger's text of up to 64 MiB,
// which takes 64 KiB as stored. Of each the report keeps 2 KiB at most, as long as
// it is read and not only where it is printed.
func TestFindingsAreShort(t *testing.T) {
	const limit = 2 << 10
	long := strings.Repeat("é", 1<<20)
	set := func(member string, value any) func(map[string]any) {
		return func(m map[string]any) { m[member] = value }
	}
	for _, tc := range []struct {
		name string
		edit func(map[string]any)
		code string
	}{
		{"bucket", set("digestS3Bucket", long), "digest-moved"},
		{"object", set("digestS3Object", long), "digest-moved"},
		{"algorithm", set("digestSignatureAlgorithm", long), "digest-unsupported-algorithm"},
		{"fingerprint", set("digestPublicKeyFingerprint", long), "digest-unknown-key"},
		{"path", set("x", json.RawMessage(strings.Repeat(`{"`+strings.Repeat("\u202e", 128)+`":`, 60)+`{"y":1,"y":2}`+strings.Repeat("}", 60))), "digest-invalid"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			trail, c := plainTrail()
			c.Edit = tc.edit
			c.Hour(0)
			rep := validate(t, trail.FS(), nil)
			require.Contains(t, codes(rep), tc.code)
			for _, f := range rep.Findings {
				for _, text := range []string{f.Detail, f.Want, f.Got} {
					require.LessOrEqual(t, len(text), limit+len("…"))
					require.True(t, utf8.ValidString(text))
				}
			}
		})
	}
	for length, whole := range map[int]bool{limit: true, limit + 1: false} {
		trail, c := plainTrail()
		text := strings.Repeat("x", length)
		c.Edit = set("digestSignatureAlgorithm", text)
		c.Hour(0)
		rep := validate(t, trail.FS(), nil)
		require.Equal(t, whole, rep.Findings[0].Got == text)
	}
}
