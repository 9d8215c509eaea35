// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package testkit

import "time"

// CPUTime returns 0: it is known on Unix systems only.
func CPUTime() time.Duration { return 0 }
