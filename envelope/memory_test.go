// SPDX-License-Identifier: Apache-2.0

//go:build !race

package envelope

import (
	"bytes"
	"io"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

// zeros is a source of n zero bytes that needs no memory.
type zeros struct{ n int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.n == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.n)
	clear(p[:n])
	z.n -= n
	return int(n), nil
}

// peak counts the bytes that pass and watches the heap.
type peak struct {
	n    int64
	next int64
	max  uint64
}

func (p *peak) Write(b []byte) (int, error) {
	p.n += int64(len(b))
	if p.n >= p.next {
		p.next += 8 << 20
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		p.max = max(p.max, m.HeapAlloc)
	}
	return len(b), nil
}

// A stream of 1 GiB, written into a reader of its own, takes 1.4 MB at both
// ends together, signed or not: no frame waits for the footer (ENV-44), and
// memory follows the frames under way (ENV-108). The bound has room for what a
// collection that comes late leaves behind.
func TestStreamMemory(t *testing.T) {
	size := int64(1 << 30)
	if testing.Short() {
		size = 64 << 20
	}
	for _, s := range []Suite{Suite0478, Suite0578} {
		if s.Signing() {
			size = 64 << 20
		}
		c := suiteClient(t, s, 64<<10)
		defer debug.SetGCPercent(debug.SetGCPercent(10))
		runtime.GC()
		var before runtime.MemStats
		runtime.ReadMemStats(&before)
		pr, pw := io.Pipe()
		done := make(chan error, 1)
		go func() {
			w, err := c.NewWriter(t.Context(), pw, nil)
			if err == nil {
				_, err = w.ReadFrom(&zeros{size})
			}
			if err == nil {
				err = w.Close()
			}
			pw.CloseWithError(err)
			done <- err
		}()
		r, err := c.NewReader(t.Context(), pr, nil)
		require.NoError(t, err)
		p := &peak{}
		n, err := r.WriteTo(p)
		require.NoError(t, err)
		require.NoError(t, <-done)
		require.Equal(t, size, n)
		over := int64(p.max) - int64(before.HeapAlloc)
		t.Logf("%s: %d KiB over the baseline", s.hex(), over>>10)
		require.LessOrEqual(t, over, int64(4<<20))
	}
}

// A stream of 64 MiB, in either direction, takes at most 1 MiB (ENV-130), counted
// with the garbage that lies about, with one goroutine and with two.
func TestStreamMemoryMebibyte(t *testing.T) {
	const size = 64 << 20
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	for _, frame := range []int64{4 << 10, 64 << 10} {
		for _, workers := range []int{1, 2} {
			c, err := New(Config{Keyring: fixedKeyring{counting(0x80, 32)}, Suite: Suite0478, FrameLength: frame, Parallelism: workers})
			require.NoError(t, err)
			over := func(stream func(w io.Writer) error) int64 {
				runtime.GC()
				runtime.GC() // the second takes what sync.Pool keeps
				var before runtime.MemStats
				runtime.ReadMemStats(&before)
				p := &peak{}
				require.NoError(t, stream(p))
				require.GreaterOrEqual(t, p.n, int64(size))
				return int64(p.max) - int64(before.HeapAlloc)
			}
			seal := func(w io.Writer) error {
				sealer, err := c.NewWriter(t.Context(), w, nil)
				if err == nil {
					_, err = sealer.ReadFrom(&zeros{size})
				}
				if err == nil {
					err = sealer.Close()
				}
				return err
			}
			var sealed bytes.Buffer
			require.NoError(t, seal(&sealed))
			sealing := over(seal)
			opening := over(func(w io.Writer) error {
				r, err := c.NewReader(t.Context(), struct{ io.Reader }{bytes.NewReader(sealed.Bytes())}, nil)
				if err == nil {
					_, err = r.WriteTo(w)
				}
				return err
			})
			t.Logf("frames of %d, %d workers: %d KiB sealing, %d KiB opening", frame, workers, sealing>>10, opening>>10)
			require.LessOrEqual(t, sealing, int64(1<<20))
			require.LessOrEqual(t, opening, int64(1<<20))
		}
	}
}

// A length field allocates nothing before its bytes have come: a header that
// claims a frame of 64 MiB, a non-framed body of 1 GiB or a long field.
func TestNoAllocationByLength(t *testing.T) {
	for name, change := range map[string]func(*forge){
		"frame":      func(f *forge) { f.frameLen = 64 << 20; f.frames = []forgedFrame{regularAt(1, "abcd")} },
		"non-framed": nonFramed("abc", func(f *forge) { f.lengthOf = 1 << 30 }),
	} {
		f := newForge(t, Suite0478)
		change(f)
		message := f.build(t)
		c, err := New(Config{Keyring: fixedKeyring{counting(0x80, 32)}})
		require.NoError(t, err)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = readAll(t, c, &slowReader{message}, nil)
		runtime.ReadMemStats(&after)
		require.ErrorIs(t, err, ErrTruncated, name)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20), name)
	}
}

type slowReader struct{ b []byte }

func (r *slowReader) Read(p []byte) (int, error) {
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.b)
	r.b = r.b[n:]
	return n, nil
}

// Giving a message of 256 MiB new keys, in both ways, takes as little as
// reading it.
func TestRewrapMemory(t *testing.T) {
	size := int64(256 << 20)
	if testing.Short() {
		size = 32 << 20
	}
	for name, rewrite := range map[string]func(from, to *Client, dst io.Writer, src io.Reader) error{
		"Rewrap": func(from, to *Client, dst io.Writer, src io.Reader) error {
			_, err := from.Rewrap(t.Context(), dst, src, to.cfg.Keyring, nil)
			return err
		},
		"Reencrypt": func(from, to *Client, dst io.Writer, src io.Reader) error {
			_, err := from.Reencrypt(t.Context(), dst, src, to, nil)
			return err
		},
	} {
		from, to := suiteClient(t, Suite0178, 64<<10), newClient(t, Suite0478, 64<<10)
		defer debug.SetGCPercent(debug.SetGCPercent(10))
		runtime.GC()
		var before runtime.MemStats
		runtime.ReadMemStats(&before)
		pr, pw := io.Pipe()
		done := make(chan error, 1)
		go func() {
			w, err := from.NewWriter(t.Context(), pw, nil)
			if err == nil {
				_, err = w.ReadFrom(&zeros{size})
			}
			if err == nil {
				err = w.Close()
			}
			pw.CloseWithError(err)
			done <- err
		}()
		p := &peak{}
		require.NoError(t, rewrite(from, to, p, pr))
		require.NoError(t, <-done)
		require.Greater(t, p.n, size)
		over := int64(p.max) - int64(before.HeapAlloc)
		t.Logf("%s: %d KiB over the baseline", name, over>>10)
		require.LessOrEqual(t, over, int64(8<<20))
	}
}
