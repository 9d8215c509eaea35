// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/sigv4"
)

// passes verifies a request and reads its body.
func passes(v *sigv4.Verifier, r *http.Request) bool {
	_, err := v.Verify(r)
	if err == nil && r.Body != nil {
		_, err = io.ReadAll(r.Body)
	}
	return err == nil
}

// mutable is a request in parts that a test flips bytes of.
type mutable struct {
	method, path, query, host string
	header                    http.Header
	body                      []byte
}

// parts lists each signed part by name with a pointer to change it through.
func (m *mutable) parts() map[string]func(func(string) string) {
	out := map[string]func(func(string) string){
		"method": func(f func(string) string) { m.method = f(m.method) },
		"path":   func(f func(string) string) { m.path = f(m.path) },
		"query":  func(f func(string) string) { m.query = f(m.query) },
		"host":   func(f func(string) string) { m.host = f(m.host) },
		"body":   func(f func(string) string) { m.body = []byte(f(string(m.body))) },
	}
	for key, values := range m.header {
		for i := range values {
			out["header "+key] = func(f func(string) string) { m.header[key][i] = f(m.header[key][i]) }
		}
	}
	return out
}

func (m *mutable) clone() *mutable {
	c := *m
	c.header, c.body = m.header.Clone(), bytes.Clone(m.body)
	return &c
}

// request builds what a server would see, if the bytes can be a request.
func (m *mutable) request() *http.Request {
	r := &http.Request{
		Method: m.method, Host: m.host, Header: m.header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		URL: &url.URL{RawQuery: m.query}, RequestURI: m.path + "?" + m.query,
		Body: io.NopCloser(bytes.NewReader(m.body)), ContentLength: int64(len(m.body)),
	}
	if len(m.body) == 0 {
		r.Body = http.NoBody
	}
	return r
}

// meaning is what the signature covers of a request: two requests of one
// meaning may have one signature. It is the reference's canonical request, the
// string to sign's parts, and the body.
func (m *mutable) meaning(p sigv4.Profile, presigned bool) (string, bool) {
	r := m.request()
	var names []string
	if presigned {
		list, ok := param(m.query, "X-Amz-SignedHeaders")
		if !ok {
			return "", false
		}
		names = strings.Split(list, ";")
	} else {
		_, list, _ := strings.Cut(m.header.Get("Authorization"), "SignedHeaders=")
		list, _, _ = strings.Cut(list, ",")
		names = strings.Split(list, ";")
	}
	canonical, ok := refCanonical(r, m.path, p, names, m.header.Get("X-Amz-Content-Sha256"))
	signature, _ := param(m.query, "X-Amz-Signature")
	authorization := strings.NewReplacer(" ", "", "\t", "").Replace(m.header.Get("Authorization"))
	return canonical + "\n" + m.header.Get("X-Amz-Date") + signature + authorization + string(m.body), ok
}

func param(query, name string) (string, bool) {
	for piece := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(piece, "=")
		if key, ok := refDecode(key, true); ok && key == name {
			return refDecode(value, true)
		}
	}
	return "", false
}

// TestMutationsSIG108 flips bits of every part of signed requests. A flip is
// refused unless the request means the same, and then it must be accepted.
func TestMutationsSIG108(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	classes, total, equal := testkit.Classes{}, 0, 0
	for _, presign := range []bool{false, true} {
		for _, profile := range []sigv4.Profile{profileS3, profileDefault} {
			original := mutationSubject(t, profile, presign)
			v := testVerifier()
			v.Profile, v.OriginalURI = profile, true
			require.True(t, passes(v, original.clone().request()))
			want, ok := original.meaning(profile, presign)
			require.True(t, ok)
			for _, part := range slices.Sorted(maps.Keys(original.parts())) {
				for range partFlips() {
					m := original.clone()
					changed := false
					m.parts()[part](func(s string) string {
						if s == "" {
							return s
						}
						b := []byte(s)
						b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
						changed = true
						return string(b)
					})
					if !changed {
						continue
					}
					got, ok := m.meaning(profile, presign)
					same := ok && got == want
					name, _, _ := strings.Cut(part, " ")
					classes.Add(name, true)
					total++
					if same {
						equal++
					}
					require.Equal(t, same, passes(v, m.request()), "%s of %+v", part, m)
				}
			}
		}
	}
	require.Positive(t, equal, "no flip kept the meaning: the other half of the rule was not met")
	classes.Require(t, total)
}

// partFlips is how many flips each part gets.
func partFlips() int {
	if testing.Short() {
		return 60
	}
	return 600
}

func mutationSubject(t *testing.T, profile sigv4.Profile, presign bool) *mutable {
	t.Helper()
	s := testSigner()
	s.Profile = profile
	r := incoming("PUT", "/a%20b/c+d?x=1&y=%2F&y=2&z", "the body")
	r.Header = http.Header{"X-Amz-Meta-A": {"one  two"}, "Content-Type": {"text/plain"}}
	body := []byte("the body")
	p := sigv4.Payload{Mode: sigv4.PayloadSHA256}
	p.SHA256 = sha256.Sum256(body)
	m := &mutable{method: "PUT", path: "/a%20b/c+d", host: r.Host, body: body}
	if presign {
		got, err := s.Presign(r, testCredentials(), p, time.Hour)
		require.NoError(t, err)
		_, m.query, _ = strings.Cut(got.URL, "?")
		m.header = got.Header.Clone()
		return m
	}
	_, err := s.Sign(r, testCredentials(), p)
	require.NoError(t, err)
	m.query, m.header = r.URL.RawQuery, r.Header.Clone()
	return m
}

// TestVectorMutations changes single bytes of every signed part of the 76
// requests of the suite.
func TestVectorMutations(t *testing.T) {
	changes := 0
	for _, vec := range loadVectors(t) {
		for _, file := range []string{"header-signed-request.txt", "query-signed-request.txt"} {
			change := func(name string, f func(r *http.Request)) {
				r := vec.request(t, file)
				f(r)
				changes++
				id, err := vec.verifier().Verify(r)
				if err == nil && r.Body != nil {
					_, err = io.ReadAll(r.Body)
				}
				var e *sigv4.Error
				require.True(t, errors.As(err, &e), "%s %s: %s was accepted: %+v", vec.name, file, name, id)
			}
			change("method", func(r *http.Request) { r.Method += "X" })
			change("path", func(r *http.Request) { r.URL.Path += "x"; r.URL.RawPath = "" })
			change("parameter", func(r *http.Request) { r.URL.RawQuery += "&x" })
			change("host", func(r *http.Request) { r.Host += "x" })
			if vec.context.SignBody {
				change("body", func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("Param1=value2")) })
			}
			for key, values := range vec.request(t, file).Header {
				if key == "X-Amz-Security-Token" && vec.context.OmitToken {
					continue
				}
				for i, value := range values {
					for at := range len(value) {
						if !isSpaceByte(value[at]) && (key != "Authorization" || value[at] != '=' || at > 40) {
							change("header "+key, func(r *http.Request) {
								b := []byte(value)
								b[at] ^= 1
								if isSpaceByte(b[at]) { // a space or none may mean the same
									b[at] = 'x'
								}
								r.Header[key][i] = string(b)
							})
						}
					}
				}
			}
			query := vec.request(t, file).URL.RawQuery
			for at := range len(query) {
				change("query byte", func(r *http.Request) {
					b := []byte(query)
					b[at] ^= 1
					r.URL.RawQuery = string(b)
					if name, _, ok := strings.Cut(pieceAt(query, at), "="); ok && name == "X-Amz-Security-Token" && vec.context.OmitToken || equalQueries(query, string(b)) {
						r.Method = "other" // not signed, or the same query: another change instead
					}
				})
			}
		}
	}
	require.Greater(t, changes, 10_000)
}

func isSpaceByte(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func pieceAt(query string, at int) string {
	start := strings.LastIndexByte(query[:at], '&') + 1
	piece, _, _ := strings.Cut(query[start:], "&")
	return piece
}

// equalQueries says whether two queries are one, the signature included.
func equalQueries(a, b string) bool {
	qa, oka := refQuery(a, profileSuite)
	qb, okb := refQuery(b, profileSuite)
	sa, _ := param(a, "X-Amz-Signature")
	sb, _ := param(b, "X-Amz-Signature")
	return oka && okb && qa == qb && sa == sb
}
