// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"net/http"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

type ownerXML struct{ ID, DisplayName string }

func (g *Gateway) owner() ownerXML { return ownerXML{ID: g.config.Account, DisplayName: "owner"} }

type bucketXML struct{ Name, CreationDate string }

type listBucketsXML struct {
	XMLName xml.Name `xml:"ListAllMyBucketsResult"`
	Xmlns   string   `xml:"xmlns,attr"`
	Owner   ownerXML
	Buckets []bucketXML `xml:"Buckets>Bucket"`
}

func listBuckets(c *call) error {
	buckets, err := c.gw.store.Buckets()
	if err != nil {
		return err
	}
	doc := listBucketsXML{Xmlns: namespace, Owner: c.gw.owner()}
	for _, b := range buckets {
		doc.Buckets = append(doc.Buckets, bucketXML{b.Name, stamp(b.Created)})
	}
	c.writeXML(http.StatusOK, doc)
	return nil
}

func createBucket(c *call) error {
	var doc struct {
		XMLName            xml.Name `xml:"CreateBucketConfiguration"`
		LocationConstraint string
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
	text, err := c.readBody(16 << 10)
	if err != nil {
		return err
	}
	if len(text) > 0 {
		if err := xml.Unmarshal(text, &doc); err != nil {
			return errMalformedXML
		}
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
