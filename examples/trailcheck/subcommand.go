// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
)

// subcommand returns what the first word of a command line names, or nil.
func subcommand(name string) func(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	switch name {
	case "events":
		return events
	case "prove":
		return prove
	case "verify":
		return verify
	case "results":
		return results
	}
	return nil
}
