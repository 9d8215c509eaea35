// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func put(target, body string, header ...string) request {
	q := request{method: "PUT", target: target, body: body, header: map[string]string{}}
	for i := 0; i < len(header); i += 2 {
		q.header[header[i]] = header[i+1]
	}
	return q
}

func get(target string, header ...string) request {
	q := put(target, "", header...)
	q.method = "GET"
	return q
}

func post(target, body string, header ...string) request {
	q := put(target, body, header...)
	q.method = "POST"
	return q
}

func TestBucketsRefuse(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	location := "<CreateBucketConfiguration><LocationConstraint>%s</LocationConstraint></CreateBucketConfiguration>"
	b.refuse([]refusal{
		{"too short a name", put("/ab", ""), "InvalidBucketName", 400},
		{"upper case", put("/Bucket", ""), "InvalidBucketName", 400},
		{"an address", put("/192.168.0.1", ""), "InvalidBucketName", 400},
		{"the page's name", put("/upload", ""), "InvalidBucketName", 400},
		{"64 characters", put("/"+strings.Repeat("a", 64), ""), "InvalidBucketName", 400},
		{"dots", put("/..", ""), "InvalidBucketName", 400},
		{"twice", put("/bucket", ""), "BucketAlreadyOwnedByYou", 409},
		{"malformed XML", put("/other", "<Create"), "MalformedXML", 400},
		{"another document", put("/other", "<Delete/>"), "MalformedXML", 400},
		{"another region", put("/other", fmt.Sprintf(location, "eu-west-1")), "InvalidLocationConstraint", 400},
		{"a large document", put("/other", strings.Repeat(" ", 20<<10)), "MaxMessageLengthExceeded", 400},
		{"deleting none", request{method: "DELETE", target: "/other"}, "NoSuchBucket", 404},
		{"none at all", get("/other"), "NoSuchBucket", 404},
		{"head of none", request{method: "HEAD", target: "/other"}, "NoSuchBucket", 404},
		{"posting nothing to the service", post("/", ""), "MethodNotAllowed", 405},
		{"deleting the service", request{method: "DELETE", target: "/"}, "MethodNotAllowed", 405},
		{"unknown method", request{method: "PATCH", target: "/bucket"}, "MethodNotAllowed", 405},
		{"no bucket but a key", get("//bucket/k"), "InvalidBucketName", 400},
		{"no bucket to put into", put("//k", "x"), "InvalidBucketName", 400},
		{"a preflight", request{method: "OPTIONS", target: "/bucket/k", anonymous: true, header: map[string]string{"Origin": "http://example.com", "Access-Control-Request-Method": "PUT"}}, "AccessForbidden", 403},
	})
	for target, allow := range map[string]string{"/": "GET", "/bucket": "DELETE, GET, HEAD, POST, PUT", "/bucket/k": "DELETE, GET, HEAD, PUT"} { // RFC 9110, section 15.5.6
		require.Equal(t, allow, b.send(request{method: "PATCH", target: target}).header.Get("Allow"), target)
	}
	b.put("/bucket/k", "")
	b.refuse([]refusal{{"not empty", request{method: "DELETE", target: "/bucket"}, "BucketNotEmpty", 409}})
}

// TestSubResourcesNeverFallThrough: a sub-resource that is not implemented must
// not be taken for the plain operation, which would overwrite an object with an
// ACL document or delete it together with its retention.
func TestSubResourcesNeverFallThrough(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	b.put("/bucket/k", "body")
	known := map[string]bool{
		"policy": true, "uploads": true, "uploadId": true, "tagging": true, "delete": true, "location": true, "list-type": true, "versioning": true,
		"PUT acl": true, "PUT publicAccessBlock": true, "DELETE publicAccessBlock": true, "PUT ownershipControls": true,
	}
	for _, name := range subResources {
		for _, method := range []string{"PUT", "DELETE", "POST"} {
			if known[name] || known[method+" "+name] {
				continue
			}
			for _, target := range []string{"/bucket/k?" + name, "/bucket?" + name, "/bucket/k?" + name + "=1"} {
				a := b.send(request{method: method, target: target, body: "x"})
				require.Equal(t, "NotImplemented", a.code, "%s %s", method, target)
			}
		}
	}
	b.refuse([]refusal{
		{"two at once", put("/bucket/k?tagging&acl", "x"), "InvalidRequest", 400},
		{"a part with tags", put("/bucket/k?uploadId=1&tagging", "x"), "InvalidRequest", 400},
		{"a copy of tags", put("/bucket/k?tagging", "x", "x-amz-copy-source", "bucket/k"), "NotImplemented", 501},
	})
	require.Equal(t, "body", b.ok(get("/bucket/k")).body)
}

func TestPutObjectRefuses(t *testing.T) {
	b := newBench(t, func(c *Config) { c.MaxObjectBytes = 1000 })
	b.bucket("bucket")
	b.refuse([]refusal{
		{"no bucket", put("/none/k", "x"), "NoSuchBucket", 404},
		{"a key of 1025 bytes", put("/bucket/"+strings.Repeat("k", 1025), "x"), "KeyTooLongError", 400},
		{"a key that is not UTF-8", put("/bucket/%FF", "x"), "InvalidURI", 400},
		{"a key with a NUL", put("/bucket/a%00b", "x"), "InvalidURI", 400},
		{"a part of no upload", put("/bucket/k?partNumber=1", "x"), "InvalidArgument", 400},
		{"a post", request{method: "POST", target: "/bucket/k", body: "x"}, "MethodNotAllowed", 405},
		{"an MD5 that is empty", put("/bucket/k", "x", "Content-MD5", ""), "InvalidDigest", 400},
		{"too large", put("/bucket/k", strings.Repeat("x", 1001)), "EntityTooLarge", 400},
		{"another MD5", put("/bucket/k", "x", "Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA=="), "BadDigest", 400},
		{"an MD5 that is none", put("/bucket/k", "x", "Content-MD5", "AAAA"), "InvalidDigest", 400},
		{"another CRC32", put("/bucket/k", "x", "x-amz-checksum-crc32", "AAAAAA=="), "BadDigest", 400},
		{"another SHA-256", put("/bucket/k", "x", "x-amz-checksum-sha256", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), "BadDigest", 400},
		{"a CRC32 of the wrong length", put("/bucket/k", "x", "x-amz-checksum-crc32", "AAAA"), "InvalidRequest", 400},
		{"another SHA-512", put("/bucket/k", "x", "x-amz-checksum-sha512", strings.Repeat("A", 86)+"=="), "BadDigest", 400},
		{"another MD5 checksum", put("/bucket/k", "x", "x-amz-checksum-md5", "AAAAAAAAAAAAAAAAAAAAAA=="), "BadDigest", 400},
		{"an unknown checksum", put("/bucket/k", "x", "x-amz-checksum-crc7", "AAAA"), "InvalidRequest", 400},
		{"two checksums", put("/bucket/k", "x", "x-amz-checksum-crc32", "jNwbgw==", "x-amz-checksum-crc32c", "o7AGJA=="), "InvalidRequest", 400},
		{"an ACL that opens", put("/bucket/k", "x", "x-amz-acl", "public-read"), "AccessControlListNotSupported", 400},
		{"a grant", put("/bucket/k", "x", "x-amz-grant-read", "id=1"), "AccessControlListNotSupported", 400},
		{"a lock", put("/bucket/k", "x", "x-amz-object-lock-mode", "COMPLIANCE"), "NotImplemented", 501},
		{"a customer's key", put("/bucket/k", "x", "x-amz-server-side-encryption-customer-algorithm", "AES256"), "NotImplemented", 501},
		{"a KMS key", put("/bucket/k", "x", "x-amz-server-side-encryption", "aws:kms"), "NotImplemented", 501},
		{"much metadata", put("/bucket/k", "x", "x-amz-meta-a", strings.Repeat("x", 2048)), "MetadataTooLarge", 400},
		{"eleven tags", put("/bucket/k", "x", "x-amz-tagging", "1=&2=&3=&4=&5=&6=&7=&8=&9=&10=&11="), "BadRequest", 400},
		{"a tag twice", put("/bucket/k", "x", "x-amz-tagging", "a=1&a=2"), "InvalidTag", 400},
		{"a tag of other characters", put("/bucket/k", "x", "x-amz-tagging", "a%26b=1"), "InvalidTag", 400},
		{"a tag's value of other characters", put("/bucket/k", "x", "x-amz-tagging", "a=%3Cb%3E"), "InvalidTag", 400},
		{"an encryption context", put("/bucket/k", "x", "x-amz-server-side-encryption-context", "e30="), "NotImplemented", 501},
		{"a storage class that is none", put("/bucket/k", "x", "x-amz-storage-class", "COLD"), "InvalidStorageClass", 400},
		{"an archive", put("/bucket/k", "x", "x-amz-storage-class", "GLACIER"), "NotImplemented", 501},
		{"a tag of AWS's", put("/bucket/k", "x", "x-amz-tagging", "aws:a=1"), "InvalidTag", 400},
		{"If-None-Match of a tag", put("/bucket/k", "x", "If-None-Match", `"abc"`), "NotImplemented", 501},
		{"If-Match of nothing", put("/bucket/k", "x", "If-Match", `"abc"`), "NoSuchKey", 404},
	})
	b.empty("bucket")
	b.put("/bucket/k", "old")
	old := b.ok(get("/bucket/k")).header.Get("ETag")
	b.refuse([]refusal{
		{"If-None-Match *", put("/bucket/k", "new", "If-None-Match", "*"), "PreconditionFailed", 412},
		{"If-Match of another", put("/bucket/k", "new", "If-Match", `"abc"`), "PreconditionFailed", 412},
		{"If-Match of a weak tag", put("/bucket/k", "new", "If-Match", "W/"+old), "PreconditionFailed", 412},
		{"delete if another", request{method: "DELETE", target: "/bucket/k", header: map[string]string{"If-Match": `"abc"`}}, "PreconditionFailed", 412},
	})
	require.Equal(t, "old", b.ok(get("/bucket/k")).body)
	b.ok(put("/bucket/k", strings.Repeat("x", 1000)))
}

func TestGetObjectRefuses(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	b.put("/bucket/k", "0123456789")
	etag := b.ok(get("/bucket/k")).header.Get("ETag")
	b.refuse([]refusal{
		{"no key", get("/bucket/none"), "NoSuchKey", 404},
		{"head of no key", request{method: "HEAD", target: "/bucket/none"}, "", 404},
		{"a key of 1025 bytes", get("/bucket/" + strings.Repeat("k", 1025)), "KeyTooLongError", 400},
		{"deleting a key that is not UTF-8", request{method: "DELETE", target: "/bucket/%FF"}, "InvalidURI", 400},
		{"behind the end", get("/bucket/k", "Range", "bytes=10-"), "InvalidRange", 416},
		{"the last none", get("/bucket/k", "Range", "bytes=-0"), "InvalidRange", 416},
		{"If-Match of another", get("/bucket/k", "If-Match", `"a", "b"`), "PreconditionFailed", 412},
		{"If-Match of a weak tag", get("/bucket/k", "If-Match", "W/"+etag), "PreconditionFailed", 412}, // RFC 9110, section 13.1.1: strong
		{"If-Match of W/*", get("/bucket/k", "If-Match", "W/*"), "PreconditionFailed", 412},
		{"If-None-Match of this", get("/bucket/k", "If-None-Match", etag), "", 304},
		{"If-None-Match of a weak tag", get("/bucket/k", "If-None-Match", `"a", W/`+etag), "", 304},
		{"changed since", get("/bucket/k", "If-Unmodified-Since", "Mon, 02 Jan 2006 15:04:05 GMT"), "PreconditionFailed", 412},
		{"unchanged since", get("/bucket/k", "If-Modified-Since", "Mon, 02 Jan 2096 15:04:05 GMT"), "", 304},
		{"a part and a range", get("/bucket/k?partNumber=1", "Range", "bytes=0-1"), "InvalidRequest", 400},
		{"a customer's key", get("/bucket/k", "x-amz-server-side-encryption-customer-algorithm", "AES256"), "InvalidRequest", 400},
		{"part 0", get("/bucket/k?partNumber=0"), "InvalidArgument", 400},
		{"part 2 of 1", get("/bucket/k?partNumber=2"), "InvalidPartNumber", 416},
		{"a header by query that is none", get("/bucket/k?response-content-type=a%0Ab"), "InvalidArgument", 400},
		{"a malformed query", request{method: "GET", target: "/bucket/k?a=%zz", anonymous: true}, "InvalidURI", 400},
	})
	b.ok(put("/bucket/packed", "packed", "Content-Encoding", "br", "x-amz-meta-a", "b"))
	a := b.send(get("/bucket/packed?response-content-type=a%0Ab"))
	require.Empty(t, a.header.Get("Content-Encoding")+a.header.Get("x-amz-meta-a")+a.header.Get("ETag"), "a refusal is not the object")
	require.NotEmpty(t, a.header.Get("x-amz-request-id"))
	require.Equal(t, "bytes */10", b.send(get("/bucket/k", "Range", "bytes=10-")).header.Get("Content-Range"), "RFC 9110, section 15.5.17")
}

func TestListingsRefuse(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	b.refuse([]refusal{
		{"max-keys -1", get("/bucket?list-type=2&max-keys=-1"), "InvalidArgument", 400},
		{"max-keys x", get("/bucket?max-keys=x"), "InvalidArgument", 400},
		{"max-keys 2^31", get("/bucket?max-keys=2147483648"), "InvalidArgument", 400},
		{"list-type 3", get("/bucket?list-type=3"), "InvalidArgument", 400},
		{"a token that is none", get("/bucket?list-type=2&continuation-token=*"), "InvalidArgument", 400},
		{"a token that is no key", get("/bucket?list-type=2&continuation-token=nope"), "InvalidArgument", 400},
		{"an empty token", get("/bucket?list-type=2&continuation-token="), "InvalidArgument", 400},
		{"another encoding", get("/bucket?encoding-type=base64"), "InvalidArgument", 400},
		{"no bucket", get("/none?list-type=2"), "NoSuchBucket", 404},
		{"uploads of none", get("/none?uploads"), "NoSuchBucket", 404},
		{"max-uploads", get("/bucket?uploads&max-uploads=a"), "InvalidArgument", 400},
	})
}

func TestCopyRefuses(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	b.put("/bucket/k", "body")
	copyOf := func(source string, more ...string) request {
		return put("/bucket/copy", "", append([]string{"x-amz-copy-source", source}, more...)...)
	}
	b.refuse([]refusal{
		{"no key", copyOf("bucket"), "InvalidArgument", 400},
		{"an empty key", copyOf("/bucket/"), "InvalidArgument", 400},
		{"a malformed escape", copyOf("bucket/%zz"), "InvalidArgument", 400},
		{"a version", copyOf("bucket/k?versionId=1"), "NotImplemented", 501},
		{"no such bucket", copyOf("none/k"), "NoSuchBucket", 404},
		{"no such key", copyOf("bucket/none"), "NoSuchKey", 404},
		{"a directive that is none", copyOf("bucket/k", "x-amz-metadata-directive", "MOVE"), "InvalidArgument", 400},
		{"another tag's directive", copyOf("bucket/k", "x-amz-tagging-directive", "replace"), "InvalidArgument", 400},
		{"If-Match of another", copyOf("bucket/k", "x-amz-copy-source-if-match", `"a"`), "PreconditionFailed", 412},
		{"If-None-Match of this", copyOf("bucket/k", "x-amz-copy-source-if-none-match", `*`), "PreconditionFailed", 412},
		{"an unknown checksum", copyOf("bucket/k", "x-amz-checksum-algorithm", "CRC7"), "InvalidRequest", 400},
		{"onto itself", put("/bucket/k", "", "x-amz-copy-source", "bucket/k"), "InvalidRequest", 400},
	})
	b.refuse([]refusal{{"nothing was copied", get("/bucket/copy"), "NoSuchKey", 404}})
}

func TestDeleteObjectsRefuses(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	b.put("/bucket/k", "")
	md5 := func(q request) request { q.header = contentMD5(q.body); return q }
	many := "<Delete>" + strings.Repeat("<Object><Key>a</Key></Object>", 1001) + "</Delete>"
	one := "<Delete><Object><Key>k</Key></Object></Delete>"
	b.refuse([]refusal{
		{"no digest", post("/bucket?delete", one), "InvalidRequest", 400},
		{"another digest", post("/bucket?delete", one, "Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA=="), "BadDigest", 400},
		{"no document", md5(post("/bucket?delete", "")), "MalformedXML", 400},
		{"another document", md5(post("/bucket?delete", "<Remove/>")), "MalformedXML", 400},
		{"cut short", md5(post("/bucket?delete", one[:30])), "MalformedXML", 400},
		{"an entity", md5(post("/bucket?delete", `<!DOCTYPE a [<!ENTITY b "c">]><Delete><Object><Key>&b;</Key></Object></Delete>`)), "MalformedXML", 400},
		{"none", md5(post("/bucket?delete", "<Delete/>")), "MalformedXML", 400},
		{"an empty key", md5(post("/bucket?delete", "<Delete><Object><Key>k</Key></Object><Object><Key></Key></Object></Delete>")), "MalformedXML", 400},
		{"1001", md5(post("/bucket?delete", many)), "MalformedXML", 400},
		{"no bucket", md5(post("/none?delete", one)), "NoSuchBucket", 404},
	})
	b.ok(get("/bucket/k"))
	a := b.ok(md5(post("/bucket?delete", "<Delete><Object><Key>k</Key><VersionId>7</VersionId></Object></Delete>")))
	require.Contains(t, a.body, "<Code>NoSuchVersion</Code>")
	long := b.ok(md5(post("/bucket?delete", "<Delete><Object><Key>"+strings.Repeat("k", 1025)+"</Key></Object></Delete>"))).body
	require.Contains(t, long, "<Code>KeyTooLongError</Code>", "no object can have that key")
	for more, code := range map[string]string{
		"<ETag>abc</ETag>": "PreconditionFailed", "<Size>1</Size>": "NotImplemented", "<LastModifiedTime>x</LastModifiedTime>": "NotImplemented",
	} {
		a := b.ok(md5(post("/bucket?delete", "<Delete><Object><Key>k</Key>"+more+"</Object></Delete>")))
		require.Contains(t, a.body, "<Code>"+code+"</Code>", "a condition that is passed over deletes what is to stay")
	}
	b.refuse([]refusal{{"by size", request{method: "DELETE", target: "/bucket/k", header: map[string]string{"x-amz-if-match-size": "1"}}, "NotImplemented", 501}})
	etag := b.ok(get("/bucket/k")).header.Get("ETag")
	require.Contains(t, b.ok(md5(post("/bucket?delete", "<Delete><Object><Key>k</Key><ETag>"+etag+"</ETag></Object></Delete>"))).body, "<Deleted>")
	b.refuse([]refusal{{"the one that was meant", get("/bucket/k"), "NoSuchKey", 404}})
}

func TestPoliciesAndTagsRefuse(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	b.put("/bucket/k", "body")
	deny := `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"*"%s}}`
	b.refuse([]refusal{
		{"no policy", get("/bucket?policy"), "NoSuchBucketPolicy", 404},
		{"not JSON", put("/bucket?policy", "{"), "MalformedPolicy", 400},
		{"an unknown element", put("/bucket?policy", fmt.Sprintf(deny, `,"When":{}`)), "MalformedPolicy", 400},
		{"an unknown operator", put("/bucket?policy", fmt.Sprintf(deny, `,"Condition":{"StringEqual":{"a":"b"}}`)), "MalformedPolicy", 400},
		{"no principal", put("/bucket?policy", string(everything)), "MalformedPolicy", 400},
		{"a large one", put("/bucket?policy", strings.Repeat(" ", maxPolicy+1)), "MaxMessageLengthExceeded", 400},
		{"of no bucket", put("/none?policy", fmt.Sprintf(deny, "")), "NoSuchBucket", 404},
		{"tags that are no XML", put("/bucket/k?tagging", "a=b"), "MalformedXML", 400},
		{"a tag twice", put("/bucket/k?tagging", "<Tagging><TagSet><Tag><Key>a</Key></Tag><Tag><Key>a</Key></Tag></TagSet></Tagging>"), "InvalidTag", 400},
		{"tags of no key", put("/bucket/none?tagging", "<Tagging><TagSet/></Tagging>"), "NoSuchKey", 404},
	})
	require.Equal(t, "body", b.ok(get("/bucket/k")).body)
}
