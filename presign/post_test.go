// SPDX-License-Identifier: Apache-2.0

package presign_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/sallyport-go/sallyport/presign"
	"github.com/sallyport-go/sallyport/sigv4"
	"github.com/stretchr/testify/require"
)

const boundary = "boundary0123456789"

// field is a part of a form as it travels.
type field struct{ name, value string }

// encode writes a form: fields, then the file under its name, unless it is "-".
func encode(fields []field, filename, content string) string {
	var b strings.Builder
	for _, f := range fields {
		fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", boundary, f.name, f.value)
	}
	if filename != "-" {
		fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\nContent-Type: application/x-test\r\n\r\n%s\r\n", boundary, filename, content)
	}
	return b.String() + "--" + boundary + "--\r\n"
}

func post(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "http://s3.us-west-2.amazonaws.com/"+demo, strings.NewReader(body))
	r.Header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
	return r
}

func postVerifier() *presign.PostVerifier {
	return &presign.PostVerifier{
		Auth:   verifier(),
		Bucket: func(r *http.Request) string { return strings.Trim(r.URL.Path, "/") },
	}
}

// signed signs any policy text as the owner of docKeys would, and returns the
// fields that go with it.
func signed(t testing.TB, policyText string) []field {
	t.Helper()
	return signedWith(t, base64.StdEncoding.EncodeToString([]byte(policyText)))
}

func signedWith(t testing.TB, encoded string) []field {
	t.Helper()
	scope := sigv4.NewScope(start, "us-west-2", "s3")
	signature, err := docKeys.Sign(scope, []byte(encoded))
	require.NoError(t, err)
	return []field{
		{"policy", encoded},
		{"x-amz-algorithm", "AWS4-HMAC-SHA256"},
		{"x-amz-credential", docKeys.AccessKeyID + "/" + scope.String()},
		{"x-amz-date", sigv4.FormatDate(start)},
		{"x-amz-signature", signature},
	}
}

// policyOf writes a policy that covers the signing fields, with more conditions.
func policyOf(conditions ...string) string {
	all := append([]string{
		`{"bucket":"` + demo + `"}`, `{"x-amz-algorithm":"AWS4-HMAC-SHA256"}`,
		`{"x-amz-credential":"` + docKeys.AccessKeyID + `/20260301/us-west-2/s3/aws4_request"}`, `{"x-amz-date":"20260301T120000Z"}`,
	}, conditions...)
	return `{"expiration":"2026-03-01T13:00:00.000Z","conditions":[` + strings.Join(all, ",") + `]}`
}

// upload verifies a form and reads its file to the end.
func upload(r *http.Request) (*presign.PostUpload, string, error) {
	up, err := postVerifier().Verify(r)
	if err != nil {
		return nil, "", err
	}
	content, err := io.ReadAll(up.File)
	return up, string(content), err
}

func requireRefused(t testing.TB, err error, kind error, status int, code string) {
	t.Helper()
	var e *sigv4.Error
	require.ErrorAs(t, err, &e)
	require.ErrorIs(t, err, kind)
	require.Equal(t, status, e.HTTPStatus, err)
	require.Equal(t, code, e.Code)
}

// PRE-46: the documentation's policy, its signature and its acceptance.
func TestPostKnownAnswer(t *testing.T) {
	text := "{ \"expiration\": \"2015-12-30T12:00:00.000Z\",\r\n  \"conditions\": [\r\n    {\"bucket\": \"sigv4examplebucket\"},\r\n" +
		"    [\"starts-with\", \"$key\", \"user/user1/\"],\r\n    {\"acl\": \"public-read\"},\r\n" +
		"    {\"success_action_redirect\": \"http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html\"},\r\n" +
		"    [\"starts-with\", \"$Content-Type\", \"image/\"],\r\n    {\"x-amz-meta-uuid\": \"14365123651274\"},\r\n" +
		"    {\"x-amz-server-side-encryption\": \"AES256\"},\r\n    [\"starts-with\", \"$x-amz-meta-tag\", \"\"],\r\n\r\n" +
		"    {\"x-amz-credential\": \"AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request\"},\r\n" +
		"    {\"x-amz-algorithm\": \"AWS4-HMAC-SHA256\"},\r\n    {\"x-amz-date\": \"20151229T000000Z\" }\r\n  ]\r\n}"
	encoded := base64.StdEncoding.EncodeToString([]byte(text))
	signature, err := docKeys.Sign(sigv4.Scope{Date: "20151229", Region: "us-east-1", Service: "s3"}, []byte(encoded))
	require.NoError(t, err)
	require.Equal(t, "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e", signature)
	v := postVerifier()
	v.Auth.Region, v.Auth.Now = "us-east-1", clockAt(time.Date(2015, 12, 29, 1, 0, 0, 0, time.UTC))
	v.Bucket = func(*http.Request) string { return "sigv4examplebucket" }
	up, err := v.Verify(post(encode([]field{
		{"key", "user/user1/${filename}"},
		{"acl", "public-read"},
		{"success_action_redirect", "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"},
		{"Content-Type", "image/jpeg"},
		{"x-amz-meta-uuid", "14365123651274"},
		{"x-amz-server-side-encryption", "AES256"},
		{"X-Amz-Credential", "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"},
		{"X-Amz-Algorithm", "AWS4-HMAC-SHA256"},
		{"X-Amz-Date", "20151229T000000Z"},
		{"x-amz-meta-tag", "Some,Tag,For,Picture"},
		{"Policy", encoded},
		{"X-Amz-Signature", signature},
	}, `C:\pictures\MyFilename.jpg`, "content")))
	require.NoError(t, err)
	require.Equal(t, "user/user1/MyFilename.jpg", up.Key)
	require.Equal(t, "MyFilename.jpg", up.Filename)
	require.Equal(t, "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html", up.Redirect)
	require.Equal(t, map[string]string{
		"key": "user/user1/MyFilename.jpg", "acl": "public-read", "success_action_redirect": up.Redirect, "content-type": "image/jpeg",
		"x-amz-meta-uuid": "14365123651274", "x-amz-server-side-encryption": "AES256", "x-amz-meta-tag": "Some,Tag,For,Picture",
	}, up.Fields)
	require.EqualValues(t, -1, up.MaxSize)
}

func formFields(f *presign.PostForm) (out []field) {
	for _, v := range f.Fields {
		out = append(out, field{v.Name, v.Value})
	}
	return out
}

// PRE-29, PRE-30 and PRE-32: the policy, the fields and the URL.
func TestPostRoundTrip(t *testing.T) {
	form, err := newS3().Post(temporary, &presign.PostPolicy{
		Bucket: demo, KeyPrefix: "home/ann/", MinSize: 1, MaxSize: 10,
		Fields:   map[string]string{"acl": "private", "success_action_status": "201", "x-amz-meta-who": "a \"<b>\" & é $ \\"},
		Prefixes: map[string]string{"Content-Type": "image/", "x-amz-meta-tag": ""},
	})
	require.NoError(t, err)
	require.Equal(t, "https://amzn-s3-demo-bucket.s3.us-west-2.amazonaws.com/", form.URL)
	require.Equal(t, start.Add(15*time.Minute), form.ExpiresAt)
	require.True(t, form.CredentialsEndUnknown)
	var names []string
	for _, f := range form.Fields {
		names = append(names, f.Name)
	}
	require.Equal(t, []string{
		"key", "acl", "success_action_status", "x-amz-meta-who", "Content-Type", "x-amz-meta-tag", "x-amz-algorithm",
		"x-amz-credential", "x-amz-date", "x-amz-security-token", "policy", "x-amz-signature",
	}, names)
	policy, err := base64.StdEncoding.DecodeString(form.Value("policy"))
	require.NoError(t, err)
	require.Equal(t, `{"expiration":"2026-03-01T12:15:00.000Z","conditions":[{"bucket":"amzn-s3-demo-bucket"},["starts-with","$key","home/ann/"],{"acl":"private"},`+
		`{"success_action_status":"201"},{"x-amz-meta-who":"a \"<b>\" & é $ \\"},["starts-with","$Content-Type","image/"],["starts-with","$x-amz-meta-tag",""],["content-length-range",1,10],`+
		`{"x-amz-algorithm":"AWS4-HMAC-SHA256"},{"x-amz-credential":"ASIAIOSFODNN7EXAMPLE/20260301/us-west-2/s3/aws4_request"},{"x-amz-date":"20260301T120000Z"},`+
		`{"x-amz-security-token":"session/token+="}]}`, string(policy))
	up, content, err := upload(post(encode(formFields(form), "a/b/photo.png", "0123456789")))
	require.NoError(t, err)
	require.Equal(t, "0123456789", content)
	require.Equal(t, "home/ann/photo.png", up.Key)
	require.Equal(t, demo, up.Bucket)
	require.Equal(t, temporary.AccessKeyID, up.AccessKeyID)
	require.Equal(t, "application/x-test", up.FileType)
	require.Equal(t, 201, up.Status)
	require.True(t, up.SessionToken)
	require.NotContains(t, fmt.Sprint(up.Fields), temporary.SessionToken)
	require.NotContains(t, form.String(), temporary.SessionToken)
	require.Contains(t, form.String(), "POST https://amzn-s3-demo-bucket")

	page := form.HTML()
	require.Contains(t, page, `<form action="https://amzn-s3-demo-bucket.s3.us-west-2.amazonaws.com/" method="post" enctype="multipart/form-data">`)
	require.Contains(t, page, `<input type="hidden" name="x-amz-meta-who" value="a &#34;&lt;b&gt;&#34; &amp; é $ \">`)
	require.Contains(t, page, `<input type="text" name="Content-Type" value="image/">`)
	require.Greater(t, strings.Index(page, `name="file"`), strings.Index(page, `name="x-amz-signature"`))
}

// PRE-31 and PRE-40, on the side of the builder.
func TestPostBuilder(t *testing.T) {
	base := func() presign.PostPolicy { return presign.PostPolicy{Bucket: demo, Key: "k", MaxSize: 10} }
	for _, c := range []struct {
		name   string
		change func(*presign.PostPolicy)
		is     error
	}{
		{"no bucket", func(p *presign.PostPolicy) { p.Bucket = "" }, presign.ErrInput},
		{"no key", func(p *presign.PostPolicy) { p.Key = "" }, presign.ErrPolicy},
		{"key and prefix", func(p *presign.PostPolicy) { p.KeyPrefix = "k" }, presign.ErrPolicy},
		{"key too long", func(p *presign.PostPolicy) { p.Key = strings.Repeat("k", 1025) }, presign.ErrPolicy},
		{"PRE-31 no size", func(p *presign.PostPolicy) { p.MaxSize = 0 }, presign.ErrPolicy},
		{"any size and a size", func(p *presign.PostPolicy) { p.AnySize = true }, presign.ErrPolicy},
		{"range the wrong way", func(p *presign.PostPolicy) { p.MinSize = 11 }, presign.ErrPolicy},
		{"negative size", func(p *presign.PostPolicy) { p.MinSize = -1 }, presign.ErrPolicy},
		{"over seven days", func(p *presign.PostPolicy) { p.Expires = 7*24*time.Hour + time.Second }, presign.ErrExpiry},
		{"part of a second", func(p *presign.PostPolicy) { p.Expires = time.Millisecond }, presign.ErrExpiry},
		{"PRE-40 prefix on success_action_status", func(p *presign.PostPolicy) { p.Prefixes = map[string]string{"success_action_status": "2"} }, presign.ErrPolicy},
		{"PRE-40 prefix on bucket", func(p *presign.PostPolicy) { p.Prefixes = map[string]string{"bucket": ""} }, presign.ErrPolicy},
		{"field of the signature", func(p *presign.PostPolicy) { p.Fields = map[string]string{"X-Amz-Date": "x"} }, presign.ErrPolicy},
		{"field policy", func(p *presign.PostPolicy) { p.Fields = map[string]string{"Policy": "x"} }, presign.ErrPolicy},
		{"field file", func(p *presign.PostPolicy) { p.Fields = map[string]string{"file": "x"} }, presign.ErrPolicy},
		{"field key again", func(p *presign.PostPolicy) { p.Fields = map[string]string{"Key": "x"} }, presign.ErrPolicy},
		{"field and prefix", func(p *presign.PostPolicy) {
			p.Fields, p.Prefixes = map[string]string{"acl": "private"}, map[string]string{"ACL": ""}
		}, presign.ErrPolicy},
		{"field no UTF-8", func(p *presign.PostPolicy) { p.Fields = map[string]string{"acl": "\xff"} }, presign.ErrPolicy},
		{"field with the variable", func(p *presign.PostPolicy) { p.Fields = map[string]string{"acl": "${filename}"} }, presign.ErrPolicy},
		{"field name with a quote", func(p *presign.PostPolicy) { p.Fields = map[string]string{`a"b`: "x"} }, presign.ErrPolicy},
		{"multi-region access point", func(p *presign.PostPolicy) { p.Bucket = mrap }, presign.ErrEndpoint},
		{"access point", func(p *presign.PostPolicy) { p.Bucket = finance }, presign.ErrEndpoint},
		{"S3 Express", func(p *presign.PostPolicy) { p.Bucket = express }, presign.ErrEndpoint},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := base()
			c.change(&p)
			_, err := newS3().Post(docKeys, &p)
			require.ErrorIs(t, err, c.is)
		})
	}
	p := base()
	_, err := newS3().Post(sigv4.Credentials{}, &p)
	require.ErrorIs(t, err, sigv4.ErrCredentials)
	s := newS3()
	s.Endpoint.PathStyle = true
	p = presign.PostPolicy{Bucket: demo, Key: "a/${filename}", AnySize: true, Expires: 7 * 24 * time.Hour}
	c := temporary
	c.Expires = start.Add(time.Hour)
	form, err := s.Post(c, &p)
	require.NoError(t, err)
	require.Equal(t, "https://s3.us-west-2.amazonaws.com/amzn-s3-demo-bucket", form.URL)
	require.True(t, form.OutlivesCredentials)
	require.Equal(t, c.Expires, form.ExpiresAt)
	require.Empty(t, form.Value("no such"))
	s.Outliving = presign.OutlivingCap
	form, err = s.Post(c, &p)
	require.NoError(t, err)
	require.False(t, form.OutlivesCredentials)
	require.Equal(t, c.Expires, form.ExpiresAt)
	s.Outliving = presign.OutlivingReject
	_, err = s.Post(c, &p)
	require.ErrorIs(t, err, presign.ErrExpiry)
	s.Outliving = 9
	_, err = s.Post(c, &p)
	require.ErrorIs(t, err, presign.ErrConfig)
}

// PRE-65: each condition violated in turn (PRE-39, PRE-41), fields that none
// covers (PRE-42), a signature or scope of another (PRE-35), and whatever else
// must not store anything.
func TestPostRefused(t *testing.T) {
	good := policyOf(`["starts-with","$key","home/"]`, `["content-length-range",2,8]`, `{"acl":"private"}`, `["starts-with","$Content-Type","image/"]`, `["eq","$x-amz-meta-n",5]`)
	fields := func(more ...field) []field {
		return append([]field{{"key", "home/a"}, {"acl", "private"}, {"Content-Type", "image/png"}, {"x-amz-meta-n", "5"}}, more...)
	}
	set := func(list []field, name, value string) []field {
		out := append([]field(nil), list...)
		for i := range out {
			if out[i].name == name {
				out[i].value = value
			}
		}
		return out
	}
	drop := func(list []field, name string) (out []field) {
		for _, f := range list {
			if f.name != name {
				out = append(out, f)
			}
		}
		return out
	}
	ok := append(fields(), signed(t, good)...)
	_, content, err := upload(post(encode(ok, "f", "12345")))
	require.NoError(t, err)
	require.Equal(t, "12345", content)

	denied, invalid := http.StatusForbidden, http.StatusBadRequest
	for _, c := range []struct {
		name   string
		body   string
		kind   error
		status int
		code   string
	}{
		{"key outside the prefix", encode(set(ok, "key", "other/a"), "f", "123"), presign.ErrCondition, denied, "AccessDenied"},
		{"acl not the one", encode(set(ok, "acl", "public-read"), "f", "123"), presign.ErrCondition, denied, "AccessDenied"},
		{"acl in other case", encode(set(ok, "acl", "Private"), "f", "123"), presign.ErrCondition, denied, "AccessDenied"},
		{"acl missing", encode(drop(ok, "acl"), "f", "123"), presign.ErrCondition, denied, "AccessDenied"},
		{"unknown field, eq mismatch", encode(set(ok, "x-amz-meta-n", "6"), "f", "123"), presign.ErrCondition, denied, "AccessDenied"},
		{"content-type outside the prefix", encode(set(ok, "Content-Type", "text/html"), "f", "123"), presign.ErrCondition, denied, "AccessDenied"},
		{"content-type list with one bad element", encode(set(ok, "Content-Type", "image/png, text/html"), "f", "123"), presign.ErrCondition, denied, "AccessDenied"},
		{"extra field", encode(append(ok, field{"x-amz-meta-more", "1"}), "f", "123"), presign.ErrCondition, denied, "AccessDenied"},
		{"extra field without a prefix", encode(append(ok, field{"anything", ""}), "f", "123"), presign.ErrCondition, denied, "AccessDenied"},
		{"duplicate field", encode(append(ok, field{"acl", "private"}), "f", "123"), presign.ErrForm, invalid, "InvalidArgument"},
		{"duplicate field differing in case", encode(append(ok, field{"ACL", "private"}), "f", "123"), presign.ErrForm, invalid, "InvalidArgument"},
		{"Kelvin sign is no k", encode(append(drop(ok, "key"), field{"\u212aey", "home/a"}), "f", "123"), presign.ErrForm, invalid, "InvalidArgument"},
		{"bucket field of another bucket", encode(append(ok, field{"bucket", "other"}), "f", "123"), presign.ErrCondition, denied, "AccessDenied"},
		{"missing key", encode(drop(ok, "key"), "f", "123"), presign.ErrForm, invalid, "InvalidArgument"},
		{"empty key", encode(set(ok, "key", ""), "f", "123"), presign.ErrForm, invalid, "InvalidArgument"},
		{"empty key once expanded", encode(set(ok, "key", "${filename}"), "a/", "123"), presign.ErrForm, invalid, "InvalidArgument"},
		{"key too long once expanded", encode(set(ok, "key", "home/${filename}"), strings.Repeat("f", 1020), "123"), presign.ErrForm, invalid, "KeyTooLongError"},
		{"key no UTF-8 once expanded", encode(set(ok, "key", "home/${filename}"), "\xff", "123"), presign.ErrForm, invalid, "InvalidArgument"},
		{"filename with path parts stays a name", encode(set(ok, "key", "${filename}"), `home/x`, "123"), presign.ErrCondition, denied, "AccessDenied"},
		{"missing file", encode(ok, "-", ""), presign.ErrForm, invalid, "InvalidArgument"},
		{"policy with changed white space", encode(set(ok, "policy", base64.StdEncoding.EncodeToString([]byte(" "+good))), "f", "123"), sigv4.ErrSignatureMismatch, denied, "SignatureDoesNotMatch"},
		{"policy in base64 with a line break", encode(set(ok, "policy", ok[4].value+"\r\n"), "f", "123"), sigv4.ErrSignatureMismatch, denied, "SignatureDoesNotMatch"},
		{"signature of zeros (SIG-95)", encode(set(ok, "x-amz-signature", strings.Repeat("0", 64)), "f", "123"), sigv4.ErrSignatureMismatch, denied, "SignatureDoesNotMatch"},
		{"signature empty (SIG-95)", encode(set(ok, "x-amz-signature", ""), "f", "123"), sigv4.ErrMalformed, denied, "SignatureDoesNotMatch"},
		{"signature in upper case", encode(set(ok, "x-amz-signature", strings.ToUpper(ok[8].value)), "f", "123"), sigv4.ErrMalformed, denied, "SignatureDoesNotMatch"},
		{"unknown key id", encode(set(ok, "x-amz-credential", "AKIAUNKNOWN/20260301/us-west-2/s3/aws4_request"), "f", "123"), sigv4.ErrUnknownKey, denied, "InvalidAccessKeyId"},
		{"another region", encode(set(ok, "x-amz-credential", docKeys.AccessKeyID+"/20260301/us-east-1/s3/aws4_request"), "f", "123"), sigv4.ErrScope, invalid, "AuthorizationHeaderMalformed"},
		{"another service", encode(set(ok, "x-amz-credential", docKeys.AccessKeyID+"/20260301/us-west-2/sts/aws4_request"), "f", "123"), sigv4.ErrScope, invalid, "AuthorizationHeaderMalformed"},
		{"another day", encode(set(ok, "x-amz-credential", docKeys.AccessKeyID+"/20260228/us-west-2/s3/aws4_request"), "f", "123"), sigv4.ErrScope, invalid, "AuthorizationHeaderMalformed"},
		{"credential malformed", encode(set(ok, "x-amz-credential", docKeys.AccessKeyID), "f", "123"), sigv4.ErrScope, invalid, "AuthorizationHeaderMalformed"},
		{"another algorithm", encode(set(ok, "x-amz-algorithm", "AWS4-ECDSA-P256-SHA256"), "f", "123"), presign.ErrForm, invalid, "InvalidArgument"},
		{"date malformed", encode(set(ok, "x-amz-date", "20260301"), "f", "123"), presign.ErrForm, invalid, "InvalidArgument"},
		{"token for a key without one", encode(append(ok, field{"x-amz-security-token", "t"}), "f", "123"), sigv4.ErrToken, invalid, "InvalidToken"},
		{"no auth fields", encode(fields(), "f", "123"), presign.ErrNoAuth, denied, "AccessDenied"},
		{"policy alone", encode(fields(field{"policy", ok[4].value}), "f", "123"), presign.ErrForm, invalid, "InvalidArgument"},
		{"max+1 bytes", encode(ok, "f", "123456789"), presign.ErrSize, invalid, "EntityTooLarge"},
		{"min-1 bytes", encode(ok, "f", "1"), presign.ErrSize, invalid, "EntityTooSmall"},
		{"no bytes", encode(ok, "f", ""), presign.ErrSize, invalid, "EntityTooSmall"},
		{"cut inside the file", strings.TrimSuffix(encode(ok, "f", "12345"), "\r\n--"+boundary+"--\r\n"), presign.ErrForm, invalid, "MalformedPOSTRequest"},
		{"cut inside the closing boundary", strings.TrimSuffix(encode(ok, "f", "12345"), "--\r\n"), presign.ErrForm, invalid, "MalformedPOSTRequest"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := upload(post(c.body))
			requireRefused(t, err, c.kind, c.status, c.code)
		})
	}
	for i := range ok {
		if name := ok[i].name; strings.HasPrefix(name, "x-amz-") && name != "x-amz-meta-n" || name == "policy" {
			_, _, err := upload(post(encode(drop(ok, name), "f", "123")))
			requireRefused(t, err, presign.ErrForm, invalid, "InvalidArgument")
			require.ErrorContains(t, err, name)
		}
	}
	// What is at the edge of the range, and what changes nothing.
	for _, n := range []int{2, 8} {
		_, content, err := upload(post(encode(ok, "f", strings.Repeat("x", n))))
		require.NoError(t, err)
		require.Len(t, content, n)
	}
	_, _, err = upload(post(encode(append(ok, field{"x-ignore-this", "1"}, field{"bucket", demo}), "f", "123")))
	require.NoError(t, err)
	_, _, err = upload(post(encode(set(ok, "Content-Type", "image/png, image/gif"), "f", "123")))
	require.NoError(t, err)
}

// Policies that their owner signed and that are no policies, or deny all: their
// base64 and JSON (PRE-36), their expiration (PRE-37), their conditions (PRE-38,
// PRE-40, PRE-44).
func TestPostPolicyRefused(t *testing.T) {
	for _, c := range []struct {
		name, policy string
		kind         error
		code         string
	}{
		{"expired policy", strings.Replace(policyOf(`{"key":"k"}`), "13:00:00.000Z", "11:59:59.999Z", 1), presign.ErrPolicyExpired, "AccessDenied"},
		{"policy of another bucket", strings.Replace(policyOf(`{"key":"k"}`), demo, "other", 1), presign.ErrCondition, "AccessDenied"},
		{"missing bucket condition", strings.Replace(policyOf(`{"key":"k"}`), `{"bucket":"`+demo+`"},`, "", 1), presign.ErrCondition, "AccessDenied"},
		{"missing key condition", policyOf(), presign.ErrCondition, "AccessDenied"},
		{"missing credential condition", strings.Replace(policyOf(`{"key":"k"}`), `{"x-amz-date":"20260301T120000Z"},`, "", 1), presign.ErrCondition, "AccessDenied"},
		{"condition on a field that was not sent", policyOf(`{"key":"k"}`, `["starts-with","$acl",""]`), presign.ErrCondition, "AccessDenied"},
		{"condition on file", policyOf(`{"key":"k"}`, `["starts-with","$file",""]`), presign.ErrCondition, "AccessDenied"},
		{"two ranges where the last is wide", policyOf(`{"key":"k"}`, `["content-length-range",0,2]`, `["content-length-range",0,1000000]`), presign.ErrSize, "EntityTooLarge"},
		{"two ranges where the first is wide", policyOf(`{"key":"k"}`, `["content-length-range",0,1000000]`, `["content-length-range",0,2]`), presign.ErrSize, "EntityTooLarge"},
		{"two ranges, greatest minimum", policyOf(`{"key":"k"}`, `["content-length-range",9,10]`, `["content-length-range",0,1000000]`), presign.ErrSize, "EntityTooSmall"},
		{"starts-with on bucket", policyOf(`{"key":"k"}`, `["starts-with","$bucket",""]`), presign.ErrPolicy, ""},
		{"starts-with on x-amz-credential", policyOf(`{"key":"k"}`, `["starts-with","$X-Amz-Credential",""]`), presign.ErrPolicy, ""},
		{"starts-with on x-amz-date", policyOf(`{"key":"k"}`, `["starts-with","$x-amz-date",""]`), presign.ErrPolicy, ""},
		{"starts-with on x-amz-algorithm", policyOf(`{"key":"k"}`, `["starts-with","$x-amz-algorithm",""]`), presign.ErrPolicy, ""},
		{"starts-with on x-amz-security-token", policyOf(`{"key":"k"}`, `["starts-with","$x-amz-security-token",""]`), presign.ErrPolicy, ""},
		{"starts-with on tagging", policyOf(`{"key":"k"}`, `["starts-with","$tagging",""]`), presign.ErrPolicy, ""},
		{"duplicate JSON keys", strings.Replace(policyOf(`{"key":"k"}`), `"conditions":`, `"conditions":[],"conditions":`, 1), presign.ErrPolicy, ""},
		{"duplicate expiration, escaped", strings.Replace(policyOf(`{"key":"k"}`), `{"expiration"`, `{"expir\u0061tion":"2099-01-01T00:00:00Z","expiration"`, 1), presign.ErrPolicy, ""},
		{"duplicate keys in a condition", policyOf(`{"key":"k","key":"j"}`), presign.ErrPolicy, ""},
		{"two properties in a condition", policyOf(`{"key":"k","acl":"j"}`), presign.ErrPolicy, ""},
		{"empty condition", policyOf(`{"key":"k"}`, `{}`), presign.ErrPolicy, ""},
		{"empty list", policyOf(`{"key":"k"}`, `[]`), presign.ErrPolicy, ""},
		{"condition with a number", policyOf(`{"key":1}`), presign.ErrPolicy, ""},
		{"condition without a name", policyOf(`{"":"k"}`), presign.ErrPolicy, ""},
		{"list without a dollar", policyOf(`["eq","key","k"]`), presign.ErrPolicy, ""},
		{"list with only a dollar", policyOf(`["eq","$","k"]`), presign.ErrPolicy, ""},
		{"list of two", policyOf(`["eq","$key"]`), presign.ErrPolicy, ""},
		{"list of four", policyOf(`["eq","$key","k","l"]`), presign.ErrPolicy, ""},
		{"list with a list", policyOf(`["eq","$key",["k"]]`), presign.ErrPolicy, ""},
		{"list with null", policyOf(`["eq","$key",null]`), presign.ErrPolicy, ""},
		{"unknown operator", policyOf(`["ends-with","$key","k"]`), presign.ErrPolicy, ""},
		{"condition a string", policyOf(`"key"`), presign.ErrPolicy, ""},
		{"range of one", policyOf(`["content-length-range",1]`), presign.ErrPolicy, ""},
		{"range the wrong way", policyOf(`["content-length-range",2,1]`), presign.ErrPolicy, ""},
		{"range negative", policyOf(`["content-length-range",-1,1]`), presign.ErrPolicy, ""},
		{"range with a fraction", policyOf(`["content-length-range",0,1.5]`), presign.ErrPolicy, ""},
		{"range with an exponent", policyOf(`["content-length-range",0,1e9]`), presign.ErrPolicy, ""},
		{"range of 20 digits", policyOf(`["content-length-range",0,99999999999999999999]`), presign.ErrPolicy, ""},
		{"range of words", policyOf(`["content-length-range","a","b"]`), presign.ErrPolicy, ""},
		{"unknown member", strings.Replace(policyOf(`{"key":"k"}`), `{"expiration"`, `{"id":"x","expiration"`, 1), presign.ErrPolicy, ""},
		{"no expiration", `{"conditions":[]}`, presign.ErrPolicy, ""},
		{"no conditions", `{"expiration":"2026-03-01T13:00:00Z"}`, presign.ErrPolicy, ""},
		{"no object", `[]`, presign.ErrPolicy, ""},
		{"text behind", policyOf(`{"key":"k"}`) + "{}", presign.ErrPolicy, ""},
		{"trailing comma", strings.Replace(policyOf(`{"key":"k"}`), "]}", ",]}", 1), presign.ErrPolicy, ""},
		{"depth 5", policyOf(`["eq","$key",[[[1]]]]`), presign.ErrPolicy, ""},
		{"invalid UTF-8", policyOf("{\"key\":\"\xff\"}"), presign.ErrPolicy, ""},
		{"expiration with an offset", strings.Replace(policyOf(`{"key":"k"}`), "13:00:00.000Z", "13:00:00+00:00", 1), presign.ErrPolicy, ""},
		{"expiration with a comma", strings.Replace(policyOf(`{"key":"k"}`), "13:00:00.000Z", "13:00:00,000Z", 1), presign.ErrPolicy, ""},
		{"expiration with an hour of one digit", strings.Replace(policyOf(`{"key":"k"}`), "2026-03-01T13:00:00.000Z", "2026-03-02T9:00:00.000Z", 1), presign.ErrPolicy, ""},
		{"expiration with a leap second", strings.Replace(policyOf(`{"key":"k"}`), "13:00:00.000Z", "23:59:60Z", 1), presign.ErrPolicy, ""},
		{"expiration in lower case", strings.Replace(policyOf(`{"key":"k"}`), "T13:00:00.000Z", "t13:00:00z", 1), presign.ErrPolicy, ""},
		{"expiration a number", strings.Replace(policyOf(`{"key":"k"}`), `"2026-03-01T13:00:00.000Z"`, `1900000000`, 1), presign.ErrPolicy, ""},
		{"1001 conditions", `{"expiration":"2026-03-01T13:00:00Z","conditions":[` + strings.Repeat(`{"a":"b"},`, 1000) + `{"a":"b"}]}`, presign.ErrPolicy, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := upload(post(encode(append([]field{{"key", "k"}}, signed(t, c.policy)...), "f", "12345")))
			code, status := c.code, http.StatusForbidden
			if code == "" {
				code = "InvalidPolicyDocument"
			}
			if code != "AccessDenied" {
				status = http.StatusBadRequest
			}
			requireRefused(t, err, c.kind, status, code)
		})
	}
	// The forms of conditions that are read.
	for name, policy := range map[string]string{
		"operators in any case":    policyOf(`["EQ","$KEY","k"]`, `["Content-Length-Range","0","10"]`),
		"escaped dollar":           policyOf(`["starts-with","\$key","\u006b"]`),
		"no expiration fraction":   strings.Replace(policyOf(`{"key":"k"}`), ".000Z", "Z", 1),
		"the second of expiration": strings.Replace(policyOf(`{"key":"k"}`), "13:00:00.000Z", "12:00:00Z", 1),
		"1000 conditions":          `{"expiration":"2026-03-01T13:00:00Z","conditions":[` + policyOf(`{"key":"k"}`)[len(`{"expiration":"2026-03-01T13:00:00.000Z","conditions":[`):len(policyOf(`{"key":"k"}`))-2] + strings.Repeat(`,["eq","$key","k"]`, 500) + `]}`,
	} {
		_, _, err := upload(post(encode(append([]field{{"key", "k"}}, signed(t, policy)...), "f", "12345")))
		require.NoError(t, err, name)
	}
	for name, c := range map[string]struct {
		encoded string
		ok      bool
	}{
		"padding left out":        {strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(policyOf(`{"key":"k"}`)+" ")), "="), true},
		"line break":              {base64.StdEncoding.EncodeToString([]byte(policyOf(`{"key":"k"}`)))[:76] + "\r\n" + base64.StdEncoding.EncodeToString([]byte(policyOf(`{"key":"k"}`)))[76:], false},
		"line breaks, no padding": {strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(policyOf(`{"key":"k"}`)+" ")), "=") + "\r\n\r\n", false},
		"space":                   {base64.StdEncoding.EncodeToString([]byte(policyOf(`{"key":"k"}`))) + " ", false},
		"base64url":               {base64.URLEncoding.EncodeToString([]byte(policyOf(`{"key":"k"}`, `["starts-with","$x-ignore-\u003f","???>>>"]`))), false},
		"padding alone":           {"====", false},
		"too much padding":        {"eyJhIjoxfQ======", false},
		"empty":                   {"", false},
	} {
		_, _, err := upload(post(encode(append([]field{{"key", "k"}}, signedWith(t, c.encoded)...), "f", "12345")))
		if c.ok {
			require.NoError(t, err, name)
		} else {
			requireRefused(t, err, presign.ErrPolicy, http.StatusBadRequest, "InvalidPolicyDocument")
		}
	}
}

func TestPostRequestRefused(t *testing.T) {
	body := encode(append([]field{{"key", "k"}}, signed(t, policyOf(`{"key":"k"}`))...), "f", "12345")
	for _, c := range []struct {
		name   string
		change func(*http.Request)
		status int
		code   string
	}{
		{"PUT", func(r *http.Request) { r.Method = http.MethodPut }, 405, "MethodNotAllowed"},
		{"SIG-66 Authorization beside", func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 …") }, 400, "InvalidArgument"},
		{"empty Authorization beside", func(r *http.Request) { r.Header.Set("Authorization", "") }, 400, "InvalidArgument"},
		{"presigned beside", func(r *http.Request) { r.URL.RawQuery = "X-Amz-Signature=1" }, 400, "InvalidArgument"},
		{"presigned beside, escaped", func(r *http.Request) { r.URL.RawQuery = "X-Amz-%44ate=1" }, 400, "InvalidArgument"},
		{"legacy beside", func(r *http.Request) { r.URL.RawQuery = "AWSAccessKeyId=1" }, 400, "InvalidArgument"},
		{"JSON", func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, 412, "PreconditionFailed"},
		{"multipart/mixed", func(r *http.Request) { r.Header.Set("Content-Type", "multipart/mixed; boundary=x") }, 412, "PreconditionFailed"},
		{"no Content-Type", func(r *http.Request) { r.Header.Del("Content-Type") }, 412, "PreconditionFailed"},
		{"two Content-Types", func(r *http.Request) { r.Header.Add("Content-Type", "text/plain") }, 412, "PreconditionFailed"},
		{"no boundary", func(r *http.Request) { r.Header.Set("Content-Type", "multipart/form-data") }, 400, "MalformedPOSTRequest"},
		{"boundary of 71", func(r *http.Request) {
			long := strings.Repeat("b", 71)
			r.Header.Set("Content-Type", "multipart/form-data; boundary="+long)
			r.Body = io.NopCloser(strings.NewReader(strings.ReplaceAll(body, boundary, long)))
		}, 400, "MalformedPOSTRequest"},
		{"another boundary", func(r *http.Request) { r.Header.Set("Content-Type", "multipart/form-data; boundary=x") }, 400, "MalformedPOSTRequest"},
		{"no body", func(r *http.Request) { r.Body = nil }, 400, "MalformedPOSTRequest"},
		{"empty body", func(r *http.Request) { r.Body = http.NoBody }, 400, "MalformedPOSTRequest"},
		{"no bucket", func(r *http.Request) { r.URL.Path = "/" }, 400, "InvalidArgument"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := post(body)
			c.change(r)
			_, _, err := upload(r)
			requireRefused(t, err, presign.ErrForm, c.status, c.code)
		})
	}
	_, err := (&presign.PostVerifier{}).Verify(post(body))
	requireRefused(t, err, presign.ErrConfig, 500, "InternalError")
	_, err = postVerifier().Verify(&http.Request{Method: http.MethodPost})
	requireRefused(t, err, presign.ErrForm, 412, "PreconditionFailed")
	for after, kind := range map[time.Duration]error{
		-15*time.Minute - time.Second: sigv4.ErrSkew, 7*24*time.Hour + time.Second: sigv4.ErrSkew, time.Hour + time.Nanosecond: presign.ErrPolicyExpired,
		time.Hour: nil, -15 * time.Minute: nil,
	} {
		v := postVerifier()
		v.Auth.Now = clockAt(start.Add(after))
		_, err := v.Verify(post(body))
		require.ErrorIs(t, err, kind)
	}
	v := postVerifier()
	v.Auth.Now, v.Auth.Skew = nil, time.Minute
	_, err = v.Verify(post(body))
	require.Error(t, err, "the real clock is another day")
}

// PRE-33: the bounds of what precedes the file, at and past each.
func TestPostFormLimits(t *testing.T) {
	fields := append([]field{{"key", "k"}}, signed(t, policyOf(`{"key":"k"}`))...)
	prefix := func(body string) int { return strings.Index(body, "\r\n\r\nCONTENT") + 4 }
	for _, extra := range []int{0, 1} {
		padded := append([]field{{"x-ignore-a", ""}}, fields...)
		room := 20_480 - prefix(encode(padded, "f", "CONTENT"))
		padded[0].value = strings.Repeat("p", room+extra)
		_, _, err := upload(post(encode(padded, "f", "CONTENT")))
		if extra == 0 {
			require.NoError(t, err)
			continue
		}
		requireRefused(t, err, presign.ErrForm, 400, "MaxPostPreDataLengthExceededError")
	}
	for _, n := range []int{100, 101} {
		many := append([]field(nil), fields...)
		for i := len(many); i < n; i++ {
			many = append(many, field{fmt.Sprintf("x-ignore-%d", i), ""})
		}
		_, _, err := upload(post(encode(many, "f", "CONTENT")))
		if n == 100 {
			require.NoError(t, err)
			continue
		}
		requireRefused(t, err, presign.ErrForm, 400, "InvalidArgument")
	}
	body := encode(fields, "f", "CONTENT")
	for name, c := range map[string]struct {
		body string
		code string
	}{
		"endless header line":             {strings.Replace(body, "Content-Disposition", "X: "+strings.Repeat("x", 30_000)+"\r\nContent-Disposition", 1), "MaxPostPreDataLengthExceededError"},
		"endless value":                   {strings.Replace(body, "\r\n\r\nk\r\n", "\r\n\r\n"+strings.Repeat("k", 3_000_000)+"\r\n", 1), "MaxPostPreDataLengthExceededError"},
		"endless padding":                 {strings.Replace(body, "--"+boundary+"\r\n", "--"+boundary+strings.Repeat(" ", 3_000_000)+"\r\n", 1), "MalformedPOSTRequest"},
		"no disposition":                  {strings.Replace(body, "Content-Disposition", "X-Disposition", 1), "MalformedPOSTRequest"},
		"two dispositions":                {strings.Replace(body, "Content-Disposition: form-data; name=\"key\"", "Content-Disposition: form-data; name=\"acl\"\r\nContent-Disposition: form-data; name=\"key\"", 1), "MalformedPOSTRequest"},
		"two names":                       {strings.Replace(body, `name="key"`, `name="key"; name="acl"`, 1), "MalformedPOSTRequest"},
		"no name":                         {strings.Replace(body, `; name="key"`, "", 1), "MalformedPOSTRequest"},
		"attachment":                      {strings.Replace(body, "form-data", "attachment", 1), "MalformedPOSTRequest"},
		"folded header":                   {strings.Replace(body, "form-data; name", "form-data;\r\n name", 1), "MalformedPOSTRequest"},
		"header without a colon":          {strings.Replace(body, "Content-Disposition:", "Content-Disposition", 1), "MalformedPOSTRequest"},
		"two types":                       {strings.Replace(body, "Content-Disposition", "Content-Type: a/b\r\nContent-type: c/d\r\nContent-Disposition", 1), "MalformedPOSTRequest"},
		"quoted-printable":                {strings.Replace(body, "Content-Disposition", "Content-Transfer-Encoding: quoted-printable\r\nContent-Disposition", 1), "MalformedPOSTRequest"},
		"binary":                          {strings.Replace(body, "Content-Disposition", "Content-Transfer-Encoding: binary\r\nContent-Disposition", 1), ""},
		"bare line feeds":                 {strings.ReplaceAll(body, "\r\n", "\n"), "MalformedPOSTRequest"},
		"text before":                     {"hello\r\n" + body, "MalformedPOSTRequest"},
		"line end before":                 {"\r\n" + body, ""},
		"padding":                         {strings.ReplaceAll(body, "--"+boundary+"\r\n", "--"+boundary+" \t\r\n"), ""},
		"word behind a boundary":          {strings.Replace(body, "--"+boundary+"\r\n", "--"+boundary+" x\r\n", 1), "MalformedPOSTRequest"},
		"longer boundary inside":          {strings.Replace(body, "CONTENT", "\r\n--"+boundary+"x\r\n--"+boundary+"-\r\n", 1), ""},
		"content begins like a delimiter": {strings.Replace(body, "CONTENT", "--"+boundary+"\r\n", 1), "MalformedPOSTRequest"},
		"value begins like a delimiter":   {strings.Replace(body, "\r\n\r\nk\r\n", "\r\n\r\n--"+boundary+" \r\n", 1), "MalformedPOSTRequest"},
		"line feed behind a boundary":     {strings.Replace(body, "CONTENT", "\r\n--"+boundary+"\n", 1), "MalformedPOSTRequest"},
		"text behind":                     {body + "epilogue", ""},
		"cut in a header":                 {body[:30], "MalformedPOSTRequest"},
		"cut in a value":                  {body[:90], "MalformedPOSTRequest"},
		"control character in a header":   {strings.Replace(body, "form-data", "form\x1e-data", 1), "MalformedPOSTRequest"},
		"control character in a name":     {strings.Replace(body, `name="`, "name=\"\x1e", 1), "MalformedPOSTRequest"},
		"header name that is no token":    {strings.Replace(body, "Content-Disposition", "X(: 1\r\nContent-Disposition", 1), "MalformedPOSTRequest"},
		"NUL in a header":                 {strings.Replace(body, "form-data", "form\x00-data", 1), "MalformedPOSTRequest"},
		"later field":                     {strings.Replace(body, "--"+boundary+"--\r\n", encode([]field{{"acl", "public-read"}}, "-", ""), 1), ""},
		"later file":                      {strings.Replace(body, "--"+boundary+"--\r\n", encode(nil, "g", "OTHER"), 1), ""},
		"later file of a megabyte":        {strings.Replace(body, "--"+boundary+"--\r\n", encode(nil, "g", strings.Repeat("x", 1<<20)), 1), ""},
		"later file cut":                  {strings.TrimSuffix(strings.Replace(body, "--"+boundary+"--\r\n", encode(nil, "g", "OTHER"), 1), "--"+boundary+"--\r\n"), "MalformedPOSTRequest"},
	} {
		t.Run(name, func(t *testing.T) {
			up, content, err := upload(post(c.body))
			if c.code != "" {
				requireRefused(t, err, presign.ErrForm, 400, c.code)
				return
			}
			require.NoError(t, err)
			require.Equal(t, "k", up.Key)
			require.Empty(t, up.Fields["acl"], "a field after the file changes nothing")
			if !strings.Contains(name, "inside") {
				require.Equal(t, "CONTENT", content)
			} else {
				require.Contains(t, content, boundary+"x")
			}
		})
	}
}

// However the bytes arrive, the outcome is the same; and what precedes an error
// is no complete file.
func TestPostInPieces(t *testing.T) {
	fields := append([]field{{"key", "k"}}, signed(t, policyOf(`{"key":"k"}`, `["content-length-range",0,200000]`))...)
	content := strings.Repeat("line\r\n--"+boundary[:5]+"\r\n", 5000)
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"whole": func(r io.Reader) io.Reader { return r }, "bytes": iotest.OneByteReader, "halves": iotest.HalfReader, "with EOF": iotest.DataErrReader,
	} {
		t.Run(name, func(t *testing.T) {
			r := post(encode(fields, "f", content))
			r.Body = io.NopCloser(wrap(r.Body))
			up, err := postVerifier().Verify(r)
			require.NoError(t, err)
			got, err := io.ReadAll(iotest.OneByteReader(up.File))
			require.NoError(t, err)
			require.True(t, content == string(got))
		})
	}
	broken := errors.New("the line is gone")
	r := post("")
	whole := encode(fields, "f", content)
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(whole[:len(whole)/2]), iotest.ErrReader(broken)))
	up, err := postVerifier().Verify(r)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, up.File)
	require.ErrorIs(t, err, broken)
	_, err = up.File.Read(make([]byte, 1))
	require.ErrorIs(t, err, broken, "the error stays")
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(whole[:200]), iotest.ErrReader(broken)))
	_, err = postVerifier().Verify(r)
	require.ErrorIs(t, err, broken)
}

// A client that announces less than it sends gets no byte past the bound.
func TestPostLyingContentLength(t *testing.T) {
	fields := append([]field{{"key", "k"}}, signed(t, policyOf(`{"key":"k"}`, `["content-length-range",0,10]`))...)
	r := post(encode(fields, "f", strings.Repeat("x", 1<<20)))
	r.ContentLength = 5
	counted := &counter{r: r.Body}
	r.Body = counted
	up, err := postVerifier().Verify(r)
	require.NoError(t, err)
	got, err := io.ReadAll(up.File)
	requireRefused(t, err, presign.ErrSize, 400, "EntityTooLarge")
	require.Len(t, got, 10)
	require.LessOrEqual(t, counted.n, 64<<10, "PRE-44: nothing is read further than a buffer")
}

type counter struct {
	r io.ReadCloser
	n int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

func (c *counter) Close() error { return c.r.Close() }

// PRE-45.
func TestPostSuccess(t *testing.T) {
	conditions := []string{`{"key":"k"}`, `["starts-with","$success_action_status",""]`, `["starts-with","$success_action_redirect",""]`}
	for _, c := range []struct {
		status, redirect string
		wantStatus       int
		wantRedirect     string
	}{
		{"200", "", 200, ""},
		{"201", "", 201, ""},
		{"204", "", 204, ""},
		{"302", "", 204, ""},
		{"", "", 204, ""},
		{"200", "https://example.com/done", 200, "https://example.com/done"},
		{"", "HTTP://example.com", 204, "HTTP://example.com"},
		{"", "javascript:alert(1)", 204, ""},
		{"", "//example.com", 204, ""},
		{"", "https://example.com/\r\nSet-Cookie: a", 204, ""},
	} {
		fields := append([]field{{"key", "k"}, {"success_action_status", c.status}, {"success_action_redirect", c.redirect}}, signed(t, policyOf(conditions...))...)
		up, _, err := upload(post(encode(fields, "f", "x")))
		require.NoError(t, err)
		require.Equal(t, c.wantStatus, up.Status)
		require.Equal(t, c.wantRedirect, up.Redirect)
	}
	fields := append([]field{{"key", "k"}, {"redirect", "https://example.com/old"}}, signed(t, policyOf(`{"key":"k"}`, `["starts-with","$redirect",""]`))...)
	up, _, err := upload(post(encode(fields, "f", "x")))
	require.NoError(t, err)
	require.Equal(t, "https://example.com/old", up.Redirect)
}

// PRE-43: the replacement is not expanded again, and no path gets in.
func TestPostFilename(t *testing.T) {
	for filename, want := range map[string]string{
		"photo.jpg": "home/photo.jpg", "a/b/photo.jpg": "home/photo.jpg", `C:\a\photo.jpg`: "home/photo.jpg", "../../x": "home/x", "": "home/",
		"${filename}": "home/${filename}", "é.jpg": "home/é.jpg", `a/b\c`: "home/c",
	} {
		fields := append([]field{{"key", "home/${filename}"}, {"x-amz-meta-name", "<${filename}>"}}, signed(t, policyOf(`["starts-with","$key","home/"]`, `["starts-with","$x-amz-meta-name","<"]`))...)
		up, _, err := upload(post(encode(fields, filename, "x")))
		require.NoError(t, err, filename)
		require.Equal(t, want, up.Key)
		require.Equal(t, "<"+strings.TrimPrefix(want, "home/")+">", up.Fields["x-amz-meta-name"])
	}
}

// A long name put in often makes no more than a form may have.
func TestPostFilenameManyTimes(t *testing.T) {
	for _, extra := range []int{0, 1} {
		value := strings.Repeat("${filename}", 10) + strings.Repeat("p", 240+extra)
		fields := append([]field{{"key", "k"}, {"x-amz-meta-name", value}, {"x-ignore-name", value[:len(value)-extra]}},
			signed(t, policyOf(`["starts-with","$key",""]`, `["starts-with","$x-amz-meta-name",""]`))...)
		up, _, err := upload(post(encode(fields, strings.Repeat("f", 1000), "x")))
		if extra == 0 {
			require.NoError(t, err)
			require.Len(t, up.Fields["x-amz-meta-name"], 10_240)
			continue
		}
		requireRefused(t, err, presign.ErrForm, 400, "MaxPostPreDataLengthExceededError")
	}
}

// Go's own writer of forms is understood.
func TestPostFromMimeMultipart(t *testing.T) {
	form, err := newS3().Post(docKeys, &presign.PostPolicy{Bucket: demo, Key: "k", MaxSize: 1 << 20})
	require.NoError(t, err)
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, f := range form.Fields {
		require.NoError(t, w.WriteField(f.Name, f.Value))
	}
	part, err := w.CreateFormFile("file", `we"ird\.bin`)
	require.NoError(t, err)
	_, err = part.Write(bytes.Repeat([]byte("\r\n--"), 10_000))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	r := httptest.NewRequest(http.MethodPost, "/"+demo, &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	up, content, err := upload(r)
	require.NoError(t, err)
	require.Len(t, content, 40_000)
	require.Equal(t, `.bin`, up.Filename)
}
