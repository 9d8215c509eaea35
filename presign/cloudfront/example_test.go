// SPDX-License-Identifier: Apache-2.0

package cloudfront_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/presign/cloudfront"
)

// A URL that anybody who holds it may fetch for an hour.
func ExampleSigner_SignURL() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	s := &cloudfront.Signer{KeyPairID: "K2JCJMDEHXQW5F", Key: key}
	signed, err := s.SignURL("https://media.example.com/film.mp4?size=large", cloudfront.Policy{
		Expires: time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	head, _, _ := strings.Cut(signed, "&Signature=")
	fmt.Println(head)
	// Output: https://media.example.com/film.mp4?size=large&Expires=1772370000
}

// Cookies for a whole folder, for one network.
func ExampleSigner_SignCookies() {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	s := &cloudfront.Signer{KeyPairID: "K2JCJMDEHXQW5F", Key: key, CookiePath: "/films"}
	cookies, err := s.SignCookies(cloudfront.Policy{
		Resource: "https://media.example.com/films/*",
		Expires:  time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC),
		SourceIP: netip.MustParsePrefix("192.0.2.0/24"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range cookies {
		fmt.Println(c.Name, c.Path, c.Secure, c.HttpOnly)
	}
	// Output:
	// CloudFront-Policy /films true true
	// CloudFront-Signature /films true true
	// CloudFront-Key-Pair-Id /films true true
	// CloudFront-Hash-Algorithm /films true true
}

// A server that opens a folder only to those who hold a signed URL.
func ExampleVerifier_Handler() {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	v := &cloudfront.Verifier{
		BaseURL: "https://media.example.com",
		Keys: func(id string) (crypto.PublicKey, bool) {
			return &key.PublicKey, id == "K2JCJMDEHXQW5F"
		},
		OnReject: func(_ *http.Request, err error) { fmt.Println("refused:", err) },
	}
	films := v.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		grant, _ := cloudfront.FromContext(r.Context())
		fmt.Fprintf(w, "%s, signed by %s", r.URL, grant.KeyPairID)
	}))

	s := &cloudfront.Signer{KeyPairID: "K2JCJMDEHXQW5F", Key: key}
	signed, _ := s.SignURL("https://media.example.com/film.mp4", cloudfront.Policy{Expires: time.Now().Add(time.Hour)})
	for _, target := range []string{signed, "https://media.example.com/film.mp4"} {
		w := httptest.NewRecorder()
		films.ServeHTTP(w, httptest.NewRequest("GET", strings.TrimPrefix(target, "https://media.example.com"), nil))
		fmt.Println(w.Code, strings.TrimSpace(strings.SplitN(w.Body.String(), "<", 2)[0]))
	}
	// Output:
	// 200 /film.mp4, signed by K2JCJMDEHXQW5F
	// refused: cloudfront: no signed URL or cookies
	// 403
}

// What a grant was, and why another request has none.
func ExampleGrant() {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	s := &cloudfront.Signer{KeyPairID: "K2JCJMDEHXQW5F", Key: key, Hash: cloudfront.SHA1}
	v := &cloudfront.Verifier{
		BaseURL: "https://media.example.com",
		Keys:    func(string) (crypto.PublicKey, bool) { return &key.PublicKey, true },
		Now:     func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) },
	}
	signed, _ := s.SignURL("https://media.example.com/film.mp4", cloudfront.Policy{
		Expires: time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC),
	})
	var grant *cloudfront.Grant
	grant, err := v.Verify(httptest.NewRequest("GET", signed, nil))
	if err != nil {
		fmt.Println(err)
		return
	}
	var hash cloudfront.Hash = grant.Hash
	fmt.Println(grant.Policy.Resource, grant.Policy.Expires.UTC().Format(time.TimeOnly), hash)

	_, err = v.Verify(httptest.NewRequest("GET", strings.Replace(signed, "film", "other", 1), nil))
	fmt.Println(errors.Is(err, cloudfront.ErrSignature))
	// Output:
	// https://media.example.com/film.mp4 13:00:00 SHA1
	// true
}

// The message is for the server's log, the hint for whoever mends it.
func ExampleError() {
	_, err := (&cloudfront.Signer{}).SignURL("https://media.example.com/film.mp4", cloudfront.Policy{})
	var e *cloudfront.Error
	if errors.As(err, &e) {
		fmt.Println(e)
		fmt.Println(e.Hint())
	}
	// Output:
	// cloudfront: invalid configuration: Signer.Key is nil
	// Set the field that the message names.
}
