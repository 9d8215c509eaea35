// SPDX-License-Identifier: Apache-2.0

// Package encryptionsdk compares package envelope with AWS's own
// implementations of the AWS Encryption SDK: for Go, linked into the tests,
// and for JavaScript, run by node. Every message of either side must open with
// the other. It has nothing but tests and benchmarks.
package encryptionsdk
