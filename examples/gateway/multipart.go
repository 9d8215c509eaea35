// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

// minPart is the fewest bytes of a part that is not the last.
const minPart = 5 << 20

// createUpload begins a multipart upload.
func createUpload(c *call) error {
	info, err := c.gw.objectInfo(c.r.Header)
	if err != nil {
		return err
	}
	if err := c.authorizeTags(info.Tags); err != nil {
		return err
	}
	u := &store.Upload{Key: c.key, Owner: c.caller.ARN, Info: *info}
	if err := chooseChecksum(u, c.r.Header); err != nil {
		return err
	}
	if err := c.gw.store.CreateUpload(c.r.Context(), c.bucket, u); err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("x-amz-server-side-encryption", "AES256")
	if u.Algorithm != "" {
		h.Set("x-amz-checksum-algorithm", strings.ToUpper(u.Algorithm))
		h.Set("x-amz-checksum-type", u.Info.ChecksumType)
	}
	c.writeXML(http.StatusOK, struct {
		XMLName               xml.Name `xml:"InitiateMultipartUploadResult"`
		Xmlns                 string   `xml:"xmlns,attr"`
		Bucket, Key, UploadId string
	}{Xmlns: namespace, Bucket: c.bucket, Key: c.key, UploadId: u.ID})
	return nil
}

// chooseChecksum reads which checksum the parts and the object will have.
func chooseChecksum(u *store.Upload, h http.Header) error {
	u.Algorithm = strings.ToLower(h.Get("x-amz-checksum-algorithm"))
	kind := strings.ToUpper(h.Get("x-amz-checksum-type"))
	if u.Algorithm == "" {
		if kind != "" {
			return refuse("InvalidRequest", "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
		}
		return nil
	}
	if algorithms[u.Algorithm] == nil {
		return refuse("InvalidRequest", "Checksum algorithm provided is unsupported.")
	}
	if kind == "" {
		kind = composite
		if u.Algorithm == "crc64nvme" {
			kind = fullObject
		}
	}
	_, crc := polynomials[u.Algorithm]
	if kind != fullObject && kind != composite || kind == fullObject && !crc || kind == composite && u.Algorithm == "crc64nvme" {
		return refuse("InvalidRequest", "The %s checksum type cannot be used with the %s checksum algorithm.", kind, u.Algorithm)
	}
	u.Info.ChecksumType = kind
	return nil
}

// part reads which upload and which part of it a request is about.
func (c *call) part() (*store.Upload, int, error) {
	number, err := strconv.Atoi(c.query.Get("partNumber"))
	if err != nil || number < 1 || number > store.MaxPart {
		return nil, 0, refuse("InvalidArgument", "Part number must be an integer between 1 and %d, inclusive", store.MaxPart).
			with("ArgumentName", "partNumber").with("ArgumentValue", c.query.Get("partNumber"))
	}
	if err := noCustomerKey(c.r.Header, ""); err != nil {
		return nil, 0, err
	}
	u, err := c.upload()
	return u, number, err
}

func (c *call) upload() (*store.Upload, error) {
	return c.gw.store.Upload(c.r.Context(), c.name(), c.query.Get("uploadId"))
}

func uploadPart(c *call) error {
	u, number, err := c.part()
	if err != nil {
		return err
	}
	sums, err := newDigests(c.r.Header)
	if err != nil {
		return err
	}
	if err := sums.suit(u); err != nil {
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
	info := &store.Info{ETag: sums.etag(), Checksums: sums.values()}
	if err := w.CommitPart(c.r.Context(), u.ID, number, info); err != nil {
		return err
	}
	c.w.Header().Set("ETag", quote(info.ETag))
	sums.write(c.w.Header())
	c.w.Header().Del("x-amz-checksum-type")
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// suit makes a part have the checksum that its upload began with.
func (d *digests) suit(u *store.Upload) error {
	if u.Algorithm == "" {
		return nil
	}
	for algorithm := range d.sums {
		if algorithm != u.Algorithm {
			return refuse("InvalidRequest", "Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s", u.Algorithm, algorithm)
		}
	}
	return d.add(u.Algorithm)
}

func abortUpload(c *call) error {
	if err := c.gw.store.AbortUpload(c.r.Context(), c.name(), c.query.Get("uploadId")); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

type partXML struct {
	PartNumber   int
	LastModified string `xml:",omitempty"`
	ETag         string
	Size         int64
	checksumXML
}

type listPartsXML struct {
	XMLName              xml.Name `xml:"ListPartsResult"`
	Xmlns                string   `xml:"xmlns,attr"`
	Bucket, Key          string
	UploadID             string `xml:"UploadId"`
	Initiator            ownerXML
	Owner                ownerXML
	StorageClass         string
	PartNumberMarker     int
	NextPartNumberMarker int `xml:",omitempty"`
	MaxParts             int
	IsTruncated          bool
	ChecksumAlgorithm    string    `xml:",omitempty"`
	ChecksumType         string    `xml:",omitempty"`
	Parts                []partXML `xml:"Part"`
}

func listParts(c *call) error {
	u, err := c.upload()
	if err != nil {
		return err
	}
	limit, err := c.count("max-parts")
	if err != nil {
		return err
	}
	after := 0
	if text := c.query.Get("part-number-marker"); text != "" {
		if after, err = strconv.Atoi(text); err != nil || after < 0 {
			return refuse("InvalidArgument", "part-number-marker must be a number")
		}
	}
	parts, more, err := c.gw.store.Parts(c.r.Context(), c.name(), u.ID, after, limit)
	if err != nil {
		return err
	}
	doc := listPartsXML{
		Xmlns: namespace, Bucket: c.bucket, Key: encodeKey(c.key, c.query.Get("encoding-type")), UploadID: u.ID,
		Initiator: ownerXML{u.Owner, u.Owner}, Owner: c.gw.owner(), StorageClass: "STANDARD",
		PartNumberMarker: after, MaxParts: limit, IsTruncated: more && limit > 0, // max-parts=0 has no next page
		ChecksumAlgorithm: strings.ToUpper(u.Algorithm), ChecksumType: u.Info.ChecksumType,
	}
	for _, p := range parts {
		doc.Parts = append(doc.Parts, partXML{p.Number, stamp(p.Modified), quote(p.ETag), p.Size, checksumsOf(p.Checksums)})
		doc.NextPartNumberMarker = p.Number
	}
	c.writeXML(http.StatusOK, doc)
	return nil
}
