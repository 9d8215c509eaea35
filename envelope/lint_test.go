// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/stretchr/testify/require"
)

func codes(found []Finding) []string {
	out := []string{}
	for _, f := range found {
		out = append(out, f.Code)
	}
	return out
}

func lintOf(t testing.TB, message []byte, cfg Config) []Finding {
	t.Helper()
	h, found, err := Lint(iotest.HalfReader(bytes.NewReader(message)), cfg)
	require.NoError(t, err)
	inspected, err := Inspect(bytes.NewReader(message))
	require.NoError(t, err)
	require.Equal(t, inspected, h)
	return found
}

// Each finding of ENV-99, in a message that has it and nothing else out of the
// ordinary.
func TestLint(t *testing.T) {
	noContext := func(f *forge) { f.section = nil }
	keys := func(all ...EncryptedDataKey) func(*forge) { return func(f *forge) { f.edks = all } }
	kms := func(arn string) EncryptedDataKey { return EncryptedDataKey{"aws-kms", []byte(arn), []byte("blob")} }
	here, china := "arn:aws:kms:eu-west-1:111122223333:key/1", "arn:aws-cn:kms:cn-north-1:111122223333:key/1"
	for _, tt := range []struct {
		name   string
		suite  Suite
		change func(*forge)
		config func(*Config)
		want   []string
	}{
		{name: "nothing"},
		{name: "legacy suite", suite: Suite0078, want: []string{"no-key-derivation", "no-commitment"}},
		{name: "no commitment", suite: Suite0178, want: []string{"no-commitment"}},
		{name: "policy", suite: Suite0178, config: func(c *Config) { c.Commitment = 0 }, want: []string{"policy", "no-commitment"}},
		{name: "signed, raw keys", suite: Suite0578, want: []string{"raw-signed"}},
		{name: "signed, KMS", suite: Suite0578, change: keys(kms(here))},
		{name: "signed refused", suite: Suite0578, change: keys(kms(here)), config: func(c *Config) { c.FailOnSigned = true }, want: []string{"signed"}},
		{name: "header IV", suite: Suite0178, change: func(f *forge) { f.headerIV = counting(1, ivLen) }, want: []string{"no-commitment", "header-iv"}},
		{name: "frame length at the limit", config: func(c *Config) { c.MaxFrameLength = 4 }},
		{name: "frame length", config: func(c *Config) { c.MaxFrameLength = 3 }, want: []string{"frame-length"}},
		{name: "default frame length", change: func(f *forge) { f.frameLen = 64<<20 + 1 }, want: []string{"frame-length"}},
		{name: "unsorted", change: func(f *forge) { f.section = pairs("b", "1", "a", "2") }, want: []string{"unsorted-context"}},
		{name: "count 0", change: func(f *forge) { f.section = []byte{0, 0} }, want: []string{"counted-empty-context", "no-context"}},
		{name: "no context", change: noContext, want: []string{"no-context"}},
		{name: "keys at the limit", change: keys(kms(here), kms(here)), config: func(c *Config) { c.MaxEncryptedDataKeys = 2 }},
		{name: "keys", change: keys(kms(here), kms(here), kms(here)), config: func(c *Config) { c.MaxEncryptedDataKeys = 2 }, want: []string{"data-keys"}},
		{name: "unknown provider", change: keys(EncryptedDataKey{"aws-kms-quantum", nil, nil}), want: []string{"unknown-provider"}},
		// ENV-89, ENV-90: known, though no keyring here opens them.
		{name: "known providers", change: keys(kms(here), EncryptedDataKey{"aws-kms-rsa", nil, nil}, EncryptedDataKey{"aws-kms-ecdh", nil, nil}, EncryptedDataKey{"aws-kms-hierarchy", nil, nil})},
		{name: "partitions", change: keys(kms(here), kms(china), kms(here)), want: []string{"mixed-partitions"}},
		{name: "frame IV", change: frames(forgedFrame{seq: 1, iv: counting(9, ivLen), plain: []byte("abcd")}, finalAt(2, "ef")), want: []string{"frame-iv"}},
		{name: "final IV", change: frames(forgedFrame{final: true, seq: 1, iv: counting(9, ivLen), length: -1}), want: []string{"frame-iv"}},
		{name: "empty final", change: frames(regularAt(1, "abcd"), finalAt(2, "")), want: []string{"empty-final"}},
		{name: "only an empty final", change: frames(finalAt(1, ""))},
		{name: "swapped", change: frames(regularAt(2, "abcd"), regularAt(1, "abcd"), finalAt(3, "ef")), want: []string{"body"}},
		{name: "no end", change: frames(regularAt(1, "abcd")), want: []string{"body"}},
		{name: "trailing", change: func(f *forge) { f.trailing = []byte{0} }, want: []string{"body"}},
		{name: "footer", suite: Suite0578, change: func(f *forge) { f.edks = []EncryptedDataKey{kms(here)}; f.footerCut = 1 }, want: []string{"body"}},
		{name: "non-framed", change: nonFramed("abc", nil)},
		{name: "non-framed too long", change: nonFramed("abc", nil), config: func(c *Config) { c.MaxNonFramed = 2 }, want: []string{"non-framed-length"}},
		{name: "all at once", suite: Suite0014, change: func(f *forge) {
			f.headerIV, f.section = counting(1, ivLen), pairs("b", "1", "a", "2")
			f.frames = []forgedFrame{{seq: 1, iv: counting(9, ivLen), plain: []byte("abcd")}, {final: true, seq: 2, iv: counting(9, ivLen)}}
			f.trailing = []byte{1}
		}, want: []string{"no-key-derivation", "no-commitment", "header-iv", "unsorted-context", "frame-iv", "empty-final", "body"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newForge(t, max(tt.suite, Suite0014))
			if tt.suite == 0 {
				f = newForge(t, Suite0478)
			}
			if tt.change != nil {
				tt.change(f)
			}
			cfg := Config{Commitment: RequireEncryptAllowDecrypt}
			if tt.config != nil {
				tt.config(&cfg)
			}
			found := lintOf(t, f.build(t), cfg)
			if tt.want == nil {
				tt.want = []string{}
			}
			require.Equal(t, tt.want, codes(found))
			for _, f := range found {
				require.NotEmpty(t, f.Detail)
			}
		})
	}
}

// What the configuration's keyrings have to be told: one over KMS that is
// configured with an alias encrypts and can never decrypt (ENV-79).
func TestLintKeyrings(t *testing.T) {
	w := newKMSWorld()
	alias := must[*KMSKeyring](t)(NewKMS(KMSConfig{Client: w.in("eu-west-1"), KeyID: "alias/app"}))
	good := must[*KMSKeyring](t)(NewKMS(KMSConfig{Client: w.in("eu-west-1"), KeyID: w.key}))
	discovery := must[*KMSKeyring](t)(NewKMSDiscovery(KMSDiscoveryConfig{Client: w.in("eu-west-1")}))
	rsa := &RawRSA{RawRSAConfig{Namespace: "ns", Name: "name", Padding: PKCS1v15}}
	other := &RawRSA{RawRSAConfig{Namespace: "ns", Name: "other", Padding: PKCS1v15}}
	oaep := &RawRSA{RawRSAConfig{Namespace: "ns", Name: "name", Padding: OAEPSHA1}}
	message := newForge(t, Suite0478).build(t)
	multi := must[*Multi](t)(NewMulti(alias, rsa, must[*Multi](t)(NewMulti(nil, alias))))
	for _, tt := range []struct {
		ring Keyring
		want []string
	}{
		{good, []string{}},
		{discovery, []string{}},
		{alias, []string{"alias"}},
		{rsa, []string{"pkcs1"}},
		{other, []string{}},
		{oaep, []string{}},
		{multi, []string{"alias", "pkcs1", "alias"}},
	} {
		require.Equal(t, tt.want, codes(lintOf(t, message, Config{Keyring: tt.ring})))
		cache := must[*CachingManager](t)(NewCachingManager(CachingConfig{Keyring: tt.ring, Cache: must[*MaterialsCache](t)(NewMaterialsCache(1)), MaxAge: time.Second}))
		require.Equal(t, tt.want, codes(lintOf(t, message, Config{Manager: cache})))
	}
}

// Lint and a strict client agree on every message of the failure table: what
// Lint says is refused is, with an error that it named; and what is refused
// without a finding needed a key to see.
func TestLintAgreesWithStrict(t *testing.T) {
	classes := testkit.Classes{}
	for i, row := range failures {
		t.Run(row.name, func(t *testing.T) {
			c, message := forged(t, i)
			c.cfg.Strict = true
			_, _, refused := c.Decrypt(t.Context(), nil, message, row.context)
			_, found, err := Lint(bytes.NewReader(message), c.cfg)
			if err != nil { // the header cannot be parsed, even without the limits that are findings
				require.Error(t, refused)
				return
			}
			i := slices.IndexFunc(found, func(f Finding) bool { return f.Err != nil })
			if i >= 0 {
				kinds := []error{}
				for _, f := range found {
					if f.Err != nil {
						kinds = append(kinds, kindOf(t, f.Err))
					}
				}
				if kind := kindOf(t, refused); kind != ErrSignature { // which comes before the end, and needs the key
					require.Contains(t, kinds, kind)
				}
				classes.Add("refused and found", true)
				return
			}
			if refused == nil {
				classes.Add("good", true)
				return
			}
			require.Contains(t, []error{ErrEncryptionContext, ErrHeaderAuth, ErrCommitment, ErrFrameAuth, ErrSignature}, kindOf(t, refused))
			classes.Add("refused by key", true)
		})
	}
	require.Len(t, classes, 3)
}

func kindOf(t testing.TB, err error) error {
	t.Helper()
	var e *Error
	require.True(t, errors.As(err, &e), "%v", err)
	return e.Kind
}

func TestLintFails(t *testing.T) {
	message := newForge(t, Suite0478).build(t)
	_, _, err := Lint(bytes.NewReader(message), Config{MaxFrameLength: -1})
	require.ErrorIs(t, err, ErrConfig)
	_, _, err = Lint(bytes.NewReader(message), Config{Commitment: 9})
	require.ErrorIs(t, err, ErrConfig)
	_, _, err = Lint(bytes.NewReader(message[:20]), Config{})
	require.ErrorIs(t, err, ErrTruncated)
	_, _, err = Lint(bytes.NewReader(message), Config{MaxHeaderBytes: 30})
	require.ErrorIs(t, err, ErrLimit)
	broken := errors.New("disk")
	for n := range len(message) {
		_, _, err = Lint(io.MultiReader(bytes.NewReader(message[:n]), iotest.ErrReader(broken)), Config{})
		require.ErrorIs(t, err, broken, n)
	}
	for n := len(message) - int(bodySize(6, 4)); n < len(message); n++ {
		require.Equal(t, []string{"body"}, codes(lintOf(t, message[:n], Config{})), n)
	}
}

// An empty final frame is refused by strict clients in every way of reading.
func TestStrictEmptyFinal(t *testing.T) {
	f := newForge(t, Suite0478)
	f.frames = []forgedFrame{regularAt(1, "abcd"), finalAt(2, "")}
	message := f.build(t)
	for _, strict := range []bool{false, true} {
		c, err := New(Config{Keyring: fixedKeyring{counting(0x80, 32)}, Strict: strict})
		require.NoError(t, err)
		check := func(err error) {
			t.Helper()
			if strict {
				require.ErrorIs(t, err, ErrFormat)
			} else {
				require.NoError(t, err)
			}
		}
		_, _, err = c.Decrypt(t.Context(), nil, message, nil)
		check(err)
		_, err = readAll(t, c, bytes.NewReader(message), nil)
		check(err)
		_, err = c.NewReaderAt(t.Context(), bytes.NewReader(message), int64(len(message)), nil)
		check(err)
	}
}

// FuzzLint holds Lint to Decrypt on anything.
func FuzzLint(f *testing.F) {
	for _, s := range []Suite{Suite0014, Suite0178, Suite0478, Suite0578} {
		f.Add(newForge(f, s).build(f))
		framed := newForge(f, s)
		nonFramed("abc", nil)(framed)
		f.Add(framed.build(f))
	}
	c, err := New(Config{Keyring: fixedKeyring{counting(0x80, 32)}, Commitment: RequireEncryptAllowDecrypt, Strict: true})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, message []byte) {
		_, found, err := Lint(bytes.NewReader(message), c.cfg)
		_, _, refused := c.Decrypt(t.Context(), nil, message, nil)
		if err != nil {
			require.Error(t, refused)
			return
		}
		for _, f := range found {
			if f.Err != nil {
				require.Error(t, refused, f.Code)
			}
		}
	})
}
