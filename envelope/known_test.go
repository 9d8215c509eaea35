// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"context"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
)

// fixedKeyring hands out the data key and wrapped key of ENV-123.
type fixedKeyring struct{ key []byte }

func (k fixedKeyring) OnEncrypt(_ context.Context, m *EncryptionMaterials) error {
	m.DataKey = append([]byte(nil), k.key[:m.Suite.DataKeyLen()]...)
	m.EncryptedDataKeys = append(m.EncryptedDataKeys, EncryptedDataKey{"ns", []byte("name"), []byte("edk")})
	return nil
}

func (k fixedKeyring) OnDecrypt(_ context.Context, m *DecryptionMaterials, _ []EncryptedDataKey) error {
	m.DataKey = append([]byte(nil), k.key[:m.Suite.DataKeyLen()]...)
	return nil
}

// counting fills b with from, from+1, and so on.
func counting(from byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = from + byte(i)
	}
	return b
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

// knownClient writes with message id 00 01 02 and so on.
func knownClient(t *testing.T, suite Suite, required ...string) *Client {
	t.Helper()
	cfg := Config{Keyring: fixedKeyring{counting(0x80, 32)}, Suite: suite, FrameLength: 4, RequiredContextKeys: required}
	if !suite.Committing() {
		cfg.Commitment = ForbidEncryptAllowDecrypt
	}
	c, err := New(cfg)
	require.NoError(t, err)
	c.random = func(b []byte) (int, error) { return copy(b, counting(0, len(b))), nil }
	return c
}

// Whole messages, byte for byte: the header's fields (ENV-14, ENV-18, ENV-19),
// frames, their AAD and IVs (ENV-32, ENV-33, ENV-34), and what Decrypt says of
// stored and required pairs (ENV-55).
func TestKnownAnswers(t *testing.T) {
	const (
		id32     = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
		commit   = "712e2cf2d9127d24190a9f46b64456bc21418915005ac84f5ad762ff9d220153"
		header2  = "020478" + id32 + "0008000100016b000176000100026e7300046e616d65000365646b0200000004" + commit
		body2    = "00000001000000000000000000000001aca2c4557db0928db883dc2a61271ce4411bc008ffffffff000000020000000000000000000000020000000112cf5943b33cde40d7e7f41e39a8c39180"
		header1  = "01800178000102030405060708090a0b0c0d0e0f0008000100016b000176000100026e7300046e616d65000365646b02000000000c00000004"
		body1    = "00000001000000000000000000000001f479027b46d442ca54617a054922de5baf804043ffffffff00000002000000000000000000000002000000019c4182c5ec716a71fad8db69e77b1dcb95"
		tag2     = "f352f1c21f1cd4ad0470f4b038977bf5"
		tag2req  = "447bbd265a372f13862f8e3701411708"
		tag1     = "c5cf3f98f91a65a70bba7d6ef6d6d88f"
		zeroIVed = "000000000000000000000000"
	)
	for _, tt := range []struct {
		name     string
		suite    Suite
		context  EncryptionContext
		required []string
		want     string
	}{
		{"ENV-123 0478", Suite0478, EncryptionContext{"k": "v"}, nil, header2 + tag2 + body2},
		{"ENV-123 0478 required context", Suite0478, EncryptionContext{"k": "v", "req": "x"}, []string{"req"}, header2 + tag2req + body2},
		{"ENV-124 0178", Suite0178, EncryptionContext{"k": "v"}, nil, header1 + zeroIVed + tag1 + body1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := knownClient(t, tt.suite, tt.required...)
			got, err := c.Encrypt(t.Context(), nil, []byte("hello"), tt.context)
			require.NoError(t, err)
			require.Equal(t, tt.want, hex.EncodeToString(got))
			plain, h, err := c.Decrypt(t.Context(), nil, got, tt.context)
			require.NoError(t, err)
			require.Equal(t, "hello", string(plain))
			require.Equal(t, tt.context, h.Context)
			require.Equal(t, tt.required, h.RequiredKeys)
		})
	}
}

// The Encryption SDK's derivation, which is not the S3 Encryption Client's
// (ENV-31).
func TestKnownKeys(t *testing.T) {
	for _, tt := range []struct {
		name  string
		suite Suite
		want  string
	}{
		{"ENV-123", Suite0478, "ea5ea77b5c267f40adef65900aa7f4bc96ea4ab0c03eb91a0aca05792011376c"},
		{"ENV-124", Suite0178, "40807c1bf94b20758f2a0edf36118c705d9797bee9e24f27463010eb6bf00dd1"},
		{"ENV-125 0378", Suite0378, "9ef8ed945cc7ad25e1b0e9e5c0e9d0eeccc4486a857e93384f79a2e2514705c7"},
		{"ENV-125 0214", Suite0214, "f0d8301a965bdd68b2a9daf99298dbb5"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var d derived
			spec := tt.suite.spec()
			require.NoError(t, d.derive(&derivers{}, spec, counting(0x80, spec.keyLen), counting(0, spec.messageIDLen())))
			require.Equal(t, tt.want, hex.EncodeToString(d.key[:spec.keyLen]))
		})
	}
}

// ENV-126: the wrapping of a raw AES keyring (ENV-67).
func TestKnownRawAES(t *testing.T) {
	k, err := NewRawAES("ns", "name", counting(0x40, 32))
	require.NoError(t, err)
	m := &DecryptionMaterials{Suite: Suite0478, Context: EncryptionContext{"k": "v"}}
	edk := EncryptedDataKey{
		"ns",
		unhex(t, "6e616d65000000800000000c000102030405060708090a0b"),
		unhex(t, "ba84eefbf309c2274a9b0a49346042341355bf9af8d93bc476b9720ddd2cf7c163cbc710a1a5b412c25b418e2ea57010"),
	}
	require.NoError(t, k.OnDecrypt(t.Context(), m, []EncryptedDataKey{edk}))
	require.Equal(t, counting(0x80, 32), m.DataKey)
}

// ENV-11, ENV-13: pairs sorted by their UTF-8 bytes; no pair is no byte. Nor is
// another order read: raw AES entries of writers that sort by locale stay closed
// (ENV-69).
func TestKnownContext(t *testing.T) {
	c := EncryptionContext{"a": "1", "z": "", "é": "2"}
	want := "0003" + "000161" + "000131" + "00017a" + "0000" + "0002c3a9" + "000132"
	require.Equal(t, want, hex.EncodeToString(appendContext(nil, c, nil)))
	require.Empty(t, appendContext(nil, nil, nil))
}
