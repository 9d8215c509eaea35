// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// Every range of small messages is the range of the whole (ENV-93, ENV-95), of
// signed ones too, whose footer is found from the end (ENV-96).
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

// Many goroutines read one message (ENV-97).
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

// Random ranges of long messages.
func TestReaderAtRandomRanges(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, frame := range []int64{1, 100, 4096, 64 << 10, 1 << 20} {
		want := pattern(int(min(frame*700, 3<<20)) + 17)
		c := suiteClient(t, Suite0478, frame)
		message, err := c.Encrypt(t.Context(), nil, want, nil)
		require.NoError(t, err)
		r, err := c.NewReaderAt(t.Context(), bytes.NewReader(message), int64(len(message)), nil)
		require.NoError(t, err)
		for range 100 {
			off, n := rng.IntN(len(want)), rng.IntN(int(3*frame)+20)
			p := make([]byte, n)
			got, err := r.ReadAt(p, int64(off))
			if off+n > len(want) {
				require.Equal(t, io.EOF, err)
			} else {
				require.NoError(t, err)
			}
			require.True(t, bytes.Equal(want[off:min(off+n, len(want))], p[:got]), "%d bytes at %d", n, off)
		}
	}
}

// FuzzReaderAt reads ranges of a message, changed or not: every byte that comes
// out is the right one, and of an unchanged message all come out.
func FuzzReaderAt(f *testing.F) {
	for op := range uint8(6) {
		f.Add(uint8(0), uint16(30), uint8(7), uint16(3), uint16(20), op, uint16(140), uint8(1))
		f.Add(uint8(2), uint16(64), uint8(15), uint16(0), uint16(70), op, uint16(300), uint8(2))
		f.Add(uint8(1), uint16(0), uint8(0), uint16(0), uint16(1), op, uint16(0), uint8(0))
	}
	suites := []Suite{Suite0478, Suite0178, Suite0578}
	f.Fuzz(func(t *testing.T, suite uint8, length uint16, frame uint8, off, n uint16, op uint8, at uint16, with uint8) {
		frameLen := int64(frame) + 1
		want := pattern(int(length) % 700)
		c := suiteClient(t, suites[int(suite)%len(suites)], frameLen, func(cfg *Config) { cfg.AllowUnverifiedSignature = true })
		message, err := c.Encrypt(t.Context(), nil, want, nil)
		require.NoError(t, err)
		h, err := Inspect(bytes.NewReader(message))
		require.NoError(t, err)
		changed, good := spoil(message, h.Length, int(frameLen)+regularOverhead, op%6, int(at), with)
		r, err := c.NewReaderAt(t.Context(), bytes.NewReader(changed), int64(len(changed)), nil)
		if err != nil {
			require.False(t, good, "%v", err)
			return
		}
		p := make([]byte, int(n)%1000)
		got, err := r.ReadAt(p, int64(off))
		from := min(int(off), len(want))
		require.True(t, bytes.HasPrefix(want[from:], p[:got]), "wrong bytes")
		if good {
			require.Equal(t, min(len(p), len(want)-from), got)
			if got < len(p) {
				require.Equal(t, io.EOF, err)
			}
			require.NoError(t, r.VerifyAll())
		}
		if err == io.EOF {
			require.Equal(t, len(want), from+got, "an end before the end")
		}
	})
}

// spoil changes a message: a bit, its end, what follows it, the places of two
// frames, or a frame by a copy of another. good says that nothing changed.
func spoil(message []byte, header, size int, op uint8, at int, with uint8) (_ []byte, good bool) {
	out := bytes.Clone(message)
	i, j := header+at%5*size, header+int(with)%5*size
	inside := max(i, j)+size <= len(message)
	switch op {
	case 1:
		out[at%len(out)] ^= 1 << (with % 8)
		return out, false
	case 2:
		return out[:at%len(out)], false
	case 3:
		return append(out, bytes.Repeat([]byte{with}, 1+at%300)...), false
	case 4:
		if !inside || i == j {
			return out, true
		}
		copy(out[i:i+size], message[j:j+size])
		copy(out[j:j+size], message[i:i+size])
		return out, false
	case 5:
		if !inside || i == j {
			return out, true
		}
		copy(out[i:i+size], message[j:j+size])
		return out, false
	default:
		return out, true
	}
}

// A frame that is opened in the caller's buffer leaves nothing there when it
// does not verify, and writes nothing behind itself when it does.
func TestReaderAtLeavesNothing(t *testing.T) {
	c := suiteClient(t, Suite0478, 8)
	want := pattern(30)
	message, err := c.Encrypt(t.Context(), nil, want, nil)
	require.NoError(t, err)
	body := len(message) - int(bodySize(30, 8))
	for _, length := range []int{7, 8, 9, 15, 16, 20, 24, 30} {
		changed := bytes.Clone(message)
		changed[body+(8+regularOverhead)+regularPrefix] ^= 1 // in the second frame
		r, err := c.NewReaderAt(t.Context(), bytes.NewReader(changed), int64(len(changed)), nil)
		require.NoError(t, err)
		p := bytes.Repeat([]byte{0xAA}, length)
		n, err := r.ReadAt(p, 0)
		require.Equal(t, min(length, 8), n)
		require.Equal(t, want[:n], p[:n])
		if length > 8 {
			require.ErrorIs(t, err, ErrFrameAuth)
		}
		for i, b := range p[n:] {
			require.Contains(t, []byte{0, 0xAA}, b, "byte %d of a range of %d", n+i, length)
		}
		whole, err := c.NewReaderAt(t.Context(), bytes.NewReader(message), int64(len(message)), nil)
		require.NoError(t, err)
		p = bytes.Repeat([]byte{0xAA}, length+32)
		n, err = whole.ReadAt(p[:length], 0)
		require.NoError(t, err)
		require.Equal(t, want[:length], p[:n])
		require.Equal(t, bytes.Repeat([]byte{0xAA}, 32), p[length:])
	}
}
