// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// namespace is that of S3's documents.
const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// writeXML answers with a document.
func (c *call) writeXML(status int, doc any) {
	text, err := xml.Marshal(doc)
	if err != nil { // only a programming mistake makes a document that cannot be written
		c.w.WriteHeader(http.StatusInternalServerError)
		return
	}
	text = append([]byte(xml.Header), text...)
	h := c.w.Header()
	h.Set("Content-Type", "application/xml")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	c.w.WriteHeader(status)
	_, _ = c.w.Write(text) // a client that has gone away cannot be told
}

// readXML reads a request's document.
func (c *call) readXML(limit int64, doc any) error {
	text, err := c.readDocument(limit)
	if err != nil {
		return err
	}
	if err := xml.Unmarshal(text, doc); err != nil {
		return errMalformedXML
	}
	return nil
}

var errMalformedXML = refuse("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema.")

// readDocument reads a request's document and holds it to the digests that the
// request states.
func (c *call) readDocument(limit int64) ([]byte, error) {
	sums, err := newDigests(c.r.Header)
	if err != nil {
		return nil, err
	}
	text, err := c.readBody(limit)
	if err != nil {
		return nil, err
	}
	_, _ = sums.Write(text) // never fails
	return text, sums.check()
}

// readBody reads a small body to its end: only there is its signature known to
// be good.
func (c *call) readBody(limit int64) ([]byte, error) {
	text, err := io.ReadAll(http.MaxBytesReader(nil, c.r.Body, limit))
	if err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return nil, refuse("MaxMessageLengthExceeded", "Your request was too big.")
		}
		return nil, bodyFault(err)
	}
	return text, nil
}

// bodyFault is what ended the reading of a body.
func bodyFault(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		f := refuse("IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header.")
		f.cause = err
		return f
	}
	return err
}

// location is the URL of the call's object, as the client reached the gateway.
func (c *call) location() string {
	u := url.URL{Scheme: "http", Host: c.r.Host, Path: "/" + c.key}
	if c.r.TLS != nil {
		u.Scheme = "https"
	}
	if c.pipe.config.virtualBucket(c.r.Host) == "" {
		u.Path = "/" + c.bucket + u.Path
	}
	return u.String()
}

// stamp is a time as listings have it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func quote(etag string) string { return `"` + etag + `"` }
