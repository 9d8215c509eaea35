// SPDX-License-Identifier: Apache-2.0

package main

import (
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
	c.r.Body = &pacedBody{c.r.Body, control, limit}
	c.w = &pacedWriter{c.w, control, limit}
}

type pacedBody struct {
	io.ReadCloser
	control *http.ResponseController
	limit   time.Duration
}

func (b *pacedBody) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(time.Now().Add(b.limit)) // not every transport has deadlines
	return b.ReadCloser.Read(p)
}

type pacedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	limit   time.Duration
}

func (w *pacedWriter) Write(p []byte) (int, error) {
	_ = w.control.SetWriteDeadline(time.Now().Add(w.limit))
	return w.ResponseWriter.Write(p)
}

func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
