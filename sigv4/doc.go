// SPDX-License-Identifier: Apache-2.0

// Package sigv4 signs requests with AWS Signature Version 4, and verifies
// them, with one canonicalizer for both sides (AWS: "Create a signed AWS API
// request").
//
// # Signing
//
// A [Signer] writes the signature into the Authorization header with
// [Signer.Sign], or into a URL with [Signer.Presign]. A [Transport] signs all
// that an http.Client sends. The [Profile] of a service says how its requests
// are canonicalized; [ProfileFor] knows the families. A [Payload] says how the
// body takes part: hashed, stated by its hash, left out, or signed in pieces.
//
//	signer := &sigv4.Signer{Region: "us-east-1", Profile: sigv4.ProfileFor("execute-api")}
//	_, err := signer.Sign(req, credentials, sigv4.Payload{})
//
// # Verifying
//
// A [Verifier] finds the key through a [KeyLookup], which answers with a secret,
// or with a signing key derived for the day so that the server holds no secret
// ([DeriveKey]). [Verifier.Handler] puts an [Identity] into the context of each
// request that it passes on; [FromContext] takes it out again. The default is
// strict: one source of authentication, each part of it once, every x-amz-*
// header signed, nothing unknown skipped.
//
// # Bodies in pieces
//
// A body whose hash is not known beforehand goes in chunks, each signed and
// chained to the one before ([PayloadChunked]), with a checksum in a signed
// trailer ([PayloadChunkedTrailer]), or without signatures and a checksum behind
// ([PayloadUnsignedTrailer]). Sign puts the encoded body in place and sets its
// exact length; [Payload.EncodedLen] tells it beforehand. A Verifier accepts
// those modes that its Modes name, and r.Body then reads as the decoded body:
// memory is that of a small buffer whatever the chunks' size, the decoded length
// holds both ways, the final chunk and the trailers must be there, and nothing
// behind them. The bytes that complete the body, or a chunk, come out only when
// they were verified; Verifier.VerifiedChunks holds back the rest of a chunk too.
//
// An event stream is a sequence of signed frames: [Signer.EventSigner] makes
// them, a Verifier with ModeEvents hands out the messages inside, which
// [ReadEvent] decodes.
//
// # Signature Version 4A
//
// With [AlgorithmV4A] the key is an ECDSA pair derived from the secret, one
// signature is good for a set of regions, and a server verifies with the public
// key alone ([Credentials.V4APublicKey], Key.PublicKey).
//
// # Why does it not match?
//
// [Explain] compares the canonical request of a Signer with Debug with a
// server's SignatureDoesNotMatch body, and names each difference and its usual
// cause; [Compare] does so for two canonical requests.
//
// # The trap
//
// The signature covers the hash of a body that has not arrived yet. Verify
// replaces r.Body by a reader that checks as it is read, and a body that is not
// the signed one ends in an [*Error] in place of io.EOF: commit to nothing
// before io.EOF. And route on [Identity].Path, not on another decoding of the
// URL; http.ServeMux rewrites paths that S3 keys may have.
//
// # What this does not protect against
//
//   - A replay within the accepted time: a signature is good for a quarter of an
//     hour, a presigned URL for as long as it says. A [ReplayGuard] refuses it,
//     for one process or with a store that servers share.
//   - Headers that are not signed, and the body of an unsigned payload: anybody
//     on the way may change them. TLS is still needed. So for the body of
//     PayloadUnsignedTrailer: who can change it can change its checksum.
//   - Acting on the middle of a chunked body: it is verified at the chunk's end.
//   - A KeyLookup that answers slowly or differently for ids it knows; the time
//     of everything else does not tell.
//   - What the key may do: that is a policy's to decide.
//
// # Concurrency
//
// Signer, Verifier and Transport are safe for concurrent use once their fields
// are set, and must not be copied. All else are values, or are immutable.
package sigv4
