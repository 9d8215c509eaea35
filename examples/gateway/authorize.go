// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
	"github.com/sallyport-go/sallyport/iampolicy"
)

// authorizer decides by the users' identity policies and the buckets' own.
type authorizer struct {
	account    string
	identities map[string]*ruleset // by user name
	store      *store.Store
	mu         sync.Mutex
	buckets    map[string]bucketRules // compiled policies, by bucket
}

// ruleset is a compiled set of policies.
type ruleset struct {
	set  *iampolicy.Set
	tags bool // it may look at the tags that an object has
}

// bucketRules is a bucket's policy and the text that it was compiled from.
type bucketRules struct {
	text []byte
	*ruleset
}

func newAuthorizer(config *Config, s *store.Store) (*authorizer, error) {
	a := &authorizer{account: config.Account, identities: map[string]*ruleset{}, store: s, buckets: map[string]bucketRules{}}
	policies := map[string][]*iampolicy.Policy{}
	tags := map[string]bool{}
	for i, u := range config.Users {
		policies[u.Name] = append(policies[u.Name], nil...) // there, though it may stay empty
		for j, text := range u.Policies {
			p, err := iampolicy.Parse(text)
			if err == nil {
				_, err = iampolicy.Compile(iampolicy.KindIdentity, p) // one by one, for the place of a fault
			}
			if err != nil {
				return nil, config.at(fmt.Sprintf("users[%d].policies[%d]", i, j), err)
			}
			policies[u.Name] = append(policies[u.Name], p)
			tags[u.Name] = tags[u.Name] || readsTags(text)
		}
	}
	for name, all := range policies {
		set, err := iampolicy.Compile(iampolicy.KindIdentity, all...)
		if err != nil {
			return nil, fmt.Errorf("user %s: %w", name, err)
		}
		a.identities[name] = &ruleset{set, tags[name]}
	}
	return a, nil
}

// readsTags says whether a policy may look at the tags that an object has. One
// with an escape may: that can spell any name.
func readsTags(text []byte) bool {
	return bytes.Contains(bytes.ToLower(text), []byte("existingobjecttag")) || bytes.Contains(text, []byte(`\u`))
}

// compile makes a ruleset of a bucket's policy.
func compile(text []byte) (*ruleset, error) {
	p, err := iampolicy.Parse(text)
	if err != nil {
		return nil, err
	}
	set, err := iampolicy.Compile(iampolicy.KindResource, p)
	return &ruleset{set, readsTags(text)}, err
}

// checkOwner compares the bucket owner that a request expects.
func (c *call) checkOwner() error {
	for _, name := range []string{"x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner"} {
		if owner := cmp.Or(c.r.Header.Get(name), c.query.Get(name)); owner != "" && owner != c.pipe.config.Account {
			return refuse("AccessDenied", "The bucket does not belong to the account that %s names.", name)
		}
	}
	return nil
}

// resource is the ARN of what the request is about; * is the whole service.
func (c *call) resource() string {
	switch {
	case c.key != "":
		return objectARN(c.name())
	case c.bucket != "":
		return "arn:aws:s3:::" + c.bucket
	}
	return "*"
}

func objectARN(name store.Name) string { return "arn:aws:s3:::" + name.Bucket + "/" + name.Key }

// authorizeKey decides about an object that the request's path does not name.
func (c *call) authorizeKey(action string, name store.Name) error {
	return c.pipe.decider.decide(c, action, objectARN(name), name)
}

// authorizeTags decides about the tags that an object comes with. The right to
// write an object is not the right to tag it, since policies may ask for tags
// (Amazon S3 API Reference, PutObject, "Permissions").
func (c *call) authorizeTags(tags map[string]string) error {
	if len(tags) == 0 {
		return nil
	}
	c.tags = tags
	return c.authorizeKey("s3:PutObjectTagging", c.name())
}

// decide refuses with AccessDenied what the policies do not allow. The reason
// goes to the log: it would tell a stranger what the policies say.
func (a *authorizer) decide(c *call, action, resource string, name store.Name) error {
	policies, request, err := a.question(c, action, resource, name)
	if err != nil {
		return err
	}
	decision := policies.Decide(request)
	if decision.Allowed() {
		return nil
	}
	why := policies.Explain(request)
	c.gw.log.LogAttrs(c.r.Context(), slog.LevelInfo, "denied", slog.String("id", c.id), slog.String("action", action),
		slog.String("resource", resource), slog.String("why", why.String()))
	f := refuse("AccessDenied", "%s", denial(c.caller, action, resource, why))
	f.cause = decision.Err
	return f
}

// denial is what S3 tells the caller: which kind of policy refused, not which
// statement.
func denial(who caller, action, resource string, why *iampolicy.Explanation) string {
	if who.AccessKeyID == "" {
		return "Access Denied"
	}
	reason := "because no identity-based policy allows the " + action + " action"
	if why.Outcome == iampolicy.ExplicitDeny {
		reason = "with an explicit deny in an identity-based policy"
		if why.Resource == "ExplicitlyDenied" {
			reason = "with an explicit deny in a resource-based policy"
		}
	}
	return fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %q %s", who.ARN, action, resource, reason)
}

// question puts together what is asked and which policies answer.
func (a *authorizer) question(c *call, action, resource string, name store.Name) (*iampolicy.Policies, *iampolicy.Request, error) {
	policies := &iampolicy.Policies{}
	request := &iampolicy.Request{Action: action, Resource: resource, ResourceAccount: a.account, WildcardOnly: resource == "*"}
	tags := false
	request.Principal = c.caller.principal
	if rules := a.identities[c.caller.Name]; c.caller.AccessKeyID != "" {
		policies.Identity, tags = rules.set, rules.tags
	}
	rules, err := a.bucketRules(name.Bucket)
	if err != nil {
		return nil, nil, err
	}
	if rules != nil {
		policies.Resource, tags = rules.set, tags || rules.tags
		access, err := c.gw.publicAccess(name.Bucket)
		if err != nil {
			return nil, nil, err
		}
		policies.RestrictPublicBuckets = access.RestrictPublicBuckets
	}
	c.describeRequest(&request.Context)
	// S3 has no tags of the object that a write or a deletion would end (User
	// Guide, "Tagging and access control policies").
	if tags && name.Key != "" && action != "s3:PutObject" && action != "s3:DeleteObject" {
		if err := c.describeTags(&request.Context, name); err != nil {
			return nil, nil, err
		}
	}
	request.Derive(c.pipe.config.now())
	return policies, request, nil
}

// bucketRules compiles a bucket's policy when its text has changed. No bucket
// and no policy are nil.
func (a *authorizer) bucketRules(bucket string) (*ruleset, error) {
	text, err := a.store.Document(bucket, store.Policy)
	if errors.Is(err, store.ErrNoBucket) || errors.Is(err, store.ErrNoDocument) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if known, ok := a.buckets[bucket]; ok && bytes.Equal(known.text, text) {
		return known.ruleset, nil
	}
	rules, err := compile(text)
	if err != nil {
		return nil, err
	}
	if len(a.buckets) >= 1000 {
		clear(a.buckets)
	}
	a.buckets[bucket] = bucketRules{text, rules}
	return rules, nil
}

// hideMissing tells that a key does not exist only to callers who may list its
// bucket; others learn that they may not see it.
func (c *call) hideMissing(bucket string, err error) error {
	if !errors.Is(err, store.ErrNoKey) {
		return err
	}
	denied := c.pipe.decider.decide(c, "s3:ListBucket", "arn:aws:s3:::"+bucket, store.Name{Bucket: bucket})
	if denied != nil {
		return denied
	}
	return err
}

func (c *Config) userARN(name string) string {
	return "arn:aws:iam::" + c.Account + ":user/" + strings.TrimPrefix(name, "/")
}
