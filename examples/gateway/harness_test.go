// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
	"github.com/sallyport-go/sallyport/sigv4"
)

// bench is a gateway on a test server, and who speaks to it.
type bench struct {
	t      *testing.T
	config *Config
	g      *Gateway
	url    string
	log    *lockedBuffer
}

var everything = json.RawMessage(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)

func newBench(t *testing.T, change ...func(*Config)) *bench {
	t.Helper()
	b := openBench(t, change...)
	server := httptest.NewServer(b.g)
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

// openBench is a gateway that does not listen.
func openBench(t *testing.T, change ...func(*Config)) *bench {
	t.Helper()
	dir := t.TempDir()
	owner := User{Name: "owner", AccessKeyID: "AKIAOWNER00000000000", SecretAccessKey: "owner/secret", Policies: []json.RawMessage{everything}}
	guest := User{Name: "guest", AccessKeyID: "AKIAGUEST00000000000", SecretAccessKey: "guest/secret"}
	b := &bench{t: t, log: &lockedBuffer{}, config: &Config{Store: filepath.Join(dir, "store"), Durability: store.Written, Users: []User{owner, guest}, Domain: "s3.test", dir: dir}}
	for _, f := range change {
		f(b.config)
	}
	require.NoError(t, b.config.complete())
	var err error
	b.g, err = open(fixed(b.config), slog.New(slog.NewJSONHandler(b.log, nil)))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.g.close()) })
	return b
}

// lockedBuffer is a log that requests write while a test reads it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// request is a request as its fields say, signed by the owner unless Anonymous.
type request struct {
	method, target string
	body           string
	header         map[string]string
	as             string // user; empty: owner
	anonymous      bool
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
	code   string // of an error document
}

func (b *bench) send(q request) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), q.method, b.url+q.target, strings.NewReader(q.body))
	require.NoError(b.t, err)
	for name, value := range q.header {
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Set(name, value)
	}
	if !q.anonymous {
		user := b.config.Users[0]
		for _, u := range b.config.Users {
			if u.Name == q.as {
				user = u
			}
		}
		signer := &sigv4.Signer{Region: b.config.Region, Profile: sigv4.ProfileFor("s3")}
		_, err = signer.Sign(r, sigv4.Credentials{AccessKeyID: user.AccessKeyID, SecretAccessKey: user.SecretAccessKey}, sigv4.Payload{})
		require.NoError(b.t, err)
	}
	return b.do(r)
}

func (b *bench) do(r *http.Request) answer {
	b.t.Helper()
	resp, err := http.DefaultClient.Do(r)
	require.NoError(b.t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(body)}
	var doc struct{ Code string }
	if xml.Unmarshal(body, &doc) == nil {
		a.code = doc.Code
	}
	return a
}

func (b *bench) ok(q request) answer {
	b.t.Helper()
	a := b.send(q)
	require.Less(b.t, a.status, 300, "%s %s: %s", q.method, q.target, a.body)
	return a
}

func (b *bench) bucket(names ...string) {
	b.t.Helper()
	for _, name := range names {
		b.ok(request{method: "PUT", target: "/" + name})
	}
}

func (b *bench) put(target, body string) {
	b.t.Helper()
	b.ok(request{method: "PUT", target: target, body: body})
}

// refusal is a request and how it has to be refused.
type refusal struct {
	name   string
	q      request
	code   string
	status int
}

func (b *bench) refuse(cases []refusal) {
	b.t.Helper()
	for _, c := range cases {
		a := b.send(c.q)
		require.Equal(b.t, c.status, a.status, "%s: %s", c.name, a.body)
		if c.q.method != "HEAD" && c.status != http.StatusNotModified {
			require.Equal(b.t, c.code, a.code, "%s: %s", c.name, a.body)
		}
	}
}

// empty requires that no bucket holds an object and no upload is under way.
func (b *bench) empty(bucket string) {
	b.t.Helper()
	require.NotContains(b.t, b.ok(request{method: "GET", target: "/" + bucket + "?list-type=2"}).body, "<Key>")
	require.NotContains(b.t, b.ok(request{method: "GET", target: "/" + bucket + "?uploads"}).body, "<Upload>")
	b.noTemporaries()
}
