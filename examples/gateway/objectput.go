// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"unicode"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

func putObject(c *call) error {
	if c.query.Has("partNumber") { // a part of no upload is not the object
		return refuse("InvalidArgument", "A partNumber goes with an uploadId.")
	}
	cond, err := writeCondition(c.r.Header)
	if err != nil {
		return err
	}
	info, err := c.gw.objectInfo(c.r.Header)
	if err != nil {
		return err
	}
	if err := c.authorizeTags(info.Tags); err != nil {
		return err
	}
	sums, err := newDigests(c.r.Header)
	if err != nil {
		return err
	}
	w, err := c.gw.store.Create(c.r.Context(), c.name())
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := c.receive(w, sums); err != nil {
		return err
	}
	sums.describe(info)
	if err := w.Commit(c.r.Context(), info, cond); err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("ETag", quote(info.ETag))
	h.Set("x-amz-server-side-encryption", "AES256")
	sums.write(h)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// receive stores a body up to the limit, hashing it on the way. Only a body
// that was read to its very end is good: until then neither its hash nor its
// last chunk has been checked.
func (c *call) receive(w io.Writer, sums *digests) error {
	limit := c.pipe.config.MaxObjectBytes
	if c.r.ContentLength > limit { // of a chunked body: the length that it decodes to
		return tooLarge(limit)
	}
	if c.r.ContentLength < 0 && !c.chunked() {
		return refuse("MissingContentLength", "You must provide the Content-Length HTTP header.")
	}
	h, done := bodyMD5(c.r.ContentLength)
	defer done()
	sums.md5 = h
	return c.pourBody(w, sums, c.r.Body)
}

// pourBody stores a body to its end.
func (c *call) pourBody(w io.Writer, sums *digests, body io.Reader) error {
	limit := c.pipe.config.MaxObjectBytes
	buffer := buffers.Get().(*[pourSize]byte)
	defer buffers.Put(buffer)
	n, err := io.CopyBuffer(io.MultiWriter(w, sums), io.LimitReader(body, limit+1), buffer[:])
	if err != nil {
		return bodyFault(err)
	}
	if n > limit {
		return tooLarge(limit)
	}
	return sums.check()
}

// buffers are for bodies on their way in: large ones, since half the time of a
// large upload over loopback that is not hashing is in system calls.
var buffers = sync.Pool{New: func() any { return new([pourSize]byte) }}

const pourSize = 128 << 10

func tooLarge(limit int64) error {
	return refuse("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size, %d bytes", limit)
}

// chunked says whether the body is framed by aws-chunked, which carries its own
// length.
func (c *call) chunked() bool {
	return strings.HasPrefix(c.r.Header.Get("x-amz-content-sha256"), "STREAMING-")
}

// keptHeaders are stored with an object and given back with it.
var keptHeaders = []string{"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Type", "Expires"}

// refusedHeaders ask for what this gateway does not do; to ignore them would
// be to promise it.
var refusedHeaders = []string{
	"x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date", "x-amz-object-lock-legal-hold",
	"x-amz-server-side-encryption-customer-algorithm", "x-amz-server-side-encryption-customer-key", "x-amz-server-side-encryption-customer-key-md5",
	"x-amz-copy-source-server-side-encryption-customer-algorithm", "x-amz-website-redirect-location", "x-amz-write-offset-bytes",
	"x-amz-server-side-encryption-aws-kms-key-id", "x-amz-server-side-encryption-context",
}

// noCustomerKey refuses a request that brings a key for an object, or for the
// source of a copy: none here has one.
func noCustomerKey(h http.Header, source string) error {
	for _, name := range []string{"algorithm", "key", "key-md5"} {
		if h.Get("x-amz-"+source+"server-side-encryption-customer-"+name) != "" {
			return refuse("InvalidRequest", "The encryption parameters are not applicable to this object.")
		}
	}
	return nil
}

// checkClass refuses a storage class that is none, and an archive, whose objects
// could not be read at once. Those of the others are as good as any here.
func checkClass(class string) error {
	switch class {
	case "", "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR":
		return nil
	case "GLACIER", "DEEP_ARCHIVE", "OUTPOSTS", "SNOW", "EXPRESS_ONEZONE", "FSX_OPENZFS", "FSX_ONTAP":
		return refuse("NotImplemented", "A header you provided implies functionality that is not implemented.").with("Header", "x-amz-storage-class")
	}
	return refuse("InvalidStorageClass", "The storage class you specified is not valid").with("StorageClassRequested", class)
}

// objectInfo reads what a request's headers say of the object.
func (g *Gateway) objectInfo(h http.Header) (*store.Info, error) {
	for _, name := range refusedHeaders {
		if h.Get(name) != "" {
			return nil, refuse("NotImplemented", "A header you provided implies functionality that is not implemented.").with("Header", name)
		}
	}
	if err := g.checkACL(h); err != nil {
		return nil, err
	}
	if sse := h.Get("x-amz-server-side-encryption"); sse != "" && sse != "AES256" {
		return nil, refuse("NotImplemented", "Objects are encrypted under the gateway's own key.").with("Header", "x-amz-server-side-encryption")
	}
	if err := checkClass(h.Get("x-amz-storage-class")); err != nil {
		return nil, err
	}
	info := &store.Info{Headers: map[string]string{}, Meta: map[string]string{}}
	for _, name := range keptHeaders {
		if value := h.Get(name); value != "" {
			info.Headers[name] = value
		}
	}
	dropChunked(info.Headers, h)
	if err := readMeta(info, h); err != nil {
		return nil, err
	}
	tags, err := parseTagging(h.Get("x-amz-tagging"))
	info.Tags = tags
	return info, err
}

// dropChunked takes the framing out of Content-Encoding: it is not the object's.
func dropChunked(kept map[string]string, h http.Header) {
	var rest []string
	for _, line := range h.Values("Content-Encoding") {
		for token := range strings.SplitSeq(line, ",") {
			if token = strings.TrimSpace(token); token != "" && !strings.EqualFold(token, "aws-chunked") {
				rest = append(rest, token)
			}
		}
	}
	delete(kept, "Content-Encoding")
	if len(rest) > 0 {
		kept["Content-Encoding"] = strings.Join(rest, ",")
	}
}

// maxMeta is how many bytes of names and values of metadata an object may have.
const maxMeta = 2048

func readMeta(info *store.Info, h http.Header) error {
	size := 0
	for name, values := range h {
		rest, ok := strings.CutPrefix(strings.ToLower(name), "x-amz-meta-")
		if !ok {
			continue
		}
		info.Meta[rest] = strings.Join(values, ",")
		size += len(rest) + len(info.Meta[rest])
	}
	if size > maxMeta {
		return refuse("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size, %d bytes", maxMeta)
	}
	return nil
}

// parseTagging reads x-amz-tagging: at most ten tags, as a query string.
func parseTagging(text string) (map[string]string, error) {
	if text == "" {
		return nil, nil
	}
	query, err := url.ParseQuery(text)
	if err != nil {
		return nil, refuse("InvalidArgument", "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters")
	}
	tags := map[string]string{}
	for name, values := range query {
		if len(values) != 1 {
			return nil, errDuplicateTag
		}
		tags[name] = values[0]
	}
	return tags, checkTags(tags)
}

var errDuplicateTag = refuse("InvalidTag", "Cannot provide multiple Tags with the same key")

func checkTags(tags map[string]string) error {
	if len(tags) > 10 {
		return refuse("BadRequest", "Object tags cannot be greater than 10")
	}
	for name, value := range tags {
		if name == "" || len([]rune(name)) > 128 || len([]rune(value)) > 256 || strings.HasPrefix(name, "aws:") ||
			strings.ContainsFunc(name+value, notOfTags) {
			return refuse("InvalidTag", "The tag you have provided is invalid")
		}
	}
	return nil
}

// notOfTags says of a character that no tag has it (Amazon S3 User Guide,
// "Categorizing your objects using tags").
func notOfTags(r rune) bool {
	return !unicode.In(r, unicode.L, unicode.N, unicode.Z) && !strings.ContainsRune("+-=._:/@", r)
}

func deleteObject(c *call) error {
	for _, name := range []string{"x-amz-if-match-last-modified-time", "x-amz-if-match-size"} { // a condition that is passed over would delete what is to stay
		if c.r.Header.Get(name) != "" {
			return errNotImplemented
		}
	}
	err := c.gw.store.Delete(c.r.Context(), c.name(), deleteCondition(listed(c.r.Header, "If-Match")))
	if err != nil && !errors.Is(err, store.ErrNoKey) {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
