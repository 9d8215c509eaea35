// SPDX-License-Identifier: Apache-2.0

// Package policypeers compares package iampolicy with another policy engine
// written in Go: cedar-go, on the same statements written in its language.
package policypeers
