// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/md5"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	demoBucket = "demo-bucket"
	demoKey    = "letters/hello world+(1).txt"
)

// demoBody is a million bytes: sixteen frames of an encrypted body.
var demoBody = strings.Repeat("sally forth, ", 80_000)

// objectSteps are buckets, objects, listings and presigned URLs.
var objectSteps = []step{
	{"create a bucket", func(ctx context.Context, t *theater) (string, error) {
		_, err := t.alice.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(demoBucket)})
		return demoBucket, err
	}},
	{"put an object", func(ctx context.Context, t *theater) (string, error) {
		out, err := t.alice.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String(demoBucket), Key: aws.String(demoKey), Body: strings.NewReader(demoBody),
			ContentType: aws.String("text/plain"), Metadata: map[string]string{"origin": "demo"},
		})
		if err != nil {
			return "", err
		}
		want := fmt.Sprintf(`"%x"`, md5.Sum([]byte(demoBody)))
		return fmt.Sprintf("%d bytes, ETag %s", len(demoBody), *out.ETag), expect("ETag", *out.ETag, want)
	}},
	{"get it back", func(ctx context.Context, t *theater) (string, error) {
		out, body, err := read(ctx, t.alice, demoKey)
		if err != nil {
			return "", err
		}
		if body != demoBody {
			return "", fmt.Errorf("the body of %d bytes is another", len(body))
		}
		return "the same bytes, metadata " + out.Metadata["origin"], expect("metadata", out.Metadata["origin"], "demo")
	}},
	{"get a range", func(ctx context.Context, t *theater) (string, error) {
		out, body, err := read(ctx, t.alice, demoKey, func(in *s3.GetObjectInput) { in.Range = aws.String("bytes=700000-700099") })
		if err != nil {
			return "", err
		}
		return *out.ContentRange, expect("the range", body, demoBody[700000:700100])
	}},
	{"list by prefix and delimiter, in pages", listStep},
	{"get a presigned URL by plain net/http", func(ctx context.Context, t *theater) (string, error) {
		p, err := s3.NewPresignClient(t.alice).PresignGetObject(ctx,
			&s3.GetObjectInput{Bucket: aws.String(demoBucket), Key: aws.String(demoKey)}, s3.WithPresignExpires(time.Minute))
		if err != nil {
			return "", err
		}
		t.link = p.URL
		status, body, err := fetch(ctx, t.link)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%d, %d bytes", status, len(body)), expect("the body", body, demoBody)
	}},
	{"change a byte of the URL: refused", func(ctx context.Context, t *theater) (string, error) {
		return fetchRefused(ctx, strings.Replace(t.link, "hello", "hellp", 1), "SignatureDoesNotMatch")
	}},
	{"add a parameter to the URL: refused", func(ctx context.Context, t *theater) (string, error) {
		return fetchRefused(ctx, t.link+"&response-content-type=text/html", "SignatureDoesNotMatch")
	}},
	{"sign with another secret: refused", func(ctx context.Context, t *theater) (string, error) {
		forger := alice
		forger.SecretAccessKey = "guessed"
		_, err := client(t.server.url(), forger).ListBuckets(ctx, &s3.ListBucketsInput{})
		return refused(err, "SignatureDoesNotMatch")
	}},
	{"sign nothing: refused", func(ctx context.Context, t *theater) (string, error) {
		return fetchRefused(ctx, t.server.url()+"/"+demoBucket+"/letters/a", "AccessDenied")
	}},
	{"tamper with a signed body: refused", tamperedBodyStep},
	{"delete the bucket with objects in it: refused", func(ctx context.Context, t *theater) (string, error) {
		_, err := t.alice.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String(demoBucket)})
		return refused(err, "BucketNotEmpty")
	}},
}

func listStep(ctx context.Context, t *theater) (string, error) {
	for _, key := range []string{"letters/a", "letters/b/1", "letters/b/2", "zebra"} {
		_, err := t.alice.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(demoBucket), Key: aws.String(key), Body: strings.NewReader(key)})
		if err != nil {
			return "", err
		}
	}
	var got []string
	pages := s3.NewListObjectsV2Paginator(t.alice, &s3.ListObjectsV2Input{
		Bucket: aws.String(demoBucket), Prefix: aws.String("letters/"), Delimiter: aws.String("/"), MaxKeys: aws.Int32(1),
	})
	n := 0
	for ; pages.HasMorePages(); n++ {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", err
		}
		for _, o := range page.Contents {
			got = append(got, *o.Key)
		}
		for _, p := range page.CommonPrefixes {
			got = append(got, *p.Prefix)
		}
	}
	want := "letters/a letters/b/ " + demoKey
	return fmt.Sprintf("%d pages", n), expect("the listing", strings.Join(got, " "), want)
}

// tamperedBodyStep signs one body and sends another of the same length.
func tamperedBodyStep(ctx context.Context, t *theater) (string, error) {
	swap := func(o *s3.Options) {
		o.HTTPClient = &http.Client{Transport: swapBody("dishonest")}
	}
	_, err := t.alice.PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(demoBucket), Key: aws.String("letters/a"), Body: strings.NewReader("truthful!"),
	}, swap)
	result, err := refused(err, "XAmzContentSHA256Mismatch")
	if err != nil {
		return "", err
	}
	_, body, err := read(ctx, t.alice, "letters/a")
	if err != nil {
		return "", err
	}
	return result + ", the old object is whole", expect("the object", body, "letters/a")
}

// swapBody is a proxy that replaces what clients send.
type swapBody string

func (s swapBody) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(string(s))), int64(len(s))
	return http.DefaultTransport.RoundTrip(r)
}

// fetch gets a URL as anybody would.
func fetch(ctx context.Context, url string) (int, string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

// fetchRefused gets a URL that has to be refused with S3's code.
func fetchRefused(ctx context.Context, url, code string) (string, error) {
	status, body, err := fetch(ctx, url)
	if err != nil {
		return "", err
	}
	if status != http.StatusForbidden || !strings.Contains(body, "<Code>"+code+"</Code>") {
		return "", fmt.Errorf("status %d, %.200s", status, body)
	}
	return fmt.Sprintf("refused: %d %s", status, code), nil
}
