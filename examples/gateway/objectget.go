// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

// overrides are the query parameters that change an answer's headers. An
// anonymous caller may not use them.
var overrides = map[string]string{
	"response-content-type":        "Content-Type",
	"response-content-language":    "Content-Language",
	"response-expires":             "Expires",
	"response-cache-control":       "Cache-Control",
	"response-content-disposition": "Content-Disposition",
	"response-content-encoding":    "Content-Encoding",
}

// getObject answers GET and HEAD: the two differ in the body alone.
func getObject(c *call) error {
	if err := noCustomerKey(c.r.Header, ""); err != nil {
		return err
	}
	o, err := c.gw.store.Open(c.r.Context(), c.name())
	if err != nil {
		return c.hideMissing(c.bucket, err)
	}
	defer func() { _ = o.Close() }()
	if err := readConditions(c.r.Header, "").judge(&o.Info, c.r.Method); err != nil {
		f, h := asFault(err), c.w.Header()
		h.Set("ETag", quote(o.ETag))
		if f.Status == http.StatusNotModified { // what a 200 would say of caching (RFC 9110, section 15.4.5)
			h.Set("Last-Modified", o.Modified.UTC().Format(http.TimeFormat))
			for _, name := range []string{"Cache-Control", "Expires"} {
				if value := o.Headers[name]; value != "" {
					h.Set(name, value)
				}
			}
		}
		return f
	}
	s, err := c.span(&o.Info)
	if err != nil {
		f := asFault(err)
		if f.Status == http.StatusRequestedRangeNotSatisfiable {
			c.w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", o.Size))
		}
		return f
	}
	h := http.Header{} // of the answer once nothing can be refused any more
	describe(h, &o.Info)
	if err := c.override(h); err != nil {
		return err
	}
	if c.r.Header.Get("x-amz-checksum-mode") == "ENABLED" || c.query.Get("x-amz-checksum-mode") == "ENABLED" {
		s.checksums(h, &o.Info)
	}
	return c.send(o, s, h)
}

// send answers with a span of the object.
func (c *call) send(o *store.Object, s span, h http.Header) error {
	h.Set("Content-Length", strconv.FormatInt(s.length, 10))
	status := http.StatusOK
	if s.partial {
		status = http.StatusPartialContent
		h.Set("Content-Range", s.contentRange(o.Size))
	}
	if s.part > 0 {
		h.Set("x-amz-mp-parts-count", strconv.Itoa(len(o.Parts)))
	}
	if c.r.Method == http.MethodHead {
		maps.Copy(c.w.Header(), h)
		c.w.WriteHeader(status)
		return nil
	}
	body, err := o.Reader(c.r.Context(), s.offset, s.length)
	if err != nil {
		return err
	}
	first := make([]byte, min(s.length, 64<<10)) // a damaged object is refused, not cut short, where its start tells
	if _, err := io.ReadFull(body, first); err != nil {
		return err
	}
	maps.Copy(c.w.Header(), h)
	c.w.WriteHeader(status)
	if _, err := c.w.Write(first); err != nil {
		return nil // the client has gone away
	}
	out := &clientWriter{w: c.w}
	if _, err := io.Copy(out, body); err != nil {
		level := slog.LevelError // the object is damaged, or the disk
		if out.err != nil {
			level = slog.LevelInfo
		}
		c.gw.log.LogAttrs(context.WithoutCancel(c.r.Context()), level, "body ended early", slog.String("id", c.id), slog.Any("cause", err))
		panic(http.ErrAbortHandler) // what net/http offers to cut an answer that cannot be finished
	}
	return nil
}

// clientWriter remembers that its client takes no more.
type clientWriter struct {
	w   io.Writer
	err error
}

func (c *clientWriter) Write(p []byte) (n int, err error) {
	n, c.err = c.w.Write(p)
	return n, c.err
}

// describe writes an object's headers.
func describe(h http.Header, info *store.Info) {
	h.Set("Accept-Ranges", "bytes")
	h.Set("ETag", quote(info.ETag))
	h.Set("Last-Modified", info.Modified.UTC().Format(http.TimeFormat))
	h.Set("x-amz-server-side-encryption", "AES256")
	h.Set("Content-Type", "binary/octet-stream")
	for name, value := range info.Headers {
		h.Set(name, value)
	}
	for name, value := range info.Meta {
		h["x-amz-meta-"+name] = []string{value} // the name in lower case, as it was stored
	}
	if n := len(info.Tags); n > 0 {
		h.Set("x-amz-tagging-count", strconv.Itoa(n))
	}
}

func (c *call) override(h http.Header) error {
	for name, header := range overrides {
		if !c.query.Has(name) {
			continue
		}
		if c.caller.anonymous() {
			return refuse("InvalidRequest", "Request specific response headers cannot be used for anonymous GET requests.")
		}
		value := c.query.Get(name)
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return refuse("InvalidArgument", "%s is not a header value", name)
		}
		h.Set(textproto.CanonicalMIMEHeaderKey(header), value)
	}
	return nil
}
