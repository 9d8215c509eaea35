// SPDX-License-Identifier: Apache-2.0

package iampolicy

import "strings"

// ACL is the access control list of an S3 bucket and that of the object which
// the request is for (Amazon S3 User Guide, "Access control list (ACL)
// overview"): one more way in which the resource lets callers in. ACLs never
// deny.
type ACL struct {
	Bucket []ACLGrant // the grants on the bucket
	Object []ACLGrant // the grants on the object
	// OwnershipEnforced says that the bucket's Object Ownership is
	// BucketOwnerEnforced: then its ACLs have no effect.
	OwnershipEnforced bool
	// IgnorePublicAcls is the setting of S3 Block Public Access, for the bucket
	// or its account: then grants to AllUsers and AuthenticatedUsers have no
	// effect ("Blocking public access to your Amazon S3 storage", where those
	// two make an ACL public, and the group of log delivery does not).
	IgnorePublicAcls bool
}

// ACLGrant is one grant of an ACL, as GetBucketAcl and GetObjectAcl return it.
type ACLGrant struct {
	// Grantee is a canonical user id, compared with Principal.CanonicalID, or
	// the URI of a group, such as
	// http://acs.amazonaws.com/groups/global/AllUsers.
	Grantee string
	// Permission is READ, WRITE, READ_ACP, WRITE_ACP or FULL_CONTROL.
	Permission string
}

// The groups of ACLs.
const (
	groupAllUsers           = "http://acs.amazonaws.com/groups/global/AllUsers"
	groupAuthenticatedUsers = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
	groupLogDelivery        = "http://acs.amazonaws.com/groups/s3/LogDelivery"

	logDeliveryService = "logging.s3.amazonaws.com"
)

// aclActions are the actions that ACLs grant, and by which permission on what
// (Amazon S3 User Guide, "Mapping of ACL permissions and access policy
// permissions").
var aclActions = [...]struct {
	action, permission string
	bucketACL          bool // the permission is one on the bucket
	onBucket           bool // the resource is the bucket
	owner              bool // only the bucket owner's account may
}{
	{action: "ListBucket", permission: "READ", bucketACL: true, onBucket: true},
	{action: "ListBucketVersions", permission: "READ", bucketACL: true, onBucket: true},
	{action: "ListBucketMultipartUploads", permission: "READ", bucketACL: true, onBucket: true},
	{action: "GetBucketAcl", permission: "READ_ACP", bucketACL: true, onBucket: true},
	{action: "PutBucketAcl", permission: "WRITE_ACP", bucketACL: true, onBucket: true},
	{action: "PutObject", permission: "WRITE", bucketACL: true},
	{action: "DeleteObject", permission: "WRITE", bucketACL: true, owner: true},
	{action: "DeleteObjectVersion", permission: "WRITE", bucketACL: true, owner: true},
	{action: "GetObject", permission: "READ"},
	{action: "GetObjectVersion", permission: "READ"},
	{action: "GetObjectTorrent", permission: "READ"},
	{action: "GetObjectAcl", permission: "READ_ACP"},
	{action: "GetObjectVersionAcl", permission: "READ_ACP"},
	{action: "PutObjectAcl", permission: "WRITE_ACP"},
	{action: "PutObjectVersionAcl", permission: "WRITE_ACP"},
}

// grants says how the ACL lets the caller in.
func (l *ACL) grants(e *evaluation) match {
	a := &e.arn
	if l == nil || l.OwnershipEnforced || e.mode != resourcePlain || !equalFold(e.service, "s3") ||
		!equalFold(a.Service, "s3") || a.Region != "" || a.Account != "" {
		return matchNone
	}
	onBucket := strings.IndexByte(a.Resource, '/') < 0
	for i := range aclActions {
		t := &aclActions[i]
		if !equalFold(t.action, e.name) {
			continue
		}
		if t.onBucket != onBucket || t.owner && !e.sameAccount() {
			return matchNone
		}
		list := l.Object
		if t.bucketACL {
			list = l.Bucket
		}
		best := matchNone
		for j := range list {
			if g := &list[j]; g.Permission == t.permission || g.Permission == "FULL_CONTROL" {
				best = max(best, l.names(g, &e.req.Principal))
			}
		}
		return best
	}
	return matchNone
}

// names says how a grant names the caller.
func (l *ACL) names(g *ACLGrant, p *Principal) match {
	named, public := false, true
	switch g.Grantee {
	case groupAllUsers:
		named = true
	case groupAuthenticatedUsers:
		named = p.inAccount()
	case groupLogDelivery:
		named, public = p.kind == Service && p.text == logDeliveryService, false
	default:
		return (&entry{typ: entryCanonical, text: g.Grantee}).canonical(p)
	}
	if named && !(public && l.IgnorePublicAcls) {
		return matchEveryone
	}
	return matchNone
}
