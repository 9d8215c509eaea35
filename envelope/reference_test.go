// SPDX-License-Identifier: Apache-2.0

package envelope_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sallyport-go/sallyport/envelope"
	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/stretchr/testify/require"
)

// The decoder below is the format as the specification tells it, one field
// after another, for one raw AES wrapping key: slow and plain. It returns the
// plaintext and every pair, or an error. It holds the header of both versions,
// authenticated as the bytes that came (ENV-11, ENV-14, ENV-16, ENV-18, ENV-19),
// frames and their AAD (ENV-32, ENV-33), the public key in the context and the
// footer (ENV-41, ENV-42), and the raw AES entry (ENV-67).

var refSuites = map[uint16]struct {
	version, keyLen int
	kdf             func() hash.Hash
	curve           elliptic.Curve
	digest          func() hash.Hash
}{
	0x0014: {1, 16, nil, nil, nil},
	0x0046: {1, 24, nil, nil, nil},
	0x0078: {1, 32, nil, nil, nil},
	0x0114: {1, 16, sha256.New, nil, nil},
	0x0146: {1, 24, sha256.New, nil, nil},
	0x0178: {1, 32, sha256.New, nil, nil},
	0x0214: {1, 16, sha256.New, elliptic.P256(), sha256.New},
	0x0346: {1, 24, sha512.New384, elliptic.P384(), sha512.New384},
	0x0378: {1, 32, sha512.New384, elliptic.P384(), sha512.New384},
	0x0478: {2, 32, sha512.New, nil, nil},
	0x0578: {2, 32, sha512.New, elliptic.P384(), sha512.New384},
}

var errRef = errors.New("reference: refused")

// refInput hands out bytes and remembers when they ran out.
type refInput struct {
	b   []byte
	pos int
}

func (in *refInput) take(n int) []byte {
	if n < 0 || len(in.b)-in.pos < n {
		panic(errRef)
	}
	in.pos += n
	return in.b[in.pos-n : in.pos]
}

func (in *refInput) u8() int     { return int(in.take(1)[0]) }
func (in *refInput) u16() int    { return int(binary.BigEndian.Uint16(in.take(2))) }
func (in *refInput) u32() uint32 { return binary.BigEndian.Uint32(in.take(4)) }

func refuse(bad bool) {
	if bad {
		panic(errRef)
	}
}

func refDecrypt(message, wrapKey []byte, namespace, name string) (plain []byte, ec map[string]string, err error) {
	defer func() {
		if r := recover(); r != nil {
			if r != any(errRef) {
				panic(r)
			}
			plain, ec, err = nil, nil, errRef
		}
	}()
	in := &refInput{b: message}
	version := in.u8()
	refuse(version != 1 && version != 2)
	if version == 1 {
		refuse(in.u8() != 0x80)
	}
	id := uint16(in.u16())
	suite, ok := refSuites[id]
	refuse(!ok || suite.version != version)
	messageID := in.take(map[int]int{1: 16, 2: 32}[version])
	ec = refContext(in.take(in.u16()))
	count := in.u16()
	refuse(count == 0)
	var dataKey []byte
	for range count {
		provider, info, wrapped := in.take(in.u16()), in.take(in.u16()), in.take(in.u16())
		refuse(!utf8.Valid(provider))
		if dataKey == nil && string(provider) == namespace {
			dataKey = refUnwrap(info, wrapped, wrapKey, name, ec, suite.keyLen)
		}
	}
	content := in.u8()
	if version == 1 {
		refuse(in.u32() != 0 || in.u8() != 12)
	}
	frameLen := in.u32()
	refuse(content != 1 && content != 2 || content == 2 && frameLen == 0 || content == 1 && frameLen != 0 || frameLen > 64<<20)
	var commit []byte
	if version == 2 {
		commit = in.take(32)
	}
	refuse(dataKey == nil)
	body := message[:in.pos]
	iv := make([]byte, 12)
	if version == 1 {
		iv = in.take(12)
	}
	tag := in.take(16)

	key := dataKey
	info := append([]byte{byte(id >> 8), byte(id)}, messageID...)
	switch {
	case version == 2:
		key = refHKDF(suite.kdf, dataKey, messageID, []byte{byte(id >> 8), byte(id), 'D', 'E', 'R', 'I', 'V', 'E', 'K', 'E', 'Y'}, 32)
		refuse(!bytes.Equal(commit, refHKDF(suite.kdf, dataKey, messageID, []byte("COMMITKEY"), 32)))
	case suite.kdf != nil:
		key = refHKDF(suite.kdf, dataKey, make([]byte, suite.kdf().Size()), info, suite.keyLen)
	}
	aead := refGCM(key)
	refOpen(aead, iv, tag, body)
	entry, signed := ec["aws-crypto-public-key"]
	refuse(signed != (suite.curve != nil))

	if content == 1 {
		iv, n := in.take(12), binary.BigEndian.Uint64(in.take(8))
		refuse(n > 1<<30)
		plain = refOpen(aead, iv, in.take(int(n)+16), refAAD(messageID, "AWSKMSEncryptionClient Single Block", 1, int(n)))
	} else {
		plain = refFrames(in, aead, messageID, int(frameLen))
	}
	if signed {
		end := in.pos
		refSignature(suite.curve, suite.digest, entry, message[:end], in.take(in.u16()))
	}
	refuse(in.pos != len(message))
	return plain, ec, nil
}

func refContext(section []byte) map[string]string {
	ec := map[string]string{}
	if len(section) == 0 {
		return ec
	}
	in := &refInput{b: section}
	count := in.u16()
	refuse(count > 1024)
	for range count {
		k := string(in.take(in.u16()))
		v := string(in.take(in.u16()))
		_, twice := ec[k]
		refuse(twice || !utf8.ValidString(k) || !utf8.ValidString(v))
		ec[k] = v
	}
	refuse(in.pos != len(section))
	return ec
}

// refSerialize sorts by repeatedly taking the least key.
func refSerialize(ec map[string]string) []byte {
	if len(ec) == 0 {
		return nil
	}
	out := []byte{byte(len(ec) >> 8), byte(len(ec))}
	done := map[string]bool{}
	for range ec {
		least, found := "", false
		for k := range ec {
			if !done[k] && (!found || k < least) {
				least, found = k, true
			}
		}
		done[least] = true
		for _, s := range []string{least, ec[least]} {
			out = append(out, byte(len(s)>>8), byte(len(s)))
			out = append(out, s...)
		}
	}
	return out
}

func refUnwrap(info, wrapped, wrapKey []byte, name string, ec map[string]string, keyLen int) []byte {
	want := append([]byte(name), 0, 0, 0, 128, 0, 0, 0, 12)
	if len(info) != len(want)+12 || !bytes.Equal(info[:len(want)], want) {
		return nil
	}
	key, err := refGCM(wrapKey).Open(nil, info[len(want):], wrapped, refSerialize(ec))
	if err != nil || len(key) != keyLen {
		return nil
	}
	return key
}

func refFrames(in *refInput, aead cipher.AEAD, messageID []byte, frameLen int) []byte {
	var plain []byte
	for seq := uint32(1); ; seq++ {
		got := in.u32()
		if got != 0xffffffff {
			refuse(got != seq)
			iv := in.take(12)
			plain = append(plain, refOpen(aead, iv, in.take(frameLen+16), refAAD(messageID, "AWSKMSEncryptionClient Frame", seq, frameLen))...)
			continue
		}
		refuse(in.u32() != seq)
		iv, n := in.take(12), in.u32()
		refuse(int64(n) > int64(frameLen))
		return append(plain, refOpen(aead, iv, in.take(int(n)+16), refAAD(messageID, "AWSKMSEncryptionClient Final Frame", seq, int(n)))...)
	}
}

func refAAD(messageID []byte, text string, seq uint32, n int) []byte {
	aad := append(append([]byte{}, messageID...), text...)
	aad = binary.BigEndian.AppendUint32(aad, seq)
	return binary.BigEndian.AppendUint64(aad, uint64(n))
}

func refGCM(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead
}

func refOpen(aead cipher.AEAD, iv, sealed, aad []byte) []byte {
	plain, err := aead.Open(nil, iv, sealed, aad)
	refuse(err != nil)
	return plain
}

// refHKDF is RFC 5869.
func refHKDF(h func() hash.Hash, ikm, salt, info []byte, n int) []byte {
	mac := hmac.New(h, salt)
	mac.Write(ikm)
	prk := mac.Sum(nil)
	var out, t []byte
	for i := byte(1); len(out) < n; i++ {
		mac = hmac.New(h, prk)
		mac.Write(t)
		mac.Write(info)
		mac.Write([]byte{i})
		t = mac.Sum(nil)
		out = append(out, t...)
	}
	return out[:n]
}

// refSignature solves the curve equation itself and verifies r and s as
// numbers.
func refSignature(curve elliptic.Curve, h func() hash.Hash, entry string, signed, sig []byte) {
	point, err := base64.StdEncoding.Strict().DecodeString(entry)
	refuse(err != nil || strings.ContainsAny(entry, "\r\n") || len(point) != 1+(curve.Params().BitSize+7)/8 || point[0] != 2 && point[0] != 3)
	p := curve.Params().P
	x := new(big.Int).SetBytes(point[1:])
	refuse(x.Cmp(p) >= 0)
	y := new(big.Int).Exp(x, big.NewInt(3), p)
	y.Sub(y, new(big.Int).Mul(x, big.NewInt(3)))
	y.Add(y, curve.Params().B)
	y.Mod(y, p)
	refuse(y.ModSqrt(y, p) == nil)
	if byte(y.Bit(0)) != point[0]&1 {
		y.Sub(p, y)
	}
	var rs struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(sig, &rs)
	refuse(err != nil || len(rest) != 0)
	digest := h()
	digest.Write(signed)
	//lint:ignore SA1019 the reference does without the parser it is to judge
	refuse(!ecdsa.Verify(&ecdsa.PublicKey{Curve: curve, X: x, Y: y}, digest.Sum(nil), rs.R, rs.S))
}

func TestReferenceImports(t *testing.T) {
	testkit.ReferenceImports(t, "reference_test.go", "github.com/sallyport-go/sallyport/envelope",
		"github.com/sallyport-go/sallyport/internal/testkit", "github.com/stretchr/testify/require")
}

// compareWithReference decrypts with both.
func compareWithReference(t testing.TB, c *envelope.Client, message []byte) bool {
	t.Helper()
	want, ec, errWant := refDecrypt(message, wrappingKey, "my app", "key 2026")
	got, h, err := c.Decrypt(t.Context(), nil, message, nil)
	if (err == nil) != (errWant == nil) {
		t.Fatalf("reference %v, Decrypt %v, message %x", errWant, err, message)
	}
	if err != nil {
		return false
	}
	require.Equal(t, string(want), string(got))
	require.Len(t, h.Context, len(ec))
	for k, v := range ec {
		require.Equal(t, v, h.Context[k])
	}
	return true
}

// TestReference compares on random messages, good and damaged.
func TestReference(t *testing.T) {
	r := rand.New(rand.NewChaCha8([32]byte{8}))
	classes := testkit.Classes{}
	total := 600
	if testing.Short() {
		total = 100
	}
	reader := newClient(func(c *envelope.Config) { c.Commitment = envelope.RequireEncryptAllowDecrypt })
	ids := []envelope.Suite{0x0014, 0x0046, 0x0078, 0x0114, 0x0146, 0x0178, 0x0214, 0x0346, 0x0378, 0x0478, 0x0578}
	for i := range total {
		s := ids[i%len(ids)]
		writer := newClient(func(c *envelope.Config) {
			c.Suite, c.FrameLength = s, 1+r.Int64N(40)
			if !s.Committing() {
				c.Commitment = envelope.ForbidEncryptAllowDecrypt
			}
		})
		ec := envelope.EncryptionContext{}
		for range r.IntN(4) {
			ec[fmt.Sprint("k", r.IntN(9), []string{"", "é", "\U0001f600"}[r.IntN(3)])] = []string{"", "v", "ü"}[r.IntN(3)]
		}
		message, err := writer.Encrypt(t.Context(), nil, make([]byte, r.IntN(100)), ec)
		require.NoError(t, err)
		damage := r.IntN(4)
		switch damage {
		case 1:
			message[r.IntN(len(message))] ^= 1 << r.IntN(8)
		case 2:
			message = message[:r.IntN(len(message))]
		case 3:
			message = append(message, byte(r.Uint32()))
		}
		good := compareWithReference(t, reader, message)
		require.Equal(t, damage == 0, good)
		classes.Add("good", good)
		classes.Add("signed", s.Signing())
		classes.Add("version 1", !s.Committing())
		classes.Add("empty context", len(ec) == 0)
		classes.Add("flipped", damage == 1)
		classes.Add("cut", damage == 2)
		classes.Add("extended", damage == 3)
	}
	classes.Require(t, total)
}

// TestReferenceRewrap gives messages to another key and has the reference read
// them under it.
func TestReferenceRewrap(t *testing.T) {
	newKey := bytes.Repeat([]byte{9}, 32)
	ring, err := envelope.NewRawAES("my app", "key 2027", newKey)
	require.NoError(t, err)
	for id, suite := range refSuites {
		from := newClient(func(c *envelope.Config) {
			c.Suite, c.FrameLength, c.Commitment = envelope.Suite(id), 8, envelope.ForbidEncryptAllowDecrypt
			if suite.version == 2 {
				c.Commitment = envelope.RequireEncryptRequireDecrypt
			}
		})
		to, err := envelope.New(envelope.Unsigned(ring))
		require.NoError(t, err)
		want := []byte("twenty bytes of text")
		message, err := from.Encrypt(t.Context(), nil, want, envelope.EncryptionContext{"a": "b"})
		require.NoError(t, err)
		var out bytes.Buffer
		_, err = from.Reencrypt(t.Context(), &out, bytes.NewReader(message), to, nil)
		require.NoError(t, err)
		requireReference(t, out.Bytes(), newKey, "key 2027", want)
		if suite.version == 1 {
			out.Reset()
			_, err = from.Rewrap(t.Context(), &out, bytes.NewReader(message), ring, nil)
			require.NoError(t, err)
			requireReference(t, out.Bytes(), newKey, "key 2027", want)
		}
	}
}

func requireReference(t *testing.T, message, key []byte, name string, want []byte) {
	t.Helper()
	got, ec, err := refDecrypt(message, key, "my app", name)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
	require.Equal(t, "b", ec["a"])
}

// FuzzReference compares on whatever the fuzzer makes of good messages.
func FuzzReference(f *testing.F) {
	for _, s := range []envelope.Suite{envelope.Suite0478, envelope.Suite0178, envelope.Suite0214, envelope.Suite0014} {
		c := newClient(func(c *envelope.Config) {
			c.Suite, c.FrameLength = s, 8
			if !s.Committing() {
				c.Commitment = envelope.ForbidEncryptAllowDecrypt
			}
		})
		message, err := c.Encrypt(f.Context(), nil, make([]byte, 20), envelope.EncryptionContext{"a": "b"})
		require.NoError(f, err)
		f.Add(message)
	}
	reader := newClient(func(c *envelope.Config) { c.Commitment = envelope.RequireEncryptAllowDecrypt })
	f.Fuzz(func(t *testing.T, message []byte) { compareWithReference(t, reader, message) })
}
