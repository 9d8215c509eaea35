// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"time"
)

// The encoded headers of a signed frame (SIG-63): :date, a timestamp, and
// :chunk-signature, 32 raw bytes. Only the first is hashed.
const (
	eventDateHeader = "\x05:date\x08"
	eventSigHeader  = "\x10:chunk-signature\x06\x00\x20"
	eventDateLen    = len(eventDateHeader) + 8
	eventHeadersLen = eventDateLen + len(eventSigHeader) + sha256.Size
)

// eventLine begins the string to sign of a frame.
const eventLine = algorithmHMAC + "-PAYLOAD\n"

// eventChain is the rolling signature of an event stream (SIG-62). The scope
// and the key follow the date of the frame, so a stream that runs over midnight
// UTC changes both.
type eventChain struct {
	key func(day string) (*signingKey, Scope, error) // of a day, YYYYMMDD

	day    string
	mac    hash.Hash
	prev   [sha256.Size]byte
	sig    [sha256.Size]byte
	sum    [sha256.Size]byte
	hash   hash.Hash
	stamp  [amzDateLen]byte
	text   []byte // the string to sign
	fixed  int    // of it, the bytes that stay for the day, the stamp excepted
	header [eventDateLen]byte
}

func newEventChain(seed [sha256.Size]byte, key func(day string) (*signingKey, Scope, error)) *eventChain {
	return &eventChain{key: key, prev: seed, hash: sha256.New(), text: make([]byte, 0, 512)}
}

// compute sets sig to the signature of a frame.
func (c *eventChain) compute(millis int64, payload []byte) error {
	appendAmzDate(c.stamp[:0], time.UnixMilli(millis))
	if err := c.roll(); err != nil {
		return err
	}
	binary.BigEndian.PutUint64(append(c.header[:0], eventDateHeader...)[:eventDateLen][len(eventDateHeader):], uint64(millis))
	copy(c.text[len(eventLine):], c.stamp[:])
	t := appendHex(c.text[:c.fixed], c.prev[:])
	t = append(t, '\n')
	t = c.appendHash(t, c.header[:])
	t = append(t, '\n')
	t = c.appendHash(t, payload)
	c.text = t
	c.mac.Reset()
	c.mac.Write(t)
	c.mac.Sum(c.sig[:0])
	return nil
}

func (c *eventChain) appendHash(dst, data []byte) []byte {
	c.hash.Reset()
	c.hash.Write(data)
	c.hash.Sum(c.sum[:0])
	return appendHex(dst, c.sum[:])
}

// roll takes the key and the scope of the day of stamp.
func (c *eventChain) roll() error {
	if c.mac != nil && string(c.stamp[:8]) == c.day {
		return nil
	}
	day := string(c.stamp[:8])
	key, scope, err := c.key(day)
	if err != nil {
		return err
	}
	c.mac, c.day = hmac.New(sha256.New, key.key[:]), day
	c.text = append(append(c.text[:0], eventLine...), c.stamp[:]...)
	c.text = append(scope.appendTo(append(c.text, '\n')), '\n')
	c.fixed = len(c.text)
	return nil
}

// EventSigner signs the frames of one event stream, each chained to the one
// before. It is for one goroutine at a time; [Signer.EventSigner] makes it from
// the signed request that opened the stream.
type EventSigner struct {
	chain *eventChain
	now   func() time.Time
	ended bool
}

// EventSigner returns the signer of the frames that follow a request signed
// with PayloadEvents: pass what Sign returned for it, and the same credentials.
// Dates come from Signer.Now, one per frame. The errors are ErrConfig, for a
// Signer of another algorithm or another request's result, ErrCredentials and
// ErrFIPS.
func (s *Signer) EventSigner(seed *Signed, c Credentials) (*EventSigner, error) {
	if s.Algorithm != AlgorithmV4 || seed == nil {
		return nil, fmt.Errorf("%w: events are signed with %s, after a request", ErrConfig, AlgorithmV4)
	}
	sig, err := ParseSignature(seed.Signature)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	scope := seed.Scope
	key := func(day string) (*signingKey, Scope, error) {
		of := Scope{Date: day, Region: scope.Region, Service: scope.Service}
		k, err := s.cache.get(c.SecretAccessKey, &of, s.KeyCache)
		return k, of, err
	}
	return &EventSigner{chain: newEventChain(sig.sum, key), now: s.Now}, nil
}

// AppendFrame appends to dst the signed frame that carries a message, the
// encoding of an [Event], and returns the longer slice. An empty message is
// the frame that ends the stream: it must be sent, or the receiver takes the
// stream for cut off, and nothing can be signed after it. A message over 16 MiB
// is ErrEvent. It does not allocate where dst has room.
func (s *EventSigner) AppendFrame(dst, message []byte) ([]byte, error) {
	if s.ended {
		return dst, errEventEnded()
	}
	if len(message) > maxEventPayload {
		return dst, errEventLong()
	}
	now := clock(s.now)
	if !isSigningTime(now) {
		return dst, fmt.Errorf("%w: Signer.Now is outside the years 1 to 9999", ErrConfig)
	}
	millis := now.UnixMilli()
	if err := s.chain.compute(millis, message); err != nil {
		return dst, err
	}
	s.chain.prev = s.chain.sig
	s.ended = len(message) == 0
	return s.frame(dst, message), nil
}

func (s *EventSigner) frame(dst, message []byte) []byte {
	start := len(dst)
	var prelude [eventPrelude]byte
	dst = append(dst, prelude[:]...)
	dst = append(dst, s.chain.header[:]...)
	dst = append(dst, eventSigHeader...)
	dst = append(dst, s.chain.sig[:]...)
	dst = append(dst, message...)
	return sealEvent(dst, start, eventHeadersLen)
}
