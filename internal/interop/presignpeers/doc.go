// SPDX-License-Identifier: Apache-2.0

// Package presignpeers holds presigned URLs, POST forms and CloudFront URLs of
// this library against the servers and clients of others: each side makes what
// the other accepts. It has tests only.
package presignpeers
