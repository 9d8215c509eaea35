// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// KMSError is an error of KMS, named as in its API.
type KMSError struct{ Code, Message string }

func (e *KMSError) Error() string { return e.Code + ": " + e.Message }

func kmsFault(code, format string, args ...any) error {
	return &KMSError{code, fmt.Sprintf(format, args...)}
}

// KMSRequest is the parameters of a call.
type KMSRequest struct {
	KeyID          string
	Context        map[string]string
	GrantTokens    []string
	NumberOfBytes  int
	KeySpec        string
	Plaintext      []byte
	CiphertextBlob []byte
	Algorithm      string // EncryptionAlgorithm; empty: SYMMETRIC_DEFAULT
}

// KMSResponse is the results of a call.
type KMSResponse struct {
	KeyID          string
	Plaintext      []byte
	CiphertextBlob []byte
}

// KMSCall is one call as the log keeps it.
type KMSCall struct {
	Region, Op string
	Request    KMSRequest
}

// KMS is an AWS KMS in memory for tests, written from KMS's API reference:
// symmetric keys of all Regions, multi-Region keys, aliases, rotation, the
// encryption context bound by pairs, KMS's errors, and faults on demand. It
// answers in Go and over HTTP; over HTTP the Region is the one the request is
// signed for, and the signature is not checked. It is safe for concurrent use.
type KMS struct {
	// Fault, when set, is asked after each call that went well and may change
	// the response or return an error in its place. It is set before use.
	Fault func(call *KMSCall, r *KMSResponse) error

	mu      sync.Mutex
	keys    map[string]*kmsKey // by key ARN
	aliases map[string]string  // alias ARN to key ARN
	calls   []KMSCall
}

// kmsKey is one key of one Region. Replicas share their material.
type kmsKey struct {
	arn      string
	material *kmsMaterial
	rsa      *rsa.PrivateKey // of an asymmetric key, which has no material
	state    string          // error code that calls get; empty: enabled
}

type kmsMaterial struct {
	id      [16]byte
	mu      sync.Mutex
	backing [][]byte // the last one encrypts
}

// NewKMS returns a KMS without keys.
func NewKMS() *KMS {
	return &KMS{keys: map[string]*kmsKey{}, aliases: map[string]string{}}
}

func newMaterial() *kmsMaterial {
	m := &kmsMaterial{}
	mustRead(rand.Read(m.id[:]))
	m.rotate()
	return m
}

func (m *kmsMaterial) rotate() {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := make([]byte, 32)
	mustRead(rand.Read(b))
	m.backing = append(m.backing, b)
}

func mustRead(_ int, err error) {
	if err != nil {
		panic(err)
	}
}

func randomUUID() string {
	var b [16]byte
	mustRead(rand.Read(b[:]))
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// AddKey makes a key and returns its ARN.
func (s *KMS) AddKey(region, account string) string {
	return s.add(region, account, randomUUID(), newMaterial())
}

// AddMultiRegion makes a multi-Region key and returns the ARN of each replica.
func (s *KMS) AddMultiRegion(account string, regions ...string) []string {
	id, m := "mrk-"+strings.ReplaceAll(randomUUID(), "-", ""), newMaterial()
	arns := make([]string, len(regions))
	for i, region := range regions {
		arns[i] = s.add(region, account, id, m)
	}
	return arns
}

func (s *KMS) add(region, account, id string, m *kmsMaterial) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	arn := "arn:aws:kms:" + region + ":" + account + ":key/" + id
	s.keys[arn] = &kmsKey{arn: arn, material: m}
	return arn
}

// AddAlias names a key; the alias is of the key's Region and account.
func (s *KMS) AddAlias(name, keyARN string) (aliasARN string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	aliasARN = keyARN[:strings.LastIndex(keyARN, ":")+1] + name
	s.aliases[aliasARN] = keyARN
	return aliasARN
}

// SetState makes every call on the key fail with the code, such as
// "DisabledException"; an empty one enables it again.
func (s *KMS) SetState(keyARN, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[keyARN].state = code
}

// Rotate gives the key new material; what the old wrapped still opens.
func (s *KMS) Rotate(keyARN string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[keyARN].material.rotate()
}

// Calls returns the calls so far, refused ones too.
func (s *KMS) Calls() []KMSCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Do performs one call in a Region.
func (s *KMS) Do(region, op string, r *KMSRequest) (*KMSResponse, error) {
	call := &KMSCall{region, op, *r}
	s.mu.Lock()
	s.calls = append(s.calls, *call)
	s.mu.Unlock()
	out, err := s.do(region, op, r)
	if err != nil {
		return nil, err
	}
	if s.Fault != nil {
		if err := s.Fault(call, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s *KMS) do(region, op string, r *KMSRequest) (*KMSResponse, error) {
	switch op {
	case "GenerateDataKey", "GenerateDataKeyWithoutPlaintext":
		return s.generate(region, op, r)
	case "Encrypt":
		if r.Algorithm != "" && r.Algorithm != symmetric {
			return nil, kmsFault("UnsupportedOperationException", "encryption under a public key is for who has it")
		}
		if n := len(r.Plaintext); n < 1 || n > 4096 {
			return nil, kmsFault("ValidationException", "plaintext of %d bytes", n)
		}
		k, err := s.findSymmetric(region, r.KeyID)
		if err != nil {
			return nil, err
		}
		return &KMSResponse{KeyID: k.arn, CiphertextBlob: k.material.seal(r.Plaintext, r.Context)}, nil
	case "Decrypt":
		return s.decrypt(region, r)
	default:
		return nil, kmsFault("UnknownOperationException", "%s", op)
	}
}

func (s *KMS) generate(region, op string, r *KMSRequest) (*KMSResponse, error) {
	n := r.NumberOfBytes
	switch {
	case (n != 0) == (r.KeySpec != ""):
		return nil, kmsFault("ValidationException", "exactly one of NumberOfBytes and KeySpec is needed")
	case r.KeySpec == "AES_128":
		n = 16
	case r.KeySpec == "AES_256":
		n = 32
	case n < 1 || n > 1024:
		return nil, kmsFault("ValidationException", "NumberOfBytes or KeySpec")
	}
	k, err := s.findSymmetric(region, r.KeyID)
	if err != nil {
		return nil, err
	}
	plaintext := make([]byte, n)
	mustRead(rand.Read(plaintext))
	out := &KMSResponse{KeyID: k.arn, CiphertextBlob: k.material.seal(plaintext, r.Context)}
	if op == "GenerateDataKey" {
		out.Plaintext = plaintext
	}
	return out, nil
}

func (s *KMS) decrypt(region string, r *KMSRequest) (*KMSResponse, error) {
	if r.Algorithm != "" && r.Algorithm != symmetric {
		return s.decryptRSA(region, r)
	}
	if len(r.CiphertextBlob) < blobHeader {
		return nil, kmsFault("InvalidCiphertextException", "")
	}
	k := s.wrapper(region, r.CiphertextBlob)
	if r.KeyID != "" {
		named, err := s.find(region, r.KeyID)
		if err != nil {
			return nil, err
		}
		if named.rsa != nil {
			return nil, kmsFault("InvalidKeyUsageException", "an asymmetric key needs an algorithm")
		}
		if k == nil || k.arn != named.arn {
			return nil, kmsFault("IncorrectKeyException", "the key is not the one that encrypted")
		}
	}
	if k == nil {
		return nil, kmsFault("InvalidCiphertextException", "")
	}
	if k.state != "" {
		return nil, kmsFault(k.state, "%s", k.arn)
	}
	plaintext, err := k.material.open(r.CiphertextBlob, r.Context)
	if err != nil {
		return nil, kmsFault("InvalidCiphertextException", "")
	}
	return &KMSResponse{KeyID: k.arn, Plaintext: plaintext}, nil
}

// find resolves an ARN, alias ARN, alias or id in a Region.
func (s *KMS) find(region, id string) (*kmsKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.HasPrefix(id, "alias/") || !strings.Contains(id, ":") {
		for _, prefix := range []string{"", "key/"} {
			for arn := range s.keys {
				if strings.HasPrefix(arn, "arn:aws:kms:"+region+":") && strings.HasSuffix(arn, ":"+prefix+id) {
					id = arn
				}
			}
			for arn := range s.aliases {
				if strings.HasPrefix(arn, "arn:aws:kms:"+region+":") && strings.HasSuffix(arn, ":"+prefix+id) {
					id = arn
				}
			}
		}
	}
	if target, ok := s.aliases[id]; ok {
		id = target
	}
	k, ok := s.keys[id]
	if !ok || !strings.HasPrefix(id, "arn:aws:kms:"+region+":") {
		return nil, kmsFault("NotFoundException", "key %q does not exist in %s", id, region)
	}
	if k.state != "" {
		return nil, kmsFault(k.state, "%s", k.arn)
	}
	return k, nil
}

// wrapper finds the key of a Region that made the blob.
func (s *KMS) wrapper(region string, blob []byte) *kmsKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	for arn, k := range s.keys {
		if k.rsa == nil && strings.HasPrefix(arn, "arn:aws:kms:"+region+":") && string(k.material.id[:]) == string(blob[4:20]) {
			return k
		}
	}
	return nil
}

// A blob is: version, zeros, material id, number of the backing key, padding
// to the length KMS's have, IV, ciphertext and tag.
const (
	blobPrefix = 108
	blobHeader = blobPrefix + 12
)

func (m *kmsMaterial) seal(plaintext []byte, ec map[string]string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	blob := make([]byte, blobHeader)
	blob[0] = 1
	copy(blob[4:], m.id[:])
	binary.BigEndian.PutUint32(blob[20:], uint32(len(m.backing)-1))
	mustRead(rand.Read(blob[24:]))
	return gcm(m.backing[len(m.backing)-1]).Seal(blob, blob[blobPrefix:], plaintext, aad(blob[:blobPrefix], ec))
}

func (m *kmsMaterial) open(blob []byte, ec map[string]string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := binary.BigEndian.Uint32(blob[20:])
	if blob[0] != 1 || int64(n) >= int64(len(m.backing)) {
		return nil, kmsFault("InvalidCiphertextException", "")
	}
	return gcm(m.backing[n]).Open(nil, blob[blobPrefix:blobHeader], blob[blobHeader:], aad(blob[:blobPrefix], ec))
}

func gcm(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead
}

// aad binds the blob's header and the pairs, each with its length.
func aad(prefix []byte, ec map[string]string) []byte {
	out := slices.Clone(prefix)
	keys := make([]string, 0, len(ec))
	for k := range ec {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		for _, text := range []string{k, ec[k]} {
			out = binary.BigEndian.AppendUint32(out, uint32(len(text)))
			out = append(out, text...)
		}
	}
	return out
}
