// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"time"

	"github.com/sallyport-go/sallyport/internal/percent"
)

// parsePresigned reads the query parameters of a presigned URL, each of which
// comes exactly once (PRE-24).
func (v *Verifier) parsePresigned(sc *scratch, c *claim) *Error {
	var at [authParams]*param
	for i := range sc.params {
		p := &sc.params[i]
		if p.auth == notAuth {
			continue
		}
		if at[p.auth] != nil {
			return newError(faultQuery, "the query parameter %s is repeated", sc.paramName(p))
		}
		at[p.auth] = p
	}
	for _, need := range [...]authParam{paramAlgorithm, paramCredential, paramDate, paramSignedHeaders, paramSignature} {
		if at[need] == nil {
			return newError(faultQuery, "X-Amz-Algorithm, -Credential, -Date, -Expires, -SignedHeaders and -Signature are required")
		}
	}
	var ok bool
	if c.algorithm, ok = parseAlgorithm(string(sc.paramValue(at[paramAlgorithm]))); !ok {
		return newError(faultQuery, "X-Amz-Algorithm is unknown")
	}
	if err := v.parseExpires(sc, at[paramExpires], c); err != nil {
		return err
	}
	token := at[paramToken]
	if v.Profile.Token == TokenS3Session && at[paramS3Token] != nil {
		if token != nil {
			return newError(faultToken, "two session tokens came")
		}
		token = at[paramS3Token]
	}
	credential, signature := sc.decodeParams(at, token, c)
	if token != nil && c.token == "" {
		return newError(faultQuery, "the session token is empty")
	}
	if c.at, ok = parseAmzDate(c.date); !ok {
		return newError(faultQuery, "X-Amz-Date is not YYYYMMDDTHHMMSSZ")
	}
	return parseClaim(c, credential, signature, faultQuery)
}

// decodeParams decodes the values into one string and slices it.
func (sc *scratch) decodeParams(at [authParams]*param, token *param, c *claim) (credential, signature string) {
	sc.tmp = sc.tmp[:0]
	var cut [5]int
	for i, p := range [...]*param{at[paramCredential], at[paramSignedHeaders], at[paramDate], at[paramSignature], token} {
		if p != nil {
			sc.tmp = percent.AppendDecoded(sc.tmp, sc.paramValue(p))
		}
		cut[i] = len(sc.tmp)
	}
	all := string(sc.tmp)
	clear(sc.tmp) // the token does not stay in the pool
	c.signedHeaders, c.date, c.token = all[cut[0]:cut[1]], all[cut[1]:cut[2]], all[cut[3]:]
	return all[:cut[0]], all[cut[2]:cut[3]]
}

// parseExpires reads X-Amz-Expires: decimal digits, at most seven days. Where
// it is optional (PRE-28) its absence means a quarter of an hour.
func (v *Verifier) parseExpires(sc *scratch, p *param, c *claim) *Error {
	if p == nil {
		if v.Profile.isS3() {
			return newError(faultQuery, "X-Amz-Expires is missing")
		}
		c.expires = defaultSkew
		return nil
	}
	text := string(sc.paramValue(p))
	if text == "" || len(text) > 6 || !allDigits(text) || digits(text) > int(maxExpires/time.Second) {
		return newError(faultQuery, "X-Amz-Expires is not a number of seconds from 0 to 604800")
	}
	c.expires = time.Duration(digits(text)) * time.Second
	return nil
}

// parsePayload reads x-amz-content-sha256, of a presigned URL also the query
// parameter of that name (PRE-26).
func (v *Verifier) parsePayload(sc *scratch, a *arrival, c *claim) *Error {
	value, has, ok := "", len(a.payload) > 0, true
	if has {
		value = a.payload[0]
	}
	if c.mode == ModeQuery {
		for i := range sc.params {
			if string(sc.paramName(&sc.params[i])) != "X-Amz-Content-Sha256" {
				continue
			}
			param := string(percent.AppendDecoded(nil, sc.paramValue(&sc.params[i])))
			ok = ok && (!has || param == value)
			value, has = param, true
		}
	}
	if !has {
		if v.Profile.ContentSHA256 && c.mode == ModeHeader {
			return newError(faultPayload, "x-amz-content-sha256 is missing")
		}
		if v.Profile.ContentSHA256 {
			c.payload, c.hasPayload = payloadHeader{mode: PayloadUnsigned, value: unsignedPayload}, true
		}
		return nil
	}
	if ok {
		c.payload, ok = parsePayloadHeader(value)
	}
	if !ok {
		return newError(faultPayload, "x-amz-content-sha256 has an unknown value, or two")
	}
	c.hasPayload = true
	return nil
}
