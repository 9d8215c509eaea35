// SPDX-License-Identifier: Apache-2.0

// Package awstrail compares trailcheck and package cloudtrail with `aws
// cloudtrail validate-logs` on trails served by an S3 server on the loopback
// interface. It holds tests only.
package awstrail
