// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"net/http"
	"strings"
)

// classify finds the source of authentication (SIG-66). It does not look at
// what the source says.
func (v *Verifier) classify(r *http.Request, sc *scratch, a *arrival) (Mode, *Error) {
	header, query, legacy := len(a.authorization) > 0, false, 0
	for i := range sc.params {
		p := &sc.params[i]
		query = query || p.carriesSignature()
		switch string(sc.paramName(p)) {
		case "AWSAccessKeyId", "Signature":
			legacy++
		}
	}
	switch {
	case header && query:
		return 0, newError(faultTwoSources, "Only one auth mechanism allowed").with("ArgumentName", "Authorization")
	case header:
		return v.classifyScheme(a.authorization[0])
	case query:
		return ModeQuery, nil
	case legacy >= 2:
		return 0, errLegacy()
	case v.Profile.isS3() && r.Method == http.MethodPost &&
		strings.HasPrefix(strings.ToLower(r.Header.Get("Content-Type")), "multipart/form-data"):
		return 0, newError(faultMode, "a POST form is verified by its policy, not by its headers")
	default:
		return 0, newError(faultMissingAuth, "the request is not signed")
	}
}

func (v *Verifier) classifyScheme(value string) (Mode, *Error) {
	scheme, _, ok := strings.Cut(value, " ")
	switch {
	case strings.HasPrefix(scheme, "AWS4-"):
		return ModeHeader, nil
	case scheme == "AWS":
		return 0, errLegacy()
	default:
		e := newError(faultScheme, "Unsupported Authorization Type").with("ArgumentName", "Authorization")
		if ok && isToken(scheme) { // without a scheme the whole value may be a secret
			e = e.with("ArgumentValue", scheme)
		}
		return 0, e
	}
}

func errLegacy() *Error {
	return newError(faultLegacy, "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
}

// arrival is the headers that verification itself reads. They are found in one
// pass over the map: a lookup for each was a tenth of the time of Verify.
type arrival struct {
	authorization, amzDate, date, payload, token, s3Token, regionSet, decodedLength, host, trailer, encoding []string

	amz int // how many x-amz-* headers there are

	// The first headers that came, or all. Looking through a few is faster than
	// spelling a key and hashing it.
	fields [16]arrivedField
	n      int
}

type arrivedField struct {
	key    string
	values []string
}

// find returns the lines of a header by its lowercase name.
func (a *arrival) find(name string) (values []string, ok bool) {
	for i := range a.fields[:a.n] {
		f := &a.fields[i]
		if n := len(name); n > 0 && n == len(f.key) && f.key[n-1]|0x20 == name[n-1]|0x20 && isCanonicalOf(f.key, name) {
			return f.values, true
		}
	}
	return nil, false
}

// isCanonicalOf says whether key is what textproto makes of a lowercase name
// of the same length.
func isCanonicalOf(key, name string) bool {
	upper := true
	for i := 0; i < len(key); i++ {
		c := name[i]
		if upper && 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		} else if 'A' <= c && c <= 'Z' {
			return false
		}
		if key[i] != c {
			return false
		}
		upper = c == '-'
	}
	return true
}

func (a *arrival) survey(h http.Header) {
	for key, values := range h {
		if len(values) == 0 {
			continue
		}
		if a.n < len(a.fields) {
			a.fields[a.n] = arrivedField{key, values}
			a.n++
		}
		if hasAmzPrefix(key) {
			a.amz++
		}
		switch key {
		case "Authorization":
			a.authorization = values
		case "X-Amz-Date":
			a.amzDate = values
		case "Date":
			a.date = values
		case "X-Amz-Content-Sha256":
			a.payload = values
		case nameToken:
			a.token = values
		case nameS3Token:
			a.s3Token = values
		case "X-Amz-Region-Set":
			a.regionSet = values
		case nameDecodedLength:
			a.decodedLength = values
		case "Host":
			a.host = values
		case nameTrailer:
			a.trailer = values
		case nameEncoding:
			a.encoding = values
		}
	}
}

// checkSingles refuses a request in which a header that must be read in one
// way has two values (SIG-68).
func (a *arrival) checkSingles(host string) *Error {
	switch {
	case len(a.authorization) > 1, len(a.token) > 1, len(a.s3Token) > 1, len(a.regionSet) > 1, len(a.decodedLength) > 1:
		return newError(faultHeader, "Authorization, a token, a region set or a length is repeated")
	case len(a.amzDate) > 1:
		return newError(faultDate, "the header X-Amz-Date is repeated")
	case len(a.payload) > 1:
		return newError(faultPayload, "the header x-amz-content-sha256 is repeated")
	case len(a.host) > 1, len(a.host) == 1 && a.host[0] != host:
		return newError(faultHeader, "the header Host is repeated")
	default:
		return nil
	}
}
