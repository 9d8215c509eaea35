// SPDX-License-Identifier: Apache-2.0

package gatewayclients

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// TestKilledGateway kills the gateway 50 times, 200 with SALLYPORT_FULL=1, while
// it stores and completes uploads and, from every third time on, moves all
// objects to a new wrapping key: nothing acknowledged is lost, nothing half
// written is visible, and the audit trail stays valid.
func TestKilledGateway(t *testing.T) {
	interop.Require(t)
	rounds := 50
	switch {
	case os.Getenv("SALLYPORT_FULL") == "1":
		rounds = 200
	case testing.Short():
		rounds = 5
	}
	program, dir := interop.BuildGateway(t), t.TempDir()
	done := &ledger{versions: map[string]int{}}
	for round := range rounds {
		g := interop.Gateway(t, interop.GatewayConfig{Dir: dir, Program: program, Fields: map[string]any{
			"audit": map[string]any{"rotate": "50ms", "digest": "1100ms"}, "reload": "20ms", "encryption": wrappingKeys(round / 3),
		}})
		w := &world{GatewayServer: g, scheme: "http"}
		c := w.sdk(w.root())
		if round == 0 {
			_, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("crash")})
			require.NoError(t, err)
		}
		done.verify(t, c)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() { done.write(ctx, c, fmt.Sprintf("put/%d", i), i%2 == 1) })
		}
		time.Sleep(time.Duration(20+rand.IntN(150)) * time.Millisecond) // the moment of the crash is what varies
		g.Process.Kill()
		cancel()
		wg.Wait()
	}
	g := interop.Gateway(t, interop.GatewayConfig{Dir: dir, Program: program, Fields: map[string]any{
		"audit": map[string]any{"digest": "1100ms"}, "encryption": wrappingKeys((rounds - 1) / 3),
	}})
	w := &world{GatewayServer: g, scheme: "http"}
	done.verify(t, w.sdk(w.root()))
	g.ValidTrail(t)
	total := 0
	for _, n := range done.versions {
		total += n
	}
	require.Greater(t, total, rounds, "too few writes were acknowledged to prove anything")
	testkit.Report(t, "interop", "gatewayclients/killed", "-", rounds)
	t.Logf("%d writes acknowledged in %d rounds", total, rounds)
}

// wrappingKeys are the n-th key, which writes, and all before it.
func wrappingKeys(n int) map[string]any {
	key := func(n int) map[string]any {
		return map[string]any{"key_file": fmt.Sprintf("%d.key", n), "name": fmt.Sprint("key ", n)}
	}
	all := key(n)
	old := []any{}
	for i := range n {
		old = append(old, key(i))
	}
	all["old"] = old
	return all
}

// ledger knows which version of each key was acknowledged last. Only the key's
// own writer changes it while writers run.
type ledger struct {
	mu       sync.Mutex
	versions map[string]int
}

func (l *ledger) last(key string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.versions[key]
}

// write stores one version after the other, in one piece or in two parts, until
// the gateway is gone.
func (l *ledger) write(ctx context.Context, c *s3.Client, key string, parts bool) {
	for version := l.last(key) + 1; ctx.Err() == nil; version++ {
		var err error
		if parts {
			err = putParts(ctx, c, key, version)
		} else {
			_, err = c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("crash"), Key: &key, Body: bytes.NewReader(versionBody(version, 200_000))})
		}
		if err != nil {
			return
		}
		l.mu.Lock()
		l.versions[key] = version
		l.mu.Unlock()
	}
}

func putParts(ctx context.Context, c *s3.Client, key string, version int) error {
	bucket := aws.String("crash")
	u, err := c.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: &key})
	if err != nil {
		return err
	}
	body := versionBody(version, 5<<20+1000)
	var done types.CompletedMultipartUpload
	for n, part := range [][]byte{body[:5<<20], body[5<<20:]} {
		number := aws.Int32(int32(n + 1))
		p, err := c.UploadPart(ctx, &s3.UploadPartInput{Bucket: bucket, Key: &key, UploadId: u.UploadId, PartNumber: number, Body: bytes.NewReader(part)})
		if err != nil {
			return err
		}
		done.Parts = append(done.Parts, types.CompletedPart{PartNumber: number, ETag: p.ETag})
	}
	_, err = c.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: &key, UploadId: u.UploadId, MultipartUpload: &done})
	return err
}

// versionBody is a body that says which version it is and ends in its hash.
func versionBody(version, size int) []byte {
	head := fmt.Sprintf("%d|", version)
	body := []byte(head + strings.Repeat(string(rune('a'+version%26)), size-len(head)-2*sha256.Size))
	sum := sha256.Sum256(body)
	return append(body, hex.EncodeToString(sum[:])...)
}

// verify reads every object that is listed: each is whole, and no older than
// what was acknowledged.
func (l *ledger) verify(t *testing.T, c *s3.Client) {
	t.Helper()
	page, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("crash")})
	require.NoError(t, err)
	seen := map[string]int{}
	for _, o := range page.Contents {
		out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("crash"), Key: o.Key})
		require.NoError(t, err, *o.Key)
		body, err := io.ReadAll(out.Body)
		require.NoError(t, err, *o.Key)
		n := len(body) - 2*sha256.Size
		sum := sha256.Sum256(body[:n])
		require.Equal(t, hex.EncodeToString(sum[:]), string(body[n:]), "%s is not whole", *o.Key)
		var version int
		_, err = fmt.Sscanf(string(body), "%d|", &version)
		require.NoError(t, err)
		seen[*o.Key] = version
	}
	for key, version := range l.versions {
		require.GreaterOrEqual(t, seen[key], version, "%s lost an acknowledged version", key)
		l.versions[key] = seen[key] // a version may have been stored and not acknowledged
	}
}
