// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/fips140"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// Configurations that New refuses, and why.
func TestNewRefuses(t *testing.T) {
	ring := rawAES(t)
	for name, tt := range map[string]struct {
		cfg  Config
		want error
	}{
		"no keyring":             {Config{}, ErrConfig},
		"keyring and manager":    {Config{Keyring: ring, Manager: NewMaterialsManager(ring)}, ErrConfig},
		"unknown policy":         {Config{Keyring: ring, Commitment: 3}, ErrConfig},
		"unknown suite":          {Config{Keyring: ring, Suite: 1}, ErrUnsupportedSuite},
		"ENV-4 require":          {Config{Keyring: ring, Suite: Suite0178}, ErrCommitmentPolicy},
		"ENV-4 require, allow":   {Config{Keyring: ring, Suite: Suite0178, Commitment: RequireEncryptAllowDecrypt}, ErrCommitmentPolicy},
		"ENV-4 forbid":           {Config{Keyring: ring, Suite: Suite0478, Commitment: ForbidEncryptAllowDecrypt}, ErrCommitmentPolicy},
		"ENV-7 own frame limit":  {Config{Keyring: ring, FrameLength: 5, MaxFrameLength: 4}, ErrLimit},
		"ENV-8 frame length":     {Config{Keyring: ring, FrameLength: 1 << 32, MaxFrameLength: 1 << 33}, ErrLimit},
		"negative frame length":  {Config{Keyring: ring, FrameLength: -1}, ErrConfig},
		"negative limit":         {Config{Keyring: ring, MaxHeaderBytes: -1}, ErrConfig},
		"negative parallelism":   {Config{Keyring: ring, Parallelism: -1}, ErrConfig},
		"ENV-54 reserved key":    {Config{Keyring: ring, RequiredContextKeys: []string{"aws-crypto-x"}}, ErrEncryptionContext},
		"ENV-54 the public key":  {Config{Keyring: ring, RequiredContextKeys: []string{publicKeyEntry}}, ErrEncryptionContext},
		"ENV-3 default":          {Config{Keyring: ring}, nil},
		"ENV-3 default, allow":   {Config{Keyring: ring, Commitment: RequireEncryptAllowDecrypt}, nil},
		"ENV-3 default, forbid":  {Config{Keyring: ring, Commitment: ForbidEncryptAllowDecrypt}, nil},
		"ENV-8 longest possible": {Config{Keyring: ring, FrameLength: 1<<31 - 100, MaxFrameLength: 1<<32 - 1}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := New(tt.cfg)
			if tt.want != nil {
				require.ErrorIs(t, err, tt.want)
				return
			}
			require.NoError(t, err)
			require.Equal(t, map[bool]Suite{true: Suite0378, false: Suite0578}[tt.cfg.Commitment == ForbidEncryptAllowDecrypt], c.spec.id)
		})
	}
}

// What Encrypt and NewWriter refuse: the rules of reading hold on writing.
func TestEncryptRefuses(t *testing.T) {
	big := strings.Repeat("x", maxField)
	many := EncryptionContext{}
	for i := range 1025 {
		many[string(rune(0x100+i))] = ""
	}
	for name, tt := range map[string]struct {
		edit func(*Config)
		ec   EncryptionContext
		size int
		want error
	}{
		"ENV-15 reserved key":       {ec: EncryptionContext{"aws-crypto-a": ""}, want: ErrEncryptionContext},
		"ENV-43 the public key":     {ec: EncryptionContext{publicKeyEntry: "x"}, want: ErrEncryptionContext},
		"ENV-15 another case is no": {ec: EncryptionContext{"AWS-crypto-a": ""}},
		"ENV-12 key not UTF-8":      {ec: EncryptionContext{"\xff": ""}, want: ErrEncryptionContext},
		"ENV-12 value not UTF-8":    {ec: EncryptionContext{"a": "\xff"}, want: ErrEncryptionContext},
		"ENV-12 too long":           {ec: EncryptionContext{"a": big}, want: ErrEncryptionContext},
		"ENV-12 at the limit":       {ec: EncryptionContext{"a": big[:maxField-7]}},
		"ENV-12 past the limit":     {ec: EncryptionContext{"a": big[:maxField-6]}, want: ErrEncryptionContext},
		"ENV-7 pairs":               {ec: many, want: ErrLimit},
		"ENV-7 header":              {ec: EncryptionContext{"a": "b"}, edit: func(c *Config) { c.MaxHeaderBytes = 100 }, want: ErrLimit},
		"ENV-6 keys": {edit: func(c *Config) {
			c.Keyring, c.MaxEncryptedDataKeys = must[*Multi](t)(NewMulti(rawAES(t), rawAES(t))), 1
		}, want: ErrLimit},
		"ENV-53 required key": {edit: func(c *Config) { c.RequiredContextKeys = []string{"r"} }, want: ErrEncryptionContext},
		"ENV-39 bound":        {edit: func(c *Config) { c.PlaintextBound = 9 }, size: 10, want: ErrLimit},
		"ENV-39 at the bound": {edit: func(c *Config) { c.PlaintextBound = 10 }, size: 10},
	} {
		t.Run(name, func(t *testing.T) {
			edit := tt.edit
			if edit == nil {
				edit = func(*Config) {}
			}
			c := suiteClient(t, Suite0478, 4, edit)
			message, err := c.Encrypt(t.Context(), nil, make([]byte, tt.size), tt.ec)
			var b bytes.Buffer
			errStream := func() error {
				w, err := c.NewWriter(t.Context(), &b, tt.ec)
				if err != nil {
					return err
				}
				if _, err = w.Write(make([]byte, tt.size)); err != nil {
					require.Equal(t, err, w.Close(), "sticky")
					return err
				}
				return w.Close()
			}()
			if tt.want != nil {
				require.ErrorIs(t, err, tt.want)
				require.ErrorIs(t, errStream, tt.want)
				require.Nil(t, message)
				_, _, err := c.Decrypt(t.Context(), nil, b.Bytes(), tt.ec)
				require.Error(t, err, "a failed writer leaves nothing that opens")
				return
			}
			require.NoError(t, err)
			require.NoError(t, errStream)
			_, _, err = c.Decrypt(t.Context(), nil, message, tt.ec)
			require.NoError(t, err)
		})
	}
}

// misbehaving is a materials manager that changes good materials.
type misbehaving struct {
	MaterialsManager
	encrypt func(*EncryptionMaterials)
	decrypt func(*DecryptionMaterials)
}

func (m misbehaving) EncryptionMaterials(ctx context.Context, r *EncryptionRequest) (*EncryptionMaterials, error) {
	out, err := m.MaterialsManager.EncryptionMaterials(ctx, r)
	if m.encrypt != nil && err == nil {
		m.encrypt(out)
	}
	return out, err
}

func (m misbehaving) DecryptionMaterials(ctx context.Context, r *DecryptionRequest) (*DecryptionMaterials, error) {
	out, err := m.MaterialsManager.DecryptionMaterials(ctx, r)
	if m.decrypt != nil && err == nil {
		m.decrypt(out)
	}
	return out, err
}

// ENV-50: materials that do not fit the request are refused, both ways.
func TestMaterialsAreChecked(t *testing.T) {
	other := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	good := NewMaterialsManager(rawAES(t))
	client := func(m MaterialsManager, s Suite) *Client {
		return suiteClient(t, s, 16, func(c *Config) { c.Keyring, c.Manager, c.RequiredContextKeys = nil, m, []string{"r"} })
	}
	ec := EncryptionContext{"r": "x", "a": "b"}
	for name, change := range map[string]func(*EncryptionMaterials){
		"suite":                     func(m *EncryptionMaterials) { m.Suite = Suite0478 },
		"short data key":            func(m *EncryptionMaterials) { m.DataKey = m.DataKey[1:] },
		"no wrapped key":            func(m *EncryptionMaterials) { m.EncryptedDataKeys = nil },
		"wrapped key too long":      func(m *EncryptionMaterials) { m.EncryptedDataKeys[0].Ciphertext = make([]byte, maxField+1) },
		"provider not UTF-8":        func(m *EncryptionMaterials) { m.EncryptedDataKeys[0].ProviderID = "\xff" },
		"no signing key":            func(m *EncryptionMaterials) { m.SigningKey = nil },
		"another signing key":       func(m *EncryptionMaterials) { m.SigningKey = other },
		"dropped pair":              func(m *EncryptionMaterials) { delete(m.Context, "a") },
		"changed pair":              func(m *EncryptionMaterials) { m.Context["a"] = "c" },
		"dropped required key":      func(m *EncryptionMaterials) { m.RequiredKeys = nil },
		"required key without pair": func(m *EncryptionMaterials) { m.RequiredKeys = append(m.RequiredKeys, "q") },
		"public key required":       func(m *EncryptionMaterials) { m.RequiredKeys = append(m.RequiredKeys, publicKeyEntry) },
	} {
		_, err := client(misbehaving{good, change, nil}, Suite0578).Encrypt(t.Context(), nil, nil, ec)
		require.ErrorIs(t, err, ErrMaterials, name)
	}
	message := must[[]byte](t)(client(good, Suite0578).Encrypt(t.Context(), nil, nil, ec))
	for name, tt := range map[string]struct {
		change func(*DecryptionMaterials)
		want   error
	}{
		"suite":                {func(m *DecryptionMaterials) { m.Suite = Suite0478 }, ErrMaterials},
		"no data key":          {func(m *DecryptionMaterials) { m.DataKey = nil }, ErrNoMatchingKey},
		"short data key":       {func(m *DecryptionMaterials) { m.DataKey = m.DataKey[1:] }, ErrMaterials},
		"wrong data key":       {func(m *DecryptionMaterials) { m.DataKey[0] ^= 1 }, ErrCommitment},
		"no verification key":  {func(m *DecryptionMaterials) { m.VerificationKey = nil }, ErrMaterials},
		"another key":          {func(m *DecryptionMaterials) { m.VerificationKey = &other.PublicKey }, ErrSignature},
		"stored pair dropped":  {func(m *DecryptionMaterials) { delete(m.Context, "a") }, ErrMaterials},
		"pair changed":         {func(m *DecryptionMaterials) { m.Context["r"] = "y" }, ErrMaterials},
		"pair added":           {func(m *DecryptionMaterials) { m.Context["q"] = "y" }, ErrMaterials},
		"required key dropped": {func(m *DecryptionMaterials) { m.RequiredKeys = nil }, ErrMaterials},
		"stored key required":  {func(m *DecryptionMaterials) { m.RequiredKeys = []string{"a"} }, ErrMaterials},
	} {
		got, _, err := client(misbehaving{good, nil, tt.change}, Suite0578).Decrypt(t.Context(), nil, message, ec)
		require.ErrorIs(t, err, tt.want, name)
		require.Nil(t, got)
	}
}

// ENV-63, ENV-62: a data key that is already there is an error for every
// keyring, and failing keyrings leave the materials as they were.
func TestKeyringContracts(t *testing.T) {
	w := newKMSWorld()
	key := must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 2048))
	alice := must[*ecdh.PrivateKey](t)(ecdh.P256().GenerateKey(rand.Reader))
	rings := map[string]Keyring{
		"aes":   rawAES(t),
		"rsa":   must[*RawRSA](t)(NewRawRSA(RawRSAConfig{Namespace: "ns", Name: "n", Padding: OAEPSHA1, Public: &key.PublicKey, Private: key})),
		"ecdh":  must[*RawECDH](t)(NewRawECDH(RawECDHConfig{Private: alice, Public: alice.PublicKey()})),
		"kms":   must[*KMSKeyring](t)(NewKMS(KMSConfig{Client: w.in("eu-west-1"), KeyID: w.key})),
		"multi": must[*Multi](t)(NewMulti(nil, rawAES(t))),
	}
	for name, k := range rings {
		m := &EncryptionMaterials{Suite: Suite0478, DataKey: counting(0, 32)}
		require.NoError(t, k.OnEncrypt(t.Context(), m), name)
		require.Equal(t, counting(0, 32), m.DataKey, "a key that is there is wrapped")
		d := &DecryptionMaterials{Suite: Suite0478, DataKey: counting(1, 32)}
		require.ErrorIs(t, k.OnDecrypt(t.Context(), d, m.EncryptedDataKeys), ErrMaterials, name)
		require.Equal(t, counting(1, 32), d.DataKey)
		d = &DecryptionMaterials{Suite: Suite0478}
		require.NoError(t, k.OnDecrypt(t.Context(), d, m.EncryptedDataKeys), name)
		require.Equal(t, counting(0, 32), d.DataKey)
		// ENV-64: a key of another length is one that did not unwrap.
		d = &DecryptionMaterials{Suite: Suite0114}
		require.ErrorIs(t, k.OnDecrypt(t.Context(), d, m.EncryptedDataKeys), ErrNoMatchingKey, name)
		require.Nil(t, d.DataKey)
		require.ErrorIs(t, k.OnDecrypt(t.Context(), d, []EncryptedDataKey{{"other", []byte("x"), []byte("y")}}), ErrNoMatchingKey, name)
		require.ErrorIs(t, k.OnDecrypt(t.Context(), d, nil), ErrNoMatchingKey, name)
	}
	failing := must[*Multi](t)(NewMulti(rawAES(t), must[*RawRSA](t)(NewRawRSA(RawRSAConfig{Namespace: "ns", Name: "n", Padding: OAEPSHA1, Private: key}))))
	m := &EncryptionMaterials{Suite: Suite0478}
	require.ErrorIs(t, failing.OnEncrypt(t.Context(), m), ErrKeyring)
	require.Nil(t, m.DataKey)
	require.Empty(t, m.EncryptedDataKeys)
	m.DataKey = counting(0, 32)
	require.ErrorIs(t, failing.OnEncrypt(t.Context(), m), ErrKeyring, "ENV-85: generator and a key that is there")
	require.ErrorIs(t, rings["multi"].OnEncrypt(t.Context(), &EncryptionMaterials{Suite: Suite0478}), ErrKeyring, "ENV-85: no generator, no key")
}

func TestRawKeyringsRefuse(t *testing.T) {
	weak := must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 1024))
	p256 := must[*ecdh.PrivateKey](t)(ecdh.P256().GenerateKey(rand.Reader))
	p384 := must[*ecdh.PrivateKey](t)(ecdh.P384().GenerateKey(rand.Reader))
	x := must[*ecdh.PrivateKey](t)(ecdh.X25519().GenerateKey(rand.Reader))
	rsaOf := func(ns, name string, p RSAPadding, public *rsa.PublicKey) error {
		_, err := NewRawRSA(RawRSAConfig{Namespace: ns, Name: name, Padding: p, Public: public})
		return err
	}
	aesOf := func(ns, name string, n int) error { _, err := NewRawAES(ns, name, make([]byte, n)); return err }
	ecdhOf := func(private *ecdh.PrivateKey, public *ecdh.PublicKey) error {
		_, err := NewRawECDH(RawECDHConfig{Private: private, Public: public})
		return err
	}
	for name, err := range map[string]error{
		"ENV-66 namespace":   aesOf("aws-kms", "n", 32),
		"ENV-66 prefix":      aesOf("aws-kms-x", "n", 32),
		"ENV-66 empty":       aesOf("", "n", 32),
		"ENV-66 empty name":  aesOf("ns", "", 32),
		"ENV-66 not UTF-8":   aesOf("\xff", "n", 32),
		"ENV-66 key length":  aesOf("ns", "n", 31),
		"ENV-70 namespace":   rsaOf("aws-kms", "n", OAEPSHA1, &weak.PublicKey),
		"ENV-70 padding":     rsaOf("ns", "n", 0, &weak.PublicKey),
		"ENV-70 no key":      rsaOf("ns", "n", OAEPSHA1, nil),
		"ENV-72 weak":        rsaOf("ns", "n", OAEPSHA1, &weak.PublicKey),
		"ENV-86 no key":      ecdhOf(nil, nil),
		"ENV-86 two curves":  ecdhOf(p256, p384.PublicKey()),
		"empty multi":        func() error { _, err := NewMulti(nil); return err }(),
		"multi with nothing": func() error { _, err := NewMulti(nil, nil); return err }(),
	} {
		require.ErrorIs(t, err, ErrConfig, name)
	}
	require.ErrorIs(t, ecdhOf(x, nil), ErrUnsupported)
	_, err := NewRawRSA(RawRSAConfig{Namespace: "ns", Name: "n", Padding: OAEPSHA1, Public: &weak.PublicKey, AllowWeakRSA: true})
	require.NoError(t, err)
}

// ENV-68: name, tag length and IV length of a raw AES key match exactly.
func TestRawAESMatches(t *testing.T) {
	k := rawAES(t)
	m := &EncryptionMaterials{Suite: Suite0478}
	require.NoError(t, k.OnEncrypt(t.Context(), m))
	good := m.EncryptedDataKeys[0]
	for name, change := range map[string]func(*EncryptedDataKey){
		"namespace":   func(e *EncryptedDataKey) { e.ProviderID = "ns2" },
		"longer name": func(e *EncryptedDataKey) { e.ProviderInfo = append([]byte("x"), e.ProviderInfo...) },
		"surplus":     func(e *EncryptedDataKey) { e.ProviderInfo = append(e.ProviderInfo, 0) },
		"tag bits":    func(e *EncryptedDataKey) { e.ProviderInfo[7] = 96 },
		"IV length":   func(e *EncryptedDataKey) { e.ProviderInfo[11] = 16 },
		"name only":   func(e *EncryptedDataKey) { e.ProviderInfo = e.ProviderInfo[:4] },
		"IV":          func(e *EncryptedDataKey) { e.ProviderInfo[15] ^= 1 },
		"short":       func(e *EncryptedDataKey) { e.Ciphertext = e.Ciphertext[:10] },
		"flipped":     func(e *EncryptedDataKey) { e.Ciphertext[0] ^= 1 },
	} {
		e := EncryptedDataKey{good.ProviderID, bytes.Clone(good.ProviderInfo), bytes.Clone(good.Ciphertext)}
		change(&e)
		d := &DecryptionMaterials{Suite: Suite0478}
		require.ErrorIs(t, k.OnDecrypt(t.Context(), d, []EncryptedDataKey{e}), ErrNoMatchingKey, name)
		require.NoError(t, k.OnDecrypt(t.Context(), d, []EncryptedDataKey{e, good}), "ENV-65: the next key is tried")
	}
}

// ENV-87, ENV-88: whatever changes in an ECDH key, it does not unwrap.
func TestRawECDHMatches(t *testing.T) {
	alice := must[*ecdh.PrivateKey](t)(ecdh.P256().GenerateKey(rand.Reader))
	bob := must[*ecdh.PrivateKey](t)(ecdh.P256().GenerateKey(rand.Reader))
	eve := must[*ecdh.PrivateKey](t)(ecdh.P256().GenerateKey(rand.Reader))
	ec := EncryptionContext{"a": "b"}
	to := must[*RawECDH](t)(NewRawECDH(RawECDHConfig{Private: alice, Public: bob.PublicKey()}))
	m := &EncryptionMaterials{Suite: Suite0478, Context: ec}
	require.NoError(t, to.OnEncrypt(t.Context(), m))
	good := m.EncryptedDataKeys[0]
	require.Len(t, good.ProviderInfo, 75)
	open := func(private *ecdh.PrivateKey, public *ecdh.PublicKey, ec EncryptionContext, e EncryptedDataKey) error {
		k := must[*RawECDH](t)(NewRawECDH(RawECDHConfig{Private: private, Public: public}))
		return k.OnDecrypt(t.Context(), &DecryptionMaterials{Suite: Suite0478, Context: ec}, []EncryptedDataKey{e})
	}
	require.NoError(t, open(bob, alice.PublicKey(), ec, good))
	require.NoError(t, open(alice, bob.PublicKey(), ec, good))
	require.NoError(t, open(bob, nil, ec, good))
	require.NoError(t, open(bob, nil, ec, EncryptedDataKey{ecdhKMSProvider, good.ProviderInfo, good.Ciphertext}))
	require.ErrorIs(t, open(bob, eve.PublicKey(), ec, good), ErrNoMatchingKey, "another sender")
	require.ErrorIs(t, open(eve, alice.PublicKey(), ec, good), ErrNoMatchingKey, "another recipient")
	require.ErrorIs(t, open(alice, nil, ec, good), ErrNoMatchingKey, "discovery matches the recipient")
	require.ErrorIs(t, open(bob, nil, nil, good), ErrNoMatchingKey, "the context is bound")
	for i := range good.Ciphertext {
		e := EncryptedDataKey{good.ProviderID, good.ProviderInfo, bytes.Clone(good.Ciphertext)}
		e.Ciphertext[i] ^= 1
		require.ErrorIs(t, open(bob, nil, ec, e), ErrNoMatchingKey)
	}
	for i := range good.ProviderInfo {
		e := EncryptedDataKey{good.ProviderID, bytes.Clone(good.ProviderInfo), good.Ciphertext}
		e.ProviderInfo[i] ^= 1
		require.ErrorIs(t, open(bob, nil, ec, e), ErrNoMatchingKey)
	}
}

// ENV-72, ENV-73: a PKCS #1 failure shows only at the commitment or the
// header tag; the retry tries the keys behind it.
func TestPKCS1Retry(t *testing.T) {
	key := must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 2048))
	ring := must[*RawRSA](t)(NewRawRSA(RawRSAConfig{Namespace: "ns", Name: "n", Padding: PKCS1v15, Public: &key.PublicKey, Private: key}))
	for _, s := range []Suite{Suite0478, Suite0178} {
		for bad := range 11 {
			decoys := decoyKeyring{ring, bad, key.Size()}
			message := must[[]byte](t)(suiteClient(t, s, 16, func(c *Config) { c.Keyring = decoys }).Encrypt(t.Context(), nil, []byte("x"), nil))
			for _, retry := range []bool{false, true} {
				c := suiteClient(t, s, 16, func(c *Config) { c.Keyring, c.PKCS1Retry = ring, retry })
				_, _, err := c.Decrypt(t.Context(), nil, message, nil)
				_, errStream := readAll(t, c, bytes.NewReader(message), nil)
				if bad == 0 || retry && bad <= maxPKCS1Retries {
					require.NoError(t, err, "%d decoys", bad)
					require.NoError(t, errStream)
					continue
				}
				want := ErrCommitment
				if s == Suite0178 {
					want = ErrHeaderAuth
				}
				require.ErrorIs(t, err, want)
				require.ErrorIs(t, errStream, want)
				require.NotErrorIs(t, err, ErrNoMatchingKey)
			}
		}
	}
	short := EncryptedDataKey{"ns", []byte("n"), []byte("short")}
	require.ErrorIs(t, ring.OnDecrypt(t.Context(), &DecryptionMaterials{Suite: Suite0478}, []EncryptedDataKey{short}), ErrNoMatchingKey)
}

// decoyKeyring puts keys that do not unwrap in front of the good one.
type decoyKeyring struct {
	Keyring
	n, size int
}

func (k decoyKeyring) OnEncrypt(ctx context.Context, m *EncryptionMaterials) error {
	for i := range k.n {
		m.EncryptedDataKeys = append(m.EncryptedDataKeys, EncryptedDataKey{"ns", []byte("n"), counting(byte(i), k.size)})
	}
	return k.Keyring.OnEncrypt(ctx, m)
}

// brokenWriter takes n bytes, then fails.
type brokenWriter struct{ n int }

var errBroken = errors.New("disk full")

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.n -= len(p); w.n < 0 {
		return 0, errBroken
	}
	return len(p), nil
}

// A writer that failed never says otherwise, and leaves no goroutine behind
// (ENV-49, ENV-107).
func TestWriterFails(t *testing.T) {
	plaintext := pattern(3 << 20)
	for _, s := range []Suite{Suite0478, Suite0578} {
		for _, room := range []int{0, 300, 100_000, 1 << 20, 2 << 20} {
			c := suiteClient(t, s, 4096, func(cfg *Config) { cfg.Parallelism = 3 })
			w, err := c.NewWriter(t.Context(), &brokenWriter{room}, nil)
			if room == 0 {
				require.ErrorIs(t, err, errBroken)
				continue
			}
			require.NoError(t, err)
			_, err = w.ReadFrom(bytes.NewReader(plaintext))
			if err == nil {
				err = w.Close()
			}
			require.ErrorIs(t, err, errBroken)
			require.ErrorIs(t, w.Close(), errBroken)
			_, err = w.Write([]byte("x"))
			require.ErrorIs(t, err, errBroken)
		}
	}
	c := suiteClient(t, Suite0478, 16)
	w := must[*Writer](t)(c.NewWriter(t.Context(), io.Discard, nil))
	require.NoError(t, w.Close())
	_, err := w.Write([]byte("x"))
	require.ErrorIs(t, err, ErrUnsupported)
	_, err = w.ReadFrom(strings.NewReader("x"))
	require.ErrorIs(t, err, ErrUnsupported)
	failing := must[*Writer](t)(c.NewWriter(t.Context(), io.Discard, nil))
	_, err = failing.ReadFrom(io.MultiReader(strings.NewReader("abc"), &brokenReader{}))
	require.ErrorIs(t, err, errBroken)
	require.ErrorIs(t, failing.Close(), errBroken, "a source that failed ends the message")
}

type brokenReader struct{}

func (*brokenReader) Read([]byte) (int, error) { return 0, errBroken }

// ENV-92: a cancelled stream returns the context's error, never io.EOF.
func TestCancel(t *testing.T) {
	plaintext := pattern(4 << 20)
	for _, workers := range []int{1, 3} {
		c := suiteClient(t, Suite0478, 4096, func(cfg *Config) { cfg.Parallelism = workers })
		message := must[[]byte](t)(c.Encrypt(t.Context(), nil, plaintext, nil))
		ctx, cancel := context.WithCancel(t.Context())
		var readers []*Reader
		for _, src := range sources(message) {
			r := must[*Reader](t)(c.NewReader(ctx, src, nil))
			must[int64](t)(io.CopyN(io.Discard, r, 2<<20))
			readers = append(readers, r)
		}
		w := must[*Writer](t)(c.NewWriter(ctx, io.Discard, nil))
		must[int](t)(w.Write(plaintext))
		cancel()
		for _, r := range readers {
			_, err := io.Copy(io.Discard, r)
			require.Equal(t, context.Canceled, err)
		}
		require.Equal(t, context.Canceled, w.Close())
		_, err := c.Encrypt(ctx, nil, plaintext, nil)
		require.Equal(t, context.Canceled, err)
		_, _, err = c.Decrypt(ctx, nil, message, nil)
		require.Equal(t, context.Canceled, err)
		_, err = c.NewReaderAt(ctx, bytes.NewReader(message), int64(len(message)), nil)
		require.Equal(t, context.Canceled, err)
	}
}

// No goroutine outlives a stream, whether it ended, failed or was dropped: in
// a bubble of synctest one that did would be a deadlock.
func TestNoGoroutineLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plaintext := pattern(3 << 20)
		for _, s := range []Suite{Suite0478, Suite0578} {
			c := suiteClient(t, s, 4096, func(cfg *Config) { cfg.Parallelism = 4 })
			message := must[[]byte](t)(c.Encrypt(t.Context(), nil, plaintext, nil))
			w := must[*Writer](t)(c.NewWriter(t.Context(), io.Discard, nil))
			must[int](t)(w.Write(plaintext)) // dropped without Close
			for _, src := range sources(message) {
				r := must[*Reader](t)(c.NewReader(t.Context(), src, nil))
				must[int64](t)(io.CopyN(io.Discard, r, 2<<20)) // dropped half-way
			}
			closed := must[*Reader](t)(c.NewReader(t.Context(), bytes.NewReader(message), nil))
			must[int64](t)(io.CopyN(io.Discard, closed, 2<<20))
			require.NoError(t, closed.Close())
			_, err := closed.Read(make([]byte, 1))
			require.ErrorIs(t, err, ErrUnsupported)
			synctest.Wait()
		}
	})
}

// One client and one keyring serve many goroutines (ENV-10).
func TestConcurrentUse(t *testing.T) {
	w := newKMSWorld()
	ring := must[*Multi](t)(NewMulti(rawAES(t), must[*KMSKeyring](t)(NewKMS(KMSConfig{Client: w.in("eu-west-1"), KeyID: w.key}))))
	for _, s := range []Suite{Suite0478, Suite0578} {
		c := suiteClient(t, s, 1024, func(cfg *Config) { cfg.Keyring, cfg.Parallelism = ring, 2 })
		ec := EncryptionContext{"shared": "map"}
		var wg sync.WaitGroup
		for g := range 6 {
			wg.Go(func() {
				want := pattern(g * 300_001)
				message, err := c.Encrypt(t.Context(), nil, want, ec)
				if err != nil {
					t.Error(err)
					return
				}
				plain, err := readAll(t, c, bytes.NewReader(message), ec)
				if err != nil || !bytes.Equal(plain, want) {
					t.Errorf("%d: %v", g, err)
				}
			})
		}
		wg.Wait()
	}
}

// ENV-40: sizes computed are sizes written; past the format's limits they are
// errors, not wrong numbers.
func TestSizes(t *testing.T) {
	for _, s := range allSuites {
		for _, f := range []int64{1, 7, 4096} {
			c := suiteClient(t, s, f)
			h := must[*Writer](t)(c.NewWriter(t.Context(), io.Discard, nil)).Header()
			for _, n := range []int64{0, 1, f - 1, f, f + 1, 3*f + 1} {
				message := must[[]byte](t)(c.Encrypt(t.Context(), nil, make([]byte, n), nil))
				size := must[int64](t)(h.EncryptedSize(n))
				u := must[*UnauthenticatedHeader](t)(Inspect(bytes.NewReader(message)))
				got, err := u.PlaintextSize(int64(len(message)))
				if s.Signing() {
					require.GreaterOrEqual(t, size, int64(len(message)))
					require.Less(t, size, int64(len(message))+12)
					require.ErrorIs(t, err, ErrUnsupported)
					continue
				}
				require.Equal(t, int64(len(message)), size)
				require.NoError(t, err)
				require.Equal(t, n, got)
			}
		}
	}
	h := &Header{Suite: Suite0478, FrameLength: 1, Length: 100}
	require.Equal(t, int64(100+(maxFrames-1)*33+41), must[int64](t)(h.EncryptedSize(maxFrames)))
	_, err := h.EncryptedSize(maxFrames + 1)
	require.ErrorIs(t, err, ErrLimit)
	h.FrameLength = maxFrames
	_, err = h.EncryptedSize(1<<63 - 1)
	require.ErrorIs(t, err, ErrLimit)
	_, err = h.EncryptedSize(-1)
	require.ErrorIs(t, err, ErrConfig)
	_, err = (&Header{Suite: Suite0478}).EncryptedSize(1)
	require.ErrorIs(t, err, ErrUnsupported)
	u := &UnauthenticatedHeader{Suite: Suite0478, Framed: true, FrameLength: 10, Length: 100}
	for size, want := range map[int64]error{0: ErrTruncated, 139: ErrTruncated, 140: nil, 150: nil, 151: ErrFormat, 181: ErrFormat, 182: nil, -5: ErrTruncated} {
		_, err := u.PlaintextSize(size)
		if want == nil {
			require.NoError(t, err, size)
		} else {
			require.ErrorIs(t, err, want, size)
		}
	}
}

// The sequence numbers end at 2^32-1, and a message fails before they wrap
// (ENV-36, ENV-39).
func TestFrameLimit(t *testing.T) {
	c := suiteClient(t, Suite0478, 1)
	w := must[*Writer](t)(c.NewWriter(t.Context(), io.Discard, nil))
	w.total = maxFrames - 1
	must[int](t)(w.Write([]byte("x")))
	_, err := w.Write([]byte("y"))
	require.ErrorIs(t, err, ErrLimit)
	require.ErrorIs(t, w.Close(), ErrLimit)
}

// Two messages never share a data key or message id, nor a signing key (ENV-41).
func TestFreshness(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range []Suite{Suite0478, Suite0578} {
		c := suiteClient(t, s, 16)
		for range 50 {
			m := must[*UnauthenticatedHeader](t)(Inspect(bytes.NewReader(must[[]byte](t)(c.Encrypt(t.Context(), nil, nil, nil)))))
			fresh := [][]byte{m.MessageID, m.CommitKey, m.EncryptedDataKeys[0].Ciphertext}
			if s.Signing() {
				require.Len(t, m.Context["aws-crypto-public-key"], 68)
				fresh = append(fresh, []byte(m.Context["aws-crypto-public-key"]))
			}
			for _, b := range fresh {
				require.False(t, seen[string(b)])
				seen[string(b)] = true
			}
		}
	}
}

// The two presets (ENV-10), and one call of the keyring for each message
// (ENV-52).
func TestPresets(t *testing.T) {
	calls := 0
	ring := seeing{rawAES(t), func([]byte) { calls++ }}
	for _, c := range []struct {
		config Config
		suite  Suite
		frame  uint32
	}{{Config{Keyring: ring}, Suite0578, 4096}, {Unsigned(ring), Suite0478, 64 << 10}} {
		calls = 0
		client := must[*Client](t)(New(c.config))
		m := must[*UnauthenticatedHeader](t)(Inspect(bytes.NewReader(must[[]byte](t)(client.Encrypt(t.Context(), nil, pattern(200_000), nil)))))
		require.Equal(t, c.suite, m.Suite)
		require.EqualValues(t, c.frame, m.FrameLength)
		require.Equal(t, 1, calls)
	}
}

// seeing is a keyring that shows the data keys it hands out.
type seeing struct {
	Keyring
	see func(key []byte)
}

func (k seeing) OnEncrypt(ctx context.Context, m *EncryptionMaterials) error {
	err := k.Keyring.OnEncrypt(ctx, m)
	k.see(m.DataKey)
	return err
}

func (k seeing) OnDecrypt(ctx context.Context, m *DecryptionMaterials, keys []EncryptedDataKey) error {
	err := k.Keyring.OnDecrypt(ctx, m, keys)
	k.see(m.DataKey)
	return err
}

// requireZeroed uses the client in every way there is.
func requireZeroed(t *testing.T, c *Client) {
	t.Helper()
	message := must[[]byte](t)(c.Encrypt(t.Context(), nil, []byte("x"), nil))
	_, _, err := c.Decrypt(t.Context(), nil, message, nil)
	require.NoError(t, err)
	_, err = readAll(t, c, bytes.NewReader(message), nil)
	require.NoError(t, err)
	w := must[*Writer](t)(c.NewWriter(t.Context(), io.Discard, nil))
	require.NoError(t, w.Close())
	must[*ReaderAt](t)(c.NewReaderAt(t.Context(), bytes.NewReader(message), int64(len(message)), nil))
}

// The data key is zeroed once a message is done.
func TestDataKeyIsZeroed(t *testing.T) {
	var keys [][]byte
	manager := misbehaving{
		NewMaterialsManager(rawAES(t)),
		func(m *EncryptionMaterials) { keys = append(keys, m.DataKey) },
		func(m *DecryptionMaterials) { keys = append(keys, m.DataKey) },
	}
	ring := seeing{rawAES(t), func(key []byte) { keys = append(keys, key) }}
	for _, cfg := range []Config{{Manager: manager, Suite: Suite0478}, {Keyring: ring, Suite: Suite0478}} {
		keys = nil
		requireZeroed(t, must[*Client](t)(New(cfg)))
		require.Len(t, keys, 6) // readAll reads twice
		for i, k := range keys {
			require.Equal(t, make([]byte, 32), k, i)
		}
	}
}

// dst and message may be one allocation.
func TestOverlap(t *testing.T) {
	c := suiteClient(t, Suite0478, 16)
	plaintext := append(make([]byte, 0, 10_000), pattern(100)...)
	message := must[[]byte](t)(c.Encrypt(t.Context(), plaintext[:0], plaintext, nil))
	got, _, err := c.Decrypt(t.Context(), message[:0], message, nil)
	require.NoError(t, err)
	require.Equal(t, pattern(100), got)
}

// Under GODEBUG=fips140=only New says so; under fips140=on all works (ENV-109).
func TestFIPS(t *testing.T) {
	run := func() error {
		k, err := NewRawAES("ns", "name", counting(0, 32))
		if err != nil {
			return err
		}
		c, err := New(Config{Keyring: k})
		if err != nil {
			return err
		}
		message, err := c.Encrypt(t.Context(), nil, pattern(100), nil)
		if err != nil {
			return err
		}
		_, _, err = c.Decrypt(t.Context(), nil, message, nil)
		return err
	}
	if !fips140.Enforced() {
		require.NoError(t, run())
		return
	}
	require.ErrorIs(t, run(), ErrFIPS)
	_, err := New(Config{Keyring: fixedKeyring{}})
	require.ErrorIs(t, err, ErrFIPS)
	fips140.WithoutEnforcement(func() { err = run() })
	require.NoError(t, err)
}

// ENV-5, ENV-91: the policy is checked before any key is asked for.
func TestPolicyBeforeKeys(t *testing.T) {
	asked := false
	manager := misbehaving{NewMaterialsManager(rawAES(t)), nil, func(*DecryptionMaterials) { asked = true }}
	message := must[[]byte](t)(suiteClient(t, Suite0178, 16).Encrypt(t.Context(), nil, nil, nil))
	c := must[*Client](t)(New(Config{Manager: askedFirst{manager, &asked}}))
	_, _, err := c.Decrypt(t.Context(), nil, message, nil)
	require.ErrorIs(t, err, ErrCommitmentPolicy)
	require.False(t, asked)
}

// askedFirst notes that it was asked.
type askedFirst struct {
	MaterialsManager
	asked *bool
}

func (m askedFirst) DecryptionMaterials(ctx context.Context, r *DecryptionRequest) (*DecryptionMaterials, error) {
	*m.asked = true
	return m.MaterialsManager.DecryptionMaterials(ctx, r)
}

// A signing key of another curve than the suite's is refused even when the
// context names it.
func TestSigningCurve(t *testing.T) {
	other := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	change := func(m *EncryptionMaterials) {
		m.SigningKey = other
		m.Context[publicKeyEntry] = must[string](t)(encodePublicKey(&other.PublicKey))
	}
	c := suiteClient(t, Suite0578, 16, func(c *Config) { c.Keyring, c.Manager = nil, misbehaving{NewMaterialsManager(rawAES(t)), change, nil} })
	_, err := c.Encrypt(t.Context(), nil, nil, nil)
	require.ErrorIs(t, err, ErrMaterials)
}

// What a ReaderAt finds where the size puts the final frame must be it
// (ENV-94): forged messages whose tags are good, of other frames.
func TestReaderAtFinalMarker(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*forge)
		want   error
	}{
		"good":         {func(*forge) {}, nil},
		"early final":  {frames(finalAt(1, "abcd"), finalAt(2, "ef")), ErrFormat},
		"no final":     {frames(regularAt(1, "abcd"), regularAt(2, "abcd")), ErrFormat},
		"two short":    {frames(finalAt(1, ""), finalAt(2, "")), ErrFormat},
		"wrong length": {frames(forgedFrame{final: true, seq: 1, plain: []byte("abc"), length: 2}), ErrFormat},
		"wrong seq":    {frames(regularAt(1, "abcd"), finalAt(3, "ef")), ErrFormat},
		"non-framed":   {nonFramed("abc", nil), ErrUnsupported},
	} {
		f := newForge(t, Suite0478)
		tt.change(f)
		message := f.build(t)
		c := must[*Client](t)(New(Config{Keyring: fixedKeyring{counting(0x80, 32)}}))
		r, err := c.NewReaderAt(t.Context(), bytes.NewReader(message), int64(len(message)), nil)
		if tt.want == nil {
			require.NoError(t, err, name)
			require.NoError(t, r.VerifyAll())
			continue
		}
		require.ErrorIs(t, err, tt.want, name)
	}
}
