// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// sparse is a message of any length that exists only where it is read: its
// frames are sealed when they are first touched.
type sparse struct {
	header []byte
	plan   plan
	cipher *frameCipher

	mu     sync.Mutex
	frames map[int64][]byte
	bytes  int64 // read so far
}

// newSparse describes a message of so much plaintext under fixedKeyring's key.
func newSparse(t testing.TB, frameLen, plaintext int64) *sparse {
	t.Helper()
	c, err := New(Config{Keyring: fixedKeyring{counting(0x80, 32)}, Suite: Suite0478, FrameLength: frameLen})
	require.NoError(t, err)
	o, err := c.begin(t.Context(), nil, plaintext, nil)
	require.NoError(t, err)
	s := &sparse{header: o.appendHeader(nil), cipher: o.frames.clone(), frames: map[int64][]byte{}}
	s.plan, err = planBody(int64(len(s.header)), bodySize(plaintext, frameLen), frameLen)
	require.NoError(t, err)
	require.Equal(t, plaintext, s.plan.size())
	return s
}

// sparseByte is the plaintext at an offset.
func sparseByte(off int64) byte { return byte(off*7 + off>>12 + off>>30) }

func sparsePlain(off int64, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = sparseByte(off + int64(i))
	}
	return p
}

func (s *sparse) size() int64 {
	return int64(len(s.header)) + bodySize(s.plan.size(), s.plan.frameLen)
}

// frame returns the sealed frame i, from 1.
func (s *sparse) frame(i int64) []byte {
	b := s.frames[i]
	switch {
	case b != nil:
	case i == s.plan.frames:
		b = s.cipher.sealFinal(nil, uint32(i), sparsePlain((i-1)*s.plan.frameLen, int(s.plan.last)))
	default:
		b = s.cipher.sealRegular(nil, uint32(i), sparsePlain((i-1)*s.plan.frameLen, int(s.plan.frameLen)))
	}
	s.frames[i] = b
	return b
}

func (s *sparse) ReadAt(p []byte, off int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for n < len(p) && off < s.size() {
		from := s.header[min(off, int64(len(s.header))):]
		if len(from) == 0 {
			i := (off-s.plan.header)/(s.plan.frameLen+regularOverhead) + 1
			i = min(i, s.plan.frames)
			from = s.frame(i)[off-s.plan.offset(i):]
		}
		got := copy(p[n:], from)
		n, off = n+got, off+int64(got)
	}
	s.bytes += int64(n)
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// counter counts what an AEAD opens.
type counter struct {
	cipher.AEAD
	opened int
}

func (c *counter) Open(dst, nonce, ciphertext, aad []byte) ([]byte, error) {
	c.opened++
	return c.AEAD.Open(dst, nonce, ciphertext, aad)
}

func openSparse(t testing.TB, s *sparse) (*ReaderAt, *counter) {
	t.Helper()
	c, err := New(Config{Keyring: fixedKeyring{counting(0x80, 32)}})
	require.NoError(t, err)
	s.bytes = 0
	r, err := c.NewReaderAt(t.Context(), s, s.size(), nil)
	require.NoError(t, err)
	require.LessOrEqual(t, s.bytes, int64(len(s.header))+4096+s.plan.frameLen+finalOverhead, "header and final frame")
	require.Equal(t, s.plan.size(), r.Size())
	n := &counter{AEAD: r.in.frames.aead}
	r.in.frames.aead = n
	r.pool = sync.Pool{New: r.pool.New}
	return r, n
}

var sparseShapes = []struct{ frame, size int64 }{{4096, 10 << 30}, {64 << 10, 10 << 30}, {4096, 10<<30 + 1}, {4096, 5 << 40}}

// 4 KiB anywhere in a message of 10 GiB, and of 5 TiB, are two frames at the
// most, read and opened once.
func TestReaderAtSparse(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, shape := range sparseShapes {
		s := newSparse(t, shape.frame, shape.size)
		r, opened := openSparse(t, s)
		p := make([]byte, 4096)
		for i := range 200 {
			off := rng.Int64N(shape.size - 4096)
			switch i {
			case 0:
				off = shape.size - 4096
			case 1:
				off = 0
			case 2:
				off -= off % shape.frame
			}
			s.bytes, opened.opened = 0, 0
			n, err := r.ReadAt(p, off)
			require.NoError(t, err)
			require.Equal(t, sparsePlain(off, 4096), p[:n])
			require.LessOrEqual(t, opened.opened, 2)
			require.LessOrEqual(t, s.bytes, int64(opened.opened)*(shape.frame+finalOverhead))
		}
		n, err := r.ReadAt(p, shape.size-1)
		require.Equal(t, io.EOF, err)
		require.Equal(t, []byte{sparseByte(shape.size - 1)}, p[:n])
		n, err = r.ReadAt(p, shape.size)
		require.Equal(t, io.EOF, err)
		require.Zero(t, n)
	}
}

// BenchmarkReadAtSparse is 4 KiB at random offsets of 10 GiB, beside the
// AES-GCM of one frame.
func BenchmarkReadAtSparse(b *testing.B) {
	for _, shape := range sparseShapes[:2] {
		s := newSparse(b, shape.frame, shape.size)
		r, _ := openSparse(b, s)
		r.in.frames.aead = r.in.frames.aead.(*counter).AEAD
		r.pool = sync.Pool{New: r.pool.New}
		rng := rand.New(rand.NewPCG(1, 2))
		p, offsets := make([]byte, 4096), make([]int64, 64)
		for i := range offsets {
			offsets[i] = rng.Int64N(shape.size - 4096)
			if _, err := r.ReadAt(p, offsets[i]); err != nil || !bytes.Equal(p, sparsePlain(offsets[i], 4096)) {
				b.Fatal("wrong bytes", err)
			}
		}
		aead := must[cipher.AEAD](b)(cipher.NewGCM(must[cipher.Block](b)(aes.NewCipher(make([]byte, 32)))))
		sealed := aead.Seal(nil, zeroIV[:], make([]byte, shape.frame), p[:72])
		out := make([]byte, 0, shape.frame)
		b.Run(fmt.Sprintf("frame=%d/floor", shape.frame), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := aead.Open(out, zeroIV[:], sealed, p[:72]); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("frame=%d/4KiB", shape.frame), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i = (i + 1) % len(offsets)
				if _, err := r.ReadAt(p, offsets[i]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
