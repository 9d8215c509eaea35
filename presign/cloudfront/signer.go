// SPDX-License-Identifier: Apache-2.0

package cloudfront

import (
	"crypto"
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"
)

// Signer makes signed URLs and cookies. KeyPairID and Key are required; the
// rest may stay zero. It is safe for concurrent use if its Key is.
type Signer struct {
	// KeyPairID is the id of the public key in CloudFront, such as
	// K2JCJMDEHXQW5F.
	KeyPairID string
	// Key is the private key, RSA of 2,048 bits or ECDSA on P-256. An RSA key
	// signs PKCS #1 v1.5, an ECDSA key ASN.1 DER.
	Key crypto.Signer
	// Hash is the hash to sign with: SHA256, or SHA1 for verifiers that know
	// no other.
	Hash Hash
	// CookieDomain and CookiePath are the Domain and Path of the cookies;
	// empty leaves the attribute out, so that they go back to the host and
	// folder that set them.
	CookieDomain, CookiePath string
}

// SignURL returns the URL with the signature in its query. The URL is absolute,
// http or https, ASCII, without a fragment and without parameters named
// Expires, Policy, Signature, Key-Pair-Id or Hash-Algorithm; it is neither
// parsed nor escaped anew. It returns ErrInput, ErrConfig, ErrKey or ErrFIPS.
func (s *Signer) SignURL(rawURL string, p Policy) (string, error) {
	if err := checkURL(rawURL); err != nil {
		return "", err
	}
	own := p.Resource == "" || p.Resource == rawURL
	if own {
		p.Resource = rawURL
	}
	values, err := s.sign(&p, own && p.canned())
	if err != nil {
		return "", err
	}
	size := len(rawURL)
	for _, v := range values {
		size += len(v.name) + len(v.value) + 2
	}
	out := make([]byte, 0, size)
	out = append(out, rawURL...)
	separator := byte('?')
	if strings.Contains(rawURL, "?") {
		separator = '&'
	}
	for _, v := range values {
		if v.value == "" {
			continue
		}
		out = append(out, separator)
		out = append(out, v.name...)
		out = append(out, '=')
		out = append(out, v.value...)
		separator = '&'
	}
	return string(out), nil
}

// SignCookies returns the cookies that grant what the policy says; its Resource
// is required and may hold wildcards. They are Secure and HttpOnly and last as
// long as the browser is open: the policy is what ends the grant. Errors are
// those of SignURL.
func (s *Signer) SignCookies(p Policy) ([]*http.Cookie, error) {
	if p.Resource == "" {
		return nil, fault(ErrInput, "Policy.Resource is needed for cookies")
	}
	values, err := s.sign(&p, p.canned() && checkURL(p.Resource) == nil)
	if err != nil {
		return nil, err
	}
	var cookies []*http.Cookie
	for _, v := range values {
		if v.value != "" {
			cookies = append(cookies, &http.Cookie{
				Name: cookiePrefix + v.name, Value: v.value,
				Domain: s.CookieDomain, Path: s.CookiePath, Secure: true, HttpOnly: true,
			})
		}
	}
	return cookies, nil
}

// pair is a parameter to send; one with an empty value is left out.
type pair struct{ name, value string }

// sign returns what has to travel, in the order of the documentation.
func (s *Signer) sign(p *Policy, canned bool) (v [4]pair, err error) {
	switch {
	case s.Key == nil:
		return v, fault(ErrConfig, "Signer.Key is nil")
	case !validID(s.KeyPairID):
		return v, fault(ErrConfig, "Signer.KeyPairID is empty or holds more than letters, digits, - and _")
	}
	if err := p.check(); err != nil {
		return v, err
	}
	var buf [512]byte
	text := p.appendText(buf[:0])
	signature, err := s.signature(text)
	if err != nil {
		return v, err
	}
	v[0] = pair{paramPolicy, ""}
	if canned {
		v[0] = pair{paramExpires, strconv.FormatInt(p.Expires.Unix(), 10)}
	} else if v[0].value = alphabet.EncodeToString(text); len(v[0].value) > maxPolicy {
		return v, fault(ErrInput, "the policy is too long")
	}
	v[1] = pair{paramSignature, alphabet.EncodeToString(signature)}
	v[2] = pair{paramKeyPairID, s.KeyPairID}
	if s.Hash == SHA256 {
		v[3] = pair{paramHash, SHA256.String()}
	}
	return v, nil
}

func (s *Signer) signature(text []byte) ([]byte, error) {
	if err := checkKey(s.Key.Public()); err != nil {
		return nil, err
	}
	var buf [32]byte
	digest, id, err := s.Hash.sum(buf[:0], text)
	if err != nil {
		return nil, err
	}
	signature, err := s.Key.Sign(rand.Reader, digest, id)
	if err != nil {
		return nil, fault(ErrKey, err.Error())
	}
	return signature, nil
}

// checkURL refuses a URL that cannot be signed as it stands.
func checkURL(rawURL string) error {
	rest, ok := strings.CutPrefix(rawURL, "https://")
	if !ok {
		rest, ok = strings.CutPrefix(rawURL, "http://")
	}
	switch {
	case !ok || rest == "" || rest[0] == '/' || rest[0] == '?':
		return fault(ErrInput, "the URL is not absolute, http or https")
	case !validText(rawURL):
		return fault(ErrInput, "the URL holds a space, a quote, a backslash, a control character or more than ASCII")
	case strings.Contains(rawURL, "#"):
		return fault(ErrInput, "the URL has a fragment")
	}
	if _, query, has := strings.Cut(rawURL, "?"); has {
		if c, _, _ := fromQuery(query); c.counts != [5]int{} {
			return fault(ErrInput, "the URL already has a parameter of CloudFront's")
		}
	}
	return nil
}

func validID(id string) bool {
	for i := range len(id) {
		c := id[i]
		if c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return id != "" && len(id) <= 128
}
