// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Signer signs requests, in the Authorization header with [Signer.Sign] and in
// the URL with [Signer.Presign]. Region and Profile.Service are required; the
// zero value of each other field is the usual choice.
//
// A Signer keeps derived keys: use one for many requests and do not copy it.
// Its fields must not change after first use; it is then safe for concurrent
// use.
type Signer struct {
	// Region goes into the credential scope, such as "us-east-1". With
	// AlgorithmV4A it is the region set instead: regions, or patterns such as
	// "us-*", separated by commas; "*" is every region.
	Region string
	// Profile says how the service canonicalizes: ProfileFor(service).
	Profile Profile
	// Algorithm is how to sign.
	Algorithm Algorithm
	// Deterministic takes the nonces of AlgorithmV4A from the message (RFC
	// 6979), so that a request signed twice has one signature. False takes
	// random ones.
	Deterministic bool
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// SignHeader, where set, decides which headers are signed, by lowercase
	// name. Host and x-amz-* are signed in any case and Authorization in none.
	// Nil signs what clients and proxies leave alone: everything but
	// user-agent, accept-encoding, cookie, x-forwarded-* and the like, and
	// content-length only where the header map holds it.
	SignHeader func(name string) bool
	// StrictInput refuses a request that carries a signature already, or a
	// part of one, with ErrAlreadySigned. False replaces it.
	StrictInput bool
	// KeyCache is how many derived keys are kept: 0 means 256, less than 0
	// none.
	KeyCache int
	// Debug fills in Canonical and StringToSign of each result.
	Debug bool

	cache keyCache
	date  atomic.Pointer[signingDate] // of the last request
	pool  sync.Pool                   // of *scratch
}

// Signed is what Sign did to a request.
type Signed struct {
	// Signature is 64 lowercase hex digits; with AlgorithmV4A the hex of a DER
	// signature, up to 144.
	Signature string
	// SignedHeaders is the signed names, joined with semicolons.
	SignedHeaders string
	// Date is the signing time as YYYYMMDDTHHMMSSZ.
	Date string
	// Scope is the credential scope.
	Scope Scope
	// Canonical is the canonical request; nil unless Signer.Debug.
	Canonical *Canonical
	// StringToSign is what was signed; empty unless Signer.Debug.
	StringToSign string

	key    *signingKey
	values [5]string // backs the slices in the request's header map
}

// Sign adds X-Amz-Date, Authorization, and by profile and credentials
// X-Amz-Content-Sha256 and the session token to r. A signature that r carries
// already is replaced, in the headers and in the query. r.Host becomes the host
// that is signed, without the scheme's default port; net/http sends it so.
// Nothing else of r changes, and nothing at all on an error: ErrConfig,
// ErrCredentials, ErrInvalidURL, ErrPayload, ErrAlreadySigned or ErrFIPS.
func (s *Signer) Sign(r *http.Request, c Credentials, p Payload) (*Signed, error) {
	now, err := s.check(r, &c)
	if err != nil {
		return nil, err
	}
	payload, err := p.plan(r, &s.Profile, s.Algorithm, false)
	if err != nil {
		return nil, err
	}
	sc := getScratch(&s.pool)
	defer putScratch(&s.pool, sc)
	query := r.URL.RawQuery
	if !sc.parseQuery(query) {
		return nil, errBadQuery()
	}
	signed := sc.dropAuthParams()
	found, err := s.collect(sc, r, payload.frame != nil, true)
	if err != nil {
		return nil, err
	}
	if s.StrictInput && (signed || found != 0) {
		return nil, fmt.Errorf("%w: Authorization, a date, a token or an X-Amz- query parameter is there", ErrAlreadySigned)
	}
	host := signedHost(r)
	out := &Signed{Scope: s.scope()}
	out.Date = s.formatDate(now)
	out.Scope.Date = out.Date[:8]
	s.addOwn(sc, host, out.Date, c.SessionToken, payload)
	if err := s.finish(sc, r, &c, payload.value, out); err != nil {
		return nil, err
	}
	if signed {
		r.URL.RawQuery = withoutAuthParams(query)
	}
	r.Host = host
	s.apply(r, out, c.SessionToken, payload, found)
	if payload.frame != nil {
		payload.frame.apply(r, out, s.Deterministic)
	}
	return out, nil
}

// check returns the signing time.
func (s *Signer) check(r *http.Request, c *Credentials) (time.Time, error) {
	if err := s.checkScope(); err != nil {
		return time.Time{}, fmt.Errorf("%w: Signer.Algorithm, Signer.Region or Signer.Profile.Service: %w", ErrConfig, err)
	}
	if err := c.check(); err != nil {
		return time.Time{}, err
	}
	if r.URL == nil {
		return time.Time{}, fmt.Errorf("%w: the request has no URL", ErrInvalidURL)
	}
	if hostOf(r) == "" {
		return time.Time{}, fmt.Errorf("%w: the request has no host", ErrInvalidURL)
	}
	now := clock(s.Now)
	if !isSigningTime(now) {
		return now, fmt.Errorf("%w: Signer.Now is outside the years 1 to 9999", ErrConfig)
	}
	return now, nil
}

func clock(now func() time.Time) time.Time {
	if now == nil {
		return time.Now()
	}
	return now()
}

// signingDate is a second as requests carry it.
type signingDate struct {
	second int64
	text   string
}

// formatDate is FormatDate, which the requests of one second share: 0.02 of
// Sign less, and an allocation.
func (s *Signer) formatDate(now time.Time) string {
	second := now.Unix()
	d := s.date.Load()
	if d == nil || d.second != second {
		d = &signingDate{second, FormatDate(now)}
		s.date.Store(d)
	}
	return d.text
}

// addOwn adds the headers that signing itself brings.
func (s *Signer) addOwn(sc *scratch, host, date, token string, payload payloadPlan) {
	sc.addOwnHead("host", host)
	sc.addOwnHead("x-amz-date", date)
	if token != "" {
		switch s.Profile.Token {
		case TokenOmitted:
		case TokenS3Session:
			sc.addOwnHead("x-amz-s3session-token", token)
		default:
			sc.addOwnHead("x-amz-security-token", token)
		}
	}
	if payload.send {
		sc.addOwnHead("x-amz-content-sha256", payload.value)
	}
	if s.Algorithm == AlgorithmV4A {
		sc.addOwnHead("x-amz-region-set", s.Region)
	}
	if payload.frame != nil {
		payload.frame.addHeads(sc, s.SignHeader)
	}
}

// finish computes the signature and writes the value of Authorization.
func (s *Signer) finish(sc *scratch, r *http.Request, c *Credentials, payloadHash string, out *Signed) error {
	key, err := s.signingKey(c, &out.Scope)
	if err != nil {
		return err
	}
	out.key = key
	if !sc.setURLPath(r.URL, &s.Profile) {
		return errBadPath()
	}
	sc.writeHeads()
	sc.canonicalize(methodOf(r), &s.Profile, payloadHash)
	text := sc.appendStringToSign(s.Algorithm, out.Date, &out.Scope)
	if s.Debug {
		out.Canonical, out.StringToSign = sc.signedCanonical(s.Algorithm, out.Date, out.Scope), string(text)
	}
	if sc.sig, err = key.appendSignature(sc.sig[:0], text, s.Deterministic); err != nil {
		return err
	}
	start := len(sc.buf)
	b := append(sc.buf, s.Algorithm.String()...)
	b = append(b, " Credential="...)
	b = append(b, c.AccessKeyID...)
	b = append(b, '/')
	b = out.Scope.appendTo(b)
	b = append(b, ", SignedHeaders="...)
	names := len(b) - start
	b = append(b, sc.names...)
	b = append(b, ", Signature="...)
	sc.buf = append(b, sc.sig...)
	authorization := string(sc.buf[start:])
	out.values[0] = authorization
	out.SignedHeaders = authorization[names : names+len(sc.names)]
	out.Signature = authorization[len(authorization)-len(sc.sig):]
	return nil
}

// apply writes the signature to the request.
func (s *Signer) apply(r *http.Request, out *Signed, token string, payload payloadPlan, found stale) {
	if r.Header == nil {
		r.Header = make(http.Header, 4)
	}
	if found&^staleReplaced != 0 {
		dropStale(r.Header, s.Profile.Token, found)
	}
	set := func(i int, key, value string) {
		out.values[i] = value
		r.Header[key] = out.values[i : i+1 : i+1]
	}
	set(0, "Authorization", out.values[0])
	set(1, "X-Amz-Date", out.Date)
	if token != "" && s.Profile.Token == TokenS3Session {
		set(2, nameS3Token, token)
	} else if token != "" {
		set(2, nameToken, token)
	}
	if payload.send {
		set(3, "X-Amz-Content-Sha256", payload.value)
	}
	if s.Algorithm == AlgorithmV4A {
		set(4, "X-Amz-Region-Set", s.Region)
	}
}

// replacedKey returns the key under which Sign puts a header of its own in the
// place of this one, and "" for a header that it leaves alone.
func replacedKey(name string, mode TokenMode) string {
	switch name {
	case "authorization":
		return "Authorization"
	case "x-amz-date":
		return "X-Amz-Date"
	case "x-amz-security-token":
		return nameToken
	case "x-amz-region-set":
		return "X-Amz-Region-Set"
	case "x-amz-s3session-token":
		if mode == TokenS3Session {
			return nameS3Token
		}
	}
	return ""
}

// stale says which headers of an earlier signature a request carries.
type stale uint8

const (
	staleReplaced stale = 1 << iota // setting ours replaces it
	staleOther                      // one that may have no successor
	staleSpelled                    // in a spelling that setting ours does not replace
)

// dropStale removes what replacedKey names.
func dropStale(h http.Header, mode TokenMode, found stale) {
	delete(h, nameToken)
	delete(h, "X-Amz-Region-Set")
	if mode == TokenS3Session {
		delete(h, nameS3Token)
	}
	if found&staleSpelled == 0 {
		return
	}
	for key := range h {
		if replacedKey(strings.ToLower(key), mode) != "" {
			delete(h, key)
		}
	}
}

// collect adds the request's own headers that are to be signed; sent says that r
// itself is sent, and framed that its body will be. It reports what it found
// that signing replaces.
func (s *Signer) collect(sc *scratch, r *http.Request, framed, sent bool) (found stale, err error) {
	for key, values := range r.Header {
		if len(values) == 0 {
			continue
		}
		switch key { // what an earlier Sign left, without the way through a head
		case "Authorization", "X-Amz-Date":
			found |= staleReplaced
			continue
		case "X-Amz-Content-Sha256":
			continue
		}
		h := sc.addHead(key, values, "")
		name := sc.headName(h)
		own := replacedKey(string(name), s.Profile.Token)
		switch {
		case own != "":
			found |= staleOther
			if own != key {
				found |= staleSpelled
			}
		case string(name) == "x-amz-content-sha256":
			return 0, fmt.Errorf("%w: spell the header X-Amz-Content-Sha256", ErrPayload)
		case string(name) == "host":
		case framed && isFraming(string(name)):
		case sent && r.ContentLength == 0 && string(name) == "content-length": // net/http sends none, or its own
		case s.selects(name):
			if string(name) == "content-length" && r.ContentLength > 0 {
				h.values, h.value = nil, fmt.Sprint(r.ContentLength) // what net/http sends
			}
			continue
		}
		sc.dropHead()
	}
	if r.ContentLength > 0 && !framed && s.SignHeader != nil && s.SignHeader("content-length") {
		if _, ok := r.Header["Content-Length"]; !ok {
			sc.addOwnHead("content-length", fmt.Sprint(r.ContentLength))
		}
	}
	return found, nil
}

func (s *Signer) selects(name []byte) bool {
	if len(name) > len(amzPrefix) && string(name[:len(amzPrefix)]) == amzPrefix {
		return true
	}
	if s.SignHeader != nil {
		return string(name) != "authorization" && s.SignHeader(string(name))
	}
	return signedByDefault(string(name))
}

// methodOf is the method that net/http sends: GET where a request has none.
func methodOf(r *http.Request) string {
	if r.Method == "" {
		return http.MethodGet
	}
	return r.Method
}

// signedHost is the host that is signed and sent: without the default port of
// the scheme (SIG-19), and without the zone of an IPv6 address, which net/http
// takes out.
func signedHost(r *http.Request) string {
	host := hostOf(r)
	if end := strings.LastIndexByte(host, ']'); end > 0 && host[0] == '[' {
		if zone := strings.LastIndexByte(host[:end], '%'); zone > 0 {
			host = host[:zone] + host[end:]
		}
	}
	scheme := ""
	if r.URL != nil {
		scheme = r.URL.Scheme
	}
	if rest, ok := strings.CutSuffix(host, ":443"); ok && scheme == "https" {
		return rest
	}
	if rest, ok := strings.CutSuffix(host, ":80"); ok && scheme == "http" {
		return rest
	}
	return host
}

func getScratch(pool *sync.Pool) *scratch {
	if sc, ok := pool.Get().(*scratch); ok {
		return sc
	}
	return new(scratch)
}

func putScratch(pool *sync.Pool, sc *scratch) {
	sc.reset()
	pool.Put(sc)
}
