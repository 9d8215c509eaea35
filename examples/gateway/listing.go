// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

// maxKeys is the most that one answer lists.
const maxKeys = 1000

type contentXML struct {
	Key               string
	LastModified      string
	ETag              string
	ChecksumAlgorithm []string `xml:",omitempty"`
	ChecksumType      string   `xml:",omitempty"`
	Size              int64
	StorageClass      string
	Owner             *ownerXML
}

type prefixXML struct{ Prefix string }

// listXML is the answer of both versions; each leaves the other's elements out.
type listXML struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Xmlns                 string   `xml:"xmlns,attr"`
	Name                  string
	Prefix                string
	Marker                *string
	NextMarker            string `xml:",omitempty"`
	StartAfter            string `xml:",omitempty"`
	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	KeyCount              *int
	MaxKeys               int
	Delimiter             string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	IsTruncated           bool
	Contents              []contentXML
	CommonPrefixes        []prefixXML
}

func listObjectsV2(c *call) error {
	if c.query.Get("list-type") != "2" {
		return refuse("InvalidArgument", "Invalid List Type specified in Request")
	}
	after := c.query.Get("start-after")
	if token := c.query.Get("continuation-token"); c.query.Has("continuation-token") {
		key, err := base64.URLEncoding.DecodeString(token)
		if err != nil || checkKey(string(key)) != nil || len(key) == 0 {
			return refuse("InvalidArgument", "The continuation token provided is incorrect")
		}
		after = string(key)
	}
	page, doc, err := c.list(after, c.query.Get("fetch-owner") == "true")
	if err != nil {
		return err
	}
	count := len(page.Entries)
	doc.KeyCount = &count
	doc.StartAfter, doc.ContinuationToken = doc.encode(c.query.Get("start-after")), c.query.Get("continuation-token")
	if page.Truncated {
		doc.NextContinuationToken = base64.URLEncoding.EncodeToString([]byte(page.Entries[count-1].Key))
	}
	c.writeXML(http.StatusOK, doc)
	return nil
}

func listObjects(c *call) error {
	page, doc, err := c.list(c.query.Get("marker"), true)
	if err != nil {
		return err
	}
	marker := doc.encode(c.query.Get("marker"))
	doc.Marker = &marker
	if page.Truncated && doc.Delimiter != "" { // without one it is the last key
		doc.NextMarker = doc.encode(page.Entries[len(page.Entries)-1].Key)
	}
	c.writeXML(http.StatusOK, doc)
	return nil
}

// list makes what the two versions have in common.
func (c *call) list(after string, owner bool) (store.Page, *listXML, error) {
	limit, err := c.count("max-keys")
	if err != nil {
		return store.Page{}, nil, err
	}
	encoding, err := c.encoding()
	if err != nil {
		return store.Page{}, nil, err
	}
	q := store.ListQuery{Prefix: c.query.Get("prefix"), Delimiter: c.query.Get("delimiter"), After: after, Limit: limit}
	page, err := c.gw.store.List(c.r.Context(), c.bucket, q)
	if err != nil {
		return page, nil, err
	}
	doc := &listXML{Xmlns: namespace, Name: c.bucket, MaxKeys: limit, EncodingType: encoding, IsTruncated: page.Truncated}
	doc.Prefix, doc.Delimiter = doc.encode(q.Prefix), doc.encode(q.Delimiter)
	for _, e := range page.Entries {
		if e.Info == nil {
			doc.CommonPrefixes = append(doc.CommonPrefixes, prefixXML{doc.encode(e.Key)})
			continue
		}
		content := contentXML{
			Key: doc.encode(e.Key), LastModified: stamp(e.Info.Modified), ETag: quote(e.Info.ETag),
			Size: e.Info.Size, StorageClass: "STANDARD", ChecksumType: e.Info.ChecksumType,
		}
		for algorithm := range e.Info.Checksums {
			content.ChecksumAlgorithm = append(content.ChecksumAlgorithm, strings.ToUpper(algorithm))
		}
		if o := c.gw.owner(); owner {
			content.Owner = &o
		}
		doc.Contents = append(doc.Contents, content)
	}
	return page, doc, nil
}

// count reads a limit from the query: at most, and by default, a thousand.
func (c *call) count(name string) (int, error) {
	if !c.query.Has(name) {
		return maxKeys, nil
	}
	n, err := strconv.ParseInt(c.query.Get(name), 10, 32)
	if err != nil || n < 0 {
		return 0, refuse("InvalidArgument", "Argument %s must be an integer between 0 and 2147483647", name)
	}
	return min(int(n), maxKeys), nil
}

// encoding reads how keys are to appear: as they are, or as in URLs.
func (c *call) encoding() (string, error) {
	encoding := c.query.Get("encoding-type")
	if encoding != "" && encoding != "url" {
		return "", refuse("InvalidArgument", "Invalid Encoding Method specified in Request")
	}
	return encoding, nil
}

// encode is how keys appear where the client asked for encoding: XML cannot
// hold every character that a key can.
func (doc *listXML) encode(text string) string { return encodeKey(text, doc.EncodingType) }

func encodeKey(text, encoding string) string {
	if encoding != "url" {
		return text
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.~/*", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}
