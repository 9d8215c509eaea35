// SPDX-License-Identifier: Apache-2.0

package presign

import (
	"slices"
	"strings"
)

// authParams are the parameters that make a signature, decoded but for the
// credential, with a bit for each that occurred.
type authParams struct {
	algorithm, credential, date, expires, signedHeaders string
	legacyID, legacyExpires                             string
	seen                                                authParam
}

type authParam uint16

const (
	paramAlgorithm authParam = 1 << iota
	paramCredential
	paramDate
	paramExpires
	paramSignedHeaders
	paramSignature
	paramToken
	paramSession
	paramRegionSet
	paramLegacyID
	paramLegacySignature

	paramLegacy = paramLegacyID | paramLegacySignature
	paramOpaque = paramSignature | paramToken | paramSession | paramCredential // not decoded: nobody looks at the value, or not yet
)

// paramOf numbers a parameter by its decoded name; case matters. Zero is none
// of the signature's.
func paramOf(name string) authParam {
	switch name {
	case "X-Amz-Algorithm":
		return paramAlgorithm
	case "X-Amz-Credential":
		return paramCredential
	case "X-Amz-Date":
		return paramDate
	case "X-Amz-Expires":
		return paramExpires
	case "X-Amz-SignedHeaders":
		return paramSignedHeaders
	case "X-Amz-Signature":
		return paramSignature
	case "X-Amz-Security-Token":
		return paramToken
	case "X-Amz-S3session-Token":
		return paramSession
	case "X-Amz-Region-Set":
		return paramRegionSet
	case "AWSAccessKeyId":
		return paramLegacyID
	case "Signature":
		return paramLegacySignature
	}
	return 0
}

func isAuthParam(name string) bool { return paramOf(name) != 0 && paramOf(name)&paramLegacy == 0 }

// readQuery sorts the parameters into those of the signature, which may occur
// once, and the others.
func (p *Presigned) readQuery(query string, a *authParams) error {
	plus := strings.IndexByte(query, '+') >= 0
	for query != "" {
		piece := query
		if i := strings.IndexByte(query, '&'); i >= 0 {
			piece, query = query[:i], query[i+1:]
		} else {
			query = ""
		}
		if piece == "" {
			continue
		}
		name, value := piece, ""
		if i := strings.IndexByte(piece, '='); i >= 0 {
			name, value = piece[:i], piece[i+1:]
		}
		var err error
		which := paramOf(name) // as a rule nothing in it is escaped
		if which == 0 {
			name, err = queryUnescape(name)
			which = paramOf(name)
		}
		if err == nil && which&paramOpaque == 0 && (plus || strings.IndexByte(value, '%') >= 0) {
			value, err = decodeEscapes(value, plus)
		}
		if err != nil {
			return fault(ErrURL, "a malformed escape in the query")
		}
		if a.seen&which != 0 {
			return fault(ErrURL, "%s occurs twice", name)
		}
		a.seen |= which
		a.set(which, value, p)
		if which == 0 {
			p.other(name, value, a)
		}
	}
	if len(p.Parameters) > 1 {
		slices.Sort(p.Parameters)
		p.Parameters = slices.Compact(p.Parameters)
	}
	return nil
}

func (a *authParams) set(which authParam, value string, p *Presigned) {
	switch which {
	case paramAlgorithm:
		a.algorithm = value
	case paramCredential:
		a.credential = value
	case paramDate:
		a.date = value
	case paramExpires:
		a.expires = value
	case paramSignedHeaders:
		a.signedHeaders = value
	case paramSignature:
		if value == "" {
			a.seen &^= paramSignature
		}
	case paramRegionSet:
		p.RegionSet = value
	case paramLegacyID:
		a.legacyID = value
	}
}

// other takes down a parameter that is not the signature's.
func (p *Presigned) other(name, value string, a *authParams) {
	switch name {
	case "x-id":
		p.operation = value
	case "Expires":
		a.legacyExpires = value
	}
	p.Parameters = append(p.Parameters, name)
}
