// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"context"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// streamed encrypts through a Writer, giving it pieces of the size.
func streamed(t *testing.T, c *Client, plaintext []byte, piece int, ec EncryptionContext) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := c.NewWriter(t.Context(), &b, ec)
	require.NoError(t, err)
	if piece < 0 {
		n, err := w.ReadFrom(iotest.OneByteReader(bytes.NewReader(plaintext)))
		require.NoError(t, err)
		require.Equal(t, int64(len(plaintext)), n)
	} else if piece == 0 {
		_, err := w.ReadFrom(bytes.NewReader(plaintext))
		require.NoError(t, err)
	} else {
		for rest := plaintext; len(rest) > 0; {
			n, err := w.Write(rest[:min(piece, len(rest))])
			require.NoError(t, err)
			rest = rest[n:]
		}
	}
	require.NoError(t, w.Close())
	require.NoError(t, w.Close())
	require.Equal(t, w.Header().Length+int(bodySize(int64(len(plaintext)), int64(c.frameLen))), b.Len()-footerLen(t, c.spec.id, b.Bytes()))
	return b.Bytes()
}

// What a Writer writes is a message, whatever pieces it was given; what a
// Reader reads is the plaintext, whatever pieces it gets (ENV-48, ENV-49).
func TestStream(t *testing.T) {
	ec := EncryptionContext{"a": "b"}
	for _, s := range allSuites {
		for _, f := range []int{1, 100, 4096, 70_000} {
			c := suiteClient(t, s, int64(f))
			share := taskFrames(f) * f
			for _, n := range []int{0, 1, f - 1, f, f + 1, 3*f + 1, share - 1, share, share + 1, 2 * share} {
				if f == 1 && n > share || n > 10_000 && s != Suite0478 && s != Suite0578 || testing.Short() && s != Suite0478 && s != Suite0578 {
					continue
				}
				for _, piece := range []int{0, 1 << 20, 1000, f, -1} {
					if piece == -1 && n > 10000 || n > 100_000 && piece == f && !s.Committing() {
						continue
					}
					t.Run(fmt.Sprintf("%s/%d/%d/%d", s.hex(), f, n, piece), func(t *testing.T) {
						want := pattern(n)
						message := streamed(t, c, want, piece, ec)
						got, _, err := c.Decrypt(t.Context(), nil, message, nil)
						require.NoError(t, err)
						require.True(t, bytes.Equal(want, got))
						requireStream(t, c, message, want)
					})
				}
			}
		}
	}
}

// requireStream reads the message in several ways.
func requireStream(t *testing.T, c *Client, message, want []byte) {
	t.Helper()
	sources := map[string]io.Reader{"memory": bytes.NewReader(message), "whole": elsewhere(bytes.NewReader(message)), "data with EOF": iotest.DataErrReader(bytes.NewReader(message))}
	if len(message) < 20000 {
		sources["bytes"] = iotest.OneByteReader(bytes.NewReader(message))
	}
	for name, src := range sources {
		r, err := c.NewReader(t.Context(), src, nil)
		require.NoError(t, err)
		got, err := io.ReadAll(r)
		require.NoError(t, err, name)
		require.True(t, bytes.Equal(want, got), name)
	}
	requireWriteTo(t, c, bytes.NewReader(message), want)
	requireWriteTo(t, c, elsewhere(bytes.NewReader(message)), want)
}

func requireWriteTo(t *testing.T, c *Client, src io.Reader, want []byte) {
	t.Helper()
	r, err := c.NewReader(t.Context(), src, nil)
	require.NoError(t, err)
	var b bytes.Buffer
	n, err := r.WriteTo(&b)
	require.NoError(t, err)
	require.Equal(t, int64(len(want)), n)
	require.True(t, bytes.Equal(want, b.Bytes()))
	require.NoError(t, r.Close())
	_, err = r.Read(make([]byte, 1))
	require.Equal(t, io.EOF, err)
}

// A long message takes the goroutines' way; bytes and errors are the same.
func TestStreamParallel(t *testing.T) {
	want := pattern(3<<20 + 17)
	for _, s := range []Suite{Suite0478, Suite0578} {
		for _, workers := range []int{1, 3} {
			for _, f := range []int64{4096, 70_000} {
				if s.Signing() && workers == 1 {
					continue
				}
				c := suiteClient(t, s, f, func(cfg *Config) { cfg.Parallelism = workers })
				for _, piece := range []int{0, len(want), 200_000} {
					message := streamed(t, c, want, piece, nil)
					requireStream(t, c, message, want)
				}
			}
		}
	}
}

// A failing frame is never released, nor anything behind it, and everything
// released before is a prefix of the plaintext (ENV-47).
func TestStreamReleasesOnlyAPrefix(t *testing.T) {
	want := pattern(2<<20 + 17)
	for _, workers := range []int{1, 2, 4} {
		c := suiteClient(t, Suite0478, 4096, func(cfg *Config) { cfg.Parallelism = workers })
		message := streamed(t, c, want, 0, nil)
		header := len(message) - int(bodySize(int64(len(want)), 4096))
		for _, frame := range []int{0, 1, 17, 300, 301, 400, 511} {
			bad := bytes.Clone(message)
			bad[header+frame*(4096+regularOverhead)+100] ^= 1
			var e *Error
			for _, src := range sources(bad) {
				r, err := c.NewReader(t.Context(), src, nil)
				require.NoError(t, err)
				got, err := io.ReadAll(r)
				require.ErrorIs(t, err, ErrFrameAuth)
				require.True(t, errors.As(err, &e))
				require.Equal(t, uint32(frame+1), e.Frame)
				require.LessOrEqual(t, len(got), frame*4096)
				require.True(t, bytes.HasPrefix(want, got))
				_, again := r.Read(make([]byte, 10))
				require.Equal(t, err, again, "sticky")
			}
			_, _, err := c.Decrypt(t.Context(), nil, bad, nil)
			require.ErrorIs(t, err, ErrFrameAuth)
			require.True(t, errors.As(err, &e))
			require.Equal(t, uint32(frame+1), e.Frame)
		}
	}
}

// What Read opens in the caller's buffer is the plaintext, whatever room there
// is, and bytes behind what it returns are not written.
func TestReadInPlace(t *testing.T) {
	want := pattern(300_017)
	for _, s := range []Suite{Suite0478, Suite0578} {
		c := suiteClient(t, s, 4096)
		message := streamed(t, c, want, 0, nil)
		for _, room := range []int{1000, 4095, 4096, 4097, 3*4096 + 1, 1 << 20} {
			for _, src := range sources(message) {
				requireInPlace(t, c, src, want, room)
			}
		}
	}
}

func requireInPlace(t *testing.T, c *Client, src io.Reader, want []byte, room int) {
	t.Helper()
	r, err := c.NewReader(t.Context(), src, nil)
	require.NoError(t, err)
	var got []byte
	for p := make([]byte, room); err == nil; {
		for i := range p {
			p[i] = 0xaa
		}
		var n int
		n, err = r.Read(p)
		got = append(got, p[:n]...)
		require.Equal(t, room-n, bytes.Count(p[n:], []byte{0xaa}), "written behind what is returned")
	}
	require.Equal(t, io.EOF, err)
	require.True(t, bytes.Equal(want, got), room)
}

// A message in memory is read from where its bytes.Reader stands, to the end,
// and never written to: not on success, not on any failure, not by Close.
func TestReaderInMemory(t *testing.T) {
	want := pattern(3<<20 + 17)
	for _, s := range []Suite{Suite0478, Suite0578} {
		for _, workers := range []int{1, 3} {
			c := suiteClient(t, s, 4096, func(cfg *Config) { cfg.Parallelism = workers })
			message := streamed(t, c, want, 0, nil)
			behind := append([]byte("prefix"), message...)
			src := bytes.NewReader(behind)
			must[int64](t)(src.Seek(6, io.SeekStart))
			requireWriteTo(t, c, src, want)
			require.Zero(t, src.Len())
			flipped := bytes.Clone(message)
			flipped[len(flipped)/2] ^= 1
			for name, bad := range map[string][]byte{
				"flipped": flipped, "cut": message[:len(message)/2], "header": message[:50], "longer": append(bytes.Clone(message), 0), "empty": nil,
			} {
				before := bytes.Clone(bad)
				_, err := readAll(t, c, bytes.NewReader(bad), nil)
				require.Error(t, err, name)
				require.True(t, bytes.Equal(before, bad), name)
			}
			r := must[*Reader](t)(c.NewReader(t.Context(), bytes.NewReader(message), nil))
			must[int64](t)(io.CopyN(io.Discard, r, 2<<20))
			require.NoError(t, r.Close())
			require.True(t, bytes.Equal(behind[6:], message))
		}
	}
}

// A frame that fails leaves nothing of itself, nor of the good ones before it
// in the same call, in the caller's buffer: whatever is not as the caller left
// it is zero (ENV-47).
func TestReadClearsWhatFailed(t *testing.T) {
	want := bytes.Repeat([]byte{0x55}, 300_017)
	for _, s := range []Suite{Suite0478, Suite0578} {
		c := suiteClient(t, s, 4096, func(cfg *Config) { cfg.Parallelism = 1 })
		message := streamed(t, c, want, 0, nil)
		header, err := Inspect(bytes.NewReader(message))
		require.NoError(t, err)
		for _, frame := range []int{0, 1, 5, 17, 73} { // 73 is the final one
			for _, at := range []int{4 + 1, regularPrefix + 60, min(4096, len(want)-frame*4096) + regularPrefix} { // IV, content, tag
				bad := bytes.Clone(message)
				bad[header.Length+frame*(4096+regularOverhead)+at] ^= 1
				for _, room := range []int{100, 4096, 3*4096 + 1, 1 << 20} {
					for _, src := range sources(bad) {
						requireCleared(t, c, src, want, room)
					}
				}
			}
		}
	}
}

func requireCleared(t *testing.T, c *Client, src io.Reader, want []byte, room int) {
	t.Helper()
	r, err := c.NewReader(t.Context(), src, nil)
	require.NoError(t, err)
	p := make([]byte, room)
	for read := 0; err == nil; {
		for i := range p {
			p[i] = 0xaa
		}
		var n int
		n, err = r.Read(p)
		require.Equal(t, 0, bytes.Count(p[n:], want[:1]), "left behind")
		require.True(t, err == nil || n == 0)
		require.True(t, bytes.Equal(want[read:read+n], p[:n]))
		read += n
	}
	require.NotEqual(t, io.EOF, err)
}

// leaky is a cipher that writes content before it has checked it, and leaves
// it where it wrote when the check fails.
type leaky struct{ cipher.AEAD }

func (l leaky) Open(dst, _, sealed, _ []byte) ([]byte, error) {
	copy(dst[len(dst):cap(dst)], sealed[:len(sealed)-tagLen])
	return nil, errors.New("not authentic")
}

// That a failed frame is cleared is not left to the cipher.
func TestOpenToClears(t *testing.T) {
	task := newTask()
	task.frames.init(leaky{}, make([]byte, 32), 64, false)
	task.first = 1
	task.src = bytes.Repeat([]byte{0x55}, 2*(64+regularOverhead))
	binary.BigEndian.PutUint32(task.src, 1)
	p := bytes.Repeat([]byte{0xaa}, 200)
	n, err := task.openTo(p)
	require.ErrorIs(t, err, ErrFrameAuth)
	require.Zero(t, n)
	require.Equal(t, make([]byte, 128), p[:128])
	require.Equal(t, bytes.Repeat([]byte{0xaa}, 72), p[128:], "no room for a frame: not its to write")
}

// A Writer whose context ends, or whose destination fails, says so at the next
// call and goes on saying it, whatever pieces it is given.
func TestWriterInterrupted(t *testing.T) {
	full := errors.New("disk full")
	for _, s := range []Suite{Suite0478, Suite0578} {
		for _, workers := range []int{1, 3} {
			c := suiteClient(t, s, 4096, func(cfg *Config) { cfg.Parallelism = workers })
			for _, piece := range []int{1000, 4096, taskBytes - 1, taskBytes, taskBytes + 1, 3 * taskBytes} {
				for _, after := range []int{0, 1, taskBytes, 2*taskBytes + 1, 3 << 20} {
					for what, dst := range map[string]*limitedWriter{
						"full":   {room: after + 1000, err: full},
						"cancel": {room: 1 << 30},
					} {
						ctx, cancel := context.WithCancel(t.Context())
						w, err := c.NewWriter(ctx, dst, nil)
						require.NoError(t, err)
						for n := 0; err == nil && n < 6<<20; n += piece {
							if what == "cancel" && n >= after {
								cancel()
							}
							_, err = w.Write(make([]byte, piece))
						}
						want := full
						if what == "cancel" {
							want = context.Canceled
						}
						if err == nil {
							err = w.Close()
						}
						require.ErrorIs(t, err, want, "%s %d %d", what, piece, after)
						_, again := w.Write([]byte("more"))
						require.Equal(t, err, again)
						_, again = w.ReadFrom(bytes.NewReader([]byte("more")))
						require.Equal(t, err, again)
						require.Equal(t, err, w.Close())
						if what == "full" {
							require.LessOrEqual(t, dst.n, after+1000)
						}
						cancel()
					}
				}
			}
		}
	}
}
