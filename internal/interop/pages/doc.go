// SPDX-License-Identifier: Apache-2.0

// Package pages runs what the README and the pages under docs show: every
// console block, with the output that stands below each command.
package pages
