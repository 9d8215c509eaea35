// SPDX-License-Identifier: Apache-2.0

// Package interop starts the foreign programs that the tests below it compare
// this library with, and finds the ones that are merely run.
//
// # Rules
//
// A test that needs a foreign program calls [Require] first: it skips unless
// SALLYPORT_INTEROP=1, so that a bare machine runs everything else. Once it is
// set, a missing program fails the test instead of skipping it, except where a
// helper says otherwise.
//
//	func TestPutIsAccepted(t *testing.T) {
//		interop.Require(t)
//		server := interop.Versitygw(t)
//		// … server.URL, server.AccessKeyID, server.SecretAccessKey, server.Region
//		testkit.Report(t, "interop", "versitygw/put", server.Version, cases)
//	}
//
// # Where programs come from
//
// A program is looked up in $SALLYPORT_PEERS, on PATH and in $(go env
// GOPATH)/bin. The two peers written in Go are installed at the version this
// package names when they are nowhere; npm packages are installed beside them.
//
// # Servers
//
// Every server binds a free port of 127.0.0.1, keeps its data in the test's
// temporary folder, is polled until it answers and is ended by its process id
// when the test ends. Its output is logged when the test fails.
//
// Server and Process are safe for concurrent use; the helpers that take a
// testing.TB must be called from the test's own goroutine.
package interop
