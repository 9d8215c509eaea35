// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

// TestDocumentsAreHeldToTheirDigests: what a request says of its document is
// checked, not only of an object's body (Amazon S3 API Reference, PutBucketPolicy
// and others: Content-MD5, x-amz-checksum-).
func TestDocumentsAreHeldToTheirDigests(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	b.put("/bucket/k", "body")
	policy := `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"}}`
	tags := "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"
	access := "<PublicAccessBlockConfiguration><BlockPublicPolicy>true</BlockPublicPolicy></PublicAccessBlockConfiguration>"
	owner := "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>"
	for _, q := range []request{
		put("/bucket?policy", policy), put("/bucket/k?tagging", tags), put("/bucket?publicAccessBlock", access), put("/bucket?ownershipControls", owner),
		put("/other", "<CreateBucketConfiguration/>"), put("/bucket?acl", "", "x-amz-acl", "private"),
		{method: "POST", target: "/bucket?delete", body: "<Delete><Object><Key>k</Key></Object></Delete>", header: map[string]string{}},
	} {
		with := func(name, value string) request {
			w := q
			w.header = map[string]string{name: value}
			for k, v := range q.header {
				w.header[k] = v
			}
			return w
		}
		b.refuse([]refusal{
			{"another MD5", with("Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA=="), "BadDigest", 400},
			{"an MD5 that is none", with("Content-MD5", "AAAA"), "InvalidDigest", 400},
			{"another checksum", with("x-amz-checksum-crc32", "/////w=="), "BadDigest", 400},
			{"an unknown checksum", with("x-amz-checksum-crc7", "AAAA"), "InvalidRequest", 400},
			{"a checksum that is announced and not there", with("x-amz-sdk-checksum-algorithm", "CRC32"), "InvalidRequest", 400},
		})
	}
	require.Equal(t, "body", b.ok(get("/bucket/k")).body, "nothing was done")
	require.NotContains(t, b.ok(get("/bucket/k?tagging")).body, "<Key>")
	b.refuse([]refusal{{"no policy", get("/bucket?policy"), "NoSuchBucketPolicy", 404}, {"no bucket", get("/other"), "NoSuchBucket", 404}})
	good := put("/bucket/k?tagging", tags)
	good.header = contentMD5(tags)
	b.ok(good)
	require.Contains(t, b.ok(get("/bucket/k?tagging")).body, "<Key>a</Key>")
}

// TestAnnouncedChecksum: Amazon S3 API Reference, PutObject: with
// x-amz-sdk-checksum-algorithm comes a checksum, in a header or in a trailer, or
// the request fails.
func TestAnnouncedChecksum(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	b.refuse([]refusal{
		{"an object", put("/bucket/k", "x", "x-amz-sdk-checksum-algorithm", "CRC32"), "InvalidRequest", 400},
		{"nothing was stored", get("/bucket/k"), "NoSuchKey", 404},
	})
	b.ok(put("/bucket/k", "x", "x-amz-sdk-checksum-algorithm", "CRC32", "x-amz-checksum-crc32", "jNwWgw=="))
}

// TestDocumentsAreBounded: of a document of 4 MiB no more elements are held than
// the operation takes: each empty one is 7 bytes there, and 136 in memory.
func TestDocumentsAreBounded(t *testing.T) {
	for name, tc := range map[string]struct {
		most int
		read func(text string) (int, error)
	}{
		"<CompleteMultipartUpload><Part/>": {store.MaxPart, func(text string) (int, error) {
			var doc completeXML
			err := xml.Unmarshal([]byte(text), &doc)
			return len(doc.Parts), err
		}},
		"<Delete><Object/>": {maxDoomed, func(text string) (int, error) {
			var doc deleteXML
			err := xml.Unmarshal([]byte(text), &doc)
			return len(doc.Objects), err
		}},
	} {
		root, item, _ := strings.Cut(name, "><")
		text := func(n int) string {
			return root + ">" + strings.Repeat("<"+item, n) + "</" + root[1:] + ">"
		}
		n, err := tc.read(text(tc.most))
		require.NoError(t, err)
		require.Equal(t, tc.most, n)
		for _, more := range []int{1, 4<<20/len("<"+item) - tc.most} {
			n, err = tc.read(text(tc.most + more))
			require.Error(t, err, name)
			require.Equal(t, tc.most, n)
		}
	}
}
