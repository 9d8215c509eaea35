// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"hash"
)

const symmetric = "SYMMETRIC_DEFAULT"

// AddRSA makes an asymmetric key for decryption, a replica in each of the
// Regions when there are several, and returns the ARNs.
func (s *KMS) AddRSA(key *rsa.PrivateKey, account string, regions ...string) []string {
	arns := []string{}
	if len(regions) == 1 {
		arns = append(arns, s.AddKey(regions[0], account))
	} else {
		arns = s.AddMultiRegion(account, regions...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, arn := range arns {
		s.keys[arn].rsa, s.keys[arn].material = key, nil
	}
	return arns
}

// findSymmetric is find for the calls that asymmetric keys do not have.
func (s *KMS) findSymmetric(region, id string) (*kmsKey, error) {
	k, err := s.find(region, id)
	if err == nil && k.rsa != nil {
		return nil, kmsFault("InvalidKeyUsageException", "%s is an asymmetric key", k.arn)
	}
	return k, err
}

func (s *KMS) decryptRSA(region string, r *KMSRequest) (*KMSResponse, error) {
	k, err := s.find(region, r.KeyID)
	if err != nil {
		return nil, err
	}
	hashes := map[string]func() hash.Hash{"RSAES_OAEP_SHA_1": sha1.New, "RSAES_OAEP_SHA_256": sha256.New}
	newHash := hashes[r.Algorithm]
	switch {
	case newHash == nil:
		return nil, kmsFault("ValidationException", "algorithm %q", r.Algorithm)
	case k.rsa == nil:
		return nil, kmsFault("InvalidKeyUsageException", "%s is a symmetric key", k.arn)
	case len(r.Context) > 0:
		return nil, kmsFault("ValidationException", "an asymmetric key takes no encryption context")
	}
	plaintext, err := rsa.DecryptOAEP(newHash(), nil, k.rsa, r.CiphertextBlob, nil)
	if err != nil {
		return nil, kmsFault("InvalidCiphertextException", "")
	}
	return &KMSResponse{KeyID: k.arn, Plaintext: plaintext}, nil
}
