// SPDX-License-Identifier: Apache-2.0

// Package cloudfront makes and verifies CloudFront signed URLs and signed
// cookies: the signing half that the SDKs have, and the verifying half that
// only CloudFront itself had, so that a server can stand in for the
// distribution, in front of an origin, or in a test.
//
// # Signing
//
// A [Signer] holds a key pair id and a private key, RSA of 2,048 bits or ECDSA
// on P-256, as a [crypto.Signer], so it may live in an HSM or KMS. SignURL
// returns a URL, SignCookies the cookies for a resource. What is granted is a
// [Policy]: until when, from when, to which addresses, for which resource.
// Without conditions beyond the expiry the short canned form is sent, else the
// policy itself.
//
//	s := &cloudfront.Signer{KeyPairID: "K2JCJMDEHXQW5F", Key: key}
//	signed, err := s.SignURL("https://media.example.com/film.mp4",
//		cloudfront.Policy{Expires: time.Now().Add(time.Hour)})
//
// # Verifying
//
// A [Verifier] is net/http middleware: its Handler answers 403 to everything
// that carries no valid URL or cookie, with one text whatever the cause, and
// calls the next handler without the parameters that CloudFront consumes. Set
// BaseURL: a signature covers scheme and host, and behind a proxy a request
// does not know them.
//
// # The trap
//
// A wildcard in a resource matches text, not folders: https://h/pub/* covers
// https://h/pub/../secret. A file server that cleans paths would then serve
// what was never granted, so the Verifier refuses dot segments, escaped ones
// included, wherever a wildcard made the match.
//
// A URL that carries any of Expires, Policy, Signature and Key-Pair-Id is a
// signed URL, and cookies are then ignored entirely, valid or not.
//
// # What this does not protect against
//
// A signed URL works for whoever holds it until it expires; it can be passed
// on, and it stands in histories and logs. An address condition binds it to a
// network, not to a person. Expiry is judged when a request begins: a running
// download goes on. SHA-1 is offered because CloudFront's default is SHA-1;
// use it only for clients that cannot do better, and set SHA256Only on the
// verifying side when there are none. Revoking a URL means removing its key.
//
// # Concurrency
//
// Signer and Verifier are safe for concurrent use as long as their fields do
// not change.
//
// The forms are those of the CloudFront Developer Guide, "Creating a signed
// URL using a canned policy", "… using a custom policy" and "Setting signed
// cookies".
package cloudfront
