// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/sigv4"
)

// The credentials of the AWS documentation.
var exampleCredentials = sigv4.Credentials{
	AccessKeyID:     "AKIAIOSFODNN7EXAMPLE",
	SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
}

func exampleNow() time.Time { return time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC) }

func Example() {
	signer := &sigv4.Signer{Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Now: exampleNow}
	verifier := &sigv4.Verifier{
		Keys:   sigv4.StaticKeys{"AKIAIOSFODNN7EXAMPLE": {Secret: exampleCredentials.SecretAccessKey}},
		Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Now: exampleNow,
	}
	server := httptest.NewServer(verifier.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := sigv4.FromContext(r.Context())
		body, err := io.ReadAll(r.Body) // a body that is not the signed one ends in an error
		fmt.Fprintln(w, id.AccessKeyID, id.Path, len(body), err)
	})))
	defer server.Close()

	client := &http.Client{Transport: &sigv4.Transport{
		Signer:      signer,
		Credentials: func(context.Context) (sigv4.Credentials, error) { return exampleCredentials, nil },
	}}
	resp, err := client.Post(server.URL+"/bucket/key", "text/plain", strings.NewReader("Welcome to Amazon S3."))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	io.Copy(ioWriter{}, resp.Body)
	// Output: AKIAIOSFODNN7EXAMPLE /bucket/key 21 <nil>
}

type ioWriter struct{}

func (ioWriter) Write(p []byte) (int, error) { fmt.Print(string(p)); return len(p), nil }

func ExampleSigner_Sign() {
	signer := &sigv4.Signer{Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Now: exampleNow}
	r, _ := http.NewRequest("GET", "https://examplebucket.s3.amazonaws.com/test.txt", nil)
	r.Header.Set("Range", "bytes=0-9")
	signed, err := signer.Sign(r, exampleCredentials, sigv4.Payload{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(signed.SignedHeaders)
	fmt.Println(signed.Scope)
	fmt.Println(signed.Signature)
	// Output:
	// host;range;x-amz-content-sha256;x-amz-date
	// 20130524/us-east-1/s3/aws4_request
	// f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41
}

func ExampleSigner_Presign() {
	signer := &sigv4.Signer{Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Now: exampleNow}
	r, _ := http.NewRequest("GET", "https://examplebucket.s3.amazonaws.com/test.txt", nil)
	presigned, err := signer.Presign(r, exampleCredentials, sigv4.Payload{}, 24*time.Hour)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(presigned.Signature)
	fmt.Println(presigned.ExpiresAt)
	fmt.Println(presigned) // withholds what makes the URL work
	// Output:
	// aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404
	// 2013-05-25 00:00:00 +0000 UTC
	// GET https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=REDACTED
}

// A body that is not in memory is signed by its hash, or left unsigned.
func ExamplePayload() {
	signer := &sigv4.Signer{Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Now: exampleNow}
	for _, payload := range []sigv4.Payload{
		{Mode: sigv4.PayloadSHA256, SHA256: sha256.Sum256([]byte("from a file"))},
		{Mode: sigv4.PayloadUnsigned},
	} {
		r, _ := http.NewRequest("PUT", "https://examplebucket.s3.amazonaws.com/key", io.MultiReader(strings.NewReader("from a file")))
		if _, err := signer.Sign(r, exampleCredentials, payload); err != nil {
			fmt.Println(err)
		}
		fmt.Println(payload.Mode, r.Header.Get("X-Amz-Content-Sha256"))
	}
	// Output:
	// sha256 552b49dcb23b4558021df8fda10272de45986bce69dd80283fc0b2a2fa57c209
	// unsigned UNSIGNED-PAYLOAD
}

// A refusal says what was wrong to the server's log and to the client in the
// protocol's own form.
func ExampleError() {
	verifier := &sigv4.Verifier{
		Keys:   sigv4.StaticKeys{"AKIAIOSFODNN7EXAMPLE": {Secret: exampleCredentials.SecretAccessKey}},
		Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Now: exampleNow,
		Modes: sigv4.ModeHeader,
		Codes: map[error]sigv4.ErrorCode{sigv4.ErrMissingAuth: {Code: "LoginRequired", HTTPStatus: http.StatusUnauthorized}},
	}
	r := httptest.NewRequest("GET", "/key", nil)
	r.Host = "examplebucket.s3.amazonaws.com"
	for _, region := range []string{"", "eu-west-1"} {
		if region != "" {
			signer := &sigv4.Signer{Region: region, Profile: sigv4.ProfileFor("s3"), Now: exampleNow}
			if _, err := signer.Sign(r, exampleCredentials, sigv4.Payload{}); err != nil {
				fmt.Println(err)
			}
		}
		_, err := verifier.Verify(r)
		var refusal *sigv4.Error
		if errors.As(err, &refusal) {
			fmt.Println(refusal.HTTPStatus, refusal.Code, refusal)
			for _, field := range refusal.Fields {
				fmt.Println(field.Name, field.Value)
			}
			fmt.Println(refusal.Hint())
		}
	}
	// Output:
	// 401 LoginRequired sigv4: no authentication: the request is not signed
	// Sign the request.
	// 400 AuthorizationHeaderMalformed sigv4: wrong credential scope: the scope's region is wrong; expecting "us-east-1"
	// Region us-east-1
	// Sign for the region and service of this endpoint, with the scope's date that of the request.
}

// dayKeys holds derived keys, good for one day each, and no secret.
type dayKeys map[sigv4.Scope][]byte

func (k dayKeys) LookupKey(_ context.Context, q sigv4.KeyQuery) (sigv4.Key, error) {
	derived, ok := k[q.Scope]
	if !ok || q.AccessKeyID != exampleCredentials.AccessKeyID {
		return sigv4.Key{}, sigv4.ErrUnknownKey
	}
	return sigv4.Key{Derived: derived}, nil
}

// A verifier that holds no secret: somebody else derives a key for each day.
func ExampleDeriveKey() {
	scope := sigv4.NewScope(exampleNow(), "us-east-1", "s3")
	key, err := sigv4.DeriveKey(exampleCredentials.SecretAccessKey, scope)
	if err != nil {
		fmt.Println(err)
		return
	}
	verifier := &sigv4.Verifier{Keys: dayKeys{scope: key}, Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Now: exampleNow}
	signer := &sigv4.Signer{Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Now: exampleNow}
	r := httptest.NewRequest("GET", "/key", nil)
	if _, err := signer.Sign(r, exampleCredentials, sigv4.Payload{}); err != nil {
		fmt.Println(err)
	}
	id, err := verifier.Verify(r)
	fmt.Println(id.AccessKeyID, id.Scope, err)
	// Output: AKIAIOSFODNN7EXAMPLE 20130524/us-east-1/s3/aws4_request <nil>
}

func ExampleCanonicalize() {
	r, _ := http.NewRequest("GET", "https://example.com//a/./b?b=2&a=1", nil)
	r.Header.Set("My-Header", "  a   b  ")
	var canonical *sigv4.Canonical
	canonical, err := sigv4.Canonicalize(r, sigv4.ProfileFor("execute-api"), []string{"host", "my-header"}, "UNSIGNED-PAYLOAD")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(canonical)
	fmt.Println("--")
	fmt.Println(canonical.StringToSign(sigv4.AlgorithmV4, sigv4.FormatDate(exampleNow()), sigv4.NewScope(exampleNow(), "us-east-1", "execute-api")))
	// Output:
	// GET
	// /a/b
	// a=1&b=2
	// host:example.com
	// my-header:a b
	//
	// host;my-header
	// UNSIGNED-PAYLOAD
	// --
	// AWS4-HMAC-SHA256
	// 20130524T000000Z
	// 20130524/us-east-1/execute-api/aws4_request
	// 8d7d468889b067aeb3d629a63ce12d0e8505c2607fdde96e90dc65b79b2a80ce
}

func ExampleParseCredential() {
	id, scope, err := sigv4.ParseCredential("team/key/20130524/us-east-1/s3/aws4_request")
	fmt.Println(id, scope.Date, scope.Region, scope.Service, err)
	date, err := sigv4.ParseDate("20130524T000000Z")
	fmt.Println(date, err)
	_, err = sigv4.ParseDate("20130524T000000.5Z")
	fmt.Println(err)
	// Output:
	// team/key 20130524 us-east-1 s3 <nil>
	// 2013-05-24 00:00:00 +0000 UTC <nil>
	// sigv4: no usable date: a date is YYYYMMDDTHHMMSSZ
}

// The policy of a POST form is signed as text.
func ExampleVerifier_VerifyText() {
	scope := sigv4.NewScope(exampleNow(), "us-east-1", "s3")
	digits, err := exampleCredentials.Sign(scope, []byte("eyJleHBpcmF0aW9uIjoi"))
	if err != nil {
		fmt.Println(err)
		return
	}
	signature, err := sigv4.ParseSignature(digits)
	if err != nil {
		fmt.Println(err)
		return
	}
	verifier := &sigv4.Verifier{
		Keys:   sigv4.StaticKeys{"AKIAIOSFODNN7EXAMPLE": {Secret: exampleCredentials.SecretAccessKey}},
		Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Now: exampleNow,
	}
	query := sigv4.KeyQuery{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", Scope: scope}
	fmt.Println(verifier.VerifyText(context.Background(), query, []byte("eyJleHBpcmF0aW9uIjoi"), signature))
	fmt.Println(verifier.VerifyText(context.Background(), query, []byte("another policy"), signature))
	// Output:
	// <nil>
	// sigv4: signature mismatch: the signature does not match
}

// A profile of one's own: the path encoded once and normalized, the session
// token added after signing.
func ExampleProfile() {
	profile := sigv4.Profile{Service: "internal", SingleEncode: true, Token: sigv4.TokenOmitted}
	signer := &sigv4.Signer{Region: "eu-1", Profile: profile, Now: exampleNow, Debug: true}
	r, _ := http.NewRequest("GET", "https://internal.example/a%20b/../c", nil)
	credentials := exampleCredentials
	credentials.SessionToken = "TOKEN"
	signed, err := signer.Sign(r, credentials, sigv4.Payload{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(signed.Canonical.URI, signed.SignedHeaders, r.Header.Get("X-Amz-Security-Token"))
	// Output: /c host;x-amz-date TOKEN
}

// Where the SDK's credentials providers are at hand, an adapter is a function.
func ExampleTransport() {
	type provider interface {
		Retrieve(context.Context) (id, secret, token string, err error)
	}
	adapt := func(p provider) func(context.Context) (sigv4.Credentials, error) {
		return func(ctx context.Context) (sigv4.Credentials, error) {
			id, secret, token, err := p.Retrieve(ctx)
			return sigv4.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: token}, err
		}
	}
	transport := &sigv4.Transport{
		Signer:      &sigv4.Signer{Region: "us-east-1", Profile: sigv4.ProfileFor("execute-api")},
		Credentials: adapt(staticProvider{}),
	}
	r, _ := http.NewRequest("GET", "http://127.0.0.1:1/", nil)
	_, err := transport.RoundTrip(r)
	fmt.Println(err)
	// Output: sigv4: credentials: not logged in
}

type staticProvider struct{}

func (staticProvider) Retrieve(context.Context) (id, secret, token string, err error) {
	return "", "", "", errors.New("not logged in")
}

func ExampleSigned() {
	var signed *sigv4.Signed
	var presigned *sigv4.Presigned
	signer := &sigv4.Signer{Region: "us-east-1", Profile: sigv4.ProfileFor("s3"), Now: exampleNow, Debug: true}
	r, _ := http.NewRequest("GET", "https://examplebucket.s3.amazonaws.com/?lifecycle", nil)
	presigned, err := signer.Presign(r, exampleCredentials, sigv4.Payload{}, time.Minute)
	if err != nil {
		fmt.Println(err)
		return
	}
	if signed, err = signer.Sign(r, exampleCredentials, sigv4.Payload{}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(signed.Canonical.Query, len(presigned.Signature))
	fmt.Println(signed.StringToSign)
	fmt.Println(exampleCredentials) // prints no secret
	// Output:
	// lifecycle= 64
	// AWS4-HMAC-SHA256
	// 20130524T000000Z
	// 20130524/us-east-1/s3/aws4_request
	// 9766c798316ff2757b517bc739a67f6213b4ab36dd5da2f94eaebf79c77395ca
	// sigv4.Credentials(AKIAIOSFODNN7EXAMPLE, REDACTED)
}
