// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/sigv4"
)

// wireServer answers with the body that it read, or with the code of what it
// refused.
func wireServer(t *testing.T, v *sigv4.Verifier) *url.URL {
	t.Helper()
	server := httptest.NewServer(v.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("X-Signed", r.Header.Get("Authorization"))
		_, _ = w.Write(body)
	})))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	require.NoError(t, err)
	return u
}

var wireKey = sigv4.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"}

func wirePair(service string) (*sigv4.Verifier, *sigv4.Transport) {
	p := sigv4.ProfileFor(service)
	return &sigv4.Verifier{Keys: sigv4.StaticKeys{"AKID": {Secret: "secret"}}, Region: "us-east-1", Profile: p},
		&sigv4.Transport{Signer: &sigv4.Signer{Region: "us-east-1", Profile: p}, Credentials: func(context.Context) (sigv4.Credentials, error) { return wireKey, nil }}
}

// TestSIG1EmptyMethod: package http sends GET where a request has no method,
// and GET is what has to be signed.
func TestSIG1EmptyMethod(t *testing.T) {
	for _, service := range []string{"s3", "sts"} {
		v, transport := wirePair(service)
		u := wireServer(t, v)
		resp, err := transport.RoundTrip(&http.Request{URL: u, Header: http.Header{}})
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, 200, resp.StatusCode)

		r := &http.Request{URL: u, Header: http.Header{}}
		p, err := transport.Signer.Presign(r, wireKey, sigv4.Payload{}, time.Minute)
		require.NoError(t, err)
		require.Equal(t, "GET", p.Method)
		resp, err = http.Get(p.URL)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, 200, resp.StatusCode)

		c, err := sigv4.Canonicalize(r, transport.Signer.Profile, nil, "UNSIGNED-PAYLOAD")
		require.NoError(t, err)
		require.Equal(t, "GET", c.Method)
		require.Empty(t, r.Method, "the request stays as it was")
	}
}

// TestSIG18UnsentLength: package http sends no Content-Length of the header map,
// and none at all for a GET without a body: a proxy that signs what it passes on
// must not sign the one that its client sent.
func TestSIG18UnsentLength(t *testing.T) {
	v, transport := wirePair("s3")
	back := wireServer(t, v)
	front := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   func(p *httputil.ProxyRequest) { p.SetURL(back); p.Out.Host = back.Host },
		Transport: transport,
	})
	t.Cleanup(front.Close)
	address := strings.TrimPrefix(front.URL, "http://")
	for _, tt := range []struct{ method, body string }{
		{"GET", ""}, {"HEAD", ""}, {"DELETE", ""}, {"PUT", ""}, {"PUT", "body"}, {"POST", "body"},
	} {
		conn, err := net.Dial("tcp", address)
		require.NoError(t, err)
		_, err = fmt.Fprintf(conn, "%s /k HTTP/1.1\r\nHost: %s\r\nX-Amz-Content-Sha256: UNSIGNED-PAYLOAD\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", tt.method, address, len(tt.body), tt.body)
		require.NoError(t, err)
		resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: tt.method})
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, conn.Close())
		require.Equal(t, 200, resp.StatusCode, "%v: %s", tt, body)
		require.Equal(t, tt.body != "", strings.Contains(resp.Header.Get("X-Signed"), "content-length"), "%v", tt)
	}
	// A URL pins the length that its header says (PRE-8): nobody sends it yet.
	r := &http.Request{Method: "PUT", URL: back, Header: http.Header{"Content-Length": {"4"}}}
	p, err := transport.Signer.Presign(r, wireKey, sigv4.Payload{}, time.Minute)
	require.NoError(t, err)
	require.Equal(t, "content-length;host", p.SignedHeaders)
}

// TestSIG19Zone: package http takes the zone out of an IPv6 address before it
// sends the host (RFC 6874, section 3).
func TestSIG19Zone(t *testing.T) {
	for raw, want := range map[string]string{
		"http://[fe80::1%25eth0]:9000/": "[fe80::1]:9000", "http://[fe80::1%25eth0]:80/": "[fe80::1]", "http://[fe80::1%25eth0]/": "[fe80::1]",
		"http://[::1]:9000/": "[::1]:9000", "https://[::1]:443/": "[::1]", "http://h%25:1/": "h%:1",
	} {
		u, err := url.Parse(raw)
		if err != nil {
			continue // no host
		}
		r := &http.Request{Method: "GET", URL: u, Header: http.Header{}}
		signer := &sigv4.Signer{Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Debug: true}
		signed, err := signer.Sign(r, wireKey, sigv4.Payload{})
		require.NoError(t, err)
		require.Equal(t, want, r.Host, raw)
		require.Contains(t, signed.Canonical.Headers, "host:"+want+"\n")
	}
}
