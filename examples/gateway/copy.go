// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

// source opens what x-amz-copy-source names: the caller has to be allowed to
// read it, and its own conditions have to hold.
func (c *call) source() (*store.Object, store.Name, error) {
	name, err := copySource(c.r.Header.Get("x-amz-copy-source"))
	if err == nil {
		err = noCustomerKey(c.r.Header, "copy-source-")
	}
	if err != nil {
		return nil, name, err
	}
	if err := c.authorizeKey("s3:GetObject", name); err != nil {
		return nil, name, err
	}
	o, err := c.gw.store.Open(c.r.Context(), name)
	if err != nil {
		return nil, name, c.hideMissing(name.Bucket, err)
	}
	if err := readConditions(c.r.Header, "x-amz-copy-source-").judge(&o.Info, c.r.Method); err != nil {
		_ = o.Close()
		return nil, name, err
	}
	return o, name, nil
}

// copySource reads bucket/key, percent-encoded, with or without a slash in
// front.
func copySource(text string) (store.Name, error) {
	path, query, _ := strings.Cut(text, "?")
	if query != "" {
		return store.Name{}, refuse("NotImplemented", "There are no versions of objects here.")
	}
	path, err := url.PathUnescape(path)
	bucket, key, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if err != nil || !ok || bucket == "" || key == "" {
		return store.Name{}, refuse("InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey").
			with("ArgumentName", "x-amz-copy-source")
	}
	return store.Name{Bucket: bucket, Key: key}, nil
}

type copiedXML struct {
	XMLName      xml.Name
	Xmlns        string `xml:"xmlns,attr"`
	LastModified string
	ETag         string
	checksumXML
	ChecksumType string `xml:",omitempty"`
}

// copyObject decrypts the source and encrypts it under the target's name.
func copyObject(c *call) error {
	cond, err := writeCondition(c.r.Header)
	if err != nil {
		return err
	}
	o, from, err := c.source()
	if err != nil {
		return err
	}
	defer func() { _ = o.Close() }()
	info, err := c.copiedInfo(&o.Info, from)
	if err != nil {
		return err
	}
	if o.Size > c.pipe.config.MaxObjectBytes {
		return refuse("InvalidRequest", "The specified copy source is larger than the maximum allowable size for a copy source: %d", c.pipe.config.MaxObjectBytes)
	}
	sums, err := copyDigests(c.r.Header.Get("x-amz-checksum-algorithm"), o.Checksums)
	if err != nil {
		return err
	}
	w, err := c.gw.store.Create(c.r.Context(), c.name())
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := c.pour(w, sums, o, span{length: o.Size}); err != nil {
		return err
	}
	sums.describe(info)
	if err := w.Commit(c.r.Context(), info, cond); err != nil {
		return err
	}
	c.w.Header().Set("x-amz-server-side-encryption", "AES256")
	c.writeXML(http.StatusOK, copiedXML{
		XMLName: xml.Name{Local: "CopyObjectResult"}, Xmlns: namespace, LastModified: stamp(info.Modified),
		ETag: quote(info.ETag), checksumXML: checksumsOf(info.Checksums), ChecksumType: info.ChecksumType,
	})
	return nil
}

// pour copies a span of an object, hashing it on the way.
func (c *call) pour(w io.Writer, sums *digests, o *store.Object, s span) error {
	body, err := o.Reader(c.r.Context(), s.offset, s.length)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.MultiWriter(w, sums), body)
	return err
}

// copyDigests computes the algorithm asked for, else those of the source.
func copyDigests(asked string, source map[string]string) (*digests, error) {
	sums, err := newDigests(http.Header{})
	if err != nil {
		return nil, err
	}
	if asked != "" {
		return sums, sums.add(strings.ToLower(asked))
	}
	for algorithm := range source {
		if err := sums.add(algorithm); err != nil {
			return nil, err
		}
	}
	return sums, nil
}

// copiedInfo follows the directives: COPY, which is the default, or REPLACE.
// Tags that are copied have to be readable where they come from.
func (c *call) copiedInfo(source *store.Info, from store.Name) (*store.Info, error) {
	h, self := c.r.Header, from == c.name()
	info, err := c.gw.objectInfo(h)
	if err != nil {
		return nil, err
	}
	meta, errMeta := replaces(h, "x-amz-metadata-directive")
	tags, errTags := replaces(h, "x-amz-tagging-directive")
	switch {
	case errMeta != nil:
		return nil, errMeta
	case errTags != nil:
		return nil, errTags
	case self && !meta && !tags && h.Get("x-amz-checksum-algorithm") == "" && h.Get("x-amz-storage-class") == "":
		return nil, refuse("InvalidRequest", "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	if !meta {
		info.Headers, info.Meta = source.Headers, source.Meta
	}
	if !tags {
		info.Tags = source.Tags
		if len(info.Tags) > 0 {
			if err := c.authorizeKey("s3:GetObjectTagging", from); err != nil {
				return nil, err
			}
		}
	}
	return info, c.authorizeTags(info.Tags)
}

func replaces(h http.Header, directive string) (bool, error) {
	switch value := h.Get(directive); value {
	case "", "COPY":
		return false, nil
	case "REPLACE":
		return true, nil
	default:
		return false, refuse("InvalidArgument", "Unknown %s.", directive).with("ArgumentName", directive).with("ArgumentValue", value)
	}
}

// copyPart copies a range of an object into a part of an upload.
func copyPart(c *call) error {
	u, number, err := c.part()
	if err != nil {
		return err
	}
	o, _, err := c.source()
	if err != nil {
		return err
	}
	defer func() { _ = o.Close() }()
	s, err := copyRange(c.r.Header.Get("x-amz-copy-source-range"), o.Size)
	if err != nil {
		return err
	}
	sums, err := copyDigests(u.Algorithm, nil)
	if err != nil {
		return err
	}
	w, err := c.gw.store.Create(c.r.Context(), c.name())
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := c.pour(w, sums, o, s); err != nil {
		return err
	}
	info := &store.Info{ETag: sums.etag(), Checksums: sums.values()}
	if err := w.CommitPart(c.r.Context(), u.ID, number, info); err != nil {
		return err
	}
	c.writeXML(http.StatusOK, copiedXML{
		XMLName: xml.Name{Local: "CopyPartResult"}, Xmlns: namespace, LastModified: stamp(info.Modified),
		ETag: quote(info.ETag), checksumXML: checksumsOf(info.Checksums),
	})
	return nil
}

// copyRange reads a range that has both ends, and lies within the source.
func copyRange(text string, size int64) (span, error) {
	if text == "" {
		return span{length: size}, nil
	}
	from, to, ok := strings.Cut(strings.TrimPrefix(text, "bytes="), "-")
	first, errFirst := strconv.ParseInt(from, 10, 64)
	last, errLast := strconv.ParseInt(to, 10, 64)
	if !ok || !strings.HasPrefix(text, "bytes=") || errFirst != nil || errLast != nil || first > last {
		return span{}, refuse("InvalidArgument", "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy").
			with("ArgumentName", "x-amz-copy-source-range").with("ArgumentValue", text)
	}
	if last >= size {
		return span{}, refuse("InvalidRange", "Range specified is not valid for source object of size: %d", size)
	}
	return span{offset: first, length: last - first + 1}, nil
}
