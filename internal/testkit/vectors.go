// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"os"
	"path/filepath"
	"testing"
)

// Vectors returns the folder of one set of public test vectors, such as
// "sigv4/v4". It skips the test, saying why, where the folder is absent. The
// root of all sets is $SALLYPORT_VECTORS, else ../shared/vectors beside the
// repository.
func Vectors(tb testing.TB, set string) string {
	tb.Helper()
	dir := filepath.Join(vectorsRoot(tb), filepath.FromSlash(set))
	if _, err := os.Stat(dir); err != nil {
		tb.Skipf("vector set %s is not on this machine (set SALLYPORT_VECTORS to the folder that holds it): %v", set, err)
	}
	return dir
}

func vectorsRoot(tb testing.TB) string {
	if dir := os.Getenv("SALLYPORT_VECTORS"); dir != "" {
		return dir
	}
	return filepath.Join(RepoRoot(tb), "..", "shared", "vectors")
}

// RepoRoot returns the folder of the root module: the nearest folder upwards
// that holds both go.mod and go.work.
func RepoRoot(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		_, errMod := os.Stat(filepath.Join(dir, "go.mod"))
		_, errWork := os.Stat(filepath.Join(dir, "go.work"))
		if errMod == nil && errWork == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			tb.Fatal("no folder above the test holds go.mod and go.work")
		}
		dir = up
	}
}
