// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"
	"time"
	"unicode/utf8"
)

const (
	eventPrelude    = 12 // total length, headers length, CRC of both
	eventOverhead   = eventPrelude + 4
	maxEventHeaders = 128 << 10
	maxEventPayload = 16 << 20
	maxEventMessage = eventOverhead + maxEventHeaders + maxEventPayload
)

// EventHeader is one header of an event message. Value is a bool, int8, int16,
// int32, int64, []byte (up to 65,535 bytes), string (the same), time.Time (to
// the millisecond) or [16]byte (a UUID); a nil or other value cannot be
// encoded.
type EventHeader struct {
	// Name is 1 to 255 bytes of UTF-8.
	Name string
	// Value has one of the types above.
	Value any
}

// Event is one message of an AWS event stream (application/vnd.amazon.eventstream):
// headers of at most 128 KiB encoded, and a payload of at most 16 MiB. The zero
// value is an empty message.
type Event struct {
	// Headers is the headers in order, such as ":event-type".
	Headers []EventHeader
	// Payload is the message's content; ":content-type" says what it is.
	Payload []byte
}

// AppendTo appends the encoded message to dst. A header or payload over the
// limits, or a value of another type, is ErrEvent; dst is returned unchanged
// then.
func (e *Event) AppendTo(dst []byte) ([]byte, error) {
	start := len(dst)
	out := append(dst, make([]byte, eventPrelude)...)
	for i := range e.Headers {
		var err error
		if out, err = appendEventHeader(out, &e.Headers[i]); err != nil {
			return dst, err
		}
	}
	headers := len(out) - start - eventPrelude
	if headers > maxEventHeaders || len(e.Payload) > maxEventPayload {
		return dst, fmt.Errorf("%w: headers of %d bytes and a payload of %d are over the limits", ErrEvent, headers, len(e.Payload))
	}
	out = append(out, e.Payload...)
	return sealEvent(out, start, headers), nil
}

// sealEvent fills in lengths and checksums of the message that begins at start.
func sealEvent(b []byte, start, headers int) []byte {
	m := b[start:]
	binary.BigEndian.PutUint32(m, uint32(len(m)+4))
	binary.BigEndian.PutUint32(m[4:], uint32(headers))
	binary.BigEndian.PutUint32(m[8:], crc32.ChecksumIEEE(m[:8]))
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(m))
}

// The types of header values, as they travel.
const (
	eventTrue = iota
	eventFalse
	eventByte
	eventShort
	eventInteger
	eventLong
	eventBytes
	eventString
	eventTimestamp
	eventUUID
)

func appendEventHeader(dst []byte, h *EventHeader) ([]byte, error) {
	if h.Name == "" || len(h.Name) > 255 || !utf8.ValidString(h.Name) {
		return nil, fmt.Errorf("%w: a header name is 1 to 255 bytes of UTF-8", ErrEvent)
	}
	dst = append(dst, byte(len(h.Name)))
	dst = append(dst, h.Name...)
	switch v := h.Value.(type) {
	case bool:
		if v {
			return append(dst, eventTrue), nil
		}
		return append(dst, eventFalse), nil
	case int8:
		return append(dst, eventByte, byte(v)), nil
	case int16:
		return binary.BigEndian.AppendUint16(append(dst, eventShort), uint16(v)), nil
	case int32:
		return binary.BigEndian.AppendUint32(append(dst, eventInteger), uint32(v)), nil
	case int64:
		return binary.BigEndian.AppendUint64(append(dst, eventLong), uint64(v)), nil
	case []byte:
		return appendEventText(dst, eventBytes, string(v))
	case string:
		return appendEventText(dst, eventString, v)
	case time.Time:
		return binary.BigEndian.AppendUint64(append(dst, eventTimestamp), uint64(v.UnixMilli())), nil
	case [16]byte:
		return append(append(dst, eventUUID), v[:]...), nil
	default:
		return nil, fmt.Errorf("%w: a header value of type %T", ErrEvent, h.Value)
	}
}

func appendEventText(dst []byte, kind byte, v string) ([]byte, error) {
	if len(v) > math.MaxUint16 {
		return nil, fmt.Errorf("%w: a header value of %d bytes", ErrEvent, len(v))
	}
	dst = binary.BigEndian.AppendUint16(append(dst, kind), uint16(len(v)))
	return append(dst, v...), nil
}

// ReadEvent reads one message from r and checks its lengths and both
// checksums. It returns io.EOF where r ends before the first byte,
// io.ErrUnexpectedEOF where r ends within the message, and ErrEvent for what is
// no message. A message takes no more memory than arrived of it, twice at most.
func ReadEvent(r io.Reader) (*Event, error) {
	frame, err := readEventFrame(r, nil)
	if err != nil {
		return nil, err
	}
	headers, err := parseEventHeaders(eventFrame(frame).headers())
	if err != nil {
		return nil, err
	}
	return &Event{Headers: headers, Payload: eventFrame(frame).payload()}, nil
}

// eventFrame is an encoded message whose lengths and checksums are right.
type eventFrame []byte

func (f eventFrame) headers() []byte {
	return f[eventPrelude : eventPrelude+binary.BigEndian.Uint32(f[4:])]
}

func (f eventFrame) payload() []byte {
	return f[eventPrelude+binary.BigEndian.Uint32(f[4:]) : len(f)-4]
}

// readEventFrame reads a message into buf, which grows with what arrives.
func readEventFrame(r io.Reader, buf []byte) ([]byte, error) {
	buf = slices.Grow(buf[:0], eventPrelude)[:eventPrelude]
	if _, err := io.ReadFull(r, buf); err != nil {
		return buf, err
	}
	total := int64(binary.BigEndian.Uint32(buf))
	headers := int64(binary.BigEndian.Uint32(buf[4:]))
	if crc32.ChecksumIEEE(buf[:8]) != binary.BigEndian.Uint32(buf[8:]) {
		return buf, fmt.Errorf("%w: the checksum of a message's lengths is wrong", ErrEvent)
	}
	if headers > maxEventHeaders || total < eventOverhead+headers || total-headers > eventOverhead+maxEventPayload {
		return buf, fmt.Errorf("%w: a message of %d bytes with headers of %d is not possible", ErrEvent, total, headers)
	}
	for int64(len(buf)) < total {
		have := len(buf)
		if have == cap(buf) {
			buf = slices.Grow(buf, max(have, 4<<10))
		}
		n, err := r.Read(buf[have:min(int64(cap(buf)), total)])
		buf = buf[:have+n]
		if err != nil && int64(len(buf)) < total {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return buf, err
		}
	}
	body := buf[:total-4]
	if crc32.ChecksumIEEE(body) != binary.BigEndian.Uint32(buf[total-4:]) {
		return buf, fmt.Errorf("%w: the checksum of a message is wrong", ErrEvent)
	}
	return buf, nil
}

// parseEventHeaders decodes a header block.
func parseEventHeaders(b []byte) ([]EventHeader, error) {
	var list []EventHeader
	for len(b) > 0 {
		n := int(b[0])
		if n == 0 || len(b) < 1+n+1 || !utf8.Valid(b[1:1+n]) {
			return nil, errEventHeader()
		}
		h := EventHeader{Name: string(b[1 : 1+n])}
		rest, err := h.decode(b[1+n], b[1+n+1:])
		if err != nil {
			return nil, err
		}
		list, b = append(list, h), rest
	}
	return list, nil
}

// decode reads a value of the kind from the front of b.
func (h *EventHeader) decode(kind byte, b []byte) ([]byte, error) {
	var n int
	switch kind {
	case eventTrue, eventFalse:
	case eventByte:
		n = 1
	case eventShort:
		n = 2
	case eventInteger:
		n = 4
	case eventLong, eventTimestamp:
		n = 8
	case eventUUID:
		n = 16
	case eventBytes, eventString:
		if len(b) < 2 {
			return nil, errEventHeader()
		}
		n, b = int(binary.BigEndian.Uint16(b)), b[2:]
	default:
		return nil, errEventHeader()
	}
	if len(b) < n {
		return nil, errEventHeader()
	}
	h.Value = eventValue(kind, b[:n])
	return b[n:], nil
}

func eventValue(kind byte, v []byte) any {
	switch kind {
	case eventTrue, eventFalse:
		return kind == eventTrue
	case eventByte:
		return int8(v[0])
	case eventShort:
		return int16(binary.BigEndian.Uint16(v))
	case eventInteger:
		return int32(binary.BigEndian.Uint32(v))
	case eventLong:
		return int64(binary.BigEndian.Uint64(v))
	case eventTimestamp:
		return time.UnixMilli(int64(binary.BigEndian.Uint64(v))).UTC()
	case eventUUID:
		return [16]byte(v)
	case eventString:
		return string(v)
	default: // eventBytes, the last
		return slices.Clone(v)
	}
}
