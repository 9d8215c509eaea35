// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Canonical is a canonical request, the text that both sides of a signature
// must agree on, in its parts (AWS: create a signed AWS API request).
//
// It holds every signed header, session tokens and customer keys included:
// keep it out of logs and responses.
type Canonical struct {
	// Method is the request method, as sent.
	Method string
	// URI is the canonical path.
	URI string
	// Query is the canonical query, sorted, without the signature.
	Query string
	// Headers is one "name:value" line per signed header, each with its line
	// end.
	Headers string
	// SignedHeaders is the sorted names, joined with semicolons.
	SignedHeaders string
	// PayloadHash is the last line: 64 hex digits, UNSIGNED-PAYLOAD or a
	// streaming literal.
	PayloadHash string

	// Algorithm, Date (YYYYMMDDTHHMMSSZ) and Scope are how it was signed, for
	// Explain; they are no part of the text. Empty from Canonicalize.
	Algorithm Algorithm
	Date      string
	Scope     Scope
}

// String returns the text that is hashed.
func (c *Canonical) String() string {
	return c.Method + "\n" + c.URI + "\n" + c.Query + "\n" + c.Headers + "\n" + c.SignedHeaders + "\n" + c.PayloadHash
}

// StringToSign returns what is signed for this canonical request: the
// algorithm, the time as YYYYMMDDTHHMMSSZ, the scope and the hash of String.
func (c *Canonical) StringToSign(a Algorithm, amzDate string, s Scope) string {
	sum := sha256.Sum256([]byte(c.String()))
	return a.String() + "\n" + amzDate + "\n" + s.String() + "\n" + string(appendHex(nil, sum[:]))
}

// Canonicalize returns the canonical request of r as it stands, with the very
// code that a Signer and a Verifier run. The names in signedHeaders may come in
// any order and case; nil selects what a Signer would by default.
// X-Amz-Signature is never part of the query. It returns ErrInvalidURL for a
// malformed escape, and ErrMalformed when r lacks a named header.
func Canonicalize(r *http.Request, p Profile, signedHeaders []string, payloadHash string) (*Canonical, error) {
	sc := new(scratch)
	if r.URL == nil {
		return nil, fmt.Errorf("%w: the request has no URL", ErrInvalidURL)
	}
	if !sc.parseQuery(r.URL.RawQuery) {
		return nil, errBadQuery()
	}
	if signedHeaders == nil {
		sc.selectHeaders(r)
		sc.writeHeads()
	} else {
		names := make([]string, len(signedHeaders))
		for i, name := range signedHeaders {
			names[i] = strings.ToLower(name)
		}
		slices.Sort(names)
		names = slices.Compact(names)
		sc.names = append(sc.names, strings.Join(names, ";")...)
		var a arrival
		a.survey(r.Header)
		for _, name := range names {
			var ok bool
			if sc.block, ok = sc.appendSigned(sc.block, r, &a, hostOf(r), name); !ok {
				return nil, fmt.Errorf("%w: the request has no header %q", ErrMalformed, name)
			}
		}
	}
	if !sc.setURLPath(r.URL, &p) {
		return nil, errBadPath()
	}
	sc.canonicalize(methodOf(r), &p, payloadHash)
	return sc.canonical(), nil
}

func errBadQuery() error {
	return fmt.Errorf("%w: the query holds a malformed escape or more than %d parameters", ErrInvalidURL, maxParams)
}

func errBadPath() error {
	return fmt.Errorf("%w: the path does not begin with a slash or holds a malformed escape", ErrInvalidURL)
}

// scratch is the working memory of one signing or verifying. It is pooled, so
// that a request costs no allocation whatever its number of headers.
type scratch struct {
	buf    []byte  // canonical request, then string to sign, then Authorization
	arena  []byte  // encoded parameters and lowercase header names
	params []param // the query
	heads  []head  // a Signer's headers to sign
	ranks  []rank  // and their order
	path   []byte  // the canonical URI
	block  []byte  // the canonical header lines
	names  []byte  // SignedHeaders
	tmp    []byte  // a path being normalized, or a header name
	digest [sha256.Size]byte
	sig    []byte // a signature in hex

	// Offsets in buf of the parts of the canonical request.
	uri, query, headers, signed, payload, end int
}

// maxPooled is the size in bytes from which a buffer is left to the collector rather
// than kept for the next request.
const maxPooled = 64 << 10

// maxPooledItems is the same in parameters or headers, of up to 80 bytes each.
const maxPooledItems = 1024

// reset forgets the request. Buffers may hold a session token: they are
// cleared, not only emptied.
func (sc *scratch) reset() {
	clear(sc.buf)
	clear(sc.arena)
	clear(sc.block)
	clear(sc.heads)
	sc.buf, sc.arena, sc.block = sc.buf[:0], sc.arena[:0], sc.block[:0]
	sc.params, sc.heads = sc.params[:0], sc.heads[:0]
	for _, b := range [...][]byte{sc.buf, sc.arena, sc.path, sc.block, sc.names, sc.tmp} {
		if cap(b) > maxPooled {
			*sc = scratch{}
			return
		}
	}
	if max(cap(sc.params), cap(sc.heads), cap(sc.ranks)) > maxPooledItems {
		*sc = scratch{}
	}
}

// canonicalize writes the canonical request of sc.path, sc.params, sc.block and
// sc.names to sc.buf. It is the only place where the parts are put together
// (SIG-3).
func (sc *scratch) canonicalize(method string, p *Profile, payloadHash string) {
	b := append(sc.buf[:0], method...)
	b = append(b, '\n')
	sc.uri = len(b)
	b = append(b, sc.path...)
	b = append(b, '\n')
	sc.query = len(b)
	sc.sortParams()
	b = sc.appendQuery(b, p)
	b = append(b, '\n')
	sc.headers = len(b)
	b = append(b, sc.block...)
	b = append(b, '\n')
	sc.signed = len(b)
	b = append(b, sc.names...)
	b = append(b, '\n')
	sc.payload = len(b)
	b = append(b, payloadHash...)
	sc.buf, sc.end = b, len(b)
}

// canonical copies the parts out.
func (sc *scratch) canonical() *Canonical {
	b := sc.buf
	return &Canonical{
		Method:        string(b[:sc.uri-1]),
		URI:           string(b[sc.uri : sc.query-1]),
		Query:         string(b[sc.query : sc.headers-1]),
		Headers:       string(b[sc.headers : sc.signed-1]),
		SignedHeaders: string(b[sc.signed : sc.payload-1]),
		PayloadHash:   string(b[sc.payload:sc.end]),
	}
}

// signedCanonical is canonical with how it was signed.
func (sc *scratch) signedCanonical(a Algorithm, date string, s Scope) *Canonical {
	c := sc.canonical()
	c.Algorithm, c.Date, c.Scope = a, date, s
	return c
}

// appendStringToSign hashes the canonical request in sc.buf and appends the
// string to sign; it returns that part of sc.buf.
func (sc *scratch) appendStringToSign(a Algorithm, amzDate string, s *Scope) []byte {
	sc.digest = sha256.Sum256(sc.buf[:sc.end])
	b := append(sc.buf[:sc.end], a.String()...)
	b = append(b, '\n')
	b = append(b, amzDate...)
	b = append(b, '\n')
	b = s.appendTo(b)
	b = append(b, '\n')
	sc.buf = appendHex(b, sc.digest[:])
	return sc.buf[sc.end:]
}
