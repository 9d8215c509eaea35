// SPDX-License-Identifier: Apache-2.0

package presign_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/sallyport-go/sallyport/presign"
	"github.com/sallyport-go/sallyport/sigv4"
	"github.com/stretchr/testify/require"
)

// signature is a query that signs for nothing, to build URLs from.
const signatureQuery = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260301%2Fus-west-2%2Fs3%2Faws4_request" +
	"&X-Amz-Date=20260301T120000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=abc"

func codes(p *presign.Presigned) (list []string) {
	for _, f := range p.Findings {
		list = append(list, f.Code)
	}
	return list
}

// PRE-22: what a URL says of itself; PRE-23: what is printed of it.
func TestParse(t *testing.T) {
	u, err := newS3().Put(temporary, demo, "a b/c", &presign.Options{
		ContentType: "text/plain", Expires: time.Hour, RequestPayer: true, VersionID: "v",
	})
	require.NoError(t, err)
	p, err := presign.Parse(u.URL)
	require.NoError(t, err)
	require.Empty(t, cmp.Diff(&presign.Presigned{
		Algorithm: "AWS4-HMAC-SHA256", AccessKeyID: temporary.AccessKeyID,
		Scope: sigv4.Scope{Date: "20260301", Region: "us-west-2", Service: "s3"}, SignedAt: start, Expires: time.Hour, ExpiresAt: start.Add(time.Hour),
		SignedHeaders: []string{"content-type", "host"}, HasToken: true, Scheme: "https", Host: "amzn-s3-demo-bucket.s3.us-west-2.amazonaws.com",
		Bucket: demo, Key: "a b/c", Style: "virtual-hosted", Parameters: []string{"versionId", "x-amz-request-payer"},
	}, p, cmpopts.IgnoreUnexported(presign.Presigned{})))
	require.Equal(t, 59*time.Minute, p.Left(start.Add(time.Minute)))
	require.Equal(t, time.Minute, p.Age(start.Add(time.Minute)))
	require.Empty(t, p.FindingsAt(start.Add(time.Hour)))
	require.Equal(t, "expired", p.FindingsAt(start.Add(time.Hour + 1))[0].Code)
	require.NotContains(t, p.String(), "session%2Ftoken")
	require.True(t, strings.HasSuffix(p.String(), "&X-Amz-Signature=REDACTED"))
	require.Equal(t, "curl --path-as-is --globoff -X PUT --data-binary @FILE -H 'content-type: VALUE' '"+p.String()+"'", p.CurlLine(http.MethodPut, false))
	require.Contains(t, p.CurlLine(http.MethodPut, true), u.URL)
}

// PRE-22, finding by finding.
func TestParseFindings(t *testing.T) {
	const base = "https://b.s3.us-west-2.amazonaws.com/k?"
	replace := func(old, new string) string {
		require.Contains(t, signatureQuery, old)
		return base + strings.Replace(signatureQuery, old, new, 1)
	}
	for _, c := range []struct {
		name, url string
		want      []string
	}{
		{"nothing", base + signatureQuery, nil},
		{"http", strings.Replace(base, "https", "http", 1) + signatureQuery, []string{"http"}},
		{"more than seven days", replace("Expires=900", "Expires=604801"), []string{"too-long"}},
		{"seven days", replace("Expires=900", "Expires=604800"), nil},
		{"no time at all", replace("Expires=900", "Expires=0"), []string{"too-long"}},
		{"date of another day", replace("Date=20260301", "Date=20260302"), []string{"scope-date"}},
		{"unsorted", replace("=host", "=host%3Bcontent-type"), []string{"unsorted-headers"}},
		{"host not signed", replace("=host", "=content-type"), []string{"host-unsigned"}},
		{"unknown algorithm", replace("AWS4-HMAC-SHA256", "AWS9-HMAC-SHA3"), []string{"unknown-algorithm"}},
		{"hoisted acl", base + "x-amz-acl=public-read&" + signatureQuery, []string{"hoisted"}},
		{"hoisted by an SDK", base + "X-Amz-Meta-A=1&" + signatureQuery, []string{"hoisted"}},
		{"hoisted and enforced", base + "x-amz-expected-bucket-owner=1&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&" + signatureQuery, nil},
		{"upload that pins nothing", base + "x-id=PutObject&" + signatureQuery, []string{"unpinned"}},
		{"part that pins nothing", base + "partNumber=1&uploadId=u&" + signatureQuery, []string{"unpinned"}},
		{"upload by its headers", replace("=host", "=host%3Bx-amz-acl"), []string{"unpinned"}},
		{"upload that pins its length", base + "x-id=PutObject&" + strings.Replace(signatureQuery, "=host", "=content-length%3Bhost", 1), nil},
		{"upload that pins a checksum", base + "x-id=PutObject&" + strings.Replace(signatureQuery, "=host", "=host%3Bx-amz-checksum-crc32", 1), nil},
		{"download", base + "x-id=GetObject&" + signatureQuery, nil},
		{"legacy", base + "AWSAccessKeyId=AKIA&Expires=1900000000&Signature=x%3D", []string{"legacy"}},
		{"names escaped", base + strings.Replace(signatureQuery, "X-Amz-Date", "X-Amz-%44ate", 1), nil},
		{"another service without an expiry", strings.Replace(replace("&X-Amz-Expires=900", ""), "s3%2F", "sts%2F", 1), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := presign.Parse(c.url)
			require.NoError(t, err)
			require.Equal(t, c.want, codes(p))
			require.Equal(t, strings.HasPrefix(c.name, "legacy"), p.Legacy)
		})
	}
}

func TestParseRefuses(t *testing.T) {
	const base = "https://b.s3.us-west-2.amazonaws.com/k?"
	for name, url := range map[string]string{
		"empty": "", "relative": "/k?" + signatureQuery, "another scheme": "ftp://h/k?" + signatureQuery, "no host": "https:///k?" + signatureQuery,
		"user":                  "https://u@h/k?" + signatureQuery,
		"backslash in the host": `https://h\x/k?` + signatureQuery,
		"escape in the host":    "https://h%2F/k?" + signatureQuery,
		"space":                 base + signatureQuery + "&a= ",
		"line feed":             base + signatureQuery + "\n",
		"delete":                base + "a=\x7f&" + signatureQuery,
		"fragment":              base + signatureQuery + "#x",
		"path escape":           "https://h/%zz?" + signatureQuery,
		"query escape":          base + signatureQuery + "&%zz",
		"value escape":          base + signatureQuery + "&a=%zz",
		"too long":              base + signatureQuery + "&a=" + strings.Repeat("a", 64<<10),
		"not signed":            base + "a=1",
		"no query":              "https://h/k",
		"no algorithm":          base + strings.Replace(signatureQuery, "X-Amz-Algorithm", "x-amz-algorithm", 1),
		"no credential":         base + strings.Replace(signatureQuery, "X-Amz-Credential", "X", 1),
		"no date":               base + strings.Replace(signatureQuery, "X-Amz-Date", "X", 1),
		"no expiry":             base + strings.Replace(signatureQuery, "X-Amz-Expires", "X", 1),
		"no headers":            base + strings.Replace(signatureQuery, "SignedHeaders=host", "SignedHeaders=", 1),
		"no signature":          base + strings.Replace(signatureQuery, "Signature=abc", "Signature=", 1),
		"doubled date":          base + signatureQuery + "&X-Amz-Date=20260301T120000Z",
		"doubled signature":     base + signatureQuery + "&X-Amz-Signature=abc",
		"doubled, escaped":      base + signatureQuery + "&X-Amz-%53ignature=abc",
		"credential of four":    base + strings.Replace(signatureQuery, "us-west-2%2F", "", 1),
		"date malformed":        base + strings.Replace(signatureQuery, "T120000Z", "T120000", 1),
		"expiry 1h1":            base + strings.Replace(signatureQuery, "=900", "=1h1", 1),
		"expiry +9":             base + strings.Replace(signatureQuery, "=900", "=%2B9", 1),
		"expiry 6e2":            base + strings.Replace(signatureQuery, "=900", "=6e2", 1),
		"expiry of 20 digits":   base + strings.Replace(signatureQuery, "=900", "=12345678901234567890", 1),
		"legacy without expiry": base + "AWSAccessKeyId=AKIA&Signature=x",
	} {
		t.Run(name, func(t *testing.T) {
			p, err := presign.Parse(url)
			require.ErrorIs(t, err, presign.ErrURL)
			require.Nil(t, p)
		})
	}
}

// A credential whose slashes are written %2F is read without decoding; written
// %2f or bare it is decoded first. Both must come to the same.
func TestCredentialEitherWay(t *testing.T) {
	for name, credential := range map[string]string{
		"plain":                  "AKIAIOSFODNN7EXAMPLE%2F20260301%2Fus-west-2%2Fs3%2Faws4_request",
		"another day":            "AKIA%2F20260302%2Fus-west-2%2Fs3%2Faws4_request",
		"no day":                 "AKIA%2F20260399%2Fus-west-2%2Fs3%2Faws4_request",
		"slash in the id":        "AK%2FIA%2F20260301%2Fus-west-2%2Fs3%2Faws4_request",
		"bare slash in the id":   "AK/IA%2F20260301%2Fus-west-2%2Fs3%2Faws4_request",
		"escape in the id":       "AK%41%2F20260301%2Fus-west-2%2Fs3%2Faws4_request",
		"plus in the id":         "AK+A%2F20260301%2Fus-west-2%2Fs3%2Faws4_request",
		"empty id":               "%2F20260301%2Fus-west-2%2Fs3%2Faws4_request",
		"capital region":         "AKIA%2F20260301%2FUS%2Fs3%2Faws4_request",
		"escaped region":         "AKIA%2F20260301%2Fus%2Dwest-2%2Fs3%2Faws4_request",
		"plus in the region":     "AKIA%2F20260301%2Fus+west%2Fs3%2Faws4_request",
		"comma in the region":    "AKIA%2F20260301%2Fus,west%2Fs3%2Faws4_request",
		"slash in the region":    "AKIA%2F20260301%2Fus/west%2Fs3%2Faws4_request",
		"empty region":           "AKIA%2F20260301%2F%2Fs3%2Faws4_request",
		"empty service":          "AKIA%2F20260301%2Fus-west-2%2F%2Faws4_request",
		"escape in the service":  "AKIA%2F20260301%2Fus-west-2%2F%73%33%2Faws4_request",
		"another terminator":     "AKIA%2F20260301%2Fus-west-2%2Fs3%2Faws5_request",
		"nothing at the end":     "AKIA%2F20260301%2Fus-west-2%2Fs3%2F",
		"four parts":             "20260301%2Fus-west-2%2Fs3%2Faws4_request",
		"malformed escape":       "AK%zzA%2F20260301%2Fus-west-2%2Fs3%2Faws4_request",
		"escape cut off":         "AKIA%2F20260301%2Fus-west-2%2Fs3%2Faws4_request%2",
		"other escape at a part": "AKIA%2F20260301%2Eus-west-2%2Fs3%2Faws4_request",
	} {
		t.Run(name, func(t *testing.T) {
			read := func(credential string) (string, sigv4.Scope, bool) {
				p, err := presign.Parse("https://b.s3.us-west-2.amazonaws.com/k?" +
					strings.Replace(signatureQuery, "AKIAIOSFODNN7EXAMPLE%2F20260301%2Fus-west-2%2Fs3%2Faws4_request", credential, 1))
				if err != nil {
					require.ErrorIs(t, err, presign.ErrURL)
					return "", sigv4.Scope{}, false
				}
				return p.AccessKeyID, p.Scope, true
			}
			id, scope, ok := read(credential)
			for _, slash := range []string{"%2f", "/"} {
				otherID, otherScope, otherOK := read(strings.ReplaceAll(credential, "%2F", slash))
				require.Equal(t, ok, otherOK, slash)
				require.Equal(t, id, otherID, slash)
				require.Equal(t, scope, otherScope, slash)
			}
			if decoded, err := url.QueryUnescape(credential); err == nil {
				wantID, want, err := sigv4.ParseCredential(decoded)
				require.Equal(t, err == nil, ok)
				require.Equal(t, wantID, id)
				require.Equal(t, want, scope)
			} else {
				require.False(t, ok)
			}
		})
	}
}

func TestParseGuess(t *testing.T) {
	for url, want := range map[string][3]string{
		"https://b.s3.us-west-2.amazonaws.com/k/l":                                  {"b", "k/l", "virtual-hosted"},
		"https://my.bucket.s3.amazonaws.com/k%2Fl":                                  {"my.bucket", "k/l", "virtual-hosted"},
		"http://my.s3bucket.s3.us-west-2.amazonaws.com/k":                           {"my.s3bucket", "k", "virtual-hosted"},
		"http://a.s3.b.s3-fips.us-west-2.amazonaws.com/k":                           {"a.s3.b", "k", "virtual-hosted"},
		"https://b.s3-fips.dualstack.us-west-2.amazonaws.com/":                      {"b", "", "virtual-hosted"},
		"https://b.s3-accelerate.amazonaws.com/k":                                   {"b", "k", "virtual-hosted"},
		"https://b.s3.cn-north-1.amazonaws.com.cn/k":                                {"b", "k", "virtual-hosted"},
		"https://b.s3.us-iso-east-1.c2s.ic.gov/k":                                   {"b", "k", "virtual-hosted"},
		"https://demo--usw2-az1--x-s3.s3express-usw2-az1.us-west-2.amazonaws.com/k": {"demo--usw2-az1--x-s3", "k", "virtual-hosted"},
		"https://s3.us-west-2.amazonaws.com/b/k/l":                                  {"b", "k/l", "path"},
		"http://127.0.0.1:9000/b/k":                                                 {"b", "k", "path"},
		"http://localhost:9000/b":                                                   {"b", "", "path"},
		"https://storage.example.com/b/k":                                           {"b", "k", "unknown"},
		"https://b.s3.example.com/k":                                                {"k", "", "unknown"},
		"https://finance-123456789012.s3-accesspoint.us-west-2.amazonaws.com/k":     {"finance-123456789012", "k", "access-point"},
		"https://mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com/k":          {"mfzwi23gnjvgw.mrap", "k", "access-point"},
		"https://finance-123456789012.op-01.s3-outposts.us-west-2.amazonaws.com/k":  {"finance-123456789012.op-01", "k", "access-point"},
	} {
		p, err := presign.Parse(url + "?" + signatureQuery)
		require.NoError(t, err, url)
		require.Equal(t, want, [3]string{p.Bucket, p.Key, p.Style}, url)
	}
}
