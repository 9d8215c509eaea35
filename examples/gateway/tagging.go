// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"maps"
	"net/http"
	"slices"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

type tagXML struct{ Key, Value string }

type taggingXML struct {
	XMLName xml.Name `xml:"Tagging"`
	Xmlns   string   `xml:"xmlns,attr"`
	Tags    []tagXML `xml:"TagSet>Tag"`
}

func getTagging(c *call) error {
	info, err := c.gw.store.Stat(c.r.Context(), c.name())
	if err != nil {
		return c.hideMissing(c.bucket, err)
	}
	doc := taggingXML{Xmlns: namespace}
	for _, key := range slices.Sorted(maps.Keys(info.Tags)) {
		doc.Tags = append(doc.Tags, tagXML{key, info.Tags[key]})
	}
	c.writeXML(http.StatusOK, doc)
	return nil
}

func putTagging(c *call) error {
	text, err := c.readDocument(64 << 10)
	if err != nil {
		return err
	}
	tags, err := parseTagSet(text)
	if err != nil {
		return err
	}
	c.tags = tags
	if err := c.authorizeKey("s3:PutObjectTagging", c.name()); err != nil {
		return err
	}
	if err := c.setTags(tags); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusOK)
	return nil
}

// parseTagSet reads the document that names an object's tags.
func parseTagSet(text []byte) (map[string]string, error) {
	var doc taggingXML
	if err := xml.Unmarshal(text, &doc); err != nil {
		return nil, errMalformedXML
	}
	tags := map[string]string{}
	for _, t := range doc.Tags {
		if _, twice := tags[t.Key]; twice {
			return nil, errDuplicateTag
		}
		tags[t.Key] = t.Value
	}
	return tags, checkTags(tags)
}

func deleteTagging(c *call) error {
	if err := c.setTags(nil); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// setTags replaces the tags of the object.
func (c *call) setTags(tags map[string]string) error {
	err := c.gw.store.Update(c.r.Context(), c.name(), func(info *store.Info) { info.Tags = tags })
	return c.hideMissing(c.bucket, err)
}
