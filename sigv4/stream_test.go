// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/sigv4"
)

const (
	streamAKID   = "AKIAIOSFODNN7EXAMPLE"
	streamSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

var (
	streamCredentials = sigv4.Credentials{AccessKeyID: streamAKID, SecretAccessKey: streamSecret}
	streamNow         = time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
)

func streamClock() time.Time { return streamNow }

func streamSigner(a sigv4.Algorithm) *sigv4.Signer {
	return &sigv4.Signer{
		Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Algorithm: a, Now: streamClock,
		Deterministic: true, Debug: true,
	}
}

const everyMode = sigv4.ModeHeader | sigv4.ModeQuery | sigv4.ModeChunked | sigv4.ModeUnsignedTrailer | sigv4.ModeV4A | sigv4.ModeEvents

func streamVerifier() *sigv4.Verifier {
	return &sigv4.Verifier{
		Keys:   sigv4.StaticKeys{streamAKID: {Secret: streamSecret}},
		Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Modes: everyMode, Now: streamClock,
	}
}

// documentedPut is the request of the documented chunked upload.
func documentedPut(t *testing.T, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequest("PUT", "https://s3.amazonaws.com/examplebucket/chunkObject.txt", body)
	require.NoError(t, err)
	r.Header.Set("X-Amz-Storage-Class", "REDUCED_REDUNDANCY")
	return r
}

// arrive turns a signed client request into what a server gets.
func arrive(t testing.TB, r *http.Request) (*http.Request, []byte) {
	t.Helper()
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		require.NoError(t, err)
	}
	require.EqualValues(t, r.ContentLength, len(body))
	return arriveWith(r, body), body
}

func arriveWith(r *http.Request, body []byte) *http.Request {
	in := httptest.NewRequest(r.Method, r.URL.RequestURI(), bytes.NewReader(body))
	in.Host = r.Host
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	in.Header = r.Header.Clone()
	in.Header.Set("Content-Length", fmt.Sprint(len(body)))
	return in
}

// SIG-100: the documented upload is accepted byte for byte, its last CR LF too.
func TestDocumentedChunkedUploadSIG115(t *testing.T) {
	plain := strings.Repeat("a", 66560)
	r := documentedPut(t, strings.NewReader(plain))
	n, err := sigv4.Payload{Mode: sigv4.PayloadChunked}.EncodedLen(sigv4.AlgorithmV4, 66560)
	require.NoError(t, err)
	require.EqualValues(t, 66824, n)
	signed, err := streamSigner(sigv4.AlgorithmV4).Sign(r, streamCredentials, sigv4.Payload{Mode: sigv4.PayloadChunked})
	require.NoError(t, err)
	require.Equal(t, "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class", signed.SignedHeaders)
	require.Equal(t, "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9", signed.Signature)

	in, body := arrive(t, r)
	require.Contains(t, string(body), "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n")
	require.True(t, bytes.HasSuffix(body, []byte("\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n")))
	id, err := streamVerifier().Verify(in)
	require.NoError(t, err)
	require.Equal(t, sigv4.PayloadChunked, id.Payload)
	require.EqualValues(t, 66560, in.ContentLength)
	require.Empty(t, in.Header.Get("Content-Encoding"))
	got, err := io.ReadAll(in.Body)
	require.NoError(t, err)
	require.Equal(t, plain, string(got))
}

// SIG-100: so is the one with a trailer.
func TestDocumentedTrailerUploadSIG116(t *testing.T) {
	plain := strings.Repeat("a", 66560)
	r := documentedPut(t, strings.NewReader(plain))
	signer := streamSigner(sigv4.AlgorithmV4)
	signer.SignHeader = func(name string) bool { return name != "content-length" }
	p := sigv4.Payload{Mode: sigv4.PayloadChunkedTrailer, Checksum: "crc32c"}
	signed, err := signer.Sign(r, streamCredentials, p)
	require.NoError(t, err)
	require.Equal(t, "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e", signed.Signature)
	require.EqualValues(t, 66946, r.ContentLength)
	in, body := arrive(t, r)
	require.True(t, bytes.HasSuffix(body, []byte("x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n")))
	id, err := streamVerifier().Verify(in)
	require.NoError(t, err)
	require.Equal(t, sigv4.PayloadChunkedTrailer, id.Payload)
	require.Contains(t, in.Trailer, "X-Amz-Checksum-Crc32c")
	require.Empty(t, in.Trailer.Get("X-Amz-Checksum-Crc32c"), "not before the end")
	got, err := io.ReadAll(in.Body)
	require.NoError(t, err)
	require.Equal(t, plain, string(got))
	require.Equal(t, "sOO8/Q==", in.Trailer.Get("X-Amz-Checksum-Crc32c"))
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
