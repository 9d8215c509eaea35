// SPDX-License-Identifier: Apache-2.0

package awstrail

import (
	"os/exec"
	"path/filepath"
)

// buildCommand builds trailcheck from the examples module.
func buildCommand(bin string) (out []byte, err error) {
	dir, err := filepath.Abs("../../../examples/trailcheck")
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("go", "build", "-o", bin, ".")
	cmd.Dir = dir
	return cmd.CombinedOutput()
}
