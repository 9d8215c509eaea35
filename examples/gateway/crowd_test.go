// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheLongestWaitingGoes: at the limit a new connection takes the place of
// the one that has waited longest, never of one with a request under way; where
// all are busy the new one is refused.
func TestTheLongestWaitingGoes(t *testing.T) {
	busy := make(chan struct{})
	begun := make(chan struct{}, 8)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/busy" {
			begun <- struct{}{}
			<-busy
		}
		_, _ = io.WriteString(w, "ok")
	}))
	c := &crowd{limit: 3, log: slog.New(slog.DiscardHandler)}
	server.Config.ConnState = c.track
	server.Start()
	defer server.Close()
	dial := func(path string) *bufio.ReadWriter {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		rw := bufio.NewReadWriter(bufio.NewReader(conn), bufio.NewWriter(conn))
		send(t, rw, path)
		return rw
	}
	answered := func(rw *bufio.ReadWriter) bool {
		resp, err := http.ReadResponse(rw.Reader, nil)
		if err != nil {
			return false
		}
		_, err = io.Copy(io.Discard, resp.Body)
		return err == nil
	}
	first := dial("/busy")
	<-begun
	second := dial("/")
	require.True(t, answered(second))
	third := dial("/")
	require.True(t, answered(third))
	fourth := dial("/")
	require.True(t, answered(fourth), "it takes a place")
	require.False(t, answered(second), "that of the one that has waited longest")
	send(t, third, "/busy")
	<-begun
	send(t, fourth, "/busy")
	<-begun
	fifth := dial("/")
	require.False(t, answered(fifth), "all are busy")
	close(busy)
	for _, rw := range []*bufio.ReadWriter{first, third, fourth} {
		require.True(t, answered(rw), "requests under way end well")
	}
}

func send(t *testing.T, rw *bufio.ReadWriter, path string) {
	t.Helper()
	_, _ = io.WriteString(rw, "GET "+path+" HTTP/1.1\r\nHost: h\r\n\r\n")
	_ = rw.Flush() // a connection that was closed says so when it is read
}
