// SPDX-License-Identifier: Apache-2.0

package vpc_test

import (
	"io/fs"
	"os"
)

func dirFS(dir string) fs.FS { return os.DirFS(dir) }
