// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"go/parser"
	"go/token"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// AllocsAtMost fails when f allocates more than ceiling times per run.
// Allocation counts are exact, timings are not; but the race detector adds
// allocations, so files that call it carry the build tag !race.
func AllocsAtMost(tb testing.TB, ceiling float64, f func()) {
	tb.Helper()
	if got := testing.AllocsPerRun(100, f); got > ceiling {
		tb.Errorf("%v allocations a run, the ceiling is %v", got, ceiling)
	}
}

// BytesAtMost fails when one run of f allocates more than ceiling bytes, given
// back or not: for what must not grow with the square of its input. The counter
// is the program's, so nothing else may run meanwhile; the race detector adds
// bytes, so files that call it carry the build tag !race.
func BytesAtMost(tb testing.TB, ceiling uint64, f func()) {
	tb.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > ceiling {
		tb.Errorf("%d bytes allocated, the ceiling is %d", got, ceiling)
	}
}

// ReferenceImports fails when the file, a slow reference implementation in an
// external test package, imports anything beyond the standard library and the
// named packages: a reference that calls the code it judges proves nothing.
func ReferenceImports(tb testing.TB, file string, allowed ...string) {
	tb.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		tb.Fatal(err)
	}
	if !strings.HasSuffix(f.Name.Name, "_test") {
		tb.Errorf("%s is in package %s: a reference lives in the external test package", file, f.Name.Name)
	}
	for _, spec := range f.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			tb.Fatal(err)
		}
		first, _, _ := strings.Cut(path, "/")
		if strings.Contains(first, ".") && !slices.Contains(allowed, path) {
			tb.Errorf("%s imports %s", file, path)
		}
	}
}

// Classes counts what a generator produces, so that a fuzz or comparison run
// cannot pass by never meeting the hard inputs.
type Classes map[string]int

// Add counts one input of the class when cond holds.
func (c Classes) Add(class string, cond bool) {
	if cond {
		c[class]++
	} else if _, ok := c[class]; !ok {
		c[class] = 0
	}
}

// Require fails for each class under one percent of total.
func (c Classes) Require(tb testing.TB, total int) {
	tb.Helper()
	for class, n := range c {
		if n*100 < total {
			tb.Errorf("class %q: %d of %d generated cases, under one percent", class, n, total)
		}
	}
}
