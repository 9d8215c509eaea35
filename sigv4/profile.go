// SPDX-License-Identifier: Apache-2.0

package sigv4

// TokenMode says how a session token travels. The zero value is TokenSigned.
type TokenMode uint8

const (
	// TokenSigned sends the token as X-Amz-Security-Token, in the header or
	// the query, and signs it.
	TokenSigned TokenMode = iota
	// TokenOmitted adds the token after signing; neither the canonical query
	// nor the canonical headers hold it. AWS IoT works so.
	TokenOmitted
	// TokenS3Session sends the token as X-Amz-S3session-Token and signs it:
	// S3 Express sessions.
	TokenS3Session
)

// Profile says how a service family canonicalizes requests. The zero value is
// what most services do, lacking only the Service. [ProfileFor] knows the
// families with other rules. A Profile is a value, comparable and safe to
// share.
type Profile struct {
	// Service is the service name in the credential scope, such as "s3" or
	// "execute-api". Required.
	Service string
	// SingleEncode takes the path encoded once (S3). False encodes the
	// escaped path a second time.
	SingleEncode bool
	// RawPath leaves dot segments and repeated slashes in the path (S3).
	// False removes them from the canonical path; the request itself keeps
	// them.
	RawPath bool
	// ContentSHA256 sends x-amz-content-sha256 in every header-signed request
	// and requires it on arrival (S3). A presigned request without it has the
	// payload hash UNSIGNED-PAYLOAD. False sends it only on demand and
	// verifies it when it is there.
	ContentSHA256 bool
	// Token says how a session token travels.
	Token TokenMode
}

// ProfileFor returns the profile of a service: s3, s3-outposts,
// s3-object-lambda and s3express, the AWS IoT device gateway, and for every
// other name the common rules.
func ProfileFor(service string) Profile {
	p := Profile{Service: service}
	switch service {
	case "s3", "s3-outposts", "s3-object-lambda":
		p.SingleEncode, p.RawPath, p.ContentSHA256 = true, true, true
	case "s3express":
		p.SingleEncode, p.RawPath, p.ContentSHA256 = true, true, true
		p.Token = TokenS3Session
	case "iotdevicegateway":
		p.Token = TokenOmitted
	}
	return p
}

// isS3 says whether the service answers with S3's error codes and requires
// X-Amz-Expires in a presigned URL.
func (p *Profile) isS3() bool {
	switch p.Service {
	case "s3", "s3-outposts", "s3-object-lambda", "s3express":
		return true
	default:
		return false
	}
}
