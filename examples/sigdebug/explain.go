// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/sallyport-go/sallyport/sigv4"
)

type explanation struct {
	ID          json.RawMessage `json:"id"`
	Differences []difference    `json:"differences"`
}

type difference struct {
	Where  string `json:"where"`
	Ours   string `json:"ours"`
	Theirs string `json:"theirs"`
	Cause  string `json:"cause"`
}

// side is one of two signatures that should have been the same.
type side struct {
	canonical *sigv4.Canonical
	signature string
	silent    bool // a URL presigned for S3 that does not state what it takes for the payload hash
}

// explain compares the request with another one, or with a server's answer.
func (l *line) explain() (any, error) {
	texts := l.Requests
	if l.Request != "" {
		texts = append([]string{l.Request}, texts...)
	}
	if l.Other != "" {
		texts = append(texts, l.Other)
	}
	if want := 2 - min(1, len(l.ServerError)); len(texts) != want {
		return nil, errors.New("explain takes two requests, or one and a server_error")
	}
	sides := make([]side, len(texts))
	for i, text := range texts {
		var err error
		if sides[i], err = l.side(text); err != nil {
			return nil, fmt.Errorf("request %d: %w", i+1, err)
		}
	}
	l.settlePayload(sides)
	var found []sigv4.Difference
	if l.ServerError != "" {
		found = sigv4.Explain(sides[0].canonical, []byte(l.ServerError))
	} else {
		found = compare(sides[0], sides[1])
	}
	out := explanation{ID: l.ID, Differences: []difference{}}
	for _, d := range found {
		where := d.Field
		if d.Name != "" {
			where += " " + d.Name
		}
		out.Differences = append(out.Differences, difference{where, d.Mine, d.Theirs, d.Cause})
	}
	return out, nil
}

const unsignedPayload = "UNSIGNED-PAYLOAD"

// settlePayload finds out what silent URLs signed: the hash of the body, as
// presign does here, or UNSIGNED-PAYLOAD, as clients of S3 do. The signature
// tells; where the secret is another one, a server's answer is S3's.
func (l *line) settlePayload(sides []side) {
	unsigned, known := l.ServerError != "", false
	for _, s := range sides {
		if !s.silent || l.v4a {
			continue
		}
		own, other := *s.canonical, *s.canonical
		other.PayloadHash = unsignedPayload
		if hashed := l.signs(&own, s.signature); !known && (hashed || l.signs(&other, s.signature)) {
			unsigned, known = !hashed, true
		}
	}
	for _, s := range sides {
		if s.silent && unsigned {
			s.canonical.PayloadHash = unsignedPayload
		}
	}
}

// signs says whether the context's secret makes this signature of it.
func (l *line) signs(c *sigv4.Canonical, signature string) bool {
	mine, err := l.credentials().Sign(c.Scope, []byte(c.StringToSign(c.Algorithm, c.Date, c.Scope)))
	return err == nil && mine == signature
}

func compare(ours, theirs side) []sigv4.Difference {
	found := sigv4.Compare(ours.canonical, theirs.canonical)
	if len(found) == 0 && ours.signature != theirs.signature {
		found = append(found, sigv4.Difference{
			Field: "signature", Mine: ours.signature, Theirs: theirs.signature,
			Cause: "the same text was signed with different keys: another secret, or an old derived key that is still cached",
		})
	}
	return found
}

// side takes a signed request as it stands, and signs another by the context.
func (l *line) side(text string) (side, error) {
	t, err := parseRequest(text)
	if err != nil {
		return side{}, err
	}
	r, err := l.read(t)
	if err != nil {
		return side{}, err
	}
	if auth := r.Header.Get("Authorization"); auth != "" {
		_, items, _ := strings.Cut(auth, " ")
		parts := map[string]string{}
		for item := range strings.SplitSeq(items, ",") {
			key, value, _ := strings.Cut(strings.TrimSpace(item), "=")
			parts[key] = value
		}
		return l.signed(t, r, parts["Credential"], r.Header.Get("X-Amz-Date"), parts["SignedHeaders"], parts["Signature"])
	}
	if query := parameters(r.URL.RawQuery); query["X-Amz-Signature"] != "" {
		s, err := l.signed(t, r, query["X-Amz-Credential"], query["X-Amz-Date"], query["X-Amz-SignedHeaders"], query["X-Amz-Signature"])
		if err == nil && r.Header.Get("X-Amz-Content-Sha256") == "" {
			stated := query["X-Amz-Content-Sha256"]
			s.canonical.PayloadHash = cmp.Or(stated, s.canonical.PayloadHash)
			s.silent = stated == "" && l.Context.Service == "s3"
		}
		return s, err
	}
	if l.at, err = parseTime(l.Context.Timestamp); err != nil {
		return side{}, errors.New("it carries no signature, and the context's timestamp is not RFC 3339")
	}
	r, p, err := l.prepare(t)
	if err != nil {
		return side{}, err
	}
	s := l.signer()
	s.Profile.ContentSHA256 = l.Context.SignBody
	signed, err := s.Sign(r, l.credentials(), p)
	if err != nil {
		return side{}, err
	}
	return side{canonical: signed.Canonical, signature: signed.Signature}, nil
}

// parameters reads a query as signatures do, with & as the only separator:
// package url drops host;x-amz-date, which need not be escaped.
func parameters(query string) map[string]string {
	all := map[string]string{}
	for piece := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(piece, "=")
		name, err := url.QueryUnescape(name)
		if value, errValue := url.QueryUnescape(value); err == nil && errValue == nil {
			all[name] = value
		}
	}
	return all
}

// signed canonicalizes a request as its signature says.
func (l *line) signed(t *request, r *http.Request, credential, date, headers, signature string) (side, error) {
	payload := r.Header.Get("X-Amz-Content-Sha256")
	if payload == "" {
		body := ""
		if l.Context.SignBody {
			body = t.body
		}
		sum := sha256.Sum256([]byte(body))
		payload = hex.EncodeToString(sum[:])
	}
	c, err := sigv4.Canonicalize(r, l.profile(), strings.Split(headers, ";"), payload)
	if err != nil {
		return side{}, err
	}
	if l.v4a {
		c.Algorithm = sigv4.AlgorithmV4A
	}
	// The scope, from the right: [region/]service/aws4_request.
	parts := strings.Split(credential, "/")
	if n := len(parts); n >= 4 && l.v4a {
		c.Date, c.Scope = date, sigv4.Scope{Date: parts[n-3], Service: parts[n-2]}
	} else if n >= 5 && !l.v4a {
		c.Date, c.Scope = date, sigv4.Scope{Date: parts[n-4], Region: parts[n-3], Service: parts[n-2]}
	}
	return side{canonical: c, signature: signature}, nil
}
