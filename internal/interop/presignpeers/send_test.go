// SPDX-License-Identifier: Apache-2.0

package presignpeers

import (
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/presign"
	"github.com/stretchr/testify/require"
)

// answer is what a server says.
type answer struct {
	status int
	header http.Header
	body   string
}

// sender sends a presigned request as a client that knows nothing of AWS.
type sender func(t testing.TB, u *presign.URL, body string) answer

// viaNetHTTP is the standard library's client.
func viaNetHTTP(t testing.TB, u *presign.URL, body string) answer {
	t.Helper()
	var content io.Reader
	if u.Method == http.MethodPut || u.Method == http.MethodPost {
		content = strings.NewReader(body)
	}
	r, err := u.Request(t.Context(), content)
	require.NoError(t, err)
	return do(t, r)
}

func do(t testing.TB, r *http.Request) answer {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{resp.StatusCode, resp.Header, string(text)}
}

// viaCurl runs the command that CurlLine prints, through a shell.
func viaCurl(t testing.TB, u *presign.URL, body string) answer {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "FILE"), []byte(body), 0o600))
	line := strings.Replace(u.CurlLine(true), "curl ", "curl --silent --show-error --dump-header HEAD --output BODY --write-out '%{http_code}' ", 1)
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Dir = dir
	out, err := cmd.Output()
	require.NoError(t, err, line)
	status, err := strconv.Atoi(string(out))
	require.NoError(t, err)
	text, _ := os.ReadFile(filepath.Join(dir, "BODY"))
	if u.Method == http.MethodHead {
		text = nil
	}
	return answer{status, readHead(t, filepath.Join(dir, "HEAD")), string(text)}
}

func readHead(t testing.TB, file string) http.Header {
	t.Helper()
	head, err := os.ReadFile(file)
	require.NoError(t, err)
	h := make(http.Header)
	for line := range strings.SplitSeq(string(head), "\r\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			h.Add(name, value)
		}
	}
	return h
}

// sendForm posts a form as a browser does, the file last.
func sendForm(t testing.TB, url string, fields [][2]string, filename, content string) answer {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, f := range fields {
		require.NoError(t, w.WriteField(f[0], f[1]))
	}
	part, err := w.CreateFormFile("file", filename)
	require.NoError(t, err)
	_, err = io.WriteString(part, content)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, &body)
	require.NoError(t, err)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return do(t, r)
}
