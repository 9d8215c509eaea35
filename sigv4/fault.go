// SPDX-License-Identifier: Apache-2.0

package sigv4

// fault numbers the rows of the error tables (SIG-79, SIG-80).
type fault uint8

const (
	faultOther fault = iota // an Error that somebody else made: its fields say all
	faultInternal
	faultConfig
	faultMissingAuth
	faultTwoSources
	faultScheme
	faultLegacy
	faultHeader
	faultQuery
	faultURI
	faultMode
	faultHeaderScope
	faultQueryScope
	faultDate
	faultSkew
	faultExpired
	faultUnsigned
	faultPayload
	faultUnknownKey
	faultToken
	faultTokenExpired
	faultMismatch
	faultBodyHash
	faultBodyLength
	faultBodyTooLarge
	faultChunkSignature
	faultChunkSize
	faultTrailer
	faultChecksum
	faultNoLength
	faultFrame
	faultReplay
)

// faultRow is what one fault answers in each protocol.
type faultRow struct {
	kind  error
	s3    ErrorCode
	query ErrorCode
	json  string // the JSON protocol's code, where it has another
	hint  string
}

// faults is the table. It never changes; a Verifier's Codes replaces rows of
// its own answers.
var faults = [...]faultRow{
	faultOther: {},
	faultInternal: {
		ErrKeyLookup,
		ErrorCode{"InternalError", 500},
		ErrorCode{"InternalFailure", 500},
		"InternalFailure",
		"Look at the key lookup: it failed or returned no usable key.",
	},
	faultConfig: {
		ErrConfig,
		ErrorCode{"InternalError", 500},
		ErrorCode{"InternalFailure", 500},
		"InternalFailure",
		"Set the named field of the Verifier.",
	},
	faultMissingAuth: {
		ErrMissingAuth,
		ErrorCode{"AccessDenied", 403},
		ErrorCode{"MissingAuthenticationToken", 403},
		"MissingAuthenticationTokenException",
		"Sign the request.",
	},
	faultTwoSources: {
		ErrMalformed,
		ErrorCode{"InvalidArgument", 400},
		ErrorCode{"IncompleteSignature", 400},
		"IncompleteSignatureException",
		"Sign in the Authorization header or in the query, not in both.",
	},
	faultScheme: {
		ErrMalformed,
		ErrorCode{"InvalidArgument", 400},
		ErrorCode{"IncompleteSignature", 400},
		"IncompleteSignatureException",
		"Use AWS4-HMAC-SHA256 in the Authorization header.",
	},
	faultLegacy: {
		ErrMalformed,
		ErrorCode{"InvalidRequest", 400},
		ErrorCode{"IncompleteSignature", 400},
		"IncompleteSignatureException",
		"Sign with Signature Version 4; in the AWS CLI and boto3 set signature_version to s3v4.",
	},
	faultHeader: {
		ErrMalformed,
		ErrorCode{"AuthorizationHeaderMalformed", 400},
		ErrorCode{"IncompleteSignature", 400},
		"IncompleteSignatureException",
		"Write the Authorization header as: AWS4-HMAC-SHA256 Credential=, SignedHeaders=, Signature=.",
	},
	faultQuery: {
		ErrMalformed,
		ErrorCode{"AuthorizationQueryParametersError", 400},
		ErrorCode{"IncompleteSignature", 400},
		"IncompleteSignatureException",
		"Send each of the X-Amz- query parameters exactly once, as it was signed.",
	},
	faultURI: {
		ErrInvalidURL,
		ErrorCode{"InvalidURI", 400},
		ErrorCode{"InvalidURI", 400},
		"InvalidURI",
		"Percent-encode the path and the query.",
	},
	faultMode: {
		ErrModeNotAllowed,
		ErrorCode{"AccessDenied", 403},
		ErrorCode{"AccessDenied", 403},
		"AccessDeniedException",
		"Sign in a way that this endpoint accepts.",
	},
	faultHeaderScope: {
		ErrScope,
		ErrorCode{"AuthorizationHeaderMalformed", 400},
		ErrorCode{"SignatureDoesNotMatch", 403},
		"InvalidSignatureException",
		"Sign for the region and service of this endpoint, with the scope's date that of the request.",
	},
	faultQueryScope: {
		ErrScope,
		ErrorCode{"AuthorizationQueryParametersError", 400},
		ErrorCode{"SignatureDoesNotMatch", 403},
		"InvalidSignatureException",
		"Sign for the region and service of this endpoint, with the scope's date that of the request.",
	},
	faultDate: {
		ErrDate,
		ErrorCode{"AccessDenied", 403},
		ErrorCode{"IncompleteSignature", 400},
		"IncompleteSignatureException",
		"Send one X-Amz-Date as YYYYMMDDTHHMMSSZ.",
	},
	faultSkew: {
		ErrSkew,
		ErrorCode{"RequestTimeTooSkewed", 403},
		ErrorCode{"SignatureDoesNotMatch", 403},
		"InvalidSignatureException",
		"Set the client's clock.",
	},
	faultExpired: {
		ErrExpired,
		ErrorCode{"AccessDenied", 403},
		ErrorCode{"SignatureDoesNotMatch", 403},
		"InvalidSignatureException",
		"Presign a new URL.",
	},
	faultUnsigned: {
		ErrUnsignedHeader,
		ErrorCode{"AccessDenied", 403},
		ErrorCode{"AccessDenied", 403},
		"AccessDeniedException",
		"Sign every x-amz-* header that is sent.",
	},
	faultPayload: {
		ErrPayload,
		ErrorCode{"InvalidRequest", 400},
		ErrorCode{"InvalidRequest", 400},
		"InvalidRequestException",
		"Send x-amz-content-sha256 as 64 lowercase hex digits or UNSIGNED-PAYLOAD.",
	},
	faultUnknownKey: {
		ErrUnknownKey,
		ErrorCode{"InvalidAccessKeyId", 403},
		ErrorCode{"InvalidClientTokenId", 403},
		"UnrecognizedClientException",
		"Use an access key id that this service knows.",
	},
	faultToken: {
		ErrToken,
		ErrorCode{"InvalidToken", 400},
		ErrorCode{"InvalidToken", 400},
		"UnrecognizedClientException",
		"Send the session token that belongs to the access key id, and none with permanent credentials.",
	},
	faultTokenExpired: {
		ErrTokenExpired,
		ErrorCode{"ExpiredToken", 400},
		ErrorCode{"ExpiredToken", 403},
		"ExpiredTokenException",
		"Get new temporary credentials.",
	},
	faultMismatch: {
		ErrSignatureMismatch,
		ErrorCode{"SignatureDoesNotMatch", 403},
		ErrorCode{"SignatureDoesNotMatch", 403},
		"InvalidSignatureException",
		"Compare the canonical requests of client and server, then the secrets.",
	},
	faultBodyHash: {
		ErrBody,
		ErrorCode{"XAmzContentSHA256Mismatch", 400},
		ErrorCode{"SignatureDoesNotMatch", 403},
		"InvalidSignatureException",
		"Send the body that was hashed.",
	},
	faultBodyLength: {
		ErrBody,
		ErrorCode{"IncompleteBody", 400},
		ErrorCode{"IncompleteBody", 400},
		"IncompleteBody",
		"Send as many bytes as Content-Length says.",
	},
	faultBodyTooLarge: {
		ErrBody,
		ErrorCode{"RequestEntityTooLarge", 413},
		ErrorCode{"RequestEntityTooLarge", 413},
		"RequestEntityTooLarge",
		"Send a smaller body, or state its hash in x-amz-content-sha256.",
	},
	faultChunkSignature: {
		ErrSignatureMismatch,
		ErrorCode{"SignatureDoesNotMatch", 403},
		ErrorCode{"SignatureDoesNotMatch", 403},
		"InvalidSignatureException",
		"Chain each chunk's signature to the one before it, the first to that of the request.",
	},
	faultChunkSize: {
		ErrBody,
		ErrorCode{"InvalidChunkSizeError", 400},
		ErrorCode{"InvalidChunkSizeError", 400},
		"InvalidChunkSizeException",
		"Send chunks of 8192 bytes or more, the last excepted; 64 KiB is usual.",
	},
	faultTrailer: {
		ErrBody,
		ErrorCode{"MalformedTrailerError", 400},
		ErrorCode{"MalformedTrailerError", 400},
		"MalformedTrailerException",
		"Send exactly the trailers that x-amz-trailer announces, each as name:value and CR LF.",
	},
	faultChecksum: {
		ErrBody,
		ErrorCode{"BadDigest", 400},
		ErrorCode{"BadDigest", 400},
		"BadDigestException",
		"Compute the checksum over the body that is sent.",
	},
	faultNoLength: {
		ErrPayload,
		ErrorCode{"MissingContentLength", 411},
		ErrorCode{"MissingContentLength", 411},
		"MissingContentLengthException",
		"Send x-amz-decoded-content-length with a chunked body.",
	},
	faultFrame: {
		ErrBody,
		ErrorCode{"InvalidRequest", 400},
		ErrorCode{"InvalidRequest", 400},
		"InvalidRequestException",
		"Frame events as application/vnd.amazon.eventstream, each in a frame of :date and :chunk-signature.",
	},
	faultReplay: {
		ErrReplayed,
		ErrorCode{"AccessDenied", 403},
		ErrorCode{"AccessDenied", 403},
		"AccessDeniedException",
		"Sign each request anew; this one was accepted before.",
	},
}

// codeFor returns the answer in a protocol: Code and HTTPStatus as they are
// where the Verifier's Codes or another package put them, else the protocol's
// row.
func (e *Error) codeFor(of func(*faultRow) ErrorCode) ErrorCode {
	if e.replaced || e.fault == faultOther {
		return ErrorCode{e.Code, e.HTTPStatus}
	}
	return of(&faults[e.fault])
}

func s3Code(row *faultRow) ErrorCode { return row.s3 }

func queryCode(row *faultRow) ErrorCode { return row.query }

// jsonCode is the JSON protocol's: 400 for every refusal, 413 and 500 kept.
func jsonCode(row *faultRow) ErrorCode {
	status := row.query.HTTPStatus
	if status == 403 {
		status = 400
	}
	return ErrorCode{row.json, status}
}
