// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/sigv4"
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

// TestTheRegionIsTold: who asks in another region, or without a signature, finds
// the bucket's in a header, for an answer to HEAD has no body (Amazon S3 API
// Reference, HeadBucket); boto3 and aws-sdk-go-v2 look there.
func TestTheRegionIsTold(t *testing.T) {
	b := newBench(t)
	b.bucket("bucket")
	ask := func(method, target, region string, host ...string) answer {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, b.url+target, nil)
		require.NoError(t, err)
		if len(host) > 0 {
			r.Host = host[0]
		}
		if region != "" {
			owner := b.config.Users[0]
			signer := &sigv4.Signer{Region: region, Profile: sigv4.ProfileFor("s3")}
			_, err = signer.Sign(r, sigv4.Credentials{AccessKeyID: owner.AccessKeyID, SecretAccessKey: owner.SecretAccessKey}, sigv4.Payload{})
			require.NoError(t, err)
		}
		return b.do(r)
	}
	for _, tt := range []struct {
		method, target, region string
		status                 int
		told                   string
	}{
		{"HEAD", "/bucket", "us-east-1", 200, "us-east-1"},
		{"HEAD", "/bucket", "eu-west-1", 400, "us-east-1"},
		{"HEAD", "/bucket/k", "eu-west-1", 400, "us-east-1"},
		{"GET", "/bucket?list-type=2", "eu-west-1", 400, "us-east-1"},
		{"HEAD", "/bucket", "", 403, "us-east-1"},
		{"HEAD", "/none", "us-east-1", 404, ""},
		{"HEAD", "/bucket/none", "us-east-1", 404, ""},
		{"GET", "/bucket/k", "", 403, ""},
	} {
		a := ask(tt.method, tt.target, tt.region)
		require.Equal(t, tt.status, a.status, "%v", tt)
		require.Equal(t, tt.told, a.header.Get("x-amz-bucket-region"), "%v", tt)
	}
	// SIG-69: another region will do for GetBucketLocation and ListBuckets only,
	// and the root of a bucket's own host is not ListBuckets.
	require.Equal(t, 200, ask("GET", "/", "eu-west-1").status)
	require.Equal(t, 200, ask("GET", "/bucket?location", "eu-west-1").status)
	require.Equal(t, 200, ask("GET", "/?location", "eu-west-1", "bucket.s3.test").status)
	a := ask("GET", "/", "eu-west-1", "bucket.s3.test")
	require.Equal(t, "AuthorizationHeaderMalformed", a.code)
	require.Equal(t, "us-east-1", a.header.Get("x-amz-bucket-region"))
}
