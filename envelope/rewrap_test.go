// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// newRing is the keyring that messages are given to.
func newRing(t testing.TB) *RawAES {
	t.Helper()
	k, err := NewRawAES("ns", "new", counting(0x60, 32))
	require.NoError(t, err)
	return k
}

// newClient reads everything under the new key, strictly, and writes the suite.
func newClient(t testing.TB, s Suite, frameLen int64, edit ...func(*Config)) *Client {
	t.Helper()
	return suiteClient(t, s, frameLen, append([]func(*Config){func(cfg *Config) {
		cfg.Keyring, cfg.Strict = newRing(t), true
	}}, edit...)...)
}

// rewritten are the two ways to give a message new keys.
var rewritten = map[string]func(ctx context.Context, from *Client, dst *bytes.Buffer, src []byte, to *Client, ec EncryptionContext) (*Header, error){
	"Rewrap": func(ctx context.Context, from *Client, dst *bytes.Buffer, src []byte, to *Client, ec EncryptionContext) (*Header, error) {
		return from.Rewrap(ctx, dst, bytes.NewReader(src), to.cfg.Keyring, ec)
	},
	"Reencrypt": func(ctx context.Context, from *Client, dst *bytes.Buffer, src []byte, to *Client, ec EncryptionContext) (*Header, error) {
		return from.Reencrypt(ctx, dst, bytes.NewReader(src), to, ec)
	},
}

var versionOne = allSuites[:9]

// ENV-102, ENV-103: every suite of version 1, every shape, with pairs that are
// stored and one that is not. The new key opens the message, the old one does
// not, and frames, message id, suite and context are what they were.
func TestRewrap(t *testing.T) {
	ec := EncryptionContext{"a": "b", "": "é", "r": "not stored"}
	for _, s := range versionOne {
		for _, n := range []int{0, 1, 15, 16, 17, 48, 5000} {
			t.Run(fmt.Sprintf("%s/%d", s.hex(), n), func(t *testing.T) {
				from := suiteClient(t, s, 16, func(cfg *Config) { cfg.RequiredContextKeys = []string{"r"} })
				to := newClient(t, s, 4096)
				message, err := from.Encrypt(t.Context(), nil, pattern(n), ec)
				require.NoError(t, err)
				_, old, err := from.Decrypt(t.Context(), nil, message, ec)
				require.NoError(t, err)

				var dst bytes.Buffer
				h, err := from.Rewrap(t.Context(), &dst, iotest.OneByteReader(bytes.NewReader(message)), to.cfg.Keyring, ec)
				require.NoError(t, err)
				got, opened, err := to.Decrypt(t.Context(), nil, dst.Bytes(), ec)
				require.NoError(t, err)
				require.Equal(t, string(pattern(n)), string(got))
				require.Equal(t, opened, h)
				requireSameMessage(t, old, opened)
				require.Equal(t, body(t, message, old), body(t, dst.Bytes(), h), "no frame was changed")
				got, err = readAll(t, to, bytes.NewReader(dst.Bytes()), ec)
				require.NoError(t, err)
				require.Equal(t, string(pattern(n)), string(got))

				_, _, err = from.Decrypt(t.Context(), nil, dst.Bytes(), ec)
				require.ErrorIs(t, err, ErrNoMatchingKey)
				_, _, err = to.Decrypt(t.Context(), nil, dst.Bytes(), nil)
				require.Error(t, err, "the pair that is not stored is still asked for")
			})
		}
	}
}

// requireSameMessage compares what rewrapping must keep.
func requireSameMessage(t *testing.T, old, now *Header) {
	t.Helper()
	require.Equal(t, old.Suite, now.Suite)
	require.Equal(t, old.MessageID, now.MessageID)
	require.Equal(t, old.FrameLength, now.FrameLength)
	require.Equal(t, old.RequiredKeys, now.RequiredKeys)
	require.Equal(t, len(old.Context), len(now.Context))
	for k, v := range old.Context {
		if k == publicKeyEntry {
			require.NotEqual(t, v, now.Context[k], "ENV-103: a new key pair")
			continue
		}
		require.Equal(t, v, now.Context[k])
	}
}

// body returns what lies between header and footer.
func body(t *testing.T, message []byte, h *Header) []byte {
	t.Helper()
	return message[h.Length : len(message)-footerLen(t, h.Suite, message)]
}

// Bodies that are not framed, and the leniencies of other writers: they are
// rewrapped as they are, with a header as this package writes it.
func TestRewrapForeign(t *testing.T) {
	for name, change := range map[string]func(*forge){
		"framed":          func(*forge) {},
		"non-framed":      nonFramed("abcdef", nil),
		"non-framed none": nonFramed("", func(f *forge) { f.nonFramed = []byte{} }),
		"unsorted":        func(f *forge) { f.section = append(pairs("z", "1", "a", "2"), f.section[2:]...); f.section[1] = 3 },
		"stored IV":       func(f *forge) { f.headerIV = counting(9, ivLen) },
		"empty final":     frames(regularAt(1, "abcd"), finalAt(2, "")),
		"random IVs":      frames(forgedFrame{seq: 1, iv: counting(9, ivLen), plain: []byte("abcd")}, finalAt(2, "ef")),
	} {
		for _, s := range versionOne {
			t.Run(name+"/"+s.hex(), func(t *testing.T) {
				f := newForge(t, s)
				if name != "unsorted" || !s.Signing() {
					change(f)
				}
				message := f.build(t)
				from := suiteClient(t, s, 4, func(cfg *Config) { cfg.Keyring = fixedKeyring{counting(0x80, 32)} })
				want, old, err := from.Decrypt(t.Context(), nil, message, nil)
				require.NoError(t, err)
				var dst bytes.Buffer
				h, err := from.Rewrap(t.Context(), &dst, bytes.NewReader(message), newRing(t), nil)
				require.NoError(t, err)
				to := newClient(t, s, 4, func(cfg *Config) { cfg.Strict = name != "random IVs" && name != "empty final" })
				got, opened, err := to.Decrypt(t.Context(), nil, dst.Bytes(), nil)
				require.NoError(t, err)
				require.Equal(t, string(want), string(got))
				require.Equal(t, opened, h)
				requireSameMessage(t, old, opened)
				require.Equal(t, body(t, message, old), body(t, dst.Bytes(), h))
			})
		}
	}
}

// A long message takes the goroutines' way, and a message that was rewrapped
// can be rewrapped.
func TestRewrapParallel(t *testing.T) {
	want := pattern(3<<20 + 17)
	for _, s := range []Suite{Suite0178, Suite0378} {
		for _, workers := range []int{1, 3} {
			from := suiteClient(t, s, 4096, func(cfg *Config) { cfg.Parallelism = workers })
			to := newClient(t, s, 4096, func(cfg *Config) { cfg.Parallelism = workers })
			message, err := from.Encrypt(t.Context(), nil, want, nil)
			require.NoError(t, err)
			var there, back bytes.Buffer
			_, err = from.Rewrap(t.Context(), &there, bytes.NewReader(message), to.cfg.Keyring, nil)
			require.NoError(t, err)
			_, err = to.Rewrap(t.Context(), &back, bytes.NewReader(there.Bytes()), from.cfg.Keyring, nil)
			require.NoError(t, err)
			got, _, err := from.Decrypt(t.Context(), nil, back.Bytes(), nil)
			require.NoError(t, err)
			require.True(t, bytes.Equal(want, got))
		}
	}
}

// ENV-100, ENV-102: the new header's IV is drawn again while it is one that the format
// counts, or the old one: two tags under one key and IV give the key of GHASH
// away.
func TestRewrapIV(t *testing.T) {
	f := newForge(t, Suite0178)
	f.headerIV = counting(9, ivLen)
	from := suiteClient(t, Suite0178, 4, func(cfg *Config) { cfg.Keyring = fixedKeyring{counting(0x80, 32)} })
	draws := [][]byte{make([]byte, ivLen), append(make([]byte, 8), 0, 0, 0, 1), append(make([]byte, 8), 9, 9, 9, 9), counting(9, ivLen), counting(1, ivLen)}
	from.random = func(b []byte) (int, error) {
		n := copy(b, draws[0])
		draws = draws[1:]
		return n, nil
	}
	var dst bytes.Buffer
	h, err := from.Rewrap(t.Context(), &dst, bytes.NewReader(f.build(t)), newRing(t), nil)
	require.NoError(t, err)
	require.Empty(t, draws)
	require.Equal(t, counting(1, ivLen), dst.Bytes()[h.Length-tagLen-ivLen:h.Length-tagLen])

	from.random = func(b []byte) (int, error) { clear(b); return len(b), nil }
	dst.Reset()
	_, err = from.Rewrap(t.Context(), &dst, bytes.NewReader(f.build(t)), newRing(t), nil)
	require.ErrorIs(t, err, ErrMaterials, "a source that is stuck")
	require.Zero(t, dst.Len())
	from.random = func([]byte) (int, error) { return 0, errors.New("dry") }
	_, err = from.Rewrap(t.Context(), &dst, bytes.NewReader(f.build(t)), newRing(t), nil)
	require.ErrorContains(t, err, "dry")
	require.Zero(t, dst.Len())
}

// ENV-104: the plaintext of every suite as a new message of another.
func TestReencrypt(t *testing.T) {
	ec := EncryptionContext{"a": "b", "r": "not stored"}
	for _, s := range allSuites {
		for _, into := range []Suite{Suite0478, Suite0578, Suite0178, Suite0378} {
			for _, n := range []int{0, 1, 16, 5000} {
				t.Run(fmt.Sprintf("%s/%s/%d", s.hex(), into.hex(), n), func(t *testing.T) {
					from := suiteClient(t, s, 16, func(cfg *Config) { cfg.RequiredContextKeys = []string{"r"} })
					to := newClient(t, into, 100, func(cfg *Config) { cfg.RequiredContextKeys = []string{"a"} })
					message, err := from.Encrypt(t.Context(), nil, pattern(n), ec)
					require.NoError(t, err)
					_, old, err := from.Decrypt(t.Context(), nil, message, ec)
					require.NoError(t, err)

					var dst bytes.Buffer
					h, err := from.Reencrypt(t.Context(), &dst, bytes.NewReader(message), to, ec)
					require.NoError(t, err)
					got, opened, err := to.Decrypt(t.Context(), nil, dst.Bytes(), ec)
					require.NoError(t, err)
					require.Equal(t, string(pattern(n)), string(got))
					require.Equal(t, opened, h)
					require.Equal(t, into, h.Suite)
					require.Equal(t, int64(100), h.FrameLength)
					require.NotEqual(t, old.MessageID, h.MessageID)
					require.Equal(t, []string{"a", "r"}, h.RequiredKeys, "what was not stored stays so")
					require.NotContains(t, dst.String(), "not stored")
					require.Equal(t, into.Signing(), len(h.Context) == 3)
					_, _, err = from.Decrypt(t.Context(), nil, dst.Bytes(), ec)
					require.ErrorIs(t, err, ErrNoMatchingKey)
				})
			}
		}
	}
}

// generated is a keyring that does to the materials what a test says.
type generated struct {
	Keyring
	change func(*EncryptionMaterials)
}

func (k generated) OnEncrypt(ctx context.Context, m *EncryptionMaterials) error {
	if err := k.Keyring.OnEncrypt(ctx, m); err != nil {
		return err
	}
	k.change(m)
	return nil
}

// failing is a keyring that must not be asked.
type failing struct{ t *testing.T }

func (k failing) OnEncrypt(context.Context, *EncryptionMaterials) error {
	k.t.Error("the new keyring was asked")
	return errors.New("asked")
}

func (k failing) OnDecrypt(context.Context, *DecryptionMaterials, []EncryptedDataKey) error {
	k.t.Error("the old keyring was asked")
	return errors.New("asked")
}

// What Rewrap refuses, before a byte is written.
func TestRewrapRefuses(t *testing.T) {
	ring := newRing(t)
	asking := func(cfg *Config) { cfg.Keyring = failing{t} }
	changed := func(change func(*EncryptionMaterials)) Keyring { return generated{ring, change} }
	generator := must[*Multi](t)(NewMulti(ring))
	two := must[*Multi](t)(NewMulti(nil, ring, ring))
	key := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	for name, tt := range map[string]struct {
		suite  Suite // 0: 0178
		change func(*forge)
		config func(*Config)
		to     Keyring
		ec     EncryptionContext
		want   error
	}{
		"ENV-101 version 2":          {suite: Suite0478, config: asking, to: failing{t}, want: ErrRewrapUnsafe},
		"ENV-101 version 2, signed":  {suite: Suite0578, config: asking, to: failing{t}, want: ErrRewrapUnsafe},
		"ENV-4 not to be read":       {config: func(cfg *Config) { asking(cfg); cfg.Suite, cfg.Commitment = 0, RequireEncryptRequireDecrypt }, to: failing{t}, want: ErrCommitmentPolicy},
		"ENV-4 not to be written":    {config: func(cfg *Config) { asking(cfg); cfg.Suite, cfg.Commitment = 0, RequireEncryptAllowDecrypt }, to: failing{t}, want: ErrCommitmentPolicy},
		"ENV-9 signed":               {suite: Suite0378, config: func(cfg *Config) { asking(cfg); cfg.FailOnSigned = true }, to: failing{t}, want: ErrSignedSuite},
		"ENV-24 header tag":          {change: func(f *forge) { f.required = pairs("r", "x") }, to: failing{t}, want: ErrHeaderAuth},
		"ENV-51 context":             {ec: EncryptionContext{"k": "w"}, to: failing{t}, want: ErrEncryptionContext},
		"ENV-53 required key":        {config: func(cfg *Config) { cfg.RequiredContextKeys = []string{"r"} }, to: failing{t}, want: ErrEncryptionContext},
		"ENV-26 .NET form":           {suite: Suite0078, change: func(f *forge) { f.required = []byte{0, 0} }, config: func(cfg *Config) { cfg.NetV4Retry = true }, to: failing{t}, want: ErrRewrapUnsafe},
		"ENV-65 no key":              {config: func(cfg *Config) { cfg.Keyring = ring }, to: failing{t}, want: ErrNoMatchingKey},
		"ENV-85 generator":           {to: generator, want: ErrKeyring},
		"ENV-6 keys":                 {config: func(cfg *Config) { cfg.MaxEncryptedDataKeys = 1 }, to: two, want: ErrLimit},
		"ENV-7 header":               {config: func(cfg *Config) { cfg.MaxHeaderBytes = 100 }, to: ring, want: ErrLimit},
		"no keyring":                 {want: ErrConfig},
		"ENV-102 another data key":   {to: changed(func(m *EncryptionMaterials) { m.DataKey = counting(1, 32) }), want: ErrMaterials},
		"ENV-102 a pair more":        {to: changed(func(m *EncryptionMaterials) { m.Context = EncryptionContext{"k": "v", "x": "y"} }), want: ErrMaterials},
		"ENV-102 a pair less":        {to: changed(func(m *EncryptionMaterials) { m.Context = nil }), want: ErrMaterials},
		"ENV-102 a pair not stored":  {to: changed(func(m *EncryptionMaterials) { m.RequiredKeys = []string{"k"} }), want: ErrMaterials},
		"ENV-102 another suite":      {to: changed(func(m *EncryptionMaterials) { m.Suite = Suite0078 }), want: ErrMaterials},
		"ENV-50 no wrapped key":      {to: changed(func(m *EncryptionMaterials) { m.EncryptedDataKeys = nil }), want: ErrMaterials},
		"ENV-103 another's key pair": {suite: Suite0378, to: changed(func(m *EncryptionMaterials) { m.SigningKey = key }), want: ErrMaterials},
	} {
		t.Run(name, func(t *testing.T) {
			s := tt.suite
			if s == 0 {
				s = Suite0178
			}
			f := newForge(t, s)
			if tt.change != nil {
				tt.change(f)
			}
			from := suiteClient(t, s, 4, func(cfg *Config) {
				cfg.Keyring = fixedKeyring{counting(0x80, 32)}
				if tt.config != nil {
					tt.config(cfg)
				}
			})
			var dst bytes.Buffer
			h, err := from.Rewrap(t.Context(), &dst, bytes.NewReader(f.build(t)), tt.to, tt.ec)
			require.ErrorIs(t, err, tt.want)
			require.Nil(t, h)
			require.Zero(t, dst.Len())
			var e *Error
			require.True(t, errors.As(err, &e))
			require.NotEqual(t, (&Error{}).Hint(), e.Hint())
		})
	}
}
