// SPDX-License-Identifier: Apache-2.0

package sdksigner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/aws-http-auth/credentials"
	smithy "github.com/aws/smithy-go/aws-http-auth/sigv4"
	smithyv4 "github.com/aws/smithy-go/aws-http-auth/v4"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/interop"
	"github.com/sallyport-go/sallyport/internal/testkit"
	"github.com/sallyport-go/sallyport/sigv4"
)

const (
	keyID  = "AKIAIOSFODNN7EXAMPLE"
	secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	region = "us-east-1"
)

// job is one request to be signed by all three.
type job struct {
	method, scheme, host, path, query string // path and query as on the wire
	header                            http.Header
	body                              []byte
	token, service                    string
	at                                time.Time
	presign                           bool
}

func (j *job) request() *http.Request {
	path, err := url.PathUnescape(j.path)
	if err != nil {
		path = j.path
	}
	u := &url.URL{Scheme: j.scheme, Host: j.host, Path: path, RawQuery: j.query}
	if u.EscapedPath() != j.path { // as url.Parse does
		u.RawPath = j.path
	}
	return &http.Request{Method: j.method, Host: j.host, Header: j.header.Clone(), ContentLength: int64(len(j.body)), URL: u}
}

func (j *job) hash() [sha256.Size]byte { return sha256.Sum256(j.body) }

func (j *job) hashHex() string {
	sum := j.hash()
	return hex.EncodeToString(sum[:])
}

// signedBySDK is aws-sdk-go-v2's rule; the comparison is of canonical forms, so
// all three sign the same headers.
func signedBySDK(name string) bool {
	switch name {
	case "authorization", "user-agent", "x-amzn-trace-id", "expect", "transfer-encoding":
		return false
	}
	return true
}

func (j *job) ours(t testing.TB, signed func(string) bool) string {
	t.Helper()
	s := &sigv4.Signer{
		Region: region, Profile: sigv4.ProfileFor(j.service), Now: func() time.Time { return j.at }, SignHeader: signed,
	}
	c := sigv4.Credentials{AccessKeyID: keyID, SecretAccessKey: secret, SessionToken: j.token}
	p := sigv4.Payload{Mode: sigv4.PayloadSHA256, SHA256: j.hash()}
	if j.presign {
		got, err := s.Presign(j.request(), c, p, time.Hour)
		require.NoError(t, err)
		return got.Signature
	}
	got, err := s.Sign(j.request(), c, p)
	require.NoError(t, err)
	return got.Signature
}

func (j *job) viaSDK(t testing.TB) string {
	t.Helper()
	r := j.request()
	if j.service == "s3" {
		r.Header.Set("X-Amz-Content-Sha256", j.hashHex())
	}
	s := sdk.NewSigner(func(o *sdk.SignerOptions) {
		o.DisableURIPathEscaping = j.service == "s3"
		o.DisableHeaderHoisting = true
	})
	c := aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret, SessionToken: j.token}
	if !j.presign {
		require.NoError(t, s.SignHTTP(context.Background(), c, r, j.hashHex(), j.service, region, j.at))
		return after(r.Header.Get("Authorization"), "Signature=")
	}
	addExpires(r)
	signed, _, err := s.PresignHTTP(context.Background(), c, r, j.hashHex(), j.service, region, j.at)
	require.NoError(t, err)
	return after(signed, "X-Amz-Signature=")
}

type rule func(string) bool

func (f rule) IsSigned(name string) bool { return f(name) }

func (j *job) viaSmithy(t testing.TB, signed func(string) bool) string {
	t.Helper()
	r := j.request()
	sum := j.hash()
	s := smithy.New(func(o *smithyv4.SignerOptions) {
		o.DisableDoublePathEscape = j.service == "s3"
		o.AddPayloadHashHeader = j.service == "s3"
		o.HeaderRules = rule(signed)
	})
	in := &smithy.SignRequestInput{
		Request: r, PayloadHash: sum[:], Service: j.service, Region: region, Time: j.at,
		Credentials: credentials.Credentials{AccessKeyID: keyID, SecretAccessKey: secret, SessionToken: j.token},
	}
	if j.presign {
		in.SignatureType = smithyv4.SignatureTypeQueryString
		addExpires(r)
	}
	require.NoError(t, s.SignRequest(in))
	if j.presign {
		return r.URL.Query().Get("X-Amz-Signature")
	}
	return after(r.Header.Get("Authorization"), "Signature=")
}

func addExpires(r *http.Request) {
	if r.URL.RawQuery != "" {
		r.URL.RawQuery += "&"
	}
	r.URL.RawQuery += "X-Amz-Expires=3600"
}

func after(s, mark string) string {
	_, rest, _ := strings.Cut(s, mark)
	return rest
}

// deviations names the rules of AWS that a request meets and that a peer does
// not follow; each has a case of its own in TestNamedDeviations.
func (j *job) deviations() (bothPeers, smithyOnly []string) {
	if j.service == "s3" && j.path != reencode(j.path) {
		bothPeers = append(bothPeers, "S3 path not encoded anew")
	}
	if j.service != "s3" && (strings.Contains(j.path, "//") || strings.Contains(j.path, "/.")) {
		bothPeers = append(bothPeers, "path not normalized")
	}
	if strings.Contains(j.query, ";") {
		bothPeers = append(bothPeers, "semicolon in the query")
	}
	query := j.query
	if j.presign {
		query += "&X-Amz-Algorithm=1&X-Amz-SignedHeaders=1" // between these the parameters of the request fall
	}
	if sortedByDecoding(query) {
		bothPeers = append(bothPeers, "query sorted before encoding")
	}
	for _, values := range j.header {
		for _, v := range values {
			if strings.Contains(v, "\t") {
				bothPeers = append(bothPeers, "tab in a header")
			}
			if strings.Contains(strings.TrimSpace(v), "  ") {
				smithyOnly = append(smithyOnly, "inner spaces of a header")
			}
		}
	}
	return bothPeers, smithyOnly
}

// reencode is the canonical form of an S3 path: decoded once, encoded again.
func reencode(path string) string {
	decoded, err := url.PathUnescape(path)
	if err != nil {
		return path
	}
	return strings.ReplaceAll(strings.ReplaceAll(url.QueryEscape(decoded), "+", "%20"), "%2F", "/")
}

// sortedByDecoding says whether sorting decoded names and values gives another
// order than sorting encoded ones.
func sortedByDecoding(query string) bool {
	values, err := url.ParseQuery(query)
	if err != nil {
		return false
	}
	encode := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	type pair struct{ name, value string }
	var pairs []pair
	for name, list := range values {
		for _, v := range list {
			pairs = append(pairs, pair{name, v})
		}
	}
	less := func(a, b pair) bool { return a.name < b.name || a.name == b.name && a.value < b.value }
	sort.Slice(pairs, func(i, k int) bool { return less(pairs[i], pairs[k]) })
	return !sort.SliceIsSorted(pairs, func(i, k int) bool {
		a, b := pairs[i], pairs[k]
		return less(pair{encode(a.name), encode(a.value)}, pair{encode(b.name), encode(b.value)})
	})
}

// generate draws a request of ordinary and of awkward parts.
func generate(rng *rand.Rand, classes testkit.Classes) *job {
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	one := func(in int) bool { return rng.IntN(in) == 0 }
	j := &job{
		method: pick("GET", "PUT", "POST", "DELETE", "HEAD"), scheme: "https",
		host: pick("examplebucket.s3.amazonaws.com", "host.example:8443", "127.0.0.1:9000"), service: pick("s3", "execute-api", "dynamodb"),
		header: http.Header{}, presign: one(3),
		at: time.Date(2000+rng.IntN(60), time.Month(1+rng.IntN(12)), 1+rng.IntN(28), rng.IntN(24), rng.IntN(60), rng.IntN(60), 0, time.UTC),
	}
	for range rng.IntN(5) {
		j.path += "/" + pick("a", "photos", "b.c", "x~y-z_1", "a%20b", "%E1%88%B4", "%25", "", "with%2Fslash")
		if one(20) {
			j.path += pick("+", "(1)", "%7E", "$", "%c3", "/./", "/../", "//")
		}
	}
	if j.path == "" {
		j.path = "/"
	}
	var pieces []string
	for range rng.IntN(5) {
		name := pick("a", "b", "prefix", "X-Amz-Meta", "%C3%A9", "list-type", "a%20b", "a+b")
		pieces = append(pieces, name+pick("=", "=1", "=2", "=%2F", "=a%20b", "=a+b", "=%C3%A9", "", "=~", "=Z"))
		if one(50) {
			pieces = append(pieces, "c;d=1")
		}
	}
	j.query = strings.Join(pieces, "&")
	for range rng.IntN(6) {
		name := pick("Content-Type", "Range", "X-Amz-Acl", "X-Amz-Meta-Name", "My-Header", "If-None-Match", "Accept", "X-Amz-Meta-Utf8")
		value := pick("v", "text/plain; charset=utf-8", " leading", "trailing ", "\u00e9\u1234", "", "a,b", "*/*")
		if one(15) {
			value = pick("a  b", "\"a   b\"", "a\tb")
		}
		j.header[name] = append(j.header[name], value)
	}
	if one(3) {
		j.token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI=="
	}
	if !j.presign && one(2) {
		j.body = []byte(pick("body", "another body", "{}"))
	}
	j.count(classes, pieces)
	return j
}

func (j *job) count(classes testkit.Classes, pieces []string) {
	classes.Add("presigned", j.presign)
	classes.Add("session token", j.token != "")
	classes.Add("body", len(j.body) > 0)
	classes.Add("s3", j.service == "s3")
	classes.Add("port", strings.Contains(j.host, ":"))
	classes.Add("escaped slash", strings.Contains(j.path, "%2F"))
	classes.Add("escaped UTF-8", strings.Contains(j.path, "%E1"))
	classes.Add("double slash", strings.Contains(j.path, "//"))
	seen, twice := map[string]bool{}, false
	for _, p := range pieces {
		name, _, _ := strings.Cut(p, "=")
		twice = twice || seen[name]
		seen[name] = true
	}
	classes.Add("duplicate parameter", twice)
	classes.Add("plus in the query", strings.Contains(j.query, "+"))
	classes.Add("empty value", strings.Contains(j.query+"&", "=&"))
	classes.Add("semicolon", strings.Contains(j.query, ";"))
	var spaces, repeated, utf8, empty bool
	for _, values := range j.header {
		repeated = repeated || len(values) > 1
		for _, v := range values {
			spaces = spaces || strings.Contains(v, "  ") || strings.HasPrefix(v, " ")
			utf8 = utf8 || strings.Contains(v, "\u00e9")
			empty = empty || v == ""
		}
	}
	classes.Add("spaces in a header", spaces)
	classes.Add("duplicate header", repeated)
	classes.Add("non-ASCII header", utf8)
	classes.Add("empty header", empty)
}

// TestSignersAgree signs generated requests with all three: the signatures are
// equal wherever a peer follows AWS's rules, and every request of ours verifies.
func TestSignersAgree(t *testing.T) {
	total := 20_000
	if testing.Short() {
		total = 2_000
	}
	rng := rand.New(rand.NewPCG(11, 12))
	classes := testkit.Classes{}
	var sdkEqual, smithyEqual int
	seen := map[string]int{}
	for range total {
		j := generate(rng, classes)
		both, smithyOnly := j.deviations()
		for _, name := range append(both, smithyOnly...) {
			seen[name]++
		}
		if len(both) == 0 {
			withLength := func(name string) bool { return signedBySDK(name) } // the SDK signs content-length
			require.Equal(t, j.viaSDK(t), j.ours(t, withLength), "%+v", j)
			sdkEqual++
		}
		if len(both) == 0 && len(smithyOnly) == 0 {
			without := func(name string) bool { return signedBySDK(name) && name != "content-length" }
			require.Equal(t, j.viaSmithy(t, without), j.ours(t, without), "%+v", j)
			smithyEqual++
		}
	}
	classes.Require(t, total)
	t.Logf("aws-sdk-go-v2 %d equal, smithy-go %d equal of %d; set aside: %v", sdkEqual, smithyEqual, total, seen)
	require.Greater(t, sdkEqual, total/2)
	require.Greater(t, smithyEqual, total/2)
	testkit.Report(t, "interop", "sdksigner/aws-sdk-go-v2", interop.ModuleVersion(t, "github.com/aws/aws-sdk-go-v2"), sdkEqual)
	testkit.Report(t, "interop", "sdksigner/smithy-go", interop.ModuleVersion(t, "github.com/aws/smithy-go/aws-http-auth"), smithyEqual)
}

// TestNamedDeviations pins each rule that a peer does not follow: what the rule
// makes of the request, and that the peer signs something else.
func TestNamedDeviations(t *testing.T) {
	at := time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
	base := func(service string) *job {
		return &job{method: "GET", scheme: "https", host: "h.example", path: "/", service: service, header: http.Header{}, at: at}
	}
	for _, c := range []struct {
		name              string
		job               func() *job
		uri, query, lines string // what the rule says, where not ""
		sdk, smithy       bool   // who deviates
	}{
		{
			"SIG-5 S3 path not encoded anew", func() *job { j := base("s3"); j.path = "/a+b(1)%c3%7E"; return j },
			"/a%2Bb%281%29%C3~", "", "", true, true,
		},
		{"SIG-7 path not normalized", func() *job { j := base("execute-api"); j.path = "/a/./b//../c"; return j }, "/a/c", "", "", true, true},
		{"SIG-10 semicolon in the query", func() *job { j := base("s3"); j.query = "a;b=1&c=2"; return j }, "", "a%3Bb=1&c=2", "", true, true},
		{"SIG-10 query sorted before encoding", func() *job { j := base("s3"); j.query = "a=%C3%A9&a=Z&a=~"; return j }, "", "a=%C3%A9&a=Z&a=~", "", true, true},
		{"SIG-14 tab in a header", func() *job { j := base("s3"); j.header["My"] = []string{"a\t\tb"}; return j }, "", "", "my:a b\n", true, true},
		{"SIG-14 inner spaces of a header", func() *job { j := base("s3"); j.header["My"] = []string{"a   b"}; return j }, "", "", "my:a b\n", false, true},
		{"SIG-19 brackets of an IPv6 host", func() *job { j := base("s3"); j.host = "[::1]:443"; return j }, "", "", "host:[::1]\n", true, true},
		{"SIG-19 default port", func() *job { j := base("s3"); j.host = "h.example:443"; return j }, "", "", "host:h.example\n", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := c.job()
			s := &sigv4.Signer{Region: region, Profile: sigv4.ProfileFor(j.service), Now: func() time.Time { return at }, Debug: true}
			got, err := s.Sign(j.request(), sigv4.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}, sigv4.Payload{})
			require.NoError(t, err)
			if c.uri != "" {
				require.Equal(t, c.uri, got.Canonical.URI)
			}
			if c.query != "" {
				require.Equal(t, c.query, got.Canonical.Query)
			}
			require.Contains(t, got.Canonical.Headers, c.lines)
			require.Equal(t, c.sdk, got.Signature != j.viaSDK(t), "aws-sdk-go-v2")
			require.Equal(t, c.smithy, got.Signature != j.viaSmithy(t, signedBySDK), "smithy-go")
		})
	}
}

// TestOursVerifyTheirs verifies what the peers sign.
func TestOursVerifyTheirs(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	classes := testkit.Classes{}
	verified := 0
	for range 2_000 {
		j := generate(rng, classes)
		if both, _ := j.deviations(); len(both) > 0 {
			continue
		}
		r := j.request()
		if j.service == "s3" {
			r.Header.Set("X-Amz-Content-Sha256", j.hashHex())
		}
		s := sdk.NewSigner(func(o *sdk.SignerOptions) { o.DisableURIPathEscaping = j.service == "s3" })
		c := aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret, SessionToken: j.token}
		if j.presign {
			addExpires(r)
			signed, header, err := s.PresignHTTP(context.Background(), c, r, j.hashHex(), j.service, region, j.at) // hoisting as it likes
			require.NoError(t, err)
			u, err := url.Parse(signed)
			require.NoError(t, err)
			header.Del("Host")
			header.Del("Content-Length")
			r.URL, r.Header = u, header
		} else {
			require.NoError(t, s.SignHTTP(context.Background(), c, r, j.hashHex(), j.service, region, j.at))
		}
		r.Body = bodyOf(j.body)
		v := &sigv4.Verifier{
			Keys: sigv4.StaticKeys{keyID: {Secret: secret, SessionToken: j.token}}, Region: region,
			Profile: sigv4.ProfileFor(j.service), Now: func() time.Time { return j.at },
		}
		id, err := v.Verify(r)
		require.NoError(t, err, "%+v", j)
		require.Equal(t, fmt.Sprint(j.presign), fmt.Sprint(id.Mode == sigv4.ModeQuery))
		verified++
	}
	require.Greater(t, verified, 1_000)
	testkit.Report(t, "interop", "sdksigner/verify", interop.ModuleVersion(t, "github.com/aws/aws-sdk-go-v2"), verified)
}
