// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLinesNestedKeyrings: keyrings lie in each other only so deep, and a line
// of more of them is refused before they are read.
func TestLinesNestedKeyrings(t *testing.T) {
	line := func(open, end string, n int) []byte {
		innermost := `{"type":"raw-aes","namespace":"n\"[{","name":"[[","key":"` + strings.Repeat("A", 43) + `="}`
		return []byte(`{"id":7,"op":"encrypt","plaintext":"","keyring":` + strings.Repeat(open, n) + innermost + strings.Repeat(end, n) + `}`)
	}
	for name, kind := range map[string]struct{ open, end string }{
		"generator": {`{"type":"multi","generator":`, `}`},
		"children":  {`{"type":"multi","children":[`, `]}`},
	} {
		t.Run(name, func(t *testing.T) {
			deepest := maxNested - 1
			if name == "generator" { // which takes no list
				deepest = 2*maxNested - 1
			}
			for n, ok := range map[int]bool{0: true, deepest: true, deepest + 1: false} {
				a := respond(t.Context(), &kmsServices{}, line(kind.open, kind.end, n))
				if name == "children" && ok && n > 0 { // nobody makes the data key
					require.Contains(t, a.Error, "ErrKeyring", n)
					continue
				}
				require.Equal(t, ok, a.OK, "%d: %s", n, a.Error)
				require.Equal(t, json.RawMessage("7"), a.ID)
			}
			long := line(kind.open, kind.end, 4000)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			require.Equal(t, "ErrInput: the line is not a request", respond(t.Context(), &kmsServices{}, long).Error)
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(32*len(long)))
		})
	}
}
