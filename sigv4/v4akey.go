// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
)

// v4aCounters is how many candidates the derivation tries: 1 to 254, as
// aws-c-auth does. Each fails with probability 2^-32.
const v4aCounters = 254

// p256NMinus2 is the order of P-256 less two, the greatest candidate accepted.
const p256NMinus2 = "\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff" +
	"\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x4f"

// v4aPRF makes one candidate from the HMAC key and the fixed input.
type v4aPRF func(key, input []byte) [32]byte

func hmacSHA256(key, input []byte) (out [32]byte) {
	mac := hmac.New(sha256.New, key)
	mac.Write(input)
	mac.Sum(out[:0])
	return out
}

// deriveV4A derives the SigV4A key pair of a credential (SIG-42): NIST SP
// 800-108 in counter mode, the first candidate not above N-2, plus one.
func deriveV4A(prf v4aPRF, accessKeyID, secret string) (*ecdsa.PrivateKey, error) {
	key := append([]byte("AWS4A"), secret...)
	defer clear(key)
	input := append([]byte("\x00\x00\x00\x01AWS4-ECDSA-P256-SHA256\x00"), accessKeyID...)
	input = append(input, 0, 0, 0, 1, 0) // the counter, then the length in bits, 256
	counter := len(input) - 5
	for c := 1; c <= v4aCounters; c++ {
		input[counter] = byte(c)
		d := prf(key, input)
		if notAbove(&d, p256NMinus2) {
			increment(&d)
			priv, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), d[:])
			clear(d[:])
			return priv, err
		}
	}
	return nil, errV4ACounter()
}

// notAbove reports k <= limit as big-endian numbers, in constant time: the
// borrow of limit - k.
func notAbove(k *[32]byte, limit string) bool {
	borrow := 0
	for i := len(k) - 1; i >= 0; i-- {
		borrow = (int(limit[i]) - int(k[i]) - borrow) >> 8 & 1
	}
	return subtle.ConstantTimeEq(int32(borrow), 0) == 1
}

// increment adds one to a big-endian number, in constant time.
func increment(k *[32]byte) {
	carry := 1
	for i := len(k) - 1; i >= 0; i-- {
		sum := int(k[i]) + carry
		k[i], carry = byte(sum), sum>>8
	}
}

// newV4AKey is deriveV4A with the checks that a caller's credentials need.
func newV4AKey(accessKeyID, secret string) (*ecdsa.PrivateKey, error) {
	if secret == "" || accessKeyID == "" {
		return nil, fmt.Errorf("%w: the access key id or the secret is empty", ErrCredentials)
	}
	if err := checkFIPS(secret); err != nil {
		return nil, err
	}
	return deriveV4A(hmacSHA256, accessKeyID, secret)
}

// V4APublicKey returns the public key with which signatures of AlgorithmV4A
// under these credentials are verified: what a server needs that is to hold no
// secret (see [Key]). It returns ErrCredentials or ErrFIPS.
func (c Credentials) V4APublicKey() (*ecdsa.PublicKey, error) {
	priv, err := newV4AKey(c.AccessKeyID, c.SecretAccessKey)
	if err != nil {
		return nil, err
	}
	return &priv.PublicKey, nil
}
