// SPDX-License-Identifier: Apache-2.0

package sallyport_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDocs fails on an exported name without a comment, and on an exported
// type or constructor that no Example with output shows.
func TestDocs(t *testing.T) {
	all := publicPackages(t)
	for _, pkg := range all.public {
		t.Run(strings.TrimPrefix(pkg.ImportPath, modulePath+"/"), func(t *testing.T) {
			files, err := parseFiles(pkg)
			require.NoError(t, err)
			undocumented(t, files)
			notShown(t, all, pkg, files)
		})
	}
}

func parseFiles(pkg listedPackage) ([]*ast.File, error) {
	var files []*ast.File
	for _, name := range pkg.GoFiles {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(pkg.Dir, name), nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// undocumented reports each exported name, method and field without a comment,
// and a package without one.
func undocumented(t *testing.T, files []*ast.File) {
	documented := false
	for _, f := range files {
		documented = documented || f.Doc != nil
		for _, decl := range f.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Doc == nil && len(funcLine(d)) > 0 {
					t.Errorf("%s has no comment", funcLine(d)[0])
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					undocumentedSpec(t, d, spec)
				}
			}
		}
	}
	require.True(t, documented, "the package has no comment")
}

func undocumentedSpec(t *testing.T, d *ast.GenDecl, spec ast.Spec) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if !s.Name.IsExported() {
			return
		}
		if d.Doc == nil && s.Doc == nil {
			t.Errorf("type %s has no comment", s.Name.Name)
		}
		if st, ok := s.Type.(*ast.StructType); ok {
			undocumentedFields(t, s.Name.Name, st)
		}
	case *ast.ValueSpec:
		for _, name := range s.Names {
			if name.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
				t.Errorf("%s %s has no comment", d.Tok, name.Name)
			}
		}
	}
}

// undocumentedFields reports exported fields without a comment. Fields that
// stand in one run under a common comment share it.
func undocumentedFields(t *testing.T, name string, st *ast.StructType) {
	shared := false
	lastEnd := token.NoPos
	for _, f := range st.Fields.List {
		adjacent := lastEnd.IsValid() && f.Pos()-lastEnd < 3
		shared = f.Doc != nil || f.Comment != nil || (shared && adjacent)
		lastEnd = f.End()
		if f.Comment != nil {
			lastEnd = f.Comment.End()
		}
		for _, n := range fieldNames(f) {
			if ast.IsExported(n) && !shared {
				t.Errorf("field %s.%s has no comment", name, n)
			}
		}
	}
}

// notShown reports each exported type, and each constructor of one, that no
// Example with an output comment uses. A type counts as used when any
// expression of the Example has it.
func notShown(t *testing.T, all *packages, pkg listedPackage, files []*ast.File) {
	shown := map[string]bool{}
	if len(pkg.XTestGoFiles) > 0 {
		parsed, info, err := all.check(pkg, pkg.ImportPath+"_test", pkg.XTestGoFiles)
		require.NoError(t, err)
		for _, f := range parsed {
			for _, ex := range doc.Examples(f) {
				if ex.Output != "" || ex.EmptyOutput {
					collectShown(shown, info, ex.Code, pkg.ImportPath)
				}
			}
			// doc.Examples gives an Example that uses its file's declarations
			// as the whole file, so those bodies are taken from the file.
			for _, decl := range f.Decls {
				if fn, ok := decl.(*ast.FuncDecl); ok && strings.HasPrefix(fn.Name.Name, "Example") && hasOutput(f, fn) {
					collectShown(shown, info, fn, pkg.ImportPath)
				}
			}
		}
	}
	for _, name := range wantShown(files) {
		if !shown[name] {
			t.Errorf("%s is in no Example with output", name)
		}
	}
}

func hasOutput(f *ast.File, fn *ast.FuncDecl) bool {
	for _, group := range f.Comments {
		if group.Pos() > fn.Body.Pos() && group.End() < fn.Body.End() {
			text := strings.ToLower(group.Text())
			if strings.HasPrefix(text, "output:") || strings.HasPrefix(text, "unordered output:") {
				return true
			}
		}
	}
	return false
}

// wantShown lists the exported types and the constructors (functions whose
// name begins with New, Parse, Compile or Open) that an Example must show.
func wantShown(files []*ast.File) []string {
	var names []string
	for _, f := range files {
		for _, decl := range f.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.IsExported() && isConstructor(d.Name.Name) {
					names = append(names, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if s, ok := spec.(*ast.TypeSpec); ok && s.Name.IsExported() {
						names = append(names, s.Name.Name)
					}
				}
			}
		}
	}
	return names
}

func isConstructor(name string) bool {
	for _, verb := range []string{"New", "Parse", "Compile", "Open"} {
		if strings.HasPrefix(name, verb) {
			return true
		}
	}
	return false
}

func collectShown(shown map[string]bool, info *types.Info, code ast.Node, path string) {
	ast.Inspect(code, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			for _, obj := range []types.Object{info.Uses[id], info.Defs[id]} {
				if obj == nil {
					continue
				}
				if obj.Pkg() != nil && obj.Pkg().Path() == path {
					shown[obj.Name()] = true
				}
				collectType(shown, obj.Type(), path, 0)
			}
		}
		if e, ok := n.(ast.Expr); ok {
			collectType(shown, info.Types[e].Type, path, 0)
		}
		return true
	})
}

// collectType marks the named types of the package that t is made of.
func collectType(shown map[string]bool, t types.Type, path string, depth int) {
	if t == nil || depth > 6 {
		return
	}
	switch t := t.(type) {
	case *types.Alias:
		if t.Obj().Pkg() != nil && t.Obj().Pkg().Path() == path {
			shown[t.Obj().Name()] = true
		}
		collectType(shown, types.Unalias(t), path, depth+1)
	case *types.Named:
		if obj := t.Obj(); obj.Pkg() != nil && obj.Pkg().Path() == path {
			shown[obj.Name()] = true
		}
		for i := range t.TypeArgs().Len() {
			collectType(shown, t.TypeArgs().At(i), path, depth+1)
		}
	case *types.Pointer:
		collectType(shown, t.Elem(), path, depth+1)
	case *types.Slice:
		collectType(shown, t.Elem(), path, depth+1)
	case *types.Array:
		collectType(shown, t.Elem(), path, depth+1)
	case *types.Map:
		collectType(shown, t.Key(), path, depth+1)
		collectType(shown, t.Elem(), path, depth+1)
	case *types.Signature:
		collectTuple(shown, t.Params(), path, depth+1)
		collectTuple(shown, t.Results(), path, depth+1)
	case *types.Tuple:
		collectTuple(shown, t, path, depth+1)
	}
}

func collectTuple(shown map[string]bool, t *types.Tuple, path string, depth int) {
	for i := range t.Len() {
		collectType(shown, t.At(i).Type(), path, depth)
	}
}
