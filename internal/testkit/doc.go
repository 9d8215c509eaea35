// SPDX-License-Identifier: Apache-2.0

// Package testkit holds what the tests of several packages share: where the
// public vectors are, how a run is reported to CI, the checks that keep
// reference implementations and allocation ceilings honest, a KMS in memory,
// trails, good and tampered with, and the policies that engines are measured
// on. Only tests import it.
package testkit
