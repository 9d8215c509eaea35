// SPDX-License-Identifier: Apache-2.0

package envelope

import (
	"encoding/binary"
	"slices"
	"strconv"
	"unicode/utf8"
)

// EncryptedDataKey is one wrapped copy of a message's data key. Each field is
// at most 65,535 bytes; ProviderID is UTF-8.
type EncryptedDataKey struct {
	ProviderID   string // which kind of key provider wrapped it: "aws-kms", or a raw keyring's namespace
	ProviderInfo []byte // which of the provider's keys: a KMS key ARN, or a raw keyring's key name
	Ciphertext   []byte // the wrapped data key
}

// Header is the authenticated header of a message. It is the caller's own
// copy.
type Header struct {
	Suite             Suite              // the algorithm suite
	MessageID         []byte             // 16 bytes in format version 1, 32 in version 2
	Context           EncryptionContext  // every authenticated pair: stored ones and those the caller reproduced
	RequiredKeys      []string           // the keys of Context that the message does not store, sorted
	EncryptedDataKeys []EncryptedDataKey // in the message's order
	FrameLength       int64              // plaintext bytes of a regular frame; 0 for non-framed messages
	Length            int                // bytes of the header, its authentication included
}

const (
	contentNonFramed = 1
	contentFramed    = 2
	typeCustomer     = 0x80 // the only type of version 1
	commitKeyLen     = 32
	ivLen            = 12
	tagLen           = 16
)

// header is a parsed header: nothing in it is authentic before verify.
type header struct {
	spec      *suiteSpec
	messageID []byte
	context   parsedContext
	edks      []EncryptedDataKey
	framed    bool
	frameLen  uint32
	commitKey []byte // version 2 only
	iv        []byte // of the header tag: stored in version 1, zeros in version 2
	tag       []byte
	body      []byte // what the tag covers
	raw       []byte // body and authentication: what the signature covers

	one [1]EncryptedDataKey // what edks is of when there is one, as nearly always
}

// limits are the bounds of a client on what it reads and writes (ENV-6, ENV-7).
type limits struct {
	frameLen    int64
	headerBytes int
	pairs       int
	edks        int // 0: none
	nonFramed   int64
	provider    string // key provider id to expect, for which no string is made
}

// parse reads one header from src, stopping at the first fault.
func (h *header) parse(src *source, lim limits) error {
	p := headerParser{src: src, lim: lim}
	p.start(h)
	if p.err == nil {
		p.contextSection(h)
		p.dataKeys(h)
		p.content(h)
		p.auth(h)
	}
	return p.err
}

// headerParser reads fields until the first error, which it keeps.
type headerParser struct {
	src *source
	lim limits
	err error
}

// next returns the next n bytes of the header.
func (p *headerParser) next(n int) []byte {
	if p.err != nil {
		return nil
	}
	if p.src.pos+n > p.lim.headerBytes {
		p.fail(ErrLimit, "header longer than "+strconv.Itoa(p.lim.headerBytes)+" bytes")
		return nil
	}
	var b []byte
	b, p.err = p.src.next(n)
	return b
}

func (p *headerParser) fail(kind error, detail string) {
	if p.err == nil {
		p.err = failAt(kind, int64(p.src.pos), detail)
	}
}

func (p *headerParser) u8() byte {
	if b := p.next(1); b != nil {
		return b[0]
	}
	return 0
}

func (p *headerParser) u16() int {
	if b := p.next(2); b != nil {
		return int(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (p *headerParser) u32() uint32 {
	if b := p.next(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// start reads version, type, suite and message id.
func (p *headerParser) start(h *header) {
	version := p.u8()
	if p.err == nil && version == 'A' {
		if second := p.u8(); p.err == nil && (second == 'Y' || second == 'g') {
			p.fail(ErrLooksBase64, "it starts with A"+string(rune(second)))
			return
		}
		p.err = nil
	}
	if p.err == nil && version != 1 && version != 2 {
		p.fail(ErrFormat, "unknown format version")
	}
	if version == 1 {
		if kind := p.u8(); p.err == nil && kind != typeCustomer {
			p.fail(ErrFormat, "unknown message type")
		}
	}
	id := Suite(p.u16())
	if p.err != nil {
		return
	}
	if h.spec = id.spec(); h.spec == nil {
		p.fail(ErrUnsupportedSuite, "id "+id.hex())
		return
	}
	if h.spec.version != version {
		p.fail(ErrFormat, "suite "+id.hex()+" does not go with this format version")
		return
	}
	h.messageID = p.next(h.spec.messageIDLen())
}

func (p *headerParser) contextSection(h *header) {
	section := p.next(p.u16())
	if p.err == nil {
		h.context, p.err = parseContext(section, int64(p.src.pos-len(section)), p.lim.pairs)
	}
}

func (p *headerParser) dataKeys(h *header) {
	count := p.u16()
	switch {
	case p.err != nil:
		return
	case count == 0:
		p.fail(ErrFormat, "no encrypted data keys")
	case p.lim.edks > 0 && count > p.lim.edks:
		p.fail(ErrLimit, strconv.Itoa(count)+" encrypted data keys")
	case count == 1: // by far the most common
		h.edks = h.one[:0]
	}
	for range count {
		id := p.next(p.u16())
		info := p.next(p.u16())
		ciphertext := p.next(p.u16())
		if p.err != nil {
			return
		}
		if !utf8.Valid(id) {
			p.fail(ErrFormat, "key provider id is not UTF-8")
			return
		}
		provider := p.lim.provider
		if string(id) != provider {
			provider = string(id)
		}
		h.edks = append(h.edks, EncryptedDataKey{provider, info, ciphertext})
	}
}

// content reads content type, frame length and what stands around them.
func (p *headerParser) content(h *header) {
	kind := p.u8()
	if p.err == nil && kind != contentNonFramed && kind != contentFramed {
		p.fail(ErrFormat, "unknown content type")
	}
	h.framed = kind == contentFramed
	if h.spec.version == 1 {
		if reserved := p.u32(); reserved != 0 {
			p.fail(ErrFormat, "reserved bytes are not zero")
		}
		if n := p.u8(); p.err == nil && n != ivLen {
			p.fail(ErrFormat, "IV length is not 12")
		}
	}
	h.frameLen = p.u32()
	switch {
	case p.err != nil:
	case h.framed && h.frameLen == 0:
		p.fail(ErrFormat, "framed message with frame length 0")
	case !h.framed && h.frameLen != 0:
		p.fail(ErrFormat, "non-framed message with a frame length")
	case int64(h.frameLen) > p.lim.frameLen:
		p.fail(ErrLimit, "frame length "+strconv.FormatUint(uint64(h.frameLen), 10))
	}
	if h.spec.committing {
		h.commitKey = p.next(commitKeyLen)
	}
}

// zeroIV is the header IV of version 2, and of what this package writes.
var zeroIV [ivLen]byte

func (p *headerParser) auth(h *header) {
	end := p.src.pos
	h.iv = zeroIV[:]
	if h.spec.version == 1 {
		h.iv = p.next(ivLen)
	}
	h.tag = p.next(tagLen)
	h.raw = p.src.consumed()
	if p.err == nil {
		h.body = h.raw[:end]
	}
}

// public returns the caller's copy of an authenticated header.
func (in *incoming) public() *Header {
	h := &in.header
	out := &in.handed.header
	out.copy(h.messageID, h.edks, in.handed.own[:0], in.handed.block[:])
	out.Suite = h.spec.id
	out.Context = in.materials.Context
	out.RequiredKeys = in.materials.RequiredKeys
	out.FrameLength = int64(h.frameLen)
	out.Length = len(h.raw)
	return out
}

// copy gives h copies of message id and keys, in the memory given as far as
// that has room: what they hold in one block.
func (h *Header) copy(messageID []byte, edks, keys []EncryptedDataKey, room []byte) {
	total := len(messageID)
	for i := range edks {
		total += len(edks[i].ProviderInfo) + len(edks[i].Ciphertext)
	}
	block := take(&room, total)[:0]
	next := func(b []byte) []byte {
		start := len(block)
		block = append(block, b...)
		return block[start:len(block):len(block)]
	}
	h.MessageID = next(messageID)
	h.EncryptedDataKeys = slices.Grow(keys, len(edks))
	for i := range edks {
		h.EncryptedDataKeys = append(h.EncryptedDataKeys, EncryptedDataKey{edks[i].ProviderID, next(edks[i].ProviderInfo), next(edks[i].Ciphertext)})
	}
}
