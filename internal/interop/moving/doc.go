// SPDX-License-Identifier: Apache-2.0

// Package moving holds the code that docs/moving-from.md shows, before and
// after, and runs it: what the page says of both sides is what they do.
package moving
