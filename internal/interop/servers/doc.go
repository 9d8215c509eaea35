// SPDX-License-Identifier: Apache-2.0

// Package servers sends requests that sigv4 signs to live S3 servers. It holds
// tests only.
package servers
