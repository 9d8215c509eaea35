// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	smithycredentials "github.com/aws/smithy-go/aws-http-auth/credentials"
	"github.com/aws/smithy-go/aws-http-auth/sigv4a"
	miniosigner "github.com/minio/minio-go/v7/pkg/signer"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/sigv4"
)

// hasher is what minio-go wants of a hash.
type hasher struct{ hash.Hash }

func (hasher) Close() {}

// BenchmarkEvent is one frame of 1 KiB. The SDK's StreamSigner computes the
// signature only; ours makes the whole frame, checksums and all.
func BenchmarkEvent(b *testing.B) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ours := &sigv4.Signer{Region: region, Profile: sigv4.ProfileFor("transcribe"), Now: func() time.Time { return now }}
	c := sigv4.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}
	message := bytes.Repeat([]byte("m"), 1024)
	start := func() (*sigv4.EventSigner, *sdk.StreamSigner) {
		r, err := http.NewRequest("POST", "https://transcribestreaming.us-east-1.amazonaws.com/", nil)
		require.NoError(b, err)
		seed, err := ours.Sign(r, c, sigv4.Payload{Mode: sigv4.PayloadEvents})
		require.NoError(b, err)
		signer, err := ours.EventSigner(seed, c)
		require.NoError(b, err)
		raw, err := hex.DecodeString(seed.Signature)
		require.NoError(b, err)
		return signer, sdk.NewStreamSigner(aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}, "transcribe", region, raw)
	}
	signer, theirs := start()
	frame, err := signer.AppendFrame(nil, message)
	require.NoError(b, err)
	require.Equal(b, sdkFrame(b, theirs, now, message), frame)
	header := frame[12 : 12+15]
	b.Run("sdk", func(b *testing.B) {
		_, theirs := start()
		b.SetBytes(1024)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := theirs.GetSignature(context.Background(), header, message, now); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ours", func(b *testing.B) {
		signer, _ := start()
		b.SetBytes(1024)
		b.ReportAllocs()
		for b.Loop() {
			if frame, err = signer.AppendFrame(frame[:0], message); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkChunkedUpload signs a body of 16 MiB in chunks of 64 KiB, from
// memory.
func BenchmarkChunkedUpload(b *testing.B) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	request := func() *http.Request {
		r, err := http.NewRequest("PUT", "https://s3.amazonaws.com/bucket/key", bytes.NewReader(body))
		require.NoError(b, err)
		return r
	}
	ours := &sigv4.Signer{Region: region, Profile: sigv4.ProfileFor("s3"), Now: func() time.Time { return now }}
	c := sigv4.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}
	buf := make([]byte, 64<<10)
	mine := func() (n int64) {
		r := request()
		if _, err := ours.Sign(r, c, sigv4.Payload{Mode: sigv4.PayloadChunked}); err != nil {
			b.Fatal(err)
		}
		n, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{r.Body}, buf)
		require.NoError(b, err)
		return n
	}
	theirs := func() int64 {
		r := request()
		r = miniosigner.StreamingSignV4(r, keyID, secret, "", region, int64(len(body)), now, hasher{sha256.New()})
		n, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{r.Body}, buf)
		require.NoError(b, err)
		return n
	}
	require.Equal(b, theirs(), mine(), "the same length")
	b.Run("floor=sha256", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			sha256.Sum256(body)
		}
	})
	b.Run("minio-go", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			theirs()
		}
	})
	b.Run("ours", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			mine()
		}
	})
}

// BenchmarkSigV4A signs a GET, with the key pair derived before.
func BenchmarkSigV4A(b *testing.B) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	sum := sha256.Sum256(nil)
	b.Run("smithy-go", func(b *testing.B) {
		signer := sigv4a.New()
		r, _ := http.NewRequest("GET", "https://example.com/a/b?c=d", nil)
		in := &sigv4a.SignRequestInput{
			Request: r, PayloadHash: sum[:], Service: "execute-api", RegionSet: []string{region}, Time: now,
			Credentials: smithycredentials.Credentials{AccessKeyID: keyID, SecretAccessKey: secret},
		}
		b.ReportAllocs()
		for b.Loop() {
			if err := signer.SignRequest(in); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ours", func(b *testing.B) {
		s := &sigv4.Signer{
			Region: region, Profile: sigv4.ProfileFor("execute-api"), Algorithm: sigv4.AlgorithmV4A, Now: func() time.Time { return now },
		}
		r, _ := http.NewRequest("GET", "https://example.com/a/b?c=d", nil)
		c := sigv4.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Sign(r, c, sigv4.Payload{Mode: sigv4.PayloadSHA256, SHA256: sum}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
