// SPDX-License-Identifier: Apache-2.0

package cloudfront

import (
	"crypto"
	"crypto/fips140"
	"crypto/sha1"
	"crypto/sha256"
)

// Hash is the hash a policy is signed with. The zero value is SHA256.
type Hash uint8

const (
	// SHA256 is stated in the URL as Hash-Algorithm=SHA256.
	SHA256 Hash = iota
	// SHA1 is CloudFront's own default, meant when a URL states no hash.
	SHA1
)

// String returns "SHA256" or "SHA1", as Hash-Algorithm has it.
func (h Hash) String() string {
	switch h {
	case SHA256:
		return "SHA256"
	case SHA1:
		return "SHA1"
	}
	return "unknown hash"
}

// MarshalText returns String's text. An unknown hash is ErrConfig.
func (h Hash) MarshalText() ([]byte, error) {
	if h > SHA1 {
		return nil, fault(ErrConfig, "unknown hash")
	}
	return []byte(h.String()), nil
}

// UnmarshalText reads what MarshalText writes; anything else is ErrConfig.
func (h *Hash) UnmarshalText(text []byte) error {
	switch string(text) {
	case "SHA256":
		*h = SHA256
	case "SHA1":
		*h = SHA1
	default:
		return fault(ErrConfig, "unknown hash")
	}
	return nil
}

// sum appends the digest of text to dst.
func (h Hash) sum(dst, text []byte) ([]byte, crypto.Hash, error) {
	switch h {
	case SHA256:
		d := sha256.Sum256(text)
		return append(dst, d[:]...), crypto.SHA256, nil
	case SHA1:
		if fips140.Enforced() {
			return nil, 0, fault(ErrFIPS, "")
		}
		d := sha1.Sum(text)
		return append(dst, d[:]...), crypto.SHA1, nil
	}
	return nil, 0, fault(ErrConfig, "unknown hash")
}
