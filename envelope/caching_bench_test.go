// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha512"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/stretchr/testify/require"
)

func benchCaching(b *testing.B, s Suite) *Client {
	b.Helper()
	m := must[*CachingManager](b)(NewCachingManager(CachingConfig{
		Keyring: rawAES(b), Cache: must[*MaterialsCache](b)(NewMaterialsCache(1000)), MaxAge: time.Hour, RefreshBefore: time.Minute,
	}))
	return must[*Client](b)(New(Config{Manager: m, Suite: s}))
}

// BenchmarkCached1KiB is Encrypt and Decrypt of 1 KiB with cached materials,
// beside what they cannot do without: the key derivation and AES-GCM (header
// and frame), and beside the same without cache.
func BenchmarkCached1KiB(b *testing.B) {
	plaintext := pattern(1024)
	ec := EncryptionContext{"tenant": "7"}
	run := func(name string, op func() error) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(1024)
			b.ReportAllocs()
			start := testkit.CPUTime()
			for b.Loop() {
				if err := op(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(testkit.CPUTime()-start)/float64(b.N), "cpu-ns/op")
		})
	}
	key, out := make([]byte, 32), make([]byte, 0, 2048)
	run("floor/hkdf+gcm", func() error {
		id := make([]byte, 32)
		if _, err := rand.Read(id); err != nil {
			return err
		}
		prk, err := hkdf.Extract(sha512.New, key, id)
		if err != nil {
			return err
		}
		derived, err := hkdf.Expand(sha512.New, prk, "\x04\x78DERIVEKEY", 32)
		if err != nil {
			return err
		}
		if _, err := hkdf.Expand(sha512.New, prk, "COMMITKEY", 32); err != nil {
			return err
		}
		aead, err := newGCM(derived)
		if err != nil {
			return err
		}
		out = aead.Seal(out[:0], zeroIV[:], nil, plaintext[:200])
		out = aead.Seal(out, zeroIV[:], plaintext, plaintext[:72])
		return nil
	})
	for _, s := range []Suite{Suite0478, Suite0578} {
		for name, c := range map[string]*Client{"cached": benchCaching(b, s), "uncached": suiteClient(b, s, 4096)} {
			message, err := c.Encrypt(b.Context(), nil, plaintext, ec)
			require.NoError(b, err)
			dst, back := make([]byte, 0, 2*len(message)), make([]byte, 0, 2048)
			run("encrypt/"+name+"/"+s.hex(), func() error {
				_, err := c.Encrypt(b.Context(), dst, plaintext, ec)
				return err
			})
			run("decrypt/"+name+"/"+s.hex(), func() error {
				_, _, err := c.Decrypt(b.Context(), back, message, ec)
				return err
			})
		}
	}
}

// BenchmarkCacheHit is 64 goroutines on one cache, beside a plain map under an
// RWMutex with the same ids: "one" asks for one entry, "many" for 64.
func BenchmarkCacheHit(b *testing.B) {
	const goroutines = 64
	cache := must[*MaterialsCache](b)(NewMaterialsCache(1000))
	m := must[*CachingManager](b)(NewCachingManager(CachingConfig{Keyring: rawAES(b), Cache: cache, MaxAge: time.Hour}))
	requests := make([]EncryptionRequest, goroutines)
	plain := map[cacheID]*cached{}
	for i := range requests {
		requests[i] = EncryptionRequest{Suite: Suite0478, Context: EncryptionContext{"tenant": string(rune('A' + i))}}
		must[*EncryptionMaterials](b)(m.EncryptionMaterials(b.Context(), &requests[i]))
		plain[encryptID(m.partition, &requests[i])] = nil
	}
	var mu sync.RWMutex
	for _, shape := range []string{"one", "many"} {
		pick := func(i int) *EncryptionRequest {
			if shape == "one" {
				return &requests[0]
			}
			return &requests[i]
		}
		run := func(name string, op func(r *EncryptionRequest, id *cacheID)) {
			b.Run(shape+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				start := testkit.CPUTime()
				var wg sync.WaitGroup
				for i := range goroutines {
					r := pick(i)
					id := encryptID(m.partition, r)
					wg.Go(func() {
						for range (b.N + goroutines - 1) / goroutines {
							op(r, &id)
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64(testkit.CPUTime()-start)/float64(b.N), "cpu-ns/op")
			})
		}
		run("map", func(_ *EncryptionRequest, id *cacheID) {
			mu.RLock()
			_ = plain[*id]
			mu.RUnlock()
		})
		run("read", func(_ *EncryptionRequest, id *cacheID) {
			var room [maxDataKey]byte
			m.use(id, 1, &room)
		})
		run("materials", func(r *EncryptionRequest, _ *cacheID) {
			if _, err := m.EncryptionMaterials(b.Context(), r); err != nil {
				b.Error(err)
			}
		})
	}
}
