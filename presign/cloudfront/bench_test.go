// SPDX-License-Identifier: Apache-2.0

package cloudfront_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"testing"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/presign/cloudfront"
	"github.com/stretchr/testify/require"
)

const benchURL = base + "/films/2026/a.mp4?size=large&license=yes"

// BenchmarkSign compares SignURL with the bare signature of the same text (PRE-70).
func BenchmarkSign(b *testing.B) {
	text := []byte(refCanned(benchURL, hour().Expires.Unix()))
	for _, s := range []*cloudfront.Signer{rsaSigner(), ecSigner()} {
		b.Run(s.KeyPairID+"/url", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := s.SignURL(benchURL, hour()); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(s.KeyPairID+"/bare", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				digest := sha256.Sum256(text)
				if _, err := s.Key.Sign(rand.Reader, digest[:], crypto.SHA256); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkVerify compares Verify with the bare check of the same signature.
func BenchmarkVerify(b *testing.B) {
	wild := hour()
	wild.Resource = base + "/films/*"
	for _, s := range []*cloudfront.Signer{rsaSigner(), ecSigner()} {
		for _, c := range []struct {
			name   string
			policy cloudfront.Policy
			text   string
		}{
			{"canned", hour(), refCanned(benchURL, hour().Expires.Unix())},
			{"wildcard", wild, refCanned(wild.Resource, hour().Expires.Unix())},
		} {
			r := get(must(s.SignURL(benchURL, c.policy)))
			v := verifier()
			_, err := v.Verify(r)
			require.NoError(b, err)
			b.Run(s.KeyPairID+"/"+c.name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(c.text)))
				for b.Loop() {
					if _, err := v.Verify(r); err != nil {
						b.Fatal(err)
					}
				}
			})
			bare := bareVerify(b, s, c.text)
			b.Run(s.KeyPairID+"/"+c.name+"-bare", func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(c.text)))
				for b.Loop() {
					bare()
				}
			})
			b.Run(s.KeyPairID+"/"+c.name+"-beside", func(b *testing.B) {
				testkit.Beside(b, 100, func() {
					if _, err := v.Verify(r); err != nil {
						b.Fatal(err)
					}
				}, bare)
			})
		}
	}
}

// bareVerify returns the check of a signature of the text by the standard
// library alone.
func bareVerify(b *testing.B, s *cloudfront.Signer, text string) func() {
	digest := sha256.Sum256([]byte(text))
	signature := must(s.Key.Sign(rand.Reader, digest[:], crypto.SHA256))
	return func() {
		digest := sha256.Sum256([]byte(text))
		switch k := s.Key.Public().(type) {
		case *rsa.PublicKey:
			if rsa.VerifyPKCS1v15(k, crypto.SHA256, digest[:], signature) != nil {
				b.Fatal("refused")
			}
		case *ecdsa.PublicKey:
			if !ecdsa.VerifyASN1(k, digest[:], signature) {
				b.Fatal("refused")
			}
		}
	}
}
