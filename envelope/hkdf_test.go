// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"crypto/fips140"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// wantDerived is ENV-27, ENV-28 and ENV-29 by crypto/hkdf.
func wantDerived(t testing.TB, spec *suiteSpec, dataKey, messageID []byte) (want derived) {
	t.Helper()
	id := string([]byte{byte(spec.id >> 8), byte(spec.id)})
	if spec.kdf == kdfNone {
		copy(want.key[:], dataKey)
		return want
	}
	h := map[kdf]func() hash.Hash{kdfSHA256: sha256.New, kdfSHA384: sha512.New384, kdfSHA512: sha512.New}[spec.kdf]
	if !spec.committing {
		copy(want.key[:], must[[]byte](t)(hkdf.Key(h, dataKey, nil, id+string(messageID), spec.keyLen)))
		return want
	}
	prk := must[[]byte](t)(hkdf.Extract(h, dataKey, messageID))
	copy(want.key[:], must[[]byte](t)(hkdf.Expand(h, prk, id+"DERIVEKEY", 32)))
	copy(want.commit[:], must[[]byte](t)(hkdf.Expand(h, prk, "COMMITKEY", 32)))
	return want
}

// Every suite derives what crypto/hkdf does, also with derivers that were used
// before, by several goroutines, and without a message id (ENV-26). The name
// makes it run in FIPS 140-only mode too.
func TestDeriveFIPS(t *testing.T) {
	pool := &derivers{}
	for _, s := range allSuites {
		t.Run(s.hex(), func(t *testing.T) {
			t.Parallel()
			spec := s.spec()
			for i := range 20 {
				dataKey, id := counting(byte(3*i), spec.keyLen), counting(byte(7*i), spec.messageIDLen())
				if i%5 == 0 && !spec.committing {
					id = nil
				}
				var got derived
				require.NoError(t, got.derive(pool, spec, dataKey, id))
				require.Equal(t, wantDerived(t, spec, dataKey, id), got)
			}
		})
	}
	var got derived
	require.ErrorIs(t, got.derive(pool, &suiteSpec{kdf: kdfSHA512 + 1}, nil, nil), ErrUnsupportedSuite)
}

// FuzzHKDF compares extract and two expands with crypto/hkdf, for every hash.
func FuzzHKDF(f *testing.F) {
	f.Add(counting(0x80, 32), counting(0, 32), []byte("COMMITKEY"), uint8(32))
	f.Add(counting(0x80, 16), counting(0, 200), []byte{}, uint8(64))
	pool := &derivers{}
	f.Fuzz(func(t *testing.T, secret, salt, info []byte, length uint8) {
		for kdf, h := range map[kdf]func() hash.Hash{kdfSHA256: sha256.New, kdfSHA384: sha512.New384, kdfSHA512: sha512.New} {
			n := int(length) % (h().Size() + 1)
			k := pool.get(kdf)
			k.extract(salt, secret)
			first, second := make([]byte, n), make([]byte, n)
			k.expand(first, info, nil)
			k.expand(second, []byte("more"), info)
			pool.put(kdf, k)
			prk := must[[]byte](t)(hkdf.Extract(h, secret, salt))
			require.Equal(t, must[[]byte](t)(hkdf.Expand(h, prk, string(info), n)), first)
			require.Equal(t, must[[]byte](t)(hkdf.Expand(h, prk, "more"+string(info), n)), second)
		}
	})
}

// A deriver in the pool holds nothing of a message: neither in its own buffers
// nor in the digests, whose Reset leaves what was hashed last where it is.
func TestDeriverIsZeroed(t *testing.T) {
	if fips140.Enabled() {
		t.Skip("digests are not used again in FIPS 140 mode")
	}
	for _, kdf := range []kdf{kdfSHA256, kdfSHA384, kdfSHA512} {
		pool := &derivers{}
		k := pool.get(kdf)
		secret := bytes.Repeat([]byte{0xa7}, 32)
		k.extract(counting(0, 32), secret)
		k.expand(make([]byte, 32), []byte("info"), nil)
		prk := bytes.Clone(k.prk)
		k.extract(counting(0, 32), secret) // the digests hold the secret again
		require.Contains(t, everything(k), numbers(secret))
		require.Contains(t, everything(k), numbers(prk[:8]))
		k.wipe()
		require.NotContains(t, everything(k), numbers(secret[:4]))
		require.NotContains(t, everything(k), numbers(prk[:4]))
		require.Nil(t, k.mac)
	}
}

// everything prints the bytes that a deriver holds, the hidden ones of its
// digests too.
func everything(k *deriver) string {
	out := fmt.Sprint(k.prk[:cap(k.prk)], k.buf[:cap(k.buf)])
	for _, d := range k.digests {
		out += fmt.Sprintf("%v", d.Hash)
	}
	return out
}

// numbers is how fmt prints bytes.
func numbers(b []byte) string {
	words := make([]string, len(b))
	for i, v := range b {
		words[i] = strconv.Itoa(int(v))
	}
	return strings.Join(words, " ")
}

// An HMAC that asks for more digests than two gets them, each its own.
func TestDeriverBorrow(t *testing.T) {
	k := newDeriver(sha512.New)
	seen := map[hash.Hash]bool{}
	for range 5 {
		d := k.borrow()
		require.False(t, seen[d])
		seen[d] = true
	}
}

// Messages made at once under one client share its pools and nothing else.
func TestPoolsConcurrently(t *testing.T) {
	c := suiteClient(t, Suite0478, 64)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 50 {
				plaintext, ec := pattern(100+i), EncryptionContext{"tenant": strconv.Itoa(i)}
				message, err := c.Encrypt(t.Context(), nil, plaintext, ec)
				if err != nil {
					t.Error(err)
					return
				}
				bad := bytes.Clone(message)
				bad[len(bad)-1-j] ^= 1
				if _, _, err := c.Decrypt(t.Context(), nil, bad, ec); err == nil {
					t.Error("a changed message opened")
				}
				got, h, err := c.Decrypt(t.Context(), nil, message, ec)
				if err != nil || !bytes.Equal(plaintext, got) || h.Context["tenant"] != strconv.Itoa(i) {
					t.Error("another message's answer", err)
				}
			}
		})
	}
	wg.Wait()
}

// What Decrypt puts back for another message holds nothing of the one before.
func TestReleaseIsZeroed(t *testing.T) {
	c := suiteClient(t, Suite0478, 64)
	ec := EncryptionContext{"tenant": "7"}
	message := must[[]byte](t)(c.Encrypt(t.Context(), nil, pattern(10), ec))
	in := &incoming{}
	in.src.buf = message
	require.NoError(t, c.openHeaderOf(t.Context(), in, ec))
	require.NotEqual(t, incoming{}, *in)
	key := in.materials.DataKey
	c.release(in)
	require.Equal(t, incoming{}, *in)
	require.Equal(t, make([]byte, 32), key)
}
