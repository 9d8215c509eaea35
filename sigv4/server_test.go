// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/sigv4"
)

// servers starts the handler behind HTTP/1.1 and behind HTTP/2.
func servers(t *testing.T, h http.Handler) map[string]*httptest.Server {
	t.Helper()
	plain := httptest.NewServer(h)
	t.Cleanup(plain.Close)
	two := httptest.NewUnstartedServer(h)
	two.EnableHTTP2 = true
	two.StartTLS()
	t.Cleanup(two.Close)
	return map[string]*httptest.Server{"HTTP/1.1": plain, "HTTP/2.0": two}
}

func liveSigner(p sigv4.Profile) *sigv4.Signer { return &sigv4.Signer{Region: "us-east-1", Profile: p} }

func liveVerifier(p sigv4.Profile) *sigv4.Verifier {
	return &sigv4.Verifier{Keys: sigv4.StaticKeys{testKey: {Secret: secretS}}, Region: "us-east-1", Profile: p}
}

func client(s *httptest.Server, signer *sigv4.Signer, payload func(*http.Request) (sigv4.Payload, error)) *http.Client {
	return &http.Client{Transport: &sigv4.Transport{
		Signer: signer, Base: s.Client().Transport, Payload: payload,
		Credentials: func(context.Context) (sigv4.Credentials, error) { return testCredentials(), nil },
	}}
}

// TestServers sends real requests over both protocols: paths and queries with
// corners, headers that net/http moves or adds after signing (SIG-18), bodies of
// known and unknown length.
func TestServers(t *testing.T) {
	for _, profile := range []sigv4.Profile{profileS3, profileDefault} {
		handler := liveVerifier(profile).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			id, ok := sigv4.FromContext(r.Context())
			if !ok {
				http.Error(w, "no identity", http.StatusInternalServerError)
				return
			}
			body, err := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %s %s %d %v", r.Proto, id.AccessKeyID, id.Path, len(body), err)
		}))
		for proto, server := range servers(t, handler) {
			t.Run(profile.Service+" "+proto, func(t *testing.T) {
				signer := liveSigner(profile)
				signer.SignHeader = func(name string) bool { return name != "accept-encoding" && name != "user-agent" }
				c := client(server, signer, nil)
				for _, target := range []string{"/", "/a%2Fb", "/a+b", "/(1)", "/%c3%a9", "/a?x=1&x=0&y", "/a?x=+%2B&~=%7E", "/a?b=%2F/&a-=1&a=1", "//a//b/", "/a/./b/../c"} {
					for method, body := range map[string]string{"GET": "", "PUT": "body", "POST": ""} {
						r, err := http.NewRequest(method, server.URL+target, strings.NewReader(body))
						require.NoError(t, err)
						r.Header["X-Amz-Meta-A"] = []string{" a   b", "c"}
						r.Header.Set("Pragma", "no-cache")
						r.Header.Set("Cookie", "a=b")
						require.Equal(t, fmt.Sprintf("%s %s %s %d <nil>", proto, testKey, r.URL.Path, len(body)), ask(t, c, r), "%s %s", method, target)
					}
				}
			})
		}
	}
}

func ask(t *testing.T, c *http.Client, r *http.Request) string {
	t.Helper()
	resp, err := c.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(text)
}

// TestServersBodies streams a body whose hash is stated, right and wrong.
func TestServersBodies(t *testing.T) {
	big := bytes.Repeat([]byte("sallyport"), 100_000)
	handler := liveVerifier(profileS3).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		var e *sigv4.Error
		if errors.As(err, &e) {
			sigv4.S3XML(w, r, e)
			return
		}
		fmt.Fprint(w, n, err)
	}))
	for proto, server := range servers(t, handler) {
		t.Run(proto, func(t *testing.T) {
			for _, chunked := range []bool{false, true} {
				for _, tampered := range []bool{false, true} {
					c := client(server, liveSigner(profileS3), func(*http.Request) (sigv4.Payload, error) {
						return sigv4.Payload{Mode: sigv4.PayloadSHA256, SHA256: sha256.Sum256(big)}, nil
					})
					body := bytes.Clone(big)
					if tampered {
						body[len(body)/2] ^= 1
					}
					r, err := http.NewRequest("PUT", server.URL+"/k", io.NopCloser(bytes.NewReader(body)))
					require.NoError(t, err)
					if r.ContentLength = int64(len(body)); chunked {
						r.ContentLength = -1
					}
					text := ask(t, c, r)
					if tampered {
						require.Contains(t, text, "<Code>XAmzContentSHA256Mismatch</Code>")
					} else {
						require.Equal(t, "900000 <nil>", text)
					}
				}
			}
		})
	}
}

// TestExpectContinueSIG124: a refusal reaches the client before it sends the
// body, and a handler that reads nothing ends the exchange too.
func TestExpectContinueSIG124(t *testing.T) {
	refused := httptest.NewServer(liveVerifier(profileS3).Handler(http.NotFoundHandler()))
	defer refused.Close()
	for _, sign := range []bool{false, true} {
		r, err := http.NewRequest("PUT", refused.URL+"/k", nil)
		require.NoError(t, err)
		r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
		if sign {
			_, err = liveSigner(profileS3).Sign(r, testCredentials(), sigv4.Payload{Mode: sigv4.PayloadSHA256})
			require.NoError(t, err)
		}
		conn, err := net.Dial("tcp", refused.Listener.Addr().String())
		require.NoError(t, err)
		require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
		fmt.Fprintf(conn, "PUT /k HTTP/1.1\r\nHost: %s\r\nExpect: 100-continue\r\nContent-Length: 1048576\r\n", r.URL.Host)
		require.NoError(t, r.Header.Write(conn))
		fmt.Fprint(conn, "\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		want := http.StatusForbidden
		if sign {
			want = http.StatusNotFound
		}
		require.Equal(t, want, resp.StatusCode)
		require.NoError(t, conn.Close())
	}
}

// TestConcurrency uses one Signer and one Verifier from many goroutines, with
// more keys than the cache holds (SIG-121).
func TestConcurrency(t *testing.T) {
	keys := sigv4.StaticKeys{}
	for i := range 40 {
		keys[fmt.Sprint("AKID", i)] = sigv4.Key{Secret: fmt.Sprint("secret of the key number ", i)}
	}
	s, v := testSigner(), testVerifier()
	s.KeyCache, v.KeyCache, v.Keys = 8, 8, keys
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				id := fmt.Sprint("AKID", (g*7+i)%40)
				r := incoming("GET", fmt.Sprintf("/k/%d?b=%d&a=1", i, g), "")
				if _, err := s.Sign(r, sigv4.Credentials{AccessKeyID: id, SecretAccessKey: keys[id].Secret}, sigv4.Payload{}); err != nil {
					t.Error(err)
				}
				if got, err := v.Verify(r); err != nil || got.AccessKeyID != id {
					t.Error(got, err)
				}
				r.URL.RawQuery += "&c=1"
				if _, err := v.Verify(r); !errors.Is(err, sigv4.ErrSignatureMismatch) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
