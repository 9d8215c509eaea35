// SPDX-License-Identifier: Apache-2.0

package interop

import (
	"os/exec"
	"strings"
	"testing"
)

// FindPython returns a Python that can import every module named, or "".
// A machine often has several, and the first on PATH is not always the one that
// has the packages.
func FindPython(modules ...string) string {
	for _, name := range []string{"python3", "/usr/bin/python3", "/usr/local/bin/python3", "python3.13", "python3.12", "python3.11", "python"} {
		path := Find(name)
		if path == "" {
			continue
		}
		if exec.Command(path, "-c", "import "+strings.Join(modules, ", ")).Run() == nil {
			return path
		}
	}
	return ""
}

// Python is FindPython, and fails the test where no Python has the modules.
func Python(tb testing.TB, modules ...string) string {
	tb.Helper()
	path := FindPython(modules...)
	if path == "" {
		tb.Fatalf("interop: no Python on this machine can import %s", strings.Join(modules, ", "))
	}
	return path
}
