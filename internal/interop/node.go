// SPDX-License-Identifier: Apache-2.0

package interop

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Node returns the path of node and a folder whose node_modules holds the
// packages, each written name@version. They are installed once for each set of
// packages and kept for the next run. A script run with this folder as working
// directory, or placed in it, may require them.
func Node(tb testing.TB, packages ...string) (node, dir string) {
	tb.Helper()
	node = Program(tb, "node")
	dir = nodeDir(tb, packages)
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err == nil {
		return node, dir
	}
	npm := Program(tb, "npm")
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "install-")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	if err := os.WriteFile(filepath.Join(tmp, "package.json"), []byte(`{"private":true}`), 0o644); err != nil {
		tb.Fatal(err)
	}
	tb.Logf("interop: installing %s", strings.Join(packages, " "))
	ctx, cancel := context.WithTimeout(tb.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, npm, append([]string{"install", "--no-audit", "--no-fund", "--loglevel=error"}, packages...)...)
	cmd.Dir = tmp
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("interop: npm install %v: %v\n%s", packages, err, out)
	}
	if err := os.Rename(tmp, dir); err != nil {
		if _, errStat := os.Stat(filepath.Join(dir, "node_modules")); errStat != nil { // else another test was first
			tb.Fatal(err)
		}
	}
	return node, dir
}

func nodeDir(tb testing.TB, packages []string) string {
	tb.Helper()
	sorted := slices.Sorted(slices.Values(packages))
	sum := sha256.Sum256([]byte(strings.Join(sorted, "\n")))
	dir := filepath.Join(peersDir(tb), "npm")
	mkdir(tb, dir)
	return filepath.Join(dir, hex.EncodeToString(sum[:8]))
}

// Chromium returns the path of a Chromium.
func Chromium(tb testing.TB) string {
	tb.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path := Find(name); path != "" {
			return path
		}
	}
	return Program(tb, "chromium")
}
