// SPDX-License-Identifier: Apache-2.0

package encryptionsdk

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"testing"

	"filippo.io/age"
	"github.com/sallyport-go/sallyport/envelope"
	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/stretchr/testify/require"
	"github.com/tink-crypto/tink-go/v2/streamingaead/subtle"
)

// contender is one way to encrypt and decrypt a message in memory.
type contender struct {
	name    string
	encrypt func(plaintext []byte) ([]byte, error)
	decrypt func(message []byte) ([]byte, error)
	sinks   []*sink
	buffers []*[]byte // used again by each call
}

// forget drops all that calls before left behind.
func (c *contender) forget() {
	for _, s := range c.sinks {
		s.kept, s.drop = bytes.Buffer{}, true
	}
	for _, p := range c.buffers {
		*p = nil
	}
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
			sealed = slices.Grow(sealed[:0], len(plaintext)/frame*16+16+len(plaintext)) // Seal and Open grow by what they need alone
			for i := 0; i < len(plaintext); i += frame {
				binary.BigEndian.PutUint32(iv[8:], uint32(i))
				sealed = aead.Seal(sealed, iv[:], plaintext[i:min(i+frame, len(plaintext))], aad)
			}
			return sealed, nil
		},
		func(message []byte) ([]byte, error) {
			opened = slices.Grow(opened[:0], len(message))
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
		[]*[]byte{&sealed, &opened},
	}
}

// halves is the floor on two cores: two goroutines, each with half of the
// plaintext and memory of its own, that meet at the end.
func halves(b *testing.B, frame int) contender {
	b.Helper()
	first, second := floor(b, frame), floor(b, frame)
	var sealed, opened []byte
	both := func(first, second func() ([]byte, error)) (x, y []byte, err error) {
		var wg sync.WaitGroup
		var errY error
		wg.Go(func() { y, errY = second() })
		x, err = first()
		wg.Wait()
		return x, y, errors.Join(err, errY)
	}
	drop := &sink{}
	return contender{
		fmt.Sprintf("floor-gcm-two/frame=%d", frame),
		func(plaintext []byte) ([]byte, error) {
			half := len(plaintext) / 2
			x, y, err := both(func() ([]byte, error) { return first.encrypt(plaintext[:half]) }, func() ([]byte, error) { return second.encrypt(plaintext[half:]) })
			if !drop.drop {
				sealed = append(append(sealed[:0], x...), y...)
			}
			return sealed, err
		},
		func(message []byte) ([]byte, error) {
			half := len(message) / 2
			x, y, err := both(func() ([]byte, error) { return first.decrypt(message[:half]) }, func() ([]byte, error) { return second.decrypt(message[half:]) })
			if !drop.drop {
				opened = append(append(opened[:0], x...), y...)
			}
			return opened, err
		},
		[]*sink{drop},
		slices.Concat(first.buffers, second.buffers, []*[]byte{&sealed, &opened}),
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
			sealed = slices.Grow(sealed[:0], len(plaintext)/frame*16+16+len(plaintext))
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
		[]*[]byte{&sealed},
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
		[]*[]byte{&sealed, &opened},
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
		nil,
	}
}

// elsewhere is a stream whose Reader has a source that is not in memory, for
// all it knows: it copies.
func elsewhere(b *testing.B, w *world, frame int64, workers int) contender {
	b.Helper()
	s := stream(b, w, envelope.Suite0478, frame, workers)
	c := benchClient(b, w, envelope.Suite0478, frame, workers)
	opened := s.sinks[1]
	s.name = fmt.Sprintf("envelope-0478-source/frame=%d/workers=%d", frame, workers)
	s.decrypt = func(message []byte) ([]byte, error) {
		r, err := c.NewReader(b.Context(), struct{ io.Reader }{bytes.NewReader(message)}, nil)
		if err == nil {
			_, err = r.WriteTo(opened.reset())
		}
		return opened.kept.Bytes(), err
	}
	return s
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
		nil, nil,
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
		nil,
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
		nil,
	}
}

// cpuTime reports the processor time of an operation beside the clock's: on a
// machine that others use too, the ratios of it hold still.
func cpuTime(b *testing.B) func() {
	start := testkit.CPUTime()
	return func() {
		b.ReportMetric(float64(testkit.CPUTime()-start)/float64(b.N), "cpu-ns/op")
	}
}

// race measures the contenders one after the other, each as it would run in a
// process of its own: beside what it works with only its input is in memory.
// What others keep would spare those who allocate much their collections.
func race(b *testing.B, size int, all ...func() contender) {
	b.Helper()
	for _, build := range all {
		measure(b, size, "encrypt/", build())
		measure(b, size, "decrypt/", build())
	}
}

// measure asserts that a plaintext comes back and takes the time of one
// direction, after one call that is not counted.
func measure(b *testing.B, size int, direction string, c contender) {
	b.Helper()
	plaintext := pattern(size)
	message, err := c.encrypt(plaintext)
	require.NoError(b, err, c.name)
	message = bytes.Clone(message)
	got, err := c.decrypt(message)
	require.NoError(b, err, c.name)
	require.True(b, bytes.Equal(plaintext, got), c.name)
	run, input := c.encrypt, plaintext
	if direction == "decrypt/" {
		run, input = c.decrypt, message
	}
	c.forget()
	_, err = run(input)
	require.NoError(b, err, c.name)
	runtime.GC()
	b.Run(direction+c.name, func(b *testing.B) {
		b.SetBytes(int64(size))
		b.ReportAllocs()
		defer cpuTime(b)()
		for b.Loop() {
			if _, err := run(input); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// Benchmark1KiB is a small message with all its costs.
func Benchmark1KiB(b *testing.B) {
	w := newWorld(b)
	var all []func() contender
	for _, s := range []envelope.Suite{envelope.Suite0478, envelope.Suite0578} {
		all = append(
			all, func() contender { return oneShot(b, w, s, 4096, 1) },
			func() contender { return officialContender(b, w, s, 4096) },
		)
	}
	race(b, 1024, append(all, func() contender { return tink(b, 4096) }, func() contender { return ageContender(b) })...)
}

// Benchmark16MiB compares long messages with the floor and the fast peers.
func Benchmark16MiB(b *testing.B) {
	w := newWorld(b)
	all := []func() contender{
		func() contender { return tink(b, 4096) }, func() contender { return tink(b, 1<<20) }, func() contender { return ageContender(b) },
	}
	for _, frame := range []int{4096, 64 << 10} {
		all = append(
			all, func() contender { return floor(b, frame) }, func() contender { return halves(b, frame) },
			func() contender { return copied(b, frame) },
			func() contender { return reads(b, w, int64(frame), 32<<10) }, func() contender { return reads(b, w, int64(frame), 256<<10) },
		)
		for _, workers := range []int{1, 2} {
			all = append(
				all, func() contender { return oneShot(b, w, envelope.Suite0478, int64(frame), workers) },
				func() contender { return stream(b, w, envelope.Suite0478, int64(frame), workers) },
				func() contender { return elsewhere(b, w, int64(frame), workers) },
			)
		}
	}
	all = append(
		all, func() contender { return oneShot(b, w, envelope.Suite0578, 64<<10, 2) },
		func() contender { return stream(b, w, envelope.Suite0578, 64<<10, 2) },
	)
	race(b, 16<<20, all...)
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
	race(
		b, 64<<20, func() contender { return officialContender(b, w, envelope.Suite0478, 4096) },
		func() contender { return floor(b, 4096) }, func() contender { return halves(b, 4096) },
		func() contender { return oneShot(b, w, envelope.Suite0478, 4096, 1) }, func() contender { return stream(b, w, envelope.Suite0478, 4096, 1) },
		func() contender { return oneShot(b, w, envelope.Suite0478, 4096, 2) }, func() contender { return stream(b, w, envelope.Suite0478, 4096, 2) },
	)
}
