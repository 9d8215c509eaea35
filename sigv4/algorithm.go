// SPDX-License-Identifier: Apache-2.0

package sigv4

import "fmt"

// Algorithm names how a request is signed. The zero value is AlgorithmV4.
type Algorithm uint8

const (
	// AlgorithmV4 is AWS4-HMAC-SHA256, with a key derived from the secret.
	AlgorithmV4 Algorithm = iota
	// AlgorithmV4A is AWS4-ECDSA-P256-SHA256, with a key pair derived from the
	// secret: who verifies needs the public key only, and one signature is good
	// in several regions.
	AlgorithmV4A
)

const (
	algorithmHMAC  = "AWS4-HMAC-SHA256"
	algorithmECDSA = "AWS4-ECDSA-P256-SHA256"
)

// String returns the name that travels in requests, such as
// "AWS4-HMAC-SHA256".
func (a Algorithm) String() string {
	switch a {
	case AlgorithmV4:
		return algorithmHMAC
	case AlgorithmV4A:
		return algorithmECDSA
	default:
		return fmt.Sprintf("Algorithm(%d)", uint8(a))
	}
}

// MarshalText returns String's text. An unknown algorithm is an error.
func (a Algorithm) MarshalText() ([]byte, error) {
	if _, ok := parseAlgorithm(a.String()); !ok {
		return nil, fmt.Errorf("%w: %s", ErrConfig, a)
	}
	return []byte(a.String()), nil
}

// UnmarshalText reads what MarshalText writes, and nothing else.
func (a *Algorithm) UnmarshalText(text []byte) error {
	parsed, ok := parseAlgorithm(string(text))
	if !ok {
		return fmt.Errorf("%w: unknown algorithm", ErrConfig)
	}
	*a = parsed
	return nil
}

func parseAlgorithm(s string) (Algorithm, bool) {
	switch s {
	case algorithmHMAC:
		return AlgorithmV4, true
	case algorithmECDSA:
		return AlgorithmV4A, true
	default:
		return 0, false
	}
}
