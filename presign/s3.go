// SPDX-License-Identifier: Apache-2.0

package presign

import (
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/sallyport-go/sallyport/internal/percent"
	"github.com/sallyport-go/sallyport/sigv4"
)

// The lifetime of a URL.
const (
	defaultExpires = 15 * time.Minute
	maxExpires     = 7 * 24 * time.Hour
)

// Outliving says what to do about a URL that would outlive the temporary
// credentials it is signed with, and so die before its own expiry.
type Outliving uint8

const (
	// OutlivingReport returns the URL, with URL.OutlivesCredentials set and
	// URL.ExpiresAt at the end of the credentials.
	OutlivingReport Outliving = iota
	// OutlivingCap shortens the URL's own expiry to the last whole second of
	// the credentials; ErrExpiry when they have less than one second left.
	OutlivingCap
	// OutlivingReject is ErrExpiry.
	OutlivingReject
)

// String returns "report", "cap" or "reject".
func (o Outliving) String() string {
	switch o {
	case OutlivingReport:
		return "report"
	case OutlivingCap:
		return "cap"
	case OutlivingReject:
		return "reject"
	}
	return "unknown"
}

// MarshalText returns String's text; an unknown value is ErrConfig.
func (o Outliving) MarshalText() ([]byte, error) {
	if o > OutlivingReject {
		return nil, fault(ErrConfig, "unknown Outliving")
	}
	return []byte(o.String()), nil
}

// UnmarshalText reads what MarshalText writes; anything else is ErrConfig.
func (o *Outliving) UnmarshalText(text []byte) error {
	for v := range OutlivingReject + 1 {
		if v.String() == string(text) {
			*o = v
			return nil
		}
	}
	return fault(ErrConfig, "unknown Outliving")
}

// S3 makes presigned URLs for Amazon S3 and what speaks its protocol. Region is
// required; the zero value of every other field is the usual choice. Each
// operation takes the credentials to sign with, which may change from call to
// call, and does no I/O.
//
// An S3 keeps derived keys: use one for many URLs and do not copy it. Its
// fields must not change after first use; it is then safe for concurrent use.
type S3 struct {
	// Region is the client's region, such as "us-east-1".
	Region string
	// Endpoint says where URLs point to.
	Endpoint Endpoint
	// Outliving says what to do about URLs that outlive their credentials.
	Outliving Outliving
	// Now is the clock, and so the signing time; nil means time.Now.
	Now func() time.Time

	base    func() (target, error) // of no bucket at all, resolved once
	once    sync.Once
	last    atomic.Pointer[keptSigner] // the one used last: most use no other
	mu      sync.Mutex
	signers map[signerKey]*keptSigner
	scratch sync.Pool // of *scratch
}

// signerKey names what a sigv4.Signer is for.
type signerKey struct {
	region, service string
	algorithm       sigv4.Algorithm
}

type keptSigner struct {
	key    signerKey
	signer sigv4.Signer
}

// maxSigners bounds the signers that are kept: one for each region that access
// point ARNs name, and service.
const maxSigners = 64

func (s *S3) signer(l *Location) *sigv4.Signer {
	key := signerKey{l.Region, l.Service, l.Algorithm}
	if k := s.last.Load(); k != nil && k.key == key {
		return &k.signer
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.signers[key]
	if k == nil {
		k = &keptSigner{key: key, signer: sigv4.Signer{
			Region: l.Region, Profile: sigv4.ProfileFor(l.Service), Algorithm: l.Algorithm, Now: s.Now,
			SignHeader: signAll, StrictInput: true,
		}}
		if s.signers == nil {
			s.signers = make(map[signerKey]*keptSigner)
		}
		if len(s.signers) < maxSigners {
			s.signers[key] = k
		}
	}
	s.last.Store(k)
	return &k.signer
}

// signAll signs every header that the caller gave: one that is not signed would
// bind nobody.
func signAll(string) bool { return true }

// operation is one entry of the S3 API reference.
type operation struct {
	method  string
	query   string // sub-resource, encoded
	object  bool   // has a key
	service bool   // has not even a bucket
	control bool   // creates or deletes the bucket itself
}

// request is what an operation is called with.
type request struct {
	bucket, key string
	extra       func(*draft) // further parameters and headers
}

// scratch is the memory of one call.
type scratch struct {
	http  http.Request
	url   url.URL
	path  []byte
	draft draft
}

// presign makes the URL of an operation.
func (s *S3) presign(c *sigv4.Credentials, op *operation, q request, o *Options) (*URL, error) {
	if o == nil {
		o = &noOptions
	}
	expires := o.Expires
	if expires == 0 {
		expires = defaultExpires
	}
	if expires < time.Second || expires > maxExpires || expires%time.Second != 0 {
		return nil, fault(ErrExpiry, "%v is no whole number of seconds from one to seven days", expires)
	}
	l, err := s.locate(op, &q)
	if err != nil {
		return nil, err
	}
	if err := checkCredentials(c, &l.Location, op); err != nil {
		return nil, err
	}
	sc, _ := s.scratch.Get().(*scratch)
	if sc == nil {
		sc = new(scratch)
	}
	defer s.release(sc)
	if err := sc.build(&l, op, &q, o); err != nil {
		return nil, err
	}
	return s.finish(sc, &l.Location, c, expires)
}

// noOptions is what a nil *Options means. It is never written.
var noOptions Options

// release gives the memory back without what the caller passed in.
func (s *S3) release(sc *scratch) {
	sc.http, sc.url = http.Request{}, url.URL{}
	sc.draft.header, sc.draft.err = nil, nil
	if cap(sc.path) <= 16<<10 && cap(sc.draft.query) <= 16<<10 {
		s.scratch.Put(sc)
	}
}

// locate checks bucket and key, and resolves the endpoint.
func (s *S3) locate(op *operation, q *request) (target, error) {
	switch {
	case op.service && q.bucket != "":
		return target{}, fault(ErrInput, "the operation has no bucket")
	case !op.service && q.bucket == "":
		return target{}, fault(ErrInput, "the bucket is empty")
	case op.object && (q.key == "" || len(q.key) > 1024 || !utf8.ValidString(q.key)):
		return target{}, fault(ErrInput, "the key is not 1 to 1024 bytes of UTF-8")
	}
	if s.Endpoint.Accelerate || !isBucket(q.bucket) || isExpress(q.bucket) {
		return s.Endpoint.resolve(s.Region, q.bucket, op.control)
	}
	s.once.Do(func() {
		s.base = sync.OnceValues(func() (target, error) { return s.Endpoint.resolve(s.Region, "", false) })
	})
	t, err := s.base()
	if err == nil {
		t.place(&s.Endpoint, q.bucket)
	}
	return t, err
}

// checkCredentials refuses ordinary credentials for the objects of an S3
// Express bucket, which would be refused there: they need a session.
func checkCredentials(c *sigv4.Credentials, l *Location, op *operation) error {
	if l.Service == "s3express" && !op.control && c.SessionToken == "" {
		return fault(ErrCredentials, "an S3 Express bucket needs the credentials of a session: call CreateSession")
	}
	return nil
}

// build fills in the request that is signed.
func (sc *scratch) build(l *target, op *operation, q *request, o *Options) error {
	d := &sc.draft
	d.query = append(d.query[:0], op.query...)
	if q.extra != nil {
		q.extra(d)
	}
	if o != &noOptions {
		d.options(o)
	}
	if d.err != nil {
		return d.err
	}
	// Opaque is what net/http and the signer take as it is, so that a//b, ./x
	// and .. survive.
	b := append(sc.path[:0], "//"...)
	if l.label != "" {
		b = append(b, l.label...)
		b = append(b, '.')
	}
	b = append(b, l.Host...)
	host := len(b)
	b = append(b, l.Path...)
	if l.segment != "" {
		b = append(b, '/')
		b = append(b, l.segment...)
	}
	if op.object {
		b = append(b, '/')
		b = percent.Append(b, q.key, true)
	} else if len(b) == host {
		b = append(b, '/')
	}
	sc.path = b
	opaque := string(b)
	sc.url = url.URL{Scheme: l.Scheme, Host: opaque[2:host], Opaque: opaque}
	if len(d.query) > 0 {
		sc.url.RawQuery = string(d.query)
	}
	sc.http = http.Request{Method: op.method, URL: &sc.url, Host: sc.url.Host, Header: d.header}
	return nil
}

// finish signs and says when the URL really ends.
func (s *S3) finish(sc *scratch, l *Location, c *sigv4.Credentials, expires time.Duration) (*URL, error) {
	signer := s.signer(l)
	p, err := signer.Presign(&sc.http, *c, sigv4.Payload{}, expires)
	if err != nil {
		return nil, &Error{Kind: err}
	}
	end, outlives, err := s.lifetime(p.ExpiresAt.Add(-expires), expires, c)
	switch {
	case err != nil:
		return nil, err
	case !outlives && end.Before(p.ExpiresAt):
		return s.finish(sc, l, c, expires-p.ExpiresAt.Sub(end))
	}
	return &URL{
		URL: p.URL, Method: p.Method, Header: p.Header, ExpiresAt: end,
		OutlivesCredentials: outlives, CredentialsEndUnknown: c.SessionToken != "" && c.Expires.IsZero(),
	}, nil
}

// lifetime returns when something signed at t ends: at its own expiry, or with
// the credentials.
func (s *S3) lifetime(t time.Time, expires time.Duration, c *sigv4.Credentials) (end time.Time, outlives bool, err error) {
	end = t.Add(expires)
	if c.Expires.IsZero() || !end.After(c.Expires) {
		return end, false, nil
	}
	switch s.Outliving {
	case OutlivingReport:
		return c.Expires, true, nil
	case OutlivingCap:
		if left := c.Expires.Sub(t).Truncate(time.Second); left >= time.Second {
			return t.Add(left), false, nil
		}
		return end, true, fault(ErrExpiry, "the credentials have less than one second left")
	case OutlivingReject:
		return end, true, fault(ErrExpiry, "it would outlive its credentials")
	}
	return end, true, fault(ErrConfig, "S3.Outliving is unknown")
}
