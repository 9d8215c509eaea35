// SPDX-License-Identifier: Apache-2.0

package awstrail

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/cloudtrail/s3source"
	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

func newSource(client *s3.Client) cloudtrail.Source { return s3source.New(client) }

// served are the flags that read a served trail.
func served(c *cloud, tc *testkit.TrailCase) []string {
	bucket := "trail-logs"
	if tc.Name == "bucket change" {
		bucket = "new-logs"
	}
	return append(flags(tc), "-bucket", bucket, "-endpoint", c.URL)
}

// TestTrailcheckS3: over S3, where no end given means the present and keys come
// from ListPublicKeys, each trail gives the codes that it gives in a directory.
func TestTrailcheckS3(t *testing.T) {
	bin, err := trailcheck()
	require.NoError(t, err)
	cases := slices.DeleteFunc(slices.Concat(testkit.GoodTrails(), testkit.TamperedTrails()), func(tc testkit.TrailCase) bool {
		return tc.Offline || tc.NoTo || tc.Name == "everything deleted" || tc.Name == "digest moved to another bucket"
	})
	for _, tc := range cases {
		t.Run(tc.Name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, tc.Make())
			a := run(t, awsEnv(c.URL), bin, served(c, &tc)...)
			if strings.HasPrefix(tc.Name, "key valid") {
				// CloudTrail does not hand out a key of another time.
				require.Equal(t, 3, a.exit)
				return
			}
			require.Equal(t, tc.Codes, codesOf(t, a.stdout), a.stdout)
			require.Equal(t, exits[tc.Verdict], a.exit, "%s%s", a.stdout, a.stderr)
		})
	}
	testkit.Report(t, "interop", "awstrail/trailcheck-s3", "-", len(cases))
}

// faultCase is what an S3 does to the requests for one object.
type faultCase struct {
	name   string
	fault  func(w http.ResponseWriter, try int) bool
	digest bool // else a log file
	codes  []string
	exit   int
}

func faultCases() []faultCase {
	status := func(code int, name string) func(w http.ResponseWriter, try int) bool {
		return func(w http.ResponseWriter, _ int) bool { fail(w, code, name); return true }
	}
	once := func(f func(http.ResponseWriter, int) bool) func(http.ResponseWriter, int) bool {
		return func(w http.ResponseWriter, try int) bool { return try == 1 && f(w, try) }
	}
	cut := func(w http.ResponseWriter, _ int) bool {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte{0x1f, 0x8b, 8, 0})
		panic(http.ErrAbortHandler)
	}
	return []faultCase{
		{"403", status(403, "AccessDenied"), false, []string{"log-unreadable"}, 2},
		{"archived", status(403, "InvalidObjectState"), false, []string{"log-archived"}, 2},
		{"KMS", status(400, "KMS.DisabledException"), false, []string{"log-unreadable"}, 2},
		{"503 once", once(status(503, "SlowDown")), false, nil, 0},
		{"503 always", status(503, "SlowDown"), false, []string{"log-unreadable"}, 2},
		{"500 once", once(status(500, "InternalError")), false, nil, 0},
		{"cut once", once(cut), false, nil, 0},
		{"cut always", cut, false, []string{"log-unreadable"}, 2},
		{"404", status(404, "NoSuchKey"), false, []string{"log-missing"}, 2},
		{"digest 403", status(403, "AccessDenied"), true, []string{"digest-unreadable"}, 2},
		{"digest archived", status(403, "InvalidObjectState"), true, []string{"digest-unreadable"}, 2},
		{"digest cut once", once(cut), true, nil, 0},
		{"digest 503 always", status(503, "SlowDown"), true, []string{"digest-unreadable"}, 2},
		{"30 ms late", func(http.ResponseWriter, int) bool { time.Sleep(30 * time.Millisecond); return false }, false, nil, 0},
	}
}

// serve serves four hours of a trail with the fault.
func (tc *faultCase) serve(t *testing.T) *cloud {
	t.Helper()
	trail := testkit.NewTrail()
	trail.AddKey("us-east-1", testkit.TrailKeys[0]())
	chain := trail.Chain()
	chain.Hours(4, 2)
	target := chain.Logs[1][1]
	if tc.digest {
		target = chain.Digests[1]
	}
	_, target, _ = strings.Cut(target, "/")
	c := serve(t, trail)
	var mu sync.Mutex
	tries := 0
	c.fault = func(w http.ResponseWriter, key string) bool {
		if key != target {
			return false
		}
		mu.Lock()
		tries++
		try := tries
		mu.Unlock()
		return tc.fault(w, try)
	}
	return c
}

// TestFaultyS3 is CT-47: what the network broke accuses nobody, what is refused
// is named, and one bad object never ends the run.
func TestFaultyS3(t *testing.T) {
	bin, err := trailcheck()
	require.NoError(t, err)
	for _, tc := range faultCases() {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := tc.serve(t)
			a := run(t, awsEnv(c.URL), bin, "-bucket", "trail-logs", "-endpoint", c.URL, "-format", "json",
				"-end", testkit.TrailStart.Add(5*time.Hour).Format(time.RFC3339))
			require.Equal(t, tc.codes, codesOf(t, a.stdout), a.stdout)
			require.Equal(t, tc.exit, a.exit)
		})
	}
	testkit.Report(t, "interop", "awstrail/faults", "-", len(faultCases()))
}

// TestFaultyBeside shows the same faults to the AWS CLI; what each says is the
// second table of docs/trail-tampering.md.
func TestFaultyBeside(t *testing.T) {
	interop.Require(t)
	version := interop.Version(t, interop.Program(t, "aws"), "--version")
	cases := faultCases()
	rows := make([]string, len(cases))
	t.Run("cases", func(t *testing.T) {
		for i, tc := range cases {
			t.Run(tc.name, func(t *testing.T) {
				t.Parallel()
				a := validateLogs(t, tc.serve(t).URL, testkit.TrailStart, testkit.TrailStart.Add(5*time.Hour))
				verdict := map[int]string{0: "valid", 2: "incomplete"}[tc.exit]
				rows[i] = fmt.Sprintf("| %s | %s | %s |", tc.name, a.verdict(), ours(&testkit.TrailCase{Codes: tc.codes, Verdict: verdict}))
			})
		}
	})
	faultTable(t, version, rows)
	testkit.Report(t, "interop", "awstrail/faults-beside", version, len(rows))
}

// faultTable writes the second table of the page, or compares it.
func faultTable(t *testing.T, version string, rows []string) {
	t.Helper()
	name := filepath.Join(testkit.RepoRoot(t), "docs", "trail-tampering.md")
	page, err := os.ReadFile(name)
	require.NoError(t, err)
	first, second, _ := strings.Cut(string(page), faultHeading)
	short, _, _ := strings.Cut(version, " ")
	text := fmt.Sprintf(" One object of a trail of four hours is what the name says; the others are served. (%s)\n\n| server | aws cloudtrail validate-logs | trailcheck |\n|---|---|---|\n%s\n",
		short, strings.Join(rows, "\n"))
	if *update {
		require.NoError(t, os.WriteFile(name, []byte(strings.TrimSuffix(first, "\n")+"\n"+faultHeading+text), 0o644))
		return
	}
	if !strings.Contains(second, "("+short+")") {
		t.Logf("%s is of another version than %s", name, short)
		return
	}
	require.Equal(t, text, second)
}

const faultHeading = "\n## A server that fails\n\nGenerated by `-run TestFaultyBeside -update`."
