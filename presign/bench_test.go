// SPDX-License-Identifier: Apache-2.0

package presign_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/presign"
	"github.com/sallyport-go/sallyport/sigv4"
	"github.com/stretchr/testify/require"
)

func BenchmarkGet(b *testing.B) {
	s := newS3()
	for _, c := range []struct {
		name, key string
		make      func(sigv4.Credentials, string, string, *presign.Options) (*presign.URL, error)
		o         *presign.Options
	}{
		{"plain", "home/ann/photo.jpg", s.Get, nil},
		{"escaped", "a b/c+d é.txt", s.Get, nil},
		{"put", "home/ann/photo.jpg", s.Put, &presign.Options{ContentType: "image/jpeg", ContentLength: 31_415, Metadata: map[string]string{"a": "1"}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(1)
			for b.Loop() {
				if _, err := c.make(docKeys, demo, c.key, c.o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	u, err := newS3().Get(docKeys, demo, "home/ann/photo.jpg", nil)
	require.NoError(b, err)
	b.ReportAllocs()
	b.SetBytes(int64(len(u.URL)))
	for b.Loop() {
		if _, err := presign.Parse(u.URL); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerify compares Parse and Verify of a URL with Verify alone (PRE-69).
func BenchmarkVerify(b *testing.B) {
	u, err := newS3().Get(docKeys, demo, "home/ann/photo.jpg", nil)
	require.NoError(b, err)
	r := arrive(b, u, "")
	v := verifier()
	for _, parse := range []bool{false, true} {
		b.Run(fmt.Sprintf("parse=%v", parse), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(u.URL)))
			for b.Loop() {
				if parse {
					if _, err := presign.Parse(u.URL); err != nil {
						b.Fatal(err)
					}
				}
				if _, err := v.Verify(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkVerifyBeside is the same in turns: the ratio that the README gives.
func BenchmarkVerifyBeside(b *testing.B) {
	u, err := newS3().Get(docKeys, demo, "home/ann/photo.jpg", nil)
	require.NoError(b, err)
	r, v := arrive(b, u, ""), verifier()
	verify := func() {
		if _, err := v.Verify(r); err != nil {
			b.Fatal(err)
		}
	}
	testkit.Beside(b, 2000, func() {
		if _, err := presign.Parse(u.URL); err != nil {
			b.Fatal(err)
		}
		verify()
	}, verify)
}

// BenchmarkPostConditions is all that precedes the file, for 20 conditions (PRE-69).
func BenchmarkPostConditions(b *testing.B) {
	conditions := []string{`{"key":"k"}`, `["content-length-range",0,1000000]`}
	fields := []field{{"key", "k"}}
	for i := range 14 {
		conditions = append(conditions, fmt.Sprintf(`["starts-with","$x-amz-meta-%d","v"]`, i))
		fields = append(fields, field{fmt.Sprintf("x-amz-meta-%d", i), "value"})
	}
	body := encode(append(fields, signed(b, policyOf(conditions...))...), "f", "content")
	v := postVerifier()
	b.Run("verify", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			if _, err := v.Verify(post(body)); err != nil {
				b.Fatal(err)
			}
		}
	})
	text := []byte(policyOf(conditions...))
	b.Run("policy", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(text)))
		encoded := base64.StdEncoding.EncodeToString(text)
		values := map[string]string{}
		for _, f := range append(fields, signed(b, policyOf(conditions...))...) {
			values[f.name] = f.value
		}
		for b.Loop() {
			if err := presign.CheckPolicy(encoded, demo, values); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkPostFile streams a file of 16 MiB, beside mime/multipart.
func BenchmarkPostFile(b *testing.B) {
	content := bytes.Repeat([]byte("0123456789abcdef\r\n-xyz0123456789"), 16<<20/32)
	fields := append([]field{{"key", "k"}}, signed(b, policyOf(`{"key":"k"}`, `["content-length-range",0,100000000]`))...)
	body := encode(fields, "f", string(content))
	buf := make([]byte, 64<<10)
	read := func(r io.Reader) (n int) {
		for {
			k, err := r.Read(buf)
			n += k
			if err == io.EOF {
				return n
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("presign", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(content)))
		v := postVerifier()
		for b.Loop() {
			up, err := v.Verify(post(body))
			if err != nil || read(up.File) != len(content) {
				b.Fatal(err)
			}
		}
	})
	b.Run("mime-multipart", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(content)))
		for b.Loop() {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
			m := multipart.NewReader(r.Body, boundary)
			for {
				part, err := m.NextPart()
				if err != nil {
					b.Fatal(err)
				}
				if part.FormName() == "file" {
					if read(part) != len(content) {
						b.Fatal("short")
					}
					break
				}
				read(part)
			}
		}
	})
}
