// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkRewrap gives messages of 16 MiB to another key: the frames are
// opened, and copied. Its floor is BenchmarkFloor's open, for a signed suite two
// hashes beside each other.
func BenchmarkRewrap(b *testing.B) {
	for _, s := range []Suite{Suite0178, Suite0378} {
		b.Run(s.hex(), func(b *testing.B) {
			shapes(b, s, func(b *testing.B, c *Client, plaintext, message []byte) {
				to := newClient(b, s, 4096)
				var out bytes.Buffer
				_, err := c.Rewrap(b.Context(), &out, bytes.NewReader(message), to.cfg.Keyring, nil)
				require.NoError(b, err)
				requireOpens(b, to, out.Bytes(), plaintext)
				for b.Loop() {
					if _, err := c.Rewrap(b.Context(), io.Discard, bytes.NewReader(message), to.cfg.Keyring, nil); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// BenchmarkReencrypt encrypts messages of 16 MiB anew. Its floor is
// BenchmarkFloor's open and seal, one after the other.
func BenchmarkReencrypt(b *testing.B) {
	for _, s := range []Suite{Suite0478, Suite0578} {
		b.Run(s.hex(), func(b *testing.B) {
			shapes(b, s, func(b *testing.B, c *Client, plaintext, message []byte) {
				to := newClient(b, s, int64(c.frameLen), func(cfg *Config) { cfg.Parallelism = c.workers })
				var out bytes.Buffer
				_, err := c.Reencrypt(b.Context(), &out, bytes.NewReader(message), to, nil)
				require.NoError(b, err)
				requireOpens(b, to, out.Bytes(), plaintext)
				for b.Loop() {
					if _, err := c.Reencrypt(b.Context(), io.Discard, bytes.NewReader(message), to, nil); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// requireOpens asserts equal answers before anything is timed.
func requireOpens(b *testing.B, c *Client, message, want []byte) {
	b.Helper()
	got, _, err := c.Decrypt(b.Context(), nil, message, nil)
	require.NoError(b, err)
	require.True(b, bytes.Equal(want, got))
}
