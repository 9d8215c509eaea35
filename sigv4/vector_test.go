// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/sigv4"
)

// vector is one case of the signing test suite.
type vector struct {
	name, dir string
	context   struct {
		Credentials struct {
			AccessKeyID     string `json:"access_key_id"`
			SecretAccessKey string `json:"secret_access_key"`
			Token           string `json:"token"`
		} `json:"credentials"`
		Expiration int       `json:"expiration_in_seconds"`
		Normalize  bool      `json:"normalize"`
		Region     string    `json:"region"`
		Service    string    `json:"service"`
		SignBody   bool      `json:"sign_body"`
		Timestamp  time.Time `json:"timestamp"`
		OmitToken  bool      `json:"omit_session_token"`
	}
}

func loadVectors(tb testing.TB) []*vector {
	tb.Helper()
	root := testkit.Vectors(tb, "sigv4/v4")
	entries, err := os.ReadDir(root)
	require.NoError(tb, err)
	var out []*vector
	for _, entry := range entries {
		v := &vector{name: entry.Name(), dir: filepath.Join(root, entry.Name())}
		require.NoError(tb, json.Unmarshal([]byte(v.file(tb, "context.json")), &v.context))
		out = append(out, v)
	}
	require.Len(tb, out, 38)
	return out
}

func (v *vector) file(tb testing.TB, name string) string {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join(v.dir, name))
	require.NoError(tb, err)
	return string(data)
}

func (v *vector) profile() sigv4.Profile {
	p := sigv4.Profile{Service: v.context.Service, SingleEncode: true, RawPath: !v.context.Normalize}
	if v.context.OmitToken {
		p.Token = sigv4.TokenOmitted
	}
	return p
}

func (v *vector) credentials() sigv4.Credentials {
	c := v.context.Credentials
	return sigv4.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.Token}
}

func (v *vector) signer() *sigv4.Signer {
	return &sigv4.Signer{
		Region: v.context.Region, Profile: v.profile(), Debug: true,
		Now:        func() time.Time { return v.context.Timestamp },
		SignHeader: func(string) bool { return true },
	}
}

func (v *vector) verifier() *sigv4.Verifier {
	c := v.context.Credentials
	return &sigv4.Verifier{
		Keys:   sigv4.StaticKeys{c.AccessKeyID: {Secret: c.SecretAccessKey, SessionToken: c.Token}},
		Region: v.context.Region, Profile: v.profile(), Strict: true,
		Now: func() time.Time { return v.context.Timestamp },
	}
}

// request reads a file of the suite: lines end in LF, the target may hold raw
// spaces and raw UTF-8, headers may be folded. A body that is not signed is
// left out.
func (v *vector) request(tb testing.TB, file string) *http.Request {
	tb.Helper()
	head, body, _ := strings.Cut(v.file(tb, file), "\n\n")
	lines := strings.Split(strings.TrimRight(head, "\n"), "\n")
	method, rest, _ := strings.Cut(lines[0], " ")
	target := strings.TrimSuffix(rest, " HTTP/1.1")
	path, query, _ := strings.Cut(target, "?")
	r := &http.Request{Method: method, URL: &url.URL{}, Header: http.Header{}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
	var err error
	r.URL.RawPath = strings.ReplaceAll(escapeRaw(path), " ", "%20")
	r.URL.Path, err = url.PathUnescape(r.URL.RawPath)
	require.NoError(tb, err)
	r.URL.RawQuery = query
	var key string
	for _, line := range lines[1:] {
		if strings.HasPrefix(line, " ") {
			values := r.Header[key]
			values[len(values)-1] += "\n" + line
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		if key = http.CanonicalHeaderKey(name); key == "Host" {
			r.Host = value
			continue
		}
		r.Header[key] = append(r.Header[key], value)
	}
	if v.context.SignBody {
		r.ContentLength = int64(len(body))
		r.Body = io.NopCloser(strings.NewReader(body))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }
	}
	return r
}

func escapeRaw(s string) string {
	var b bytes.Buffer
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c >= 0x7f {
			b.WriteString("%" + strings.ToUpper(string("0123456789abcdef"[c>>4])+string("0123456789abcdef"[c&15])))
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func (v *vector) payload(tb testing.TB) sigv4.Payload {
	body := ""
	if v.context.SignBody {
		_, body, _ = strings.Cut(v.file(tb, "request.txt"), "\n\n")
	}
	return sigv4.Payload{Mode: sigv4.PayloadSHA256, SHA256: sha256.Sum256([]byte(body))}
}

// TestVectors signs the 38 cases in the header and in the query and compares
// canonical request, string to sign and signature; and verifies the 76 signed
// requests of the suite (SIG-109).
func TestVectors(t *testing.T) {
	cases := loadVectors(t)
	compared := 0
	for _, v := range cases {
		t.Run(v.name, func(t *testing.T) {
			s := v.signer()
			r := v.request(t, "request.txt")
			if v.context.SignBody {
				s.Profile.ContentSHA256 = true
			}
			signed, err := s.Sign(r, v.credentials(), v.payload(t))
			require.NoError(t, err)
			require.Equal(t, v.file(t, "header-canonical-request.txt"), signed.Canonical.String())
			require.Equal(t, v.file(t, "header-string-to-sign.txt"), signed.StringToSign)
			require.Equal(t, v.file(t, "header-signature.txt"), signed.Signature)

			s = v.signer()
			presigned, err := s.Presign(v.request(t, "request.txt"), v.credentials(), v.payload(t), time.Duration(v.context.Expiration)*time.Second)
			require.NoError(t, err)
			require.Equal(t, v.file(t, "query-canonical-request.txt"), presigned.Canonical.String())
			require.Equal(t, v.file(t, "query-string-to-sign.txt"), presigned.StringToSign)
			require.Equal(t, v.file(t, "query-signature.txt"), presigned.Signature)

			for _, file := range []string{"header-signed-request.txt", "query-signed-request.txt"} {
				r := v.request(t, file)
				id, err := v.verifier().Verify(r)
				require.NoError(t, err, file)
				require.Equal(t, "AKIDEXAMPLE", id.AccessKeyID)
				if r.Body != nil {
					_, err = io.ReadAll(r.Body)
					require.NoError(t, err)
				}
				compared++
			}
		})
	}
	require.Equal(t, 76, compared)
	testkit.Report(t, "vectors", "sigv4/v4", "-", compared)
}
