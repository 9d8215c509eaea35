// SPDX-License-Identifier: Apache-2.0

package interop

import (
	"crypto/tls"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/internal/testkit"
)

// GatewayConfig says how examples/gateway is started.
type GatewayConfig struct {
	TLS    bool           // serve https, with a certificate of a throwaway CA
	Dir    string         // an earlier gateway's folder, to start on it again; empty for a new one
	Fields map[string]any // of the configuration file, beside or instead of the usual ones
	Users  []any          // of the configuration file, beside the usual three

	Program string   // from BuildGateway, to start it often; empty builds it
	Env     []string // beside the test's own
	Wrap    []string // a command that runs the gateway: its words before the gateway's own
}

// GatewayServer is a running examples/gateway.
type GatewayServer struct {
	*Server
	Program string       // the binary
	Config  string       // its configuration file
	CA      string       // PEM file of the CA; empty without TLS
	Client  *http.Client // trusts the CA
	Domain  string       // BUCKET.Domain addresses a bucket by host

	// Temporary is a user whose key comes with SessionToken.
	TemporaryKeyID, TemporarySecret, SessionToken string
	// Expired is another one, whose key has ended.
	ExpiredKeyID, ExpiredSecret, ExpiredToken string
}

// Gateway builds examples/gateway and starts it with three users who may do
// everything: the server's, a temporary and an expired one.
func Gateway(tb testing.TB, config GatewayConfig) *GatewayServer {
	tb.Helper()
	g := &GatewayServer{
		Domain:         "s3.localhost",
		TemporaryKeyID: "ASIATEMPORARYTEMPORY", TemporarySecret: "temporary/secret", SessionToken: "a/session+token==",
		ExpiredKeyID: "ASIAEXPIREDEXPIREDEX", ExpiredSecret: "expired/secret", ExpiredToken: "an/expired+token==",
		Client: http.DefaultClient,
	}
	if config.Dir == "" {
		config.Dir = tb.TempDir()
	}
	program := config.Program
	if program == "" {
		program = BuildGateway(tb)
	}
	g.Program, g.Config = program, g.configure(tb, config)
	args := []string{"-config", g.Config}
	scheme := "http"
	if config.TLS {
		ca := NewCA(tb, "127.0.0.1", "localhost", g.Domain, "*."+g.Domain)
		args = append(args, "-tls-cert", ca.CertFile, "-tls-key", ca.KeyFile)
		g.CA, scheme = ca.File, "https"
		g.Client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool}, ForceAttemptHTTP2: true}}
	}
	g.Server = Listen(tb, func(addr string) *exec.Cmd {
		words := append(append(slices.Clone(config.Wrap), program), append(args, "-listen", addr)...)
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Env = append(os.Environ(), config.Env...)
		return cmd
	}, func(url string) bool {
		url = scheme + strings.TrimPrefix(url, "http")
		resp, err := g.Client.Get(url)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err == nil
	})
	g.URL = scheme + strings.TrimPrefix(g.URL, "http")
	g.Dir, g.Version = config.Dir, "examples/gateway"
	return g
}

// BuildGateway builds examples/gateway into the test's temporary folder.
func BuildGateway(tb testing.TB) string {
	tb.Helper()
	program := filepath.Join(tb.TempDir(), "gateway")
	cmd := exec.CommandContext(tb.Context(), "go", "build", "-o", program, "./gateway")
	cmd.Dir = filepath.Join(testkit.RepoRoot(tb), "examples")
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("interop: go build ./gateway: %v\n%s", err, out)
	}
	return program
}

func (g *GatewayServer) configure(tb testing.TB, config GatewayConfig) string {
	tb.Helper()
	everything := map[string]any{"Version": "2012-10-17", "Statement": map[string]any{"Effect": "Allow", "Action": "*", "Resource": "*"}}
	user := func(name, id, secret string) map[string]any {
		return map[string]any{"name": name, "access_key_id": id, "secret_access_key": secret, "policies": []any{everything}}
	}
	temporary := user("temporary", g.TemporaryKeyID, g.TemporarySecret)
	temporary["session_token"] = g.SessionToken
	expired := user("expired", g.ExpiredKeyID, g.ExpiredSecret)
	expired["session_token"], expired["expires"] = g.ExpiredToken, time.Now().Add(-time.Hour).UTC()
	fields := map[string]any{
		"store": "store", "region": peerRegion, "domain": g.Domain,
		"users": append([]any{user("root", peerKeyID, peerSecret), temporary, expired}, config.Users...),
	}
	maps.Copy(fields, config.Fields)
	text, err := json.MarshalIndent(fields, "", " ")
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(config.Dir, "gateway.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}
