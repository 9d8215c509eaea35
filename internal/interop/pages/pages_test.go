// SPDX-License-Identifier: Apache-2.0

package pages

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/testkit"
)

// TestPages runs the console blocks of every page, in order, in one folder a
// page, the README's in the clone. A block is commands behind "$ " and what they print. `cat FILE` shows a
// file that the reader is to make: here it makes it, where there is none. A line
// of three dots stands for any lines, three dots within a line for any text.
// docs/trailcheck.md has sessions on a trail that the command's own test makes.
func TestPages(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the pages' commands are written for a POSIX shell")
	}
	root := testkit.RepoRoot(t)
	programs := build(t, root)
	names, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	ran := 0
	for _, name := range append(names, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		commands := parse(t, string(text))
		ran += len(commands)
		t.Run(filepath.Base(name), func(t *testing.T) {
			dir := t.TempDir()
			if filepath.Base(name) == "README.md" {
				dir = root // its commands are run in a clone
			}
			for _, c := range commands {
				c.run(t, dir, programs)
			}
		})
	}
	require.Greater(t, ran, 10)
}

// TestParse: the blocks are found, and dots stand for what they should.
func TestParse(t *testing.T) {
	commands := parse(t, "text\n```console\n$ cat a\n1\n2\n$ b \\\n  c\n```\n```sh\n$ no\n```\n")
	require.Equal(t, []command{{"cat a", "1\n2\n"}, {"b \\\n  c", ""}}, commands)
	require.True(t, matches("a\n...\nb 1...3\n", "a\nx\ny\nb 123\n"))
	require.True(t, matches("a\n...\n", "a\n"))
	require.False(t, matches("a\n...\nb\n", "a\nx\n"))
	require.False(t, matches("a.\n", "ab\n"))
}

// build builds the commands and returns their folder.
func build(t *testing.T, root string) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", dir+string(filepath.Separator),
		"./gateway", "./netcheck", "./policysim", "./seal", "./sigdebug", "./trailcheck")
	cmd.Dir = filepath.Join(root, "examples")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return dir
}

// command is a line of a console block and what stands below it.
type command struct{ line, output string }

func parse(t *testing.T, page string) []command {
	t.Helper()
	var out []command
	for _, block := range strings.Split(page, "```console\n")[1:] {
		text, _, closed := strings.Cut(block, "```")
		require.True(t, closed, "a console block has no end")
		for i, line := range strings.SplitAfter(text, "\n") {
			switch last := len(out) - 1; {
			case strings.HasPrefix(line, "$ "):
				out = append(out, command{line: strings.TrimSuffix(line[2:], "\n")})
			case i == 0:
				t.Fatalf("a console block begins without a command: %q", line)
			case out[last].output == "" && strings.HasSuffix(out[last].line, `\`):
				out[last].line += "\n" + strings.TrimSuffix(line, "\n")
			default:
				out[last].output += line
			}
		}
	}
	return out
}

func (c command) run(t *testing.T, dir, programs string) {
	t.Helper()
	if name, ok := strings.CutPrefix(c.line, "cat "); ok && !strings.ContainsAny(name, " |<>") {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err != nil {
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, []byte(c.output), 0o600))
			return
		}
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", c.line)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+programs+string(os.PathListSeparator)+os.Getenv("PATH"), "TZ=UTC", "LC_ALL=C.UTF-8")
	got, err := cmd.CombinedOutput()
	if !matches(c.output, string(got)) {
		t.Fatalf("$ %s\n(ended: %v) prints otherwise than the page says (-page +program):\n%s", c.line, err, cmp.Diff(c.output, string(got)))
	}
}

// matches compares with the dots taken for any text.
func matches(want, got string) bool {
	pattern := regexp.QuoteMeta(want)
	pattern = regexp.MustCompile(`(?m)^\\\.\\\.\\\.\n`).ReplaceAllString(pattern, "(?:.*\n)*")
	pattern = strings.ReplaceAll(pattern, `\.\.\.`, ".*")
	return regexp.MustCompile("^" + pattern + "$").MatchString(got)
}
