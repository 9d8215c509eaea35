// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// claim is what a request says of its signature, from one source. Nothing in
// it is verified.
type claim struct {
	mode          Mode
	algorithm     Algorithm
	accessKeyID   string
	scope         Scope
	signedHeaders string
	signature     Signature
	der           string // the signature in hex, of AlgorithmV4A
	regionSet     []string
	date          string // YYYYMMDDTHHMMSSZ
	at            time.Time
	expires       time.Duration // of a presigned URL
	token         string
	payload       payloadHeader
	hasPayload    bool
}

// classify finds the source of authentication (SIG-66). It does not look at
// what the source says.
func (v *Verifier) classify(r *http.Request, sc *scratch) (Mode, *Error) {
	header, query, legacy := len(r.Header["Authorization"]) > 0, false, 0
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
		return v.classifyScheme(r.Header["Authorization"][0])
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
	scheme, _, _ := strings.Cut(value, " ")
	switch {
	case strings.HasPrefix(scheme, "AWS4-"):
		return ModeHeader, nil
	case scheme == "AWS":
		return 0, errLegacy()
	default:
		return 0, newError(faultScheme, "Unsupported Authorization Type").with("ArgumentName", "Authorization")
	}
}

func errLegacy() *Error {
	return newError(faultLegacy, "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
}

// single returns the only value of a header; ok is false for several.
func single(h http.Header, key string) (value string, ok bool) {
	values := h[key]
	if len(values) == 0 {
		return "", true
	}
	return values[0], len(values) == 1
}

// checkSingles refuses a request in which a header that must be read in one
// way has two values (SIG-68).
func checkSingles(r *http.Request) *Error {
	for _, key := range [...]string{"Authorization", nameToken, nameS3Token, "X-Amz-Region-Set", "X-Amz-Decoded-Content-Length"} {
		if len(r.Header[key]) > 1 {
			return newError(faultHeader, "the header %s is repeated", key)
		}
	}
	if len(r.Header["X-Amz-Date"]) > 1 {
		return newError(faultDate, "the header X-Amz-Date is repeated")
	}
	if len(r.Header["X-Amz-Content-Sha256"]) > 1 {
		return newError(faultPayload, "the header x-amz-content-sha256 is repeated")
	}
	if host := r.Header["Host"]; len(host) > 1 || len(host) == 1 && host[0] != r.Host {
		return newError(faultHeader, "the header Host is repeated")
	}
	return nil
}

// parseHeader reads the Authorization header and the headers that belong to
// it.
func (v *Verifier) parseHeader(r *http.Request, c *claim) *Error {
	if err := parseAuthorization(r.Header["Authorization"][0], c); err != nil {
		return err
	}
	if err := parseDate(r, c); err != nil {
		return err
	}
	return v.headerToken(r, c)
}

// headerToken reads the session token of a header-signed request.
func (v *Verifier) headerToken(r *http.Request, c *claim) *Error {
	token, _ := single(r.Header, nameToken)
	if v.Profile.Token == TokenS3Session {
		if session := r.Header[nameS3Token]; len(session) > 0 {
			if token != "" {
				return newError(faultToken, "two session tokens came")
			}
			token = session[0]
		}
	}
	c.token = token
	return nil
}

// maxAuthorization bounds the header that is parsed, far above what a client
// sends.
const maxAuthorization = 32 << 10

// parseAuthorization reads the value of Authorization: the algorithm and
// exactly three items in any order (SIG-36).
func parseAuthorization(value string, c *claim) *Error {
	if len(value) > maxAuthorization {
		return newError(faultHeader, "the Authorization header is longer than %d bytes", maxAuthorization)
	}
	name, rest, _ := strings.Cut(value, " ")
	var ok bool
	if c.algorithm, ok = parseAlgorithm(name); !ok {
		return newError(faultHeader, "the algorithm is unknown")
	}
	var credential, signature string
	for n := 0; rest != "" || n == 0; n++ {
		var item string
		item, rest, ok = strings.Cut(rest, ",")
		if ok && rest == "" {
			return newError(faultHeader, "the Authorization header ends in a comma")
		}
		key, text, _ := strings.Cut(strings.Trim(item, " \t"), "=")
		var field *string
		switch key {
		case "Credential":
			field = &credential
		case "SignedHeaders":
			field = &c.signedHeaders
		case "Signature":
			field = &signature
		default:
			return newError(faultHeader, "the Authorization header has an item other than Credential, SignedHeaders and Signature")
		}
		if *field != "" || text == "" {
			return newError(faultHeader, "%s is repeated or empty", key)
		}
		*field = text
	}
	return parseClaim(c, credential, signature, faultHeader)
}

// parseClaim reads the parts that both sources have.
func parseClaim(c *claim, credential, signature string, f fault) *Error {
	if credential == "" || c.signedHeaders == "" || signature == "" {
		return newError(f, "Credential, SignedHeaders or Signature is missing")
	}
	var err error
	if c.algorithm == AlgorithmV4A {
		return parseV4AClaim(c, credential, signature, f)
	}
	if c.accessKeyID, c.scope, err = ParseCredential(credential); err != nil {
		return newError(f, "the credential is not accessKeyID/date/region/service/aws4_request").because(err)
	}
	if c.signature, err = ParseSignature(signature); err != nil {
		return newError(f, "the signature is not 64 lowercase hex digits")
	}
	return nil
}

// parseDate reads X-Amz-Date, else Date. A malformed X-Amz-Date never falls
// back (SIG-40).
func parseDate(r *http.Request, c *claim) *Error {
	var ok bool
	if values := r.Header["X-Amz-Date"]; len(values) > 0 {
		c.date = values[0]
		if c.at, ok = parseAmzDate(c.date); !ok {
			return newError(faultDate, "X-Amz-Date is not YYYYMMDDTHHMMSSZ")
		}
		return nil
	}
	values := r.Header["Date"]
	if len(values) != 1 {
		return newError(faultDate, "the request has no date, or several")
	}
	if c.at, ok = parseDateHeader(values[0]); !ok {
		return newError(faultDate, "the Date header is in no known form")
	}
	c.date = string(appendAmzDate(nil, c.at))
	return nil
}

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
			sc.tmp = appendUnescaped(sc.tmp, sc.paramValue(p))
		}
		cut[i] = len(sc.tmp)
	}
	all := string(sc.tmp)
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
func (v *Verifier) parsePayload(r *http.Request, sc *scratch, c *claim) *Error {
	value, ok := single(r.Header, "X-Amz-Content-Sha256")
	has := len(r.Header["X-Amz-Content-Sha256"]) > 0
	if c.mode == ModeQuery {
		for i := range sc.params {
			if string(sc.paramName(&sc.params[i])) != "X-Amz-Content-Sha256" {
				continue
			}
			param := string(appendUnescaped(nil, sc.paramValue(&sc.params[i])))
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

// maxSignedHeaders bounds the names in SignedHeaders.
const maxSignedHeaders = 1000

// collectSigned checks SignedHeaders and adds each header to sc.heads
// (SIG-70). It returns how many x-amz- names there are.
func collectSigned(r *http.Request, sc *scratch, c *claim, host string) (amz int, err *Error) {
	f := faultHeader
	if c.mode == ModeQuery {
		f = faultQuery
	}
	previous, hasHost := "", false
	for rest, more := c.signedHeaders, true; more; {
		var name string
		name, rest, more = strings.Cut(rest, ";")
		if name <= previous || !isHeaderName(name) || len(sc.heads) == maxSignedHeaders {
			return 0, newError(f, "SignedHeaders is not a sorted list of lowercase names, each once")
		}
		previous = name
		hasHost = hasHost || name == "host"
		if strings.HasPrefix(name, amzPrefix) {
			amz++
		}
		if !sc.addSigned(r, host, name) {
			return 0, newError(f, "the signed header %s did not arrive", name)
		}
	}
	if !hasHost {
		return 0, newError(f, "the header host is not signed")
	}
	return amz, nil
}

// isHeaderName says whether a name is a lowercase HTTP token.
func isHeaderName(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

// checkCoverage refuses a request with an unsigned x-amz-* header (SIG-72).
func (v *Verifier) checkCoverage(r *http.Request, c *claim, amz int) *Error {
	arrived := 0
	for key, values := range r.Header {
		if len(values) > 0 && hasAmzPrefix(key) {
			arrived++
		}
	}
	// Each signed name was found under its own key: as many keys, none left.
	if arrived == amz && !v.RequireContentHeaders {
		return nil
	}
	var missing []string
	for key, values := range r.Header {
		name := strings.ToLower(key)
		if len(values) == 0 || !v.mustSign(name, c) {
			continue
		}
		if http.CanonicalHeaderKey(key) != key || !slices.Contains(strings.Split(c.signedHeaders, ";"), name) {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	names := strings.Join(missing, ", ")
	return newError(faultUnsigned, "There were headers present in the request which were not signed").with("HeadersNotSigned", names)
}

func hasAmzPrefix(key string) bool {
	return len(key) > len(amzPrefix) && strings.EqualFold(key[:len(amzPrefix)], amzPrefix)
}

// mustSign says whether an arriving header has to be signed.
func (v *Verifier) mustSign(name string, c *claim) bool {
	if !strings.HasPrefix(name, amzPrefix) {
		return v.RequireContentHeaders && (name == "content-type" || name == "content-md5")
	}
	if v.Profile.Token == TokenOmitted && name == "x-amz-security-token" && c.mode == ModeHeader {
		return false
	}
	// These two are bound by the canonical request's last line and by the
	// string to sign.
	if c.mode == ModeHeader && !v.Strict && (name == "x-amz-content-sha256" || name == "x-amz-date") {
		return false
	}
	return v.Tolerate == nil || !v.Tolerate(name)
}
