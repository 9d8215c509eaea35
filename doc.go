// SPDX-License-Identifier: Apache-2.0

// Package sallyport is the map of a library of AWS security primitives, both
// halves of each: what one side signs, writes, encrypts or logs, the other
// side verifies, decides, opens or proves. It has no API of its own; every job
// has a package, and each package links nothing but the standard library.
package sallyport
