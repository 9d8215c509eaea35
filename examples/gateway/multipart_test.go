// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func contentMD5(body string) map[string]string {
	sum := md5.Sum([]byte(body))
	return map[string]string{"Content-MD5": base64.StdEncoding.EncodeToString(sum[:])}
}

func (b *bench) begin(target string, header ...string) string {
	b.t.Helper()
	var doc struct{ UploadId string }
	require.NoError(b.t, xml.Unmarshal([]byte(b.ok(post(target+"?uploads", "", header...)).body), &doc))
	return doc.UploadId
}

func (b *bench) part(target, id string, n int, body string, header ...string) (etag string) {
	b.t.Helper()
	return b.ok(put(fmt.Sprintf("%s?partNumber=%d&uploadId=%s", target, n, id), body, header...)).header.Get("ETag")
}

func completion(parts ...string) string {
	var s strings.Builder
	s.WriteString("<CompleteMultipartUpload>")
	for i := 0; i < len(parts); i += 2 {
		fmt.Fprintf(&s, "<Part><PartNumber>%s</PartNumber><ETag>%s</ETag></Part>", parts[i], strings.ReplaceAll(parts[i+1], `"`, "&quot;"))
	}
	return s.String() + "</CompleteMultipartUpload>"
}

func TestMultipartRefuses(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	id := b.begin("/bucket/k")
	one := b.part("/bucket/k", id, 1, "one")
	two := b.part("/bucket/k", id, 2, "two")
	part := func(n, id, body string, header ...string) request {
		return put("/bucket/k?partNumber="+n+"&uploadId="+id, body, header...)
	}
	complete := func(body string, header ...string) request { return post("/bucket/k?uploadId="+id, body, header...) }
	b.refuse([]refusal{
		{"part 0", part("0", id, "x"), "InvalidArgument", 400},
		{"part 10001", part("10001", id, "x"), "InvalidArgument", 400},
		{"part x", part("x", id, "x"), "InvalidArgument", 400},
		{"no number", put("/bucket/k?uploadId="+id, "x"), "InvalidArgument", 400},
		{"unknown upload", part("1", strings.Repeat("0", 40), "x"), "NoSuchUpload", 404},
		{"an upload that climbs", part("1", "..%2F..%2F..", "x"), "NoSuchUpload", 404},
		{"another key's upload", put("/bucket/other?partNumber=1&uploadId="+id, "x"), "NoSuchUpload", 404},
		{"another MD5", part("1", id, "x", "Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA=="), "BadDigest", 400},
		{"another checksum", part("1", id, "x", "x-amz-checksum-crc32", "AAAAAA=="), "BadDigest", 400},
		{"no document", complete(""), "MalformedXML", 400},
		{"no parts", complete("<CompleteMultipartUpload/>"), "MalformedXML", 400},
		{"cut short", complete("<CompleteMultipartUpload><Part>"), "MalformedXML", 400},
		{"another document", complete("<Delete/>"), "MalformedXML", 400},
		{"unknown part", complete(completion("7", one)), "InvalidPart", 400},
		{"another's ETag", complete(completion("1", two)), "InvalidPart", 400},
		{"descending", complete(completion("2", two, "1", one)), "InvalidPartOrder", 400},
		{"the same twice", complete(completion("1", one, "1", one)), "InvalidPartOrder", 400},
		{"a small part in front", complete(completion("1", one, "2", two)), "EntityTooSmall", 400},
		{"another size", complete(completion("1", one), "x-amz-mp-object-size", "4"), "InvalidRequest", 400},
		{"If-None-Match of a tag", complete(completion("1", one), "If-None-Match", `"a"`), "NotImplemented", 501},
		{"abort of none", request{method: "DELETE", target: "/bucket/k?uploadId=" + strings.Repeat("0", 40)}, "NoSuchUpload", 404},
		{"parts of none", get("/bucket/k?uploadId=abc"), "NoSuchUpload", 404},
		{"an unknown checksum", post("/bucket/k?uploads", "", "x-amz-checksum-algorithm", "CRC7"), "InvalidRequest", 400},
		{"a whole SHA-1", post("/bucket/k?uploads", "", "x-amz-checksum-algorithm", "SHA1", "x-amz-checksum-type", "FULL_OBJECT"), "InvalidRequest", 400},
		{"a CRC-64 of parts", post("/bucket/k?uploads", "", "x-amz-checksum-algorithm", "CRC64NVME", "x-amz-checksum-type", "COMPOSITE"), "InvalidRequest", 400},
		{"a kind of no checksum", post("/bucket/k?uploads", "", "x-amz-checksum-type", "COMPOSITE"), "InvalidRequest", 400},
		{"nothing is visible", get("/bucket/k"), "NoSuchKey", 404},
	})
	require.Contains(t, b.ok(get("/bucket/k?max-parts=0&uploadId="+id)).body, "<IsTruncated>false</IsTruncated>", "a page of nothing has none after it")
	require.Contains(t, b.ok(get("/bucket/k?max-parts=1&uploadId="+id)).body, "<IsTruncated>true</IsTruncated>")
	b.put("/bucket/source", "0123456789")
	copyPart := func(header ...string) request { return part("3", id, "", header...) }
	b.refuse([]refusal{
		{"a range behind the end", copyPart("x-amz-copy-source", "bucket/source", "x-amz-copy-source-range", "bytes=5-10"), "InvalidRange", 416},
		{"a range without an end", copyPart("x-amz-copy-source", "bucket/source", "x-amz-copy-source-range", "bytes=5-"), "InvalidArgument", 400},
		{"a range backwards", copyPart("x-amz-copy-source", "bucket/source", "x-amz-copy-source-range", "bytes=5-4"), "InvalidArgument", 400},
	})
	b.ok(request{method: "DELETE", target: "/bucket/source"})
	b.ok(request{method: "DELETE", target: "/bucket/k?uploadId=" + id})
	b.empty("bucket")
}

func TestMultipartChecksums(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	big, small := strings.Repeat("0123456789abcdef", minPart/16), "the end"
	for _, c := range []struct{ algorithm, kind string }{
		{"CRC32", "FULL_OBJECT"}, {"CRC32C", "FULL_OBJECT"}, {"CRC64NVME", "FULL_OBJECT"}, {"CRC32", "COMPOSITE"}, {"SHA256", "COMPOSITE"},
	} {
		name := strings.ToLower(c.algorithm)
		id := b.begin("/bucket/k", "x-amz-checksum-algorithm", c.algorithm, "x-amz-checksum-type", c.kind)
		one, two := b.part("/bucket/k", id, 1, big), b.part("/bucket/k", id, 2, small)
		b.ok(post("/bucket/k?uploadId="+id, completion("1", one, "2", two)))
		a := b.ok(get("/bucket/k", "x-amz-checksum-mode", "ENABLED"))
		require.Equal(t, big+small, a.body)
		require.Equal(t, c.kind, a.header.Get("x-amz-checksum-type"))
		got := a.header.Get("x-amz-checksum-" + name)
		sum := algorithms[name]()
		if c.kind == fullObject {
			sum.Write([]byte(big + small))
			require.Equal(t, base64.StdEncoding.EncodeToString(sum.Sum(nil)), got, c.algorithm)
			continue
		}
		for _, part := range []string{big, small} {
			h := algorithms[name]()
			h.Write([]byte(part))
			sum.Write(h.Sum(nil))
		}
		require.Equal(t, base64.StdEncoding.EncodeToString(sum.Sum(nil))+"-2", got, c.algorithm)
	}
	// What a completion states of the whole is compared, or refused where it
	// cannot be.
	id := b.begin("/bucket/stated", "x-amz-checksum-algorithm", "CRC32", "x-amz-checksum-type", "FULL_OBJECT")
	one := b.part("/bucket/stated", id, 1, small)
	crc := algorithms["crc32"]()
	crc.Write([]byte(small))
	right := base64.StdEncoding.EncodeToString(crc.Sum(nil))
	stated := func(header ...string) request {
		return post("/bucket/stated?uploadId="+id, completion("1", one), header...)
	}
	b.refuse([]refusal{
		{"another checksum", stated("x-amz-checksum-crc32", "AAAAAA=="), "BadDigest", 400},
		{"one of another algorithm", stated("x-amz-checksum-sha256", strings.Repeat("A", 43)+"="), "InvalidRequest", 400},
		{"another kind", stated("x-amz-checksum-crc32", right, "x-amz-checksum-type", "COMPOSITE"), "BadDigest", 400},
	})
	b.ok(stated("x-amz-checksum-crc32", right, "x-amz-checksum-type", "FULL_OBJECT"))
	id = b.begin("/bucket/stated")
	one = b.part("/bucket/stated", id, 1, small)
	b.refuse([]refusal{{"one that nobody announced", stated("x-amz-checksum-crc32", right), "InvalidRequest", 400}})
	b.ok(stated())
	a := b.ok(get("/bucket/k?partNumber=2"))
	require.Equal(t, small, a.body)
	require.Equal(t, 206, a.status)
	require.Equal(t, "2", a.header.Get("x-amz-mp-parts-count"))
}

func TestJoinedCRCs(t *testing.T) {
	text := []byte("the quick brown fox jumps over the lazy dog")
	for name, p := range polynomials {
		sum := func(b []byte) uint64 {
			h := algorithms[name]()
			h.Write(b)
			return number(h.Sum(nil))
		}
		for i := range len(text) + 1 {
			require.Equal(t, sum(text), p.join(sum(text[:i]), sum(text[i:]), int64(len(text)-i)), "%s, cut at %d", name, i)
		}
	}
}

// TestACompletionMayBeRepeated: whoever missed the answer gets it again, as
// long as the object is the one that the upload made.
func TestACompletionMayBeRepeated(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	id := b.begin("/bucket/k")
	one, two := b.part("/bucket/k", id, 1, strings.Repeat("1", minPart)), b.part("/bucket/k", id, 2, "end")
	q := post("/bucket/k?uploadId="+id, completion("1", one, "2", two))
	first := b.ok(q)
	b.ok(put("/bucket/k?tagging", "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"))
	require.Equal(t, first.body, b.ok(q).body)
	b.refuse([]refusal{
		{"other parts", post("/bucket/k?uploadId="+id, completion("1", one)), "NoSuchUpload", 404},
		{"another part", post("/bucket/k?uploadId="+id, completion("1", two, "2", one)), "NoSuchUpload", 404},
		{"another upload", post("/bucket/k?uploadId="+strings.Repeat("0", 40), completion("1", one, "2", two)), "NoSuchUpload", 404},
		{"another key", post("/bucket/l?uploadId="+id, completion("1", one, "2", two)), "NoSuchUpload", 404},
	})
	b.put("/bucket/k", "replaced")
	b.refuse([]refusal{{"replaced meanwhile", q, "NoSuchUpload", 404}})
	require.Equal(t, "replaced", b.ok(get("/bucket/k")).body)
}
