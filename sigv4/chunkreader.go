// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"slices"
)

const (
	chunkLine     = 1 << 10 // bytes of a chunk's header line, at most
	chunkSigLabel = ";chunk-signature="
	holdStep      = 8 << 10 // first size of the buffer of verified bytes
	minChunk      = 8192    // S3's least chunk, the last with data excepted
)

// chunkReader removes the aws-chunked framing of a request body and checks all
// that the mode promises: the signature chain, the decoded length, the
// trailers, their checksums, the end of the body.
//
// A piece of data that ends a chunk is handed out only after the chunk's
// signature matched; the piece that completes the decoded length only after
// everything behind it was read and found good. So a caller that stops at the
// announced length without ever seeing io.EOF is as safe as one that goes on.
// What the caller gets before, from the middle of a chunk, is unverified.
type chunkReader struct {
	src    *bufio.Reader
	closer io.Closer
	chain  *chain    // nil where chunks carry no signature
	hash   hash.Hash // SHA-256 of the chunk so far, nil where unsigned
	sum    [sha256.Size]byte

	announced []string // trailers, sorted; nil in the modes without
	digests   []digest // those of them that are checked against the body
	publish   func([]trailer)
	fault     func(error) error // completes an error for the Verifier

	decoded  int64 // the length promised, -1 if unknown
	min      int64 // least size of a chunk that another follows
	hold     int64 // release verified bytes only, chunks up to this size; 0 is off
	buf      []byte
	released []byte // of buf, verified and not yet handed out

	got    int64 // data bytes of all chunks so far, the current one included
	size   int64 // data bytes of the current chunk
	left   int64 // of them, still to come
	chunks int   // non-empty chunks so far
	sig    [ecdsaSigLen]byte
	ended  bool
	err    error
}

// chunkOptions are the settings of a body that its headers and the verifier
// decide.
type chunkOptions struct {
	chain     *chain
	announced []string
	digests   []digest
	publish   func([]trailer)
	fault     func(error) error
	decoded   int64
	min       int64
	hold      int64
}

func newChunkReader(body io.ReadCloser, o chunkOptions) *chunkReader {
	r := &chunkReader{
		src: bufio.NewReaderSize(body, chunkLine), closer: body,
		chain: o.chain, announced: o.announced, digests: o.digests, publish: o.publish, fault: o.fault,
		decoded: o.decoded, min: o.min, hold: o.hold,
	}
	if o.chain != nil {
		r.hash = sha256.New()
	} else {
		r.hold = 0 // nothing verifies a chunk here
	}
	return r
}

// Read returns decoded data, then io.EOF once everything was verified. Any
// other error is final.
func (r *chunkReader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := r.read(p)
	if err != nil {
		if err != io.EOF && r.fault != nil {
			err = r.fault(err)
		}
		r.err, r.released = err, nil
		return 0, err
	}
	return n, nil
}

// Close closes the body underneath; nothing can be read afterwards.
func (r *chunkReader) Close() error {
	if r.err == nil {
		r.err, r.released = errBodyClosed(), nil
	}
	return r.closer.Close()
}

func (r *chunkReader) read(p []byte) (int, error) {
	if len(r.released) == 0 && r.left == 0 {
		if err := r.next(); err != nil {
			return 0, err
		}
		if r.ended {
			return 0, io.EOF
		}
	}
	if r.hold > 0 {
		if len(r.released) == 0 {
			if err := r.fill(); err != nil {
				return 0, err
			}
		}
		n := copy(p, r.released)
		r.released = r.released[n:]
		return n, nil
	}
	return r.data(p)
}

// data reads some of the current chunk, and finishes it when that was all.
func (r *chunkReader) data(p []byte) (int, error) {
	if int64(len(p)) > r.left {
		p = p[:r.left]
	}
	n, err := r.src.Read(p)
	if r.hash != nil {
		r.hash.Write(p[:n])
	}
	for i := range r.digests {
		r.digests[i].hash.Write(p[:n])
	}
	r.left -= int64(n)
	if err != nil && (r.left > 0 || err != io.EOF) {
		return 0, truncated(err)
	}
	if r.left > 0 {
		return n, nil
	}
	return n, r.finish()
}

// fill reads the current chunk whole and releases it. The buffer grows with
// what arrives, never with what a header announces.
func (r *chunkReader) fill() error {
	r.buf = r.buf[:0]
	for r.left > 0 {
		if len(r.buf) == cap(r.buf) {
			r.buf = slices.Grow(r.buf, max(holdStep, len(r.buf)))
		}
		n, err := r.data(r.buf[len(r.buf):cap(r.buf)])
		if err != nil {
			return err
		}
		r.buf = r.buf[:len(r.buf)+n]
	}
	r.released = r.buf
	return nil
}

// finish checks a chunk whose data is complete, and the rest of the body with
// it if no data can follow.
func (r *chunkReader) finish() error {
	if err := r.verifyChunk(); err != nil {
		return err
	}
	if err := r.crlf(); err != nil {
		return err
	}
	if r.got != r.decoded {
		return nil
	}
	return r.next() // to the end: more data would exceed the length
}

func (r *chunkReader) verifyChunk() error {
	if r.chain == nil {
		return nil
	}
	r.hash.Sum(r.sum[:0])
	r.hash.Reset()
	if !r.chain.verify(kindChunk, &r.sum, r.sig[:r.chain.sigLen()]) {
		return errChunkSignature(r.chain)
	}
	return nil
}

// next reads the header of the next chunk. At the 0-chunk it reads the body to
// its end and, if all is well, sets ended.
func (r *chunkReader) next() error {
	if r.ended {
		return nil
	}
	if err := r.header(); err != nil {
		return err
	}
	if r.size > 0 {
		return r.admit()
	}
	if err := r.end(); err != nil {
		return err
	}
	r.ended = true
	return nil
}

// admit applies the rules of size to a chunk that has data.
func (r *chunkReader) admit() error {
	if r.decoded >= 0 && r.size > r.decoded-r.got {
		return errBodyLong()
	}
	if r.hold > 0 && r.size > r.hold {
		return errChunkHeld(r.chunks+1, r.size)
	}
	r.got += r.size
	r.left = r.size
	r.chunks++
	return nil
}

// header parses HEXSIZE[;chunk-signature=SIG]\r\n (SIG-50).
func (r *chunkReader) header() error {
	line, err := r.src.ReadSlice('\n')
	if err != nil {
		if errors.Is(err, bufio.ErrBufferFull) {
			return errFraming("a chunk header is too long")
		}
		return truncated(err)
	}
	size, rest, ok := cutHexSize(line)
	if !ok {
		return errFraming("a chunk header does not begin with the size in hex")
	}
	if r.chain != nil {
		rest, ok = r.cutSignature(rest)
		if !ok {
			return errFraming("a chunk header does not go on with one signature of the right length")
		}
	}
	if string(rest) != "\r\n" {
		return errFraming("a chunk header does not end where it should")
	}
	if size > 0 && r.chunks > 0 && r.size < r.min {
		return errSmallChunk(r.chunks, r.size)
	}
	r.size = size
	return nil
}

func (r *chunkReader) cutSignature(line []byte) ([]byte, bool) {
	end := len(chunkSigLabel) + r.chain.sigLen()
	if len(line) < end || string(line[:len(chunkSigLabel)]) != chunkSigLabel {
		return nil, false
	}
	copy(r.sig[:], line[len(chunkSigLabel):end])
	return line[end:], true
}

// cutHexSize takes 1 to 16 hex digits, capitals allowed, off the front.
func cutHexSize(line []byte) (size int64, rest []byte, ok bool) {
	var n uint64
	i := 0
	for ; i < len(line) && i <= 16; i++ {
		c := line[i]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return int64(n), line[i:], i > 0 && n < 1<<63
		}
		n = n<<4 | uint64(c)
	}
	return 0, nil, false
}

// crlf demands the two bytes that end a chunk's data.
func (r *chunkReader) crlf() error {
	var end [2]byte
	for i := range end {
		b, err := r.src.ReadByte()
		if err != nil {
			return truncated(err)
		}
		end[i] = b
	}
	if end != [2]byte{'\r', '\n'} {
		return errFraming("a chunk's data does not end with CR LF")
	}
	return nil
}

// end checks the 0-chunk and all that follows it.
func (r *chunkReader) end() error {
	if err := r.verifyChunk(); err != nil {
		return err
	}
	if r.decoded >= 0 && r.got != r.decoded {
		return errBodyShort()
	}
	if r.announced == nil {
		if err := r.crlf(); err != nil {
			return err
		}
		return r.nothingMore()
	}
	return r.endTrailers()
}

func (r *chunkReader) endTrailers() error {
	lines := trailerReader{src: r.src}
	got, sig, err := lines.read(r.chain != nil)
	if err != nil {
		return err
	}
	if err := matchTrailers(r.announced, got); err != nil {
		return err
	}
	if r.chain != nil {
		sum := trailerHash(got)
		if !r.chain.verify(kindTrailer, &sum, []byte(sig)) {
			return errChunkSignature(r.chain)
		}
	}
	if err := r.nothingMore(); err != nil {
		return err
	}
	if err := checkDigests(r.digests, got); err != nil {
		return err
	}
	if r.publish != nil {
		r.publish(got)
	}
	return nil
}

// checkDigests compares every digest with the trailer of its name.
func checkDigests(digests []digest, got []trailer) error {
	for i := range digests {
		for _, t := range got {
			if t.name != digests[i].name {
				continue
			}
			if err := digests[i].check(t.value); err != nil {
				return err
			}
		}
	}
	return nil
}

// nothingMore demands the end of the body (SIG-58).
func (r *chunkReader) nothingMore() error {
	_, err := r.src.ReadByte()
	if err == nil {
		return errBodyTrailing()
	}
	if err != io.EOF { // a wrapped EOF is no clean end
		return truncated(err)
	}
	return nil
}

// truncated turns the end of the body in the middle of something into the
// error that says so; other read errors stay what they are.
func truncated(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errBodyTruncated()
	}
	return err
}
