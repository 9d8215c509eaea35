// SPDX-License-Identifier: Apache-2.0

package testkit

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func kmsCode(err error) string {
	if e, ok := err.(*KMSError); ok {
		return e.Code
	}
	return ""
}

// ENV-117, ENV-118, ENV-119, ENV-120: what a KMS must do for the tests to mean anything.
func TestFakeKMS(t *testing.T) {
	s := NewKMS()
	k := s.AddKey("eu-west-1", "111122223333")
	other := s.AddKey("eu-west-1", "111122223333")
	alias := s.AddAlias("alias/a", k)
	mrk := s.AddMultiRegion("111122223333", "eu-west-1", "us-east-1")
	ec := map[string]string{"ab": ""}
	out, err := s.Do("eu-west-1", "GenerateDataKey", &KMSRequest{KeyID: "alias/a", NumberOfBytes: 32, Context: ec})
	require.NoError(t, err)
	require.Equal(t, k, out.KeyID)
	require.Len(t, out.Plaintext, 32)
	require.GreaterOrEqual(t, len(out.CiphertextBlob), 167)
	for name, tt := range map[string]struct {
		region string
		change func(*KMSRequest)
		want   string
	}{
		"same":                      {"eu-west-1", func(*KMSRequest) {}, ""},
		"by alias":                  {"eu-west-1", func(r *KMSRequest) { r.KeyID = alias }, ""},
		"by id":                     {"eu-west-1", func(r *KMSRequest) { r.KeyID = k[len(k)-36:] }, ""},
		"without key":               {"eu-west-1", func(r *KMSRequest) { r.KeyID = "" }, ""},
		"context split differently": {"eu-west-1", func(r *KMSRequest) { r.Context = map[string]string{"a": "b"} }, "InvalidCiphertextException"},
		"context missing":           {"eu-west-1", func(r *KMSRequest) { r.Context = nil }, "InvalidCiphertextException"},
		"other key":                 {"eu-west-1", func(r *KMSRequest) { r.KeyID = other }, "IncorrectKeyException"},
		"unknown key":               {"eu-west-1", func(r *KMSRequest) { r.KeyID = "alias/none" }, "NotFoundException"},
		"other region":              {"us-east-1", func(*KMSRequest) {}, "NotFoundException"},
		"short blob":                {"eu-west-1", func(r *KMSRequest) { r.CiphertextBlob = r.CiphertextBlob[:50] }, "InvalidCiphertextException"},
		"tampered blob": {"eu-west-1", func(r *KMSRequest) {
			r.CiphertextBlob = append([]byte(nil), r.CiphertextBlob...)
			r.CiphertextBlob[len(r.CiphertextBlob)-1] ^= 1
		}, "InvalidCiphertextException"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &KMSRequest{KeyID: k, CiphertextBlob: out.CiphertextBlob, Context: ec}
			tt.change(r)
			got, err := s.Do(tt.region, "Decrypt", r)
			require.Equal(t, tt.want, kmsCode(err))
			if err == nil {
				require.Equal(t, out.Plaintext, got.Plaintext)
			}
		})
	}
	s.Rotate(k)
	_, err = s.Do("eu-west-1", "Decrypt", &KMSRequest{KeyID: k, CiphertextBlob: out.CiphertextBlob, Context: ec})
	require.NoError(t, err, "rotation keeps old blobs valid")
	s.SetState(k, "DisabledException")
	_, err = s.Do("eu-west-1", "Decrypt", &KMSRequest{CiphertextBlob: out.CiphertextBlob, Context: ec})
	require.Equal(t, "DisabledException", kmsCode(err))
	out, err = s.Do("eu-west-1", "Encrypt", &KMSRequest{KeyID: mrk[0], Plaintext: []byte("key")})
	require.NoError(t, err)
	got, err := s.Do("us-east-1", "Decrypt", &KMSRequest{KeyID: mrk[1], CiphertextBlob: out.CiphertextBlob})
	require.NoError(t, err)
	require.Equal(t, mrk[1], got.KeyID)
	_, err = s.Do("eu-west-1", "GenerateDataKey", &KMSRequest{KeyID: mrk[0], NumberOfBytes: 32, KeySpec: "AES_256"})
	require.Equal(t, "ValidationException", kmsCode(err))
}
