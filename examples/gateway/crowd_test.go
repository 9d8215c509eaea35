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
// all are busy the new one has to go.
func TestTheLongestWaitingGoes(t *testing.T) {
	c := &crowd{limit: 3, log: slog.New(slog.DiscardHandler)}
	var conns []net.Conn
	for range 6 {
		near, far := net.Pipe()
		defer func() { _ = near.Close() }()
		conns = append(conns, far)
	}
	states := func(i int, all ...http.ConnState) {
		t.Helper()
		for _, s := range all {
			require.Nil(t, c.update(conns[i], s))
		}
	}
	for i := range 3 {
		states(i, http.StateNew, http.StateActive)
	}
	states(1, http.StateIdle)
	states(0, http.StateIdle)
	require.Equal(t, conns[1], c.update(conns[3], http.StateNew), "it has waited longest")
	states(1, http.StateClosed)
	require.Equal(t, conns[0], c.update(conns[4], http.StateNew))
	states(0, http.StateClosed)
	states(3, http.StateActive)
	states(4, http.StateActive)
	require.Equal(t, conns[5], c.update(conns[5], http.StateNew), "all others are busy")
	states(5, http.StateClosed)
	states(2, http.StateClosed)
	states(0, http.StateNew)
	require.Equal(t, 3, c.all)
	require.Equal(t, 1, c.waiting.Len())
	require.Len(t, c.place, 1)
}

// TestAnIdleConnectionMakesRoom is the same over TCP, with room for one.
func TestAnIdleConnectionMakesRoom(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	c := &crowd{limit: 1, log: slog.New(slog.DiscardHandler)}
	idle := make(chan struct{}, 4)
	server.Config.ConnState = func(conn net.Conn, state http.ConnState) {
		c.track(conn, state)
		if state == http.StateIdle {
			idle <- struct{}{}
		}
	}
	server.Start()
	defer server.Close()
	var all []*bufio.Reader
	for range 2 {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		require.NoError(t, err)
		defer func() { _ = conn.Close() }()
		_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		require.NoError(t, err)
		r := bufio.NewReader(conn)
		resp, err := http.ReadResponse(r, nil)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		all = append(all, r)
		<-idle
	}
	_, err := all[0].ReadByte()
	require.Error(t, err, "the first was closed for the second")
}
