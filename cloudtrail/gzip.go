// SPDX-License-Identifier: Apache-2.0

package cloudtrail

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
)

// Gunzip inflates gzip members. It is the part of compress/gzip's Reader that a
// Validator needs, so that a faster implementation with the same methods may
// take its place. Reset must read the header of a member, and with Multistream
// off Read must verify CRC and length before it returns io.EOF, and must not
// read behind the member from a source that is an io.ByteReader.
type Gunzip interface {
	io.Reader
	Reset(r io.Reader) error
	Multistream(ok bool)
}

// shape says how a stored object is built. Exactly one gzip member and nothing
// else is well formed: a reader that goes on to a second member, as most do,
// shows what a reader that stops, and the hash, do not.
type shape uint8

const (
	shapeGood     shape = iota
	shapeNotGzip        // two bytes, and not those of gzip
	shapeBroken         // header, deflate data, checksum or length wrong
	shapeCut            // it ends before the member does
	shapeTrailing       // something stands behind the member
)

func (s shape) String() string {
	return [...]string{
		"well formed", "not gzip", "damaged gzip data", "gzip data ends early", "data after the gzip member",
	}[s]
}

// errTransport wraps what broke while an object was read: a fault of the
// network or the disk and not of the object.
type errTransport struct{ err error }

func (e *errTransport) Error() string { return "reading: " + e.err.Error() }
func (e *errTransport) Unwrap() error { return e.err }

var errShort = errors.New("body is shorter than the object")

// inflater reads gzip objects one after the other, reusing its memory. Each
// worker has one.
type inflater struct {
	body body
	in   *bufio.Reader
	gz   Gunzip
	sum  hash.Hash
	out  []byte
}

// The sizes were measured over 128 MB of log files: with 32 KiB of input and
// 64 KiB of output the loop is within 1 % of io.Copy into the hash.
const (
	inflaterIn  = 32 << 10
	inflaterOut = 64 << 10
)

func newInflater(gz Gunzip) *inflater {
	if gz == nil {
		gz = new(gzip.Reader)
	}
	return &inflater{
		in: bufio.NewReaderSize(nil, inflaterIn), gz: gz, sum: sha256.New(), out: make([]byte, inflaterOut),
	}
}

// result is what an object turned out to be.
type result struct {
	shape    shape
	sum      [sha256.Size]byte // of the uncompressed bytes seen
	inflated int64             // uncompressed bytes seen
}

// body counts what it reads and keeps the error that is not the end.
type body struct {
	r    io.Reader
	n    int64
	err  error
	most int64
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.n += int64(n)
	if b.n > b.most {
		err = fmt.Errorf("%w: stored object of more than %d bytes", ErrLimit, b.most)
	}
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// read inflates one object and passes the uncompressed bytes to each, which may
// be nil. size is the length of the stored object, or -1 when it is not known.
// An error is no statement about the object: a transport fault, or ErrLimit.
func (f *inflater) read(r io.Reader, size, mostStored, mostInflated int64, each func([]byte)) (result, error) {
	f.body = body{r: r, most: mostStored}
	f.in.Reset(&f.body)
	res, err := f.member(mostInflated, each)
	switch {
	case errors.Is(f.body.err, ErrLimit):
		return res, f.body.err
	case f.body.err != nil:
		return res, &errTransport{f.body.err}
	case err != nil:
		return res, err
	case res.shape != shapeGood && res.shape != shapeCut || size < 0:
		return res, nil
	case f.body.n < size:
		return res, &errTransport{errShort}
	}
	return res, nil
}

// member reads the one member and what is behind it.
func (f *inflater) member(most int64, each func([]byte)) (res result, err error) {
	head, _ := f.in.Peek(4)
	switch {
	case len(head) >= 2 && (head[0] != 0x1f || head[1] != 0x8b):
		return result{shape: shapeNotGzip}, nil
	case len(head) < 4:
		return result{shape: shapeCut}, nil
	case head[3]&0xe0 != 0: // RFC 1952, 2.3.1.2: reserved flags must be refused; compress/gzip ignores them
		return result{shape: shapeBroken}, nil
	}
	if err := f.gz.Reset(f.in); err != nil {
		return result{shape: shapeOf(err)}, nil
	}
	f.gz.Multistream(false)
	f.sum.Reset()
	for {
		n, err := f.gz.Read(f.out)
		res.inflated += int64(n)
		if res.inflated > most {
			return res, fmt.Errorf("%w: more than %d bytes uncompressed", ErrLimit, most)
		}
		f.sum.Write(f.out[:n])
		if each != nil && n > 0 {
			each(f.out[:n])
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			res.shape = shapeOf(err)
			f.sum.Sum(res.sum[:0])
			return res, nil
		}
	}
	f.sum.Sum(res.sum[:0])
	if _, err := f.in.ReadByte(); err == nil {
		res.shape = shapeTrailing
	}
	return res, nil
}

// shapeOf tells data that ends early from data that is wrong.
func shapeOf(err error) shape {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return shapeCut
	}
	return shapeBroken
}
