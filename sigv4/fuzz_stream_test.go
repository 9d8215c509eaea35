// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/sigv4"
)

func TestStreamReferenceImports(t *testing.T) {
	testkit.ReferenceImports(t, "reference_stream_test.go")
}

// sent is a signed upload with the reference that judges its body.
type sent struct {
	request *http.Request
	body    []byte
	ref     refStream
}

func send(t testing.TB, u upload, data string) sent {
	t.Helper()
	in, body := u.put(t, data, nil)
	s := sent{request: in, body: body, ref: refStream{
		signed: u.payload.Mode != sigv4.PayloadUnsignedTrailer, date: in.Header.Get("X-Amz-Date"), decoded: len(data), min: 8192,
	}}
	auth := in.Header.Get("Authorization")
	s.ref.seed = auth[strings.LastIndex(auth, "=")+1:]
	if names := in.Header.Get("X-Amz-Trailer"); names != "" {
		s.ref.trailers = strings.Split(names, ",")
	}
	scope := sigv4.Scope{Date: "20130524", Region: "us-east-1", Service: "s3"}
	s.ref.scope = "20130524/us-east-1/s3/aws4_request"
	if u.alg == sigv4.AlgorithmV4A {
		s.ref.scope, s.ref.pub = "20130524/s3/aws4_request", v4aPublicKey(t)
		return s
	}
	var err error
	s.ref.key, err = sigv4.DeriveKey(streamSecret, scope)
	require.NoError(t, err)
	return s
}

// judge gives one body to both and demands one verdict.
func (s sent) judge(t testing.TB, body []byte, v *sigv4.Verifier) bool {
	t.Helper()
	in := s.request.Clone(s.request.Context())
	in.Body = io.NopCloser(bytes.NewReader(body))
	if len(body)%3 == 0 {
		in.Body = io.NopCloser(iotest.OneByteReader(bytes.NewReader(body)))
	}
	in.ContentLength = int64(len(body))
	got, err := drain(v, in)
	ref := s.ref
	want, refErr := ref.decode(string(body))
	require.Equal(t, refErr == nil, err == nil, "%q: %v", body, err)
	if err != nil {
		require.NotErrorIs(t, err, io.EOF)
		return false
	}
	require.Equal(t, want, got)
	for name, value := range ref.published {
		require.Equal(t, value, in.Trailer.Get(name))
	}
	require.Len(t, in.Trailer, len(ref.published))
	return true
}

// The fast reader and the slow reference agree on streams that are almost
// right.
func TestStreamAgainstReference(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	classes, total := testkit.Classes{}, 3000
	if testing.Short() {
		total = 300
	}
	var all []sent
	for _, u := range uploads() {
		for _, n := range []int{0, 1, 20, 8192, 16384, 20000} {
			all = append(all, send(t, u, strings.Repeat("x", n)))
		}
	}
	for range total {
		s := all[rng.IntN(len(all))]
		v := streamVerifier()
		if rng.IntN(2) == 0 {
			v.VerifiedChunks = 1 << 20
		}
		body := slices.Clone(s.body)
		kind := mutate(rng, &body)
		ok := s.judge(t, body, v)
		classes.Add(kind, true)
		classes.Add("accepted", ok)
		classes.Add("refused", !ok)
		classes.Add("signed", s.ref.signed)
		classes.Add("ECDSA", s.ref.pub != nil)
		classes.Add("trailer", s.ref.trailers != nil)
		classes.Add("empty", s.ref.decoded == 0)
	}
	classes.Require(t, total)
}

// mutate changes a stream in one way and names it.
func mutate(rng *rand.Rand, body *[]byte) string {
	b := *body
	at := rng.IntN(len(b))
	if rng.IntN(2) == 0 { // near an end, where the framing is
		at = len(b) - 1 - rng.IntN(min(len(b), 300))
	}
	switch rng.IntN(9) {
	case 0:
		return "as sent"
	case 1:
		b[at] ^= 1 << rng.IntN(8)
		return "bit flipped"
	case 2:
		*body = b[:at]
		return "cut off"
	case 3:
		*body = slices.Insert(b, at, b[at])
		return "byte doubled"
	case 4:
		*body = slices.Delete(b, at, at+1)
		return "byte lost"
	case 5:
		*body = append(b, "\r\n"...)
		return "bytes appended"
	case 6:
		*body = bytes.Replace(b, []byte("==\r\n"), []byte("==\n\r\n"), 1)
		return "minio-go's line end"
	case 7:
		*body = append([]byte("00"), b...)
		return "zeros before the size"
	default:
		*body = bytes.ToUpper(b)
		return "capitals"
	}
}

func fuzzStream(f *testing.F, uploads []upload, data string) {
	var all []sent
	for i, u := range uploads {
		s := send(f, u, data)
		all = append(all, s)
		f.Add(byte(i), s.body)
		f.Add(byte(i), bytes.ToUpper(s.body))
		f.Add(byte(i), s.body[:len(s.body)/2])
	}
	f.Add(byte(0), []byte("0\r\nx-amz-checksum-crc32c:AAAAAA==\n\r\n\r\n"))
	v := streamVerifier()
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		all[int(which)%len(all)].judge(t, body, v)
	})
}

func FuzzChunkFraming(f *testing.F) { fuzzStream(f, uploads(), "hello world") }

func FuzzTrailers(f *testing.F) {
	fuzzStream(f, []upload{
		{payload: sigv4.Payload{Mode: sigv4.PayloadUnsignedTrailer, Checksum: "sha1", Trailer: map[string]string{"x-note": "a"}}},
		{payload: sigv4.Payload{Mode: sigv4.PayloadChunkedTrailer, Checksum: "crc64nvme", Trailer: map[string]string{"x-note": "a"}}},
		{payload: sigv4.Payload{Mode: sigv4.PayloadUnsignedTrailer, Checksum: "crc32"}},
		{payload: sigv4.Payload{Mode: sigv4.PayloadUnsignedTrailer, Checksum: "sha256"}},
	}, "")
}

// FuzzReadEvent: what parses is written back byte by byte.
func FuzzReadEvent(f *testing.F) {
	for _, e := range []sigv4.Event{{}, {Headers: everyHeader()}, {Payload: []byte("x")}} {
		b, err := e.AppendTo(nil)
		require.NoError(f, err)
		f.Add(b)
	}
	s := newEventStream(f, streamNow, 0, "message")
	f.Add(s.frames[0])
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		e, err := sigv4.ReadEvent(r)
		if err != nil {
			return
		}
		again, err := e.AppendTo(nil)
		require.NoError(t, err)
		require.Equal(t, b[:len(b)-r.Len()], again)
	})
}

// FuzzEventBody: no body of frames but the one that was signed reads to its
// end.
func FuzzEventBody(f *testing.F) {
	s := newEventStream(f, streamNow, 0, "one", "two")
	whole := bytes.Join(s.frames, nil)
	f.Add(whole)
	f.Add(s.frames[0])
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := s.verify(b, streamNow)
		if bytes.Equal(b, whole) {
			require.NoError(t, err)
			require.Equal(t, "onetwo", got)
			return
		}
		require.Error(t, err)
		require.True(t, strings.HasPrefix("onetwo", got))
	})
}

// FuzzSignatureError: an error body never panics, and Explain always has an
// answer without secrets.
func FuzzSignatureError(f *testing.F) {
	c := plainCanonical()
	f.Add(mismatchXML(c.String(), stringToSign(c), true))
	f.Add(mismatchXML("GET\n/\nX-Amz-Security-Token=SECRETTOKEN\nhost:h\n\nhost\nUNSIGNED-PAYLOAD", "", false))
	f.Add([]byte("<Error><Code>RequestTimeTooSkewed</Code></Error>"))
	f.Fuzz(func(t *testing.T, body []byte) {
		found := sigv4.Explain(c, body)
		require.NotEmpty(t, found)
		for _, d := range found {
			require.NotEmpty(t, d.Cause)
			require.NotContains(t, d.Mine, "SECRETTOKEN")
		}
	})
}

// FuzzV4A: no Authorization of SigV4A but the signed one is accepted.
func FuzzV4A(f *testing.F) {
	header, _ := signV4A(f, "us-east-1", streamCredentials)
	good, set := header.Header.Get("Authorization"), header.Header.Get("X-Amz-Region-Set")
	f.Add(good, set)
	f.Add(strings.Replace(good, "Signature=30", "Signature=3081", 1), "*")
	f.Add("AWS4-ECDSA-P256-SHA256 Credential=a/20130524/s3/aws4_request,SignedHeaders=host,Signature=3006020101020101", "us-*, a")
	v := streamVerifier()
	f.Fuzz(func(t *testing.T, auth, regions string) {
		r := httptest.NewRequest("GET", "https://example.com/bucket/key?a=1", nil)
		r.Header = header.Header.Clone()
		r.Header.Set("Authorization", auth)
		r.Header.Set("X-Amz-Region-Set", regions)
		id, err := v.Verify(r)
		if err != nil {
			return
		}
		require.Equal(t, strings.TrimSpace(set), strings.TrimSpace(strings.Join(id.RegionSet, ",")))
		require.Contains(t, auth, good[strings.LastIndex(good, "=")+1:], strconv.Quote(auth))
	})
}
