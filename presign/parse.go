// SPDX-License-Identifier: Apache-2.0

package presign

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/sigv4"
)

// Presigned is what a presigned URL says of itself. Nothing in it is verified:
// that takes the key, and sigv4.Verifier.
type Presigned struct {
	// Algorithm is X-Amz-Algorithm as written, "AWS4-HMAC-SHA256" as a rule;
	// empty for a legacy URL.
	Algorithm string
	// AccessKeyID names the key that signed.
	AccessKeyID string
	// Scope is the credential scope; its Region is empty for SigV4A.
	Scope sigv4.Scope
	// RegionSet is the region set of SigV4A, as written.
	RegionSet string
	// SignedAt is when it was signed, in UTC; zero for a legacy URL.
	SignedAt time.Time
	// Expires is how long it works from SignedAt on.
	Expires time.Duration
	// ExpiresAt is when its own expiry comes; the credentials may end before.
	ExpiresAt time.Time
	// SignedHeaders is the names of the headers that must be sent, lowercase,
	// in the order given.
	SignedHeaders []string
	// HasToken says that a session token is there: the credentials are
	// temporary, and their end is not in the URL.
	HasToken bool
	// Scheme is "https" or "http".
	Scheme string
	// Host is the host with its port.
	Host string
	// Bucket and Key are a guess from the host and the path, the key decoded;
	// with a custom endpoint both may be wrong.
	Bucket, Key string
	// Style is how the bucket is guessed to be named: "virtual-hosted",
	// "path", "access-point" or "unknown".
	Style string
	// Parameters is the names of all other query parameters, sorted.
	Parameters []string
	// Legacy says that the URL is signed with Signature Version 2, which S3
	// has retired: little else is filled in.
	Legacy bool
	// Findings is what is wrong or weak about the URL.
	Findings []Finding

	raw       string
	operation string // x-id
}

// Parse reads a presigned URL, without any key. It returns ErrURL for what is
// none: a URL without a signature in its query, with a parameter missing,
// doubled or malformed. A URL that is presigned and bad is returned with
// Findings.
func Parse(rawURL string) (*Presigned, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fault(ErrURL, "not an absolute http or https URL")
	}
	if len(rawURL) > 64<<10 {
		return nil, fault(ErrURL, "longer than 64 KiB")
	}
	p := &Presigned{Scheme: u.Scheme, Host: u.Host, raw: rawURL}
	params, err := readParams(u.RawQuery)
	if err != nil {
		return nil, err
	}
	p.guess(u)
	_, signature := params["Signature"]
	if _, id := params["AWSAccessKeyId"]; id && signature {
		return p, p.legacy(params)
	}
	if err := p.read(params); err != nil {
		return nil, err
	}
	p.operation = params["x-id"]
	p.rest(params)
	p.judge()
	return p, nil
}

// readParams reads the query; an auth parameter that occurs twice is an error,
// of any other the first value counts.
func readParams(query string) (map[string]string, error) {
	params := make(map[string]string)
	for piece := range strings.SplitSeq(query, "&") {
		if piece == "" {
			continue
		}
		name, value, _ := strings.Cut(piece, "=")
		name, err := queryUnescape(name)
		if err == nil {
			value, err = queryUnescape(value)
		}
		if err != nil {
			return nil, fault(ErrURL, "a malformed escape in the query")
		}
		if _, twice := params[name]; twice {
			if isAuthParam(name) {
				return nil, fault(ErrURL, "%s occurs twice", name)
			}
			continue
		}
		params[name] = value
	}
	return params, nil
}

func queryUnescape(s string) (string, error) { return url.QueryUnescape(s) }

func isAuthParam(name string) bool {
	switch name {
	case "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature",
		"X-Amz-Security-Token", "X-Amz-S3session-Token", "X-Amz-Region-Set":
		return true
	}
	return false
}

// read reads the auth parameters.
func (p *Presigned) read(params map[string]string) error {
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Signature"} {
		if params[name] == "" {
			return fault(ErrURL, "%s is missing or empty", name)
		}
	}
	var err error
	p.Algorithm, p.RegionSet = params["X-Amz-Algorithm"], params["X-Amz-Region-Set"]
	if p.AccessKeyID, p.Scope, err = readCredential(params["X-Amz-Credential"], p.Algorithm); err != nil {
		return fault(ErrURL, "X-Amz-Credential is not ID/DATE/REGION/SERVICE/aws4_request")
	}
	if p.SignedAt, err = sigv4.ParseDate(params["X-Amz-Date"]); err != nil {
		return fault(ErrURL, "X-Amz-Date is not YYYYMMDDTHHMMSSZ")
	}
	expires, there := params["X-Amz-Expires"]
	switch {
	case there:
		seconds, err := strconv.ParseUint(expires, 10, 31)
		if err != nil || strings.Trim(expires, "0123456789") != "" {
			return fault(ErrURL, "X-Amz-Expires is not a number of seconds")
		}
		p.Expires = time.Duration(seconds) * time.Second
	case p.Scope.Service == "s3":
		return fault(ErrURL, "X-Amz-Expires is missing or empty")
	default:
		p.Expires = defaultExpires
	}
	p.ExpiresAt = p.SignedAt.Add(p.Expires)
	p.SignedHeaders = strings.Split(params["X-Amz-SignedHeaders"], ";")
	_, token := params["X-Amz-Security-Token"]
	_, session := params["X-Amz-S3session-Token"]
	p.HasToken = token || session
	return nil
}

// readCredential reads a credential from the right; SigV4A has no region.
func readCredential(text, algorithm string) (id string, s sigv4.Scope, err error) {
	if algorithm != sigv4.AlgorithmV4A.String() {
		return sigv4.ParseCredential(text)
	}
	parts := strings.Split(text, "/")
	if n := len(parts); n > 3 {
		parts = slices.Insert(parts, n-2, "*")
	}
	id, s, err = sigv4.ParseCredential(strings.Join(parts, "/"))
	s.Region = ""
	return id, s, err
}

// legacy reads a URL of Signature Version 2.
func (p *Presigned) legacy(params map[string]string) error {
	p.Legacy, p.AccessKeyID = true, params["AWSAccessKeyId"]
	seconds, err := strconv.ParseUint(params["Expires"], 10, 40)
	if err != nil {
		return fault(ErrURL, "Expires is not a number of seconds")
	}
	p.ExpiresAt = time.Unix(int64(seconds), 0).UTC()
	p.add("legacy", "Signature Version 2 is retired; newer regions refuse it")
	return nil
}

// rest lists the parameters that are not the signature's.
func (p *Presigned) rest(params map[string]string) {
	for name := range params {
		if !isAuthParam(name) {
			p.Parameters = append(p.Parameters, name)
		}
	}
	slices.Sort(p.Parameters)
}

// Left returns how long the URL's own expiry is away, negative once it is past.
func (p *Presigned) Left(now time.Time) time.Duration { return p.ExpiresAt.Sub(now) }

// Age returns how long ago the URL was signed.
func (p *Presigned) Age(now time.Time) time.Duration { return now.Sub(p.SignedAt) }

// String returns the URL with signature and token withheld.
func (p *Presigned) String() string { return redactURL(p.raw) }

// CurlLine returns a shell command for the URL. It does not say which method
// and which header values were signed: the method is the caller's, and each
// header appears with the value VALUE. Unless reveal is set, signature and
// token are withheld.
func (p *Presigned) CurlLine(method string, reveal bool) string {
	header := make(http.Header)
	for _, name := range p.SignedHeaders {
		if name != "host" {
			header.Set(name, "VALUE")
		}
	}
	target := p.raw
	if !reveal {
		target = p.String()
	}
	return curlLine(method, header, target, true)
}

// guess guesses bucket, key and style from host and path.
func (p *Presigned) guess(u *url.URL) {
	p.Style = "unknown"
	host := strings.ToLower(u.Hostname())
	path := strings.TrimPrefix(u.EscapedPath(), "/")
	unescaped := func(s string) string {
		if decoded, err := url.PathUnescape(s); err == nil {
			return decoded
		}
		return s
	}
	for _, mark := range []string{".s3-accesspoint", ".s3-object-lambda", ".s3-outposts", ".accesspoint.s3-global"} {
		if front, _, ok := strings.Cut(host, mark); ok && front != "" {
			p.Style, p.Bucket, p.Key = "access-point", front, unescaped(path)
			return
		}
	}
	for _, mark := range []string{".s3.", ".s3-", ".s3express-"} {
		if i := strings.LastIndex(host, mark); i > 0 && strings.Contains(host, "amazonaws.") {
			p.Style, p.Bucket, p.Key = "virtual-hosted", host[:i], unescaped(path)
			return
		}
	}
	bucket, key, _ := strings.Cut(path, "/")
	p.Bucket, p.Key = unescaped(bucket), unescaped(key)
	if strings.HasPrefix(host, "s3.") || strings.HasPrefix(host, "s3-") || isAddress(u.Host) || host == "localhost" {
		p.Style = "path"
	}
}
