// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/sigv4"
)

// FuzzAuthorization feeds any Authorization header to a verifier: it refuses
// with an Error of a known kind, or the header is the one right signature,
// perhaps written in another order.
func FuzzAuthorization(f *testing.F) {
	const good = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, " +
		"SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature="
	for _, seed := range []string{
		"", "AWS4-HMAC-SHA256", good, good + strings.Repeat("0", 64), good + strings.Repeat("0", 64) + ",", "AWS a:b", "Bearer x",
		"AWS4-HMAC-SHA256 Credential=/,SignedHeaders=;,Signature==", "AWS4-ECDSA-P256-SHA256 Credential=a/20130524/s3/aws4_request, SignedHeaders=host, Signature=30",
	} {
		f.Add(seed)
	}
	v := testVerifier()
	f.Fuzz(func(t *testing.T, value string) {
		r := incoming("GET", "/k", "")
		r.Header = http.Header{
			"X-Amz-Date": {"20130524T120000Z"}, "X-Amz-Content-Sha256": {"UNSIGNED-PAYLOAD"}, "Authorization": {value},
		}
		_, err := v.Verify(r)
		checkRefusal(t, err, func() bool {
			canonical, _ := refCanonical(r, "/k", profileS3, []string{"host", "x-amz-content-sha256", "x-amz-date"}, "UNSIGNED-PAYLOAD")
			return strings.Contains(value, refSignature(secretS, "20130524T120000Z", "us-east-1", "s3", canonical))
		})
	})
}

// FuzzPresigned feeds any query to a verifier.
func FuzzPresigned(f *testing.F) {
	const head = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&" +
		"X-Amz-Date=20130524T120000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host"
	for _, seed := range []string{
		"", "a=1", "X-Amz-Signature", head, head + "&X-Amz-Signature=" + strings.Repeat("0", 64), head + "&" + head, "X-Amz-Expires=%", "AWSAccessKeyId=1&Signature=2",
	} {
		f.Add(seed)
	}
	v := testVerifier()
	f.Fuzz(func(t *testing.T, query string) {
		r := incoming("GET", "/k", "")
		r.Header = http.Header{}
		r.URL.RawQuery = query
		_, err := v.Verify(r)
		checkRefusal(t, err, func() bool {
			canonical, ok := refCanonical(r, "/k", profileS3, []string{"host"}, "UNSIGNED-PAYLOAD")
			return ok && strings.Contains(query, refSignature(secretS, "20130524T120000Z", "us-east-1", "s3", canonical))
		})
	})
}

func checkRefusal(t *testing.T, err error, mayPass func() bool) {
	t.Helper()
	if err == nil {
		require.True(t, mayPass(), "a request was accepted that nobody signed")
		return
	}
	var e *sigv4.Error
	require.True(t, errors.As(err, &e))
	require.NotEmpty(t, e.Code)
	require.GreaterOrEqual(t, e.HTTPStatus, 400)
	require.Less(t, e.HTTPStatus, 500, "%v", err)
	require.NotContains(t, e.Error(), secretS)
}

// FuzzCanonicalize compares the canonicalizer with the slow one.
func FuzzCanonicalize(f *testing.F) {
	for _, seed := range [][3]string{
		{"/", "", ""},
		{"//a/./../b%2Fc/", "a=1&a=2&b=+%20;", " x   y\t"},
		{"/%", "%", "\n"},
		{"/\u00e9", "=&&==", "\"a  b\""},
		{"", "X%2DAmz-Signature=1&a", ""},
		{"/a/..", "a-=1&a=1", ""},
		{"/+", "a+b", ","},
		{"x", "", ""},
	} {
		f.Add(seed[0], seed[1], seed[2], uint8(0))
		f.Add(seed[0], seed[1], seed[2], uint8(1))
		f.Add(seed[0], seed[1], seed[2], uint8(2))
	}
	profiles := []sigv4.Profile{profileS3, profileDefault, profileSuite, {Service: "s", Token: sigv4.TokenOmitted}}
	f.Fuzz(func(t *testing.T, path, query, value string, n uint8) {
		if len(path)+len(query)+len(value) > 4096 {
			return // the reference is too slow for more
		}
		r := wire(path, query)
		if path == "" {
			r.URL.Opaque = ""
		} else if path[0] != '/' {
			r.URL.Opaque = path
		}
		r.Header = http.Header{"X-Value": {value, value}}
		compareCanonical(t, r, path, profiles[int(n)%len(profiles)], []string{"host", "x-value"})
	})
}
