// SPDX-License-Identifier: Apache-2.0

package awstrail

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

var update = flag.Bool("update", false, "write docs/trail-tampering.md from the answers")

// programs is the folder of the command, for as long as the tests run.
var programs string

func TestMain(m *testing.M) {
	var err error
	if programs, err = os.MkdirTemp("", "trailcheck"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(programs)
	os.Exit(code)
}

// trailcheck builds the command once.
var trailcheck = sync.OnceValues(func() (string, error) {
	bin := filepath.Join(programs, "trailcheck.exe")
	out, err := buildCommand(bin)
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return bin, nil
})

// flags are the command line of a case.
func flags(tc *testkit.TrailCase) []string {
	args := []string{"-format", "json"}
	add := func(name string, t time.Time) {
		if !t.IsZero() {
			args = append(args, name, t.Format(time.RFC3339))
		}
	}
	add("-start", tc.From)
	add("-end", tc.Until())
	add("-expect-through", tc.Expect)
	if tc.Account != "" {
		args = append(args, "-account", tc.Account)
	}
	if tc.Trail != "" {
		args = append(args, "-trail", tc.Trail)
	}
	return args
}

var exits = map[string]int{"valid": 0, "tampered": 1, "incomplete": 2, "error": 3}

// checkOffline runs trailcheck over a case in a directory and requires the
// codes, the verdict and the exit status of the rules.
func checkOffline(t *testing.T, tc *testkit.TrailCase, trail *testkit.Trail) {
	t.Helper()
	bin, err := trailcheck()
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, trail.WriteTo(dir))
	a := run(t, nil, bin, append(flags(tc), "-dir", dir)...)
	require.Equal(t, exits[tc.Verdict], a.exit, "%s%s", a.stdout, a.stderr)
	require.Equal(t, tc.Codes, codesOf(t, a.stdout), a.stdout)
}

func codesOf(t *testing.T, stdout string) []string {
	t.Helper()
	var rep struct{ Findings []struct{ Code string } }
	require.NoError(t, json.Unmarshal([]byte(stdout), &rep), stdout)
	var codes []string
	for _, f := range rep.Findings {
		codes = append(codes, f.Code)
	}
	slices.Sort(codes)
	return codes
}

// TestTrailcheckCodes: every code of an offline run, and every tampering, by the
// built command.
func TestTrailcheckCodes(t *testing.T) {
	cases := slices.Concat(testkit.GoodTrails(), testkit.TamperedTrails())
	for _, tc := range cases {
		t.Run(tc.Name, func(t *testing.T) {
			t.Parallel()
			checkOffline(t, &tc, tc.Make())
		})
	}
	testkit.Report(t, "interop", "awstrail/trailcheck", "-", len(cases))
}

// strict are good trails that the AWS CLI refuses: it compares hex with regard
// to case, and reads keys in one of the two DER forms.
var strict = []string{"upper case hex", "key as SubjectPublicKeyInfo"}

// TestTampering shows each trail to the AWS CLI and to trailcheck. On good
// trails they agree. What each says of the tampered ones is a table.
func TestTampering(t *testing.T) {
	interop.Require(t)
	version := interop.Version(t, interop.Program(t, "aws"), "--version")
	cases := slices.Concat(testkit.GoodTrails(), testkit.TamperedTrails())
	rows := make([]string, len(cases))
	missed := 0
	var mu sync.Mutex
	t.Run("cases", func(t *testing.T) {
		for i, tc := range cases {
			if tc.Offline || tc.Account != "" || strings.Contains(tc.Name, "ends before it begins") {
				continue
			}
			t.Run(tc.Name, func(t *testing.T) {
				t.Parallel()
				trail := tc.Make()
				checkOffline(t, &tc, trail)
				c := serve(t, trail)
				a := validateLogs(t, c.URL, from(&tc), to(&tc), more(c, tc.Name)...)
				good := slices.ContainsFunc(testkit.GoodTrails(), func(g testkit.TrailCase) bool { return g.Name == tc.Name })
				if good && !slices.Contains(strict, tc.Name) {
					require.Zero(t, a.exit, "%s%s", a.stdout, a.stderr)
					require.NotContains(t, a.stdout+a.stderr, "INVALID")
				}
				mu.Lock()
				defer mu.Unlock()
				if tc.Verdict != "valid" && a.exit == 0 {
					missed++
				}
				rows[i] = fmt.Sprintf("| %s | %s | %s |", tc.Name, a.verdict(), ours(&tc))
			})
		}
	})
	rows = slices.DeleteFunc(rows, func(r string) bool { return r == "" })
	require.GreaterOrEqual(t, len(rows), 60)
	table(t, version, rows, missed)
	testkit.Report(t, "interop", "awstrail/tampering", version, len(rows))
}

func from(tc *testkit.TrailCase) time.Time {
	if tc.From.IsZero() {
		return testkit.TrailStart.Add(-time.Hour)
	}
	return tc.From
}

func to(tc *testkit.TrailCase) time.Time {
	if !tc.Expect.IsZero() {
		return tc.Expect
	}
	if tc.NoTo {
		return testkit.TrailStart.Add(8 * time.Hour)
	}
	return tc.Until()
}

// more is what the AWS CLI has to be told about a trail.
func more(c *cloud, name string) []string {
	switch name {
	case "prefix":
		c.describe["S3KeyPrefix"] = "team/audit"
	case "organization":
		c.describe["IsOrganizationTrail"] = true
		return []string{"--account-id", "111122223333"}
	case "bucket change":
		c.describe["S3BucketName"] = "new-logs"
	}
	return nil
}

func ours(tc *testkit.TrailCase) string {
	if len(tc.Codes) == 0 {
		return fmt.Sprintf("%s; exit %d", tc.Verdict, exits[tc.Verdict])
	}
	var parts []string
	for _, code := range slices.Compact(slices.Clone(tc.Codes)) {
		n := 0
		for _, c := range tc.Codes {
			if c == code {
				n++
			}
		}
		if n > 1 {
			code = fmt.Sprintf("%s (%d)", code, n)
		}
		parts = append(parts, code)
	}
	return fmt.Sprintf("%s, %s; exit %d", tc.Verdict, strings.Join(parts, ", "), exits[tc.Verdict])
}

// table writes the page, or compares it when the version is the same.
func table(t *testing.T, version string, rows []string, missed int) {
	t.Helper()
	name := filepath.Join(testkit.RepoRoot(t), "docs", "trail-tampering.md")
	short, _, _ := strings.Cut(version, " ")
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Tampered trails, and what each tool says\n\n")
	fmt.Fprintf(&b, "Generated by `SALLYPORT_INTEROP=1 go test ./awstrail -run TestTampering -update` in `internal/interop`: %d trails, each served\n", len(rows))
	fmt.Fprintf(&b, "by an S3 server on the loopback interface to `aws cloudtrail validate-logs` (%s), and checked by `trailcheck`\n", short)
	fmt.Fprintf(&b, "as a directory. Of those that `trailcheck` calls tampered, incomplete or not to be examined, the AWS CLI exits 0 on %d.\n\n", missed)
	fmt.Fprintf(&b, "| trail | aws cloudtrail validate-logs | trailcheck |\n|---|---|---|\n%s\n", strings.Join(rows, "\n"))
	if page, err := os.ReadFile(name); err == nil {
		if _, second, ok := strings.Cut(string(page), faultHeading); ok {
			b.WriteString(faultHeading + second)
		}
	}
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, b.Bytes(), 0o644))
	}
	want, err := os.ReadFile(name)
	require.NoError(t, err)
	if !strings.Contains(string(want), short+")") {
		t.Logf("%s is of another version than %s", name, short)
		return
	}
	require.Equal(t, string(want), b.String())
}
