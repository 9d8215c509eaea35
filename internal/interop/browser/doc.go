// SPDX-License-Identifier: Apache-2.0

// Package browser opens the gateway's upload page in a headless Chromium. It
// holds tests only.
package browser
