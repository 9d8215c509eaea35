// SPDX-License-Identifier: Apache-2.0

package cloudfront

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
)

const rsaBits = 2048

// checkKey refuses keys that CloudFront does not take.
func checkKey(key crypto.PublicKey) error {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if k != nil && k.N != nil && k.N.BitLen() == rsaBits {
			return nil
		}
		return fault(ErrKey, "the RSA key is not of 2,048 bits")
	case *ecdsa.PublicKey:
		if k != nil && k.Curve == elliptic.P256() {
			return nil
		}
		return fault(ErrKey, "the ECDSA key is not on P-256")
	}
	return fault(ErrKey, "neither RSA nor ECDSA")
}

// checkSignature verifies with the one algorithm that the key's type decides
// and the one hash that was stated.
func checkSignature(key crypto.PublicKey, h Hash, text, signature []byte) error {
	if err := checkKey(key); err != nil {
		return err
	}
	var buf [32]byte
	digest, id, err := h.sum(buf[:0], text)
	if err != nil {
		return err
	}
	switch k := key.(type) {
	case *rsa.PublicKey:
		if rsa.VerifyPKCS1v15(k, id, digest, signature) == nil {
			return nil
		}
	case *ecdsa.PublicKey:
		if ecdsa.VerifyASN1(k, digest, signature) {
			return nil
		}
	}
	return fault(ErrSignature, "")
}
