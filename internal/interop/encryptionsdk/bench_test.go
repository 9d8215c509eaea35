// SPDX-License-Identifier: Apache-2.0

//go:build unix

package encryptionsdk

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"io"
	"syscall"
	"testing"

	"filippo.io/age"
	"github.com/sallyport-go/sallyport/envelope"
	"github.com/stretchr/testify/require"
	"github.com/tink-crypto/tink-go/v2/streamingaead/subtle"
)

// contender is one way to encrypt and decrypt a message in memory.
type contender struct {
	name    string
	encrypt func(plaintext []byte) ([]byte, error)
	decrypt func(message []byte) ([]byte, error)
	sinks   []*sink
}

// floor is AES-256-GCM of crypto/cipher, frame by frame, and nothing else.
func floor(b *testing.B, frame int) contender {
	b.Helper()
	block, err := aes.NewCipher(make([]byte, 32))
	require.NoError(b, err)
	aead, err := cipher.NewGCM(block)
	require.NoError(b, err)
	var iv [12]byte
	aad := make([]byte, 72)
	var sealed, opened []byte
	return contender{
		fmt.Sprintf("floor-gcm/frame=%d", frame),
		func(plaintext []byte) ([]byte, error) {
			sealed = sealed[:0]
			for i := 0; i < len(plaintext); i += frame {
				binary.BigEndian.PutUint32(iv[8:], uint32(i))
				sealed = aead.Seal(sealed, iv[:], plaintext[i:min(i+frame, len(plaintext))], aad)
			}
			return sealed, nil
		},
		func(message []byte) ([]byte, error) {
			opened = opened[:0]
			var err error
			for i := 0; i < len(message); i += frame + 16 {
				binary.BigEndian.PutUint32(iv[8:], uint32(i/(frame+16)*frame))
				if opened, err = aead.Open(opened, iv[:], message[i:min(i+frame+16, len(message))], aad); err != nil {
					return nil, err
				}
			}
			return opened, nil
		},
		nil,
	}
}

// copied is what a Reader cannot do without: the floor's work behind a source
// that is read in blocks of 64 KiB, into memory that is used again.
func copied(b *testing.B, frame int) contender {
	b.Helper()
	block, err := aes.NewCipher(make([]byte, 32))
	require.NoError(b, err)
	aead, err := cipher.NewGCM(block)
	require.NoError(b, err)
	iv, aad := make([]byte, 12), make([]byte, 72)
	per := max(1, 64<<10/frame)
	in, out := make([]byte, per*(frame+16)), make([]byte, 0, per*frame)
	var sealed []byte
	var opened sink
	return contender{
		fmt.Sprintf("floor-gcm-source/frame=%d", frame),
		func(plaintext []byte) ([]byte, error) {
			sealed = sealed[:0]
			for i := 0; i < len(plaintext); i += frame {
				sealed = aead.Seal(sealed, iv, plaintext[i:i+frame], aad)
			}
			return sealed, nil
		},
		func(message []byte) ([]byte, error) {
			src := bytes.NewReader(message)
			opened.reset()
			for {
				if _, err := io.ReadFull(src, in); err == io.EOF {
					return opened.kept.Bytes(), nil
				} else if err != nil {
					return nil, err
				}
				out = out[:0]
				for i := 0; i < len(in); i += frame + 16 {
					if out, err = aead.Open(out, iv, in[i:i+frame+16], aad); err != nil {
						return nil, err
					}
				}
				opened.Write(out)
			}
		},
		[]*sink{&opened},
	}
}

// oneShot is Client.Encrypt and Client.Decrypt into kept memory.
func oneShot(b *testing.B, w *world, s envelope.Suite, frame int64, workers int) contender {
	b.Helper()
	c := benchClient(b, w, s, frame, workers)
	var sealed, opened []byte
	return contender{
		fmt.Sprintf("envelope-%s/frame=%d/workers=%d", suiteID(s), frame, workers),
		func(plaintext []byte) ([]byte, error) {
			var err error
			sealed, err = c.Encrypt(b.Context(), sealed[:0], plaintext, nil)
			return sealed, err
		},
		func(message []byte) ([]byte, error) {
			var err error
			opened, _, err = c.Decrypt(b.Context(), opened[:0], message, nil)
			return opened, err
		},
		nil,
	}
}

func benchClient(b *testing.B, w *world, s envelope.Suite, frame int64, workers int) *envelope.Client {
	b.Helper()
	c, err := envelope.New(envelope.Config{Keyring: w.ours(b, aesRing(256)), Suite: s, FrameLength: frame, Parallelism: workers})
	require.NoError(b, err)
	return c
}

// sink keeps what is written while answers are compared, and nothing while
// time is taken, so that streams are not measured by how fast memory is.
type sink struct {
	kept bytes.Buffer
	drop bool
}

func (s *sink) Write(p []byte) (int, error) {
	if s.drop {
		return len(p), nil
	}
	return s.kept.Write(p)
}

func (s *sink) reset() *sink {
	s.kept.Reset()
	return s
}

// stream is Writer and Reader between buffers.
func stream(b *testing.B, w *world, s envelope.Suite, frame int64, workers int) contender {
	b.Helper()
	c := benchClient(b, w, s, frame, workers)
	var sealed, opened sink
	return contender{
		fmt.Sprintf("envelope-%s-stream/frame=%d/workers=%d", suiteID(s), frame, workers),
		func(plaintext []byte) ([]byte, error) {
			w, err := c.NewWriter(b.Context(), sealed.reset(), nil)
			if err == nil {
				_, err = w.Write(plaintext)
			}
			if err == nil {
				err = w.Close()
			}
			return sealed.kept.Bytes(), err
		},
		func(message []byte) ([]byte, error) {
			r, err := c.NewReader(b.Context(), bytes.NewReader(message), nil)
			if err == nil {
				_, err = r.WriteTo(opened.reset())
			}
			return opened.kept.Bytes(), err
		},
		[]*sink{&sealed, &opened},
	}
}

// reads is a stream whose Reader is read by Read, into a buffer of the size.
func reads(b *testing.B, w *world, frame int64, size int) contender {
	b.Helper()
	s := stream(b, w, envelope.Suite0478, frame, 1)
	c := benchClient(b, w, envelope.Suite0478, frame, 1)
	p, opened := make([]byte, size), s.sinks[1]
	s.name = fmt.Sprintf("envelope-0478-read=%d/frame=%d/workers=1", size, frame)
	s.decrypt = func(message []byte) ([]byte, error) {
		r, err := c.NewReader(b.Context(), bytes.NewReader(message), nil)
		opened.reset()
		for err == nil {
			var n int
			n, err = r.Read(p)
			opened.Write(p[:n])
		}
		if err == io.EOF {
			err = nil
		}
		return opened.kept.Bytes(), err
	}
	return s
}

func officialContender(b *testing.B, w *world, s envelope.Suite, frame int64) contender {
	b.Helper()
	o := newOfficial(b, w, s.Committing())
	k := o.ring(b, aesRing(256))
	return contender{
		fmt.Sprintf("official-go-%s/frame=%d", suiteID(s), frame),
		func(plaintext []byte) ([]byte, error) { return o.encrypt(b, k, s, frame, plaintext, nil), nil },
		func(message []byte) ([]byte, error) { return o.decrypt(k, message, nil) },
		nil,
	}
}

func tink(b *testing.B, segment int) contender {
	b.Helper()
	a, err := subtle.NewAESGCMHKDF(make([]byte, 32), "SHA256", 32, segment, 0)
	require.NoError(b, err)
	var sealed, opened sink
	return contender{
		fmt.Sprintf("tink-streaming/segment=%d", segment),
		func(plaintext []byte) ([]byte, error) {
			w, err := a.NewEncryptingWriter(sealed.reset(), nil)
			if err == nil {
				_, err = w.Write(plaintext)
			}
			if err == nil {
				err = w.Close()
			}
			return sealed.kept.Bytes(), err
		},
		func(message []byte) ([]byte, error) {
			r, err := a.NewDecryptingReader(bytes.NewReader(message), nil)
			if err == nil {
				_, err = io.Copy(opened.reset(), r)
			}
			return opened.kept.Bytes(), err
		},
		[]*sink{&sealed, &opened},
	}
}

func ageContender(b *testing.B) contender {
	b.Helper()
	id, err := age.GenerateX25519Identity()
	require.NoError(b, err)
	var sealed, opened sink
	return contender{
		"age-x25519",
		func(plaintext []byte) ([]byte, error) {
			w, err := age.Encrypt(sealed.reset(), id.Recipient())
			if err == nil {
				_, err = w.Write(plaintext)
			}
			if err == nil {
				err = w.Close()
			}
			return sealed.kept.Bytes(), err
		},
		func(message []byte) ([]byte, error) {
			r, err := age.Decrypt(bytes.NewReader(message), id)
			if err == nil {
				_, err = io.Copy(opened.reset(), r)
			}
			return opened.kept.Bytes(), err
		},
		[]*sink{&sealed, &opened},
	}
}

// cpuTime reports the processor time of an operation beside the clock's: on a
// machine that others use too, the ratios of it hold still.
func cpuTime(b *testing.B) func() {
	start := processorTime(b)
	return func() {
		b.ReportMetric(float64(processorTime(b)-start)/float64(b.N), "cpu-ns/op")
	}
}

func processorTime(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// race asserts equal answers and measures the contenders on one plaintext.
func race(b *testing.B, size int, all []contender) {
	b.Helper()
	plaintext := pattern(size)
	for _, c := range all {
		message, err := c.encrypt(plaintext)
		require.NoError(b, err, c.name)
		message = bytes.Clone(message)
		got, err := c.decrypt(message)
		require.NoError(b, err, c.name)
		require.True(b, bytes.Equal(plaintext, got), c.name)
		for _, s := range c.sinks {
			s.drop = true
		}
		b.Run("encrypt/"+c.name, func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			defer cpuTime(b)()
			for b.Loop() {
				if _, err := c.encrypt(plaintext); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("decrypt/"+c.name, func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			defer cpuTime(b)()
			for b.Loop() {
				if _, err := c.decrypt(message); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Benchmark1KiB is a small message with all its costs.
func Benchmark1KiB(b *testing.B) {
	w := newWorld(b)
	race(b, 1024, []contender{
		oneShot(b, w, envelope.Suite0478, 4096, 1), officialContender(b, w, envelope.Suite0478, 4096),
		oneShot(b, w, envelope.Suite0578, 4096, 1), officialContender(b, w, envelope.Suite0578, 4096),
		tink(b, 4096), ageContender(b),
	})
}

// Benchmark16MiB compares long messages with the floor and the fast peers.
func Benchmark16MiB(b *testing.B) {
	w := newWorld(b)
	all := []contender{tink(b, 4096), tink(b, 1<<20), ageContender(b)}
	for _, frame := range []int{4096, 64 << 10} {
		all = append(all, floor(b, frame), copied(b, frame), reads(b, w, int64(frame), 32<<10), reads(b, w, int64(frame), 256<<10))
		for _, workers := range []int{1, 2} {
			all = append(all, oneShot(b, w, envelope.Suite0478, int64(frame), workers), stream(b, w, envelope.Suite0478, int64(frame), workers))
		}
	}
	race(b, 16<<20, append(all, oneShot(b, w, envelope.Suite0578, 64<<10, 2), stream(b, w, envelope.Suite0578, 64<<10, 2)))
	plaintext := pattern(16 << 20)
	b.Run("hash/floor-sha384", func(b *testing.B) {
		b.SetBytes(int64(len(plaintext)))
		defer cpuTime(b)()
		for b.Loop() {
			sha512.Sum384(plaintext)
		}
	})
}

// Benchmark64MiB compares with the official SDK, at its default frame length.
func Benchmark64MiB(b *testing.B) {
	w := newWorld(b)
	race(b, 64<<20, []contender{
		oneShot(b, w, envelope.Suite0478, 4096, 1), stream(b, w, envelope.Suite0478, 4096, 1), oneShot(b, w, envelope.Suite0478, 4096, 2),
		officialContender(b, w, envelope.Suite0478, 4096),
	})
}
