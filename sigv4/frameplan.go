// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"fmt"
	"hash"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The headers of a chunked body.
const (
	nameDecodedLength = "X-Amz-Decoded-Content-Length"
	nameTrailer       = "X-Amz-Trailer"
	nameEncoding      = "Content-Encoding"
	awsChunked        = "aws-chunked"
)

// maxChunk is the largest chunk that a Signer makes: a signed chunk is held in
// memory.
const maxChunk = 1 << 30

// isFraming says whether a chunked body has its own value for a header.
func isFraming(name string) bool {
	switch name {
	case "content-encoding", "content-length", "x-amz-decoded-content-length", "x-amz-trailer":
		return true
	default:
		return false
	}
}

// planPieces resolves the modes whose body goes in pieces.
func (p *Payload) planPieces(r *http.Request, a Algorithm) (payloadPlan, error) {
	literal, err := p.literal(a)
	if err != nil {
		return payloadPlan{}, err
	}
	plan := payloadPlan{value: literal, send: true}
	if p.Mode == PayloadEvents {
		return plan, nil
	}
	frame, err := p.framePlan(a)
	if err != nil {
		return payloadPlan{}, err
	}
	if err := frame.measure(r); err != nil {
		return payloadPlan{}, err
	}
	plan.frame = frame
	return plan, nil
}

// literal is the x-amz-content-sha256 of the mode. The switch is exhaustive.
func (p *Payload) literal(a Algorithm) (string, error) {
	ecdsa := a == AlgorithmV4A
	switch {
	case p.Mode == PayloadChunked && ecdsa:
		return literalECDSA, nil
	case p.Mode == PayloadChunked:
		return literalChunked, nil
	case p.Mode == PayloadChunkedTrailer && ecdsa:
		return literalECDSATrailer, nil
	case p.Mode == PayloadChunkedTrailer:
		return literalChunkedTrailer, nil
	case p.Mode == PayloadUnsignedTrailer:
		return literalUnsignedTrailer, nil
	case p.Mode == PayloadEvents && !ecdsa:
		return literalEvents, nil
	default:
		return "", fmt.Errorf("%w: %s is not possible with %s", ErrPayload, p.Mode, a)
	}
}

// framePlan is how a chunked body will be sent.
type framePlan struct {
	sig       int // characters of a signature, 0 where chunks carry none
	size      int
	trailing  bool
	fixed     []trailer
	checksum  string // the trailer's name, "" without
	newHash   func() (hash.Hash, error)
	hashSize  int
	announced string // x-amz-trailer

	decoded, encoded int64
	encoding         string // content-encoding
}

// framePlan checks the fields of the payload.
func (p *Payload) framePlan(a Algorithm) (*framePlan, error) {
	f := &framePlan{size: p.ChunkSize, trailing: p.Mode != PayloadChunked}
	switch {
	case f.size == 0:
		f.size = defaultChunk
	case f.size < minChunk || f.size > maxChunk:
		return nil, fmt.Errorf("%w: a ChunkSize of %d is not within %d and %d", ErrPayload, f.size, minChunk, maxChunk)
	}
	switch {
	case p.Mode == PayloadUnsignedTrailer:
	case a == AlgorithmV4A:
		f.sig = ecdsaSigLen
	default:
		f.sig = hmacSigLen
	}
	if err := f.setTrailers(p); err != nil {
		return nil, err
	}
	if hasTrailers := f.announced != ""; hasTrailers != f.trailing {
		return nil, fmt.Errorf("%w: %s with a Checksum or Trailer: %t", ErrPayload, p.Mode, hasTrailers)
	}
	return f, nil
}

func (f *framePlan) setTrailers(p *Payload) error {
	var names []string
	if p.Checksum != "" {
		// Copies: a closure over p would put every Payload on the heap.
		name, custom := strings.ToLower(p.Checksum), p.NewChecksum
		f.checksum = checksumPrefix + name
		f.newHash = func() (hash.Hash, error) {
			if custom != nil {
				return custom(), nil
			}
			return newChecksum(name, nil)
		}
		h, err := f.newHash()
		if err != nil {
			return err
		}
		if h == nil || !isToken(f.checksum) {
			return fmt.Errorf("%w: the Checksum %q is not known", ErrPayload, p.Checksum)
		}
		f.hashSize = h.Size()
		names = append(names, f.checksum)
	}
	for name, value := range p.Trailer {
		t := trailer{strings.ToLower(name), strings.Trim(value, " \t")}
		if !isToken(t.name) || !isFieldValue(t.value) || t.name == trailerSignature || slices.Contains(names, t.name) {
			return fmt.Errorf("%w: the trailer %q cannot be sent", ErrPayload, name)
		}
		f.fixed, names = append(f.fixed, t), append(names, t.name)
	}
	sortTrailers(f.fixed)
	slices.Sort(names)
	f.announced = strings.Join(names, ",")
	if len(names) > maxTrailers || f.trailerLen() > maxTrailerBlock-ecdsaSigLen-len(trailerSignature)-4 {
		return fmt.Errorf("%w: too many trailers, or too long ones", ErrPayload)
	}
	return nil
}

// trailerLen is the bytes of the trailer lines, known before any value is.
func (f *framePlan) trailerLen() int {
	n := 0
	if f.checksum != "" {
		n = len(f.checksum) + 1 + (f.hashSize+2)/3*4 + 2
	}
	for _, t := range f.fixed {
		n += len(t.name) + 1 + len(t.value) + 2
	}
	return n
}

// length is the encoded length of a body of n bytes.
func (f *framePlan) length(n int64) (int64, error) {
	trailers := -1
	if f.trailing {
		trailers = f.trailerLen()
	}
	encoded, ok := encodedLen(n, f.size, f.sig, trailers)
	if !ok || n < 0 {
		return 0, fmt.Errorf("%w: a body of %d bytes cannot be framed", ErrPayload, n)
	}
	return encoded, nil
}

// EncodedLen returns the Content-Length of a body of n bytes that is sent in
// this way: the framing, signatures and trailers of the chunked modes counted
// to the byte. In other modes it is n. The errors are ErrPayload and ErrFIPS.
func (p Payload) EncodedLen(a Algorithm, n int64) (int64, error) {
	switch p.Mode {
	case PayloadChunked, PayloadChunkedTrailer, PayloadUnsignedTrailer:
		f, err := p.framePlan(a)
		if err != nil {
			return 0, err
		}
		return f.length(n)
	default:
		return n, nil
	}
}

// measure finds the lengths of a request's body and its content-encoding.
func (f *framePlan) measure(r *http.Request) (err error) {
	if _, framed := r.Body.(*chunkWriter); framed {
		return fmt.Errorf("%w: the body is framed already; set r.Body anew", ErrPayload)
	}
	if r.Body != nil && r.Body != http.NoBody {
		if r.ContentLength <= 0 {
			return fmt.Errorf("%w: a chunked body needs r.ContentLength, the bytes that r.Body holds", ErrPayload)
		}
		f.decoded = r.ContentLength
	}
	f.encoding = awsChunked
	if _, other := cutChunkedEncoding(r.Header[nameEncoding]); len(other) > 0 {
		f.encoding += "," + strings.Join(other, ",")
	}
	f.encoded, err = f.length(f.decoded)
	return err
}

// cutChunkedEncoding removes the token aws-chunked from the lines of
// content-encoding and reports whether it stood there.
func cutChunkedEncoding(lines []string) (found bool, rest []string) {
	for _, line := range lines {
		var kept []string
		for token := range strings.SplitSeq(line, ",") {
			token = strings.Trim(token, " \t")
			if strings.EqualFold(token, awsChunked) {
				found = true
			} else if token != "" {
				kept = append(kept, token)
			}
		}
		if len(kept) > 0 {
			rest = append(rest, strings.Join(kept, ","))
		}
	}
	return found, rest
}

// addHeads adds the headers to sign.
func (f *framePlan) addHeads(sc *scratch, selected func(string) bool) {
	sc.addOwnHead("content-encoding", f.encoding)
	sc.addOwnHead("x-amz-decoded-content-length", strconv.FormatInt(f.decoded, 10))
	if f.announced != "" {
		sc.addOwnHead("x-amz-trailer", f.announced)
	}
	if selected == nil || selected("content-length") {
		sc.addOwnHead("content-length", strconv.FormatInt(f.encoded, 10))
	}
}

// apply writes the headers to the request and puts the encoded body in place.
func (f *framePlan) apply(r *http.Request, out *Signed, deterministic bool) {
	for key := range r.Header {
		if isFraming(strings.ToLower(key)) {
			delete(r.Header, key)
		}
	}
	r.Header[nameEncoding] = []string{f.encoding}
	r.Header[nameDecodedLength] = []string{strconv.FormatInt(f.decoded, 10)}
	if f.announced != "" {
		r.Header[nameTrailer] = []string{f.announced}
	}
	r.ContentLength, r.TransferEncoding = f.encoded, nil
	if r.Body == nil {
		r.Body = http.NoBody
	}
	r.Body = f.encode(r.Body, out, deterministic)
	if again := r.GetBody; again != nil {
		r.GetBody = func() (io.ReadCloser, error) {
			body, err := again()
			if err != nil {
				return nil, err
			}
			return f.encode(body, out, deterministic), nil
		}
	}
}

// encode returns the encoded form of a body.
func (f *framePlan) encode(body io.ReadCloser, out *Signed, deterministic bool) *chunkWriter {
	plan := chunkPlan{size: f.size, decoded: f.decoded, trailers: f.fixed, trailing: f.trailing}
	if f.sig > 0 {
		plan.chain = out.key.chain(out.Date, out.Scope, out.Signature, deterministic)
	}
	if f.checksum != "" {
		h, _ := f.newHash() // it has worked once
		plan.digests = []digest{{name: f.checksum, hash: h}}
	}
	return newChunkWriter(body, plan)
}

// chain continues the seed signature of a request.
func (k *signingKey) chain(amzDate string, scope Scope, seed string, deterministic bool) *chain {
	if k.pub == nil {
		return newHMACChain(k.key[:], amzDate, scope.String(), seed)
	}
	c := newECDSAChain(k.priv, k.pub, amzDate, scope.String(), seed)
	c.deterministic = deterministic
	return c
}
