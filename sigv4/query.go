// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"bytes"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/internal/percent"
)

// maxParams bounds the parameters of one query.
const maxParams = 10_000

// authParam numbers the query parameters that carry a signature.
type authParam uint8

const (
	notAuth authParam = iota
	paramAlgorithm
	paramCredential
	paramDate
	paramExpires
	paramSignedHeaders
	paramToken
	paramRegionSet
	paramS3Token
	paramSignature
	authParams
)

const (
	nameToken     = "X-Amz-Security-Token"
	nameS3Token   = "X-Amz-S3session-Token"
	nameSignature = "X-Amz-Signature"
)

// authParamOf knows a parameter by its canonical name; case matters.
func authParamOf(name []byte) authParam {
	if len(name) < len("X-Amz-Date") || string(name[:6]) != "X-Amz-" {
		return notAuth
	}
	switch string(name) {
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
	case nameToken:
		return paramToken
	case "X-Amz-Region-Set":
		return paramRegionSet
	case nameS3Token:
		return paramS3Token
	case nameSignature:
		return paramSignature
	default:
		return notAuth
	}
}

// param is one query parameter, encoded, as offsets in the arena:
// [lo,eq) name, [eq,hi) value.
type param struct {
	lo, eq, hi int
	auth       authParam
}

func (sc *scratch) paramName(p *param) []byte  { return sc.arena[p.lo:p.eq] }
func (sc *scratch) paramValue(p *param) []byte { return sc.arena[p.eq:p.hi] }

// parseQuery splits a raw query into sc.params, decoded and encoded again,
// SIG-10: on & only, at the first =, with + meaning a space. It reports false
// at a malformed escape or too many parameters.
func (sc *scratch) parseQuery(raw string) bool {
	for raw != "" {
		var piece string
		piece, raw, _ = cutByte(raw, '&')
		if piece == "" {
			continue
		}
		if len(sc.params) == maxParams {
			return false
		}
		name, value, _ := cutByte(piece, '=')
		p := param{lo: len(sc.arena)}
		var ok bool
		if sc.arena, ok = percent.AppendRecoded(sc.arena, name, false, true); !ok {
			return false
		}
		p.eq = len(sc.arena)
		if sc.arena, ok = percent.AppendRecoded(sc.arena, value, false, true); !ok {
			return false
		}
		p.hi = len(sc.arena)
		p.auth = authParamOf(sc.paramName(&p))
		sc.params = append(sc.params, p)
	}
	return true
}

// addParam adds a parameter of the signer's own.
func (sc *scratch) addParam(auth authParam, name string, value []byte) {
	p := param{lo: len(sc.arena), auth: auth}
	sc.arena = append(sc.arena, name...)
	p.eq = len(sc.arena)
	sc.arena = percent.Append(sc.arena, value, false)
	p.hi = len(sc.arena)
	sc.params = append(sc.params, p)
}

// sortParams orders by encoded name, then by encoded value.
func (sc *scratch) sortParams() {
	compare := func(a, b param) int {
		if c := bytes.Compare(sc.paramName(&a), sc.paramName(&b)); c != 0 {
			return c
		}
		return bytes.Compare(sc.paramValue(&a), sc.paramValue(&b))
	}
	// A query is short or already sorted as a rule: test before sorting.
	for i := 1; i < len(sc.params); i++ {
		if compare(sc.params[i-1], sc.params[i]) > 0 {
			slices.SortFunc(sc.params, compare)
			return
		}
	}
}

// appendQuery appends the canonical query of sc.params, which are sorted. The
// signature is left out, and the token where the profile omits it (SIG-12).
func (sc *scratch) appendQuery(dst []byte, p *Profile) []byte {
	first := true
	for i := range sc.params {
		q := &sc.params[i]
		if q.auth == paramSignature || q.auth == paramToken && p.Token == TokenOmitted {
			continue
		}
		if !first {
			dst = append(dst, '&')
		}
		first = false
		dst = append(dst, sc.paramName(q)...)
		dst = append(dst, '=')
		dst = append(dst, sc.paramValue(q)...)
	}
	return dst
}

// carriesSignature says whether the parameter is one that a Sign call of ours
// would replace, and that on arrival makes the query a source of
// authentication.
func (p *param) carriesSignature() bool {
	return p.auth != notAuth && p.auth != paramRegionSet && p.auth != paramS3Token
}

// dropAuthParams takes the parameters of an earlier signature out of sc.params
// and reports whether there were any.
func (sc *scratch) dropAuthParams() bool {
	kept := sc.params[:0]
	for _, p := range sc.params {
		if p.auth == notAuth {
			kept = append(kept, p)
		}
	}
	dropped := len(kept) < len(sc.params)
	sc.params = kept
	return dropped
}

// withoutAuthParams does the same to a raw query, leaving the other pieces as
// they are.
func withoutAuthParams(raw string) string {
	var kept []string
	for piece := range strings.SplitSeq(raw, "&") {
		name, _, _ := strings.Cut(piece, "=")
		canonical, ok := percent.AppendRecoded(nil, name, false, true)
		if ok && authParamOf(canonical) == notAuth {
			kept = append(kept, piece)
		}
	}
	return strings.Join(kept, "&")
}
