// SPDX-License-Identifier: Apache-2.0

package sallyport_test

import (
	"bytes"
	"flag"
	"go/ast"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write api/*.txt from the code")

// TestAPI compares the exported names of each package with its list in api/.
// After a deliberate change run `go test . -run TestAPI -update` and name the
// change in CHANGELOG.md.
func TestAPI(t *testing.T) {
	changelog, err := os.ReadFile("CHANGELOG.md")
	require.NoError(t, err)
	listed := map[string]bool{}
	for _, pkg := range publicPackages(t).public {
		rel := strings.TrimPrefix(pkg.ImportPath, modulePath+"/")
		file := filepath.Join("api", strings.ReplaceAll(rel, "/", "-")+".txt")
		listed[file] = true
		got := strings.Join(exportedNames(t, pkg), "\n") + "\n"
		if *update {
			require.NoError(t, os.MkdirAll("api", 0o755))
			require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err, "no list for %s: run go test . -run TestAPI -update", rel)
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("the API of %s is not what %s says (-list +code); if it is meant, run go test . -run TestAPI -update and name the change in CHANGELOG.md:\n%s", rel, file, diff)
		}
		if !strings.Contains(string(changelog), "`"+rel+"`") {
			t.Errorf("CHANGELOG.md does not name `%s`", rel)
		}
	}
	lists, err := filepath.Glob("api/*.txt")
	require.NoError(t, err)
	for _, file := range lists {
		require.True(t, listed[file], "%s lists no package", file)
	}
}

// exportedNames returns one line for each exported name of the package, sorted.
func exportedNames(t *testing.T, pkg listedPackage) []string {
	t.Helper()
	files, err := parseFiles(pkg)
	require.NoError(t, err)
	var lines []string
	for _, f := range files {
		for _, decl := range f.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				lines = append(lines, funcLine(d)...)
			case *ast.GenDecl:
				lines = append(lines, genLines(d)...)
			}
		}
	}
	slices.Sort(lines)
	return lines
}

func funcLine(d *ast.FuncDecl) []string {
	if !d.Name.IsExported() {
		return nil
	}
	signature := strings.TrimPrefix(source(d.Type), "func")
	if d.Recv == nil {
		return []string{"func " + d.Name.Name + signature}
	}
	recv := d.Recv.List[0].Type
	if !ast.IsExported(receiverName(recv)) {
		return nil
	}
	return []string{"method (" + source(recv) + ") " + d.Name.Name + signature}
}

func genLines(d *ast.GenDecl) []string {
	var lines []string
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() {
				lines = append(lines, typeLines(s)...)
			}
		case *ast.ValueSpec:
			for _, name := range s.Names {
				if name.IsExported() {
					lines = append(lines, strings.ToLower(d.Tok.String())+" "+name.Name)
				}
			}
		}
	}
	return lines
}

func typeLines(s *ast.TypeSpec) []string {
	name := s.Name.Name
	switch t := s.Type.(type) {
	case *ast.StructType:
		lines := []string{"type " + name + " struct"}
		for _, f := range t.Fields.List {
			for _, n := range fieldNames(f) {
				if ast.IsExported(n) {
					lines = append(lines, "field "+name+"."+n+" "+source(f.Type))
				}
			}
		}
		return lines
	case *ast.InterfaceType:
		lines := []string{"type " + name + " interface"}
		for _, f := range t.Methods.List {
			for _, n := range fieldNames(f) {
				lines = append(lines, "method "+name+"."+n+strings.TrimPrefix(source(f.Type), "func"))
			}
		}
		return lines
	}
	return []string{"type " + name + " " + source(s.Type)}
}

// fieldNames returns the names a field declares; an embedded one has its type's.
func fieldNames(f *ast.Field) []string {
	if len(f.Names) == 0 {
		return []string{receiverName(f.Type)}
	}
	var names []string
	for _, n := range f.Names {
		names = append(names, n.Name)
	}
	return names
}

func receiverName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiverName(e.X)
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// source prints a node on one line.
func source(n ast.Node) string {
	var b bytes.Buffer
	if err := printer.Fprint(&b, token.NewFileSet(), n); err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
