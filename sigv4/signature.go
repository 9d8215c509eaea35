// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
)

// Signature is the signature of one request, decoded. It can be compared, in
// constant time, and nothing else: this type holds the package's only
// comparison of secret bytes. The zero value is a signature that nothing
// produces.
type Signature struct {
	sum [sha256.Size]byte
}

// ParseSignature reads 64 lowercase hex digits. Anything else is
// ErrMalformed.
func ParseSignature(s string) (Signature, error) {
	var sig Signature
	if len(s) != 2*len(sig.sum) {
		return Signature{}, fmt.Errorf("%w: a signature has %d hex digits, not %d", ErrMalformed, 2*len(sig.sum), len(s))
	}
	valid := byte(isNibble)
	for i := range sig.sum {
		hi, lo := nibbles[s[2*i]], nibbles[s[2*i+1]]
		valid &= hi & lo
		sig.sum[i] = hi<<4 | lo&15
	}
	if valid == 0 {
		return Signature{}, fmt.Errorf("%w: a signature is lowercase hex", ErrMalformed)
	}
	return sig, nil
}

// isNibble marks the lowercase hex digits in nibbles.
const isNibble = 16

// nibbles decodes lowercase hex without a branch: two digests are decoded in
// every verification.
var nibbles = [256]byte{
	'0': 16, '1': 17, '2': 18, '3': 19, '4': 20, '5': 21, '6': 22, '7': 23, '8': 24, '9': 25,
	'a': 26, 'b': 27, 'c': 28, 'd': 29, 'e': 30, 'f': 31,
}

// Equal compares in constant time.
func (s Signature) Equal(other Signature) bool {
	return subtle.ConstantTimeCompare(s.sum[:], other.sum[:]) == 1
}

// equalSecret compares two strings, such as session tokens, without telling by
// its time where they differ. Their lengths are not secret.
func equalSecret(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}
