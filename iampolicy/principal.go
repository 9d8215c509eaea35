// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"fmt"
	"strings"

	"github.com/sallyport-go/sallyport/internal/arn"
)

// PrincipalType is the sort of identity that makes a request. The zero type is
// Anonymous, the one with the fewest rights.
type PrincipalType uint8

// The sorts of principals (IAM User Guide, "AWS JSON policy elements:
// Principal"). Sessions that a web identity or SAML provider obtained are
// ordinary RoleSessions; what GetSessionToken returns is the User itself.
const (
	Anonymous        PrincipalType = iota
	User                           // arn:aws:iam::ACCOUNT:user/NAME
	Role                           // arn:aws:iam::ACCOUNT:role/NAME: some session of the role
	RoleSession                    // arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION
	FederatedSession               // arn:aws:sts::ACCOUNT:federated-user/NAME
	Root                           // arn:aws:iam::ACCOUNT:root
	Service                        // sns.amazonaws.com
	Federated                      // an OIDC or SAML provider, for AssumeRoleWith…
)

var principalTypeNames = [...]string{"Anonymous", "User", "Role", "RoleSession", "FederatedSession", "Root", "Service", "Federated"}

// String returns the type's name, such as "RoleSession".
func (t PrincipalType) String() string {
	if int(t) < len(principalTypeNames) {
		return principalTypeNames[t]
	}
	return fmt.Sprintf("PrincipalType(%d)", uint8(t))
}

// Principal is who makes a request. Make one with ParsePrincipal,
// ServicePrincipal or FederatedPrincipal, then fill in the fields that apply;
// the zero Principal is anonymous.
type Principal struct {
	// ID is the principal's aws:userid, such as AIDA…, or AROA…:session. A
	// policy may name a principal by it. If the request's context has
	// aws:userid, that counts instead.
	ID string
	// CanonicalID is the canonical user id that S3 knows the caller by:
	// normally that of its account, with OwnCanonicalID its own (a CloudFront
	// origin access identity).
	CanonicalID    string
	OwnCanonicalID bool
	// RoleARN is the ARN, with its path, of the role of a RoleSession, whose
	// own ARN does not tell the path. Only Request.Derive uses it.
	RoleARN string
	// Tags are the principal's tags, for Request.Derive.
	Tags map[string]string

	// FederatedByRoot marks a FederatedSession that the root user made with
	// GetFederationToken: only its session policy limits it.
	FederatedByRoot bool
	// AssumedRoot marks a Root that is a session of AssumeRoot; the task policy
	// is its session policy.
	AssumedRoot bool
	// Console marks a FederatedSession of the console, which may call IAM.
	Console bool

	kind      PrincipalType
	text      string // the ARN, or the name of the service or provider
	partition string
	account   string
	name      string // of the user or role, without path, or of the federated user
	linked    bool   // a service-linked role, or a session of one
}

// ParsePrincipal reads the ARN of a user, role, session, root user or identity
// provider. Other text is the name of a service, such as sns.amazonaws.com. An
// ARN of another sort is an error that wraps ErrRequest.
func ParsePrincipal(text string) (Principal, error) {
	if !strings.HasPrefix(text, "arn:") {
		if text == "" {
			return Principal{}, fmt.Errorf("%w: empty principal", ErrRequest)
		}
		return ServicePrincipal(text), nil
	}
	a, ok := arn.Parse(text)
	p := Principal{text: text, partition: a.Partition, account: a.Account}
	sort, rest, _ := strings.Cut(a.Resource, "/")
	switch {
	case !ok || a.Account == "":
	case a.Service == "iam" && a.Resource == "root":
		p.kind = Root
	case a.Service == "iam" && sort == "user" && rest != "":
		p.kind, p.name = User, lastSegment(rest)
		if a.Account == "cloudfront" {
			p.OwnCanonicalID = true
		}
	case a.Service == "iam" && sort == "role" && rest != "":
		p.kind, p.name = Role, lastSegment(rest)
		p.linked = strings.HasPrefix(rest, "aws-service-role/") || serviceLinkedName(p.name)
	case a.Service == "iam" && (sort == "oidc-provider" || sort == "saml-provider") && rest != "":
		return FederatedPrincipal(text), nil
	case a.Service == "sts" && sort == "federated-user" && rest != "":
		p.kind, p.name = FederatedSession, rest
	case a.Service == "sts" && sort == "assumed-role":
		role, session, _ := strings.Cut(rest, "/")
		if role != "" && session != "" {
			p.kind, p.name = RoleSession, role
			p.linked = serviceLinkedName(role)
		}
	}
	if p.kind == Anonymous {
		return Principal{}, fmt.Errorf("%w: not the ARN of a principal: %q", ErrRequest, text)
	}
	return p, nil
}

func lastSegment(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// serviceLinkedName tells a service-linked role by its name, since the ARN of
// a session has no path to tell it by.
func serviceLinkedName(role string) bool { return strings.HasPrefix(role, "AWSServiceRoleFor") }

// ServicePrincipal returns the principal of an AWS service, such as
// "sns.amazonaws.com".
func ServicePrincipal(name string) Principal { return Principal{kind: Service, text: name} }

// FederatedPrincipal returns an identity provider, as the caller of
// AssumeRoleWithWebIdentity or AssumeRoleWithSAML: the host of an OIDC provider
// that is built in, such as accounts.google.com, or the provider's ARN.
func FederatedPrincipal(provider string) Principal {
	return Principal{kind: Federated, text: provider}
}

// Type returns the sort of principal.
func (p *Principal) Type() PrincipalType { return p.kind }

// Account returns the id of the principal's account; services, identity
// providers and anonymous callers have none.
func (p *Principal) Account() string { return p.account }

// String returns the ARN, or the name of the service or provider.
func (p *Principal) String() string {
	if p.kind == Anonymous {
		return "anonymous"
	}
	return p.text
}

// IsSession reports whether a session policy can limit the principal.
func (p *Principal) IsSession() bool {
	switch p.kind {
	case RoleSession, FederatedSession, Role:
		return true
	case Root:
		return p.AssumedRoot
	}
	return false
}

// holdsPolicies reports whether identity policies and boundaries are attached
// to principals of this sort.
func (p *Principal) holdsPolicies() bool {
	switch p.kind {
	case User, Role, RoleSession, FederatedSession:
		return true
	}
	return false
}

// inAccount reports whether the principal belongs to an account, and so to
// what its organization's service control policies limit.
func (p *Principal) inAccount() bool { return p.holdsPolicies() || p.kind == Root }
