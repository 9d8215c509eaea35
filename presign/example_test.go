// SPDX-License-Identifier: Apache-2.0

package presign_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/presign"
	"github.com/sallyport-go/sallyport/sigv4"
)

// What a service signs with, and when.
var (
	exampleKeys  = sigv4.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	exampleClock = func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }
)

// A URL to download an object, with the name it is saved under.
func ExampleS3_Get() {
	s := &presign.S3{Region: "us-west-2", Now: exampleClock}
	u, err := s.Get(exampleKeys, "amzn-s3-demo-bucket", "a b/c+d.txt", &presign.Options{
		Expires:  time.Hour,
		Response: presign.Overrides{ContentDisposition: `attachment; filename="c.txt"`},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(u) // the field URL holds it whole
	fmt.Println(u.ExpiresAt.Format(time.TimeOnly))
	// Output:
	// GET https://amzn-s3-demo-bucket.s3.us-west-2.amazonaws.com/a%20b/c%2Bd.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260301%2Fus-west-2%2Fs3%2Faws4_request&X-Amz-Date=20260301T120000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&response-content-disposition=attachment%3B%20filename%3D%22c.txt%22&X-Amz-Signature=REDACTED
	// 13:00:00
}

// A URL for an upload, bound to type, length and checksum. Its holder must send
// the headers.
func ExampleS3_Put() {
	s := &presign.S3{Region: "us-west-2", Now: exampleClock}
	var u *presign.URL
	u, err := s.Put(exampleKeys, "amzn-s3-demo-bucket", "report.pdf", &presign.Options{
		ContentType: "application/pdf", ContentLength: 31415,
		Checksum:   presign.Checksum{Algorithm: "crc32c", Value: "yZRlqg=="},
		Encryption: presign.Encryption{Algorithm: "aws:kms", KMSKeyID: "alias/reports"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(u.Method, len(u.Header))
	line := u.CurlLine(false)
	fmt.Println(line[:strings.Index(line, " 'https")])
	// Output:
	// PUT 5
	// curl --path-as-is --globoff -X PUT --data-binary @FILE -H 'content-length: 31415' -H 'content-type: application/pdf' -H 'x-amz-checksum-crc32c: yZRlqg==' -H 'x-amz-server-side-encryption: aws:kms' -H 'x-amz-server-side-encryption-aws-kms-key-id: alias/reports'
}

// A copy: the source is a header, signed, so that the holder cannot choose
// another.
func ExampleS3_Copy() {
	s := &presign.S3{Region: "us-west-2"}
	u, err := s.Copy(exampleKeys, "amzn-s3-demo-bucket", "copy.txt", presign.Source{Bucket: "amzn-s3-demo-source", Key: "a b.txt"}, nil)
	fmt.Println(u.Header, err)
	// Output: map[X-Amz-Copy-Source:[amzn-s3-demo-source/a%20b.txt]] <nil>
}

// Temporary credentials that end before the URL would.
func ExampleOutliving() {
	role := exampleKeys
	role.SessionToken, role.Expires = "token", exampleClock().Add(20*time.Minute)
	for outliving := range presign.OutlivingReject + 1 {
		s := &presign.S3{Region: "us-west-2", Now: exampleClock, Outliving: outliving}
		u, err := s.Get(role, "amzn-s3-demo-bucket", "k", &presign.Options{Expires: time.Hour})
		if err != nil {
			fmt.Println(outliving, err)
			continue
		}
		fmt.Println(outliving, u.ExpiresAt.Format(time.TimeOnly), u.OutlivesCredentials)
	}
	// Output:
	// report 12:20:00 true
	// cap 12:20:00 false
	// reject presign: unusable expiry: it would outlive its credentials
}

// Where requests go, without signing anything.
func ExampleEndpoint_Resolve() {
	for _, bucket := range []string{
		"amzn-s3-demo-bucket", "my.bucket", "arn:aws:s3:us-west-2:123456789012:accesspoint/finance",
		"arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap",
	} {
		var l presign.Location
		l, err := presign.Endpoint{}.Resolve("us-west-2", bucket)
		fmt.Println(l.Host+l.Path, l.Algorithm, err)
	}
	_, err := presign.Endpoint{Accelerate: true, PathStyle: true}.Resolve("us-west-2", "amzn-s3-demo-bucket")
	fmt.Println(err)
	// Output:
	// amzn-s3-demo-bucket.s3.us-west-2.amazonaws.com AWS4-HMAC-SHA256 <nil>
	// s3.us-west-2.amazonaws.com/my.bucket AWS4-HMAC-SHA256 <nil>
	// finance-123456789012.s3-accesspoint.us-west-2.amazonaws.com AWS4-HMAC-SHA256 <nil>
	// mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com AWS4-ECDSA-P256-SHA256 <nil>
	// presign: no such endpoint: Accelerate goes with neither PathStyle nor FIPS
}

// What a URL that somebody sent says of itself.
func ExampleParse() {
	var p *presign.Presigned
	p, err := presign.Parse("http://amzn-s3-demo-bucket.s3.us-west-2.amazonaws.com/report.pdf?X-Amz-Algorithm=AWS4-HMAC-SHA256" +
		"&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260301%2Fus-west-2%2Fs3%2Faws4_request&X-Amz-Date=20260301T120000Z&X-Amz-Expires=900" +
		"&X-Amz-SignedHeaders=host&x-amz-acl=public-read&X-Amz-Signature=9a3b")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.AccessKeyID, p.Scope, p.Bucket, p.Key)
	fmt.Println("left:", p.Left(exampleClock().Add(5*time.Minute)))
	var findings []presign.Finding = p.FindingsAt(exampleClock().Add(time.Hour))
	for _, f := range findings {
		fmt.Println(f.Code+":", f.Message)
	}
	// Output:
	// AKIAIOSFODNN7EXAMPLE 20260301/us-west-2/s3/aws4_request amzn-s3-demo-bucket report.pdf
	// left: 10m0s
	// expired: the URL expired at 2026-03-01T12:15:00Z
	// http: the URL is a secret and goes over the wire in the clear
	// hoisted: x-amz-acl stands in the query, where S3 does not enforce it as a header
}

// A form for a page, and the server that takes it.
func ExamplePostVerifier() {
	s := &presign.S3{Region: "us-west-2", Now: exampleClock}
	var form *presign.PostForm
	form, err := s.Post(exampleKeys, &presign.PostPolicy{
		Bucket: "amzn-s3-demo-bucket", KeyPrefix: "home/ann/", MinSize: 1, MaxSize: 20,
		Prefixes: map[string]string{"Content-Type": "image/"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	v := &presign.PostVerifier{
		Auth: &sigv4.Verifier{
			Region: "us-west-2", Profile: sigv4.ProfileFor("s3"), Now: exampleClock,
			Keys: sigv4.StaticKeys{exampleKeys.AccessKeyID: {Secret: exampleKeys.SecretAccessKey}},
		},
		Bucket: func(r *http.Request) string { return strings.TrimPrefix(r.URL.Path, "/") },
	}
	send := func(contentType, content string) {
		var body strings.Builder
		for _, f := range form.Fields {
			var field presign.FormField = f
			if field.Name == "Content-Type" {
				field.Value = contentType
			}
			fmt.Fprintf(&body, "--b\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", field.Name, field.Value)
		}
		fmt.Fprintf(&body, "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"me.png\"\r\n\r\n%s\r\n--b--\r\n", content)
		r := httptest.NewRequest("POST", "/amzn-s3-demo-bucket", strings.NewReader(body.String()))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		var upload *presign.PostUpload
		upload, err := v.Verify(r)
		if err == nil {
			_, err = io.Copy(io.Discard, upload.File)
		}
		var refused *sigv4.Error
		if errors.As(err, &refused) {
			fmt.Println(refused.HTTPStatus, refused.Code, refused.Message)
			return
		}
		fmt.Println(upload.Status, upload.Key, upload.Fields["content-type"])
	}
	send("image/png", "a picture")
	send("text/html", "a picture")
	send("image/png", "a picture that is too large")
	// Output:
	// 204 home/ann/me.png image/png
	// 403 AccessDenied Invalid according to Policy: Policy Condition failed: ["starts-with","$Content-Type","image/"]
	// 400 EntityTooLarge Your proposed upload exceeds the maximum allowed size
}

// The message names what is wrong, the hint what to change.
func ExampleError() {
	s := &presign.S3{Region: "us-west-2"}
	_, err := s.Get(exampleKeys, "amzn-s3-demo-bucket", "k", &presign.Options{Expires: 8 * 24 * time.Hour})
	var e *presign.Error
	fmt.Println(errors.As(err, &e), e)
	fmt.Println(e.Hint())
	// Output:
	// true presign: unusable expiry: 192h0m0s is no whole number of seconds from one to seven days
	// Ask for whole seconds, at most seven days and no longer than the credentials live.
}
