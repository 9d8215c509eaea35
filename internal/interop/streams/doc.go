// SPDX-License-Identifier: Apache-2.0

// Package streams compares bodies in pieces, SigV4A and event streams with the
// servers and clients of others, in both directions.
package streams
