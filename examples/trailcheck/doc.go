// SPDX-License-Identifier: Apache-2.0

// Command trailcheck proves a CloudTrail trail complete and untouched, in a
// directory, or says what is missing, altered or added.
//
//	trailcheck -dir TREE [-start T] [-end T] [-expect-through T] [-format text|json] …
//	trailcheck events -dir TREE [-who W] [-name N] [-after T] [-format table|json|csv] …
//
// The report goes to stdout, diagnostics to stderr. Exit status: 0 valid, 1
// tampered, 2 incomplete, 3 error.
package main
