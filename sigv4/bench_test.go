// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/sigv4"
)

func benchNow() time.Time { return time.Date(2026, 5, 24, 11, 22, 33, 0, time.UTC) }

var benchCredentials = sigv4.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: secretS}

// benchRequest is a GET with six headers, the payload hash among them: the
// SDK's signer wants it there.
func benchRequest(tb testing.TB) *http.Request {
	tb.Helper()
	r, err := http.NewRequest(http.MethodGet, "https://examplebucket.s3.us-east-1.amazonaws.com/photos/2026/05/puppy.jpg", nil)
	require.NoError(tb, err)
	r.Header = http.Header{
		"Range":                 {"bytes=0-1048575"},
		"If-None-Match":         {`"d41d8cd98f00b204e9800998ecf8427e"`},
		"Accept":                {"*/*"},
		"Content-Type":          {"application/octet-stream"},
		"X-Amz-Content-Sha256":  {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		"Amz-Sdk-Invocation-Id": {"3f6c9a2e-52e5-4c0b-9c0e-1d1f2a3b4c5d"},
	}
	return r
}

func benchSigner() *sigv4.Signer {
	return &sigv4.Signer{Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Now: benchNow}
}

func benchVerifier() *sigv4.Verifier {
	return &sigv4.Verifier{
		Keys:   sigv4.StaticKeys{benchCredentials.AccessKeyID: {Secret: benchCredentials.SecretAccessKey}},
		Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Now: benchNow,
	}
}

// arrived is the request as a server sees it.
func arrived(tb testing.TB, method, url string, header http.Header) *http.Request {
	tb.Helper()
	r, err := http.NewRequest(method, url, nil)
	require.NoError(tb, err)
	r.Host, r.URL.Host, r.URL.Scheme = r.URL.Host, "", ""
	r.Header, r.Body = header.Clone(), http.NoBody
	if r.Header == nil {
		r.Header = http.Header{}
	}
	return r
}

func signedBenchRequest(tb testing.TB) *http.Request {
	tb.Helper()
	r := benchRequest(tb)
	_, err := benchSigner().Sign(r, benchCredentials, sigv4.Payload{})
	require.NoError(tb, err)
	return arrived(tb, r.Method, r.URL.String(), r.Header)
}

func presignedBenchRequest(tb testing.TB) *http.Request {
	tb.Helper()
	p, err := benchSigner().Presign(benchRequest(tb), benchCredentials, sigv4.Payload{}, time.Hour)
	require.NoError(tb, err)
	return arrived(tb, p.Method, p.URL, p.Header)
}

func BenchmarkSign(b *testing.B) {
	s, r := benchSigner(), benchRequest(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Sign(r, benchCredentials, sigv4.Payload{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPresign(b *testing.B) {
	s, r := benchSigner(), benchRequest(b)
	r.Header = http.Header{}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Presign(r, benchCredentials, sigv4.Payload{}, time.Hour); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRefused refuses a request of an id that is known, by its signature,
// and one of an id that is not, with FlattenErrors: they cost the same (SIG-73).
func BenchmarkRefused(b *testing.B) {
	r := signedBenchRequest(b)
	for name, keys := range map[string]sigv4.StaticKeys{
		"known": {benchCredentials.AccessKeyID: {Secret: "another secret than the request's"}}, "unknown": {},
	} {
		b.Run(name, func(b *testing.B) {
			v := benchVerifier()
			v.Keys, v.FlattenErrors = keys, true
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(r); err == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}

func BenchmarkVerifyHeader(b *testing.B) {
	v, r := benchVerifier(), signedBenchRequest(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyPresigned(b *testing.B) {
	v, r := benchVerifier(), presignedBenchRequest(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFloor is the cryptography that nobody can leave out: SHA-256 of the
// canonical request, HMAC of the string to sign with a key that is set up
// already, and hex.
func BenchmarkFloor(b *testing.B) {
	for name, presign := range map[string]bool{"header": false, "presigned": true} {
		b.Run(name, func(b *testing.B) {
			canonical, text := benchTexts(b, presign)
			mac := hmac.New(sha256.New, make([]byte, 32))
			var sum [sha256.Size]byte
			var digits [2 * sha256.Size]byte
			b.ReportAllocs()
			for b.Loop() {
				sum = sha256.Sum256(canonical)
				hex.Encode(digits[:], sum[:])
				mac.Reset()
				mac.Write(text)
				mac.Sum(sum[:0])
				hex.Encode(digits[:], sum[:])
			}
		})
	}
}

func benchTexts(tb testing.TB, presign bool) (canonical, text []byte) {
	tb.Helper()
	s := benchSigner()
	s.Debug = true
	if presign {
		p, err := s.Presign(benchRequest(tb), benchCredentials, sigv4.Payload{}, time.Hour)
		require.NoError(tb, err)
		return []byte(p.Canonical.String()), []byte(p.StringToSign)
	}
	p, err := s.Sign(benchRequest(tb), benchCredentials, sigv4.Payload{})
	require.NoError(tb, err)
	return []byte(p.Canonical.String()), []byte(p.StringToSign)
}

// BenchmarkBody compares reading a checked body with hashing the same bytes.
func BenchmarkBody(b *testing.B) {
	const size = 4 << 20
	body := bytes.Repeat([]byte("sallyport"), size/9+1)[:size]
	buf := make([]byte, 64<<10)
	b.Run("sha256", func(b *testing.B) {
		h, src := sha256.New(), bytes.NewReader(nil)
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			h.Reset()
			src.Reset(body)
			for {
				n, err := src.Read(buf)
				h.Write(buf[:n])
				if err != nil {
					break
				}
			}
			h.Sum(buf[:0])
		}
	})
	b.Run("checked", func(b *testing.B) {
		v, r := benchVerifier(), putBenchRequest(b, body)
		src := bytes.NewReader(nil)
		raw := io.NopCloser(src)
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			src.Reset(body)
			r.Body = raw
			if _, err := v.Verify(r); err != nil {
				b.Fatal(err)
			}
			for {
				_, err := r.Body.Read(buf)
				if err == io.EOF {
					break
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

func putBenchRequest(tb testing.TB, body []byte) *http.Request {
	tb.Helper()
	r, err := http.NewRequest(http.MethodPut, "https://examplebucket.s3.us-east-1.amazonaws.com/key", bytes.NewReader(body))
	require.NoError(tb, err)
	_, err = benchSigner().Sign(r, benchCredentials, sigv4.Payload{})
	require.NoError(tb, err)
	out := arrived(tb, r.Method, r.URL.String(), r.Header)
	out.ContentLength = int64(len(body))
	return out
}
