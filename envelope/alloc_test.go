// SPDX-License-Identifier: Apache-2.0

//go:build !race

package envelope

import (
	"bytes"
	"crypto/fips140"
	"io"
	"testing"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/stretchr/testify/require"
)

// A message with a raw AES keyring and a context of one pair makes at most 12
// allocations (ENV-128, ENV-130), and no frame makes one. In FIPS 140 mode each
// of its two HMACs makes its digests, and Reset marshals them.
func TestAllocations(t *testing.T) {
	ceiling := 12.0
	if fips140.Enabled() {
		ceiling += 2*2 + 2
	}
	ec := EncryptionContext{"tenant": "7"}
	c := suiteClient(t, Suite0478, 4096, func(cfg *Config) { cfg.Parallelism = 1 })
	for _, size := range []int{0, 1024, 64 << 10, 1 << 20} {
		plaintext := pattern(size)
		message, err := c.Encrypt(t.Context(), nil, plaintext, ec)
		require.NoError(t, err)
		dst, back := make([]byte, 0, len(message)), make([]byte, 0, size)
		testkit.AllocsAtMost(t, ceiling, func() {
			if _, err := c.Encrypt(t.Context(), dst, plaintext, ec); err != nil {
				t.Error(err)
			}
		})
		testkit.AllocsAtMost(t, ceiling, func() {
			if _, _, err := c.Decrypt(t.Context(), back, message, ec); err != nil {
				t.Error(err)
			}
		})
	}
}

// Streams allocate what they need at their start: a stream of four times the
// frames allocates no more.
func TestStreamAllocations(t *testing.T) {
	for _, workers := range []int{1, 2} {
		c := suiteClient(t, Suite0478, 1024, func(cfg *Config) { cfg.Parallelism = workers })
		count := func(size int) (write, read float64) {
			plaintext := pattern(size)
			message, err := c.Encrypt(t.Context(), nil, plaintext, nil)
			require.NoError(t, err)
			write = testing.AllocsPerRun(5, func() {
				w, err := c.NewWriter(t.Context(), io.Discard, nil)
				require.NoError(t, err)
				_, err = w.ReadFrom(bytes.NewReader(plaintext))
				require.NoError(t, err)
				require.NoError(t, w.Close())
			})
			read = testing.AllocsPerRun(5, func() {
				for _, src := range sources(message) {
					r, err := c.NewReader(t.Context(), src, nil)
					require.NoError(t, err)
					_, err = r.WriteTo(io.Discard)
					require.NoError(t, err)
				}
			})
			return write, read
		}
		w1, r1 := count(2 << 20)
		w4, r4 := count(8 << 20)
		const slack = 20 // for 6,144 frames more: the runtime's own
		require.LessOrEqual(t, w4, w1+slack)
		require.LessOrEqual(t, r4, r1+slack)
	}
}

// A range allocates nothing once its buffers are there.
func TestReadAtAllocations(t *testing.T) {
	c := suiteClient(t, Suite0478, 4096)
	message, err := c.Encrypt(t.Context(), nil, pattern(1<<20), nil)
	require.NoError(t, err)
	r, err := c.NewReaderAt(t.Context(), bytes.NewReader(message), int64(len(message)), nil)
	require.NoError(t, err)
	p := make([]byte, 4096)
	testkit.AllocsAtMost(t, 1, func() { // 1: the pool may be emptied by a collection
		if _, err := r.ReadAt(p, 12345); err != nil {
			t.Error(err)
		}
	})
}

// Nor does one of 10 GiB: memory does not follow the length of the message.
func TestReadAtSparseAllocations(t *testing.T) {
	s := newSparse(t, 4096, 10<<30)
	r, _ := openSparse(t, s)
	p := make([]byte, 4096)
	offsets := []int64{1, 5 << 30, 10<<30 - 4096}
	i := 0
	testkit.AllocsAtMost(t, 1, func() {
		i++
		if _, err := r.ReadAt(p, offsets[i%len(offsets)]); err != nil {
			t.Error(err)
		}
	})
	b := r.pool.Get().(*rangeBuffer)
	require.LessOrEqual(t, cap(b.sealed)+cap(b.plaintext), 3*4096)
	testkit.AllocsAtMost(t, 50, func() {
		c, err := New(Config{Keyring: fixedKeyring{counting(0x80, 32)}})
		require.NoError(t, err)
		_, err = c.NewReaderAt(t.Context(), s, s.size(), nil)
		require.NoError(t, err)
	})
}
