// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"crypto/sha256"
	"hash"
	"io"
	"strconv"
)

// defaultChunk is the data of one chunk where the caller names no size: what
// most clients send, and the size at which the signatures cost under one
// percent of hashing.
const defaultChunk = 64 << 10

// hashStep is how much of a chunk is read before it is hashed: what fits the
// first cache still lies there then, which gains a percent on 64 KiB chunks.
const hashStep = 16 << 10

// maxHeader is the longest chunk header written: 16 digits, a label, a
// signature, CR LF.
const maxHeader = 16 + len(chunkSigLabel) + ecdsaSigLen + 2

// chunkWriter is the sending half of chunkReader: a reader of the encoded body,
// made from the plain one. Signed chunks pass through one buffer of the size of
// a chunk, since the signature of a chunk goes before its data; unsigned ones
// pass straight from the source to the caller.
type chunkWriter struct {
	src    io.Reader
	closer io.Closer
	chain  *chain    // nil: chunks without signatures
	hash   hash.Hash // of the chunk, nil: unsigned
	sum    [sha256.Size]byte

	size     int   // data of a full chunk
	left     int64 // data not yet taken from the source
	digests  []digest
	trailers []trailer // those whose value was known beforehand
	trailing bool      // the mode has trailers

	buf  []byte // one frame
	out  []byte // of buf, not yet handed out
	raw  int64  // unsigned: data of the current chunk, not yet taken
	done bool
	err  error
}

// chunkPlan is what the sender of a body decides.
type chunkPlan struct {
	chain    *chain
	size     int
	decoded  int64
	digests  []digest
	trailers []trailer
	trailing bool
}

func newChunkWriter(body io.ReadCloser, p chunkPlan) *chunkWriter {
	w := &chunkWriter{
		src: body, closer: body, chain: p.chain, size: p.size, left: p.decoded,
		digests: p.digests, trailers: p.trailers, trailing: p.trailing,
	}
	room := maxHeader + 2
	if w.chain != nil {
		w.hash = sha256.New()
		room += int(min(int64(p.size), p.decoded))
	}
	w.buf = make([]byte, room)
	return w
}

// Read hands out the encoded body. A source shorter or longer than announced is
// an error in place of the final chunk, so that no server can take the body
// for complete.
func (w *chunkWriter) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	total := 0
	for total < len(p) && w.err == nil {
		if len(w.out) > 0 {
			n := copy(p[total:], w.out)
			w.out = w.out[n:]
			total += n
			continue
		}
		if w.raw > 0 {
			n, err := w.pass(p[total:])
			total += n
			w.err = err
			continue
		}
		if w.done {
			w.err = io.EOF
		} else {
			w.err = w.next()
		}
	}
	if total > 0 {
		return total, nil
	}
	return 0, w.err
}

// WriteTo hands out the encoded body; a signed one a frame at a time, which
// saves a copy.
func (w *chunkWriter) WriteTo(dst io.Writer) (int64, error) {
	if w.chain == nil {
		return io.Copy(dst, struct{ io.Reader }{w})
	}
	var total int64
	for w.err == nil {
		switch {
		case len(w.out) > 0:
			n, err := dst.Write(w.out)
			w.out = w.out[n:]
			total += int64(n)
			w.err = err
		case w.done:
			w.err = io.EOF
		default:
			w.err = w.next()
		}
	}
	if w.err == io.EOF {
		return total, nil
	}
	return total, w.err
}

// Close closes the source and forgets what was buffered.
func (w *chunkWriter) Close() error {
	if w.err == nil {
		w.err, w.out = errBodyClosed(), nil
	}
	return w.closer.Close()
}

// next makes the next frame; at the end of the data the final one.
func (w *chunkWriter) next() error {
	if w.left == 0 {
		w.done = true
		return w.finish()
	}
	n := min(int64(w.size), w.left)
	if w.chain == nil {
		w.out = append(strconv.AppendUint(w.buf[:0], uint64(n), 16), "\r\n"...)
		w.raw = n
		return nil
	}
	return w.signed(int(n))
}

// pass moves data of an unsigned chunk to the caller.
func (w *chunkWriter) pass(p []byte) (int, error) {
	if int64(len(p)) > w.raw {
		p = p[:w.raw]
	}
	n, err := w.src.Read(p)
	w.note(p[:n])
	w.raw -= int64(n)
	if w.raw == 0 {
		w.out = append(w.buf[:0], "\r\n"...)
		return n, nil
	}
	if err != nil {
		return n, sourceShort(err)
	}
	return n, nil
}

// note runs data through every hash that wants it.
func (w *chunkWriter) note(p []byte) {
	w.left -= int64(len(p))
	if w.hash != nil {
		w.hash.Write(p)
	}
	for i := range w.digests {
		w.digests[i].hash.Write(p)
	}
}

// signed reads a chunk of n bytes into its place in the frame, then puts the
// header in front of it.
func (w *chunkWriter) signed(n int) error {
	data := w.buf[maxHeader : maxHeader+n]
	for have := 0; have < n; {
		m, err := w.src.Read(data[have:min(have+hashStep, n)])
		w.note(data[have : have+m])
		have += m
		if err != nil && have < n {
			return sourceShort(err)
		}
	}
	var line [maxHeader]byte
	header, err := w.header(line[:0], uint64(n))
	if err != nil {
		return err
	}
	start := maxHeader - len(header)
	copy(w.buf[start:], header)
	w.out = append(w.buf[start:maxHeader+n], "\r\n"...)
	return nil
}

// header appends the line in front of a chunk of n bytes.
func (w *chunkWriter) header(dst []byte, n uint64) ([]byte, error) {
	dst = strconv.AppendUint(dst, n, 16)
	if w.chain != nil {
		w.hash.Sum(w.sum[:0])
		w.hash.Reset()
		dst = append(dst, chunkSigLabel...)
		var err error
		if dst, err = w.chain.sign(dst, kindChunk, &w.sum); err != nil {
			return nil, err
		}
	}
	return append(dst, "\r\n"...), nil
}

// finish makes the last frame, once the source is known to hold no more.
func (w *chunkWriter) finish() error {
	if err := w.sourceEnds(); err != nil {
		return err
	}
	frame, err := w.header(w.buf[:0], 0)
	if err != nil {
		return err
	}
	if w.trailing {
		if frame, err = w.finishTrailers(frame); err != nil {
			return err
		}
	}
	w.out = append(frame, "\r\n"...)
	return nil
}

func (w *chunkWriter) finishTrailers(frame []byte) ([]byte, error) {
	all := append([]trailer(nil), w.trailers...)
	for i := range w.digests {
		all = append(all, trailer{w.digests[i].name, string(w.digests[i].encode(nil))})
	}
	sortTrailers(all)
	frame = appendTrailers(frame, all, "\r\n")
	if w.chain == nil {
		return frame, nil
	}
	sum := trailerHash(all)
	frame = append(frame, trailerSignature+":"...)
	frame, err := w.chain.sign(frame, kindTrailer, &sum)
	return append(frame, "\r\n"...), err
}

// sourceEnds demands io.EOF of the source.
func (w *chunkWriter) sourceEnds() error {
	var one [1]byte
	for range 100 {
		n, err := w.src.Read(one[:])
		if n > 0 {
			return errSourceLong()
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// sourceShort names the end of the source before the announced length.
func sourceShort(err error) error {
	if err == io.EOF {
		return errSourceShort()
	}
	return err
}

// encodedLen is the length of the framed body (SIG-56): sig characters of
// signature a chunk (0: unsigned), trailers the bytes of the lines name:value
// with their ends, -1 in a mode without trailers. False where it does not fit.
func encodedLen(n int64, size int, sig, trailers int) (int64, bool) {
	overhead := 0
	if sig > 0 {
		overhead = len(chunkSigLabel) + sig
	}
	frame := func(data int64) int64 {
		digits := len(strconv.AppendUint(nil, uint64(data), 16))
		return int64(digits+overhead+2+2) + data
	}
	total := int64(1 + overhead + 2 + 2) // the final chunk and the empty line
	if trailers >= 0 {
		total += int64(trailers)
		if sig > 0 {
			total += int64(len(trailerSignature) + 1 + sig + 2)
		}
	}
	full, rest := n/int64(size), n%int64(size)
	if full > 0 && full > (1<<63-1-total-frame(rest))/frame(int64(size)) {
		return 0, false
	}
	total += full * frame(int64(size))
	if rest > 0 {
		total += frame(rest)
	}
	return total, true
}
