// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

var allSuites = []Suite{
	Suite0014, Suite0046, Suite0078, Suite0114, Suite0146, Suite0178,
	Suite0214, Suite0346, Suite0378, Suite0478, Suite0578,
}

func policyFor(s Suite) CommitmentPolicy {
	if s.Committing() {
		return RequireEncryptAllowDecrypt
	}
	return ForbidEncryptAllowDecrypt
}

func rawAES(t testing.TB) *RawAES {
	t.Helper()
	k, err := NewRawAES("ns", "name", counting(0x40, 32))
	require.NoError(t, err)
	return k
}

func suiteClient(t testing.TB, s Suite, frameLen int64, edit ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{Keyring: rawAES(t), Suite: s, Commitment: policyFor(s), FrameLength: frameLen}
	for _, f := range edit {
		f(&cfg)
	}
	c, err := New(cfg)
	require.NoError(t, err)
	return c
}

// pattern is the plaintext of seal jsonl.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte((7*i + 3) % 251)
	}
	return b
}

// Every suite, frame lengths and plaintext lengths around them (ENV-116,
// ENV-37, ENV-40): what Encrypt writes has the computed size and opens again,
// and the caller's map stays as it was (ENV-52).
func TestEncryptDecrypt(t *testing.T) {
	for _, s := range allSuites {
		for _, f := range []int{1, 16, 4096} {
			c := suiteClient(t, s, int64(f))
			for _, n := range []int{0, 1, f - 1, f, f + 1, 3 * f, 3*f + 1} {
				t.Run(fmt.Sprintf("%s/%d/%d", s.hex(), f, n), func(t *testing.T) {
					ec := EncryptionContext{"purpose": "test", "": "empty", "é": ""}
					want := pattern(n)
					prefix := []byte("prefix")
					message, err := c.Encrypt(t.Context(), prefix, want, ec)
					require.NoError(t, err)
					require.Equal(t, prefix, message[:len(prefix)])
					message = message[len(prefix):]
					got, h, err := c.Decrypt(t.Context(), prefix, message, ec)
					require.NoError(t, err)
					require.Equal(t, append([]byte("prefix"), want...), got)
					require.Equal(t, s, h.Suite)
					require.Equal(t, int64(f), h.FrameLength)
					require.Equal(t, s.Signing(), len(h.Context) == len(ec)+1)
					require.Len(t, ec, 3, "the caller's map is not changed")
					require.Equal(t, bodySize(int64(n), int64(f)), int64(len(message)-h.Length-footerLen(t, s, message)))
				})
			}
		}
	}
}

// footerLen finds the footer of a good message by taking one signature's
// length after another.
func footerLen(t *testing.T, s Suite, message []byte) int {
	t.Helper()
	if !s.Signing() {
		return 0
	}
	for n := s.spec().maxFooter(); n > 8; n-- {
		at := len(message) - n
		if at > 0 && int(message[at])<<8|int(message[at+1]) == n-2 && message[at+2] == 0x30 {
			return n
		}
	}
	t.Fatal("no footer")
	return 0
}

// A message longer than one goroutine's share: the bytes are the same for
// every parallelism (ENV-107).
func TestEncryptSameBytesForEveryParallelism(t *testing.T) {
	want := pattern(3<<20 + 5)
	var first []byte
	for _, n := range []int{1, 2, 3, 8} {
		c := knownClient(t, Suite0478)
		c.frameLen, c.workers = 4096, n
		got, err := c.Encrypt(t.Context(), nil, want, nil)
		require.NoError(t, err)
		if first == nil {
			first = got
		}
		require.True(t, bytes.Equal(first, got), "parallelism %d", n)
		plain, _, err := c.Decrypt(t.Context(), nil, got, nil)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, plain))
	}
}
