// SPDX-License-Identifier: Apache-2.0

package interop

import (
	"os"
	"testing"
)

// Require skips the test unless SALLYPORT_INTEROP=1: foreign programs are
// started, and installed when absent, only where somebody asked for it.
func Require(tb testing.TB) {
	tb.Helper()
	if os.Getenv("SALLYPORT_INTEROP") != "1" {
		tb.Skip("needs foreign programs: set SALLYPORT_INTEROP=1 to run it")
	}
}
