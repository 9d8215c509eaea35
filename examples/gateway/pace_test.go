// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/sigv4"
)

// pipes is a network in memory, whose deadlines follow the clock of a synctest
// bubble.
type pipes struct {
	conns  chan net.Conn
	closed context.Context
	close  context.CancelFunc
}

func newPipes() *pipes {
	ctx, cancel := context.WithCancel(context.Background())
	return &pipes{make(chan net.Conn), ctx, cancel}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed.Done():
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.close(); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9000} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// inBubble runs a gateway and its clients on fake time.
func inBubble(t *testing.T, stall time.Duration, run func(t *testing.T, b *bench, c *http.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := openBench(t, func(c *Config) { c.Stall = duration(stall) })
		p := newPipes()
		server := &httptest.Server{Listener: p, Config: &http.Server{Handler: b.g}}
		server.Start()
		defer server.Close()
		transport := &http.Transport{DialContext: p.dial}
		defer transport.CloseIdleConnections()
		run(t, b, &http.Client{Transport: transport})
	})
}

func (b *bench) over(c *http.Client, method, target string, body io.Reader, length int64) (int, error) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, "http://127.0.0.1:9000"+target, body)
	require.NoError(b.t, err)
	r.ContentLength = length
	signer := &sigv4.Signer{Region: b.config.Region, Profile: sigv4.ProfileFor("s3")}
	_, err = signer.Sign(r, b.keys(0), sigv4.Payload{Mode: sigv4.PayloadUnsigned})
	require.NoError(b.t, err)
	resp, err := c.Do(r)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode, err
}

// TestSlowIsNotStill sends a body for longer than a body may stand still, and
// uses the connection again after it has been idle for as long.
func TestSlowIsNotStill(t *testing.T) {
	const limit = 30 * time.Second
	inBubble(t, limit, func(t *testing.T, b *bench, c *http.Client) {
		require.NoError(t, b.g.store.CreateBucket("bucket", ""))
		body, feed := io.Pipe()
		go func() {
			for range 8 {
				time.Sleep(limit / 4)
				_, _ = io.WriteString(feed, "x")
			}
			_ = feed.Close()
		}()
		began := time.Now()
		status, err := b.over(c, http.MethodPut, "/bucket/k", body, 8)
		require.NoError(t, err)
		require.Equal(t, 200, status)
		require.Equal(t, 2*limit, time.Since(began))
		time.Sleep(limit * 3 / 2)
		status, err = b.over(c, http.MethodDelete, "/bucket/k", nil, 0)
		require.NoError(t, err)
		require.Equal(t, 204, status)
	})
}

// TestStandingStillEndsARequest: a body that stops coming is waited for as long
// as the limit says, and nothing of it is kept.
func TestStandingStillEndsARequest(t *testing.T) {
	const limit = 30 * time.Second
	inBubble(t, limit, func(t *testing.T, b *bench, c *http.Client) {
		require.NoError(t, b.g.store.CreateBucket("bucket", ""))
		body, feed := io.Pipe()
		go func() { _, _ = io.WriteString(feed, "some") }()
		began := time.Now()
		status, err := b.over(c, http.MethodPut, "/bucket/k", body, 10)
		require.True(t, err != nil || status >= 400, "%d", status)
		require.Equal(t, limit, time.Since(began))
		_ = feed.Close()
		synctest.Wait()
		b.noTemporaries()
	})
}

// TestAFormDoesNotTakeHours: its fields say who sends it, and until they are read a
// stranger has the place of a request. They have the limit, all together; the file
// behind them goes on as any body.
func TestAFormDoesNotTakeHours(t *testing.T) {
	const limit = 30 * time.Second
	inBubble(t, limit, func(t *testing.T, b *bench, c *http.Client) {
		body, feed := io.Pipe()
		fed := make(chan struct{})
		go func() {
			defer close(fed)
			_, err := io.WriteString(feed, "--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\n")
			for range 100 {
				time.Sleep(limit * 2 / 3)
				if err != nil {
					break
				}
				_, err = io.WriteString(feed, "x")
			}
			_ = feed.Close()
		}()
		began := time.Now()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1:9000/bucket", body)
		require.NoError(t, err)
		r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		resp, err := c.Do(r)
		if err == nil {
			require.GreaterOrEqual(t, resp.StatusCode, 400)
			require.NoError(t, resp.Body.Close())
		}
		require.Equal(t, limit, time.Since(began))
		_ = body.Close()
		<-fed
		require.Empty(t, b.g.slots)
	})
}

// largeAnswer stores 4 MiB and returns the request for them.
func largeAnswer(t *testing.T, b *bench, c *http.Client) *http.Request {
	t.Helper()
	require.NoError(t, b.g.store.CreateBucket("bucket", ""))
	status, err := b.over(c, http.MethodPut, "/bucket/k", io.LimitReader(zeros{}, 4<<20), 4<<20)
	require.NoError(t, err)
	require.Equal(t, 200, status)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:9000/bucket/k", nil)
	require.NoError(t, err)
	signer := &sigv4.Signer{Region: b.config.Region, Profile: sigv4.ProfileFor("s3")}
	_, err = signer.Sign(r, b.keys(0), sigv4.Payload{})
	require.NoError(t, err)
	return r
}

// TestAClientThatStopsReadingIsLeft: an answer that nobody takes ends after the
// limit, however large it is.
func TestAClientThatStopsReadingIsLeft(t *testing.T) {
	const limit = 30 * time.Second
	inBubble(t, limit, func(t *testing.T, b *bench, c *http.Client) {
		r := largeAnswer(t, b, c)
		began := time.Now()
		resp, err := c.Do(r)
		require.NoError(t, err)
		require.Equal(t, 200, resp.StatusCode)
		_, err = io.CopyN(io.Discard, resp.Body, 1<<20)
		require.NoError(t, err)
		for len(b.g.slots) > 0 {
			time.Sleep(time.Second)
			require.Less(t, time.Since(began), 2*limit, "the request is still under way")
		}
		require.GreaterOrEqual(t, time.Since(began), limit)
		_, err = io.Copy(io.Discard, resp.Body)
		require.Error(t, err, "it is cut short")
		require.NotContains(t, b.log.String(), `"level":"ERROR"`, "clients go away every day")
		_ = resp.Body.Close()
	})
}

// TestSlowReaderIsNotStill: a client that takes an answer quickly gets larger
// pieces, and one that slows down gets small ones again, each of which has the
// limit to itself.
func TestSlowReaderIsNotStill(t *testing.T) {
	const limit = 30 * time.Second
	inBubble(t, limit, func(t *testing.T, b *bench, c *http.Client) {
		r := largeAnswer(t, b, c)
		resp, err := c.Do(r)
		require.NoError(t, err)
		_, err = io.CopyN(io.Discard, resp.Body, 2<<20)
		require.NoError(t, err)
		for n := range 8 { // of the largest pieces at first: four of these have to fit in the limit
			time.Sleep(limit / 5)
			_, err = io.CopyN(io.Discard, resp.Body, pacePiece)
			require.NoError(t, err, "piece %d", n)
		}
		for n := range 8 {
			time.Sleep(limit * 4 / 5)
			_, err = io.CopyN(io.Discard, resp.Body, pacePiece)
			require.NoError(t, err, "slow piece %d", n)
		}
		left, err := io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		require.EqualValues(t, 1<<20, left)
		_ = resp.Body.Close()
	})
}

func TestPiecesFollowTheClient(t *testing.T) {
	const limit = 30 * time.Second
	const each = limit / (4 * largestPiece) // of a byte
	for _, tc := range []struct {
		piece, wrote int
		took         time.Duration
		next         int
	}{
		{pacePiece, pacePiece, 0, 2 * pacePiece},
		{pacePiece, pacePiece, each * pacePiece, 2 * pacePiece},
		{pacePiece, pacePiece, each*pacePiece + 1, pacePiece},
		{2 * pacePiece, 2 * pacePiece, each * 2 * pacePiece, largestPiece},
		{largestPiece, largestPiece, each * largestPiece, largestPiece},
		{largestPiece, largestPiece, each*largestPiece + 1, pacePiece},
		{largestPiece, 100, each*100 + 1, pacePiece}, // the end of an answer says how quick the client is, too
	} {
		require.Equal(t, tc.next, nextPiece(tc.piece, tc.wrote, tc.took, limit), "%d of %d in %v", tc.wrote, tc.piece, tc.took)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
