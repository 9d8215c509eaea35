// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/sallyport-go/sallyport/examples/gateway/store"

// authorize decides whether the caller may do what it asks. Every user of the
// configuration may; nobody else.
func (g *Gateway) authorize(c *call) error {
	if c.caller.anonymous() {
		return refuse("AccessDenied", "Access Denied")
	}
	return nil
}

// hideMissing tells that a key does not exist only to callers who may list.
func (c *call) hideMissing(err error) error { return err }

// authorizeSource decides whether the caller may read what it copies.
func (g *Gateway) authorizeSource(c *call, name store.Name) error {
	return g.authorizeKey(c, "s3:GetObject", name)
}

// authorizeKey decides about an object that the request's path does not name.
func (g *Gateway) authorizeKey(*call, string, store.Name) error { return nil }
