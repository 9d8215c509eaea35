// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/sallyport-go/sallyport/internal/percent"
)

// scope returns the Signer's scope without a date.
func (s *Signer) scope() Scope {
	if s.Algorithm == AlgorithmV4A {
		return Scope{Service: s.Profile.Service}
	}
	return Scope{Region: s.Region, Service: s.Profile.Service}
}

// checkScope checks the algorithm, and the fields that it puts into the scope.
// The switch is exhaustive.
func (s *Signer) checkScope() error {
	switch s.Algorithm {
	case AlgorithmV4:
		return checkRegionService(s.Region, s.Profile.Service)
	case AlgorithmV4A:
		if len(s.Region) > maxRegionSet {
			return fmt.Errorf("%w: the region set is too long", ErrScope)
		}
		for region := range strings.SplitSeq(s.Region, ",") {
			if err := checkRegionService(strings.Trim(region, " \t"), s.Profile.Service); err != nil {
				return err
			}
		}
		return nil
	default:
		return fmt.Errorf("%w: unknown algorithm", ErrScope)
	}
}

// signingKey returns the key of the Signer's algorithm.
func (s *Signer) signingKey(c *Credentials, scope *Scope) (*signingKey, error) {
	if s.Algorithm == AlgorithmV4A {
		return s.cache.getV4A(c.AccessKeyID, c.SecretAccessKey, s.KeyCache)
	}
	return s.cache.get(c.SecretAccessKey, scope, s.KeyCache)
}

// appendSignature appends the signature of text in hex.
func (k *signingKey) appendSignature(dst, text []byte, deterministic bool) ([]byte, error) {
	if k.pub == nil {
		sum := k.sum(text)
		return appendHex(dst, sum[:]), nil
	}
	der, err := signECDSA(k.priv, text, deterministic)
	if err != nil {
		return dst, fmt.Errorf("sigv4: ECDSA: %w", err)
	}
	return appendHex(dst, der), nil
}

// parseV4AClaim is parseClaim for AlgorithmV4A.
func parseV4AClaim(c *claim, credential, signature string, f fault) *Error {
	rest, ok := strings.CutSuffix(credential, "/"+terminator)
	if !ok {
		return newError(f, "the credential does not end in /%s", terminator)
	}
	var err error
	if c.accessKeyID, c.scope, err = parseCredential(rest, AlgorithmV4A); err != nil {
		return newError(f, "the credential is not accessKeyID/date/service/aws4_request").because(err)
	}
	var buf [maxDER]byte
	der, ok := decodeLowerHex(buf[:], []byte(signature))
	if !ok || !canonicalDER(der) {
		return newError(f, "the signature is not the hex of a DER signature over P-256")
	}
	c.der = signature
	return nil
}

// checkRegionSet demands that the set is signed and names the Verifier's region
// (SIG-45). The set comes from the source that carries the signature.
func (v *Verifier) checkRegionSet(r *http.Request, sc *scratch, c *claim, f fault) *Error {
	value := ""
	if c.mode == ModeQuery {
		for i := range sc.params {
			if p := &sc.params[i]; p.auth == paramRegionSet {
				value = string(percent.AppendDecoded(nil, sc.paramValue(p)))
			}
		}
	} else if values := r.Header["X-Amz-Region-Set"]; len(values) == 1 {
		if !listsHeader(c.signedHeaders, "x-amz-region-set") {
			return newError(f, "x-amz-region-set is not signed")
		}
		value = values[0]
	}
	set, ok := parseRegionSet(value)
	if !ok {
		return newError(f, "the region set is missing or has an empty element")
	}
	if !regionSetMatches(set, v.Region) && (v.AnyRegion == nil || !v.AnyRegion(r)) {
		return newError(f, "the region set does not include %q", v.Region).with("Region", v.Region)
	}
	c.regionSet = set
	return nil
}

// listsHeader reports whether a name stands in SignedHeaders.
func listsHeader(signedHeaders, name string) bool {
	for listed := range strings.SplitSeq(signedHeaders, ";") {
		if listed == name {
			return true
		}
	}
	return false
}

// signs reports whether the claim's signature is this key's for text. The
// switch is exhaustive.
func (k *signingKey) signs(c *claim, text []byte) bool {
	switch c.algorithm {
	case AlgorithmV4:
		return k.pub == nil && c.signature.Equal(Signature{k.sum(text)})
	case AlgorithmV4A:
		return k.pub != nil && verifyECDSA(k.pub, text, []byte(c.der))
	default:
		return false
	}
}
