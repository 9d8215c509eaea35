// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

// looker calls back with each report that is printed.
type looker struct {
	buf  bytes.Buffer
	each func(n int, line string)
	n    int
}

func (l *looker) Write(p []byte) (int, error) {
	l.buf.Write(p)
	for {
		line, err := l.buf.ReadString('\n')
		if err == io.EOF {
			l.buf.WriteString(line)
			return len(p), nil
		}
		l.n++
		l.each(l.n, line)
	}
}

// TestFollow: each new hour is one report on a line, the checkpoint is saved
// before the next look, and who is interrupted goes on from there.
func TestFollow(t *testing.T) {
	dir := tree(t, 2)
	point := filepath.Join(t.TempDir(), "point.json")
	var ends []string
	args := []string{"-dir", dir, "-follow", "-every", "1ms", "-checkpoint", point, "-format", "json"}
	follow := func(hours, until int) int {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		out := &looker{each: func(n int, line string) {
			r := report(t, line)
			require.Equal(t, "valid", r.Verdict)
			intervals := r.Coverage[0].Intervals
			ends = append(ends, intervals[len(intervals)-1][1])
			saved, err := os.ReadFile(point)
			require.NoError(t, err)
			require.Contains(t, string(saved), intervals[len(intervals)-1][1])
			if n == until {
				cancel()
				return
			}
			extend(t, dir, "111122223333", "us-east-1", hours, 1)
			hours++
		}}
		exit := run(ctx, args, out, io.Discard)
		require.Equal(t, until, out.n)
		return exit
	}
	require.Zero(t, follow(2, 3))
	extend(t, dir, "111122223333", "us-east-1", 4, 1) // while nobody looks
	require.Zero(t, follow(5, 2))
	require.Equal(t, []string{
		"2026-03-01T02:13:52Z", "2026-03-01T03:13:52Z", "2026-03-01T04:13:52Z", "2026-03-01T05:13:52Z", "2026-03-01T06:13:52Z",
	}, ends)
}

// TestFollowTampered: the exit status is that of the last look, and the
// checkpoint stays where it was.
func TestFollowTampered(t *testing.T) {
	dir := tree(t, 2)
	point := filepath.Join(t.TempDir(), "point.json")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var before []byte
	out := &looker{each: func(_ int, line string) {
		switch {
		case strings.HasPrefix(line, "verdict: valid"):
			var err error
			before, err = os.ReadFile(point)
			require.NoError(t, err)
			require.NoError(t, os.Truncate(object(t, dir, "CloudTrail/", 1), 30))
		case strings.HasPrefix(line, "verdict: tampered"):
			cancel()
		}
	}}
	require.Equal(t, 1, run(ctx, []string{"-dir", dir, "-follow", "-every", "1ms", "-checkpoint", point}, out, io.Discard))
	after, err := os.ReadFile(point)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after))
}

// TestFollowTail: a tail that is missing since the same time is told once, however
// long it has grown.
func TestFollowTail(t *testing.T) {
	tail := func(from, to int) []byte {
		return state(&cloudtrail.Report{Verdict: cloudtrail.Incomplete, Findings: []cloudtrail.Finding{
			{Code: cloudtrail.TailMissing, From: time.Unix(int64(from), 0), To: time.Unix(int64(to), 0)},
		}})
	}
	require.Equal(t, string(tail(1, 10)), string(tail(1, 310)))
	require.NotEqual(t, string(tail(1, 10)), string(tail(2, 10)))
}

// TestFollowUsage: what cannot be followed is refused.
func TestFollowUsage(t *testing.T) {
	dir := tree(t, 1)
	point := filepath.Join(t.TempDir(), "point.json")
	for _, args := range [][]string{
		{"-follow"},
		{"-follow", "-checkpoint", point, "-every", "0s"},
		{"-follow", "-checkpoint", point, "-end", "2026-03-01T00:00:00Z"},
		{"-follow", "-checkpoint", point, "-format", "sarif"},
	} {
		stdout, stderr, exit := command(t, append(args, "-dir", dir)...)
		require.Equal(t, 3, exit)
		require.Contains(t, stdout+stderr, "-follow needs")
	}
	require.NoError(t, os.WriteFile(point, []byte("{}"), 0o600))
	_, stderr, exit := command(t, "-dir", dir, "-follow", "-checkpoint", point)
	require.Equal(t, 3, exit)
	require.Contains(t, stderr, "malformed checkpoint")
}

// TestJUnit: the report is XML, and exits as every other.
func TestJUnit(t *testing.T) {
	dir := tree(t, 2)
	require.NoError(t, os.Remove(object(t, dir, "CloudTrail/", 0)))
	stdout, _, exit := command(t, "-dir", dir, "-format", "junit")
	require.Equal(t, 2, exit)
	require.Contains(t, stdout, `<testsuites name="trailcheck" tests="3" failures="3" errors="0">`)
	require.Contains(t, stdout, `classname="log-missing"`)
}

// TestResults is CT-60 from outside.
func TestResults(t *testing.T) {
	dir := t.TempDir()
	keys := filepath.Join(tree(t, 1), "keys.us-east-1.json")
	data, err := os.ReadFile(keys)
	require.NoError(t, err)
	list, err := cloudtrail.ParseKeys(data)
	require.NoError(t, err)
	body := []byte("not looked into")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "result_1.csv.gz"), body, 0o600))
	sum := sha256.Sum256(body)
	signed := sha256.Sum256([]byte(hex.EncodeToString(sum[:])))
	signature, err := rsa.SignPKCS1v15(rand.Reader, signingKey(), crypto.SHA256, signed[:])
	require.NoError(t, err)
	sign, err := json.Marshal(map[string]any{
		"region": "us-east-1", "files": []any{map[string]string{"fileHashValue": hex.EncodeToString(sum[:]), "fileName": "result_1.csv.gz"}},
		"hashAlgorithm": "SHA-256", "signatureAlgorithm": "SHA256withRSA", "queryCompleteTime": "2026-03-01T04:00:00Z",
		"hashSignature": hex.EncodeToString(signature), "publicKeyFingerprint": list[0].Fingerprint,
	})
	require.NoError(t, err)
	name := filepath.Join(dir, "result_sign.json")
	require.NoError(t, os.WriteFile(name, sign, 0o600))
	stdout, stderr, exit := command(t, "results", "-keys", keys, dir)
	require.Zero(t, exit, stderr)
	require.Contains(t, stdout, "logs: 1/1 valid, 15 bytes\n")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "result_1.csv.gz"), []byte("looked into now"), 0o600))
	stdout, _, exit = command(t, "results", "-keys", keys, "-format", "json", dir)
	require.Equal(t, 1, exit)
	require.Equal(t, "log-hash-mismatch", report(t, stdout).Findings[0].Code)
	require.NoError(t, os.WriteFile(name, sign[:40], 0o600))
	stdout, _, exit = command(t, "results", "-keys", keys, "-format", "json", dir)
	require.Equal(t, 1, exit)
	require.Equal(t, "digest-invalid", report(t, stdout).Findings[0].Code)
	require.NoError(t, os.Remove(name))
	_, stderr, exit = command(t, "results", "-keys", keys, dir)
	require.Equal(t, 3, exit)
	require.Contains(t, stderr, "result_sign.json")
	_, _, exit = command(t, "results", "-h")
	require.Zero(t, exit)
	stdout, _, exit = command(t, "results", dir)
	require.Equal(t, 3, exit)
	require.Contains(t, stdout, "usage-error")
}
