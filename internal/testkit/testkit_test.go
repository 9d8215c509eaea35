// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReportAppendsALine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report")
	t.Setenv("SALLYPORT_REPORT", file)
	Report(t, "interop", "peer/suite", "v1", 3)
	Report(t, "vectors", "sigv4/v4", "-", 76)
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "interop\tpeer/suite\tv1\t3\nvectors\tsigv4/v4\t-\t76\n", string(got))
}

func TestVectorsHonoursTheOverride(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "set"), 0o755))
	t.Setenv("SALLYPORT_VECTORS", dir)
	require.Equal(t, filepath.Join(dir, "set"), Vectors(t, "set"))
}

func TestReferenceImportsSeesAnOutsider(t *testing.T) {
	file := filepath.Join(t.TempDir(), "reference_test.go")
	src := "package x_test\n\nimport (\n\t_ \"strings\"\n\t_ \"example.com/x\"\n\t_ \"example.com/y\"\n)\n"
	require.NoError(t, os.WriteFile(file, []byte(src), 0o644))
	probe := &recorder{TB: t}
	ReferenceImports(probe, file, "example.com/x")
	require.Equal(t, 1, probe.errors)
}

func TestClassesRequire(t *testing.T) {
	c := Classes{}
	for i := range 200 {
		c.Add("common", true)
		c.Add("rare", i == 0)
		c.Add("never", false)
	}
	probe := &recorder{TB: t}
	c.Require(probe, 200)
	require.Equal(t, 2, probe.errors)
}

// recorder counts the failures a helper reports instead of failing the test.
type recorder struct {
	testing.TB
	errors int
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.errors++ }
