// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// The documented chunked upload (SIG-115) and its trailer twin (SIG-116).
const (
	docDate        = "20130524T000000Z"
	docScope       = "20130524/us-east-1/s3/aws4_request"
	docKey         = "dbb893acc010964918f1fd433add87c70e8b0db6be30c1fbeafefa5ec6ba8378"
	docSeed        = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
	docTrailerSeed = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
	crc32cTrailer  = "x-amz-checksum-crc32c"
)

func docChain(t testing.TB, seed string) *chain {
	t.Helper()
	key, err := hex.DecodeString(docKey)
	require.NoError(t, err)
	return newHMACChain(key, docDate, docScope, seed)
}

func docStream(first, second, last string) string {
	return "10000;chunk-signature=" + first + "\r\n" + strings.Repeat("a", 65536) + "\r\n" +
		"400;chunk-signature=" + second + "\r\n" + strings.Repeat("a", 1024) + "\r\n" +
		"0;chunk-signature=" + last + "\r\n"
}

var (
	docPlain = docStream("ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
		"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
		"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9") + "\r\n"
	docTrailer = docStream("b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
		"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
		"2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992") +
		"x-amz-checksum-crc32c:sOO8/Q==\r\n" +
		"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"
)

// streamCase is one payload mode, with both ends of its stream.
type streamCase struct {
	name     string
	chain    func() *chain // a fresh one, nil where unsigned
	trailing bool
}

func streamKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	priv, err := deriveV4A(hmacSHA256, "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
	require.NoError(t, err)
	return priv
}

func streamCases(t testing.TB) []streamCase {
	priv := streamKey(t)
	sign := func() *chain { return docChain(t, docSeed) }
	ec := func() *chain {
		c := newECDSAChain(priv, &priv.PublicKey, docDate, "20130524/s3/aws4_request", "3045ab")
		c.deterministic = true
		return c
	}
	return []streamCase{
		{"signed", sign, false},
		{"signed-trailer", sign, true},
		{"ecdsa", ec, false},
		{"ecdsa-trailer", ec, true},
		{"unsigned-trailer", func() *chain { return nil }, true},
	}
}

func (s streamCase) digests(t testing.TB) []digest {
	if !s.trailing {
		return nil
	}
	h, err := newChecksum("crc32c", nil)
	require.NoError(t, err)
	return []digest{{name: crc32cTrailer, hash: h}}
}

func (s streamCase) writer(t testing.TB, src io.Reader, n int64, chunk int) *chunkWriter {
	return newChunkWriter(io.NopCloser(src), chunkPlan{
		chain: s.chain(), size: chunk, decoded: n, digests: s.digests(t), trailing: s.trailing,
	})
}

func (s streamCase) encode(t testing.TB, data string, chunk int) string {
	t.Helper()
	encoded, err := io.ReadAll(s.writer(t, strings.NewReader(data), int64(len(data)), chunk))
	require.NoError(t, err)
	return string(encoded)
}

func (s streamCase) reader(t testing.TB, body io.Reader, n int64) *chunkReader {
	o := chunkOptions{chain: s.chain(), decoded: n, digests: s.digests(t)}
	if s.trailing {
		o.announced = []string{crc32cTrailer}
	}
	return newChunkReader(io.NopCloser(body), o)
}

func (s streamCase) sigLen() int {
	if c := s.chain(); c != nil {
		return c.sigLen()
	}
	return 0
}

// SIG-49: the documented chain of chunks.
func TestDocumentedChainSIG115(t *testing.T) {
	s := streamCases(t)[0]
	plain := strings.Repeat("a", 66560)
	require.Equal(t, docPlain, s.encode(t, plain, 65536))
	require.Len(t, docPlain, 66824)
	r := s.reader(t, strings.NewReader(docPlain), 66560)
	r.min = minChunk
	back, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, plain, string(back))
}

// SIG-51: the documented chain with a trailer.
func TestDocumentedTrailerChainSIG116(t *testing.T) {
	s := streamCases(t)[1]
	s.chain = func() *chain { return docChain(t, docTrailerSeed) }
	plain := strings.Repeat("a", 66560)
	require.Equal(t, docTrailer, s.encode(t, plain, 65536))
	require.Len(t, docTrailer, 66946)
	back, err := io.ReadAll(s.reader(t, strings.NewReader(docTrailer), 66560))
	require.NoError(t, err)
	require.Equal(t, plain, string(back))
}

// SIG-56: the length is known before the first byte, for every mode, at every
// size about a chunk's edge; and what was written is read, whichever way.
func TestStreamSizes(t *testing.T) {
	data := bytes.Repeat([]byte("the quick brown fox jumps over the lazy dog\n"), 1<<20)[:16<<20+1]
	sizes := []int{0, 1, 8191, 8192, 8193, 16384, 1<<20 - 1, 1 << 20, 1<<20 + 1, 16<<20 + 1}
	for _, s := range streamCases(t) {
		for _, chunk := range []int{8192, 64 << 10, 1 << 20, 16<<20 + 1} {
			for _, n := range sizes {
				if n/chunk > 200 || n > 1<<20+1 && testing.Short() {
					continue
				}
				t.Run(fmt.Sprintf("%s/%d/%d", s.name, chunk, n), func(t *testing.T) {
					s.roundTrip(t, data[:n], chunk)
				})
			}
		}
	}
}

func (s streamCase) roundTrip(t *testing.T, data []byte, chunk int) {
	var encoded bytes.Buffer
	_, err := s.writer(t, bytes.NewReader(data), int64(len(data)), chunk).WriteTo(&encoded)
	require.NoError(t, err)
	trailers := -1
	if s.trailing {
		trailers = (&framePlan{checksum: crc32cTrailer, hashSize: 4}).trailerLen()
	}
	want, ok := encodedLen(int64(len(data)), chunk, s.sigLen(), trailers)
	require.True(t, ok)
	require.EqualValues(t, want, encoded.Len())

	read, err := io.ReadAll(s.writer(t, iotest.HalfReader(bytes.NewReader(data)), int64(len(data)), chunk))
	require.NoError(t, err)
	require.True(t, bytes.Equal(read, encoded.Bytes()), "Read and WriteTo differ")

	for _, hold := range []int64{0, int64(chunk)} {
		r := s.reader(t, iotest.DataErrReader(bytes.NewReader(encoded.Bytes())), int64(len(data)))
		r.min = minChunk
		if s.chain() != nil {
			r.hold = hold
		}
		back, err := io.ReadAll(r)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, back))
	}
}

func TestStreamByteByByte(t *testing.T) {
	data := strings.Repeat("0123456789", 5)
	for _, s := range streamCases(t) {
		t.Run(s.name, func(t *testing.T) {
			encoded, err := io.ReadAll(iotest.OneByteReader(s.writer(t, iotest.OneByteReader(strings.NewReader(data)), 50, 20)))
			require.NoError(t, err)
			back, err := io.ReadAll(iotest.OneByteReader(s.reader(t, iotest.OneByteReader(bytes.NewReader(encoded)), 50)))
			require.NoError(t, err)
			require.Equal(t, data, string(back))
		})
	}
}

// sizeZeros finds the zeros before a chunk's size.
var sizeZeros = regexp.MustCompile("(^|\r\n)0+([0-9a-f]+(?:;|\r\n))")

// SIG-101, SIG-108: no bit of a stream can be flipped, no byte lost or doubled,
// no end cut off. What still reads must be another spelling of the same stream:
// a capital in a size or in a trailer's name.

func TestEveryByteOfAStream(t *testing.T) {
	const data = "the quick brown fox jumps over the lazy dog"
	for _, s := range streamCases(t) {
		t.Run(s.name, func(t *testing.T) {
			encoded := s.encode(t, data, 20)
			refused, respelt := 0, 0
			try := func(what string, i int, mutant string) {
				back, err := io.ReadAll(s.reader(t, strings.NewReader(mutant), int64(len(data))))
				if err == nil && string(back) == data && sizeZeros.ReplaceAllString(strings.ToLower(mutant), "$1$2") == strings.ToLower(encoded) {
					respelt++
					return
				}
				require.Error(t, err, "%s at byte %d of %q", what, i, encoded)
				refused++
			}
			for i := range len(encoded) {
				bits := 8
				if s.sigLen() == ecdsaSigLen && i%4 != 0 {
					bits = 1
				}
				for bit := range bits {
					b := []byte(encoded)
					b[i] ^= 1 << bit
					try("flip", i, string(b))
				}
				try("cut", i, encoded[:i])
				try("delete", i, encoded[:i]+encoded[i+1:])
				if i > 0 && encoded[i] == encoded[i-1] {
					continue // the same mutant as before
				}
				try("double", i, encoded[:i]+encoded[i:i+1]+encoded[i:])
			}
			try("append", len(encoded), encoded+"\r")
			try("append", len(encoded), encoded+encoded)
			require.Greater(t, refused, 3*len(encoded))
			require.Less(t, respelt, 40)
		})
	}
}

// readThrough reads until an error and returns what was handed out before it.
func readThrough(r io.Reader) (string, error) {
	var out bytes.Buffer
	_, err := io.Copy(&out, r)
	return out.String(), err
}

// SIG-101: chunks moved about. Each has a signature that was valid in its
// place.
func TestChunksMoved(t *testing.T) {
	s := streamCases(t)[0]
	a, b, c := strings.Repeat("a", 10), strings.Repeat("b", 10), strings.Repeat("c", 10)
	encoded := s.encode(t, a+b+c, 10)
	frame := len("a;chunk-signature=\r\n\r\n") + 64 + 10
	one, two, three, end := encoded[:frame], encoded[frame:2*frame], encoded[2*frame:3*frame], encoded[3*frame:]
	for name, body := range map[string]string{
		"swapped":          two + one + three + end,
		"replayed":         one + one + three + end,
		"dropped":          one + three + end,
		"dropped at end":   one + two + end,
		"no final chunk":   one + two + three,
		"only final chunk": end,
		"two final chunks": one + two + three + end + end,
		"nothing":          "",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readThrough(s.reader(t, strings.NewReader(body), 30))
			require.Error(t, err)
			require.NotErrorIs(t, err, io.EOF)
		})
	}
	back, err := readThrough(s.reader(t, strings.NewReader(one+two+three+end), 30))
	require.NoError(t, err)
	require.Equal(t, a+b+c, back)
}

// A handler that stops at the announced length, and so never sees io.EOF, must
// not get the last bytes of a stream that is not complete.
func TestLastBytesWaitForTheEnd(t *testing.T) {
	const data = "0123456789"
	for _, s := range streamCases(t) {
		t.Run(s.name, func(t *testing.T) {
			encoded := s.encode(t, data, 10)
			p := make([]byte, len(data))
			_, err := io.ReadFull(s.reader(t, strings.NewReader(encoded), 10), p)
			require.NoError(t, err)
			for cut := 1; cut < len(encoded)-len(data); cut++ {
				n, err := io.ReadFull(s.reader(t, strings.NewReader(encoded[:len(encoded)-cut]), 10), p)
				require.Error(t, err)
				require.Less(t, n, len(data))
			}
		})
	}
}

// SIG-60: with a bound, only verified bytes come out.
func TestVerifiedChunksOnly(t *testing.T) {
	s := streamCases(t)[0]
	data := strings.Repeat("a", 20) + strings.Repeat("b", 20)
	body := []byte(s.encode(t, data, 20))
	at := bytes.LastIndex(body, []byte("bbbb"))
	body[at]++
	r := s.reader(t, iotest.OneByteReader(bytes.NewReader(body)), 40)
	r.hold = 20
	got, err := readThrough(iotest.OneByteReader(r))
	require.Error(t, err)
	require.Equal(t, data[:20], got)

	r = s.reader(t, strings.NewReader(s.encode(t, data, 20)), 40)
	r.hold = 19
	got, err = readThrough(r)
	require.Error(t, err, "a chunk over the bound")
	require.Empty(t, got)
}

// The buffer of a held chunk grows with what arrives, not with what the header
// claims.
func TestHeldChunkCostsWhatArrived(t *testing.T) {
	s := streamCases(t)[0]
	body := "40000000;chunk-signature=" + strings.Repeat("a", 64) + "\r\nxyz"
	r := s.reader(t, strings.NewReader(body), 1<<40)
	r.hold = 1 << 40
	_, err := readThrough(r)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.LessOrEqual(t, cap(r.buf), 32<<10)
}

// SIG-57: every chunk but the last with data has the least size.
func TestSmallChunks(t *testing.T) {
	for _, s := range streamCases(t) {
		for _, tt := range []struct {
			name  string
			n     int
			chunk int
			ok    bool
		}{
			{"one small chunk", 10, 8192, true},
			{"full ones and a small one", 20000, 8192, true},
			{"one byte under", 20000, 8191, false},
			{"small ones", 20, 10, false},
		} {
			t.Run(s.name+"/"+tt.name, func(t *testing.T) {
				encoded := s.encode(t, strings.Repeat("x", tt.n), tt.chunk)
				r := s.reader(t, strings.NewReader(encoded), int64(tt.n))
				r.min = minChunk
				_, err := readThrough(r)
				if tt.ok {
					require.NoError(t, err)
					return
				}
				requireCode(t, err, "InvalidChunkSizeError")
				r = s.reader(t, strings.NewReader(encoded), int64(tt.n))
				_, err = readThrough(r)
				require.NoError(t, err, "0 turns the rule off")
			})
		}
	}
}

// SIG-58, SIG-102: the decoded length lies.
func TestDecodedLengthLies(t *testing.T) {
	for _, s := range streamCases(t) {
		t.Run(s.name, func(t *testing.T) {
			encoded := s.encode(t, strings.Repeat("x", 50), 20)
			for _, n := range []int64{0, 1, 19, 20, 49, 51, 60, 1 << 62} {
				got, err := readThrough(s.reader(t, strings.NewReader(encoded), n))
				requireCode(t, err, "IncompleteBody")
				require.LessOrEqual(t, int64(len(got)), n, "no byte over the length is handed out")
			}
			_, err := readThrough(s.reader(t, strings.NewReader(encoded), -1))
			require.NoError(t, err, "an unknown length is not compared")
		})
	}
}

// SIG-59: an error is the stream's last word.
func TestStreamErrorsStick(t *testing.T) {
	s := streamCases(t)[0]
	encoded := s.encode(t, strings.Repeat("x", 50), 20)
	r := s.reader(t, strings.NewReader(encoded[:60]+"y"+encoded[61:]), 50)
	_, first := readThrough(r)
	require.Error(t, first)
	for range 3 {
		n, err := r.Read(make([]byte, 10))
		require.Zero(t, n)
		require.Equal(t, first, err)
	}
	failing := errors.New("the network is gone")
	r = s.reader(t, io.MultiReader(strings.NewReader(encoded[:30]), iotest.ErrReader(failing)), 50)
	_, err := readThrough(r)
	require.ErrorIs(t, err, failing)
	// A source that wraps io.EOF has not ended cleanly.
	wrapped := fmt.Errorf("reset: %w", io.EOF)
	for _, cut := range []int{0, 30, len(encoded)} {
		r = s.reader(t, io.MultiReader(strings.NewReader(encoded[:cut]), iotest.ErrReader(wrapped)), 50)
		_, err = readThrough(r)
		require.Error(t, err)
		require.NotErrorIs(t, err, io.EOF)
	}
	r = s.reader(t, strings.NewReader(encoded), 50)
	require.NoError(t, r.Close())
	_, err = r.Read(make([]byte, 1))
	require.Error(t, err)
}

// SIG-103: what never ends is refused in little memory.
func TestStreamLimits(t *testing.T) {
	for name, body := range map[string]io.Reader{
		"endless header":     endless('1'),
		"endless zeros":      endless('0'),
		"endless extension":  io.MultiReader(strings.NewReader("5;chunk-signature="), endless('a')),
		"endless trailers":   io.MultiReader(strings.NewReader("0\r\n"), endlessText("a:b\r\n")),
		"endless trailer":    io.MultiReader(strings.NewReader("0\r\na:"), endless('b')),
		"seventeen trailers": strings.NewReader("0\r\n" + strings.Repeat("x-amz-checksum-crc32c:AAAAAA==\r\n", 17) + "\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			for _, s := range streamCases(t) {
				if strings.Contains(name, "trailer") && s.name != "unsigned-trailer" {
					continue
				}
				counted := &countingReader{r: body}
				_, err := readThrough(s.reader(t, counted, 0))
				require.Error(t, err)
				require.Less(t, counted.n, int64(32<<10))
				break
			}
		})
	}
}

type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

type endlessText string

func (e endlessText) Read(p []byte) (int, error) {
	return copy(p, strings.Repeat(string(e), len(p)/len(e)+1)[:max(len(e), len(p)/len(e)*len(e))]), nil
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// SIG-50: the reader takes no other spelling of a header.
func TestChunkHeaderSpellings(t *testing.T) {
	s := streamCases(t)[4]
	sum := crc32.Checksum([]byte("hello"), crc32.MakeTable(crc32.Castagnoli))
	end := "0\r\n" + crc32cTrailer + ":" + string((&digest{hash: presetHash(sum)}).encode(nil)) + "\r\n\r\n"
	for header, ok := range map[string]bool{
		"5\r\n":                    true,
		"05\r\n":                   true,
		"0000000000000005\r\n":     true,
		"00000000000000005\r\n":    false, // 17 digits
		"+5\r\n":                   false,
		"-5\r\n":                   false,
		" 5\r\n":                   false,
		"5 \r\n":                   false,
		"0x5\r\n":                  false,
		"5\n":                      false,
		"5\r\r\n":                  false,
		"5;\r\n":                   false,
		"5;a=b\r\n":                false,
		"5;chunk-signature=\r\n":   false,
		"\r\n":                     false,
		"8000000000000005\r\n":     false, // over 2^63
		"ffffffffffffffff\r\n":     false,
		"5;chunk-signature=00\r\n": false,
		"\r\n5\r\n":                false,
		"5\r\n\r\n":                false,
	} {
		t.Run(fmt.Sprintf("%q", header), func(t *testing.T) {
			back, err := readThrough(s.reader(t, strings.NewReader(header+"hello\r\n"+end), 5))
			if ok {
				require.NoError(t, err)
				require.Equal(t, "hello", back)
				return
			}
			require.Error(t, err)
		})
	}
}

// presetHash is a hash whose sum is given.
type presetHash uint32

func (p presetHash) Write(b []byte) (int, error) { return len(b), nil }
func (p presetHash) Sum(b []byte) []byte {
	return append(b, byte(p>>24), byte(p>>16), byte(p>>8), byte(p))
}
func (p presetHash) Reset()         {}
func (p presetHash) Size() int      { return 4 }
func (p presetHash) BlockSize() int { return 1 }

// SIG-52, SIG-53: minio-go's trailer line, and what is only near it.
func TestTrailerLineEnds(t *testing.T) {
	const line = crc32cTrailer + ":AAAAAA=="
	s := streamCases(t)[4]
	for end, ok := range map[string]bool{
		line + "\r\n\r\n":                               true,
		line + "\n\r\n\r\n":                             true, // minio-go
		crc32cTrailer + ": AAAAAA== \r\n\r\n":           true,
		"X-Amz-Checksum-Crc32c:AAAAAA==\r\n\r\n":        true,
		line + "\n\r\n":                                 false,
		line + "\n\n":                                   false,
		line + "\n\r\n\n":                               false,
		line + "\r\n\n":                                 false,
		line + "\r\n":                                   false,
		line + "\r\r\n\r\n":                             false,
		"\n\r\n" + line + "\r\n\r\n":                    false,
		line + "\r\n" + line + "\r\n\r\n":               false, // twice
		line + "\r\nx-extra:1\r\n\r\n":                  false,
		"x-extra:1\r\n\r\n":                             false,
		"\r\n":                                          false, // missing
		line + "\r\n\r\n\r\n":                           false, // bytes after the end
		crc32cTrailer + " :AAAAAA==\r\n\r\n":            false,
		crc32cTrailer + "\r\n\r\n":                      false,
		":AAAAAA==\r\n\r\n":                             false,
		line + "\x00\r\n\r\n":                           false,
		line + "\r\nx-amz-trailer-signature:00\r\n\r\n": false,
	} {
		t.Run(fmt.Sprintf("%q", end), func(t *testing.T) {
			_, err := readThrough(s.reader(t, strings.NewReader("0\r\n"+end), 0))
			if ok {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
		})
	}
	// The signed form of it: minio-go's framing around a correct signature.
	signed := streamCases(t)[1]
	encoded := signed.encode(t, "hello", 5)
	minio := strings.Replace(encoded, "==\r\nx-amz-trailer-signature", "==\n\r\nx-amz-trailer-signature", 1)
	require.NotEqual(t, encoded, minio)
	back, err := readThrough(signed.reader(t, strings.NewReader(minio), 5))
	require.NoError(t, err)
	require.Equal(t, "hello", back)
}

// The limits and the spelling of trailer lines, read by themselves.
func TestTrailerReader(t *testing.T) {
	lines := func(n int) string { return strings.Repeat("a:b\r\n", n) + "\r\n" }
	long := func(total int) string { return "a:" + strings.Repeat("b", total-6) + "\r\n\r\n" }
	for name, tt := range map[string]struct {
		text string
		ok   bool
	}{
		"none":             {"\r\n", true},
		"sixteen":          {lines(16), true},
		"seventeen":        {lines(17), false},
		"8 KiB":            {long(8192), true},
		"8 KiB and a byte": {long(8193), false},
		"minio-go's end":   {"a:b\n\r\nc:d\r\n\r\n", true},
		"near minio-go's":  {"a:b\nxx\r\n\r\n", false},
		"bare LF":          {"a:b\nc:d\r\n\r\n", false},
		"no token":         {"a b:c\r\n\r\n", false},
		"empty name":       {":c\r\n\r\n", false},
		"no colon":         {"a\r\n\r\n", false},
		"control byte":     {"a:\x00\r\n\r\n", false},
		"carriage return":  {"a:b\rc\r\n\r\n", false},
		"tab":              {"a:\tb\tc\t\r\n\r\n", true},
		"delete":           {"a:\x7f\r\n\r\n", false},
	} {
		r := trailerReader{src: bufio.NewReaderSize(strings.NewReader(tt.text), chunkLine)}
		_, _, err := r.read(false)
		require.Equal(t, tt.ok, err == nil, "%s: %v", name, err)
	}
	for text, end := range map[string]bool{"x-amz-trailer-signature:s\r\n\r\n": true, "x-amz-trailer-signature:s\r\nmore:1\r\n\r\n": false, "\r\n": false} {
		r := trailerReader{src: bufio.NewReaderSize(strings.NewReader(text), chunkLine)}
		_, _, err := r.read(true)
		require.Equal(t, end, err == nil, text)
	}
	for value, ok := range map[string]bool{
		"a": true, "b , A": true, "": false, ",": false, "a,": false, "a,A": false, "a b": false, "X-Amz-Trailer-Signature": false,
		"a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p": true, "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q": false, strings.Repeat("a", 8193): false,
	} {
		names, err := parseAnnounced(value)
		require.Equal(t, ok, err == nil, value)
		if value == "b , A" {
			require.Equal(t, []string{"a", "b"}, names)
		}
	}
}

// A size of no digits is no 0-chunk.
func TestNoSizeIsNoEnd(t *testing.T) {
	s := streamCases(t)[4]
	end := crc32cTrailer + ":AAAAAA==\r\n\r\n"
	_, err := readThrough(s.reader(t, strings.NewReader("0\r\n"+end), 0))
	require.NoError(t, err)
	_, err = readThrough(s.reader(t, strings.NewReader("\r\n"+end), 0))
	require.Error(t, err)
}

// SIG-54: checksums of every kind, wrong ones, and values that are none.
func TestChecksumTrailers(t *testing.T) {
	const data = "123456789"
	for name, sum := range map[string]string{
		"crc32":     "cbf43926",
		"crc32c":    "e3069283",
		"crc64nvme": "ae8b14860a799888",
		"sha1":      "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
		"md5":       "25f9e794323b453885f5181f1b624d0b",
		"sha256":    "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := hex.DecodeString(sum)
			require.NoError(t, err)
			value := base64.StdEncoding.EncodeToString(raw)
			h, err := newChecksum(name, nil)
			require.NoError(t, err)
			d := digest{name: checksumPrefix + name, hash: h}
			d.hash.Write([]byte(data))
			require.Equal(t, value, string(d.encode(nil)))
			require.NoError(t, d.check(value))
			wrong := "A" + value[1:]
			requireCode(t, d.check(wrong), "BadDigest")
			for _, bad := range []string{"", value[:len(value)-1], value + "=", strings.Replace(value, "=", "", 1), "!" + value[1:], value[:5] + "!" + value[6:], value + value, value[:4] + "\n" + value[4:]} {
				requireCode(t, d.check(bad), "InvalidRequest")
			}
		})
	}
	h, err := newChecksum("sha512", nil)
	require.NoError(t, err)
	require.Equal(t, 64, h.Size())
	h, err = newChecksum("xxhash64", nil)
	require.NoError(t, err)
	require.Nil(t, h)
}

// SIG-55: padding belongs to the wire, not to the chain; and it is there in
// full.
func TestECDSAPadding(t *testing.T) {
	s := streamCases(t)[2]
	data, encoded, sig, bare := "", "", "", ""
	for i := range 100 { // half of all signatures are padded
		data = fmt.Sprintf("%05d", i)
		encoded = s.encode(t, data, 5)
		sig = encoded[len("5;chunk-signature="):][:ecdsaSigLen]
		if bare = strings.TrimRight(sig, "*"); len(bare) < ecdsaSigLen-2 {
			break
		}
	}
	require.Less(t, len(bare), ecdsaSigLen-2)
	for name, other := range map[string]string{
		"unpadded":      bare,
		"half padded":   bare + "*",
		"padded before": strings.Repeat("*", ecdsaSigLen-len(bare)) + bare,
		"spaces":        bare + strings.Repeat(" ", ecdsaSigLen-len(bare)),
		"zeros":         bare + strings.Repeat("0", ecdsaSigLen-len(bare)),
		"only stars":    strings.Repeat("*", ecdsaSigLen),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readThrough(s.reader(t, strings.NewReader(strings.Replace(encoded, sig, other, 1)), 5))
			require.Error(t, err)
		})
	}
}

// SIG-55 of the trailer's signature, whose length no framing fixes.
func TestECDSATrailerPadding(t *testing.T) {
	s := streamCases(t)[3]
	for i := range 100 {
		data := fmt.Sprintf("%05d", i)
		encoded := s.encode(t, data, 5)
		bare := strings.TrimRight(strings.TrimSuffix(encoded, "\r\n\r\n"), "*") + "\r\n\r\n"
		if bare == encoded {
			continue
		}
		_, err := readThrough(s.reader(t, strings.NewReader(bare), 5))
		requireCode(t, err, "SignatureDoesNotMatch")
		return
	}
	t.Fatal("no padded signature in a hundred")
}

// The source of a writer must have the length it was announced with.
func TestSourceLengthLies(t *testing.T) {
	for _, s := range streamCases(t) {
		for _, n := range []int64{1, 49, 51, 100} {
			for _, whole := range []bool{true, false} {
				w := s.writer(t, strings.NewReader(strings.Repeat("x", 50)), n, 20)
				var err error
				var out bytes.Buffer
				if whole {
					_, err = w.WriteTo(&out)
				} else {
					_, err = out.ReadFrom(struct{ io.Reader }{w})
				}
				require.Error(t, err, "%s %d", s.name, n)
				_, err = readThrough(s.reader(t, bytes.NewReader(out.Bytes()), n))
				require.Error(t, err, "no server may take it for complete")
			}
		}
		failing := errors.New("disk")
		_, err := io.ReadAll(s.writer(t, io.MultiReader(strings.NewReader("xyz"), iotest.ErrReader(failing)), 3, 20))
		require.ErrorIs(t, err, failing)
	}
}

func TestEncodedLenOverflow(t *testing.T) {
	_, ok := encodedLen(1<<63-1, 8192, hmacSigLen, -1)
	require.False(t, ok)
	n, ok := encodedLen(1<<62, 8192, hmacSigLen, -1)
	require.True(t, ok)
	require.Greater(t, n, int64(1<<62))
}

func TestSHA256OfTheChunkOnly(t *testing.T) {
	// The hash of one chunk must not run on into the next.
	s := streamCases(t)[0]
	w := s.writer(t, strings.NewReader("aabb"), 4, 2)
	_, err := io.ReadAll(w)
	require.NoError(t, err)
	require.Equal(t, sha256.Sum256(nil), w.sum)
}

// requireCode demands an *Error with the code.
func requireCode(t testing.TB, err error, code string) {
	t.Helper()
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.Code, err)
}
