// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

// Gateway answers S3 requests: see pipeline.go for how. It is safe for
// concurrent use.
type Gateway struct {
	config *Config // as it was at the start: what cannot change holds
	store  *store.Store
	log    *slog.Logger
	audit  *audit
	slots  chan struct{} // one for every request under way
	source source

	current   atomic.Pointer[pipeline]
	reloading sync.Mutex
	retired   []*vault // of earlier pipelines; bodies may be under way with them
	files     files    // that the newest configuration was read from, whether it is in force or not
	refused   atomic.Pointer[badConfig]
	rotation  atomic.Pointer[rotation]
	rotator   *rotator
}

// pipeline is the one in force.
func (g *Gateway) pipeline() *pipeline { return g.current.Load() }

// call is one request on its way through the gateway.
type call struct {
	gw          *Gateway
	pipe        *pipeline // in force when the call began
	w           http.ResponseWriter
	r           *http.Request
	id          string    // of the request, in answers and logs
	eventID     string    // of its audit record
	started     time.Time // by the configured clock
	began       time.Time // by the system's, which measures
	query       url.Values
	header      http.Header // of the request; of a form, its fields
	bucket, key string
	op          *operation
	tags        map[string]string // that the request's document asks for; nil: it has none
	caller      caller
	admitted    bool
	fault       *fault // what it was refused with
}

// begin gives the request an id and its body rolling deadlines. It works on a
// copy: net/http looks at its own request's body to know whether the client
// still waits for "100 Continue", and would wait for a body that never comes.
func (g *Gateway) begin(w http.ResponseWriter, r *http.Request) *call {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	c := &call{gw: g, pipe: g.pipeline(), w: w, r: r.WithContext(r.Context()), id: strings.ToUpper(hex.EncodeToString(id[:])), eventID: newUUID(), began: time.Now()}
	c.started = c.pipe.config.now()
	w.Header().Set("x-amz-request-id", c.id)
	c.header = c.r.Header
	w.Header().Set("Server", "sallyport")
	pace(c, c.pipe.config.stall)
	c.w = &auditedWriter{ResponseWriter: c.w, call: c}
	return c
}

// end logs the request and makes room for another.
func (g *Gateway) end(c *call) {
	if w, ok := c.w.(*auditedWriter); ok && !w.written {
		w.WriteHeader(http.StatusOK)
	}
	if c.admitted {
		<-g.slots
	}
	level, attrs := slog.LevelInfo, []slog.Attr{
		slog.String("id", c.id), slog.String("remote", c.r.RemoteAddr), slog.String("method", c.r.Method),
		slog.String("operation", c.opName()), slog.String("bucket", c.bucket), slog.String("key", c.key),
		slog.String("user", c.caller.Name), slog.String("agent", c.r.UserAgent()), slog.Duration("took", time.Since(c.began)),
	}
	if id := c.caller.identity; id != nil {
		attrs = append(attrs, slog.Any("payload", id.Payload), slog.String("signed", id.SignedHeaders))
	}
	if f := c.fault; f != nil {
		attrs = append(attrs, slog.String("code", f.Code), slog.String("message", f.Message))
		if f.Status >= http.StatusInternalServerError {
			level, attrs = slog.LevelError, append(attrs, slog.Any("cause", f.cause))
		}
	}
	g.log.LogAttrs(context.WithoutCancel(c.r.Context()), level, "request", attrs...)
}

// admit takes a slot, or refuses: memory and files are bounded by the number of
// requests under way.
func (g *Gateway) admit(c *call) error {
	select {
	case g.slots <- struct{}{}:
		c.admitted = true
		return nil
	default:
		return refuse("SlowDown", "Please reduce your request rate.")
	}
}

func (c *call) opName() string {
	if c.op == nil {
		return ""
	}
	return c.op.Name
}

// name is the object that the request is about.
func (c *call) name() store.Name { return store.Name{Bucket: c.bucket, Key: c.key} }
