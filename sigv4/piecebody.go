// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// checkMode demands that algorithm and payload are accepted here, and that they
// go together (SIG-46, SIG-67, PRE-26). Payloads without a case are refused.
func (v *Verifier) checkMode(c *claim) *Error {
	if c.algorithm == AlgorithmV4A && v.modes()&ModeV4A == 0 {
		return newError(faultMode, "%s is not accepted here", c.algorithm)
	}
	need := Mode(0)
	switch c.payload.mode {
	case PayloadBody, PayloadSHA256, PayloadUnsigned:
		return nil
	case PayloadChunked, PayloadChunkedTrailer:
		need = ModeChunked
	case PayloadUnsignedTrailer:
		need = ModeUnsignedTrailer
	case PayloadEvents:
		need = ModeEvents
	default:
		return newError(faultPayload, "this payload mode is not known")
	}
	switch {
	case v.modes()&need == 0:
		return newError(faultMode, "a body of the kind %s is not accepted here", c.payload.value)
	case c.mode != ModeHeader:
		return newError(faultPayload, "a body of the kind %s needs an Authorization header", c.payload.value)
	case c.payload.bound && c.payload.algorithm != c.algorithm:
		return newError(faultPayload, "%s cannot go with %s", c.payload.value, c.algorithm)
	default:
		return nil
	}
}

// checkFramingHeaders refuses the headers of one way of framing beside another
// (SIG-48).
func (v *Verifier) checkFramingHeaders(a *arrival, c *claim) *Error {
	switch c.payload.mode {
	case PayloadChunkedTrailer, PayloadUnsignedTrailer:
		return nil
	case PayloadChunked:
		if len(a.trailer) > 0 {
			return newError(faultPayload, "x-amz-trailer came with a body that has no trailers")
		}
		return nil
	}
	if !v.Profile.isS3() {
		return nil
	}
	if found, _ := cutChunkedEncoding(a.encoding); found {
		return newError(faultPayload, "content-encoding says aws-chunked, x-amz-content-sha256 does not")
	}
	if len(a.trailer) > 0 {
		return newError(faultPayload, "x-amz-trailer came with a body that has no trailers")
	}
	return nil
}

// chunkedBody puts the reader of a chunked body in place, and takes out of the
// request what was said of its encoding.
func (v *Verifier) chunkedBody(r *http.Request, c *claim, key *signingKey) *Error {
	decoded, err := v.decodedLength(r, c)
	if err != nil {
		return err
	}
	if r.Body == nil || r.Body == http.NoBody {
		return newError(faultBodyLength, "the body has no final chunk")
	}
	o := chunkOptions{decoded: decoded, min: v.MinChunk, hold: v.VerifiedChunks, fault: v.bodyFault}
	switch {
	case o.min == 0:
		o.min = minChunk
	case o.min < 0:
		o.min = 0
	}
	if c.payload.mode != PayloadUnsignedTrailer {
		o.chain = key.chain(c.date, c.scope, c.seed(), false)
	}
	if c.payload.mode != PayloadChunked {
		if err := v.announce(r, &o); err != nil {
			return err
		}
	}
	r.Body = newChunkReader(r.Body, o)
	r.ContentLength = decoded
	if _, ok := r.Header["Content-Length"]; ok && decoded >= 0 {
		r.Header["Content-Length"] = []string{strconv.FormatInt(decoded, 10)}
	}
	if _, rest := cutChunkedEncoding(r.Header[nameEncoding]); len(rest) > 0 {
		r.Header[nameEncoding] = rest
	} else {
		delete(r.Header, nameEncoding)
	}
	return nil
}

// seed is the signature of the request in hex, to which its pieces are chained.
func (c *claim) seed() string {
	if c.algorithm == AlgorithmV4A {
		return c.der
	}
	return string(appendHex(nil, c.signature.sum[:]))
}

// decodedLength reads x-amz-decoded-content-length; -1 where a body may come
// without.
func (v *Verifier) decodedLength(r *http.Request, c *claim) (int64, *Error) {
	values := r.Header[nameDecodedLength]
	if len(values) == 0 {
		if v.AllowUnknownLength && c.payload.mode == PayloadUnsignedTrailer {
			return -1, nil
		}
		return 0, newError(faultNoLength, "x-amz-decoded-content-length is missing")
	}
	text := values[0]
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || !allDigits(text) || len(values) > 1 {
		return 0, newError(faultPayload, "x-amz-decoded-content-length is not a number of bytes")
	}
	return n, nil
}

// announce reads x-amz-trailer and prepares the digests and r.Trailer.
func (v *Verifier) announce(r *http.Request, o *chunkOptions) *Error {
	names, err := parseAnnounced(strings.Join(r.Header[nameTrailer], ","))
	if err != nil {
		return asError(err)
	}
	for _, name := range names {
		algorithm, ok := strings.CutPrefix(name, checksumPrefix)
		if !ok {
			continue
		}
		h, err := newChecksum(algorithm, v.Checksums)
		if err != nil {
			return newError(faultPayload, "the checksum %s cannot be computed here", algorithm).because(err)
		}
		if h == nil {
			return newError(faultPayload, "the checksum %s is not known here", algorithm)
		}
		o.digests = append(o.digests, digest{name: name, hash: h})
	}
	o.announced = names
	// As in net/http: the names now, the values once the body was read. What
	// net/http itself found behind the body is not signed and goes.
	trailers := make(http.Header, len(names))
	for _, name := range names {
		trailers[http.CanonicalHeaderKey(name)] = nil
	}
	o.publish = func(got []trailer) {
		clear(trailers)
		for _, t := range got {
			trailers[http.CanonicalHeaderKey(t.name)] = []string{t.value}
		}
	}
	r.Trailer = trailers
	return nil
}

func asError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return newError(faultInternal, "").because(err)
}

// bodyFault completes an error that a body's reader found.
func (v *Verifier) bodyFault(err error) error {
	if e, ok := err.(*Error); ok {
		return v.finishError(e)
	}
	return err
}

// eventBody puts the reader of an event stream in place.
func (v *Verifier) eventBody(r *http.Request, c *claim, key *signingKey) {
	skew := v.Skew
	if skew == 0 {
		skew = defaultSkew
	}
	body := r.Body
	if body == nil {
		body = http.NoBody
	}
	chain := newEventChain(c.signature.sum, v.dailyKey(r.Context(), *c, key))
	r.Body = &eventReader{body: body, chain: chain, now: v.Now, skew: skew, fault: v.bodyFault}
	r.ContentLength = -1
}

// dailyKey returns the keys of a stream that may run over midnight: that of the
// request for its own day, and for another the lookup's answer anew.
func (v *Verifier) dailyKey(ctx context.Context, c claim, key *signingKey) func(string) (*signingKey, Scope, error) {
	c.signedHeaders = ""
	return func(day string) (*signingKey, Scope, error) {
		if day == c.scope.Date {
			return key, c.scope, nil
		}
		other := c
		other.scope.Date = day
		k, refusal := v.lookup(ctx, &other, clock(v.Now))
		if refusal != nil {
			return nil, Scope{}, refusal
		}
		return k, other.scope, nil
	}
}

// admit asks the replay guard, if there is one (SIG-77).
func (v *Verifier) admit(ctx context.Context, c *claim) *Error {
	if v.Replay == nil {
		return nil
	}
	skew := v.Skew
	if skew == 0 {
		skew = defaultSkew
	}
	until := c.at.Add(skew)
	if c.mode == ModeQuery {
		until = c.at.Add(c.expires)
	}
	sig := c.signature.sum[:]
	if c.algorithm == AlgorithmV4A {
		sig, _ = decodeLowerHex(make([]byte, maxDER), []byte(c.der))
	}
	err := v.Replay.Admit(ctx, replayID(c.algorithm, c.accessKeyID, slices.Clone(sig)), until)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrReplayed):
		return newError(faultReplay, "the request was accepted before").because(err)
	default:
		return newError(faultInternal, "asking the replay guard").because(err)
	}
}
