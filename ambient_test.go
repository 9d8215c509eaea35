// SPDX-License-Identifier: Apache-2.0

package sallyport_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// ambient is what core never touches: the environment, the process and its
// output. A package may know how it is logged (slog.Value), not log.
var ambient = map[string][]string{
	"os":   {"Getenv", "LookupEnv", "Environ", "ExpandEnv", "Stdin", "Stdout", "Stderr", "Exit", "Args"},
	"log":  {"Print", "Printf", "Println", "Fatal", "Fatalf", "Fatalln", "Panic", "Panicf", "Panicln", "Default", "New"},
	"slog": {"Debug", "Info", "Warn", "Error", "Log", "Default", "SetDefault", "New", "With", "DebugContext", "InfoContext", "WarnContext", "ErrorContext"},
	"fmt":  {"Print", "Printf", "Println"},
}

// TestCoreKeepsToItself: core reads no environment, writes to no output, logs
// nothing and does nothing when it is linked.
func TestCoreKeepsToItself(t *testing.T) {
	looked := 0
	for _, f := range repositoryFiles(t) {
		if f.module != "." || f.test || within(f.dir, "internal/testkit") {
			continue
		}
		looked++
		parsed, err := parser.ParseFile(token.NewFileSet(), f.rel, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		require.Empty(t, ambientUses(parsed), f.rel)
	}
	require.Greater(t, looked, 100)
}

// TestAmbientUsesAreSeen shows that the rule refuses what it is there to refuse.
func TestAmbientUsesAreSeen(t *testing.T) {
	parsed, err := parser.ParseFile(token.NewFileSet(), "x.go", `package x
func init() {}
func f() { os.Getenv("HOME"); slog.Info(""); slog.GroupValue(); log.Print(""); os.Open("") }`, 0)
	require.NoError(t, err)
	require.Equal(t, []string{"init", "os.Getenv", "slog.Info", "log.Print"}, ambientUses(parsed))
}

func ambientUses(file *ast.File) (found []string) {
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Name.Name == "init" && n.Recv == nil {
				found = append(found, "init")
			}
		case *ast.SelectorExpr:
			if pkg, ok := n.X.(*ast.Ident); ok && slices.Contains(ambient[pkg.Name], n.Sel.Name) {
				found = append(found, pkg.Name+"."+n.Sel.Name)
			}
		}
		return true
	})
	return found
}
