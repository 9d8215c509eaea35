// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"context"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/envelope"
)

// framed is a cipher of Encryption SDK messages that counts what is read of
// them.
type framed struct {
	plainCipher // infos
	client      *envelope.Client
	read        atomic.Int64 // bytes of messages
	opened      atomic.Int64 // messages
}

type framedWriter struct{ *envelope.Writer }

func (w framedWriter) ID() string { return hex.EncodeToString(w.Header().MessageID) }
func (framedWriter) Release()     {}

func (c *framed) NewWriter(ctx context.Context, w io.Writer, name Name) (BodyWriter, error) {
	body, err := c.client.NewWriter(ctx, w, envelope.EncryptionContext{"key": name.Key})
	return framedWriter{body}, err
}

func (c *framed) NewReader(ctx context.Context, ra io.ReaderAt, length int64, name Name, _ string) (io.ReaderAt, error) {
	c.opened.Add(1)
	return c.client.NewReaderAt(ctx, &countingReaderAt{ra, &c.read}, length, envelope.EncryptionContext{"key": name.Key})
}

type countingReaderAt struct {
	io.ReaderAt
	n *atomic.Int64
}

func (r *countingReaderAt) ReadAt(p []byte, off int64) (int, error) {
	n, err := r.ReaderAt.ReadAt(p, off)
	r.n.Add(int64(n))
	return n, err
}

func openFramed(t *testing.T) (*Store, *framed) {
	t.Helper()
	ring, err := envelope.NewRawAES("n", "k", make([]byte, 32))
	require.NoError(t, err)
	client, err := envelope.New(envelope.Unsigned(ring))
	require.NoError(t, err)
	c := &framed{client: client}
	s, err := Open(t.TempDir(), c, Written)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.CreateBucket("bucket", "owner"))
	return s, c
}

const (
	frame    = 64 << 10
	overhead = 64 // of a frame at most: number, IV, length, tag
	header   = 4 << 10
)

// TestARangeAcrossPartsReadsOnlyItsFrames reads 200,000 bytes across the border
// of two parts of an object of 5 GiB in 320 parts. Only those two parts are
// there: the others are holes, which would not open.
func TestARangeAcrossPartsReadsOnlyItsFrames(t *testing.T) {
	const size, parts, first = 16 << 20, 320, 200
	s, c := openFramed(t)
	name := Name{"bucket", "large"}
	info := &Info{Size: size * parts, ETag: "e-320"}
	f, err := os.Create(s.objectPath(name))
	require.NoError(t, err)
	part := Part{Size: size}
	for n := range 2 {
		var message bytes.Buffer
		w, err := c.NewWriter(t.Context(), &message, name)
		require.NoError(t, err)
		_, err = w.Write(bytes.Repeat([]byte{byte(n + 1)}, size))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		part.Length = int64(message.Len())
		_, err = f.WriteAt(message.Bytes(), (first+int64(n))*part.Length)
		require.NoError(t, err)
	}
	for range parts {
		info.Parts = append(info.Parts, part)
	}
	require.NoError(t, f.Truncate(parts*part.Length))
	_, err = f.Seek(0, io.SeekEnd)
	require.NoError(t, err)
	require.NoError(t, appendInfo(t.Context(), s.cipher, f, name, info))
	require.NoError(t, f.Close())

	o, err := s.Open(t.Context(), name)
	require.NoError(t, err)
	defer func() { _ = o.Close() }()
	require.Equal(t, int64(5<<30), o.Size)
	body, err := o.Reader(t.Context(), (first+1)*size-100_000, 200_000)
	require.NoError(t, err)
	got, err := io.ReadAll(body)
	require.NoError(t, err)
	require.Equal(t, append(bytes.Repeat([]byte{1}, 100_000), bytes.Repeat([]byte{2}, 100_000)...), got)
	require.EqualValues(t, 2, c.opened.Load(), "parts")
	// Of each part its header, its final frame, which proves the length, and
	// the two frames that the range touches.
	require.LessOrEqual(t, c.read.Load(), int64(2*(header+3*(frame+overhead))))
	require.GreaterOrEqual(t, c.read.Load(), int64(2*2*frame))
}

// TestPartsAreOpenedOneAfterTheOther: an object may have ten thousand, and a
// buffer for each would be 2.5 GiB. What is damaged is found where it is reached.
func TestPartsAreOpenedOneAfterTheOther(t *testing.T) {
	s, c := openFramed(t)
	name := Name{"bucket", "parts"}
	info, body := &Info{ETag: "e-3"}, []byte(nil)
	f, err := os.Create(s.objectPath(name))
	require.NoError(t, err)
	for i, size := range []int{300_000, 0, 700_000} {
		var message bytes.Buffer
		w, err := c.NewWriter(t.Context(), &message, name)
		require.NoError(t, err)
		text := bytes.Repeat([]byte{byte(i + 1)}, size)
		_, err = w.Write(text)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		_, err = f.Write(message.Bytes())
		require.NoError(t, err)
		body = append(body, text...)
		info.Parts = append(info.Parts, Part{Size: int64(size), Length: int64(message.Len())})
	}
	info.Size = int64(len(body))
	require.NoError(t, appendInfo(t.Context(), s.cipher, f, name, info))

	read := func(offset, length int64, how func(io.Reader) ([]byte, error)) ([]byte, error) {
		o, err := s.Open(t.Context(), name)
		require.NoError(t, err)
		defer func() { require.NoError(t, o.Close()) }()
		c.opened.Store(0)
		r, err := o.Reader(t.Context(), offset, length)
		require.NoError(t, err)
		require.EqualValues(t, 1, c.opened.Load(), "the first part of the range, before anything is read")
		return how(r)
	}
	copied := func(r io.Reader) ([]byte, error) {
		var b bytes.Buffer
		_, err := io.Copy(&b, r)
		return b.Bytes(), err
	}
	for _, span := range [][2]int64{{0, info.Size}, {0, 300_000}, {300_000, 700_000}, {299_999, 2}, {5, info.Size - 10}, {info.Size - 1, 1}, {300_000, 0}, {info.Size, 0}} {
		want := body[span[0] : span[0]+span[1]]
		for _, how := range []func(io.Reader) ([]byte, error){io.ReadAll, copied} {
			got, err := read(span[0], span[1], how)
			require.NoError(t, err)
			require.True(t, bytes.Equal(want, got), "%v", span)
		}
	}
	_, err = f.WriteAt(make([]byte, 100), info.Parts[0].Length+info.Parts[1].Length)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	for _, how := range []func(io.Reader) ([]byte, error){io.ReadAll, copied} {
		got, err := read(0, info.Size, how)
		require.ErrorIs(t, err, ErrDamaged)
		require.Len(t, got, 300_000)
	}
}

// TestARangeOfOneMessageReadsOnlyItsFrames is the same for an object that was
// put in one piece: SALLYPORT_FULL makes it one of 5 GiB, otherwise it has 256
// MiB. What the range does not touch is not even stored.
func TestARangeOfOneMessageReadsOnlyItsFrames(t *testing.T) {
	size := int64(256 << 20)
	if os.Getenv("SALLYPORT_FULL") == "1" {
		size = 5 << 30
	}
	s, c := openFramed(t)
	name := Name{"bucket", "large"}
	f, err := os.Create(filepath.Join(s.path("tmp"), "sparse"))
	require.NoError(t, err)
	sink := &sparse{f: f, from: size / 2, to: size/2 + 1<<20}
	w, err := c.client.NewWriter(t.Context(), sink, envelope.EncryptionContext{"key": name.Key})
	require.NoError(t, err)
	sink.size, err = w.Header().EncryptedSize(size)
	require.NoError(t, err)
	_, err = io.Copy(w, io.LimitReader(zeros{}, size))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	info := &Info{Size: size, Parts: []Part{{Size: size, Length: sink.size}}}
	require.Equal(t, sink.size, sink.at)
	_, err = f.Seek(0, io.SeekEnd)
	require.NoError(t, err)
	require.NoError(t, appendInfo(t.Context(), s.cipher, f, name, info))
	require.NoError(t, os.Rename(f.Name(), s.objectPath(name)))
	require.NoError(t, f.Close())

	o, err := s.Open(t.Context(), name)
	require.NoError(t, err)
	defer func() { _ = o.Close() }()
	offset := size/2 + frame/2
	body, err := o.Reader(t.Context(), offset, 100_000)
	require.NoError(t, err)
	got, err := io.ReadAll(body)
	require.NoError(t, err)
	require.Equal(t, make([]byte, 100_000), got)
	require.LessOrEqual(t, c.read.Load(), int64(header+4*(frame+overhead)), "the final frame and the three that the range touches")
	body, err = o.Reader(t.Context(), 10*frame, 10)
	require.NoError(t, err)
	_, err = io.ReadAll(body)
	require.Error(t, err, "a hole is no frame")
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// sparse writes the beginning, the middle and the end of what it gets, each at
// its place, and leaves holes between them.
type sparse struct {
	f                  *os.File
	at, from, to, size int64
}

func (s *sparse) Write(p []byte) (int, error) {
	defer func() { s.at += int64(len(p)) }()
	end := s.at + int64(len(p))
	if s.at < header || end > s.size-1<<20 && s.size > 0 || s.at < s.to+s.to/100 && end > s.from {
		return s.f.WriteAt(p, s.at)
	}
	return len(p), nil
}
