// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
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

// parseHeader reads the Authorization header and the headers that belong to
// it.
func (v *Verifier) parseHeader(a *arrival, c *claim) *Error {
	if err := parseAuthorization(a.authorization[0], c); err != nil {
		return err
	}
	if err := parseDate(a, c); err != nil {
		return err
	}
	return v.headerToken(a, c)
}

// headerToken reads the session token of a header-signed request.
func (v *Verifier) headerToken(a *arrival, c *claim) *Error {
	token := a.token
	if v.Profile.Token == TokenS3Session && len(a.s3Token) > 0 {
		if len(token) > 0 {
			return newError(faultToken, "two session tokens came")
		}
		token = a.s3Token
	}
	if len(token) > 0 {
		c.token = token[0]
	}
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
	name, rest, _ := cutByte(value, ' ')
	var ok bool
	if c.algorithm, ok = parseAlgorithm(name); !ok {
		return newError(faultHeader, "the algorithm is unknown")
	}
	var credential, signature string
	for n := 0; rest != "" || n == 0; n++ {
		var item string
		item, rest, ok = cutByte(rest, ',')
		if ok && rest == "" {
			return newError(faultHeader, "the Authorization header ends in a comma")
		}
		key, text, _ := cutByte(trimBlanks(item), '=')
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
func parseDate(a *arrival, c *claim) *Error {
	var ok bool
	if len(a.amzDate) > 0 {
		c.date = a.amzDate[0]
		if c.at, ok = parseAmzDate(c.date); !ok {
			return newError(faultDate, "X-Amz-Date is not YYYYMMDDTHHMMSSZ")
		}
		return nil
	}
	if len(a.date) != 1 {
		return newError(faultDate, "the request has no date, or several")
	}
	if c.at, ok = parseDateHeader(a.date[0]); !ok {
		return newError(faultDate, "the Date header is in no known form")
	}
	c.date = string(appendAmzDate(nil, c.at))
	return nil
}

// cutByte is strings.Cut for one byte, without its way through Index.
func cutByte(s string, sep byte) (before, after string, found bool) {
	if i := strings.IndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// trimBlanks removes spaces and tabs around s.
func trimBlanks(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}
