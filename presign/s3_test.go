// SPDX-License-Identifier: Apache-2.0

package presign_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/presign"
	"github.com/sallyport-go/sallyport/sigv4"
	"github.com/stretchr/testify/require"
)

var (
	docKeys   = sigv4.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	temporary = sigv4.Credentials{AccessKeyID: "ASIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", SessionToken: "session/token+="}
	start     = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

func clockAt(t time.Time) func() time.Time { return func() time.Time { return t } }

func newS3() *presign.S3 { return &presign.S3{Region: "us-west-2", Now: clockAt(start)} }

// PRE-47: the documentation's presigned GET, whose host is the global one (PRE-1, PRE-2).
func TestKnownAnswer(t *testing.T) {
	s := &presign.S3{Region: "us-east-1", Endpoint: presign.Endpoint{Global: true}, Now: clockAt(time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC))}
	u, err := s.Get(docKeys, "examplebucket", "test.txt", &presign.Options{Expires: 24 * time.Hour})
	require.NoError(t, err)
	require.Equal(t, "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"+
		"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404", u.URL)
	require.Nil(t, u.Header)
	require.Equal(t, http.MethodGet, u.Method)
	require.Equal(t, time.Date(2013, 5, 25, 0, 0, 0, 0, time.UTC), u.ExpiresAt)
}

// verifier accepts what the signer of newS3 makes.
func verifier() *sigv4.Verifier {
	return &sigv4.Verifier{
		Region: "us-west-2", Profile: sigv4.ProfileFor("s3"), Now: clockAt(start),
		Keys: sigv4.StaticKeys{
			docKeys.AccessKeyID:   {Secret: docKeys.SecretAccessKey},
			temporary.AccessKeyID: {Secret: temporary.SecretAccessKey, SessionToken: temporary.SessionToken},
		},
	}
}

// arrive turns a URL into the request that a server gets when its holder sends
// it as told.
func arrive(t testing.TB, u *presign.URL, body string) *http.Request {
	t.Helper()
	out, err := u.Request(context.Background(), strings.NewReader(body))
	require.NoError(t, err)
	var wire bytes.Buffer
	require.NoError(t, out.Write(&wire))
	return reread(t, wire.String())
}

func reread(t testing.TB, wire string) *http.Request {
	t.Helper()
	line, rest, _ := strings.Cut(wire, "\r\n")
	method, target, _ := strings.Cut(line, " ")
	target, _, _ = strings.Cut(target, " ")
	head, body, _ := strings.Cut(rest, "\r\n\r\n")
	r := httptest.NewRequest(method, "http://x/", strings.NewReader(body))
	parsed, err := url.ParseRequestURI(target)
	require.NoError(t, err)
	r.URL, r.RequestURI = parsed, target
	r.Header = make(http.Header)
	for h := range strings.SplitSeq(head, "\r\n") {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
		} else {
			r.Header.Add(name, value)
		}
	}
	return r
}

// PRE-11: each operation with its method, its sub-resource and its key; PRE-5: no
// x-id; PRE-7: the source of a copy is encoded.
func TestOperations(t *testing.T) {
	s := newS3()
	const b, k = "amzn-s3-demo-bucket", "a b/c+d.txt"
	src := presign.Source{Bucket: "from", Key: "x/y z+.txt", VersionID: "v/1"}
	for _, c := range []struct {
		name, method, query string
		object              bool
		call                func() (*presign.URL, error)
		header              string // name: value that must be there
	}{
		{"GetObject", "GET", "", true, func() (*presign.URL, error) { return s.Get(docKeys, b, k, nil) }, ""},
		{"HeadObject", "HEAD", "", true, func() (*presign.URL, error) { return s.Head(docKeys, b, k, nil) }, ""},
		{"PutObject", "PUT", "", true, func() (*presign.URL, error) { return s.Put(docKeys, b, k, nil) }, ""},
		{"DeleteObject", "DELETE", "", true, func() (*presign.URL, error) { return s.Delete(docKeys, b, k, nil) }, ""},
		{"CopyObject", "PUT", "", true, func() (*presign.URL, error) { return s.Copy(docKeys, b, k, src, nil) }, "X-Amz-Copy-Source: from/x/y%20z%2B.txt?versionId=v%2F1"},
		{"UploadPart", "PUT", "partNumber=7&uploadId=u%2F1", true, func() (*presign.URL, error) { return s.UploadPart(docKeys, b, k, "u/1", 7, nil) }, ""},
		{"UploadPartCopy", "PUT", "partNumber=1&uploadId=u", true, func() (*presign.URL, error) { return s.UploadPartCopy(docKeys, b, k, "u", 1, src, nil) }, "X-Amz-Copy-Source: from/x/y%20z%2B.txt?versionId=v%2F1"},
		{"CreateMultipartUpload", "POST", "uploads=", true, func() (*presign.URL, error) { return s.CreateMultipartUpload(docKeys, b, k, nil) }, ""},
		{"CompleteMultipartUpload", "POST", "uploadId=u", true, func() (*presign.URL, error) { return s.CompleteMultipartUpload(docKeys, b, k, "u", nil) }, ""},
		{"AbortMultipartUpload", "DELETE", "uploadId=u", true, func() (*presign.URL, error) { return s.AbortMultipartUpload(docKeys, b, k, "u", nil) }, ""},
		{"ListParts", "GET", "uploadId=u", true, func() (*presign.URL, error) { return s.ListParts(docKeys, b, k, "u", nil) }, ""},
		{"ListMultipartUploads", "GET", "uploads=", false, func() (*presign.URL, error) { return s.ListMultipartUploads(docKeys, b, nil) }, ""},
		{"ListObjectsV2", "GET", "list-type=2&prefix=a%2Fb", false, func() (*presign.URL, error) {
			return s.ListObjects(docKeys, b, &presign.Options{Query: url.Values{"prefix": {"a/b"}}})
		}, ""},
		{"ListObjectVersions", "GET", "versions=", false, func() (*presign.URL, error) { return s.ListVersions(docKeys, b, nil) }, ""},
		{"GetObjectTagging", "GET", "tagging=", true, func() (*presign.URL, error) { return s.GetTagging(docKeys, b, k, nil) }, ""},
		{"PutObjectTagging", "PUT", "tagging=", true, func() (*presign.URL, error) { return s.PutTagging(docKeys, b, k, nil) }, ""},
		{"DeleteObjectTagging", "DELETE", "tagging=", true, func() (*presign.URL, error) { return s.DeleteTagging(docKeys, b, k, nil) }, ""},
		{"GetObjectAttributes", "GET", "attributes=", true, func() (*presign.URL, error) { return s.GetAttributes(docKeys, b, k, nil) }, ""},
		{"GetObjectAcl", "GET", "acl=", true, func() (*presign.URL, error) { return s.GetACL(docKeys, b, k, nil) }, ""},
		{"PutObjectAcl", "PUT", "acl=", true, func() (*presign.URL, error) { return s.PutACL(docKeys, b, k, nil) }, ""},
		{"GetObjectRetention", "GET", "retention=", true, func() (*presign.URL, error) { return s.GetRetention(docKeys, b, k, nil) }, ""},
		{"PutObjectRetention", "PUT", "retention=", true, func() (*presign.URL, error) { return s.PutRetention(docKeys, b, k, nil) }, ""},
		{"GetObjectLegalHold", "GET", "legal-hold=", true, func() (*presign.URL, error) { return s.GetLegalHold(docKeys, b, k, nil) }, ""},
		{"PutObjectLegalHold", "PUT", "legal-hold=", true, func() (*presign.URL, error) { return s.PutLegalHold(docKeys, b, k, nil) }, ""},
		{"RestoreObject", "POST", "restore=", true, func() (*presign.URL, error) { return s.Restore(docKeys, b, k, nil) }, ""},
		{"SelectObjectContent", "POST", "select=&select-type=2", true, func() (*presign.URL, error) { return s.Select(docKeys, b, k, nil) }, ""},
		{"DeleteObjects", "POST", "delete=", false, func() (*presign.URL, error) { return s.DeleteObjects(docKeys, b, nil) }, ""},
		{"HeadBucket", "HEAD", "", false, func() (*presign.URL, error) { return s.HeadBucket(docKeys, b, nil) }, ""},
		{"CreateBucket", "PUT", "", false, func() (*presign.URL, error) { return s.CreateBucket(docKeys, b, nil) }, ""},
		{"DeleteBucket", "DELETE", "", false, func() (*presign.URL, error) { return s.DeleteBucket(docKeys, b, nil) }, ""},
		{"PutBucketCors", "PUT", "cors=", false, func() (*presign.URL, error) {
			return s.Do(docKeys, "PUT", b, "", url.Values{"cors": {""}}, http.Header{"Content-Md5": {"abc="}}, nil)
		}, "Content-Md5: abc="},
		{"GetObjectTorrent", "GET", "torrent=", true, func() (*presign.URL, error) {
			return s.Do(docKeys, "GET", b, k, url.Values{"torrent": {""}}, nil, nil)
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, err := c.call()
			require.NoError(t, err)
			require.Equal(t, c.method, u.Method)
			path := "https://amzn-s3-demo-bucket.s3.us-west-2.amazonaws.com/"
			if c.object {
				path += "a%20b/c%2Bd.txt"
			}
			head, query, _ := strings.Cut(u.URL, "?")
			require.Equal(t, path, head)
			var own []string
			for piece := range strings.SplitSeq(query, "&") {
				if !strings.HasPrefix(piece, "X-Amz-") {
					own = append(own, piece)
				}
			}
			require.Equal(t, c.query, strings.Join(own, "&"))
			require.NotContains(t, query, "x-id=")
			if c.header != "" {
				name, value, _ := strings.Cut(c.header, ": ")
				require.Equal(t, []string{value}, u.Header[name])
			} else {
				require.Empty(t, u.Header)
			}
			id, err := verifier().Verify(arrive(t, u, "the body"))
			require.NoError(t, err)
			require.Equal(t, docKeys.AccessKeyID, id.AccessKeyID)
		})
	}
	u, err := s.ListBuckets(docKeys, nil)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(u.URL, "https://s3.us-west-2.amazonaws.com/?X-Amz-"))
	u, err = s.Copy(docKeys, b, k, presign.Source{Bucket: "arn:aws:s3:us-west-2:123456789012:accesspoint/finance", Key: "a+b"}, nil)
	require.NoError(t, err)
	require.Equal(t, "arn%3Aaws%3As3%3Aus-west-2%3A123456789012%3Aaccesspoint/finance/object/a%2Bb", u.Header.Get("X-Amz-Copy-Source"))
}

// PRE-4: what moves to the query and what stays a header; PRE-12: overrides;
// PRE-7: a customer key is a header, and withheld; PRE-8: an exact length.
func TestOptions(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 32)
	o := &presign.Options{
		Expires: time.Hour, VersionID: "v1", ContentType: "text/plain; charset=utf-8", ContentLength: 8, SHA256: make([]byte, 32),
		Response: presign.Overrides{
			ContentType: "a/b", ContentLanguage: "de", Expires: "Thu, 01 Dec 1994 16:00:00 GMT", CacheControl: "no-cache",
			ContentDisposition: `attachment; filename="x y.txt"`, ContentEncoding: "gzip",
		},
		Checksum: presign.Checksum{Algorithm: "crc32c", Value: "AAAAAA=="}, Metadata: map[string]string{"Colour": "blue  green"},
		Tags: map[string]string{"b": "2 3", "a": "1&"}, ACL: "private", StorageClass: "GLACIER_IR",
		Encryption:   presign.Encryption{Algorithm: "aws:kms", KMSKeyID: "alias/k", KMSContext: "e30=", BucketKey: true},
		RequestPayer: true, ExpectedOwner: "111122223333", ExpectedSourceOwner: "444455556666", ChecksumMode: true,
		Header: http.Header{"Cache-Control": {"no-store"}, "If-None-Match": {"*"}, "User-Agent": {"mine"}},
		Query:  url.Values{"x-mine": {"1", "0"}},
	}
	u, err := newS3().Put(temporary, "amzn-s3-demo-bucket", "k", o)
	require.NoError(t, err)
	parsed, err := url.Parse(u.URL)
	require.NoError(t, err)
	q := parsed.Query()
	for name, want := range map[string]string{
		"versionId": "v1", "response-content-type": "a/b", "response-content-language": "de", "response-expires": "Thu, 01 Dec 1994 16:00:00 GMT",
		"response-cache-control": "no-cache", "response-content-disposition": `attachment; filename="x y.txt"`, "response-content-encoding": "gzip",
		"x-amz-request-payer": "requester", "x-amz-expected-bucket-owner": "111122223333", "x-amz-source-expected-bucket-owner": "444455556666",
		"x-amz-checksum-mode": "ENABLED", "X-Amz-Expires": "3600", "X-Amz-Security-Token": temporary.SessionToken,
	} {
		require.Equal(t, []string{want}, q[name], name)
	}
	require.Equal(t, []string{"0", "1"}, q["x-mine"], "SIG-11: canonical order on the wire")
	require.Empty(t, u.Header["X-Amz-Request-Payer"])
	for name, want := range map[string]string{
		"Content-Type": "text/plain; charset=utf-8", "Content-Length": "8", "X-Amz-Content-Sha256": strings.Repeat("0", 64), "X-Amz-Checksum-Crc32c": "AAAAAA==",
		"X-Amz-Meta-Colour": "blue  green", "X-Amz-Tagging": "a=1%26&b=2+3", "X-Amz-Acl": "private", "X-Amz-Storage-Class": "GLACIER_IR",
		"X-Amz-Server-Side-Encryption": "aws:kms", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": "alias/k", "X-Amz-Server-Side-Encryption-Context": "e30=",
		"X-Amz-Server-Side-Encryption-Bucket-Key-Enabled": "true", "Cache-Control": "no-store", "If-None-Match": "*", "User-Agent": "mine",
	} {
		require.Equal(t, []string{want}, u.Header[name], name)
	}
	require.Len(t, u.Header, 15)
	require.Empty(t, q["x-id"])
	_, err = verifier().Verify(arrive(t, u, "12345678"))
	require.NoError(t, err)

	u, err = newS3().Get(docKeys, "amzn-s3-demo-bucket", "k", &presign.Options{
		Encryption: presign.Encryption{CustomerKey: key},
		Header:     http.Header{"X-Amz-Request-Payer": {"requester"}, "X-Amz-Expected-Bucket-Owner": {"1"}},
	})
	require.NoError(t, err)
	require.Equal(t, "AES256", u.Header.Get("X-Amz-Server-Side-Encryption-Customer-Algorithm"))
	require.Equal(t, base64.StdEncoding.EncodeToString(key), u.Header.Get("X-Amz-Server-Side-Encryption-Customer-Key"))
	require.Equal(t, "y4HAEFCYWuvAXWFTtA1Qpg==", u.Header.Get("X-Amz-Server-Side-Encryption-Customer-Key-Md5"))
	require.Contains(t, u.URL, "&x-amz-expected-bucket-owner=1&x-amz-request-payer=requester&")
	require.Len(t, u.Header, 3)
	line := u.CurlLine(false)
	require.NotContains(t, line, base64.StdEncoding.EncodeToString(key))
	require.NotContains(t, line, "y4HAEF")
	require.Contains(t, u.CurlLine(true), base64.StdEncoding.EncodeToString(key))
	_, err = verifier().Verify(arrive(t, u, ""))
	require.NoError(t, err)
}

// PRE-6: nothing of the kind by default.
func TestNoChecksumIsMadeUp(t *testing.T) {
	u, err := newS3().Put(docKeys, "amzn-s3-demo-bucket", "k", nil)
	require.NoError(t, err)
	require.NotContains(t, strings.ToLower(u.URL), "checksum")
	require.NotContains(t, u.URL, "AAAAAA")
	require.Empty(t, u.Header)
}

func TestRefusedInput(t *testing.T) {
	long := strings.Repeat("k", 1024)
	for _, c := range []struct {
		name string
		call func(*presign.S3) (*presign.URL, error)
		is   error
	}{
		{"empty key", func(s *presign.S3) (*presign.URL, error) { return s.Get(docKeys, "bucket", "", nil) }, presign.ErrInput},
		{"key of 1025 bytes", func(s *presign.S3) (*presign.URL, error) { return s.Get(docKeys, "bucket", long+"k", nil) }, presign.ErrInput},
		{"key no UTF-8", func(s *presign.S3) (*presign.URL, error) { return s.Get(docKeys, "bucket", "\xff", nil) }, presign.ErrInput},
		{"empty bucket", func(s *presign.S3) (*presign.URL, error) { return s.Get(docKeys, "", "k", nil) }, presign.ErrInput},
		{"bucket with a slash", func(s *presign.S3) (*presign.URL, error) { return s.Get(docKeys, "a/b", "k", nil) }, presign.ErrInput},
		{"bucket that is a host", func(s *presign.S3) (*presign.URL, error) { return s.Get(docKeys, "evil.example#", "k", nil) }, presign.ErrInput},
		{"bucket of dots", func(s *presign.S3) (*presign.URL, error) { return s.Get(docKeys, "..", "k", nil) }, presign.ErrInput},
		{"no secret", func(s *presign.S3) (*presign.URL, error) {
			return s.Get(sigv4.Credentials{AccessKeyID: "A"}, "bucket", "k", nil)
		}, sigv4.ErrCredentials},
		{"half a second", expiring(500 * time.Millisecond), presign.ErrExpiry},
		{"a second and a half", expiring(1500 * time.Millisecond), presign.ErrExpiry},
		{"negative", expiring(-time.Second), presign.ErrExpiry},
		{"PRE-67 seven days and a second", expiring(7*24*time.Hour + time.Second), presign.ErrExpiry},
		{"part 0", func(s *presign.S3) (*presign.URL, error) { return s.UploadPart(docKeys, "bucket", "k", "u", 0, nil) }, presign.ErrInput},
		{"part 10001", func(s *presign.S3) (*presign.URL, error) {
			return s.UploadPart(docKeys, "bucket", "k", "u", 10001, nil)
		}, presign.ErrInput},
		{"no upload id", func(s *presign.S3) (*presign.URL, error) { return s.UploadPart(docKeys, "bucket", "k", "", 1, nil) }, presign.ErrInput},
		{"source without a key", func(s *presign.S3) (*presign.URL, error) {
			return s.Copy(docKeys, "bucket", "k", presign.Source{Bucket: "b"}, nil)
		}, presign.ErrInput},
		{"source bucket no name", func(s *presign.S3) (*presign.URL, error) {
			return s.Copy(docKeys, "bucket", "k", presign.Source{Bucket: "b/c", Key: "k"}, nil)
		}, presign.ErrInput},
		{"source bucket no ARN", func(s *presign.S3) (*presign.URL, error) {
			return s.Copy(docKeys, "bucket", "k", presign.Source{Bucket: "arn:x", Key: "k"}, nil)
		}, presign.ErrInput},
		{"line break in a header", with(presign.Options{ContentType: "a\r\nx-amz-acl: public-read"}), presign.ErrInput},
		{"header name no token", with(presign.Options{Header: http.Header{"a b": {"1"}}}), presign.ErrInput},
		{"metadata name no token", with(presign.Options{Metadata: map[string]string{"a:b": "1"}}), presign.ErrInput},
		{"metadata without a name", with(presign.Options{Metadata: map[string]string{"": "1"}}), presign.ErrInput},
		{"header with two values", with(presign.Options{Header: http.Header{"A": {"1", "2"}}}), presign.ErrInput},
		{"header given twice", with(presign.Options{ACL: "private", Header: http.Header{"X-Amz-Acl": {"public-read"}}}), presign.ErrInput},
		{"host header", with(presign.Options{Header: http.Header{"Host": {"evil.example"}}}), presign.ErrInput},
		{"token header", with(presign.Options{Header: http.Header{"x-amz-security-token": {"t"}}}), presign.ErrInput},
		{"Authorization", with(presign.Options{Header: http.Header{"Authorization": {"t"}}}), presign.ErrInput},
		{"expiry in the query", with(presign.Options{Query: url.Values{"X-Amz-Expires": {"9"}}}), presign.ErrInput},
		{"negative length", with(presign.Options{ContentLength: -1}), presign.ErrInput},
		{"hash of 31 bytes", with(presign.Options{SHA256: make([]byte, 31)}), presign.ErrInput},
		{"unknown checksum", with(presign.Options{Checksum: presign.Checksum{Algorithm: "md4", Value: "AAAA"}}), presign.ErrInput},
		{"checksum no base64", with(presign.Options{Checksum: presign.Checksum{Algorithm: "crc32", Value: "!"}}), presign.ErrInput},
		{"checksum of nothing", with(presign.Options{Checksum: presign.Checksum{Value: "AAAA"}}), presign.ErrInput},
		{"customer key of 16 bytes", with(presign.Options{Encryption: presign.Encryption{CustomerKey: make([]byte, 16)}}), presign.ErrInput},
		{"customer key beside SSE-S3", with(presign.Options{Encryption: presign.Encryption{CustomerKey: make([]byte, 32), Algorithm: "AES256"}}), presign.ErrInput},
		{"streaming payload", with(presign.Options{Header: http.Header{"X-Amz-Content-Sha256": {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}}}), presign.ErrInput},
		{"no method", func(s *presign.S3) (*presign.URL, error) { return s.Do(docKeys, "", "bucket", "", nil, nil, nil) }, presign.ErrInput},
		{"method no token", func(s *presign.S3) (*presign.URL, error) { return s.Do(docKeys, "G T", "bucket", "", nil, nil, nil) }, presign.ErrInput},
		{"key without a bucket", func(s *presign.S3) (*presign.URL, error) { return s.Do(docKeys, "GET", "", "k", nil, nil, nil) }, presign.ErrInput},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, err := c.call(newS3())
			require.ErrorIs(t, err, c.is)
			require.Nil(t, u)
			var e *presign.Error
			require.ErrorAs(t, err, &e)
			require.NotEqual(t, "See the message.", e.Hint())
			require.NotContains(t, err.Error(), docKeys.SecretAccessKey)
		})
	}
	_, err := newS3().Get(docKeys, "bucket", long, nil)
	require.NoError(t, err)
	_, err = expiring(7 * 24 * time.Hour)(newS3())
	require.NoError(t, err)
	_, err = newS3().UploadPart(docKeys, "bucket", "k", "u", 10_000, nil)
	require.NoError(t, err)
}

func expiring(d time.Duration) func(*presign.S3) (*presign.URL, error) {
	return with(presign.Options{Expires: d})
}

func with(o presign.Options) func(*presign.S3) (*presign.URL, error) {
	return func(s *presign.S3) (*presign.URL, error) { return s.Put(docKeys, "bucket", "k", &o) }
}

// PRE-10: keys are never cleaned, and every byte reaches the server as it is.
func TestKeysSurvive(t *testing.T) {
	var all strings.Builder
	for c := rune(1); c < 0x180; c++ {
		all.WriteRune(c)
	}
	for _, key := range []string{"a//b", "./x", "..", "../../x", "/leading", "trailing/", "a b+c%20d%2Fe", "?x=1&y#z", "é/日本", ";=&:@$,~*'()!", all.String()} {
		u, err := newS3().Get(docKeys, "amzn-s3-demo-bucket", key, nil)
		require.NoError(t, err)
		id, err := verifier().Verify(arrive(t, u, ""))
		require.NoError(t, err, key)
		require.Equal(t, "/"+key, id.Path)
		wire, _, _ := strings.Cut(strings.TrimPrefix(u.URL, "https://amzn-s3-demo-bucket.s3.us-west-2.amazonaws.com"), "?")
		r := &http.Request{Method: "GET", URL: &url.URL{Scheme: "https", Host: "h", Opaque: "//h" + wire}, Host: "h"}
		canonical, err := sigv4.Canonicalize(r, sigv4.ProfileFor("s3"), nil, "UNSIGNED-PAYLOAD")
		require.NoError(t, err)
		require.Equal(t, canonical.URI, wire, "the wire has the canonical form")
	}
}

// PRE-19 and PRE-20: the end of the credentials, in the three modes.
func TestOutlivingCredentials(t *testing.T) {
	s := newS3()
	c := temporary
	get := func(d time.Duration) (*presign.URL, error) {
		return s.Get(c, "bucket", "k", &presign.Options{Expires: d})
	}
	u, err := get(time.Hour)
	require.NoError(t, err)
	require.True(t, u.CredentialsEndUnknown)
	require.False(t, u.OutlivesCredentials)

	c.Expires = start.Add(30*time.Minute + 500*time.Millisecond)
	u, err = get(time.Hour)
	require.NoError(t, err)
	require.True(t, u.OutlivesCredentials)
	require.False(t, u.CredentialsEndUnknown)
	require.Equal(t, c.Expires, u.ExpiresAt)
	require.Contains(t, u.URL, "X-Amz-Expires=3600")
	u, err = get(30 * time.Minute)
	require.NoError(t, err)
	require.False(t, u.OutlivesCredentials)
	require.Equal(t, start.Add(30*time.Minute), u.ExpiresAt)

	s.Outliving = presign.OutlivingCap
	u, err = get(time.Hour)
	require.NoError(t, err)
	require.Contains(t, u.URL, "X-Amz-Expires=1800&")
	require.Equal(t, start.Add(30*time.Minute), u.ExpiresAt)
	require.False(t, u.OutlivesCredentials)
	c.Expires = start.Add(999 * time.Millisecond)
	_, err = get(time.Hour)
	require.ErrorIs(t, err, presign.ErrExpiry)
	c.Expires = start.Add(-time.Hour)
	_, err = get(time.Hour)
	require.ErrorIs(t, err, presign.ErrExpiry)

	s.Outliving = presign.OutlivingReject
	c.Expires = start.Add(time.Hour)
	_, err = get(time.Hour)
	require.NoError(t, err)
	_, err = get(time.Hour + time.Second)
	require.ErrorIs(t, err, presign.ErrExpiry)
}

// PRE-21: with a clock given, nothing else is asked (PRE-18).
func TestDefaultExpiryAndClock(t *testing.T) {
	u, err := newS3().Get(docKeys, "bucket", "k", nil)
	require.NoError(t, err)
	require.Contains(t, u.URL, "X-Amz-Date=20260301T120000Z&X-Amz-Expires=900&")
	require.Equal(t, start.Add(15*time.Minute), u.ExpiresAt)
	future := &presign.S3{Region: "us-west-2", Now: clockAt(start.AddDate(50, 0, 0))}
	u, err = future.Get(docKeys, "bucket", "k", nil)
	require.NoError(t, err)
	require.Contains(t, u.URL, "X-Amz-Date=20760301T120000Z")
	u, err = (&presign.S3{Region: "us-west-2"}).Get(docKeys, "bucket", "k", nil)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(15*time.Minute), u.ExpiresAt, time.Minute)
}

func TestOutlivingText(t *testing.T) {
	for o := range presign.OutlivingReject + 1 {
		text, err := o.MarshalText()
		require.NoError(t, err)
		var back presign.Outliving = 9
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, o, back)
	}
	_, err := presign.Outliving(9).MarshalText()
	require.ErrorIs(t, err, presign.ErrConfig)
	require.Equal(t, "unknown", presign.Outliving(9).String())
	require.ErrorIs(t, new(presign.Outliving).UnmarshalText([]byte("x")), presign.ErrConfig)
}

// The negative tests of PRE-64, PRE-24 and PRE-27: what a server with
// sigv4.Verifier answers to each change of a URL of ours.
func TestChangedURLIsRefused(t *testing.T) {
	s := newS3()
	good, err := s.Put(docKeys, "amzn-s3-demo-bucket", "a/b c", &presign.Options{Expires: time.Minute, ContentType: "text/plain"})
	require.NoError(t, err)
	withToken, err := s.Get(temporary, "amzn-s3-demo-bucket", "a", nil)
	require.NoError(t, err)
	other, err := s.Put(docKeys, "amzn-s3-demo-bucket", "other", &presign.Options{ContentType: "text/plain"})
	require.NoError(t, err)
	replace := func(old, new string) func(*http.Request) {
		return func(r *http.Request) {
			require.Contains(t, r.RequestURI, old)
			r.RequestURI = strings.Replace(r.RequestURI, old, new, 1)
			r.URL, err = url.ParseRequestURI(r.RequestURI)
			require.NoError(t, err)
		}
	}
	signatureOf := func(u string) string { return u[strings.Index(u, "X-Amz-Signature="):] }
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	type test struct {
		name   string
		url    *presign.URL
		after  time.Duration
		change func(*http.Request)
		code   string
	}
	tests := []test{
		{"expired by 1 s", good, 61 * time.Second, nil, "AccessDenied"},
		{"not yet valid", good, -15*time.Minute - time.Second, nil, "AccessDenied"},
		{"extra query parameter", good, 0, replace("?", "?x=1&"), "SignatureDoesNotMatch"},
		{"changed method", good, 0, func(r *http.Request) { r.Method = "GET" }, "SignatureDoesNotMatch"},
		{"PRE-9 GET URL used with HEAD", withToken, 0, func(r *http.Request) { r.Method = "HEAD" }, "SignatureDoesNotMatch"},
		{"changed host", good, 0, func(r *http.Request) { r.Host = "other.s3.us-west-2.amazonaws.com" }, "SignatureDoesNotMatch"},
		{"changed key byte", good, 0, replace("/a/", "/A/"), "SignatureDoesNotMatch"},
		{"slash encoded once more", good, 0, replace("/a/b", "/a%252Fb"), "SignatureDoesNotMatch"},
		{"dot segment", good, 0, replace("/a/b", "/a/./b"), "SignatureDoesNotMatch"},
		{"unsigned x-amz-copy-source", good, 0, header("X-Amz-Copy-Source", "/private/secrets"), "AccessDenied"},
		{"unsigned x-amz-acl", good, 0, header("X-Amz-Acl", "public-read"), "AccessDenied"},
		{"unsigned x-amz-meta-a", good, 0, header("X-Amz-Meta-A", "1"), "AccessDenied"},
		{"signed header missing", good, 0, func(r *http.Request) { r.Header.Del("Content-Type") }, ""},
		{"signed header changed", good, 0, header("Content-Type", "text/html"), "SignatureDoesNotMatch"},
		{"Authorization header added", good, 0, header("Authorization", "AWS4-HMAC-SHA256 Credential=a"), "InvalidArgument"},
		{"signature of another URL", good, 0, replace(signatureOf(good.URL), signatureOf(other.URL)), "SignatureDoesNotMatch"},
		{"token moved to a header", withToken, 0, func(r *http.Request) {
			replace("&X-Amz-Security-Token=session%2Ftoken%2B%3D", "")(r)
			r.Header.Set("X-Amz-Security-Token", temporary.SessionToken)
		}, ""},
		{"token removed", withToken, 0, replace("&X-Amz-Security-Token=session%2Ftoken%2B%3D", ""), ""},
		{"token changed", withToken, 0, replace("session%2Ftoken", "another"), ""},
	}
	for _, expires := range []string{"0", "-1", "1h1", "%2060", "6e2", "604801", "12345678901234567890", ""} {
		code := "AuthorizationQueryParametersError"
		if expires == "0" {
			code = "AccessDenied" // expired from the start, but the signature fails no earlier
		}
		tests = append(tests, test{"expires " + expires, good, 0, replace("X-Amz-Expires=60", "X-Amz-Expires="+expires), code})
	}
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"} {
		tests = append(tests,
			test{name + " missing", good, 0, replace(name+"=", "x-"+name+"="), "AuthorizationQueryParametersError"},
			test{name + " doubled", good, 0, replace("?", "?"+name+"=1&"), "AuthorizationQueryParametersError"},
			test{name + " empty", good, 0, func(r *http.Request) {
				value := r.URL.Query().Get(name)
				replace(name+"="+url.QueryEscape(value), name+"=")(r)
			}, "AuthorizationQueryParametersError"})
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			r := arrive(t, c.url, "body")
			if c.change != nil {
				c.change(r)
			}
			v := verifier()
			v.Now = clockAt(start.Add(c.after))
			_, err := v.Verify(r)
			var e *sigv4.Error
			require.ErrorAs(t, err, &e)
			if c.code != "" {
				require.Equal(t, c.code, e.Code, err)
			}
		})
	}
	for _, after := range []time.Duration{0, 60 * time.Second, -15 * time.Minute} {
		v := verifier()
		v.Now = clockAt(start.Add(after))
		_, err := v.Verify(arrive(t, good, "body"))
		require.NoError(t, err, "%v from the date is inside", after)
	}
}

// A pinned hash is checked while the body streams.
func TestPinnedBody(t *testing.T) {
	sum := []byte("\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad") // of "abc"
	u, err := newS3().Put(docKeys, "amzn-s3-demo-bucket", "k", &presign.Options{SHA256: sum})
	require.NoError(t, err)
	read := func(body string) error {
		r := arrive(t, u, body)
		_, err := verifier().Verify(r)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, r.Body)
		return err
	}
	require.NoError(t, read("abc"))
	var e *sigv4.Error
	require.ErrorAs(t, read("abd"), &e)
	require.Equal(t, "XAmzContentSHA256Mismatch", e.Code)
}

// PRE-23.
func TestURLWithholdsSecrets(t *testing.T) {
	u, err := newS3().Get(temporary, "amzn-s3-demo-bucket", "it's", nil)
	require.NoError(t, err)
	signature := u.URL[strings.LastIndex(u.URL, "=")+1:]
	for _, text := range []string{u.String(), u.CurlLine(false)} {
		require.NotContains(t, text, signature)
		require.NotContains(t, text, "session%2Ftoken")
		require.Contains(t, text, "X-Amz-Signature=REDACTED")
	}
	require.True(t, strings.HasPrefix(u.String(), "GET https://amzn-s3-demo-bucket.s3.us-west-2.amazonaws.com/it%27s?X-Amz-Algorithm="))
	require.Equal(t, "curl --path-as-is --globoff '"+u.URL+"'", u.CurlLine(true))
	head, err := newS3().Head(docKeys, "bucket", "k", nil)
	require.NoError(t, err)
	require.Contains(t, head.CurlLine(true), " --head 'https://")
	put, err := newS3().Put(docKeys, "bucket", "k", &presign.Options{Metadata: map[string]string{"a": "it's"}})
	require.NoError(t, err)
	require.Contains(t, put.CurlLine(true), ` -X PUT --data-binary @FILE -H 'Content-Type:' -H 'x-amz-meta-a: it'\''s' 'https://`)
	del, err := newS3().Delete(docKeys, "bucket", "k", nil)
	require.NoError(t, err)
	require.Contains(t, del.CurlLine(true), " -X 'DELETE' 'https://")
}

// PRE-3: the request with the headers that its holder must send, in PRE-8 the
// length.
func TestRequestIsWhatWasSigned(t *testing.T) {
	u, err := newS3().Put(docKeys, "bucket", "k", &presign.Options{ContentLength: 3})
	require.NoError(t, err)
	r, err := u.Request(t.Context(), io.NopCloser(strings.NewReader("abc")))
	require.NoError(t, err)
	require.EqualValues(t, 3, r.ContentLength)
	r.Header.Set("X", "1")
	require.Empty(t, u.Header["X"], "the request has headers of its own")
	_, err = (&presign.URL{Method: "G T", URL: u.URL}).Request(t.Context(), nil)
	require.ErrorIs(t, err, presign.ErrURL)
	_, err = (&presign.URL{Method: "GET", URL: u.URL, Header: http.Header{"Content-Length": {"x"}}}).Request(t.Context(), nil)
	require.ErrorIs(t, err, presign.ErrURL)
}

// More regions than are kept still work.
func TestManyRegions(t *testing.T) {
	s := newS3()
	for i := range 100 {
		bucket := "arn:aws:s3:r-" + string(rune('a'+i%26)) + string(rune('a'+i/26)) + ":123456789012:accesspoint/finance"
		_, err := s.Get(docKeys, bucket, "k", nil)
		require.NoError(t, err)
	}
}

func TestErrorKinds(t *testing.T) {
	err := error(&presign.Error{Kind: errors.New("another")})
	var e *presign.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "another", e.Error())
	require.Equal(t, "See the message.", e.Hint())
}
