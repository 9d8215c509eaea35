// SPDX-License-Identifier: Apache-2.0

// Package envelope reads and writes messages of the AWS Encryption SDK.
package envelope
