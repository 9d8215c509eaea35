// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// hashBody is step 9: where nothing states the hash of the body, it is read
// into memory, up to the limit, and hashed; unless read is set it is taken for
// empty.
func (v *Verifier) hashBody(r *http.Request, c *claim, read bool) ([]byte, *Error) {
	if c.hasPayload {
		return nil, nil
	}
	c.payload = payloadHeader{mode: PayloadBody, value: emptyHash}
	if !read || r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	limit := v.MaxBody
	if limit == 0 {
		limit = defaultMaxBody
	}
	tooLarge := func() *Error {
		return newError(faultBodyTooLarge, "a body without x-amz-content-sha256 may have %d bytes", limit)
	}
	if r.ContentLength > limit {
		return nil, tooLarge()
	}
	// One byte more, to see whether there is one; no limit may be the largest
	// number.
	body, err := io.ReadAll(io.LimitReader(r.Body, max(limit, limit+1)))
	switch {
	case err != nil:
		return nil, newError(faultBodyLength, "reading the body").because(err)
	case int64(len(body)) > limit:
		return nil, tooLarge()
	case r.ContentLength >= 0 && int64(len(body)) != r.ContentLength:
		return nil, newError(faultBodyLength, "the body has %d bytes, Content-Length says %d", len(body), r.ContentLength)
	}
	c.payload.sum = sha256.Sum256(body)
	c.payload.value = string(appendHex(nil, c.payload.sum[:]))
	return body, nil
}

// wrapBody is step 10: it replaces r.Body by the reader of the payload's mode.
// The switch is exhaustive: a mode without a case is refused.
func (v *Verifier) wrapBody(r *http.Request, a *arrival, c *claim, key *signingKey, body []byte) *Error {
	if err := v.checkFramingHeaders(a, c); err != nil {
		return err
	}
	switch c.payload.mode {
	case PayloadBody:
		if body != nil {
			r.Body = memoryBody{bytes.NewReader(body), r.Body}
		}
	case PayloadUnsigned:
	case PayloadSHA256:
		if r.Body == nil || r.Body == http.NoBody {
			return v.emptyBody(c)
		}
		r.Body = &bodyReader{v: v, body: r.Body, hash: sha256.New(), want: Signature{c.payload.sum}, length: r.ContentLength}
	case PayloadChunked, PayloadChunkedTrailer, PayloadUnsignedTrailer:
		return v.chunkedBody(r, c, key)
	case PayloadEvents:
		v.eventBody(r, c, key)
	default:
		return newError(faultPayload, "this payload mode is not known")
	}
	return nil
}

// emptyBody checks the hash of a request that has no body: there is nothing to
// read, so nothing would find it out later.
func (v *Verifier) emptyBody(c *claim) *Error {
	if !(Signature{emptySum}).Equal(Signature{c.payload.sum}) {
		return newError(faultBodyHash, "The provided 'x-amz-content-sha256' header does not match what was computed.").
			with("ClientComputedContentSHA256", c.payload.value).with("S3ComputedContentSHA256", emptyHash)
	}
	return nil
}

// memoryBody hands on a body that was read to be hashed.
type memoryBody struct {
	*bytes.Reader
	io.Closer
}

// bodyReader checks the hash of a body while it streams. Its fault takes the
// place of io.EOF and stays.
type bodyReader struct {
	v      *Verifier
	body   io.ReadCloser
	hash   hash.Hash
	want   Signature
	length int64 // -1 where the length is not known
	n      int64
	sum    [sha256.Size]byte
	err    error
}

// Read reads the body. A caller may ask for just as many bytes as
// Content-Length says and never see the end of the body, so the hash is checked
// with the last of them, which are withheld when it is wrong.
func (b *bodyReader) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.body.Read(p)
	b.n += int64(n)
	b.hash.Write(p[:n])
	switch {
	case b.length >= 0 && b.n > b.length:
		b.fail(newError(faultBodyLength, "the body is longer than its Content-Length"))
	case errors.Is(err, io.ErrUnexpectedEOF), err == io.EOF && b.n < b.length:
		b.fail(newError(faultBodyLength, "the body is shorter than its Content-Length").because(io.ErrUnexpectedEOF))
	case err != nil && err != io.EOF:
		b.err = err
		return n, err
	case err == io.EOF, b.n == b.length:
		b.check()
	}
	if b.err != nil {
		clear(p[:n])
		return 0, b.err
	}
	if err == io.EOF {
		b.err = io.EOF
	}
	return n, err
}

// check compares the hash of all that was read.
func (b *bodyReader) check() {
	b.hash.Sum(b.sum[:0])
	if b.want.Equal(Signature{b.sum}) {
		return
	}
	b.fail(newError(faultBodyHash, "The provided 'x-amz-content-sha256' header does not match what was computed.").
		with("ClientComputedContentSHA256", string(appendHex(nil, b.want.sum[:]))).
		with("S3ComputedContentSHA256", string(appendHex(nil, b.sum[:]))))
}

func (b *bodyReader) fail(e *Error) { b.err = b.v.finishError(e) }

// Close closes the body below.
func (b *bodyReader) Close() error { return b.body.Close() }
