// SPDX-License-Identifier: Apache-2.0

// Package iampolicy parses AWS IAM policies of every kind, compiles them, and
// decides requests by them the way AWS does, offline and without allocating.
// It implements the rules of the IAM User Guide ("IAM JSON policy elements
// reference", "Policy evaluation logic").
//
// # From text to decision
//
// [Parse] reads one document strictly. [Compile] makes the documents of one
// kind into an immutable [Set]: those of one principal, of one resource, or of
// one level of an organization. [Policies] brings the sets together that bear
// on a request, and [Policies.Decide] answers [Allowed], [ExplicitDeny] or
// [ImplicitDeny]; [Policies.Explain] gives the same answer with every reason.
//
//	doc, err := iampolicy.Parse(text)
//	set, err := iampolicy.Compile(iampolicy.KindIdentity, doc)
//	who, err := iampolicy.ParsePrincipal("arn:aws:iam::111122223333:user/ana")
//	r := iampolicy.Request{Principal: who, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", ResourceAccount: "111122223333"}
//	r.Context.SetAddr("aws:SourceIp", addr)
//	r.Derive(time.Now())
//	policies := iampolicy.Policies{Identity: set}
//	if policies.Decide(&r).Allowed() { … }
//
// # The trap: who owns the resource
//
// The owner of a resource is never taken from its ARN, because the ARN of a
// bucket does not tell it: state it in [Request].ResourceAccount. Left empty it
// is another account than the principal's, and then both the identity policies
// and the resource's policy must allow. Policies that do not exist and policies
// that allow nothing differ too: a nil Set does not limit, an empty one does.
//
// # Context keys
//
// A condition is judged by the [Context] that the caller filled; the package
// knows no clock and no network. [Request.Derive] sets the keys that follow
// from principal, resource and time. A key with one value and a key with a list
// of one value differ, and so do an empty string and no value.
//
// # Where AWS documents nothing
//
// The choices, each with a test: wildcards in the service part of actions and
// ARNs match; operator names are compared without regard to case; a key with
// several values under an operator without ForAllValues or ForAnyValue makes
// the condition false; a variable without value in NotResource keeps an Allow
// from applying; fewer than six ARN fields are completed in the policies of
// principals only; a Deny with NotPrincipal spares a caller that is named
// itself; a number with exponent is none; four digits are a year; the resource
// of a request may be a pattern. [Options] switches some of them. A federated
// user whom a resource's policy names by the user who made the session is
// limited by its session policy if there is one; without any, only its own
// policies are void.
//
// # Validation
//
// [Validate] checks a document without a request: the issue codes of IAM Access
// Analyzer that need no list of services, or only that of the global condition
// keys, and of our own
// FORALLVALUES_WITHOUT_GUARD (a ForAllValues that an absent key satisfies),
// NOTPRINCIPAL_INCOMPLETE, NEVER_TRUE_CONDITION (conditions that contradict each
// other), SHADOWED_ALLOW (a Deny of the same document covers it) and
// PUBLIC_ACCESS. What is said of statements that never apply or never matter,
// REDUNDANT_STATEMENT included, is proved for every request, and a proof that is
// not found raises nothing. A finding that makes AWS
// refuse to save the document says so. Chosen, as AWS does not list them: the
// keys in which a leading variable or wildcard is too permissive (aws:userid,
// aws:SourceVpc, aws:SourceVpce; wildcards only: aws:PrincipalAccount,
// aws:PrincipalOrgID, aws:SourceAccount, aws:SourceOrgID), and the key whose
// value must be the ARN of a KMS key (that of S3).
//
// # What is not known yet
//
// [Policies.Residual] decides before all context keys are known: allowed or
// denied whatever they are, or an [Expr] on which it depends, which
// [Residual.Allows] evaluates once they are. [Policies.Discover] answers the
// looser question whether some context would do.
//
// # Who can do what
//
// [Batch] asks many callers x actions x targets, on as many processors as there
// are, in an order that does not depend on them.
//
// # To other processes and under load
//
// [Set.MarshalBinary] and [Set.UnmarshalBinary] ship a Set to another process.
// They detect accidents; against people the bytes need a signature. Policies
// change under load by swapping a pointer (see the example of
// [Policies.Decide] named reload).
//
// # What is not evaluated fails closed
//
// A policy that cannot be evaluated does not compile. With [Options].Lenient
// it does, and a statement that cannot be evaluated can deny but not allow. A
// request that contradicts itself is denied, and [Decision].Err says why.
//
// # What this does not protect against
//
// The answer is as good as its input: a context key that the caller of this
// package takes from an untrusted header, a wrong account id, a policy that was
// left out. The package has no list of the actions of all services, so it
// cannot tell that an action or key is misspelt, nor which actions support no
// resource types ([Request].WildcardOnly says so). Tasks that service control policies
// do not restrict are not modelled, nor what S3 Block Public Access refuses to
// be written.
//
// # Concurrency
//
// [Policy], [Set] and [Policies] may be used by many goroutines; a [Request]
// belongs to one at a time while it is being filled, and may then be read by
// many. A Set is never changed: to reload, make another.
package iampolicy
