// SPDX-License-Identifier: Apache-2.0

//go:build !race

package sigv4

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/testkit"
)

// chunkCost is the allocations that a stream makes for each further chunk.
func chunkCost(t *testing.T, run func(chunks int)) float64 {
	t.Helper()
	few := testing.AllocsPerRun(5, func() { run(2) })
	many := testing.AllocsPerRun(5, func() { run(66) })
	return (many - few) / 64
}

// SIG-119: no allocation per chunk, signing and verifying, whatever the
// checksum. An ECDSA chunk costs what crypto/ecdsa allocates.
func TestChunksDoNotAllocate(t *testing.T) {
	data := bytes.Repeat([]byte("x"), 66*8192)
	p := make([]byte, 4096)
	drain := func(r io.Reader) {
		for {
			_, err := r.Read(p)
			if err == io.EOF {
				return
			}
			require.NoError(t, err)
		}
	}
	for _, s := range streamCases(t) {
		if strings.HasPrefix(s.name, "ecdsa") {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			encoded := map[int]string{}
			for _, n := range []int{2, 66} {
				encoded[n] = s.encode(t, string(data[:n*8192]), 8192)
			}
			sign := chunkCost(t, func(n int) {
				drain(s.writer(t, bytes.NewReader(data[:n*8192]), int64(n*8192), 8192))
			})
			writeTo := chunkCost(t, func(n int) {
				_, err := s.writer(t, bytes.NewReader(data[:n*8192]), int64(n*8192), 8192).WriteTo(io.Discard)
				require.NoError(t, err)
			})
			verify := chunkCost(t, func(n int) {
				r := s.reader(t, strings.NewReader(encoded[n]), int64(n*8192))
				r.min = minChunk
				drain(r)
			})
			hold := chunkCost(t, func(n int) {
				r := s.reader(t, strings.NewReader(encoded[n]), int64(n*8192))
				if r.chain != nil {
					r.hold = 8192
				}
				drain(r)
			})
			require.Zero(t, sign, "Read")
			require.Zero(t, verify, "verify")
			require.Zero(t, hold, "verified chunks")
			require.Zero(t, writeTo, "WriteTo")
		})
	}
	for _, name := range []string{"crc32", "crc32c", "crc64nvme", "sha1", "sha256", "sha512", "md5"} {
		h, err := newChecksum(name, nil)
		require.NoError(t, err)
		testkit.AllocsAtMost(t, 0, func() { h.Write(data[:65536]) })
	}
}

// SIG-119: no allocation per event frame, either way.
func TestEventFramesDoNotAllocate(t *testing.T) {
	now := time.Date(2013, 5, 24, 12, 0, 0, 0, time.UTC)
	key, err := newSigningKey("secret of an event stream", Scope{Date: "20130524", Region: "us-east-1", Service: "s3"})
	require.NoError(t, err)
	daily := func(string) (*signingKey, Scope, error) {
		return key, Scope{Date: "20130524", Region: "us-east-1", Service: "s3"}, nil
	}
	signer := &EventSigner{chain: newEventChain([32]byte{}, daily), now: func() time.Time { return now }}
	message := bytes.Repeat([]byte("m"), 1024)
	frame := make([]byte, 0, 2048)
	testkit.AllocsAtMost(t, 0, func() {
		if frame, err = signer.AppendFrame(frame[:0], message); err != nil {
			t.Fatal(err)
		}
	})
	signer = &EventSigner{chain: newEventChain([32]byte{}, daily), now: func() time.Time { return now }}
	var body []byte
	for range 300 {
		body, err = signer.AppendFrame(body, message)
		require.NoError(t, err)
	}
	reader := &eventReader{
		body: io.NopCloser(bytes.NewReader(body)), chain: newEventChain([32]byte{}, daily), now: func() time.Time { return now },
		skew: time.Minute, fault: func(err error) error { return err },
	}
	p := make([]byte, 1024)
	testkit.AllocsAtMost(t, 0, func() {
		if _, err := io.ReadFull(reader, p); err != nil {
			t.Fatal(err)
		}
	})
}
