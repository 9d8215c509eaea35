// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
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
)

// driver speaks WebDriver with chromedriver.
type driver struct {
	t       *testing.T
	session string // URL
}

func newDriver(t *testing.T) *driver {
	t.Helper()
	chromium := interop.Chromium(t)
	program := interop.Program(t, "chromedriver")
	server := interop.Listen(t, func(addr string) *exec.Cmd {
		return exec.Command(program, "--port="+addr[strings.LastIndex(addr, ":")+1:])
	}, func(url string) bool { return interop.Answers(url + "/status") })
	d := &driver{t: t}
	options := map[string]any{"binary": chromium, "args": []string{
		"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
		"--disable-sync", "--disable-dev-shm-usage", "--window-size=900,700", "--user-data-dir=" + t.TempDir(),
	}}
	var created struct{ SessionID string }
	d.post(server.URL+"/session", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{"goog:chromeOptions": options}}}, &created)
	d.session = server.URL + "/session/" + created.SessionID
	t.Cleanup(func() {
		r, err := http.NewRequest(http.MethodDelete, d.session, nil)
		require.NoError(t, err)
		if resp, err := http.DefaultClient.Do(r); err == nil {
			_ = resp.Body.Close()
		}
	})
	return d
}

// post sends a command and reads its value.
func (d *driver) post(url string, body, value any) {
	d.t.Helper()
	text, err := json.Marshal(body)
	require.NoError(d.t, err)
	client := http.Client{Timeout: time.Minute}
	resp, err := client.Post(url, "application/json", bytes.NewReader(text))
	require.NoError(d.t, err)
	d.value(resp, value)
}

func (d *driver) value(resp *http.Response, value any) {
	d.t.Helper()
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(d.t, err)
	require.Equal(d.t, http.StatusOK, resp.StatusCode, "%.2000s", text)
	if value != nil {
		require.NoError(d.t, json.Unmarshal(text, &struct{ Value any }{value}))
	}
}

func (d *driver) open(url string) {
	d.t.Helper()
	d.post(d.session+"/url", map[string]any{"url": "about:blank"}, nil) // a change of the fragment alone loads nothing
	d.post(d.session+"/url", map[string]any{"url": url}, nil)
}

// element returns the URL of the element that a CSS selector finds.
func (d *driver) element(selector string) string {
	d.t.Helper()
	var found map[string]string
	d.post(d.session+"/element", map[string]any{"using": "css selector", "value": selector}, &found)
	for _, id := range found {
		return d.session + "/element/" + id
	}
	d.t.Fatalf("no element %s", selector)
	return ""
}

func (d *driver) choose(selector, file string) {
	d.t.Helper()
	d.post(d.element(selector)+"/value", map[string]any{"text": file}, nil)
}

func (d *driver) click(selector string) {
	d.t.Helper()
	d.post(d.element(selector)+"/click", map[string]any{}, nil)
}

func (d *driver) text(selector string) string {
	d.t.Helper()
	resp, err := http.Get(d.element(selector) + "/text")
	require.NoError(d.t, err)
	var text string
	d.value(resp, &text)
	return text
}

// await waits until the page's status holds a text.
func (d *driver) await(want string) {
	d.t.Helper()
	require.Eventually(d.t, func() bool { return strings.Contains(d.text("#status"), want) }, 20*time.Second, 50*time.Millisecond,
		"the page never says %q", want)
}

// screenshot keeps a picture of the page in $SALLYPORT_ARTIFACTS, where that is
// set.
func (d *driver) screenshot(name string) {
	d.t.Helper()
	resp, err := http.Get(d.session + "/screenshot")
	require.NoError(d.t, err)
	var text string
	d.value(resp, &text)
	picture, err := base64.StdEncoding.DecodeString(text)
	require.NoError(d.t, err)
	require.True(d.t, bytes.HasPrefix(picture, []byte("\x89PNG")))
	if dir := os.Getenv("SALLYPORT_ARTIFACTS"); dir != "" {
		require.NoError(d.t, os.MkdirAll(dir, 0o755))
		require.NoError(d.t, os.WriteFile(filepath.Join(dir, name), picture, 0o644))
	}
}
