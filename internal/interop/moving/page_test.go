// SPDX-License-Identifier: Apache-2.0

package moving

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// blocks are the Go blocks of a page.
func blocks(page string) []string {
	var out []string
	for _, part := range strings.Split(page, "```go\n")[1:] {
		text, _, _ := strings.Cut(part, "```")
		out = append(out, strings.TrimSpace(text))
	}
	return out
}

// snippets are the pieces of the files between "// page: NAME" and
// "// page: end", one tab out.
func snippets(t *testing.T, files ...string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, part := range strings.Split(string(text), "\t// page: ")[1:] {
			name, body, _ := strings.Cut(part, "\n")
			if name == "end" {
				continue
			}
			lines := strings.Split(body, "\n")
			for i, line := range lines {
				lines[i] = strings.TrimPrefix(line, "\t")
			}
			out[name] = strings.TrimSpace(strings.Join(lines, "\n"))
		}
	}
	return out
}
