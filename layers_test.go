// SPDX-License-Identifier: Apache-2.0

package sallyport_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const modulePath = "github.com/sallyport-go/sallyport"

// coreEdges are the only imports one core package may make of another.
var coreEdges = map[string][]string{
	"presign":           {"sigv4"},
	"netfilter/vpc":     {"netfilter"},
	"netfilter/flowlog": {"netfilter"},
}

// internalEdges are the only imports internal packages may make of each other.
var internalEdges = map[string][]string{
	"internal/arn": {"internal/wildcard"},
}

// testModules are what test files of the root module may import beside the
// standard library.
var testModules = []string{"github.com/google/go-cmp", "github.com/stretchr/testify"}

// goFile is one file of the repository with what it imports.
type goFile struct {
	rel     string // slash-separated, from the repository root
	dir     string // folder of rel
	module  string // folder of the module it belongs to, "." for the root
	test    bool
	imports []string
}

// TestLayers holds the import rules of the house (ENV-131): core links nothing but the
// standard library, and the edges between rooms are the ones listed above.
func TestLayers(t *testing.T) {
	files := repositoryFiles(t)
	require.NotEmpty(t, files)
	for _, f := range files {
		for _, imp := range f.imports {
			if fault := layerFault(f, imp); fault != "" {
				t.Errorf("%s imports %s: %s", f.rel, imp, fault)
			}
		}
	}
}

// TestLayersSeeFaults shows that the rules refuse what they are there to refuse.
func TestLayersSeeFaults(t *testing.T) {
	core := goFile{dir: "sigv4", module: "."}
	coreTest := goFile{dir: "sigv4", module: ".", test: true}
	nested := goFile{dir: "examples/seal", module: "examples"}
	own := modulePath + "/"
	for _, c := range []struct {
		name string
		file goFile
		path string
		ok   bool
	}{
		{"core may use std", core, "net/http", true},
		{"core may not use a module", core, "golang.org/x/crypto", false},
		{"core may not use testify outside tests", core, "github.com/stretchr/testify/require", false},
		{"core tests may use testify", coreTest, "github.com/stretchr/testify/require", true},
		{"core tests may not use another module", coreTest, "golang.org/x/crypto", false},
		{"sigv4 may not import presign", core, own + "presign", false},
		{"presign may import sigv4", goFile{dir: "presign", module: "."}, own + "sigv4", true},
		{"cloudfront may not import sigv4", goFile{dir: "presign/cloudfront", module: "."}, own + "sigv4", false},
		{"core may not use testkit", core, own + "internal/testkit", false},
		{"core tests may use testkit", coreTest, own + "internal/testkit", true},
		{"internal may not import core", goFile{dir: "internal/arn", module: "."}, own + "sigv4", false},
		{"arn may import wildcard", goFile{dir: "internal/arn", module: "."}, own + "internal/wildcard", true},
		{"wildcard may not import arn", goFile{dir: "internal/wildcard", module: "."}, own + "internal/arn", false},
		{"nested modules use the public API", nested, own + "internal/strictjson", false},
		{"nobody imports examples", goFile{dir: "internal/interop/x", module: "internal/interop"}, own + "examples/gateway", false},
		{"nobody imports interop", nested, own + "internal/interop", false},
		{"interop's tests use its helpers", goFile{dir: "internal/interop/x", module: "internal/interop"}, own + "internal/interop", true},
		{"interop may use testkit", goFile{dir: "internal/interop/x", module: "internal/interop"}, own + "internal/testkit", true},
	} {
		require.Equal(t, c.ok, layerFault(c.file, c.path) == "", c.name)
	}
}

// layerFault says why the file may not import the path; "" means it may.
func layerFault(f goFile, imp string) string {
	to, own := strings.CutPrefix(imp, modulePath+"/")
	if !own {
		return foreignFault(f, imp)
	}
	switch {
	case to == f.dir, to == f.module, strings.HasPrefix(to, f.module+"/") && f.module != ".":
		return ""
	case within(to, "examples"), within(to, "internal/interop"):
		return "nothing imports examples or interop"
	case to == "internal/testkit":
		if (f.module == "." && f.test) || within(f.dir, "internal/interop") {
			return ""
		}
		return "only tests of core and interop use the test kit"
	case f.module != ".":
		if strings.HasPrefix(to, "internal/") {
			return "nested modules use the public API only"
		}
		return ""
	case within(f.dir, "internal"):
		if slices.Contains(internalEdges[f.dir], to) {
			return ""
		}
		return "internal packages import no core package, and among themselves only arn -> wildcard"
	case within(to, "internal"), slices.Contains(coreEdges[f.dir], to):
		return ""
	}
	return "this edge between core packages is not in coreEdges"
}

func foreignFault(f goFile, imp string) string {
	first, _, _ := strings.Cut(imp, "/")
	if !strings.Contains(first, ".") || f.module != "." {
		return ""
	}
	if f.test && slices.ContainsFunc(testModules, func(m string) bool { return within(imp, m) }) {
		return ""
	}
	return "the root module links only the standard library (tests: also go-cmp and testify)"
}

func within(p, folder string) bool {
	return p == folder || strings.HasPrefix(p, folder+"/")
}

// repositoryFiles parses the imports of every Go file of every module.
func repositoryFiles(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	var modules []string
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() {
			if name != "." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "node_modules") {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil {
				modules = append(modules, filepath.ToSlash(name))
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		f := goFile{rel: filepath.ToSlash(name), test: strings.HasSuffix(base, "_test.go")}
		f.dir = path.Dir(f.rel)
		f.module = moduleOf(f.dir, modules)
		for _, spec := range parsed.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, imp)
		}
		files = append(files, f)
		return nil
	})
	require.NoError(t, err)
	return files
}

// moduleOf returns the innermost of the module folders that holds dir.
func moduleOf(dir string, modules []string) string {
	best := "."
	for _, m := range modules {
		if m != "." && within(dir, m) && len(m) > len(best) {
			best = m
		}
	}
	return best
}
