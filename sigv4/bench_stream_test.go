// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"hash/crc32"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/sigv4"
)

const (
	benchBlock  = 64 << 10
	benchChunks = 256 // 16 MiB
	benchBody   = benchBlock * benchChunks
)

// blocks is a body of one block over and over: what a network connection
// brings, which is in the cache when it is read. The body in memory of the other
// benchmarks is not: it adds the cost of fetching it.
type blocks struct {
	frames [][]byte
	i      int
	rest   []byte
}

func (b *blocks) Read(p []byte) (int, error) {
	for len(b.rest) == 0 {
		if b.i == len(b.frames) {
			return 0, io.EOF
		}
		b.rest, b.i = b.frames[b.i], b.i+1
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *blocks) Close() error { return nil }

func plainBlocks(block []byte) *blocks {
	b := &blocks{}
	for range benchChunks {
		b.frames = append(b.frames, block)
	}
	return b
}

// framedBlocks shares the data between all chunks of an encoded body.
func framedBlocks(t testing.TB, encoded, block []byte) *blocks {
	t.Helper()
	b := &blocks{}
	data := append(bytes.Clone(block), "\r\n"...)
	for range benchChunks {
		head := encoded[:bytes.IndexByte(encoded, '\n')+1]
		require.True(t, bytes.HasPrefix(encoded[len(head):], data))
		b.frames = append(b.frames, head, data)
		encoded = encoded[len(head)+len(data):]
	}
	b.frames = append(b.frames, encoded)
	return b
}

func benchUpload(b *testing.B, payload sigv4.Payload, a sigv4.Algorithm) (r *http.Request, encoded []byte) {
	b.Helper()
	r, err := http.NewRequest("PUT", "https://s3.amazonaws.com/bucket/key", bytes.NewReader(bytes.Repeat([]byte("0123456789abcdef"), benchBody/16)))
	require.NoError(b, err)
	_, err = streamSigner(a).Sign(r, streamCredentials, payload)
	require.NoError(b, err)
	encoded, err = io.ReadAll(r.Body)
	require.NoError(b, err)
	return r, encoded
}

// discard reads to the end through one buffer.
func discard(b *testing.B, r io.Reader, p []byte) {
	var err error
	for err == nil {
		_, err = r.Read(p)
	}
	if err != io.EOF {
		b.Fatal(err)
	}
}

// BenchmarkChunkedBody is a body of 16 MiB in chunks of 64 KiB, against what
// must be done in any case: SHA-256 of the same blocks; for the unsigned mode a
// CRC32C and one copy.
func BenchmarkChunkedBody(b *testing.B) {
	block := bytes.Repeat([]byte("0123456789abcdef"), benchBlock/16)
	p := make([]byte, benchBlock)
	half := p[:32<<10] // what io.Copy reads through
	b.Run("floor=sha256", func(b *testing.B) {
		h := sha256.New()
		var sum [32]byte
		b.SetBytes(benchBody)
		b.ReportAllocs()
		for b.Loop() {
			for range benchChunks {
				h.Reset()
				h.Write(block)
				h.Sum(sum[:0])
			}
		}
	})
	b.Run("floor=crc32c+copy", func(b *testing.B) {
		table := crc32.MakeTable(crc32.Castagnoli)
		b.SetBytes(benchBody)
		b.ReportAllocs()
		for b.Loop() {
			crc := uint32(0)
			for range benchChunks {
				copy(p, block)
				crc = crc32.Update(crc, table, p)
			}
		}
	})
	for _, mode := range []struct {
		name    string
		payload sigv4.Payload
	}{
		{"signed", sigv4.Payload{Mode: sigv4.PayloadChunked}},
		{"unsigned-crc32c", sigv4.Payload{Mode: sigv4.PayloadUnsignedTrailer, Checksum: "crc32c"}},
	} {
		r, encoded := benchUpload(b, mode.payload, sigv4.AlgorithmV4)
		b.Run("sign="+mode.name, func(b *testing.B) {
			s, c := streamSigner(sigv4.AlgorithmV4), streamCredentials
			s.Debug = false
			src := plainBlocks(block)
			out, err := http.NewRequest("PUT", "https://s3.amazonaws.com/bucket/key", nil)
			require.NoError(b, err)
			b.SetBytes(benchBody)
			b.ReportAllocs()
			for b.Loop() {
				src.i = 0
				out.Body, out.ContentLength = src, benchBody
				if _, err := s.Sign(out, c, mode.payload); err != nil {
					b.Fatal(err)
				}
				if mode.payload.Mode == sigv4.PayloadUnsignedTrailer {
					discard(b, out.Body, p)
				} else if _, err := out.Body.(io.WriterTo).WriteTo(io.Discard); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("verify="+mode.name, func(b *testing.B) {
			v := streamVerifier()
			src := framedBlocks(b, encoded, block)
			in := arriveWith(r, encoded)
			header := in.Header
			b.SetBytes(benchBody)
			b.ReportAllocs()
			for b.Loop() {
				src.i = 0
				in.Header = header.Clone()
				in.Body, in.ContentLength = src, int64(len(encoded))
				if _, err := v.Verify(in); err != nil {
					b.Fatal(err)
				}
				if mode.payload.Mode == sigv4.PayloadUnsignedTrailer {
					discard(b, in.Body, p)
				} else {
					discard(b, in.Body, half)
				}
			}
		})
	}
}

// BenchmarkV4A is SigV4A against the bare P-256 operation over a hash.
func BenchmarkV4A(b *testing.B) {
	key, err := ecdsa.GenerateKey(v4aPublicKey(b).Curve, rand.Reader)
	require.NoError(b, err)
	digest := sha256.Sum256([]byte("x"))
	sig, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	require.NoError(b, err)
	b.Run("floor=sign", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ecdsa.SignASN1(rand.Reader, key, digest[:]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("sign", func(b *testing.B) {
		s := streamSigner(sigv4.AlgorithmV4A)
		s.Deterministic, s.Debug = false, false
		r := benchRequest(b)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Sign(r, streamCredentials, sigv4.Payload{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("floor=verify", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !ecdsa.VerifyASN1(&key.PublicKey, digest[:], sig) {
				b.Fatal("mismatch")
			}
		}
	})
	b.Run("verify", func(b *testing.B) {
		v := streamVerifier()
		v.Keys = sigv4.StaticKeys{streamAKID: {PublicKey: v4aPublicKey(b)}}
		r, _ := signV4A(b, "us-east-1", streamCredentials)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Verify(r); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkCRC64NVME shows what the table of our own is for; see crc64.go.
func BenchmarkCRC64NVME(b *testing.B) {
	r, encoded := benchUpload(b, sigv4.Payload{Mode: sigv4.PayloadUnsignedTrailer, Checksum: "crc64nvme"}, sigv4.AlgorithmV4)
	v := streamVerifier()
	in := arriveWith(r, encoded)
	header, p := in.Header, make([]byte, benchBlock)
	b.SetBytes(benchBody)
	b.ReportAllocs()
	for b.Loop() {
		in.Header = header.Clone()
		in.Body, in.ContentLength = io.NopCloser(bytes.NewReader(encoded)), int64(len(encoded))
		if _, err := v.Verify(in); err != nil {
			b.Fatal(err)
		}
		discard(b, in.Body, p)
	}
}
