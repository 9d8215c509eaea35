// SPDX-License-Identifier: Apache-2.0

package interop

import (
	"context"
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// goPrograms are the peers that `go install` provides, at the version that is
// compared against.
var goPrograms = map[string]string{
	"versitygw": "github.com/versity/versitygw/cmd/versitygw@v1.8.0",
	"minio":     "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c",
}

// Find returns the path of a program, or "" where the machine has none.
func Find(name string) string {
	for _, dir := range []string{os.Getenv("SALLYPORT_PEERS"), cacheDir()} {
		if dir == "" {
			continue
		}
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	if out, err := exec.Command("go", "env", "GOPATH").Output(); err == nil {
		path := filepath.Join(strings.TrimSpace(string(out)), "bin", name)
		if path, err := exec.LookPath(path); err == nil {
			return path
		}
	}
	return ""
}

// Program returns the path of a program and fails the test where the machine
// has none; the peers written in Go are installed first.
func Program(tb testing.TB, name string) string {
	tb.Helper()
	if path := Find(name); path != "" {
		return path
	}
	module, ok := goPrograms[name]
	if !ok {
		tb.Fatalf("interop: %s is not on PATH nor in $SALLYPORT_PEERS", name)
	}
	return install(tb, name, module)
}

// install builds the module's command into a folder of its own and renames it
// into place, so that a test in another process never runs half a program.
func install(tb testing.TB, name, module string) string {
	tb.Helper()
	dir := peersDir(tb)
	tmp, err := os.MkdirTemp(dir, "install-")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	tb.Logf("interop: installing %s", module)
	ctx, cancel := context.WithTimeout(tb.Context(), 7*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "install", module)
	cmd.Dir = tmp
	cmd.Env = append(os.Environ(), "GOBIN="+tmp, "GOWORK=off", "GOFLAGS=-buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("interop: go install %s: %v\n%s", module, err, out)
	}
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	path := filepath.Join(dir, name)
	if err := os.Rename(filepath.Join(tmp, name), path); err != nil {
		tb.Fatal(err)
	}
	return path
}

// peersDir is where programs and npm packages are installed: $SALLYPORT_PEERS,
// else a folder in the user's cache.
func peersDir(tb testing.TB) string {
	tb.Helper()
	dir := os.Getenv("SALLYPORT_PEERS")
	if dir == "" {
		dir = cacheDir()
	}
	if dir == "" {
		tb.Fatal("interop: no user cache folder: set SALLYPORT_PEERS")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	return dir
}

func cacheDir() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "sallyport-peers")
}

// Version asks a program what it is: the module version built into a Go
// program, else the first line that it prints for args, such as --version.
func Version(tb testing.TB, path string, args ...string) string {
	tb.Helper()
	if info, err := buildinfo.ReadFile(path); err == nil && info.Main.Version != "" && len(args) == 0 {
		return info.Main.Version
	}
	out, err := exec.CommandContext(tb.Context(), path, args...).Output()
	if err != nil {
		tb.Fatalf("interop: %s %v: %v", path, args, err)
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return strings.TrimSpace(line)
}

// ModuleVersion is the version of a module that this one requires.
func ModuleVersion(tb testing.TB, path string) string {
	tb.Helper()
	out, err := exec.CommandContext(tb.Context(), "go", "list", "-m", "-f", "{{.Version}}", path).Output()
	if err != nil {
		tb.Fatalf("interop: go list -m %s: %v", path, err)
	}
	return strings.TrimSpace(string(out))
}
