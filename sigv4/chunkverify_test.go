// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/sigv4"
)

// upload is one way to send a body.
type upload struct {
	name    string
	alg     sigv4.Algorithm
	payload sigv4.Payload
}

func uploads() []upload {
	plain := sigv4.Payload{Mode: sigv4.PayloadChunked, ChunkSize: 8192}
	signed := sigv4.Payload{Mode: sigv4.PayloadChunkedTrailer, ChunkSize: 8192, Checksum: "crc64nvme"}
	unsigned := sigv4.Payload{Mode: sigv4.PayloadUnsignedTrailer, ChunkSize: 8192, Checksum: "crc32c"}
	return []upload{
		{"signed", sigv4.AlgorithmV4, plain},
		{"signed-trailer", sigv4.AlgorithmV4, signed},
		{"ecdsa", sigv4.AlgorithmV4A, plain},
		{"ecdsa-trailer", sigv4.AlgorithmV4A, signed},
		{"unsigned-trailer", sigv4.AlgorithmV4, unsigned},
		{"unsigned-trailer-v4a", sigv4.AlgorithmV4A, unsigned},
	}
}

// put signs an upload; change, where set, edits the request before.
func (u upload) put(t testing.TB, data string, change func(r *http.Request)) (*http.Request, []byte) {
	t.Helper()
	r, err := http.NewRequest("PUT", "https://s3.amazonaws.com/bucket/key", strings.NewReader(data))
	require.NoError(t, err)
	if change != nil {
		change(r)
	}
	_, err = streamSigner(u.alg).Sign(r, streamCredentials, u.payload)
	require.NoError(t, err)
	return arrive(t, r)
}

// drain verifies a request and reads its body.
func drain(v *sigv4.Verifier, r *http.Request) (string, error) {
	if _, err := v.Verify(r); err != nil {
		return "", err
	}
	got, err := io.ReadAll(r.Body)
	return string(got), err
}

func requireRefusal(t testing.TB, err error, code string, status int) *sigv4.Error {
	t.Helper()
	var e *sigv4.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.Code, err)
	require.Equal(t, status, e.HTTPStatus, err)
	require.NotEmpty(t, e.Hint())
	return e
}

func TestUploads(t *testing.T) {
	data := strings.Repeat("0123456789abcdef", 2000)
	for _, u := range uploads() {
		for _, n := range []int{0, 1, 8192, 8193, len(data)} {
			t.Run(fmt.Sprint(u.name, "/", n), func(t *testing.T) {
				in, body := u.put(t, data[:n], nil)
				want, err := u.payload.EncodedLen(u.alg, int64(n))
				require.NoError(t, err)
				require.EqualValues(t, want, len(body))
				got, err := drain(streamVerifier(), in)
				require.NoError(t, err)
				require.Equal(t, data[:n], got)
				require.EqualValues(t, n, in.ContentLength)
				require.Equal(t, fmt.Sprint(n), in.Header.Get("Content-Length"))
				if u.payload.Checksum != "" {
					require.NotEmpty(t, in.Trailer.Get("X-Amz-Checksum-"+u.payload.Checksum))
				}
			})
		}
	}
}

// Over a real connection, HTTP/1.1 and HTTP/2, through a Transport, with the
// body read again for a redirect.
func TestUploadsOverHTTP(t *testing.T) {
	data := strings.Repeat("x", 300_000)
	for _, h2 := range []bool{false, true} {
		for _, u := range uploads() {
			t.Run(fmt.Sprint(u.name, "/h2=", h2), func(t *testing.T) {
				v := streamVerifier()
				server := httptest.NewUnstartedServer(v.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					got, err := io.ReadAll(r.Body)
					if err != nil || string(got) != data {
						http.Error(w, fmt.Sprint(err), http.StatusBadRequest)
					}
				})))
				server.EnableHTTP2 = h2
				server.StartTLS()
				defer server.Close()
				front := httptest.NewServer(http.RedirectHandler(server.URL+"/bucket/key", http.StatusTemporaryRedirect))
				defer front.Close()
				client := server.Client()
				client.Transport = &sigv4.Transport{
					Signer: streamSigner(u.alg), Credentials: func(context.Context) (sigv4.Credentials, error) { return streamCredentials, nil },
					Payload: func(*http.Request) (sigv4.Payload, error) { return u.payload, nil }, Base: client.Transport,
				}
				for _, url := range []string{server.URL + "/bucket/key", front.URL} {
					r, err := http.NewRequest("PUT", url, strings.NewReader(data))
					require.NoError(t, err)
					resp, err := client.Do(r)
					require.NoError(t, err)
					text, _ := io.ReadAll(resp.Body)
					require.NoError(t, resp.Body.Close())
					require.Equal(t, 200, resp.StatusCode, string(text))
					require.Equal(t, map[bool]int{false: 1, true: 2}[h2], resp.ProtoMajor)
				}
			})
		}
	}
}

// untouched is a body that must not be read.
type untouched struct{ t *testing.T }

func (u untouched) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.ErrUnexpectedEOF
}

func (u untouched) Close() error { return nil }

// SIG-47, SIG-87: the seed of every mode is verified before a byte of the body.
func TestCVE_2025_31489_SeedUnchecked(t *testing.T) {
	for _, u := range uploads() {
		in, _ := u.put(t, "hello", nil)
		auth := in.Header.Get("Authorization")
		sig := auth[strings.LastIndex(auth, "=")+1:]
		garbage := strings.Repeat("0", 64)
		if u.alg == sigv4.AlgorithmV4A {
			other, _ := u.put(t, "hello!", nil)
			auth := other.Header.Get("Authorization")
			garbage = auth[strings.LastIndex(auth, "=")+1:]
		}
		in.Header.Set("Authorization", strings.Replace(auth, sig, garbage, 1))
		in.Body = untouched{t}
		_, err := streamVerifier().Verify(in)
		requireRefusal(t, err, "SignatureDoesNotMatch", 403)
	}
}

// SIG-88: a credential in the query never authenticates a chunked body, alone or
// beside a header.
func TestCVE_2026_41145_CredentialInQuery(t *testing.T) {
	for _, u := range uploads() {
		in, _ := u.put(t, "hello", nil)
		in.Body = untouched{t}
		auth := in.Header.Get("Authorization")
		in.URL.RawQuery = "X-Amz-Credential=" + streamAKID + "%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
		_, err := streamVerifier().Verify(in)
		requireRefusal(t, err, "InvalidArgument", 400)
		in.Header.Del("Authorization")
		_, err = streamVerifier().Verify(in)
		requireRefusal(t, err, "AuthorizationQueryParametersError", 400)
		in.URL.RawQuery = ""
		_, err = streamVerifier().Verify(in)
		requireRefusal(t, err, "AccessDenied", 403)
		require.NotEmpty(t, auth)
	}
	// A presigned URL with a streaming literal, correctly signed, is refused
	// (PRE-26), and none can be made.
	for _, literal := range []string{"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"} {
		r, err := http.NewRequest("PUT", "https://s3.amazonaws.com/bucket/key", nil)
		require.NoError(t, err)
		r.Header.Set("X-Amz-Content-Sha256", literal)
		r.Header.Set("X-Amz-Decoded-Content-Length", "5")
		url, err := streamSigner(sigv4.AlgorithmV4).Presign(r, streamCredentials, sigv4.Payload{}, 3600e9)
		if err != nil {
			require.ErrorIs(t, err, sigv4.ErrPayload)
			continue
		}
		in := httptest.NewRequest("PUT", url.URL, untouched{t})
		in.Header = url.Header
		_, err = streamVerifier().Verify(in)
		requireRefusal(t, err, "InvalidRequest", 400)
	}
	for _, u := range uploads() {
		r, _ := http.NewRequest("PUT", "https://s3.amazonaws.com/bucket/key", strings.NewReader("x"))
		_, err := streamSigner(u.alg).Presign(r, streamCredentials, u.payload, 3600e9)
		require.ErrorIs(t, err, sigv4.ErrPayload)
	}
}

// SIG-46, SIG-67, SIG-89: each mode must be allowed by name, and a literal that
// is not known is refused, never taken for unsigned.
func TestCVE_2026_40344_UnhandledMode(t *testing.T) {
	need := map[string]sigv4.Mode{
		"signed": sigv4.ModeChunked, "signed-trailer": sigv4.ModeChunked, "ecdsa": sigv4.ModeChunked | sigv4.ModeV4A,
		"ecdsa-trailer": sigv4.ModeChunked | sigv4.ModeV4A, "unsigned-trailer": sigv4.ModeUnsignedTrailer,
		"unsigned-trailer-v4a": sigv4.ModeUnsignedTrailer | sigv4.ModeV4A,
	}
	bits := []sigv4.Mode{sigv4.ModeHeader, sigv4.ModeQuery, sigv4.ModeChunked, sigv4.ModeUnsignedTrailer, sigv4.ModeV4A, sigv4.ModeEvents}
	for _, u := range uploads() {
		for set := range 1 << len(bits) {
			var modes sigv4.Mode
			for i, bit := range bits {
				if set>>i&1 == 1 {
					modes |= bit
				}
			}
			if modes == 0 {
				continue
			}
			in, _ := u.put(t, "hello", nil)
			v := streamVerifier()
			v.Modes = modes
			got, err := drain(v, in)
			if want := sigv4.ModeHeader | need[u.name]; modes&want == want {
				require.NoError(t, err)
				require.Equal(t, "hello", got)
				continue
			}
			requireRefusal(t, err, "AccessDenied", 403)
		}
		in, _ := u.put(t, "hello", nil)
		v := streamVerifier()
		v.Modes = 0
		_, err := v.Verify(in)
		requireRefusal(t, err, "AccessDenied", 403)
	}
	for _, literal := range []string{
		"", "STREAMING-UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILERS", "streaming-aws4-hmac-sha256-payload", "STREAMING",
		"UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA512-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD ", strings.Repeat("g", 64),
		"STREAMING-AWS4-ECDSA-P256-SHA256-EVENTS", "STREAMING-UNSIGNED-PAYLOAD-TRAILER,UNSIGNED-PAYLOAD",
	} {
		in, _ := uploads()[0].put(t, "hello", nil)
		in.Header.Set("X-Amz-Content-Sha256", literal)
		in.Body = untouched{t}
		_, err := streamVerifier().Verify(in)
		requireRefusal(t, err, "InvalidRequest", 400)
	}
}

// SIG-46: the literal's algorithm is the request's.
func TestLiteralOfTheOtherAlgorithm(t *testing.T) {
	for alg, literals := range map[sigv4.Algorithm][]string{
		sigv4.AlgorithmV4:  {"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER"},
		sigv4.AlgorithmV4A: {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-EVENTS"},
	} {
		for _, literal := range literals {
			r, err := http.NewRequest("PUT", "https://s3.amazonaws.com/bucket/key", nil)
			require.NoError(t, err)
			r.Header.Set("X-Amz-Content-Sha256", literal)
			r.Header.Set("X-Amz-Decoded-Content-Length", "0")
			_, err = streamSigner(alg).Sign(r, streamCredentials, sigv4.Payload{})
			require.NoError(t, err, "a literal is taken as it is")
			in := arriveWith(r, nil)
			in.Body = untouched{t}
			_, err = streamVerifier().Verify(in)
			requireRefusal(t, err, "InvalidRequest", 400)
		}
	}
	_, err := sigv4.Payload{Mode: sigv4.PayloadChunkedTrailer}.EncodedLen(sigv4.AlgorithmV4, 1)
	require.ErrorIs(t, err, sigv4.ErrPayload)
}

// resign signs a request whose headers were changed, with the same body.
func resign(t testing.TB, u upload, in *http.Request, body []byte) *http.Request {
	t.Helper()
	r, err := http.NewRequest(in.Method, "https://"+in.Host+in.URL.RequestURI(), nil)
	require.NoError(t, err)
	r.Header = in.Header.Clone()
	r.Header.Del("Content-Length")
	_, err = streamSigner(u.alg).Sign(r, streamCredentials, sigv4.Payload{})
	require.NoError(t, err)
	out := arriveWith(r, body)
	return out
}

// SIG-48, SIG-102: what the headers of a chunked body may say. Each request is
// signed as it stands: the headers alone are at fault.
func TestFramingHeaders(t *testing.T) {
	set := func(name string, values ...string) func(h http.Header) {
		return func(h http.Header) { h[name] = values }
	}
	drop := func(name string) func(h http.Header) { return func(h http.Header) { delete(h, name) } }
	const length, trailer, encoding = "X-Amz-Decoded-Content-Length", "X-Amz-Trailer", "Content-Encoding"
	every := uploads()
	unsigned := every[4:5]
	for _, tt := range []struct {
		name   string
		on     []upload
		change func(h http.Header)
		code   string // "" is accepted
		status int
	}{
		{"unchanged", unsigned, func(http.Header) {}, "", 0},
		{"no length", every[4:], drop(length), "MissingContentLength", 411},
		{"length one more", every[4:], set(length, "6"), "IncompleteBody", 400},
		{"length one less", every[4:], set(length, "4"), "IncompleteBody", 400},
		{"negative length", every[4:], set(length, "-5"), "InvalidRequest", 400},
		{"plus length", every[4:], set(length, "+5"), "InvalidRequest", 400},
		{"length 2^63-1", every[4:], set(length, "9223372036854775807"), "IncompleteBody", 400},
		{"length 2^63", every[4:], set(length, "9223372036854775808"), "InvalidRequest", 400},
		{"length 2^64", every[4:], set(length, "18446744073709551616"), "InvalidRequest", 400},
		{"empty length", every[4:], set(length, ""), "InvalidRequest", 400},
		{"hex length", every[4:], set(length, "0x5"), "InvalidRequest", 400},
		{"two lengths", every[4:], set(length, "5", "5"), "AuthorizationHeaderMalformed", 400},
		{"no trailer", unsigned, drop(trailer), "MalformedTrailerError", 400},
		{"empty trailer", unsigned, set(trailer, ""), "MalformedTrailerError", 400},
		{"trailer twice", unsigned, set(trailer, "x-amz-checksum-crc32c,x-amz-checksum-crc32c"), "MalformedTrailerError", 400},
		{"trailer twice, capitals", unsigned, set(trailer, "x-amz-checksum-crc32c,X-Amz-Checksum-Crc32c"), "MalformedTrailerError", 400},
		{"one trailer more", unsigned, set(trailer, "x-amz-checksum-crc32c,x-amz-meta-a"), "MalformedTrailerError", 400},
		{"other trailer", unsigned, set(trailer, "x-amz-checksum-crc32"), "MalformedTrailerError", 400},
		{"trailer in capitals", unsigned, set(trailer, " X-Amz-Checksum-CRC32C "), "", 0},
		{"empty element", unsigned, set(trailer, "x-amz-checksum-crc32c,"), "MalformedTrailerError", 400},
		{"signature announced", unsigned, set(trailer, "x-amz-checksum-crc32c,x-amz-trailer-signature"), "MalformedTrailerError", 400},
		{"seventeen trailers", unsigned, set(trailer, "x-amz-checksum-crc32c"+strings.Repeat(",a", 16)), "MalformedTrailerError", 400},
		{"no token", unsigned, set(trailer, "x-amz-checksum-crc32c;a"), "MalformedTrailerError", 400},
		{"unknown checksum", unsigned, set(trailer, "x-amz-checksum-xxhash64"), "InvalidRequest", 400},
		{"no content-encoding", unsigned, drop(encoding), "", 0},
		{"gzip first", unsigned, set(encoding, "gzip, aws-chunked"), "", 0},
		{"two lines", unsigned, set(encoding, "gzip", "aws-chunked"), "", 0},
		{"trailer announced without", every[:1], set(trailer, "x-amz-checksum-crc32c"), "InvalidRequest", 400},
	} {
		for _, u := range tt.on {
			t.Run(tt.name+"/"+u.name, func(t *testing.T) {
				in, body := u.put(t, "hello", nil)
				tt.change(in.Header)
				in = resign(t, u, in, body)
				if strings.Contains(tt.name, "two lengths") {
					in.Header[length] = []string{"5", "5"}
				}
				got, err := drain(streamVerifier(), in)
				if tt.code != "" {
					requireRefusal(t, err, tt.code, tt.status)
					return
				}
				require.NoError(t, err)
				require.Equal(t, "hello", got)
				want := ""
				if strings.Contains(tt.name, "gzip") || strings.Contains(tt.name, "two lines") {
					want = "gzip"
				}
				require.Equal(t, want, strings.Join(in.Header[encoding], "|"))
			})
		}
	}
}

// SIG-48: aws-chunked, or trailers, beside a payload that is not chunked.
func TestChunkedHeadersOnPlainBodies(t *testing.T) {
	for _, p := range []sigv4.Payload{{}, {Mode: sigv4.PayloadUnsigned}} {
		for _, header := range []string{"Content-Encoding: aws-chunked", "Content-Encoding: gzip,AWS-Chunked", "X-Amz-Trailer: x-amz-checksum-crc32c"} {
			name, value, _ := strings.Cut(header, ": ")
			in, _ := upload{payload: p}.put(t, "hello", func(r *http.Request) { r.Header.Set(name, value) })
			_, err := drain(streamVerifier(), in)
			requireRefusal(t, err, "InvalidRequest", 400)
		}
	}
}

// SIG-48: a stream of unknown length, in the one mode in which clients send it.
func TestUnknownLength(t *testing.T) {
	for _, u := range uploads() {
		in, body := u.put(t, "hello", nil)
		in.Header.Del("X-Amz-Decoded-Content-Length")
		if u.payload.Mode != sigv4.PayloadUnsignedTrailer {
			in.Body = untouched{t}
			r, _ := http.NewRequest("PUT", "https://s3.amazonaws.com/bucket/key", nil)
			r.Header = in.Header
			v := streamVerifier()
			v.AllowUnknownLength = true
			_, err := v.Verify(resign(t, u, in, body))
			requireRefusal(t, err, "MissingContentLength", 411)
			continue
		}
		in = resign(t, u, in, body)
		v := streamVerifier()
		v.AllowUnknownLength = true
		got, err := drain(v, in)
		require.NoError(t, err)
		require.Equal(t, "hello", got)
		require.EqualValues(t, -1, in.ContentLength)
		for cut := 1; cut < len(body); cut++ {
			_, err := drain(v, arriveWith(resign(t, u, in2(t, u), body), body[:cut]))
			require.Error(t, err)
		}
	}
}

// in2 is an upload without its decoded length.
func in2(t *testing.T, u upload) *http.Request {
	in, _ := u.put(t, "hello", nil)
	in.Header.Del("X-Amz-Decoded-Content-Length")
	return in
}

// SIG-54: further algorithms by a field, other trailers as data, in order (SIG-61).
func TestTrailersOfTheCallersOwn(t *testing.T) {
	for _, mode := range []sigv4.PayloadMode{sigv4.PayloadChunkedTrailer, sigv4.PayloadUnsignedTrailer} {
		u := upload{payload: sigv4.Payload{
			Mode: mode, Checksum: "double", NewChecksum: func() hash.Hash { return sha256.New() },
			Trailer: map[string]string{"X-Note": " two  words ", "a-first": "1"},
		}}
		in, body := u.put(t, "hello", nil)
		require.Equal(t, "a-first,x-amz-checksum-double,x-note", in.Header.Get("X-Amz-Trailer"))
		require.Contains(t, string(body), "\r\na-first:1\r\nx-amz-checksum-double:")
		_, err := drain(streamVerifier(), in)
		requireRefusal(t, err, "InvalidRequest", 400)
		in = arriveWith(in, body)
		in.Header = in.Header.Clone()
		v := streamVerifier()
		v.Checksums = map[string]func() hash.Hash{"double": sha256.New}
		in2, body := u.put(t, "hello", nil)
		// As net/http does: what HTTP itself sends behind the body is there when
		// the body ends. It is not signed.
		in2.Body = io.NopCloser(io.MultiReader(in2.Body, atEnd(func() { in2.Trailer["X-Smuggled"] = []string{"by HTTP"} })))
		_, err = drain(v, in2)
		require.NoError(t, err)
		require.Equal(t, "two  words", in2.Trailer.Get("X-Note"))
		require.NotContains(t, in2.Trailer, "X-Smuggled")
		sum := sha256.Sum256([]byte("hello"))
		require.Equal(t, base64.StdEncoding.EncodeToString(sum[:]), in2.Trailer.Get("X-Amz-Checksum-Double"))
		wrong := bytes.Replace(body, []byte("hello"), []byte("hellO"), 1)
		_, err = drain(v, arriveWith(in2Again(t, u), wrong))
		require.Error(t, err)
	}
}

type atEnd func()

func (f atEnd) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}

func in2Again(t *testing.T, u upload) *http.Request {
	in, _ := u.put(t, "hello", nil)
	return in
}

// What a Signer refuses to frame.
func TestUnusableChunkedPayloads(t *testing.T) {
	for name, p := range map[string]sigv4.Payload{
		"small chunk":      {Mode: sigv4.PayloadChunked, ChunkSize: 8191},
		"negative chunk":   {Mode: sigv4.PayloadChunked, ChunkSize: -1},
		"huge chunk":       {Mode: sigv4.PayloadChunked, ChunkSize: 1<<30 + 1},
		"no trailer":       {Mode: sigv4.PayloadChunkedTrailer},
		"no checksum":      {Mode: sigv4.PayloadUnsignedTrailer},
		"trailer without":  {Mode: sigv4.PayloadChunked, Checksum: "crc32"},
		"unknown checksum": {Mode: sigv4.PayloadChunkedTrailer, Checksum: "crc16"},
		"no token":         {Mode: sigv4.PayloadChunkedTrailer, Trailer: map[string]string{"a b": "c"}},
		"line break":       {Mode: sigv4.PayloadChunkedTrailer, Trailer: map[string]string{"a": "b\r\nc: d"}},
		"own signature":    {Mode: sigv4.PayloadChunkedTrailer, Trailer: map[string]string{"X-Amz-Trailer-Signature": "b"}},
		"checksum twice":   {Mode: sigv4.PayloadChunkedTrailer, Checksum: "crc32", Trailer: map[string]string{"X-Amz-Checksum-Crc32": "b"}},
		"name twice":       {Mode: sigv4.PayloadChunkedTrailer, Trailer: map[string]string{"A": "b", "a": "b"}},
		"too long":         {Mode: sigv4.PayloadChunkedTrailer, Trailer: map[string]string{"a": strings.Repeat("b", 8192)}},
	} {
		r, err := http.NewRequest("PUT", "https://s3.amazonaws.com/bucket/key", strings.NewReader("hello"))
		require.NoError(t, err)
		before := r.Header.Clone()
		_, err = streamSigner(sigv4.AlgorithmV4).Sign(r, streamCredentials, p)
		require.ErrorIs(t, err, sigv4.ErrPayload, name)
		require.Equal(t, before, r.Header, "nothing changes on an error")
	}
	chunked := sigv4.Payload{Mode: sigv4.PayloadChunked}
	r, _ := http.NewRequest("PUT", "https://s3.amazonaws.com/bucket/key", io.MultiReader(strings.NewReader("hello")))
	_, err := streamSigner(sigv4.AlgorithmV4).Sign(r, streamCredentials, chunked)
	require.ErrorIs(t, err, sigv4.ErrPayload, "length unknown")
	r.ContentLength = 5
	_, err = streamSigner(sigv4.AlgorithmV4).Sign(r, streamCredentials, chunked)
	require.NoError(t, err)
	_, err = streamSigner(sigv4.AlgorithmV4).Sign(r, streamCredentials, chunked)
	require.ErrorIs(t, err, sigv4.ErrPayload, "framed twice")
	_, err = chunked.EncodedLen(sigv4.AlgorithmV4, -1)
	require.ErrorIs(t, err, sigv4.ErrPayload)
	n, err := sigv4.Payload{}.EncodedLen(sigv4.AlgorithmV4, 5)
	require.NoError(t, err)
	require.EqualValues(t, 5, n)
}

// The codes of a body's faults are the Verifier's, as those of its refusals.
func TestBodyFaultsUseTheVerifiersCodes(t *testing.T) {
	in, body := uploads()[0].put(t, "hello", nil)
	v := streamVerifier()
	v.Codes = map[error]sigv4.ErrorCode{sigv4.ErrSignatureMismatch: {Code: "Nope", HTTPStatus: 418}}
	_, err := drain(v, arriveWith(in, bytes.Replace(body, []byte("hello"), []byte("hellO"), 1)))
	requireRefusal(t, err, "Nope", 418)
	require.ErrorIs(t, err, sigv4.ErrSignatureMismatch)
}

// A request without a body in a chunked mode lacks its final chunk, and stays
// as it was.
func TestNoBodyIsNoChunkedBody(t *testing.T) {
	for _, u := range uploads() {
		for _, body := range []io.ReadCloser{nil, http.NoBody} {
			in, _ := u.put(t, "", nil)
			in.Body = body
			header := in.Header.Clone()
			_, err := streamVerifier().Verify(in)
			requireRefusal(t, err, "IncompleteBody", 400)
			require.Equal(t, header, in.Header)
			require.Nil(t, in.Trailer)
		}
	}
}

// A signed body can be had again, for a retry, and is framed the same; the
// content-encoding that was there stays behind aws-chunked.
func TestSignedBodyAgain(t *testing.T) {
	for _, u := range uploads() {
		r, err := http.NewRequest("PUT", "https://s3.amazonaws.com/bucket/key", strings.NewReader("hello"))
		require.NoError(t, err)
		r.Header["Content-Encoding"] = []string{"gzip", "Aws-Chunked, br"}
		r.Header["X-Amz-Trailer"] = []string{"stale"}
		r.TransferEncoding = []string{"chunked"}
		_, err = streamSigner(u.alg).Sign(r, streamCredentials, u.payload)
		require.NoError(t, err)
		require.Equal(t, "aws-chunked,gzip,br", r.Header.Get("Content-Encoding"))
		require.NotEqual(t, "stale", r.Header.Get("X-Amz-Trailer"))
		require.Nil(t, r.TransferEncoding)
		again, err := r.GetBody()
		require.NoError(t, err)
		second, err := io.ReadAll(again)
		require.NoError(t, err)
		require.NoError(t, again.Close())
		first, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		require.Equal(t, first, second)
		in := arriveWith(r, second)
		got, err := drain(streamVerifier(), in)
		require.NoError(t, err)
		require.Equal(t, "hello", got)
		require.Equal(t, []string{"gzip,br"}, in.Header["Content-Encoding"])
		broken := errors.New("no body twice")
		r, _ = http.NewRequest("PUT", "https://s3.amazonaws.com/bucket/key", strings.NewReader("hello"))
		r.GetBody = func() (io.ReadCloser, error) { return nil, broken }
		_, err = streamSigner(u.alg).Sign(r, streamCredentials, u.payload)
		require.NoError(t, err)
		_, err = r.GetBody()
		require.ErrorIs(t, err, broken)
		require.NoError(t, r.Body.Close())
		_, err = r.Body.Read(make([]byte, 1))
		require.ErrorIs(t, err, http.ErrBodyReadAfterClose)
	}
}

// Streams that are given up leave no goroutine behind.
func TestAbandonedStreamsLeakNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		for _, u := range uploads() {
			in, _ := u.put(t, strings.Repeat("x", 30_000), nil)
			_, err := streamVerifier().Verify(in)
			require.NoError(t, err)
			_, err = in.Body.Read(make([]byte, 100))
			require.NoError(t, err)
			require.NoError(t, in.Body.Close())
			_, err = in.Body.Read(make([]byte, 100))
			require.Error(t, err)
		}
	}
	s := newEventStream(t, streamNow, 0, "message")
	r := s.request(s.frames[0])
	_, err := streamVerifier().Verify(r)
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	_, err = r.Body.Read(make([]byte, 1))
	require.ErrorIs(t, err, http.ErrBodyReadAfterClose)
	require.LessOrEqual(t, runtime.NumGoroutine(), before)
}

// A Verifier is safe for concurrent use: chunked bodies of every mode at once.
func TestConcurrentUploads(t *testing.T) {
	v := streamVerifier()
	v.Replay = &sigv4.ReplayCache{Now: streamClock}
	var all []*http.Request
	for _, u := range uploads() {
		for i := range 8 {
			in, _ := u.put(t, strings.Repeat("x", 10_000+i), nil)
			all = append(all, in)
		}
	}
	errs := make(chan error)
	for i, in := range all {
		go func() {
			got, err := drain(v, in)
			if err == nil && len(got) != 10_000+i%8 {
				err = errors.New("the wrong body")
			}
			errs <- err
		}()
	}
	for range all {
		require.NoError(t, <-errs)
	}
}
