// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// EncryptionContext is the set of pairs that a message authenticates and does
// not encrypt. It is stored in the message in the clear and, with KMS, written
// to CloudTrail: put no secret in it. Keys and values are UTF-8, keys that
// start with "aws-crypto-" are reserved, and the serialized whole is at most
// 65,535 bytes.
//
// https://docs.aws.amazon.com/encryption-sdk/latest/developer-guide/concepts.html#encryption-context
type EncryptionContext map[string]string

const (
	reservedPrefix = "aws-crypto-"
	publicKeyEntry = "aws-crypto-public-key"
	maxField       = 65535 // what a u16 length can say
)

// check applies ENV-12 and the limit on pairs.
func (c EncryptionContext) check(maxPairs int) error {
	if len(c) > min(maxPairs, maxField) {
		return fail(ErrLimit, strconv.Itoa(len(c))+" encryption context pairs")
	}
	if len(c) == 0 {
		return nil
	}
	total := 2
	for k, v := range c {
		if !utf8.ValidString(k) || !utf8.ValidString(v) {
			return fail(ErrEncryptionContext, "a key or value is not UTF-8")
		}
		if len(k) > maxField || len(v) > maxField {
			return fail(ErrEncryptionContext, "a key or value is longer than 65535 bytes")
		}
		if total += 4 + len(k) + len(v); total > maxField {
			return fail(ErrEncryptionContext, "serialized it is longer than 65535 bytes")
		}
	}
	return nil
}

// checkReserved refuses keys that belong to the format (ENV-15).
func (c EncryptionContext) checkReserved() error {
	for k := range c {
		if strings.HasPrefix(k, reservedPrefix) {
			return fail(ErrEncryptionContext, "keys that start with aws-crypto- are reserved")
		}
	}
	return nil
}

// appendContext appends the serialization of the pairs whose keys keep
// accepts: nothing for none, else a count and the pairs sorted by key
// (ENV-11). The context has passed check.
func appendContext(dst []byte, c EncryptionContext, keep func(string) bool) []byte {
	var room [8]string
	keys := room[:0]
	for k := range c {
		if keep == nil || keep(k) {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return dst
	}
	slices.Sort(keys)
	dst = slices.Grow(dst, contextSize(c, keys))
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(keys)))
	for _, k := range keys {
		dst = appendField(dst, k)
		dst = appendField(dst, c[k])
	}
	return dst
}

// contextSize is the bytes of the serialization of the pairs.
func contextSize(c EncryptionContext, keys []string) int {
	n := 2
	for _, k := range keys {
		n += 4 + len(k) + len(c[k])
	}
	return n
}

// appendField appends a u16 length and the bytes.
func appendField[T string | []byte](dst []byte, field T) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(field)))
	return append(dst, field...)
}

// parsedContext is a stored context and the leniencies its bytes needed.
type parsedContext struct {
	pairs     EncryptionContext
	unsorted  bool // pairs were not in ascending order of their keys
	zeroCount bool // a count of no pairs was written
}

// parseContext reads the context section of a header. base is where it starts
// in the message, for errors.
func parseContext(section []byte, base int64, maxPairs int) (parsedContext, error) {
	if len(section) == 0 {
		return parsedContext{}, nil
	}
	if len(section) < 2 {
		return parsedContext{}, failAt(ErrFormat, base, "encryption context cut short")
	}
	count := int(binary.BigEndian.Uint16(section))
	if count > maxPairs {
		return parsedContext{}, failAt(ErrLimit, base, strconv.Itoa(count)+" encryption context pairs")
	}
	// One copy makes every key and value; bounded by the section, not by count.
	p := contextParser{text: string(section), pos: 2, base: base}
	out := parsedContext{zeroCount: count == 0}
	previous := ""
	for i := range count {
		key, value, err := p.pair()
		if err != nil {
			return parsedContext{}, err
		}
		if out.pairs == nil {
			out.pairs = EncryptionContext{}
		}
		if _, twice := out.pairs[key]; twice {
			return parsedContext{}, failAt(ErrFormat, base, "duplicate encryption context key")
		}
		out.pairs[key] = value
		out.unsorted = out.unsorted || i > 0 && key < previous
		previous = key
	}
	if p.pos != len(p.text) {
		return parsedContext{}, failAt(ErrFormat, base+int64(p.pos), "surplus bytes in the encryption context")
	}
	return out, nil
}

type contextParser struct {
	text string
	pos  int
	base int64
}

func (p *contextParser) pair() (key, value string, err error) {
	if key, err = p.field(); err == nil {
		value, err = p.field()
	}
	return key, value, err
}

func (p *contextParser) field() (string, error) {
	rest := p.text[p.pos:]
	if len(rest) < 2 {
		return "", failAt(ErrFormat, p.base+int64(p.pos), "encryption context cut short")
	}
	n := int(rest[0])<<8 | int(rest[1])
	if len(rest) < 2+n {
		return "", failAt(ErrFormat, p.base+int64(p.pos), "encryption context cut short")
	}
	field := rest[2 : 2+n]
	if !utf8.ValidString(field) {
		return "", failAt(ErrFormat, p.base+int64(p.pos), "encryption context is not UTF-8")
	}
	p.pos += 2 + n
	return field, nil
}
