// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/sigv4"
)

// plainCanonical is a canonical request to be changed.
func plainCanonical() *sigv4.Canonical {
	return &sigv4.Canonical{
		Method: "GET", URI: "/a%20b/c", Query: "list-type=2&prefix=x%20y",
		Headers:       "accept-encoding:gzip\nhost:example.com\nx-amz-date:20130524T000000Z\nx-amz-meta-a:one two\nx-amz-security-token:SECRETTOKEN\n",
		SignedHeaders: "accept-encoding;host;x-amz-date;x-amz-meta-a;x-amz-security-token",
		PayloadHash:   "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
		Date:          "20130524T000000Z", Scope: sigv4.Scope{Date: "20130524", Region: "us-east-1", Service: "s3"},
	}
}

// SIG-84, SIG-86: one change at a time, and the words that must come of it.
func TestCompareNamesTheCause(t *testing.T) {
	header := func(old, new string) func(c *sigv4.Canonical) {
		return func(c *sigv4.Canonical) { c.Headers = strings.Replace(c.Headers, old, new, 1) }
	}
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for _, tt := range []struct {
		name   string
		change func(c *sigv4.Canonical)
		where  string
		cause  string
	}{
		{"method", func(c *sigv4.Canonical) { c.Method = "PUT" }, "method ", "method was changed"},
		{"path encoded twice", func(c *sigv4.Canonical) { c.URI = "/a%2520b/c" }, "path ", "encoded once on this side and twice"},
		{"path plus", func(c *sigv4.Canonical) { c.URI = "/a+b/c" }, "path ", "sent as +"},
		{"path escaped plus", func(c *sigv4.Canonical) { c.URI = "/a%2Bb/c" }, "path ", "sent as +"},
		{"path slash", func(c *sigv4.Canonical) { c.URI = "/a%20b%2Fc" }, "path ", "encoded slash"},
		{"path dots", func(c *sigv4.Canonical) { c.URI = "/a%20b/./c" }, "path ", "dot segments"},
		{"path slashes", func(c *sigv4.Canonical) { c.URI = "//a%20b//c" }, "path ", "repeated slashes"},
		{"path end", func(c *sigv4.Canonical) { c.URI = "/a%20b/c/" }, "path ", "slash at the end"},
		{"path prefix", func(c *sigv4.Canonical) { c.URI = "/c" }, "path ", "prefix of the path"},
		{"path case", func(c *sigv4.Canonical) { c.URI = "/A%20b/c" }, "path ", "case of the path"},
		{"path other", func(c *sigv4.Canonical) { c.URI = "/d" }, "path ", "changed on the way"},
		{"query missing", func(c *sigv4.Canonical) { c.Query = "list-type=2" }, "query prefix", "did not reach"},
		{"query extra", func(c *sigv4.Canonical) { c.Query += "&x-id=GetObject" }, "query x-id", "added after signing"},
		{"query plus", func(c *sigv4.Canonical) { c.Query = "list-type=2&prefix=x%2By" }, "query prefix", "sent as +"},
		{"query twice", func(c *sigv4.Canonical) { c.Query = "list-type=2&prefix=x%2520y" }, "query prefix", "encoded once"},
		{"query value", func(c *sigv4.Canonical) { c.Query = "list-type=3&prefix=x%20y" }, "query list-type", "changed on the way"},
		{"query order", func(c *sigv4.Canonical) { c.Query = "prefix=x%20y&list-type=2" }, "query ", "another order"},
		{"query repeated", func(c *sigv4.Canonical) { c.Query = "list-type=2&prefix=x%20y&prefix=x%20y" }, "query prefix", "repeated"},
		{"host port", header("example.com", "example.com:8080"), "header host", "port"},
		{"host case", header("example.com", "Example.com"), "header host", "case"},
		{"host dot", header("example.com", "example.com."), "header host", "dot at the end"},
		{"host port and case", header("example.com", "Example.com:80"), "header host", "port"},
		{"host proxy", header("example.com", "10.0.0.1"), "header host", "proxy"},
		{"clock", header("20130524T000000Z", "20130524T001000Z"), "header x-amz-date", "clock"},
		{"accept-encoding", header("gzip", "identity"), "header accept-encoding", "do not sign"},
		{"spaces", header("one two", "one  two"), "header x-amz-meta-a", "spaces"},
		{"case", header("one two", "One Two"), "header x-amz-meta-a", "case"},
		{"value", header("one two", "three"), "header x-amz-meta-a", "changed between"},
		{"header missing", header("x-amz-meta-a:one two\n", ""), "header x-amz-meta-a", "missing at the server"},
		{"header extra", header("host:", "via:proxy\nhost:"), "header via", "added it"},
		{"token", header("SECRETTOKEN", "OTHERTOKEN"), "header x-amz-security-token", "session token"},
		{"signed headers", func(c *sigv4.Canonical) { c.SignedHeaders = "host" }, "signed headers ", "list of headers"},
		{"empty body there", func(c *sigv4.Canonical) { c.PayloadHash = empty }, "payload hash ", "lost on the way"},
		{"other body", func(c *sigv4.Canonical) { c.PayloadHash = strings.Repeat("a", 64) }, "payload hash ", "body that arrived"},
		{"literal", func(c *sigv4.Canonical) { c.PayloadHash = "UNSIGNED-PAYLOAD" }, "payload hash ", "unsigned or streaming"},
		{"date", func(c *sigv4.Canonical) { c.Date = "20130524T000001Z" }, "date ", "clock"},
		{"region", func(c *sigv4.Canonical) { c.Scope.Region = "eu-west-1" }, "scope region", "wrong region"},
		{"service", func(c *sigv4.Canonical) { c.Scope.Service = "ses" }, "scope service", "wrong service"},
		{"scope date", func(c *sigv4.Canonical) { c.Scope.Date = "20130525" }, "scope date", "day"},
		{"algorithm", func(c *sigv4.Canonical) { c.Algorithm = sigv4.AlgorithmV4A }, "algorithm ", "algorithms"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			theirs := plainCanonical()
			tt.change(theirs)
			found := sigv4.Compare(plainCanonical(), theirs)
			require.Len(t, found, 1)
			require.Equal(t, tt.where, found[0].Field+" "+found[0].Name)
			require.Contains(t, found[0].Cause, tt.cause)
			require.NotContains(t, fmt.Sprint(found), "SECRETTOKEN")
			require.NotEqual(t, found[0].Mine+found[0].Theirs, "")
			mirror := sigv4.Compare(theirs, plainCanonical())
			require.Len(t, mirror, 1)
			require.Equal(t, tt.where, mirror[0].Field+" "+mirror[0].Name)
		})
	}
	require.Empty(t, sigv4.Compare(plainCanonical(), plainCanonical()))
	for _, tt := range []struct{ name, mine, theirs, cause, not string }{ // of two paths
		{"left raw", "/a%281%29", "/a(1)", "escaped on one side and not on the other", "twice"},
		{"a raw space", "/a%20b", "/a b", "escaped on one side and not on the other", "+"},
		{"escaped for nothing", "/a~b", "/a%7Eb", "escaped on one side and not on the other", "changed"},
		{"malformed", "/a%2", "/a%4", "changed", "escaped on one side and not"},
		{"twice all the same", "/a%281%29", "/a%25281%2529", "encoded once on this side and twice", "raw"},
	} {
		for range 2 {
			mine, theirs := plainCanonical(), plainCanonical()
			mine.URI, theirs.URI = tt.mine, tt.theirs
			cause := sigv4.Compare(mine, theirs)[0].Cause
			require.Contains(t, cause, tt.cause, tt.name)
			require.NotContains(t, cause, tt.not, tt.name)
			if tt.not == "raw" {
				break
			}
			tt.mine, tt.theirs = tt.theirs, tt.mine
		}
	}
	// An empty hash against a literal is no lost body: who presigns for S3 signs
	// UNSIGNED-PAYLOAD (PRE-2).
	for _, literal := range []string{"UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"} {
		mine, theirs := plainCanonical(), plainCanonical()
		mine.PayloadHash, theirs.PayloadHash = empty, literal
		require.Contains(t, sigv4.Compare(mine, theirs)[0].Cause, "unsigned or streaming")
		require.Contains(t, sigv4.Compare(theirs, mine)[0].Cause, "unsigned or streaming")
	}
	lower, upper := plainCanonical(), plainCanonical()
	lower.URI, upper.URI = "/%c3%bc", "/%C3%BC"
	require.Contains(t, sigv4.Compare(lower, upper)[0].Cause, "upper case")
	theirs := plainCanonical()
	theirs.PayloadHash = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	mine := plainCanonical()
	mine.PayloadHash = "UNSIGNED-PAYLOAD"
	require.Contains(t, sigv4.Compare(mine, theirs)[0].Cause, "different payload modes")
}

// TestCompareQueryNames: a parameter whose name is written in two ways is one
// parameter, and those of the signature itself say what they are (SIG-86).
func TestCompareQueryNames(t *testing.T) {
	for _, tt := range []struct{ name, mine, theirs, where, cause string }{
		{"a plus in a name", "a%20b=1&c=2", "a%2Bb=1&c=2", "a%20b", "sent as +"},
		{"a name encoded twice", "a%20b=1", "a%2520b=1", "a%20b", "encoded once on this side and twice"},
		{"a name in other case", "Prefix=1", "prefix=1", "Prefix", "case"},
		{"another key", "X-Amz-Credential=AKID%2F20130524%2Fus-east-1%2Fs3%2Faws4_request", "X-Amz-Credential=AKID%2F20130524%2Feu-west-1%2Fs3%2Faws4_request", "X-Amz-Credential", "access key id, day, region or service"},
		{"another date", "X-Amz-Date=20130524T000000Z", "X-Amz-Date=20130524T000001Z", "X-Amz-Date", "clock"},
		{"another token", "X-Amz-Security-Token=SECRETA", "X-Amz-Security-Token=SECRETB", "X-Amz-Security-Token", "session token"},
		{"another list", "X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=host%3Bx-amz-acl", "X-Amz-SignedHeaders", "list of headers"},
	} {
		mine, theirs := plainCanonical(), plainCanonical()
		mine.Query, theirs.Query = tt.mine, tt.theirs
		found := sigv4.Compare(mine, theirs)
		require.Len(t, found, 1, tt.name)
		require.Equal(t, "query "+tt.where, found[0].Field+" "+found[0].Name, tt.name)
		require.Contains(t, found[0].Cause, tt.cause, tt.name)
		require.NotContains(t, fmt.Sprint(found), "SECRET", tt.name)
	}
	// Two that have nothing to do with each other stay two.
	mine, theirs := plainCanonical(), plainCanonical()
	mine.Query, theirs.Query = "a=1", "b=1"
	require.Len(t, sigv4.Compare(mine, theirs), 2)
}

// mismatchXML is S3's answer, from what the server computed.
func mismatchXML(canonical, sts string, asBytes bool) []byte {
	pairs := func(s string) string {
		return strings.TrimSpace(strings.Join(strings.SplitAfter(hex.EncodeToString([]byte(s)), ""), ""))
	}
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message><AWSAccessKeyId>AKID</AWSAccessKeyId>")
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;")
	if asBytes {
		b.WriteString("<StringToSign>mangled</StringToSign><StringToSignBytes>" + pairs(sts) + "</StringToSignBytes>")
		b.WriteString("<CanonicalRequest>mangled</CanonicalRequest><CanonicalRequestBytes>" + pairs(canonical) + "</CanonicalRequestBytes>")
	} else {
		b.WriteString("<StringToSign>" + escape.Replace(sts) + "</StringToSign><CanonicalRequest>" + escape.Replace(canonical) + "</CanonicalRequest>")
	}
	b.WriteString("<RequestId>1</RequestId></Error>")
	return []byte(b.String())
}

func stringToSign(c *sigv4.Canonical) string { return c.StringToSign(c.Algorithm, c.Date, c.Scope) }

// SIG-85, SIG-86.
func TestExplain(t *testing.T) {
	mine := plainCanonical()
	for _, asBytes := range []bool{true, false} {
		theirs := plainCanonical()
		theirs.Headers = strings.Replace(theirs.Headers, "gzip", "identity", 1)
		theirs.Scope.Region = "eu-west-1"
		found := sigv4.Explain(mine, mismatchXML(theirs.String(), stringToSign(theirs), asBytes))
		require.Len(t, found, 2)
		require.Equal(t, "accept-encoding", found[0].Name)
		require.Equal(t, "region", found[1].Name)
		require.Equal(t, "eu-west-1", found[1].Theirs)

		found = sigv4.Explain(mine, mismatchXML(mine.String(), stringToSign(mine), asBytes))
		require.Len(t, found, 1)
		require.Equal(t, "signature", found[0].Field)
		require.Contains(t, found[0].Cause, "secret")
	}
	// Without the canonical request its hash still tells.
	found := sigv4.Explain(mine, []byte("<Error><Code>SignatureDoesNotMatch</Code><StringToSign>AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n"+strings.Repeat("0", 64)+"</StringToSign></Error>"))
	require.Len(t, found, 1)
	require.Equal(t, "canonical request", found[0].Field)
	for code, want := range map[string]string{
		"<Error><Code>RequestTimeTooSkewed</Code><RequestTime>20130524T000000Z</RequestTime><ServerTime>2013-05-24T01:00:00Z</ServerTime></Error>": "date",
		"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>":                                                       "scope",
		"<Error><Code>InvalidAccessKeyId</Code></Error>":                                                                                           "server error",
		"<Error><Code>ExpiredToken</Code></Error>":                                                                                                 "server error",
		"<Error><Code>Whatever</Code></Error>":                                                                                                     "server error",
		"<Error><Code>SignatureDoesNotMatch</Code><StringToSign>eyJjb25kaXRpb25zIjpbXX0=</StringToSign></Error>":                                   "server error",
		"not XML": "server error",
		"<Error><Code>SignatureDoesNotMatch</Code><CanonicalRequest>x</CanonicalRequest></Error>": "server error",
	} {
		found := sigv4.Explain(mine, []byte(code))
		require.Len(t, found, 1, code)
		require.Equal(t, want, found[0].Field, code)
		require.NotEmpty(t, found[0].Cause)
	}
}

// TestExplainSilentServer: who does not tell what it signed is not taken for one
// that signed the same with another key.
func TestExplainSilentServer(t *testing.T) {
	found := sigv4.Explain(plainCanonical(), []byte("<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>"))
	require.Len(t, found, 1)
	require.Equal(t, "signature", found[0].Field)
	require.Contains(t, found[0].Cause, "does not say")
}

func TestParseSignatureError(t *testing.T) {
	good, err := sigv4.ParseSignatureError(mismatchXML("GET\n/\n\nhost:h\n\nhost\nUNSIGNED-PAYLOAD", "a\nb\nc\nd", true))
	require.NoError(t, err)
	require.Equal(t, "SignatureDoesNotMatch", good.Code)
	require.Equal(t, "AKID", good.AccessKeyID)
	require.Equal(t, "a\nb\nc\nd", good.StringToSign)
	require.Equal(t, "GET\n/\n\nhost:h\n\nhost\nUNSIGNED-PAYLOAD", good.CanonicalRequest)
	spaced, err := sigv4.ParseSignatureError([]byte("<Error><StringToSignBytes>41 42\n43</StringToSignBytes></Error>"))
	require.NoError(t, err)
	require.Equal(t, "ABC", spaced.StringToSign)
	fits := "<Error><Code>" + strings.Repeat("x", 1<<20-28) + "</Code></Error>"
	require.Len(t, fits, 1<<20)
	_, err = sigv4.ParseSignatureError([]byte(fits))
	require.NoError(t, err)
	for name, body := range map[string]string{
		"empty":         "",
		"text":          "hello",
		"other root":    "<Html/>",
		"two roots":     "<Error/><Error/>",
		"cut off":       "<Error><Code>x",
		"too long":      fits + " ",
		"document type": `<!DOCTYPE Error [<!ENTITY a "b">]><Error><Code>&a;</Code></Error>`,
		"only a type":   "<!DOCTYPE Error><Error><Code>x</Code></Error>",
		"entity":        "<Error><Code>&a;</Code></Error>",
		"twice":         "<Error><Code>a</Code><Code>b</Code></Error>",
		"no hex":        "<Error><StringToSignBytes>zz</StringToSignBytes></Error>",
		"odd hex":       "<Error><CanonicalRequestBytes>4</CanonicalRequestBytes></Error>",
	} {
		_, err := sigv4.ParseSignatureError([]byte(body))
		require.ErrorIs(t, err, sigv4.ErrServerReport, name)
	}
}

// The two halves together: our Verifier's disclosed refusal, explained against
// what our Signer signed, names what a proxy did.
func TestExplainOwnRefusal(t *testing.T) {
	v := streamVerifier()
	v.Disclose = true
	server := v.Handler(http.NotFoundHandler())
	signer := streamSigner(sigv4.AlgorithmV4)
	for name, tt := range map[string]struct {
		tamper func(r *http.Request)
		secret string
		field  string
	}{
		"header":  {func(r *http.Request) { r.Header.Set("X-Amz-Meta-A", "2") }, streamSecret, "header x-amz-meta-a"},
		"host":    {func(r *http.Request) { r.Host = "example.com:8080" }, streamSecret, "header host"},
		"query":   {func(r *http.Request) { r.URL.RawQuery = "a=2" }, streamSecret, "query a"},
		"path":    {func(r *http.Request) { r.URL.Path = "/bucket/other" }, streamSecret, "path "},
		"method":  {func(r *http.Request) { r.Method = "HEAD" }, streamSecret, "method "},
		"nothing": {func(*http.Request) {}, "another secret, long enough", "signature "},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequest("GET", "https://example.com/bucket/key?a=1", nil)
			require.NoError(t, err)
			r.Header.Set("X-Amz-Meta-A", "1")
			signed, err := signer.Sign(r, sigv4.Credentials{AccessKeyID: streamAKID, SecretAccessKey: tt.secret}, sigv4.Payload{})
			require.NoError(t, err)
			tt.tamper(r)
			w := serve(server, arriveWith(r, nil))
			require.Equal(t, 403, w.Code, w.Body)
			found := sigv4.Explain(signed.Canonical, w.Body.Bytes())
			require.Len(t, found, 1, w.Body)
			require.Equal(t, tt.field, found[0].Field+" "+found[0].Name)
		})
	}
	r, err := http.NewRequest("GET", "https://example.com/", nil)
	require.NoError(t, err)
	signer.Now = func() time.Time { return streamNow.Add(time.Hour) }
	signed, err := signer.Sign(r, streamCredentials, sigv4.Payload{})
	require.NoError(t, err)
	found := sigv4.Explain(signed.Canonical, serve(server, arriveWith(r, nil)).Body.Bytes())
	require.Contains(t, found[0].Cause, "clock")
}
