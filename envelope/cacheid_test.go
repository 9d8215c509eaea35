// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"crypto/sha512"
	"encoding/hex"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// joinID is ENV-58 and ENV-59 as they are written.
func joinID(policy byte, required []string, reproduced EncryptionContext, fields ...[]byte) string {
	sum := sha512.Sum384(bytes.Join(fields, []byte{0}))
	if policy == 0 && len(required) == 0 && len(reproduced) == 0 {
		return hex.EncodeToString(sum[:])
	}
	b := append([]byte{0xff}, sum[:]...)
	b = append(b, policy, byte(len(required)>>8), byte(len(required)))
	slices.Sort(required)
	for _, k := range required {
		b = append(append(b, byte(len(k)>>8), byte(len(k))), k...)
	}
	sum = sha512.Sum384(appendContext(b, reproduced, nil))
	return hex.EncodeToString(sum[:])
}

func TestCacheID(t *testing.T) {
	one, two := []byte{1}, []byte{2}
	ec := EncryptionContext{"a": "1", "z": "", "é": "2"}
	serialized := []byte("\x00\x03\x00\x01a\x00\x011\x00\x01z\x00\x00\x00\x02\xc3\xa9\x00\x012") // ENV-13
	suite := []byte{4, 0x78}
	hexOf := func(id cacheID) string { return hex.EncodeToString(id.sum[:]) }

	e := &EncryptionRequest{Suite: Suite0478}
	require.Equal(t, joinID(0, nil, nil, one, one, []byte("p"), one, suite, nil), hexOf(encryptID("p", e)))
	e.Context = ec
	require.Equal(t, joinID(0, nil, nil, one, one, []byte("p"), one, suite, serialized), hexOf(encryptID("p", e)))
	e.RequiredKeys = []string{"z", "a"}
	require.Equal(t, joinID(0, []string{"z", "a"}, nil, one, one, []byte("p"), one, suite, serialized), hexOf(encryptID("p", e)))
	require.Equal(t, []string{"z", "a"}, e.RequiredKeys)
	e.RequiredKeys, e.Commitment = nil, RequireEncryptAllowDecrypt
	require.Equal(t, joinID(1, nil, nil, one, one, []byte("p"), one, suite, serialized), hexOf(encryptID("p", e)))

	d := &DecryptionRequest{Suite: Suite0478, Context: ec, EncryptedDataKeys: []EncryptedDataKey{{"y", []byte("i"), []byte("c")}, {"x", nil, []byte("cc")}}}
	k := []byte("\x00\x01x\x00\x00\x00\x02cc\x00\x01y\x00\x01i\x00\x01c")
	require.Equal(t, joinID(0, nil, nil, one, two, []byte("p"), suite, k, serialized), hexOf(decryptID("p", d)))
	d.Reproduced = EncryptionContext{"a": "1"}
	require.Equal(t, joinID(0, nil, d.Reproduced, one, two, []byte("p"), suite, k, serialized), hexOf(decryptID("p", d)))
}

// The published id reads keys and context without a length between them: a
// context can be written so that it looks like another wrapped key with an
// empty provider id. Only the length of the context keeps the two apart.
func TestCacheIDOfContextLikeKey(t *testing.T) {
	key := EncryptedDataKey{"", []byte("i"), []byte("wrapped")}
	// 00 0001 0001 01 00ff 00…, the separator and the context, are 0000 (no id),
	// 0100 (256 bytes of info), 0000 (no ciphertext) and another separator.
	ec := EncryptionContext{"\x01": string(make([]byte, 255))}
	section := append([]byte{0}, appendContext(nil, ec, nil)...)
	info := section[4 : 4+0x100]
	rest := section[4+0x100:]
	second := EncryptedDataKey{"", info, rest[2 : len(rest)-1]}
	require.Equal(t, len(second.Ciphertext), int(rest[0])<<8|int(rest[1]))

	a := &DecryptionRequest{Suite: Suite0478, EncryptedDataKeys: []EncryptedDataKey{key}, Context: ec}
	b := &DecryptionRequest{Suite: Suite0478, EncryptedDataKeys: []EncryptedDataKey{key, second}}
	x, y := decryptID("p", a), decryptID("p", b)
	require.Equal(t, x.sum, y.sum, "else this test shows nothing")
	require.NotEqual(t, x, y)
}

// Two requests have one id exactly when they ask for the same.
func FuzzCacheID(f *testing.F) {
	f.Add("", "", "", "", uint8(0), "a", "b", "", "", uint8(1))
	f.Add("a", "b", "r", "s", uint8(0), "a", "b", "r", "s", uint8(0))
	f.Add("a", "", "", "x", uint8(0), "", "a", "x", "", uint8(0))
	f.Fuzz(func(t *testing.T, k1, v1, r1, p1 string, c1 uint8, k2, v2, r2, p2 string, c2 uint8) {
		type request struct {
			k, v, r, p string
			c          uint8
		}
		requests := func(q request) (EncryptionRequest, DecryptionRequest) {
			e := EncryptionRequest{Suite: Suite0478, Commitment: CommitmentPolicy(q.c % 3), Context: EncryptionContext{q.k: q.v}}
			d := DecryptionRequest{
				Suite: Suite0578, Commitment: CommitmentPolicy(q.c % 3), Context: EncryptionContext{q.k: q.v},
				EncryptedDataKeys: []EncryptedDataKey{{q.p, []byte(q.k), []byte(q.v)}},
			}
			if q.r != "" {
				e.RequiredKeys, d.Reproduced = []string{q.r}, EncryptionContext{q.r: q.p}
			}
			return e, d
		}
		a, b := request{k1, v1, r1, p1, c1 % 3}, request{k2, v2, r2, p2, c2 % 3}
		e1, d1 := requests(a)
		e2, d2 := requests(b)
		if !e1.cacheable() || !e2.cacheable() || !d1.cacheable() || !d2.cacheable() {
			return
		}
		require.Equal(t, a == b, decryptID("", &d1) == decryptID("", &d2))
		a.p, b.p = "", ""
		require.Equal(t, a == b, encryptID("", &e1) == encryptID("", &e2))
		require.NotEqual(t, encryptID("", &e1), decryptID("", &d1))
	})
}
