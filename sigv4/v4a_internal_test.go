// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// SIG-117.
func TestV4AKnownKeys(t *testing.T) {
	for _, tt := range []struct{ akid, secret, d, x, y string }{
		{
			"AKISORANDOMAASORANDOM", "q+jcrXGc+0zWN6uzclKVhvMmUsIfRPa4rlRandom", "7fd3bd010c0d9c292141c2b77bfbde1042c92e6836fff749d1269ec890fca1bd",
			"15d242ceebf8d8169fd6a8b5a746c41140414c3b07579038da06af89190fffcb", "0515242cedd82e94799482e4c0514b505afccf2c0c98d6a553bf539f424c5ec0",
		},
		{
			"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "",
			"b6618f6a65740a99e650b33b6b4b5bd0d43b176d721a3edfea7e7d2d56d936b1", "865ed22a7eadc9c5cb9d2cbaca1b3699139fedc5043dc6661864218330c8e518",
		},
	} {
		priv, err := newV4AKey(tt.akid, tt.secret)
		require.NoError(t, err)
		d, err := priv.Bytes()
		require.NoError(t, err)
		if tt.d != "" {
			require.Equal(t, tt.d, hex.EncodeToString(d))
		}
		point, err := priv.PublicKey.Bytes()
		require.NoError(t, err)
		require.Equal(t, "04"+tt.x+tt.y, hex.EncodeToString(point))
		pub, err := Credentials{AccessKeyID: tt.akid, SecretAccessKey: tt.secret}.V4APublicKey()
		require.NoError(t, err)
		require.True(t, pub.Equal(&priv.PublicKey))
	}
	for _, c := range []Credentials{{}, {AccessKeyID: "A"}, {SecretAccessKey: "s"}} {
		_, err := c.V4APublicKey()
		require.ErrorIs(t, err, ErrCredentials)
	}
}

// SIG-42: the counter goes on when a candidate is too great, to 254 and no
// further; the limit itself is accepted.
func TestV4ACounter(t *testing.T) {
	limit := []byte(p256NMinus2)
	order := elliptic.P256().Params().N
	require.Equal(t, new(big.Int).Sub(order, big.NewInt(2)).Bytes(), limit)
	above := new(big.Int).Sub(order, big.NewInt(1)).Bytes()
	for _, first := range []int{1, 2, 17, 254} {
		var counters []byte
		prf := func(key, input []byte) (out [32]byte) {
			require.Equal(t, "AWS4Asecret", string(key))
			require.Equal(t, "\x00\x00\x00\x01AWS4-ECDSA-P256-SHA256\x00AKID", string(input[:len(input)-5]))
			require.Equal(t, "\x00\x00\x01\x00", string(input[len(input)-4:]))
			counters = append(counters, input[len(input)-5])
			if len(counters) == first {
				copy(out[:], limit)
			} else {
				copy(out[:], above)
			}
			return out
		}
		priv, err := deriveV4A(prf, "AKID", "secret")
		require.NoError(t, err)
		require.Len(t, counters, first)
		require.EqualValues(t, first, counters[first-1])
		d, err := priv.Bytes()
		require.NoError(t, err)
		require.Equal(t, above, d, "the candidate plus one")
	}
	calls := 0
	_, err := deriveV4A(func([]byte, []byte) (out [32]byte) {
		calls++
		copy(out[:], bytes.Repeat([]byte{0xff}, 32))
		return out
	}, "AKID", "secret")
	require.ErrorIs(t, err, ErrCredentials)
	require.Equal(t, 254, calls)
}

// The constant-time arithmetic against math/big.
func TestV4AArithmetic(t *testing.T) {
	limit := new(big.Int).SetBytes([]byte(p256NMinus2))
	check := func(k [32]byte) {
		n := new(big.Int).SetBytes(k[:])
		require.Equal(t, n.Cmp(limit) <= 0, notAbove(&k, p256NMinus2))
		increment(&k)
		n.Add(n, big.NewInt(1))
		n.And(n, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1)))
		require.Zero(t, n.Cmp(new(big.Int).SetBytes(k[:])))
	}
	for delta := int64(-300); delta < 300; delta++ {
		var k [32]byte
		new(big.Int).Add(limit, big.NewInt(delta)).FillBytes(k[:])
		check(k)
	}
	for range 2000 {
		var k [32]byte
		_, _ = rand.Read(k[:])
		check(k)
	}
	check([32]byte(bytes.Repeat([]byte{0xff}, 32)))
	check([32]byte{})
}

// SIG-44, SIG-105: one encoding of a signature, and no other.
func TestCanonicalDER(t *testing.T) {
	priv := streamKey(t)
	text := []byte("text")
	for range 200 {
		der, err := signECDSA(priv, text, false)
		require.NoError(t, err)
		require.True(t, canonicalDER(der))
		require.True(t, verifyECDSA(&priv.PublicKey, text, []byte(hex.EncodeToString(der))))
		require.LessOrEqual(t, len(der), maxDER)
	}
	integer := func(b ...byte) string { return "\x02" + string(rune(len(b))) + string(b) }
	sequence := func(body string) string { return "\x30" + string(rune(len(body))) + body }
	one := integer(1)
	full := integer(append([]byte{0}, bytes.Repeat([]byte{0xff}, 32)...)...)
	for name, tt := range map[string]struct {
		der string
		ok  bool
	}{
		"smallest":            {sequence(one + one), true},
		"largest":             {sequence(full + full), true},
		"empty":               {"", false},
		"no sequence":         {one + one, false},
		"one number":          {sequence(one), false},
		"three numbers":       {sequence(one + one + one), false},
		"trailing byte":       {sequence(one+one) + "\x00", false},
		"sequence too short":  {"\x30\x05" + one + one, false},
		"sequence too long":   {"\x30\x07" + one + one, false},
		"long form length":    {"\x30\x81\x06" + one + one, false},
		"zero":                {sequence(integer(0) + one), false},
		"zero s":              {sequence(one + integer(0)), false},
		"negative":            {sequence(integer(0x80) + one), false},
		"leading zero":        {sequence(integer(0, 1) + one), false},
		"empty number":        {sequence("\x02\x00" + one), false},
		"33 bytes":            {sequence(integer(append([]byte{1}, make([]byte, 32)...)...) + one), false},
		"34 bytes":            {sequence(integer(append([]byte{0, 0x80}, make([]byte, 32)...)...) + one), false},
		"number runs out":     {sequence("\x02\x05\x01" + one), false},
		"other type":          {sequence("\x03\x01\x01" + one), false},
		"indefinite":          {"\x30\x80" + one + one + "\x00\x00", false},
		"length of a length":  {"\x30\x08\x02\x81\x01\x01" + one, false},
		"nothing but a frame": {"\x30\x00", false},
	} {
		require.Equal(t, tt.ok, canonicalDER([]byte(tt.der)), name)
	}
	// Where canonicalDER agrees, so does the standard library's parser: nothing
	// passes here that ecdsa would read differently.
	der, _ := signECDSA(priv, text, true)
	for i := range der {
		for bit := range 8 {
			mutant := bytes.Clone(der)
			mutant[i] ^= 1 << bit
			require.False(t, verifyECDSA(&priv.PublicKey, text, []byte(hex.EncodeToString(mutant))))
		}
	}
	good := hex.EncodeToString(der)
	for name, sig := range map[string]string{
		"capitals": strings.ToUpper(good), "odd": good[:len(good)-1], "longer": good + "00", "empty": "", "space": " " + good,
		"too long": strings.Repeat("0", 146), "no hex": "zz" + good[2:],
	} {
		require.False(t, verifyECDSA(&priv.PublicKey, text, []byte(sig)), name)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	require.False(t, verifyECDSA(&other.PublicKey, text, []byte(good)))
}

// RFC 6979 makes one signature; random nonces make two (SIG-43).
func TestNonces(t *testing.T) {
	priv := streamKey(t)
	a, _ := signECDSA(priv, []byte("x"), true)
	b, _ := signECDSA(priv, []byte("x"), true)
	require.Equal(t, a, b)
	a, _ = signECDSA(priv, []byte("x"), false)
	b, _ = signECDSA(priv, []byte("x"), false)
	require.NotEqual(t, a, b)
}

// SIG-45.
func TestRegionSet(t *testing.T) {
	for _, tt := range []struct {
		set, region string
		want        bool
	}{
		{"us-east-1", "us-east-1", true},
		{"us-east-1", "us-east-2", false},
		{"us-east-1", "us-east-11", false},
		{"us-east-1", "s-east-1", false},
		{"*", "us-east-1", true},
		{"us-*", "us-east-1", true},
		{"us-west-*", "us-east-1", false},
		{"us-*", "us-", true},
		{"*-1", "us-east-1", true},
		{"*-1", "us-east-1a", false},
		{"us-*-1", "us-east-1", true},
		{"us-*-1", "us-1", false},
		{"us-*t-1", "us-east-1", true},
		{"*east*", "us-east-1", true},
		{"**", "us-east-1", true},
		{"*east*east*", "us-east-1", false},
		{"eu-west-1,us-east-1", "us-east-1", true},
		{" eu-west-1 ,\tus-* ", "us-east-1", true},
		{"eu-west-1,ap-*", "us-east-1", false},
		{"US-EAST-1", "us-east-1", false},
	} {
		set, ok := parseRegionSet(tt.set)
		require.True(t, ok, tt.set)
		require.Equal(t, tt.want, regionSetMatches(set, tt.region), "%s %s", tt.set, tt.region)
	}
	for _, bad := range []string{"", " ", ",", "us-east-1,", ",us-east-1", "a,,b", "a, ,b", strings.Repeat("a", maxRegionSet+1)} {
		_, ok := parseRegionSet(bad)
		require.False(t, ok, "%q", bad)
	}
	_, ok := parseRegionSet(strings.Repeat("a", maxRegionSet))
	require.True(t, ok)
}

// SIG-31: a key pair is cached for its access key id and secret, both.
func TestV4AKeyCache(t *testing.T) {
	var c keyCache
	a, err := c.getV4A("AKID", "one secret of many", 0)
	require.NoError(t, err)
	again, err := c.getV4A("AKID", "one secret of many", 0)
	require.NoError(t, err)
	require.Same(t, a, again)
	for _, other := range [][2]string{{"AKID", "another secret"}, {"AKIE", "one secret of many"}} {
		b, err := c.getV4A(other[0], other[1], 0)
		require.NoError(t, err)
		require.False(t, a.pub.Equal(b.pub))
	}
	for i := range 20 {
		_, err := c.getV4A("AKID", "secret number "+string(rune('a'+i)), 4)
		require.NoError(t, err)
	}
	require.LessOrEqual(t, len(c.keys), 20)
	none, err := c.getV4A("AKID", "one secret of many", -1)
	require.NoError(t, err)
	require.NotSame(t, a, none)
}

// SIG-77: anybody can turn an ECDSA signature into its twin, which verifies as
// well; for the guard both are one.
func TestReplayIDOfTheTwin(t *testing.T) {
	priv := streamKey(t)
	for range 50 {
		der, err := signECDSA(priv, []byte("x"), false)
		require.NoError(t, err)
		twin := flipS(t, der)
		require.True(t, canonicalDER(twin))
		require.True(t, verifyECDSA(&priv.PublicKey, []byte("x"), []byte(hex.EncodeToString(twin))))
		require.NotEqual(t, der, twin)
		require.Equal(t, replayID(AlgorithmV4A, "AKID", der), replayID(AlgorithmV4A, "AKID", twin))
		require.NotEqual(t, replayID(AlgorithmV4A, "AKID", der), replayID(AlgorithmV4A, "AKIE", der))
	}
	require.NotEqual(t, replayID(AlgorithmV4, "AKID", make([]byte, 32)), replayID(AlgorithmV4, "AKID", bytes.Repeat([]byte{1}, 32)))
}

// flipS returns the DER of (r, N-s).
func flipS(t *testing.T, der []byte) []byte {
	t.Helper()
	r := der[2 : 4+der[3]]
	s := new(big.Int).SetBytes(der[4+int(der[3])+2:])
	s.Sub(elliptic.P256().Params().N, s)
	b := s.Bytes()
	if b[0]&0x80 != 0 {
		b = append([]byte{0}, b...)
	}
	out := append([]byte{0x30, byte(len(r) + 2 + len(b))}, r...)
	out = append(out, 2, byte(len(b)))
	return append(out, b...)
}

// CRC-64/NVME against the bit-by-bit definition, at every length about the
// sixteen bytes of a step and in uneven pieces.
func TestCRC64NVME(t *testing.T) {
	slow := func(data []byte) uint64 {
		crc := ^uint64(0)
		for _, b := range data {
			crc ^= uint64(b)
			for range 8 {
				crc = crc>>1 ^ crc64NVME&-(crc&1)
			}
		}
		return ^crc
	}
	data := make([]byte, 300)
	_, _ = rand.Read(data)
	for n := range data {
		h := newCRC64NVME()
		h.Write(data[:n/3])
		h.Write(data[n/3 : n])
		require.Equal(t, slow(data[:n]), binary.BigEndian.Uint64(h.Sum(nil)), n)
		h.Reset()
		h.Write(data[:n])
		require.Equal(t, slow(data[:n]), h.(*crc64nvme).Sum64())
	}
}

func TestAppendHex(t *testing.T) {
	src := make([]byte, 256)
	for i := range src {
		src[i] = byte(i)
	}
	for n := range src {
		require.Equal(t, "x"+hex.EncodeToString(src[n:]), string(appendHex([]byte("x"), src[n:])))
	}
}
