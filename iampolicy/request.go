// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"fmt"
	"time"

	"github.com/sallyport-go/sallyport/internal/arn"
)

// Request is a question to decide: may this principal do this to that?
type Request struct {
	// Principal is who asks; the zero Principal is anonymous.
	Principal Principal

	// Action is the action, such as s3:GetObject.
	Action string
	// Resource is the ARN of the resource. Where it holds a *, it stands for
	// every resource that it matches: the decision then says whether one of
	// them could be allowed, and counts a Deny only if it covers all.
	Resource string
	// ResourceAccount is the id of the account that owns the resource. It is
	// never taken from the ARN, which need not tell it; empty is unknown, and
	// then another account than the principal's.
	ResourceAccount string
	// Context holds the condition keys.
	Context Context

	// WildcardOnly marks an action that supports no resource types, which only
	// the Resource "*" covers.
	WildcardOnly bool
	// ManagementPrincipal and ManagementResource mark the principal's and the
	// resource's account as the management account of its organization, which
	// service and resource control policies do not limit.
	ManagementPrincipal bool
	ManagementResource  bool
	// AWSManagedKey marks the resource as an AWS managed KMS key.
	AWSManagedKey bool

	// ResourceTags and RequestTags are for Derive.
	ResourceTags, RequestTags map[string]string
}

// AccountOf returns the account field of an ARN, or "". For many resources
// that is the owner's; the ARNs of S3 buckets and some others have none, and a
// shared resource may be named under another account.
func AccountOf(resource string) string {
	a, _ := arn.Parse(resource)
	return a.Account
}

// Derive sets the context keys that follow from the principal, the resource
// and the time, unless they were set before: aws:PrincipalArn,
// aws:PrincipalAccount, aws:PrincipalType, aws:userid, aws:username,
// aws:PrincipalIsAWSService, aws:PrincipalServiceName,
// aws:PrincipalServiceNamesList, aws:ResourceAccount, aws:CurrentTime,
// aws:EpochTime, and those of tags. Explanations list what was derived. (IAM
// User Guide, "AWS global condition context keys".)
func (r *Request) Derive(now time.Time) {
	p := &r.Principal
	r.derive("aws:PrincipalIsAWSService", boolText(p.kind == Service))
	r.deriveSome("aws:PrincipalType", [...]string{
		Anonymous: "Anonymous", User: "User", Role: "AssumedRole", RoleSession: "AssumedRole",
		FederatedSession: "FederatedUser", Root: "Account", Service: "", Federated: "",
	}[p.kind])
	r.deriveSome("aws:PrincipalAccount", p.account)
	r.deriveNames()
	r.deriveSome("aws:ResourceAccount", r.ResourceAccount)
	r.derive("aws:CurrentTime", now.UTC().Format("2006-01-02T15:04:05Z"))
	r.derive("aws:EpochTime", epochText(now))
	r.deriveTags("aws:PrincipalTag/", p.Tags)
	r.deriveTags("aws:ResourceTag/", r.ResourceTags)
	r.deriveTags("aws:RequestTag/", r.RequestTags)
	if len(r.RequestTags) > 0 && !r.Context.Has("aws:TagKeys") {
		r.Context.add("aws:TagKeys", contextValue{list: sortedKeys(r.RequestTags), multi: true, derived: derived})
	}
}

// deriveNames sets the keys that name the principal.
func (r *Request) deriveNames() {
	p := &r.Principal
	id := p.ID
	switch p.kind {
	case Anonymous:
		id = "anonymous"
	case User:
		r.derive("aws:PrincipalArn", p.text)
		r.derive("aws:username", p.name)
	case Role, Root:
		r.derive("aws:PrincipalArn", p.text)
		if p.kind == Root {
			id = p.account
		}
	case RoleSession:
		if p.RoleARN != "" {
			r.derive("aws:PrincipalArn", p.RoleARN)
		} else {
			r.deriveAs("aws:PrincipalArn", "arn:"+p.partition+":iam::"+p.account+":role/"+p.name, derivedInexact)
		}
	case FederatedSession:
		r.derive("aws:PrincipalArn", p.text)
		id = p.account + ":" + p.name
	case Service:
		r.derive("aws:PrincipalServiceName", p.text)
		if !r.Context.Has("aws:PrincipalServiceNamesList") {
			r.Context.add("aws:PrincipalServiceNamesList", contextValue{list: []string{p.text}, multi: true, derived: derived})
		}
	}
	r.deriveSome("aws:userid", id)
}

// deriveSome derives a key that some principals lack.
func (r *Request) deriveSome(key, value string) {
	if value != "" {
		r.derive(key, value)
	}
}

func (r *Request) derive(key, value string) { r.deriveAs(key, value, derived) }

func (r *Request) deriveAs(key, value string, how derivation) {
	if !r.Context.Has(key) {
		r.Context.add(key, contextValue{text: value, addr: parseAddr(value), derived: how})
	}
}

func (r *Request) deriveTags(prefix string, tags map[string]string) {
	var seen folder
	for _, key := range sortedKeys(tags) {
		if seen.repeats(key) {
			r.Context.fail(fmt.Errorf("%w: two tags %q that differ only in case", ErrRequest, key))
			return
		}
		r.derive(prefix+key, tags[key])
	}
}
