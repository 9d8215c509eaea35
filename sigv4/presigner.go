// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/percent"
)

// maxExpires is the longest life of a presigned URL, a signing key's seven
// days.
const maxExpires = 7 * 24 * time.Hour

// Presigned is a request that anybody may send who holds it: its URL carries
// the signature. Printing it withholds the signature and the session token;
// the field URL does not.
type Presigned struct {
	// URL is the absolute URL to send, its query in canonical order.
	URL string
	// Method is the only method it is good for.
	Method string
	// Header is what must be sent with it: every signed header but host. Nil
	// for none.
	Header http.Header
	// Signature is 64 lowercase hex digits; with AlgorithmV4A the hex of a DER
	// signature, up to 144.
	Signature string
	// SignedHeaders is the signed names, joined with semicolons.
	SignedHeaders string
	// Date is the signing time as YYYYMMDDTHHMMSSZ.
	Date string
	// Scope is the credential scope.
	Scope Scope
	// ExpiresAt is when the URL ends, should its credentials live as long.
	ExpiresAt time.Time
	// Canonical is the canonical request; nil unless Signer.Debug.
	Canonical *Canonical
	// StringToSign is what was signed; empty unless Signer.Debug.
	StringToSign string
}

// String returns method and URL without the signature and the session token.
func (p *Presigned) String() string {
	target, query, _ := strings.Cut(p.URL, "?")
	return p.Method + " " + target + "?" + redactQuery(query)
}

// Presign returns r as a URL that carries its signature and is good for
// expires: a whole number of seconds from one to seven days (ErrExpiry). It does
// not change r. Every header of r that Sign would sign is signed and must be
// sent with the URL; nothing is moved from the headers to the query but the
// session token of c. A signature in r's query is replaced, or refused with
// StrictInput. The errors are those of Sign.
func (s *Signer) Presign(r *http.Request, c Credentials, p Payload, expires time.Duration) (*Presigned, error) {
	now, err := s.check(r, &c)
	if err != nil {
		return nil, err
	}
	if expires < time.Second || expires > maxExpires || expires%time.Second != 0 {
		return nil, fmt.Errorf("%w: %v", ErrExpiry, expires)
	}
	payload, err := p.plan(r, &s.Profile, s.Algorithm, true)
	if err != nil {
		return nil, err
	}
	sc := getScratch(&s.pool)
	defer putScratch(&s.pool, sc)
	if !sc.parseQuery(r.URL.RawQuery) {
		return nil, errBadQuery()
	}
	signed := sc.dropAuthParams()
	found, err := s.collect(sc, r, false, false)
	if err != nil {
		return nil, err
	}
	if s.StrictInput && (signed || found != 0) {
		return nil, fmt.Errorf("%w: Authorization, a date, a token or an X-Amz- query parameter is there", ErrAlreadySigned)
	}
	host := signedHost(r)
	sc.addOwnHead("host", host)
	if payload.send {
		sc.addOwnHead("x-amz-content-sha256", payload.value)
	}
	out := &Presigned{Method: methodOf(r), Scope: s.scope()}
	out.Date = FormatDate(now)
	out.Scope.Date = out.Date[:8]
	out.ExpiresAt = now.Truncate(time.Second).Add(expires).UTC()
	sc.writeHeads()
	s.addAuthParams(sc, &c, out, expires)
	if err := s.finishURL(sc, r, &c, host, payload.value, out); err != nil {
		return nil, err
	}
	out.Header = sc.sentHeaders()
	return out, nil
}

// addAuthParams adds all parameters but the signature.
func (s *Signer) addAuthParams(sc *scratch, c *Credentials, out *Presigned, expires time.Duration) {
	add := func(auth authParam, name, value string) {
		sc.buf = append(sc.buf[:0], value...)
		sc.addParam(auth, name, sc.buf)
	}
	add(paramAlgorithm, "X-Amz-Algorithm", s.Algorithm.String())
	b := append(sc.buf[:0], c.AccessKeyID...)
	b = append(b, '/')
	sc.buf = out.Scope.appendTo(b)
	sc.addParam(paramCredential, "X-Amz-Credential", sc.buf)
	add(paramDate, "X-Amz-Date", out.Date)
	sc.buf = strconv.AppendInt(sc.buf[:0], int64(expires/time.Second), 10)
	sc.addParam(paramExpires, "X-Amz-Expires", sc.buf)
	sc.addParam(paramSignedHeaders, "X-Amz-SignedHeaders", sc.names)
	if c.SessionToken != "" && s.Profile.Token == TokenS3Session {
		add(paramS3Token, nameS3Token, c.SessionToken)
	} else if c.SessionToken != "" {
		add(paramToken, nameToken, c.SessionToken)
	}
	if s.Algorithm == AlgorithmV4A {
		add(paramRegionSet, "X-Amz-Region-Set", s.Region)
	}
}

// finishURL signs and writes the URL.
func (s *Signer) finishURL(sc *scratch, r *http.Request, c *Credentials, host, payloadHash string, out *Presigned) error {
	key, err := s.signingKey(c, &out.Scope)
	if err != nil {
		return err
	}
	path := wirePath(r.URL)
	if !sc.setURLPath(r.URL, &s.Profile) {
		return errBadPath()
	}
	sc.canonicalize(out.Method, &s.Profile, payloadHash)
	text := sc.appendStringToSign(s.Algorithm, out.Date, &out.Scope)
	if s.Debug {
		out.Canonical, out.StringToSign = sc.signedCanonical(s.Algorithm, out.Date, out.Scope), string(text)
	}
	if sc.sig, err = key.appendSignature(sc.sig[:0], text, s.Deterministic); err != nil {
		return err
	}
	start := len(sc.buf)
	b := append(sc.buf, sc.names...)
	url := len(b)
	if r.URL.Scheme == "" {
		b = append(b, "https"...)
	} else {
		b = append(b, r.URL.Scheme...)
	}
	b = append(b, "://"...)
	b = append(b, host...)
	if path == "" {
		path = "/"
	}
	b = append(b, path...)
	b = append(b, '?')
	b = append(b, sc.buf[sc.query:sc.headers-1]...)
	if c.SessionToken != "" && s.Profile.Token == TokenOmitted {
		b = append(b, "&"+nameToken+"="...)
		b = percent.Append(b, c.SessionToken, false)
	}
	b = append(b, "&"+nameSignature+"="...)
	sc.buf = append(b, sc.sig...)
	all := string(sc.buf[start:])
	out.SignedHeaders, out.URL = all[:url-start], all[url-start:]
	out.Signature = all[len(all)-len(sc.sig):]
	return nil
}

// sentHeaders returns the signed headers that the holder of a URL must send:
// all but host.
func (sc *scratch) sentHeaders() http.Header {
	if len(sc.heads) == 1 {
		return nil
	}
	out := make(http.Header, len(sc.heads)-1)
	for i := range sc.heads {
		h := &sc.heads[i]
		name := string(sc.headName(h))
		switch {
		case name == "host":
		case h.values == nil:
			out.Add(name, h.value)
		default:
			for _, v := range h.values {
				out.Add(name, v)
			}
		}
	}
	return out
}
