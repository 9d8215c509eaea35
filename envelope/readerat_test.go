// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"io"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// Every range of small messages is the range of the whole (ENV-93, ENV-95).
func TestReaderAtEveryRange(t *testing.T) {
	for _, s := range []Suite{Suite0478, Suite0178, Suite0014, Suite0578, Suite0214} {
		c := suiteClient(t, s, 7, func(cfg *Config) { cfg.AllowUnverifiedSignature = true })
		for _, n := range []int{0, 1, 6, 7, 8, 14, 23} {
			want := pattern(n)
			message, err := c.Encrypt(t.Context(), nil, want, nil)
			require.NoError(t, err)
			r, err := c.NewReaderAt(t.Context(), bytes.NewReader(message), int64(len(message)), nil)
			require.NoError(t, err)
			require.Equal(t, int64(n), r.Size())
			require.NoError(t, r.VerifyAll())
			for off := range n + 2 {
				for length := range n + 3 {
					p := make([]byte, length)
					got, err := r.ReadAt(p, int64(off))
					if off+length > n && length > 0 {
						require.Equal(t, io.EOF, err)
					} else {
						require.NoError(t, err)
					}
					require.Equal(t, want[min(off, n):min(off+length, n)], p[:got])
				}
			}
			require.NoError(t, iotest.TestReader(io.NewSectionReader(r, 0, r.Size()), want))
		}
	}
}

func TestReaderAtConcurrent(t *testing.T) {
	c := suiteClient(t, Suite0478, 4096)
	want := pattern(200_000)
	message, err := c.Encrypt(t.Context(), nil, want, nil)
	require.NoError(t, err)
	r, err := c.NewReaderAt(t.Context(), bytes.NewReader(message), int64(len(message)), nil)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			p := make([]byte, 10_000)
			for i := range 20 {
				off := (g*7919 + i*13_007) % (len(want) - len(p))
				n, err := r.ReadAt(p, int64(off))
				if err != nil || n != len(p) || !bytes.Equal(p, want[off:off+n]) {
					t.Errorf("range at %d: %d, %v", off, n, err)
				}
			}
			if err := r.VerifyAll(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// Cut, extended and shuffled messages never open, or never give a wrong byte
// (ENV-94, ENV-95).
func TestReaderAtRefuses(t *testing.T) {
	c := suiteClient(t, Suite0478, 8)
	want := pattern(30)
	message, err := c.Encrypt(t.Context(), nil, want, nil)
	require.NoError(t, err)
	header := len(message) - int(bodySize(30, 8))
	for n := range len(message) {
		_, err := c.NewReaderAt(t.Context(), bytes.NewReader(message[:n]), int64(n), nil)
		require.Error(t, err, "cut to %d", n)
		_, err = c.NewReaderAt(t.Context(), bytes.NewReader(message[:n]), int64(len(message)), nil)
		require.Error(t, err, "cut to %d, size kept", n)
	}
	for n := 1; n < 200; n++ {
		long := append(bytes.Clone(message), make([]byte, n)...)
		_, err := c.NewReaderAt(t.Context(), bytes.NewReader(long), int64(len(long)), nil)
		require.Error(t, err, "extended by %d", n)
	}
	swapped := bytes.Clone(message)
	copy(swapped[header:], message[header+40:header+80])
	copy(swapped[header+40:], message[header:header+40])
	r, err := c.NewReaderAt(t.Context(), bytes.NewReader(swapped), int64(len(swapped)), nil)
	require.NoError(t, err)
	n, err := r.ReadAt(make([]byte, 8), 0)
	require.ErrorIs(t, err, ErrFormat)
	require.Zero(t, n)
	require.Error(t, r.VerifyAll())
	signed := suiteClient(t, Suite0578, 8)
	message, err = signed.Encrypt(t.Context(), nil, want, nil)
	require.NoError(t, err)
	_, err = signed.NewReaderAt(t.Context(), bytes.NewReader(message), int64(len(message)), nil)
	require.ErrorIs(t, err, ErrUnsupported)
}
