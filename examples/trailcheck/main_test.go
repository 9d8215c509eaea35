// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

var begin = time.Date(2026, 3, 1, 0, 13, 52, 0, time.UTC)

var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // a test cannot go on without randomness
	}
	return key
})

// TestMain is the command itself where a test asks for it.
func TestMain(m *testing.M) {
	if os.Getenv("TRAILCHECK_TEST_MAIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

// tree writes a trail of hours, of one account and region, to a new folder.
func tree(t *testing.T, hours int) string {
	t.Helper()
	dir := t.TempDir()
	extend(t, dir, "111122223333", "us-east-1", 0, hours)
	return dir
}

func extend(t *testing.T, dir, account, region string, from, hours int) {
	t.Helper()
	extendAs(t, dir, &cloudtrail.Signer{Bucket: "logs", Account: account, Trail: "main", Home: "us-east-1", Region: region, Key: signingKey()}, from, hours)
}

func extendAs(t *testing.T, dir string, s *cloudtrail.Signer, from, hours int) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "logs"), 0o755))
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer root.Close()
	w, err := cloudtrail.NewWriter(t.Context(), s, cloudtrail.Directory{FS: root.FS()}, cloudtrail.Folder{Root: root}, begin)
	require.NoError(t, err)
	for h := from; h < from+hours; h++ {
		at := begin.Add(time.Duration(h) * time.Hour)
		require.NoError(t, w.WriteLog(t.Context(), at.Add(20*time.Minute), []json.RawMessage{[]byte(`{"eventName":"A"}`)}))
		require.NoError(t, w.WriteDigest(t.Context(), at.Add(time.Hour)))
	}
	key, err := s.PublicKey(begin.AddDate(0, 0, -1), begin.AddDate(0, 0, 29))
	require.NoError(t, err)
	data, err := cloudtrail.MarshalKeys([]cloudtrail.PublicKey{key})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "keys."+s.Region+".json"), data, 0o644))
}

// command runs the command as a program of its own.
func command(t *testing.T, args ...string) (stdout, stderr string, exit int) {
	t.Helper()
	bin, err := os.Executable()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Env = []string{"HOME=" + t.TempDir(), "TRAILCHECK_TEST_MAIN=1"}
	err = cmd.Run()
	require.NotEqual(t, -1, cmd.ProcessState.ExitCode(), err)
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// object returns the nth object whose path contains part.
func object(t *testing.T, dir, part string, n int) string {
	t.Helper()
	var found []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(path, part) && strings.HasSuffix(path, ".json.gz") {
			found = append(found, path)
		}
		return err
	}))
	require.Greater(t, len(found), n)
	return found[n]
}

type jsonReport struct {
	Verdict       string
	From, To      *string
	ExpectThrough *string
	Findings      []struct {
		Code, Severity string
		Object         *string
		Chain          *struct{ Account, Region, Trail, Home string }
		Detail         string
		Inferred       bool
	}
	Coverage []struct {
		Intervals [][2]string
		Tail      string
	}
	Counts struct {
		Digests, BackfillDigests, Logs struct{ Valid, Invalid, Total int }
		Events                         int
		Bytes                          int64
		UnreferencedUncovered          int
	}
	Checkpoint *struct{ Version int }
}

func report(t *testing.T, stdout string) (r jsonReport) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(stdout), &r), stdout)
	return r
}

// TestExitStatus is CT-42: each verdict has its status, and stdout its report.
func TestExitStatus(t *testing.T) {
	const end = "2026-03-01T05:00:00Z" // the trail of four hours ends at 04:13:52
	for _, tc := range []struct {
		name    string
		tamper  func(t *testing.T, dir string)
		args    []string
		exit    int
		verdict string
		codes   []string
	}{
		{"valid", nil, nil, 0, "valid", nil},
		{"tampered", func(t *testing.T, dir string) {
			f, err := os.OpenFile(object(t, dir, "CloudTrail/", 1), os.O_APPEND|os.O_WRONLY, 0)
			require.NoError(t, err)
			_, err = f.Write([]byte{0})
			require.NoError(t, err)
			require.NoError(t, f.Close())
		}, nil, 1, "tampered", []string{"log-trailing-data"}},
		{"incomplete", func(t *testing.T, dir string) { require.NoError(t, os.Remove(object(t, dir, "CloudTrail/", 1))) }, nil, 2, "incomplete", []string{"log-missing"}},
		{"no keys", func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(filepath.Join(dir, "keys.us-east-1.json")))
		}, nil, 3, "error", []string{"digest-unknown-key", "digest-unknown-key", "digest-unknown-key", "digest-unknown-key"}},
		{"malformed keys", func(t *testing.T, dir string) {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "keys.us-east-1.json"), []byte("{"), 0o644))
		}, nil, 3, "error", nil},
		{"expected longer", nil, []string{"-expect-through", "2026-03-01T08:00:00Z"}, 2, "incomplete", []string{"tail-missing"}},
		{"other region", nil, []string{"-region", "eu-west-1"}, 2, "incomplete", []string{"no-digests"}},
		{"other account", nil, []string{"-account", "000000000000"}, 2, "incomplete", []string{"no-digests"}},
		{"other trail", nil, []string{"-trail", "other"}, 2, "incomplete", []string{"no-digests"}},
		{"other bucket", nil, []string{"-bucket", "other"}, 2, "incomplete", []string{"no-digests"}},
		{"comma lists", nil, []string{"-region", "eu-west-1,us-east-1", "-account", "000000000000", "-account", "111122223333"}, 0, "valid", nil},
		{"range reversed", nil, []string{"-start", "2026-03-02T00:00:00Z"}, 3, "error", []string{"usage-error"}},
		{"offset", nil, []string{"-start", "2026-03-01T02:30:00+01:00"}, 0, "valid", nil},
		{"unknown flag", nil, []string{"-nonsense"}, 3, "error", []string{"usage-error"}},
		{"time that is none", nil, []string{"-start", "yesterday"}, 3, "error", []string{"usage-error"}},
		{"no workers", nil, []string{"-workers", "0"}, 3, "error", []string{"usage-error"}},
		{"argument", nil, []string{"x"}, 3, "error", []string{"usage-error"}},
		{"bad unreferenced", nil, []string{"-unreferenced", "maybe"}, 3, "error", []string{"usage-error"}},
		{"key file missing", nil, []string{"-keys", "nowhere.json"}, 3, "error", nil},
		{"checkpoint malformed", func(t *testing.T, dir string) {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "point"), []byte("{}"), 0o644))
		}, []string{"-checkpoint", "DIR/point"}, 3, "error", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := tree(t, 4)
			if tc.tamper != nil {
				tc.tamper(t, dir)
			}
			args := []string{"-dir", dir, "-format", "json", "-end", end}
			for _, a := range tc.args {
				args = append(args, strings.Replace(a, "DIR", dir, 1))
			}
			stdout, stderr, exit := command(t, args...)
			require.Equal(t, tc.exit, exit, "%s%s", stdout, stderr)
			r := report(t, stdout)
			require.Equal(t, tc.verdict, r.Verdict)
			var codes []string
			for _, f := range r.Findings {
				codes = append(codes, f.Code)
			}
			require.Equal(t, tc.codes, codes)
			if tc.exit < 3 {
				require.Empty(t, stderr)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	stdout, stderr, exit := command(t, "-h")
	require.Zero(t, exit)
	require.Empty(t, stdout)
	for _, flag := range []string{"-dir", "-bucket", "-endpoint", "-prefix", "-keys", "-region", "-account", "-trail", "-start", "-end", "-expect-through", "-unreferenced", "-format", "-workers", "-checkpoint"} {
		require.Contains(t, stderr, "  "+flag+" ")
	}
	_, _, exit = command(t)
	require.Equal(t, 3, exit)
	_, _, exit = command(t, "-dir", filepath.Join(t.TempDir(), "nowhere"))
	require.Equal(t, 3, exit)
	_, _, exit = command(t, "-dir", t.TempDir())
	require.Equal(t, 2, exit)
}

// TestUsageFormat is CT-42 and CT-50: who asks for JSON reads of a wrong command
// line in JSON, wherever in it -format stands.
func TestUsageFormat(t *testing.T) {
	for _, args := range [][]string{
		{"-nonsense", "-format", "json"},
		{"-start", "yesterday", "--format=json"},
		{"x", "-format", "json"},
		{"-dir", ".", "x", "-format=json"},
		{"-format", "json", "-nonsense"},
	} {
		stdout, _, exit := command(t, args...)
		require.Equal(t, 3, exit, args)
		require.Equal(t, "usage-error", report(t, stdout).Findings[0].Code, args)
	}
	for _, args := range [][]string{{"-nonsense", "-format"}, {"-format", "xml"}, {"-nonsense", "-format", "xml"}} {
		stdout, _, exit := command(t, args...)
		require.Equal(t, 3, exit, args)
		require.Contains(t, stdout, "ERROR\tusage-error\t", args)
	}
}

// TestJSON is CT-50.
func TestJSON(t *testing.T) {
	dir := tree(t, 4)
	require.NoError(t, os.Remove(object(t, dir, "CloudTrail-Digest/", 1)))
	stdout, _, exit := command(t, "-dir", dir, "-format", "json", "-start", "2026-03-01T00:13:52Z", "-end", "2026-03-01T05:00:00Z")
	require.Equal(t, 2, exit)
	r := report(t, stdout)
	require.Equal(t, "2026-03-01T00:13:52Z", *r.From)
	require.Equal(t, "2026-03-01T05:00:00Z", *r.To)
	require.Equal(t, "2026-03-01T05:00:00Z", *r.ExpectThrough)
	require.Len(t, r.Findings, 1)
	f := r.Findings[0]
	require.Equal(t, "digest-missing", f.Code)
	require.Equal(t, "error", f.Severity)
	require.Equal(t, "111122223333", f.Chain.Account)
	require.True(t, strings.HasPrefix(*f.Object, "s3://logs/AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/03/01/"))
	require.Equal(t, [][2]string{{"2026-03-01T00:13:52Z", "2026-03-01T01:13:52Z"}, {"2026-03-01T02:13:52Z", "2026-03-01T04:13:52Z"}}, r.Coverage[0].Intervals)
	require.Equal(t, "ok", r.Coverage[0].Tail)
	require.Equal(t, 4, r.Counts.Digests.Total)
	require.Equal(t, 1, r.Counts.Digests.Invalid)
	require.Equal(t, 3, r.Counts.Logs.Total)
	require.Equal(t, 1, r.Counts.UnreferencedUncovered)
	require.Nil(t, r.Checkpoint)
	var members map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(stdout), &members))
	for _, name := range []string{"verdict", "from", "to", "expectThrough", "findings", "coverage", "counts", "checkpoint"} {
		require.Contains(t, members, name)
	}
}

// TestText is CT-51; without a terminal there is no colour and no progress.
func TestText(t *testing.T) {
	dir := tree(t, 2)
	log := object(t, dir, "CloudTrail/", 0)
	require.NoError(t, os.Remove(log))
	stdout, stderr, exit := command(t, "-dir", dir)
	require.Equal(t, 2, exit)
	require.Empty(t, stderr)
	require.NotContains(t, stdout, "\x1b")
	lines := strings.Split(stdout, "\n")
	key := filepath.ToSlash(strings.TrimPrefix(log, dir))
	require.Equal(t, []string{"ERROR", "log-missing", "s3:/" + key}, strings.Split(lines[0], "\t")[:3])
	require.Equal(t, "verdict: incomplete", lines[len(lines)-2])
}

// TestKeysFlag is CT-65: the region of a key file is in its name, or it serves all.
func TestKeysFlag(t *testing.T) {
	dir := tree(t, 2)
	extend(t, dir, "111122223333", "eu-west-1", 0, 2)
	data, err := os.ReadFile(filepath.Join(dir, "keys.us-east-1.json"))
	require.NoError(t, err)
	other := t.TempDir()
	for _, name := range []string{"any.json", "old-keys.us-east-1.json", "keys.eu-west-1.json"} {
		require.NoError(t, os.WriteFile(filepath.Join(other, name), data, 0o644))
	}
	path := func(name string) string { return filepath.Join(other, name) }
	_, _, exit := command(t, "-dir", dir, "-keys", path("any.json"))
	require.Zero(t, exit)
	_, _, exit = command(t, "-dir", dir, "-keys", path("old-keys.us-east-1.json"))
	require.Equal(t, 3, exit, "the other region has no keys: those of the tree are not read")
	_, _, exit = command(t, "-dir", dir, "-keys", path("old-keys.us-east-1.json")+","+path("keys.eu-west-1.json"))
	require.Zero(t, exit)
}

// TestTimes is CT-27: RFC 3339 with a zone that is converted, or none, which is
// UTC; anything else is refused.
func TestTimes(t *testing.T) {
	dir := tree(t, 2)
	for text, want := range map[string]string{
		"2026-03-01T00:13:52Z":      "2026-03-01T00:13:52Z",
		"2026-03-01t00:13:52z":      "2026-03-01T00:13:52Z",
		"2026-03-01T00:13:52":       "2026-03-01T00:13:52Z",
		"2026-03-01T05:43:52+05:30": "2026-03-01T00:13:52Z",
		"2026-02-28T16:13:52-08:00": "2026-03-01T00:13:52Z",
		"2026-03-01":                "2026-03-01T00:00:00Z",
		"2026-03-01T00:13":          "2026-03-01T00:13:00Z",
		"2026-03-01T00:13:60Z":      "",
		"2026-02-29T00:00:00Z":      "",
		"2026-03-01T00:13:52+05":    "",
		"1772324032":                "",
		"now":                       "",
		"":                          "",
	} {
		stdout, _, exit := command(t, "-dir", dir, "-format", "json", "-start", text)
		r := report(t, stdout)
		if want == "" {
			require.Equal(t, 3, exit, text)
			require.Equal(t, "usage-error", r.Findings[0].Code, text)
			continue
		}
		require.Zero(t, exit, text)
		require.Equal(t, want, *r.From, text)
		require.Equal(t, "2026-03-01T02:13:52Z", *r.To, "the newest digest when no end is given")
	}
	stdout, _, _ := command(t, "-dir", dir, "-format", "json")
	require.Equal(t, "2026-03-01T00:13:52Z", *report(t, stdout).From, "the beginning of the data when no begin is given")
}

// TestEndlessFiles: files that have no end are not read to it.
func TestEndlessFiles(t *testing.T) {
	const endless = "/dev/zero"
	if _, err := os.Stat(endless); err != nil {
		t.Skip("no file without an end here:", err)
	}
	dir := tree(t, 2)
	for _, args := range [][]string{{"-keys", endless}, {"-checkpoint", endless}} {
		_, stderr, exit := command(t, append(args, "-dir", dir)...)
		require.Equal(t, 3, exit)
		require.Contains(t, stderr, "trailcheck: ")
	}
}

// TestSourceFlags: flags that contradict the source are refused, and none is
// passed over.
func TestSourceFlags(t *testing.T) {
	dir := tree(t, 1)
	for _, args := range [][]string{
		{"-endpoint", "http://127.0.0.1:1"}, {"-versions"}, {"-prefix", "a/"},
	} {
		stdout, _, exit := command(t, append(args, "-dir", dir)...)
		require.Equal(t, 3, exit, args)
		require.Contains(t, stdout, "usage-error")
	}
}

// TestUsageAWSCLI is CT-55 for a range that begins after it ends.
func TestUsageAWSCLI(t *testing.T) {
	stdout, stderr, exit := command(t, "-dir", tree(t, 1), "-format", "awscli", "-start", "2026-03-02T00:00:00Z", "-end", "2026-03-01T00:00:00Z")
	require.Equal(t, 3, exit)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "usage-error: ")
	stdout, stderr, exit = command(t, "-dir", filepath.Join(t.TempDir(), "nowhere"), "-format", "awscli")
	require.Equal(t, 3, exit)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "no such file")
}

// TestUnreferencedFlag is CT-57's option.
func TestUnreferencedFlag(t *testing.T) {
	dir := tree(t, 3)
	log := object(t, dir, "CloudTrail/", 1)
	data, err := os.ReadFile(log)
	require.NoError(t, err)
	forged := log[:len(log)-len("0123456789ABCDEF.json.gz")] + "FORGEDforged0001.json.gz"
	require.NoError(t, os.WriteFile(forged, data, 0o644))
	stdout, _, exit := command(t, "-dir", dir, "-format", "json")
	require.Equal(t, 1, exit)
	require.Equal(t, "log-unreferenced", report(t, stdout).Findings[0].Code)
	stdout, _, exit = command(t, "-dir", dir, "-format", "json", "-unreferenced", "count")
	require.Zero(t, exit)
	require.Equal(t, 1, report(t, stdout).Counts.UnreferencedUncovered)
}

// TestCheckpointFlag is CT-56: written by a valid run, required by the next, not
// touched by one that is not valid.
func TestCheckpointFlag(t *testing.T) {
	dir := tree(t, 3)
	point := filepath.Join(t.TempDir(), "point.json")
	_, stderr, exit := command(t, "-dir", dir, "-checkpoint", point)
	require.Zero(t, exit, stderr)
	first, err := os.ReadFile(point)
	require.NoError(t, err)
	extend(t, dir, "111122223333", "us-east-1", 3, 2)
	stdout, _, exit := command(t, "-dir", dir, "-checkpoint", point, "-format", "json")
	require.Zero(t, exit)
	require.Equal(t, 3, report(t, stdout).Counts.Digests.Total)
	second, err := os.ReadFile(point)
	require.NoError(t, err)
	require.NotEqual(t, first, second)
	require.NoError(t, os.Remove(object(t, dir, "CloudTrail-Digest/", 4)))
	_, _, exit = command(t, "-dir", dir, "-checkpoint", point)
	require.Equal(t, 2, exit)
	third, err := os.ReadFile(point)
	require.NoError(t, err)
	require.Equal(t, second, third)
	left, err := os.ReadDir(filepath.Dir(point))
	require.NoError(t, err)
	require.Len(t, left, 1, "no temporary file is left")

	require.NoError(t, os.Remove(point))
	stdout, stderr, exit = command(t, "-dir", tree(t, 3), "-checkpoint", filepath.Join(point, "none"), "-format", "json")
	require.Equal(t, 3, exit, "the next run would not require what this one found")
	require.Equal(t, "error", report(t, stdout).Verdict)
	require.Contains(t, stderr, "no such file")
}

// TestPrefixFlag: folders are walked without it, and it picks one with it.
func TestPrefixFlag(t *testing.T) {
	dir := tree(t, 2)
	deep := filepath.Join(dir, "logs", "a", "b", "c", "d", "e")
	require.NoError(t, os.MkdirAll(deep, 0o755))
	require.NoError(t, os.Rename(filepath.Join(dir, "logs", "AWSLogs"), filepath.Join(deep, "AWSLogs")))
	stdout, _, exit := command(t, "-dir", dir, "-format", "json")
	require.Equal(t, 1, exit, "moved digests are found, however deep")
	require.Equal(t, "digest-moved", report(t, stdout).Findings[0].Code)
	_, _, exit = command(t, "-dir", dir, "-prefix", "a/b/c/d/e")
	require.Equal(t, 1, exit)
	_, _, exit = command(t, "-dir", dir, "-prefix", "a")
	require.Equal(t, 2, exit)
}

// TestFormats is CT-52 to CT-55 as seen from outside: other forms, the same exit
// status; one trail has to be meant for the AWS CLI's.
func TestFormats(t *testing.T) {
	dir := tree(t, 2)
	require.NoError(t, os.Remove(object(t, dir, "CloudTrail/", 0)))
	stdout, _, exit := command(t, "-dir", dir, "-format", "sarif")
	require.Equal(t, 2, exit)
	require.True(t, json.Valid([]byte(stdout)))
	require.Contains(t, stdout, `"ruleId": "log-missing"`)
	stdout, stderr, exit := command(t, "-dir", dir, "-format", "awscli")
	require.Equal(t, 2, exit)
	require.Contains(t, stdout, "2/2 digest files valid\n1/2 log files valid, 1/2 log files INVALID\n")
	require.Contains(t, stderr, "INVALID: not found\n\n")
	extend(t, dir, "111122223333", "eu-west-1", 0, 2)
	stdout, stderr, exit = command(t, "-dir", dir, "-format", "awscli")
	require.Equal(t, 3, exit)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "usage-error")
	require.Contains(t, stderr, "several chains")
	_, _, exit = command(t, "-dir", dir, "-format", "awscli", "-region", "eu-west-1")
	require.Zero(t, exit)
	_, _, exit = command(t, "-dir", dir, "-format", "xml")
	require.Equal(t, 3, exit)

	org := t.TempDir()
	extendAs(t, org, &cloudtrail.Signer{
		Bucket: "logs", Org: "o-exampleorgid", Account: "111122223333", Trail: "main", Home: "us-east-1", Region: "us-east-1", Key: signingKey(),
	}, 0, 2)
	_, stderr, exit = command(t, "-dir", org, "-format", "awscli")
	require.Equal(t, 3, exit)
	require.Contains(t, stderr, "usage-error: -format awscli needs -account")
	stdout, _, exit = command(t, "-dir", org, "-format", "awscli", "-account", "111122223333")
	require.Zero(t, exit)
	require.Contains(t, stdout, "arn:aws:cloudtrail:us-east-1:111122223333:trail/main between")
}
