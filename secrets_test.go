// SPDX-License-Identifier: Apache-2.0

package sallyport_test

import (
	"bufio"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// secretPackages handle signatures, keys, tags or digests, which are compared
// with crypto/subtle.
var secretPackages = []string{"sigv4", "presign", "presign/cloudfront", "envelope", "cloudtrail"}

// byteComparisons is the allow-list: package, function, expression, reason,
// separated by tabs.
const byteComparisons = "testdata/byte-comparisons.txt"

// TestSecretComparisons lists every comparison of bytes in these packages that
// is not made in constant time (==, != on arrays or converted slices,
// bytes.Equal, bytes.Compare, slices.Equal) against an allow-list with
// reasons. SIG-91, SIG-38.
func TestSecretComparisons(t *testing.T) {
	allowed := readAllowed(t)
	used := map[string]bool{}
	all := publicPackages(t)
	for _, pkg := range all.public {
		rel := strings.TrimPrefix(pkg.ImportPath, modulePath+"/")
		if !isSecretPackage(rel) {
			continue
		}
		parsed, info, err := all.check(pkg, pkg.ImportPath, pkg.GoFiles)
		require.NoError(t, err)
		for _, f := range parsed {
			for _, where := range comparisons(f, info) {
				key := rel + "\t" + where
				used[key] = true
				if !allowed[key] {
					t.Errorf("%s: compare secrets with crypto/subtle; where the bytes are no secret, add the line and its reason to %s", strings.ReplaceAll(key, "\t", " "), byteComparisons)
				}
			}
		}
	}
	for key := range allowed {
		if !used[key] {
			t.Errorf("%s allows a comparison that is no longer there: %s", byteComparisons, strings.ReplaceAll(key, "\t", " "))
		}
	}
}

// TestSecretComparisonsAreSeen shows that each form is recognised.
func TestSecretComparisonsAreSeen(t *testing.T) {
	dir := t.TempDir()
	src := `package p

import (
	"bytes"
	"slices"
)

func compare(a, b []byte, x, y [4]byte, s string) bool {
	if a == nil || len(a) == 3 || s == "x" {
		return false
	}
	return x == y || x != y || bytes.Equal(a, b) || bytes.Compare(a, b) == 0 || slices.Equal(a, b) || string(a) == s
}
`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "p.go"), []byte(src), 0o644))
	exports, err := library()
	require.NoError(t, err)
	parsed, info, err := exports.check(listedPackage{Dir: dir, ImportPath: "p"}, "p", []string{"p.go"})
	require.NoError(t, err)
	require.Equal(t, []string{
		"compare\tx == y", "compare\tx != y", "compare\tbytes.Equal(a, b)",
		"compare\tbytes.Compare(a, b)", "compare\tslices.Equal(a, b)", "compare\tstring(a) == s",
	}, comparisons(parsed[0], info))
}

func isSecretPackage(rel string) bool {
	for _, p := range secretPackages {
		if p == rel {
			return true
		}
	}
	return false
}

func readAllowed(t *testing.T) map[string]bool {
	t.Helper()
	f, err := os.Open(byteComparisons)
	require.NoError(t, err)
	defer f.Close()
	allowed := map[string]bool{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := lines.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, "\t")
		require.Len(t, fields, 4, "want package, function, expression, reason: %q", line)
		require.NotEmpty(t, fields[3], "no reason given: %q", line)
		allowed[strings.Join(fields[:3], "\t")] = true
	}
	require.NoError(t, lines.Err())
	return allowed
}

// comparisons returns "function<TAB>expression" for each comparison of bytes.
func comparisons(f *ast.File, info *types.Info) []string {
	var found []string
	for _, decl := range f.Decls {
		name := "-"
		if fn, ok := decl.(*ast.FuncDecl); ok {
			name = fn.Name.Name
		}
		ast.Inspect(decl, func(n ast.Node) bool {
			switch e := n.(type) {
			case *ast.BinaryExpr:
				if (e.Op == token.EQL || e.Op == token.NEQ) && (comparesBytes(info, e.X) || comparesBytes(info, e.Y)) {
					found = append(found, fmt.Sprintf("%s\t%s", name, source(e)))
				}
			case *ast.CallExpr:
				if callComparesBytes(info, e) {
					found = append(found, fmt.Sprintf("%s\t%s", name, source(e)))
				}
			}
			return true
		})
	}
	return found
}

// comparesBytes reports whether the operand is a byte array, or a byte slice
// converted to a string for the comparison.
func comparesBytes(info *types.Info, e ast.Expr) bool {
	tv := info.Types[e]
	if tv.Type == nil {
		return false
	}
	if array, ok := tv.Type.Underlying().(*types.Array); ok {
		return isByte(array.Elem())
	}
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok || len(call.Args) != 1 || !info.Types[call.Fun].IsType() {
		return false
	}
	slice, ok := info.Types[call.Args[0]].Type.Underlying().(*types.Slice)
	return ok && isByte(slice.Elem())
}

func callComparesBytes(info *types.Info, call *ast.CallExpr) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || len(call.Args) == 0 {
		return false
	}
	fn := info.Uses[sel.Sel]
	if fn == nil || fn.Pkg() == nil {
		return false
	}
	switch fn.Pkg().Path() + "." + fn.Name() {
	case "bytes.Equal", "bytes.Compare", "slices.Equal", "slices.Compare":
	default:
		return false
	}
	slice, ok := info.Types[call.Args[0]].Type.Underlying().(*types.Slice)
	return ok && isByte(slice.Elem())
}

func isByte(t types.Type) bool {
	basic, ok := t.Underlying().(*types.Basic)
	return ok && basic.Kind() == types.Byte
}
