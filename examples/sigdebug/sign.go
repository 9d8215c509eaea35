// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/sigv4"
)

type signedAnswer struct {
	ID               json.RawMessage `json:"id"`
	CanonicalRequest string          `json:"canonical_request"`
	StringToSign     string          `json:"string_to_sign"`
	Signature        string          `json:"signature"`
	SignedRequest    string          `json:"signed_request"`
}

func (l *line) credentials() sigv4.Credentials {
	c := l.Context.Credentials
	return sigv4.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.Token}
}

// profile is the signing test suite's: every service with the path encoded
// once.
func (l *line) profile() sigv4.Profile {
	p := sigv4.Profile{Service: l.Context.Service, SingleEncode: true, RawPath: !l.Context.Normalize}
	if l.Context.OmitSessionToken {
		p.Token = sigv4.TokenOmitted
	}
	return p
}

func (l *line) signer() *sigv4.Signer {
	s := &sigv4.Signer{
		Region: l.Context.Region, Profile: l.profile(), Debug: true, Deterministic: true,
		Now:        func() time.Time { return l.at },
		SignHeader: func(string) bool { return true },
	}
	if l.v4a {
		s.Algorithm = sigv4.AlgorithmV4A
	}
	return s
}

// payload is the hash of the body, or of nothing. An x-amz-content-sha256 that
// came with the request must say the same.
func (l *line) payload(t *request, r *http.Request) (sigv4.Payload, error) {
	body := ""
	if l.Context.SignBody {
		body = t.body
	}
	p := sigv4.Payload{Mode: sigv4.PayloadSHA256, SHA256: sha256.Sum256([]byte(body))}
	given := r.Header["X-Amz-Content-Sha256"]
	if len(given) > 1 {
		return p, errors.New("the request carries x-amz-content-sha256 twice")
	}
	for _, given := range given {
		if given != hex.EncodeToString(p.SHA256[:]) {
			return p, errors.New("the request carries an x-amz-content-sha256 that is not the payload hash")
		}
	}
	return p, nil
}

func (l *line) prepare(t *request) (*http.Request, sigv4.Payload, error) {
	r, err := l.read(t)
	if err != nil {
		return nil, sigv4.Payload{}, err
	}
	p, err := l.payload(t, r)
	return r, p, err
}

// read is the request, unless two readers could take it for two.
func (l *line) read(t *request) (*http.Request, error) {
	if _, err := url.PathUnescape(t.path); err != nil {
		return nil, errors.New("the path holds a malformed escape")
	}
	r := t.http(l.Context.SignBody)
	if len(r.Header["Host"]) > 1 {
		return nil, errors.New("the request has several Host headers")
	}
	return r, nil
}

func (l *line) sign(t *request) (any, error) {
	r, p, err := l.prepare(t)
	if err != nil {
		return nil, err
	}
	s := l.signer()
	s.Profile.ContentSHA256 = l.Context.SignBody
	signed, err := s.Sign(r, l.credentials(), p)
	if err != nil {
		return nil, err
	}
	header := kept(t, r, l.Context.SignBody)
	header = append(header, field{"X-Amz-Date", signed.Date})
	if l.Context.SignBody {
		header = append(header, field{"X-Amz-Content-Sha256", hex.EncodeToString(p.SHA256[:])})
	}
	token := field{"X-Amz-Security-Token", l.Context.Credentials.Token}
	if token.value != "" && !l.Context.OmitSessionToken {
		header = append(header, token)
	}
	if l.v4a {
		header = append(header, field{"X-Amz-Region-Set", l.Context.Region})
	}
	header = append(header, field{"Authorization", r.Header.Get("Authorization")})
	if token.value != "" && l.Context.OmitSessionToken {
		header = append(header, token)
	}
	target := t.path
	if r.URL.RawQuery != "" {
		target += "?" + r.URL.RawQuery
	}
	return signedAnswer{
		l.ID, signed.Canonical.String(), signed.StringToSign, signed.Signature, t.render(target, header),
	}, nil
}

func (l *line) presign(t *request) (any, error) {
	r, p, err := l.prepare(t)
	if err != nil {
		return nil, err
	}
	expires := time.Duration(l.Context.ExpirationSeconds) * time.Second
	if l.Context.ExpirationSeconds > 1<<32 {
		expires = -1 // would overflow: refused as every other life that is no life
	}
	presigned, err := l.signer().Presign(r, l.credentials(), p, expires)
	if err != nil {
		return nil, err
	}
	_, query, _ := strings.Cut(presigned.URL, "?")
	return signedAnswer{
		l.ID, presigned.Canonical.String(), presigned.StringToSign, presigned.Signature,
		t.render(t.path+"?"+query, kept(t, r, false)),
	}, nil
}

// kept is the headers as they came, without those that signing replaces: the
// payload hash among them where hashed is true.
func kept(t *request, r *http.Request, hashed bool) []field {
	var out []field
	if t.host != "" || len(r.Header["Host"]) == 0 {
		out = append(out, field{"Host", r.Host})
	}
	for _, f := range t.header {
		switch strings.ToLower(f.name) {
		case "authorization", "x-amz-date", "x-amz-security-token", "x-amz-region-set":
			continue
		case "x-amz-content-sha256":
			if hashed {
				continue
			}
		case "host":
			if t.host != "" {
				continue
			}
			f.value = r.Host
		}
		out = append(out, f)
	}
	return out
}
