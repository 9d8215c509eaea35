// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestListBucketsByPages: Amazon S3 API Reference, ListBuckets: the parameters
// select, and a client that asked for two must not take all for its answer.
func TestListBucketsByPages(t *testing.T) {
	b := newBench(t)
	b.bucket("alpha", "beta-1", "beta-2", "beta-3", "gamma")
	type page struct {
		Buckets           []string `xml:"Buckets>Bucket>Name"`
		Regions           []string `xml:"Buckets>Bucket>BucketRegion"`
		Prefix            string
		ContinuationToken string
	}
	list := func(query url.Values) (p page) {
		t.Helper()
		require.NoError(t, xml.Unmarshal([]byte(b.ok(get("/?"+query.Encode())).body), &p))
		return p
	}
	require.Len(t, list(nil).Buckets, 5)
	require.Empty(t, list(nil).Regions, "S3 names it where a parameter was given")
	p := list(url.Values{"prefix": {"beta-"}})
	require.Equal(t, []string{"beta-1", "beta-2", "beta-3"}, p.Buckets)
	require.Equal(t, "beta-", p.Prefix)
	require.Equal(t, []string{"us-east-1", "us-east-1", "us-east-1"}, p.Regions)
	require.Len(t, list(url.Values{"bucket-region": {"us-east-1"}}).Buckets, 5)
	require.Empty(t, list(url.Values{"bucket-region": {"eu-west-1"}}).Buckets)

	var all []string
	query := url.Values{"max-buckets": {"2"}}
	for range 3 {
		p = list(query)
		all = append(all, p.Buckets...)
		query.Set("continuation-token", p.ContinuationToken)
	}
	require.Equal(t, []string{"alpha", "beta-1", "beta-2", "beta-3", "gamma"}, all)
	require.Empty(t, p.ContinuationToken, "the last page has none")
	p = list(url.Values{"max-buckets": {"3"}, "prefix": {"beta-"}})
	require.Len(t, p.Buckets, 3)
	require.Empty(t, p.ContinuationToken, "nothing with the prefix is left")

	b.refuse([]refusal{
		{"none at all", get("/?max-buckets=0"), "InvalidArgument", 400},
		{"10001", get("/?max-buckets=10001"), "InvalidArgument", 400},
		{"no number", get("/?max-buckets=x"), "InvalidArgument", 400},
		{"a token that is none", get("/?continuation-token=*"), "InvalidArgument", 400},
		{"a token of no bucket", get("/?continuation-token=AAAA"), "InvalidArgument", 400},
	})
	b.ok(get("/?max-buckets=10000"))
}

// TestCreateBucketPromisesNothing: what a bucket would not have is refused
// (Amazon S3 API Reference, CreateBucket).
func TestCreateBucketPromisesNothing(t *testing.T) {
	b := newBench(t)
	with := func(element string) request {
		return put("/bucket", "<CreateBucketConfiguration>"+element+"</CreateBucketConfiguration>")
	}
	b.refuse([]refusal{
		{"object lock", put("/bucket", "", "x-amz-bucket-object-lock-enabled", "true"), "NotImplemented", 501},
		{"object lock, in capitals", put("/bucket", "", "x-amz-bucket-object-lock-enabled", "TRUE"), "NotImplemented", 501},
		{"tags", with("<Tags><Tag><Key>a</Key><Value>b</Value></Tag></Tags>"), "NotImplemented", 501},
		{"a directory bucket", with("<Location><Name>use1-az4</Name><Type>AvailabilityZone</Type></Location><Bucket><Type>Directory</Type></Bucket>"), "NotImplemented", 501},
		{"sthree-", put("/sthree-bucket", ""), "InvalidBucketName", 400},
		{"--ol-s3", put("/bucket--ol-s3", ""), "InvalidBucketName", 400},
		{"--x-s3", put("/bucket--use1-az4--x-s3", ""), "InvalidBucketName", 400},
		{"--table-s3", put("/bucket--table-s3", ""), "InvalidBucketName", 400},
		{".mrap", put("/bucket.mrap", ""), "InvalidBucketName", 400},
		{"nothing was made", get("/bucket"), "NoSuchBucket", 404},
	})
	b.ok(put("/bucket", "<CreateBucketConfiguration/>", "x-amz-bucket-object-lock-enabled", "false"))
}
