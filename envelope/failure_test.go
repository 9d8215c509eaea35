// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// pairs serializes context pairs in the order given, right or wrong.
func pairs(kv ...string) []byte {
	out := []byte{byte(len(kv) / 2 >> 8), byte(len(kv) / 2)}
	for _, s := range kv {
		out = appendField(out, s)
	}
	return out
}

// failures is the table of the specification's section 16: each row breaks one
// rule of a message whose tags are good.
var failures = []struct {
	name    string
	suite   Suite // 0: 0478
	change  func(f *forge)
	config  func(c *Config)
	context EncryptionContext
	want    error // nil: it must open
	also    error
}{
	{name: "untouched"},
	{name: "untouched v1", suite: Suite0178},
	{name: "untouched signed", suite: Suite0578},
	{name: "untouched P-256", suite: Suite0214},
	{name: "untouched no KDF", suite: Suite0014},
	{name: "ENV-22 version", change: func(f *forge) { f.version = 3 }, want: ErrFormat},
	{name: "ENV-22 type", suite: Suite0178, change: func(f *forge) { f.kind = 0x81 }, want: ErrFormat},
	{name: "ENV-22 reserved", suite: Suite0178, change: func(f *forge) { f.reserved = 1 }, want: ErrFormat},
	{name: "ENV-22 IV length", suite: Suite0178, change: func(f *forge) { f.ivLen = 16 }, want: ErrFormat},
	{name: "ENV-21 content type 0", change: func(f *forge) { f.content = 0 }, want: ErrFormat},
	{name: "ENV-21 content type 3", change: func(f *forge) { f.content = 3 }, want: ErrFormat},
	{name: "ENV-21 framed without frame length", change: func(f *forge) { f.frameLen = 0 }, want: ErrFormat},
	{name: "ENV-21 non-framed with frame length", change: nonFramed("abc", func(f *forge) { f.frameLen = 4 }), want: ErrFormat},
	{name: "ENV-20 no data keys", change: func(f *forge) { f.edks = nil }, want: ErrFormat},
	{name: "ENV-20 provider id not UTF-8", change: func(f *forge) { f.edks[0].ProviderID = "\xff" }, want: ErrFormat},
	{name: "ENV-2 v2 with v1 suite", suite: Suite0178, change: func(f *forge) { f.version = 2 }, want: ErrFormat},
	{name: "ENV-2 v1 with v2 suite", change: func(f *forge) { f.version = 1 }, want: ErrFormat},
	{name: "ENV-1 suite 0000", change: func(f *forge) { f.suite = 0 }, want: ErrUnsupportedSuite},
	{name: "ENV-1 suite 0479", change: func(f *forge) { f.suite = 0x0479 }, want: ErrUnsupportedSuite},
	{name: "ENV-17 duplicate key", change: func(f *forge) { f.section = pairs("a", "1", "a", "1") }, want: ErrFormat},
	{name: "ENV-17 surplus bytes", change: func(f *forge) { f.section = append(pairs("a", "1"), 0) }, want: ErrFormat},
	{name: "ENV-17 truncated", change: func(f *forge) { f.section = pairs("a", "1")[:6] }, want: ErrFormat},
	{name: "ENV-17 one byte", change: func(f *forge) { f.section = []byte{0} }, want: ErrFormat},
	{name: "ENV-17 count too high", change: func(f *forge) { f.section = pairs("a", "1"); f.section[1] = 2 }, want: ErrFormat},
	{name: "ENV-17 key not UTF-8", change: func(f *forge) { f.section = pairs("\xff", "1") }, want: ErrFormat},
	{name: "ENV-17 value not UTF-8", change: func(f *forge) { f.section = pairs("a", "\xed\xa0\x80") }, want: ErrFormat},
	{name: "ENV-17 unsorted", change: func(f *forge) { f.section = pairs("b", "1", "a", "2") }},
	{name: "ENV-17 unsorted, strict", change: func(f *forge) { f.section = pairs("b", "1", "a", "2") }, config: strict, want: ErrFormat},
	{name: "ENV-17 count 0", change: func(f *forge) { f.section = []byte{0, 0} }},
	{name: "ENV-17 count 0, strict", change: func(f *forge) { f.section = []byte{0, 0} }, config: strict, want: ErrFormat},
	{name: "ENV-24 stored header IV", suite: Suite0178, change: func(f *forge) { f.headerIV = counting(1, ivLen) }},
	{name: "ENV-4 policy", suite: Suite0178, config: func(c *Config) { c.Commitment = RequireEncryptRequireDecrypt }, want: ErrCommitmentPolicy},
	{name: "ENV-9 signed refused", suite: Suite0578, config: func(c *Config) { c.FailOnSigned = true }, want: ErrSignedSuite},
	{name: "ENV-6 at the limit of keys", config: func(c *Config) { c.MaxEncryptedDataKeys = 1 }},
	{name: "ENV-6 past the limit of keys", change: func(f *forge) { f.edks = append(f.edks, f.edks[0]) }, config: func(c *Config) { c.MaxEncryptedDataKeys = 1 }, want: ErrLimit},
	{name: "ENV-6 before any further byte", change: func(f *forge) { f.edkCount = 9 }, config: func(c *Config) { c.MaxEncryptedDataKeys = 8 }, want: ErrLimit},
	{name: "ENV-7 at the frame limit", config: func(c *Config) { c.MaxFrameLength = 4 }},
	{name: "ENV-7 past the frame limit", change: func(f *forge) { f.frameLen = 5; f.frames = []forgedFrame{finalAt(1, "")} }, config: func(c *Config) { c.MaxFrameLength = 4 }, want: ErrLimit},
	{name: "ENV-7 default frame limit", change: func(f *forge) { f.frameLen = 64<<20 + 1; f.frames = []forgedFrame{finalAt(1, "x")} }, want: ErrLimit},
	{name: "ENV-7 at the default frame limit", change: func(f *forge) { f.frameLen = 64 << 20; f.frames = []forgedFrame{finalAt(1, "x")} }},
	{name: "ENV-7 header", config: func(c *Config) { c.MaxHeaderBytes = 100 }, want: ErrLimit},
	{name: "ENV-7 pairs", change: func(f *forge) { f.section = pairs("a", "1", "b", "2") }, config: func(c *Config) { c.MaxContextPairs = 1 }, want: ErrLimit},
	{name: "ENV-7 pairs at the limit", change: func(f *forge) { f.section = pairs("a", "1", "b", "2") }, config: func(c *Config) { c.MaxContextPairs = 2 }},
	{name: "ENV-7 non-framed", change: nonFramed("abcde", nil), config: func(c *Config) { c.MaxNonFramed = 4 }, want: ErrLimit},
	{name: "ENV-7 non-framed at the limit", change: nonFramed("abcd", nil), config: func(c *Config) { c.MaxNonFramed = 4 }},
	{name: "ENV-7 non-framed huge", change: nonFramed("abc", func(f *forge) { f.lengthOf = 1 << 63 }), want: ErrLimit},
	{name: "non-framed", change: nonFramed("abc", nil)},
	{name: "non-framed v1", suite: Suite0178, change: nonFramed("abc", nil)},
	{name: "non-framed signed", suite: Suite0378, change: nonFramed("abc", nil)},
	{name: "non-framed cut", change: nonFramed("abc", func(f *forge) { f.lengthOf = 4 }), want: ErrTruncated},
	{name: "non-framed extended", change: nonFramed("abc", func(f *forge) { f.trailing = []byte{0} }), want: ErrTrailingData},
	{name: "ENV-51 conflict", context: EncryptionContext{"k": "w"}, want: ErrEncryptionContext},
	{name: "ENV-51 agreement", context: EncryptionContext{"k": "v"}},
	{name: "ENV-51 reserved", context: EncryptionContext{"aws-crypto-x": "v"}, want: ErrEncryptionContext},
	{name: "ENV-53 required key missing", config: func(c *Config) { c.RequiredContextKeys = []string{"r"} }, want: ErrEncryptionContext},
	{name: "ENV-24 required pair", change: func(f *forge) { f.required = pairs("r", "x") }, context: EncryptionContext{"r": "x"}},
	{name: "ENV-24 required pair withheld", change: func(f *forge) { f.required = pairs("r", "x") }, want: ErrHeaderAuth},
	{name: "ENV-24 required pair differs", change: func(f *forge) { f.required = pairs("r", "x") }, context: EncryptionContext{"r": "y"}, want: ErrHeaderAuth},
	{name: "ENV-24 pair that was not authenticated", context: EncryptionContext{"r": "x"}, want: ErrHeaderAuth},
	{name: "ENV-26 .NET form", change: func(f *forge) { f.required = []byte{0, 0} }, want: ErrHeaderAuth},
	{name: "ENV-30 commitment", change: func(f *forge) { f.badCommit = true }, want: ErrCommitment},
	{name: "ENV-36 starts at 0", change: frames(regularAt(0, "abcd"), finalAt(1, "ef")), want: ErrFormat},
	{name: "ENV-36 starts at 2", change: frames(regularAt(2, "abcd"), finalAt(3, "ef")), want: ErrFormat},
	{name: "ENV-36 gap", change: frames(regularAt(1, "abcd"), regularAt(3, "abcd"), finalAt(4, "ef")), want: ErrFormat},
	{name: "ENV-36 repeat", change: frames(regularAt(1, "abcd"), regularAt(1, "abcd"), finalAt(3, "ef")), want: ErrFormat},
	{name: "ENV-36 swapped", change: frames(regularAt(2, "abcd"), regularAt(1, "abcd"), finalAt(3, "ef")), want: ErrFormat},
	{name: "ENV-36 final out of sequence", change: frames(regularAt(1, "abcd"), finalAt(3, "ef")), want: ErrFormat},
	{name: "ENV-36 second final", change: frames(finalAt(1, "ab"), finalAt(2, "ef")), want: ErrFormat},
	{name: "ENV-36 second final, signed", suite: Suite0578, change: frames(finalAt(1, "ab"), finalAt(2, "ef")), want: ErrFormat},
	{name: "ENV-36 frame after the final one", change: frames(finalAt(1, "ab"), regularAt(2, "abcd")), want: ErrFormat},
	{name: "ENV-36 frame after the final one, signed", suite: Suite0578, change: frames(finalAt(1, "ab"), regularAt(2, "abcd")), want: ErrSignature},
	{name: "ENV-38 final too long", change: frames(finalAt(1, "abcde")), want: ErrFormat},
	{name: "ENV-38 final full", change: frames(regularAt(1, "abcd"), finalAt(2, "abcd"))},
	{name: "ENV-38 final empty after a full frame", change: frames(regularAt(1, "abcd"), finalAt(2, ""))},
	{name: "ENV-38 final only", change: frames(finalAt(1, ""))},
	{name: "ENV-38 final says too much", change: frames(forgedFrame{final: true, seq: 1, plain: []byte("ab"), length: 1 << 31}), want: ErrFormat},
	{name: "ENV-36 no final", change: frames(regularAt(1, "abcd")), want: ErrTruncated},
	{name: "ENV-36 no frame", change: frames(), want: ErrTruncated},
	{name: "ENV-35 random IV", change: frames(forgedFrame{seq: 1, iv: counting(9, ivLen), plain: []byte("abcd")}, finalAt(2, "ef"))},
	{name: "ENV-35 random IV, strict", change: frames(forgedFrame{seq: 1, iv: counting(9, ivLen), plain: []byte("abcd")}, finalAt(2, "ef")), config: strict, want: ErrFormat},
	{name: "ENV-35 random final IV, strict", change: frames(forgedFrame{final: true, seq: 1, iv: counting(9, ivLen), length: -1}), config: strict, want: ErrFormat},
	{name: "ENV-43 signed without entry", suite: Suite0578, change: func(f *forge) { f.section = nil }, want: ErrSignature},
	{name: "ENV-43 unsigned with entry", change: entry(func(*forge) string { return goodPoint(elliptic.P384()) }), want: ErrSignature},
	{name: "ENV-43 entry only reproduced", suite: Suite0578, change: func(f *forge) { f.section = nil }, context: EncryptionContext{publicKeyEntry: goodPoint(elliptic.P384())}, want: ErrEncryptionContext},
	{name: "ENV-43 line end in base64", suite: Suite0578, change: entry(func(f *forge) string { return ownPoint(f) + "\n" }), want: ErrSignature},
	{name: "ENV-43 line end within base64", suite: Suite0214, change: entry(func(f *forge) string { s := ownPoint(f); return s[:4] + "\r\n" + s[4:] }), want: ErrSignature},
	{name: "ENV-43 not base64", suite: Suite0578, change: entry(func(*forge) string { return "!" }), want: ErrSignature},
	{name: "ENV-43 unpadded", suite: Suite0578, change: entry(func(f *forge) string { return strings.TrimRight(ownPoint(f), "=") }), want: ErrSignature},
	{name: "ENV-43 no point", suite: Suite0578, change: entry(func(*forge) string {
		return base64.StdEncoding.EncodeToString(append([]byte{2}, bytes.Repeat([]byte{0xff}, 48)...))
	}), want: ErrSignature},
	{name: "ENV-43 wrong curve", suite: Suite0578, change: entry(func(*forge) string { return goodPoint(elliptic.P256()) }), want: ErrSignature},
	{name: "ENV-43 another's key", suite: Suite0578, change: entry(func(*forge) string { return goodPoint(elliptic.P384()) }), want: ErrSignature},
	{name: "ENV-43 uncompressed", suite: Suite0578, change: entry(func(f *forge) string { b, _ := f.key.PublicKey.Bytes(); return base64.StdEncoding.EncodeToString(b) }), want: ErrSignature},
	{name: "ENV-43 bad signature", suite: Suite0578, change: func(f *forge) { f.badFooter = true }, want: ErrSignature},
	{name: "ENV-43 footer missing", suite: Suite0578, change: func(f *forge) { f.noFooter = true }, want: ErrSignature, also: ErrTruncated},
	{name: "ENV-43 footer short", suite: Suite0578, change: func(f *forge) { f.footerCut = 1 }, want: ErrSignature, also: ErrTruncated},
	{name: "ENV-45 trailing", change: func(f *forge) { f.trailing = []byte{0} }, want: ErrTrailingData},
	{name: "ENV-45 trailing, signed", suite: Suite0578, change: func(f *forge) { f.trailing = []byte{0} }, want: ErrTrailingData},
	{name: "ENV-45 a second message", change: func(f *forge) { f.trailing = []byte("\x02\x04\x78") }, want: ErrTrailingData},
}

func strict(c *Config) { c.Strict = true }

func frames(all ...forgedFrame) func(*forge) { return func(f *forge) { f.frames = all } }

func nonFramed(plain string, more func(*forge)) func(*forge) {
	return func(f *forge) {
		f.content, f.frameLen, f.frames, f.nonFramed = contentNonFramed, 0, nil, []byte(plain)
		if more != nil {
			more(f)
		}
	}
}

// entry replaces the public key of the context.
func entry(value func(*forge) string) func(*forge) {
	return func(f *forge) { f.section = pairs(publicKeyEntry, value(f)) }
}

func goodPoint(curve elliptic.Curve) string {
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		panic(err)
	}
	return ownPoint(&forge{key: key})
}

func ownPoint(f *forge) string {
	text, err := encodePublicKey(&f.key.PublicKey)
	if err != nil {
		panic(err)
	}
	return text
}

// forged returns the message of a row and a client to read it with.
func forged(t *testing.T, i int) (*Client, []byte) {
	t.Helper()
	row := failures[i]
	s := row.suite
	if s == 0 {
		s = Suite0478
	}
	f := newForge(t, s)
	if row.change != nil {
		row.change(f)
	}
	cfg := Config{Keyring: fixedKeyring{counting(0x80, 32)}, Commitment: RequireEncryptAllowDecrypt}
	if row.config != nil {
		row.config(&cfg)
	}
	if cfg.MaxFrameLength == 4 {
		cfg.FrameLength = 4
	}
	c, err := New(cfg)
	require.NoError(t, err)
	return c, f.build(t)
}

// TestFailures holds Decrypt, NewReader and their errors to the table: nothing of
// header or body comes out before all is proved (ENV-25, ENV-46), each row is a
// sentinel and no error shows plaintext (ENV-111), and what other SDKs let pass
// is refused (ENV-114, ENV-115).
func TestFailures(t *testing.T) {
	for i, row := range failures {
		t.Run(row.name, func(t *testing.T) {
			c, message := forged(t, i)
			dst := append(make([]byte, 0, 200), "keep"...)
			got, h, err := c.Decrypt(t.Context(), dst, message, row.context)
			check := func(err error) {
				t.Helper()
				if row.want == nil {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, row.want)
				if row.also != nil {
					require.ErrorIs(t, err, row.also)
				}
				var e *Error
				require.True(t, errors.As(err, &e))
				require.Equal(t, row.want, e.Kind)
				require.NotEmpty(t, e.Hint())
				require.NotContains(t, err.Error(), "abcd")
			}
			check(err)
			if row.want != nil {
				require.Nil(t, got)
				require.Nil(t, h)
				require.Equal(t, make([]byte, 196), dst[4:200], "what was written behind dst is zeroed")
			}
			for _, src := range []io.Reader{bytes.NewReader(message), iotest.OneByteReader(bytes.NewReader(message)), iotest.DataErrReader(bytes.NewReader(message))} {
				plain, err := readAll(t, c, src, row.context)
				check(err)
				if row.want == nil {
					require.Equal(t, string(got[4:]), string(plain))
				}
			}
		})
	}
}

// readAll reads a message as a stream: one in memory also as from elsewhere,
// which must end the same.
func readAll(t testing.TB, c *Client, src io.Reader, ec EncryptionContext) ([]byte, error) {
	t.Helper()
	memory, ok := src.(*bytes.Reader)
	if !ok {
		return readSource(t, c, src, ec)
	}
	twin := *memory
	got, err := readSource(t, c, src, ec)
	other, errOther := readSource(t, c, elsewhere(&twin), ec)
	if err == nil {
		require.True(t, errOther == nil && bytes.Equal(got, other), errOther)
		return got, nil
	}
	require.EqualError(t, errOther, err.Error())
	return got, err
}

// elsewhere hides that a source is in memory.
func elsewhere(r *bytes.Reader) io.Reader { return struct{ io.Reader }{r} }

// sources are a message in memory and the same from elsewhere.
func sources(message []byte) []io.Reader {
	return []io.Reader{bytes.NewReader(message), elsewhere(bytes.NewReader(message))}
}

func readSource(t testing.TB, c *Client, src io.Reader, ec EncryptionContext) ([]byte, error) {
	t.Helper()
	r, err := c.NewReader(t.Context(), src, ec)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func TestLooksBase64(t *testing.T) {
	c, _ := forged(t, 0)
	for _, text := range []string{"AYADeH", "AgR4"} {
		_, _, err := c.Decrypt(t.Context(), nil, []byte(text), nil)
		require.ErrorIs(t, err, ErrLooksBase64)
	}
	for _, text := range []string{"A", "AB", "B", "\x00"} {
		_, _, err := c.Decrypt(t.Context(), nil, []byte(text), nil)
		require.ErrorIs(t, err, ErrFormat, text)
	}
	_, _, err := c.Decrypt(t.Context(), nil, nil, nil)
	require.ErrorIs(t, err, ErrTruncated)
}

// Every single-bit flip, every truncation and appended bytes over small
// messages of all suites, framed and not: none opens, in any way of reading
// (ENV-112).
func TestEveryBit(t *testing.T) {
	for _, s := range allSuites {
		for _, body := range []string{"framed", "non-framed"} {
			f := newForge(t, s)
			if body == "non-framed" {
				nonFramed("abcdef", nil)(f)
			}
			message := f.build(t)
			c, err := New(Config{Keyring: fixedKeyring{counting(0x80, 32)}, Commitment: RequireEncryptAllowDecrypt, AllowUnverifiedSignature: true})
			require.NoError(t, err)
			step := 1
			if testing.Short() || s.Signing() && os.Getenv("SALLYPORT_FULL") == "" {
				step = 11 // a flip before the footer costs a signature check
			}
			for bit := 0; bit < 8*len(message); bit += step {
				message[bit/8] ^= 1 << (bit % 8)
				requireRefused(t, c, message, "bit %d", bit)
				message[bit/8] ^= 1 << (bit % 8)
			}
			for n := range len(message) {
				requireRefused(t, c, message[:n], "cut to %d", n)
			}
			for _, more := range []int{1, 2, 16, 40, 100} {
				requireRefused(t, c, append(bytes.Clone(message), make([]byte, more)...), "extended by %d", more)
			}
		}
	}
}

func requireRefused(t *testing.T, c *Client, message []byte, format string, args ...any) {
	t.Helper()
	got, _, err := c.Decrypt(t.Context(), nil, message, nil)
	var e *Error
	if err == nil || got != nil || !errors.As(err, &e) {
		t.Fatalf("Decrypt, "+format+": %v", append(args, err)...)
	}
	plain, err := readAll(t, c, bytes.NewReader(message), nil)
	if err == nil || !errors.As(err, &e) || !strings.HasPrefix("abcdef", string(plain)) {
		t.Fatalf("Reader, "+format+": %q %v", append(args, plain, err)...)
	}
}
