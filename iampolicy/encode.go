// SPDX-License-Identifier: Apache-2.0

package iampolicy

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// The encoding of a Set: a magic word, a version, what the Set was compiled
// as, the name and text of each policy, and the SHA-256 of all before it.
// Numbers are uvarints; texts and names have their length before them. What is
// stored is the documents and not what they compile to: so bytes that somebody
// made up cannot describe a Set that Compile would not make, and a Set that is
// read decides by the rules of the package that reads it.
const (
	encodingMagic   = "sallyport-iampolicy-set\n"
	encodingVersion = 1

	maxEncoded           = 64 << 20 // bytes
	maxEncodedPattern    = 64 << 10
	maxEncodedStatements = 1_000_000
	maxEncodedPolicies   = 100_000
)

// The switches of Options, as bits.
const (
	encodedLenient = 1 << iota
	encodedMultivaluedAsAny
	encodedLiteralServiceWildcard
	encodedOpenNotResource
	encodedFlags // one more than all of them
)

// MarshalBinary encodes the set, so that it can be shipped to another process:
// UnmarshalBinary there makes a Set that decides alike. The encoding is for
// transport and short storage; a later version of the package may refuse it. It
// is at most 64 MiB, of at most 1,000,000 statements and, where Options raised
// MaxPattern, of patterns of at most 64 KiB; for more the error wraps ErrLimit.
func (s *Set) MarshalBinary() ([]byte, error) {
	if s == nil || !s.kind.valid() {
		return nil, fmt.Errorf("%w: a Set that was not compiled", ErrUnsupported)
	}
	size := len(encodingMagic) + 128 + len(s.opts.Level)
	for _, p := range s.policies {
		size += 2*binary.MaxVarintLen64 + len(p.Name) + len(p.src)
	}
	out := append(make([]byte, 0, size), encodingMagic...)
	out = binary.AppendUvarint(out, encodingVersion)
	out = append(out, byte(s.kind), s.opts.flags(), byte(s.opts.NotPrincipal))
	out = binary.AppendUvarint(out, uint64(or(s.opts.MaxStatements, defaultMaxStatements)))
	out = binary.AppendUvarint(out, uint64(or(s.opts.MaxPattern, defaultMaxPattern)))
	out = appendText(out, s.opts.Level)
	out = binary.AppendUvarint(out, uint64(len(s.policies)))
	for _, p := range s.policies {
		out = appendText(out, p.Name)
		out = appendText(out, p.src)
	}
	sum := sha256.Sum256(out)
	if out = append(out, sum[:]...); len(out) > maxEncoded || len(s.policies) > maxEncodedPolicies ||
		s.opts.MaxStatements > maxEncodedStatements || s.opts.MaxPattern > maxEncodedPattern {
		return nil, fmt.Errorf("%w: a set too large to encode", ErrLimit)
	}
	return out, nil
}

func (o *Options) flags() (bits byte) {
	for i, on := range [...]bool{o.Lenient, o.MultivaluedAsAny, o.LiteralServiceWildcard, o.OpenNotResource} {
		if on {
			bits |= 1 << i
		}
	}
	return bits
}

func appendText(out []byte, text string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(text))), text...)
}

// UnmarshalBinary makes the zero Set the one that MarshalBinary encoded, by
// compiling its documents again; it uses memory in proportion to data. Bytes
// that were cut, changed or never were a Set give an error that wraps
// ErrEncoding, those of another version of the encoding one that wraps
// ErrUnsupported, and documents that do not compile the error of Compile; the
// Set is then as it was. Never call it on a Set that is in use: make a new one
// and swap the pointer.
//
// The checksum finds accidents and not forgery: whoever can change the bytes
// can make the policies say anything. Take them from a place that only you can
// write, or sign them.
func (s *Set) UnmarshalBinary(data []byte) error {
	o, kind, policies, err := decodeSet(data)
	if err != nil {
		return err
	}
	made, err := o.Compile(kind, policies...)
	if err != nil {
		return err
	}
	*s = *made
	return nil
}

func encodingError(reason string) error { return fmt.Errorf("%w: %s", ErrEncoding, reason) }

// decodeSet reads an encoding and parses its documents.
func decodeSet(data []byte) (o Options, kind Kind, policies []*Policy, err error) {
	d := decoder{rest: data}
	switch {
	case len(data) > maxEncoded:
		return o, 0, nil, fmt.Errorf("%w: an encoded set of more than %d bytes", ErrLimit, maxEncoded)
	case !bytes.HasPrefix(data, []byte(encodingMagic)):
		return o, 0, nil, encodingError("it does not begin like one")
	}
	d.rest = d.rest[len(encodingMagic):]
	if version := d.number(1 << 32); d.bad == "" && version != encodingVersion {
		return o, 0, nil, fmt.Errorf("%w: a set in version %d of the encoding, where this package reads version %d: compile it again", ErrUnsupported, version, encodingVersion)
	}
	if !d.checked(data) {
		return o, 0, nil, encodingError("it was cut or changed: the checksum differs")
	}
	kind, o = d.options()
	n := d.number(maxEncodedPolicies)
	for range n {
		var p *Policy
		name := d.text()
		text := d.text()
		if d.bad != "" {
			break
		}
		o.MaxBytes = max(1, len(text))
		if p, err = o.Parse([]byte(text)); err != nil {
			return o, 0, nil, err
		}
		p.Name = name
		policies = append(policies, p)
	}
	o.MaxBytes = 0
	if len(d.rest) > 0 {
		d.fail("bytes behind the last policy")
	}
	if d.bad != "" {
		return o, 0, nil, encodingError(d.bad)
	}
	return o, kind, policies, nil
}

// decoder reads an encoding; bad says what was wrong first.
type decoder struct {
	rest []byte
	bad  string
}

// checked reports whether data ends in its checksum, and takes it off.
func (d *decoder) checked(data []byte) bool {
	if d.bad != "" || len(d.rest) < sha256.Size {
		return false
	}
	d.rest = d.rest[:len(d.rest)-sha256.Size]
	sum := sha256.Sum256(data[:len(data)-sha256.Size])
	return bytes.Equal(sum[:], data[len(data)-sha256.Size:])
}

func (d *decoder) fail(reason string) {
	if d.bad == "" {
		d.bad = reason
	}
}

func (d *decoder) number(most uint64) uint64 {
	n, size := binary.Uvarint(d.rest)
	switch {
	case d.bad != "":
		return 0
	case size <= 0:
		d.fail("it ends in the middle of a number")
		return 0
	case n > most:
		d.fail("a number is out of range")
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) text() string {
	n := d.number(uint64(len(d.rest)))
	if n > uint64(len(d.rest)) {
		d.fail("it ends in the middle of a text")
	}
	if d.bad != "" {
		return ""
	}
	text := string(d.rest[:n])
	d.rest = d.rest[n:]
	return text
}

// options reads what the set was compiled as.
func (d *decoder) options() (Kind, Options) {
	kind, flags, spared := Kind(d.number(255)), d.number(255), NotPrincipalMode(d.number(255))
	statements, pattern := d.number(maxEncodedStatements), d.number(maxEncodedPattern)
	switch {
	case d.bad != "":
	case !kind.valid():
		d.fail("there is no such kind of policies")
	case flags >= encodedFlags, spared > LooseNotPrincipal:
		d.fail("an option that this package does not know")
	case statements == 0, pattern == 0:
		d.fail("a limit of nothing")
	}
	return kind, Options{
		Lenient: flags&encodedLenient != 0, MultivaluedAsAny: flags&encodedMultivaluedAsAny != 0,
		LiteralServiceWildcard: flags&encodedLiteralServiceWildcard != 0, OpenNotResource: flags&encodedOpenNotResource != 0,
		NotPrincipal: spared, MaxStatements: int(statements), MaxPattern: int(pattern), Level: d.text(),
	}
}
