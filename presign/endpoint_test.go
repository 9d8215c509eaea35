// SPDX-License-Identifier: Apache-2.0

package presign_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sallyport-go/sallyport/presign"
	"github.com/sallyport-go/sallyport/sigv4"
	"github.com/stretchr/testify/require"
)

const (
	demo    = "amzn-s3-demo-bucket"
	finance = "arn:aws:s3:us-west-2:123456789012:accesspoint/finance"
	lambda  = "arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/olap"
	outpost = "arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-01/accesspoint/finance"
	mrap    = "arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap"
	express = "demo--usw2-az1--x-s3"
)

// The table of section 2, row by row, with the examples of PRE-72 and PRE-73 and
// the ports of PRE-16.
func TestEndpoint(t *testing.T) {
	for _, c := range []struct {
		name, region, bucket string
		endpoint             presign.Endpoint
		want                 string // scheme://host/path region service
	}{
		{"virtual-hosted", "us-west-2", demo, presign.Endpoint{}, "https://amzn-s3-demo-bucket.s3.us-west-2.amazonaws.com us-west-2 s3"},
		{"path", "us-west-2", demo, presign.Endpoint{PathStyle: true}, "https://s3.us-west-2.amazonaws.com/amzn-s3-demo-bucket us-west-2 s3"},
		{"no bucket", "us-west-2", "", presign.Endpoint{}, "https://s3.us-west-2.amazonaws.com us-west-2 s3"},
		{"us-east-1 is a region like any other", "us-east-1", demo, presign.Endpoint{}, "https://amzn-s3-demo-bucket.s3.us-east-1.amazonaws.com us-east-1 s3"},
		{"global", "us-east-1", demo, presign.Endpoint{Global: true}, "https://amzn-s3-demo-bucket.s3.amazonaws.com us-east-1 s3"},
		{"global, path", "us-east-1", demo, presign.Endpoint{Global: true, PathStyle: true}, "https://s3.amazonaws.com/amzn-s3-demo-bucket us-east-1 s3"},
		{"dualstack", "us-west-2", demo, presign.Endpoint{DualStack: true}, "https://amzn-s3-demo-bucket.s3.dualstack.us-west-2.amazonaws.com us-west-2 s3"},
		{"dualstack, path", "us-west-2", demo, presign.Endpoint{DualStack: true, PathStyle: true}, "https://s3.dualstack.us-west-2.amazonaws.com/amzn-s3-demo-bucket us-west-2 s3"},
		{"FIPS", "us-west-2", demo, presign.Endpoint{FIPS: true}, "https://amzn-s3-demo-bucket.s3-fips.us-west-2.amazonaws.com us-west-2 s3"},
		{"FIPS + dualstack", "us-west-2", demo, presign.Endpoint{FIPS: true, DualStack: true}, "https://amzn-s3-demo-bucket.s3-fips.dualstack.us-west-2.amazonaws.com us-west-2 s3"},
		{"FIPS + dualstack, path", "us-west-2", demo, presign.Endpoint{FIPS: true, DualStack: true, PathStyle: true}, "https://s3-fips.dualstack.us-west-2.amazonaws.com/amzn-s3-demo-bucket us-west-2 s3"},
		{"accelerate", "us-west-2", demo, presign.Endpoint{Accelerate: true}, "https://amzn-s3-demo-bucket.s3-accelerate.amazonaws.com us-west-2 s3"},
		{"accelerate + dualstack", "us-west-2", demo, presign.Endpoint{Accelerate: true, DualStack: true}, "https://amzn-s3-demo-bucket.s3-accelerate.dualstack.amazonaws.com us-west-2 s3"},
		{"PRE-13 accelerate without a bucket", "us-west-2", "", presign.Endpoint{Accelerate: true}, "https://s3.us-west-2.amazonaws.com us-west-2 s3"},
		{"access point", "us-west-2", finance, presign.Endpoint{}, "https://finance-123456789012.s3-accesspoint.us-west-2.amazonaws.com us-west-2 s3"},
		{"access point with a colon", "us-west-2", strings.Replace(finance, "/", ":", 1), presign.Endpoint{}, "https://finance-123456789012.s3-accesspoint.us-west-2.amazonaws.com us-west-2 s3"},
		{"access point of another region", "eu-west-1", finance, presign.Endpoint{}, "https://finance-123456789012.s3-accesspoint.us-west-2.amazonaws.com us-west-2 s3"},
		{"access point FIPS", "us-west-2", finance, presign.Endpoint{FIPS: true}, "https://finance-123456789012.s3-accesspoint-fips.us-west-2.amazonaws.com us-west-2 s3"},
		{"access point dualstack", "us-west-2", finance, presign.Endpoint{DualStack: true}, "https://finance-123456789012.s3-accesspoint.dualstack.us-west-2.amazonaws.com us-west-2 s3"},
		{"access point FIPS + dualstack", "us-west-2", finance, presign.Endpoint{FIPS: true, DualStack: true}, "https://finance-123456789012.s3-accesspoint-fips.dualstack.us-west-2.amazonaws.com us-west-2 s3"},
		{"access point + URL", "us-west-2", finance, presign.Endpoint{URL: "https://vpce.example.com/x"}, "https://finance-123456789012.vpce.example.com/x us-west-2 s3"},
		{"object lambda", "us-west-2", lambda, presign.Endpoint{}, "https://olap-123456789012.s3-object-lambda.us-west-2.amazonaws.com us-west-2 s3-object-lambda"},
		{"object lambda FIPS", "us-west-2", lambda, presign.Endpoint{FIPS: true}, "https://olap-123456789012.s3-object-lambda-fips.us-west-2.amazonaws.com us-west-2 s3-object-lambda"},
		{"outposts", "us-west-2", outpost, presign.Endpoint{}, "https://finance-123456789012.op-01.s3-outposts.us-west-2.amazonaws.com us-west-2 s3-outposts"},
		{"outposts with colons", "us-west-2", strings.ReplaceAll(outpost, "/", ":"), presign.Endpoint{}, "https://finance-123456789012.op-01.s3-outposts.us-west-2.amazonaws.com us-west-2 s3-outposts"},
		{"PRE-72 multi-region", "us-west-2", mrap, presign.Endpoint{}, "https://mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com * s3"},
		{"S3 Express", "us-west-2", express, presign.Endpoint{}, "https://demo--usw2-az1--x-s3.s3express-usw2-az1.us-west-2.amazonaws.com us-west-2 s3express"},
		{"S3 Express access point", "us-west-2", "demo--usw2-az1--xa-s3", presign.Endpoint{}, "https://demo--usw2-az1--xa-s3.s3express-usw2-az1.us-west-2.amazonaws.com us-west-2 s3express"},
		{"S3 Express FIPS", "us-west-2", express, presign.Endpoint{FIPS: true}, "https://demo--usw2-az1--x-s3.s3express-fips-usw2-az1.us-west-2.amazonaws.com us-west-2 s3express"},
		{"S3 Express dualstack", "us-west-2", express, presign.Endpoint{DualStack: true}, "https://demo--usw2-az1--x-s3.s3express-usw2-az1.dualstack.us-west-2.amazonaws.com us-west-2 s3express"},
		{"S3 Express FIPS + dualstack", "us-west-2", express, presign.Endpoint{FIPS: true, DualStack: true}, "https://demo--usw2-az1--x-s3.s3express-fips-usw2-az1.dualstack.us-west-2.amazonaws.com us-west-2 s3express"},
		{"URL, address", "us-west-2", demo, presign.Endpoint{URL: "http://127.0.0.1:9000"}, "http://127.0.0.1:9000/amzn-s3-demo-bucket us-west-2 s3"},
		{"URL, IPv6 address", "us-west-2", demo, presign.Endpoint{URL: "http://[::1]:9000"}, "http://[::1]:9000/amzn-s3-demo-bucket us-west-2 s3"},
		{"URL, IPv6 address without a port", "us-west-2", demo, presign.Endpoint{URL: "http://[::1]"}, "http://[::1]/amzn-s3-demo-bucket us-west-2 s3"},
		{"URL, host", "us-west-2", demo, presign.Endpoint{URL: "https://s3.example.com:9000"}, "https://amzn-s3-demo-bucket.s3.example.com:9000 us-west-2 s3"},
		{"URL, path", "us-west-2", demo, presign.Endpoint{URL: "https://example.com/s3%2Fx/", PathStyle: true}, "https://example.com/s3%2Fx/amzn-s3-demo-bucket us-west-2 s3"},
		{"URL, default port of https", "us-west-2", demo, presign.Endpoint{URL: "https://s3.example.com:443"}, "https://amzn-s3-demo-bucket.s3.example.com us-west-2 s3"},
		{"URL, default port of http", "us-west-2", demo, presign.Endpoint{URL: "http://127.0.0.1:80"}, "http://127.0.0.1/amzn-s3-demo-bucket us-west-2 s3"},
		{"URL, other scheme's port", "us-west-2", demo, presign.Endpoint{URL: "http://s3.example.com:443"}, "http://amzn-s3-demo-bucket.s3.example.com:443 us-west-2 s3"},
		{"PRE-14 dot", "us-west-2", "my.bucket", presign.Endpoint{}, "https://s3.us-west-2.amazonaws.com/my.bucket us-west-2 s3"},
		{"PRE-14 dot over http", "us-west-2", "my.bucket", presign.Endpoint{URL: "http://s3.example.com"}, "http://s3.example.com/my.bucket us-west-2 s3"},
		{"PRE-14 upper case", "us-east-1", "MyBucket", presign.Endpoint{}, "https://s3.us-east-1.amazonaws.com/MyBucket us-east-1 s3"},
		{"PRE-14 underscore", "us-east-1", "my_bucket", presign.Endpoint{}, "https://s3.us-east-1.amazonaws.com/my_bucket us-east-1 s3"},
		{"PRE-14 two characters", "us-east-1", "ab", presign.Endpoint{}, "https://s3.us-east-1.amazonaws.com/ab us-east-1 s3"},
		{"PRE-14 64 characters", "us-east-1", strings.Repeat("a", 64), presign.Endpoint{}, "https://s3.us-east-1.amazonaws.com/" + strings.Repeat("a", 64) + " us-east-1 s3"},
		{"PRE-14 63 characters", "us-east-1", strings.Repeat("a", 63), presign.Endpoint{}, "https://" + strings.Repeat("a", 63) + ".s3.us-east-1.amazonaws.com us-east-1 s3"},
		{"China", "cn-north-1", demo, presign.Endpoint{}, "https://amzn-s3-demo-bucket.s3.cn-north-1.amazonaws.com.cn cn-north-1 s3"},
		{"GovCloud", "us-gov-west-1", demo, presign.Endpoint{FIPS: true}, "https://amzn-s3-demo-bucket.s3-fips.us-gov-west-1.amazonaws.com us-gov-west-1 s3"},
		{"iso", "us-iso-east-1", demo, presign.Endpoint{}, "https://amzn-s3-demo-bucket.s3.us-iso-east-1.c2s.ic.gov us-iso-east-1 s3"},
		{"iso-b", "us-isob-east-1", demo, presign.Endpoint{}, "https://amzn-s3-demo-bucket.s3.us-isob-east-1.sc2s.sgov.gov us-isob-east-1 s3"},
		{"iso-e", "eu-isoe-west-1", demo, presign.Endpoint{}, "https://amzn-s3-demo-bucket.s3.eu-isoe-west-1.cloud.adc-e.uk eu-isoe-west-1 s3"},
		{"iso-f", "us-isof-south-1", demo, presign.Endpoint{}, "https://amzn-s3-demo-bucket.s3.us-isof-south-1.csp.hci.ic.gov us-isof-south-1 s3"},
		{"European sovereign cloud", "eusc-de-east-1", demo, presign.Endpoint{}, "https://amzn-s3-demo-bucket.s3.eusc-de-east-1.amazonaws.eu eusc-de-east-1 s3"},
		{"suffix by hand", "us-west-2", demo, presign.Endpoint{DNSSuffix: "example.net"}, "https://amzn-s3-demo-bucket.s3.us-west-2.example.net us-west-2 s3"},
		{"http by hand", "us-west-2", demo, presign.Endpoint{Insecure: true}, "http://amzn-s3-demo-bucket.s3.us-west-2.amazonaws.com us-west-2 s3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := c.endpoint.Resolve(c.region, c.bucket)
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(c.want, l.Scheme+"://"+l.Host+l.Path+" "+l.Region+" "+l.Service))
			require.Equal(t, c.bucket == mrap, l.Algorithm == sigv4.AlgorithmV4A)
		})
	}
}

// PRE-15 and PRE-71: combinations that S3 does not offer.
func TestRefusedEndpoint(t *testing.T) {
	china := "arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/finance"
	for _, c := range []struct {
		name, region, bucket string
		endpoint             presign.Endpoint
	}{
		{"accelerate + path style", "us-west-2", demo, presign.Endpoint{Accelerate: true, PathStyle: true}},
		{"accelerate + FIPS", "us-west-2", demo, presign.Endpoint{Accelerate: true, FIPS: true}},
		{"accelerate + access point", "us-west-2", finance, presign.Endpoint{Accelerate: true}},
		{"accelerate + object lambda", "us-west-2", lambda, presign.Endpoint{Accelerate: true}},
		{"accelerate + outposts", "us-west-2", outpost, presign.Endpoint{Accelerate: true}},
		{"accelerate + dotted bucket", "us-west-2", "my.bucket", presign.Endpoint{Accelerate: true}},
		{"accelerate + upper case bucket", "us-west-2", "MyBucket", presign.Endpoint{Accelerate: true}},
		{"accelerate in GovCloud", "us-gov-west-1", demo, presign.Endpoint{Accelerate: true}},
		{"accelerate + S3 Express", "us-west-2", express, presign.Endpoint{Accelerate: true}},
		{"FIPS in China", "cn-north-1", demo, presign.Endpoint{FIPS: true}},
		{"FIPS in China, access point", "cn-north-1", china, presign.Endpoint{FIPS: true}},
		{"multi-region + FIPS", "us-west-2", mrap, presign.Endpoint{FIPS: true}},
		{"multi-region + dualstack", "us-west-2", mrap, presign.Endpoint{DualStack: true}},
		{"multi-region + accelerate", "us-west-2", mrap, presign.Endpoint{Accelerate: true}},
		{"multi-region + path style", "us-west-2", mrap, presign.Endpoint{PathStyle: true}},
		{"multi-region + URL", "us-west-2", mrap, presign.Endpoint{URL: "https://s3.example.com"}},
		{"URL + accelerate", "us-west-2", demo, presign.Endpoint{URL: "https://s3.example.com", Accelerate: true}},
		{"URL + dualstack", "us-west-2", demo, presign.Endpoint{URL: "https://s3.example.com", DualStack: true}},
		{"URL + FIPS", "us-west-2", demo, presign.Endpoint{URL: "https://s3.example.com", FIPS: true}},
		{"URL + global", "us-east-1", demo, presign.Endpoint{URL: "https://s3.example.com", Global: true}},
		{"path style + access point", "us-west-2", finance, presign.Endpoint{PathStyle: true}},
		{"path style + object lambda", "us-west-2", lambda, presign.Endpoint{PathStyle: true}},
		{"path style + outposts", "us-west-2", outpost, presign.Endpoint{PathStyle: true}},
		{"outposts + FIPS", "us-west-2", outpost, presign.Endpoint{FIPS: true}},
		{"outposts + dualstack", "us-west-2", outpost, presign.Endpoint{DualStack: true}},
		{"object lambda + dualstack", "us-west-2", lambda, presign.Endpoint{DualStack: true}},
		{"S3 Express + path style", "us-west-2", express, presign.Endpoint{PathStyle: true}},
		{"S3 Express without a zone", "us-west-2", "demo--x-s3", presign.Endpoint{}},
		{"S3 Express access point without a zone", "us-west-2", "demo--xa-s3", presign.Endpoint{}},
		{"S3 Express access point + path style", "us-west-2", "demo--usw2-az1--xa-s3", presign.Endpoint{PathStyle: true}},
		{"S3 Express with an empty zone", "us-west-2", "demo----x-s3", presign.Endpoint{}},
		{"global elsewhere", "us-west-2", demo, presign.Endpoint{Global: true}},
		{"global + dualstack", "us-east-1", demo, presign.Endpoint{Global: true, DualStack: true}},
		{"global + access point", "us-east-1", finance, presign.Endpoint{Global: true}},
		{"empty region", "", demo, presign.Endpoint{}},
		{"region that is a host", "evil.example", demo, presign.Endpoint{}},
		{"region with a slash", "us-west-2/x", demo, presign.Endpoint{}},
		{"ARN of another partition", "us-west-2", china, presign.Endpoint{}},
		{"ARN of another region", "eu-west-1", finance, presign.Endpoint{ClientRegionOnly: true}},
		{"ARN of five parts", "us-west-2", "arn:aws:s3:us-west-2:123456789012", presign.Endpoint{}},
		{"ARN of a bucket", "us-west-2", "arn:aws:s3:::demo", presign.Endpoint{}},
		{"ARN of another service", "us-west-2", "arn:aws:sqs:us-west-2:123456789012:accesspoint/finance", presign.Endpoint{}},
		{"ARN of another kind", "us-west-2", "arn:aws:s3:us-west-2:123456789012:storage-lens/finance", presign.Endpoint{}},
		{"ARN without an account", "us-west-2", "arn:aws:s3:us-west-2::accesspoint/finance", presign.Endpoint{}},
		{"ARN without a region and a dot", "us-west-2", "arn:aws:s3::123456789012:accesspoint/finance", presign.Endpoint{}},
		{"ARN with two components", "us-west-2", finance + "/object", presign.Endpoint{}},
		{"ARN with two components, colon", "us-west-2", finance + ":object", presign.Endpoint{}},
		{"ARN without a name", "us-west-2", "arn:aws:s3:us-west-2:123456789012:accesspoint/", presign.Endpoint{}},
		{"ARN with a dotted name", "us-west-2", "arn:aws:s3:us-west-2:123456789012:accesspoint/a.b", presign.Endpoint{}},
		{"ARN with an account that is a host", "us-west-2", "arn:aws:s3:us-west-2:1.evil:accesspoint/finance", presign.Endpoint{}},
		{"ARN with a region that is a host", "us-west-2", "arn:aws:s3:a.evil:123456789012:accesspoint/finance", presign.Endpoint{}},
		{"multi-region alias with an empty label", "us-west-2", "arn:aws:s3::123456789012:accesspoint/a..mrap", presign.Endpoint{}},
		{"outpost without an id", "us-west-2", "arn:aws:s3-outposts:us-west-2:123456789012:outpost//accesspoint/finance", presign.Endpoint{}},
		{"outpost without a name", "us-west-2", "arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-01/accesspoint", presign.Endpoint{}},
		{"outpost bucket", "us-west-2", "arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-01/bucket/b", presign.Endpoint{}},
		{"outpost with more", "us-west-2", outpost + "/x", presign.Endpoint{}},
		{"access point at an address", "us-west-2", finance, presign.Endpoint{URL: "http://127.0.0.1:9000"}},
		{"URL without a scheme", "us-west-2", demo, presign.Endpoint{URL: "s3.example.com"}},
		{"URL of another scheme", "us-west-2", demo, presign.Endpoint{URL: "ftp://s3.example.com"}},
		{"URL without a host", "us-west-2", demo, presign.Endpoint{URL: "https://:443"}},
		{"URL with a user", "us-west-2", demo, presign.Endpoint{URL: "https://u:p@s3.example.com"}},
		{"URL with a query", "us-west-2", demo, presign.Endpoint{URL: "https://s3.example.com?"}},
		{"URL with a fragment", "us-west-2", demo, presign.Endpoint{URL: "https://s3.example.com#"}},
		{"URL malformed", "us-west-2", finance, presign.Endpoint{URL: "https://[::1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := c.endpoint.Resolve(c.region, c.bucket)
			require.ErrorIs(t, err, presign.ErrEndpoint)
		})
	}
}

func TestExpressBuckets(t *testing.T) {
	s := newS3()
	u, err := s.CreateBucket(docKeys, express, nil)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(u.URL, "https://s3express-control.us-west-2.amazonaws.com/demo--usw2-az1--x-s3?"))
	u, err = s.DeleteBucket(docKeys, express, nil)
	require.NoError(t, err)
	require.Contains(t, u.URL, "%2Fus-west-2%2Fs3express%2Faws4_request")
	_, err = s.DeleteBucket(docKeys, "demo--usw2-az1--xa-s3", nil)
	require.ErrorIs(t, err, presign.ErrEndpoint)

	// PRE-17: objects need the credentials of a session.
	_, err = s.Get(docKeys, "demo--usw2-az1--xa-s3", "k", nil)
	require.ErrorIs(t, err, presign.ErrCredentials)
	_, err = s.Get(docKeys, express, "k", nil)
	require.ErrorIs(t, err, presign.ErrCredentials)
	require.ErrorContains(t, err, "CreateSession")
	u, err = s.Get(temporary, express, "k", nil)
	require.NoError(t, err)
	require.Contains(t, u.URL, "&X-Amz-S3session-Token=session%2Ftoken%2B%3D&")
	require.NotContains(t, u.URL, "X-Amz-Security-Token")
	require.NotContains(t, u.String(), "session%2Ftoken")

	_, err = s.CreateBucket(docKeys, finance, nil)
	require.ErrorIs(t, err, presign.ErrEndpoint, "an access point is no bucket to create")
}

// PRE-72: signed for every region, without a region in the scope.
func TestMultiRegionAccessPoint(t *testing.T) {
	u, err := newS3().Get(docKeys, mrap, "a b", nil)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(u.URL, "https://mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com/a%20b?X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&"+
		"X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260301%2Fs3%2Faws4_request&X-Amz-Date=20260301T120000Z&X-Amz-Expires=900&X-Amz-Region-Set=%2A&X-Amz-SignedHeaders=host&X-Amz-Signature="), u.URL)
	v := verifier()
	v.Modes = sigv4.ModeQuery | sigv4.ModeV4A
	id, err := v.Verify(arrive(t, u, ""))
	require.NoError(t, err)
	require.Equal(t, []string{"*"}, id.RegionSet)
	p, err := presign.Parse(u.URL)
	require.NoError(t, err)
	require.Equal(t, "*", p.RegionSet)
	require.Empty(t, p.Scope.Region)
	require.Equal(t, "access-point", p.Style)
	require.Empty(t, p.Findings)
}
