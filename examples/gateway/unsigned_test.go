// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestUnsignedBodies: what a policy lets everybody put is stored as it is, or
// not at all. Nobody takes the framing off a body in chunks that nobody signed
// (SIG-48), and a stated hash is checked whoever states it.
func TestUnsignedBodies(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	b.ok(put("/bucket?policy", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::bucket/open*"}}`))
	const body = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
	sum := sha256.Sum256([]byte(body))
	hash := hex.EncodeToString(sum[:])
	send := func(target string, header http.Header) answer {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, b.url+target, strings.NewReader(body))
		require.NoError(t, err)
		r.Header = header
		return b.do(r)
	}
	for name, tt := range map[string]struct {
		header http.Header
		code   string
	}{
		"nothing stated":    {http.Header{}, ""},
		"unsigned":          {http.Header{"X-Amz-Content-Sha256": {"UNSIGNED-PAYLOAD"}}, ""},
		"the hash":          {http.Header{"X-Amz-Content-Sha256": {hash}}, ""},
		"another hash":      {http.Header{"X-Amz-Content-Sha256": {strings.Repeat("0", 64)}}, "XAmzContentSHA256Mismatch"},
		"in capitals":       {http.Header{"X-Amz-Content-Sha256": {strings.ToUpper(hash)}}, "InvalidRequest"},
		"twice":             {http.Header{"X-Amz-Content-Sha256": {hash, hash}}, "InvalidRequest"},
		"no hash":           {http.Header{"X-Amz-Content-Sha256": {"unsigned-payload"}}, "InvalidRequest"},
		"unsigned trailer":  {http.Header{"X-Amz-Content-Sha256": {"STREAMING-UNSIGNED-PAYLOAD-TRAILER"}}, "InvalidRequest"},
		"signed chunks":     {http.Header{"X-Amz-Content-Sha256": {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}}, "InvalidRequest"},
		"framed":            {http.Header{"Content-Encoding": {"gzip", "br, AWS-Chunked"}}, "InvalidRequest"},
		"trailer announced": {http.Header{"X-Amz-Trailer": {"x-amz-checksum-crc32"}}, "InvalidRequest"},
	} {
		target := "/bucket/open-" + strings.ReplaceAll(name, " ", "-")
		require.Equal(t, tt.code, send(target, tt.header).code, name)
		require.Equal(t, "AccessDenied", send("/bucket/closed", tt.header).code, "who may not put is told no more: %s", name)
		stored := b.send(get(target))
		if tt.code == "" {
			require.Equal(t, body, stored.body, name)
		} else {
			require.Equal(t, "NoSuchKey", stored.code, name)
		}
	}
}

// TestSemicolons is SIG-10: a semicolon in a query separates nothing, so a
// client need not escape it.
func TestSemicolons(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	b.put("/bucket/a;b", "body")
	b.put("/bucket/k", "body")
	require.Contains(t, b.ok(get("/bucket?list-type=2&prefix=a;b")).body, "<Key>a;b</Key>")
	require.NotContains(t, b.ok(get("/bucket?list-type=2&prefix=a;b")).body, "<Key>k</Key>")
	require.Equal(t, "body", b.ok(get("/bucket/k?x=1;acl;tagging")).body, "they are no parameters")
	b.refuse([]refusal{{"a sub-resource beside one", get("/bucket/k?x;y&torrent"), "NotImplemented", 501}})
}

// TestRepeatedChecksums: of two lines of one header, each reader would take its
// own.
func TestRepeatedChecksums(t *testing.T) {
	for name, lines := range map[string]struct {
		header, value string
		code          string
	}{
		"md5":   {"Content-Md5", "ndTkYSaMgDT1yFZOFVxnpg==", "InvalidDigest"},
		"crc32": {"X-Amz-Checksum-Crc32", "jNwbgw==", "InvalidRequest"},
	} {
		_, err := newDigests(http.Header{lines.header: {lines.value}})
		require.NoError(t, err, name)
		_, err = newDigests(http.Header{lines.header: {lines.value, "AAAAAA=="}})
		require.Equal(t, lines.code, asFault(err).Code, name)
	}
	sums, err := newDigests(http.Header{"X-Amz-Trailer": {"x-amz-meta", "X-Amz-Checksum-CRC32"}})
	require.NoError(t, err)
	require.Contains(t, sums.sums, "crc32", "both lines announce")
}
