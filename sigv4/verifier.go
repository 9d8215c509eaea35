// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"hash"
	"net/http"
	"sync"
	"time"

	"github.com/sallyport-go/sallyport/internal/percent"
)

const (
	defaultSkew    = 15 * time.Minute
	defaultMaxBody = 10 << 20
)

// Verifier verifies signed requests. Keys, Region and Profile.Service are
// required, and a Verifier without them refuses every request with ErrConfig;
// the zero value of each other field is the strict choice.
//
// A Verifier keeps derived keys: use one for many requests and do not copy it.
// Its fields must not change after first use; it is then safe for concurrent
// use.
type Verifier struct {
	// Keys finds the key of an access key id.
	Keys KeyLookup
	// Region is the region that the scope must name.
	Region string
	// Profile says how the service canonicalizes: ProfileFor(service).
	Profile Profile
	// Modes is the set of ways of signing that are accepted; 0 means
	// ModeHeader and ModeQuery, without chunked bodies, events or AlgorithmV4A.
	Modes Mode
	// Skew is how far the date of a header-signed request may be from the
	// clock, both ways, and the date of a presigned URL ahead of it; 0 means 15
	// minutes.
	Skew time.Duration
	// MaxExpires caps the life that a presigned URL may give itself; 0 means
	// seven days.
	MaxExpires time.Duration
	// MaxBody is the largest body, in bytes, that is read into memory to be
	// hashed, which happens only where no x-amz-content-sha256 states the
	// hash; 0 means 10 MiB.
	MaxBody int64
	// MinChunk is the least data, in bytes, in a chunk that another with data
	// follows; 0 means 8192, as S3 demands, less than 0 any.
	MinChunk int64
	// VerifiedChunks, where set, holds each signed chunk in memory until its
	// signature matched, so that Read hands out verified bytes only, and refuses
	// larger chunks. 0 hands out bytes as they come and fails before the end of
	// their chunk. Nothing verifies bytes of an unsigned chunk before the end of
	// the body.
	VerifiedChunks int64
	// AllowUnknownLength accepts a body with an unsigned trailer that comes
	// without x-amz-decoded-content-length, as some clients send a stream whose
	// length they do not know.
	AllowUnknownLength bool
	// Checksums adds algorithms of checksum trailers, by the name behind
	// x-amz-checksum-, lowercase, to those of the standard library.
	Checksums map[string]func() hash.Hash
	// Replay, where set, refuses a request that was accepted before. Presigned
	// URLs are good for one use then.
	Replay ReplayGuard
	// Now is the clock; nil means time.Now.
	Now func() time.Time

	// Host, where set, returns the host that the client signed, for servers
	// behind a proxy. Nil takes r.Host. No X-Forwarded- header is ever read.
	Host func(r *http.Request) string
	// HostAliases are further hosts to try where the first one's signature
	// does not match.
	HostAliases []string
	// OriginalURI takes path and query from r.RequestURI: for handlers behind a
	// router that rewrites r.URL.
	OriginalURI bool
	// AnyRegion, where set, may let a request be scoped to another region; its
	// signature is still checked, with that scope's key. S3 does so for
	// ListBuckets and GetBucketLocation.
	AnyRegion func(r *http.Request) bool

	// Strict requires even x-amz-date and x-amz-content-sha256 to be listed in
	// SignedHeaders, which the signature binds in any case.
	Strict bool
	// Tolerate, where set, names further x-amz-* headers, lowercase, that may
	// arrive unsigned: those that a proxy adds, such as x-amz-cf-id. A handler
	// must not act on them.
	Tolerate func(name string) bool
	// RequireContentHeaders requires content-type and content-md5 to be signed
	// where they arrive.
	RequireContentHeaders bool

	// FlattenErrors answers an unknown key, a wrong token and a key of another
	// algorithm as a signature mismatch, and an expired key as one where the
	// signature is wrong too, so that nobody can probe for access key ids. An
	// unknown key then costs all that a known one does, a body that has to be
	// read (see MaxBody) included.
	FlattenErrors bool
	// Codes replaces codes and statuses, by sentinel.
	Codes map[error]ErrorCode
	// Disclose sends the canonical request and the string to sign to the
	// client on a mismatch, as S3 does, with secret values replaced.
	Disclose bool
	// WriteError answers a refused request in Handler; nil is S3XML for S3
	// profiles, else QueryXML.
	WriteError func(w http.ResponseWriter, r *http.Request, e *Error)
	// OnReject, where set, is told of each refusal in Handler, before the
	// answer is written.
	OnReject func(r *http.Request, e *Error)
	// KeyCache is how many derived keys are kept: 0 means 256, less than 0
	// none.
	KeyCache int

	cache keyCache
	pool  sync.Pool // of *scratch
}

// Verify checks the signature of r. On success it replaces r.Body by a reader
// that checks the body as it is read: a body that is not the signed one ends in
// an [*Error] in place of io.EOF. Commit to nothing before io.EOF. On a refusal
// it returns an [*Error] and leaves r as it was, but for a body that had to be
// read (see MaxBody).
func (v *Verifier) Verify(r *http.Request) (*Identity, error) {
	sc := getScratch(&v.pool)
	defer putScratch(&v.pool, sc)
	id, err := v.verify(r, sc)
	if err != nil {
		return nil, v.finishError(err)
	}
	return id, nil
}

// verify runs the steps of section 7 of the rules, in their order; the first
// that fails decides the error.
func (v *Verifier) verify(r *http.Request, sc *scratch) (*Identity, *Error) {
	if err := v.checkConfig(); err != nil {
		return nil, err
	}
	path, query, err := v.target(r)
	if err != nil {
		return nil, err
	}
	if !sc.parseQuery(query) {
		return nil, newError(faultURI, "the query holds a malformed escape or more than %d parameters", maxParams)
	}
	var c claim
	var a arrival
	a.survey(r.Header)
	if err := v.claimed(r, sc, &a, &c); err != nil {
		return nil, err
	}
	host := r.Host
	if v.Host != nil {
		host = v.Host(r)
	}
	amz, err := collectSigned(r, sc, &a, &c, host)
	if err != nil {
		return nil, err
	}
	now := clock(v.Now)
	if err := v.checkTime(&c, now); err != nil {
		return nil, err
	}
	if err := v.checkCoverage(r, &c, a.amz, amz); err != nil {
		return nil, err
	}
	if ok := v.OriginalURI && sc.setPath(path, &v.Profile) || !v.OriginalURI && sc.setURLPath(r.URL, &v.Profile); !ok {
		return nil, newError(faultURI, "the path does not begin with a slash or holds a malformed escape")
	}
	key, body, err := v.prove(r, sc, &a, &c, host, now)
	if err != nil {
		return nil, err
	}
	if err := v.admit(r.Context(), &c); err != nil {
		return nil, err
	}
	return v.accept(r, &a, &c, key, path, body)
}

// claimed reads what the request says of its signature: steps 1 to 4.
func (v *Verifier) claimed(r *http.Request, sc *scratch, a *arrival, c *claim) (err *Error) {
	if c.mode, err = v.classify(r, sc, a); err != nil {
		return err
	}
	if c.mode&v.modes() == 0 {
		return newError(faultMode, "this way of signing is not accepted here")
	}
	if err := v.parse(r, sc, a, c); err != nil {
		return err
	}
	if err := v.checkMode(c); err != nil {
		return err
	}
	return v.checkScope(r, sc, c)
}

// checkConfig checks the Verifier's own fields.
func (v *Verifier) checkConfig() *Error {
	switch {
	case v.Keys == nil:
		return newError(faultConfig, "Verifier.Keys is nil")
	case v.Region == "":
		return newError(faultConfig, "Verifier.Region is empty")
	case v.Profile.Service == "":
		return newError(faultConfig, "Verifier.Profile.Service is empty")
	case v.VerifiedChunks < 0:
		return newError(faultConfig, "Verifier.VerifiedChunks is negative")
	case v.Skew < 0 || v.MaxExpires < 0 || v.MaxBody < 0:
		return newError(faultConfig, "Verifier.Skew, MaxExpires or MaxBody is negative")
	default:
		return nil
	}
}

// target finds the query, and with OriginalURI the path.
func (v *Verifier) target(r *http.Request) (path, query string, err *Error) {
	if r.URL == nil {
		return "", "", newError(faultURI, "the request has no URL")
	}
	if !v.OriginalURI {
		return "", r.URL.RawQuery, nil
	}
	path, query, ok := originalTarget(r)
	if !ok {
		return "", "", newError(faultURI, "the request target is no path")
	}
	return path, query, nil
}

func (v *Verifier) modes() Mode {
	if v.Modes == 0 {
		return defaultModes
	}
	return v.Modes
}

// parse reads the claim from its one source. The switch is exhaustive: a mode
// without a case is refused.
func (v *Verifier) parse(r *http.Request, sc *scratch, a *arrival, c *claim) *Error {
	if err := a.checkSingles(r.Host); err != nil {
		return err
	}
	var err *Error
	switch c.mode {
	case ModeHeader:
		err = v.parseHeader(a, c)
	case ModeQuery:
		if len(a.token) > 0 {
			err = newError(faultToken, "the session token came in a header beside a presigned URL")
			break
		}
		err = v.parsePresigned(sc, c)
	default:
		err = newError(faultMode, "this way of signing is not known")
	}
	if err != nil {
		return err
	}
	return v.parsePayload(sc, a, c)
}

// checkScope compares service, region and date (SIG-69).
func (v *Verifier) checkScope(r *http.Request, sc *scratch, c *claim) *Error {
	f := faultHeaderScope
	if c.mode == ModeQuery {
		f = faultQueryScope
	}
	switch {
	case c.scope.Service != v.Profile.Service:
		return newError(f, "the scope's service is wrong; expecting %q", v.Profile.Service)
	case c.algorithm == AlgorithmV4A && c.scope.Date == c.date[:8]:
		return v.checkRegionSet(r, sc, c, f)
	case c.algorithm != AlgorithmV4A && c.scope.Region != v.Region && (r == nil || v.AnyRegion == nil || !v.AnyRegion(r)):
		return newError(f, "the scope's region is wrong; expecting %q", v.Region).with("Region", v.Region)
	case c.scope.Date != c.date[:8]: // both have eight digits
		return newError(f, "the scope's date is not that of the request")
	default:
		return nil
	}
}

// checkTime checks the skew of a header signature (SIG-71) and the life of a
// presigned URL (PRE-25).
func (v *Verifier) checkTime(c *claim, now time.Time) *Error {
	skew := v.Skew
	if skew == 0 {
		skew = defaultSkew
	}
	if c.mode == ModeQuery {
		return v.checkLifetime(c, now, skew)
	}
	age := now.Sub(c.at)
	if age >= -skew && age <= skew {
		return nil
	}
	text := "Signature expired: "
	if age < 0 {
		text = "Signature not yet current: "
	}
	server := string(appendAmzDate(nil, now))
	return newError(faultSkew, "%s%s is not within %v of %s", text, c.date, skew, server).
		with("RequestTime", c.date).with("ServerTime", now.UTC().Format(time.RFC3339)).
		with("MaxAllowedSkewMilliseconds", itoa(skew.Milliseconds()))
}

func (v *Verifier) checkLifetime(c *claim, now time.Time, skew time.Duration) *Error {
	if v.MaxExpires != 0 && c.expires > v.MaxExpires {
		return newError(faultQuery, "X-Amz-Expires is more than the %v that are accepted here", v.MaxExpires)
	}
	end := c.at.Add(c.expires)
	var e *Error
	switch {
	case c.at.Add(-skew).After(now):
		e = newError(faultExpired, "Request is not yet valid")
	case now.After(end) || c.expires == 0:
		e = newError(faultExpired, "Request has expired")
	default:
		return nil
	}
	return e.with("X-Amz-Expires", itoa(int64(c.expires/time.Second))).
		with("Expires", end.Format(time.RFC3339)).with("ServerTime", now.UTC().Format(time.RFC3339))
}

// accept builds the identity and puts the body's reader in place.
func (v *Verifier) accept(r *http.Request, a *arrival, c *claim, key *signingKey, path string, body []byte) (*Identity, *Error) {
	decoded := r.URL.Path
	if v.OriginalURI {
		decoded = string(percent.AppendDecoded(nil, []byte(path)))
	}
	if decoded == "" {
		decoded = "/"
	}
	id := &Identity{
		AccessKeyID: c.accessKeyID, Scope: c.scope, Algorithm: c.algorithm, Mode: c.mode,
		SignedHeaders: c.signedHeaders, Payload: c.payload.mode, SignedAt: c.at,
		Path: decoded, SessionToken: c.token != "", RegionSet: c.regionSet,
	}
	if c.mode == ModeQuery {
		id.ExpiresAt = c.at.Add(c.expires)
	}
	if err := v.wrapBody(r, a, c, key, body); err != nil {
		return nil, err
	}
	return id, nil
}

// finishError fills in what depends on the Verifier: the protocol's code, or
// the Verifier's own.
func (v *Verifier) finishError(e *Error) *Error {
	if !v.Profile.isS3() {
		e.Code, e.HTTPStatus = faults[e.fault].query.Code, faults[e.fault].query.HTTPStatus
	}
	if own, ok := v.Codes[e.Kind]; ok {
		e.Code, e.HTTPStatus, e.replaced = own.Code, own.HTTPStatus, true
	}
	e.disclose = v.Disclose
	return e
}
