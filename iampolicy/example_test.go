// SPDX-License-Identifier: Apache-2.0

package iampolicy_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport-go/sallyport/iampolicy"
)

// A service that stores objects decides whether a user may read one.
func Example() {
	doc, err := iampolicy.Parse([]byte(`{
		"Version": "2012-10-17",
		"Statement": [
			{"Sid": "Home", "Effect": "Allow", "Action": "s3:*Object", "Resource": "arn:aws:s3:::files/${aws:username}/*"},
			{"Sid": "Office", "Effect": "Deny", "Action": "*", "Resource": "*",
			 "Condition": {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	set, err := iampolicy.Compile(iampolicy.KindIdentity, doc)
	if err != nil {
		fmt.Println(err)
		return
	}
	policies := iampolicy.Policies{Identity: set}

	ask := func(resource, from string) {
		who, _ := iampolicy.ParsePrincipal("arn:aws:iam::111122223333:user/ana")
		r := iampolicy.Request{Principal: who, Action: "s3:GetObject", Resource: resource, ResourceAccount: "111122223333"}
		r.Context.SetAddr("aws:SourceIp", netip.MustParseAddr(from))
		r.Derive(time.Now())
		fmt.Println(resource, from, policies.Decide(&r).Outcome)
	}
	ask("arn:aws:s3:::files/ana/plan.txt", "192.0.2.7")
	ask("arn:aws:s3:::files/ben/plan.txt", "192.0.2.7")
	ask("arn:aws:s3:::files/ana/plan.txt", "198.51.100.1")
	// Output:
	// arn:aws:s3:::files/ana/plan.txt 192.0.2.7 allowed
	// arn:aws:s3:::files/ben/plan.txt 192.0.2.7 implicitDeny
	// arn:aws:s3:::files/ana/plan.txt 198.51.100.1 explicitDeny
}

func ExamplePolicies_Explain() {
	doc, _ := iampolicy.Parse([]byte(`{"Version":"2012-10-17","Statement":[
		{"Sid":"Read","Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::files/*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"blue"}}}]}`))
	set, _ := iampolicy.Compile(iampolicy.KindIdentity, doc)
	who, _ := iampolicy.ParsePrincipal("arn:aws:iam::111122223333:user/ana")
	r := iampolicy.Request{Principal: who, Action: "s3:GetObject", Resource: "arn:aws:s3:::files/x", ResourceAccount: "111122223333"}

	var x *iampolicy.Explanation = (&iampolicy.Policies{Identity: set}).Explain(&r)
	fmt.Print(x)
	var identity iampolicy.SetExplanation = x.Sets[0]
	var st iampolicy.StatementExplanation = identity.Statements[0]
	fmt.Println(st.Name(), st.Failed)
	// Output:
	// implicitDeny
	//   identity: ImplicitlyDenied
	//     - Allow 0/Read (line 2): Condition.StringEquals["aws:PrincipalTag/team"]: StringEquals wants "blue"; aws:PrincipalTag/team is absent
	//   the resource is the caller's account's
	//   absent keys that could change this: aws:PrincipalTag/team
	// Read Condition.StringEquals["aws:PrincipalTag/team"]
}

// What cannot be evaluated is an error with its place and what to do.
func ExampleError() {
	doc, _ := iampolicy.Parse([]byte(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEqual":{"aws:username":"ana"}}}]}`))
	_, err := iampolicy.Compile(iampolicy.KindIdentity, doc)
	var e *iampolicy.Error
	if errors.As(err, &e) {
		var at iampolicy.Span = e.Span
		var start iampolicy.Position = at.Start
		fmt.Println(start.Line, start.Column, at.Path)
		fmt.Println(e.Reason)
		fmt.Println(e.Hint())
	}
	// Output:
	// 2 61 Statement[0].Condition.StringNotEqual
	// unknown condition operator
	// Use an operator of the IAM User Guide, such as StringEquals or ForAnyValue:StringLike.
}

// With Lenient a statement that cannot be evaluated can deny but not allow.
func ExampleOptions() {
	o := iampolicy.Options{Lenient: true, NotPrincipal: iampolicy.StrictNotPrincipal}
	var strictest iampolicy.NotPrincipalMode = o.NotPrincipal
	doc, _ := o.Parse([]byte(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"*","Resource":"*"},
		{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEqual":{"aws:username":"ana"}}}]}`))
	set, _ := o.Compile(iampolicy.KindIdentity, doc)
	who, _ := iampolicy.ParsePrincipal("arn:aws:iam::111122223333:user/ana")
	r := iampolicy.Request{Principal: who, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", ResourceAccount: "111122223333"}
	var d iampolicy.Decision = (&iampolicy.Policies{Identity: set}).Decide(&r)
	fmt.Println(d.Outcome, d.Indeterminate, strictest == iampolicy.StrictNotPrincipal)
	// Output: explicitDeny true true
}

// A service control policy limits every principal of an account, a bucket
// policy names callers from elsewhere.
func ExamplePolicies() {
	compile := func(kind iampolicy.Kind, text string) *iampolicy.Set {
		doc, err := iampolicy.Parse([]byte(text))
		if err != nil {
			fmt.Println(err)
			return nil
		}
		set, err := iampolicy.Compile(kind, doc)
		if err != nil {
			fmt.Println(err)
		}
		return set
	}
	policies := iampolicy.Policies{
		Identity: compile(iampolicy.KindIdentity, `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`),
		Resource: compile(iampolicy.KindResource, `{"Statement":{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}}`),
		SCP:      []*iampolicy.Set{compile(iampolicy.KindSCP, `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"s3:Put*","Resource":"*"}]}`)},
	}
	who, _ := iampolicy.ParsePrincipal("arn:aws:sts::444455556666:assumed-role/app/session-1")
	for _, action := range []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject"} {
		r := iampolicy.Request{Principal: who, Action: action, Resource: "arn:aws:s3:::b/k", ResourceAccount: "111122223333"}
		var outcome iampolicy.Outcome = policies.Decide(&r).Outcome
		fmt.Println(action, outcome)
	}
	// Output:
	// s3:GetObject allowed
	// s3:PutObject explicitDeny
	// s3:DeleteObject implicitDeny
}

// A key has one value or a list; a key set twice is an error that decisions
// report.
func ExampleContext() {
	var c iampolicy.Context
	c.SetBool("aws:SecureTransport", true)
	c.SetInt("s3:max-keys", 100)
	c.SetList("aws:TagKeys", []string{"team", "cost-center"})
	fmt.Println(c.Len(), c.Has("AWS:tagkeys"), c.Err())
	c.Set("AWS:SecureTransport", "false")
	fmt.Println(c.Err())
	// Output:
	// 3 true <nil>
	// iampolicy: bad request: context key "AWS:SecureTransport" is set twice
}

func ExampleParsePrincipal() {
	for _, text := range []string{"arn:aws:sts::111122223333:assumed-role/app/s", "sns.amazonaws.com", "arn:aws:s3:::bucket"} {
		var p iampolicy.Principal
		p, err := iampolicy.ParsePrincipal(text)
		if err != nil {
			fmt.Println(err)
			continue
		}
		var sort iampolicy.PrincipalType = p.Type()
		fmt.Println(sort, p.Account(), p.IsSession())
	}
	// Output:
	// RoleSession 111122223333 true
	// Service  false
	// iampolicy: bad request: not the ARN of a principal: "arn:aws:s3:::bucket"
}

// A KMS grant lets a role use a key whose policy does not name it.
func ExampleGrant() {
	key := "arn:aws:kms:eu-west-1:111122223333:key/1234"
	policies := iampolicy.Policies{Grants: []iampolicy.Grant{{
		Grantee: "arn:aws:iam::111122223333:role/app", Key: key, Operations: []string{"Decrypt"},
		EncryptionContextSubset: map[string]string{"tenant": "7"},
	}}}
	who, _ := iampolicy.ParsePrincipal("arn:aws:sts::111122223333:assumed-role/app/s")
	for _, tenant := range []string{"7", "8"} {
		r := iampolicy.Request{Principal: who, Action: "kms:Decrypt", Resource: key, ResourceAccount: iampolicy.AccountOf(key)}
		r.Context.Set("kms:EncryptionContext:tenant", tenant)
		fmt.Println(tenant, policies.Decide(&r).Outcome)
	}
	// Output:
	// 7 allowed
	// 8 implicitDeny
}

// A policy is printed as it was parsed, and marshalled in canonical form.
func ExamplePolicy() {
	var doc *iampolicy.Policy
	doc, _ = iampolicy.Parse([]byte(`{ "Statement": {"Resource":"*", "Effect":"Allow", "Action":"s3:Get*"} }`))
	fmt.Println(doc)
	text, _ := json.Marshal(doc)
	fmt.Println(string(text))
	// Output:
	// { "Statement": {"Resource":"*", "Effect":"Allow", "Action":"s3:Get*"} }
	// {"Statement":[{"Effect":"Allow","Action":["s3:Get*"],"Resource":["*"]}]}
}

// Derive sets the keys that follow from the principal and the time; the
// explanation lists them.
func ExampleRequest_Derive() {
	who, _ := iampolicy.ParsePrincipal("arn:aws:sts::111122223333:assumed-role/app/s")
	r := iampolicy.Request{Principal: who, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", ResourceAccount: "111122223333"}
	r.Derive(time.Unix(1704164645, 0))
	for _, key := range (&iampolicy.Policies{}).Explain(&r).Derived {
		var k iampolicy.DerivedKey = key
		fmt.Println(k.Key, k.Inexact)
	}
	// Output:
	// aws:CurrentTime false
	// aws:EpochTime false
	// aws:PrincipalAccount false
	// aws:PrincipalArn true
	// aws:PrincipalIsAWSService false
	// aws:PrincipalType false
	// aws:ResourceAccount false
}

// Validate finds what is wrong with a document, with its place.
func ExampleValidate() {
	for _, f := range iampolicy.Validate(iampolicy.KindIdentity, []byte(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["s3:Get*","s3:GetObject"],"Resource":"bucket/*"}]}`)) {
		var found iampolicy.Finding = f
		var severity iampolicy.Severity = found.Severity
		fmt.Println(found.Span.Start.Line, found.Span.Path, severity, found.Code, found.Refused)
	}
	// Output:
	// 2 Statement[0].Action[1] SUGGESTION REDUNDANT_ACTION false
	// 2 Statement[0].Resource ERROR INVALID_ARN_PREFIX true
}

// A proxy knows the caller before it knows the object's tags: it asks what the
// decision will depend on, and decides when the tags are there.
func ExamplePolicies_Residual() {
	doc, _ := iampolicy.Parse([]byte(`{"Version":"2012-10-17","Statement":[
		{"Sid":"Blue","Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"StringEquals":{"s3:ExistingObjectTag/team":"blue"}}},
		{"Sid":"Tls","Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`))
	set, _ := iampolicy.Compile(iampolicy.KindIdentity, doc)
	who, _ := iampolicy.ParsePrincipal("arn:aws:iam::111122223333:user/ana")
	r := iampolicy.Request{Principal: who, Action: "s3:GetObject", Resource: "arn:aws:s3:::files/x", ResourceAccount: "111122223333"}
	r.Context.SetBool("aws:SecureTransport", true)

	policies := iampolicy.Policies{Identity: set}
	var x *iampolicy.Residual = policies.Residual(&r, func(key string) iampolicy.Knowledge {
		if strings.HasPrefix(key, "s3:existingobjecttag/") {
			return iampolicy.Unknown
		}
		return iampolicy.Known
	})
	var left *iampolicy.Expr = x.Depends
	text, _ := json.Marshal(left)
	fmt.Println(string(text))
	fmt.Println(x.Keys)

	complete := iampolicy.Context{}
	complete.SetBool("aws:SecureTransport", true)
	complete.Set("s3:ExistingObjectTag/team", "blue")
	fmt.Println(x.Allows(&complete))
	// Output:
	// {"operator":"StringEquals","key":"s3:ExistingObjectTag/team","values":["blue"],"negated":false,"sources":["identity/0/Blue"]}
	// [s3:ExistingObjectTag/team]
	// true
}

// An audit asks who could read an object in some circumstances.
func ExamplePolicies_Discover() {
	doc, _ := iampolicy.Parse([]byte(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}]}`))
	set, _ := iampolicy.Compile(iampolicy.KindIdentity, doc)
	who, _ := iampolicy.ParsePrincipal("arn:aws:iam::111122223333:user/ana")
	r := iampolicy.Request{Principal: who, Action: "s3:GetObject", Resource: "arn:aws:s3:::files/x", ResourceAccount: "111122223333"}

	policies := iampolicy.Policies{Identity: set}
	var x *iampolicy.Discovery = policies.Discover(&r, func(string) iampolicy.Knowledge { return iampolicy.Unknown })
	var condition iampolicy.IgnoredCondition = x.Ignored[0]
	fmt.Println(x.Outcome, condition.Type, condition.Operator, condition.Key, condition.Values)
	// Output: allowed identity Bool aws:MultiFactorAuthPresent [true]
}

// An object that its ACL makes public, until the bucket ignores such ACLs.
func ExampleACL() {
	r := iampolicy.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::files/x", ResourceAccount: "111122223333"} // anonymous
	public := iampolicy.ACLGrant{Grantee: "http://acs.amazonaws.com/groups/global/AllUsers", Permission: "READ"}
	policies := iampolicy.Policies{ACL: &iampolicy.ACL{Object: []iampolicy.ACLGrant{public}}}
	fmt.Println(policies.Decide(&r).Outcome)
	policies.ACL.IgnorePublicAcls = true
	fmt.Println(policies.Decide(&r).Outcome)
	// Output:
	// allowed
	// implicitDeny
}

// An audit asks who can do what.
func ExampleBatch() {
	compile := func(kind iampolicy.Kind, text string) *iampolicy.Set {
		doc, err := iampolicy.Parse([]byte(text))
		if err != nil {
			panic(err)
		}
		set, err := iampolicy.Compile(kind, doc)
		if err != nil {
			panic(err)
		}
		return set
	}
	caller := func(name, actions string) *iampolicy.Caller {
		who, _ := iampolicy.ParsePrincipal("arn:aws:iam::111122223333:user/" + name)
		return &iampolicy.Caller{Principal: who, Policies: iampolicy.Policies{
			Identity: compile(iampolicy.KindIdentity, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"`+actions+`","Resource":"*"}]}`),
		}}
	}
	callers := []*iampolicy.Caller{caller("ana", "s3:*"), caller("ben", "s3:Get*")}
	targets := []*iampolicy.Target{
		{Resource: "arn:aws:s3:::files/x", Account: "111122223333"},
		{Resource: "arn:aws:s3:::vault/x", Account: "111122223333", Policies: iampolicy.Policies{
			Resource: compile(iampolicy.KindResource, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","NotPrincipal":{"AWS":["arn:aws:iam::111122223333:user/ben","111122223333"]},"Action":"s3:*","Resource":"arn:aws:s3:::vault/*"}]}`),
		}},
	}
	batch := iampolicy.Batch{
		Callers: slices.Values(callers), Targets: slices.Values(targets), Actions: slices.Values([]string{"s3:GetObject", "s3:PutObject"}),
	}
	for a, err := range batch.Run(context.Background()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		var answer iampolicy.Answer = a
		fmt.Println(answer.Caller.Principal.String(), answer.Action, answer.Target.Resource, answer.Decision.Outcome)
	}
	// Output:
	// arn:aws:iam::111122223333:user/ana s3:GetObject arn:aws:s3:::files/x allowed
	// arn:aws:iam::111122223333:user/ana s3:PutObject arn:aws:s3:::files/x allowed
	// arn:aws:iam::111122223333:user/ana s3:GetObject arn:aws:s3:::vault/x explicitDeny
	// arn:aws:iam::111122223333:user/ana s3:PutObject arn:aws:s3:::vault/x explicitDeny
	// arn:aws:iam::111122223333:user/ben s3:GetObject arn:aws:s3:::files/x allowed
	// arn:aws:iam::111122223333:user/ben s3:PutObject arn:aws:s3:::files/x implicitDeny
	// arn:aws:iam::111122223333:user/ben s3:GetObject arn:aws:s3:::vault/x allowed
	// arn:aws:iam::111122223333:user/ben s3:PutObject arn:aws:s3:::vault/x implicitDeny
}

// A control plane compiles policies once and ships the set to its workers.
func ExampleSet_MarshalBinary() {
	doc, _ := iampolicy.Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::files/*"}]}`))
	set, _ := iampolicy.Compile(iampolicy.KindIdentity, doc)
	data, err := set.MarshalBinary()
	if err != nil {
		fmt.Println(err)
		return
	}

	var shipped iampolicy.Set // in the worker
	if err := shipped.UnmarshalBinary(data); err != nil {
		fmt.Println(err)
		return
	}
	who, _ := iampolicy.ParsePrincipal("arn:aws:iam::111122223333:user/ana")
	r := iampolicy.Request{Principal: who, Action: "s3:GetObject", Resource: "arn:aws:s3:::files/x", ResourceAccount: "111122223333"}
	fmt.Println((&iampolicy.Policies{Identity: &shipped}).Decide(&r).Outcome)

	data[len(data)/2] ^= 1 // on the way
	fmt.Println(shipped.UnmarshalBinary(data))
	// Output:
	// allowed
	// iampolicy: not an encoded set: it was cut or changed: the checksum differs
}

// Policies are reloaded while requests are decided: the pointer is swapped
// whole, so that no request sees half of a change, and nobody waits for a lock.
func ExamplePolicies_Decide_reload() {
	load := func(effect string) *iampolicy.Policies {
		doc, _ := iampolicy.Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Action":"s3:*","Resource":"*"}]}`))
		set, _ := iampolicy.Compile(iampolicy.KindIdentity, doc)
		return &iampolicy.Policies{Identity: set}
	}
	var current atomic.Pointer[iampolicy.Policies]
	current.Store(load("Allow"))

	who, _ := iampolicy.ParsePrincipal("arn:aws:iam::111122223333:user/ana")
	r := iampolicy.Request{Principal: who, Action: "s3:GetObject", Resource: "arn:aws:s3:::files/x", ResourceAccount: "111122223333"}
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for current.Load().Decide(&r).Allowed() { // the hot path: one atomic load
			}
		})
	}
	for range 100 {
		current.Store(load("Allow"))
	}
	current.Store(load("Deny")) // takes effect with the next request of each worker
	workers.Wait()
	fmt.Println(current.Load().Decide(&r).Outcome)
	// Output: explicitDeny
}
