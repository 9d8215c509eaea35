// SPDX-License-Identifier: Apache-2.0

package s3source

import (
	"context"
	"errors"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

var _ cloudtrail.VersionSource = (*Source)(nil)

// versionClient is what a Client also has where versions can be listed;
// *s3.Client has it.
type versionClient interface {
	ListObjectVersions(ctx context.Context, in *s3.ListObjectVersionsInput, opts ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error)
}

// Versions yields the ids of the versions of an object, newest first. It yields
// an error for a client that has no ListObjectVersions.
func (s *Source) Versions(ctx context.Context, bucket, key string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		client, ok := s.client.(versionClient)
		if !ok {
			yield("", errors.ErrUnsupported)
			return
		}
		in := &s3.ListObjectVersionsInput{Bucket: &bucket, Prefix: &key}
		for range maxPages {
			page, err := client.ListObjectVersions(ctx, in)
			if err != nil {
				yield("", openError(ctx, err))
				return
			}
			for i := range page.Versions {
				v := &page.Versions[i]
				if aws.ToString(v.Key) != key {
					return // names that go on from this one come after it
				}
				if !yield(aws.ToString(v.VersionId), nil) {
					return
				}
			}
			if !aws.ToBool(page.IsTruncated) {
				return
			}
			in.KeyMarker, in.VersionIdMarker = page.NextKeyMarker, page.NextVersionIdMarker
		}
	}
}

// OpenVersion opens one version of an object as it is stored.
func (s *Source) OpenVersion(ctx context.Context, bucket, key, version string) (*cloudtrail.Object, error) {
	return s.open(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key, VersionId: &version})
}
