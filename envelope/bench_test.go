// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"io"
	"testing"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/stretchr/testify/require"
)

const benchSize = 16 << 20

var benchShapes = []struct {
	frame   int64
	workers int
}{{4096, 1}, {4096, 2}, {64 << 10, 1}, {64 << 10, 2}}

func benchClient(b *testing.B, s Suite, frame int64, workers int) *Client {
	b.Helper()
	return suiteClient(b, s, frame, func(cfg *Config) { cfg.Parallelism = workers })
}

func shapes(b *testing.B, s Suite, run func(b *testing.B, c *Client, plaintext, message []byte)) {
	plaintext := pattern(benchSize)
	for _, shape := range benchShapes {
		if s.Signing() && shape.workers == 1 {
			continue
		}
		c := benchClient(b, s, shape.frame, shape.workers)
		message, err := c.Encrypt(b.Context(), nil, plaintext, nil)
		require.NoError(b, err)
		got, _, err := c.Decrypt(b.Context(), nil, message, nil)
		require.NoError(b, err)
		require.True(b, bytes.Equal(plaintext, got))
		b.Run(fmt.Sprintf("frame=%d/workers=%d", shape.frame, shape.workers), func(b *testing.B) {
			b.SetBytes(benchSize)
			b.ReportAllocs()
			start := testkit.CPUTime()
			run(b, c, plaintext, message)
			b.ReportMetric(float64(testkit.CPUTime()-start)/float64(b.N), "cpu-ns/op")
		})
	}
}

// BenchmarkFloor is AES-256-GCM of crypto/cipher over the same frames, with
// nothing around it: what ENV-127 and ENV-129 measure by.
func BenchmarkFloor(b *testing.B) {
	block, err := aes.NewCipher(make([]byte, 32))
	require.NoError(b, err)
	aead, err := cipher.NewGCM(block)
	require.NoError(b, err)
	plaintext := pattern(benchSize)
	for _, frame := range []int{4096, 64 << 10} {
		out := make([]byte, benchSize+benchSize/frame*16)
		var iv [12]byte
		aad := make([]byte, 72)
		b.Run(fmt.Sprintf("seal/frame=%d", frame), func(b *testing.B) {
			b.SetBytes(benchSize)
			b.ReportAllocs()
			for b.Loop() {
				dst := out[:0]
				for i := 0; i < benchSize; i += frame {
					binary.BigEndian.PutUint32(iv[8:], uint32(i))
					dst = aead.Seal(dst, iv[:], plaintext[i:i+frame], aad)
				}
			}
		})
		b.Run(fmt.Sprintf("open/frame=%d", frame), func(b *testing.B) {
			dst := out[:0]
			for i := 0; i < benchSize; i += frame {
				dst = aead.Seal(dst, iv[:], plaintext[i:i+frame], aad)
			}
			back := make([]byte, 0, benchSize)
			b.SetBytes(benchSize)
			b.ReportAllocs()
			start := testkit.CPUTime()
			for b.Loop() {
				back = back[:0]
				for i := 0; i < len(dst); i += frame + 16 {
					if back, err = aead.Open(back, iv[:], dst[i:i+frame+16], aad); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(testkit.CPUTime()-start)/float64(b.N), "cpu-ns/op")
		})
	}
	b.Run("sha384", func(b *testing.B) {
		b.SetBytes(benchSize)
		for b.Loop() {
			sha512.Sum384(plaintext)
		}
	})
}

func BenchmarkEncrypt(b *testing.B) {
	for _, s := range []Suite{Suite0478, Suite0578} {
		b.Run(s.hex(), func(b *testing.B) {
			shapes(b, s, func(b *testing.B, c *Client, plaintext, _ []byte) {
				var dst []byte
				for b.Loop() {
					var err error
					if dst, err = c.Encrypt(b.Context(), dst[:0], plaintext, nil); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

func BenchmarkDecrypt(b *testing.B) {
	for _, s := range []Suite{Suite0478, Suite0578} {
		b.Run(s.hex(), func(b *testing.B) {
			shapes(b, s, func(b *testing.B, c *Client, _, message []byte) {
				var dst []byte
				for b.Loop() {
					var err error
					if dst, _, err = c.Decrypt(b.Context(), dst[:0], message, nil); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

func BenchmarkWriter(b *testing.B) {
	for _, s := range []Suite{Suite0478, Suite0578} {
		b.Run(s.hex(), func(b *testing.B) {
			shapes(b, s, func(b *testing.B, c *Client, plaintext, _ []byte) {
				for b.Loop() {
					w, err := c.NewWriter(b.Context(), io.Discard, nil)
					if err == nil {
						_, err = w.ReadFrom(bytes.NewReader(plaintext))
					}
					if err == nil {
						err = w.Close()
					}
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

func BenchmarkReader(b *testing.B) {
	for _, s := range []Suite{Suite0478, Suite0578} {
		b.Run(s.hex(), func(b *testing.B) {
			shapes(b, s, func(b *testing.B, c *Client, _, message []byte) {
				for b.Loop() {
					r, err := c.NewReader(b.Context(), bytes.NewReader(message), nil)
					if err == nil {
						_, err = r.WriteTo(io.Discard)
					}
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// BenchmarkSmall is one message of 1 KiB, all of its costs.
func BenchmarkSmall(b *testing.B) {
	plaintext := pattern(1024)
	ec := EncryptionContext{"tenant": "7"}
	for _, s := range []Suite{Suite0478, Suite0578} {
		c := benchClient(b, s, 4096, 1)
		message, err := c.Encrypt(b.Context(), nil, plaintext, ec)
		require.NoError(b, err)
		var dst []byte
		b.Run("encrypt/"+s.hex(), func(b *testing.B) {
			b.SetBytes(1024)
			b.ReportAllocs()
			for b.Loop() {
				if dst, err = c.Encrypt(b.Context(), dst[:0], plaintext, ec); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("decrypt/"+s.hex(), func(b *testing.B) {
			b.SetBytes(1024)
			b.ReportAllocs()
			for b.Loop() {
				if dst, _, err = c.Decrypt(b.Context(), dst[:0], message, ec); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkReadAt reads 4 KiB at changing places of a long message.
func BenchmarkReadAt(b *testing.B) {
	c := benchClient(b, Suite0478, 4096, 1)
	message, err := c.Encrypt(b.Context(), nil, pattern(benchSize), nil)
	require.NoError(b, err)
	r, err := c.NewReaderAt(b.Context(), bytes.NewReader(message), int64(len(message)), nil)
	require.NoError(b, err)
	for name, skew := range map[string]int64{"aligned": 0, "across": 100} {
		b.Run(name, func(b *testing.B) {
			p := make([]byte, 4096)
			off := int64(0)
			b.SetBytes(4096)
			b.ReportAllocs()
			for b.Loop() {
				off = (off + 4096*997) % (benchSize - 8192)
				if _, err := r.ReadAt(p, off+skew); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
