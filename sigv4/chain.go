// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"hash"
)

const (
	// hmacSigLen and ecdsaSigLen are the characters of a chunk signature on
	// the wire. ECDSA signatures vary in length and are padded with '*', so
	// that Content-Length can be known before the first one is made (SIG-55).
	hmacSigLen  = 64
	ecdsaSigLen = 144
)

// chain is the rolling signature of a body signed in pieces: every string to
// sign names the signature before it, so that pieces can be neither dropped
// nor reordered (SIG-49, SIG-51). One goroutine at a time uses it.
type chain struct {
	mac           hash.Hash         // keyed with the signing key; nil when the stream is ECDSA's
	priv          *ecdsa.PrivateKey // ECDSA, signing
	pub           *ecdsa.PublicKey  // ECDSA, verifying
	deterministic bool              // RFC 6979 nonces

	name    string // algorithm, as in the first line of the seed's string to sign
	amzdate string
	scope   string

	prev []byte // hex of the last signature, never padded
	text []byte // the last string to sign
	sig  [sha256.Size]byte
}

// newHMACChain continues the seed signature of a SigV4 request.
func newHMACChain(key []byte, amzdate, scope, seed string) *chain {
	return &chain{
		mac: hmac.New(sha256.New, key), name: algorithmHMAC,
		amzdate: amzdate, scope: scope, prev: append(make([]byte, 0, hmacSigLen), seed...),
	}
}

// newECDSAChain continues the seed signature of a SigV4A request; priv may be
// nil in a verifier.
func newECDSAChain(priv *ecdsa.PrivateKey, pub *ecdsa.PublicKey, amzdate, scope, seed string) *chain {
	return &chain{
		priv: priv, pub: pub, name: algorithmECDSA,
		amzdate: amzdate, scope: scope, prev: append(make([]byte, 0, ecdsaSigLen), seed...),
	}
}

// sigLen is the length of a signature on the wire.
func (c *chain) sigLen() int {
	if c.mac == nil {
		return ecdsaSigLen
	}
	return hmacSigLen
}

// setText writes the string to sign of one piece. Chunks carry the hash of
// their (absent) headers, trailers do not.
func (c *chain) setText(kind string, sum *[sha256.Size]byte) {
	t := append(c.text[:0], c.name...)
	t = append(t, kind...)
	t = append(t, c.amzdate...)
	t = append(t, '\n')
	t = append(t, c.scope...)
	t = append(t, '\n')
	t = append(t, c.prev...)
	t = append(t, '\n')
	if kind == kindChunk {
		t = append(t, emptyHash+"\n"...)
	}
	c.text = appendHex(t, sum[:])
}

const (
	kindChunk   = "-PAYLOAD\n"
	kindTrailer = "-TRAILER\n"
)

// sign signs a piece whose data hashes to sum and returns its signature as it
// goes on the wire; the slice is valid until the next call.
func (c *chain) sign(dst []byte, kind string, sum *[sha256.Size]byte) ([]byte, error) {
	c.setText(kind, sum)
	if c.mac != nil {
		c.computeMAC()
		c.prev = appendHex(c.prev[:0], c.sig[:])
		return append(dst, c.prev...), nil
	}
	der, err := signECDSA(c.priv, c.text, c.deterministic)
	if err != nil {
		return dst, err
	}
	c.prev = appendHex(c.prev[:0], der)
	dst = append(dst, c.prev...)
	for range ecdsaSigLen - len(c.prev) {
		dst = append(dst, '*')
	}
	return dst, nil
}

// verify reports whether got, as it came from the wire, signs a piece whose
// data hashes to sum.
func (c *chain) verify(kind string, sum *[sha256.Size]byte, got []byte) bool {
	c.setText(kind, sum)
	if c.mac != nil {
		var sig Signature
		if raw, ok := decodeLowerHex(sig.sum[:], got); !ok || len(raw) != len(sig.sum) {
			return false
		}
		c.computeMAC()
		if !sig.Equal(Signature{c.sig}) {
			return false
		}
		c.prev = append(c.prev[:0], got...)
		return true
	}
	got, ok := trimPadding(got)
	if !ok || !verifyECDSA(c.pub, c.text, got) {
		return false
	}
	c.prev = append(c.prev[:0], got...)
	return true
}

func (c *chain) computeMAC() {
	c.mac.Reset()
	c.mac.Write(c.text)
	c.mac.Sum(c.sig[:0])
}

// trimPadding removes the '*' that fill an ECDSA chunk signature up to its
// fixed length; anything shorter or longer is no chunk signature.
func trimPadding(sig []byte) ([]byte, bool) {
	if len(sig) != ecdsaSigLen {
		return nil, false
	}
	end := len(sig)
	for end > 0 && sig[end-1] == '*' {
		end--
	}
	return sig[:end], true
}

// signECDSA signs the hash of text and returns the DER of (r, s). Random
// nonces come from crypto/rand; deterministic ones are RFC 6979's.
func signECDSA(priv *ecdsa.PrivateKey, text []byte, deterministic bool) ([]byte, error) {
	digest := sha256.Sum256(text)
	if deterministic {
		return priv.Sign(nil, digest[:], crypto.SHA256)
	}
	return ecdsa.SignASN1(rand.Reader, priv, digest[:])
}

// maxDER is the longest DER of a P-256 signature, and of hex digits twice it.
const maxDER = ecdsaSigLen / 2

// verifyECDSA reports whether hexSig is lowercase hex of the canonical DER of
// a signature over text (SIG-44).
func verifyECDSA(pub *ecdsa.PublicKey, text, hexSig []byte) bool {
	var buf [maxDER]byte
	der, ok := decodeLowerHex(buf[:], hexSig)
	if !ok || !canonicalDER(der) {
		return false
	}
	digest := sha256.Sum256(text)
	return ecdsa.VerifyASN1(pub, digest[:], der)
}

// decodeLowerHex decodes hex of an even length into dst; capitals are refused,
// because a signature that has two spellings is two keys in a replay guard.
func decodeLowerHex(dst, src []byte) ([]byte, bool) {
	if len(src)%2 != 0 || len(src) > 2*len(dst) {
		return nil, false
	}
	for _, c := range src {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return nil, false
		}
	}
	n, err := hex.Decode(dst, src)
	return dst[:n], err == nil
}

// canonicalDER reports whether der is SEQUENCE { INTEGER r, INTEGER s } with
// shortest lengths, positive numbers of 32 bytes at most, and nothing after.
func canonicalDER(der []byte) bool {
	if len(der) < 2 || der[0] != 0x30 || int(der[1]) != len(der)-2 {
		return false
	}
	rest, ok := cutInteger(der[2:])
	if !ok {
		return false
	}
	rest, ok = cutInteger(rest)
	return ok && len(rest) == 0
}

// cutInteger removes one positive, minimal DER INTEGER from the front.
func cutInteger(der []byte) ([]byte, bool) {
	if len(der) < 3 || der[0] != 0x02 {
		return nil, false
	}
	n := int(der[1])
	if n < 1 || n > 33 || len(der) < 2+n {
		return nil, false
	}
	v := der[2 : 2+n]
	switch {
	case v[0]&0x80 != 0: // negative
		return nil, false
	case v[0] == 0 && n == 1: // zero
		return nil, false
	case v[0] == 0 && v[1]&0x80 == 0: // a zero too many
		return nil, false
	case n == 33 && v[0] != 0: // longer than the curve's order
		return nil, false
	}
	return der[2+n:], true
}
