// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"

	"github.com/sallyport-go/sallyport/presign"
	"github.com/sallyport-go/sallyport/sigv4"
)

// newForms makes the verifier of uploads by HTML forms.
func newForms(config *Config, auth *sigv4.Verifier) *presign.PostVerifier {
	return &presign.PostVerifier{Auth: auth, Bucket: func(r *http.Request) string {
		bucket, key := split(r.URL.Path, config.virtualBucket(r.Host))
		if key != "" {
			return ""
		}
		return bucket
	}}
}

// verifyForm verifies the policy that the form carries, and reads the form up
// to the file: only then is it known which key the call is about.
func (s *signatures) verifyForm(c *call) (caller, error) {
	done := c.hurry()
	up, err := s.forms.Verify(c.r)
	done()
	if errors.Is(err, presign.ErrNoAuth) {
		return caller{}, refuse("AccessDenied", "Access Denied")
	}
	if err != nil {
		return caller{}, err
	}
	who := s.users[up.AccessKeyID]
	who.form, c.key = up, up.Key
	c.header = http.Header{}
	for name, value := range up.Fields {
		switch name {
		case "key", "bucket", "success_action_status", "success_action_redirect", "redirect":
		case "acl":
			c.header.Set("x-amz-acl", value)
		default:
			c.header.Set(name, value)
		}
	}
	return who, nil
}

type postedXML struct {
	XMLName               xml.Name `xml:"PostResponse"`
	Location, Bucket, Key string
	ETag                  string
}

// postObject stores the file of a form. What the form does not say is not
// read: headers beside it are nobody's word.
func postObject(c *call) error {
	up := c.caller.form
	info, err := c.gw.objectInfo(c.header)
	if err != nil {
		return err
	}
	if text := up.Fields["tagging"]; text != "" {
		if info.Tags, err = parseTagSet([]byte(text)); err != nil {
			return err
		}
	}
	if err := c.authorizeTags(info.Tags); err != nil {
		return err
	}
	sums, err := newDigests(c.header)
	if err != nil {
		return err
	}
	w, err := c.gw.store.Create(c.r.Context(), c.name())
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := c.pourBody(w, sums, up.File); err != nil {
		return err
	}
	sums.describe(info)
	if err := w.Commit(c.r.Context(), info, nil); err != nil {
		return err
	}
	c.posted(up, info.ETag)
	return nil
}

// posted answers as the form asked: by a redirect, or with a status.
func (c *call) posted(up *presign.PostUpload, etag string) {
	location := c.location()
	h := c.w.Header()
	h.Set("ETag", quote(etag))
	if target, err := url.Parse(up.Redirect); err == nil && up.Redirect != "" {
		query := target.Query()
		query.Set("bucket", c.bucket)
		query.Set("key", c.key)
		query.Set("etag", quote(etag))
		target.RawQuery = query.Encode()
		h.Set("Location", target.String())
		c.w.WriteHeader(http.StatusSeeOther)
		return
	}
	h.Set("Location", location)
	if up.Status == http.StatusCreated {
		c.writeXML(http.StatusCreated, postedXML{Location: location, Bucket: c.bucket, Key: c.key, ETag: quote(etag)})
		return
	}
	c.w.WriteHeader(up.Status)
}
