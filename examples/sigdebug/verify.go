// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/sallyport-go/sallyport/sigv4"
)

type verdict struct {
	ID    json.RawMessage `json:"id"`
	OK    bool            `json:"ok"`
	Error string          `json:"error,omitempty"`
}

// verify accepts what the context names and nothing else, with the clock at
// its timestamp.
func (l *line) verify(t *request) (any, error) {
	r := t.http(l.Context.SignBody)
	v := &sigv4.Verifier{
		Keys: l, Region: l.Context.Region, Profile: l.profile(), Strict: true, OriginalURI: true, MaxBody: 1 << 40,
		Now: func() time.Time { return l.at },
	}
	if l.v4a {
		v.Modes = sigv4.ModeHeader | sigv4.ModeQuery | sigv4.ModeV4A
	}
	id, err := v.Verify(r)
	if err == nil && r.Body != nil {
		_, err = io.Copy(io.Discard, r.Body)
	}
	var refusal *sigv4.Error
	switch {
	case err == nil && (id.Algorithm == sigv4.AlgorithmV4A) != l.v4a:
		return verdict{l.ID, false, "AccessDenied"}, nil
	case err == nil && id.Payload == sigv4.PayloadUnsigned: // it has to be the payload hash
		return verdict{l.ID, false, l.bodyCode()}, nil
	case err == nil:
		return verdict{l.ID, true, ""}, nil
	case !errors.As(err, &refusal):
		return nil, err
	case errors.Is(err, sigv4.ErrConfig), errors.Is(err, sigv4.ErrKeyLookup):
		return nil, err
	default:
		return verdict{l.ID, false, refusal.Code}, nil
	}
}

func (l *line) bodyCode() string {
	if l.Context.Service == "s3" {
		return "XAmzContentSHA256Mismatch"
	}
	return "SignatureDoesNotMatch"
}

// LookupKey knows one key, the context's; for v4a it gives away no more than the
// public half. A token that is omitted from the
// signature counts for nothing: whatever came is the one expected.
func (l *line) LookupKey(_ context.Context, q sigv4.KeyQuery) (sigv4.Key, error) {
	c := l.Context.Credentials
	if q.AccessKeyID != c.AccessKeyID {
		return sigv4.Key{}, sigv4.ErrUnknownKey
	}
	key := sigv4.Key{Secret: c.SecretAccessKey, SessionToken: c.Token}
	if l.Context.OmitSessionToken {
		key.SessionToken = q.SessionToken
	}
	if q.Algorithm == sigv4.AlgorithmV4A {
		pub, err := l.credentials().V4APublicKey()
		key.Secret, key.PublicKey = "", pub
		return key, err
	}
	return key, nil
}
