// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/sigv4"
)

var (
	profileS3      = sigv4.ProfileFor("s3")
	profileDefault = sigv4.ProfileFor("execute-api")
	profileSuite   = sigv4.Profile{Service: "service", SingleEncode: true}
)

// wire returns a request whose path and query are on the wire as given.
func wire(path, query string) *http.Request {
	return &http.Request{
		Method: "GET", Host: "h", Header: http.Header{},
		URL: &url.URL{Opaque: "//h" + path, RawQuery: query},
	}
}

func TestCanonicalPath(t *testing.T) {
	for _, c := range []struct {
		rule    string
		profile sigv4.Profile
		wire    string
		want    string
	}{
		{"SIG-4 empty path", profileDefault, "", "/"},
		{"SIG-5 plus", profileS3, "/+", "/%2B"},
		{"SIG-5 parentheses", profileS3, "/(1)", "/%281%29"},
		{"SIG-5 lower-case escape", profileS3, "/%c3", "/%C3"},
		{"SIG-5 tilde", profileS3, "/%7E", "/~"},
		{"SIG-5 slash in a key", profileS3, "/a%2Fb", "/a/b"},
		{"SIG-5 dollar", profileS3, "/test$file.text", "/test%24file.text"},
		{"SIG-2 raw UTF-8", profileS3, "/\u1234", "/%E1%88%B4"},
		{"SIG-6 twice", profileDefault, "/a%20b", "/a%2520b"},
		{"SIG-6 raw plus", profileDefault, "/a+b", "/a%2Bb"},
		{"SIG-7 slashes", profileDefault, "//example//", "/example/"},
		{"SIG-7 dot", profileDefault, "/.", "/"},
		{"SIG-7 dot dot", profileDefault, "/a/..", "/"},
		{"SIG-7 above the root", profileDefault, "/../../a", "/a"},
		{"SIG-7 inner", profileDefault, "/a/./b/../c/", "/a/c/"},
		{"SIG-7 dots that are names", profileDefault, "/.a/..b/...", "/.a/..b/..."},
		{"SIG-7 an escaped dot is a name", profileDefault, "/a/%2E%2E/b", "/a/%252E%252E/b"},
		{"SIG-8 slashes stay", profileS3, "//a/./b/../c//", "//a/./b/../c//"},
		{"SIG-109 once and normalized", profileSuite, "/a%20b/../c%20d", "/c%20d"},
	} {
		t.Run(c.rule+" "+c.wire, func(t *testing.T) {
			got, err := sigv4.Canonicalize(wire(c.wire, ""), c.profile, []string{"host"}, "-")
			require.NoError(t, err)
			require.Equal(t, c.want, got.URI)
		})
	}
}

func TestCanonicalPathRefusals(t *testing.T) {
	for _, path := range []string{"/%", "/%a", "/%zz", "/a%2", "/%2/../b", "/%zz/..", "/%+1", "/% 1", "/a?b"} {
		for _, p := range []sigv4.Profile{profileS3, profileDefault, profileSuite} {
			_, err := sigv4.Canonicalize(wire(path, ""), p, []string{"host"}, "-")
			require.ErrorIs(t, err, sigv4.ErrInvalidURL, "SIG-13 %s", path)
		}
	}
	r := wire("/", "")
	for _, opaque := range []string{"*", "foo", "mailto:a"} {
		r.URL.Opaque = opaque
		_, err := sigv4.Canonicalize(r, profileS3, nil, "-")
		require.ErrorIs(t, err, sigv4.ErrInvalidURL, opaque)
	}
	_, err := sigv4.Canonicalize(&http.Request{Method: "GET"}, profileS3, nil, "-")
	require.ErrorIs(t, err, sigv4.ErrInvalidURL)
}

func TestCanonicalQuery(t *testing.T) {
	for _, c := range []struct{ rule, raw, want string }{
		{"SIG-10 no value", "lifecycle", "lifecycle="},
		{"SIG-10 empty pieces", "&&a=1&&", "a=1"},
		{"SIG-10 semicolon is no separator", "a=1;b=2", "a=1%3Bb%3D2"},
		{"SIG-10 first equals sign", "a=b=c", "a=b%3Dc"},
		{"SIG-10 plus is a space", "a+b=c+d", "a%20b=c%20d"},
		{"SIG-10 escaped plus", "a=%2B", "a=%2B"},
		{"SIG-10 slash", "prefix=a/b", "prefix=a%2Fb"},
		{"SIG-10 duplicates by value", "a=2&a=1&a=10", "a=1&a=10&a=2"},
		{"SIG-10 sorted after encoding", "a=~&a=%C3&a=Z", "a=%C3&a=Z&a=~"},
		{"SIG-10 names before values", "a-=1&a=1&a.=1", "a=1&a-=1&a.=1"},
		{"SIG-10 case matters", "b=1&B=1&a=1", "B=1&a=1&b=1"},
		{"SIG-10 empty name", "=x", "=x"},
		{"SIG-12 the signature is left out", "a=1&X-Amz-Signature=ff", "a=1"},
		{"SIG-12 its name escaped too", "a=1&X%2DAmz%2DSignature=ff", "a=1"},
		{"SIG-12 another case is a parameter", "x-amz-signature=ff", "x-amz-signature=ff"},
		{"SIG-12 unknown parameters are signed", "X-Amz-Foo=1&x-id=GetObject", "X-Amz-Foo=1&x-id=GetObject"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, err := sigv4.Canonicalize(wire("/", c.raw), profileS3, []string{"host"}, "-")
			require.NoError(t, err)
			require.Equal(t, c.want, got.Query)
		})
	}
	omit := profileDefault
	omit.Token = sigv4.TokenOmitted
	got, err := sigv4.Canonicalize(wire("/", "X-Amz-Security-Token=t&a=1"), omit, []string{"host"}, "-")
	require.NoError(t, err)
	require.Equal(t, "a=1", got.Query)
	for _, raw := range []string{"a=%", "%zz=1", "a=%4", strings.Repeat("a&", 10_001)} {
		_, err := sigv4.Canonicalize(wire("/", raw), profileS3, nil, "-")
		require.ErrorIs(t, err, sigv4.ErrInvalidURL)
	}
	_, err = sigv4.Canonicalize(wire("/", strings.Repeat("a&", 10_000)), profileS3, nil, "-")
	require.NoError(t, err, "SIG-103 the limit itself")
}

// TestCanonicalHeaders shows the header block (SIG-14, SIG-15) and the parts that
// are exported (SIG-83).
func TestCanonicalHeaders(t *testing.T) {
	r := wire("/", "")
	r.Header = http.Header{
		"My-Header1":  {" a   b   c ", "\td\t\te"},
		"My-Header2":  {`"a   b   c"`},
		"My-Header3":  {"value1\n  value2\r\n     value3"},
		"My-Empty":    {""},
		"My-Spaces":   {"   "},
		"My-Order":    {"z", "a", "", "p"},
		"X-Amz-A":     {"1"},
		"X-Amzn-A":    {"1"},
		"A":           {"\u00e9  \u00e9"},
		"A-":          {"1"},
		"Nothing":     {},
		"X-Amz-Date":  {"20150830T123600Z"},
		"Cookie":      {"unsigned"},
		"User-Agent":  {"unsigned"},
		"Proxy-X":     {"unsigned"},
		"Sec-Fetch":   {"unsigned"},
		"X-Amz-Empty": {""},
	}
	got, err := sigv4.Canonicalize(r, profileS3, nil, "HASH")
	require.NoError(t, err)
	want := &sigv4.Canonical{
		Method: "GET", URI: "/", PayloadHash: "HASH",
		Headers: "a:\u00e9 \u00e9\na-:1\nhost:h\nmy-empty:\nmy-header1:a b c,d e\nmy-header2:\"a b c\"\n" +
			"my-header3:value1 value2 value3\nmy-order:z,a,,p\nmy-spaces:\nx-amz-a:1\nx-amz-date:20150830T123600Z\nx-amz-empty:\nx-amzn-a:1\n",
		SignedHeaders: "a;a-;host;my-empty;my-header1;my-header2;my-header3;my-order;my-spaces;x-amz-a;x-amz-date;x-amz-empty;x-amzn-a",
	}
	require.Empty(t, cmp.Diff(want.String(), got.String()))
	require.Equal(t, want.SignedHeaders, got.SignedHeaders)

	got, err = sigv4.Canonicalize(r, profileS3, []string{"Host", "X-AMZ-A", "host"}, "HASH")
	require.NoError(t, err)
	require.Equal(t, "host;x-amz-a", got.SignedHeaders)
	for _, name := range []string{"absent", "nothing", "", "ho st"} {
		_, err = sigv4.Canonicalize(r, profileS3, []string{name}, "HASH")
		require.ErrorIs(t, err, sigv4.ErrMalformed, name)
	}
}

// TestHeadersNetHTTPMoves shows where each header that net/http moves is taken
// from (SIG-17).
func TestHeadersNetHTTPMoves(t *testing.T) {
	r := wire("/", "")
	r.TransferEncoding = []string{"chunked"}
	r.ContentLength = 7
	r.Trailer = http.Header{"X-B": nil, "X-A": nil}
	r.ProtoMajor = 2
	got, err := sigv4.Canonicalize(r, profileS3, []string{"content-length", "expect", "host", "trailer", "transfer-encoding"}, "-")
	require.NoError(t, err)
	require.Equal(t, "content-length:7\nexpect:100-continue\nhost:h\ntrailer:X-A,X-B\ntransfer-encoding:chunked\n", got.Headers)
	r = wire("/", "")
	r.Header = http.Header{"Content-Length": {"007"}, "Expect": {"something"}, "Host": {"another"}}
	r.ProtoMajor = 1
	got, err = sigv4.Canonicalize(r, profileS3, []string{"content-length", "expect", "host"}, "-")
	require.NoError(t, err)
	require.Equal(t, "content-length:007\nexpect:something\nhost:h\n", got.Headers)
}

// randomRequest draws a request that meets the rules' corners.
func randomRequest(rng *rand.Rand, classes testkit.Classes) (r *http.Request, path string, names []string) {
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	text := func(parts []string) string {
		var b strings.Builder
		for range rng.IntN(5) {
			b.WriteString(parts[rng.IntN(len(parts))])
		}
		return b.String()
	}
	pathParts := []string{"/", "//", "/./", "/../", ".", "..", "a", "%20", "%2F", "%2f", "%7e", "+", "\u00e9", "%C3%A9", "~", "(", "$", "%25", "b.c"}
	path = "/" + text(pathParts)
	queryParts := []string{"a", "b", "=", "=", "+", "%20", "%2B", "\u00e9", "%c3", ";", "/", "~", "-", "X-Amz-Date", "%26"}
	var pieces []string
	for range rng.IntN(5) {
		pieces = append(pieces, text(queryParts))
	}
	query := strings.Join(pieces, "&")
	r = wire(path, query)
	r.Method = pick("GET", "PUT", "get", "PROPFIND")
	names = []string{"host"}
	valueParts := []string{"a", " ", "  ", "\t", ",", "\u00e9", `"`, "\n ", "b"}
	for _, name := range []string{"A", "Content-Type", "My-Header", "X-Amz-Meta-A", "X-Amz-Meta-B", "X-Amzn-Trace", "Range"} {
		for range rng.IntN(3) {
			r.Header[name] = append(r.Header[name], text(valueParts))
		}
		if len(r.Header[name]) > 0 {
			names = append(names, strings.ToLower(name))
		}
	}
	classes.Add("double slash", strings.Contains(path, "//"))
	classes.Add("dot segment", strings.Contains(path, "/./") || strings.Contains(path, "/../"))
	classes.Add("escaped slash", strings.Contains(strings.ToLower(path), "%2f"))
	classes.Add("plus in the path", strings.Contains(path, "+"))
	classes.Add("plus in the query", strings.Contains(query, "+"))
	classes.Add("raw UTF-8", strings.Contains(path+query, "\u00e9"))
	classes.Add("empty value", slices.Contains(pieces, "a") || slices.Contains(pieces, "a="))
	classes.Add("empty piece", slices.Contains(pieces, ""))
	classes.Add("semicolon", strings.Contains(query, ";"))
	sorted := slices.Sorted(slices.Values(pieces))
	classes.Add("duplicate parameter", len(slices.Compact(sorted)) < len(pieces))
	classes.Add("duplicate header", len(r.Header["A"]) > 1)
	classes.Add("inner spaces", slices.ContainsFunc(r.Header["A"], func(v string) bool { return strings.Contains(strings.Trim(v, " "), "  ") }))
	classes.Add("folded header", slices.ContainsFunc(r.Header["A"], func(v string) bool { return strings.Contains(v, "\n") }))
	classes.Add("empty header", slices.Contains(r.Header["A"], ""))
	return r, path, names
}

// TestCanonicalizeAgreesWithTheReference compares with the slow canonicalizer.
func TestCanonicalizeAgreesWithTheReference(t *testing.T) {
	total := 20_000
	if testing.Short() {
		total = 2_000
	}
	rng := rand.New(rand.NewPCG(1, 2))
	classes := testkit.Classes{}
	profiles := []sigv4.Profile{profileS3, profileDefault, profileSuite, {Service: "iotdevicegateway", Token: sigv4.TokenOmitted, RawPath: true}}
	for i := range total {
		r, path, names := randomRequest(rng, classes)
		p := profiles[i%len(profiles)]
		compareCanonical(t, r, path, p, names)
	}
	classes.Require(t, total)
}

func compareCanonical(t *testing.T, r *http.Request, path string, p sigv4.Profile, names []string) {
	t.Helper()
	want, ok := refCanonical(r, path, p, names, "HASH")
	got, err := sigv4.Canonicalize(r, p, names, "HASH")
	if !ok {
		require.Error(t, err, "path %q query %q", path, r.URL.RawQuery)
		return
	}
	require.NoError(t, err, "path %q query %q", path, r.URL.RawQuery)
	if u, err := url.ParseRequestURI(path); err == nil && u.EscapedPath() == path { // the same path as net/http holds it
		u.RawQuery, r.URL = r.URL.RawQuery, u
		again, err := sigv4.Canonicalize(r, p, names, "HASH")
		require.NoError(t, err)
		require.Equal(t, got, again)
	}
	require.Equal(t, want, got.String(), "path %q query %q header %q", path, r.URL.RawQuery, r.Header)
}
