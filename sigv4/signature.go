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
	for i := range sig.sum {
		hi, lo := s[2*i], s[2*i+1]
		if !isLowerHex(hi) || !isLowerHex(lo) {
			return Signature{}, fmt.Errorf("%w: a signature is lowercase hex", ErrMalformed)
		}
		sig.sum[i] = unhex(hi)<<4 | unhex(lo)
	}
	return sig, nil
}

func isLowerHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f'
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
