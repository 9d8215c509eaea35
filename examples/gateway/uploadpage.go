// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"strings"
)

// uploadPath is the page through which a browser uploads files. No bucket can
// be created with this name.
const uploadPath = "/upload"

// uploadHTML is the page: the same for everybody. What may be uploaded with it
// stands behind the # of its URL, which browsers send to nobody.
//
//go:embed upload.html
var uploadHTML string

// uploadPage serves it. It needs no authentication: the form that it sends
// does.
var uploadPage = &operation{Name: "UploadPage", public: true, handle: func(c *call) error {
	h := c.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy(uploadHTML))
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = c.w.Write([]byte(uploadHTML))
	return nil
}}

// pagePolicy allows the page's own script and style, and nothing else.
func pagePolicy(page string) string {
	digest := func(tag string) string {
		_, rest, _ := strings.Cut(page, "<"+tag+">")
		text, _, _ := strings.Cut(rest, "</"+tag+">")
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'" +
		"; script-src " + digest("script") + "; style-src " + digest("style")
}
