// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
	"github.com/sallyport-go/sallyport/iampolicy"
)

// maxPolicy is the size of the largest bucket policy.
const maxPolicy = 20 << 10

var errNoPolicy = refuse("NoSuchBucketPolicy", "The bucket policy does not exist")

func (c *call) policy() ([]byte, error) {
	text, err := c.gw.store.Document(c.bucket, store.Policy)
	if errors.Is(err, store.ErrNoDocument) {
		return nil, errNoPolicy
	}
	return text, err
}

func getPolicy(c *call) error {
	text, err := c.policy()
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/json")
	_, _ = c.w.Write(text)
	return nil
}

// putPolicy stores a policy that compiles and that AWS would take: one with an
// unknown element or operator would be a Deny that never denies.
func putPolicy(c *call) error {
	text, err := c.readDocument(maxPolicy)
	if err != nil {
		return err
	}
	rules, err := checkPolicy(c.bucket, text)
	if err != nil {
		return err
	}
	access, err := c.gw.publicAccess(c.bucket)
	if err != nil {
		return err
	}
	if access.BlockPublicPolicy && rules.set.Public() {
		return refuse("AccessDenied", "User: %s is not authorized to perform: %s on resource: %q because public policies are blocked by the BlockPublicPolicy block public access setting.",
			c.caller.ARN, c.op.Action, c.resource())
	}
	if err := c.gw.store.SetDocument(c.bucket, store.Policy, text); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// checkPolicy compiles a bucket's policy. The message of a refusal is S3's,
// with the place; every finding that AWS refuses for stands in an element of
// its own.
func checkPolicy(bucket string, text []byte) (*ruleset, error) {
	if !json.Valid(text) || bytes.TrimSpace(text)[0] != '{' {
		f := refuse("MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'")
		if _, err := iampolicy.Parse(text); err != nil {
			f.Message += ": " + err.Error()
		}
		return nil, f
	}
	var refused []iampolicy.Finding
	for _, finding := range iampolicy.Validate(iampolicy.KindResource, text) {
		if finding.Refused {
			refused = append(refused, finding)
		}
	}
	rules, err := compile(text)
	if err != nil {
		return nil, policyFault(err, refused)
	}
	if len(refused) > 0 {
		first := &refused[0]
		return nil, withFindings(refuse("MalformedPolicy", "%s (%s)", first.Message, placeOf(first)), refused)
	}
	return rules, checkResources(bucket, text)
}

// policyFault says why a document is no policy, with the place.
func policyFault(err error, refused []iampolicy.Finding) error {
	text := err.Error()
	if e, ok := errors.AsType[*iampolicy.Error](err); ok {
		text += " (" + e.Hint() + ")"
	}
	return withFindings(refuse("MalformedPolicy", "%s", text), refused)
}

func withFindings(f *fault, refused []iampolicy.Finding) *fault {
	for _, finding := range refused[:min(len(refused), 20)] {
		f = f.with("Finding", fmt.Sprintf("%s: %s (%s)", finding.Code, finding.Message, placeOf(&finding)))
	}
	return f
}

func placeOf(f *iampolicy.Finding) string {
	return fmt.Sprintf("%s, line %d, column %d", f.Span.Path, f.Span.Start.Line, f.Span.Start.Column)
}

// checkResources refuses what S3 does: a statement about another bucket.
func checkResources(bucket string, text []byte) error {
	var doc struct{ Statement statements }
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil // it compiled: what this cannot read names no other bucket either
	}
	arn := "arn:aws:s3:::" + bucket
	for i, s := range doc.Statement {
		for _, r := range append(s.Resource, s.NotResource...) {
			if r != "*" && r != arn && !strings.HasPrefix(r, arn+"/") {
				return refuse("MalformedPolicy", "Policy has invalid resource (Statement[%d]: %q is not of this bucket)", i, r)
			}
		}
	}
	return nil
}

// statements is one statement, or a list.
type statements []struct{ Resource, NotResource texts }

func (s *statements) UnmarshalJSON(text []byte) error {
	type list statements
	if text[0] == '[' {
		return json.Unmarshal(text, (*list)(s))
	}
	return json.Unmarshal(fmt.Appendf(nil, "[%s]", text), (*list)(s))
}

// texts is one string, or a list.
type texts []string

func (t *texts) UnmarshalJSON(text []byte) error {
	if text[0] == '[' {
		return json.Unmarshal(text, (*[]string)(t))
	}
	return json.Unmarshal(fmt.Appendf(nil, "[%s]", text), (*[]string)(t))
}

func deletePolicy(c *call) error {
	if err := c.gw.store.SetDocument(c.bucket, store.Policy, nil); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// getPolicyStatus says whether the bucket's policy is public.
func getPolicyStatus(c *call) error {
	text, err := c.policy()
	if err != nil {
		return err
	}
	rules, err := compile(text)
	if err != nil {
		return err
	}
	c.writeXML(http.StatusOK, struct {
		XMLName  xml.Name `xml:"PolicyStatus"`
		Xmlns    string   `xml:"xmlns,attr"`
		IsPublic bool
	}{Xmlns: namespace, IsPublic: rules.set.Public()})
	return nil
}
