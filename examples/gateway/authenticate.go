// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/sallyport-go/sallyport/iampolicy"
	"github.com/sallyport-go/sallyport/presign"
	"github.com/sallyport-go/sallyport/presign/cloudfront"
	"github.com/sallyport-go/sallyport/sigv4"
)

// caller is who made a request.
type caller struct {
	Name        string // empty: nobody signed
	ARN         string // of a user
	AccessKeyID string // likewise
	principal   iampolicy.Principal
	identity    *sigv4.Identity     // of a signed request
	form        *presign.PostUpload // of a signed form
	grant       *cloudfront.Grant   // of a request on the CloudFront-style path
}

func (c caller) anonymous() bool { return c.Name == "" }

// newVerifier makes the verifier of all requests that are signed in their
// headers or in their URL, with every way of framing a body.
func newVerifier(config *Config) *sigv4.Verifier {
	keys := sigv4.StaticKeys{}
	for _, u := range config.Users {
		keys[u.AccessKeyID] = sigv4.Key{Secret: u.SecretAccessKey, SessionToken: u.SessionToken, Expires: u.Expires}
	}
	return &sigv4.Verifier{
		Keys: keys, Profile: sigv4.ProfileFor("s3"), Region: config.Region,
		Modes:              sigv4.ModeHeader | sigv4.ModeQuery | sigv4.ModeChunked | sigv4.ModeUnsignedTrailer | sigv4.ModeV4A,
		AllowUnknownLength: true, // clients stream so over TLS; the size limit holds all the same
		AnyRegion: func(r *http.Request) bool { // clients that look for a bucket's region do not know it yet
			return r.Method == http.MethodGet && (r.URL.Path == "/" || r.URL.Query().Has("location"))
		},
	}
}

// authenticate verifies the signature. A request without any is anonymous: only
// a bucket's policy can let it pass.
func (g *Gateway) authenticate(c *call) error {
	switch {
	case c.op == uploadPage:
		return nil
	case g.onCDN(c.r):
		return g.authenticateCDN(c)
	case c.op.form:
		return g.authenticateForm(c)
	}
	identity, err := g.verifier.Verify(c.r)
	if errors.Is(err, sigv4.ErrMissingAuth) {
		return nil
	}
	if err != nil {
		return err
	}
	if identity.Path != c.r.URL.Path { // the path that was routed is the path that was signed
		return refuse("InvalidURI", "Couldn't parse the specified URI.")
	}
	c.caller = g.callerOf(identity.AccessKeyID)
	c.caller.identity = identity
	return nil
}

// callerOf is the user who has a key.
func (g *Gateway) callerOf(accessKeyID string) caller {
	for _, u := range g.config.Users {
		if u.AccessKeyID == accessKeyID {
			return caller{
				Name: u.Name, ARN: g.config.userARN(u.Name), AccessKeyID: accessKeyID, principal: g.authorizer.principals[u.Name],
			}
		}
	}
	return caller{}
}

// signatureFault says a verifier's refusal in S3's words. Its message, code and
// fields are made to be sent: they hold no secret.
func signatureFault(err error) *fault {
	e, ok := errors.AsType[*sigv4.Error](err)
	if !ok {
		return nil
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	f := &fault{Code: e.Code, Status: e.HTTPStatus, Message: e.Message, cause: err}
	for _, field := range e.Fields {
		f.Extra = append(f.Extra, element{field.Name, field.Value})
	}
	return f
}
