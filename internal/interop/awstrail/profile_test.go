// SPDX-License-Identifier: Apache-2.0

package awstrail

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/cloudtrail"
	"github.com/sallyport-go/sallyport/cloudtrail/s3source"
)

// BenchmarkServed validates a day of a served trail in this process: what it
// profiles is the client and the server together.
func BenchmarkServed(b *testing.B) {
	trail, end, inflated := longTrail(1, 450_000)
	c := serve(b, trail)
	client := s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &c.URL, UsePathStyle: true, Credentials: aws.AnonymousCredentials{},
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	})
	keys, err := cloudtrail.ParseKeys(trail.KeysJSON("us-east-1"))
	require.NoError(b, err)
	v := cloudtrail.Validator{
		Source: s3source.New(client), Keys: cloudtrail.KeyRing{"": keys}, Buckets: []string{"trail-logs"}, To: end, NewGunzip: s3source.NewGunzip,
	}
	b.SetBytes(inflated)
	b.ReportAllocs()
	for b.Loop() {
		rep, err := v.Run(b.Context())
		if err != nil || rep.Verdict != cloudtrail.Valid {
			b.Fatal(err, rep.Verdict)
		}
	}
}
