// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

// location returns the s3:// name of an object of the tree.
func location(dir, path string) string {
	return "s3:/" + filepath.ToSlash(strings.TrimPrefix(path, dir))
}

// TestProveVerify is CT-58 from outside: a bundle made of a tree verifies with
// the key file alone, after the tree is gone; the same tree gives the same bytes.
func TestProveVerify(t *testing.T) {
	dir := tree(t, 4)
	log := location(dir, object(t, dir, "CloudTrail/", 1))
	elsewhere := t.TempDir()
	keys := filepath.Join(elsewhere, "keys.us-east-1.json")
	data, err := os.ReadFile(filepath.Join(dir, "keys.us-east-1.json"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(keys, data, 0o644))
	path := filepath.Join(elsewhere, "bundle.json")
	stdout, stderr, exit := command(t, "prove", "-dir", dir, "-log", log, "-links", "2", "-out", path)
	require.Zero(t, exit, stderr)
	require.Empty(t, stdout)
	printed, _, exit := command(t, "prove", "-dir", dir, "-log", log, "-links", "2")
	require.Zero(t, exit)
	bundle, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(bundle), printed)
	require.NoError(t, os.RemoveAll(dir))

	stdout, _, exit = command(t, "verify", "-keys", keys, "-log", log, path)
	require.Zero(t, exit, stdout)
	require.Contains(t, stdout, "proved: "+log+"\n")
	require.Contains(t, stdout, "chain goes on to: 2026-03-01T04:13:52Z\n")
	require.True(t, strings.HasSuffix(stdout, "verdict: valid\n"))
	stdout, _, exit = command(t, "verify", "-keys", keys, "-format", "json", path)
	require.Zero(t, exit)
	var r struct {
		Verdict string
		Proof   struct {
			Object, SHA256 string
			Content        bool
		}
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &r))
	require.Equal(t, "valid", r.Verdict)
	require.Equal(t, log, r.Proof.Object)
	require.True(t, r.Proof.Content)

	stdout, _, exit = command(t, "verify", "-keys", keys, "-log", log+"x", "-format", "json", path)
	require.Equal(t, 1, exit)
	require.Equal(t, "log-unreferenced", report(t, stdout).Findings[0].Code)
}

// TestVerifyRefuses: a bundle that lies is tampered with, one that is none is an
// error, and none vouches for its own key.
func TestVerifyRefuses(t *testing.T) {
	dir := tree(t, 3)
	log := location(dir, object(t, dir, "CloudTrail/", 1))
	printed, stderr, exit := command(t, "prove", "-dir", dir, "-log", log)
	require.Zero(t, exit, stderr)
	keys := filepath.Join(dir, "keys.us-east-1.json")
	path := filepath.Join(t.TempDir(), "bundle.json")
	verify := func(change func(*cloudtrail.Bundle), args ...string) (string, int) {
		b, err := cloudtrail.ParseBundle([]byte(printed))
		require.NoError(t, err)
		change(b)
		data, err := json.Marshal(b)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, data, 0o644))
		stdout, stderr, exit := command(t, append(append([]string{"verify", "-format", "json"}, args...), path)...)
		require.NotContains(t, stdout, `"proof"`)
		if exit != 3 {
			require.Empty(t, stderr)
		}
		r := report(t, stdout)
		if len(r.Findings) == 0 {
			return r.Verdict, exit
		}
		return r.Findings[0].Code, exit
	}
	for _, tc := range []struct {
		name   string
		change func(*cloudtrail.Bundle)
		args   []string
		code   string
		exit   int
	}{
		{"signature", func(b *cloudtrail.Bundle) { b.Digest.Signature = "00" + b.Digest.Signature[2:] }, []string{"-keys", keys}, "digest-bad-signature", 1},
		{"file", func(b *cloudtrail.Bundle) { b.Log = append(b.Log, 0) }, []string{"-keys", keys}, "log-trailing-data", 1},
		{"name", func(b *cloudtrail.Bundle) { b.Object = "s3://logs/../../etc/passwd" }, []string{"-keys", keys}, "log-unreferenced", 1},
		{"no keys", func(*cloudtrail.Bundle) {}, nil, "usage-error", 3},
		{"keys that are none", func(*cloudtrail.Bundle) {}, []string{"-keys", path}, "error", 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, exit := verify(tc.change, tc.args...)
			require.Equal(t, tc.code, code)
			require.Equal(t, tc.exit, exit)
		})
	}
	require.NoError(t, os.WriteFile(path, []byte("{\n  \"version\": x"), 0o644))
	_, stderr, exit = command(t, "verify", "-keys", keys, path)
	require.Equal(t, 3, exit)
	require.Contains(t, stderr, "line 2, column 14")
	_, _, exit = command(t, "verify", "-h")
	require.Zero(t, exit)
	require.NoError(t, os.WriteFile(path, []byte(printed), 0o644))
	_, _, exit = command(t, "verify", "-keys", keys, path)
	require.Zero(t, exit)
	stdout, _, exit := command(t, "verify", "-keys", keys, path, "more")
	require.Equal(t, 3, exit)
	require.Contains(t, stdout, "usage-error")
	_, _, exit = command(t, "verify", "-keys", keys, filepath.Join(dir, "nowhere"))
	require.Equal(t, 3, exit)
}

// TestProveRefuses: what cannot be proved makes no file.
func TestProveRefuses(t *testing.T) {
	dir := tree(t, 3)
	path := object(t, dir, "CloudTrail/", 1)
	log := location(dir, path)
	out := filepath.Join(t.TempDir(), "bundle.json")
	for _, tc := range []struct {
		name string
		args []string
		exit int
		want string
	}{
		{"help", []string{"-h"}, 0, "usage: trailcheck prove"},
		{"no log", []string{"-dir", dir}, 3, "-log"},
		{"no source", []string{"-log", log}, 3, "-dir or -bucket"},
		{"no location", []string{"-dir", dir, "-log", "x"}, 3, "-log"},
		{"not listed", []string{"-dir", dir, "-log", log + "x"}, 2, "log-unreferenced"},
		{"no such event", []string{"-dir", dir, "-log", log, "-event", "none"}, 2, "log-missing"},
		{"too many links", []string{"-dir", dir, "-log", log, "-links", "1001"}, 3, "Links"},
		{"no such flag", []string{"-nonsense"}, 3, "nonsense"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			stdout, stderr, exit := command(t, append([]string{"prove", "-out", out}, tc.args...)...)
			require.Equal(t, tc.exit, exit, stderr)
			require.Empty(t, stdout)
			require.Contains(t, stderr, tc.want)
			require.NoFileExists(t, out)
		})
	}
	require.NoError(t, os.Truncate(path, 20))
	_, stderr, exit := command(t, "prove", "-dir", dir, "-log", log, "-out", out)
	require.Equal(t, 1, exit)
	require.Contains(t, stderr, "log-invalid")
	require.NoFileExists(t, out)
}
