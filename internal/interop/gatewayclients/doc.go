// SPDX-License-Identifier: Apache-2.0

// Package gatewayclients drives examples/gateway with the S3 clients that
// people use, over http and https, and kills it under load. It holds tests
// only.
package gatewayclients
