// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/sigv4"
)

// page is the upload page of one gateway in one browser.
type page struct {
	*driver
	gateway *interop.GatewayServer
	client  *http.Client // signs
}

// link asks the gateway's own command for a link.
func (p *page) link(args ...string) string {
	p.t.Helper()
	base := []string{"-config", p.gateway.Config, "-url", p.gateway.URL, "-user", "root"}
	out, err := exec.CommandContext(p.t.Context(), p.gateway.Program, append(base, args...)...).Output()
	require.NoError(p.t, err)
	return strings.TrimSpace(string(out))
}

func (p *page) get(path string) (int, []byte) {
	p.t.Helper()
	resp, err := p.client.Get(p.gateway.URL + path)
	require.NoError(p.t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(p.t, err)
	return resp.StatusCode, body
}

func TestUploadPage(t *testing.T) {
	interop.Require(t)
	g := interop.Gateway(t, interop.GatewayConfig{})
	keys := func(context.Context) (sigv4.Credentials, error) {
		return sigv4.Credentials{AccessKeyID: g.AccessKeyID, SecretAccessKey: g.SecretAccessKey}, nil
	}
	signing := &sigv4.Transport{Signer: &sigv4.Signer{Region: g.Region, Profile: sigv4.ProfileFor("s3")}, Credentials: keys}
	p := &page{newDriver(t), g, &http.Client{Transport: signing}}
	r, err := http.NewRequest(http.MethodPut, g.URL+"/inbox", nil)
	require.NoError(t, err)
	resp, err := p.client.Do(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)

	dir := t.TempDir()
	body := make([]byte, 3<<20)
	_, _ = rand.Read(body)
	file := filepath.Join(dir, "holiday ü (1).bin")
	require.NoError(t, os.WriteFile(file, body, 0o600))

	t.Run("a file arrives", func(t *testing.T) {
		p.open(p.link("-upload-link", "inbox/from/browser/"))
		require.Contains(t, p.text("#terms"), "104.9 MB")
		p.choose("#file", file)
		p.click("#send")
		p.await("Stored as from/browser/holiday ü (1).bin.")
		p.screenshot("upload-page-stored.png")
		status, got := p.get("/inbox/from/browser/holiday%20%C3%BC%20%281%29.bin")
		require.Equal(t, http.StatusOK, status)
		require.True(t, string(got) == string(body), "%d bytes arrived", len(got))
	})
	t.Run("a file too large is not sent", func(t *testing.T) {
		p.open(p.link("-upload-link", "inbox/small/", "-max-bytes", "1000"))
		p.choose("#file", file)
		p.click("#send")
		p.await("The file is too large: this link takes at most 1.0 kB.")
		p.screenshot("upload-page-refused.png")
	})
	t.Run("an expired link says so", func(t *testing.T) {
		link := p.link("-upload-link", "inbox/late/", "-expires", "1s")
		time.Sleep(2 * time.Second) // until it has expired
		p.open(link)
		p.choose("#file", file)
		p.click("#send")
		p.await("This link has expired. Ask for a new one.")
	})
	t.Run("a damaged link says so", func(t *testing.T) {
		p.open(g.URL + "/upload#AAAA")
		p.await("This link is incomplete")
	})
	for _, path := range []string{"/inbox/small/holiday%20%C3%BC%20%281%29.bin", "/inbox/late/holiday%20%C3%BC%20%281%29.bin"} {
		status, _ := p.get(path)
		require.Equal(t, http.StatusNotFound, status)
	}
	testkit.Report(t, "interop", "browser/upload", interop.Version(t, interop.Chromium(t), "--version"), 4)
}
