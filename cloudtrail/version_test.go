// SPDX-License-Identifier: Apache-2.0

package cloudtrail_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// versions holds the versions of objects, newest first.
type versions struct {
	bodies map[string][][]byte
	meta   map[string]map[string]string
	opened int
	err    error
}

func (v *versions) Versions(_ context.Context, bucket, key string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if v.err != nil {
			yield("", v.err)
			return
		}
		for i := range v.bodies[bucket+"/"+key] {
			if !yield(fmt.Sprint("v", i), nil) {
				return
			}
		}
	}
}

func (v *versions) OpenVersion(_ context.Context, bucket, key, version string) (*cloudtrail.Object, error) {
	v.opened++
	var n int
	if _, err := fmt.Sscanf(version, "v%d", &n); err != nil || v.bodies[bucket+"/"+key][n] == nil {
		return nil, fs.ErrNotExist
	}
	body := v.bodies[bucket+"/"+key][n]
	return &cloudtrail.Object{Body: io.NopCloser(bytes.NewReader(body)), Size: int64(len(body)), Metadata: v.meta[bucket+"/"+key]}, nil
}

// TestVersions is CT-48: after an overwrite or a deletion the version that
// passes is named, the finding stays with its code, and one that does not pass
// is not named. Without the option nothing is tried.
func TestVersions(t *testing.T) {
	for _, tc := range []struct {
		name   string
		object func(*testkit.TrailChain) string
		tamper func(tr *testkit.Trail, path string)
		older  func(good []byte) [][]byte
		code   string
		want   string
	}{
		{"log overwritten", logOf, overwrite, func(good []byte) [][]byte { return [][]byte{testkit.Gzip([]byte("{}")), good} }, "log-hash-mismatch", "v1"},
		{"log deleted", logOf, drop, func(good []byte) [][]byte { return [][]byte{good} }, "log-missing", "v0"},
		{"log deleted, version gone", logOf, drop, func(good []byte) [][]byte { return [][]byte{nil, good} }, "log-missing", "v1"},
		{"log replaced by text", logOf, func(tr *testkit.Trail, path string) { tr.Objects[path] = []byte("text") }, func(good []byte) [][]byte { return [][]byte{good} }, "log-not-gzip", "v0"},
		{"log never good", logOf, overwrite, func([]byte) [][]byte { return [][]byte{testkit.Gzip([]byte("{}"))} }, "log-hash-mismatch", ""},
		{"log without versions", logOf, overwrite, func([]byte) [][]byte { return nil }, "log-hash-mismatch", ""},
		{"digest overwritten", digestOf, overwrite, func(good []byte) [][]byte { return [][]byte{testkit.Gzip([]byte("{}")), good} }, "digest-invalid", "v1"},
		{"digest deleted", digestOf, drop, func(good []byte) [][]byte { return [][]byte{good} }, "digest-missing", "v0"},
		{"digest with bytes behind", digestOf, func(tr *testkit.Trail, path string) { tr.Objects[path] = append(bytes.Clone(tr.Objects[path]), 0) }, func(good []byte) [][]byte { return [][]byte{append(bytes.Clone(good), 1), good} }, "digest-trailing-data", "v1"},
		{"101 bad versions first", logOf, overwrite, func(good []byte) [][]byte { return append(make([][]byte, 100), good) }, "log-hash-mismatch", ""},
		{"99 bad versions first", logOf, overwrite, func(good []byte) [][]byte { return append(make([][]byte, 99), good) }, "log-hash-mismatch", "v99"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			trail, c := proofTrail()
			path := tc.object(c)
			v := &versions{bodies: map[string][][]byte{path: tc.older(trail.Objects[path])}, meta: map[string]map[string]string{path: trail.Meta[path]}}
			tc.tamper(trail, path)
			plain := validate(t, trail.FS(), nil)
			rep := validate(t, trail.FS(), func(val *cloudtrail.Validator) { val.Versions = v })
			require.Equal(t, []string{tc.code}, codes(rep))
			require.Equal(t, plain.Verdict, rep.Verdict)
			_, id, found := strings.Cut(rep.Findings[0].Detail, "; recoveredVersion ")
			require.Equal(t, tc.want != "", found, rep.Findings[0].Detail)
			require.Equal(t, tc.want, id)
			require.NotContains(t, plain.Findings[0].Detail, "recoveredVersion")
			require.LessOrEqual(t, v.opened, 200)
		})
	}
	trail, c := proofTrail()
	overwrite(trail, logOf(c))
	rep := validate(t, trail.FS(), func(val *cloudtrail.Validator) { val.Versions = &versions{err: errors.New("AccessDenied")} })
	require.Equal(t, []string{"log-hash-mismatch"}, codes(rep))
}

func logOf(c *testkit.TrailChain) string       { return c.Logs[2][1] }
func digestOf(c *testkit.TrailChain) string    { return c.Digests[2] }
func overwrite(tr *testkit.Trail, path string) { tr.Objects[path] = testkit.Gzip([]byte("{ }")) }
func drop(tr *testkit.Trail, path string)      { delete(tr.Objects, path); delete(tr.Meta, path) }

// A versioned bucket: findings name the version that passes.
func ExampleVersionSource() {
	var source cloudtrail.VersionSource = &versions{}
	v := cloudtrail.Validator{Versions: source}
	fmt.Println(v.Versions != nil)
	// Output: true
}
