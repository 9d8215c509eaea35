// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	publicPolicy = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}}`
	guestPolicy  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/guest"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}]}`
)

func blockXML(settings ...string) string {
	var s strings.Builder
	s.WriteString("<PublicAccessBlockConfiguration>")
	for _, name := range settings {
		fmt.Fprintf(&s, "<%s>true</%s>", name, name)
	}
	return s.String() + "</PublicAccessBlockConfiguration>"
}

// TestBlockPublicAccess is IAM-64 and IAM-65 over the wire.
func TestBlockPublicAccess(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	b.put("/bucket/k", "body")
	stranger := request{method: "GET", target: "/bucket/k", anonymous: true}
	guest := request{method: "GET", target: "/bucket/k", as: "guest"}
	b.refuse([]refusal{
		{"no settings", get("/bucket?publicAccessBlock"), "NoSuchPublicAccessBlockConfiguration", 404},
		{"of no bucket", get("/none?publicAccessBlock"), "NoSuchBucket", 404},
		{"no document", put("/bucket?publicAccessBlock", ""), "MalformedXML", 400},
		{"another document", put("/bucket?publicAccessBlock", "<Delete/>"), "MalformedXML", 400},
		{"a guest", request{method: "DELETE", target: "/bucket?publicAccessBlock", as: "guest"}, "AccessDenied", 403},
		{"no policy", get("/bucket?policyStatus"), "NoSuchBucketPolicy", 404},
	})
	b.ok(put("/bucket?policy", publicPolicy))
	require.Contains(t, b.ok(get("/bucket?policyStatus")).body, "<IsPublic>true</IsPublic>")
	require.Equal(t, "body", b.send(stranger).body, "a public policy, and nothing against it")
	for name := range overrides {
		q := stranger
		q.target += "?" + name + "=text/html"
		require.Equal(t, "InvalidRequest", b.send(q).code, "whoever signs nothing changes no header: %s", name)
	}

	b.ok(put("/bucket?publicAccessBlock", blockXML("RestrictPublicBuckets")))
	got := b.ok(get("/bucket?publicAccessBlock")).body
	require.Contains(t, got, "<BlockPublicAcls>false</BlockPublicAcls>")
	require.Contains(t, got, "<RestrictPublicBuckets>true</RestrictPublicBuckets>")
	require.Equal(t, "AccessDenied", b.send(stranger).code, "the policy lets no stranger in")
	require.Equal(t, "body", b.send(guest).body, "but users of the account")
	b.ok(put("/bucket?policy", publicPolicy))

	b.ok(put("/bucket?publicAccessBlock", blockXML("BlockPublicPolicy")))
	require.Equal(t, "body", b.send(stranger).body, "this one closes nothing that is there")
	a := b.send(put("/bucket?policy", publicPolicy))
	require.Equal(t, "AccessDenied", a.code)
	require.Contains(t, a.body, "BlockPublicPolicy block public access setting")
	b.ok(put("/bucket?policy", guestPolicy))
	require.Contains(t, b.ok(get("/bucket?policyStatus")).body, "<IsPublic>false</IsPublic>")
	require.Equal(t, "AccessDenied", b.send(stranger).code)

	b.ok(request{method: "DELETE", target: "/bucket?publicAccessBlock"})
	b.ok(put("/bucket?policy", publicPolicy))
	require.Equal(t, "body", b.send(stranger).body)
	require.NoError(t, b.g.close())
	b.reopen()
	require.Equal(t, "body", b.ok(get("/bucket/k")).body)
}

// TestACLsAreDisabled follows the page "Troubleshooting" of S3 Object
// Ownership: what would set another ACL fails, reading one says full control
// for the owner.
func TestACLsAreDisabled(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	b.put("/bucket/k", "body")
	owner := `<AccessControlPolicy><Owner><ID>%[1]s</ID></Owner><AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>%[1]s</ID></Grantee><Permission>%[2]s</Permission></Grant></AccessControlList></AccessControlPolicy>`
	all := `<AccessControlPolicy><AccessControlList><Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>`
	no := "AccessControlListNotSupported"
	var cases []refusal
	for _, target := range []string{"/bucket?acl", "/bucket/k?acl"} {
		cases = append(cases,
			refusal{"public-read", put(target, "", "x-amz-acl", "public-read"), no, 400},
			refusal{"authenticated-read", put(target, "", "x-amz-acl", "authenticated-read"), no, 400},
			refusal{"a grant", put(target, "", "x-amz-grant-read", `uri="http://acs.amazonaws.com/groups/global/AllUsers"`), no, 400},
			refusal{"full control for another", put(target, "", "x-amz-grant-full-control", `id="1"`), no, 400},
			refusal{"everybody", put(target, all), no, 400},
			refusal{"read for the owner", put(target, fmt.Sprintf(owner, "123456789012", "READ")), no, 400},
			refusal{"full control for another in XML", put(target, fmt.Sprintf(owner, "1", "FULL_CONTROL")), no, 400},
			refusal{"nothing", put(target, ""), "MissingSecurityHeader", 400},
			refusal{"both", put(target, all, "x-amz-acl", "private"), "UnexpectedContent", 400},
			refusal{"no XML", put(target, "private"), "MalformedXML", 400},
			refusal{"a guest", request{method: "GET", target: target, as: "guest"}, "AccessDenied", 403},
		)
		b.ok(put(target, fmt.Sprintf(owner, "123456789012", "FULL_CONTROL")))
		b.ok(put(target, "", "x-amz-acl", "bucket-owner-full-control"))
		a := b.ok(get(target))
		require.Equal(t, 1, strings.Count(a.body, "<Grant>"))
		require.Contains(t, a.body, `xsi:type="CanonicalUser"><ID>123456789012</ID>`)
		require.Contains(t, a.body, "<Permission>FULL_CONTROL</Permission>")
	}
	cases = append(cases,
		refusal{"a bucket", put("/other", "", "x-amz-acl", "public-read"), no, 400},
		refusal{"a bucket with ACLs", put("/other", "", "x-amz-object-ownership", "ObjectWriter"), "NotImplemented", 501},
		refusal{"an object", put("/bucket/x", "x", "x-amz-grant-read", "id=1"), no, 400},
		refusal{"a copy", put("/bucket/x", "", "x-amz-copy-source", "bucket/k", "x-amz-acl", "public-read"), no, 400},
		refusal{"an upload", post("/bucket/x?uploads", "", "x-amz-acl", "public-read"), no, 400},
		refusal{"no key", get("/bucket/none?acl"), "NoSuchKey", 404},
		refusal{"no bucket", get("/none?acl"), "NoSuchBucket", 404},
		refusal{"ACLs on", put("/bucket?ownershipControls", "<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule></OwnershipControls>"), "NotImplemented", 501},
		refusal{"another ownership", put("/bucket?ownershipControls", "<OwnershipControls><Rule><ObjectOwnership>Mine</ObjectOwnership></Rule></OwnershipControls>"), "MalformedXML", 400},
	)
	b.refuse(cases)
	require.Contains(t, b.ok(get("/bucket?ownershipControls")).body, "<ObjectOwnership>BucketOwnerEnforced</ObjectOwnership>")
	b.ok(put("/bucket?ownershipControls", "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>"))
	b.ok(put("/bucket/y", "y", "x-amz-grant-full-control", `id="123456789012"`))
	require.Equal(t, "body", b.ok(get("/bucket/k")).body)
	b.refuse([]refusal{{"nothing was stored", get("/bucket/x"), "NoSuchKey", 404}})
}

// TestIAM76GrantHeadersAreConditionKeys: requests with ACL headers carry
// s3:x-amz-acl and s3:x-amz-grant-* keys.
func TestIAM76GrantHeadersAreConditionKeys(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	b.ok(put("/bucket?policy", `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::bucket/*","Condition":{"Null":{"s3:x-amz-grant-full-control":"true"}}}}`))
	require.Equal(t, "AccessDenied", b.send(put("/bucket/k", "x")).code)
	b.ok(put("/bucket/k", "x", "x-amz-grant-full-control", `id="123456789012"`))
}

// TestPolicyFindings: a policy that AWS refuses is refused with what is wrong
// and where, and every finding in an element of its own.
func TestPolicyFindings(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	statement := func(more string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject"` + more + `}]}`
	}
	for _, c := range []struct{ name, policy, want string }{
		{"an array", "[]", "Policies must be valid JSON and the first byte must be &#39;{&#39;"},
		{"cut short", publicPolicy[:60], "Policies must be valid JSON and the first byte must be &#39;{&#39;: iampolicy: not a policy document"},
		{"another bucket", strings.ReplaceAll(publicPolicy, ":bucket/", ":other/"), "Policy has invalid resource (Statement[0]: &#34;arn:aws:s3:::other/*&#34; is not of this bucket)"},
		{"a bucket that begins so", strings.ReplaceAll(publicPolicy, ":bucket/", ":bucket2/"), "Policy has invalid resource"},
		{"every bucket", strings.ReplaceAll(publicPolicy, ":bucket/", ":*/"), "Policy has invalid resource"},
		{"no principal", statement(`,"Resource":"arn:aws:s3:::bucket/*"`), "<Finding>MISSING_PRINCIPAL"},
		{"an operator", statement(`,"Principal":"*","Resource":"arn:aws:s3:::bucket/*","Condition":{"StringEqual":{"a":"b"}}`), "line 1, column 14"},
	} {
		a := b.send(put("/bucket?policy", c.policy))
		require.Equal(t, "MalformedPolicy", a.code, "%s: %s", c.name, a.body)
		require.Contains(t, a.body, c.want, c.name)
		require.Equal(t, "NoSuchBucketPolicy", b.send(get("/bucket?policy")).code)
	}
	b.ok(put("/bucket?policy", publicPolicy))
	require.Equal(t, publicPolicy, b.ok(get("/bucket?policy")).body)
}
