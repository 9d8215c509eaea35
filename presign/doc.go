// SPDX-License-Identifier: Apache-2.0

// Package presign makes, inspects and verifies what S3 lets somebody do who
// holds no key: presigned URLs and browser form uploads.
//
// # URLs
//
// An [S3] makes the URL of an operation. The result says more than the URL: the
// method it is good for, the headers that its holder must send, and when it
// really stops working, which with temporary credentials is often earlier than
// its own expiry.
//
//	s := &presign.S3{Region: "us-west-2"}
//	u, err := s.Put(credentials, "amzn-s3-demo-bucket", "report.pdf",
//		&presign.Options{Expires: time.Hour, ContentType: "application/pdf"})
//	// give u.URL, u.Method and u.Header away
//
// Where requests go is a value, [Endpoint]: virtual-hosted or path style, dual
// stack, FIPS, accelerate, access points, or another server's URL. What S3 does
// not offer is refused before anything is signed.
//
// A server verifies presigned URLs with sigv4.Verifier, as any other request.
// [Parse] reads one without a key, to see what it says and what is weak about
// it.
//
// # Forms
//
// A [PostPolicy] says what a browser may upload; S3.Post signs it and returns
// the fields of an HTML form. A [PostVerifier] is the server's side: it reads
// the form as it streams, checks who signed the policy and every condition of
// it, refuses fields that no condition covers, and holds the file to the range
// of sizes while it is read.
//
// # The trap
//
// A URL for an upload that pins nothing takes any body of any size and type,
// and a header that is not signed binds nobody: give Options a ContentType, a
// ContentLength, a Checksum or a SHA256, and tell the holder of the URL to send
// URL.Header. Of an upload by form, store nothing before File has returned
// io.EOF, and use the fields, not the headers of the request.
//
// # What this does not protect against
//
// URLs and forms are bearer secrets: whoever has one can use it, as often as
// they like, until it expires, and only the end or the removal of the
// credentials stops it earlier. What is uploaded is not looked at: a policy can
// bind the declared type, not the content. A bound on size is not a bound on the
// number of uploads.
//
// # Concurrency
//
// An S3 and a PostVerifier are safe for concurrent use once their fields are
// set, and an S3 must not be copied. All else are values.
//
// The forms are those of the Amazon S3 API Reference: "Authenticating Requests:
// Using Query Parameters", "POST Policy" and "POST Object".
package presign
