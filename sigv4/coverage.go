// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"net/http"
	"slices"
	"strings"
)

// maxSignedHeaders bounds the names in SignedHeaders.
const maxSignedHeaders = 1000

// collectSigned checks SignedHeaders and writes each header to sc.block
// (SIG-70). It returns how many x-amz- names there are.
func collectSigned(r *http.Request, sc *scratch, a *arrival, c *claim, host string) (amz int, err *Error) {
	f := faultHeader
	if c.mode == ModeQuery {
		f = faultQuery
	}
	rest, block := c.signedHeaders, sc.block[:0]
	previous, hasHost := "", false
	for n, more := 0, true; more; n++ {
		var name string
		name, rest, more = cutByte(rest, ';')
		if name <= previous || n == maxSignedHeaders {
			return 0, newError(f, "SignedHeaders is not a sorted list of at most %d names, each once", maxSignedHeaders)
		}
		previous = name
		hasHost = hasHost || name == "host"
		if strings.HasPrefix(name, amzPrefix) {
			amz++
		}
		// A name that no header can have, or in capitals, finds none.
		var ok bool
		if block, ok = sc.appendSigned(block, r, a, host, name); !ok {
			return 0, newError(f, "the signed header %q did not arrive", name)
		}
	}
	sc.block, sc.names = block, append(sc.names[:0], c.signedHeaders...)
	if !hasHost {
		return 0, newError(f, "the header host is not signed")
	}
	return amz, nil
}

// checkCoverage refuses a request with an unsigned x-amz-* header (SIG-72).
// arrived and signed are how many such headers there are.
func (v *Verifier) checkCoverage(r *http.Request, c *claim, arrived, signed int) *Error {
	// Each signed name was found under its own key: as many keys, none left.
	if arrived == signed && !v.RequireContentHeaders {
		return nil
	}
	var missing []string
	names := strings.Split(c.signedHeaders, ";") // once: how many there are, of these and of the others, a stranger says
	for key, values := range r.Header {
		name := strings.ToLower(key)
		if len(values) == 0 || !v.mustSign(name, c) {
			continue
		}
		_, listed := slices.BinarySearch(names, name) // sorted, or collectSigned had refused them
		if http.CanonicalHeaderKey(key) != key || !listed {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return newError(faultUnsigned, "There were headers present in the request which were not signed").with("HeadersNotSigned", strings.Join(missing, ", "))
}

func hasAmzPrefix(key string) bool {
	return len(key) >= len(amzPrefix) && key[0]|0x20 == 'x' && strings.EqualFold(key[:len(amzPrefix)], amzPrefix)
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
