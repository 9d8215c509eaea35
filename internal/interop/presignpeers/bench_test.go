// SPDX-License-Identifier: Apache-2.0

package presignpeers

import (
	"context"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/cloudfront/sign"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/minio/minio-go/v7"
	miniocredentials "github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/presign"
	"github.com/sallyport-go/sallyport/presign/cloudfront"
	"github.com/sallyport-go/sallyport/sigv4"
	"github.com/stretchr/testify/require"
)

const benchKey = "home/ann/photo.jpg"

// BenchmarkGet presigns GetObject with a warm key, endpoint and URL included.
func BenchmarkGet(b *testing.B) {
	server := &interop.Server{URL: "http://127.0.0.1:9000", Region: "us-east-1", AccessKeyID: storeID, SecretAccessKey: storeKey}
	k := keys{storeID, storeKey, ""}
	v := &sigv4.Verifier{Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Keys: sigv4.StaticKeys{storeID: {Secret: storeKey}}}
	good := func(b *testing.B, rawURL string) {
		b.Helper()
		u, err := url.Parse(rawURL)
		require.NoError(b, err)
		r := httptest.NewRequest("GET", u.RequestURI(), nil)
		r.Host = u.Host
		_, err = v.Verify(r)
		require.NoError(b, err)
	}
	b.Run("sallyport", func(b *testing.B) {
		s := &presign.S3{Region: "us-east-1", Endpoint: presign.Endpoint{URL: server.URL, PathStyle: true}}
		c := sigv4.Credentials{AccessKeyID: storeID, SecretAccessKey: storeKey}
		u, err := s.Get(c, bucket, benchKey, nil)
		require.NoError(b, err)
		good(b, u.URL)
		b.ReportAllocs()
		b.SetBytes(int64(len(benchKey)))
		for b.Loop() {
			if _, err := s.Get(c, bucket, benchKey, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("aws-sdk-go-v2", func(b *testing.B) {
		p := s3.NewPresignClient(s3Client(server, k))
		in := &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(benchKey)}
		u, err := p.PresignGetObject(context.Background(), in)
		require.NoError(b, err)
		good(b, u.URL)
		b.ReportAllocs()
		b.SetBytes(int64(len(benchKey)))
		for b.Loop() {
			if _, err := p.PresignGetObject(context.Background(), in); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("minio-go", func(b *testing.B) {
		c, err := minio.New("127.0.0.1:9000", &minio.Options{Creds: miniocredentials.NewStaticV4(storeID, storeKey, ""), Region: "us-east-1"})
		require.NoError(b, err)
		u, err := c.PresignedGetObject(context.Background(), bucket, benchKey, 15*time.Minute, nil)
		require.NoError(b, err)
		good(b, u.String())
		b.ReportAllocs()
		b.SetBytes(int64(len(benchKey)))
		for b.Loop() {
			if _, err := c.PresignedGetObject(context.Background(), bucket, benchKey, 15*time.Minute, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkCloudFront signs a canned URL with RSA and SHA-1, which is all that
// the SDK's signer does.
func BenchmarkCloudFront(b *testing.B) {
	key := newRSA(b)
	const target = base + "/films/2026/a.mp4?size=large"
	expires := time.Now().Add(time.Hour)
	s := &cloudfront.Signer{KeyPairID: keyPairID, Key: key, Hash: cloudfront.SHA1}
	peer := sign.NewURLSigner(keyPairID, key)
	ours, err := s.SignURL(target, cloudfront.Policy{Expires: expires})
	require.NoError(b, err)
	theirs, err := peer.Sign(target, expires)
	require.NoError(b, err)
	require.Equal(b, strings.TrimSuffix(theirs, "\n"), ours, "PKCS #1 v1.5 is deterministic")
	b.Run("sallyport", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(target)))
		for b.Loop() {
			if _, err := s.SignURL(target, cloudfront.Policy{Expires: expires}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("aws-sdk-go-v2", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(target)))
		for b.Loop() {
			if _, err := peer.Sign(target, expires); err != nil {
				b.Fatal(err)
			}
		}
	})
}
