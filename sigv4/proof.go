// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// VerifyText checks a signature over any text, such as the base64 policy of a
// POST form: the other half of [Credentials.Sign]. It checks region and service
// of q.Scope, looks up the key, checks the session token q.SessionToken, and
// compares in constant time, with the same [*Error] values as Verify. The date
// of the scope, and what the text says, are the caller's to check.
func (v *Verifier) VerifyText(ctx context.Context, q KeyQuery, text []byte, signature Signature) error {
	c := claim{
		mode: ModeHeader, accessKeyID: q.AccessKeyID, token: q.SessionToken,
		scope: q.Scope, algorithm: q.Algorithm, date: q.Scope.Date,
	}
	if err := v.verifyText(ctx, &c, text, signature); err != nil {
		return v.finishError(err)
	}
	return nil
}

func (v *Verifier) verifyText(ctx context.Context, c *claim, text []byte, signature Signature) *Error {
	if err := v.checkConfig(); err != nil {
		return err
	}
	if c.algorithm != AlgorithmV4 {
		return newError(faultHeader, "text is signed with %s only", AlgorithmV4)
	}
	if err := c.scope.check(); err != nil {
		return newError(faultHeaderScope, "the credential scope is malformed").because(err)
	}
	if err := v.checkScope(nil, nil, c); err != nil {
		return err
	}
	key, refusal := v.lookup(ctx, c, clock(v.Now))
	if key == nil {
		return refusal
	}
	return v.verdict(refusal, signature.Equal(Signature{key.sum(text)}), func() *Error { return errMismatch(c) })
}

// prove finds the key and compares: steps 8 and 9. An unknown key costs the
// same work as a known one before it is refused.
func (v *Verifier) prove(r *http.Request, sc *scratch, a *arrival, c *claim, host string, now time.Time) (key *signingKey, body []byte, err *Error) {
	key, refusal := v.lookup(r.Context(), c, now)
	if key == nil {
		return nil, nil, refusal
	}
	// Who is refused in any case does not make the server read a body, unless
	// that would tell why.
	if body, err = v.hashBody(r, c, refusal == nil || v.FlattenErrors); err != nil {
		return key, nil, err
	}
	signed := v.compare(r, sc, a, c, key)
	err = v.verdict(refusal, signed, func() *Error { return v.mismatch(r, sc, a, c, host) })
	return key, body, err
}

// verdict is what becomes of a request whose key was looked up, with a refusal
// or without, and whose signature was compared. FlattenErrors tells nobody but
// who has signed that there is such a key.
func (v *Verifier) verdict(refusal *Error, signed bool, mismatch func() *Error) *Error {
	switch {
	case refusal == nil && signed:
		return nil
	case refusal == nil, v.FlattenErrors && !(signed && refusal.fault == faultTokenExpired):
		return mismatch()
	default:
		return refusal
	}
}

// lookup asks for the key and checks the session token (SIG-73). With a refusal
// it still returns a key to compare with, a dummy where there is none, so that
// the time does not tell why; without a key the lookup itself has failed.
func (v *Verifier) lookup(ctx context.Context, c *claim, now time.Time) (*signingKey, *Error) {
	found, err := v.Keys.LookupKey(ctx, KeyQuery{c.accessKeyID, c.token, c.scope, c.algorithm})
	switch {
	case errors.Is(err, ErrUnknownKey):
		return v.dummyKey(c, newError(faultUnknownKey, "the access key id is not known").with("AWSAccessKeyId", c.accessKeyID))
	case err != nil:
		return nil, newError(faultInternal, "looking up the access key id").because(err)
	}
	key, err := found.signingKey(&v.cache, c.accessKeyID, c.algorithm, &c.scope, v.KeyCache)
	switch {
	case errors.Is(err, errWrongKind):
		return v.dummyKey(c, newError(faultMode, "the key of this access key id is not for %s", c.algorithm))
	case err != nil:
		return nil, newError(faultInternal, "the key is not usable").because(err)
	case !equalSecret(c.token, found.SessionToken):
		return key, newError(faultToken, "the session token is not that of the access key id")
	case !found.Expires.IsZero() && now.After(found.Expires):
		return key, newError(faultTokenExpired, "the credentials have expired")
	default:
		return key, nil
	}
}

// dummySecret makes the key that stands in for one that is not there.
const dummySecret = "no access key has this secret"

// dummyKey accompanies a refusal. It is one key for all ids: nobody may fill
// the cache.
func (v *Verifier) dummyKey(c *claim, refusal *Error) (*signingKey, *Error) {
	dummy := Key{Secret: dummySecret}
	key, err := dummy.signingKey(&v.cache, dummySecret, c.algorithm, &c.scope, v.KeyCache)
	if err != nil {
		return nil, newError(faultInternal, "the key is not usable").because(err)
	}
	return key, refusal
}

// compare computes the signature, for each host that may have been signed, and
// compares.
func (v *Verifier) compare(r *http.Request, sc *scratch, a *arrival, c *claim, key *signingKey) bool {
	for i := -1; i < len(v.HostAliases); i++ {
		if i >= 0 {
			collectSigned(r, sc, a, c, v.HostAliases[i]) // it passed for the first host
		}
		if key.signs(c, v.stringToSign(r, sc, c)) {
			return true
		}
	}
	return false
}

func (v *Verifier) stringToSign(r *http.Request, sc *scratch, c *claim) []byte {
	sc.canonicalize(methodOf(r), &v.Profile, c.payload.value)
	return sc.appendStringToSign(c.algorithm, c.date, &c.scope)
}

// mismatch is the refusal of a request whose signature is another, with what was
// computed for the first host.
func (v *Verifier) mismatch(r *http.Request, sc *scratch, a *arrival, c *claim, host string) *Error {
	collectSigned(r, sc, a, c, host)
	text := string(v.stringToSign(r, sc, c))
	e := errMismatch(c)
	e.CanonicalRequest, e.StringToSign, e.provided = redactCanonical(sc.canonical()), text, c.der
	if c.der == "" {
		e.provided = string(appendHex(nil, c.signature.sum[:]))
	}
	return e
}

func errMismatch(c *claim) *Error {
	return newError(faultMismatch, "the signature does not match").with("AWSAccessKeyId", c.accessKeyID)
}
