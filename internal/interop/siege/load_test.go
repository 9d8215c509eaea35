// SPDX-License-Identifier: Apache-2.0

package siege

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/sigv4"
)

const connections = 64

// BenchmarkLoad puts and gets objects over 64 connections, with one client for
// every server: the gateway with encryption, policies and audit, versitygw and
// minio. The servers run one at a time, each in a folder of its own on the same
// disk. Each result has the median and the 99th percentile of an operation, and
// the server's peak of memory.
//
// Small objects are put under new names, and no server's folder goes before the
// last has been measured: ext4 without a journal passes over the inodes that were
// freed in the last minute (five where their table is not on the disk yet), one
// by one, so that who comes after ten thousand deletions takes two or three times
// as long, whoever it is. Begin six minutes after the last of them.
func BenchmarkLoad(b *testing.B) {
	interop.Require(b)
	whole := b // whose folders are removed at its end
	for _, size := range []int{4 << 10, 64 << 20} {
		for _, peer := range []struct {
			name  string
			start func(testing.TB) *interop.Server
		}{
			{"gateway-sync", durable("sync")},
			{"gateway-write", durable("write")},
			{"versitygw", interop.Versitygw},
			{"minio", interop.Minio},
		} {
			b.Run(fmt.Sprintf("%s/%s", sizeName(size), peer.name), func(b *testing.B) {
				l := newLoader(b, peer.start(whole), size)
				l.must(b, http.MethodPut, "/load", nil)
				for key := range l.keys {
					l.must(b, http.MethodPut, l.path(key), l.body)
				}
				b.Run("put", func(b *testing.B) { l.run(b, http.MethodPut) })
				b.Run("get", func(b *testing.B) { l.run(b, http.MethodGet) })
				l.server.Process.Stop()
			})
		}
	}
}

// durable starts a gateway that syncs objects before it acknowledges them, as
// minio does, or leaves that to the system, as versitygw does.
func durable(how string) func(testing.TB) *interop.Server {
	return func(tb testing.TB) *interop.Server {
		return interop.Gateway(tb, interop.GatewayConfig{Fields: map[string]any{"durability": how}}).Server
	}
}

func sizeName(n int) string {
	if n >= 1<<20 {
		return strconv.Itoa(n>>20) + "MiB"
	}
	return strconv.Itoa(n>>10) + "KiB"
}

// loader sends the load to one server.
type loader struct {
	server *interop.Server
	client *http.Client
	signer *sigv4.Signer
	body   []byte
	keys   int
	fresh  int // the names that were put beyond keys
}

func newLoader(b *testing.B, s *interop.Server, size int) *loader {
	b.Helper()
	body := make([]byte, size)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(body)
	keys := 1024
	if size >= 1<<20 {
		keys = 16
	}
	return &loader{
		server: s, body: body, keys: keys,
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections, DisableCompression: true}},
		signer: &sigv4.Signer{Region: s.Region, Profile: sigv4.ProfileFor("s3")},
	}
}

func (l *loader) path(key int) string { return fmt.Sprintf("/load/%d/%d", key%16, key) }

func (l *loader) must(b *testing.B, method, path string, body []byte) {
	b.Helper()
	if err := l.do(b.Context(), method, path, body); err != nil {
		b.Fatal(err)
	}
}

// do is one operation. The body is sent unsigned, as clients over TLS do, so
// that the client's own hashing does not hide the servers.
func (l *loader) do(ctx context.Context, method, path string, body []byte) error {
	r, err := http.NewRequestWithContext(ctx, method, l.server.URL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	keys := sigv4.Credentials{AccessKeyID: l.server.AccessKeyID, SecretAccessKey: l.server.SecretAccessKey}
	if _, err := l.signer.Sign(r, keys, sigv4.Payload{Mode: sigv4.PayloadUnsigned}); err != nil {
		return err
	}
	resp, err := l.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	n, err := io.Copy(io.Discard, resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || method == http.MethodGet && n != int64(len(l.body)) {
		return fmt.Errorf("%s %s: %s, %d bytes", method, path, resp.Status, n)
	}
	return nil
}

func (l *loader) run(b *testing.B, method string) {
	b.ReportAllocs()
	b.SetBytes(int64(len(l.body)))
	first, keys := 0, l.keys
	if method == http.MethodPut && len(l.body) < 1<<20 {
		first, keys = l.keys+l.fresh, math.MaxInt
		l.fresh += b.N
	}
	var next atomic.Int64
	var mu sync.Mutex
	var took []time.Duration
	var wg sync.WaitGroup
	before := l.cpu()
	b.ResetTimer()
	for range connections {
		wg.Go(func() {
			var mine []time.Duration
			for {
				n := next.Add(1)
				if n > int64(b.N) {
					break
				}
				var body []byte
				if method == http.MethodPut {
					body = l.body
				}
				start := time.Now()
				if err := l.do(b.Context(), method, l.path((first+int(n))%keys), body); err != nil {
					b.Error(err)
					return
				}
				mine = append(mine, time.Since(start))
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
		})
	}
	wg.Wait()
	b.StopTimer()
	if len(took) == 0 {
		return
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(l.cpu()-before)/float64(b.N), "server-cpu-ns/op")
	b.ReportMetric(float64(statusKiB(l.server.Process, "VmHWM:"))/1024, "peak-MiB")
}

// cpu is the processor time that the server has used, or 0 where the system
// does not tell.
func (l *loader) cpu() time.Duration {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", l.server.Process.PID()))
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond // of 100 a second
}
