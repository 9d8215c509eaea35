// SPDX-License-Identifier: Apache-2.0

package siege

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
)

// mounted starts a gateway whose folder NAME is a file system of its own, of
// the size given, that only the gateway sees.
func mounted(t *testing.T, name, size string, fields map[string]any) *attacker {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "unshare", "-m", "true").CombinedOutput(); err != nil {
		t.Fatalf("a mount of the gateway's own needs unshare (util-linux) and the right to use it: %v: %s", err, out)
	}
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o755))
	return besiege(t, interop.GatewayConfig{
		Dir: dir, Fields: fields,
		Wrap: []string{
			"unshare", "-m", "sh", "-c", `mount -t tmpfs -o size=` + size + ` none "$0" && exec "$@"`, filepath.Join(dir, name),
		},
	})
}

// remount changes the options of that file system while the gateway runs.
func (a *attacker) remount(name, options string) {
	a.t.Helper()
	cmd := exec.CommandContext(a.t.Context(), "nsenter", "-t", strconv.Itoa(a.g.Process.PID()), "-m",
		"mount", "-o", "remount,"+options, filepath.Join(a.g.Dir, name))
	out, err := cmd.CombinedOutput()
	require.NoError(a.t, err, string(out))
}

// TestFullDisk fills the store: what does not fit is refused as S3 refuses it,
// what was there stays, nothing half written shows, and deleting makes room
// again without a restart.
func TestFullDisk(t *testing.T) {
	interop.Require(t)
	a := mounted(t, "store", "16m", nil)
	body := strings.Repeat("x", 3<<20)
	stored := 0
	for ; stored < 10; stored++ {
		got := a.send(a.request("PUT", fmt.Sprintf("/siege/%d", stored), body).headers().render())
		if got.status == 200 {
			continue
		}
		require.Equal(t, 503, got.status, got.body)
		require.Contains(t, got.body, "no space left", "the answer does not say what to do")
		break
	}
	require.Greater(t, stored, 1)
	require.Less(t, stored, 6, "the disk never was full")
	for i := range stored {
		got, _ := a.read(fmt.Sprintf("/siege/%d", i))
		require.Equal(t, body, got)
	}
	_, there := a.read(fmt.Sprintf("/siege/%d", stored))
	require.False(t, there)
	a.must(a.request("DELETE", "/siege/0", "").headers())
	a.must(a.request("PUT", "/siege/again", body).headers())
	testkit.Report(t, "interop", "siege/full-disk", "-", stored+3)
}

// TestFullAuditDisk fills the folder of the audit trail: what cannot be audited
// is refused by 503 and has no effect, until there is room again.
func TestFullAuditDisk(t *testing.T) {
	interop.Require(t)
	a := mounted(t, "audit", "256k", map[string]any{"audit": map[string]any{"rotate": "500ms", "digest": "1h"}})
	refused := answer{}
	n := 0
	for ; n < 5000 && refused.status == 0; n++ {
		if got := a.send(a.request("PUT", "/siege/n", strconv.Itoa(n)).headers().render()); got.status != 200 {
			refused = got
		}
	}
	require.Equal(t, 503, refused.status, refused.body)
	require.Equal(t, 503, a.send(a.request("PUT", loot, "body").headers().render()).status)
	a.remount("audit", "size=64m")
	require.Eventually(t, func() bool { // with the next log file
		return a.send(a.request("GET", victim, "").headers().render()).status == 200
	}, 20*time.Second, 50*time.Millisecond)
	_, there := a.read(loot)
	require.False(t, there, "a call that was not audited had an effect")
	got, _ := a.read("/siege/n")
	require.Equal(t, strconv.Itoa(n-2), got, "the last write that was acknowledged")
	a.must(a.request("PUT", "/siege/again", "body").headers())
	testkit.Report(t, "interop", "siege/full-audit", "-", n)
}

// TestReadOnlyStore takes the right to write away while the gateway runs:
// objects are read on, writes are refused, and work again afterwards.
func TestReadOnlyStore(t *testing.T) {
	interop.Require(t)
	a := mounted(t, "store", "64m", nil)
	a.remount("store", "ro")
	got := a.send(a.request("PUT", loot, "body").headers().render())
	require.Equal(t, 503, got.status, got.body)
	require.Contains(t, got.body, "can only be read")
	require.Equal(t, 503, a.send(a.request("DELETE", victim, "").headers().render()).status)
	body, _ := a.read(victim)
	require.Equal(t, "untouched", body)
	a.remount("store", "rw")
	a.must(a.request("PUT", "/siege/again", "body").headers())
	_, there := a.read(loot)
	require.False(t, there)
	testkit.Report(t, "interop", "siege/read-only", "-", 5)
}

// TestKMSDown takes the key service away: what needs it is refused, nothing is
// stored in the clear, and it works again when the service does.
func TestKMSDown(t *testing.T) {
	interop.Require(t)
	kms := testkit.NewKMS()
	key := kms.AddKey("us-east-1", "123456789012")
	var down atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			http.Error(w, `{"__type":"KMSInternalException"}`, http.StatusInternalServerError)
			return
		}
		kms.ServeHTTP(w, r)
	}))
	defer server.Close()
	a := besiege(t, interop.GatewayConfig{
		Env: []string{
			"AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=any", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/nonexistent",
			"AWS_MAX_ATTEMPTS=1",
		},
		Fields: map[string]any{"encryption": map[string]any{"kms_key": key, "kms_endpoint": server.URL}},
	})
	down.Store(true)
	got := a.send(a.request("PUT", loot, "body").headers().render())
	require.Equal(t, 503, got.status, got.body)
	require.Contains(t, got.body, "key management service", "the answer does not say what is missing")
	down.Store(false)
	_, there := a.read(loot)
	require.False(t, there)
	a.must(a.request("PUT", "/siege/again", "body").headers())
	body, _ := a.read(victim)
	require.Equal(t, "untouched", body)
	testkit.Report(t, "interop", "siege/kms-down", "-", 4)
}

// TestSlowClients holds connections open in the three slow ways: headers that
// never end, bodies that never come, and answers that nobody reads. The gateway
// ends them, serves others meanwhile, and keeps its memory.
func TestSlowClients(t *testing.T) {
	interop.Require(t)
	a := besiege(t, interop.GatewayConfig{Fields: map[string]any{"stall": "1s"}})
	large := strings.Repeat("0123456789abcdef", 2<<20)
	a.must(a.request("PUT", "/siege/large", large).headers())
	head := string(a.request("PUT", loot, "").render())
	body := a.request("PUT", loot, strings.Repeat("x", 1<<20)).headers()
	start := map[string]string{
		"headers": strings.TrimSuffix(head, "\r\n"),
		"body":    strings.TrimSuffix(string(body.render()), body.body[:1<<19]),
		"reader":  string(a.request("GET", "/siege/large", "").headers().render()),
	}
	const each = 40
	var wg sync.WaitGroup
	var ended atomic.Int64
	for _, text := range start {
		for range each {
			conn, err := net.Dial("tcp", a.addr)
			require.NoError(t, err)
			defer func() { _ = conn.Close() }()
			require.NoError(t, conn.(*net.TCPConn).SetReadBuffer(4096))
			_, err = conn.Write([]byte(text))
			require.NoError(t, err)
			if strings.HasPrefix(text, "GET") {
				continue // its end is seen below, by what is left to read
			}
			wg.Go(func() {
				_ = conn.SetReadDeadline(time.Now().Add(40 * time.Second))
				if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
					_ = resp.Body.Close()
					ended.Add(1)
				} else if !os.IsTimeout(err) {
					ended.Add(1)
				}
			})
		}
	}
	got, _ := a.read(victim)
	require.Equal(t, "untouched", got, "the gateway serves nobody else")
	wg.Wait()
	require.EqualValues(t, 2*each, ended.Load(), "connections that the gateway did not end")
	require.Eventually(t, func() bool { return a.connections() < each }, 30*time.Second, 100*time.Millisecond,
		"answers that nobody reads are not given up")
	require.Less(t, a.residentMiB(), 256)
	_, there := a.read(loot)
	require.False(t, there)
	testkit.Report(t, "interop", "siege/slow", "-", 3*each)
}

// connections is how many sockets the gateway has open.
func (a *attacker) connections() int {
	entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", a.g.Process.PID()))
	n := 0
	for _, e := range entries {
		if target, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", a.g.Process.PID(), e.Name())); strings.HasPrefix(target, "socket:") {
			n++
		}
	}
	return n
}

// TestIdleConnections opens 10,000 connections that say nothing, or as many as
// the limit on open files allows: others are served, in bounded memory.
func TestIdleConnections(t *testing.T) {
	interop.Require(t)
	a := besiege(t, interop.GatewayConfig{})
	before := a.residentMiB()
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	for range 10_000 {
		conn, err := net.Dial("tcp", a.addr)
		if err != nil {
			require.Greater(t, len(conns), 2000, "%v", err)
			break
		}
		conns = append(conns, conn)
	}
	got, _ := a.read(victim)
	require.Equal(t, "untouched", got)
	require.Less(t, a.residentMiB()-before, 400, "MiB for %d connections", len(conns))
	t.Logf("%d connections: %d MiB more", len(conns), a.residentMiB()-before)
	testkit.Report(t, "interop", "siege/idle", "-", len(conns))
}
