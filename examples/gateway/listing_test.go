// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/examples/gateway/store"
)

// uploadsPage is an answer to ListMultipartUploads.
type uploadsPage struct {
	Keys     []string `xml:"Upload>Key"`
	IDs      []string `xml:"Upload>UploadId"`
	Prefixes []string `xml:"CommonPrefixes>Prefix"`

	IsTruncated                       bool
	NextKeyMarker, NextUploadIdMarker string
}

// TestUploadsByPages: a common prefix counts once, on whichever page its last
// upload stands (Amazon S3 API Reference, ListMultipartUploads).
func TestUploadsByPages(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	begin := func(key string) string {
		var doc struct{ UploadId string }
		require.NoError(t, xml.Unmarshal([]byte(b.ok(post("/bucket/"+key+"?uploads", "")).body), &doc))
		return doc.UploadId
	}
	for _, key := range []string{"a/1", "a/2", "a/3", "b", "c/1", "c/2"} {
		begin(key)
	}
	page := func(query url.Values) (p uploadsPage) {
		t.Helper()
		require.NoError(t, xml.Unmarshal([]byte(b.ok(get("/bucket?uploads&"+query.Encode())).body), &p))
		return p
	}
	pages := func(query url.Values) (all []string) {
		t.Helper()
		for range 10 {
			p := page(query)
			all = append(append(all, p.Keys...), p.Prefixes...)
			if !p.IsTruncated {
				return all
			}
			query.Set("key-marker", p.NextKeyMarker)
			query.Set("upload-id-marker", p.NextUploadIdMarker)
		}
		require.Fail(t, "the pages do not end")
		return nil
	}
	for limit := 1; limit < 5; limit++ {
		all := pages(url.Values{"delimiter": {"/"}, "max-uploads": {strconv.Itoa(limit)}})
		require.ElementsMatch(t, []string{"a/", "b", "c/"}, all, "%d a page", limit)
		require.Len(t, pages(url.Values{"max-uploads": {strconv.Itoa(limit)}}), 6)
	}
	require.Equal(t, []string{"a/"}, page(url.Values{"delimiter": {"/"}, "prefix": {"a"}}).Prefixes)
	require.False(t, page(url.Values{"delimiter": {"/"}, "prefix": {"a"}, "max-uploads": {"1"}}).IsTruncated, "nothing is left")

	// Who aborts what a page named, and then asks for the next, sees the rest.
	first := begin("b")
	p := page(url.Values{"prefix": {"b"}, "max-uploads": {"1"}})
	b.ok(request{method: "DELETE", target: "/bucket/b?uploadId=" + p.NextUploadIdMarker})
	p = page(url.Values{"key-marker": {p.NextKeyMarker}, "upload-id-marker": {p.NextUploadIdMarker}})
	require.Equal(t, []string{"b", "c/1", "c/2"}, p.Keys)
	require.Equal(t, first, p.IDs[0])

	b.refuse([]refusal{{"another encoding", get("/bucket?uploads&encoding-type=base64"), "InvalidArgument", 400}})
}

// TestNextMarker: without a delimiter the last key is the next marker (Amazon S3
// API Reference, ListObjects: NextMarker).
func TestNextMarker(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	for _, key := range []string{"a", "b/1", "b/2", "c"} {
		b.put("/bucket/"+key, "")
	}
	require.NotContains(t, b.ok(get("/bucket?max-keys=2")).body, "NextMarker")
	require.Contains(t, b.ok(get("/bucket?max-keys=2&delimiter=/")).body, "<NextMarker>b/</NextMarker>")
	require.NotContains(t, b.ok(get("/bucket?max-keys=3&delimiter=/")).body, "NextMarker")
}

// TestNotModifiedHasTheHeaders: RFC 9110, section 15.4.5: a 304 carries what a
// 200 would say of caching.
func TestNotModifiedHasTheHeaders(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	b.ok(put("/bucket/k", "body", "Cache-Control", "max-age=60", "Expires", "Thu, 01 Jan 2032 00:00:00 GMT", "x-amz-meta-a", "b"))
	full := b.ok(get("/bucket/k"))
	for _, method := range []string{"GET", "HEAD"} {
		a := b.send(request{method: method, target: "/bucket/k", header: map[string]string{"If-None-Match": full.header.Get("ETag")}})
		require.Equal(t, 304, a.status)
		for _, name := range []string{"ETag", "Last-Modified", "Cache-Control", "Expires"} {
			require.Equal(t, full.header.Get(name), a.header.Get(name), "%s %s", method, name)
		}
	}
}

// TestAListingOfUploadsHoldsItsPage, however many there are, whatever the headers
// that they came with and in whichever order they are found.
func TestAListingOfUploadsHoldsItsPage(t *testing.T) {
	var all []store.Upload
	for i := range 3000 {
		u := store.Upload{Key: fmt.Sprintf("%d/%d", i%7, i%50), ID: fmt.Sprintf("%04d", i), Initiated: time.Unix(int64(i*7919%3000), 0)}
		u.Info = store.Info{ChecksumType: "COMPOSITE", Headers: map[string]string{"Cache-Control": strings.Repeat("x", 1000)}}
		all = append(all, u)
	}
	for _, p := range []uploadListing{
		{limit: 10},
		{limit: 1, delimiter: "/"},
		{limit: 4, prefix: "3", delimiter: "/"},
		{limit: 3, prefix: "3/", after: all[3]},
		{limit: 3, after: all[10], among: true},
		{limit: 0},
		{limit: 1000, prefix: "6/"},
	} {
		var want []store.Upload
		sorted := slices.SortedFunc(slices.Values(all), func(u, v store.Upload) int { return u.Compare(&v) })
		for _, u := range sorted {
			if behind := u.Key > p.after.Key || p.among && u.Compare(&p.after) > 0; !behind || !strings.HasPrefix(u.Key, p.prefix) {
				continue
			}
			u.Info = store.Info{ChecksumType: "COMPOSITE"}
			if n := len(want); n > 0 && p.common(&u) != "" && p.common(&u) == p.common(&want[n-1]) {
				want[n-1] = u
			} else if n <= p.limit {
				want = append(want, u)
			}
		}
		most := 0
		for _, u := range all {
			p.add(&u)
			most = max(most, len(p.first))
		}
		p.trim()
		require.Equal(t, want, p.first, "limit %d, prefix %q", p.limit, p.prefix)
		require.LessOrEqual(t, most, 4*(p.limit+1))
	}
}
