// SPDX-License-Identifier: Apache-2.0

package cloudfront

import (
	"net/http"
	"strings"
)

// The query parameters that CloudFront consumes; cookies have the same names
// behind "CloudFront-".
const (
	paramExpires   = "Expires"
	paramPolicy    = "Policy"
	paramSignature = "Signature"
	paramKeyPairID = "Key-Pair-Id"
	paramHash      = "Hash-Algorithm"

	cookiePrefix = "CloudFront-"
)

// credentials are the parameters of a signed URL, or the cookies, as sent.
type credentials struct {
	values [5]string
	counts [5]int
	cookie bool
}

// index numbers a parameter; -1 is none of the five.
func index(name string) int {
	switch name {
	case paramExpires:
		return 0
	case paramPolicy:
		return 1
	case paramSignature:
		return 2
	case paramKeyPairID:
		return 3
	case paramHash:
		return 4
	}
	return -1
}

func (c *credentials) set(i int, value string) {
	c.values[i] = value
	c.counts[i]++
}

func (c *credentials) expires() string   { return c.values[0] }
func (c *credentials) policy() string    { return c.values[1] }
func (c *credentials) signature() string { return c.values[2] }
func (c *credentials) keyPairID() string { return c.values[3] }

// custom reports whether a policy is sent.
func (c *credentials) custom() bool { return c.counts[1] > 0 }

// present reports whether any of the four that make a signed URL is there;
// Hash-Algorithm alone makes none.
func (c *credentials) present() bool {
	return c.counts[0]+c.counts[1]+c.counts[2]+c.counts[3] > 0
}

// check refuses everything but exactly one of Expires and Policy, exactly one
// each of Signature and Key-Pair-Id, and at most one Hash-Algorithm.
func (c *credentials) check() error {
	switch {
	case c.counts[0]+c.counts[1] != 1:
		return fault(ErrMalformed, "exactly one of Expires and Policy is needed")
	case c.counts[2] != 1:
		return fault(ErrMalformed, "exactly one Signature is needed")
	case c.counts[3] != 1:
		return fault(ErrMalformed, "exactly one Key-Pair-Id is needed")
	case c.counts[4] > 1:
		return fault(ErrMalformed, "more than one Hash-Algorithm")
	}
	return nil
}

// hash returns the stated hash; none stated means SHA-1.
func (c *credentials) hash() (Hash, error) {
	if c.counts[4] == 0 {
		return SHA1, nil
	}
	var h Hash
	if h.UnmarshalText([]byte(c.values[4])) != nil {
		return h, fault(ErrMalformed, "unknown Hash-Algorithm")
	}
	return h, nil
}

// fromQuery takes the five parameters out of a query. The rest keeps its order
// and bytes; more says that there is any, though it be empty.
func fromQuery(query string) (c credentials, rest string, more bool) {
	var kept []string
	lead := 0 // query[:lead] is kept as it is
	found := false
	for piece := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(piece, "=")
		i := index(name)
		switch {
		case i >= 0:
			c.set(i, value)
			found = true
		case !found:
			lead += len(piece) + 1
		default:
			kept = append(kept, piece)
		}
	}
	switch {
	case !found:
		return c, query, true
	case lead > 0:
		rest, more = query[:lead-1], true
	}
	if len(kept) > 0 {
		if more {
			rest += "&"
		}
		rest, more = rest+strings.Join(kept, "&"), true
	}
	return c, rest, more
}

// fromCookies takes the credentials out of a request's cookies.
func fromCookies(r *http.Request) credentials {
	c := credentials{cookie: true}
	for _, cookie := range r.Cookies() {
		if name, ok := strings.CutPrefix(cookie.Name, cookiePrefix); ok {
			if i := index(name); i >= 0 {
				c.set(i, cookie.Value)
			}
		}
	}
	return c
}
