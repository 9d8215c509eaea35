// SPDX-License-Identifier: Apache-2.0

package sallyport_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// libraryModules are the modules whose packages other programs import.
var libraryModules = []string{".", "envelope/kmskeyring", "cloudtrail/s3source"}

// listedPackage is what `go list` says of one package.
type listedPackage struct {
	Dir, ImportPath, ForTest, Export   string
	GoFiles, TestGoFiles, XTestGoFiles []string
	Standard                           bool
}

// library lists the packages of the library modules with the export data of
// everything they and their tests import, once per test binary.
var library = sync.OnceValues(func() (*packages, error) {
	all := &packages{exports: map[string]string{}}
	for _, module := range libraryModules {
		if _, err := os.Stat(filepath.Join(module, "go.mod")); errors.Is(err, os.ErrNotExist) {
			continue
		}
		cmd := exec.Command("go", "list", "-deps", "-test", "-export",
			"-json=Dir,ImportPath,ForTest,Export,GoFiles,TestGoFiles,XTestGoFiles,Standard", "./...")
		cmd.Dir = module
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, err
		}
		if err := all.add(string(out)); err != nil {
			return nil, err
		}
	}
	return all, nil
})

// packages holds the library's packages by import path.
type packages struct {
	public  []listedPackage   // importable from outside, in `go list` order
	exports map[string]string // import path, or path plus " [x.test]" -> export data file
}

func (p *packages) add(list string) error {
	dec := json.NewDecoder(strings.NewReader(list))
	for {
		var one listedPackage
		if err := dec.Decode(&one); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if one.Export != "" {
			p.exports[one.ImportPath] = one.Export
		}
		if one.ForTest == "" && p.isPublic(one) {
			p.public = append(p.public, one)
		}
	}
}

func (p *packages) isPublic(one listedPackage) bool {
	rel, own := strings.CutPrefix(one.ImportPath, modulePath+"/")
	if !own || strings.HasSuffix(rel, ".test") || within(rel, "internal") {
		return false
	}
	for _, seen := range p.public {
		if seen.ImportPath == one.ImportPath {
			return false
		}
	}
	return true
}

// check type-checks the named files of pkg. Imports come from export data; for
// an external test package, pkg itself is its test variant where one exists.
func (p *packages) check(pkg listedPackage, name string, files []string) ([]*ast.File, *types.Info, error) {
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, f := range files {
		one, err := parser.ParseFile(fset, filepath.Join(pkg.Dir, f), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, nil, err
		}
		parsed = append(parsed, one)
	}
	lookup := func(path string) (io.ReadCloser, error) {
		file, ok := p.exports[path+" ["+pkg.ImportPath+".test]"]
		if !ok {
			file, ok = p.exports[path]
		}
		if !ok {
			return nil, errors.New("no export data for " + path)
		}
		return os.Open(file)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
	conf := types.Config{Importer: importer.ForCompiler(fset, "gc", lookup)}
	_, err := conf.Check(name, fset, parsed, info)
	return parsed, info, err
}

func publicPackages(t *testing.T) *packages {
	t.Helper()
	all, err := library()
	require.NoError(t, err)
	return all
}
