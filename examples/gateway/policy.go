// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"

	"github.com/sallyport-go/sallyport/iampolicy"
)

// maxPolicy is the size of the largest bucket policy.
const maxPolicy = 20 << 10

func getPolicy(c *call) error {
	text, err := c.gw.store.Policy(c.bucket)
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/json")
	_, _ = c.w.Write(text)
	return nil
}

// putPolicy stores a policy that compiles: one with an unknown element or
// operator would be a Deny that never denies.
func putPolicy(c *call) error {
	text, err := c.readBody(maxPolicy)
	if err != nil {
		return err
	}
	if _, err := compile(text); err != nil {
		return policyFault(err)
	}
	for _, finding := range iampolicy.Validate(iampolicy.KindResource, text) {
		if finding.Refused { // what AWS refuses beyond what cannot be evaluated, such as a statement about nobody
			return refuse("MalformedPolicy", "%s (line %d, column %d)", finding.Message, finding.Span.Start.Line, finding.Span.Start.Column)
		}
	}
	if err := c.gw.store.SetPolicy(c.bucket, text); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func deletePolicy(c *call) error {
	if err := c.gw.store.SetPolicy(c.bucket, nil); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
