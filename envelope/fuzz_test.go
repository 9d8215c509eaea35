// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// FuzzHeader parses anything: no panic, bounded memory, the same from a slice
// and from a reader that gives single bytes.
func FuzzHeader(f *testing.F) {
	for _, s := range allSuites {
		f.Add(newForge(f, s).build(f))
	}
	f.Add([]byte("AYADeH"))
	lim := limits{frameLen: 1 << 20, headerBytes: 1 << 12, pairs: 16, edks: 8}
	f.Fuzz(func(t *testing.T, data []byte) {
		var h, g header
		err := h.parse(&source{buf: data}, lim)
		errStream := g.parse(&source{r: iotest.OneByteReader(bytes.NewReader(data))}, lim)
		require.Equal(t, err == nil, errStream == nil)
		if err != nil {
			var a, b *Error
			require.True(t, errors.As(err, &a))
			require.True(t, errors.As(errStream, &b))
			require.Equal(t, a.Kind, b.Kind)
			return
		}
		require.Equal(t, h.raw, g.raw)
		require.LessOrEqual(t, len(h.raw), lim.headerBytes)
		require.Equal(t, data[:len(h.raw)], h.raw)
		require.Equal(t, h.context, g.context)
		require.Equal(t, h.edks, g.edks)
	})
}

// FuzzContext reads a context section and writes it again: sorted sections
// come back as they were.
func FuzzContext(f *testing.F) {
	f.Add(appendContext(nil, EncryptionContext{"a": "1", "z": "", "é": "2"}, nil))
	f.Add([]byte{0, 0})
	f.Add(pairs("b", "1", "a", "2"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := parseContext(data, 0, 64)
		if err != nil {
			return
		}
		again := appendContext(nil, p.pairs, nil)
		if !p.unsorted && !p.zeroCount {
			require.Equal(t, string(data), string(again))
		}
		q, err := parseContext(again, 0, 64)
		require.NoError(t, err)
		require.Equal(t, len(p.pairs), len(q.pairs))
		for k, v := range p.pairs {
			require.Equal(t, v, q.pairs[k])
		}
	})
}

// FuzzFrames puts any body behind a good header: slices and streams agree, and
// nothing but the one good body opens to its plaintext.
func FuzzFrames(f *testing.F) {
	good := newForge(f, Suite0478)
	message := good.build(f)
	h := &header{}
	require.NoError(f, h.parse(&source{buf: message}, limits{frameLen: 1 << 20, headerBytes: 1 << 16, pairs: 16}))
	header := bytes.Clone(h.raw)
	f.Add(message[len(header):])
	f.Add(message[len(header) : len(message)-1])
	f.Add(append(bytes.Clone(message[len(header):]), 0))
	f.Add(binary.BigEndian.AppendUint32(nil, finalMarker))
	c, err := New(Config{Keyring: fixedKeyring{counting(0x80, 32)}})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body []byte) {
		all := append(bytes.Clone(header), body...)
		got, _, err := c.Decrypt(t.Context(), nil, all, nil)
		require.Equal(t, bytes.Equal(all, message), err == nil)
		for _, src := range []io.Reader{bytes.NewReader(all), iotest.HalfReader(bytes.NewReader(all))} {
			plain, errStream := readAll(t, c, src, nil)
			require.Equal(t, err == nil, errStream == nil)
			if err == nil {
				require.Equal(t, got, plain)
				continue
			}
			var a, b *Error
			require.True(t, errors.As(err, &a))
			require.True(t, errors.As(errStream, &b))
			require.Equal(t, a.Kind, b.Kind)
		}
		r, errRange := c.NewReaderAt(t.Context(), bytes.NewReader(all), int64(len(all)), nil)
		if err == nil {
			require.NoError(t, errRange)
			require.Equal(t, int64(len(got)), r.Size())
		} else if errRange == nil {
			require.Error(t, r.VerifyAll())
		}
	})
}

// FuzzFooter puts anything behind a good signed body.
func FuzzFooter(f *testing.F) {
	good := newForge(f, Suite0214)
	message := good.build(f)
	good.noFooter = true
	body := good.build(f)
	f.Add(message[len(body):])
	f.Add([]byte{0, 0})
	f.Add([]byte{0xff, 0xff, 0x30})
	c, err := New(Config{Keyring: fixedKeyring{counting(0x80, 32)}, Commitment: RequireEncryptAllowDecrypt})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, footer []byte) {
		all := append(bytes.Clone(body), footer...)
		_, _, err := c.Decrypt(t.Context(), nil, all, nil)
		plain, errStream := readAll(t, c, bytes.NewReader(all), nil)
		require.Equal(t, err == nil, errStream == nil)
		if err == nil {
			require.Equal(t, message[len(body):], footer, "a second signature")
			return
		}
		require.True(t, errors.Is(err, ErrSignature) || errors.Is(err, ErrTrailingData) || errors.Is(err, ErrFormat))
		require.Equal(t, errors.Is(err, ErrTrailingData), errors.Is(errStream, ErrTrailingData))
		require.NotContains(t, string(plain), "ef", "the final frame is held until the signature verifies")
	})
}

// FuzzRewrap gives new keys to anything: what opens before opens to the same
// after, in both ways, and nothing else gets an end.
func FuzzRewrap(f *testing.F) {
	for _, s := range allSuites {
		good := newForge(f, s)
		f.Add(good.build(f))
		nonFramed("abcdef", nil)(good)
		f.Add(good.build(f))
	}
	from, err := New(Config{Keyring: fixedKeyring{counting(0x80, 32)}, Commitment: ForbidEncryptAllowDecrypt, MaxFrameLength: 1 << 20})
	require.NoError(f, err)
	to := newClient(f, Suite0478, 16)
	read := newClient(f, Suite0378, 16, func(c *Config) { c.Strict = false })
	f.Fuzz(func(t *testing.T, message []byte) {
		want, old, err := from.Decrypt(t.Context(), nil, message, nil)
		for name, rewrite := range rewritten {
			var dst bytes.Buffer
			h, errRewrite := rewrite(t.Context(), from, &dst, message, to, nil)
			if errors.Is(errRewrite, ErrRewrapUnsafe) {
				require.Equal(t, "Rewrap", name)
				require.True(t, err != nil || old.Suite.Committing())
				require.Zero(t, dst.Len())
				continue
			}
			require.Equal(t, err == nil, errRewrite == nil, "%v, %v", err, errRewrite)
			got, now, errRead := read.Decrypt(t.Context(), nil, dst.Bytes(), nil)
			require.Equal(t, err == nil, errRead == nil, "%v, %v", err, errRead)
			if err == nil {
				require.Equal(t, string(want), string(got))
				require.Equal(t, now, h)
			}
		}
	})
}
