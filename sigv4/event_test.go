// SPDX-License-Identifier: Apache-2.0

package sigv4_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/sigv4"
)

func everyHeader() []sigv4.EventHeader {
	return []sigv4.EventHeader{
		{Name: "true", Value: true},
		{Name: "false", Value: false},
		{Name: "byte", Value: int8(-7)},
		{Name: "short", Value: int16(-700)},
		{Name: "int", Value: int32(math.MinInt32)},
		{Name: "long", Value: int64(math.MaxInt64)},
		{Name: "bytes", Value: []byte{0, 1, 255}},
		{Name: "no bytes", Value: []byte{}},
		{Name: "string", Value: "héllo"},
		{Name: "time", Value: time.UnixMilli(1369353600123).UTC()},
		{Name: "uuid", Value: [16]byte{1, 2, 3}},
	}
}

func TestEventRoundTrip(t *testing.T) {
	for _, e := range []sigv4.Event{
		{},
		{Payload: []byte("x")},
		{Headers: everyHeader()},
		{Headers: everyHeader(), Payload: bytes.Repeat([]byte("p"), 100_000)},
		{Headers: []sigv4.EventHeader{{Name: strings.Repeat("n", 255), Value: strings.Repeat("v", 65535)}}},
	} {
		b, err := e.AppendTo([]byte("before"))
		require.NoError(t, err)
		require.Equal(t, "before", string(b[:6]))
		r := iotest.HalfReader(bytes.NewReader(append(b[6:], "after"...)))
		got, err := sigv4.ReadEvent(r)
		require.NoError(t, err)
		if len(e.Payload) == 0 {
			e.Payload = []byte{}
		}
		require.Empty(t, cmp.Diff(&e, got))
		rest, _ := io.ReadAll(r)
		require.Equal(t, "after", string(rest), "not a byte more than the message")
	}
	_, err := sigv4.ReadEvent(strings.NewReader(""))
	require.Equal(t, io.EOF, err)
}

// SIG-64: every byte of a message is covered by one of its checksums.
func TestEventEveryByte(t *testing.T) {
	e := sigv4.Event{Headers: everyHeader(), Payload: []byte("payload")}
	b, err := e.AppendTo(nil)
	require.NoError(t, err)
	for i := range b {
		for bit := range 8 {
			mutant := bytes.Clone(b)
			mutant[i] ^= 1 << bit
			_, err := sigv4.ReadEvent(bytes.NewReader(mutant))
			require.ErrorIs(t, err, sigv4.ErrEvent, "byte %d", i)
		}
		_, err := sigv4.ReadEvent(bytes.NewReader(b[:i]))
		if i > 0 {
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		}
	}
}

// forge makes a message with right checksums and any lengths.
func forgeEvent(total, headers uint32, rest []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, total)
	b = binary.BigEndian.AppendUint32(b, headers)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	b = append(b, rest...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

func TestEventLimits(t *testing.T) {
	long := func(n int) sigv4.Event { return sigv4.Event{Payload: make([]byte, n)} }
	e := long(16 << 20)
	b, err := e.AppendTo(nil)
	require.NoError(t, err)
	_, err = sigv4.ReadEvent(bytes.NewReader(b))
	require.NoError(t, err)
	e = long(16<<20 + 1)
	_, err = e.AppendTo(nil)
	require.ErrorIs(t, err, sigv4.ErrEvent)
	// 128 KiB of headers: two of the longest strings and what is left.
	headers := func(last int) sigv4.Event {
		return sigv4.Event{Headers: []sigv4.EventHeader{
			{Name: "a", Value: strings.Repeat("x", 65535)}, {Name: "b", Value: strings.Repeat("x", last)},
		}}
	}
	e = headers(128<<10 - 65535 - 10)
	b, err = e.AppendTo(nil)
	require.NoError(t, err)
	_, err = sigv4.ReadEvent(bytes.NewReader(b))
	require.NoError(t, err)
	e = headers(128<<10 - 65535 - 9)
	_, err = e.AppendTo(nil)
	require.ErrorIs(t, err, sigv4.ErrEvent)
	for name, h := range map[string]sigv4.EventHeader{
		"no name": {Value: true}, "long name": {Name: strings.Repeat("n", 256), Value: true}, "no UTF-8": {Name: "\xff", Value: true},
		"no value": {Name: "a"}, "other type": {Name: "a", Value: 1}, "long string": {Name: "a", Value: strings.Repeat("x", 65536)},
		"long bytes": {Name: "a", Value: make([]byte, 65536)},
	} {
		e := sigv4.Event{Headers: []sigv4.EventHeader{h}}
		out, err := e.AppendTo([]byte("kept"))
		require.ErrorIs(t, err, sigv4.ErrEvent, name)
		require.Equal(t, "kept", string(out))
	}
	for name, b := range map[string][]byte{
		"total too small":       forgeEvent(15, 0, nil),
		"total under headers":   forgeEvent(16, 1, nil),
		"headers too long":      forgeEvent(16+128<<10+1, 128<<10+1, nil),
		"payload too long":      forgeEvent(16+16<<20+1, 0, nil),
		"everything":            forgeEvent(math.MaxUint32, 0, nil),
		"header runs out":       forgeEvent(17, 1, []byte{5}),
		"header without type":   forgeEvent(18, 2, []byte{1, 'a'}),
		"empty name":            forgeEvent(18, 2, []byte{0, 0}),
		"unknown type":          forgeEvent(19, 3, []byte{1, 'a', 10}),
		"value runs out":        forgeEvent(20, 4, []byte{1, 'a', 3, 0}),
		"string without end":    forgeEvent(22, 6, []byte{1, 'a', 7, 0, 9, 'x'}),
		"string without length": forgeEvent(20, 4, []byte{1, 'a', 7, 0}),
		"name is no UTF-8":      forgeEvent(19, 3, []byte{1, 0xff, 0}),
	} {
		_, err := sigv4.ReadEvent(bytes.NewReader(b))
		require.ErrorIs(t, err, sigv4.ErrEvent, name)
	}
}

// A message costs what arrived of it, whatever its lengths say.
func TestEventCostsWhatArrived(t *testing.T) {
	b := forgeEvent(16<<20, 0, nil)[:12]
	n := testing.AllocsPerRun(10, func() {
		_, err := sigv4.ReadEvent(io.MultiReader(bytes.NewReader(b), strings.NewReader("few")))
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
	})
	require.Less(t, n, 20.0)
	res := testing.Benchmark(func(b2 *testing.B) {
		b2.ReportAllocs()
		for range b2.N {
			_, _ = sigv4.ReadEvent(io.MultiReader(bytes.NewReader(b), strings.NewReader("few")))
		}
	})
	require.Less(t, res.AllocedBytesPerOp(), int64(32<<10))
}

// eventStream signs a request and the frames after it.
type eventStream struct {
	header http.Header
	frames [][]byte
	now    time.Time
}

func newEventStream(t testing.TB, start time.Time, step time.Duration, messages ...string) *eventStream {
	t.Helper()
	s := &eventStream{now: start}
	signer := streamSigner(sigv4.AlgorithmV4)
	signer.Now = func() time.Time { return s.now }
	r, err := http.NewRequest("POST", "https://transcribestreaming.us-east-1.amazonaws.com/stream", nil)
	require.NoError(t, err)
	seed, err := signer.Sign(r, streamCredentials, sigv4.Payload{Mode: sigv4.PayloadEvents})
	require.NoError(t, err)
	require.Equal(t, "STREAMING-AWS4-HMAC-SHA256-EVENTS", r.Header.Get("X-Amz-Content-Sha256"))
	s.header = r.Header
	frames, err := signer.EventSigner(seed, streamCredentials)
	require.NoError(t, err)
	for _, m := range append(messages, "") {
		s.now = s.now.Add(step)
		frame, err := frames.AppendFrame(nil, []byte(m))
		require.NoError(t, err)
		s.frames = append(s.frames, frame)
	}
	_, err = frames.AppendFrame(nil, []byte("more"))
	require.ErrorIs(t, err, sigv4.ErrEvent, "after the end")
	return s
}

func (s *eventStream) request(body []byte) *http.Request {
	r := httptest.NewRequest("POST", "https://transcribestreaming.us-east-1.amazonaws.com/stream", bytes.NewReader(body))
	r.Header = s.header.Clone()
	return r
}

func (s *eventStream) verify(body []byte, now time.Time) (string, error) {
	v := streamVerifier()
	v.Now = func() time.Time { return now }
	return drain(v, s.request(body))
}

// SIG-62, SIG-63, SIG-64 and SIG-65.
func TestEventStream(t *testing.T) {
	messages := []string{"first", "second", strings.Repeat("long", 10_000)}
	s := newEventStream(t, streamNow, time.Second, messages...)
	got, err := s.verify(bytes.Join(s.frames, nil), streamNow)
	require.NoError(t, err)
	require.Equal(t, strings.Join(messages, ""), got)
	outer, err := sigv4.ReadEvent(bytes.NewReader(s.frames[0]))
	require.NoError(t, err)
	require.Len(t, outer.Headers, 2)
	require.Equal(t, sigv4.EventHeader{Name: ":date", Value: streamNow.Add(time.Second)}, outer.Headers[0])
	require.Equal(t, ":chunk-signature", outer.Headers[1].Name)
	require.Len(t, outer.Headers[1].Value, 32)
	require.Equal(t, "first", string(outer.Payload))

	for name, frames := range map[string][][]byte{
		"nothing":         {},
		"no end":          s.frames[:3],
		"only the end":    s.frames[3:],
		"first dropped":   s.frames[1:],
		"middle dropped":  {s.frames[0], s.frames[2], s.frames[3]},
		"swapped":         {s.frames[1], s.frames[0], s.frames[2], s.frames[3]},
		"replayed":        {s.frames[0], s.frames[0], s.frames[1], s.frames[2], s.frames[3]},
		"bytes after end": {s.frames[0], s.frames[1], s.frames[2], s.frames[3], {0}},
		"frame after end": {s.frames[0], s.frames[1], s.frames[2], s.frames[3], s.frames[3]},
		"unsigned frame":  {plainEvent(t, "first")},
	} {
		_, err := s.verify(bytes.Join(frames, nil), streamNow)
		var e *sigv4.Error
		require.ErrorAs(t, err, &e, name)
		require.NotErrorIs(t, err, io.EOF)
	}
	for _, n := range []int{1, 5, 11, 12, 40, len(s.frames[0]) - 1, len(s.frames[0]) + 1} {
		_, err := s.verify(bytes.Join(s.frames, nil)[:n], streamNow)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	}
}

func plainEvent(t *testing.T, payload string) []byte {
	e := sigv4.Event{Payload: []byte(payload)}
	b, err := e.AppendTo(nil)
	require.NoError(t, err)
	return b
}

// Every byte of a frame flipped, with its checksums made right again: what the
// signature alone must find.
func TestEventEverySignedByte(t *testing.T) {
	s := newEventStream(t, streamNow, 0, "message")
	frame := s.frames[0]
	for i := 12; i < len(frame)-4; i++ {
		mutant := bytes.Clone(frame)
		mutant[i] ^= 1
		binary.BigEndian.PutUint32(mutant[len(mutant)-4:], crc32.ChecksumIEEE(mutant[:len(mutant)-4]))
		got, err := s.verify(append(mutant, s.frames[1]...), streamNow)
		require.Error(t, err, "byte %d", i)
		require.Empty(t, got)
	}
}

// SIG-65: the scope and the key follow the date of the frame over midnight.
func TestEventsOverMidnight(t *testing.T) {
	start := time.Date(2013, 5, 24, 23, 59, 58, 0, time.UTC)
	s := newEventStream(t, start, 900*time.Millisecond, "a", "b", "c", "d")
	body := bytes.Join(s.frames, nil)
	got, err := s.verify(body, start)
	require.NoError(t, err)
	require.Equal(t, "abcd", got)
	// A lookup that answers with derived keys is asked for the next day's.
	var days []string
	v := streamVerifier()
	v.Now = func() time.Time { return start }
	v.Keys = eventKeys(func(q sigv4.KeyQuery) (sigv4.Key, error) {
		days = append(days, q.Scope.Date)
		key, err := sigv4.DeriveKey(streamSecret, q.Scope)
		return sigv4.Key{Derived: key}, err
	})
	got, err = drain(v, s.request(body))
	require.NoError(t, err)
	require.Equal(t, "abcd", got)
	require.Equal(t, []string{"20130524", "20130525"}, days)
	// A key that has gone by then ends the stream.
	v.Keys = eventKeys(func(q sigv4.KeyQuery) (sigv4.Key, error) {
		if q.Scope.Date == "20130525" {
			return sigv4.Key{}, sigv4.ErrUnknownKey
		}
		return sigv4.Key{Secret: streamSecret}, nil
	})
	got, err = drain(v, s.request(body))
	require.ErrorIs(t, err, sigv4.ErrUnknownKey)
	require.Equal(t, "ab", got)
}

type eventKeys func(q sigv4.KeyQuery) (sigv4.Key, error)

func (l eventKeys) LookupKey(_ context.Context, q sigv4.KeyQuery) (sigv4.Key, error) { return l(q) }

// SIG-65: dates outside the window are refused, though signed; going back
// within it is not.
func TestEventDates(t *testing.T) {
	for step, ok := range map[time.Duration]bool{
		0: true, -time.Minute: true, 15 * time.Minute: true, -15 * time.Minute: true,
		15*time.Minute + time.Millisecond: false, -15*time.Minute - time.Millisecond: false,
	} {
		s := newEventStream(t, streamNow, step) // the end frame alone
		_, err := s.verify(bytes.Join(s.frames, nil), streamNow)
		if ok {
			require.NoError(t, err, step)
		} else {
			requireRefusal(t, err, "RequestTimeTooSkewed", 403)
		}
	}
}

// A stream hands out each message as soon as its frame arrived.
func TestEventsAreNotHeldBack(t *testing.T) {
	s := newEventStream(t, streamNow, 0, "first", "second")
	in, out := io.Pipe()
	r := s.request(nil)
	r.Body = in
	v := streamVerifier()
	_, err := v.Verify(r)
	require.NoError(t, err)
	for i, want := range []string{"first", "second"} {
		go func() { _, _ = out.Write(s.frames[i]) }()
		p := make([]byte, 100)
		n, err := r.Body.Read(p)
		require.NoError(t, err)
		require.Equal(t, want, string(p[:n]))
	}
	go func() {
		_, _ = out.Write(s.frames[2])
		_ = out.Close()
	}()
	_, err = r.Body.Read(make([]byte, 1))
	require.Equal(t, io.EOF, err)
	require.NoError(t, r.Body.Close())
}

func TestEventSignerRefuses(t *testing.T) {
	s := streamSigner(sigv4.AlgorithmV4)
	_, err := s.EventSigner(nil, streamCredentials)
	require.ErrorIs(t, err, sigv4.ErrConfig)
	_, err = s.EventSigner(&sigv4.Signed{}, streamCredentials)
	require.ErrorIs(t, err, sigv4.ErrConfig)
	seed := &sigv4.Signed{Signature: strings.Repeat("0", 64), Scope: sigv4.Scope{Date: "20130524", Region: "us-east-1", Service: "s3"}}
	_, err = s.EventSigner(seed, sigv4.Credentials{})
	require.ErrorIs(t, err, sigv4.ErrCredentials)
	_, err = streamSigner(sigv4.AlgorithmV4A).EventSigner(seed, streamCredentials)
	require.ErrorIs(t, err, sigv4.ErrConfig)
	frames, err := s.EventSigner(seed, streamCredentials)
	require.NoError(t, err)
	_, err = frames.AppendFrame(nil, make([]byte, 16<<20+1))
	require.ErrorIs(t, err, sigv4.ErrEvent)
	s.Now = func() time.Time { return time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }
	frames, err = s.EventSigner(seed, streamCredentials)
	require.NoError(t, err)
	_, err = frames.AppendFrame(nil, nil)
	require.ErrorIs(t, err, sigv4.ErrConfig)
	r, _ := http.NewRequest("POST", "https://example.com/", nil)
	_, err = streamSigner(sigv4.AlgorithmV4A).Sign(r, streamCredentials, sigv4.Payload{Mode: sigv4.PayloadEvents})
	require.ErrorIs(t, err, sigv4.ErrPayload)
}
