// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/sigv4"
)

// modes is every way to send a body that foreign servers take.
func modes() map[string]sigv4.Payload {
	all := map[string]sigv4.Payload{
		"hash":     {},
		"unsigned": {Mode: sigv4.PayloadUnsigned},
		"chunked":  {Mode: sigv4.PayloadChunked},
	}
	for _, sum := range []string{"crc32", "crc32c", "crc64nvme", "sha1", "sha256"} {
		all["chunked-trailer/"+sum] = sigv4.Payload{Mode: sigv4.PayloadChunkedTrailer, Checksum: sum}
		all["unsigned-trailer/"+sum] = sigv4.Payload{Mode: sigv4.PayloadUnsignedTrailer, Checksum: sum}
	}
	return all
}

// peer signs requests to one server.
type peer struct {
	*interop.Server
	client *http.Client
}

func newPeer(s *interop.Server) *peer {
	p := &peer{Server: s, client: &http.Client{}}
	p.client.Transport = &sigv4.Transport{
		Signer: &sigv4.Signer{Region: s.Region, Profile: sigv4.ProfileFor("s3")},
		Credentials: func(context.Context) (sigv4.Credentials, error) {
			return sigv4.Credentials{AccessKeyID: s.AccessKeyID, SecretAccessKey: s.SecretAccessKey}, nil
		},
		Payload: func(r *http.Request) (sigv4.Payload, error) {
			p, _ := r.Context().Value(payloadKey{}).(sigv4.Payload)
			return p, nil
		},
	}
	return p
}

type payloadKey struct{}

func (p *peer) do(t *testing.T, method, path string, payload sigv4.Payload, body []byte) (int, []byte) {
	t.Helper()
	ctx := context.WithValue(context.Background(), payloadKey{}, payload)
	r, err := http.NewRequestWithContext(ctx, method, p.URL+path, bytes.NewReader(body))
	require.NoError(t, err)
	resp, err := p.client.Do(r)
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode, text
}

// Our uploads, accepted by foreign servers in every mode that they take, and
// read back as they were.
func TestServersAcceptOurUploads(t *testing.T) {
	interop.Require(t)
	for name, start := range map[string]func(testing.TB) *interop.Server{"versitygw": interop.Versitygw, "minio": interop.Minio} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(start(t))
			status, text := p.do(t, "PUT", "/uploads", sigv4.Payload{}, nil)
			for range 500 {
				if status != http.StatusServiceUnavailable {
					break
				}
				time.Sleep(20 * time.Millisecond) // minio answers before it is ready, and there is nothing to wait on
				status, text = p.do(t, "PUT", "/uploads", sigv4.Payload{}, nil)
			}
			require.Equal(t, 200, status, string(text))
			cases := 0
			for mode, payload := range modes() {
				for _, n := range []int{0, 1, 8191, 8192, 65536, 65537, 1<<20 + 1} {
					body := bytes.Repeat([]byte("0123456789abcde\n"), n/16+1)[:n]
					path := fmt.Sprintf("/uploads/%s-%d", strings.ReplaceAll(mode, "/", "-"), n)
					status, text := p.do(t, "PUT", path, payload, body)
					require.Equal(t, 200, status, "%s %d: %s", mode, n, text)
					status, text = p.do(t, "GET", path, sigv4.Payload{}, nil)
					require.Equal(t, 200, status)
					require.True(t, bytes.Equal(body, text), "%s %d", mode, n)
					cases++
				}
			}
			cases += refusals(t, p)
			cases += untaken(t, p)
			testkit.Report(t, "interop", "streams/uploads-to-"+name, p.Version, cases)
		})
	}
}

// refusals shows that the server checks at all: the same uploads with one byte
// of the framed body changed are refused.
func refusals(t *testing.T, p *peer) int {
	t.Helper()
	signer := &sigv4.Signer{Region: p.Region, Profile: sigv4.ProfileFor("s3")}
	c := sigv4.Credentials{AccessKeyID: p.AccessKeyID, SecretAccessKey: p.SecretAccessKey}
	cases := 0
	for mode, payload := range modes() {
		if payload.Mode != sigv4.PayloadChunked && payload.Mode != sigv4.PayloadChunkedTrailer && payload.Mode != sigv4.PayloadUnsignedTrailer {
			continue
		}
		r, err := http.NewRequest("PUT", p.URL+"/uploads/bad", bytes.NewReader(bytes.Repeat([]byte("x"), 9000)))
		require.NoError(t, err)
		_, err = signer.Sign(r, c, payload)
		require.NoError(t, err)
		framed, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		framed[len(framed)/2] ^= 1
		r.Body = io.NopCloser(bytes.NewReader(framed))
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.GreaterOrEqual(t, resp.StatusCode, 400, mode)
		cases++
	}
	return cases
}

// untaken shows that neither server knows SigV4A, so that no ECDSA mode is one
// it takes: the request is refused whatever its body.
func untaken(t *testing.T, p *peer) int {
	t.Helper()
	signer := &sigv4.Signer{Region: p.Region, Profile: sigv4.ProfileFor("s3"), Algorithm: sigv4.AlgorithmV4A}
	c := sigv4.Credentials{AccessKeyID: p.AccessKeyID, SecretAccessKey: p.SecretAccessKey}
	payloads := []sigv4.Payload{
		{},
		{Mode: sigv4.PayloadChunked},
		{Mode: sigv4.PayloadChunkedTrailer, Checksum: "crc32c"},
	}
	for _, payload := range payloads {
		r, err := http.NewRequest("PUT", p.URL+"/uploads/v4a", strings.NewReader("x"))
		require.NoError(t, err)
		_, err = signer.Sign(r, c, payload)
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.GreaterOrEqual(t, resp.StatusCode, 400)
	}
	return len(payloads)
}
