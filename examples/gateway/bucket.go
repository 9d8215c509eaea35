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

type ownerXML struct{ ID, DisplayName string }

func (g *Gateway) owner() ownerXML { return ownerXML{ID: g.config.Account, DisplayName: "owner"} }

type bucketXML struct {
	Name, CreationDate string
	BucketRegion       string `xml:",omitempty"`
}

type listBucketsXML struct {
	XMLName xml.Name `xml:"ListAllMyBucketsResult"`
	Xmlns   string   `xml:"xmlns,attr"`
	Owner   ownerXML
	Buckets []bucketXML `xml:"Buckets>Bucket"`

	Prefix            string `xml:",omitempty"`
	ContinuationToken string `xml:",omitempty"` // of the next page
}

// maxBuckets is the most that one answer lists.
const maxBuckets = 10_000

func listBuckets(c *call) error {
	buckets, err := c.gw.store.Buckets()
	if err != nil {
		return err
	}
	limit, after, err := c.bucketPage()
	if err != nil {
		return err
	}
	q, home := c.query, c.pipe.config.Region
	doc := listBucketsXML{Xmlns: namespace, Owner: c.gw.owner(), Prefix: q.Get("prefix")}
	region := ""
	if q.Has("prefix") || q.Has("max-buckets") || q.Has("bucket-region") || q.Has("continuation-token") {
		region = home
	}
	for _, b := range buckets {
		if b.Name <= after || !strings.HasPrefix(b.Name, doc.Prefix) || q.Get("bucket-region") != "" && q.Get("bucket-region") != home {
			continue
		}
		if len(doc.Buckets) == limit {
			doc.ContinuationToken = base64.URLEncoding.EncodeToString([]byte(doc.Buckets[limit-1].Name))
			break
		}
		doc.Buckets = append(doc.Buckets, bucketXML{b.Name, stamp(b.Created), region})
	}
	c.writeXML(http.StatusOK, doc)
	return nil
}

// bucketPage reads how many buckets are wanted, and behind which.
func (c *call) bucketPage() (limit int, after string, err error) {
	limit = maxBuckets
	if c.query.Has("max-buckets") {
		if limit, err = strconv.Atoi(c.query.Get("max-buckets")); err != nil || limit < 1 || limit > maxBuckets {
			return 0, "", refuse("InvalidArgument", "Argument max-buckets must be an integer between 1 and %d", maxBuckets)
		}
	}
	if c.query.Has("continuation-token") {
		name, err := base64.URLEncoding.DecodeString(c.query.Get("continuation-token"))
		if err != nil || !store.ValidBucket(string(name)) {
			return 0, "", refuse("InvalidArgument", "The continuation token provided is incorrect")
		}
		after = string(name)
	}
	return limit, after, nil
}

func createBucket(c *call) error {
	var doc struct {
		XMLName            xml.Name `xml:"CreateBucketConfiguration"`
		LocationConstraint string

		// What the buckets here do not have.
		Location, Bucket, Tags *struct{}
	}
	if !store.ValidBucket(c.bucket) || "/"+c.bucket == uploadPath {
		return store.ErrBucketName
	}
	if err := c.gw.checkACL(c.r.Header); err != nil {
		return err
	}
	if ownership := c.r.Header.Get("x-amz-object-ownership"); ownership != "" && ownership != bucketOwnerEnforced {
		return refuse("NotImplemented", "ACLs cannot be enabled: every bucket is BucketOwnerEnforced.").with("Header", "x-amz-object-ownership")
	}
	if lock := c.r.Header.Get("x-amz-bucket-object-lock-enabled"); lock != "" && !strings.EqualFold(lock, "false") {
		return refuse("NotImplemented", "A header you provided implies functionality that is not implemented.").with("Header", "x-amz-bucket-object-lock-enabled")
	}
	text, err := c.readDocument(16 << 10)
	if err != nil {
		return err
	}
	if len(text) > 0 {
		if err := xml.Unmarshal(text, &doc); err != nil {
			return errMalformedXML
		}
	}
	if doc.Location != nil || doc.Bucket != nil || doc.Tags != nil {
		return refuse("NotImplemented", "There are no directory buckets here, and no tags of buckets.")
	}
	if doc.LocationConstraint != "" && doc.LocationConstraint != c.pipe.config.Region {
		return refuse("InvalidLocationConstraint", "The specified location constraint is not valid.")
	}
	if err := c.gw.store.CreateBucket(c.bucket, c.caller.ARN); err != nil {
		return err
	}
	c.w.Header().Set("Location", "/"+c.bucket)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func deleteBucket(c *call) error {
	if err := c.gw.store.DeleteBucket(c.bucket); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func headBucket(c *call) error {
	if _, err := c.gw.store.Bucket(c.bucket); err != nil {
		return err
	}
	c.w.Header().Set("x-amz-bucket-region", c.pipe.config.Region)
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func getBucketLocation(c *call) error {
	if _, err := c.gw.store.Bucket(c.bucket); err != nil {
		return err
	}
	doc := struct {
		XMLName  xml.Name `xml:"LocationConstraint"`
		Xmlns    string   `xml:"xmlns,attr"`
		Location string   `xml:",chardata"`
	}{Xmlns: namespace}
	if c.pipe.config.Region != "us-east-1" { // which S3 writes as nothing
		doc.Location = c.pipe.config.Region
	}
	c.writeXML(http.StatusOK, doc)
	return nil
}
