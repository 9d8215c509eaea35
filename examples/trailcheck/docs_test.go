// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

// docTree writes the trail of docs/trailcheck.md, four hours with a log file
// each.
func docTree(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "logs"), 0o755))
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer root.Close()
	s := &cloudtrail.Signer{Bucket: "logs", Account: "111122223333", Trail: "main", Home: "us-east-1", Region: "us-east-1", Key: signingKey()}
	w, err := cloudtrail.NewWriter(t.Context(), s, cloudtrail.Directory{FS: root.FS()}, cloudtrail.Folder{Root: root}, begin)
	require.NoError(t, err)
	for h, e := range []string{deletion, refusal, reading, strings.NewReplacer("00:16", "03:20", "RunInstances", "StopInstances", `"errorCode":"Client.UnauthorizedOperation",`, "").Replace(refusal)} {
		e = strings.ReplaceAll(e, "T00:1", "T0"+string(rune('0'+h))+":3")
		at := begin.Add(time.Duration(h) * time.Hour)
		require.NoError(t, w.WriteLog(t.Context(), at.Add(20*time.Minute), []json.RawMessage{[]byte(e)}))
		require.NoError(t, w.WriteDigest(t.Context(), at.Add(time.Hour)))
	}
	key, err := s.PublicKey(begin.AddDate(0, 0, -1), begin.AddDate(0, 0, 29))
	require.NoError(t, err)
	data, err := cloudtrail.MarshalKeys([]cloudtrail.PublicKey{key})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "keys.us-east-1.json"), data, 0o644))
}

// docTamper rewrites the first log file, deletes the second, and slips one in.
func docTamper(t *testing.T, dir string) {
	t.Helper()
	first := object(t, dir, "CloudTrail/", 0)
	other := object(t, dir, "CloudTrail/", 3)
	data, err := os.ReadFile(other)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(first, data, 0o644))
	require.NoError(t, os.Remove(object(t, dir, "CloudTrail/", 1)))
	require.NoError(t, os.WriteFile(strings.Replace(other, "T0333Z", "T0233Z", 1), data, 0o644))
}

// logID is what is random in the names of log files.
var logID = regexp.MustCompile(`Z_[0-9A-Za-z]{16}\.json\.gz`)

// TestPage runs the commands of the console blocks of docs/trailcheck.md and
// compares what they print. TRAILCHECK_PAGE=write writes it into the page.
func TestPage(t *testing.T) {
	const name = "../../docs/trailcheck.md"
	page, err := os.ReadFile(name)
	require.NoError(t, err)
	dir := t.TempDir()
	docTree(t, filepath.Join(dir, "copy"))
	docTree(t, filepath.Join(dir, "tampered"))
	docTamper(t, filepath.Join(dir, "tampered"))
	bin, err := os.Executable()
	require.NoError(t, err)
	var out strings.Builder
	console, n := false, 0
	for line := range strings.Lines(string(page)) {
		command, isCommand := strings.CutPrefix(line, "$ trailcheck ")
		switch {
		case line == "```sh-session\n":
			console = true
		case line == "```\n":
			console = false
		case console && isCommand:
			n++
			cmd := exec.CommandContext(t.Context(), bin, strings.Fields(command)...)
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "TRAILCHECK_TEST_MAIN=1")
			printed, err := cmd.CombinedOutput()
			if err != nil {
				require.NotNil(t, cmd.ProcessState, err)
			}
			out.WriteString(line)
			out.Write(logID.ReplaceAll(printed, []byte("Z_EXAMPLEexample0.json.gz")))
			continue
		case console:
			continue // what was printed when the page was written
		}
		out.WriteString(line)
	}
	require.GreaterOrEqual(t, n, 6)
	if os.Getenv("TRAILCHECK_PAGE") == "write" {
		require.NoError(t, os.WriteFile(name, []byte(out.String()), 0o644))
		return
	}
	require.True(t, out.String() == string(page), "TRAILCHECK_PAGE=write go test -run TestPage . writes it")
}
