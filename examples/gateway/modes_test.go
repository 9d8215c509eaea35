// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/sigv4"
)

// TestEveryPayloadMode stores a body in every mode of both algorithms, and
// stores nothing of one that was changed on its way.
func TestEveryPayloadMode(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	body := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	payloads := map[string]sigv4.Payload{
		"sha256": {}, "unsigned": {Mode: sigv4.PayloadUnsigned}, "chunked": {Mode: sigv4.PayloadChunked},
		"chunked trailer":  {Mode: sigv4.PayloadChunkedTrailer, Checksum: "crc32c"},
		"unsigned trailer": {Mode: sigv4.PayloadUnsignedTrailer, Checksum: "crc64nvme"},
		"sha512 trailer":   {Mode: sigv4.PayloadChunkedTrailer, Checksum: "sha512"}, // SIG-54
		"md5 trailer":      {Mode: sigv4.PayloadUnsignedTrailer, Checksum: "md5"},
	}
	for _, algorithm := range []sigv4.Algorithm{sigv4.AlgorithmV4, sigv4.AlgorithmV4A} {
		for name, payload := range payloads {
			target := fmt.Sprintf("/bucket/%s/%s", algorithm, strings.ReplaceAll(name, " ", "-"))
			a := b.do(b.sign(algorithm, payload, target, body))
			require.Equal(t, 200, a.status, "%s: %s", target, a.body)
			got := b.ok(get(target, "x-amz-checksum-mode", "ENABLED"))
			require.True(t, got.body == string(body), target)
			if payload.Checksum != "" {
				require.NotEmpty(t, got.header.Get("x-amz-checksum-"+payload.Checksum), target)
			}
			require.Empty(t, got.header.Get("Content-Encoding"), "the framing is not the object's")
			if name == "unsigned" {
				continue // nothing tells a changed body there
			}
			a = b.do(tamper(b.sign(algorithm, payload, target+"-changed", body)))
			require.GreaterOrEqual(t, a.status, 400, target)
			require.Equal(t, "NoSuchKey", b.send(get(target+"-changed")).code, target)
			a = b.do(truncate(b.sign(algorithm, payload, target+"-cut", body)))
			require.GreaterOrEqual(t, a.status, 400, target)
			require.Equal(t, "NoSuchKey", b.send(get(target+"-cut")).code, target)
		}
	}
}

func (b *bench) sign(algorithm sigv4.Algorithm, payload sigv4.Payload, target string, body []byte) *http.Request {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPut, b.url+target, bytes.NewReader(body))
	require.NoError(b.t, err)
	signer := &sigv4.Signer{Region: b.config.Region, Profile: sigv4.ProfileFor("s3"), Algorithm: algorithm}
	u := b.config.Users[0]
	_, err = signer.Sign(r, sigv4.Credentials{AccessKeyID: u.AccessKeyID, SecretAccessKey: u.SecretAccessKey}, payload)
	require.NoError(b.t, err)
	return r
}

// tamper flips a bit of the body's data.
func tamper(r *http.Request) *http.Request {
	return rewrite(r, func(wire []byte) []byte {
		i := bytes.Index(wire, []byte("cdef0123")) // of the data, not of its framing
		wire[i] ^= 1
		return wire
	})
}

// truncate takes the body's end away, and says so in the length.
func truncate(r *http.Request) *http.Request {
	return rewrite(r, func(wire []byte) []byte { return wire[:len(wire)-10] })
}

func rewrite(r *http.Request, change func([]byte) []byte) *http.Request {
	wire, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err) // a reader over memory
	}
	wire = change(slices.Clone(wire))
	r.Body, r.ContentLength, r.GetBody = io.NopCloser(bytes.NewReader(wire)), int64(len(wire)), nil
	return r
}
