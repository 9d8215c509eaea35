// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
)

// kmsWire is a request or response in JSON.
type kmsWire struct {
	KeyID          string            `json:"KeyId,omitempty"`
	Context        map[string]string `json:"EncryptionContext,omitempty"`
	GrantTokens    []string          `json:"GrantTokens,omitempty"`
	NumberOfBytes  int               `json:"NumberOfBytes,omitempty"`
	KeySpec        string            `json:"KeySpec,omitempty"`
	Plaintext      []byte            `json:"Plaintext,omitempty"`
	CiphertextBlob []byte            `json:"CiphertextBlob,omitempty"`
	Algorithm      string            `json:"EncryptionAlgorithm,omitempty"`
}

var kmsScope = regexp.MustCompile(`Credential=[^/]+/\d{8}/([^/]+)/kms/aws4_request`)

// ServeHTTP answers the JSON protocol of KMS.
func (s *KMS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	out, algorithm, err := s.serve(r)
	if err == nil {
		err = json.NewEncoder(w).Encode(kmsWire{KeyID: out.KeyID, Plaintext: out.Plaintext, CiphertextBlob: out.CiphertextBlob, Algorithm: algorithm})
	}
	var e *KMSError
	if errors.As(err, &e) {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": e.Code, "message": e.Message})
	} else if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func (s *KMS) serve(r *http.Request) (out *KMSResponse, algorithm string, err error) {
	found := kmsScope.FindStringSubmatch(r.Header.Get("Authorization"))
	if found == nil {
		return nil, "", kmsFault("MissingAuthenticationTokenException", "no credential with a scope of kms")
	}
	op, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "TrentService.")
	if !ok {
		return nil, "", kmsFault("UnknownOperationException", "no target")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return nil, "", err
	}
	var in kmsWire
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, "", kmsFault("SerializationException", "%v", err)
	}
	out, err = s.Do(found[1], op, &KMSRequest{
		KeyID: in.KeyID, Context: in.Context, GrantTokens: in.GrantTokens, NumberOfBytes: in.NumberOfBytes,
		KeySpec: in.KeySpec, Plaintext: in.Plaintext, CiphertextBlob: in.CiphertextBlob, Algorithm: in.Algorithm,
	})
	if algorithm = in.Algorithm; algorithm == "" {
		algorithm = symmetric
	}
	return out, algorithm, err
}
