// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
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
	if _, err := compile(iampolicy.KindResource, text); err != nil {
		return policyFault(err)
	}
	if !namesPrincipals(text) {
		return refuse("MalformedPolicy", "Missing required field Principal")
	}
	if err := c.gw.store.SetPolicy(c.bucket, text); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// namesPrincipals says whether every statement says whom it is about: a
// bucket's policy has nobody that it is attached to.
func namesPrincipals(text []byte) bool {
	var doc struct{ Statement json.RawMessage }
	var statements []map[string]json.RawMessage
	if json.Unmarshal(text, &doc) != nil {
		return false
	}
	if json.Unmarshal(doc.Statement, &statements) != nil {
		statements = make([]map[string]json.RawMessage, 1)
		if json.Unmarshal(doc.Statement, &statements[0]) != nil {
			return false
		}
	}
	for _, s := range statements {
		if s["Principal"] == nil && s["NotPrincipal"] == nil {
			return false
		}
	}
	return true
}

func deletePolicy(c *call) error {
	if err := c.gw.store.SetPolicy(c.bucket, nil); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
