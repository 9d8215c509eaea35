// SPDX-License-Identifier: Apache-2.0

// Package sdksigner compares sigv4's Signer with the two signers that AWS
// publishes for Go, aws-sdk-go-v2's signer/v4 and smithy-go's aws-http-auth: the
// same requests, the same signatures, and a named case for each rule that a
// peer does not follow. Its benchmarks measure them side by side.
package sdksigner
