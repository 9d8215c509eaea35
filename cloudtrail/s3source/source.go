// SPDX-License-Identifier: Apache-2.0

package s3source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/klauspost/compress/gzip"

	"github.com/sallyport-go/sallyport/cloudtrail"
)

// Client is the part of an S3 client that a Source uses; *s3.Client has it.
type Client interface {
	GetObject(ctx context.Context, in *s3.GetObjectInput, opts ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, opts ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
}

// Source is a cloudtrail.Source of buckets in S3. It is safe for concurrent
// use when its client is.
type Source struct {
	client Client
}

var _ cloudtrail.Source = (*Source)(nil)

// New returns a source that reads with a client.
func New(client Client) *Source { return &Source{client} }

// ErrRefused is wrapped by errors of Open for an object that the server does
// not hand out; the text is the server's code.
var ErrRefused = errors.New("s3source: refused")

// Open opens an object as it is stored: the SDK asks for the identity encoding,
// so that no transport inflates it.
func (s *Source) Open(ctx context.Context, bucket, key string) (*cloudtrail.Object, error) {
	return s.open(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
}

func (s *Source) open(ctx context.Context, in *s3.GetObjectInput) (*cloudtrail.Object, error) {
	out, err := s.client.GetObject(ctx, in)
	if err != nil {
		return nil, openError(ctx, err)
	}
	size := int64(-1)
	if out.ContentLength != nil {
		size = *out.ContentLength
	}
	return &cloudtrail.Object{Body: out.Body, Size: size, Metadata: out.Metadata}, nil
}

// openError sorts a failure and drops what differs from request to request, so
// that reports of equal trails are equal.
func openError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var api smithy.APIError
	var response *awshttp.ResponseError
	code, status := "", 0
	if errors.As(err, &api) {
		code = api.ErrorCode()
	}
	if errors.As(err, &response) {
		status = response.HTTPStatusCode()
	}
	switch {
	case code == "InvalidObjectState":
		return fmt.Errorf("%w: %s", cloudtrail.ErrArchived, code)
	case code == "NoSuchKey", code == "NoSuchBucket", status == http.StatusNotFound:
		return fs.ErrNotExist
	case code == "" && status == 0:
		return fmt.Errorf("%w: no answer", ErrRefused)
	case code == "":
		return fmt.Errorf("%w: status %d", ErrRefused, status)
	}
	return fmt.Errorf("%w: %s", ErrRefused, code)
}

// errPages is of a server that says that there is more and not where, or there
// where it was: what it listed is not all, and may never be.
var errPages = errors.New("s3source: the listing is cut and leads nowhere")

// List yields keys page by page.
func (s *Source) List(ctx context.Context, bucket, prefix, delimiter string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		in := &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix}
		if delimiter != "" {
			in.Delimiter = &delimiter
		}
		for {
			page, err := s.client.ListObjectsV2(ctx, in)
			if err != nil {
				yield("", openError(ctx, err))
				return
			}
			for i := range page.Contents {
				if !yield(aws.ToString(page.Contents[i].Key), nil) {
					return
				}
			}
			for i := range page.CommonPrefixes {
				if !yield(aws.ToString(page.CommonPrefixes[i].Prefix), nil) {
					return
				}
			}
			if !aws.ToBool(page.IsTruncated) {
				return
			}
			next := aws.ToString(page.NextContinuationToken)
			if next == "" || next == aws.ToString(in.ContinuationToken) {
				yield("", errPages)
				return
			}
			in.ContinuationToken = &next
		}
	}
}

// NewGunzip returns an inflater that is faster than the standard library's, for
// Validator.NewGunzip.
func NewGunzip() cloudtrail.Gunzip { return new(gzip.Reader) }
