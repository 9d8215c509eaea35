// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cloudtrailapi "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/cloudtrail/s3source"
)

// openBucket makes a bucket in S3 the source. Credentials, region and the
// endpoint of CloudTrail come from the usual environment variables; without
// credentials requests are not signed. Nothing else is asked for any of them.
func openBucket(_ context.Context, o *options, v *cloudtrail.Validator) (done func(), err error) {
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost, t.MaxIdleConns = o.workers+8, 0
		t.ReadBufferSize, t.WriteBufferSize = 16<<10, 4<<10
	})
	cfg := aws.Config{
		Region: region(o), HTTPClient: client, Credentials: aws.AnonymousCredentials{},
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
		RetryMaxAttempts:           3,
	}
	if id := os.Getenv("AWS_ACCESS_KEY_ID"); id != "" {
		cfg.Credentials = credentials.NewStaticCredentialsProvider(id, os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN"))
	}
	source := s3source.NewDirect(s3.NewFromConfig(cfg, func(s *s3.Options) {
		if o.endpoint != "" {
			s.BaseEndpoint, s.UsePathStyle = &o.endpoint, true
		}
	}))
	v.Source = source
	if o.versions {
		v.Versions = source
	}
	if v.Keys == nil {
		v.Keys = s3source.Keys{Client: cloudtrailapi.NewFromConfig(cfg, func(c *cloudtrailapi.Options) {
			if url := os.Getenv("AWS_ENDPOINT_URL_CLOUDTRAIL"); url != "" {
				c.BaseEndpoint = &url
			}
		})}
	}
	v.Buckets, v.WalkDepth, v.Live, v.NewGunzip = []string{o.bucket}, 4, true, s3source.NewGunzip
	return client.GetTransport().CloseIdleConnections, nil
}

// region is where the bucket is taken to be.
func region(o *options) string {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if r := os.Getenv(name); r != "" {
			return r
		}
	}
	if len(o.regions) > 0 {
		return o.regions[0]
	}
	return "us-east-1"
}
