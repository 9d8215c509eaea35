// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"io"
)

// generateSigningKey makes the key pair of one message.
func generateSigningKey(spec *suiteSpec) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(spec.curve, rand.Reader)
	if err != nil {
		return nil, wrapFIPS(err)
	}
	return key, nil
}

// encodePublicKey returns the value of the context entry for the key: base64
// of the compressed point (ENV-41).
func encodePublicKey(key *ecdsa.PublicKey) (string, error) {
	point, err := key.Bytes()
	if err != nil {
		return "", failCause(ErrMaterials, "signing key", err)
	}
	return base64.StdEncoding.EncodeToString(compressPoint(point)), nil
}

// compressPoint turns an uncompressed SEC 1 point into the compressed form.
func compressPoint(point []byte) []byte {
	size := (len(point) - 1) / 2
	out := make([]byte, 1+size)
	out[0] = 2 | point[len(point)-1]&1
	copy(out[1:], point[1:1+size])
	return out
}

// decompressPoint checks a compressed point and returns its uncompressed form,
// nil when it is none of the curve.
func decompressPoint(curve elliptic.Curve, point []byte) []byte {
	x, y := elliptic.UnmarshalCompressed(curve, point)
	if x == nil {
		return nil
	}
	size := (curve.Params().BitSize + 7) / 8
	out := make([]byte, 1+2*size)
	out[0] = 4
	x.FillBytes(out[1 : 1+size])
	y.FillBytes(out[1+size:])
	return out
}

// decodePublicKey reads the context entry (ENV-43).
func decodePublicKey(spec *suiteSpec, entry string) (*ecdsa.PublicKey, error) {
	point, err := base64.StdEncoding.Strict().DecodeString(entry)
	if err != nil || len(entry) != base64.StdEncoding.EncodedLen(len(point)) { // the decoder passes over line ends
		return nil, fail(ErrSignature, "the public key in the encryption context is not base64")
	}
	full := decompressPoint(spec.curve, point)
	if full == nil {
		return nil, fail(ErrSignature, "the public key in the encryption context is no point of the suite's curve")
	}
	key, err := ecdsa.ParseUncompressedPublicKey(spec.curve, full)
	if err != nil {
		return nil, fail(ErrSignature, "the public key in the encryption context is no point of the suite's curve")
	}
	return key, nil
}

// appendFooter signs the digest of header and body and appends the footer.
func appendFooter(dst []byte, key *ecdsa.PrivateKey, digest []byte) ([]byte, error) {
	sig, err := ecdsa.SignASN1(rand.Reader, key, digest)
	if err != nil {
		return dst, failCause(ErrSignature, "cannot sign", err)
	}
	return appendField(dst, sig), nil
}

// checkFooter verifies the signature in the whole footer.
func checkFooter(footer []byte, offset int64, key *ecdsa.PublicKey, digest []byte) error {
	if len(footer) < 2 || len(footer) < 2+int(binary.BigEndian.Uint16(footer)) {
		return shortFooter(offset)
	}
	if !ecdsa.VerifyASN1(key, digest, footer[2:2+int(binary.BigEndian.Uint16(footer))]) {
		return failAt(ErrSignature, offset, "it does not verify")
	}
	return nil
}

// shortFooter is the one fault that is of two kinds: a signature missing and a
// message that ends early.
func shortFooter(offset int64) error {
	return &Error{Kind: ErrSignature, Detail: "the footer is missing or short", Offset: offset, Cause: truncated(offset, io.ErrUnexpectedEOF)}
}
