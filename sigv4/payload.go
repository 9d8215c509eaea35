// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
)

const (
	unsignedPayload = "UNSIGNED-PAYLOAD"
	emptyHash       = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// emptySum is the hash of no bytes; emptyHash is its hex.
var emptySum = sha256.Sum256(nil)

// PayloadMode says how a body takes part in the signature. The zero value is
// PayloadBody.
type PayloadMode uint8

const (
	// PayloadBody hashes the body. A Signer reads it through r.GetBody; a
	// Verifier, where no x-amz-content-sha256 arrived, reads it into memory up
	// to its MaxBody.
	PayloadBody PayloadMode = iota
	// PayloadSHA256 states the hash: the Signer does not touch the body, the
	// Verifier checks it while it streams.
	PayloadSHA256
	// PayloadUnsigned leaves the body out of the signature. Nothing tells a
	// changed body then.
	PayloadUnsigned
	// PayloadChunked sends the body in chunks, each with a signature chained to
	// the one before. The body is read once, while it is sent, in the memory of
	// one chunk.
	PayloadChunked
	// PayloadChunkedTrailer is PayloadChunked with signed trailers behind the
	// last chunk, such as a checksum of the body.
	PayloadChunkedTrailer
	// PayloadUnsignedTrailer sends the body in chunks without signatures and a
	// checksum in a trailer. Nothing but TLS protects body and checksum then.
	PayloadUnsignedTrailer
	// PayloadEvents is a stream of event messages, each in a signed frame. The
	// Signer does not touch the body: [Signer.EventSigner] makes its frames. On
	// arrival the body reads as the messages inside, one after the other.
	PayloadEvents
)

// String returns the mode's name: "body", "sha256", "unsigned", "chunked",
// "chunked-trailer", "unsigned-trailer" or "events".
func (m PayloadMode) String() string {
	switch m {
	case PayloadBody:
		return "body"
	case PayloadSHA256:
		return "sha256"
	case PayloadUnsigned:
		return "unsigned"
	case PayloadChunked:
		return "chunked"
	case PayloadChunkedTrailer:
		return "chunked-trailer"
	case PayloadUnsignedTrailer:
		return "unsigned-trailer"
	case PayloadEvents:
		return "events"
	default:
		return fmt.Sprintf("PayloadMode(%d)", uint8(m))
	}
}

// MarshalText returns String's text.
func (m PayloadMode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// Payload says what a Signer puts in the last line of the canonical request.
// The zero value hashes the request's own body, the empty one included; for a
// presigned S3 URL it means UNSIGNED-PAYLOAD. Where the request already carries
// x-amz-content-sha256, the zero value takes that.
type Payload struct {
	// Mode says which of the ways applies.
	Mode PayloadMode
	// SHA256 is the hash of the body, read in PayloadSHA256 only.
	SHA256 [sha256.Size]byte

	// ChunkSize is the data in a chunk of the three chunked modes, in bytes: at
	// least 8192, at most 1 GiB; 0 means 64 KiB.
	ChunkSize int
	// Checksum is the algorithm of a checksum trailer that is computed while
	// the body is sent, in the modes with trailers: "crc32", "crc32c",
	// "crc64nvme", "sha1", "sha256", "sha512" or "md5"; "" for none.
	Checksum string
	// NewChecksum, where set, makes the hash of Checksum, for algorithms that
	// the standard library lacks, such as "xxhash64".
	NewChecksum func() hash.Hash
	// Trailer is further trailers, by name, for the modes with trailers.
	Trailer map[string]string
}

// payloadHeader is x-amz-content-sha256 as it arrived, understood.
type payloadHeader struct {
	mode  PayloadMode
	value string
	sum   [sha256.Size]byte
	// algorithm is what the literal demands of the request's signature, where
	// bound is set.
	algorithm Algorithm
	bound     bool
}

// The literals of bodies in pieces.
const (
	literalChunked         = "STREAMING-" + algorithmHMAC + "-PAYLOAD"
	literalChunkedTrailer  = literalChunked + trailerSuffix
	literalECDSA           = "STREAMING-" + algorithmECDSA + "-PAYLOAD"
	literalECDSATrailer    = literalECDSA + trailerSuffix
	literalUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD" + trailerSuffix
	literalEvents          = "STREAMING-" + algorithmHMAC + "-EVENTS"
	trailerSuffix          = "-TRAILER"
)

// parsePayloadHeader reads a value of x-amz-content-sha256. The switch is the
// one place that knows the values; what it does not know is refused (SIG-46).
func parsePayloadHeader(value string) (payloadHeader, bool) {
	p := payloadHeader{value: value}
	switch {
	case value == unsignedPayload:
		p.mode = PayloadUnsigned
		return p, true
	case value == emptyHash:
		p.mode, p.sum = PayloadSHA256, emptySum
		return p, true
	case len(value) == 2*sha256.Size:
		sig, err := ParseSignature(value)
		p.mode, p.sum = PayloadSHA256, sig.sum
		return p, err == nil
	case value == literalUnsignedTrailer:
		p.mode = PayloadUnsignedTrailer
		return p, true
	}
	p.bound = true
	switch value {
	case literalChunked:
		p.mode, p.algorithm = PayloadChunked, AlgorithmV4
	case literalChunkedTrailer:
		p.mode, p.algorithm = PayloadChunkedTrailer, AlgorithmV4
	case literalECDSA:
		p.mode, p.algorithm = PayloadChunked, AlgorithmV4A
	case literalECDSATrailer:
		p.mode, p.algorithm = PayloadChunkedTrailer, AlgorithmV4A
	case literalEvents:
		p.mode, p.algorithm = PayloadEvents, AlgorithmV4
	default:
		return payloadHeader{}, false
	}
	return p, true
}

// payloadPlan is what a Signer does about the payload: the last line, and
// whether it travels as x-amz-content-sha256.
type payloadPlan struct {
	value string
	send  bool
	frame *framePlan // of a chunked body
}

// plan resolves the payload for a request. presign is true for a presigned
// URL.
func (p *Payload) plan(r *http.Request, profile *Profile, a Algorithm, presign bool) (payloadPlan, error) {
	const name = "X-Amz-Content-Sha256"
	switch p.Mode {
	case PayloadBody:
		if given := r.Header[name]; len(given) > 0 {
			if _, ok := parsePayloadHeader(given[0]); !ok || len(given) > 1 {
				return payloadPlan{}, fmt.Errorf("%w: the request carries an unknown x-amz-content-sha256", ErrPayload)
			}
			return payloadPlan{value: given[0], send: true}, nil
		}
		if presign && profile.ContentSHA256 {
			return payloadPlan{value: unsignedPayload}, nil
		}
		value, err := hashRequestBody(r)
		return payloadPlan{value: value, send: profile.ContentSHA256 && !presign}, err
	case PayloadSHA256:
		send := profile.ContentSHA256 || len(r.Header[name]) > 0
		return payloadPlan{value: string(appendHex(make([]byte, 0, 2*sha256.Size), p.SHA256[:])), send: send}, nil
	case PayloadUnsigned:
		return payloadPlan{value: unsignedPayload, send: !presign || !profile.ContentSHA256}, nil
	case PayloadChunked, PayloadChunkedTrailer, PayloadUnsignedTrailer, PayloadEvents:
		if presign {
			return payloadPlan{}, fmt.Errorf("%w: a presigned URL cannot carry a body in pieces", ErrPayload)
		}
		return p.planPieces(r, a)
	default:
		return payloadPlan{}, fmt.Errorf("%w: %s", ErrPayload, p.Mode)
	}
}

// hashRequestBody hashes an outgoing body without consuming it.
func hashRequestBody(r *http.Request) (string, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return emptyHash, nil
	}
	if r.GetBody == nil {
		return "", fmt.Errorf("%w: the body can be read once only; state its hash or PayloadUnsigned", ErrPayload)
	}
	body, err := r.GetBody()
	if err != nil {
		return "", fmt.Errorf("%w: GetBody: %w", ErrPayload, err)
	}
	h := sha256.New()
	_, err = io.Copy(h, body)
	if err = errors.Join(err, body.Close()); err != nil {
		return "", fmt.Errorf("%w: reading the body: %w", ErrPayload, err)
	}
	return string(appendHex(nil, h.Sum(nil))), nil
}
