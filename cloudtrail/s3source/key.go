// SPDX-License-Identifier: Apache-2.0

package s3source

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cloudtrailapi "github.com/aws/aws-sdk-go-v2/service/cloudtrail"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

// KeyClient is the part of a CloudTrail client that Keys uses;
// *cloudtrail.Client of the SDK has it.
type KeyClient interface {
	ListPublicKeys(ctx context.Context, in *cloudtrailapi.ListPublicKeysInput, opts ...func(*cloudtrailapi.Options)) (*cloudtrailapi.ListPublicKeysOutput, error)
}

// Keys is a cloudtrail.KeySource that asks CloudTrail, in the region that
// signed. It is safe for concurrent use when its client is.
type Keys struct {
	Client KeyClient // of any region: each call names its own
}

var _ cloudtrail.KeySource = Keys{}

// maxPages bounds how long an endpoint may go on answering.
const maxPages = 1000

// Keys returns the public keys of a region that were valid at some time in
// [from, to], from all pages of the answer.
func (k Keys) Keys(ctx context.Context, region string, from, to time.Time) ([]cloudtrail.PublicKey, error) {
	in := &cloudtrailapi.ListPublicKeysInput{StartTime: &from, EndTime: &to}
	var keys []cloudtrail.PublicKey
	for range maxPages {
		out, err := k.Client.ListPublicKeys(ctx, in, func(o *cloudtrailapi.Options) { o.Region = region })
		if err != nil {
			return nil, fmt.Errorf("s3source: public keys of %s: %w", region, err)
		}
		for _, p := range out.PublicKeyList {
			key := cloudtrail.NewPublicKey(p.Value, aws.ToTime(p.ValidityStartTime).UTC(), aws.ToTime(p.ValidityEndTime).UTC())
			if key.Fingerprint != aws.ToString(p.Fingerprint) {
				key = cloudtrail.PublicKey{
					Fingerprint: aws.ToString(p.Fingerprint), Value: p.Value, NotBefore: key.NotBefore, NotAfter: key.NotAfter,
				}
			}
			keys = append(keys, key)
		}
		if aws.ToString(out.NextToken) == "" {
			return keys, nil
		}
		in.NextToken = out.NextToken
	}
	return nil, fmt.Errorf("s3source: public keys of %s: more than %d pages", region, maxPages)
}
