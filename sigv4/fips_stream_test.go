// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"crypto/fips140"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/sigv4"
)

// Every mode works with approved algorithms only; what they leave out is
// ErrFIPS, never a panic.
func TestStreamsFIPS(t *testing.T) {
	for _, u := range uploads() {
		in, _ := u.put(t, strings.Repeat("x", 20_000), nil)
		got, err := drain(streamVerifier(), in)
		require.NoError(t, err, u.name)
		require.Len(t, got, 20_000)
	}
	s := newEventStream(t, streamNow, 0, "message")
	_, err := s.verify(append(append([]byte{}, s.frames[0]...), s.frames[1]...), streamNow)
	require.NoError(t, err)
	for _, sum := range []string{"sha1", "md5"} {
		u := upload{payload: sigv4.Payload{Mode: sigv4.PayloadChunkedTrailer, Checksum: sum}}
		r, err := http.NewRequest("PUT", "https://s3.amazonaws.com/bucket/key", strings.NewReader("hello"))
		require.NoError(t, err)
		_, err = streamSigner(sigv4.AlgorithmV4).Sign(r, streamCredentials, u.payload)
		if fips140.Enforced() {
			require.ErrorIs(t, err, sigv4.ErrFIPS)
		} else {
			require.NoError(t, err)
		}
	}
	if !fips140.Enforced() {
		return
	}
	// On arrival: refused before the body is read.
	in, _ := upload{payload: sigv4.Payload{Mode: sigv4.PayloadUnsignedTrailer, Checksum: "crc32"}}.put(t, "hello", func(r *http.Request) {})
	in.Header.Set("X-Amz-Trailer", "x-amz-checksum-md5")
	in = resign(t, upload{}, in, nil)
	in.Body = untouched{t}
	_, err = streamVerifier().Verify(in)
	requireRefusal(t, err, "InvalidRequest", 400)
	require.ErrorIs(t, err, sigv4.ErrFIPS)
	_, err = sigv4.Credentials{AccessKeyID: "AKID", SecretAccessKey: "short"}.V4APublicKey()
	require.ErrorIs(t, err, sigv4.ErrFIPS)
}
