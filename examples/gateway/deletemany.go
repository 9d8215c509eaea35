// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"net/http"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

type deleteXML struct {
	XMLName xml.Name `xml:"Delete"`
	Quiet   bool
	Objects doomedObjects `xml:"Object"`
}

type doomedObjects []doomedObject

type doomedObject struct {
	Key       string
	VersionID string `xml:"VersionId"`
	ETag      string

	LastModifiedTime, Size string // conditions of directory buckets: not here
}

// maxDoomed is the most objects that one request deletes.
const maxDoomed = 1000

// UnmarshalXML takes one more object, and none beyond the most: see chosenParts.
func (o *doomedObjects) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	if len(*o) == maxDoomed {
		return errMalformedXML
	}
	var one doomedObject
	err := d.DecodeElement(&one, &start)
	*o = append(*o, one)
	return err
}

type deletedXML struct{ Key string }

type deleteErrorXML struct{ Key, Code, Message string }

type deleteResultXML struct {
	XMLName xml.Name         `xml:"DeleteResult"`
	Xmlns   string           `xml:"xmlns,attr"`
	Deleted []deletedXML     `xml:",omitempty"`
	Errors  []deleteErrorXML `xml:"Error,omitempty"`
}

// deleteObjects deletes up to a thousand objects. Each is authorized by itself.
func deleteObjects(c *call) error {
	h := c.r.Header
	sums, err := newDigests(h)
	if err != nil {
		return err
	}
	if sums.wantMD5 == nil && len(sums.sums) == 0 {
		return refuse("InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	}
	text, err := c.readDocument(4 << 20)
	if err != nil {
		return err
	}
	var doc deleteXML
	if err := xml.Unmarshal(text, &doc); err != nil || len(doc.Objects) == 0 {
		return errMalformedXML
	}
	for _, o := range doc.Objects {
		if o.Key == "" {
			return errMalformedXML
		}
	}
	if _, err := c.gw.store.Bucket(c.bucket); err != nil {
		return err
	}
	result := deleteResultXML{Xmlns: namespace}
	for _, o := range doc.Objects {
		err := errNotImplemented
		if o.LastModifiedTime == "" && o.Size == "" {
			err = c.deleteOne(o.Key, o.VersionID, o.ETag)
		}
		switch {
		case err != nil:
			f := asFault(err)
			result.Errors = append(result.Errors, deleteErrorXML{o.Key, f.Code, f.Message})
		case !doc.Quiet:
			result.Deleted = append(result.Deleted, deletedXML{o.Key})
		}
	}
	c.writeXML(http.StatusOK, result)
	return nil
}

// deleteOne deletes an object, if it is the one that an entity tag names.
func (c *call) deleteOne(key, version, match string) error {
	if version != "" && version != "null" {
		return refuse("NoSuchVersion", "The specified version does not exist.")
	}
	if err := checkKey(key); err != nil {
		return err
	}
	name := store.Name{Bucket: c.bucket, Key: key}
	if err := c.authorizeKey("s3:DeleteObject", name); err != nil {
		return err
	}
	return c.gw.store.Delete(c.r.Context(), name, deleteCondition(match))
}
