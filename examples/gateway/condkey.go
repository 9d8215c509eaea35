// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"maps"
	"net/netip"
	"slices"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
	"github.com/sallyport-go/sallyport/iampolicy"
	"github.com/sallyport-go/sallyport/sigv4"
)

// describeRequest sets the condition keys that the request itself decides: the
// global ones and S3's.
func (c *call) describeRequest(k *iampolicy.Context) {
	if from, err := netip.ParseAddrPort(c.r.RemoteAddr); err == nil {
		k.SetAddr("aws:SourceIp", from.Addr().WithZone(""))
	}
	k.SetBool("aws:SecureTransport", c.r.TLS != nil)
	if c.r.TLS != nil {
		k.Set("s3:TlsVersion", map[uint16]string{0x0303: "1.2", 0x0304: "1.3"}[c.r.TLS.Version])
	}
	for key, value := range map[string]string{"aws:UserAgent": c.r.UserAgent(), "aws:Referer": c.r.Referer()} {
		if value != "" {
			k.Set(key, value)
		}
	}
	k.Set("s3:ResourceAccount", c.pipe.config.Account)
	c.describeSignature(k)
	for _, name := range []string{
		"x-amz-acl", "x-amz-grant-full-control", "x-amz-grant-read", "x-amz-grant-read-acp", "x-amz-grant-write", "x-amz-grant-write-acp",
		"x-amz-content-sha256", "x-amz-copy-source", "x-amz-metadata-directive", "x-amz-storage-class", "x-amz-object-ownership",
		"x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id", "if-match", "if-none-match",
	} {
		if value := c.header.Get(name); value != "" {
			k.Set("s3:"+name, value)
		}
	}
	if c.op.Action == "s3:PutObject" { // what only prepares an object has no If-None-Match to be asked for
		k.SetBool("s3:ObjectCreationOperation", !c.op.prepares)
	}
	if c.op.Action == "s3:ListBucket" {
		for _, name := range []string{"prefix", "delimiter", "max-keys"} {
			if c.query.Has(name) {
				k.Set("s3:"+name, c.query.Get(name))
			}
		}
	}
	if tags := c.requestTags(); len(tags) > 0 {
		for key, value := range tags {
			k.Set("s3:RequestObjectTag/"+key, value)
		}
		k.SetList("s3:RequestObjectTagKeys", slices.Sorted(maps.Keys(tags)))
	}
}

// requestTags are the tags that the request asks for: in its document, in its
// form or in its header. Those that cannot be read the operation refuses.
func (c *call) requestTags() map[string]string {
	if c.tags != nil {
		return c.tags
	}
	if up := c.caller.form; up != nil && up.Fields["tagging"] != "" {
		tags, _ := parseTagSet([]byte(up.Fields["tagging"]))
		return tags
	}
	tags, _ := parseTagging(c.header.Get("x-amz-tagging"))
	return tags
}

// describeSignature sets how the request is authenticated.
func (c *call) describeSignature(k *iampolicy.Context) {
	if c.caller.grant != nil {
		k.Set("aws:SourceArn", "arn:aws:cloudfront::"+c.pipe.config.Account+":distribution/GATEWAY")
		k.Set("aws:SourceAccount", c.pipe.config.Account)
	}
	if c.caller.form != nil {
		k.Set("s3:signatureversion", sigv4.AlgorithmV4.String())
		k.Set("s3:authType", "POST")
	}
	id := c.caller.identity
	if id == nil {
		return
	}
	k.Set("s3:signatureversion", id.Algorithm.String())
	switch {
	case id.Mode&sigv4.ModeQuery != 0:
		k.Set("s3:authType", "REST-QUERY-STRING")
		k.SetInt("s3:signatureAge", max(0, c.started.Sub(id.SignedAt).Milliseconds()))
	default:
		k.Set("s3:authType", "REST-HEADER")
	}
}

// describeTags sets the tags that the object has. An object that is none has
// none.
func (c *call) describeTags(k *iampolicy.Context, name store.Name) error {
	info, err := c.gw.store.Stat(c.r.Context(), name)
	if errors.Is(err, store.ErrNoKey) || errors.Is(err, store.ErrNoBucket) {
		return nil
	}
	if err != nil {
		return err
	}
	for key, value := range info.Tags {
		k.Set("s3:ExistingObjectTag/"+key, value)
	}
	return nil
}
