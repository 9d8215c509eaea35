// SPDX-License-Identifier: Apache-2.0

package sallyport_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestClaims holds docs/claims.md to the tree: what it names as proof is there.
func TestClaims(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("docs", "claims.md"))
	require.NoError(t, err)
	claims := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if !strings.HasPrefix(line, "| ") || len(cells) != 2 || strings.HasPrefix(line, "| claim |") {
			continue
		}
		claims++
		for proof := range strings.SplitSeq(cells[1], ";") {
			folder, names, _ := strings.Cut(strings.TrimSpace(proof), " ")
			there := testNames(t, folder)
			for name := range strings.SplitSeq(names, ",") {
				require.Contains(t, there, strings.TrimSpace(name), "%s: %s", folder, cells[0])
			}
		}
	}
	require.Greater(t, claims, 50)
}

// testNames are the tests, fuzz targets and benchmarks of a folder.
func testNames(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(filepath.FromSlash(folder), "*_test.go"))
	require.NoError(t, err)
	var names []string
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, decl := range parsed.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
				names = append(names, f.Name.Name)
			}
		}
	}
	require.NotEmpty(t, names, "%s has no tests", folder)
	return names
}

var (
	benchCommand = regexp.MustCompile(`go test ((?:\./?[a-z0-9/]* ?)+)[^` + "`" + `]*?-bench '?([^' ` + "`" + `]+)`)
	rawOutput    = regexp.MustCompile(`docs/bench/[a-z0-9-]+\.(?:txt|svg)`)
)

// TestREADMEMeasures: each benchmark command of the README runs something, and
// tables and raw output belong together.
func TestREADMEMeasures(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	readme := strings.ReplaceAll(string(text), "\n", " ")
	commands := benchCommand.FindAllStringSubmatch(readme, -1)
	require.Greater(t, len(commands), 8)
	for _, c := range commands {
		for folder := range strings.FieldsSeq(c[1]) {
			require.True(t, benchmarks(t, folder, c[2]), "%q runs no benchmark", c[0])
		}
	}
	linked := rawOutput.FindAllString(string(text), -1)
	for _, file := range linked {
		require.FileExists(t, file)
	}
	files, err := filepath.Glob(filepath.Join("docs", "bench", "*"))
	require.NoError(t, err)
	for _, file := range files {
		require.True(t, slices.Contains(linked, filepath.ToSlash(file)), "no table of the README rests on %s", file)
	}
}

// benchmarks says whether a folder, of the root module or one of those that hold
// the peers, has a benchmark that the pattern finds.
func benchmarks(t *testing.T, folder, pattern string) bool {
	t.Helper()
	top, _, _ := strings.Cut(pattern, "/")
	match, err := regexp.Compile(top)
	require.NoError(t, err)
	for _, module := range []string{".", "internal/interop", "internal/interop/miniopolicy"} {
		dir := filepath.Join(module, folder)
		if files, _ := filepath.Glob(filepath.Join(dir, "*_test.go")); len(files) == 0 {
			continue
		}
		if slices.ContainsFunc(testNames(t, dir), func(name string) bool {
			return strings.HasPrefix(name, "Benchmark") && match.MatchString(name)
		}) {
			return true
		}
	}
	return false
}
