// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

type uploadXML struct {
	Key               string
	UploadID          string `xml:"UploadId"`
	Initiator, Owner  ownerXML
	StorageClass      string
	Initiated         string
	ChecksumAlgorithm string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
}

type listUploadsXML struct {
	XMLName            xml.Name `xml:"ListMultipartUploadsResult"`
	Xmlns              string   `xml:"xmlns,attr"`
	Bucket             string
	KeyMarker          string
	UploadIDMarker     string `xml:"UploadIdMarker"`
	NextKeyMarker      string `xml:",omitempty"`
	NextUploadIDMarker string `xml:"NextUploadIdMarker,omitempty"`
	Delimiter          string `xml:",omitempty"`
	Prefix             string
	EncodingType       string `xml:",omitempty"`
	MaxUploads         int
	IsTruncated        bool
	Uploads            []uploadXML `xml:"Upload"`
	CommonPrefixes     []prefixXML
}

func listUploads(c *call) error {
	limit, err := c.count("max-uploads")
	if err != nil {
		return err
	}
	encoding, err := c.encoding()
	if err != nil {
		return err
	}
	page, err := c.uploads(limit)
	if err != nil {
		return err
	}
	q := c.query
	doc := listUploadsXML{
		Xmlns: namespace, Bucket: c.bucket, KeyMarker: encodeKey(q.Get("key-marker"), encoding), UploadIDMarker: q.Get("upload-id-marker"),
		Delimiter: encodeKey(page.delimiter, encoding), Prefix: encodeKey(page.prefix, encoding), EncodingType: encoding, MaxUploads: limit,
	}
	all := page.first
	if len(all) > limit {
		all = all[:limit]
		doc.IsTruncated = limit > 0 // none at all has no next page
	}
	for _, u := range all {
		if doc.IsTruncated {
			doc.NextKeyMarker, doc.NextUploadIDMarker = encodeKey(u.Key, encoding), u.ID
		}
		if common := page.common(&u); common != "" {
			doc.CommonPrefixes = append(doc.CommonPrefixes, prefixXML{encodeKey(common, encoding)})
			continue
		}
		doc.Uploads = append(doc.Uploads, uploadXML{
			Key: encodeKey(u.Key, encoding), UploadID: u.ID, Initiator: ownerXML{u.Owner, u.Owner}, Owner: c.gw.owner(), StorageClass: "STANDARD",
			Initiated: stamp(u.Initiated), ChecksumAlgorithm: strings.ToUpper(u.Algorithm), ChecksumType: u.Info.ChecksumType,
		})
	}
	c.writeXML(http.StatusOK, doc)
	return nil
}

// uploads finds the page that the query asks for, and whether more follows: one
// upload more than the limit.
func (c *call) uploads(limit int) (*uploadListing, error) {
	q := c.query
	page := &uploadListing{prefix: q.Get("prefix"), delimiter: q.Get("delimiter"), limit: limit, after: store.Upload{Key: q.Get("key-marker")}}
	if id := q.Get("upload-id-marker"); id != "" && page.after.Key != "" {
		u, err := c.gw.store.Upload(c.r.Context(), store.Name{Bucket: c.bucket, Key: page.after.Key}, id)
		if err != nil && !errors.Is(err, store.ErrNoUpload) {
			return nil, err
		}
		page.among = true
		if err == nil {
			page.after = *u
		}
	}
	err := c.gw.store.Uploads(c.r.Context(), c.bucket, func(u *store.Upload, err error) error {
		if err == nil {
			page.add(u)
		}
		return err
	})
	page.trim()
	return page, err
}

// uploadListing finds the first uploads behind the markers among all of a bucket,
// which come in no order. It holds no more than a few pages of them.
type uploadListing struct {
	prefix, delimiter string
	limit             int
	after             store.Upload   // the markers
	among             bool           // of the marker's key those behind the marker, all where it has ended; else none
	first             []store.Upload // once trimmed: in order, the last one of each common prefix, one more than the limit
}

func (p *uploadListing) common(u *store.Upload) string {
	return store.CommonPrefix(u.Key, p.prefix, p.delimiter)
}

func (p *uploadListing) add(u *store.Upload) {
	behind := u.Key > p.after.Key || p.among && u.Compare(&p.after) > 0
	if !behind || !strings.HasPrefix(u.Key, p.prefix) {
		return
	}
	slim := *u
	slim.Info = store.Info{ChecksumType: u.Info.ChecksumType} // headers and metadata may be 64 KiB
	p.first = append(p.first, slim)
	if len(p.first) > 4*(p.limit+1) {
		p.trim()
	}
}

func (p *uploadListing) trim() {
	slices.SortFunc(p.first, func(u, v store.Upload) int { return u.Compare(&v) })
	kept := p.first[:0]
	last := ""
	for _, u := range p.first {
		common := p.common(&u)
		if common != "" && common == last {
			kept[len(kept)-1] = u // where the next page begins behind
			continue
		}
		if len(kept) > p.limit {
			break
		}
		kept, last = append(kept, u), common
	}
	clear(p.first[len(kept):])
	p.first = kept
}
