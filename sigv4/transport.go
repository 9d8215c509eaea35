// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// Transport is an http.RoundTripper that signs each request on its way out.
// Signer and Credentials are required. Its fields must not change after first
// use; it is then safe for concurrent use.
//
// It signs for whatever host a request names, redirects included: give it to a
// client that talks to one service.
type Transport struct {
	// Signer signs.
	Signer *Signer
	// Credentials returns what to sign with, for each request anew; a
	// provider of temporary credentials fits here.
	Credentials func(context.Context) (Credentials, error)
	// Payload, where set, says how the body is signed. Nil hashes it, which
	// needs r.GetBody: http.NewRequest sets it for readers over memory.
	Payload func(r *http.Request) (Payload, error)
	// Base sends the signed request; nil means http.DefaultTransport.
	Base http.RoundTripper
}

// RoundTrip signs a copy of r and sends it. It returns the errors of Sign,
// ErrConfig, and those of Credentials, Payload and Base.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	signed, err := t.sign(r)
	if err != nil {
		if r.Body != nil {
			err = errors.Join(err, r.Body.Close()) // a RoundTripper closes the body whatever happens
		}
		return nil, err
	}
	base := t.Base
	if base == nil {
		base = http.DefaultTransport
	}
	return base.RoundTrip(signed)
}

func (t *Transport) sign(r *http.Request) (*http.Request, error) {
	if t.Signer == nil || t.Credentials == nil {
		return nil, fmt.Errorf("%w: Transport.Signer or Transport.Credentials is nil", ErrConfig)
	}
	c, err := t.Credentials(r.Context())
	if err != nil {
		return nil, fmt.Errorf("sigv4: credentials: %w", err)
	}
	var p Payload
	if t.Payload != nil {
		if p, err = t.Payload(r); err != nil {
			return nil, fmt.Errorf("sigv4: payload: %w", err)
		}
	}
	signed := r.Clone(r.Context())
	if _, err := t.Signer.Sign(signed, c, p); err != nil {
		return nil, err
	}
	return signed, nil
}
