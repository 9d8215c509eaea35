// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
)

// Suite is an algorithm suite id as it stands in a message header. The zero
// Suite is none; in a [Config] it means the default of the commitment policy.
type Suite uint16

// The algorithm suites of the message format, named by their ids as AWS's
// pages do. All are AES-GCM with a 12-byte IV and a 16-byte tag. Suites 0478
// and 0578 commit to their key; prefer them.
//
// https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/algorithms-reference.html
const (
	Suite0014 Suite = 0x0014 // AES-128, no key derivation: legacy
	Suite0046 Suite = 0x0046 // AES-192, no key derivation: legacy
	Suite0078 Suite = 0x0078 // AES-256, no key derivation: legacy
	Suite0114 Suite = 0x0114 // AES-128, HKDF-SHA256
	Suite0146 Suite = 0x0146 // AES-192, HKDF-SHA256
	Suite0178 Suite = 0x0178 // AES-256, HKDF-SHA256
	Suite0214 Suite = 0x0214 // AES-128, HKDF-SHA256, ECDSA P-256
	Suite0346 Suite = 0x0346 // AES-192, HKDF-SHA384, ECDSA P-384
	Suite0378 Suite = 0x0378 // AES-256, HKDF-SHA384, ECDSA P-384
	Suite0478 Suite = 0x0478 // AES-256, HKDF-SHA512, key commitment
	Suite0578 Suite = 0x0578 // AES-256, HKDF-SHA512, key commitment, ECDSA P-384
)

type kdf uint8

const (
	kdfNone kdf = iota
	kdfSHA256
	kdfSHA384
	kdfSHA512
)

// suiteSpec is what a suite id stands for (ENV-1).
type suiteSpec struct {
	id         Suite
	name       string
	version    byte // message format version
	keyLen     int  // AES key and data key, bytes
	kdf        kdf
	committing bool
	curve      elliptic.Curve   // nil: the suite does not sign
	digest     func() hash.Hash // of the signature
}

// messageIDLen is 16 bytes in version 1 and 32 in version 2.
func (s *suiteSpec) messageIDLen() int {
	if s.version == 1 {
		return 16
	}
	return 32
}

func (s *suiteSpec) signing() bool { return s.curve != nil }

// maxFooter is the most a footer can take: a length field and a DER signature.
func (s *suiteSpec) maxFooter() int {
	switch s.curve {
	case nil:
		return 0
	case elliptic.P256():
		return 2 + 72
	default:
		return 2 + 104
	}
}

var suiteTable = [...]suiteSpec{
	{id: Suite0014, name: "AES_128_GCM_IV12_TAG16_NO_KDF", version: 1, keyLen: 16},
	{id: Suite0046, name: "AES_192_GCM_IV12_TAG16_NO_KDF", version: 1, keyLen: 24},
	{id: Suite0078, name: "AES_256_GCM_IV12_TAG16_NO_KDF", version: 1, keyLen: 32},
	{id: Suite0114, name: "AES_128_GCM_IV12_TAG16_HKDF_SHA256", version: 1, keyLen: 16, kdf: kdfSHA256},
	{id: Suite0146, name: "AES_192_GCM_IV12_TAG16_HKDF_SHA256", version: 1, keyLen: 24, kdf: kdfSHA256},
	{id: Suite0178, name: "AES_256_GCM_IV12_TAG16_HKDF_SHA256", version: 1, keyLen: 32, kdf: kdfSHA256},
	{id: Suite0214, name: "AES_128_GCM_IV12_TAG16_HKDF_SHA256_ECDSA_P256", version: 1, keyLen: 16, kdf: kdfSHA256, curve: elliptic.P256(), digest: sha256.New},
	{id: Suite0346, name: "AES_192_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384", version: 1, keyLen: 24, kdf: kdfSHA384, curve: elliptic.P384(), digest: sha512.New384},
	{id: Suite0378, name: "AES_256_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384", version: 1, keyLen: 32, kdf: kdfSHA384, curve: elliptic.P384(), digest: sha512.New384},
	{id: Suite0478, name: "AES_256_GCM_HKDF_SHA512_COMMIT_KEY", version: 2, keyLen: 32, kdf: kdfSHA512, committing: true},
	{id: Suite0578, name: "AES_256_GCM_HKDF_SHA512_COMMIT_KEY_ECDSA_P384", version: 2, keyLen: 32, kdf: kdfSHA512, committing: true, curve: elliptic.P384(), digest: sha512.New384},
}

// spec returns what the id stands for, nil for an id that is no suite.
func (s Suite) spec() *suiteSpec {
	for i := range suiteTable {
		if suiteTable[i].id == s {
			return &suiteTable[i]
		}
	}
	return nil
}

// DataKeyLen returns the length of the suite's data key in bytes, 0 when the
// suite is unknown. A keyring generates and unwraps keys of exactly this length.
func (s Suite) DataKeyLen() int {
	if spec := s.spec(); spec != nil {
		return spec.keyLen
	}
	return 0
}

// Committing reports whether messages of the suite commit to their key.
func (s Suite) Committing() bool {
	spec := s.spec()
	return spec != nil && spec.committing
}

// Signing reports whether messages of the suite end with an ECDSA signature.
func (s Suite) Signing() bool {
	spec := s.spec()
	return spec != nil && spec.signing()
}

// String returns the suite's name in AWS's reference, or its number in hex.
func (s Suite) String() string {
	if spec := s.spec(); spec != nil {
		return spec.name
	}
	return "suite " + s.hex()
}

func (s Suite) hex() string { return hex.EncodeToString([]byte{byte(s >> 8), byte(s)}) }

// MarshalText returns the id as four hex digits.
func (s Suite) MarshalText() ([]byte, error) { return []byte(s.hex()), nil }

// UnmarshalText reads four hex digits. An id that is no suite is
// [ErrUnsupportedSuite].
func (s *Suite) UnmarshalText(text []byte) error {
	var id [2]byte
	if len(text) != 4 {
		return fail(ErrUnsupportedSuite, "a suite id is four hex digits")
	}
	if _, err := hex.Decode(id[:], text); err != nil {
		return fail(ErrUnsupportedSuite, "a suite id is four hex digits")
	}
	got := Suite(id[0])<<8 | Suite(id[1])
	if got.spec() == nil {
		return fail(ErrUnsupportedSuite, "id "+got.hex())
	}
	*s = got
	return nil
}

// CommitmentPolicy says whether messages without key commitment are written
// and read. The zero value is the safe one.
//
// https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/concepts.html#key-commitment
type CommitmentPolicy uint8

// The commitment policies (ENV-4).
const (
	RequireEncryptRequireDecrypt CommitmentPolicy = iota // committing suites only, both ways
	RequireEncryptAllowDecrypt                           // write committing suites, read all
	ForbidEncryptAllowDecrypt                            // write suites without commitment, read all: for migrations only
)

var policyNames = [...]string{"require-require", "require-allow", "forbid-allow"}

// String returns the policy as MarshalText writes it.
func (p CommitmentPolicy) String() string {
	if int(p) < len(policyNames) {
		return policyNames[p]
	}
	return "unknown policy"
}

// MarshalText writes "require-require", "require-allow" or "forbid-allow".
func (p CommitmentPolicy) MarshalText() ([]byte, error) {
	if int(p) >= len(policyNames) {
		return nil, fail(ErrConfig, "unknown commitment policy")
	}
	return []byte(p.String()), nil
}

// UnmarshalText reads what MarshalText writes; an empty text is the default,
// require-require.
func (p *CommitmentPolicy) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*p = RequireEncryptRequireDecrypt
		return nil
	}
	for i, name := range policyNames {
		if name == string(text) {
			*p = CommitmentPolicy(i)
			return nil
		}
	}
	return fail(ErrConfig, "unknown commitment policy")
}

// defaultSuite is the suite of a client that names none (ENV-3).
func (p CommitmentPolicy) defaultSuite() Suite {
	if p == ForbidEncryptAllowDecrypt {
		return Suite0378
	}
	return Suite0578
}

// checkEncrypt refuses a suite that the policy does not let a client write.
func (p CommitmentPolicy) checkEncrypt(s *suiteSpec) error {
	switch p {
	case RequireEncryptRequireDecrypt, RequireEncryptAllowDecrypt:
		if s.committing {
			return nil
		}
	case ForbidEncryptAllowDecrypt:
		if !s.committing {
			return nil
		}
	}
	return fail(ErrCommitmentPolicy, "suite "+s.id.hex()+" may not be written under "+p.String())
}

// checkDecrypt refuses a suite that the policy does not let a client read.
func (p CommitmentPolicy) checkDecrypt(s *suiteSpec) error {
	switch p {
	case RequireEncryptRequireDecrypt:
		if s.committing {
			return nil
		}
	case RequireEncryptAllowDecrypt, ForbidEncryptAllowDecrypt:
		return nil
	}
	return fail(ErrCommitmentPolicy, "suite "+s.id.hex()+" may not be read under "+p.String())
}
