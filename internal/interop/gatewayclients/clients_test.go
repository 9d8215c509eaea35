// SPDX-License-Identifier: Apache-2.0

package gatewayclients

import (
	"context"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// world is one gateway and what a client of it needs.
type world struct {
	*interop.GatewayServer
	scheme string
	cases  int // operations compared so far
}

// clients are the six that issue their requests each in its own way. Every one
// uses buckets of its own.
var clients = []struct {
	name string
	run  func(*testing.T, *world) (version string)
}{
	{"aws-cli", testAWSCLI},
	{"boto3", testBoto3},
	{"aws-sdk-go-v2", testSDK},
	{"minio-go", testMinioGo},
	{"s3cmd", testS3cmd},
	{"rclone", testRclone},
}

func TestClients(t *testing.T) {
	interop.Require(t)
	sent := newTable()
	for _, tls := range []bool{false, true} {
		scheme := map[bool]string{false: "http", true: "https"}[tls]
		t.Run(scheme, func(t *testing.T) {
			g := interop.Gateway(t, interop.GatewayConfig{TLS: tls})
			for _, c := range clients {
				t.Run(c.name, func(t *testing.T) {
					w := &world{GatewayServer: g, scheme: scheme}
					before := len(g.Process.Output())
					version := c.run(t, w)
					sent.read(t, c.name, version, scheme, g.Process.Output()[before:])
					testkit.Report(t, "interop", "gatewayclients/"+c.name+"/"+scheme, version, w.cases)
				})
			}
		})
	}
	sent.compare(t)
}

// user is a set of keys and what the gateway says to requests signed with them.
type user struct{ name, id, secret, token, code string }

// strangers are keys that are no good.
func (w *world) strangers() []user {
	return []user{
		{"wrong secret", w.AccessKeyID, "not the secret of this key", "", "SignatureDoesNotMatch"},
		{"unknown key", "AKIANOBODYNOBODYNOBO", w.SecretAccessKey, "", "InvalidAccessKeyId"},
		{"expired token", w.ExpiredKeyID, w.ExpiredSecret, w.ExpiredToken, "ExpiredToken"},
		{"another token", w.TemporaryKeyID, w.TemporarySecret, "another/token==", "InvalidToken"},
	}
}

func (w *world) root() user { return user{"root", w.AccessKeyID, w.SecretAccessKey, "", ""} }

func (w *world) temporary() user {
	return user{"temporary", w.TemporaryKeyID, w.TemporarySecret, w.SessionToken, ""}
}

// shell runs commands in a folder, with an environment that names no proxy and
// no credentials but those given.
type shell struct {
	t   *testing.T
	w   *world
	dir string
	env []string
}

func newShell(t *testing.T, w *world, extra ...string) *shell {
	t.Helper()
	s := &shell{t: t, w: w, dir: t.TempDir()}
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		if upper := strings.ToUpper(name); strings.HasPrefix(upper, "AWS_") || strings.HasSuffix(upper, "_PROXY") || strings.HasSuffix(upper, "_CA_BUNDLE") {
			continue
		}
		s.env = append(s.env, v)
	}
	s.env = append(s.env, extra...)
	return s
}

// as is the shell of another user of the AWS tools.
func (s *shell) as(u user) *shell {
	other := *s
	other.env = append(s.env[:len(s.env):len(s.env)], "AWS_ACCESS_KEY_ID="+u.id, "AWS_SECRET_ACCESS_KEY="+u.secret, "AWS_SESSION_TOKEN="+u.token)
	return &other
}

// try runs a command and returns what it printed.
func (s *shell) try(args ...string) (string, error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, interop.Program(s.t, args[0]), args[1:]...)
	cmd.Dir, cmd.Env = s.dir, s.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// run is try for commands that have to succeed.
func (s *shell) run(args ...string) string {
	s.t.Helper()
	out, err := s.try(args...)
	require.NoError(s.t, err, "%s\n%s", strings.Join(args, " "), out)
	s.w.cases++
	return out
}

// fails runs a command that the gateway has to refuse with a code.
func (s *shell) fails(code string, args ...string) {
	s.t.Helper()
	out, err := s.try(args...)
	require.Error(s.t, err, "%s\n%s", strings.Join(args, " "), out)
	require.Contains(s.t, out, code, strings.Join(args, " "))
	s.w.cases++
}

// file writes a file of random bytes and returns its name.
func (s *shell) file(name string, size int) string {
	s.t.Helper()
	body := make([]byte, size)
	_, _ = rand.Read(body)
	path := filepath.Join(s.dir, name)
	require.NoError(s.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(s.t, os.WriteFile(path, body, 0o644))
	return name
}

func (s *shell) same(a, b string) {
	s.t.Helper()
	one, err := os.ReadFile(filepath.Join(s.dir, a))
	require.NoError(s.t, err)
	two, err := os.ReadFile(filepath.Join(s.dir, b))
	require.NoError(s.t, err)
	require.True(s.t, string(one) == string(two), "%s and %s differ", a, b)
	s.w.cases++
}
