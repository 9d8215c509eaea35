// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"strings"

	"github.com/sallyport-go/sallyport/internal/arn"
)

// needsNoPermission reports whether a request is allowed whatever the policies
// say: sts:GetCallerIdentity by anyone who is known, sts:GetSessionToken by a
// user or the root user.
func needsNoPermission(r *Request) bool {
	kind := r.Principal.kind
	switch {
	case kind == Anonymous || len(r.Action) < 5 || !equalFold(r.Action[:4], "sts:"):
		return false
	case equalFold(r.Action, "sts:GetCallerIdentity"):
		return true
	}
	return (kind == User || kind == Root) && equalFold(r.Action, "sts:GetSessionToken")
}

// trustAction reports whether an action is one that a role's trust policy
// rules.
func trustAction(action string) bool {
	if len(action) < 5 || !equalFold(action[:4], "sts:") {
		return false
	}
	return oneOfFold(action[4:], "AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "TagSession", "SetSourceIdentity", "SetContext")
}

func oneOfFold(s string, names ...string) bool {
	for _, name := range names {
		if equalFold(s, name) {
			return true
		}
	}
	return false
}

// ruledByResource reports whether the resource's own policy must allow the
// request even in its own account: that of a role, and that of a KMS key.
func ruledByResource(e *evaluation) bool {
	if trustAction(e.req.Action) {
		return !equalFold(e.arn.Service, "sts") // tags of a federated session have no trust policy
	}
	return isKey(e)
}

func isKey(e *evaluation) bool {
	return e.arn.Prefix == "arn" && equalFold(e.arn.Service, "kms") && strings.HasPrefix(e.arn.Resource, "key/")
}

// ownBucketPolicy reports whether the request reads or writes the policy of a
// bucket: the ARN of an object names none.
func ownBucketPolicy(r *Request, a *arn.ARN) bool {
	return len(r.Action) > 3 && equalFold(r.Action[:3], "s3:") &&
		oneOfFold(r.Action[3:], "GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy") &&
		!strings.Contains(a.Resource, "/")
}

// publicBucketRefuses reports whether S3 Block Public Access refuses the
// request: the bucket's policy grants access to everybody, and the caller is
// neither of the bucket's account nor a service.
func (p *Policies) publicBucketRefuses(e *evaluation) bool {
	if !p.RestrictPublicBuckets || p.Resource == nil || !p.Resource.public {
		return false
	}
	a := &e.arn
	if !equalFold(a.Service, "s3") || a.Region != "" || a.Account != "" || a.Resource == "" {
		return false
	}
	switch kind := e.req.Principal.kind; kind {
	case Service, Federated:
		return false
	}
	return !e.sameAccount()
}

// scpApplies reports whether service control policies limit the caller.
func scpApplies(r *Request) bool {
	p := &r.Principal
	return p.inAccount() && !p.linked && !r.ManagementPrincipal
}

// rcpApplies reports whether resource control policies limit the request.
func (p *Policies) rcpApplies(e *evaluation) bool {
	r := e.req
	switch {
	case r.ManagementResource, r.AWSManagedKey, r.Principal.linked:
		return false
	case equalFold(r.Action, "kms:RetireGrant"):
		return false
	case trustAction(r.Action) && serviceLinkedRole(e.arn.Resource):
		return false
	}
	if p.RCPServices != nil {
		return p.RCPServices[lowerASCII(e.service)]
	}
	return supportsRCP(e.service)
}

// serviceLinkedRole reports whether the resource field of a role's ARN is that
// of a service-linked role.
func serviceLinkedRole(resource string) bool {
	path, ok := strings.CutPrefix(resource, "role/")
	return ok && (strings.HasPrefix(path, "aws-service-role/") || serviceLinkedName(lastSegment(path)))
}

// guarded reports whether a service refuses the request whatever the policies
// allow.
func guarded(e *evaluation) bool {
	switch {
	case equalFold(e.service, "sts"):
		return guardedToken(e)
	case equalFold(e.service, "iam"):
		p := &e.req.Principal
		return p.kind == FederatedSession && !p.Console || guardedIAM(e)
	case equalFold(e.service, "kms"):
		return equalFold(e.arn.Service, "kms") && strings.HasPrefix(e.arn.Resource, "alias/aws/") &&
			oneOfFold(e.name, "CreateAlias", "UpdateAlias", "DeleteAlias")
	}
	return false
}

// guardedToken holds what STS refuses by the sort of credentials.
func guardedToken(e *evaluation) bool {
	switch e.req.Principal.kind {
	case Root:
		return equalFold(e.name, "AssumeRole")
	case Role, RoleSession:
		return oneOfFold(e.name, "GetFederationToken", "GetSessionToken")
	case FederatedSession:
		return !equalFold(e.name, "GetCallerIdentity")
	}
	return false
}

// guardedIAM holds the policies and roles that belong to AWS.
func guardedIAM(e *evaluation) bool {
	if !equalFold(e.arn.Service, "iam") {
		return false
	}
	switch {
	case e.arn.Account == "aws" && strings.HasPrefix(e.arn.Resource, "policy/"):
		return oneOfFold(e.name, "CreatePolicy", "CreatePolicyVersion", "DeletePolicy", "DeletePolicyVersion",
			"SetDefaultPolicyVersion", "TagPolicy", "UntagPolicy")
	case strings.HasPrefix(e.arn.Resource, "role/aws-reserved/"):
		return oneOfFold(e.name, "AttachRolePolicy", "CreateRole", "CreateServiceLinkedRole", "DeleteRole",
			"DeleteRolePermissionsBoundary", "DeleteRolePolicy", "DeleteServiceLinkedRole", "DetachRolePolicy", "PassRole",
			"PutRolePermissionsBoundary", "PutRolePolicy", "TagRole", "UntagRole", "UpdateAssumeRolePolicy", "UpdateRole",
			"UpdateRoleDescription")
	}
	return false
}
