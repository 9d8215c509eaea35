// SPDX-License-Identifier: Apache-2.0

package presign_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/presign"
	"github.com/sallyport-go/sallyport/sigv4"
	"github.com/stretchr/testify/require"
)

// What went wrong elsewhere, by name, and does not here.

// CVE-2026-54330 and its like (Ceph RGW, RustFS, s3s, s3proxy): a presigned PUT
// with an unsigned x-amz-copy-source copied any object that the signer could
// read.
func TestIncidentUnsignedCopySource(t *testing.T) {
	u, err := newS3().Put(docKeys, demo, "mine", nil)
	require.NoError(t, err)
	for _, name := range []string{"X-Amz-Copy-Source", "X-Amz-Acl", "X-Amz-Meta-A", "X-Amz-Tagging", "x-amz-grant-full-control"} {
		r := arrive(t, u, "")
		r.Header.Set(name, "/private/secrets")
		_, err := verifier().Verify(r)
		var e *sigv4.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, "AccessDenied", e.Code)
		require.Equal(t, "HeadersNotSigned", e.Fields[0].Name)
	}
	// And what is signed cannot be exchanged.
	u, err = newS3().Copy(docKeys, demo, "mine", presign.Source{Bucket: demo, Key: "public"}, nil)
	require.NoError(t, err)
	r := arrive(t, u, "")
	r.Header.Set("X-Amz-Copy-Source", demo+"/private")
	_, err = verifier().Verify(r)
	require.ErrorIs(t, err, sigv4.ErrSignatureMismatch)
}

// aws-sdk-go-v2 #2610: headers hoisted into the query are not enforced by S3,
// so whoever held the URL could leave the ACL out, or another in.
func TestIncidentHoistedHeaders(t *testing.T) {
	u, err := newS3().Put(docKeys, demo, "k", &presign.Options{
		ACL: "private", Metadata: map[string]string{"a": "1"}, Tags: map[string]string{"a": "1"}, StorageClass: "STANDARD",
		Encryption: presign.Encryption{Algorithm: "AES256"}, Header: http.Header{"X-Amz-Object-Lock-Mode": {"GOVERNANCE"}, "X-Amz-Mfa": {"1"}},
	})
	require.NoError(t, err)
	require.Len(t, u.Header, 7)
	parsed, err := url.Parse(u.URL)
	require.NoError(t, err)
	for name := range parsed.Query() {
		require.True(t, strings.HasPrefix(name, "X-Amz-"), name)
	}
}

// aws-sdk-go-v2 #2508 and #2764: expected-bucket-owner and request-payer work
// in the query only under their lowercase names.
func TestIncidentNamesInTheQuery(t *testing.T) {
	u, err := newS3().Get(docKeys, demo, "k", &presign.Options{RequestPayer: true, ExpectedOwner: "111122223333"})
	require.NoError(t, err)
	require.Contains(t, u.URL, "&x-amz-expected-bucket-owner=111122223333&x-amz-request-payer=requester&")
	require.Empty(t, u.Header)
}

// smithy-js 3.729: URLs for uploads carried the checksum of an empty body, so
// that every real upload failed.
func TestIncidentChecksumOfNothing(t *testing.T) {
	u, err := newS3().UploadPart(docKeys, demo, "k", "u", 1, nil)
	require.NoError(t, err)
	require.NotContains(t, strings.ToLower(u.URL), "crc32")
	require.Empty(t, u.Header)
}

// aws-sdk-go-v2 #2724 and #1557: a URL of seven days, signed by a role, died
// with the role's session after one hour, and nobody was told.
func TestIncidentURLDiesWithItsCredentials(t *testing.T) {
	role := temporary
	role.Expires = start.Add(time.Hour)
	u, err := newS3().Get(role, demo, "k", &presign.Options{Expires: 7 * 24 * time.Hour})
	require.NoError(t, err)
	require.True(t, u.OutlivesCredentials)
	require.Equal(t, role.Expires, u.ExpiresAt)
}

// MinIO read X-Amz-Expires as a duration, so 1h1 was one.
func TestIncidentExpiresAsDuration(t *testing.T) {
	u, err := newS3().Get(docKeys, demo, "k", nil)
	require.NoError(t, err)
	_, err = presign.Parse(strings.Replace(u.URL, "Expires=900", "Expires=1h1", 1))
	require.ErrorIs(t, err, presign.ErrURL)
}

// awsig refused any date in the future, and so every client whose clock is a
// little fast.
func TestIncidentClockALittleFast(t *testing.T) {
	u, err := (&presign.S3{Region: "us-west-2", Now: clockAt(start.Add(time.Minute))}).Get(docKeys, demo, "k", nil)
	require.NoError(t, err)
	_, err = verifier().Verify(arrive(t, u, ""))
	require.NoError(t, err)
}

// supabase/storage #1211 and others (SIG-94): the signature of the policy was
// checked and its conditions were not.
func TestIncidentConditionsNeverEvaluated(t *testing.T) {
	fields := append([]field{{"key", "other/a"}}, signed(t, policyOf(`["starts-with","$key","home/"]`))...)
	_, _, err := upload(post(encode(fields, "f", "x")))
	requireRefused(t, err, presign.ErrCondition, 403, "AccessDenied")
}

// ministack #1232 and floci #1841 (SIG-95): a signature was enough for being
// there.
func TestIncidentPresenceIsNoProof(t *testing.T) {
	fields := append([]field{{"key", "k"}}, signed(t, policyOf(`{"key":"k"}`))...)
	for _, value := range []string{"", "x", strings.Repeat("0", 64)} {
		fields[len(fields)-1].value = value
		_, _, err := upload(post(encode(fields, "f", "x")))
		require.Error(t, err)
	}
}

// MinIO #5411 (SIG-93): what signs a form signs no request.
func TestIncidentFormSignatureInTheQuery(t *testing.T) {
	form, err := newS3().Post(docKeys, &presign.PostPolicy{Bucket: demo, Key: "k", MaxSize: 10})
	require.NoError(t, err)
	query := url.Values{"X-Amz-Expires": {"900"}, "X-Amz-SignedHeaders": {"host"}}
	for name, param := range map[string]string{
		"x-amz-algorithm": "X-Amz-Algorithm", "x-amz-credential": "X-Amz-Credential", "x-amz-date": "X-Amz-Date", "x-amz-signature": "X-Amz-Signature",
	} {
		query.Set(param, form.Value(name))
	}
	r := reread(t, "PUT /k?"+query.Encode()+" HTTP/1.1\r\nHost: "+demo+".s3.us-west-2.amazonaws.com\r\n\r\n")
	_, err = verifier().Verify(r)
	require.ErrorIs(t, err, sigv4.ErrSignatureMismatch)
}

// MinIO skipped eq on fields it did not know, and kept only the last
// content-length-range.
func TestIncidentConditionsSkipped(t *testing.T) {
	fields := append([]field{{"key", "k"}, {"x-unknown", "b"}}, signed(t, policyOf(`{"key":"k"}`, `{"x-unknown":"a"}`))...)
	_, _, err := upload(post(encode(fields, "f", "x")))
	requireRefused(t, err, presign.ErrCondition, 403, "AccessDenied")
	fields = append([]field{{"key", "k"}}, signed(t, policyOf(`{"key":"k"}`, `["content-length-range",0,2]`, `["content-length-range",0,99]`))...)
	_, _, err = upload(post(encode(fields, "f", "xxx")))
	requireRefused(t, err, presign.ErrSize, 400, "EntityTooLarge")
}

// aws-sdk-php #3292: a policy without the bucket was good for every bucket of
// its signer.
func TestIncidentPolicyForEveryBucket(t *testing.T) {
	text := strings.Replace(policyOf(`{"key":"k"}`), `{"bucket":"`+demo+`"},`, "", 1)
	fields := append([]field{{"key", "k"}}, signed(t, text)...)
	_, _, err := upload(post(encode(fields, "f", "x")))
	requireRefused(t, err, presign.ErrCondition, 403, "AccessDenied")
}

// boto3 and others make policies without any bound on the size.
func TestIncidentForgottenSize(t *testing.T) {
	_, err := newS3().Post(docKeys, &presign.PostPolicy{Bucket: demo, Key: "k"})
	require.ErrorIs(t, err, presign.ErrPolicy)
	form, err := newS3().Post(docKeys, &presign.PostPolicy{Bucket: demo, Key: "k", MaxSize: 7})
	require.NoError(t, err)
	text, err := base64.StdEncoding.DecodeString(form.Value("policy"))
	require.NoError(t, err)
	require.Contains(t, string(text), `["content-length-range",0,7]`)
}
