// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/presign"
	"github.com/sallyport-go/sallyport/sigv4"
)

// clock is one that a test sets.
type clock struct{ at atomic.Pointer[time.Time] }

func newClock(at time.Time) *clock {
	c := &clock{}
	c.set(at)
	return c
}

func (c *clock) now() time.Time     { return *c.at.Load() }
func (c *clock) set(at time.Time)   { c.at.Store(&at) }
func (c *clock) use(config *Config) { config.now = c.now }

// sendAt sends a request that the owner signed at a time.
func (b *bench) sendAt(at time.Time, method, target string, body io.Reader, length int64) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+target, body)
	require.NoError(b.t, err)
	r.ContentLength = length
	signer := &sigv4.Signer{Region: b.config.Region, Profile: sigv4.ProfileFor("s3"), Now: func() time.Time { return at }}
	_, err = signer.Sign(r, b.keys(0), sigv4.Payload{Mode: sigv4.PayloadUnsigned})
	require.NoError(b.t, err)
	return b.do(r)
}

// TestTheClockJumps moves the clock of a running gateway by hours, forth and
// back, while requests are under way. Signatures are refused while the clock is
// wrong and accepted as soon as it is right; what has begun ends well; uploads
// stay; digests go on, and the trail is valid and has every call in the end.
func TestTheClockJumps(t *testing.T) {
	noon := time.Now().Add(-10 * 24 * time.Hour).Truncate(time.Second)
	c := newClock(noon)
	b := newBench(t, c.use)
	calls := 0
	send := func(method, target, body string, status int, code string) answer {
		t.Helper()
		calls++
		a := b.sendAt(noon, method, target, strings.NewReader(body), int64(len(body)))
		require.Equal(t, status, a.status, a.body)
		require.Equal(t, code, a.code, a.body)
		return a
	}
	send("PUT", "/bucket", "", 200, "")
	send("PUT", "/bucket/k", "before", 200, "")
	var upload struct{ UploadId string }
	require.NoError(t, xml.Unmarshal([]byte(send("POST", "/bucket/upload?uploads", "", 200, "").body), &upload))
	id := upload.UploadId
	etag := send("PUT", "/bucket/upload?partNumber=1&uploadId="+id, "part", 200, "").header.Get("ETag")
	urls := b.presign()
	urls.Now = func() time.Time { return noon }
	link, err := urls.Get(b.keys(0), "bucket", "k", &presign.Options{Expires: time.Hour})
	require.NoError(t, err)
	follow := func(status int, message string) {
		t.Helper()
		calls++
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link.URL, nil)
		require.NoError(t, err)
		a := b.do(r)
		require.Equal(t, status, a.status, a.body)
		require.Contains(t, a.body, message)
	}
	digest := func() {
		t.Helper()
		require.NoError(t, b.g.audit.digest(t.Context()))
		b.g.expireUploads(t.Context())
	}
	follow(200, "before")
	digest()
	for _, jump := range []struct {
		by   time.Duration
		link string // what the presigned URL is told
	}{
		{5 * time.Hour, "Request has expired"},
		{-6 * time.Hour, "Request is not yet valid"},
		{26 * time.Hour, "Request has expired"},
	} {
		body, feed := io.Pipe() // one request begins before the jump and ends after it
		slow := make(chan answer, 1)
		calls++
		go func() { slow <- b.sendAt(noon, "PUT", "/bucket/slow", body, 8) }()
		_, _ = io.WriteString(feed, "some")
		require.Eventually(t, func() bool { // it has passed every door, and its body is being stored
			files, err := os.ReadDir(filepath.Join(b.config.Store, "tmp"))
			return err == nil && len(files) > 0
		}, 10*time.Second, time.Millisecond)
		c.set(noon.Add(jump.by))
		send("GET", "/bucket/k", "", 403, "RequestTimeTooSkewed")
		follow(403, jump.link)
		digest()
		_, _ = io.WriteString(feed, "more")
		_ = feed.Close()
		a := <-slow
		require.Equal(t, 200, a.status, a.body)
		c.set(noon.Add(time.Second))
		require.Equal(t, "before", send("GET", "/bucket/k", "", 200, "").body)
		follow(200, "before")
		digest()
		digest()
	}
	send("POST", "/bucket/upload?uploadId="+id, completion("1", etag), 200, "")
	requireWholeTrail(t, b, calls)
}

// requireWholeTrail requires that the trail is valid, that every log file is
// signed, and how many calls they tell of.
func requireWholeTrail(t *testing.T, b *bench, calls int) {
	t.Helper()
	require.NoError(t, b.g.audit.digest(t.Context()))
	dir := cloudtrail.Directory{FS: os.DirFS(b.config.Audit.Dir)}
	keys, err := dir.Keys()
	require.NoError(t, err)
	v := &cloudtrail.Validator{Source: dir, Keys: keys, Buckets: []string{auditBucket}}
	report, err := v.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, cloudtrail.Valid, report.Verdict, "%v", report.Findings)
	records := 0
	for _, err := range v.Events(t.Context(), cloudtrail.Filter{}) {
		require.NoError(t, err)
		records++
	}
	require.Equal(t, calls, records)
}

// TestTheClockJumpsUnderLoad sets the clock forth and back while four clients
// put and get: each answer is the object, or the one refusal that a wrong clock
// has, and the trail is valid.
func TestTheClockJumpsUnderLoad(t *testing.T) {
	noon := time.Now().Add(-48 * time.Hour).Truncate(time.Second)
	c := newClock(noon)
	b := newBench(t, c.use)
	require.Equal(t, 200, b.sendAt(noon, "PUT", "/bucket", nil, 0).status)
	var stop atomic.Bool
	var calls, refused, served atomic.Int64
	calls.Add(1)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := 0; !stop.Load() || n < 10; n++ {
				target := "/bucket/" + string(rune('a'+i))
				calls.Add(1)
				switch a := b.sendAt(noon, "PUT", target, strings.NewReader("x"), 1); {
				case a.status == 200:
					served.Add(1)
				case a.status == 403 && a.code == "RequestTimeTooSkewed":
					refused.Add(1)
				default:
					t.Errorf("%d %s", a.status, a.body)
				}
			}
		})
	}
	for _, by := range []time.Duration{3 * time.Hour, 0, -3 * time.Hour, time.Hour, -time.Hour, 0} {
		was := calls.Load()
		c.set(noon.Add(by))
		require.NoError(t, b.g.audit.digest(t.Context()))
		require.Eventually(t, func() bool { return calls.Load() > was+20 }, 20*time.Second, time.Millisecond)
	}
	stop.Store(true)
	wg.Wait()
	require.Positive(t, served.Load())
	require.Positive(t, refused.Load())
	require.Equal(t, 200, b.sendAt(noon, "PUT", "/bucket/after", nil, 0).status)
	requireWholeTrail(t, b, int(calls.Load())+1)
}

// TestUploadsExpireByTheClock: after upload_expiry, and neither before nor by a
// clock that went back.
func TestUploadsExpireByTheClock(t *testing.T) {
	noon := time.Now().Truncate(time.Second)
	c := newClock(noon)
	b := newBench(t, c.use)
	require.NoError(t, b.g.store.CreateBucket("bucket", ""))
	id := b.begin("/bucket/k")
	there := func() int { return b.send(request{method: "GET", target: "/bucket/k?uploadId=" + id}).status }
	for _, at := range []time.Duration{-30 * 24 * time.Hour, 0, 7 * 24 * time.Hour} {
		c.set(noon.Add(at))
		b.g.expireUploads(t.Context())
		c.set(noon)
		require.Equal(t, 200, there(), "%v", at)
	}
	c.set(noon.Add(7*24*time.Hour + time.Second))
	b.g.expireUploads(t.Context())
	c.set(noon)
	require.Equal(t, 404, there())
}
