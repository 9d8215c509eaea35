// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"errors"
	"net/http"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

// publicAccess is a bucket's Block Public Access settings. There are no public
// ACLs here (see acl.go), so the two about them are kept and change nothing.
type publicAccess struct {
	XMLName               xml.Name `xml:"PublicAccessBlockConfiguration"`
	Xmlns                 string   `xml:"xmlns,attr,omitempty"`
	BlockPublicAcls       bool
	IgnorePublicAcls      bool
	BlockPublicPolicy     bool // a public policy cannot be put
	RestrictPublicBuckets bool // a public policy lets no stranger in
}

// publicAccess reads a bucket's settings; without any, all are off. Settings
// that cannot be read are an error: they are there to close something.
func (g *Gateway) publicAccess(bucket string) (publicAccess, error) {
	var settings publicAccess
	text, err := g.store.Document(bucket, store.PublicAccess)
	if errors.Is(err, store.ErrNoDocument) {
		return settings, nil
	}
	if err != nil {
		return settings, err
	}
	err = xml.Unmarshal(text, &settings)
	return settings, err
}

func getPublicAccess(c *call) error {
	if _, err := c.gw.store.Document(c.bucket, store.PublicAccess); errors.Is(err, store.ErrNoDocument) {
		return refuse("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found").with("BucketName", c.bucket)
	}
	settings, err := c.gw.publicAccess(c.bucket)
	if err != nil {
		return err
	}
	settings.Xmlns = namespace
	settings.XMLName = xml.Name{Local: "PublicAccessBlockConfiguration"}
	c.writeXML(http.StatusOK, settings)
	return nil
}

func putPublicAccess(c *call) error {
	var settings publicAccess
	if err := c.readXML(16<<10, &settings); err != nil {
		return err
	}
	settings.Xmlns, settings.XMLName = "", xml.Name{Local: "PublicAccessBlockConfiguration"}
	text, err := xml.Marshal(settings)
	if err != nil {
		return err
	}
	if err := c.gw.store.SetDocument(c.bucket, store.PublicAccess, text); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusOK)
	return nil
}

func deletePublicAccess(c *call) error {
	if err := c.gw.store.SetDocument(c.bucket, store.PublicAccess, nil); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
