// SPDX-License-Identifier: Apache-2.0

package main

import (
	"container/list"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"sync"
)

// crowd bounds the connections, and so the memory that they hold. One that is
// too many takes the place of the one that has waited longest without a
// request: for idle clients, and for those whose headers never end, somebody
// who asks for something is not turned away. Where every connection has a
// request under way, the new one is closed.
type crowd struct {
	limit int
	log   *slog.Logger

	mu      sync.Mutex
	all     int
	waiting list.List // of net.Conn without a request, the longest waiting first
	place   map[net.Conn]*list.Element
}

// track is for http.Server.ConnState.
func (c *crowd) track(conn net.Conn, state http.ConnState) {
	victim := c.update(conn, state)
	if victim == nil {
		return
	}
	c.log.Warn("too many connections: one is closed", "limit", c.limit, "remote", victim.RemoteAddr().String())
	if t, ok := victim.(*tls.Conn); ok {
		victim = t.NetConn() // without an alert, for which it would have to wait
	}
	reset(victim)
}

// update notes a connection's state and returns the one that has to go.
func (c *crowd) update(conn net.Conn, state http.ConnState) (victim net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.place == nil {
		c.place = map[net.Conn]*list.Element{}
	}
	if e, ok := c.place[conn]; ok {
		c.waiting.Remove(e)
		delete(c.place, conn)
	}
	switch state {
	case http.StateNew:
		c.all++
		c.place[conn] = c.waiting.PushBack(conn)
		if c.all > c.limit {
			return c.longestWaiting()
		}
	case http.StateIdle:
		c.place[conn] = c.waiting.PushBack(conn)
	case http.StateClosed, http.StateHijacked:
		c.all--
	}
	return nil
}

// longestWaiting takes it out of the list; it counts until it is closed.
func (c *crowd) longestWaiting() net.Conn {
	e := c.waiting.Front()
	conn := c.waiting.Remove(e).(net.Conn) // there is at least the new one
	delete(c.place, conn)
	return conn
}
