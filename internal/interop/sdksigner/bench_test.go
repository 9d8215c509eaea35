// SPDX-License-Identifier: Apache-2.0

package sdksigner

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/aws-http-auth/credentials"
	smithy "github.com/aws/smithy-go/aws-http-auth/sigv4"
	smithyv4 "github.com/aws/smithy-go/aws-http-auth/v4"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/sigv4"
)

func bodyOf(b []byte) io.ReadCloser {
	if len(b) == 0 {
		return http.NoBody
	}
	return io.NopCloser(bytes.NewReader(b))
}

// benchJob is a GET of an S3 object with six headers, the payload hash among
// them. Every signer has its key cached where it keeps one.
func benchJob() *job {
	return &job{
		method: "GET", scheme: "https", host: "examplebucket.s3.us-east-1.amazonaws.com", path: "/photos/2026/05/puppy.jpg", service: "s3",
		at: time.Date(2026, 5, 24, 11, 22, 33, 0, time.UTC),
		header: http.Header{
			"Range":                 {"bytes=0-1048575"},
			"If-None-Match":         {`"d41d8cd98f00b204e9800998ecf8427e"`},
			"Accept":                {"*/*"},
			"Content-Type":          {"application/octet-stream"},
			"X-Amz-Content-Sha256":  {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
			"Amz-Sdk-Invocation-Id": {"3f6c9a2e-52e5-4c0b-9c0e-1d1f2a3b4c5d"},
		},
	}
}

func (j *job) ourSigner() *sigv4.Signer {
	return &sigv4.Signer{Region: region, Profile: sigv4.ProfileFor("s3"), Now: func() time.Time { return j.at }}
}

var (
	ourCredentials = sigv4.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}
	sdkCredentials = aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}
)

func BenchmarkSign(b *testing.B) {
	j := benchJob()
	want := j.viaSDK(b)
	require.Equal(b, want, j.ours(b, nil))
	require.Equal(b, want, j.viaSmithy(b, func(string) bool { return true }))
	b.Run("sallyport", func(b *testing.B) {
		s, r := j.ourSigner(), j.request()
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Sign(r, ourCredentials, sigv4.Payload{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("aws-sdk-go-v2", func(b *testing.B) {
		s, r, hash := sdk.NewSigner(func(o *sdk.SignerOptions) { o.DisableURIPathEscaping = true }), j.request(), j.hashHex()
		b.ReportAllocs()
		for b.Loop() {
			if err := s.SignHTTP(context.Background(), sdkCredentials, r, hash, "s3", region, j.at); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("smithy-go", func(b *testing.B) {
		s := smithy.New(func(o *smithyv4.SignerOptions) {
			o.DisableDoublePathEscape, o.AddPayloadHashHeader, o.HeaderRules = true, true, rule(func(name string) bool { return name != "authorization" })
		})
		sum := j.hash()
		in := &smithy.SignRequestInput{
			Request: j.request(), PayloadHash: sum[:], Service: "s3", Region: region, Time: j.at,
			Credentials: credentials.Credentials{AccessKeyID: keyID, SecretAccessKey: secret},
		}
		b.ReportAllocs()
		for b.Loop() {
			if err := s.SignRequest(in); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// presignJob is a presigned GET: no header but host.
func presignJob() *job {
	j := benchJob()
	j.header, j.presign = http.Header{}, true
	return j
}

func BenchmarkPresign(b *testing.B) {
	j := presignJob()
	s := j.ourSigner()
	ours, err := s.Presign(j.request(), ourCredentials, sigv4.Payload{}, time.Hour)
	require.NoError(b, err)
	theirs := sdk.NewSigner(func(o *sdk.SignerOptions) { o.DisableURIPathEscaping = true })
	r := j.request()
	addExpires(r)
	signed, _, err := theirs.PresignHTTP(context.Background(), sdkCredentials, r, "UNSIGNED-PAYLOAD", "s3", region, j.at)
	require.NoError(b, err)
	require.Equal(b, signed, ours.URL)
	b.Run("sallyport", func(b *testing.B) {
		r := j.request()
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Presign(r, ourCredentials, sigv4.Payload{}, time.Hour); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("aws-sdk-go-v2", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := theirs.PresignHTTP(context.Background(), sdkCredentials, r, "UNSIGNED-PAYLOAD", "s3", region, j.at); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// arrived is a request as a server sees it.
func arrived(r *http.Request, target string) *http.Request {
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil
	}
	return &http.Request{Method: r.Method, Host: r.Host, URL: u, Header: r.Header, Body: http.NoBody, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
}

// BenchmarkVerify measures beside the bare work of the same request: SHA-256 of
// the canonical request, HMAC of the string to sign under the signing key, and
// their hex, on the stack. Beside it stands the same with an HMAC that is keyed
// once and reset, which saves it two blocks.
func BenchmarkVerify(b *testing.B) {
	j := benchJob()
	v := &sigv4.Verifier{
		Keys: sigv4.StaticKeys{keyID: {Secret: secret}}, Region: region, Profile: sigv4.ProfileFor("s3"), Now: func() time.Time { return j.at },
	}
	s := j.ourSigner()
	s.Debug = true
	r := j.request()
	signed, err := s.Sign(r, ourCredentials, sigv4.Payload{})
	require.NoError(b, err)
	p := presignJob()
	presigned, err := s.Presign(p.request(), ourCredentials, sigv4.Payload{}, time.Hour)
	require.NoError(b, err)
	u, err := url.Parse(presigned.URL)
	require.NoError(b, err)
	query := arrived(p.request(), u.RequestURI())
	query.Header = http.Header{"Accept": {"*/*"}, "User-Agent": {"curl/8"}}
	b.Run("header", func(b *testing.B) { benchVerify(b, v, arrived(r, r.URL.RequestURI())) })
	b.Run("header-floor", func(b *testing.B) { benchFloor(b, signed.Canonical, signed.StringToSign, signed.Signature) })
	b.Run("header-floor-keyed", func(b *testing.B) { benchKeyedFloor(b, signed.Canonical, signed.StringToSign) })
	b.Run("presigned", func(b *testing.B) { benchVerify(b, v, query) })
	b.Run("presigned-floor", func(b *testing.B) {
		benchFloor(b, presigned.Canonical, presigned.StringToSign, presigned.Signature)
	})
	b.Run("presigned-floor-keyed", func(b *testing.B) { benchKeyedFloor(b, presigned.Canonical, presigned.StringToSign) })
}

func benchVerify(b *testing.B, v *sigv4.Verifier, r *http.Request) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(r); err != nil {
			b.Fatal(err)
		}
	}
}

// bareHMAC is HMAC-SHA256 of a message of up to 448 bytes, on the stack.
func bareHMAC(key *[sha256.Size]byte, message []byte) [sha256.Size]byte {
	var inner [sha256.BlockSize + 448]byte
	var outer [sha256.BlockSize + sha256.Size]byte
	for i := range sha256.BlockSize {
		inner[i], outer[i] = 0x36, 0x5c
	}
	for i, c := range key {
		inner[i] ^= c
		outer[i] ^= c
	}
	n := copy(inner[sha256.BlockSize:], message)
	sum := sha256.Sum256(inner[:sha256.BlockSize+n])
	copy(outer[sha256.BlockSize:], sum[:])
	return sha256.Sum256(outer[:])
}

func benchFloor(b *testing.B, canonical *sigv4.Canonical, text, signature string) {
	request, toSign := []byte(canonical.String()), []byte(text)
	derived, err := sigv4.DeriveKey(secret, sigv4.NewScope(benchJob().at, region, "s3"))
	require.NoError(b, err)
	key := [sha256.Size]byte(derived)
	var digits [2 * sha256.Size]byte
	b.ReportAllocs()
	for b.Loop() {
		sum := sha256.Sum256(request)
		hex.Encode(digits[:], sum[:])
		sum = bareHMAC(&key, toSign)
		hex.Encode(digits[:], sum[:])
	}
	require.Equal(b, signature, string(digits[:]))
}

func benchKeyedFloor(b *testing.B, canonical *sigv4.Canonical, text string) {
	request, toSign := []byte(canonical.String()), []byte(text)
	mac := hmac.New(sha256.New, make([]byte, sha256.Size))
	var sum [sha256.Size]byte
	var digits [2 * sha256.Size]byte
	b.ReportAllocs()
	for b.Loop() {
		sum = sha256.Sum256(request)
		hex.Encode(digits[:], sum[:])
		mac.Reset()
		mac.Write(toSign)
		mac.Sum(sum[:0])
		hex.Encode(digits[:], sum[:])
	}
}
