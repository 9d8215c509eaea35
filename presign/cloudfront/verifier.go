// SPDX-License-Identifier: Apache-2.0

package cloudfront

import (
	"context"
	"crypto"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// Verifier decides whether a request carries a valid signed URL or valid
// signed cookies. Keys is required, BaseURL strongly advised; the zero value
// of every other field is the strict choice. It is safe for concurrent use as
// long as its fields do not change.
type Verifier struct {
	// Keys returns the public key of a key pair id, *rsa.PublicKey of 2,048
	// bits or *ecdsa.PublicKey on P-256. It must be safe for concurrent use.
	Keys func(keyPairID string) (crypto.PublicKey, bool)
	// BaseURL is scheme and host as clients see them, without a slash at the
	// end, such as https://media.example.com. Empty means the Host header as
	// received, with https where the connection is TLS: a client then chooses
	// which of a server's names a URL is checked for.
	BaseURL string
	// Aliases are further base URLs under which the same content is served.
	Aliases []string
	// SHA256Only refuses signatures over SHA-1, which are what a URL without
	// Hash-Algorithm has.
	SHA256Only bool
	// Leeway is how much the clocks of signer and verifier may differ: added
	// to both ends of a policy's time. Zero means none.
	Leeway time.Duration
	// AllowNoResource accepts custom policies without a Resource, which grant
	// everything under their key.
	AllowNoResource bool
	// ClientIP returns the address that a policy's range is held against; nil
	// means that of r.RemoteAddr. X-Forwarded-For is read only by a function
	// of yours that knows which proxy wrote it.
	ClientIP func(r *http.Request) netip.Addr
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// OnReject, if set, is called by Handler with every refused request and
	// the cause, which the client is not told.
	OnReject func(r *http.Request, err error)

	pool sync.Pool // of *scratch
}

// scratch is memory that one Verify after the other uses: it is what keeps a
// wildcard policy within a twentieth of the bare RSA signature.
type scratch struct {
	scanner   strictjson.Scanner
	policy    [512]byte
	signature [rsaBits / 8]byte
}

// Grant is what a verified request was granted.
type Grant struct {
	// KeyPairID names the key that signed.
	KeyPairID string
	// Policy is what was signed; Resource is the URL for canned policies, and
	// empty for a policy without one.
	Policy Policy
	// Hash is the hash that was signed with.
	Hash Hash
	// Cookie says that cookies carried the grant, not the URL.
	Cookie bool
	// Custom says that the policy travelled; a canned one is rebuilt.
	Custom bool
}

// request is what a Verify works on.
type request struct {
	credentials
	path    string // as received
	query   string // without the five parameters
	more    bool   // there is a query besides them, though it be empty
	hash    Hash
	base    string // the first of the bases
	aliases []string
	client  *http.Request
}

// bases calls yield with each URL under which the content is served.
func (q *request) bases(yield func(base string) bool) {
	if !yield(q.base) {
		return
	}
	for _, alias := range q.aliases {
		if !yield(alias) {
			return
		}
	}
}

// Verify returns what the request is granted. It reads the target as it came
// (r.RequestURI, or r.URL for requests that are not of a server), the cookies
// and the client's address, and changes nothing. Checks come in this order,
// the first that fails is the error, as errors.Is tells: ErrConfig; ErrMissing,
// ErrMalformed; ErrUnknownKey, ErrKey; ErrSignature, ErrFIPS; ErrExpired,
// ErrNotYetValid; ErrResource; ErrIP.
func (v *Verifier) Verify(r *http.Request) (*Grant, error) {
	if v.Keys == nil {
		return nil, fault(ErrConfig, "Verifier.Keys is nil")
	}
	q := &request{client: r, base: v.base(r), aliases: v.Aliases}
	err := v.read(q)
	if err != nil {
		return nil, err
	}
	key, ok := v.Keys(q.keyPairID())
	if !ok || key == nil {
		return nil, fault(ErrUnknownKey, "")
	}
	g := &Grant{KeyPairID: q.keyPairID(), Hash: q.hash, Cookie: q.cookie, Custom: q.custom()}
	mem, ok := v.pool.Get().(*scratch)
	if !ok {
		mem = new(scratch)
	}
	if g.Custom {
		g.Policy, err = v.custom(q, key, mem)
	} else {
		g.Policy, err = v.canned(q, key, mem)
	}
	v.pool.Put(mem)
	if err != nil {
		return nil, err
	}
	return g, nil
}

// read takes the request apart and refuses what cannot be valid.
func (v *Verifier) read(q *request) error {
	for base := range q.bases {
		protocol, domain, ok := strings.Cut(base, "://")
		if !ok || protocol != "http" && protocol != "https" || domain == "" || hasDelimiter(domain) {
			return fault(ErrConfig, "Verifier.BaseURL or an alias is not scheme://host")
		}
	}
	target, ok := requestTarget(q.client)
	if !ok {
		return fault(ErrMalformed, "the request target is no path")
	}
	path, query, has := strings.Cut(target, "?")
	q.path = path
	q.credentials, q.query, q.more = fromQuery(query)
	q.more = q.more && has
	if !q.present() {
		if q.credentials = fromCookies(q.client); !q.present() {
			return fault(ErrMissing, "")
		}
	}
	err := q.check()
	if err == nil {
		q.hash, err = q.credentials.hash()
	}
	if err == nil && q.hash != SHA256 && v.SHA256Only {
		err = fault(ErrMalformed, "Hash-Algorithm is not SHA256")
	}
	return err
}

// hasDelimiter reports whether a domain holds a character that ends one.
func hasDelimiter(domain string) bool {
	return strings.IndexByte(domain, '/') >= 0 || strings.IndexByte(domain, '?') >= 0 || strings.IndexByte(domain, '#') >= 0
}

func (v *Verifier) base(r *http.Request) string {
	switch {
	case v.BaseURL != "":
		return v.BaseURL
	case r.TLS != nil:
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// requestTarget returns path and query as they came, without scheme and host
// where a client sent them.
func requestTarget(r *http.Request) (string, bool) {
	target := r.RequestURI
	if target == "" && r.URL != nil {
		target = r.URL.RequestURI()
	}
	if !strings.HasPrefix(target, "/") {
		_, rest, ok := strings.Cut(target, "://")
		slash := strings.IndexByte(rest, '/')
		if !ok || slash < 0 || strings.ContainsAny(rest[:slash], "?") {
			return "", false
		}
		target = rest[slash:]
	}
	return target, true
}

// canned rebuilds the policy from the URL for each base, and checks signature
// and time.
func (v *Verifier) canned(q *request, key crypto.PublicKey, mem *scratch) (Policy, error) {
	seconds, err := strconv.ParseUint(q.expires(), 10, 63)
	if err != nil || seconds == 0 || seconds > maxSeconds || q.expires()[0] == '0' {
		return Policy{}, fault(ErrMalformed, "Expires is not a number of seconds")
	}
	signature, ok := decode(mem.signature[:0], q.signature(), maxSignature)
	if !ok || !validText(q.path) || !validText(q.query) {
		return Policy{}, fault(ErrMalformed, "the URL or the Signature holds a character that it may not")
	}
	p := Policy{Expires: time.Unix(int64(seconds), 0)}
	separator := ""
	if q.more {
		separator = "?"
	}
	for base := range q.bases {
		p.Resource = base + q.path + separator + q.query
		if err = checkSignature(key, q.hash, p.appendText(mem.policy[:0]), signature); err == nil {
			return p, v.times(&p)
		}
	}
	return Policy{}, err
}

// maxSignature is the length of an encoded RSA signature of 2,048 bits; ECDSA
// ones are shorter.
const maxSignature = (rsaBits/8 + 2) / 3 * 4

// custom checks the signature over the policy as it was sent, and only then
// reads it.
func (v *Verifier) custom(q *request, key crypto.PublicKey, mem *scratch) (Policy, error) {
	text, ok := decode(mem.policy[:0], q.policy(), maxPolicy)
	if !ok {
		return Policy{}, fault(ErrMalformed, "the Policy is not in CloudFront's base64")
	}
	signature, ok := decode(mem.signature[:0], q.signature(), maxSignature)
	if !ok {
		return Policy{}, fault(ErrMalformed, "the Signature is not in CloudFront's base64")
	}
	if err := checkSignature(key, q.hash, text, signature); err != nil {
		return Policy{}, err
	}
	p, err := parsePolicy(&mem.scanner, text, v.AllowNoResource)
	if err == nil {
		err = v.times(&p)
	}
	if err == nil {
		err = q.covered(&p)
	}
	if err == nil && p.SourceIP.IsValid() && !p.SourceIP.Contains(v.client(q.client)) {
		err = fault(ErrIP, "")
	}
	return p, err
}

// times checks both ends: now < Expires, and now > NotBefore if there is one.
func (v *Verifier) times(p *Policy) error {
	now := time.Now
	if v.Now != nil {
		now = v.Now
	}
	t := now()
	if !t.Add(-v.Leeway).Before(p.Expires) {
		return fault(ErrExpired, "")
	}
	if !p.NotBefore.IsZero() && !t.Add(v.Leeway).After(p.NotBefore) {
		return fault(ErrNotYetValid, "")
	}
	return nil
}

// covered checks the resource against the URL under each base.
func (q *request) covered(p *Policy) error {
	if p.Resource == "" {
		return nil // parsePolicy let it pass
	}
	for base := range q.bases {
		protocol, domain, _ := strings.Cut(base, "://")
		ok, err := matchResource(p.Resource, &location{protocol, domain, q.path, q.query})
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		rest, literal := strings.CutPrefix(p.Resource, base)
		if (!literal || rest != q.path) && hasDotSegment(q.path) {
			return fault(ErrResource, "the path has a dot segment")
		}
		return nil
	}
	return fault(ErrResource, "")
}

func (v *Verifier) client(r *http.Request) netip.Addr {
	if v.ClientIP != nil {
		return v.ClientIP(r).Unmap()
	}
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Addr().Unmap()
}

// Handler returns middleware: a request that Verify refuses is answered 403,
// with the same text for every cause; for any other next is called without the
// five query parameters, as an origin behind CloudFront is, and with the Grant
// in the request's context.
func (v *Verifier) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g, err := v.Verify(r)
		if err != nil {
			if v.OnReject != nil {
				v.OnReject(r, err)
			}
			refuse(w)
			return
		}
		next.ServeHTTP(w, strip(r.WithContext(context.WithValue(r.Context(), grantKey{}, g))))
	})
}

func refuse(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/xml")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusForbidden)
	_, _ = w.Write([]byte(`<?xml version="1.0" encoding="UTF-8"?>` + "\n<Error><Code>AccessDenied</Code><Message>Access denied</Message></Error>\n"))
}

// strip takes the five parameters out of a request of our own.
func strip(r *http.Request) *http.Request {
	u := new(url.URL)
	*u = *r.URL
	_, u.RawQuery, _ = fromQuery(u.RawQuery)
	r.URL = u
	if path, query, has := strings.Cut(r.RequestURI, "?"); has {
		_, rest, more := fromQuery(query)
		if r.RequestURI = path; more {
			r.RequestURI += "?" + rest
		}
	}
	return r
}

type grantKey struct{}

// FromContext returns the Grant under which Handler let the request pass.
func FromContext(ctx context.Context) (*Grant, bool) {
	g, ok := ctx.Value(grantKey{}).(*Grant)
	return g, ok
}
