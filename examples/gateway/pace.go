// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// pace ends requests that stand still: a body may take hours, but every read
// and every write has to get on within the limit.
func pace(c *call, limit time.Duration) {
	if limit <= 0 {
		return
	}
	control := http.NewResponseController(c.w)
	if c.r.ContentLength != 0 { // for a body that nobody reads: net/http reads its rest after a refusal
		_ = control.SetReadDeadline(time.Now().Add(limit))
	}
	c.r.Body = &pacedBody{ReadCloser: c.r.Body, control: control, limit: limit}
	c.w = &pacedWriter{c.w, control, limit, pacePiece}
}

type pacedBody struct {
	io.ReadCloser
	control *http.ResponseController
	limit   time.Duration
	end     time.Time // zero: it may take hours
}

func (b *pacedBody) Read(p []byte) (int, error) {
	deadline := time.Now().Add(b.limit)
	if !b.end.IsZero() && b.end.Before(deadline) {
		deadline = b.end
	}
	_ = b.control.SetReadDeadline(deadline) // not every transport has deadlines
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		_ = b.control.SetReadDeadline(time.Time{}) // the client need not say more while the call goes on
	}
	return n, err
}

// hurry lets the body have the limit as a whole until done is called: what nobody
// has signed yet may not take hours.
func (c *call) hurry() (done func()) {
	b, ok := c.r.Body.(*pacedBody)
	if !ok {
		return func() {}
	}
	b.end = time.Now().Add(b.limit)
	return func() { b.end = time.Time{} }
}

type pacedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	limit   time.Duration
	piece   int // that the client gets next
}

// WriteHeader sets a deadline too: an answer without a body is written after
// the handler, and the last deadline may be long gone by then.
func (w *pacedWriter) WriteHeader(status int) {
	_ = w.control.SetWriteDeadline(time.Now().Add(w.limit))
	w.ResponseWriter.WriteHeader(status)
}

// Write writes piece by piece: a client that reads slowly gets on with each. One
// that took its last piece in a small part of the limit gets a larger one: four
// times fewer calls of the system, timers and sleeps for room in the socket were
// 4 % of the time of a large answer over loopback, the client's share included.
func (w *pacedWriter) Write(p []byte) (n int, err error) {
	for {
		began := time.Now()
		_ = w.control.SetWriteDeadline(began.Add(w.limit))
		m, err := w.ResponseWriter.Write(p[n:min(len(p), n+w.piece)])
		n += m
		w.piece = nextPiece(w.piece, m, time.Since(began), w.limit)
		if err != nil || n == len(p) {
			return n, err
		}
	}
}

// nextPiece doubles a piece where the bytes written took so little of the limit
// that the largest would take a quarter of it, and else begins anew.
func nextPiece(piece, wrote int, took, limit time.Duration) int {
	if took > limit/(4*largestPiece)*time.Duration(wrote) {
		return pacePiece
	}
	return min(2*piece, largestPiece)
}

// How much of an answer has to get on within the limit, and at most where the
// client is quick.
const (
	pacePiece    = 64 << 10
	largestPiece = 256 << 10
)

func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
