// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/sigv4"
)

const (
	secretS = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	secretP = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

// TestDerivationSIG110 pins the documented signing keys.
func TestDerivationSIG110(t *testing.T) {
	for _, c := range []struct{ secret, date, service, want string }{
		{secretP, "20150830", "iam", "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"},
		{secretP, "20120215", "iam", "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d"},
		{secretS, "20130524", "s3", "dbb893acc010964918f1fd433add87c70e8b0db6be30c1fbeafefa5ec6ba8378"},
	} {
		key, err := sigv4.DeriveKey(c.secret, sigv4.Scope{Date: c.date, Region: "us-east-1", Service: c.service})
		require.NoError(t, err)
		require.Equal(t, c.want, hex.EncodeToString(key))
	}
}

// TestKnownAnswers pins the documented requests of SIG-111 to SIG-114.
func TestKnownAnswers(t *testing.T) {
	s3Date := time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, method, url string
		header            http.Header
		body              string
		secret, service   string
		now               time.Time
		hash, signature   string
	}{
		{
			name: "SIG-111 ListUsers", method: "GET", url: "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
			header: http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}},
			secret: secretP, service: "iam", now: time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC),
			hash:      "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59",
			signature: "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
		},
		{
			name: "SIG-112 GET range", method: "GET", url: "https://examplebucket.s3.amazonaws.com/test.txt",
			header: http.Header{"Range": {"bytes=0-9"}}, secret: secretS, service: "s3", now: s3Date,
			hash:      "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972",
			signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
		},
		{
			name: "SIG-113 PUT", method: "PUT", url: "https://examplebucket.s3.amazonaws.com/test$file.text",
			header: http.Header{"Date": {"Fri, 24 May 2013 00:00:00 GMT"}, "X-Amz-Storage-Class": {"REDUCED_REDUNDANCY"}},
			body:   "Welcome to Amazon S3.", secret: secretS, service: "s3", now: s3Date,
			signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
		},
		{
			name: "SIG-114 lifecycle", method: "GET", url: "https://examplebucket.s3.amazonaws.com/?lifecycle",
			secret: secretS, service: "s3", now: s3Date,
			signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
		},
		{
			name: "SIG-114 list", method: "GET", url: "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J",
			secret: secretS, service: "s3", now: s3Date,
			signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := http.NewRequest(c.method, c.url, strings.NewReader(c.body))
			require.NoError(t, err)
			for key, values := range c.header {
				r.Header[key] = values
			}
			r.Header.Set("User-Agent", "not signed")
			s := &sigv4.Signer{Region: "us-east-1", Profile: sigv4.ProfileFor(c.service), Now: func() time.Time { return c.now }, Debug: true}
			id := "AKIAIOSFODNN7EXAMPLE"
			signed, err := s.Sign(r, sigv4.Credentials{AccessKeyID: id, SecretAccessKey: c.secret}, sigv4.Payload{})
			require.NoError(t, err)
			if c.hash != "" {
				sum := sha256.Sum256([]byte(signed.Canonical.String()))
				require.Equal(t, c.hash, hex.EncodeToString(sum[:]))
			}
			require.Equal(t, c.signature, signed.Signature)
			v := &sigv4.Verifier{
				Keys: sigv4.StaticKeys{id: {Secret: c.secret}}, Region: "us-east-1",
				Profile: sigv4.ProfileFor(c.service), Now: func() time.Time { return c.now },
			}
			_, err = v.Verify(r)
			require.NoError(t, err)
		})
	}
}
