// SPDX-License-Identifier: Apache-2.0

// Package siege attacks a running examples/gateway from outside: every incident
// that the rules name, replayed over the wire; faults of machine, store and
// network; and load beside other servers. It signs with a signer of its own,
// written from the AWS pages, so that no fault of package sigv4 can hide in
// both ends.
package siege
