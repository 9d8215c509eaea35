// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
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

// signatures is the verifier of the pipeline: whoever signed a request in its
// headers, in its URL or in a form, or holds a CloudFront signature.
type signatures struct {
	requests *sigv4.Verifier
	forms    *presign.PostVerifier
	cdn      *cloudfront.Verifier // nil: there is no CloudFront-style path
	users    map[string]caller    // by access key id
}

func newSignatures(config *Config, files files) (*signatures, error) {
	s := &signatures{users: map[string]caller{}}
	keys := sigv4.StaticKeys{}
	for i, u := range config.Users {
		keys[u.AccessKeyID] = sigv4.Key{Secret: u.SecretAccessKey, SessionToken: u.SessionToken, Expires: u.Expires}
		principal, err := iampolicy.ParsePrincipal(config.userARN(u.Name))
		if err != nil {
			return nil, config.at(fmt.Sprintf("users[%d].name", i), err)
		}
		s.users[u.AccessKeyID] = caller{Name: u.Name, ARN: config.userARN(u.Name), AccessKeyID: u.AccessKeyID, principal: principal}
	}
	s.requests = &sigv4.Verifier{
		Keys: keys, Profile: sigv4.ProfileFor("s3"), Region: config.Region, Now: config.now,
		Modes:              sigv4.ModeHeader | sigv4.ModeQuery | sigv4.ModeChunked | sigv4.ModeUnsignedTrailer | sigv4.ModeV4A,
		AllowUnknownLength: true, // clients stream so over TLS; the size limit holds all the same
		AnyRegion: func(r *http.Request) bool { // clients that look for a bucket's region do not know it yet
			return r.Method == http.MethodGet && (r.URL.Path == "/" && config.virtualBucket(r.Host) == "" || r.URL.Query().Has("location"))
		},
	}
	s.forms = newForms(config, s.requests)
	var err error
	s.cdn, err = newCDN(config, files)
	return s, err
}

// verify verifies the signature. A request without any is anonymous: only a
// bucket's policy can let it pass.
func (s *signatures) verify(c *call) (caller, error) {
	switch {
	case c.onCDN():
		return s.verifyCDN(c)
	case c.op.form:
		return s.verifyForm(c)
	}
	identity, err := s.requests.Verify(c.r)
	if errors.Is(err, sigv4.ErrMissingAuth) {
		return caller{}, nil
	}
	if err != nil {
		return caller{}, err
	}
	if identity.Path != c.r.URL.Path { // the path that was routed is the path that was signed
		return caller{}, refuse("InvalidURI", "Couldn't parse the specified URI.")
	}
	who := s.users[identity.AccessKeyID]
	who.identity = identity
	return who, nil
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
