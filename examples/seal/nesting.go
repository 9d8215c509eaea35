// SPDX-License-Identifier: Apache-2.0

package main

// maxNested is how many keyrings may lie in each other. Reading one copies all
// that is in it: 10,000 of them, a line of 150 KB, took gigabytes.
const maxNested = 16

// nesting is how deep objects and lists lie in each other in JSON.
func nesting(data []byte) int {
	depth, deepest, text := 0, 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			text = !text
		case text && c == '\\':
			i++
		case text:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}
