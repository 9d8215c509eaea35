// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"net/http"
	"strings"
)

// Every bucket has the ownership setting BucketOwnerEnforced: access control
// lists can be read, and always say that the owner has full control; requests
// to set others fail (Amazon S3 User Guide, "Controlling ownership of objects
// and disabling ACLs for your bucket").

var errNoACLs = refuse("AccessControlListNotSupported", "The bucket does not allow ACLs")

type aclXML struct {
	XMLName xml.Name `xml:"AccessControlPolicy"`
	Xmlns   string   `xml:"xmlns,attr,omitempty"`
	Owner   ownerXML
	Grants  []grantXML `xml:"AccessControlList>Grant"`
}

type grantXML struct {
	Grantee    granteeXML
	Permission string
}

type granteeXML struct {
	Xsi         string `xml:"xmlns:xsi,attr,omitempty"`
	Type        string `xml:"xsi:type,attr,omitempty"`
	ID          string
	DisplayName string `xml:",omitempty"`
	URI         string `xml:",omitempty"`
	Email       string `xml:"EmailAddress,omitempty"`
}

func getACL(c *call) error {
	if _, err := c.gw.store.Bucket(c.bucket); err != nil {
		return err
	}
	if c.key != "" {
		if _, err := c.gw.store.Stat(c.r.Context(), c.name()); err != nil {
			return c.hideMissing(c.bucket, err)
		}
	}
	owner := c.gw.owner()
	c.writeXML(http.StatusOK, aclXML{Xmlns: namespace, Owner: owner, Grants: []grantXML{{
		Grantee:    granteeXML{Xsi: "http://www.w3.org/2001/XMLSchema-instance", Type: "CanonicalUser", ID: owner.ID, DisplayName: owner.DisplayName},
		Permission: "FULL_CONTROL",
	}}})
	return nil
}

// putACL takes the one list that there is, and refuses all others.
func putACL(c *call) error {
	if err := c.gw.checkACL(c.r.Header); err != nil {
		return err
	}
	text, err := c.readDocument(64 << 10)
	if err != nil {
		return err
	}
	asked := hasACL(c.r.Header)
	switch {
	case len(text) > 0 && asked:
		return refuse("UnexpectedContent", "This request does not support content")
	case len(text) == 0 && !asked:
		return refuse("MissingSecurityHeader", "Your request was missing a required header").with("MissingHeaderName", "x-amz-acl")
	case len(text) > 0:
		var doc aclXML
		if err := xml.Unmarshal(text, &doc); err != nil {
			return errMalformedXML
		}
		if g := doc.Grants; len(g) != 1 || g[0].Permission != "FULL_CONTROL" || g[0].Grantee.ID != c.gw.owner().ID {
			return errNoACLs
		}
	}
	if c.key != "" {
		if _, err := c.gw.store.Stat(c.r.Context(), c.name()); err != nil {
			return c.hideMissing(c.bucket, err)
		}
	} else if _, err := c.gw.store.Bucket(c.bucket); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func hasACL(h http.Header) bool {
	for name := range h {
		if lower := strings.ToLower(name); lower == "x-amz-acl" || strings.HasPrefix(lower, "x-amz-grant-") {
			return true
		}
	}
	return false
}

// checkACL refuses the headers that ask for more than full control for the
// owner. "private" asks for just that, where all users are of one account.
func (g *Gateway) checkACL(h http.Header) error {
	for name, values := range h {
		lower := strings.ToLower(name)
		value := strings.Join(values, ",")
		switch {
		case lower == "x-amz-acl" && value != "private" && value != "bucket-owner-full-control":
			return errNoACLs
		case lower == "x-amz-grant-full-control" && value == `id="`+g.owner().ID+`"`:
		case strings.HasPrefix(lower, "x-amz-grant-"):
			return errNoACLs
		}
	}
	return nil
}

// bucketOwnerEnforced is the one ownership setting that there is.
const bucketOwnerEnforced = "BucketOwnerEnforced"

type ownershipXML struct {
	XMLName xml.Name                           `xml:"OwnershipControls"`
	Xmlns   string                             `xml:"xmlns,attr,omitempty"`
	Rules   []struct{ ObjectOwnership string } `xml:"Rule"`
}

func getOwnership(c *call) error {
	if _, err := c.gw.store.Bucket(c.bucket); err != nil {
		return err
	}
	c.writeXML(http.StatusOK, ownershipXML{Xmlns: namespace, Rules: []struct{ ObjectOwnership string }{{bucketOwnerEnforced}}})
	return nil
}

func putOwnership(c *call) error {
	var doc ownershipXML
	if err := c.readXML(16<<10, &doc); err != nil {
		return err
	}
	if len(doc.Rules) != 1 {
		return errMalformedXML
	}
	if _, err := c.gw.store.Bucket(c.bucket); err != nil {
		return err
	}
	switch doc.Rules[0].ObjectOwnership {
	case bucketOwnerEnforced:
		c.w.WriteHeader(http.StatusOK)
		return nil
	case "BucketOwnerPreferred", "ObjectWriter":
		return refuse("NotImplemented", "ACLs cannot be enabled: every bucket is BucketOwnerEnforced. Grant access by a bucket policy.")
	}
	return errMalformedXML
}
